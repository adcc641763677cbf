# SPDX-License-Identifier: LGPL-2.1-or-later
"""vps-backupctl doctor: finds what is wrong with a host, and what it says mends it, does."""

import json
import pathlib
import shutil
import subprocess

import guest as guests
import isolated
import libvirt
import pytest
import service as services

HOOK = pathlib.Path("/etc/libvirt/hooks/qemu.d/vps-backup")


def examine(service, expect_problems):
    done = service.run_ctl("--json", "doctor", "--config", service.config_path)
    assert done.returncode == (1 if expect_problems else 0), done
    return json.loads(done.stdout.splitlines()[0])["findings"]


def about(findings, check, vps=None):
    """Verdicts and texts of one check."""
    return [(one["verdict"], one["text"]) for one in findings if one["check"] == check and one.get("vps") == vps]


def remedy(findings, check, verdict, vps=None):
    return next(one["remedy"] for one in findings if (one["check"], one["verdict"], one.get("vps")) == (check, verdict, vps))


def mend(command):
    subprocess.run(["sh", "-c", command], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def hook():
    shutil.copy2(services.source_folder() / "hooks/vps-backup", HOOK)
    yield HOOK
    HOOK.unlink()
    pathlib.Path("/etc/vps-backup/locks-dir").unlink(missing_ok=True)


def test_good_host(service, new_blank):
    new_blank("web1", start=False)
    findings = examine(service, False)
    for check in ("service", "libvirt", "qemu", "pool", "state"):
        assert [verdict for verdict, _ in about(findings, check)] == ["ok"], check
    assert about(findings, "vps", "web1") == [("ok", "It can be backed up.")]
    assert about(findings, "hook")[0][0] == "hint"
    assert about(findings, "push")[0][0] == "hint", "it has no subject"
    assert "web1: It can be backed up." in service.run_ctl("doctor", "--config", service.config_path).stdout


def test_hook(service, hook):
    findings = examine(service, True)
    assert "locks" in about(findings, "hook")[-1][1]
    mend(remedy(findings, "hook", "problem"))
    findings = examine(service, False)
    assert [verdict for verdict, _ in about(findings, "hook")] == ["hint"], "it is newer than the daemon"
    mend(remedy(findings, "hook", "hint"))
    isolated.stop_libvirtd()
    isolated.start_libvirtd()
    isolated.wait_until(lambda: service.log().count("Connected to the hypervisor") == 2, "the service has it again")
    assert [verdict for verdict, _ in about(examine(service, False), "hook")] == ["ok"]
    hook.chmod(0o644)
    findings = examine(service, True)
    mend(remedy(findings, "hook", "problem"))
    assert [verdict for verdict, _ in about(examine(service, False), "hook")] == ["hint"], "changed after the daemon's start"


def test_vps_that_cannot_be_backed_up_or_only_dearly(service, new_guest):
    old = isolated.new_folder("old") / "old.qcow2"
    guests.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", old, "8M")
    new_guest("old", [guests.Disk("vda", path=old)], kind=guests.Blank)
    new_guest("raw", [guests.Disk("vda", format="raw")], kind=guests.Blank).start()
    gone = new_guest("gone", kind=guests.Blank)
    gone.disks[0].path.unlink()
    new_guest("tpm", kind=guests.Blank, devices="<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>")
    findings = examine(service, True)
    assert ("problem", "The VPS has a TPM, whose memory cannot be backed up.") in about(findings, "vps", "tpm")
    assert about(findings, "vps", "gone")[0][0] == "problem"
    assert [verdict for verdict, _ in about(findings, "vps", "raw")] == ["hint", "ok", "hint"], "raw; no agent"
    assert [verdict for verdict, _ in about(findings, "vps", "old")] == ["hint", "ok"]
    mend(remedy(findings, "vps", "hint", "old"))
    assert [verdict for verdict, _ in about(examine(service, True), "vps", "old")] == ["ok"]


def test_disks_that_a_restore_would_miss_and_snapshots(service, new_guest):
    """A data file, a disk that is only there until the next start, another disk after it, internal and external snapshots."""
    folder = isolated.new_folder("disks")
    data = folder / "data.qcow2"
    guests.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={folder}/data.raw,data_file_raw=on", data, "8M")
    new_guest("data", [guests.Disk("vda", path=data)], kind=guests.Blank)
    live = new_guest("live", kind=guests.Blank).start()
    extra = guests.Disk("vdb", path=folder / "extra.qcow2")
    guests.run("qemu-img", "create", "-q", "-f", "qcow2", extra.path, "8M")
    live.domain.attachDeviceFlags(extra.xml(), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    edited = new_guest("edited", kind=guests.Blank).start()
    edited.disk("vda").path = extra.path
    edited.domain = edited.connection.defineXML(edited.xml())
    inside, outside = (new_guest(name, kind=guests.Blank).start() for name in ("inside", "outside"))
    inside.domain.snapshotCreateXML("<domainsnapshot><name>s1</name></domainsnapshot>")
    outside.domain.snapshotCreateXML("<domainsnapshot><name>s1</name></domainsnapshot>", libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY)
    findings = examine(service, True)
    first = {vps: about(findings, "vps", vps)[0] for vps in ("data", "live", "edited", "inside", "outside")}
    assert first["data"] == ("problem", "vda: A disk image keeps its data in another file, which cannot be backed up.")
    for vps, target in (("live", "vdb"), ("edited", "vda")):
        assert first[vps][0] == "problem" and first[vps][1].startswith("No backup of it can be restored now: ") and target in first[vps][1]
    assert first["inside"][0] == "hint" and "internal snapshots" in first["inside"][1]
    assert first["outside"] == ("hint", "It has snapshots, which a restore drops: afterwards nothing rests on them.")
    mend(remedy(findings, "vps", "problem", "live").split("#")[0])
    live.domain.attachDeviceFlags(extra.xml(), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    assert "problem" not in [verdict for verdict, _ in about(examine(service, True), "vps", "live")]


def test_nothing_is_there(service):
    service.stop()
    shutil.rmtree(service.pool)
    findings = examine(service, True)
    assert [about(findings, check)[0][0] for check in ("service", "pool")] == ["problem", "problem"]
    service.config["libvirt"]["uri"] = "qemu+unix:///system?socket=/nowhere"
    service.config["host"]["state-dir"] = "/dev/shm"
    service.config["pool"]["path"] = str(isolated.new_folder("pool"))
    service.write_config()
    findings = examine(service, True)
    assert [about(findings, check)[0][0] for check in ("libvirt", "state", "pool")] == ["problem"] * 3
    ctl = services.build_folder() / "ui-bridge/vps-backupctl"
    mend(remedy(findings, "pool", "problem").split(": ")[-1].replace("vps-backupctl", str(ctl)))
    assert about(examine(service, True), "pool")[0][0] == "ok"
