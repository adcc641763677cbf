# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nobody hears of a success before all that it depends on is on stable storage."""

import os

import guest as guests
import isolated
import pytest
import trace

MIB = 1 << 20


@pytest.fixture
def traced(new_service, monkeypatch):
    """A service under strace, and what it did, to be read once it has ended."""
    path = isolated.new_folder("trace") / "trace"
    monkeypatch.setenv("VB_WRAPPER", trace.wrapper(path))
    service = new_service()

    def calls():
        service.stop()
        isolated.wait_until(lambda: not tracers(path), "strace has written all")
        return trace.read(path)
    return service, calls


def tracers(path):
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and str(path) in command_line(pid)]


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as words:
            return words.read()
    except OSError:
        return ""


def expect_journalled(calls, before, operation, word):
    """The outcome was written to the journal and the journal synced."""
    written = [call for call in calls if call.name == "pwrite64" and call.path.endswith("journal.sqlite-wal")
               and word in call.text and operation in call.text and call.ended < before]
    assert written, f"{word} of {operation} was not in the journal"
    synced = [call for call in calls if call.name in ("fsync", "fdatasync") and call.path.endswith("journal.sqlite-wal")
              and written[0].ended < call.began and call.ended < before]
    assert synced, "the journal was not synced"


def test_nothing_is_announced_before_it_is_durable(traced, new_blank):
    service, calls_of = traced
    vps = new_blank(disks=[guests.Disk("vda", size=32 * MIB), guests.Disk("vdb", size=32 * MIB, format="raw")])
    client = service.client()
    client.follow(vps.vps)
    created, backup = client.back_up(vps.vps)
    vps.qemu_io("vda", "write -P 0x22 0 2M")
    repeated, second = client.back_up(vps.vps)
    restored = client.restore(vps.vps, backup)
    assert [one["state"] for one in (created, repeated, restored)] == ["completed"] * 3
    client.request("backup.delete", vps=vps.vps, backup=second)
    calls = calls_of()

    pool, folder = str(service.pool), str(vps.disks[0].path.parent)
    for operation, name in ((created, backup), (repeated, second)):
        sent = min(trace.first_sent(calls, name, "available").began,
                   trace.first_sent(calls, operation["id"], "completed").began)
        partial = f"{pool}/{vps.vps}/.{name}.partial"
        written = trace.changed_paths(calls, sent, lambda path, partial=partial: path.startswith(partial))
        for file in ("vda.raw", "vda.sums", "vdb.raw", "vdb.sums", "manifest.json", "domain.xml"):
            assert any(file in path for path in written), f"strace has missed {file}: {written}"
        assert trace.unsynced(calls, sent, lambda path: path.startswith(pool)) == []
        expect_journalled(calls, sent, operation["id"], "backup_completed")

    sent = trace.first_sent(calls, restored["id"], "completed").began
    assert trace.unsynced(calls, sent, lambda path: path.startswith(folder)) == []
    renamed = [call for call in calls if call.name == "renameat" and call.named()[-1] == (folder, vps.disks[0].path.name)]
    assert renamed and renamed[0].ended < sent
    expect_journalled(calls, sent, restored["id"], "restore_completed")
