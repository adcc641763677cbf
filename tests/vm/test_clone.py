# SPDX-License-Identifier: LGPL-2.1-or-later
"""The backup of one VPS on the disks of another, which stays who it is; or as a new VPS from the pool."""

import os
import re

import client as clients
import guest as guests
import isolated
import libvirt
import pytest
from backups import back_up, check_guest, check_image, entry, off, on
from devices import Device, OnDevices

MIB = 1 << 20
SIZE = 24 * MIB


def pattern(*runs, size=SIZE):
    content = bytearray(size)
    for byte, first, count in runs:
        content[first * MIB:(first + count) * MIB] = bytes([byte]) * (count * MIB)
    return content


def write(vps, target, content, byte, first, count):
    vps.qemu_io(target, f"write -P {byte} {first}M {count}M")
    content[first * MIB:(first + count) * MIB] = bytes([byte]) * (count * MIB)


def follow(service, *all_vps):
    client = service.client()
    for vps in all_vps:
        client.follow(vps.vps)
    return client


def disks(format="qcow2", grown=0):
    return [guests.Disk("vda", size=SIZE + grown, format=format), guests.Disk("vdb", size=SIZE, format=format)]


def identity(vps):
    """All of the permanent definition."""
    return re.sub(r"\s+", " ", vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))


def clone(client, vps, source, backup, **params):
    started = client.request("backup.restore", vps=vps.vps, backup=backup, **{"from": source.vps}, **params)["operation"]
    assert started["from"] == source.vps
    return client.wait_operation(vps.vps, started["id"])


@pytest.fixture
def world(new_service, new_guest):
    """Two VPSs, each with a backup of its own, and what their disks hold."""
    def make(grown=0, format="qcow2", **operations):
        pool = isolated.mount_xfs(isolated.new_folder("reflinks"), 1 << 30) / "pool"
        service = new_service(pool_path=pool, operations={"undo-window": "24h", **operations}, slots={"included": 6, "maximum": 6})
        source = new_guest("source", disks(), kind=guests.Blank).start()
        target = new_guest("target", disks(format, grown), kind=guests.Blank).start()
        client = follow(service, source, target)
        theirs = {"vda": pattern(), "vdb": pattern()}
        write(source, "vda", theirs["vda"], 0xA1, 0, 8)
        write(source, "vdb", theirs["vdb"], 0xB1, 3, 9)
        own = {"vda": pattern(size=SIZE + grown), "vdb": pattern()}
        write(target, "vda", own["vda"], 0xC1, 2, 20)
        write(target, "vdb", own["vdb"], 0xD1, 0, 4)
        backup = back_up(client, source)
        first = back_up(client, target)
        write(target, "vda", own["vda"], 0xC2, 4, 2)
        return service, client, source, target, theirs, own, backup, first
    return make


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("grown, format", [(0, "qcow2"), (8 * MIB, "qcow2"), (8 * MIB, "raw")])
def test_clone(world, running, grown, format):
    service, client, source, target, theirs, own, backup, first = world(grown, format)
    if not running:
        off(client, target)
    before = identity(target), identity(source)
    pid = source.qemu_pid()
    ended = clone(client, target, source, backup)
    assert ended["state"] == "completed", ended
    assert target.active == running and source.qemu_pid() == pid
    assert (identity(target), identity(source)) == before, "both are who they were"
    on(client, target)
    now = {"vda": theirs["vda"] + bytes(grown), "vdb": theirs["vdb"]}
    check_guest(target, now)
    check_guest(source, theirs)
    assert entry(client, source, backup)["state"] == "available"

    after = back_up(client, target)
    check_image(service, target, after, now)
    assert not entry(client, target, after)["incremental"], "nothing that was known of the disks is true of these"
    now = {name: bytearray(content) for name, content in now.items()}
    write(target, "vdb", now["vdb"], 0xD3, 20, 1)
    later = back_up(client, target)
    check_image(service, target, later, now)
    assert entry(client, target, later)["incremental"] == (format == "qcow2")
    again = back_up(client, source)
    check_image(service, source, again, theirs)
    assert entry(client, source, again)["incremental"], "the source has lost nothing"

    assert client.restore(target.vps, first)["state"] == "completed", "its own backups are restored as before"
    own["vda"][4 * MIB:6 * MIB] = bytes([0xC1]) * (2 * MIB)
    check_guest(target, own)


