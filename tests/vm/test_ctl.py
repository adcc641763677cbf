# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line against the real service: words, JSON and exit statuses (0 done, 1 failed, 2 usage, 3 refused, 4 no daemon)."""

import os
import pty
import re
import signal
import subprocess
import uuid

import client as clients
import service as services


def run_on_terminal(service, *words):
    """Runs vps-backupctl with a terminal as its output: exit status and what the terminal saw."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([services.build_folder() / "ui-bridge/vps-backupctl", "--socket", service.socket, *words],
                               stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not data:
            break
        seen += data
    os.close(ours)
    return process.wait(), seen.decode(errors="replace")


def test_round_trip(service, new_blank):
    vps = new_blank("web1")
    assert "web1" in service.ctl("list")
    assert vps.vps in service.ctl("show", "web1")
    service.ctl("create", "web1", "--name", "before the upgrade", "--wait")
    shown = service.ctl("show", vps.vps)
    assert "before the upgrade" in shown
    listed = service.ctl_json("show", "web1")
    backup = listed["backups"][0]["id"]
    assert listed["vps"] == vps.vps and listed["backups"][0]["state"] == "available"
    service.ctl("rename", "web1", backup[:8], "a new name")
    assert "a new name" in service.ctl("show", "web1")
    service.ctl("verify", "web1", "latest")
    service.ctl("restore", "web1", "latest", "--yes", "--wait")
    assert "completed" in service.ctl("log", "web1")
    operations = service.ctl_json("log", "web1")
    operations = operations["operations"] if isinstance(operations, dict) else operations
    assert [one["kind"] for one in operations] == ["restore", "create"]
    service.ctl("delete", "web1", backup)
    assert service.backup_folders(vps.vps) == []


def test_progress_bar_on_a_terminal(slow_service, new_blank):
    new_blank("web1")
    status, seen = run_on_terminal(slow_service, "create", "web1", "--wait")
    percents = [float(number) for number in re.findall(r"(\d+(?:\.\d)?) ?%", seen)]
    assert status == 0 and "\r" in seen and len(set(percents)) > 3, seen
    assert percents == sorted(percents) and percents[-1] >= 99, percents
    assert "16.0 MiB in" in seen.replace("\xa0", " ").splitlines()[-1], seen


def test_refusals_have_their_status_and_reason(service, new_blank):
    new_blank("web1")
    assert service.run_ctl("frobnicate").returncode == 2
    assert service.run_ctl("create").returncode == 2
    assert service.run_ctl("create", "web1", "--nonsense").returncode == 2
    missing = service.run_ctl("show", str(uuid.uuid4()))
    assert missing.returncode == 3 and "not_found" in missing.stderr
    for _ in range(2):
        service.ctl("create", "web1", "--wait")
    full = service.run_ctl("create", "web1")
    assert full.returncode == 3 and "slots_full" in full.stderr and full.stdout == ""
    in_use = service.run_ctl("slots", "web1", "1")
    assert in_use.returncode == 3
    service.ctl("slots", "web1", "4")
    assert service.ctl_json("slots", "web1")["total"] == 4


def test_failed_operation_has_status_1(service, new_blank):
    vps = new_blank("web1")
    service.ctl("create", "web1", "--wait")
    backup = service.backup_folders(vps.vps)[0]
    with open(service.backup_path(vps.vps, backup) / "vda.raw", "r+b") as image:
        image.seek(5 << 20)
        image.write(b"?")
    done = service.run_ctl("restore", "web1", "latest", "--wait", "--yes")
    assert done.returncode == 1 and "checksum_mismatch" in done.stderr
    assert service.run_ctl("verify", "web1", "latest").returncode == 1
    assert vps.running


def test_restore_asks_before_it_overwrites(service, new_blank):
    vps = new_blank("web1")
    service.ctl("create", "web1", "--wait")
    done = service.run_ctl("restore", "web1", "latest", "--wait")  # stdin is not a terminal: nobody can say yes
    assert done.returncode in (2, 3), done
    assert service.client().request("operation.list", vps=vps.vps)["operations"][0]["kind"] == "create"


def test_cancel(slow_service, new_blank):
    vps = new_blank("web1")
    slow_service.ctl("create", "web1")
    slow_service.ctl("cancel", "web1")
    client = slow_service.client()
    client.follow(vps.vps)
    client.wait_vps(vps.vps, lambda now: now["operation"] is None, "the operation has ended")
    assert slow_service.backup_folders(vps.vps) == []


def test_watch_tells_what_happens(slow_service, new_blank):
    new_blank("web1")
    command = [services.build_folder() / "ui-bridge/vps-backupctl", "--socket", slow_service.socket, "watch", "web1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as watching:
        said = watching.stdout.readline()
        slow_service.ctl("create", "web1", "--wait")
        while "backup_completed" not in said and (line := watching.stdout.readline()):
            said += line
        watching.send_signal(signal.SIGINT)
        said += watching.communicate(timeout=30)[0]
    assert "creating_backup" in said and "backup_completed" in said and "MiB/s" in said, said


def test_token_opens_the_tcp_door(service, new_blank):
    vps, other = new_blank("web1"), new_blank("other", start=False)
    token = service.ctl("token", "--vps", "web1", "--perms", "backup.read", "--ttl", "60", "--keys", service.keys).strip()
    client = service.client(token=token)
    assert [one["vps"] for one in client.request("vps.list")["vps"]] == [vps.vps]
    assert client.refusal("vps.get", vps=other.vps).reason == "not_found"
    assert client.refusal("backup.create", vps=vps.vps).reason == "forbidden"
    for wrong in (None, token[:-4] + "AAAA", clients.mint(b"x" * 32, services.KEY_ID)):
        try:
            service.client(token=wrong or "nonsense")
        except clients.ConnectRefused as refused:
            assert refused.status == 401
        else:
            raise AssertionError("a bad token opened the door")


def test_pool_commands(service, new_blank):
    vps = new_blank("web1")
    service.ctl("create", "web1", "--name", "in the pool", "--wait")
    assert "in the pool" in service.ctl("pool", "list") or service.backup_folders(vps.vps)[0] in service.ctl("pool", "list")
    service.ctl("pool", "check")


def test_without_a_daemon_the_status_is_4(service):
    service.stop()
    assert service.run_ctl("list").returncode == 4
