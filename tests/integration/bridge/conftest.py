# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bridge on doubles, started for each test, and clients of it whose traffic has to obey the schema."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))

import client as clients  # noqa: E402

KEY_ID = "test"
HOST = pathlib.Path(os.environ.get("VB_BUILD", "build")) / "tests/integration/bridge/bridge-host"

SAID_BY_NEW_LIBSOUP = "Rejecting duplicate Host header"  # since 3.8, to whatever a client sends


class Host:
    """bridge-host with its folder, and what it is told over stdin."""

    def __init__(self, folder, keys=True, **settings):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "run" / "socket"
        self.keys = self.folder / "keys"
        self.key = os.urandom(32)
        self.schema = clients.source_schema()
        self.clients = []
        self.keys.mkdir(exist_ok=True)
        if keys:
            self.write_key(KEY_ID, self.key)
        settings.setdefault("listen", "127.0.0.1:0")
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [HOST, self.folder] + [f"{name.replace('_', '-')}={value}" for name, value in settings.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, "G_MESSAGES_DEBUG": "vps-backup", "G_DEBUG": "fatal-criticals",
                 # What a sanitizer keeps of freed memory would count as ours; the slow unwinder finds libsoup's functions.
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:fast_unwind_on_malloc=0:malloc_context_size=6"})
        word, _, self.said = self.process.stdout.readline().strip().partition(" ")
        self.is_ready = word == "ready"
        self.port = int(self.said) if self.is_ready else 0

    def write_key(self, name, key):
        path = self.keys / name
        path.write_bytes(key)
        path.chmod(0o600)

    def tell(self, *words):
        """Gives an order and waits until it is done."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "ok", f"{words}: {answer or self.read_log()}"

    def add(self, name="alpha"):
        vps = str(uuid.uuid4())
        self.tell("add", vps, name)
        return vps

    def mint(self, *permissions, vps="*", **claims):
        return clients.mint(self.key, KEY_ID, perms=list(permissions), vps=vps, **claims)

    def admin(self, **options):
        return self._connected(socket=self.socket, **options)

    def user(self, token, **options):
        return self._connected(port=self.port, token=token, **options)

    def _connected(self, **options):
        client = clients.Client(schema=self.schema, **options)
        self.clients.append(client)
        return client

    def read_log(self):
        self.log.flush()
        return (self.folder / "log").read_text(encoding="utf-8")

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def kill(self):
        """Ends it as a power cut would. What stands in its folder is for the next one."""
        self.process.kill()
        self.process.wait(30)
        for client in self.clients:
            client.close()
        self.clients = []

    def stop(self):
        """Ends it as it should end, and says what was wrong."""
        problems = [problem for client in self.clients for problem in client.problems]
        for client in self.clients:
            client.close()
        if self.process.returncode is not None and self.process.returncode == -signal.SIGKILL:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(30)
        assert status == 0, f"status {status}: {self.read_log()[-4000:]}"
        log = self.read_log()
        foreign = [line for line in log.splitlines() if "CRITICAL" in line or (
            "WARNING **" in line and "vps-backup-W" not in line and not line.endswith(SAID_BY_NEW_LIBSOUP))]
        assert not foreign, foreign
        assert not problems, problems


@pytest.fixture
def new_host():
    """Starts hosts, which are stopped and judged after the test."""
    with contextlib.ExitStack() as stack:
        def make(folder=None, **settings):
            folder = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="vb-bridge-"))
            host = Host(folder, **settings)
            stack.callback(host.stop)
            return host
        yield make


@pytest.fixture
def host(new_host):
    return new_host()
