# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module as a file, and hosts that load it: what is exported, what is left alone, and what is not loaded at all."""

import os
import subprocess

import pytest

from conftest import BUILD, DEADLINE_S, ENVIRONMENT, HELPERS, MODULE

PUBLIC = "vps_backup_module"


def run_host(*words, **environment):
    return subprocess.run([HELPERS / "other-host", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False, env={**ENVIRONMENT, **environment})


# ---- the file

def test_one_symbol():
    text = subprocess.run(["nm", "-D", "--defined-only", MODULE], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[-1] for line in text.splitlines() if "__asan" not in line and "___lsan" not in line]
    assert symbols == [PUBLIC]


def test_never_unloaded():
    text = subprocess.run(["readelf", "-d", MODULE], capture_output=True, text=True, check=True).stdout
    assert "NODELETE" in text


# ---- another host

def test_other_host(daemon):
    rounds = 40
    done = run_host(MODULE, daemon.write_config(), rounds)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("loaded vps-backup ")
    assert lines.count("stopped") == rounds
    # Some were stopped before they had started, some after.
    assert 1 < lines.count("started") < rounds
    assert "status: Starting" in lines and "status: Stopped" in lines
    assert any(line.startswith("status: Waiting for the hypervisor") or line.startswith("status: Serving") for line in lines)
    assert not daemon.socket.exists()


def test_other_host_with_a_bad_config(daemon):
    daemon.config["host"]["colour"] = "red"
    done = run_host(MODULE, daemon.write_config(), 1)
    assert done.returncode == 1 and "test.conf, line 3" in done.stderr and "colour" in done.stderr


def test_libsoup_2_is_noticed_before_it_is_too_late(daemon):
    done = run_host(MODULE, daemon.write_config(), 1, LD_PRELOAD=str(HELPERS / "libsoup2-double.so"))
    assert done.returncode == 1 and "libsoup 2" in done.stderr and "vps-backupd" in done.stderr
    assert done.stdout == ""


def test_host_with_its_own_events_follows_signals(folder):
    done = subprocess.run([HELPERS / "event-host", MODULE, folder], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=3 * DEADLINE_S, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "vps-changed: test is running, 2 slots"
    told = [line.split()[3] for line in lines if line.startswith("vps-changed")]
    assert [power for number, power in enumerate(told) if told[number - 1:number] != [power]] == ["running,", "paused,", "running,"]
    assert lines[-1] == "libvirt's events came through this loop: yes"


# ---- what vps-backupd does not load

def refused(daemon, module):
    """The one line that says why."""
    done = daemon.run("--config", daemon.write_config(), "--module", module, status=1)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and "CALLED" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o664])
def test_writable_module(daemon, copied_module, mode):
    copied_module.chmod(mode)
    assert "others may write" in refused(daemon, copied_module)


def test_module_of_somebody_else(daemon, copied_module):
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    os.chown(copied_module, 12345, 12345)
    assert "12345" in refused(daemon, copied_module)


def test_link_leads_to_the_file_that_counts(daemon, copied_module, folder):
    (folder / "link.so").symlink_to(copied_module)
    copied_module.chmod(0o666)
    assert "others may write" in refused(daemon, folder / "link.so")


def test_folder_that_everybody_may_write(daemon, copied_module):
    copied_module.parent.chmod(0o777)
    assert "everybody may write" in refused(daemon, copied_module)
    # As in /tmp, the sticky bit keeps files of others where they are: the module is loaded, and the config is looked at.
    copied_module.parent.chmod(0o1777)
    daemon.config["host"]["colour"] = "red"
    assert "colour" in refused(daemon, copied_module)


def test_what_is_no_module(daemon, folder):
    (folder / "folder.so").mkdir()
    (folder / "text.so").write_text("not a library")
    (folder / "module.la").write_text("dlname='evil.so'\nlibdir='/tmp'\ninstalled=yes\n")
    assert "regular file" in refused(daemon, folder / "folder.so")
    assert "Failed to load the module" in refused(daemon, folder / "text.so")
    assert ".so" in refused(daemon, folder / "module.la")
    assert "No such file" in refused(daemon, folder / "nothing.so")


@pytest.mark.parametrize("name, words", [("magic", "not a module of vps-backup"), ("abi", "ABI 2"), ("size", "older than this host"),
                                         ("symbol", "not a module of vps-backup")])
def test_module_of_another_kind(daemon, name, words):
    assert words in refused(daemon, HELPERS / f"fake-{name}.so")


def test_module_beside_the_program(daemon):
    """Without --module the one in the same folder is taken: it is the one that reads the config file."""
    daemon.config["host"]["colour"] = "red"
    assert "colour" in daemon.run("--config", daemon.write_config(), status=1).stderr
    assert (BUILD / "plugin/vps-backup.so").exists()
