# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does the lab itself work? Everything else in tests/vm builds on what is shown here."""

import fcntl
import os
import pathlib
import pwd
import signal
import subprocess

import guest as guests
import guest_view
import isolated
import libvirt
import libvirt_qemu
import pytest

FICLONE = 0x40049409
RUN_ISOLATED = pathlib.Path(isolated.__file__).with_name("run-isolated")


def test_real_guest_counts_and_keeps_its_files(new_guest, tree):
    vps = new_guest(disks=[guests.Disk("vda", tree=tree), guests.Disk("vdb", tree=tree, format="raw")]).boot()
    first = vps.wait_counter(0)
    assert vps.wait_counter(first) > first
    assert "counter" in vps.console()
    sums = vps.tree_sums()
    assert len(sums.splitlines()) == 4 and "naïve name.txt" in sums
    assert vps.tree_sums("vdb") == sums
    vps.write_file("/mnt/vda/new", b"\x00binary\xff\n")
    assert vps.run("cat /mnt/vda/new") == (0, b"\x00binary\xff\n")
    vps.power_off()
    last = int(guests.run("debugfs", "-R", "cat counter", vps.live_path("vdb")).splitlines()[-1])
    vps.boot()
    assert vps.counter() >= last > first
    assert vps.run("cat /mnt/vda/new")[1] == b"\x00binary\xff\n"


def test_acpi_button_and_agent_shut_down_the_guest(new_guest):
    vps = new_guest().boot()
    vps.domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    vps.wait_off()
    vps.boot()
    vps.domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
    vps.wait_off()


def test_agent_freezes_the_file_systems(new_guest, tree):
    vps = new_guest(disks=[guests.Disk("vda", tree=tree)]).boot()
    vps.wait_counter(0)
    assert vps.domain.fsFreeze() == 1
    stopped = vps.counter()
    vps.sh("usleep 500000")
    assert vps.counter() == stopped
    assert vps.domain.fsThaw() == 1
    vps.wait_counter(stopped)


def test_ring_is_whole_and_damage_is_seen(new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=8 << 20), guests.Disk("vdb", size=8 << 20, format="raw")]).boot()
    vps.start_ring(["vda", "vdb"], slots=64)
    vps.wait_ring(200)
    last = vps.stop_ring()
    vps.power_off()
    data = [vps.disk_bytes("vda", length=64 * 4096), vps.disk_bytes("vdb", length=64 * 4096)]
    rings = [guests.parse_ring(data[0], 64, 0), guests.parse_ring(data[1], 64, 1)]
    assert last <= rings[1].last <= rings[0].last <= last + 1
    older = bytearray(data[0])
    older[4096:8192] = bytes(4096)
    with pytest.raises(AssertionError):
        guests.parse_ring(bytes(older), 64, 0)
    torn = bytearray(data[0])
    torn[5000] ^= 1
    with pytest.raises(AssertionError):
        guests.parse_ring(bytes(torn), 64, 0)
    assert guests.parse_ring(bytes(64 * 4096), 64) is None


def test_ring_tells_a_copy_that_is_not_of_one_instant(new_guest):
    """The proof that the tests of the point in time can fail: here is a copy that reads while the guest writes."""
    vps = new_guest(disks=[guests.Disk("vda", size=8 << 20, format="raw")], agent=False).boot()
    vps.start_ring(["vda"], slots=64)
    vps.wait_ring(128)
    copied = b""
    with open(vps.live_path("vda"), "rb") as live:
        while len(copied) < 64 * 4096:
            copied += live.read(4 * 4096)
            vps.wait_ring(vps.ring_written())
    with pytest.raises(AssertionError):
        guests.parse_ring(copied, 64)


def test_blank_guest_is_written_through_qemu(new_guest):
    vps = new_guest("blank", [guests.Disk("vda", size=32 << 20), guests.Disk("vdb", size=32 << 20, format="raw")],
                    kind=guests.Blank).start()
    vps.qemu_io("vda", "write -P 0xcd 1M 2M")
    vps.qemu_io("vdb", "write -P 0xab 0 64k")
    with pytest.raises(AssertionError):
        vps.qemu_io("vdz", "write 0 1M")
    assert vps.disk_bytes("vda", 1 << 20, 2 << 20) == b"\xcd" * (2 << 20)
    vps.destroy()
    assert vps.disk_bytes("vda", 1 << 20, 2 << 20) == b"\xcd" * (2 << 20)
    assert vps.disk_bytes("vdb", 0, 65537) == b"\xab" * 65536 + b"\0"


