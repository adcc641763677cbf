# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd is killed, or was never there: the operation goes on when it is back, and requests are told meanwhile."""

import signal
import subprocess
import uuid

import isolated
import pytest

FILLED = 20 << 20


@pytest.fixture
def watched(new_service):
    service = new_service(operations={"bandwidth-limit": "10M", "scratch-reserve": "1M"}, slots={"included": 10})
    return service, service.client()


@pytest.fixture
def vps(new_blank):
    made = new_blank()
    made.qemu_io("vda", "write -P 0xc3 0 20M")
    return made


def kill_libvirtd():
    isolated.stop_libvirtd(signal.SIGKILL)


def start_libvirtd(vps):
    isolated.start_libvirtd()
    vps.refresh()


def copying(client, vps, method, **params):
    operation = client.request(method, vps=vps.vps, **params)["operation"]
    client.wait_state(operation["id"], "copying", bytes_done=2 << 20)
    return operation["id"], operation["backup"]


def no_trace(service, vps, backups):
    beside = {path.name for path in vps.disk("vda").path.parent.iterdir() if vps.name in path.name} - {vps.disk("vda").path.name}
    assert not beside and not list(service.pool.glob("*/.*")) and service.lock_held(vps.vps) is None
    kept = {f"vps-backup.{backup}" for backup in backups}
    assert set(vps.checkpoints()) == kept if vps.active else set(vps.checkpoints()) <= kept  # libvirt's records of one that is off go
    assert not vps.active or isolated.run("virsh", "domjobinfo", vps.name).split()[2] == "None"


def test_killed_during_create_and_restore(watched, vps):
    """While preparing, copying and finishing a create; while copying, and around the swap of, a restore."""
    service, client = watched
    client.follow(vps.vps)

    kill_libvirtd()
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "hypervisor_unavailable", "the death is noticed")
    assert client.refusal("backup.create", vps=vps.vps).reason == "hypervisor_unavailable"
    assert client.refusal("power.stop", vps=vps.vps).reason == "hypervisor_unavailable"
    start_libvirtd(vps)
    client.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "libvirtd is found again")

    operation, first = copying(client, vps, "backup.create")
    kill_libvirtd()
    progress = client.operation(vps.vps, operation)["bytes_done"]
    client.wait_state(operation, "copying", bytes_done=progress + (2 << 20))  # the data does not need it
    client.wait_state(operation, "finishing")
    start_libvirtd(vps)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    no_trace(service, vps, [first])

    operation, _ = copying(client, vps, "backup.restore", backup=first)
    kill_libvirtd()
    progress = client.operation(vps.vps, operation)["bytes_done"]
    client.wait_state(operation, "copying", bytes_done=progress + (2 << 20))  # whether the disks are the same is asked before the swap
    assert service.lock_held(vps.vps) == f"restore {operation}"
    start_libvirtd(vps)
    held = set()
    while client.vps[vps.vps]["operation"]:  # as events tell it
        held.add(service.lock_held(vps.vps))
    assert f"swap {operation}" in held, "the hook keeps everybody from a half swapped VPS"
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert vps.running
    no_trace(service, vps, [first])


def test_killed_while_the_backup_job_begins(watched, vps):
    """At some instant between the request and the first byte; nobody knows how far libvirt had got."""
    service, client = watched
    client.follow(vps.vps)
    made = []
    for _ in range(3):
        operation = client.request("backup.create", vps=vps.vps)["operation"]
        kill_libvirtd()
        start_libvirtd(vps)
        ended = client.wait_operation(vps.vps, operation["id"])
        assert ended["state"] == "completed", ended
        made.append(operation["backup"])
        client.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "libvirtd is found again")
    no_trace(service, vps, made)


def test_libvirtd_and_qemu_die_together(watched, vps):
    service, client = watched
    client.follow(vps.vps)
    vps.qemu_io("vda", "flush")
    operation, backup = copying(client, vps, "backup.create")
    kill_libvirtd()
    subprocess.run(["kill", "-9", str(vps.qemu_pid())], check=True)
    start_libvirtd(vps)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert client.vps[vps.vps]["backups"][0]["consistency"] == "offline"
    data = (service.backup_path(vps.vps, backup) / "vda.raw").read_bytes()
    assert data[:FILLED] == b"\xc3" * FILLED
    no_trace(service, vps, [backup])


def test_absent_at_the_start_with_fifty_domains(new_service, vps):
    """The service starts without it, goes on with what was left when it comes, and lists everything."""
    service = new_service(operations={"bandwidth-limit": "10M", "scratch-reserve": "1M"})
    for number in range(50):
        name = f"many-{number}"
        vps.connection.defineXML(
            f"<domain type='qemu'><name>{name}</name><uuid>{uuid.uuid4()}</uuid><memory unit='MiB'>64</memory>"
            "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>")
    client = service.client()
    client.follow(vps.vps)
    isolated.wait_until(lambda: len(client.request("vps.list")["vps"]) == 51, "all are listed", pause_s=0.1)
    operation, backup = copying(client, vps, "backup.create")
    service.stop()
    kill_libvirtd()
    service.start()
    client = service.client()
    assert client.refusal("backup.create", vps=vps.vps).reason == "hypervisor_unavailable"
    assert client.refusal("vps.get", vps=vps.vps).reason == "hypervisor_unavailable"
    start_libvirtd(vps)
    isolated.wait_until(lambda: len(client.request("vps.list")["vps"]) == 51, "all are listed again", pause_s=0.1)
    client.follow(vps.vps)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert "The capture continues" in service.log()
    no_trace(service, vps, [backup])
    for domain in vps.connection.listAllDomains():
        if domain.name().startswith("many-"):
            domain.undefine()
