# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt backend on real libvirt and QEMU: what it says of VPSs, and power."""

import os
import signal
import subprocess
import time

import guest as guests
import isolated
import libvirt
import pytest

URI = "urn:vps-backup:1"


def test_every_vps_is_announced_before_available(new_guest, new_driver):
    on = new_guest("on").start()
    off = new_guest("off")
    driver = new_driver().wait_available()
    order = [message.get("vps", "available") for message in driver.signals]
    assert sorted(order[:-1]) == sorted([on.vps, off.vps]) and order[-1] == "available"
    assert driver.last(on.vps) == {"signal": "vps-changed", "vps": on.vps, "name": "on", "power": "running",
                                   "slots_total": -1, "unsupported": None, "schedule": None, "schedules": []}
    assert driver.last(off.vps)["power"] == "stopped"


def test_list_follows_a_vps_through_its_life(driver, new_guest):
    vps = new_guest("first")
    driver.wait_info(vps.vps, name="first", power="stopped")
    vps.start()
    driver.wait_info(vps.vps, power="running")
    vps.domain.suspend()
    driver.wait_info(vps.vps, power="paused")
    vps.domain.resume()
    driver.wait_info(vps.vps, power="running")
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    driver.wait_info(vps.vps, power="crashed")
    vps.start(paused=True)
    driver.wait_info(vps.vps, power="paused")
    vps.destroy()
    driver.wait_info(vps.vps, power="stopped")
    vps.domain.rename("second")
    driver.wait_info(vps.vps, name="second")
    vps.domain.undefine()
    driver.wait_removed(vps.vps)


def test_transient_vps_vanishes_when_it_stops(driver, new_guest):
    vps = new_guest().start()
    vps.domain.undefine()
    driver.wait_info(vps.vps, power="running")
    assert driver.reason("power_off", vps=vps.vps) == "unsupported_disk"
    assert vps.active
    vps.destroy()
    driver.wait_removed(vps.vps)
    assert driver.reason("get_info", vps=vps.vps) == "not_found"
    vps.domain = vps.connection.defineXML(vps.xml())
    driver.wait_info(vps.vps, power="stopped")


