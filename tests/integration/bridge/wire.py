# SPDX-License-Identifier: LGPL-2.1-or-later
"""HTTP and websocket frames byte by byte, for what a well-behaved client never sends."""

import contextlib
import json
import os
import socket
import struct

DEADLINE_S = 30


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


def connect(where):
    """where: a TCP port of this machine, or the path of a unix socket."""
    connection = socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX)
    connection.settimeout(DEADLINE_S)
    connection.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
    return connection


def request(method, path, headers=None):
    head = {"Host": "localhost", **(headers or {})}
    return (f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n").encode()


class Reader:
    def __init__(self, connection):
        self._connection = connection
        self._buffer = b""

    def _more(self):
        try:
            data = self._connection.recv(65536)
        except ConnectionResetError:
            return False
        self._buffer += data
        return bool(data)

    def _take(self, size):
        while len(self._buffer) < size:
            if not self._more():
                raise EOFError
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read_answer(self, keep=False):
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                raise EOFError
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        body = b""
        if not keep:
            while self._more():
                pass
            body = self._buffer
        return Answer(int(first.split()[1]), headers, body)

    def read_frame(self):
        """(opcode, payload) of the next frame."""
        first, second = self._take(2)
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
        return first & 0x0f, self._take(size)

    def read_json(self):
        """The next message; the service asks now and then whether we are there, which is none."""
        while (frame := self.read_frame())[0] == 9:
            pass
        return json.loads(frame[1])

    def read_close(self):
        """Close code that comes next, whatever comes before it; None when the connection just ends."""
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == 8:
                    return struct.unpack(">H", payload[:2])[0]
        except EOFError:
            return None


def exchange(where, data, keep=False):
    with connect(where) as connection:
        # A full server answers before it has heard anything, and may be gone by now; its answer is there.
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(data)
        return Reader(connection).read_answer(keep)


def get(where, path, method="GET", headers=None, keep=False):
    """One request. keep: do not wait for the end of the connection, as an upgrade has none."""
    return exchange(where, request(method, path, headers), keep)


def header(opcode, size, fin=True, masked=True, reserved=0):
    first = (0x80 if fin else 0) | reserved | opcode
    mask = 0x80 if masked else 0
    if size < 126:
        return bytes([first, mask | size])
    if size < 65536:
        return bytes([first, mask | 126]) + struct.pack(">H", size)
    return bytes([first, mask | 127]) + struct.pack(">Q", size)


def frame(payload, opcode=1, fin=True, masked=True, reserved=0):
    head = header(opcode, len(payload), fin, masked, reserved)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Raw:
    """A websocket after its handshake, to be driven by hand."""

    def __init__(self, where, token=None):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "vps-backup.v1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.connection = connect(where)
        self.connection.sendall(request("GET", "/v1/ws", headers))
        self.reader = Reader(self.connection)
        answer = self.reader.read_answer(keep=True)
        if answer.status != 101:
            raise ConnectionError(answer.status)

    def send(self, data):
        self.connection.sendall(data)

    def close(self):
        self.connection.close()
