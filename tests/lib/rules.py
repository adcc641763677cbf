# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules of PROTOCOL.md that hold for every object the bridge sends, whatever the test; client.py applies them to all traffic."""

STATES = ["queued", "preparing", "copying", "finishing", "completed"]
STATUS = {"create": "creating_backup", "restore": "restoring_backup", "undo": "restoring_backup"}

# The bridge sends progress at least every 2 s; what a loaded machine adds to that is not its fault.
SILENCE_S = 2.0
SLACK_S = 2.0


def operation_problems(operation):
    problems = []
    if (operation["progress"] == 100) != (operation["state"] == "completed"):
        problems.append(f"progress {operation['progress']} in state {operation['state']}")
    if (operation["ended_at"] is not None) != (operation["state"] in ("completed", "failed", "cancelled")):
        problems.append(f"ended_at {operation['ended_at']} in state {operation['state']}")
    if (operation["error"] is not None) != (operation["state"] in ("failed", "cancelled")):
        problems.append(f"error {operation['error']} in state {operation['state']}")
    return problems


def _while_running(vps, operation):
    problems = operation_problems(operation)
    if vps["status"] != STATUS[operation["kind"]]:
        problems.append(f"status {vps['status']} during {operation['kind']}")
    if any(vps["power_actions"].values()):
        problems.append(f"power actions {vps['power_actions']} during an operation")
    if vps["can_create"] != {"allowed": False, "reason": "operation_running"}:
        problems.append(f"can_create {vps['can_create']} during an operation")
    backup = next((one for one in vps["backups"] if one["id"] == operation["backup"]), None)
    allowed = {"create": ("queued", "creating"), "restore": ("restoring",), "undo": ("available", None)}[operation["kind"]]
    if "from" in operation:  # it is among those of another VPS
        allowed = (None,)
    if (backup and backup["state"]) not in allowed:
        problems.append(f"backup {backup} during {operation['kind']}")
    return problems


# Whether the pool has other hosts: what one of them works on cannot be worked on here.
OTHER_HOSTS = False


def _while_idle(vps):
    problems = []
    actions = {"running": (False, True, True), "stopped": (True, False, False), "crashed": (True, False, False)}
    if vps["status"] != vps["power"]:
        problems.append(f"status {vps['status']} without operation, power {vps['power']}")
    full = vps["slots"]["used"] >= vps["slots"]["total"]
    # Nobody can press a button then; with all slots in use the Create button names those first.
    away = vps["can_create"]["reason"] == "hypervisor_unavailable" or full and not any(vps["power_actions"].values())
    expected = (False, False, False) if away else actions.get(vps["power"])
    if expected and tuple(vps["power_actions"][name] for name in ("start", "stop", "restart")) != expected:
        problems.append(f"power actions {vps['power_actions']} while {vps['power']}")
    if any(backup["state"] != "available" for backup in vps["backups"]):
        problems.append(f"backups {[backup['state'] for backup in vps['backups']]} without operation")
    elsewhere = OTHER_HOSTS and vps["can_create"] == {"allowed": False, "reason": "operation_running"}
    if full and not elsewhere and vps["can_create"] != {"allowed": False, "reason": "slots_full"}:
        problems.append(f"can_create {vps['can_create']} with slots {vps['slots']}")
    if not full and not elsewhere and vps["can_create"]["reason"] in ("slots_full", "operation_running"):
        problems.append(f"can_create {vps['can_create']} with slots {vps['slots']} and no operation")
    return problems


def vps_problems(vps):
    """What is wrong with a Vps object, one sentence each."""
    slots, backups = vps["slots"], vps["backups"]
    problems = _while_running(vps, vps["operation"]) if vps["operation"] else _while_idle(vps)
    if vps["can_create"]["allowed"] == (vps["can_create"]["reason"] is not None):
        problems.append(f"can_create {vps['can_create']}")
    # Two of the schedule's, one to replace the other, share the last slot.
    shared = slots["used"] == slots["total"] and len([one for one in backups if one.get("scheduled")]) > 1
    if len(backups) - slots["used"] not in (0, int(shared)) or slots["total"] != slots["included"] + slots["extra"]:
        problems.append(f"slots {slots} with {len(backups)} backups")
    if slots["billable_steps"] * slots["step"] < slots["extra"] or (slots["billable_steps"] - 1) * slots["step"] >= slots["extra"] > 0:
        problems.append(f"billable steps of {slots}")
    return problems


def order_problems(before, now):
    """Backups are listed newest first, in the order of making, which is not on the wire: two of them never change places, and one that is
    being made comes before all others."""
    ids = [[backup["id"] for backup in vps["backups"]] for vps in (before, now)]
    both = set(ids[0]) & set(ids[1])
    kept = [[one for one in list_of if one in both] for list_of in ids]
    problems = [f"backups have changed places: {kept[0]}, then {kept[1]}"] if kept[0] != kept[1] else []
    making = [place for place, backup in enumerate(now["backups"]) if backup["state"] in ("queued", "creating")]
    if not OTHER_HOSTS and making not in ([], [0]):
        problems.append(f"the backup that is being made is not the first: {now['backups']}")
    return problems


def check_progress(samples, started_s=None):
    """Asserts that what clients were told of one operation is in order.

    samples: (seconds, Operation) of each event about it. Progress and bytes never go back, the states come in their order, 100 only
    with completed, and there is never a long silence.
    """
    assert samples, "no event told of the operation"
    last_s, last = started_s if started_s is not None else samples[0][0], None
    for when, now in samples:
        assert not operation_problems(now), operation_problems(now)
        assert 0 <= now["progress"] <= 100 and round(now["progress"], 1) == now["progress"], now["progress"]
        if last is not None:
            assert now["progress"] >= last["progress"], f"progress {now['progress']} after {last['progress']}"
            if now["state"] in STATES and last["state"] in STATES:
                assert STATES.index(now["state"]) >= STATES.index(last["state"]), f"{now['state']} after {last['state']}"
        assert when - last_s <= SILENCE_S + SLACK_S, f"{when - last_s:.1f} s of silence before {now}"
        last_s, last = when, now
