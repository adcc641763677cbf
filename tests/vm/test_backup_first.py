# SPDX-License-Identifier: LGPL-2.1-or-later
"""A restore that backs up the present state before anything else, over the death of the service in each phase."""

import sqlite3

import client as clients
import guest as guests
import pytest
from backups import back_up, check_guest, check_image, entry, on

MIB = 1 << 20
SIZE = 48 * MIB


def content(*bytes_at):
    """Of a disk: 4 MiB of each byte at its MiB."""
    made = bytearray(SIZE)
    for byte, first in bytes_at:
        made[first * MIB:(first + 4) * MIB] = bytes([byte]) * (4 * MIB)
    return made


def write(vps, byte, first):
    vps.qemu_io("vda", f"write -P {byte} {first}M 4M")


THEN = content(*((0xA1, first) for first in range(0, 40, 4)))
NOW = content((0xA2, 0), *((0xA1, first) for first in range(4, 36, 4)), (0xA2, 36))


def follow(service, vps):
    client = service.client()
    client.follow(vps.vps)
    return client


def world(service, new_guest):
    """A VPS with one backup; then it goes on."""
    vps = new_guest("first", [guests.Disk("vda", size=SIZE)], kind=guests.Blank).start()
    client = follow(service, vps)
    for first in range(0, 40, 4):
        write(vps, 0xA1, first)
    backup = back_up(client, vps)
    write(vps, 0xA2, 0)
    write(vps, 0xA2, 36)
    return client, vps, backup


def begin(client, vps, backup, **params):
    return client.request("backup.restore", vps=vps.vps, backup=backup, backup_first=True, **params)["operation"]["id"]


def others(client, vps, backup):
    return [one for one in client.request("vps.get", vps=vps.vps)["backups"] if one["id"] != backup]


def told(client, vps):
    return [one["type"] for one in client.request("notification.list", vps=vps.vps)["notifications"]]


def check_whole(service, client, vps, backup):
    """The restore is done, and the state of before is in the one new backup."""
    made = others(client, vps, backup)
    assert len(made) == 1 and made[0]["state"] == "available", made
    assert made[0]["name"].startswith("Before the restore of ")
    check_image(service, vps, made[0]["id"], {"vda": NOW})
    on(client, vps)
    check_guest(vps, {"vda": THEN})
    assert not service.lock_held(vps.vps)
    return made[0]["id"]


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("delta", [True, False])
def test_present_state_is_backed_up_first(new_service, new_guest, running, delta):
    service = new_service(operations={} if delta else {"delta-limit": 0})
    client, vps, backup = world(service, new_guest)
    if not running:
        vps.destroy()
        client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it to be off")
    assert "backup_first" in client.request("session.info")["features"]
    operation = begin(client, vps, backup)
    shown = client.vps[vps.vps]["operation"] or client.request("vps.get", vps=vps.vps)["operation"]
    assert shown is None or shown["kind"] == "restore"
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed" and ended["progress"] == 100 and "first_backup" not in ended, ended
    assert vps.active == running
    first = check_whole(service, client, vps, backup)
    assert client.request("vps.get", vps=vps.vps)["slots"]["used"] == 2
    percents = [one["progress"] for _, one in client.progress_of(operation)]
    assert percents == sorted(percents)
    assert told(client, vps) == ["backup_completed", "backup_completed", "restore_completed"]
    assert client.restore(vps.vps, first)["state"] == "completed", "what it backed up first can be restored"
    check_guest(vps, {"vda": NOW})


def test_refusals(new_service, new_guest):
    service = new_service(slots={"included": 1})
    client, vps, backup = world(service, new_guest)
    for check in (True, False):
        with pytest.raises(clients.RpcError) as refused:
            client.request("backup.restore", vps=vps.vps, backup=backup, backup_first=True, check=check)
        assert refused.value.reason == "slots_full"
    assert client.request("vps.get", vps=vps.vps)["operation"] is None
    check_guest(vps, {"vda": NOW})
    client.request("slots.set", vps=vps.vps, total=2)
    some = service.customer(vps.vps, "backup.read", "backup.restore")
    with pytest.raises(clients.RpcError) as refused:
        some.request("backup.restore", vps=vps.vps, backup=backup, backup_first=True)
    assert refused.value.reason == "forbidden"
    assert len(others(client, vps, backup)) == 0


