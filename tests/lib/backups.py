# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests ask of backups and restores whose bytes must be right: each disk as the guest sees it, each image as it was."""

import json

import client as clients
import guest_view
import isolated


def image_path(service, vps, backup, target="vda"):
    return service.backup_path(vps.vps, backup) / f"{target}.raw"


def image(service, vps, backup, target="vda"):
    return image_path(service, vps, backup, target).read_bytes()


def entry(client, vps, backup):
    """Backup object of one backup."""
    return next(one for one in client.request("vps.get", vps=vps.vps)["backups"] if one["id"] == backup)


def wait_power(client, vps):
    """The service has seen the power state that there is."""
    client.wait_vps(vps.vps, lambda now: (now["power"] in ("running", "paused")) == vps.active, "the power state to be seen")


def off(client, vps):
    vps.destroy()
    wait_power(client, vps)


def on(client, vps):
    if not vps.active:
        vps.start()
    wait_power(client, vps)


def back_up(client, vps, deadline_s=300):
    """A backup that must succeed."""
    wait_power(client, vps)
    started = client.request("backup.create", vps=vps.vps)
    try:
        done = client.wait_operation(vps.vps, started["operation"]["id"], deadline_s)
    except TimeoutError as error:
        raise AssertionError(f"the backup does not end: {client.vps[vps.vps]['operation']}") from error
    assert done["state"] == "completed", done
    return started["backup"]["id"]


def try_back_up(client, vps):
    """(backup, None), or (None, reason) if it was refused or failed."""
    wait_power(client, vps)
    try:
        done, backup = client.back_up(vps.vps)
    except clients.RpcError as refused:
        return None, refused.reason
    return (backup, None) if done["state"] == "completed" else (None, done["error"]["reason"])


def try_restore(client, vps, backup, **params):
    """None if it was completed, else the reason why not; a refusal has to have one of its own."""
    wait_power(client, vps)
    try:
        ended = client.restore(vps.vps, backup, **params)
    except clients.RpcError as refused:
        assert refused.reason not in (None, "internal"), refused
        return refused.reason
    if ended["state"] == "completed":
        return None
    assert ended["error"]["reason"] != "internal", ended
    return ended["error"]["reason"]


def restore(client, vps, backup, **params):
    """A restore that must succeed."""
    reason = try_restore(client, vps, backup, **params)
    assert reason is None, f"the restore ended as {reason}"


def first_difference(one, other):
    """Where two contents differ first, in words; None if they are equal."""
    if one == other:
        return None
    if len(one) != len(other):
        return f"{len(one)} bytes, not {len(other)}"
    low, high = 0, len(one)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if one[low:middle] != other[low:middle] else (middle, high)
    return f"at {low} (0x{low:x}) it is 0x{one[low]:02x}, not 0x{other[low]:02x}"


def check_image(service, vps, backup, expected):
    """The images of a backup hold just what is expected: {target: bytes}."""
    for target, content in expected.items():
        found = first_difference(image(service, vps, backup, target), bytes(content))
        assert found is None, f"the backup's {target}: {found}"


def check_guest(vps, expected):
    """The disks are what is expected, as the guest sees them: {target: bytes}."""
    for target, content in expected.items():
        found = first_difference(guest_view.disk_bytes(vps, target), bytes(content))
        assert found is None, f"{target} of the guest: {found}"


def check_backup_is_the_disk(service, vps, backup, targets):
    """A backup that was made just now is what the guest sees."""
    for target in targets:
        found = guest_view.difference(vps, target, image_path(service, vps, backup, target))
        assert found is None, f"the backup's {target} is not what the guest sees: {found}"


def stored_bitmaps(path):
    """Names of the bitmaps that a qcow2 holds."""
    described = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", path))
    return {one["name"] for one in described["format-specific"]["data"].get("bitmaps", [])}
