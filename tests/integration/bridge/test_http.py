# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain HTTP, who may come in, and how the websocket begins."""

import grp
import json
import os
import pwd
import socket
import stat
import subprocess
import sys
import time

import pytest

import wire
from client import ConnectRefused

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def offer(*protocols):
    return {**UPGRADE, "Sec-WebSocket-Protocol": ", ".join(protocols)}


def test_healthz_needs_no_token(host):
    for where in (host.port, host.socket):
        answer = wire.get(where, "/healthz")
        assert answer.status == 200
        assert json.loads(answer.body) == {"status": "ok", "version": json.loads(answer.body)["version"], "hypervisor": True,
                                           "pool": True, "journal": True}
    host.tell("available", "no")
    assert json.loads(wire.get(host.port, "/healthz").body)["status"] == "degraded"


def test_head_has_no_body(host):
    answer = wire.get(host.port, "/healthz", method="HEAD")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["content-length"]) > 10


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/ws/", "/v1/wsx", "/healthz/", "/metrics2", "/v1/ws/../../etc/passwd",
                                  "/%2e%2e/%2e%2e/etc/passwd", "/favicon.ico"])
def test_everything_else_is_not_there(host, path):
    assert wire.get(host.port, path).status in (404, 400)
    assert wire.get(host.port, "/").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/healthz", "/v1/ws", "/metrics", "/nowhere"])
def test_other_methods(host, method, path):
    answer = wire.get(host.port, path, method=method, headers={"Content-Length": "0"})
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


def test_options_of_everything(host):
    assert wire.get(host.port, "*", method="OPTIONS").status == 405


def test_every_answer_ends_the_connection_and_is_not_cached(host):
    for path in ("/healthz", "/nowhere", "/v1/ws"):
        answer = wire.get(host.port, path)
        assert answer.headers["connection"] == "close" and answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_the_panel_is_there_for_everybody(host):
    once = {"Connection": "close"}
    answer = wire.get(host.port, "/panel/", headers=once)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    assert wire.get(host.socket, "/panel", headers=once).status == 308
    assert wire.get(host.port, "/panel/none.js", headers=once).status == 404
    assert wire.get(host.port, "/panelx").status == 404


def ask_for_panel(connection, reader, headers=None):
    """One more request on a connection that is kept: the answer with its body."""
    connection.sendall(wire.request("GET", "/panel/", headers))
    answer = reader.read_answer(keep=True)
    return answer, reader._take(int(answer.headers["content-length"]))


def test_the_panels_files_share_a_connection_which_ends_when_nothing_follows(host):
    with wire.connect(host.port) as connection:
        reader = wire.Reader(connection)
        for _ in range(3):
            answer, body = ask_for_panel(connection, reader)
            assert answer.status == 200 and "close" not in answer.headers.get("connection", "") and b"<vps-backup-app" in body
        connection.settimeout(30)
        assert connection.recv(1) == b""


def test_a_connection_is_kept_for_the_panel_alone(host):
    with wire.connect(host.port) as connection:
        reader = wire.Reader(connection)
        ask_for_panel(connection, reader)
        connection.sendall(wire.request("GET", "/healthz"))
        assert reader.read_answer().headers["connection"] == "close"


