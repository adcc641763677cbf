# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bare Debian (12, or the release that VB_RELEASE names) with the package installed, booted with systemd as its process 1."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import isolated

SOURCE = pathlib.Path(os.environ["VB_SOURCE"])
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
UNIT = "vps-backupd.service"
POLICY = "#!/bin/sh\nexit 101\n"  # nothing may start what it installs
RELEASE = os.environ.get("VB_RELEASE") or "bookworm"


def build_packages(folder):
    """The packages of this checkout, or those that VB_PACKAGES names: building takes minutes."""
    if "VB_PACKAGES" in os.environ:
        shutil.copytree(os.environ["VB_PACKAGES"], folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("vps-backup"))
    else:
        isolated.run(SOURCE / "plugin/packaging/build-deb", folder)
    return folder


def with_version(package, version):
    """The same programs under another version, as the next release would bring them."""
    tree = package.parent / "next"
    isolated.run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    old = next(line.split()[1] for line in control.read_text().splitlines() if line.startswith("Version:"))
    assert len(old) == len(version) and old != version
    control.write_text(control.read_text().replace(f"Version: {old}", f"Version: {version}"))
    for name in ("usr/sbin/vps-backupd", "usr/bin/vps-backupctl", *(path.relative_to(tree) for path in tree.rglob("vps-backup.so"))):
        data, found = re.subn(rb"(?<![\w.])%b(?![\w.])" % re.escape(old.encode()), version.encode(), (tree / name).read_bytes())
        assert found > 0, name
        (tree / name).write_bytes(data)
    made = package.parent / f"next_{version}.deb"
    isolated.run("dpkg-deb", "--root-owner-group", "-b", tree, made)
    return made


def minimal_system():
    """The folder with what debootstrap makes; the download is kept for the next time."""
    return isolated.run(SOURCE / "tests/hosts/make-root", RELEASE, "bare", env={**os.environ, "VB_CACHE": str(isolated.CACHE)}).splitlines()[-1]


class Bare:
    """The system. Its files are below root, also when it does not run."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.boot_log = folder / "boot.log"
        self.process = None

    def install(self, package):
        """What the package depends on, an emulator, and an init; nothing else."""
        self.root.mkdir()
        isolated.run("cp", "-a", "--reflink=auto", f"{minimal_system()}/.", self.root)
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text(POLICY)
        policy.chmod(0o755)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy(package, self.root / "root/vps-backup.deb")
        for path in pathlib.Path("/var/cache/apt/archives").glob("*.deb"):  # what the machine has need not be fetched again
            with contextlib.suppress(OSError):
                os.link(path, self.root / "var/cache/apt/archives" / path.name)
        self.in_root("apt-get", "update", "-qq")
        self.in_root("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/root/vps-backup.deb", "qemu-system-x86", "systemd-sysv")
        self.in_root("apt-get", "clean")
        policy.unlink()
        return self

    def fetch_release(self, release):
        """Sources and packages of another release, for an upgrade without network. The system may run meanwhile."""
        lines = (self.root / "etc/apt/sources.list").read_text().replace(RELEASE, release).splitlines()
        if release == "testing":  # it has neither updates nor security
            lines = [line for line in lines if f" {release} " in line]
        (self.root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
        self.in_root("apt-get", "update", "-qq")
        self.in_root("apt-get", "full-upgrade", "-y", "-qq", "--download-only")

    def in_root(self, *words):
        return isolated.run("chroot", self.root, *words, env=ENVIRONMENT)

    # ---- while it runs

    def boot(self):
        with open(self.boot_log, "ab") as log:
            self.process = subprocess.Popen([pathlib.Path(__file__).parent / "boot", self.root], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        isolated.wait_until(self._is_up, f"the system has started (see {self.boot_log})")
        return self

    def _is_up(self):
        assert self.process.poll() is None, self.boot_log.read_text()
        return self._init() and self.call("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def _init(self):
        """systemd's process as the machine sees it: boot → unshare → systemd."""
        pid = self.process.pid
        for _ in range(2):
            try:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                return None
            if not children:
                return None
            pid = children[0]
        return pid if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n" else None

    def end(self):
        """Switches it off as a power failure would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def power_off(self):
        self.call("systemctl", "poweroff")
        self.process.wait(180)
        self.process = None

    def call(self, *words):
        return subprocess.run(["nsenter", "-t", self._init(), "-a", "-r", "-w", "/usr/bin/env", "-i",
                               *(f"{name}={value}" for name, value in ENVIRONMENT.items()), *map(str, words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600)

    def run(self, *words):
        done = self.call(*words)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log()}"
        return done.stdout

    def sh(self, script):
        return self.run("sh", "-euc", script)

    # ---- the service

    def ctl(self, *words):
        """What vps-backupctl answers, for programs."""
        return json.loads(self.run("vps-backupctl", "--json", *words).splitlines()[-1])

    def show(self, name):
        """A property of the unit."""
        return self.run("systemctl", "show", UNIT, "-P", name).strip()

    def log(self, *selection):
        return self.call("journalctl", "-u", UNIT, "--no-pager", "-o", "cat", *selection).stdout

    def configure(self, **keys):
        """Changes keys of the config file, and restarts the service for it."""
        path = self.root / "etc/vps-backup/vps-backup.conf"
        lines = [line for line in path.read_text().splitlines() if line.partition("=")[0].replace("-", "_") not in keys]
        where = lines.index("[operations]") + 1
        path.write_text("\n".join(lines[:where] + [f"{name.replace('_', '-')}={value}" for name, value in keys.items()] + lines[where:]) + "\n")
        self.run("systemctl", "restart", UNIT)


def wait_until(condition, what, deadline_s=120):
    return isolated.wait_until(condition, what, deadline_s, pause_s=0.1)
