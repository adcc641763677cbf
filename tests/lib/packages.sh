# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by tests/check and tests/demo: the Debian packages that they need, and the guest's kernel.

VB_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VB_CACHE=${VB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vps-backup-tests}
export VB_CACHE

vb_die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

vb_need_root() {
  [ "$(id -u)" -eq 0 ] || vb_die "must be run as root, for example: sudo $0"
}

# vb_listed_packages LEVEL: the packages of that level of tests/packages and of those above it; with VB_LONG, all is long
vb_listed_packages() {
  local level=$1
  [ "$level" != all ] || [ -z "${VB_LONG:-}" ] || level=long
  awk -v last="$level:" '
    /^# == / { if (found) exit; found = $3 == last; next }
    { sub(/#.*/, ""); gsub(/[[:space:]]/, ""); if ($0 != "") print }' "$VB_TESTS/packages"
}

vb_is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# vb_choose_package A|B: the alternative that is installed, else the first one that this release has
vb_choose_package() {
  local name names=()
  IFS='|' read -ra names <<<"$1"
  for name in "${names[@]}"; do
    vb_is_installed "$name" && echo "$name" && return
  done
  [ ${#names[@]} -eq 1 ] || for name in "${names[@]}"; do
    LC_ALL=C apt-cache policy "$name" 2>/dev/null | grep -q '^  Candidate: [^(]' && echo "$name" && return
  done
  echo "${names[0]}"
}

# Package lists may be missing (a fresh image) or point at files that the mirror has replaced: fetch them once a run, on demand.
vb_apt_update() {
  [ -z "${VB_APT_UPDATED:-}" ] || return 0
  VB_APT_UPDATED=1
  apt-get update -qq </dev/null >"$VB_CACHE/apt.log" 2>&1 || {
    cat "$VB_CACHE/apt.log" >&2
    vb_die "apt-get update failed"
  }
}

# No service may be started by the installation: the tests run their own libvirt and leave the machine's alone.
# A policy-rc.d that the machine already has is kept.
vb_apt_install() {
  local policy=/usr/sbin/policy-rc.d made='' status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$VB_CACHE/apt.log" 2>&1 || status=$?
  [ -z "$made" ] || rm -f "$policy"
  return "$status"
}

# vb_install_packages LEVEL
vb_install_packages() {
  local missing=() names package
  mkdir -p "$VB_CACHE"
  while read -r names; do
    package=$(vb_choose_package "$names")
    vb_is_installed "$package" && continue
    vb_apt_update # the alternatives may be known only now
    missing+=("$(vb_choose_package "$names")")
  done < <(vb_listed_packages "$1")
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  vb_apt_install "${missing[@]}" || {
    tail -n 40 "$VB_CACHE/apt.log" >&2
    vb_die "these packages could not be installed: ${missing[*]}"
  }
}

# vb_npm_install FOLDER: what its package-lock.json lists, if that has changed. npm comes from wherever node came from: the
# distribution's npm does not go with every node.
vb_npm_install() (
  cd "$1" || exit 1
  flock 9
  ! cmp -s package-lock.json node_modules/.installed || return 0
  if ! command -v npm >/dev/null; then
    [ "$(id -u)" -eq 0 ] || vb_die "npm is missing"
    mkdir -p "$VB_CACHE"
    vb_apt_install npm >&2
  fi
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 # stdout is for the tests alone
  cp package-lock.json node_modules/.installed
) 9<"$1/package.json"

# The guest's kernel: $VB_CACHE/guest-kernel/vmlinuz and modules/, complete as soon as the folder has that name.
vb_fetch_kernel() {
  local packages package work
  [ ! -d "$VB_CACHE/guest-kernel" ] || return 0
  mkdir -p "$VB_CACHE"
  packages=$(vb_kernel_packages)
  if [ -z "$packages" ]; then
    vb_apt_update
    packages=$(vb_kernel_packages)
  fi
  [ -n "$packages" ] || vb_die "no cloud kernel package is known; check the machine's package sources"
  work=$(mktemp -d "$VB_CACHE/.kernel.XXXXXX")
  chmod 755 "$work"
  for package in $packages; do
    echo "Unpacking $package for the test guest"
    vb_download "$package" "$work" || {
      VB_APT_UPDATED='' vb_apt_update
      vb_download "$package" "$work" || vb_die "could not download $package"
    }
  done
  (vb_unpack_kernel "$work") || { rm -rf "$work"; vb_die "could not unpack $packages"; }
  mv -T "$work/kernel" "$VB_CACHE/guest-kernel" 2>/dev/null || [ -d "$VB_CACHE/guest-kernel" ] ||
    vb_die "could not write $VB_CACHE/guest-kernel"
  rm -rf "$work"
}

# The package of the newest cloud kernel; where its parts are packages of their own (since Debian 14), those.
vb_kernel_packages() {
  local image parts
  image=$(vb_depends linux-image-cloud-amd64 'linux-image-[0-9].*-cloud-amd64')
  [ -n "$image" ] || return 0
  parts=$(vb_depends "$image" 'linux-(binary|modules)-.*')
  echo "${parts:-$image}"
}

vb_depends() {
  LC_ALL=C apt-cache depends "$1" 2>/dev/null | sed -nE "s/^ *Depends: ($2)\$/\1/p"
}

# vb_unpack_kernel FOLDER: from its packages to FOLDER/kernel. Image and modules are in /boot and /lib or, newer, in /usr/lib/modules.
vb_unpack_kernel() {
  set -e
  local package image version
  for package in "$1"/*.deb; do
    dpkg-deb -x "$package" "$1/root"
  done
  mkdir "$1/kernel"
  image=$(find "$1/root" -type f -name 'vmlinuz*')
  [ -f "$image" ] # one, not more
  [ -d "$1/root/lib/modules" ] || ln -s usr/lib "$1/root/lib"
  version=$(cd "$1/root/lib/modules" && echo *)
  depmod -b "$1/root" "$version"
  mv "$image" "$1/kernel/vmlinuz"
  mv "$1/root/lib/modules/$version" "$1/kernel/modules"
  grep -q /virtio_blk.ko "$1/kernel/modules/modules.dep" "$1/kernel/modules/modules.builtin"
}

vb_download() {
  (cd "$2" && apt-get download -qq -o APT::Sandbox::User=root "$1") </dev/null >"$VB_CACHE/apt.log" 2>&1
}
