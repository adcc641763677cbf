# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service is stopped, upgraded or killed under a backup: it goes on where it was, at the same point in time."""

import os
import pathlib
import re

import guest as guests
import isolated
import pytest

DISK = 64 << 20
TEMPORARY = [pathlib.Path("/run"), pathlib.Path("/run/vps-backup"), pathlib.Path("/tmp"), pathlib.Path("/var/tmp")]


def leftovers(service, vps):
    """What a capture may have left on the host: scratch files, sockets, partial folders, processes."""
    found = [str(path) for path in vps.disk("vda").path.parent.iterdir() if ".scratch" in path.name]
    found += [str(path) for path in service.pool.glob("*/.*")]
    found += [str(path) for folder in TEMPORARY if folder.exists() for path in folder.iterdir()
              if path.name.startswith("vps-backup.") or (path / "nbd.sock").exists() or path.name.startswith("vps-backup-nbd-")]
    found += [str(path) for path in service.socket.parent.rglob("nbd.sock")]
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "comm").read_text().strip() == "qemu-nbd":
                found.append(f"qemu-nbd {process.name}")
        except OSError:
            pass
    return found


def checkpoints_of(vps):
    return [name.removeprefix("vps-backup.") for name in vps.checkpoints()]


@pytest.fixture
def lasting_service(new_service):
    """Slow enough to be met in the midst of a copy, which marks what is durable every two seconds."""
    return new_service(operations={"bandwidth-limit": "12M", "scratch-reserve": "1M"})


def write(vps, byte, offset="1M", length="40M"):
    vps.qemu_io("vda", f"write -P {byte} {offset} {length}")


def begin(service, vps, moved=28 << 20):
    """A backup in the midst of its copy, with something durable to go on from."""
    client = service.client()
    client.follow(vps.vps)
    started = client.request("backup.create", vps=vps.vps)
    client.wait_state(started["operation"]["id"], "copying", bytes_done=moved)
    return started["operation"]["id"], started["backup"]["id"]


def outcome(service, vps, operation):
    client = service.client()
    client.follow(vps.vps)
    return client, client.wait_operation(vps.vps, operation)


def check_image(service, vps, backup, byte):
    """The image holds what the disk held at the point in time, though the guest has overwritten all of it since."""
    data = (service.backup_path(vps.vps, backup) / "vda.raw").read_bytes()
    assert data[1 << 20:41 << 20] == bytes([byte]) * (40 << 20)
    assert not any(data[:1 << 20]) and not any(data[41 << 20:])
    assert "0 bad" in service.ctl("verify", vps.vps, backup) or service.ctl_json("verify", vps.vps, backup)["ok"]


def version_of(service):
    return service.client().request("session.info")["server"]["version"]


def install_next_version(service):
    """The module in another file that says another version, as a newer package would bring it."""
    old = version_of(service).encode()
    new = b"9" + old[1:]  # its beginning: the linker lets other strings share its end
    folder = isolated.new_folder("module")
    module, found = re.subn(rb"(?<![\w.])%b(?![\w.])" % re.escape(old), new, service.module.read_bytes())
    assert found > 0
    service.module = folder / "vps-backup.so"
    service.module.write_bytes(module)
    service.module.chmod(0o644)
    return new.decode()


@pytest.mark.parametrize("how", ["killed", "upgraded"])
def test_capture_goes_on_after_a_restart(lasting_service, new_blank, how):
    service = lasting_service
    vps = new_blank(disks=[guests.Disk("vda", size=DISK)])
    write(vps, 0xa1)
    operation, backup = begin(service, vps)
    version = version_of(service)
    if how == "killed":
        service.kill()
    else:
        version = install_next_version(service)
        service.stop()
    write(vps, 0xb2)  # after the point in time
    done_before = isolated.wait_until(lambda: service.log().count("continues after") or how == "killed", "it was left as it is")
    assert done_before
    mark = service.pool / vps.vps / f".{backup}.partial" / "vda.mark"
    durable = (mark.stat().st_size - 48) // 16  # checksums of whole MiB
    assert durable >= 8
    assert not service.lock_held(vps.vps)
    service.start()
    assert version_of(service) == version
    client = service.client()
    client.follow(vps.vps)
    now = client.operation(vps.vps, operation)
    assert now["state"] in ("copying", "finishing", "completed"), now
    isolated.wait_until(lambda: service.lock_held(vps.vps) == f"create {operation}"
                        or client.operation(vps.vps, operation)["state"] == "completed", "the lock is held again", pause_s=0.1)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert ended["bytes_done"] == ended["bytes_total"]
    samples = [one["bytes_done"] for _, one in client.progress_of(operation)]
    assert min(samples[1:] or samples) >= min(durable, 8) << 20, samples
    assert "The capture continues" in service.log()
    shown = client.vps[vps.vps]
    assert [one["id"] for one in shown["backups"]] == [backup] and shown["slots"]["used"] == 1
    assert shown["backups"][0]["consistency"] == "crash"
    check_image(service, vps, backup, 0xa1)
    assert leftovers(service, vps) == []
    assert checkpoints_of(vps) == [backup] and not service.lock_held(vps.vps)
    told = [one["type"] for one in client.request("notification.list", vps=vps.vps)["notifications"]]
    assert told == ["backup_completed"]


