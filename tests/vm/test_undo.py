# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a restore has replaced is kept beside the new disks for a while, and an undo puts it back."""

import datetime
import os
import pathlib
import signal
import time

import client as clients
import guest as guests
import isolated
import libvirt
import pytest
from backups import back_up, check_guest, check_image, entry, off, on, restore

MIB = 1 << 20
SIZE = 24 * MIB


@pytest.fixture
def new_service(new_service):
    """Services that keep for a day what a restore has replaced, as they do by default."""
    def make(**config):
        return new_service(**{**config, "operations": {"undo-window": "24h", **config.get("operations", {})}})
    return make


def pattern(*runs, size=SIZE):
    """Content of a disk: (byte, first MiB, MiBs) each, zeroes elsewhere, the later ones above."""
    content = bytearray(size)
    for byte, first, count in runs:
        content[first * MIB:(first + count) * MIB] = bytes([byte]) * (count * MIB)
    return content


def write(vps, target, content, byte, first, count):
    """Through the guest's own device, and into what is expected of it."""
    vps.qemu_io(target, f"write -P {byte} {first}M {count}M")
    content[first * MIB:(first + count) * MIB] = bytes([byte]) * (count * MIB)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def kept(vps):
    """Names of what lies beside the disks."""
    return sorted({path.name for disk in vps.disks for path in disk.path.parent.iterdir() if ".vps-backup." in path.name})


def undo_of(client, vps):
    return client.request("vps.get", vps=vps.vps)["undo"]


def undo(client, vps):
    started = client.request("undo.start", vps=vps.vps)["operation"]
    assert started["kind"] == "undo"
    return client.wait_operation(vps.vps, started["id"])


def wait_gone(client, vps):
    client.wait_vps(vps.vps, lambda now: now["undo"] is None, "nothing to be kept any more")
    isolated.wait_until(lambda: kept(vps) == [], "the kept disks to be deleted", 20)


@pytest.fixture
def reflinks():
    return isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)


def follow(service, vps):
    client = service.client()
    client.follow(vps.vps)
    return client


@pytest.fixture(params=["staged", "delta"])
def world(request, new_service, new_guest, reflinks):
    """A VPS with two disks and one backup of them; then it goes on."""
    options = {"delta-limit": 0} if request.param == "staged" else {}
    service = new_service(pool_path=reflinks / "pool", slots={"included": 8, "maximum": 8}, operations=options)
    disks = [guests.Disk("vda", size=SIZE), guests.Disk("vdb", size=SIZE)]
    vps = new_guest("undone", disks, kind=guests.Blank, folder=reflinks).start()
    client = follow(service, vps)
    then = {"vda": pattern(), "vdb": pattern()}
    write(vps, "vda", then["vda"], 0xA1, 0, 8)
    write(vps, "vdb", then["vdb"], 0xB1, 0, 8)
    first = back_up(client, vps)
    now = {target: bytearray(content) for target, content in then.items()}
    write(vps, "vda", now["vda"], 0xA2, 4, 2)
    write(vps, "vdb", now["vdb"], 0xB2, 12, 2)
    return service, client, vps, first, then, now


@pytest.mark.parametrize("running", [True, False])
def test_undo(world, running):
    service, client, vps, first, then, now = world
    if not running:
        off(client, vps)
    assert undo_of(client, vps) is None
    before = time.time()
    restore(client, vps, first)
    known = undo_of(client, vps)
    assert known["backup"] == first
    assert abs(seconds(known["until"]) - seconds(known["restored_at"]) - 24 * 3600) < 2
    assert abs(seconds(known["restored_at"]) - before) < 60
    assert len(kept(vps)) == 2
    if running:
        check_guest(vps, then)
    ended = undo(client, vps)
    assert ended["state"] == "completed" and ended["progress"] == 100
    assert vps.active == running, "the power state that it had"
    assert undo_of(client, vps) is None and kept(vps) == []
    told = client.wait_event("notification.added", lambda told: told["type"] == "undo_completed")
    assert told["operation"] == ended["id"] and told["backup"] == first
    on(client, vps)
    check_guest(vps, now)
    with pytest.raises(clients.RpcError) as refused:
        client.request("undo.start", vps=vps.vps)
    assert refused.value.reason == "not_found"


