# SPDX-License-Identifier: LGPL-2.1-or-later
"""vps-backupd from outside: command line, config errors, what it tells the service manager, its state folder, its end."""

import fcntl
import glob
import json
import os
import pathlib
import resource
import signal
import socket
import stat
import time

import client as clients
import pytest


# ---- command line

@pytest.mark.parametrize("words", [[], ["--frobnicate"], ["--config"], ["--config", "x", "y"], ["x"]])
def test_usage(daemon, words):
    done = daemon.run(*words, status=2)
    assert done.stdout == "" and done.stderr.startswith("vps-backupd: ") and done.stderr.count("\n") == 1


def test_help_and_version(daemon):
    assert "--module" in daemon.run("--help").stdout
    assert daemon.run("--version").stdout.startswith("vps-backupd ")


# ---- config

@pytest.mark.parametrize("text, words", [
    ("[host]\nstate-dir=/x\ncolour=red\n", ["line 3", "colour", "[host]"]),
    ("[hots]\n", ["line 1", "[hots]"]),
    ("[pool]\n\n# why\nreserve=lots\n", ["line 4", "reserve", "lots"]),
    ("[operations]\nmax-concurrent=0\n", ["line 2", "max-concurrent"]),
    ("nonsense\n", ["line 1"]),
])
def test_config_errors(daemon, text, words):
    daemon.config_path.write_text(text)
    done = daemon.run("--config", daemon.config_path, status=1)
    assert done.stdout == "" and done.stderr.count("\n") == 1
    for word in [str(daemon.config_path), *words]:
        assert word in done.stderr


def test_missing_config(daemon, folder):
    assert "none.conf" in daemon.run("--config", folder / "none.conf", status=1).stderr


def test_config_that_is_no_file(daemon, folder):
    os.mkfifo(folder / "fifo")
    for path in folder / "fifo", "/dev/zero", folder:
        assert "regular file" in daemon.run("--config", path, status=1).stderr


def test_revocations_that_are_no_file(daemon):
    daemon.state.mkdir(mode=0o700)
    os.mkfifo(daemon.state / "revocations")
    daemon.start().wait_ready()


# ---- service manager

@pytest.mark.parametrize("abstract", [False, True])
def test_notifications(daemon, abstract):
    daemon.start(abstract=abstract, WATCHDOG_USEC="400000").wait_ready()
    daemon.wait_state("STATUS=Serving 1 VPSs; waiting for the pool")
    daemon.wait_state("WATCHDOG=1", 2)
    assert json.loads(daemon.ctl("--json", "list").stdout)["vps"][0]["name"] == "test"
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_state("STOPPING=1")
    assert daemon.process.wait(60) == 0
    assert not daemon.socket.exists()


def test_watchdog_of_somebody_else(daemon):
    daemon.start(WATCHDOG_USEC="2000", WATCHDOG_PID="1").wait_ready()
    daemon.wait_state("STATUS=Serving 1 VPSs")
    assert daemon.stop() == 0
    daemon.wait_state("STATUS=Stopped")
    assert "WATCHDOG=1" not in daemon.states


def test_ready_without_a_hypervisor(daemon):
    daemon.config["libvirt"]["uri"] = "qemu+unix:///system?socket=/nonexistent"
    daemon.start().wait_ready()
    daemon.wait_state("STATUS=Waiting for the hypervisor")
    assert json.loads(daemon.ctl("--json", "list").stdout) == {"vps": []}
    assert "not_found" in daemon.ctl("show", "test", status=3).stderr
    assert daemon.stop() == 0


# ---- signals

def test_stop_while_starting(daemon):
    """At whatever moment SIGTERM comes after the start, the end is clean."""
    for wanted in ("STATUS=Starting", "STATUS=Starting", "READY=1"):
        daemon.start().wait_state(wanted)
        assert daemon.stop() == 0, daemon.log()
        assert not daemon.socket.exists()
        daemon.end()


def test_hangup_is_survived(daemon):
    daemon.start().wait_ready()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for_log("restart the service to apply changes")
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.process.wait(60) == 0


# ---- state folder

def test_state_folder(daemon):
    old = os.umask(0o077)
    try:
        daemon.start().wait_ready()
    finally:
        os.umask(old)
    modes = {name: stat.S_IMODE((daemon.state / name).stat().st_mode) for name in (".", "locks", "journal.sqlite")}
    assert modes == {".": 0o755, "locks": 0o755, "journal.sqlite": 0o600}
    assert daemon.stop() == 0


def start_fails(daemon):
    """The line on stderr of a start that fails after the config was read."""
    return daemon.run("--config", daemon.write_config(), status=1).stderr


def test_one_service_for_a_state_folder(daemon):
    daemon.start().wait_ready()
    assert "Another process uses the state folder" in start_fails(daemon)
    assert daemon.stop() == 0
    assert daemon.start().wait_ready().stop() == 0


def leads_to(fd, path):
    try:
        return os.readlink(fd) == path
    except OSError:  # closed since, or of a process that is none of our business
        return False


def wait_until_others_open(path):
    end = time.monotonic() + 60
    mine = f"/proc/{os.getpid()}/"
    path = os.path.realpath(path)
    while not any(leads_to(fd, path) for fd in glob.glob("/proc/[0-9]*/fd/*") if not fd.startswith(mine)):
        assert time.monotonic() < end, f"nobody opens {path}"