def test_undo_of_a_clone(world):
    service, client, source, target, theirs, own, backup, first = world()
    assert clone(client, target, source, backup)["state"] == "completed"
    assert client.request("vps.get", vps=target.vps)["undo"]["backup"] == backup
    started = client.request("undo.start", vps=target.vps)["operation"]
    assert client.wait_operation(target.vps, started["id"])["state"] == "completed"
    check_guest(target, own)
    after = back_up(client, target)
    check_image(service, target, after, own)


def test_present_state_of_the_target_is_backed_up_first(world):
    service, client, source, target, theirs, own, backup, first = world()
    assert clone(client, target, source, backup, backup_first=True)["state"] == "completed"
    check_guest(target, theirs)
    made = [one["id"] for one in client.request("vps.get", vps=target.vps)["backups"] if one["id"] != first]
    assert len(made) == 1
    check_image(service, target, made[0], own)


def refused(client, target, source, backup, check=False):
    with pytest.raises(clients.RpcError) as told:
        client.request("backup.restore", vps=target.vps, backup=backup, check=check, **{"from": source.vps})
    return told.value


def test_refusals(world, new_guest):
    service, client, source, target, theirs, own, backup, first = world()
    small = new_guest("small", [guests.Disk("vda", size=SIZE - MIB), guests.Disk("vdb", size=SIZE)], kind=guests.Blank)
    lacking = new_guest("lacking", [guests.Disk("vda", size=SIZE)], kind=guests.Blank)
    client.follow(small.vps)
    client.follow(lacking.vps)
    for check in (True, False):
        told = refused(client, small, source, backup, check)
        assert told.reason == "disk_missing" and "vda" in str(told) and "enlarge" in str(told)
        told = refused(client, lacking, source, backup, check)
        assert told.reason == "disk_missing" and "vdb" in str(told)
    assert refused(client, target, target, backup).reason == "not_found", "it is not its own"
    with pytest.raises(clients.RpcError) as told:
        client.request("backup.restore", vps=target.vps, backup=backup)
    assert told.value.reason == "not_found"
    for seen in (target, source):
        with service.customer(seen.vps, "backup.read", "backup.restore") as customer:
            assert refused(customer, target, source, backup).reason == "not_found", "both have to be theirs"
    check_guest(target, own)


def test_backup_is_not_deleted_under_a_clone(world):
    service, client, source, target, theirs, own, backup, first = world(**{"bandwidth-limit": "4M"})
    started = client.request("backup.restore", vps=target.vps, backup=backup, **{"from": source.vps})["operation"]
    client.wait_state(started["id"], "copying")
    with pytest.raises(clients.RpcError) as told:
        client.request("backup.delete", vps=source.vps, backup=backup)
    assert told.value.reason == "operation_running"
    assert client.wait_operation(target.vps, started["id"])["state"] == "completed"
    client.request("backup.delete", vps=source.vps, backup=backup)


def test_customers_of_the_target_are_not_told_the_source(world):
    """They have its data, and nothing else of it."""
    service, client, source, target, _, _, backup, _ = world()
    customer = service.customer(target.vps, sub="carol")
    customer.follow(target.vps)
    ended = clone(client, target, source, backup)
    assert ended["state"] == "completed"
    theirs = customer.wait_operation(target.vps, ended["id"])
    assert theirs["from"] is None
    told = repr(customer.events) + repr(customer.request("operation.list", vps=target.vps)) + repr(customer.request("vps.get", vps=target.vps))
    assert source.vps not in told