def test_backups_after_an_undo_are_right_and_incremental(world):
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    mixed = {target: bytearray(content) for target, content in then.items()}
    write(vps, "vda", mixed["vda"], 0xA3, 20, 2)
    between = back_up(client, vps)  # of the restored disks, which the undo takes away
    check_image(service, vps, between, mixed)
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, now)
    again = back_up(client, vps)
    check_image(service, vps, again, now)
    assert entry(client, vps, again)["incremental"], "the disks put back know what has changed since the first backup"
    write(vps, "vdb", now["vdb"], 0xB4, 2, 1)
    later = back_up(client, vps)
    check_image(service, vps, later, now)
    assert entry(client, vps, later)["incremental"]
    off(client, vps)
    asleep = back_up(client, vps)
    check_image(service, vps, asleep, now)
    restore(client, vps, between)
    on(client, vps)
    check_guest(vps, mixed)


def test_a_backup_deleted_while_its_disks_are_kept(world):
    """Its checkpoint is still in the disks that are put back: nothing may rely on it."""
    service, client, vps, first, then, now = world
    second = back_up(client, vps)
    write(vps, "vda", now["vda"], 0xA5, 10, 1)
    restore(client, vps, first)
    client.request("backup.delete", vps=vps.vps, backup=second)
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, now)
    again = back_up(client, vps)
    check_image(service, vps, again, now)


def test_the_next_restore_replaces_what_is_kept(world):
    service, client, vps, first, then, now = world
    second = back_up(client, vps)
    restore(client, vps, first)
    write(vps, "vda", then["vda"], 0xA6, 1, 1)
    restore(client, vps, second)
    isolated.wait_until(lambda: len(kept(vps)) == 2, "only one generation to be kept")
    assert undo_of(client, vps)["backup"] == second
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, then)
    assert kept(vps) == []


def test_discard(world):
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    assert client.request("undo.discard", vps=vps.vps) == {}
    assert undo_of(client, vps) is None and kept(vps) == []
    for method in ("undo.discard", "undo.start"):
        with pytest.raises(clients.RpcError) as refused:
            client.request(method, vps=vps.vps)
        assert refused.value.reason == "not_found"
    check_guest(vps, then)


def test_undefined_vps_leaves_nothing(world):
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    assert len(kept(vps)) == 2
    vps.destroy()
    vps.domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    isolated.wait_until(lambda: kept(vps) == [], "the kept disks to go with the VPS", 20)


def test_a_restart_of_the_service_changes_nothing(world):
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    known = undo_of(client, vps)
    service.kill()
    service.start()
    client = follow(service, vps)
    assert undo_of(client, vps) == known
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, now)


def test_what_took_the_place_of_the_restored_disk_is_not_lost(world):
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    off(client, vps)
    disk = vps.disk("vda").path
    os.rename(disk, disk.with_suffix(".mine"))
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", disk, str(SIZE))
    with pytest.raises(clients.RpcError) as refused:
        client.request("undo.start", vps=vps.vps)
    assert refused.value.reason == "unsupported_disk" and "vda" in str(refused.value)
    os.rename(disk.with_suffix(".mine"), disk)
    assert undo(client, vps)["state"] == "completed"


@pytest.mark.parametrize("window, reserve", [("0", "10%"), ("24h", "90%")])
def test_nothing_is_kept(new_service, new_guest, reflinks, window, reserve):
    """Where the operator does not want it, or where there is little room."""
    service = new_service(pool_path=isolated.new_folder("pool") / "pool",
                          operations={"undo-window": window, "undo-reserve": reserve})
    (reflinks / "filler").write_bytes(bytes(300 * MIB))
    vps = new_guest("unkept", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=reflinks).start()
    client = follow(service, vps)
    backup = back_up(client, vps)
    restore(client, vps, backup)
    assert undo_of(client, vps) is None and kept(vps) == []


def test_it_goes_after_its_time(new_service, new_guest, reflinks):
    service = new_service(pool_path=reflinks / "pool", operations={"undo-window": "1s"})
    vps = new_guest("expired", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=reflinks).start()
    client = follow(service, vps)
    restore(client, vps, back_up(client, vps))
    wait_gone(client, vps)


