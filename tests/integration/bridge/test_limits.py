# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that send too much, read too little, or speak badly."""

import asyncio
import contextlib
import json
import os
import resource
import socket
import ssl
import subprocess
import threading
import time

import pytest

import client as clients
import wire

KIB = 1024
MESSAGE_MAX = 64 * KIB
# Growth that allocators and sanitizers are allowed; what a client could make the service keep is far more.
ROOM_KIB = 16 * KIB


def request_of(size):
    """A request of exactly so many bytes, which is refused because of its unknown parameter."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "session.info", "params": {"x": ""}}, separators=(",", ":"))
    return text.replace('"x":""', '"x":"%s"' % ("x" * (size - len(text)))).encode()


def answers(raw):
    """Whether the connection still answers requests."""
    raw.send(wire.frame(request_of(200)))
    return raw.reader.read_json()["error"]["code"] == -32602


def test_binary_frames(host):
    raw = wire.Raw(host.socket)
    raw.send(wire.frame(b"\x00\x01", opcode=2))
    assert raw.reader.read_close() == 1003


def test_largest_message(host):
    raw = wire.Raw(host.socket)
    raw.send(wire.frame(request_of(MESSAGE_MAX)))
    assert raw.reader.read_json()["error"]["code"] == -32602
    raw.send(wire.frame(request_of(MESSAGE_MAX + 1)))
    assert raw.reader.read_close() == 1009


@pytest.mark.parametrize("size", [MESSAGE_MAX + 1, 1 << 20, 1 << 40, (1 << 63) - 1])
def test_an_announced_size_is_enough(host, size):
    raw = wire.Raw(host.socket)
    raw.send(wire.header(1, size) + b"1234" + b"x" * 100)
    assert raw.reader.read_close() == 1009


def test_fragments(host):
    raw = wire.Raw(host.socket)
    text = request_of(MESSAGE_MAX)
    raw.send(wire.frame(text[:100], fin=False))
    raw.send(wire.frame(b"", opcode=0, fin=False))
    raw.send(wire.frame(b"ping", opcode=9))
    raw.send(wire.frame(text[100:60000], opcode=0, fin=False) + wire.frame(text[60000:], opcode=0))
    assert raw.reader.read_frame() == (10, b"ping")
    assert raw.reader.read_json()["error"]["code"] == -32602
    assert answers(raw)


def test_fragments_without_end(host):
    raw = wire.Raw(host.socket)
    before = host.memory_kib()
    raw.send(wire.frame(b"[" * 40000, fin=False))
    raw.send(wire.frame(b"[" * 25536, opcode=0, fin=False))
    raw.send(wire.frame(b"[", opcode=0, fin=False))
    assert raw.reader.read_close() == 1009
    try:
        for _ in range(2000):
            raw.send(wire.frame(b"[" * 60000, opcode=0, fin=False))
    except OSError:
        pass
    assert host.memory_kib() - before < ROOM_KIB


@pytest.mark.parametrize("data, code", [
    (wire.frame(b"{}", masked=False), 1002),
    (wire.frame(b"{}", reserved=0x40), 1002),
    (wire.frame(b"x", opcode=9, fin=False), 1002),
    (wire.frame(b"x", opcode=3), 1002),
    (wire.frame(b"x", opcode=0), 1002),
    (wire.frame(b"\xff\xfe"), 1007),
    (wire.frame(b"x" * 126, opcode=9), 1009),
])
def test_bad_frames(host, data, code):
    raw = wire.Raw(host.socket)
    raw.send(data)
    assert raw.reader.read_close() == code
    assert host.admin().request("session.info")


def test_close_is_answered(host):
    raw = wire.Raw(host.socket)
    raw.send(wire.frame(b"\x03\xe8bye", opcode=8))
    assert raw.reader.read_close() == 1000


def send_all(raw, data):
    """Sends as much as is taken within a second; whether all of it was."""
    raw.connection.settimeout(1)
    try:
        raw.send(data)
        return True
    except OSError:
        return False
    finally:
        raw.connection.settimeout(wire.DEADLINE_S)


def test_pings_without_reading(host):
    other = host.admin()
    raw = wire.Raw(host.socket)
    before = host.memory_kib()
    pings = wire.frame(b"p" * 125, opcode=9) * 1000
    for _ in range(300):
        if not send_all(raw, pings):
            break
    assert other.request("session.info")
    assert host.memory_kib() - before < ROOM_KIB
    assert raw.reader.read_close() in (4429, None)
    assert "4429" in host.read_log()


def pour(connection, data, stop):
    """Sends as fast as it is taken, and reads nothing, until the other side ends it."""
    def run():
        connection.settimeout(0.2)
        while not stop.is_set():
            try:
                connection.sendall(data)
            except TimeoutError:
                continue
            except OSError:
                return
    thread = threading.Thread(target=run)
    thread.start()
    return thread


EMPTY_FRAGMENT = wire.frame(b"", opcode=0, fin=False)


@pytest.mark.parametrize("begin, flood", [
    (b"", wire.frame(b"", opcode=10)),
    (b"", wire.frame(b"p" * 125, opcode=10)),
    (b"", wire.frame(b"", opcode=9)),
    (wire.frame(b"", fin=False), EMPTY_FRAGMENT),
    (wire.frame(b"[", fin=False), EMPTY_FRAGMENT + wire.frame(b"", opcode=10)),
    (b"", wire.frame(b"")),
    (wire.frame(b"\x03\xe8", opcode=8), wire.frame(b"\x03\xe8", opcode=8)),
    # A size that never comes to its end is within the limits; the bytes do not count as frames.
    (b"", wire.frame(b"[" * 60000)),
], ids=["pongs", "full pongs", "pings", "fragments", "fragments and pongs", "texts", "closes", "large texts"])
def test_frames_of_every_kind_count(host, begin, flood):
    other, stop = host.admin(), threading.Event()
    raw = wire.Raw(host.port, token=host.mint("backup.read"))
    raw.send(begin)
    thread = pour(raw.connection, flood * (65536 // len(flood) + 1), stop)
    try:
        for _ in range(20):
            assert other.request("session.info")
            assert wire.get(host.socket, "/healthz").status == 200
        thread.join(20)
        assert not thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert "4429" in host.read_log() or begin[:1] == b"\x88"


def test_small_fragments_in_good_order_are_read(host):
    raw = wire.Raw(host.socket)
    text = request_of(MESSAGE_MAX)
    pieces = [text[at:at + 600] for at in range(0, len(text), 600)]
    raw.send(b"".join(wire.frame(piece, opcode=0 if number else 1, fin=number == len(pieces) - 1)
                      for number, piece in enumerate(pieces)))
    assert raw.reader.read_json()["error"]["code"] == -32602


@pytest.mark.parametrize("method, path, framing", [("POST", "/healthz", f"Content-Length: {1 << 50}"),
                                                   ("GET", "/v1/ws", "Transfer-Encoding: chunked")])
def test_bodies_without_end_hold_nobody_up(host, method, path, framing):
    other, stop = host.admin(), threading.Event()
    connection = wire.connect(host.port)
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n".encode())
    chunk = b"4\r\nbody\r\n" if "chunked" in framing else b"x"
    thread = pour(connection, chunk * (65536 // len(chunk)), stop)
    try:
        for _ in range(20):
            assert other.request("session.info")
        thread.join(20)
        assert not thread.is_alive()
    finally:
        stop.set()
        thread.join()


def test_answers_to_those_who_have_gone(new_host):
    """Each answer waits for the audit log, and meanwhile the connection has broken or is being closed."""
    host = new_host(journal="sqlite")
    vps = host.add()
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "backup.delete", "params": {"vps": vps, "backup": vps}}).encode()
    for _ in range(12):
        leavers = [wire.Raw(host.port, token=host.mint("backup.delete")) for _ in range(20)]
        for _ in range(40):
            for raw in leavers:
                raw.send(wire.frame(asked))
        for raw in leavers:  # with unread answers: a reset
            raw.close()
    assert host.admin().request("session.info")


# ---- slow readers


def slow(host, **options):
    raw = wire.Raw(**options)
    raw.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return raw


def call(raw, number, method, **params):
    raw.send(wire.frame(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()))


def read_texts(raw):
    """All messages until the connection ends, and its close code."""
    texts, code = [], None
    try:
        while True:
            opcode, payload = raw.reader.read_frame()
            if opcode == 8:
                code = int.from_bytes(payload[:2], "big")
            elif opcode == 1:
                texts.append(json.loads(payload))
    except (EOFError, OSError):
        return texts, code


def test_a_slow_reader_gets_the_newest_state(host):
    vps, other = host.add(), host.add("other")
    raw = slow(host, where=host.port, token=host.mint("backup.read", vps=[vps, other]))
    call(raw, 1, "vps.subscribe", vps="*")
    raw.reader.read_frame()
    before = host.memory_kib()
    for _ in range(5):
        host.tell("burst", vps, 2000)
        host.tell("burst", other, 2000)
    assert host.memory_kib() - before < ROOM_KIB
    call(raw, 2, "session.info")
    seen = {vps: [], other: []}
    while True:
        message = raw.reader.read_json()
        if message.get("id") == 2:
            break
        seen[message["params"]["vps"]].append(message["params"])
    for states in seen.values():
        numbers = [state["seq"] for state in states]
        assert numbers == sorted(set(numbers)) and len(numbers) < 10000
        assert states[-1]["name"].startswith("2000-")
    assert answers(raw)


def test_a_reader_too_slow_for_its_own_requests(host):
    raw = slow(host, where=host.port, token=host.mint("backup.read", vps=[host.add("n" * 1000) for _ in range(60)]))
    before = host.memory_kib()
    for number in range(30):
        call(raw, number, "vps.list")
    texts, code = read_texts(raw)
    assert texts and code == 4408
    assert host.memory_kib() - before < ROOM_KIB
    assert host.admin().request("vps.list")


def test_whoever_sees_all_may_ask_for_all(host):
    """One page for a thousand VPSs: answers are far larger than what a client may send, and several of them may wait."""
    everything = [host.add(f"vps-{number}") for number in range(1000)]
    raw = wire.Raw(host.port, token=host.mint("backup.read", vps="*"))
    for number in range(6):
        call(raw, number, "vps.list")
    call(raw, 6, "vps.subscribe", vps="*")
    for number in range(7):
        payload = raw.reader.read_frame()[1]
        assert len(payload) > 4 * MESSAGE_MAX and len(json.loads(payload)["result"]["vps"]) == 1000
    admin = host.admin()
    for vps in (everything[0], everything[-1]):
        admin.subscribe(vps)
        admin.back_up(vps)
        while (message := raw.reader.read_json())["method"] != "notification.added":
            assert message["params"]["vps"] == vps
        assert (message["params"]["vps"], message["params"]["type"]) == (vps, "backup_completed")


def test_an_administrator_may_watch_many(host):
    for number in range(300):
        host.tell("add", clients.uuid.uuid4(), f"vps-{number}-" + "x" * 1000)
    client = host.admin()
    assert len(client.subscribe("*")["vps"]) == 300
    host.tell("available", "no")
    host.tell("available", "yes")
    client.wait_for(lambda: len({params["vps"] for _, name, params in client.events}) == 300, "all changes")
    client.problems = [one for one in client.problems if not one.startswith("power actions")]


# ---- connections


def has_ended(connection):
    connection.settimeout(0.02)
    try:
        return not connection.recv(4096)
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_half_open_connections_end(host, new_host, certificate):
    """Whether they say nothing, something, or a byte now and then, and however far TLS has come."""
    secure = new_host(tls_certificate=certificate[0], tls_key=certificate[1])
    begun = time.monotonic()
    waiting = [wire.connect(where) for where in (host.port, host.port, host.socket, secure.port, secure.port)]
    waiting[0].sendall(b"GET /v1/ws HTTP/1.1\r\nHost: h\r\n")
    waiting[1].sendall(b"POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
    waiting[3].sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    waiting.append(context.wrap_socket(wire.connect(secure.port)))
    waiting[-1].sendall(b"GET /healthz HTTP/1.1\r\n")
    slowly = [wire.connect(host.port), wire.connect(secure.port)]
    slowly[0].sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    slowly[1].sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
    waiting += slowly
    while waiting:
        for connection in set(slowly) & set(waiting):
            with contextlib.suppress(OSError):
                connection.send(b"x")
        waiting = [connection for connection in waiting if not has_ended(connection)]
        assert time.monotonic() - begun < 25
    assert 5 < time.monotonic() - begun
    assert wire.get(host.port, "/healthz").status == 200


def test_open_websockets_have_no_deadline(host):
    client = host.admin()
    time.sleep(11)
    assert client.request("session.info")


def test_too_many_connections(new_host):
    host = new_host(max_connections=3)
    one, _, _ = [host.user(host.mint("backup.read")) for _ in range(3)]
    answer = wire.get(host.port, "/panel/", headers={"Connection": "close"})
    assert answer.status == 503 and answer.headers["retry-after"]
    with pytest.raises(clients.ConnectRefused) as caught:
        host.user(host.mint("backup.read", sub="other"))
    assert caught.value.status == 503
    # The administrators' way in stays open, but not for everything.
    admins = [host.admin() for _ in range(16)]
    assert admins[-1].request("session.info")
    with pytest.raises(clients.ConnectRefused):
        host.admin()
    # How it is can always be asked.
    assert wire.get(host.port, "/healthz").status == wire.get(host.socket, "/healthz").status == 200
    for client in admins + [one]:
        client.close()
    end = time.monotonic() + 20
    while wire.get(host.port, "/panel/", headers={"Connection": "close"}).status != 200:
        assert time.monotonic() < end


def open_until_refused(host, most, **options):
    """Websockets until one is refused, and the status that it is refused with."""
    opened = []
    for _ in range(most):
        try:
            opened.append(wire.Raw(host.port, **options))
        except ConnectionError as refused:
            return opened, refused.args[0]
    return opened, None


def test_nobody_takes_all_connections(new_host):
    """A subject may have as many as are still free, so those who take all they can leave room for the next."""
    host = new_host(max_connections=40)
    greedy, status = open_until_refused(host, 41, token=host.mint("backup.read", sub="greedy"))
    assert (len(greedy), status) == (20, 503)
    accomplice, status = open_until_refused(host, 41, token=host.mint("backup.read", sub="accomplice"))
    assert (len(accomplice), status) == (10, 503)
    assert host.user(host.mint("backup.read", sub="other")).request("session.info")
    assert wire.get(host.port, "/healthz").status == wire.get(host.port, "/panel/", headers={"Connection": "close"}).status == 200
    for raw in greedy:
        raw.close()
    end = time.monotonic() + 20
    while len(open_until_refused(host, 11, token=host.mint("backup.read", sub="third"))[0]) < 10:
        assert time.monotonic() < end


def test_a_forwarded_address_has_a_share(new_host):
    host = new_host(max_connections=40, max_per_address=5, trusted_proxies="127.0.0.1")

    def opened(address, sub):
        headers = {"X-Forwarded-For": address, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Authorization": f"Bearer {host.mint('backup.read', sub=sub)}"}
        connection = wire.connect(host.port)
        connection.sendall(wire.request("GET", "/v1/ws", headers))
        return connection, wire.Reader(connection).read_answer(keep=True).status
    one = [opened("192.0.2.1", f"user-{number}") for number in range(7)]
    assert [status for _, status in one] == [101] * 5 + [503] * 2
    assert opened("192.0.2.2", "user-0")[1] == 101
    one[0][0].close()
    end = time.monotonic() + 20
    while opened("192.0.2.1", "late")[1] != 101:
        assert time.monotonic() < end


@pytest.mark.parametrize("said", [b"", b"GET /v1/ws HTTP/1.1\r\nHost: h\r\n"])
def test_connections_that_never_ask_make_room(new_host, said):
    host = new_host(max_connections=10)
    waiting = [wire.connect(host.port) for _ in range(200)]
    for connection in waiting:
        with contextlib.suppress(OSError):
            connection.sendall(said)
    assert wire.get(host.port, "/healthz").status == 200
    assert host.user(host.mint("backup.read")).request("session.info")
    for connection in waiting:
        connection.close()


def test_no_more_connections_than_descriptors_allow(new_host):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        host = new_host(max_connections=4096)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Only 512 instead of 4096 connections" in host.read_log()


def test_bodies_are_not_kept(host):
    before = host.memory_kib()
    connection = wire.connect(host.port)
    connection.sendall(wire.request("POST", "/v1/ws", {"Content-Length": str(100 << 20)}))
    highest = before
    for _ in range(100):
        connection.sendall(b"x" * (1 << 20))
        highest = max(highest, host.memory_kib())
    assert wire.Reader(connection).read_answer().status == 405
    assert highest - before < ROOM_KIB


def test_ranges_are_ignored(host):
    ranges = "bytes=" + ",".join(f"{i}-" for i in range(1000))
    answer = wire.get(host.port, "/healthz", headers={"Range": ranges})
    assert answer.status == 200 and len(answer.body) < 200
    whole = wire.get(host.port, "/panel/", headers={"Connection": "close"})
    for some in (ranges, "bytes=0-0", "bytes=-1"):
        answer = wire.get(host.port, "/panel/", headers={"Range": some, "Connection": "close"})
        assert answer.status == 200 and answer.body == whole.body


def test_headers_without_end(host):
    connection = wire.connect(host.port)
    before = host.memory_kib()
    try:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        for _ in range(100):
            connection.sendall(b"x" * 65536)
    except OSError:
        pass
    assert host.memory_kib() - before < ROOM_KIB
    assert wire.get(host.port, "/healthz").status == 200


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n",
                                     b"GET / HTTP/9.9\r\nHost: h\r\n\r\n", b"GET http:// HTTP/1.1\r\nHost: h\r\n\r\n",
                                     b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
                                     b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_rubbish(host, rubbish):
    for where in (host.port, host.socket):
        connection = wire.connect(where)
        connection.sendall(rubbish)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert wire.get(host.port, "/healthz").status == 200


# ---- all at once


def flood(host, stop, token):
    """A client that sends rubbish as fast as it can, and comes again when it is thrown out."""
    rubbish = wire.frame(b"{" * 100) * 200
    while not stop.is_set():
        with contextlib.suppress(OSError):
            raw = wire.Raw(host.port, token=token)
            while not stop.wait(0.01):
                raw.send(rubbish)


def test_others_go_on_while_all_of_that_happens(host):
    vps, token = host.add(), host.mint("backup.read")
    stop = threading.Event()
    threads = [threading.Thread(target=flood, args=(host, stop, token)) for _ in range(2)]
    silent = [wire.connect(host.port) for _ in range(50)]
    slowest = slow(host, where=host.port, token=token)
    call(slowest, 1, "vps.subscribe", vps="*")
    pings = wire.Raw(host.port, token=token)
    send_all(pings, wire.frame(b"p" * 125, opcode=9) * 5000)
    for thread in threads:
        thread.start()
    try:
        client = host.user(token)
        client.subscribe(vps)
        before = host.memory_kib()
        for number in range(8):
            power = ("stopped", "running")[number % 2]
            host.tell("burst", vps, 20)
            host.tell("power", vps, "alpha", power)
            client.wait_vps(vps, lambda now, power=power: now["power"] == power, "the news")
            time.sleep(0.06)
            assert client.request("session.info")
        assert host.memory_kib() - before < ROOM_KIB
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for connection in silent:
            connection.close()


# ---- TLS


def make_certificate(folder, name="localhost"):
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files[0], "-keyout", files[1]],
                   check=True, capture_output=True)
    return files


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path)


def shown_certificate(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 30) as plain, context.wrap_socket(plain) as connection:
        return connection.getpeercert(binary_form=True)


def wait_until_shown(host, expected):
    end = time.monotonic() + 30
    while shown_certificate(host.port) != expected:
        assert time.monotonic() < end, host.read_log()
        time.sleep(0.1)


def der(file):
    return ssl.PEM_cert_to_DER_cert(file.read_text(encoding="ascii"))


def test_a_renewed_certificate_is_used_without_a_restart(new_host, certificate, tmp_path):
    host = new_host(tls_certificate=certificate[0], tls_key=certificate[1])
    first = der(certificate[0])
    assert shown_certificate(host.port) == first
    (tmp_path / "new").mkdir()
    renewed = make_certificate(tmp_path / "new", "renewed")
    # Half of it: what was there before goes on.
    os.replace(renewed[0], certificate[0])
    end = time.monotonic() + 30
    while "is not the key of it" not in host.read_log():
        assert shown_certificate(host.port) == first
        assert time.monotonic() < end
        time.sleep(0.1)
    assert shown_certificate(host.port) == first
    os.replace(renewed[1], certificate[1])
    wait_until_shown(host, der(certificate[0]))
    # Rubbish is not used either.
    certificate[0].write_text("rubbish")
    time.sleep(1.1)
    assert shown_certificate(host.port)


def test_tls(new_host, certificate):
    host = new_host(tls_certificate=certificate[0], tls_key=certificate[1])
    vps = host.add()
    context = ssl.create_default_context(cafile=certificate[0])
    token = host.mint("backup.read", vps=[vps])

    async def talk():
        async with clients.websockets.connect(f"wss://localhost:{host.port}/v1/ws", ssl=context, subprotocols=["vps-backup.v1"],
                                              **{clients.EXTRA_HEADERS: {"Authorization": f"Bearer {token}"}}) as websocket:
            await websocket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "vps.subscribe", "params": {"vps": vps}}))
            assert json.loads(await websocket.recv())["result"]["vps"] == vps
            host.tell("burst", vps, 500)
            while True:
                if json.loads(await websocket.recv())["params"]["name"].startswith("500-"):
                    break
            await websocket.send(b"binary")
            with pytest.raises(clients.websockets.ConnectionClosed) as caught:
                await websocket.recv()
            assert caught.value.code == 1003
    asyncio.run(talk())
    # Plain HTTP on the TLS port gets nowhere.
    with pytest.raises(EOFError):
        wire.get(host.port, "/healthz")


def test_a_bad_certificate_is_an_error(new_host, tmp_path):
    host = new_host(tls_certificate=tmp_path / "none.pem")
    assert not host.is_ready and "none.pem" in host.said


def test_a_key_of_another_certificate_is_an_error(new_host, certificate, tmp_path):
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    host = new_host(tls_certificate=certificate[0], tls_key=other[1])
    assert not host.is_ready and "tls-key" in host.said


def public_address():
    """An address of this machine that others could have, None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


@pytest.mark.skipif(public_address() is None, reason="needs an address that is not loopback")
def test_too_many_connections_of_one_address(new_host, certificate):
    host = new_host(listen="0.0.0.0:0", tls_certificate=certificate[0], tls_key=certificate[1], max_per_address=3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def health(address):
        with socket.create_connection((address, host.port), 30) as plain, context.wrap_socket(plain) as connection:
            connection.sendall(wire.request("GET", "/healthz"))
            return wire.Reader(connection).read_answer().status
    waiting = [socket.create_connection((public_address(), host.port), 30) for _ in range(3)]
    fourth = socket.create_connection((public_address(), host.port), 30)
    assert fourth.recv(100).startswith(b"HTTP/1.1 503 ")
    # Others are not concerned, and it is over when one has gone.
    assert health("127.0.0.1") == 200
    waiting.pop().close()
    end = time.monotonic() + 30
    while True:
        try:
            assert health(public_address()) == 200
            break
        except (ssl.SSLError, OSError):
            assert time.monotonic() < end
