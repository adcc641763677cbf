# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of the service, and what happens to it and to libvirtd."""

import signal

import client as clients
import guest_view
import isolated

import model
from table import step

# What a healthy host may answer; the rest of the protocol's reasons would be faults here.
LEGAL = {"create": {"unsupported_disk", "slots_full"}, "restore": {"disk_missing", "unsupported_disk"}}
FAULTS = {"internal", "checksum_mismatch", "pool_unavailable", "hypervisor_unavailable", "insufficient_space", "not_found", "forbidden",
          "rate_limited", "interrupted", "operation_running", "backup_not_ready", None}


def may_be_refused(walk, kind, reason, message):
    """A refusal is legal if its reason is one of this kind's, or one that is newer than this list and documented."""
    assert reason in LEGAL[kind] or (reason not in FAULTS and reason in walk.documented), f"{kind} ended as {reason}: {message}"
    walk.count(f"{kind} refused: {reason}")
    return f"refused: {reason}: {message}"


def settle(walk, vps):
    """The service has seen the power state that there is, and the VPS's definition."""
    walk.client.wait_vps(vps.vps, lambda now: (now["power"] in ("running", "paused")) == vps.active and now["operation"] is None,
                         "the power state to be seen")


def ended(walk, kind, vps, method, **params):
    """(operation, None) of a completed one, or (operation or None, refusal in words)."""
    settle(walk, vps)
    try:
        operation = walk.client.request(method, vps=vps.vps, **params)["operation"]
    except clients.RpcError as refused:
        return None, may_be_refused(walk, kind, refused.reason, refused.message)
    done = walk.client.wait_operation(vps.vps, operation["id"])
    if done["state"] == "completed":
        return done, None
    return done, may_be_refused(walk, kind, done["error"]["reason"], done["error"]["message"])


# ---- backups


def made_backup(walk, vps, backup, disks):
    """Puts a backup that was made just now into the model."""
    vps.state.backups[backup] = model.Backup({target: bytes(disk.content) for target, disk in disks.items()}, dict(disks))
    made = next(one for one in walk.client.request("vps.get", vps=vps.vps)["backups"] if one["id"] == backup)
    walk.count("incremental" if made["incremental"] else "full")
    return f"{backup[:8]} {'incremental' if made['incremental'] else 'full'}"


@step(22, lambda walk, vps: len(vps.state.backups) < 6)
def back_up(walk, vps):
    disks = dict(vps.state.now)
    done, refused = ended(walk, "create", vps, "backup.create")
    return refused or made_backup(walk, vps, done["backup"], disks)


@step(6, lambda walk, vps: bool(vps.state.backups))
def delete(walk, vps):
    backup = walk.random.choice(list(vps.state.backups))
    settle(walk, vps)
    walk.client.request("backup.delete", vps=vps.vps, backup=backup)
    del vps.state.backups[backup]
    return backup[:8]


@step(2, lambda walk, vps: bool(vps.state.backups))
def verify(walk, vps):
    backup = walk.random.choice(list(vps.state.backups))
    verdict = walk.client.request("backup.verify", vps=vps.vps, backup=backup)
    assert verdict == {"ok": True, "bad_chunks": 0}, verdict
    return backup[:8]


# ---- restores


def _mappings(kept, disks):
    """Ways in which a backup may go into the disks that there are: {disk: content} by target, and by what disk it was."""
    ours = set(kept.disks.values())
    ways = []
    if all(target in disks and disks[target] in ours for target in kept.content):
        ways.append({disks[target]: disks[target].padded(content) for target, content in kept.content.items()})
    if all(disk in disks.values() for disk in ours):
        ways.append({kept.disks[target]: kept.disks[target].padded(content) for target, content in kept.content.items()})
    if len(kept.content) == len(disks) == 1 and not ways:  # a single disk is known again under any name
        (disk,), (content,) = disks.values(), kept.content.values()
        if disk in ours:
            ways.append({disk: disk.padded(content)})
    return ways


