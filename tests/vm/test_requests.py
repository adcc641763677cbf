# SPDX-License-Identifier: LGPL-2.1-or-later
"""Admission: who may do what when, and what every refusal is called."""

import threading
import uuid

import guest as guests
import isolated
import libvirt
import pytest
import rules

NETWORK_DISK = """<disk type='network' device='disk'><driver name='qemu' type='raw'/>
  <source protocol='nbd' name='export'><host name='127.0.0.1' port='10809'/></source><target dev='vdz' bus='virtio'/></disk>"""


def traces(service, vps):
    """Everything that an operation may have left on the host."""
    beside = {path.name for path in vps.disks[0].path.parent.iterdir()} - {disk.path.name for disk in vps.disks}
    return {"pool": service.backup_folders(vps.vps), "beside the disk": beside, "checkpoints": vps.checkpoints(),
            "lock": service.lock_held(vps.vps)}


NO_TRACE = {"pool": [], "beside the disk": set(), "checkpoints": [], "lock": None}


def test_buttons_and_progress_at_each_moment(slow_service, new_blank):
    """The rules of rules.py are applied to every message; here each moment is looked at by name as well."""
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    before = client.wait_vps(vps.vps, lambda now: now["status"] == "running", "its start is seen")
    assert before["can_create"] == {"allowed": True, "reason": None}
    assert before["power_actions"] == {"start": False, "stop": True, "restart": True}
    assert before["slots"] == {"used": 0, "total": 2, "included": 2, "extra": 0, "step": 1, "maximum": 10, "billable_steps": 0}

    started = client.request("backup.create", vps=vps.vps, name="the first")
    operation, backup = started["operation"], started["backup"]
    assert operation["kind"] == "create" and operation["state"] in ("queued", "preparing") and operation["backup"] == backup["id"]
    assert backup["name"] == "the first" and backup["state"] in ("queued", "creating")
    during = client.request("vps.get", vps=vps.vps)
    assert during["status"] == "creating_backup" and during["slots"]["used"] == 1
    copying = client.wait_state(operation["id"], "copying", bytes_done=1 << 20)
    assert 0 < copying["progress"] < 100 and copying["bytes_total"] >= 16 << 20 and not copying["stalled"]
    client.wait_for(lambda: any(one["rate_bytes_per_s"] and one["eta_s"] for _, one in client.progress_of(operation["id"])),
                    "a rate and a time to wait")
    ended = client.wait_operation(vps.vps, operation["id"])
    assert ended["state"] == "completed" and ended["progress"] == 100 and ended["error"] is None
    assert ended["bytes_done"] == ended["bytes_total"] >= 16 << 20
    samples = client.progress_of(operation["id"])
    rules.check_progress(samples)
    states = [one["state"] for _, one in samples]
    assert "copying" in states and states[-1] == "completed"
    told = client.wait_event("notification.added")
    assert (told["type"], told["backup"], told["backup_name"], told["vps_name"], told["reason"]) == \
        ("backup_completed", backup["id"], "the first", vps.name, None)

    after = client.vps[vps.vps]
    assert after["status"] == "running" and after["can_create"]["allowed"] and after["slots"]["used"] == 1
    assert after["backups"][0]["size_bytes"] >= 16 << 20 and after["backups"][0]["completed_at"]

    operation = client.request("backup.restore", vps=vps.vps, backup=backup["id"])["operation"]
    assert operation["kind"] == "restore"
    during = client.request("vps.get", vps=vps.vps)
    assert during["status"] == "restoring_backup" and during["backups"][0]["state"] == "restoring"
    client.wait_state(operation["id"], "copying", bytes_done=1 << 20)
    assert vps.running, "the VPS runs while its new disk is prepared"
    assert client.wait_operation(vps.vps, operation["id"])["state"] == "completed"
    rules.check_progress(client.progress_of(operation["id"]))
    client.wait_event("notification.added", lambda told: told["type"] == "restore_completed")
    client.request("backup.create", vps=vps.vps, name="the second")
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "slots_full" and now["operation"] is None, "slots are full")


