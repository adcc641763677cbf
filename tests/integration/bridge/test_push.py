# SPDX-License-Identifier: LGPL-2.1-or-later
"""Push messages: that the right ones arrive at the right browsers, whatever the push service answers and whoever dies meanwhile."""

import contextlib
import os
import sqlite3
import stat
import time

import pytest

from client import RpcError, source_schema
from push_lab import Receiver, SUBJECT, admin_of, wait_for

ON = {"journal": "sqlite", "push_subject": SUBJECT, "push_allow_loopback": "yes"}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    one = Receiver(tmp_path_factory.mktemp("receiver"))
    yield one
    one.stop()


@pytest.fixture
def host(new_host):
    return new_host(**ON)


def outcomes(client, vps):
    return [one["id"] for one in client.request("notification.list", vps=vps)["notifications"]]


def heard(receiver, name):
    return [one["message"]["id"] for one in receiver.requests("push", name) if one["plan"] == 201]


def test_a_message(host, receiver):
    vps, client = host.add("web"), admin_of(host)
    public_key = client.request("push.key")["public_key"]
    client.request("push.subscribe", subscription=receiver.browser("message"), vps=vps, locale="pt-BR")
    client.request("push.subscribe", subscription=receiver.browser("silent"), vps=host.add("other"))
    operation, _ = client.back_up(vps)
    host.tell("fail", "pool", "capture", "insufficient_space")
    failed = client.request("backup.create", vps=vps)["operation"]["id"]
    first, second = receiver.wait("push", "message", 2)
    stored = client.request("notification.list", vps=vps)["notifications"]

    assert [one.get("problem") for one in (first, second)] == [None, None]
    assert first["message"] == {**stored[0], "locale": "pt-BR"} and first["message"]["operation"] == operation["id"]
    assert second["message"]["type"] == "backup_failed" and second["message"]["reason"] == "insufficient_space"
    for request in (first, second):
        assert not source_schema().check(request["message"], "PushMessage")
        assert request["method"] == "POST" and request["headers"]["content-encoding"] == "aes128gcm"
        assert 86000 < int(request["headers"]["ttl"]) <= 86400
        assert request["vapid"]["valid"] and request["vapid"]["k"] == public_key
        assert request["vapid"]["claims"]["aud"] == receiver.origin and request["vapid"]["claims"]["sub"] == SUBJECT
        assert 0 < request["vapid"]["claims"]["exp"] - time.time() <= 24 * 3600
    assert first["headers"]["urgency"] == "normal" and second["headers"]["urgency"] == "high"
    assert first["headers"]["topic"] == operation["id"].replace("-", "") and second["headers"]["topic"] == failed.replace("-", "")
    assert receiver.requests("push", "silent") == []


def test_the_key_is_made_once_and_for_nobody_else(new_host, tmp_path):
    keys = set()
    for _ in range(2):
        host = new_host(tmp_path, **ON)
        keys.add(host.admin().request("push.key")["public_key"])
        host.kill()
    assert len(keys) == 1
    assert stat.S_IMODE(os.stat(tmp_path / "push-key.pem").st_mode) == 0o600


def test_without_a_contact(new_host, receiver):
    host = new_host(journal="sqlite", push_allow_loopback="yes")
    vps, client = host.add(), admin_of(host)
    assert client.request("push.key")["public_key"]
    client.request("push.subscribe", subscription=receiver.browser("no-contact"), vps=vps)
    client.back_up(vps)
    request = receiver.wait("push", "no-contact", 1)[0]
    assert request["vapid"]["valid"] and set(request["vapid"]["claims"]) == {"aud", "exp"}


def test_answers_of_push_services(host, receiver):
    """One outcome, and push services that all answer something else; then another, when all have made up their minds."""
    plans = {
        "fine": [201], "odd": [204],
        "gone": [404], "expired": [410],
        "short": [413], "shorter": [413, 413],
        "busy": [{"status": 429, "headers": {"Retry-After": "8"}}],
        "dated": [{"status": 503, "headers": {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}}],
        "broken": [500, 502], "closed": ["reset"], "silent": ["never"], "endless": ["endless"],
        "moved": [{"status": 307, "headers": {"Location": f"{receiver.origin}/push/elsewhere"}}],
        "denied": [403], "refused": [400],
    }
    vps, client = host.add(), admin_of(host)
    for name, plan in plans.items():
        client.request("push.subscribe", subscription=receiver.browser(name, *plan), vps=vps)
    receiver.browser("elsewhere")
    client.back_up(vps)

    for name in ("fine", "short", "busy", "dated", "broken", "closed", "denied", "silent"):
        receiver.wait_taken("push", name, 1)
    short, brief = receiver.wait("push", "short", 2)
    assert set(brief["message"]) == {"id", "type", "vps", "locale"} and brief["bytes"] < short["bytes"]
    assert brief["message"].items() <= short["message"].items()
    before, after = receiver.wait("push", "busy", 2)
    assert after["at"] - before["at"] >= 8000
    assert before["message"] == after["message"]

    client.back_up(vps)
    second = wait_for(lambda: outcomes(client, vps)[1:], "the second notification")[0]
    for name in set(plans) - {"gone", "expired"}:
        wait_for(lambda name=name: second in heard(receiver, name), f"the second message at {name}")
    for name in ("gone", "expired"):
        assert len(receiver.requests("push", name)) == 1
    for name, count in {"fine": 2, "odd": 2, "shorter": 3, "endless": 2, "moved": 2, "refused": 2}.items():
        assert len(receiver.requests("push", name)) == count, name
    assert receiver.requests("push", "elsewhere") == []


