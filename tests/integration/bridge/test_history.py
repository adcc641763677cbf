# SPDX-License-Identifier: LGPL-2.1-or-later
"""The history: exactly one notification for each outcome, also when the service dies in between."""

import random
import time

from client import source_schema
from push_lab import admin_of, wait_for

OUTCOMES = {"completed": "backup_completed", "failed": "backup_failed"}
REASONS = set(source_schema()._root["definitions"]["Reason"]["enum"])
ENDED = ("completed", "failed", "cancelled")


def judge(client, vpss):
    """All operations have ended, and each that was not cancelled has its one notification."""
    def ended():
        found = [one for vps in vpss for one in client.request("operation.list", vps=vps)["operations"]]
        return all(one["state"] in ENDED for one in found) and (found,)
    operations, = wait_for(ended, "all operations to end")
    stored = client.request("notification.list", limit=1000)["notifications"]
    expected = sorted((one["id"], OUTCOMES[one["state"]]) for one in operations if one["state"] in OUTCOMES)
    assert sorted((one["operation"], one["type"]) for one in stored) == expected
    assert [one["id"] for one in stored] == sorted({one["id"] for one in stored})
    for one in stored:
        assert one["reason"] in REASONS if one["type"] == "backup_failed" else one["reason"] is None
    return stored


def test_killed_again_and_again(new_host, tmp_path):
    dice = random.Random(6)
    vpss = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]
    notifications = []
    for _ in range(6):
        host = new_host(tmp_path, journal="sqlite")
        for vps in vpss:
            host.tell("add", vps, f"vps-{vps[7]}")
        client = admin_of(host)
        assert judge(client, vpss)[:len(notifications)] == notifications
        for vps in vpss:
            client.request("backup.create", vps=vps)
        time.sleep(dice.uniform(0, 0.1))
        host.kill()
        host = new_host(tmp_path, journal="sqlite")
        for vps in vpss:
            host.tell("add", vps, f"vps-{vps[7]}")
        notifications = judge(admin_of(host), vpss)
        host.kill()
    assert len(notifications) == 6 * len(vpss)


def test_catching_up(new_host):
    host = new_host(journal="sqlite")
    one, two, client = host.add("one"), host.add("two"), admin_of(host)
    host.tell("fail", "pool", "capture", "pool_unavailable")
    client.wait_operation(one, client.request("backup.create", vps=one)["operation"]["id"])
    for vps in (two, one):
        client.back_up(vps)
    wait_for(lambda: len(client.request("notification.list")["notifications"]) == 3, "three notifications")
    everything = client.request("notification.list")["notifications"]
    assert [one["type"] for one in everything] == ["backup_failed", "backup_completed", "backup_completed"]
    assert everything[0]["reason"] == "pool_unavailable"
    assert client.request("notification.list", after=everything[0]["id"])["notifications"] == everything[1:]
    assert client.request("notification.list", after=everything[0]["id"], limit=1)["notifications"] == everything[1:2]
    assert client.request("notification.list", newest=True, limit=2)["notifications"] == everything[1:]
    assert client.request("notification.list", newest=True, vps=one, limit=1)["notifications"] == everything[2:]
    assert client.request("notification.list", vps=one)["notifications"] == [everything[0], everything[2]]
    client.request("notification.read", up_to=everything[1]["id"])
    assert [one["read"] for one in client.request("notification.list")["notifications"]] == [True, True, False]
    customer = host.user(host.mint("backup.read", vps=[two], sub="carol"))
    assert customer.request("notification.list")["notifications"] == [{**everything[1], "read": False}]