def test_disk_that_comes_decides_at_once(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vdb", options="<readonly/>")]).start()
    assert "no writable disk" in driver.wait_info(vps.vps, power="running")["unsupported"]
    assert driver.reason("list_disks", vps=vps.vps) == "unsupported_disk"
    disk = guests.Disk("vda")
    disk.make(guests.IMAGES, "plugged")
    vps.domain.attachDevice(disk.xml())
    driver.wait_info(vps.vps, unsupported=None)
    assert [entry["target"] for entry in driver.call("list_disks", vps=vps.vps)] == ["vda"]
    disk.path.unlink()


def test_events_come_at_once(driver, new_guest):
    """Median of the time from libvirt's answer to the signal; far below what a poll would take."""
    vps = new_guest()
    times = []
    for _ in range(5):
        vps.start()
        start = time.monotonic()
        driver.wait_info(vps.vps, power="running")
        times.append(time.monotonic() - start)
        vps.destroy()
        driver.wait_info(vps.vps, power="stopped")
    print("start to signal:", [f"{value * 1000:.1f} ms" for value in times])


def test_slots_are_written_live_and_persistent(driver, new_guest):
    for vps in (new_guest("on").start(), new_guest("off")):
        driver.call("set_slots", vps=vps.vps, total=7)
        driver.wait_info(vps.vps, slots_total=7)
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            assert f'<vps-backup:backup xmlns:vps-backup="{URI}">' in vps.domain.XMLDesc(flags)
            assert '<vps-backup:slots total="7"/>' in vps.domain.XMLDesc(flags)


def test_slots_changed_by_others_are_noticed(driver, new_guest):
    vps = new_guest()
    for text, total in (("<backup><slots total='3'/></backup>", 3),
                        (f"<x:backup xmlns:x='{URI}'><x:slots total='5'/></x:backup>", 5),
                        ("<backup><slots total='-4'/></backup>", -1),
                        ("<backup><slots total='12'/></backup>", 12),
                        ("<backup><slots total='many'/></backup>", -1),
                        ("<backup><slots total='2'/></backup>", 2),
                        ("<other><slots total='9'/></other>", -1)):
        subprocess.run(["virsh", "-q", "metadata", vps.vps, URI, "--key", "k", "--set", text], check=True)
        driver.wait_info(vps.vps, slots_total=total)


def test_schedule_and_slots_leave_each_other_alone(driver, new_guest):
    """And whatever else is in the element, be it ours or not."""
    for vps in (new_guest("on").start(), new_guest("off")):
        flags = ["--live", "--config"] if vps.active else ["--config"]
        text = "<backup tag='t'><slots total='3' kept='k'/><x:other xmlns:x='urn:x' a='1'><x:b/></x:other><own/></backup>"
        subprocess.run(["virsh", "-q", "metadata", vps.vps, URI, "--key", "k", "--set", text, *flags], check=True)
        driver.wait_info(vps.vps, slots_total=3)
        driver.call("set_schedule", vps=vps.vps, at="03:30", jitter=15, keep=2, zone="Europe/Berlin")
        driver.wait_info(vps.vps, slots_total=3, schedule="03:30+15 Europe/Berlin")
        driver.call("set_slots", vps=vps.vps, total=4)
        driver.wait_info(vps.vps, slots_total=4, schedule="03:30+15 Europe/Berlin")
        driver.call("set_schedule", vps=vps.vps, at="04:30", keep=1)
        driver.wait_info(vps.vps, slots_total=4, schedule="04:30+0 UTC")
        for kind in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            xml = vps.domain.XMLDesc(kind)
            for part in ('tag="t"', 'total="4" kept="k"', '<x:other xmlns:x="urn:x" a="1">', "<x:b/>", ":own/>", 'at="04:30"'):
                assert part in xml, part
            assert xml.count(":schedule ") == xml.count(":slots ") == 1
        driver.call("set_schedule", vps=vps.vps)
        driver.wait_info(vps.vps, slots_total=4, schedule=None)
        assert ":schedule" not in vps.domain.XMLDesc() and ":own/>" in vps.domain.XMLDesc()


def test_several_schedules(driver, new_guest):
    """Each is changed for itself, what makes no sense is left where it is, and a host of an older version reads the first."""
    vps = new_guest()
    text = ("<backup><schedule at='03:30' keep='2'/><schedule id='odd' at='25:00' keep='1'/>"
            "<schedule id='month' calendar='*-*~1 4:00' keep='1' own='x'/><schedule id='month' at='01:00' keep='1'/></backup>")
    subprocess.run(["virsh", "-q", "metadata", vps.vps, URI, "--key", "k", "--set", text], check=True)
    first, month = "default: 03:30+0 UTC 2/0/0/0", "month: *-*~01 04:00+0 UTC 1/0/0/0"
    driver.wait_info(vps.vps, schedules=[first, month])
    driver.call("set_schedule", vps=vps.vps, schedule="office", at="08:00", days="mon,fri", every=4, keep=1, keep_daily=7, keep_monthly=2)
    office = "office: Mon,Fri 00/4:00+0 UTC 1/7/0/2"
    driver.wait_info(vps.vps, schedules=[first, month, office])
    for part in (' days="mon,fri" every="4h" ', ' keep-daily="7" keep-monthly="2" '):
        assert part in vps.domain.XMLDesc(), part
    driver.call("set_schedule", vps=vps.vps, schedule="office", at="08:00", keep=1)
    driver.call("set_schedule", vps=vps.vps, schedule="month", calendar="*-02-29 04:00", keep=3)
    driver.wait_info(vps.vps, schedules=[first, "month: *-02-29 04:00+0 UTC 3/0/0/0", "office: 08:00+0 UTC 1/0/0/0"], schedule="03:30+0 UTC")
    xml = vps.domain.XMLDesc()
    assert " days=" not in xml and " every=" not in xml and "keep-daily" not in xml and 'own="x"' in xml and 'at="25:00"' in xml
    driver.call("set_schedule", vps=vps.vps)
    driver.call("set_schedule", vps=vps.vps, schedule="office")
    driver.wait_info(vps.vps, schedules=["month: *-02-29 04:00+0 UTC 3/0/0/0"], schedule="*-02-29 04:00+0 UTC")


def test_schedule_changed_by_others_is_noticed(driver, new_guest):
    vps = new_guest()
    for text, schedule in (("<backup><schedule at='03:30' keep='2'/></backup>", "03:30+0 UTC"),
                           ("<backup><schedule at='25:30' keep='2'/></backup>", None),
                           (f"<x:backup xmlns:x='{URI}'><x:schedule at='22:00' jitter='30m' keep='7' zone='Asia/Tokyo'/></x:backup>",
                            "22:00+30 Asia/Tokyo"),
                           ("<backup><schedule/></backup>", None)):
        subprocess.run(["virsh", "-q", "metadata", vps.vps, URI, "--key", "k", "--set", text], check=True)
        driver.wait_info(vps.vps, schedule=schedule)


def disk_xml(target, kind="file", source="<source file='/nowhere'/>", driver="type='qcow2'", device="disk", more=""):
    return (f"<disk type='{kind}' device='{device}'><driver name='qemu' {driver}/>{source}<target dev='{target}' "
            f"bus='virtio'/>{more}</disk>")


UNSUPPORTED = {
    "network": disk_xml("vdx", "network", "<source protocol='nbd' name='x'><host name='127.0.0.1' port='1'/></source>"),
    "vhost-user": disk_xml("vdx", "vhostuser", "<source type='unix' path='/nowhere'/>", "type='raw'"),
    "neither": disk_xml("vdx", "nvme", "<source type='pci' managed='no' namespace='1'><address domain='0x0000' bus='0x01' "
                        "slot='0x00' function='0x0'/></source>", "type='raw'"),
    "inside a block device": disk_xml("vdx", "block", "<source dev='/nowhere'/>"),
    "format": disk_xml("vdx", driver="type='vmdk'"),
    "encrypted": disk_xml("vdx", source="<source file='/nowhere'><encryption format='luks'>"
                                        "<secret type='passphrase' uuid='6d7f2c3e-5f2f-4f0c-9d2e-0b3d6f2b8d11'/>"
                                        "</encryption></source>"),
    "forgets": disk_xml("vdx", more="<transient/>"),
}


@pytest.mark.parametrize("word", UNSUPPORTED)
def test_disk_that_cannot_be_backed_up_is_named(driver, new_guest, word):
    shared = "<memoryBacking><access mode='shared'/></memoryBacking><devices>"
    vps = new_guest()
    vps.domain = vps.connection.defineXML(vps.xml().replace("<devices>", shared).replace("</disk>", f"</disk>{UNSUPPORTED[word]}"))
    sentence = driver.call("get_info", vps=vps.vps)["unsupported"]
    assert "vdx" in sentence and word in sentence and sentence.endswith(".")
    assert driver.reason("list_disks", vps=vps.vps) == "unsupported_disk"
    assert driver.reason("begin", vps=vps.vps, backup=vps.vps, operation=vps.vps) == "unsupported_disk"


def test_tpm_is_named(driver, new_guest):
    vps = new_guest(devices="<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>")
    assert "TPM" in driver.call("get_info", vps=vps.vps)["unsupported"]


def test_disks_with_their_sizes(driver, new_guest):
    template = isolated.lab() / "tmp/template.qcow2"
    guests.run("qemu-img", "create", "-q", "-f", "qcow2", template, "48M")
    guests.run("qemu-io", "-f", "qcow2", "-c", "write -P 1 0 8M", template)
    template.chmod(0o644)
    linked = isolated.lab() / "tmp/linked.qcow2"
    guests.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", template, "-F", "qcow2", linked)
    guests.run("qemu-io", "-f", "qcow2", "-c", "write -P 2 8M 4M", linked)
    link = isolated.lab() / "tmp/link"
    link.symlink_to(linked)
    vps = new_guest(disks=[guests.Disk("vda", path=link), guests.Disk("vdb", size=32 << 20, format="raw"),
                           guests.Disk("vdc", format="raw", options="<readonly/>"),
                           guests.Disk("vdd", format="raw", options="<shareable/>")])
    for _ in ("off", "on"):
        first, second = driver.call("list_disks", vps=vps.vps)
        assert (first["target"], first["path"], first["format"], first["is_block"]) == ("vda", str(linked), "qcow2", 0)
        assert first["virtual_size_bytes"] == 48 << 20 and 12 << 20 <= first["allocated_bytes"] <= 14 << 20
        assert (second["target"], second["format"]) == ("vdb", "raw")
        assert second["virtual_size_bytes"] == 32 << 20 and second["allocated_bytes"] <= 1 << 20
        if not vps.active:
            vps.start()
    vps.destroy()
    linked.rename(f"{linked}.away")
    assert driver.reason("list_disks", vps=vps.vps) == "disk_missing"


def test_power(driver, new_guest):
    vps = new_guest()
    assert driver.reason("power", vps=vps.vps, action="restart") == "invalid"
    driver.call("power", vps=vps.vps, action="stop")
    driver.call("power", vps=vps.vps, action="start")
    driver.wait_info(vps.vps, power="running")
    driver.call("power", vps=vps.vps, action="start")
    pid = vps.qemu_pid()
    driver.call("power", vps=vps.vps, action="restart", force=True)
    assert vps.qemu_pid() == pid
    vps.domain.suspend()
    driver.call("power", vps=vps.vps, action="start")
    assert vps.running
    driver.call("power", vps=vps.vps, action="stop", force=True)
    driver.wait_info(vps.vps, power="stopped")
    assert driver.reason("power", vps="0" * 8 + vps.vps[8:], action="start") == "not_found"
    assert driver.reason("power", vps="nonsense", action="start") == "not_found"


@pytest.mark.parametrize("agent", [True, False])
def test_graceful_power_reaches_the_guest(driver, new_guest, agent):
    vps = new_guest(kind=guests.Guest, disks=[guests.Disk("vda")], agent=agent, counter=False).boot(180)
    boots = vps.console().count("guest ready")
    driver.call("power", vps=vps.vps, action="restart")
    guests.wait_until(lambda: vps.console().count("guest ready") > boots, "the guest has rebooted", 180)
    vps.wait_ready(180)
    driver.call("power", vps=vps.vps, action="stop")
    driver.wait_info(vps.vps, power="stopped")


def test_off_for_a_swap_and_back(driver, new_guest):
    vps = new_guest()
    assert driver.call("power_off", vps=vps.vps) == "stopped"
    driver.call("power_restore", vps=vps.vps, power="stopped")
    assert not vps.active
    vps.start(paused=True)
    assert driver.call("power_off", vps=vps.vps) == "paused"
    assert not vps.active
    driver.call("power_restore", vps=vps.vps, power="paused")
    assert vps.domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    vps.domain.resume()
    assert driver.call("power_off", vps=vps.vps) == "running"
    driver.call("power_restore", vps=vps.vps, power="running")
    assert vps.running
    driver.call("power_restore", vps=vps.vps, power="running")
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    driver.wait_info(vps.vps, power="crashed")
    assert driver.call("power_off", vps=vps.vps) == "crashed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_connects_again_when_libvirtd_was_away(driver, new_guest, number):
    vps = new_guest().start()
    driver.wait_info(vps.vps, power="running")
    isolated.stop_libvirtd(number)
    driver.wait_available(False)
    assert driver.reason("get_info", vps=vps.vps) == "hypervisor_unavailable"
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    isolated.start_libvirtd()
    driver.wait_available()
    assert driver.last(vps.vps)["power"] == "crashed"
    vps.refresh()
    vps.start()
    driver.wait_info(vps.vps, power="running")


def test_waits_for_a_libvirtd_that_is_not_there_yet(new_guest, new_driver):
    vps = new_guest()
    isolated.stop_libvirtd()
    driver = new_driver()
    assert driver.reason("get_info", vps=vps.vps) == "hypervisor_unavailable"
    isolated.start_libvirtd()
    driver.wait_available()
    driver.wait_info(vps.vps, power="stopped")


def test_many_calls_at_once(driver, new_guest):
    machines = [new_guest(f"vps{number}", [guests.Disk("vda", size=1 << 20)]) for number in range(6)]
    calls = [driver.send("power", vps=vps.vps, action="start") for vps in machines]
    for call in calls:
        call.wait()
    calls = [driver.send("get_info", vps=vps.vps) for vps in machines for _ in range(20)]
    assert {call.wait()["power"] for call in calls} == {"running"}
