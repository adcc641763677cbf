# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts share one pool, and nothing else but the disks: what one does the other sees, and keeps out of."""

import http.client
import socket

import guest as guests
import isolated
import libvirt
import pytest
import rules
import second_host
import service as services

# How long a claim lives without being renewed. A machine that stands still for so long would fail the test.
CLAIM_TIMEOUT_S = 12


@pytest.fixture
def second(monkeypatch):
    monkeypatch.setattr(rules, "OTHER_HOSTS", True)
    made = second_host.SecondHost()
    yield made
    made.close()


@pytest.fixture
def host_a(new_service):
    return new_service(pool={"claim-timeout": CLAIM_TIMEOUT_S}, operations={"bandwidth-limit": "4M"})


@pytest.fixture
def host_b(second):
    """Its service, not started yet."""
    service = services.Service(pool_path=isolated.lab() / "unset", libvirt={"uri": second.uri}, bridge={"listen": ""},
                               pool={"claim-timeout": CLAIM_TIMEOUT_S})
    yield service
    problems = service.problems()
    service.stop()
    assert not problems


def start_beside(host_b, host_a):
    host_b.pool = host_b.config["pool"]["path"] = host_a.pool
    host_b.write_config()
    return host_b.start().client()


def metric(service, name):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(service.socket))
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


def take_down(vps):
    """The definition that the domain had; here it is no more."""
    xml = vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    vps.destroy()
    vps.domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    return xml


def claims(service):
    folder = service.pool / ".claims"
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("spare.")) if folder.exists() else []


def ids(state):
    return [backup["id"] for backup in state["backups"]]


def test_a_domain_moves_and_a_host_dies(host_a, host_b, second, new_blank):
    vps = new_blank("web1", [guests.Disk("vda", size=192 << 20)])
    a = host_a.client()
    a.follow(vps.vps)
    a.request("slots.set", vps=vps.vps, total=4)
    _, first = a.back_up(vps.vps)
    assert claims(host_a) == []

    # Moved to B: backups and slots are there, and it can be worked with.
    xml = take_down(vps)
    before = guests.image_bytes(vps.disk("vda").path, "qcow2")
    b = start_beside(host_b, host_a)
    domain_b = second.define(xml)
    b.follow(vps.vps)
    seen = b.wait_vps(vps.vps, lambda now: ids(now) == [first], "B finds the backup")
    assert (seen["slots"]["total"], seen["slots"]["used"]) == (4, 1)
    assert metric(host_a, "vps_backup_pool_free_bytes") > 1 << 20 and metric(host_b, "vps_backup_pool_free_bytes") > 1 << 20
    domain_b.create()
    ended, made_by_b = b.back_up(vps.vps)
    assert ended["state"] == "completed", ended
    domain_b.destroy()
    isolated.run("qemu-io", "-c", "write -P 0x55 2M 1M", vps.disk("vda").path)
    assert b.restore(vps.vps, first)["state"] == "completed"
    assert guests.image_bytes(vps.disk("vda").path, "qcow2") == before

    # And it comes to A again, before it is undefined on B.
    vps.domain = vps.connection.defineXML(xml)
    vps.start()
    vps.qemu_io("vda", "write -P 0xb2 32M 128M")  # half a minute's work
    a.follow(vps.vps)
    a.wait_vps(vps.vps, lambda now: ids(now) == [made_by_b, first] and now["power"] == "running", "A finds what B has made")
    assert_kept_out(a, b, vps, first)
    assert_dead_host_is_followed(host_a, host_b, a, b, vps, {first, made_by_b})


def assert_kept_out(a, b, vps, first):
    """While A works on it B does not."""
    operation = a.request("backup.create", vps=vps.vps)["operation"]["id"]
    a.wait_state(operation, "copying")
    for method, params in (("backup.create", {}), ("backup.restore", {"backup": first}), ("backup.delete", {"backup": first}),
                           ("backup.rename", {"backup": first, "name": "x"})):
        assert b.refusal(method, vps=vps.vps, **params).reason == "operation_running", method
    b.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "operation_running", "B shows it")
    assert b.refusal("power.start", vps=vps.vps).reason == "operation_running"
    a.request("operation.cancel", vps=vps.vps, operation=operation)
    a.wait_operation(vps.vps, operation)
    b.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "B sees that it is over")
    a.request("backup.rename", vps=vps.vps, backup=first, name="by A")
    b.wait_vps(vps.vps, lambda now: now["backups"][-1]["name"] == "by A", "B sees the new name")


def assert_dead_host_is_followed(host_a, host_b, a, b, vps, backups):
    operation = a.request("backup.create", vps=vps.vps)["operation"]["id"]
    a.wait_state(operation, "copying", bytes_done=1 << 20)
    host_a.kill()
    vps.destroy()
    assert b.refusal("backup.create", vps=vps.vps).reason == "operation_running"
    assert [name for name in host_b.backup_folders(vps.vps) if name.endswith(".partial")]

    b.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "operation_running", "B shows that it is A's")
    b.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "the claim of A has expired")
    ended, third = b.back_up(vps.vps)
    assert ended["state"] == "completed", ended
    isolated.wait_until(lambda: set(host_b.backup_folders(vps.vps)) == backups | {third}, "B has swept what A left")

    host_a.config["operations"]["bandwidth-limit"] = 0
    host_a.write_config()
    host_a.start()
    a = host_a.client()
    a.follow(vps.vps)
    ended = a.wait_operation(vps.vps, operation)
    assert ended["state"] in ("failed", "completed"), ended
    known = backups | {third} | ({ended["backup"]} if ended["state"] == "completed" else set())
    assert set(ids(a.vps[vps.vps])) == known and set(host_a.backup_folders(vps.vps)) == known
    isolated.wait_until(lambda: claims(host_a) == [], "all claims were given back")
