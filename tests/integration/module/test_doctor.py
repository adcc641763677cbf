# SPDX-License-Identifier: LGPL-2.1-or-later
"""vps-backupctl doctor where nothing is as it should be; hosts with QEMU and guests are in tests/vm/test_doctor.py."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from conftest import BUILD


@pytest.fixture
def in_memory():
    """A folder on a file system that certainly has no reflinks."""
    with tempfile.TemporaryDirectory(prefix="vb-doctor-", dir="/dev/shm") as folder:
        yield pathlib.Path(folder)


def examine(daemon, **environment):
    """{check: (verdict, text, remedy)}"""
    done = subprocess.run([BUILD / "ui-bridge/vps-backupctl", "--socket", daemon.socket, "--json", "doctor", "--config", daemon.write_config()],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **environment})
    assert done.returncode == 1, done
    findings = json.loads(done.stdout.splitlines()[0])["findings"]
    assert all(one.get("remedy") for one in findings if one["verdict"] != "ok"), "each comes with what mends it"
    return {one["check"]: (one["verdict"], one["text"], one.get("remedy")) for one in findings}


def test_pool_without_reflinks(daemon, in_memory):
    daemon.config["pool"]["path"] = in_memory
    daemon.ctl("pool", "init", in_memory)
    verdict, text, remedy = examine(daemon)["reflinks"]
    assert verdict == "hint" and "copies, and takes up, the whole disk" in text and "reflink=1" in remedy


@pytest.mark.parametrize("kept, verdict", [(0, "ok"), (95, "hint"), (101, "problem")])
def test_space(daemon, in_memory, kept, verdict):
    """What is left when the reserve is taken off."""
    file_system = os.statvfs(in_memory)
    daemon.config["pool"].update(path=in_memory, reserve=file_system.f_blocks * file_system.f_frsize * kept // 100)
    daemon.ctl("pool", "init", in_memory)
    assert examine(daemon)["space"][0] == verdict


def test_programs_and_versions(daemon):
    """libvirt's test driver says that it is a QEMU of long ago."""
    found = examine(daemon, PATH="/nowhere")
    assert found["programs"][0] == "problem" and found["programs"][2] == "apt install qemu-utils"
    assert found["qemu"][0] == "problem" and "too old" in found["qemu"][1] and "qemu-system-x86" in found["qemu"][2]
    assert found["libvirt"][0] == "ok"
    assert "programs" not in examine(daemon)


def test_state_and_service(daemon):
    found = examine(daemon)
    assert found["service"][0] == "problem" and "systemctl" in found["service"][2]
    assert found["state"][0] == "hint" and "is not there yet" in found["state"][1]
    daemon.start().wait_ready()
    found = examine(daemon)
    assert found["service"][0] == "ok" and found["state"][0] in ("ok", "problem"), "tests may run in memory"
    assert daemon.stop() == 0