def test_it_goes_when_space_runs_short(new_service, new_guest, reflinks):
    service = new_service(pool_path=isolated.new_folder("pool") / "pool", operations={"undo-reserve": "1G"})
    vps = new_guest("crowded", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=reflinks).start()
    client = follow(service, vps)
    restore(client, vps, back_up(client, vps))
    assert undo_of(client, vps) is not None
    isolated.run("fallocate", "-l", str(1200 * MIB), reflinks / "filler")
    wait_gone(client, vps)


def test_a_vps_that_does_not_start_on_them_keeps_the_restored_disks(world):
    """The disks put back are of no use: the restored ones return, and what was kept stays kept."""
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    disk = vps.disk("vda").path
    (old,) = disk.parent.glob(f".{disk.name}.vps-backup.*.old")
    header = old.read_bytes()[:8]
    with open(old, "r+b") as file:
        file.write(b"NOT-QCOW")
    started = client.request("undo.start", vps=vps.vps)["operation"]
    ended = client.wait_operation(vps.vps, started["id"])
    assert ended["state"] == "failed"
    client.wait_event("notification.added", lambda told: told["type"] == "undo_failed")
    assert vps.active
    check_guest(vps, then)
    assert undo_of(client, vps)["backup"] == first
    with open(old, "r+b") as file:
        file.write(header)
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, now)


@pytest.mark.parametrize("n_disks, backups_between", [(2, 0), (2, 1), (1, 1)])
def test_undo_beside_snapshots(new_service, new_guest, n_disks, backups_between):
    """Whatever records there are of checkpoints and marks, the snapshots of the disks that are put back are known again."""
    service = new_service(slots={"included": 8, "maximum": 8}, operations={"delta-limit": 0})
    targets = ["vda", "vdb"][:n_disks]
    vps = new_guest(f"snapshots-{n_disks}-{backups_between}", [guests.Disk(target, size=SIZE) for target in targets], kind=guests.Blank).start()
    client = follow(service, vps)
    contents = {target: pattern() for target in targets}
    for target in targets:
        write(vps, target, contents[target], 0xA1, 0, 16)
    vps.domain.snapshotCreateXML("<domainsnapshot><name>s1</name></domainsnapshot>",
                                 libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC)
    backup = back_up(client, vps)
    for target in targets:
        write(vps, target, contents[target], 0xA2, 2, 1)
    restore(client, vps, backup)
    for _ in range(backups_between):
        back_up(client, vps)
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, contents)
    assert vps.domain.snapshotListNames() == ["s1"]
    again = back_up(client, vps)
    check_image(service, vps, again, contents)


def test_undo_of_disks_that_rest_on_others(new_service, new_guest, reflinks):
    """The restored disk rests on nothing; the one that is put back rests on its old images again, and the definition says so."""
    service = new_service(pool_path=reflinks / "pool", slots={"included": 8, "maximum": 8}, operations={"delta-limit": 0})
    vps = new_guest("chained", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=reflinks).start()
    client = follow(service, vps)
    content = pattern()
    write(vps, "vda", content, 0xA1, 0, 20)
    vps.domain.snapshotCreateXML("<domainsnapshot><name>s1</name></domainsnapshot>",
                                 libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC)
    write(vps, "vda", content, 0xA2, 4, 2)
    backup = back_up(client, vps)
    then = bytearray(content)
    write(vps, "vda", content, 0xA3, 8, 2)
    restore(client, vps, backup)
    check_guest(vps, {"vda": then})
    assert vps.domain.snapshotListNames() == []
    assert undo(client, vps)["state"] == "completed"
    check_guest(vps, {"vda": content})
    assert vps.domain.snapshotListNames() == ["s1"]
    again = back_up(client, vps)
    check_image(service, vps, again, {"vda": content})


