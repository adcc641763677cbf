# SPDX-License-Identifier: LGPL-2.1-or-later
"""Backups that nobody asks for, with the real service, libvirt and QEMU."""

import contextlib
import datetime
import sqlite3

import isolated


def a_while_ago():
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)).strftime("%H:%M")


def let_a_day_pass(service):
    """As if the service had been off since yesterday, so that today's run has been missed."""
    service.stop()
    with contextlib.closing(sqlite3.connect(service.folder / "state/journal.sqlite")) as journal, journal:
        journal.execute("UPDATE schedules SET day = '2000-01-01'")
        journal.execute("UPDATE operations SET request_key = NULL")
    service.start()


def ids(vps):
    return [one["id"] for one in vps["backups"]]


def test_a_backup_a_day_and_two_are_kept_in_two_slots(service, new_blank):
    vps = new_blank()
    at = a_while_ago()
    assert f"daily at {at} UTC" in service.ctl("schedule", vps.name, "--at", at, "--keep", "2")
    assert f'at="{at}"' in vps.domain.XMLDesc()
    before = []
    for run in range(3):
        let_a_day_pass(service)
        client = service.client()
        client.follow(vps.vps)
        # What the run before has left is gone once the new one is there, and not sooner.
        client.wait_vps(vps.vps, lambda now: now["operation"] is None and len(now["backups"]) == min(run + 1, 2)
                        and set(ids(now)) != set(before), "the scheduled backup")  # pylint: disable=cell-var-from-loop
        now = client.vps[vps.vps]
        assert all(one["scheduled"] and one["state"] == "available" for one in now["backups"])
        assert now["slots"]["used"] == len(now["backups"]) and now["next_run_at"] > now["backups"][0]["completed_at"]
        assert sorted(service.backup_folders(vps.vps)) == sorted(ids(now))
        assert before[:1] == ids(now)[1:] and service.manifest(vps.vps, ids(now)[0])["scheduled"] is True
        for _, _, event in [one for one in client.events if one[1] == "vps.changed"]:
            assert event["slots"]["used"] <= event["slots"]["total"] == 2
            assert len(event["backups"]) < 3 or not set(before) - set(ids(event))
        before = ids(now)
    isolated.wait_until(lambda: {("backup.create", "schedule"), ("backup.delete", "schedule")} <= {
        (one["method"], one["subject"]) for one in client.request("audit.list", vps=vps.vps)["entries"]}, "the audit log", pause_s=0.5)

    # A restart makes no second one, and a full VPS without anything to replace is told of.
    service.restart()
    client = service.client()
    assert ids(client.follow(vps.vps)) == before
    for backup in before:
        client.request("backup.protect", vps=vps.vps, backup=backup, protected=True)
    let_a_day_pass(service)
    client = service.client()
    client.follow(vps.vps)
    isolated.wait_until(lambda: client.request("notification.list", vps=vps.vps)["notifications"][-1]["type"] == "schedule_skipped",
                        "the notification", pause_s=0.5)
    told = client.request("notification.list", vps=vps.vps)["notifications"][-1]
    assert (told["reason"], told["operation"], told["vps_name"]) == ("slots_full", None, vps.name)
    assert ids(client.vps[vps.vps]) == before == sorted(service.backup_folders(vps.vps), key=before.index)
    service.ctl("schedule", vps.name, "--off")
    client.wait_vps(vps.vps, lambda now: now["schedule"] is None and now["next_run_at"] is None, "no schedule any more")


def test_several_schedules_keep_each_their_own(service, new_blank):
    vps = new_blank()
    service.ctl("slots", vps.name, "3")
    at = a_while_ago()
    service.ctl("schedule", vps.name, "--at", at, "--keep", "1")
    assert f"every 1 hours from 00:{at[3:]} UTC" in service.ctl("schedule", vps.name, "set", "--id", "hours", "--every", "1h", "--at", at, "--keep", "2")
    # One more than the slots hold is refused, and says how many it takes.
    done = service.run_ctl("schedule", vps.name, "--id", "hours", "--keep", "3")
    assert done.returncode == 3 and "needs 4 backup slots, and this VPS has 3" in done.stderr
    assert "11 needed by all schedules, 3 there" in service.ctl("schedule", vps.name, "preview", "--id", "hours", "--keep-weekly", "9")
    for _ in range(3):
        let_a_day_pass(service)
        client = service.client()
        client.follow(vps.vps)
        before = client.vps[vps.vps]["backups"]
        client.wait_vps(vps.vps, lambda now: now["operation"] is None and {one["schedule"] for one in now["backups"] if one not in before}  # pylint: disable=cell-var-from-loop
                        == {"default", "hours"} and len(now["backups"]) <= 3, "one backup of each")
    isolated.wait_until(lambda: sorted(one["schedule"] for one in client.vps[vps.vps]["backups"]) == ["default", "hours", "hours"],
                        "what is kept of each", pause_s=0.5)
    for one in client.vps[vps.vps]["backups"]:
        assert service.manifest(vps.vps, one["id"])["schedule"] == one["schedule"]
    assert all(event["slots"]["used"] <= 3 for _, name, event in client.events if name == "vps.changed")
    service.ctl("schedule", vps.name, "remove", "hours")
    assert [one["id"] for one in client.request("schedule.list", vps=vps.vps)["schedules"]] == ["default"]
    service.ctl("schedule", vps.name, "--off")
    client.wait_vps(vps.vps, lambda now: now["schedules"] == [] and now["next_run_at"] is None, "no schedule any more")