@pytest.mark.parametrize("how, outcomes", [("upgraded", ["restore_completed"]), ("killed", ["restore_failed"])])
def test_restore_that_has_touched_nothing(new_service, new_blank, how, outcomes):
    """Stopped for an upgrade it restarts; one that was killed leaves the VPS as it was. Who has stopped the VPS for it starts it again."""
    service = new_service(operations={"bandwidth-limit": "12M", "scratch-reserve": "1M", "delta-limit": "0"})
    vps = new_blank(disks=[guests.Disk("vda", size=DISK)])
    write(vps, 0xa1)
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    write(vps, 0xb2)
    operation = client.request("backup.restore", vps=vps.vps, backup=backup, stop_first=how == "upgraded")["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=8 << 20)
    if how == "killed":
        service.kill()
    else:
        install_next_version(service)
        service.stop()
        assert vps.running and not service.lock_held(vps.vps)
    service.start()
    client, ended = outcome(service, vps, operation)
    assert ended["state"] == outcomes[0].removeprefix("restore_"), ended
    assert vps.running
    told = [one["type"] for one in client.request("notification.list", vps=vps.vps)["notifications"]]
    assert told == ["backup_completed", *outcomes]
    vps.destroy()
    byte = 0xa1 if how == "upgraded" else 0xb2
    assert vps.disk_bytes("vda")[1 << 20:41 << 20] == bytes([byte]) * (40 << 20)
    assert sorted(path.name for path in vps.disk("vda").path.parent.iterdir() if vps.name in path.name) == [vps.disk("vda").path.name]


def test_point_in_time_is_gone_after_a_restart(lasting_service, new_blank):
    """Powered off while the service was away: once more, from the disk as it is now. Running again: failed, and told."""
    service = lasting_service
    vps = new_blank(disks=[guests.Disk("vda", size=DISK)])
    write(vps, 0xa1)
    operation, backup = begin(service, vps)
    service.kill()
    write(vps, 0xb2)
    vps.destroy()
    service.start()
    client, ended = outcome(service, vps, operation)
    assert ended["state"] == "completed", ended
    assert client.vps[vps.vps]["backups"][0]["consistency"] == "offline"
    check_image(service, vps, backup, 0xb2)
    assert leftovers(service, vps) == []

    vps.start()
    write(vps, 0xa1)
    operation, lost = begin(service, vps)
    service.kill()
    vps.destroy()
    vps.start()  # nobody holds the lock
    service.start()
    client, ended = outcome(service, vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
    assert [one["id"] for one in client.vps[vps.vps]["backups"]] == [backup]
    assert leftovers(service, vps) == [] and lost not in checkpoints_of(vps)
    told = [one["type"] for one in client.request("notification.list", vps=vps.vps)["notifications"]]
    assert told == ["backup_completed", "backup_failed"]


def test_shut_off_vps_begins_anew(lasting_service, new_blank):
    """qemu-nbd goes with the service; nothing is read twice at once, nothing is left, and it happens once only."""
    service = lasting_service
    vps = new_blank(disks=[guests.Disk("vda", size=DISK)])
    write(vps, 0xa1)
    vps.destroy()
    operation, backup = begin(service, vps, 1 << 20)
    service.stop()
    assert leftovers(service, vps) == []
    service.start()
    client = service.client()
    client.follow(vps.vps)
    client.wait_state(operation, "copying", bytes_done=1 << 20)
    service.kill()
    service.start()
    client, ended = outcome(service, vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
    assert leftovers(service, vps) == [] and vps.checkpoints() == []
    _, backup = client.back_up(vps.vps)
    check_image(service, vps, backup, 0xa1)


def test_no_room_for_scratch_while_nobody_watches(new_service, new_blank):
    """A capture that could fill the guest's storage while the service is away is not left to itself."""
    folder = isolated.mount_ext4(guests.IMAGES / "small", 220 << 20)
    service = new_service(operations={"bandwidth-limit": "6M", "scratch-reserve": "120M"})
    path = folder / "small.qcow2"
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, str(DISK))
    os.chmod(path, 0o666)
    folder.chmod(0o777)
    vps = new_blank(disks=[guests.Disk("vda", size=DISK, path=path)], start=False)
    vps.start()
    write(vps, 0xa1)
    operation, _ = begin(service, vps, 1 << 20)
    service.stop()
    assert leftovers(service, vps) == [] and vps.checkpoints() == []
    service.start()
    client = service.client()
    client.follow(vps.vps)
    ended = client.operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "interrupted", ended
    vps.destroy()
    isolated.unmount(folder)
    folder.rmdir()
