# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd is killed: the operation goes on when it is back, and requests are told meanwhile."""

import signal

import isolated
import pytest


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
    assert vps.checkpoints() == sorted(f"vps-backup.{backup}" for backup in backups)
    assert isolated.run("virsh", "domjobinfo", vps.name).split()[2] == "None"


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
    client.wait_state(operation, "finishing")
    assert service.lock_held(vps.vps) == f"swap {operation}"
    start_libvirtd(vps)
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