def test_a_device_half_overwritten_by_a_clone_of_which_only_the_pool_knows(new_service, new_guest):
    service = new_service(operations={"bandwidth-limit": "3M"})
    source = new_guest("source", [guests.Disk("vda", size=16 * MIB)], kind=guests.Blank).start()
    target = new_guest("target", [Device("vda", size=20 * MIB)], kind=OnDevices).start()
    client = follow(service, source, target)
    content = pattern(size=16 * MIB)
    write(source, "vda", content, 0xA1, 0, 12)
    target.qemu_io("vda", "write -P 0xb7 0 20M")
    backup = back_up(client, source)
    started = client.request("backup.restore", vps=target.vps, backup=backup, **{"from": source.vps})["operation"]
    client.wait_state(started["id"], "finishing", bytes_done=15 * MIB)
    service.kill()
    for path in service.state.glob("journal*"):
        path.unlink()
    service.start()
    client = follow(service, source, target)
    ended = client.wait_operation(target.vps, started["id"])
    assert (ended["state"], ended["backup"], ended["from"]) == ("completed", backup, source.vps), ended
    on(client, target)
    check_guest(target, {"vda": content + bytes(4 * MIB)})


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_service_dies_under_a_clone(world, how):
    service, client, source, target, theirs, own, backup, first = world(**{"bandwidth-limit": "4M"})
    started = client.request("backup.restore", vps=target.vps, backup=backup, **{"from": source.vps})["operation"]
    client.wait_state(started["id"], "copying", bytes_done=4 * MIB)
    service.kill() if how == "kill" else service.stop()
    service.start()
    client = follow(service, source, target)
    ended = client.wait_operation(target.vps, started["id"])
    assert ended["state"] == ("failed" if how == "kill" else "completed"), ended
    assert ended["from"] == source.vps
    check_guest(target, own if how == "kill" else theirs)


def test_damaged_backup(world):
    service, client, source, target, theirs, own, backup, first = world()
    with open(service.backup_path(source.vps, backup) / "vdb.raw", "r+b") as image:
        image.seek(4 * MIB)
        image.write(b"?")
    ended = clone(client, target, source, backup)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "checksum_mismatch", ended
    check_guest(target, own)
    client.wait_vps(source.vps, lambda now: now["backups"][0]["damaged"], "the backup of the other VPS to be marked")
    assert refused(client, target, source, backup).reason == "checksum_mismatch"
    assert not entry(client, target, first)["damaged"]


def test_command_line(world):
    service, client, source, target, theirs, own, backup, first = world()
    service.ctl("restore", "target", "latest", "--from", "source", "--yes", "--wait")
    check_guest(target, theirs)


def test_recover_as_a_new_vps(world):
    """Beside the first, which runs on."""
    service, client, source, target, theirs, own, backup, first = world()
    into = isolated.new_folder("into")
    pid = source.qemu_pid()
    done = service.ctl_json("recover", "source", backup, "--into", into, "--as", "copy", "--pool", service.pool)
    assert done["name"] == "copy" and done["vps"] not in (source.vps, target.vps)
    assert sorted(os.listdir(into)) == ["copy-vda.qcow2", "copy-vdb.qcow2", "copy.xml"]
    connection = libvirt.open("qemu:///system")
    domain = connection.lookupByUUIDString(done["vps"])
    try:
        assert domain.name() == "copy"
        for target_name, content in theirs.items():
            raw = into / f"{target_name}.raw"
            isolated.run("qemu-img", "convert", "-O", "raw", into / f"copy-{target_name}.qcow2", raw)
            assert raw.read_bytes() == bytes(content)
        macs = [set(re.findall(r"<mac address='([^']+)'", one.XMLDesc())) for one in (domain, source.domain)]
        assert not macs[0] & macs[1]
        client.follow(done["vps"])
        taken = service.run_ctl("recover", "source", backup, "--into", into / "more", "--as", "target", "--pool", service.pool)
        assert taken.returncode == 3 and "target" in taken.stderr
        assert service.run_ctl("recover", "source", "--into", into / "more", "--as", "a/b", "--pool", service.pool).returncode == 2
    finally:
        domain.undefine()
    assert source.qemu_pid() == pid
    check_guest(source, theirs)
