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

# vb_listed_packages all|demo; what only tests/check --long needs is in all when VB_LONG is set
vb_listed_packages() {
  local end='^# == Only for tests.check --long'
  [ -z "${VB_LONG:-}" ] || end='^$^' # matches nothing
  [ "$1" = all ] || end='^# == Only for tests.check'
  sed -e "/$end/,\$d" -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$VB_TESTS/packages"
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

# vb_install_packages all|demo
vb_install_packages() {
  local missing=() package
  mkdir -p "$VB_CACHE"
  while read -r package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done < <(vb_listed_packages "$1")
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  vb_apt_update
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
  if ! command -v npm >/dev/null; then
    [ "$(id -u)" -eq 0 ] || vb_die "npm is missing"
    mkdir -p "$VB_CACHE"
    vb_apt_install npm >&2
  fi
  if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 # stdout is for the tests alone
    cp package-lock.json node_modules/.installed
  fi
) 9<"$1/package.json"

# The guest's kernel: unpacked into $VB_CACHE/kernel, which is complete as soon as it has that name.
vb_fetch_kernel() {
  local package work
  [ ! -d "$VB_CACHE/kernel" ] || return 0
  mkdir -p "$VB_CACHE"
  package=$(vb_kernel_package)
  if [ -z "$package" ]; then
    vb_apt_update
    package=$(vb_kernel_package)
  fi
  [ -n "$package" ] || vb_die "no cloud kernel package is known; check the machine's package sources"
  echo "Unpacking $package for the test guest"
  work=$(mktemp -d "$VB_CACHE/.kernel.XXXXXX")
  chmod 755 "$work"
  vb_download "$package" "$work" || {
    VB_APT_UPDATED='' vb_apt_update
    vb_download "$package" "$work" || vb_die "could not download $package"
  }
  dpkg-deb -x "$work"/*.deb "$work/root"
  depmod -b "$work/root" "$(basename "$work"/root/lib/modules/*)"
  mv -T "$work/root" "$VB_CACHE/kernel" 2>/dev/null || [ -d "$VB_CACHE/kernel" ] || vb_die "could not write $VB_CACHE/kernel"
  rm -rf "$work"
}

vb_kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1
}

vb_download() {
  (cd "$2" && apt-get download -qq -o APT::Sandbox::User=root "$1") </dev/null >"$VB_CACHE/apt.log" 2>&1
}
