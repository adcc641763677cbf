# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt backend under test, as an object: see libvirt-driver.c."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import uuid

import isolated
from guest import image_bytes
from isolated import URI, run, wait_until

PROGRAM = pathlib.Path(os.environ["VB_BUILD"]) / "tests/integration/libvirt-driver"
ANSWER_S = 180  # a machine may be busy with other things


class Refused(Exception):
    """The backend answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error['reason']}: {error['message']}")
        self.reason = error["reason"]
        self.message = error["message"]


class Pending:
    """A call that has been sent."""

    def __init__(self, driver, number):
        self._driver, self._number = driver, number

    def wait(self):
        answer = self._driver.answer(self._number)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


class Driver:
    def __init__(self, runtime_folder=None, uri=URI):
        self.runtime_folder = pathlib.Path(runtime_folder or isolated.new_folder("runtime"))
        self.signals = []
        self._answers = {}
        self._next_id = 0
        self._changed = threading.Condition()
        self._process = subprocess.Popen([PROGRAM, uri, self.runtime_folder], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                if "signal" in message:
                    self.signals.append(message)
                else:
                    self._answers[message["id"]] = message
                self._changed.notify_all()
        with self._changed:
            self._process.wait()
            self._changed.notify_all()

    def _wait(self, condition, what):
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._process.returncode is not None, ANSWER_S)
            value = condition()
        assert value, f"{what} in vain; status {self._process.returncode}; last signals: {self.signals[-5:]}"
        return value

    def answer(self, number):
        return self._wait(lambda: self._answers.get(number), f"waited for the answer {number}")

    def send(self, name, **parameters):
        self._next_id += 1
        self._process.stdin.write(json.dumps({"id": self._next_id, "call": name, **parameters}) + "\n")
        self._process.stdin.flush()
        return Pending(self, self._next_id)

    def call(self, name, **parameters):
        return self.send(name, **parameters).wait()

    def reason(self, name, **parameters):
        """Reason with which a call is refused; None when it succeeds."""
        try:
            self.call(name, **parameters)
        except Refused as error:
            return error.reason
        return None

    def last(self, vps):
        """What the signals say of a VPS now: its info, or None."""
        for message in reversed(self.signals):
            if message.get("vps") == vps:
                return message if message["signal"] == "vps-changed" else None
        return None

    def wait_info(self, vps, **wanted):
        def there():
            info = self.last(vps)
            return info is not None and all(info[name] == value for name, value in wanted.items())
        self._wait(there, f"waited for {wanted}")
        return self.last(vps)

    def wait_removed(self, vps):
        self._wait(lambda: {"signal": "vps-removed", "vps": vps} in self.signals, "waited for the end of the VPS")

    def wait_available(self, available=True):
        def there():
            states = [message["available"] for message in self.signals if message["signal"] == "available-changed"]
            return bool(states) and states[-1] == available
        self._wait(there, f"waited for available={available}")
        return self

    def begin(self, vps, *, bases=(), backup=None, operation=None, **options):
        return Capture(self, vps, backup or str(uuid.uuid4()), operation or str(uuid.uuid4()), list(bases), options)

    def kill(self):
        self._process.kill()
        self._reader.join()

    def close(self):
        """Ends the driver as a host manager ends: it must come to its end by itself, in order."""
        if self._process.returncode is None:
            self._process.stdin.close()
            self._reader.join(ANSWER_S)
        self._process.stdout.close()
        assert self._process.returncode in (0, -9), f"the driver ended with {self._process.returncode}"


class Capture:
    """A capture that has begun."""

    def __init__(self, driver, vps, backup, operation, bases, options):
        self.driver, self.vps, self.backup, self.operation = driver, vps, backup, operation
        self.info = driver.call("begin", vps=vps.vps, backup=backup, operation=operation, bases=bases, **options)
        self.name = f"vps-backup.{backup}"
        self.base = self.info["base_backup"]

    def disk(self, target="vda"):
        return next(disk for disk in self.info["disks"] if disk["target"] == target)

    def _uri(self, disk):
        return f"nbd+unix:///{disk['nbd_export']}?socket={disk['nbd_socket']}"

    def _served(self, disk, *command):
        """Runs a client of the disk's point in time; the last word of the command is to be the URI."""
        if disk["nbd_socket"]:
            return run(*command, self._uri(disk))
        bitmap = ["-B", disk["changed_context"]] if disk["changed_context"] else []
        with tempfile.TemporaryDirectory() as folder:
            socket = pathlib.Path(folder) / "socket"
            server = subprocess.Popen(["qemu-nbd", "-r", "-t", "-k", socket, "-f", disk["format"], *bitmap, disk["path"]])
            try:
                wait_until(socket.exists, "qemu-nbd listens")
                return run(*command, f"nbd+unix:///?socket={socket}")
            finally:
                server.terminate()
                server.wait()

    def data(self, target="vda"):
        """All bytes of the point in time."""
        disk = self.disk(target)
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "copy"
            script.write_text(f'#!/bin/sh\nexec nbdcopy "$1" {folder}/data\n')
            script.chmod(0o755)
            self._served(disk, script)
            data = image_bytes(f"{folder}/data", "raw")
        assert len(data) == disk["virtual_size_bytes"]
        return data

    def changed(self, target="vda"):
        """Extents (start, end) that have changed since the base; None if everything has to be read."""
        disk = self.disk(target)
        if disk["changed_context"] is None:
            return None
        context = disk["changed_context"] if disk["nbd_socket"] else f"qemu:dirty-bitmap:{disk['changed_context']}"
        extents = json.loads(self._served(disk, "nbdinfo", "--json", f"--map={context}"))
        return [(extent["offset"], extent["offset"] + extent["length"]) for extent in extents if extent["type"] & 1]

    def check(self):
        return self.driver.reason("check", operation=self.operation)

    def end(self, keep):
        self.driver.call("end", operation=self.operation, keep=keep)

    def finish(self, keep=True):
        """Reads every disk to the end and ends the capture: (backup, {target: data})."""
        data = {disk["target"]: self.data(disk["target"]) for disk in self.info["disks"]}
        self.end(keep)
        return self.backup, data