def test_every_wish_is_refused_while_an_operation_runs(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    _, kept = client.back_up(vps.vps)
    started = client.request("backup.create", vps=vps.vps)
    running, unfinished = started["operation"]["id"], started["backup"]["id"]
    client.wait_state(running, "copying", bytes_done=1)
    assert slow_service.lock_held(vps.vps) == f"create {running}"
    for method in ("power.start", "power.stop", "power.restart"):
        assert client.refusal(method, vps=vps.vps).reason == "operation_running"
        assert client.refusal(method, vps=vps.vps, force=True).reason == "operation_running"
    assert client.refusal("backup.create", vps=vps.vps).reason == "operation_running"
    assert client.refusal("backup.restore", vps=vps.vps, backup=kept).reason == "operation_running"
    assert client.refusal("backup.restore", vps=vps.vps, backup=unfinished).reason in ("operation_running", "backup_not_ready")
    assert client.refusal("backup.delete", vps=vps.vps, backup=unfinished).reason == "backup_not_ready"
    assert client.refusal("backup.verify", vps=vps.vps, backup=unfinished).reason == "backup_not_ready"
    assert vps.running and client.operation(vps.vps, running)["state"] == "copying"
    assert client.wait_operation(vps.vps, running)["state"] == "completed"

    restoring = client.request("backup.restore", vps=vps.vps, backup=kept)["operation"]["id"]
    client.wait_state(restoring, "copying", bytes_done=1)
    assert client.refusal("backup.delete", vps=vps.vps, backup=kept).reason == "operation_running"
    assert client.refusal("power.stop", vps=vps.vps).reason == "operation_running"
    assert slow_service.lock_held(vps.vps) == f"restore {restoring}"
    client.request("backup.delete", vps=vps.vps, backup=unfinished)  # another one may go meanwhile
    assert client.wait_operation(vps.vps, restoring)["state"] == "completed"
    assert client.refusal("operation.cancel", vps=vps.vps, operation=restoring).reason == "too_late"


def test_what_does_not_exist_is_not_found(service, new_blank):
    vps, other = new_blank(), new_blank("other", start=False)
    admin = service.client()
    nobody = str(uuid.uuid4())
    for method in ("vps.get", "vps.subscribe", "backup.create", "operation.list", "power.start"):
        assert admin.refusal(method, vps=nobody).reason == "not_found", method
    for method in ("backup.restore", "backup.delete", "backup.verify"):
        assert admin.refusal(method, vps=vps.vps, backup=nobody).reason == "not_found", method
    assert admin.refusal("backup.rename", vps=vps.vps, backup=nobody, name="x").reason == "not_found"
    assert admin.refusal("operation.cancel", vps=vps.vps, operation=nobody).reason == "not_found"
    customer = service.customer(vps.vps)
    assert [one["vps"] for one in customer.request("vps.list")["vps"]] == [vps.vps]
    for method in ("vps.get", "backup.create", "power.stop"):
        assert customer.refusal(method, vps=other.vps).reason == "not_found", method


def test_a_token_allows_what_it_names(service, new_blank):
    vps = new_blank()
    admin = service.client()
    admin.follow(vps.vps)
    _, backup = admin.back_up(vps.vps)
    reader = service.customer(vps.vps, "backup.read")
    assert reader.request("vps.get", vps=vps.vps)["backups"][0]["id"] == backup
    for method, params in (("backup.create", {}), ("backup.restore", {"backup": backup}), ("backup.delete", {"backup": backup}),
                           ("slots.set", {"total": 3}), ("power.stop", {"force": True})):
        assert reader.refusal(method, vps=vps.vps, **params).reason == "forbidden", method
    assert vps.running and admin.request("vps.get", vps=vps.vps)["slots"]["used"] == 1
    owner = service.customer(vps.vps)
    owner.follow(vps.vps)
    assert owner.restore(vps.vps, backup)["state"] == "completed"
    assert owner.refusal("slots.set", vps=vps.vps, total=3).reason == "forbidden"
    seller = service.customer(vps.vps, "slots.write")
    assert seller.request("slots.set", vps=vps.vps, total=3)["total"] == 3


def test_last_slot_goes_to_one_of_two(slow_service, new_blank):
    """Several creates at the same instant, on the last slot: exactly one is admitted."""
    vps = new_blank()
    first = slow_service.client()
    first.follow(vps.vps)
    first.back_up(vps.vps)
    contenders = [slow_service.client() for _ in range(6)]
    barrier, outcomes = threading.Barrier(len(contenders)), []

    def contend(client):
        barrier.wait()
        try:
            outcomes.append(client.request("backup.create", vps=vps.vps)["operation"]["id"])
        except Exception as error:  # pylint: disable=broad-except # judged below
            outcomes.append(getattr(error, "reason", error))
    threads = [threading.Thread(target=contend, args=(client,)) for client in contenders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    admitted = [one for one in outcomes if one not in ("operation_running", "slots_full")]
    assert len(outcomes) == len(contenders) and len(admitted) == 1, outcomes
    assert first.wait_operation(vps.vps, admitted[0])["state"] == "completed"
    now = first.vps[vps.vps]
    assert now["slots"]["used"] == now["slots"]["total"] == 2 and len(slow_service.backup_folders(vps.vps)) == 2
    assert first.refusal("backup.create", vps=vps.vps).reason == "slots_full"


def test_repeated_request_is_the_same_operation(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    first = client.request("backup.create", vps=vps.vps, request_key="pressed twice")
    again = client.request("backup.create", vps=vps.vps, request_key="pressed twice")
    assert again["operation"]["id"] == first["operation"]["id"] and again["backup"]["id"] == first["backup"]["id"]
    client.wait_operation(vps.vps, first["operation"]["id"])
    late = client.request("backup.create", vps=vps.vps, request_key="pressed twice")
    assert late["operation"]["id"] == first["operation"]["id"] and late["operation"]["state"] == "completed"
    assert len(slow_service.backup_folders(vps.vps)) == 1


def test_cancelled_create_leaves_no_trace(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1 << 20)
    assert traces(slow_service, vps) != NO_TRACE
    assert client.request("operation.cancel", vps=vps.vps, operation=operation) == {}
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "cancelled" and ended["error"]["reason"] == "cancelled" and ended["progress"] < 100
    now = client.vps[vps.vps]
    assert now["slots"]["used"] == 0 and now["backups"] == [] and now["can_create"]["allowed"]
    assert traces(slow_service, vps) == NO_TRACE
    with pytest.raises(libvirt.libvirtError):
        vps.domain.backupGetXMLDesc()
    assert client.back_up(vps.vps)[0]["state"] == "completed"


def test_cancelled_create_of_a_shut_off_vps_leaves_no_trace(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it is off")
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1 << 20)
    client.request("operation.cancel", vps=vps.vps, operation=operation)
    assert client.wait_operation(vps.vps, operation)["state"] == "cancelled"
    assert traces(slow_service, vps) == NO_TRACE
    assert "bitmaps" not in isolated.run("qemu-img", "info", vps.live_path("vda"))
    vps.start()


def test_cancelled_restore_leaves_the_vps_alone(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.qemu_io("vda", "write -P 0x33 0 20M")
    pid = vps.qemu_pid()
    operation = client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1 << 20)
    client.request("operation.cancel", vps=vps.vps, operation=operation)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "cancelled", ended
    assert vps.qemu_pid() == pid and vps.running
    left = traces(slow_service, vps)
    assert left["beside the disk"] == set() and left["lock"] is None and left["pool"] == [backup]
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 20 << 20) == b"\x33" * (20 << 20)


def test_queued_operation_waits_and_can_be_cancelled(new_service, new_blank):
    service = new_service(operations={"bandwidth-limit": "4M", "max-concurrent": "1"})
    first, second = new_blank("first"), new_blank("second")
    client = service.client()
    client.follow(first.vps)
    client.follow(second.vps)
    running = client.request("backup.create", vps=first.vps)["operation"]["id"]
    client.wait_state(running, "copying")
    waiting = client.request("backup.create", vps=second.vps)
    assert waiting["operation"]["state"] == "queued" and waiting["backup"]["state"] == "queued"
    now = client.request("vps.get", vps=second.vps)
    assert now["status"] == "creating_backup" and now["slots"]["used"] == 1
    assert client.refusal("backup.delete", vps=second.vps, backup=waiting["backup"]["id"]).reason == "backup_not_ready"
    client.request("operation.cancel", vps=second.vps, operation=waiting["operation"]["id"])
    assert client.wait_operation(second.vps, waiting["operation"]["id"])["state"] == "cancelled"
    assert client.operation(first.vps, running)["state"] == "copying"
    waiting = client.request("backup.create", vps=second.vps)["operation"]["id"]
    assert client.wait_operation(first.vps, running)["state"] == "completed"
    assert client.wait_operation(second.vps, waiting)["state"] == "completed"
    rules.check_progress(client.progress_of(waiting))


def test_slots_are_kept_in_the_metadata(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    assert client.request("slots.set", vps=vps.vps, total=5) == \
        {"used": 0, "total": 5, "included": 2, "extra": 3, "step": 1, "maximum": 10, "billable_steps": 3}
    client.wait_vps(vps.vps, lambda now: now["slots"]["total"] == 5, "the new total is told")
    for flags in (libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG):
        assert "5" in vps.domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:vps-backup:1", flags)
    isolated.run("virsh", "metadata", vps.name, "urn:vps-backup:1", "--key", "vps-backup", "--live", "--config",
                 "--set", "<backup><slots total='1'/></backup>")
    client.wait_vps(vps.vps, lambda now: now["slots"]["total"] != 5, "the change made with virsh is noticed")
    isolated.run("virsh", "metadata", vps.name, "urn:vps-backup:1", "--key", "vps-backup", "--live", "--config",
                 "--set", "<backup><slots total='4'/></backup>")
    client.wait_vps(vps.vps, lambda now: now["slots"]["total"] == 4, "the change made with virsh is noticed")
    for number in range(3):
        client.back_up(vps.vps, name=f"number {number}")
    assert client.refusal("slots.set", vps=vps.vps, total=2).reason == "slots_in_use"
    assert client.refusal("slots.set", vps=vps.vps, total=11).code == -32602
    assert client.refusal("slots.set", vps=vps.vps, total=1).reason in ("slots_in_use", None)
    assert client.request("slots.set", vps=vps.vps, total=3)["used"] == 3
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "slots_full", "the button is off")


def test_slots_are_sold_in_steps(new_service, new_blank):
    vps = new_blank(start=False)
    service = new_service(slots={"included": 2, "step": 3, "maximum": 8})
    client = service.client()
    slots = client.request("slots.set", vps=vps.vps, total=8)
    assert (slots["extra"], slots["billable_steps"]) == (6, 2)
    assert client.refusal("slots.set", vps=vps.vps, total=4).code == -32602


def test_vps_with_a_foreign_disk_is_refused(service, new_blank):
    vps = new_blank(start=False, devices=NETWORK_DISK)
    client = service.client()
    now = client.follow(vps.vps)
    assert now["can_create"] == {"allowed": False, "reason": "unsupported_disk"}
    assert client.refusal("backup.create", vps=vps.vps).reason == "unsupported_disk"


def test_missing_disk_is_an_error(service, new_blank):
    vps = new_blank(disks=[guests.Disk("vda", size=8 << 20), guests.Disk("vdb", size=8 << 20)], start=False)
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.domain.detachDeviceFlags(vps.disk("vdb").xml(), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    before = vps.disk("vda").path.stat()
    assert client.failure_of_restore(vps.vps, backup) == "disk_missing"
    after = vps.disk("vda").path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_hypervisor_that_is_away_is_told_and_comes_back(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    isolated.stop_libvirtd()
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "hypervisor_unavailable", "the missing libvirt is noticed")
    assert client.refusal("backup.create", vps=vps.vps).reason == "hypervisor_unavailable"
    isolated.start_libvirtd()
    vps.refresh()
    client.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "libvirt is found again")
    assert client.back_up(vps.vps)[0]["state"] == "completed"


def test_restore_goes_on_after_the_service_was_stopped(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    operation = client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    slow_service.restart()
    client = slow_service.client()
    client.follow(vps.vps)
    client.wait_vps(vps.vps, lambda now: now["operation"] is None, "the operation has ended", deadline_s=300)
    ended = client.operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert traces(slow_service, vps) == {**NO_TRACE, "pool": [backup], "checkpoints": [f"vps-backup.{backup}"]}
    assert vps.running and client.back_up(vps.vps)[0]["state"] == "completed"


def test_list_follows_the_hypervisor(service, new_guest):
    client = service.client()
    assert client.subscribe("*") == {"vps": []}
    vps = new_guest("late", [guests.Disk("vda", size=8 << 20)], kind=guests.Blank)
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped" and now["name"] == "late", "the new VPS is seen")
    vps.start()
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "its start is seen")
    vps.domain.suspend()
    client.wait_vps(vps.vps, lambda now: now["power"] == "paused", "its pause is seen")
    vps.domain.resume()
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "it is seen running again")
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "its end is seen")
    vps.domain.undefine()
    isolated.wait_until(lambda: client.request("vps.list") == {"vps": []}, "the VPS is gone", pause_s=0.1)


