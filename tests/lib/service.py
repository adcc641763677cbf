# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host manager with the module under test: started, watched, stopped and killed by tests."""

import contextlib
import fcntl
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import client as clients
import isolated

KEY_ID = "test"
PORT = 8006


def source_folder():
    return pathlib.Path(os.environ.get("VB_SOURCE", pathlib.Path(__file__).resolve().parents[2]))


def build_folder():
    return pathlib.Path(os.environ.get("VB_BUILD", source_folder() / "build"))


def _sanitizer_environment():
    """What the address sanitizer needs: it takes over libtirpc's functions, which libvirt calls, but looks for them when the program
    starts, and the program loads libvirt only later."""
    if "libasan" not in isolated.run("ldd", build_folder() / "plugin/vps-backupd"):
        return {}
    return {"LD_PRELOAD": "libtirpc.so.3", "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"}


class Refused(Exception):
    """vps-backupctl ended with another status than 0."""

    def __init__(self, done):
        super().__init__(f"status {done.returncode}: {done.stderr.strip()}")
        self.status = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr


class Service:
    """vps-backupd in a folder of its own. Keyword arguments replace keys of the config file: pool={"reserve": "0"}."""

    def __init__(self, pool_path=None, folder=None, **config):
        self.folder = pathlib.Path(folder or isolated.new_folder("service"))
        self.state = self.folder / "state"
        self.pool = pathlib.Path(pool_path or self.folder / "pool")
        self.socket = self.folder / "vps-backup.sock"
        self.keys = self.folder / "keys"
        self.config_path = self.folder / "vps-backup.conf"
        self.log_path = self.folder / "vps-backupd.log"
        self.module = build_folder() / "plugin/vps-backup.so"
        self.process = None
        self.told = []           # what the daemon told the service manager since its start
        self.schema = clients.source_schema() if self._schema_exists() else None
        self._clients = []
        self.keys.mkdir(mode=0o700, exist_ok=True)
        self.key = os.urandom(48)
        self._write_key()
        self.config = {
            "host": {"state-dir": self.state},
            "libvirt": {"uri": isolated.URI},
            "pool": {"path": self.pool, "reserve": "1M"},
            "slots": {},
            "operations": {"undo-window": "0"},  # what a restore has replaced goes, but in the tests of the undo
            "bridge": {"socket": self.socket, "listen": f"127.0.0.1:{PORT}", "token-keys": self.keys},
        }
        for group, values in config.items():
            self.config.setdefault(group, {}).update(values)
        self.write_config()

    @staticmethod
    def _schema_exists():
        return (source_folder() / clients.SCHEMA).exists()

    def _write_key(self):
        path = self.keys / KEY_ID
        path.write_bytes(self.key)
        path.chmod(0o600)

    def write_config(self):
        lines = []
        for group, values in self.config.items():
            lines += [f"[{group}]", *(f"{name}={value}" for name, value in values.items()), ""]
        self.config_path.write_text("\n".join(lines))

    def init_pool(self):
        self.pool.mkdir(parents=True, exist_ok=True)
        self.ctl("pool", "init", self.pool)
        return self

    def start(self, deadline_s=120):
        """Starts the daemon and waits for READY=1."""
        path = self.folder / "notify.sock"
        path.unlink(missing_ok=True)
        ready, self.told = threading.Event(), []
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(path))
        with open(self.log_path, "ab") as log:
            command = [*os.environ.get("VB_WRAPPER", "").split(), build_folder() / "plugin/vps-backupd",
                       "--config", self.config_path, "--module", self.module]
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **_sanitizer_environment(), "NOTIFY_SOCKET": str(path)})
        threading.Thread(target=self._listen, args=(notify, ready), daemon=True).start()
        end = time.monotonic() + deadline_s
        while not ready.wait(0.05):
            if self.process.poll() is not None:
                raise AssertionError(f"vps-backupd ended with {self.process.returncode} before it was ready:\n{self.log_tail()}")
            if time.monotonic() > end:
                raise AssertionError(f"vps-backupd is not ready in time:\n{self.log_tail()}")
        return self

    def _listen(self, notify, ready):
        """The service manager's part: takes what the daemon tells as long as it lives."""
        told, process = self.told, self.process
        notify.settimeout(1)
        with notify:
            while process.poll() is None:
                with contextlib.suppress(TimeoutError):
                    told += notify.recv(4096).decode().splitlines()
                    if "READY=1" in told:
                        ready.set()

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, deadline_s=60):
        """SIGTERM; the daemon must end in time with exit status 0."""
        self.close_clients()
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"vps-backupd did not stop in {deadline_s} s:\n{self.log_tail()}") from None
        self.process = None
        assert status == 0, f"vps-backupd ended with {status}:\n{self.log_tail()}"

    def worker_pid(self):
        """The process that does the work: the child of the one that was started, or that one itself."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else self.process.pid

    def kill(self, deadline_s=30):
        """SIGKILL, as a crash would. One of whose threads hangs in the kernel is left behind after a while."""
        if self.process is not None:
            with contextlib.suppress(OSError):
                os.kill(self.worker_pid(), signal.SIGKILL)  # the one in front of it ends as this one does
            try:
                self.process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=60):
        return "\n".join(self.log().splitlines()[-lines:])

    # ---- clients

    def token(self, **claims):
        return clients.mint(self.key, KEY_ID, **claims)

    def client(self, token=None, **options):
        """A client: administrator on the unix socket, or with a token on TCP. Closed, and its traffic judged, in the end."""
        options.setdefault("schema", self.schema)
        if token is None:
            made = clients.Client(socket=self.socket, **options)
        else:
            made = clients.Client(port=PORT, token=token, **options)
        self._clients.append(made)
        return made

    def customer(self, vps, *perms, **claims):
        """A client with a customer's token for one VPS."""
        perms = perms or ("backup.read", "backup.create", "backup.restore", "backup.delete", "power")
        return self.client(token=self.token(vps=[vps], perms=list(perms), **claims))

    def close_clients(self):
        for one in self._clients:
            one.close()

    def problems(self):
        """What any client has seen that the protocol does not allow."""
        return [problem for one in self._clients for problem in one.problems]

    # ---- command line

    def run_ctl(self, *words, deadline_s=300, stdin=subprocess.DEVNULL):
        command = [build_folder() / "ui-bridge/vps-backupctl", "--socket", self.socket, *words]
        return subprocess.run([str(word) for word in command], stdin=stdin, capture_output=True, text=True, timeout=deadline_s,
                              check=False)

    def ctl(self, *words, **options):
        """Output of vps-backupctl, which must succeed."""
        done = self.run_ctl(*words, **options)
        if done.returncode != 0:
            raise Refused(done)
        return done.stdout

    def ctl_json(self, *words, **options):
        return json.loads(self.ctl("--json", *words, **options))

    # ---- what is on the disks

    def backup_folders(self, vps):
        folder = self.pool / vps
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def backup_path(self, vps, backup):
        return self.pool / vps / backup

    def manifest(self, vps, backup):
        return json.loads((self.backup_path(vps, backup) / "manifest.json").read_text())

    def lock_path(self, vps):
        return self.state / "locks" / vps

    def lock_held(self, vps):
        """The first line of a VPS's power lock; None when nobody holds it."""
        try:
            with open(self.lock_path(vps), encoding="utf-8") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return lock.readline().strip()
        except FileNotFoundError:
            pass
        return None
