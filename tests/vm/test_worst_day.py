# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host is lost with its database and its disks: a VPS comes back from the folder of the pool, with the command line or by hand."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import guest as guests
import isolated
import libvirt
import pytest
import service as services

POOL = pathlib.Path("/srv/backups")
UEFI = ("<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
        "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>")


class UefiBlank(guests.Blank):
    """A machine without a system whose firmware keeps variables."""

    memory_mib = 128

    def boot_xml(self):
        return f"<type arch='x86_64' machine='q35'>hvm</type>{UEFI}"


def run_ctl(*words):
    """vps-backupctl on a host that has no service."""
    command = [services.build_folder() / "ui-bridge/vps-backupctl", "--socket", "/nowhere/socket", *words]
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)


def ctl_json(*words):
    done = run_ctl("--json", *words)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def lose_host(service, *lost):
    """All that the host knew of the VPSs, and the service's state, are gone. Only the pool is left."""
    service.stop()
    shutil.rmtree(service.state)
    for vps in lost:
        vps.remove()


def definition(vps):
    return guests.connect().lookupByUUIDString(vps.vps).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def is_defined(vps):
    return vps.vps in [domain.UUIDString() for domain in guests.connect().listAllDomains()]


@pytest.fixture
def iso():
    path = isolated.new_folder("iso") / "install.iso"
    path.write_bytes(bytes(1 << 20))
    return path


def test_vps_comes_back_from_the_pool_alone(new_service, new_guest, tree, iso):
    service = new_service(slots={"maximum": 4})
    vps = new_guest("web1", [guests.Disk("vda", tree=tree), guests.Disk("vdb", tree=tree, format="raw")], devices=(
        f"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{iso}'/><target dev='sda' bus='sata'/>"
        "<readonly/></disk>"))
    vps.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<backup><slots total='3'/></backup>", "vps-backup",
                           "urn:vps-backup:1", libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    vps.boot()
    client = service.client()
    client.follow(vps.vps)
    before = vps.tree_sums("vda"), vps.tree_sums("vdb")
    _, older = client.back_up(vps.vps)
    vps.sh("echo newer >/mnt/vda/etc/hostname; sync")
    _, newest = client.back_up(vps.vps)
    pool = isolated.new_folder("rescued") / "pool"
    lose_host(service, vps)
    iso.unlink()
    shutil.copytree(service.pool, pool)

    listed = ctl_json("pool", "list", pool)["backups"]
    assert [(one["vps_name"], one["id"]) for one in listed] == [("web1", newest), ("web1", older)]
    into = pool.parent / "disks"
    done = ctl_json("recover", "web1", older[:13], "--into", into, "--pool", pool)
    assert (done["backup"], done["vps"]) == (older, vps.vps)
    assert len(done["notes"]) == 1 and "sda" in done["notes"][0]
    assert sorted(os.listdir(into)) == ["web1-vda.qcow2", "web1-vdb.raw", "web1.xml"]
    xml = definition(vps)
    assert str(guests.IMAGES) not in xml and "install.iso" not in xml and "total='3'" in xml.replace('"', "'")

    pool.parent.joinpath("pool").rename(pool.parent / "gone")  # nothing of it is needed any more
    vps.refresh()
    vps.boot()
    assert (vps.tree_sums("vda"), vps.tree_sums("vdb")) == before
    agents = [one for one in json.loads(run_ctl("--json", "doctor").stdout.splitlines()[0])["findings"] if "agent" in one["text"]]
    assert [(one["vps"], one["verdict"]) for one in agents] == [("web1", "ok")]
    vps.destroy()

    again = run_ctl("recover", vps.vps, "--into", pool.parent / "other", "--pool", pool.parent / "gone")
    assert again.returncode == 3 and "virsh undefine" in again.stderr
    for path in into.iterdir():
        path.unlink()


def test_nothing_is_left_of_a_recovery_that_fails(service, new_blank):
    vps = new_blank("web1", [guests.Disk("vda", size=32 << 20), guests.Disk("vdb", size=8 << 20, format="raw")])
    service.ctl("create", "web1", "--wait")
    backup = service.backup_folders(vps.vps)[0]
    lose_host(service, vps)
    into = isolated.new_folder("into")

    with open(service.backup_path(vps.vps, backup) / "vdb.raw", "r+b") as image:
        image.seek(3 << 20)
        image.write(b"?")
    damaged = run_ctl("recover", "web1", "--into", into, "--pool", service.pool)
    assert damaged.returncode == 3 and "checksum_mismatch" in damaged.stderr, damaged
    assert os.listdir(into) == [] and not is_defined(vps)

    (into / "web1-vda.qcow2").write_text("somebody's")
    taken = run_ctl("recover", "web1", "--into", into, "--pool", service.pool)
    assert taken.returncode == 3 and "web1-vda.qcow2" in taken.stderr
    assert (into / "web1-vda.qcow2").read_text() == "somebody's"
    assert run_ctl("recover", "web2", "--into", into, "--pool", service.pool).returncode == 3
    assert run_ctl("recover", "web1", "--pool", service.pool).returncode == 2
    assert run_ctl("recover", "web1", "--into", into, "--pool", into).returncode == 3


def test_definition_without_libvirt(service, new_guest):
    """With --no-define nothing but the pool is needed; the definition can be taken to libvirt later."""
    vps = new_guest("web1", [guests.Disk("vda", size=16 << 20)], kind=UefiBlank).start()
    vps.qemu_io("vda", "write -P 0xa1 1M 4M")
    service.ctl("create", "web1", "--wait")
    vps.destroy()
    before = vps.disk_bytes("vda")
    lose_host(service, vps)
    into = isolated.new_folder("into")
    done = ctl_json("recover", "web1", "--into", into, "--pool", service.pool, "--no-define")
    assert not is_defined(vps)
    assert sorted(os.listdir(into)) == ["web1-nvram.fd", "web1-vda.qcow2", "web1.xml"]
    guests.connect().defineXML(pathlib.Path(done["definition"]).read_text()).create()
    vps.refresh()
    assert f"{into}/web1-nvram.fd" in definition(vps)
    vps.destroy()
    assert vps.disk_bytes("vda") == before


def readme_block(heading):
    """The first shell block under a heading of README.md."""
    text = (services.source_folder() / "README.md").read_text().split(f"\n## {heading}\n")[1]
    return re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)


def test_by_hand_as_the_readme_says(new_service, new_guest):
    service = new_service(pool_path=POOL)
    vps = new_guest("web1", [guests.Disk("vda", size=32 << 20), guests.Disk("vdb", size=8 << 20, format="raw")], kind=UefiBlank)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 1M 16M")
    vps.qemu_io("vdb", "write -P 0xb2 4M 4M")
    service.ctl("create", "web1", "--wait")
    vps.destroy()
    before = vps.disk_bytes("vda"), vps.disk_bytes("vdb")
    backup = service.backup_folders(vps.vps)[0]
    lose_host(service, vps)

    script = readme_block("Restore by hand").replace("<vps uuid>", vps.vps).replace("<backup id>", backup)
    assert "<" not in re.sub(r"#.*", "", script)
    done = subprocess.run(["sh", "-eux"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    vps.refresh()
    assert vps.running
    vps.destroy()
    assert (vps.disk_bytes("vda"), vps.disk_bytes("vdb")) == before
