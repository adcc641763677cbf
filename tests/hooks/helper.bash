# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Loaded by the tests of the hook.

bats_require_minimum_version 1.5.0

SOURCE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${VB_BUILD:-$SOURCE/build}
HOOK=$SOURCE/hooks/vps-backup
VPS=6f1c2a0e-94b7-4d5c-8a39-0d7e52b1c4f8
OTHER=0a4bd3c7-1122-4333-9444-a5b6c7d8e9f0
STATE=/var/lib/vps-backup
LOCK=$STATE/locks/$VPS
SETTINGS=/etc/vps-backup/locks-dir

# shellcheck disable=SC2034 # for the tests
CREATED="VPS web1: a backup is being created; it can be started when that has finished."
# shellcheck disable=SC2034
RESTORED="VPS web1: a backup is being restored; it can be started when that has finished."

setup() {
  if [ -z "${VB_LAB:-}" ]; then
    echo "these tests write to /etc and /var/lib: run them through tests/hooks/run-bats"
    return 1
  fi
  rm -rf "$STATE/locks" "$SETTINGS"
  owner=''
}

teardown() {
  kill_owner
}

# Starts a live owner: own WORD [STATE FOLDER]. Its pipes stay open here, so that nothing it said is lost when it ends.
own() {
  owner_in=$BATS_TEST_TMPDIR/in
  owner_out=$BATS_TEST_TMPDIR/out
  rm -f "$owner_in" "$owner_out"
  mkfifo "$owner_in" "$owner_out"
  exec 6<>"$owner_in" 7<>"$owner_out"
  "$BUILD/tests/hooks/lock-owner" "${2:-$STATE}" "$VPS" "$1" <&6 >&7 3>&- 6>&- 7>&- &
  owner=$!
  hear "$1"
}

hear() {
  local said
  read -r -t 30 said <&7
  [ "$said" = "$1" ]
}

# Lets the owner change its lock to another word, or release it.
tell() {
  echo "$1" >&6
  hear "$1"
}

kill_owner() {
  [ -n "$owner" ] || return 0
  kill -KILL "$owner" 2>/dev/null || true
  wait "$owner" 2>/dev/null || true
  exec 6>&- 7>&-
  owner=''
}

# Makes a lock file that nobody holds, with exactly this content (printf's format).
leave() {
  mkdir -p "$STATE/locks"
  # shellcheck disable=SC2059
  printf "$1" >"$LOCK"
}

# What libvirt 9 hands over, shortened: xml NAME UUID
xml() {
  cat <<XML
<domain type='kvm'>
  <name>$1</name>
  <uuid>$2</uuid>
  <metadata>
    <x:uuid xmlns:x="urn:example">$OTHER</x:uuid>
    <uuid>$OTHER</uuid>
  </metadata>
  <sysinfo type='smbios'><system><entry name='uuid'>$OTHER</entry></system></sysinfo>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
XML
}

# Runs the hook under every shell that may be /bin/sh, with stdin of this function; checks status, stderr and the empty stdout.
# expect STATUS STDERR [ARGUMENT]…
expect() {
  local wanted=$1 words=$2 shell
  shift 2
  [ $# -gt 0 ] || set -- web1 prepare begin -
  cat >"$BATS_TEST_TMPDIR/xml"
  for shell in '' 'busybox sh' 'bash --posix'; do
    # shellcheck disable=SC2086,SC2154
    run --separate-stderr $shell "$HOOK" "$@" <"$BATS_TEST_TMPDIR/xml"
    # shellcheck disable=SC2154
    if [ "$status" -ne "$wanted" ] || [ "$stderr" != "$words" ] || [ -n "$output" ]; then
      printf 'shell "%s", arguments "%s":\nstatus %s instead of %s\nstderr: %s\nwanted: %s\nstdout: %s\n' \
        "$shell" "$*" "$status" "$wanted" "$stderr" "$words" "$output"
      return 1
    fi
  done
}

expect_allowed() {
  xml web1 "$VPS" | expect 0 ''
}

expect_refused() {
  xml web1 "$VPS" | expect 1 "$1"
}
