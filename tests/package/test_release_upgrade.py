# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host with the package is upgraded to the next release of Debian (VB_NEXT_RELEASE) while its VPS runs, and restarted: the package is
still the one that was built on the old release. The tests are a story: each goes on where the one before has ended."""

import os

import bare as bares
import pytest
from web1 import DOMAIN, IMAGE, backups, holds, vps, wait_end, write, write_offline

NEXT = os.environ.get("VB_NEXT_RELEASE")

pytestmark = pytest.mark.skipif(not NEXT, reason="VB_NEXT_RELEASE names the release to upgrade to: see tests/hosts/distribution")


def create(bare, name):
    bare.run("vps-backupctl", "create", "web1", "--name", name, "--wait")
    assert vps(bare)["backups"][0]["name"] == name
    return wait_end(bare, bare.ctl("log", "web1")["operations"][0]["id"])


def installed(bare, package):
    return bare.run("dpkg-query", "-W", "-f", "${Version}", package)


def test_backed_up_before(bare):
    bare.run("qemu-img", "create", "-q", "-f", "qcow2", IMAGE, "64M")
    write_offline(bare, 0xa1)
    (bare.root / "root/web1.xml").write_text(DOMAIN)
    bare.run("virsh", "define", "/root/web1.xml")
    bare.run("virsh", "start", "web1")
    bare.run("vps-backupctl", "pool", "init", "/srv/backups")
    bare.run("systemctl", "enable", "--now", bares.UNIT)
    assert create(bare, "old release")["state"] == "completed"


def test_upgraded_while_it_serves(bare):
    """With what the new release's packages do to services that run; apt's downloads come first, as the system has no network."""
    before = installed(bare, "vps-backup"), installed(bare, "libvirt-daemon"), installed(bare, "qemu-system-x86")
    bare.fetch_release(NEXT)
    bare.run("apt-get", "full-upgrade", "-y", "-qq", "--no-download", "-o", "Dpkg::Options::=--force-confold")
    after = installed(bare, "vps-backup"), installed(bare, "libvirt-daemon"), installed(bare, "qemu-system-x86")
    assert after[0] == before[0] and after[1] != before[1] and after[2] != before[2], (before, after)
    bares.wait_until(lambda: bare.call("virsh", "domstate", "web1").stdout.strip() == "running", "its VPS has run through")
    bares.wait_until(lambda: bare.show("ActiveState") == "active" and vps(bare)["can_create"], "the service is back")


def test_vps_of_the_old_qemu_is_backed_up(bare):
    """The VPS still runs on the old QEMU, below the new libvirt."""
    write(bare, 0xb2)
    ended = create(bare, "between")
    assert ended["state"] == "completed", ended
    bare.run("vps-backupctl", "verify", "web1", "latest")


def test_backed_up_and_restored_after_the_restart(bare):
    bare.end()
    bare.boot()
    bares.wait_until(lambda: bare.show("ActiveState") == "active", "the service has started with the host")
    assert [one["name"] for one in vps(bare)["backups"]] == ["between", "old release"]
    oldest = backups(bare)[-1]
    bare.run("virsh", "start", "web1")
    bare.run("vps-backupctl", "restore", "web1", oldest, "--yes", "--wait")
    assert vps(bare)["power"] == "running"
    bare.run("virsh", "destroy", "web1")
    assert holds(bare, 0xa1) and not holds(bare, 0xb2)
    bare.run("virsh", "start", "web1")
    bare.run("vps-backupctl", "restore", "web1", "latest", "--yes", "--wait")
    write(bare, 0xc3)
    bare.run("vps-backupctl", "delete", "web1", oldest)
    assert create(bare, "new release")["state"] == "completed"
    bare.run("vps-backupctl", "verify", "web1", "latest")
    image = bare.root / "srv/backups" / vps(bare)["vps"] / backups(bare)[0] / "vda.raw"
    assert image.read_bytes()[1 << 20:41 << 20] == bytes([0xc3]) * (40 << 20)
    assert "problem" not in bare.call("vps-backupctl", "doctor").stdout
