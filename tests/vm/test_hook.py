# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook in a real libvirt: starts are refused while a lock counts, and nothing else ever is.

What the hook makes of each lock file is tested in tests/hooks; here: that libvirt asks it when it must, and obeys.
"""

import os
import pathlib
import shutil
import signal
import subprocess

import guest as guests
import isolated
import libvirt
import pytest
from service import build_folder

SOURCE = pathlib.Path(__file__).resolve().parents[2]
INSTALLED = pathlib.Path("/etc/libvirt/hooks/qemu.d/vps-backup")
STATE = pathlib.Path("/var/lib/vps-backup")
LOCKS_DIR = pathlib.Path("/etc/vps-backup/locks-dir")
DAEMON_LOG = pathlib.Path("/var/log/libvirt/libvirtd.log")
AUTOSTARTED = pathlib.Path("/run/libvirt/qemu/autostarted")  # libvirt starts domains once in each run of the host

DONE = {"create": "created", "restore": "restored", "swap": "restored"}


class Owner:
    """A process that holds the lock of a VPS with the service's own code; it ends with the test."""

    def __init__(self, vps, word):
        self.process = subprocess.Popen([build_folder() / "tests/hooks/lock-owner", STATE, vps.vps, word], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._hear(word)

    def _hear(self, word):
        assert self.process.stdout.readline() == f"{word}\n"

    def tell(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        self._hear(word)

    def die(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own():
    """Makes live owners; what is left of them and their locks goes after the test."""
    owners = []

    def make(vps, word):
        owners.append(Owner(vps, word))
        return owners[-1]
    yield make
    for owner in owners:
        owner.die()
    shutil.rmtree(STATE / "locks", ignore_errors=True)


def restart_libvirtd(signal_number=signal.SIGTERM):
    isolated.stop_libvirtd(signal_number)
    isolated.start_libvirtd()


def install():
    shutil.copyfile(SOURCE / "hooks/vps-backup", INSTALLED)
    INSTALLED.chmod(0o755)


@pytest.fixture
def hook():
    """The hook is installed and libvirtd has seen it."""
    install()
    restart_libvirtd()
    yield
    INSTALLED.unlink()


@pytest.fixture
def blank(new_guest):
    def make(name="blank"):
        return new_guest(name, [guests.Disk("vda", size=8 << 20)], kind=guests.Blank)
    return make


def words(vps, word):
    return f"VPS {vps.name}: a backup is being {DONE[word]}; it can be started when that has finished."


def virsh(*arguments):
    return subprocess.run(["virsh", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def assert_refused(vps, word):
    done = virsh("start", vps.name)
    assert done.returncode != 0 and words(vps, word) in done.stdout, done.stdout
    assert not vps.active


def assert_starts(vps):
    done = virsh("start", vps.name)
    assert done.returncode == 0, done.stdout
    assert vps.running


@pytest.mark.parametrize("name", ["blank", "web 1 größe"])
@pytest.mark.parametrize("word", DONE)
def test_start_is_refused_in_our_words_until_the_owner_releases(hook, blank, own, word, name):
    vps = blank(name)
    owner = own(vps, word)
    assert_refused(vps, word)
    owner.tell("release")
    assert_starts(vps)


def test_running_vps_is_left_alone_but_does_not_start_again(hook, blank, own):
    vps = blank().start()
    owner = own(vps, "restore")
    assert vps.running
    vps.domain.reset()
    vps.domain.suspend()
    vps.domain.resume()
    assert vps.running
    vps.destroy()
    assert_refused(vps, "restore")
    owner.tell("swap")
    assert_refused(vps, "swap")
    owner.tell("release")
    assert_starts(vps)


def test_lock_of_one_vps_does_not_keep_another_down(hook, blank, own):
    locked, other = blank("locked"), blank("other")
    own(locked, "restore")
    assert_starts(other)
    assert_refused(locked, "restore")


@pytest.mark.parametrize("word", ["create", "restore"])
def test_lock_of_a_dead_owner_does_not_keep_a_vps_down(hook, blank, own, word):
    vps = blank()
    owner = own(vps, word)
    assert_refused(vps, word)
    owner.die()
    assert (STATE / "locks" / vps.vps).exists()
    assert_starts(vps)


def test_half_done_swap_keeps_the_vps_down_without_its_owner(hook, blank, own):
    vps = blank()
    own(vps, "swap").die()
    assert_refused(vps, "swap")
    own(vps, "swap").tell("release")  # what the service does when it is back
    assert_starts(vps)


def test_damaged_lock_says_what_to_do(hook, blank, own):
    vps = blank()
    lock = STATE / "locks" / vps.vps
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("")
    done = virsh("start", vps.name)
    assert done.returncode != 0 and f"VPS {vps.name}: its lock file {lock} cannot be read; restart vps-backupd" in done.stdout
    lock.unlink()
    assert_starts(vps)


def test_description_longer_than_a_pipe_holds(hook, blank, own):
    """The hook reads the beginning only; libvirt must not mind that the rest is never read."""
    vps = blank()
    vps.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "long " * 100000, None, None,
                           libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    assert_starts(vps)
    vps.destroy()
    own(vps, "create")
    assert_refused(vps, "create")


def test_saved_state_survives_a_refused_start(hook, blank, own):
    vps = blank().start()
    vps.domain.managedSave()
    owner = own(vps, "create")
    assert_refused(vps, "create")
    assert vps.domain.hasManagedSaveImage()
    owner.tell("release")
    assert_starts(vps)
    assert not vps.domain.hasManagedSaveImage()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("word", ["create", "restore", "swap", "damaged"])
def test_restart_of_libvirtd_leaves_running_guests_running(hook, blank, own, word, signal_number):
    vps = blank().start()
    pid = vps.qemu_pid()
    if word == "damaged":
        (STATE / "locks").mkdir(exist_ok=True)
        (STATE / "locks" / vps.vps).mkdir()
    else:
        own(vps, word)
    restart_libvirtd(signal_number)
    vps.refresh()
    assert vps.running and vps.qemu_pid() == pid
    os.kill(pid, 0)
    vps.domain.suspend()
    vps.domain.resume()  # its monitor answers


def test_autostart_after_a_crash_does_not_boot_a_half_swapped_vps(hook, blank, own):
    swapping, copying, idle = blank("swapping"), blank("copying"), blank("idle")
    for vps, word in ((swapping, "swap"), (copying, "restore")):
        vps.domain.setAutostart(True)
        own(vps, word).die()
    idle.domain.setAutostart(True)
    isolated.stop_libvirtd(signal.SIGKILL)
    AUTOSTARTED.unlink()
    logged = len(DAEMON_LOG.read_bytes())
    isolated.start_libvirtd()
    for vps in (swapping, copying, idle):
        vps.refresh()
    for vps in (copying, idle):
        isolated.wait_until(lambda vps=vps: vps.active, f"{vps.name} has been started")
    isolated.wait_until(lambda: words(swapping, "swap").encode() in DAEMON_LOG.read_bytes()[logged:], "libvirt has said why")
    assert not swapping.active


def test_running_libvirtd_sees_its_first_hook_after_sighup(blank, own):
    """What the installer tells the administrator to do is enough."""
    assert list(INSTALLED.parent.iterdir()) == []
    restart_libvirtd()
    vps = blank()  # libvirtd has answered, so it has started: before, it ignores the signal
    own(vps, "create")
    install()
    os.kill(isolated.libvirtd_pid(), signal.SIGHUP)

    def refused():
        try:
            vps.start()
        except libvirt.libvirtError as error:
            assert words(vps, "create") in str(error)
            return True
        vps.destroy()
        return False
    try:
        isolated.wait_until(refused, "libvirtd asks the hook")
    finally:
        INSTALLED.unlink()


# ---- with the service itself


@pytest.fixture
def locked_service(hook, slow_service):
    """A service that copies slowly, and its locks where the hook is told to look."""
    LOCKS_DIR.write_text(f"{slow_service.state / 'locks'}\n")
    yield slow_service
    LOCKS_DIR.unlink()


def copying(client, method, vps, **params):
    """Starts an operation and waits until it copies; the result is its id."""
    operation = client.request(method, vps=vps.vps, **params)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    return operation


def switched_off(client, vps):
    """Cuts the power of a VPS and waits until the service knows."""
    client.subscribe(vps.vps)
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", f"{vps.name} is off")


def test_create_and_restore_of_a_vps_that_is_off(locked_service, new_blank):
    vps = new_blank()
    client = locked_service.client()
    switched_off(client, vps)

    creating = copying(client, "backup.create", vps)
    assert_refused(vps, "create")
    assert client.wait_operation(vps.vps, creating)["state"] == "completed"
    assert_starts(vps)
    switched_off(client, vps)

    restoring = copying(client, "backup.restore", vps, backup=client.vps[vps.vps]["backups"][0]["id"])
    assert_refused(vps, "restore")
    assert client.wait_operation(vps.vps, restoring)["state"] == "completed"
    assert not vps.active
    assert_starts(vps)


def test_vps_that_goes_off_during_a_create_stays_off_until_its_end(locked_service, new_blank):
    vps = new_blank()
    client = locked_service.client()
    client.subscribe(vps.vps)
    creating = copying(client, "backup.create", vps)
    vps.destroy()
    assert_refused(vps, "create")
    client.wait_operation(vps.vps, creating)
    assert_starts(vps)


def test_restore_starts_the_vps_itself(locked_service, new_blank):
    """The lock goes before the service starts the VPS, or the hook would refuse that as well."""
    vps = new_blank()
    client = locked_service.client()
    client.subscribe(vps.vps)
    _, backup = client.back_up(vps.vps)
    restoring = copying(client, "backup.restore", vps, backup=backup, stop_first=True)
    assert_refused(vps, "restore")
    assert client.wait_operation(vps.vps, restoring)["state"] == "completed"
    assert vps.running


def test_killed_service_does_not_keep_the_vps_down(locked_service, new_blank):
    vps = new_blank()
    client = locked_service.client()
    switched_off(client, vps)
    copying(client, "backup.create", vps)
    assert_refused(vps, "create")
    locked_service.kill()
    assert locked_service.lock_path(vps.vps).read_text().startswith("create ")
    assert_starts(vps)
    locked_service.start()
    isolated.wait_until(lambda: not locked_service.lock_path(vps.vps).exists(), "the service has cleaned up")
    vps.destroy()
    assert_starts(vps)
