# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private libvirt for one command.

As a program (started by run-isolated as process 1 of new mount, process and network namespaces) it lays private folders over
/etc, /run, /dev, /srv and libvirt's own, starts virtlogd and libvirtd there, runs the command and removes everything.

As a module it serves what runs inside: folders of the lab, file systems with reflinks, and the daemon itself to stop and start.
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

BASE = pathlib.Path(os.environ.get("VB_LAB_BASE", "/var/tmp/vps-backup-lab"))
CACHE = pathlib.Path(os.environ.get("VB_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vps-backup-tests")
SOCKET = "/run/libvirt/libvirt-sock"
URI = "qemu:///system"

MS_BIND, MS_REC = 4096, 16384
MNT_DETACH = 2

# Nodes of the private /dev: there is no kvm on purpose, see FIELD-NOTES: a useless one makes libvirt probe QEMU at every call.
DEVICES = [("null", 1, 3, 0o666), ("zero", 1, 5, 0o666), ("full", 1, 7, 0o666), ("random", 1, 8, 0o666),
           ("urandom", 1, 9, 0o666), ("tty", 5, 0, 0o666), ("loop-control", 10, 237, 0o660), ("mapper/control", 10, 236, 0o660),
           ("net/tun", 10, 200, 0o666), ("fuse", 10, 229, 0o666)]
LOOP_DEVICES = 128

LIBVIRTD_CONF = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

# QEMU keeps running as the distribution's own user: wrong permissions must show.
QEMU_CONF = """\
security_driver = "none"
cgroup_controllers = []
"""

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab itself does not work; never the fault of what is tested."""


def wait_until(condition, what, deadline_s=120, pause_s=0.02):
    """Polls until condition() is true and returns its value; LabError after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {deadline_s} s in vain until {what}")
        time.sleep(pause_s)


# ---------------------------------------------------------------------------------------------------------------------------
# For what runs inside


def lab():
    """The lab's folder; it is removed at the end. Other users (QEMU's) may enter it."""
    return pathlib.Path(os.environ["VB_LAB"])


def new_folder(name):
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=lab() / "tmp"))
    path.chmod(0o755)
    return path


