# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd answers nobody for longer than the keepalive allows, while many wait for it: the service lives, and every request and every
operation comes to an end."""

import contextlib
import os
import signal
import time

import client as clients
import guest as guests
import isolated
import pytest

N = 60
SILENT_S = 65  # over twice what the keepalive allows


@pytest.fixture
def many(new_guest):
    """Machines that are off: what is asked of libvirt is all that there is to wait for."""
    return [new_guest(f"many{number}", [guests.Disk("vda", size=1 << 20)], kind=guests.Blank) for number in range(N)]


@contextlib.contextmanager
def silent_libvirtd():
    pid = isolated.libvirtd_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_many_creates_while_libvirtd_is_silent(new_service, many):
    service = new_service(operations={"max-concurrent": str(N), "scratch-reserve": "1M"})
    client = service.client()
    client.follow(many[-1].vps)
    owners = []  # each with limits of its own
    for number, vps in enumerate(many):
        owners.append(service.customer(vps.vps, sub=f"owner{number}"))
        owners[-1].follow(vps.vps)
    for _ in range(int(os.environ.get("VB_REPEAT", "1"))):
        started = [owner.start("backup.create", vps=vps.vps) for owner, vps in zip(owners[:N // 2], many)]
        with silent_libvirtd():
            started += [owner.start("backup.create", vps=vps.vps) for owner, vps in zip(owners[N // 2:], many[N // 2:])]
            time.sleep(SILENT_S)
            assert service.alive, service.log_tail()
            assert client.request("session.info")
        for owner, vps, number in zip(owners, many, started):
            with contextlib.suppress(clients.RpcError):  # whatever the answer is
                owner.answer(number)
            now = owner.wait_vps(vps.vps,
                                 lambda now: now["operation"] is None and now["can_create"]["reason"] != "hypervisor_unavailable",
                                 "everything has ended")
            for backup in now["backups"]:
                owner.request("backup.delete", vps=vps.vps, backup=backup["id"])
        assert service.alive, service.log_tail()
        assert client.back_up(many[-1].vps)[0]["state"] == "completed"
        client.request("backup.delete", vps=many[-1].vps, backup=client.request("vps.get", vps=many[-1].vps)["backups"][0]["id"])