def test_power_buttons_work(service, new_guest):
    vps = new_guest()
    client = service.client()
    client.follow(vps.vps)
    assert client.request("power.start", vps=vps.vps) == {}
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "it runs")
    vps.wait_ready()
    boot = vps.sh("cat /proc/sys/kernel/random/boot_id")
    client.request("power.restart", vps=vps.vps, force=True)
    isolated.wait_until(lambda: "guest ready" in vps.console() and vps.console().count("guest ready") >= 2, "it has booted again")
    vps.wait_ready()
    assert vps.sh("cat /proc/sys/kernel/random/boot_id") != boot
    client.request("power.stop", vps=vps.vps)
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it has shut down by itself")
    client.request("power.start", vps=vps.vps)
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "it runs again")
    client.request("power.stop", vps=vps.vps, force=True)
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "its power is cut")


def test_invalid_requests_are_told_by_name(service, new_blank):
    vps = new_blank(start=False)
    client = service.client()
    bad = [("backup.create", {"vps": vps.vps, "nmae": "x"}, "nmae"),
           ("backup.create", {"vps": vps.vps, "name": "x" * 65}, "name"),
           ("backup.create", {"vps": 7}, "vps"),
           ("backup.create", {}, "vps"),
           ("slots.set", {"vps": vps.vps, "total": "three"}, "total"),
           ("operation.list", {"vps": vps.vps, "limit": -1}, "limit")]
    for method, params, word in bad:
        error = client.refusal(method, valid=False, **params)
        assert error.code == -32602 and word in error.message, (method, params, error.message)
    assert client.refusal("backup.steal", valid=False).code == -32601
    assert client.raw("{")["error"]["code"] == -32700
    assert client.raw('{"jsonrpc": "2.0", "id": 4711}')["error"]["code"] == -32600
    assert client.request("session.info")["server"]["name"]