def run(*command, **options):
    """Runs a program that must succeed; its output is the result, and part of the error if it fails."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: status {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def mount_image(path, size, make, options="loop"):
    """Mounts a new sparse file system of the given size on path; the file is unlinked, so it goes when the mount goes."""
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=lab(), prefix=".image.") as image:
        os.truncate(image.name, size)
        run(*make, image.name)
        for attempt in range(10):  # another lab may take the loop device that was free a moment ago
            try:
                run("mount", "-o", options, image.name, path)
                return path
            except LabError:
                if attempt == 9:
                    raise
                time.sleep(0.1)


def mount_xfs(path, size=16 << 30):
    """A file system with reflinks."""
    return mount_image(path, size, ["mkfs.xfs", "-q", "-m", "reflink=1"])


def mount_ext4(path, size=16 << 30):
    """A file system without reflinks."""
    return mount_image(path, size, ["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0"])


def unmount(path):
    run("umount", path)


def libvirtd_pid():
    try:
        return int(pathlib.Path("/run/libvirtd.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def libvirtd_runs():
    """Whether the process is there; one that has crashed leaves its files."""
    pid = libvirtd_pid()
    if pid and pathlib.Path(f"/proc/{pid}").exists():
        return True
    for leftover in ("/run/libvirtd.pid", SOCKET):
        pathlib.Path(leftover).unlink(missing_ok=True)
    return False


def _answers():
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(SOCKET)
        except OSError:
            return False
        return True


def start_libvirtd(deadline_s=120):
    """Starts virtlogd and libvirtd where they do not run, and waits until libvirtd listens."""
    if not pathlib.Path("/run/virtlogd.pid").exists():
        run("/usr/sbin/virtlogd", "-d")
    run("/usr/sbin/libvirtd", "-d")
    wait_until(_answers, "libvirtd listens (see /var/log/libvirt/libvirtd.log)", deadline_s)


def stop_libvirtd(signal_number=signal.SIGTERM, deadline_s=120):
    """Ends libvirtd alone, guests go on; SIGKILL for a crash."""
    pid = libvirtd_pid()
    os.kill(pid, signal_number)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "libvirtd has ended", deadline_s)
    # A killed daemon leaves both behind, and the next one must not be mistaken for listening because of them.
    for leftover in ("/run/libvirtd.pid", SOCKET):
        pathlib.Path(leftover).unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------------
# Setting up and clearing away (process 1)


def _mount(source, target, kind=None, flags=0, data=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    if _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        error = ctypes.get_errno()
        raise LabError(f"mount {source} on {target}: {os.strerror(error)}")


def _tmpfs(target, mode):
    _mount("tmpfs", target, "tmpfs", 0, f"mode={mode:o}")


def _mounts_under(folder):
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return [line.split()[4] for line in table if line.split()[4].startswith(f"{folder}/")]


def _unmount_under(folder):
    for target in reversed(_mounts_under(folder)):
        _libc.umount2(os.fsencode(target), MNT_DETACH)


def _private_dev():
    _unmount_under("/dev")  # libvirt moves every mount that the table shows there, and fails on one that is covered
    _tmpfs("/dev", 0o755)
    for folder in ("pts", "shm", "net", "mapper"):
        os.mkdir(f"/dev/{folder}")
    _mount("devpts", "/dev/pts", "devpts", 0, "newinstance,mode=620,ptmxmode=666,gid=5")
    _tmpfs("/dev/shm", 0o1777)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                         ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, f"/dev/{name}")
    for name, major, minor, mode in DEVICES:
        os.mknod(f"/dev/{name}", mode | stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(f"/dev/{name}", mode)
    for minor in range(LOOP_DEVICES):
        os.mknod(f"/dev/loop{minor}", 0o660 | stat.S_IFBLK, os.makedev(7, minor))


def _private_var_lib(own):
    """A new /var/lib whose entries are the machine's, except those in own."""
    entries = []
    for entry in os.scandir("/var/lib"):
        if entry.name not in own and entry.is_dir(follow_symlinks=False):
            entries.append((entry.name, os.open(entry.path, os.O_PATH | os.O_DIRECTORY)))
    _tmpfs("/var/lib", 0o755)
    for name, descriptor in entries:
        os.mkdir(f"/var/lib/{name}")
        _mount(f"/proc/self/fd/{descriptor}", f"/var/lib/{name}", flags=MS_BIND | MS_REC)
        os.close(descriptor)
    for name, source in own.items():
        os.mkdir(f"/var/lib/{name}")
        _mount(source, f"/var/lib/{name}", flags=MS_BIND)


def _folder(path, mode=0o755, owner=None):
    path.mkdir(parents=True)
    path.chmod(mode)
    if owner:
        shutil.chown(path, owner, owner)
    return path


def _private_etc(work):
    """A copy of /etc that knows nothing of the machine's own domains, networks and hooks."""
    def skip(folder, names):
        return [name for name in names if os.path.join(folder, name) in ("/etc/libvirt", "/etc/vps-backup")
                or not os.path.islink(os.path.join(folder, name)) and not os.path.isfile(os.path.join(folder, name))
                and not os.path.isdir(os.path.join(folder, name))]
    shutil.copytree("/etc", work / "etc", symlinks=True, ignore=skip)
    libvirt = _folder(work / "etc/libvirt")
    _folder(libvirt / "hooks/qemu.d")
    _folder(work / "etc/vps-backup")
    (libvirt / "libvirtd.conf").write_text(LIBVIRTD_CONF)
    (libvirt / "qemu.conf").write_text(QEMU_CONF)
    (libvirt / "virtlogd.conf").write_text("max_clients = 1024\n")
    _mount(work / "etc", "/etc", flags=MS_BIND)


def _private_libvirt(work):
    _folder(work / "lib/boot", 0o711)
    _folder(work / "lib/images", 0o711)
    _folder(work / "lib/qemu", 0o750, "libvirt-qemu")
    _folder(work / "state")
    _private_var_lib({"libvirt": work / "lib", "vps-backup": work / "state"})
    _folder(work / "cache/qemu/capabilities")
    _mount(work / "cache", "/var/cache/libvirt", flags=MS_BIND)
    _folder(work / "log/qemu")
    _mount(work / "log", "/var/log/libvirt", flags=MS_BIND)