def restored(walk, vps, backup):
    """Finds out which legal way a completed restore took, and takes it in the model; all others are faults."""
    kept = vps.state.backups[backup]
    if vps.state.live is not None:  # it was stopped and started: what waited came into effect, what was attached is attached again
        vps.state.live = {**{target: disk for target, disk in vps.state.live.items()
                             if target not in vps.state.defined and disk not in vps.state.defined.values()}, **vps.state.defined}
    disks = vps.state.now
    seen = {disk: guest_view.disk_bytes(vps, target) for target, disk in disks.items()}
    ways = _mappings(kept, disks)
    assert ways, f"the restore of {backup} was completed, though its disks are not there any more"
    for way in ways:
        if all(seen[disk] == bytes(content) for disk, content in way.items()):
            for disk, content in way.items():
                disk.content = bytearray(content)
            break
    else:
        found = {target: model.first_difference(seen[disk], bytes(ways[0][disk])) for target, disk in disks.items() if disk in ways[0]}
        raise AssertionError(f"the restore of {backup} was completed, but the guest sees something else: {found}")
    records = set(vps.domain.snapshotListNames())
    for name in [name for name in vps.state.snapshots if name not in records]:
        del vps.state.snapshots[name]
    vps.state.copies = [one for one in vps.state.copies if one.disk in disks.values()]
    for target, disk in vps.state.defined.items():
        disk.format = vps.inactive_disk(target).find("driver").get("type")
    return backup[:8]


@step(10, lambda walk, vps: bool(vps.state.backups))
def restore(walk, vps):
    backup = walk.random.choice(list(vps.state.backups))
    stop_first = walk.random.random() < 0.3
    _, refused = ended(walk, "restore", vps, "backup.restore", backup=backup, stop_first=stop_first)
    if refused:
        return f"{backup[:8]} {refused}"
    walk.count("restored")
    return restored(walk, vps, backup)


# ---- undo, where the service has it


@step(2, lambda walk, vps: walk.knows("undo.start") and bool((walk.client.vps.get(vps.vps) or {}).get("undo")))
def discard_undo(walk, vps):
    settle(walk, vps)
    walk.client.request("undo.discard", vps=vps.vps)
    return ""


# ---- deaths


@step(2)
def kill_service(walk, _vps):
    walk.service.kill()
    walk.start_service()
    return ""


@step(1)
def restart_service(walk, _vps):
    walk.service.stop()
    walk.start_service()
    return ""


@step(1)
def kill_libvirtd(walk, _vps):
    isolated.stop_libvirtd(signal.SIGKILL)
    isolated.start_libvirtd()
    for vps in walk.machines:
        vps.refresh()
    walk.client.wait_for(lambda: all(any(walk.client.vps[vps.vps]["power_actions"].values()) for vps in walk.machines),
                         "the service to be connected again")
    return ""


def _killed_within(walk, vps, operation):
    """Kills the service somewhere within an operation and starts it again; the ended operation."""
    state = walk.random.choice(["preparing", "copying", "finishing"])
    walk.client.wait_for(lambda: [one for _, one in walk.client.progress_of(operation) if one["state"] in (state, "completed", "failed")]
                         or (walk.client.vps[vps.vps]["operation"] or {}).get("id") != operation, "the moment")
    walk.service.kill()
    walk.start_service()
    settle(walk, vps)
    return state, walk.client.operation(vps.vps, operation)


@step(2, lambda walk, vps: len(vps.state.backups) < 6)
def kill_within_backup(walk, vps):
    disks = dict(vps.state.now)
    settle(walk, vps)
    try:
        started = walk.client.request("backup.create", vps=vps.vps)
    except clients.RpcError as refused:
        return may_be_refused(walk, "create", refused.reason, refused.message)
    state, done = _killed_within(walk, vps, started["operation"]["id"])
    if done["state"] == "completed":
        return f"{state}, {made_backup(walk, vps, done['backup'], disks)}"
    if done["error"]["reason"] != "interrupted":
        may_be_refused(walk, "create", done["error"]["reason"], done["error"]["message"])
    return f"{state}, {done['state']}: {done['error']['reason']}"


@step(2, lambda walk, vps: bool(vps.state.backups))
def kill_within_restore(walk, vps):
    backup = walk.random.choice(list(vps.state.backups))
    settle(walk, vps)
    try:
        started = walk.client.request("backup.restore", vps=vps.vps, backup=backup)
    except clients.RpcError as refused:
        return may_be_refused(walk, "restore", refused.reason, refused.message)
    state, done = _killed_within(walk, vps, started["operation"]["id"])
    if done["state"] == "completed":
        return f"{state}, {restored(walk, vps, backup)}"
    if done["error"]["reason"] != "interrupted":
        may_be_refused(walk, "restore", done["error"]["reason"], done["error"]["message"])
    if vps.state.live is not None and vps.state.live != vps.state.defined:
        _restarted_meanwhile(vps)
    return f"{state}, {done['state']}: {done['error']['reason']}"


def _restarted_meanwhile(vps):
    """A failed restore may have stopped the VPS and started it again, as any start does with what waited."""
    if vps.live_targets() != set(vps.state.live):
        vps.state.live = dict(vps.state.defined)