def test_disk_is_compared_as_the_guest_sees_it(new_guest):
    """A file that holds the right bytes is not enough: this QEMU was told of another chain than the header names."""
    folder = isolated.new_folder("chain")
    below, disk = folder / "below.qcow2", folder / "disk.qcow2"
    for path in (below, disk):
        isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, 1 << 20)
    isolated.run("qemu-io", "-c", "write -q -P 0x42 0 1M", below)
    backing = f"<backingStore type='file'><format type='qcow2'/><source file='{below}'/><backingStore/></backingStore>"
    vps = new_guest("chained", [guests.Disk("vda", path=disk, options=backing)], kind=guests.Blank)
    zeroes = folder / "zeroes.raw"
    zeroes.write_bytes(bytes(1 << 20))
    assert guests.image_bytes(disk, "qcow2") == zeroes.read_bytes()
    assert vps.disk_bytes("vda") == b"\x42" * (1 << 20) and "offset 0" in guest_view.difference(vps, "vda", zeroes)
    vps.start()
    assert vps.disk_bytes("vda") == b"\x42" * (1 << 20) and "offset 0" in guest_view.difference(vps, "vda", zeroes)
    vps.qemu_io("vda", "write -z 0 1M")
    assert guest_view.difference(vps, "vda", zeroes) is None


def test_qemu_runs_as_its_own_user_and_sees_no_kvm(new_guest):
    vps = new_guest("blank", kind=guests.Blank).start()
    status = pathlib.Path(f"/proc/{vps.qemu_pid()}/status").read_text()
    uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    assert pwd.getpwuid(int(uid)).pw_name == "libvirt-qemu"
    assert not os.path.exists("/dev/kvm")


def test_machine_has_other_domains_than_the_lab():
    """The machine's own libvirt is out of reach: another socket, other files, other processes."""
    assert isolated.libvirtd_pid() < 1000
    assert guests.connect().listAllDomains() == []
    assert sorted(os.listdir("/etc/libvirt/hooks")) == ["qemu.d"]


def test_guest_survives_a_killed_libvirtd(new_guest):
    vps = new_guest("blank", kind=guests.Blank).start()
    pid = vps.qemu_pid()
    isolated.stop_libvirtd(signal.SIGKILL)
    isolated.start_libvirtd()
    vps.refresh()
    assert vps.running and vps.qemu_pid() == pid


@pytest.mark.parametrize("kind, clones", [("xfs", True), ("ext4", False)])
def test_file_systems_with_and_without_reflinks(kind, clones):
    folder = isolated.new_folder(kind)
    mount = {"xfs": isolated.mount_xfs, "ext4": isolated.mount_ext4}[kind](folder / "mnt", 512 << 20)
    (mount / "a").write_bytes(b"x" * 65536)
    with open(mount / "a", "rb") as source, open(mount / "b", "wb") as target:
        try:
            fcntl.ioctl(target, FICLONE, source.fileno())
            cloned = True
        except OSError:
            cloned = False
    assert cloned == clones
    isolated.unmount(mount)
    assert os.listdir(mount) == []


def _in_other_lab(*command, **options):
    return subprocess.run([RUN_ISOLATED, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          **options)


def test_labs_run_beside_each_other_and_leave_nothing(new_guest):
    vps = new_guest("blank", kind=guests.Blank).start()
    other = _in_other_lab("sh", "-c", "virsh list --all --name; cat /proc/1/comm; echo $VB_LAB; exit 7")
    assert other.returncode == 7
    name, comm, folder = other.stdout.split("\n")[:3]
    assert (name, comm) == ("", "python3")
    assert folder != str(isolated.lab()) and not os.path.exists(folder)
    assert vps.running


def test_killed_lab_leaves_no_process():
    """SIGKILL of the launcher takes everything with it; the next lab removes the folder."""
    read_end, write_end = os.pipe()
    lab = subprocess.Popen([RUN_ISOLATED, "sh", "-c", "echo $VB_LAB; exec sleep 1000"], stdout=write_end,
                           stdin=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as output:
        folder = output.readline().strip()
        assert os.path.isdir(folder)
        lab.kill()
        lab.wait()
        assert output.read() == ""  # ends when the last process that holds the pipe is gone
    assert _in_other_lab("true").returncode == 0
    assert not os.path.exists(folder)


def test_agent_command_reaches_the_agent(new_guest):
    vps = new_guest().boot()
    answer = libvirt_qemu.qemuAgentCommand(vps.domain, '{"execute":"guest-fsfreeze-status"}', 5, 0)
    assert "thawed" in answer