def test_state_folder_is_waited_for(daemon):
    """One that was killed lets go of it a moment after whoever killed it has heard of its end."""
    daemon.state.mkdir(mode=0o755)
    with open(daemon.state / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        daemon.start()
        wait_until_others_open(held.name)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert daemon.wait_ready().stop() == 0


def test_state_folder_of_everybody(daemon):
    daemon.state.mkdir()
    daemon.state.chmod(0o777)
    assert "others may not write" in start_fails(daemon)


def test_damaged_journal(daemon):
    daemon.state.mkdir(mode=0o755)
    (daemon.state / "journal.sqlite").write_bytes(b"x" * 5000)
    assert "damaged" in start_fails(daemon)
    assert (daemon.state / "journal.sqlite").read_bytes() == b"x" * 5000


def test_socket_that_cannot_be(daemon):
    daemon.config["bridge"]["socket"] = "/proc/nothing/s.sock"
    assert "/proc/nothing" in start_fails(daemon)
    # What had begun was undone: the next start succeeds.
    daemon.config["bridge"]["socket"] = daemon.socket
    assert daemon.start().wait_ready().stop() == 0


def test_no_keys_no_tcp(daemon):
    daemon.config["bridge"]["listen"] = "127.0.0.1:18999"
    daemon.start().wait_ready()
    assert str(daemon.folder / "keys") in daemon.log() and "TCP" in daemon.log()
    assert daemon.stop() == 0


# ---- command line against the real thing

def test_pool_commands(daemon, folder):
    daemon.ctl("pool", "init", folder / "pool")
    daemon.ctl("pool", "init", folder / "pool")
    (folder / "full").mkdir()
    (folder / "full" / "photo.jpg").write_text("precious")
    daemon.ctl("pool", "init", folder / "full", status=3)
    daemon.ctl("pool", "init", status=2)
    daemon.ctl("pool", "drain", status=2)
    assert json.loads(daemon.ctl("--json", "pool", "list", folder / "pool").stdout) == {"backups": []}
    assert json.loads(daemon.ctl("--json", "pool", "check", folder / "pool").stdout) == {"checked": 0, "problems": []}
    assert "pool_unavailable" in daemon.ctl("pool", "list", folder / "full", status=3).stderr
    daemon.ctl("pool", "list", status=4)

    daemon.start().wait_ready()
    assert json.loads(daemon.ctl("--json", "pool", "list").stdout) == {"backups": []}
    assert daemon.ctl("pool", "check").stdout == ""
    assert daemon.stop() == 0


def test_slots_and_history(daemon):
    daemon.ctl("pool", "init", daemon.folder / "pool")
    daemon.start().wait_ready()
    slots = json.loads(daemon.ctl("--json", "slots", "test", "4").stdout)
    assert (slots["total"], slots["extra"]) == (4, 2)
    assert "slots" in daemon.ctl("slots", "test", "99", status=3).stderr
    # libvirt's test driver has no disks that could be read: the create is admitted, fails, and is remembered.
    assert daemon.ctl("create", "test", "--wait", status=1).stderr
    first = json.loads(daemon.ctl("--json", "log", "test").stdout)["operations"]
    assert [one["state"] for one in first] == ["failed"]
    assert daemon.stop() == 0
    daemon.start().wait_ready()
    daemon.wait_state("STATUS=Serving 1 VPSs")
    assert json.loads(daemon.ctl("--json", "log", "test").stdout)["operations"] == first
    assert daemon.stop() == 0


# ---- log

def test_log_lines(daemon):
    daemon.ctl("pool", "init", daemon.folder / "pool")
    daemon.start().wait_ready()
    daemon.ctl("create", "test", "--name", "x", "--wait", status=1)
    lines = daemon.log().splitlines()
    assert lines and all(line[:4].isdigit() and line.split(" ")[1].rstrip(":") in
                         ("info", "warning", "debug", "critical", "error") for line in lines)
    operation = json.loads(daemon.ctl("--json", "log", "test").stdout)["operations"][0]["id"]
    assert any(f" OPERATION={operation}" in line and " VPS=" in line and " BACKUP=" in line for line in lines)
    assert daemon.stop() == 0
    assert time.strptime(lines[0].split(".")[0], "%Y-%m-%dT%H:%M:%S")


# ---- process and access

def test_too_few_descriptors_are_refused_at_once(daemon):
    daemon.start(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert daemon.process.wait(30) == 1
    assert "may open 64 files only" in daemon.log() and "LimitNOFILE" in daemon.log()


def test_it_may_open_as_many_files_as_the_system_allows(daemon):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 20000)
    daemon.start(preexec=lower).wait_ready()
    limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text(encoding="ascii")
    assert next(line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")) == str(hard)


def test_revoked_tokens_stay_revoked(daemon, folder):
    key = os.urandom(32)
    (folder / "keys").mkdir()
    (folder / "keys/k").write_bytes(key)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon.config["bridge"]["listen"] = f"127.0.0.1:{port}"

    def mint(**claims):
        return clients.mint(key, "k", **{"iat": int(time.time()) - 5, **claims})
    eve, carol, bob = mint(sub="eve"), mint(sub="carol", jti="t-1"), mint(sub="bob")
    daemon.start().wait_ready()
    victim = clients.Client(port=port, token=eve)
    admin = clients.Client(socket=daemon.socket)
    assert admin.request("session.revoke", sub="eve") == {"closed": 1}
    assert victim.wait_closed() == 4401
    admin.request("session.revoke", jti="t-1")
    # What was answered is kept, however the service ends.
    daemon.process.kill()
    daemon.process.wait()
    daemon.start().wait_ready()
    for token in (eve, carol):
        with pytest.raises(clients.ConnectRefused):
            clients.Client(port=port, token=token)
    with clients.Client(port=port, token=bob) as client:
        assert client.request("session.info")["subject"] == "bob"
    entries = json.loads(daemon.ctl("--json", "log").stdout)["entries"]
    assert [(one["method"], one["target"]) for one in entries] == [("session.revoke", "t-1"), ("session.revoke", "eve")]
    assert daemon.stop() == 0
