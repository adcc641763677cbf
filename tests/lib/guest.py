# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests for the tests: a small real Linux, and a blank machine whose disks QEMU writes for us.

Both run without KVM on the libvirt of isolated.py, the Linux one in about three seconds: Debian's cloud kernel and an initramfs of
busybox, virtio modules, guest-init, guest-tool and the guest agent.
"""

import base64
import contextlib
import dataclasses
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import uuid
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu

import guest_view
from isolated import CACHE, URI, LabError, run, wait_until

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = pathlib.Path("/var/lib/libvirt/images")
BOOT = pathlib.Path("/var/lib/libvirt/boot")
MIB = 1 << 20

MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "button", "evdev"]
AGENT = pathlib.Path("/usr/sbin/qemu-ga")
SHELL_PORT = "vps-backup.shell"

RING_RECORD = 4096
RING_MAGIC = 0x31474E4952425056

# libvirt's default prints every error on stderr as well as raising it.
libvirt.registerErrorHandler(lambda _context, _error: None, None)


def connect():
    return libvirt.open(URI)


# ---------------------------------------------------------------------------------------------------------------------------
# Kernel and initramfs


def kernel():
    """The cloud kernel in a place that QEMU may read."""
    found = CACHE / "guest-kernel/vmlinuz"
    if not found.exists():
        raise LabError(f"{found} is missing: run tests/check, which unpacks it")
    return _published(found)


def _published(source):
    target = BOOT / source.name
    if not target.exists():
        partial = BOOT / f".{source.name}.{os.getpid()}"
        shutil.copyfile(source, partial)
        partial.rename(target)
    return target


def _module_files():
    """Modules and what they depend on, in the order in which they can be loaded; built-in ones drop out."""
    root = CACHE / "guest-kernel/modules"
    depends = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        depends[path] = needed.split()
    names = {_module_name(pathlib.Path(path)): path for path in depends}
    ordered = []

    def add(path):
        for needed in depends[path]:
            add(needed)
        if path not in ordered:
            ordered.append(path)
    for name in MODULES:
        if f"{name}.ko" in names:
            add(names[f"{name}.ko"])
    return [root / path for path in ordered]


def _module_name(path):
    """Compressed or not."""
    return f"{path.name.partition('.')[0]}.ko"


def _libraries(program):
    found = []
    for word in run("ldd", program).split():
        if word.startswith("/"):
            found.append(pathlib.Path(word))
    return found


def _fingerprint(paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _lay_out(root, modules, libraries):
    for folder in ("bin", "sbin", "modules", "dev", "proc", "sys", "tmp", "etc"):
        (root / folder).mkdir()
    shutil.copy2("/bin/busybox", root / "bin/busybox")
    for applet in run("/bin/busybox", "--list").split():
        link = root / "bin" / applet
        if not link.exists():
            link.symlink_to("busybox")
    run("gcc", "-O2", "-static", "-o", root / "bin/guest-tool", HERE / "guest-tool.c")
    shutil.copy2(HERE / "guest-init", root / "init")
    for name in ("off", "reboot", "shutdown"):
        shutil.copy2(HERE / "guest-off", root / "sbin" / name)
        (root / "bin" / name).unlink(missing_ok=True)
    for path in (root / "init", *(root / "sbin").iterdir()):
        path.chmod(0o755)
    for path in modules:
        data = path.read_bytes()
        (root / "modules" / _module_name(path)).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    (root / "modules/order").write_text("".join(f"{_module_name(path)}\n" for path in modules))
    (root / "etc/os-release").write_text('NAME="vps-backup test guest"\n')
    shutil.copy2(AGENT, root / "bin/qemu-ga")
    for path in libraries:
        target = root / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def initramfs():
    modules, libraries = _module_files(), _libraries(AGENT)
    parts = [pathlib.Path("/bin/busybox"), AGENT, *modules, *libraries]
    parts += [HERE / name for name in ("guest-tool.c", "guest-init", "guest-off", "guest.py")]
    image = CACHE / f"initramfs-{_fingerprint(parts)}"
    if not image.exists():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            _lay_out(root, modules, libraries)
            names = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.rglob("*")))
            archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(), cwd=root,
                                     stdout=subprocess.PIPE, check=True).stdout
        partial = CACHE / f".{image.name}.{os.getpid()}"
        partial.write_bytes(gzip.compress(archive, 1))
        partial.rename(image)
    return _published(image)


# ---------------------------------------------------------------------------------------------------------------------------
# Disks


@dataclasses.dataclass
class Disk:
    """One disk of a guest. tree: a folder whose content the disk's ext4 file system starts with; None: no file system."""
    target: str
    size: int = 64 * MIB
    format: str = "qcow2"
    tree: pathlib.Path | None = None
    path: pathlib.Path | None = None
    options: str = ""          # more XML inside <disk>
    driver: str = ""           # more attributes of <driver>
    device: str = "disk"
    serial: str = ""

    def make(self, folder, owner):
        if self.path is not None:
            return  # an image of the test's own
        self.path = pathlib.Path(folder) / f"{owner}-{self.target}.{self.format}"
        if self.path.exists():
            raise LabError(f"{self.path} exists already")
        if self.tree is None:
            run("qemu-img", "create", "-q", "-f", self.format, self.path, self.size)
            return
        raw = self.path.with_suffix(".raw")
        with open(raw, "wb") as image:
            image.truncate(self.size)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", self.tree, raw)
        if self.format != "raw":
            run("qemu-img", "convert", "-f", "raw", "-O", self.format, raw, self.path)
            raw.unlink()

    def xml(self):
        alias = f"<alias name='ua-{self.target}'/>" if self.serial else ""
        serial = f"<serial>{self.serial}</serial>" if self.serial else ""
        return (f"<disk type='file' device='{self.device}'><driver name='qemu' type='{self.format}' {self.driver}/>"
                f"<source file='{self.path}'/><target dev='{self.target}' bus='virtio'/>{serial}{alias}{self.options}</disk>")