def test_killed_between_outcome_and_delivery(new_host, receiver, tmp_path):
    host = new_host(tmp_path, **ON)
    vps, client = host.add(), admin_of(host)
    client.request("push.subscribe", subscription=receiver.browser("patient", "never"), vps=vps)
    client.back_up(vps)
    receiver.wait("push", "patient", 1)
    host.kill()
    with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("journal.sqlite")))) as journal, journal:
        journal.execute("UPDATE outbox SET created_at = created_at - 3600000000")

    host = new_host(tmp_path, **ON)
    first, second = receiver.wait("push", "patient", 2)
    assert first["message"] == second["message"]
    assert 82000 < int(second["headers"]["ttl"]) <= 82800, "it is of interest for a day in all"

    def journal_knows():
        with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("journal.sqlite")))) as journal:
            return journal.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    wait_for(journal_knows, "the journal to know of the delivery")
    # Delivered, so not again: the next message is the next thing that comes.
    host.kill()
    host = new_host(tmp_path, **ON)
    client = admin_of(host)
    host.tell("add", vps, "alpha")
    client.back_up(vps)
    assert [one["message"]["id"] for one in receiver.wait("push", "patient", 3)] == [1, 1, 2]


# ---- who hears what


def test_scope(host, receiver):
    own, other = host.add("own"), host.add("other")
    admin = admin_of(host)
    customer = host.user(host.mint("backup.read", vps=[own], sub="carol"))
    with pytest.raises(RpcError) as caught:
        customer.request("push.subscribe", subscription=receiver.browser("scope"), vps=other)
    assert caught.value.reason == "not_found"
    customer.request("push.subscribe", subscription=receiver.browser("scope"), vps="*")
    admin.request("push.subscribe", subscription=receiver.browser("all"), vps="*")
    for vps in (other, own):
        admin.back_up(vps)
    receiver.wait("push", "all", 2)
    assert [one["message"]["vps"] for one in receiver.wait("push", "scope", 1)] == [own]


def end_by_unsubscribing(host, client, endpoint, vps, other):
    client.request("push.unsubscribe", endpoint=endpoint)


def end_for_this_vps(host, client, endpoint, vps, other):
    client.request("push.unsubscribe", endpoint=endpoint, vps=vps)


def end_by_revoking_the_user(host, client, endpoint, vps, other):
    host.admin().request("session.revoke", sub="carol")


def end_by_revoking_the_token(host, client, endpoint, vps, other):
    host.admin().request("session.revoke", jti="token-1")


def end_by_losing_the_vps(host, client, endpoint, vps, other):
    client.request("session.renew", token=host.mint("backup.read", vps=[other], sub="carol"))


def end_by_losing_the_permission(host, client, endpoint, vps, other):
    client.request("session.renew", token=host.mint("backup.create", vps=[vps, other], sub="carol"))


@pytest.mark.parametrize("end", [end_by_unsubscribing, end_for_this_vps, end_by_revoking_the_user, end_by_revoking_the_token,
                                 end_by_losing_the_vps, end_by_losing_the_permission])
def test_ends(host, receiver, end):
    vps, other, admin = host.add("one"), host.add("other"), admin_of(host)
    client = host.user(host.mint("backup.read", vps=[vps, other], sub="carol", jti="token-1", iat=int(time.time()) - 5))
    subscription = receiver.browser(end.__name__)
    witness = receiver.browser(f"witness_{end.__name__}")
    client.request("push.subscribe", subscription=subscription, vps=vps)
    client.request("push.subscribe", subscription=subscription, vps=other)
    admin.request("push.subscribe", subscription=witness, vps="*")
    admin.back_up(vps)
    receiver.wait("push", end.__name__, 1)
    end(host, client, subscription["endpoint"], vps, other)
    if "losing" in end.__name__:
        wait_for(lambda: "push subscriptions ended" in host.read_log(), "the end of the subscription")
    for one in (vps, other):
        admin.back_up(one)
    receiver.wait("push", f"witness_{end.__name__}", 3)
    left = [other] if end in (end_for_this_vps, end_by_losing_the_vps) else []
    expected = [vps] + left
    assert [one["message"]["vps"] for one in receiver.wait("push", end.__name__, len(expected))] == expected