def test_behind_a_proxy_each_request_counts_alone(host):
    answer = wire.get(host.port, "/panel/", headers={"X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 200 and answer.headers["connection"] == "close"


def test_a_request_without_host_is_refused(host):
    for where in (host.port, host.socket):
        assert wire.exchange(where, b"GET /healthz HTTP/1.0\r\n\r\n").status in (200, 400)
        assert wire.exchange(where, b"GET /healthz HTTP/1.1\r\n\r\n").status == 400


@pytest.mark.parametrize("name, status", [("h", 200), ("h:8006", 200), ("[::1]:8006", 200), ("", 400), ("a b", 400), ("h/x", 400),
                                          ("user@h", 400), ("h,h", 400), ("h" * 301, 400)])
def test_hosts(host, name, status):
    assert wire.get(host.port, "/healthz", headers={"Host": name}).status == status


def test_two_hosts_are_none(host):
    assert wire.exchange(host.port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400


@pytest.mark.parametrize("lines, body, status", [
    ("Origin: https://h\r\nOrigin: https://evil.example", "", 400),
    ("Content-Length: 5\r\nContent-Length: 6", "x" * 6, 400),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("Content-Length: 5", "x" * 5, 400),
    ("Content-Length: 0", "", 101),
    ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", 400),
    ("Sec-WebSocket-Version: 8", "", 400),
])
def test_headers_given_twice_and_bodies(host, lines, body, status):
    head = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    text = f"GET /v1/ws HTTP/1.1\r\nHost: h\r\n{head}{lines}\r\nAuthorization: Bearer {host.mint('backup.read')}\r\n\r\n{body}"
    assert wire.exchange(host.port, text.encode(), keep=True).status == status


@pytest.mark.parametrize("length", ["-1", "+1", "-0", "0x5", "1e3", "99999999999999999999", str((1 << 64) - 1), "1 1", "5;"])
@pytest.mark.parametrize("request_line", ["GET /healthz", "POST /v1/ws", "GET /v1/ws"])
def test_lengths_that_are_none_are_answered_at_once(host, length, request_line):
    with wire.connect(host.port) as connection:
        connection.sendall(f"{request_line} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode())
        assert wire.Reader(connection).read_answer().status == 400
    assert wire.get(host.port, "/healthz").status == 200


@pytest.mark.parametrize("lines, body", [("Content-Length: 0", ""), ("Content-Length: 5", "x" * 5), ("Transfer-Encoding: chunked", "0\r\n\r\n")])
def test_nothing_follows_a_request(host, lines, body):
    """What a proxy might take for a body is never a second request."""
    smuggled = f"GET /healthz HTTP/1.1\r\nHost: h\r\n{lines}\r\n\r\n{body}GET /panel/ HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = wire.exchange(host.port, smuggled.encode())
    assert answer.status == (400 if body else 200) and b"HTTP/1.1" not in answer.body


def test_metrics_are_for_administrators(host):
    assert wire.get(host.port, "/metrics").status == 401
    assert wire.get(host.port, "/metrics", headers=bearer(host.mint("backup.read"))).status == 403
    assert wire.get(host.port, "/metrics", headers=bearer(host.mint("admin", vps=[]))).status == 200


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


# ---- tokens on TCP


def test_no_token_no_upgrade(host):
    assert wire.get(host.port, "/v1/ws", headers=offer("vps-backup.v1")).status == 401
    assert "bearer" in wire.get(host.port, "/v1/ws", headers=offer("vps-backup.v1")).headers["www-authenticate"].lower()
    for token in ("x", "a.b.c", host.mint("backup.read")[:-2] + "AA"):
        with pytest.raises(ConnectRefused) as caught:
            host.user(token)
        assert caught.value.status == 401


def test_token_in_the_header_or_as_subprotocol(host):
    token = host.mint("backup.read", sub="carol")
    for way in ("header", "subprotocol"):
        client = host.user(token, token_in=way)
        assert client.request("session.info")["subject"] == "carol"
        assert client._websocket.subprotocol == "vps-backup.v1"


def test_two_tokens_are_none(host):
    one, two = host.mint("backup.read"), host.mint("admin")
    head = "".join(f"{name}: {value}\r\n" for name, value in offer("vps-backup.v1").items())
    text = f"GET /v1/ws HTTP/1.1\r\nHost: h\r\n{head}Authorization: Bearer {one}\r\nAuthorization: Bearer {two}\r\n\r\n"
    assert wire.exchange(host.port, text.encode()).status == 401
    assert wire.get(host.port, "/v1/ws", headers={**offer("vps-backup.v1"), "Authorization": "Basic eDp5"}).status == 401


def test_without_keys_there_is_no_tcp(new_host):
    host = new_host(keys=False)
    assert host.is_ready and host.port == 0
    assert "No TCP" in host.read_log()
    assert host.admin().request("session.info")


def test_the_first_key_opens_tcp_without_a_restart(new_host):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = new_host(keys=False, listen=f"127.0.0.1:{port}")
    assert host.port == 0
    host.write_key("test", host.key)
    host.port = port
    end = time.monotonic() + 30
    while True:
        try:
            assert host.user(host.mint("backup.read")).request("session.info")
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_short_key_is_none(new_host, tmp_path):
    host = new_host(keys=False)
    host.stop()
    (host.keys / "test").write_bytes(b"k" * 31)
    again = type(host)(host.folder, keys=False)
    assert again.port == 0
    again.stop()


def test_plain_tcp_on_a_public_address_is_refused(new_host):
    host = new_host(listen="0.0.0.0:0")
    assert not host.is_ready and "tls-certificate" in host.said
    assert not host.socket.exists()


def test_what_cannot_be_listened_on(new_host):
    host = new_host(listen="nonsense:99999999")
    assert not host.is_ready and "127.0.0.1:8006" in host.said


# ---- the websocket's beginning


def test_subprotocols(host):
    def begin(*protocols):
        head = offer(*protocols) if protocols else UPGRADE
        return wire.get(host.socket, "/v1/ws", headers=head, keep=True)
    assert begin("vps-backup.v1").headers["sec-websocket-protocol"] == "vps-backup.v1"
    assert begin("other", "vps-backup.v1").headers["sec-websocket-protocol"] == "vps-backup.v1"
    assert "sec-websocket-protocol" not in begin().headers and begin().status == 101
    assert begin("vps-backup.v2").status == 400
    token = host.mint("backup.read")
    assert begin("vps-backup.v1", f"bearer.{token}").headers["sec-websocket-protocol"] == "vps-backup.v1"
    assert begin(f"bearer.{token}").status == 400


def test_no_compression(host):
    headers = {**offer("vps-backup.v1"), "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    answer = wire.get(host.socket, "/v1/ws", headers=headers, keep=True)
    assert answer.status == 101 and "sec-websocket-extensions" not in answer.headers


def test_a_reset_after_offering_compression_harms_nobody(host):
    headers = {**offer("vps-backup.v1"), "Sec-WebSocket-Extensions": "permessage-deflate"}
    for _ in range(20):
        connection = wire.connect(host.socket)
        connection.sendall(wire.request("GET", "/v1/ws", headers))
        connection.close()
    assert host.admin().request("session.info")


def test_what_is_no_upgrade(host):
    assert wire.get(host.socket, "/v1/ws").status == 426
    for name, value in (("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "short"), ("Connection", "close")):
        assert wire.get(host.socket, "/v1/ws", headers={**UPGRADE, name: value}).status == 400
    assert wire.get(host.socket, "/v1/ws", method="HEAD", headers=UPGRADE).status == 400


def test_bytes_that_follow_the_upgrade_at_once_are_read(host):
    frame = wire.frame(b'{"jsonrpc":"2.0","id":1,"method":"session.info"}')
    connection = wire.connect(host.socket)
    connection.sendall(wire.request("GET", "/v1/ws", offer("vps-backup.v1")) + frame)
    reader = wire.Reader(connection)
    assert reader.read_answer(keep=True).status == 101
    assert json.loads(reader.read_frame()[1])["result"]["subject"] == f"uid:{os.getuid()}"


# ---- origins


@pytest.mark.parametrize("origin, hostname, status", [
    (None, "h", 101),
    ("http://h", "h", 101),
    ("https://h", "h", 101),
    ("https://h:443", "h", 101),
    ("http://h:8006", "h:8006", 101),
    ("HTTP://H:8006", "h:8006", 101),
    ("http://[::1]:8006", "[::1]:8006", 101),
    ("https://panel.example", "h", 101),
    ("https://panel.example:8443", "h", 403),
    ("http://panel.example", "h", 403),
    ("https://evil.example", "h", 403),
    ("http://h:8007", "h:8006", 403),
    ("http://h.evil.example", "h", 403),
    ("http://evil.example/h", "h", 403),
    ("ftp://h", "h", 403),
    ("null", "h", 403),
    ("", "h", 403),
])
def test_origins(new_host, origin, hostname, status):
    host = new_host(allowed_origins="https://other.example;https://panel.example")
    headers = {**offer("vps-backup.v1"), **bearer(host.mint("backup.read")), "Host": hostname}
    if origin is not None:
        headers["Origin"] = origin
    assert wire.get(host.port, "/v1/ws", headers=headers, keep=True).status == status
    assert wire.get(host.socket, "/v1/ws", headers={**headers}, keep=True).status == status


# ---- the unix socket


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_socket_is_ours_alone(host):
    assert mode_of(host.socket) == 0o600
    assert mode_of(host.socket.parent) == 0o755


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(new_host):
    host = new_host()
    again = type(host)(host.folder)
    assert not again.is_ready and "Another service" in again.said
    again.stop()
    assert host.admin().request("session.info")
    host.stop()
    assert not host.socket.exists()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(host.socket))
    left.close()
    third = type(host)(host.folder)
    assert third.is_ready and third.admin().request("session.info")
    third.stop()


def test_a_file_in_the_way_stays(new_host, host):
    host.stop()
    host.socket.write_text("precious")
    again = type(host)(host.folder)
    assert not again.is_ready and "in the way" in again.said
    again.stop()
    assert host.socket.read_text() == "precious"


def as_user(host, uid, gid, groups, path="/v1/ws"):
    """HTTP status that another user gets on the socket, or the name of the error."""
    script = ("import os, sys; sys.path[:0] = sys.argv[5:7]; import wire\n"
              "os.setgroups([int(g) for g in sys.argv[3].split(',') if g]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))\n"
              f"try: print(wire.get({str(host.socket)!r}, sys.argv[4], headers={offer('vps-backup.v1')!r}, keep=True).status)\n"
              "except PermissionError: print('denied')")
    done = subprocess.run([sys.executable, "-c", script, str(uid), str(gid), ",".join(map(str, groups)), path] + sys.path[:2],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")


@needs_root
def test_members_of_the_group_are_administrators(new_host):
    group = grp.getgrnam("daemon")
    host = new_host(socket_group="daemon")
    os.chmod(host.folder, 0o755)
    nobody = pwd.getpwnam("nobody")
    assert mode_of(host.socket) == 0o660 and os.stat(host.socket).st_gid == group.gr_gid
    assert as_user(host, nobody.pw_uid, group.gr_gid, []) == "101"
    assert as_user(host, nobody.pw_uid, nobody.pw_gid, [group.gr_gid]) == "101"
    assert as_user(host, nobody.pw_uid, nobody.pw_gid, []) == "denied"
    # Whoever gets in against the file's mode is still nobody.
    os.chmod(host.socket, 0o666)
    assert as_user(host, nobody.pw_uid, nobody.pw_gid, []) == "403"
    assert as_user(host, nobody.pw_uid, nobody.pw_gid, [], "/metrics") == "403"
    assert as_user(host, nobody.pw_uid, nobody.pw_gid, [], "/healthz") == "200"


def test_an_unknown_group_is_an_error(new_host):
    host = new_host(socket_group="no-such-group")
    assert not host.is_ready and "no-such-group" in host.said


def test_a_token_on_the_socket_narrows(host):
    vps = host.add()
    token = host.mint("backup.read", vps=[vps], sub="dave")
    client = host._connected(socket=host.socket, token=token)
    assert client.request("session.info")["vps"] == [vps]
    assert wire.get(host.socket, "/metrics", headers=bearer(token)).status == 403
    assert wire.get(host.socket, "/metrics", headers=bearer("rubbish")).status == 401
