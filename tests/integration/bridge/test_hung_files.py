# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files of the operator's that cannot be read: on a disk that hangs, or no files at all. Everybody is served all the same."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request

import pytest

import client as clients
from test_limits import der, make_certificate, shown_certificate, wait_until_shown

KEY = os.urandom(64)


@pytest.fixture
def disk(tmp_path):
    """A file that hangs, for whoever opens it, while its process is stopped. Yields its path and the process."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    mount = tmp_path / "mount"
    mount.mkdir()
    process = subprocess.Popen(["nbdfuse", mount / "key", "--command", "nbdkit", "-s", "memory", str(len(KEY))])
    try:
        end = time.monotonic() + 30
        while not (mount / "key").is_file():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        (mount / "key").write_bytes(KEY)
        yield mount / "key", process
    finally:
        process.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "--lazy", mount], check=False)
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def hanging(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def check_health(host):
    with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{host.port}/healthz", timeout=30)) as answer:
        assert answer.status in (200, 503)


def test_the_disk_of_the_keys_hangs(host, disk):
    path, process = disk
    (host.keys / "hung").symlink_to(path)
    vps = host.add()
    mine = clients.mint(KEY, "hung", perms=["backup.read"], vps=[vps])
    first = host.user(mine)
    first.subscribe(vps)
    with hanging(process):
        # What was read before stands, for new connections and for renewals; nobody waits.
        for _ in range(5):
            second = host.user(mine)
            assert [one["vps"] for one in second.request("vps.list")["vps"]] == [vps]
            check_health(host)
        host.tell("power", vps, "alpha", "stopped")
        first.wait_vps(vps, lambda now: now["power"] == "stopped", "an event")
        assert first.request("session.renew", token=mine)
        # What was never read is no key.
        other = clients.mint(KEY, "never", perms=["backup.read"], vps=[vps])
        with pytest.raises(clients.ConnectRefused):
            host.user(other)
        assert "cannot be read now" in host.read_log()
    # And when it is back, changes count again.
    (host.keys / "hung").unlink()
    end = time.monotonic() + 30
    with pytest.raises(clients.ConnectRefused):
        while time.monotonic() < end:
            host.user(mine)
            time.sleep(0.1)


def test_certificate_becomes_a_fifo(new_host, tmp_path):
    certificate = make_certificate(tmp_path)
    host = new_host(tls_certificate=certificate[0], tls_key=certificate[1])
    first = der(certificate[0])
    certificate[0].unlink()
    os.mkfifo(certificate[0])
    end = time.monotonic() + 30
    while "is not a file" not in host.read_log():
        assert shown_certificate(host.port) == first
        assert time.monotonic() < end
        time.sleep(0.1)
    (tmp_path / "new").mkdir()
    renewed = make_certificate(tmp_path / "new", "renewed")
    os.replace(renewed[1], certificate[1])
    os.replace(renewed[0], certificate[0])
    wait_until_shown(host, der(certificate[0]))


def test_certificate_is_a_fifo_from_the_start(new_host, tmp_path):
    certificate = make_certificate(tmp_path)
    certificate[0].unlink()
    os.mkfifo(certificate[0])
    host = new_host(tls_certificate=certificate[0], tls_key=certificate[1])
    assert not host.is_ready and "is not a file" in host.said