def test_nothing_is_restored_when_the_backup_fails(new_service, new_guest):
    """Powered off and on again under its copy, so that its point in time is gone: the way in which a backup fails on its own."""
    service = new_service(operations={"bandwidth-limit": "6M", "scratch-reserve": "1M", "full-every": 1})
    client, vps, backup = world(service, new_guest)
    operation = begin(client, vps, backup)
    client.wait_state(operation, "preparing", bytes_done=8 * MIB)
    service.kill()
    vps.destroy()
    vps.start()
    service.start()
    client = follow(service, vps)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
    assert others(client, vps, backup) == [] and client.request("vps.get", vps=vps.vps)["slots"]["used"] == 1
    check_guest(vps, {"vda": NOW})
    assert told(client, vps) == ["backup_completed", "backup_failed", "restore_failed"]
    assert entry(client, vps, backup)["state"] == "available" and not entry(client, vps, backup)["damaged"]


@pytest.mark.parametrize("phase", ["backup", "restore"])
def test_cancel(new_service, new_guest, phase):
    service = new_service(operations={"bandwidth-limit": "6M", "scratch-reserve": "1M", "delta-limit": 0, "full-every": 1})
    client, vps, backup = world(service, new_guest)
    operation = begin(client, vps, backup)
    client.wait_state(operation, "preparing" if phase == "backup" else "copying", bytes_done=8 * MIB)
    client.request("operation.cancel", vps=vps.vps, operation=operation)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "cancelled", ended
    check_guest(vps, {"vda": NOW})
    made = others(client, vps, backup)
    assert len(made) == (phase == "restore")
    for one in made:
        check_image(service, vps, one["id"], {"vda": NOW})


@pytest.mark.parametrize("phase, how", [("queued", "kill"), ("backup", "kill"), ("backup", "stop"), ("backup, off", "kill"),
                                        ("restore", "kill"), ("restore", "stop")])
def test_service_dies(new_service, new_guest, phase, how):
    options = {"bandwidth-limit": "6M", "scratch-reserve": "1M", "delta-limit": 0, "full-every": 1}
    service = new_service(operations={**options, **({"max-concurrent": 1} if phase == "queued" else {})})
    client, vps, backup = world(service, new_guest)
    if phase == "backup, off":
        vps.destroy()
        client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it to be off")
    if phase == "queued":
        other = new_guest("other", [guests.Disk("vda", size=SIZE)], kind=guests.Blank).start()
        client.follow(other.vps)
        write(other, 0xB1, 0)
        write(other, 0xB1, 8)
        write(other, 0xB1, 16)
        client.request("backup.create", vps=other.vps)
        operation = begin(client, vps, backup)
    else:
        operation = begin(client, vps, backup)
        client.wait_state(operation, "copying" if phase == "restore" else "preparing", bytes_done=8 * MIB)
    if how == "kill":
        service.kill()
    else:
        service.stop()
    service.start()
    client = follow(service, vps)
    ended = client.wait_operation(vps.vps, operation)
    if (phase, how) == ("restore", "kill"):  # as of any restore that was killed under its copy; the backup is complete
        assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
        made = others(client, vps, backup)
        assert len(made) == 1
        check_image(service, vps, made[0]["id"], {"vda": NOW})
        check_guest(vps, {"vda": NOW})
        return
    assert ended["state"] == "completed", ended
    check_whole(service, client, vps, backup)
    assert told(client, vps) == ["backup_completed", "backup_completed", "restore_completed"]


def test_away_for_too_long(new_service, new_guest):
    """Who has worked in the VPS since must not lose that: the backup is completed, the restore fails, however often the service starts."""
    service = new_service(operations={"bandwidth-limit": "6M", "scratch-reserve": "1M", "full-every": 1})
    client, vps, backup = world(service, new_guest)
    operation = begin(client, vps, backup)
    client.wait_state(operation, "preparing", bytes_done=8 * MIB)
    service.kill()
    journal = service.state / "journal.sqlite"
    with sqlite3.connect(journal) as database:
        changed = database.execute("UPDATE operations SET details = 'again ' || (CAST (substr (details, 7) AS INTEGER) - 3600)"
                                   " WHERE id = ? AND details LIKE 'again %'", (operation,)).rowcount
    database.close()
    assert changed == 1
    write(vps, 0xA3, 40)
    service.start()
    client = follow(service, vps)
    client.wait_state(operation, "preparing")
    service.kill()
    service.start()
    client = follow(service, vps)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
    made = others(client, vps, backup)
    assert len(made) == 1
    check_image(service, vps, made[0]["id"], {"vda": NOW})
    now = bytearray(NOW)
    now[40 * MIB:44 * MIB] = bytes([0xA3]) * (4 * MIB)
    check_guest(vps, {"vda": now})


def test_command_line(new_service, new_guest):
    service = new_service()
    client, vps, backup = world(service, new_guest)
    service.ctl("restore", vps.vps, backup, "--yes", "--wait", "--backup-first")
    check_whole(service, client, vps, backup)