def test_a_browser_that_somebody_else_uses_now(host, receiver):
    one, two, admin = host.add("one"), host.add("two"), admin_of(host)
    subscription = receiver.browser("shared")
    for sub, vps in (("carol", one), ("dave", two)):
        host.user(host.mint("backup.read", vps=[vps], sub=sub)).request("push.subscribe", subscription=subscription, vps=vps)
    for vps in (one, two):
        admin.back_up(vps)
    receiver.wait_taken("push", "shared", 1)
    assert [one["message"]["vps"] for one in receiver.requests("push", "shared")] == [two]


def test_a_renewal_by_somebody_else_ends_nothing(host, receiver):
    vps, admin = host.add(), admin_of(host)
    client = host.user(host.mint("backup.read", vps=[vps], sub="carol"))
    client.request("push.subscribe", subscription=receiver.browser("renewal"), vps=vps)
    client.request("session.renew", token=host.mint("backup.read", vps=[], sub="dave"))
    admin.back_up(vps)
    receiver.wait("push", "renewal", 1)


def test_at_most_twenty(host, receiver):
    vps = host.add()
    client, other = (host.user(host.mint("backup.read", vps=[vps], sub=sub)) for sub in ("carol", "dave"))
    browsers = [receiver.browser(f"crowd-{number}") for number in range(21)]
    for subscription in browsers[:20]:
        client.request("push.subscribe", subscription=subscription, vps=vps)
    with pytest.raises(RpcError) as caught:
        client.request("push.subscribe", subscription=browsers[20], vps=vps)
    assert caught.value.reason == "rate_limited"
    client.request("push.subscribe", subscription=browsers[7], vps=vps, locale="fr")
    other.request("push.subscribe", subscription=browsers[20], vps=vps)
    client.request("push.unsubscribe", endpoint=browsers[3]["endpoint"])
    client.request("push.subscribe", subscription=receiver.browser("crowd-again"), vps=vps)


# ---- what is no subscription

KEYS = {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
BAD_ENDPOINTS = [
    "", "x", "http://push.example/1", "ftp://push.example/1", "https://", "https:///1", "//push.example/1",
    "https://user:secret@push.example/1", "https://push.example/1#x", "https://push.example/a b", "https://push.example/\r\nX: 1",
    "https://push.example/é", "https://push.example/" + "x" * 2048, "https://localhost/1", "https://localhost:8006/1",
    "https://127.0.0.1/1", "https://127.1/1", "https://2130706433/1", "https://0x7f.1/1", "https://0/1", "https://10.0.0.1/1",
    "https://172.16.0.1/1", "https://192.168.1.1/1", "https://169.254.169.254/latest", "https://100.64.0.1/1", "https://192.0.2.1/1",
    "https://224.0.0.1/1", "https://255.255.255.255/1", "https://[::1]/1", "https://[::]/1", "https://[fe80::1]/1",
    "https://[fd00::1]/1", "https://[::ffff:127.0.0.1]/1", "https://[::ffff:10.0.0.1]/1", "https://[::127.0.0.1]/1",
    "https://[64:ff9b::7f00:1]/1", "https://[2002:7f00:1::1]/1", "https://[ff02::1]/1",
]
BAD_SUBSCRIPTIONS = [
    {}, {"endpoint": "https://push.example/1"}, {"keys": KEYS}, {"endpoint": 1, "keys": KEYS}, {"endpoint": None, "keys": KEYS},
    {"endpoint": "https://push.example/1", "keys": []}, {"endpoint": "https://push.example/1", "keys": {**KEYS, "auth": None}},
    {"endpoint": "https://push.example/1", "keys": {**KEYS, "auth": "AAAA"}},
    {"endpoint": "https://push.example/1", "keys": {**KEYS, "p256dh": KEYS["auth"]}},
    {"endpoint": "https://push.example/1", "keys": {**KEYS, "p256dh": KEYS["p256dh"][:-1] + "8"}},
]


def test_no_subscription(new_host):
    host = new_host(**{**ON, "push_allow_loopback": ""})
    vps = host.add()

    def refuse(client, **params):
        try:
            client.request("push.subscribe", valid=False, **{"vps": vps, **params})
        except RpcError as error:
            assert error.code == -32602 and "push.example" not in error.message, (params, error)
        else:
            raise AssertionError(f"not refused: {params}")
    subscriptions = [{"endpoint": endpoint, "keys": KEYS} for endpoint in BAD_ENDPOINTS] + BAD_SUBSCRIPTIONS
    for start in range(0, len(subscriptions), 30):
        client = admin_of(host)
        for subscription in subscriptions[start:start + 30]:
            refuse(client, subscription=subscription)
    client = admin_of(host)
    good = {"endpoint": "https://198.51.0.1/1", "keys": KEYS}
    for other in ("text", 1, [], None):
        refuse(client, subscription=other)
    for locale in ("", "de/x", "1", "x" * 36, "ä"):
        refuse(client, subscription=good, locale=locale)
    client.request("push.subscribe", subscription=good, vps=vps, locale="zh-Hant-TW")
    client.request("push.subscribe", subscription={**good, "expirationTime": None, "more": {"x": [1]}}, vps=vps)
