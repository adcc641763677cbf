# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process that the service talks to is stopped (SIGSTOP) and answers nobody: it is named where operators look, other VPSs go on, and
when it goes on again, so does everything."""

import contextlib
import json
import os
import pathlib
import signal
import urllib.error
import urllib.request

import client as client_module
import isolated
import pytest
import service as services

MIB = 1 << 20


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def get(path, service=None):
    request = urllib.request.Request(f"http://127.0.0.1:{services.PORT}{path}")
    if service is not None:
        request.add_header("Authorization", f"Bearer {service.token(perms=['admin'])}")
    try:
        with contextlib.closing(urllib.request.urlopen(request, timeout=60)) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def health():
    return json.loads(get("/healthz"))


@pytest.fixture
def pair(new_service, new_blank):
    def make(**operations):
        service = new_service(operations={"scratch-reserve": "1M", **operations})
        first, second = new_blank("first"), new_blank("second")
        client = service.client()
        for vps in first, second:
            client.follow(vps.vps)
        return service, client, first, second
    return make


def begin(client, vps):
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    return operation


def test_libvirtd_is_stopped(pair):
    service, client, first, second = pair(**{"bandwidth-limit": "2M"})
    operation = begin(client, first)
    assert health()["hypervisor"] is True
    with stopped(isolated.libvirtd_pid()):
        isolated.wait_until(lambda: health()["hypervisor"] is False, "/healthz says that the hypervisor is away", 180)
        assert health()["status"] == "degraded"
        assert "vps_backup_hypervisor_up 0" in get("/metrics", service)
        assert "hypervisor is lost" in service.log()
        now = client.wait_vps(second.vps, lambda now: not now["can_create"]["allowed"], "it is said at the VPS", 180)
        assert now["can_create"]["reason"] == "hypervisor_unavailable"
        assert client.refusal("backup.create", vps=second.vps).reason == "hypervisor_unavailable"
        doctor = service.run_ctl("doctor", "--config", service.config_path)
        assert doctor.returncode != 0 and "libvirt" in doctor.stdout
        assert client.request("vps.list")["vps"]
    first.refresh()
    second.refresh()
    assert client.wait_operation(first.vps, operation, 300)["state"] == "completed"
    client.wait_vps(second.vps, lambda now: now["can_create"]["allowed"], "it can be backed up again", 180)
    assert client.back_up(second.vps)[0]["state"] == "completed"
    assert health()["hypervisor"] is True


def test_qemu_is_stopped_while_it_is_copied(pair):
    """One guest's QEMU answers nobody. The operation says that it stands still; everybody else's are as always."""
    service, client, first, second = pair(**{"stall-timeout": "2", "bandwidth-limit": "4M"})
    operation = begin(client, first)
    with stopped(first.qemu_pid()):
        client.wait_vps(first.vps, lambda now: now["operation"] and now["operation"]["stalled"], "it stands still, and that is said", 120)
        isolated.wait_until(lambda: operation in service.log() and "stall" in service.log().lower(), "the log names it")
        for _ in range(2):
            assert client.back_up(second.vps)[0]["state"] == "completed"
            client.request("power.stop", vps=second.vps, force=True)
            client.wait_vps(second.vps, lambda now: now["power"] == "stopped", "it to be off")
            client.request("power.start", vps=second.vps)
            client.wait_vps(second.vps, lambda now: now["power"] == "running", "it to be on")
            assert health()["status"] == "ok"
        isolated.wait_until(lambda: "has not answered for" in service.run_ctl("doctor", "--config", service.config_path).stdout,
                            "doctor names it", 120)
    ended = client.wait_operation(first.vps, operation, 300)
    assert ended["state"] == "completed", ended


def test_many_qemus_are_stopped(new_service, new_blank):
    """More than may run at a time, and more that answer no question: whoever is left has backups and restores as always."""
    service = new_service(operations={"scratch-reserve": "1M", "stall-timeout": "2", "max-concurrent": "2", "bandwidth-limit": "4M"})
    copied, asked, healthy = [new_blank(f"copied{i}") for i in range(3)], [new_blank(f"asked{i}") for i in range(6)], new_blank("healthy")
    client = service.client()
    for vps in *copied, *asked, healthy:
        client.follow(vps.vps)
    backup = client.back_up(healthy.vps)[1]
    operations = [begin(client, vps) for vps in copied[:2]]
    operations.append(client.request("backup.create", vps=copied[2].vps)["operation"]["id"])
    with contextlib.ExitStack() as stack:
        for vps in *copied, *asked:
            stack.enter_context(stopped(vps.qemu_pid()))
        questions = [client.start("backup.create", vps=vps.vps) for vps in asked]
        assert client.back_up(healthy.vps)[0]["state"] == "completed"
        assert client.restore(healthy.vps, backup)["state"] == "completed"
        assert all(client.operation(vps.vps, operation)["stalled"] for vps, operation in zip(copied, operations))
        assert health()["status"] == "ok"
        for question in questions:
            with pytest.raises(client_module.RpcError) as refused:
                client.answer(question)
            assert refused.value.reason == "hypervisor_unavailable"
    for vps, operation in zip(copied, operations):
        ended = client.wait_operation(vps.vps, operation, 300)
        assert ended["state"] == "completed", ended
    assert client.back_up(asked[0].vps)[0]["state"] == "completed"


def qemu_nbds():
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text().strip() == "qemu-nbd":
                found.append(int(folder.name))
    return found


def test_qemu_nbd_is_stopped(pair):
    """A VPS that is off is read through qemu-nbd: the copy stands still, is named, can be cancelled, and disturbs nobody."""
    service, client, first, second = pair(**{"stall-timeout": "2", "bandwidth-limit": "2M"})
    client.request("power.stop", vps=first.vps, force=True)
    first.wait_off()
    operation = begin(client, first)
    pids = qemu_nbds()
    assert pids
    with contextlib.ExitStack() as stack:
        for pid in pids:
            stack.enter_context(stopped(pid))
        client.wait_vps(first.vps, lambda now: now["operation"] and now["operation"]["stalled"], "it stands still, and that is said", 120)
        assert client.back_up(second.vps)[0]["state"] == "completed"
        assert health()["status"] == "ok"
        client.request("operation.cancel", vps=first.vps, operation=operation)
        assert client.wait_operation(first.vps, operation, 120)["state"] == "cancelled"
    isolated.wait_until(lambda: not set(pids) & set(qemu_nbds()), "its process is gone")
    assert client.back_up(first.vps)[0]["state"] == "completed"
