# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the installation of the hook says: a daemon that runs does not know its first hook yet."""

import os
import pathlib
import re
import subprocess

import pytest
from conftest import BUILD, HOOK, SOURCE, remove

FOLDER = pathlib.Path("/etc/libvirt/hooks/qemu.d")
OLD = FOLDER.with_suffix("")
LIBVIRTD = pathlib.Path("/run/libvirtd.pid")
VIRTQEMUD = pathlib.Path("/run/virtqemud.pid")


@pytest.fixture(autouse=True)
def hook_installed():
    daemon = LIBVIRTD.read_text()
    remove_all()
    FOLDER.mkdir(parents=True, exist_ok=True)
    install(HOOK, FOLDER / "vps-backup")
    VIRTQEMUD.unlink(missing_ok=True)
    yield
    LIBVIRTD.write_text(daemon)
    VIRTQEMUD.unlink(missing_ok=True)
    remove_all()


def remove_all():
    for path in FOLDER.glob("*"):
        remove(path)
    remove(OLD)


def install(source, target):
    subprocess.run(["install", "-m", "755", source, target], check=True)


def say(folder=FOLDER, **environment):
    done = subprocess.run([SOURCE / "hooks/post-install", folder], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})
    assert done.stderr == ""
    return done.stdout


def test_first_hook_of_a_running_daemon_says_how_to_tell_it():
    said = say()
    assert said.startswith("libvirtd runs and does not know the hook yet") and f"kill -HUP {LIBVIRTD.read_text().strip()} " in said
    assert len(said.splitlines()) == 1


def test_first_hook_of_a_running_virtqemud_says_how_to_tell_it():
    LIBVIRTD.unlink()
    VIRTQEMUD.write_text(f"{os.getpid()}\n")
    said = say()
    assert said.startswith("virtqemud runs") and f"kill -HUP {os.getpid()} " in said


def test_no_daemon_runs_silent():
    LIBVIRTD.unlink()
    assert say() == ""
    ended = subprocess.Popen(["true"])
    ended.wait()
    for text in f"{ended.pid}\n", "":
        LIBVIRTD.write_text(text)
        assert say() == ""


def test_another_hook_is_there_already_silent():
    install("/dev/null", FOLDER / "other")
    assert say() == ""
    (FOLDER / "other").chmod(0o644)  # libvirt does not run it, so it does not count
    assert say() != ""
    install("/dev/null", OLD)
    assert say() == ""


def test_another_folder_than_libvirts_says_so():
    said = say("/usr/local/etc/libvirt/hooks/qemu.d")
    assert "/usr/local/etc/libvirt/hooks/qemu.d" in said and "--sysconfdir=/etc" in said.split("qemu.d", 1)[1]


def test_package_is_being_made_silent(tmp_path):
    assert say(DESTDIR=str(tmp_path)) == ""


def test_meson_installs_the_hook_where_the_protocol_says(tmp_path):
    done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "hook"], capture_output=True, text=True, check=True,
                          env={**os.environ, "DESTDIR": str(tmp_path)})
    assert "kill -HUP" not in done.stdout + done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1 and re.search(r"/etc/libvirt/hooks/qemu\.d/vps-backup$", str(files[0]))
    assert files[0].stat().st_mode & 0o777 == 0o755 and files[0].read_bytes() == HOOK.read_bytes()