def test_kept_disks_go_first_when_a_restore_lacks_space(new_service, new_guest):
    """Those of the VPS itself, then the oldest of others on the same file system; never more than it needs."""
    folder = isolated.mount_xfs(isolated.new_folder("narrow"), 400 * MIB)
    service = new_service(pool_path=isolated.new_folder("pool") / "pool",
                          operations={"undo-reserve": "1M", "delta-limit": 0, "scratch-reserve": "1M"}, slots={"included": 8, "maximum": 8})
    disk = 48 * MIB
    all_vps, firsts = [], []
    for name in ("one", "two"):
        vps = new_guest(name, [guests.Disk("vda", size=disk)], kind=guests.Blank, folder=folder).start()
        client = follow(service, vps)
        vps.qemu_io("vda", "write -P 0xa1 0 48M")
        all_vps.append(vps)
        firsts.append(back_up(client, vps))
    one, two = all_vps
    client.follow(one.vps)
    for vps, first in zip(all_vps, firsts):
        restore(client, vps, first)
        assert undo_of(client, vps) is not None
    status = os.statvfs(folder)
    filler = status.f_bavail * status.f_frsize - 20 * MIB  # less than a new disk needs
    isolated.run("fallocate", "-l", str(filler), folder / "filler")
    told = client.request("backup.restore", vps=one.vps, backup=firsts[0], check=True)["warnings"]
    assert any("deleted" in warning for warning in told), told
    assert undo_of(client, one) is not None, "asking changes nothing"
    restore(client, one, firsts[0])
    check_guest(one, {"vda": bytes([0xA1]) * disk})
    assert undo_of(client, two) is not None, "that of another VPS was not needed"

    def free():
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize

    def discard(freed):
        """What is deleted becomes free in its own time."""
        before = free()
        client.request("undo.discard", vps=one.vps)
        isolated.wait_until(lambda: free() >= before + freed - 4 * MIB, "its room is free")

    (folder / "filler").unlink()
    isolated.wait_until(lambda: free() >= filler, "the room of the filler is free")
    discard(disk)
    isolated.run("fallocate", "-l", str(free() - 20 * MIB), folder / "filler")
    restore(client, one, firsts[0])
    assert undo_of(client, two) is None, "there was no other way"
    check_guest(one, {"vda": bytes([0xA1]) * disk})

    discard(disk)
    isolated.run("fallocate", "-l", str(free() - 20 * MIB), folder / "filler2")
    with pytest.raises(clients.RpcError) as refused:
        client.request("backup.restore", vps=one.vps, backup=firsts[0])
    assert refused.value.reason == "insufficient_space"


HOOK = pathlib.Path("/etc/libvirt/hooks/qemu.d/hold")


@pytest.fixture
def holding_hook():
    """Keeps each VPS from starting while its file exists; the daemon must know it from its start."""
    wanted = isolated.new_folder("holding") / "hold"
    HOOK.write_text(f"""#!/bin/sh
[ "$2 $3" = "prepare begin" ] || exit 0
tries=600
while [ -e '{wanted}' ] && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
exit 0
""")
    HOOK.chmod(0o755)
    isolated.stop_libvirtd(signal.SIGTERM)
    isolated.start_libvirtd()
    yield wanted
    wanted.unlink(missing_ok=True)
    HOOK.unlink()


@pytest.mark.parametrize("phase", ["stopping", "starting"])
def test_service_dies_in_an_undo(holding_hook, world, phase):
    """Killed while it stops the VPS and puts the disks back, and when they are put back and it starts."""
    service, client, vps, first, then, now = world
    restore(client, vps, first)
    if phase == "starting":
        holding_hook.touch()
    started = client.request("undo.start", vps=vps.vps)["operation"]
    client.wait_state(started["id"], "finishing")
    if phase == "starting":
        isolated.wait_until(lambda: not any(name.endswith(".old") for name in kept(vps)), "the old disks to be put back", 60)
    service.kill()
    holding_hook.unlink(missing_ok=True)
    service.start()
    client = follow(service, vps)
    ended = client.wait_operation(vps.vps, started["id"])
    assert ended["state"] == "completed", ended
    assert vps.active and undo_of(client, vps) is None and kept(vps) == []
    assert not service.lock_held(vps.vps)
    check_guest(vps, now)
    again = back_up(client, vps)
    check_image(service, vps, again, now)
    told = [one["type"] for one in client.request("notification.list", vps=vps.vps)["notifications"]]
    assert told.count("undo_completed") == 1 and "undo_failed" not in told


def test_service_says_whether_restores_can_be_undone(new_service):
    for window, can in (("24h", True), ("0", False)):
        service = new_service(operations={"undo-window": window})
        assert ("undo" in service.client().request("session.info")["features"]) == can
        service.stop()
