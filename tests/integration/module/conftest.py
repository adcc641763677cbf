# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))

DEADLINE_S = 60
BUILD = pathlib.Path(os.environ["VB_BUILD"])
MODULE = BUILD / "plugin/vps-backup.so"
HELPERS = BUILD / "tests/integration/module"

# For builds with sanitizers: what leaks is told by its caller, and a preloaded library may come before the sanitizer's.
ENVIRONMENT = {**os.environ,
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":fast_unwind_on_malloc=0:verify_asan_link_order=0",
               "LSAN_OPTIONS": f"suppressions={pathlib.Path(__file__).parent / 'lsan.supp'}:print_suppressions=0"}


# What test:///default has, but with an image that is there: a backup of it is admitted, and then fails, since the driver has no jobs.
NODE = """<node><domain type='test'>
  <name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory>8388608</memory><vcpu>2</vcpu><os><type>hvm</type></os>
  <devices><disk type='file' device='disk'>
    <driver name='qemu' type='raw'/><source file='{image}'/><target dev='vda' bus='virtio'/>
  </disk></devices>
</domain></node>
"""


class Daemon:
    """vps-backupd on libvirt's test driver, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "s.sock"
        self.state = folder / "state"
        image, node = folder / "disk.img", folder / "node.xml"
        image.write_bytes(bytes(1 << 20))
        node.write_text(NODE.format(image=image))
        self.config = {"host": {"state-dir": self.state}, "libvirt": {"uri": f"test://{node}"},
                       "pool": {"path": folder / "pool"},
                       "bridge": {"socket": self.socket, "listen": "", "token-keys": folder / "keys"}}
        self.config_path = folder / "test.conf"
        self.process = None
        self.notify = None
        self.states = []

    def write_config(self):
        text = "".join(f"[{group}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())
                       for group, keys in self.config.items())
        self.config_path.write_text(text)
        return self.config_path

    @staticmethod
    def run(*words, status=0, **options):
        """Runs vps-backupd to its end."""
        done = subprocess.run([BUILD / "plugin/vps-backupd", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False, env=ENVIRONMENT, **options)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, abstract=False, preexec=None, **environment):
        """Starts it and returns at once; what it tells the service manager comes from wait_state()."""
        address = f"\0vps-backup-test-{os.getpid()}-{id(self)}" if abstract else str(self.folder / "notify.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder / "notify.sock")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(address)
        self.states = []
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [BUILD / "plugin/vps-backupd", "--config", self.write_config()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=preexec,
                env={**ENVIRONMENT, "NOTIFY_SOCKET": address.replace("\0", "@"), **environment})
        return self

    def wait_state(self, wanted, count=1):
        """Waits until the daemon has said, since its start, count times what begins with the wanted words."""
        end = time.monotonic() + DEADLINE_S
        while sum(state.startswith(wanted) for state in self.states) < count:
            try:
                self.notify.settimeout(max(0.001, end - time.monotonic()))
                self.states.append(self.notify.recv(4096).decode())
            except TimeoutError:
                raise AssertionError(f"{wanted} never came: {self.states}\n{self.log()}") from None

    def wait_ready(self):
        self.wait_state("READY=1")
        return self

    def stop(self):
        """Exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_for_log(self, text):
        end = time.monotonic() + DEADLINE_S
        while text not in self.log():
            assert time.monotonic() < end, f"“{text}” was never logged:\n{self.log()}"
            time.sleep(0.02)

    def ctl(self, *words, status=0):
        done = subprocess.run([BUILD / "ui-bridge/vps-backupctl", "--socket", self.socket, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.notify is not None:
            self.notify.close()


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="vb-module-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def daemon(folder):
    made = Daemon(folder)
    yield made
    made.end()


@pytest.fixture
def copied_module(folder):
    """A copy of the module that a test may spoil."""
    (folder / "lib").mkdir(mode=0o755)
    path = folder / "lib" / "vps-backup.so"
    shutil.copyfile(MODULE, path)
    path.chmod(0o644)
    return path