def _private_sys():
    """A /sys of this network, and without the machine's control groups, which nobody in here may change."""
    try:
        _mount("sysfs", "/sys", "sysfs")
    except LabError:  # busy: in the machine's own network (--host-net) it would be the same one
        if os.path.isdir("/sys/fs/cgroup"):
            _tmpfs("/sys/fs/cgroup", 0o755)


def _set_up(work):
    work.chmod(0o755)
    _folder(work / "tmp", 0o1777)
    _mount(_folder(work / "srv"), "/srv", flags=MS_BIND)
    _private_etc(work)
    _unmount_under("/run")
    _tmpfs("/run", 0o755)
    _folder(pathlib.Path("/run/lock"), 0o1777)
    _private_dev()
    _private_libvirt(work)
    _private_sys()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False, stderr=subprocess.DEVNULL)


def _copy_new(source, target):
    """What libvirt learnt about QEMU takes it a second; it checks itself whether what an earlier lab learnt still holds."""
    with contextlib.suppress(FileNotFoundError):
        target.mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            if not (target / entry.name).exists():
                partial = target / f".{entry.name}.{os.urandom(4).hex()}"
                shutil.copy2(entry, partial)
                partial.rename(target / entry.name)


def _sweep():
    """Removes what labs that were killed have left."""
    BASE.mkdir(parents=True, exist_ok=True)
    for entry in BASE.iterdir():
        with contextlib.suppress(OSError), open(entry / ".lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(entry, ignore_errors=True)


def _new_work_folder():
    """A folder of our own, and the lock that says that it is in use as long as this process lives."""
    fence = os.open(BASE, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(fence, fcntl.LOCK_EX)  # between mkdtemp and flock another lab must not sweep
    _sweep()
    work = pathlib.Path(tempfile.mkdtemp(dir=BASE))
    lock = os.open(work / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.close(fence)
    return work, lock


def _kill_all():
    """Ends every other process of the namespace and waits until they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _clear_away(work):
    _kill_all()
    _unmount_under(work)
    if not _mounts_under(work):  # else the next lab sweeps it, from outside
        shutil.rmtree(work, ignore_errors=True)


def _environment(work):
    dropped = ("DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "LD_PRELOAD")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment.update(VB_LAB=str(work), VB_CACHE=str(CACHE), LIBVIRT_DEFAULT_URI=URI, TMPDIR=str(work / "tmp"))
    return environment


def _run_command(command, work):
    """Runs the command, reaps what the others leave behind, passes on a wish to stop; the exit status is the command's."""
    child = subprocess.Popen(command, stdin=None if _open_descriptor(0) else subprocess.DEVNULL, env=_environment(work))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal tells the command as well
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _open_descriptor(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _save_logs(work, folder):
    for name in ("log", "tmp"):
        # A test may have left a file system whose device is broken.
        for place, _, files in os.walk(work / name):
            for path in (pathlib.Path(place) / file for file in files if file.endswith(".log")):
                target = pathlib.Path(folder) / path.relative_to(work)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def main():
    parser = argparse.ArgumentParser(prog="run-isolated")
    parser.add_argument("--logs", metavar="DIR", help="copy all *.log files there if the command fails")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command or os.getpid() != 1 or os.geteuid() != 0:
        parser.error("needs a command, and to be started by run-isolated as root")
    BASE.mkdir(parents=True, exist_ok=True)
    work, _lock = _new_work_folder()
    known = CACHE / "capabilities"
    try:
        _set_up(work)
        learnt = work / "cache/qemu/capabilities"
        _copy_new(known, learnt)
        start_libvirtd()
        status = _run_command(options.command, work)
        _copy_new(learnt, known)
        if status != 0 and options.logs:
            _save_logs(work, options.logs)
    except LabError as error:
        print(f"run-isolated: {error}", file=sys.stderr)
        status = 125
    finally:
        _clear_away(work)
    return status


if __name__ == "__main__":
    sys.exit(main())
