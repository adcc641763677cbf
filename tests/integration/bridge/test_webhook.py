# SPDX-License-Identifier: LGPL-2.1-or-later
"""The webhook: every message at least once, signed, in order for each VPS, whatever its receiver does."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import time

import pytest

from client import source_schema
from push_lab import Receiver, admin_of, wait_for

SECRET = os.urandom(24)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    one = Receiver(tmp_path_factory.mktemp("receiver"))
    yield one
    one.stop()


def settings(tmp_path, url, text=None):
    path = tmp_path / "secret"
    path.write_text(text or f"whsec_{base64.b64encode(SECRET).decode()}\n", encoding="ascii")
    return {"journal": "sqlite", "webhook_url": url, "webhook_secret_file": str(path)}


def read(request, *secrets):
    """The message, once its signatures are what Standard Webhooks wants."""
    headers, body = request["headers"], request["body"]
    assert request["method"] == "POST" and headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - request["at"] / 1000) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    expected = ["v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets or [SECRET]]
    assert headers["webhook-signature"].split(" ") == expected
    message = json.loads(body)
    assert message["id"] == headers["webhook-id"]
    assert not source_schema().check(message, "WebhookMessage")
    return message


def test_notifications_and_slots(new_host, receiver, tmp_path):
    host = new_host(tmp_path, **settings(tmp_path, receiver.hook("plain")))
    vps, client = host.add(), admin_of(host)
    client.back_up(vps)
    receiver.wait("hook", "plain", 1)
    slots = client.request("slots.set", vps=vps, total=4)
    first, second = (read(request) for request in receiver.wait("hook", "plain", 2))
    assert first["event"] == "notification.added" and first["vps"] == vps
    assert first["data"] == client.request("notification.list")["notifications"][0]
    assert second["event"] == "slots.changed" and second["data"] == slots and second["data"]["total"] == 4
    # No change, no message: the next one is the next notification.
    client.request("slots.set", vps=vps, total=4)
    client.back_up(vps)
    assert [read(request)["event"] for request in receiver.wait("hook", "plain", 3)][2] == "notification.added"


def test_slots_that_changed_while_the_service_was_down(new_host, receiver, tmp_path):
    options = settings(tmp_path, receiver.hook("down"))
    host = new_host(tmp_path, **options)
    vps = host.add()
    admin_of(host).request("slots.set", vps=vps, total=5)
    receiver.wait("hook", "down", 1)
    host.kill()
    # The double forgets what was bought, as an operator with virsh could take it away.
    host = new_host(tmp_path, **options)
    host.tell("add", vps, "alpha")
    wait_for(lambda: totals(receiver, "down") == [5, 2], "the second message")


@pytest.mark.parametrize("name, text, secrets", [
    ("raw", "just some text of the operator", [b"just some text of the operator"]),
    ("padded", "  whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0  \r\n", [b"secret-secret-secret-secret"]),
    ("two", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0\n\nwhsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI=\n",
     [b"secret-secret-secret-secret", b"other-other-other-other-other"]),
])
def test_secrets(new_host, receiver, tmp_path, name, text, secrets):
    host = new_host(tmp_path, **settings(tmp_path, receiver.hook(name), text))
    admin_of(host).back_up(host.add())
    read(receiver.wait("hook", name, 1)[0], *secrets)


@pytest.mark.parametrize("text", ["", "\n \n", "whsec_", "whsec_!!!", "good enough for a secret\nwhsec_="])
def test_no_secret(new_host, tmp_path, text):
    options = settings(tmp_path, "http://127.0.0.1:9/")
    (tmp_path / "secret").write_text(text, encoding="ascii")
    host = new_host(tmp_path, **options)
    assert not host.is_ready and "secret" in host.said


def test_a_secret_that_is_no_file(new_host, tmp_path):
    options = settings(tmp_path, "http://127.0.0.1:9/")
    (tmp_path / "secret").unlink()
    os.mkfifo(tmp_path / "secret")
    host = new_host(tmp_path, **options)
    assert not host.is_ready and "regular file" in host.said


def accepted(receiver, name):
    return [read(one) for one in receiver.requests("hook", name) if one["plan"] in (200, "endless")]


def totals(receiver, name):
    """Of the changes of slots; what came twice, as after a restart it may, counts once."""
    changes = {one["id"]: one["data"]["total"] for one in accepted(receiver, name) if one["event"] == "slots.changed"}
    return list(changes.values())


def test_a_receiver_that_fails_for_a_while(new_host, receiver, tmp_path):
    """Nothing is lost, repeated or overtaken, no operation waits, and a restart in the middle changes nothing."""
    plan = [500, "reset", 404, {"status": 302, "headers": {"Location": "/hook/elsewhere"}}, 200, {"status": 429, "headers": {"Retry-After": "1"}},
            200, 410, "endless", 503, 200, 500]
    options = settings(tmp_path, receiver.hook("shaky", *plan))
    host = new_host(tmp_path, **options)
    names = ("one", "two", "three")
    vpss, client = [host.add(name) for name in names], admin_of(host)
    for _ in range(2):
        for vps in vpss:
            client.back_up(vps)
    client.request("slots.set", vps=vpss[0], total=5)
    wait_for(lambda: len(accepted(receiver, "shaky")) >= 2, "the first messages")
    host.kill()

    host = new_host(tmp_path, **options)
    for vps, name in zip(vpss, names):
        host.tell("add", vps, name)
    client = admin_of(host)
    client.back_up(vpss[1])
    stored = client.request("notification.list")["notifications"]
    assert len(stored) == 7
    wait_for(lambda: {one["data"].get("id") for one in accepted(receiver, "shaky")} >= {one["id"] for one in stored},
             "all messages", 120)

    requests = receiver.requests("hook", "shaky")
    messages = [read(one) for one in requests]
    bodies = {}
    for message, request in zip(messages, requests):
        assert bodies.setdefault(message["id"], request["body"]) == request["body"]
    for vps in vpss:
        first_seen = list(dict.fromkeys(one["data"]["id"] for one in messages if one["vps"] == vps and one["event"] == "notification.added"))
        taken = list(dict.fromkeys(one["data"]["id"] for one in accepted(receiver, "shaky") if one["vps"] == vps and "id" in one["data"]))
        assert first_seen == taken == sorted(taken) == [one["id"] for one in stored if one["vps"] == vps]
    assert totals(receiver, "shaky") == [5, 2]
    assert receiver.requests("hook", "elsewhere") == []


def test_what_one_message_meets_holds_up_no_other_vps(new_host, receiver, tmp_path):
    options = settings(tmp_path, receiver.hook("picky", {"status": 500, "headers": {"Retry-After": "3600"}}))
    host = new_host(tmp_path, **options)
    client, one, two = admin_of(host), host.add("one"), host.add("two")
    client.back_up(one)
    receiver.wait("hook", "picky", 1)
    client.back_up(two)
    assert [read(request)["vps"] for request in receiver.wait("hook", "picky", 2)] == [one, two]


def test_a_receiver_that_has_enough_is_left_alone(new_host, receiver, tmp_path):
    """What was to follow those under way waits as well."""
    options = settings(tmp_path, receiver.hook("busy", *[{"status": 429, "headers": {"Retry-After": "3600"}}] * 20))
    host = new_host(tmp_path, **options)
    client = admin_of(host)
    for number in range(7):
        client.back_up(host.add(f"vps-{number}"))
    wait_for(lambda: "status 429" in host.read_log(), "the receiver to complain")
    host.kill()

    with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("journal.sqlite")))) as journal:
        with journal:
            journal.execute("UPDATE outbox SET attempts = 0, next_at = 0")
            journal.execute("UPDATE destinations SET failures = 0, not_before = 0")
        tried = len(receiver.requests("hook", "busy"))
        host = new_host(tmp_path, **options)
        wait_for(lambda: journal.execute("SELECT sum (attempts) FROM outbox").fetchone() == (4,), "those under way to be refused")
        host.stop()
    assert len(receiver.requests("hook", "busy")) == tried + 4


def test_pauses_grow(new_host, receiver, tmp_path):
    options = settings(tmp_path, receiver.hook("sick", *[500] * 20))
    host = new_host(tmp_path, **options)
    admin_of(host).back_up(host.add())
    receiver.wait("hook", "sick", 1)
    for attempts, least_s in ((0, 1), (5, 32), (30, 3600)):
        host.kill()
        with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("journal.sqlite")))) as journal:
            with journal:
                journal.execute("UPDATE outbox SET attempts = ?, next_at = 0", (attempts,))
            before_us = time.time_ns() // 1000
            host = new_host(tmp_path, **options)
            wait_for(lambda: journal.execute("SELECT attempts FROM outbox").fetchone()[0] > attempts, "the next attempt")  # pylint: disable=cell-var-from-loop
            (next_us,) = journal.execute("SELECT next_at FROM outbox").fetchone()
        assert next_us - before_us >= least_s * 1000000
    assert next_us - time.time_ns() // 1000 <= 1.2 * least_s * 1000000, "an hour is the longest"


def test_given_up_after_a_day(new_host, receiver, tmp_path):
    options = settings(tmp_path, receiver.hook("never", *[500] * 20))
    host = new_host(tmp_path, **options)
    admin_of(host).back_up(host.add())
    receiver.wait("hook", "never", 1)
    host.kill()

    with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("journal.sqlite")))) as journal:
        with journal:
            journal.execute("UPDATE outbox SET created_at = created_at - 86400000000, next_at = 0")
        tried = len(receiver.requests("hook", "never"))
        host = new_host(tmp_path, **options)
        wait_for(lambda: "gave up message" in host.read_log(), "the service to give up")
        wait_for(lambda: journal.execute("SELECT count (*) FROM outbox").fetchone() == (0,), "the outbox to be empty")
    assert len(receiver.requests("hook", "never")) == tried + 1


def test_nobody_waits_for_it(new_host, receiver, tmp_path):
    host = new_host(tmp_path, **settings(tmp_path, receiver.hook("asleep", *["never"] * 50)))
    vps, client = host.add(), admin_of(host)
    client.back_up(vps)
    receiver.wait("hook", "asleep", 1)
    started = time.monotonic()
    for _ in range(3):
        _, backup = client.back_up(vps)
        client.request("backup.delete", vps=vps, backup=backup)
    assert time.monotonic() - started < 14, "an operation waited for the receiver"
    assert len(receiver.requests("hook", "asleep")) == 1
