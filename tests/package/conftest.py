# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package on a bare system: minutes, and a few hundred megabytes to fetch the first time, so only with tests/check --long.

VB_PACKAGES=FOLDER takes the packages from there instead of building them."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bare as bares  # noqa: E402


def reason_to_skip():
    if not os.environ.get("VB_LONG"):
        return "takes long: tests/check --long"
    if os.geteuid() != 0:
        return "must be run as root"
    missing = [name for name in ("debootstrap", "dpkg-buildpackage", "dh", "lintian", "nsenter") if not shutil.which(name)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if subprocess.run(["unshare", "--mount", "mount", "-t", "cgroup2", "cgroup2", "/mnt"], capture_output=True, check=False).returncode:
        return "control groups cannot be mounted here, and systemd needs them"
    return None


def pytest_configure():
    if reason := reason_to_skip():
        pytest.exit(reason, returncode=77)  # meson: skipped


@pytest.fixture(scope="session")
def folder():
    with tempfile.TemporaryDirectory(prefix="vps-backup-package.", dir="/var/tmp") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def packages(folder):
    return bares.build_packages(folder / "packages")


@pytest.fixture(scope="session")
def package(packages):
    return next(packages.glob("vps-backup_*.deb"))


@pytest.fixture(scope="session")
def bare(folder, package):
    """Booted, with nothing done yet but the installation."""
    machine = bares.Bare(folder)
    try:
        yield machine.install(package).boot()
    finally:
        machine.end()