def image_bytes(path, image_format, start=0, length=None):
    """Content of an image as the guest sees it, of a disk that nobody writes now."""
    if image_format == "raw":
        with open(path, "rb") as image:
            image.seek(start)
            return image.read() if length is None else image.read(length)
    with tempfile.NamedTemporaryFile(suffix=".raw") as raw:
        run("qemu-img", "convert", "-U", "-f", image_format, "-O", "raw", path, raw.name)
        return image_bytes(raw.name, "raw", start, length)


def virtual_size(path):
    return json.loads(run("qemu-img", "info", "-U", "--output=json", path))["virtual-size"]


@dataclasses.dataclass(frozen=True)
class Ring:
    """What a ring of `guest-tool ring` holds: records first…last, all whole, none missing between them."""
    first: int
    last: int


def _record_number(record, slots, index):
    words = struct.unpack("<512Q", record)
    digest = 0xCBF29CE484222325
    for word in words[:-1]:
        digest = (digest ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    if words[0] != RING_MAGIC or words[-1] != digest or words[2:4] != (slots, index):
        raise AssertionError(f"a record is torn or foreign: {words[:4]}")
    return words[1]


def parse_ring(data, slots, index=0):
    """The Ring in data; None if it is empty; AssertionError when a record is torn, missing or newer than one that is missing."""
    numbers = []
    for slot in range(slots):
        record = data[slot * RING_RECORD:(slot + 1) * RING_RECORD]
        if any(record):
            number = _record_number(record, slots, index)
            assert number % slots == slot, f"record {number} is in slot {slot} of {slots}"
            numbers.append(number)
    if not numbers:
        return None
    first, last = min(numbers), max(numbers)
    assert last - first + 1 == len(numbers), f"{len(numbers)} records in {first}…{last}: some are older than the rest"
    assert first == max(0, last - slots + 1), f"records {first}…{last} in {slots} slots"
    return Ring(first, last)


# ---------------------------------------------------------------------------------------------------------------------------
# Guests


class GuestGone(Exception):
    """The guest was stopped or restarted while we talked to it."""


class Vps:
    """A defined domain with its disks; a blank one, unless it is a Guest."""

    memory_mib = 64

    def __init__(self, name, disks, *, folder=IMAGES, vps=None, devices="", machine="pc"):
        self.name = name
        self.vps = vps or str(uuid.uuid4())
        self.disks = list(disks)
        self.devices = devices
        self.machine = machine
        self.connection = connect()
        for disk in self.disks:
            disk.make(folder, name)
        self.domain = self.connection.defineXML(self.xml())

    def boot_xml(self):
        return f"<type arch='x86_64' machine='{self.machine}'>hvm</type><boot dev='hd'/>"

    def own_devices(self):
        return ""

    def xml(self):
        return f"""<domain type='qemu'><name>{self.name}</name><uuid>{self.vps}</uuid>
          <memory unit='MiB'>{self.memory_mib}</memory><vcpu>1</vcpu><os>{self.boot_xml()}</os>
          <features><acpi/></features><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
          <devices>{''.join(disk.xml() for disk in self.disks)}
          <controller type='usb' model='none'/><memballoon model='none'/>{self.own_devices()}{self.devices}</devices></domain>"""

    def refresh(self):
        """Connects anew, after libvirtd was restarted."""
        with contextlib.suppress(libvirt.libvirtError):
            self.connection.close()
        self.connection = connect()
        self.domain = self.connection.lookupByUUIDString(self.vps)

    def start(self, paused=False):
        self.domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if paused else 0)
        return self

    @property
    def running(self):
        return self.domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING

    @property
    def active(self):
        return bool(self.domain.isActive())

    def wait_off(self, deadline_s=120):
        wait_until(lambda: not self.active, f"{self.name} is off", deadline_s)

    def destroy(self):
        if self.active:
            self.domain.destroy()

    def live_xml(self):
        return ElementTree.fromstring(self.domain.XMLDesc())

    def _disk_element(self, target, flags):
        for disk in ElementTree.fromstring(self.domain.XMLDesc(flags)).iterfind("devices/disk"):
            if disk.find("target").get("dev") == target:
                return disk
        raise AssertionError(f"{self.name} has no disk {target}")

    def live_disk(self, target):
        """<disk> as it is now."""
        return self._disk_element(target, 0)

    def inactive_disk(self, target):
        """<disk> as the next start will have it."""
        return self._disk_element(target, libvirt.VIR_DOMAIN_XML_INACTIVE)

    def live_path(self, target):
        """File that the domain uses now for one disk."""
        return pathlib.Path(self.live_disk(target).find("source").get("file"))

    def disk(self, target):
        return next(disk for disk in self.disks if disk.target == target)

    def qemu_pid(self):
        return int(pathlib.Path(f"/run/libvirt/qemu/{self.name}.pid").read_text())

    def qemu_io(self, target, command):
        """Lets QEMU itself write to a disk of the running VPS, as its guest would."""
        disk = self.live_disk(target)
        backend = "/virtio-backend" if disk.find("target").get("bus") == "virtio" else ""
        answer = libvirt_qemu.qemuMonitorCommand(  # what qemu-io itself prints stays in QEMU's buffers
            self.domain, f'qemu-io -d /machine/peripheral/{disk.find("alias").get("name")}{backend} "{command}"',
            libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
        if answer.strip():
            raise LabError(f"qemu-io {command} on {target} of {self.name}: {answer.strip()}")

    def disk_bytes(self, target, start=0, length=None):
        """Content of a disk as the guest sees it (see guest_view.py)."""
        return guest_view.disk_bytes(self, target, start, length)

    def checkpoints(self):
        return sorted(checkpoint.getName() for checkpoint in self.domain.listAllCheckpoints())

    def remove(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.destroy()
        with contextlib.suppress(libvirt.libvirtError):
            self.domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                                      | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
        with contextlib.suppress(libvirt.libvirtError):
            self.connection.close()
        for disk in self.disks:
            disk.path.unlink(missing_ok=True)


class Blank(Vps):
    """A machine without a system: SeaBIOS finds nothing to start. Its disks are written with qemu_io."""


class Guest(Vps):
    """The small Linux. counter: a number that grows on every disk with a file system, ten times a second."""

    memory_mib = 128

    def __init__(self, name, disks, *, agent=True, counter=True, **options):
        self.agent = agent
        self.counter_wanted = counter
        self.console_path = pathlib.Path(f"/var/log/libvirt/qemu/{name}.console.log")
        self._shell = None
        self._shell_path = None
        self._buffer = b""
        self._next_id = 1
        super().__init__(name, disks, **options)

    def boot_xml(self):
        words = ["console=ttyS0", "quiet", "panic=1"] + (["vb.counter"] if self.counter_wanted else [])
        return (f"<type arch='x86_64' machine='{self.machine}'>hvm</type><kernel>{kernel()}</kernel>"
                f"<initrd>{initramfs()}</initrd><cmdline>{' '.join(words)}</cmdline>")

    def own_devices(self):
        agent = ("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" if self.agent else "")
        return (f"<serial type='file'><source path='{self.console_path}' append='on'/></serial>"
                f"<channel type='unix'><target type='virtio' name='{SHELL_PORT}'/></channel>{agent}")

    def console(self):
        return self.console_path.read_text(errors="replace") if self.console_path.exists() else ""

    def boot(self, deadline_s=180):
        """Starts the guest and waits until it carries out commands (and its agent answers, if it has one)."""
        self.start()
        return self.wait_ready(deadline_s)

    def wait_ready(self, deadline_s=180):
        end = time.monotonic() + deadline_s
        while True:
            try:
                self.sh("true", deadline_s=max(1, end - time.monotonic()))
                break
            except (GuestGone, libvirt.libvirtError) as error:
                if time.monotonic() > end:
                    raise LabError(f"{self.name} does not answer; its console says: {self.console()[-2000:]}") from error
                time.sleep(0.1)
        if self.agent:
            wait_until(self._agent_answers, f"the agent of {self.name} answers", max(1, end - time.monotonic()))
        return self

    def _agent_answers(self):
        try:
            libvirt_qemu.qemuAgentCommand(self.domain, '{"execute":"guest-ping"}', 2, 0)
            return True
        except libvirt.libvirtError:
            return False

    def _current_shell_path(self):
        for channel in self.live_xml().iterfind("devices/channel"):
            source = channel.find("source")
            if channel.find("target").get("name") == SHELL_PORT and source is not None:
                return source.get("path")
        raise GuestGone(f"{self.name} is off")

    def _connected_shell(self):
        """The socket of the running guest: another one after each start of the domain."""
        path = self._current_shell_path()
        if self._shell is None or path != self._shell_path:
            self._close_shell()
            shell = socket.socket(socket.AF_UNIX)
            try:
                shell.connect(path)
            except OSError as error:
                shell.close()
                raise GuestGone(f"{self.name}: {error}") from error
            self._shell, self._shell_path = shell, path
        return self._shell

    def _close_shell(self):
        if self._shell is not None:
            self._shell.close()
        self._shell, self._buffer = None, b""

    def _read_line(self, end):
        while b"\n" not in self._buffer:
            self._shell.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._shell.recv(1 << 16)
            except TimeoutError as error:
                raise LabError(f"{self.name} did not answer in time; its console says: {self.console()[-1000:]}") from error
            except OSError as error:
                self._close_shell()
                raise GuestGone(f"{self.name}: {error}") from error
            if not data:
                self._close_shell()
                raise GuestGone(f"{self.name} was stopped")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def send(self, script):
        """Sends a shell script to the guest without waiting for its end; the result is the id of the answer."""
        shell = self._connected_shell()
        number, self._next_id = self._next_id, self._next_id + 1
        try:
            shell.sendall(f"{number} {base64.b64encode(script.encode()).decode()}\n".encode())
        except OSError as error:
            self._close_shell()
            raise GuestGone(f"{self.name}: {error}") from error
        return number

    def run(self, script, deadline_s=120):
        """Runs a shell script in the guest: its exit status and output (bytes)."""
        number = self.send(script)
        end = time.monotonic() + deadline_s
        while True:
            words = self._read_line(end).decode(errors="replace").split(" ")
            if words[0] == str(number):
                return int(words[1]), base64.b64decode(words[2] if len(words) > 2 else "")

    def sh(self, script, deadline_s=120):
        """Output of a shell script that must succeed in the guest."""
        status, output = self.run(script, deadline_s)
        if status != 0:
            raise LabError(f"in {self.name}: {script}: status {status}: {output.decode(errors='replace').strip()}")
        return output.decode(errors="replace")

    def counter(self, target="vda"):
        """The last number that is in the counter file of a disk."""
        return int(self.sh(f"tail -n 1 /mnt/{target}/counter"))

    def wait_counter(self, above, target="vda", deadline_s=120):
        return wait_until(lambda: (value := self.counter(target)) > above and value, f"the counter passes {above}", deadline_s)

    def write_file(self, path, data):
        self.sh(f"echo {base64.b64encode(data).decode()} | base64 -d >{path} && sync {path}")

    def tree_sums(self, target="vda"):
        """One line for each file of a disk but the counter: what must be the same after a restore."""
        return self.sh(f"cd /mnt/{target} && find . -type f ! -name counter -exec sha256sum {{}} + | sort -k 2")

    def start_ring(self, targets, slots=256, offset=0):
        """Lets the guest write rings on disks (see guest-tool.c), from byte `offset` on, until it is stopped."""
        devices = " ".join(f"/dev/{target}" for target in targets)
        self.sh(f"guest-tool ring {slots} {offset} /tmp/ring {devices} >/tmp/ring.log 2>&1 & echo $! >/tmp/ring.pid")

    def ring_written(self):
        """Number of the last record that is on all disks of the ring; -1 before the first."""
        text = self.sh("cat /tmp/ring.log >&2; cat /tmp/ring 2>/dev/null || true").strip()
        return int(text) if text.isdigit() else -1

    def wait_ring(self, above, deadline_s=120):
        return wait_until(lambda: (value := self.ring_written()) > above and value, f"the ring passes {above}", deadline_s)

    def stop_ring(self):
        self.sh("kill $(cat /tmp/ring.pid); while kill -0 $(cat /tmp/ring.pid) 2>/dev/null; do usleep 10000; done")
        return self.ring_written()

    def power_off(self, deadline_s=120):
        """Shuts the guest down in order, file systems unmounted."""
        with contextlib.suppress(GuestGone):
            self.send("off")
        self.wait_off(deadline_s)
        self._close_shell()

    def remove(self):
        self._close_shell()
        super().remove()
