# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tarball of a release, and the RPM packages that are built from it. Debian has rpmbuild, but no RPM of the libraries: it builds and
checks the lists of files, and says nothing about names of dependencies on other systems."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["VB_SOURCE"])
SPEC = "plugin/packaging/rpm/vps-backup.spec"


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    """Of the last commit. Made in a clone: a build folder that was configured for tests takes them along."""
    if not (SOURCE / ".git").exists():
        pytest.skip("only a git checkout makes a release's tarball")
    folder = tmp_path_factory.mktemp("dist")
    run("git", "-c", "safe.directory=*", "clone", "-q", SOURCE, folder / "clone")
    run("meson", "setup", "-Dtests=false", folder / "build", folder / "clone")
    run("meson", "dist", "--no-tests", "-C", folder / "build")
    return next((folder / "build/meson-dist").glob("vps-backup-*.tar.xz"))


def test_tarball_has_all(tarball):
    names = {name.partition("/")[2] for name in run("tar", "-tf", tarball).splitlines()}
    assert {"COPYING", "README.md", "meson.build", "tests/check", SPEC, "plugin/packaging/debian/control"} <= names
    assert not [name for name in names if name.startswith(("build", ".git/"))]


@pytest.fixture(scope="module")
def packages(tarball, tmp_path_factory):
    """Built from nothing but the tarball."""
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    folder = tmp_path_factory.mktemp("rpm")
    run("tar", "-C", folder, "-xf", tarball)
    version = re.search(r"vps-backup-(.*)\.tar", tarball.name).group(1)
    spec = folder / f"vps-backup-{version}" / SPEC
    # An unpackaged file is an error; debuginfo is not ours to test.
    run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {folder}/top", "--define", f"_sourcedir {tarball.parent}", "--define",
        "debug_package %{nil}", "--define", "_unpackaged_files_terminate_build 1", spec, env={**os.environ, "HOME": str(folder)})
    return {path.name.rpartition(f"-{version}-")[0]: path for path in (folder / "top/RPMS").rglob("*.rpm")}


def listed(package, tag):
    return run("rpm", "-qp", "--qf", f"[%{{{tag}}}\\n]", package).split()


def test_files(packages):
    assert sorted(packages) == ["vps-backup", "vps-backup-devel"]
    files = listed(packages["vps-backup"], "FILENAMES")
    for wanted in ("/etc/libvirt/hooks/qemu.d/vps-backup", "/etc/vps-backup/vps-backup.conf", "/etc/vps-backup/keys", "/usr/bin/vps-backupctl",
                   "/usr/share/locale/de/LC_MESSAGES/vps-backup.mo", "/usr/lib/systemd/system/vps-backupd.service",
                   "/etc/apparmor.d/abstractions/libvirt-qemu.d/vps-backup", "/usr/share/vps-backup/selinux-label"):
        assert wanted in files, wanted
    assert [name for name in files if name.endswith("/vps-backup/vps-backup.so")]
    assert not [name for name in files if "test" in name]
    assert [name for name in listed(packages["vps-backup-devel"], "FILENAMES") if name.endswith("vps-backup.pc")]


def test_config_is_the_administrators(packages):
    """Neither readable for others nor replaced by an upgrade."""
    lines = run("rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEMODES:perms} %{FILEFLAGS:fflags}\\n]", packages["vps-backup"]).splitlines()
    (config,) = [line.split() for line in lines if line.startswith("/etc/vps-backup/vps-backup.conf ")]
    assert config[1] == "-rw-------" and sorted(config[2]) == ["c", "n"]


def test_version_is_that_of_the_project(packages):
    version = re.search(r"^  version: '(.*)'", (SOURCE / "meson.build").read_text(), re.MULTILINE).group(1)
    assert run("rpm", "-qp", "--qf", "%{VERSION}", packages["vps-backup"]) == version


def test_scripts_are_shell(packages, tmp_path):
    for tag in ("POSTIN", "PREUN", "POSTUN"):
        script = tmp_path / tag
        script.write_text(run("rpm", "-qp", "--qf", f"%{{{tag}}}", packages["vps-backup"]))
        run("sh", "-n", script)
