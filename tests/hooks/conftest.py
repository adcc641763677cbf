# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook as libvirt runs it, under every shell that may be /bin/sh, in a private /etc and /var/lib (tests/lib/run-isolated)."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["VB_SOURCE"])
BUILD = pathlib.Path(os.environ["VB_BUILD"])
HOOK = SOURCE / "hooks/vps-backup"
VPS = "6f1c2a0e-94b7-4d5c-8a39-0d7e52b1c4f8"
OTHER = "0a4bd3c7-1122-4333-9444-a5b6c7d8e9f0"
STATE = pathlib.Path("/var/lib/vps-backup")
LOCKS = STATE / "locks"
LOCK = LOCKS / VPS
SETTINGS = pathlib.Path("/etc/vps-backup/locks-dir")
SHELLS = [], ["busybox", "sh"], ["bash", "--posix"]
BEGIN = "web1", "prepare", "begin", "-"


class Owner:
    """A live process that holds the lock: it says each word when it has written it."""

    def __init__(self, word, state=STATE):
        self.process = subprocess.Popen([BUILD / "tests/hooks/lock-owner", state, VPS, word], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.hear(word)

    def hear(self, word):
        assert self.process.stdout.readline() == word.encode() + b"\n"

    def tell(self, word):
        """Changes the lock to another word, or releases it."""
        self.process.stdin.write(word.encode() + b"\n")
        self.hear(word)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(autouse=True)
def clean():
    assert os.environ.get("VB_LAB"), "these tests write to /etc and /var/lib: run them through tests/lib/run-isolated"
    remove(LOCKS)
    remove(SETTINGS)
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    STATE.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def own():
    owners = []

    def start(*arguments):
        owners.append(Owner(*arguments))
        return owners[-1]

    yield start
    for owner in owners:
        owner.kill()


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def leave(content):
    """A lock file that nobody holds."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    LOCK.write_bytes(content)


def xml(name="web1", uuid=VPS):
    """What libvirt 9 hands over, shortened."""
    name = os.fsencode(name)
    return b"""<domain type='kvm'>
  <name>%s</name>
  <uuid>%s</uuid>
  <metadata>
    <x:uuid xmlns:x="urn:example">%s</x:uuid>
    <uuid>%s</uuid>
  </metadata>
  <sysinfo type='smbios'><system><entry name='uuid'>%s</entry></system></sysinfo>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
""" % (name, uuid.encode(), *[OTHER.encode()] * 3)


def ended(wanted, words, done):
    words = os.fsencode(words)
    assert (done.returncode, done.stderr.rstrip(b"\n"), done.stdout) == (wanted, words, b""), done.args


def expect(wanted, words, stdin, arguments=BEGIN):
    """Status, stderr, and an empty stdout, whatever the shell."""
    for shell in SHELLS:
        ended(wanted, words, subprocess.run([*shell, HOOK, *arguments], input=stdin, capture_output=True, check=False))


def expect_allowed():
    expect(0, "", xml())


def expect_refused(words):
    expect(1, words, xml())
