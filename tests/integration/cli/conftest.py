# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import fake_service  # noqa: E402

DEADLINE_S = 60


def end_in_time(process):
    """Whoever reads its output is not left hanging."""
    timer = threading.Timer(DEADLINE_S, process.kill)
    timer.daemon = True
    timer.start()


class Ctl:
    """vps-backupctl against one socket."""

    def __init__(self, socket):
        self.program = pathlib.Path(os.environ["VB_BUILD"]) / "ui-bridge/vps-backupctl"
        self.socket = socket
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "TZ": "UTC"}

    def command(self, *words):
        return [str(word) for word in (self.program, "--socket", self.socket, *words)]

    def run(self, *words, status=0, stdin=subprocess.DEVNULL, **options):
        done = subprocess.run(self.command(*words), stdin=stdin, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
                              env=self.environment, **options)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words):
        process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=self.environment)
        end_in_time(process)
        return process

    def start_on_terminal(self, *words):
        return Terminal(self.command(*words), self.environment)


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command, environment):
        self.output = ""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True)
        os.close(slave)
        end_in_time(self.process)

    def type(self, text):
        os.write(self._master, text.encode())

    def read_until(self, text):
        while text not in self.output:
            self._read()

    def read_screen(self, *texts):
        """What stands on the screen once all of that does; it comes in pieces."""
        while not all(text in self.output.split("\033[2J")[-1] for text in texts):
            self._read()
        return self.output.split("\033[2J")[-1]

    def _read(self):
        piece = os.read(self._master, 4096)
        if not piece:
            raise EOFError(self.output)
        self.output += piece.decode()

    def finish(self):
        """Exit status."""
        try:
            while True:
                self._read()
        except (OSError, EOFError):
            pass
        os.close(self._master)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="vb-cli-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def service(folder):
    made = fake_service.FakeService(folder / "service.sock").start()
    yield made
    made.end()


@pytest.fixture
def ctl(folder):
    return Ctl(folder / "service.sock")
