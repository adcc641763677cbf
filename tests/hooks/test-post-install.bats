#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later

load helper

FOLDER=/etc/libvirt/hooks/qemu.d

setup() {
  [ -n "${VB_LAB:-}" ]
  rm -rf "${FOLDER:?}"/* "${FOLDER%.d}"
  install -m 755 "$HOOK" "$FOLDER/vps-backup"
  rm -f /run/virtqemud.pid
  daemon=$(</run/libvirtd.pid)
  cp /run/libvirtd.pid "$BATS_TEST_TMPDIR/pid"
}

teardown() {
  cp "$BATS_TEST_TMPDIR/pid" /run/libvirtd.pid
  rm -rf "${FOLDER:?}"/* "${FOLDER%.d}"
}

say() {
  run "$SOURCE/hooks/post-install" "${1:-$FOLDER}"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "the first hook of a running daemon: says how to tell it" {
  say
  [[ $output == "libvirtd runs and does not know the hook yet"*"kill -HUP $daemon "* ]]
  [ "${#lines[@]}" -eq 1 ]
}

@test "the first hook of a running virtqemud: says how to tell it" {
  rm /run/libvirtd.pid
  echo $$ >/run/virtqemud.pid
  say
  [[ $output == "virtqemud runs"*"kill -HUP $$ "* ]]
}

@test "no daemon runs: silent" {
  rm /run/libvirtd.pid
  say
  [ -z "$output" ]
  sh -c 'exit 0' &
  echo $! >/run/libvirtd.pid
  wait $!
  say
  [ -z "$output" ]
  : >/run/libvirtd.pid
  say
  [ -z "$output" ]
}

@test "somebody else's hook is there already: silent" {
  install -m 755 /dev/null "$FOLDER/other"
  say
  [ -z "$output" ]
  chmod 644 "$FOLDER/other" # libvirt does not run it, so it does not count
  say
  [ -n "$output" ]
  install -m 755 /dev/null "${FOLDER%.d}"
  say
  [ -z "$output" ]
}

@test "another folder than libvirt's: says so" {
  say /usr/local/etc/libvirt/hooks/qemu.d
  [[ $output == *"/usr/local/etc/libvirt/hooks/qemu.d"*"--sysconfdir=/etc"* ]]
}

@test "a package is being made: silent" {
  DESTDIR=$BATS_TEST_TMPDIR say
  [ -z "$output" ]
}

@test "meson installs the hook where the protocol says, executable, and nothing else beside it" {
  run env DESTDIR="$BATS_TEST_TMPDIR/root" meson install -C "$BUILD" --no-rebuild --tags hook
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output != *"kill -HUP"* ]]
  cd "$BATS_TEST_TMPDIR/root"
  run find . -type f -printf '%m %p\n'
  [ "${#lines[@]}" -eq 1 ]
  [[ $output =~ ^755\ .*/etc/libvirt/hooks/qemu.d/vps-backup$ ]]
  cmp "$HOOK" "${output#* }"
}
