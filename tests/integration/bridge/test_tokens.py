# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens while connected: expiry, renewal, keys that come and go. What a token must look like is in tests/unit/test-bridge-token.c."""

import datetime
import os
import time

import pytest

import client as clients
import wire
from client import ConnectRefused, RpcError


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_expiry(host):
    expires = int(time.time()) + 3
    client = host.user(host.mint("backup.read", exp=expires))
    assert at(client.wait_event("session.expiring")["expires_at"]) == expires
    assert client.wait_closed() == 4401
    assert time.time() >= expires


def test_warning_comes_60_s_before(host):
    expires = int(time.time()) + 63
    client = host.user(host.mint("backup.read", exp=expires))
    client.request("session.info")
    assert not client.events
    client.wait_event("session.expiring")
    assert time.time() >= expires - 60


def test_renewal(host):
    vps = host.add()
    client = host.user(host.mint("backup.read", vps=[vps], exp=int(time.time()) + 4))
    client.subscribe(vps)
    client.wait_event("session.expiring")
    later = int(time.time()) + 600
    info = client.request("session.renew", token=host.mint("backup.read", "power", vps=[vps], exp=later))
    assert at(info["expires_at"]) == later and info["permissions"] == ["backup.read", "power"]
    time.sleep(5)
    assert client.request("session.info") == info
    host.tell("power", vps, "alpha", "stopped")
    client.wait_vps(vps, lambda now: now["power"] == "stopped", "an event after the renewal")


def test_a_bad_renewal_changes_nothing(host):
    client = host.user(host.mint("backup.read", sub="eve"))
    before = client.request("session.info")
    for token in ("x", clients.mint(b"k" * 32, "test", perms=["admin"]), host.mint("admin", exp=1)):
        with pytest.raises(RpcError) as caught:
            client.request("session.renew", token=token)
        assert caught.value.reason == "forbidden"
    assert client.request("session.info") == before


def test_tokens_are_in_no_log(host):
    token = host.mint("backup.read")
    host.user(token).request("session.renew", token=host.mint("backup.read"))
    with pytest.raises(ConnectRefused):
        host.user(token + "x")
    log = host.read_log()
    assert "Refused a token from 127.0.0.1" in log
    for part in token.split("."):
        assert part not in log


def test_keys_come_and_go_without_a_restart(host):
    key = os.urandom(64)
    token = clients.mint(key, "second.key", perms=["backup.read"])
    with pytest.raises(ConnectRefused):
        host.user(token)
    host.write_key("second.key", key)
    client = host.user(token)
    (host.keys / "second.key").unlink()
    with pytest.raises(ConnectRefused):
        host.user(token)
    assert client.request("session.info")


def test_who_came_with_a_key_that_is_gone_has_a_minute(host):
    key = os.urandom(64)
    host.write_key("leaked", key)
    other = host.user(host.mint("backup.read"))
    clever, stolen = (host.user(clients.mint(key, "leaked", perms=["backup.read"])) for _ in range(2))
    with pytest.raises(ConnectRefused):
        host.user(clients.mint(os.urandom(64), "leaked", perms=["backup.read"]))
    # Another one in its place is as good as none.
    host.write_key("leaked", os.urandom(64))
    for client in (clever, stolen):
        ends = at(client.wait_event("session.expiring")["expires_at"])
        assert ends <= time.time() + 61
    with pytest.raises(RpcError):
        clever.request("session.renew", token=clients.mint(key, "leaked", perms=["backup.read"]))
    later = int(time.time()) + 600
    assert at(clever.request("session.renew", token=host.mint("backup.read", exp=later))["expires_at"]) == later
    assert other.request("session.info") and not other.events
    if os.environ.get("VB_LONG"):
        assert stolen.wait_closed(90) == 4401
        assert clever.request("session.info")


def refused_after(host, token):
    """Seconds until a token was refused."""
    begun = time.monotonic()
    answer = wire.get(host.port, "/v1/ws", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401 and answer.headers["connection"] == "close"
    return time.monotonic() - begun


def test_guessing_gets_slower_and_harms_nobody(host):
    open_one = host.user(host.mint("backup.read"))
    for _ in range(7):
        refused_after(host, "guess")
    # By now half a second, then a whole one.
    assert refused_after(host, "guess") >= 0.9
    waiting = [wire.connect(host.port) for _ in range(20)]
    for connection in waiting:
        connection.sendall(wire.request("GET", "/v1/ws", {"Authorization": "Bearer guess"}))
    begun = time.monotonic()
    # Good tokens from the same address, and requests without any, do not wait.
    assert host.user(host.mint("backup.read")).request("session.info")
    assert wire.get(host.port, "/v1/ws").status == 401
    assert open_one.request("session.info")
    assert time.monotonic() - begun < 4
    for number, connection in enumerate(waiting):
        if number % 2:
            connection.close()
        else:
            assert wire.Reader(connection).read_answer().status == 401
    assert "Refused a token from 127.0.0.1" in host.read_log()


def test_stopping_while_answers_wait(host):
    for _ in range(8):
        refused_after(host, "guess")
    connection = wire.connect(host.port)
    connection.sendall(wire.request("GET", "/v1/ws", {"Authorization": "Bearer guess"}))
    host.admin().request("session.info")
    host.tell("stop-bridge")
    while connection.recv(4096):
        pass


def test_a_key_that_others_can_read_is_told(new_host):
    host = new_host()
    assert "Others can get at" not in host.read_log()
    host.stop()
    (host.keys / "test").chmod(0o644)
    again = type(host)(host.folder, keys=False)
    assert "Others can get at the token key test in" in again.read_log()
    again.stop()
