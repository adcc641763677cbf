# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example of a panel's backend, against the real service: its tokens let in whom they should, and it believes genuine webhooks only."""

import base64
import json
import os
import pathlib
import queue
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

import client as clients
from conftest import DEADLINE_S

EXAMPLE = pathlib.Path(os.environ["VB_SOURCE"]) / "ui-bridge/panel/examples/backend.mjs"
SESSION = "abc123"


class Backend:
    """The example as a process; lines that it prints come from next_line()."""

    def __init__(self, folder, vps):
        environment = {**os.environ, "KEY_FILE": str(folder / "keys/panel"), "SECRET_FILE": str(folder / "secret"), "PORT": "0",
                       "CUSTOMERS": json.dumps({SESSION: {"sub": "4711", "vps": [vps]}})}
        self.process = subprocess.Popen(["node", EXAMPLE], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.next_line().split()[1]}"

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)

    def next_line(self):
        return self._lines.get(timeout=DEADLINE_S)

    def is_silent(self):
        return self._lines.empty()

    def post(self, path, body=b"", **headers):
        """Status and body."""
        request = urllib.request.Request(self.url + path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    def end(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def vps():
    return "6695eb01-f6a4-8304-79aa-97f2502e193f"  # of libvirt's test driver


@pytest.fixture
def backend(folder, vps):
    (folder / "keys").mkdir(mode=0o700)
    for name, data in (("keys/panel", os.urandom(48)), ("secret", b"whsec_" + base64.b64encode(os.urandom(32)) + b"\n")):
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    made = Backend(folder, vps)
    yield made
    made.end()


@pytest.fixture
def running(daemon, backend, folder):
    daemon.port = free_port()
    daemon.config["bridge"]["listen"] = f"127.0.0.1:{daemon.port}"
    daemon.config["webhook"] = {"url": f"{backend.url}/webhook", "secret-file": folder / "secret"}
    return daemon.start().wait_ready()


def test_tokens(running, backend, vps):
    assert backend.post(f"/backup-token?vps={vps}")[0] == 401
    assert backend.post("/backup-token?vps=00000000-0000-4000-8000-000000000000", Cookie=f"session={SESSION}")[0] == 403
    status, body = backend.post(f"/backup-token?vps={vps}", Cookie=f"session={SESSION}")
    assert status == 200
    with clients.Client(port=running.port, token=json.loads(body)["token"]) as client:
        info = client.request("session.info")
        assert (info["subject"], info["vps"]) == ("4711", [vps]) and "backup.create" in info["permissions"]
        assert "admin" not in info["permissions"]


def test_webhook(running, backend, vps):
    with clients.Client(socket=running.socket) as client:
        client.follow(vps)
        client.request("slots.set", vps=vps, total=5)
    told = json.loads(backend.next_line())
    assert (told["event"], told["vps"], told["data"]["total"]) == ("slots.changed", vps, 5)


def test_forged_webhook(backend):
    body, now = b'{"event":"slots.changed"}', str(int(time.time()))
    forged = "v1," + base64.b64encode(bytes(32)).decode()
    assert backend.post("/webhook", body)[0] == 400
    assert backend.post("/webhook", body, webhook_id="msg_1", webhook_timestamp=now, webhook_signature=forged)[0] == 400
    assert backend.post("/webhook", body, webhook_id="msg_1", webhook_timestamp=now, webhook_signature="v1,short é")[0] == 400
    assert backend.is_silent()
