# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of an installation, from the package to its removal, on one bare system with systemd. The tests are a story: each goes on
where the one before has ended."""

import json
import re
import shutil
import signal
import sqlite3

import bare as bares
import isolated
from web1 import DOMAIN, IMAGE, backups, holds, operation, vps, wait_copying, wait_end, write, write_offline

NEXT = "1.2.0"  # the linker stores JSON-RPC's "2.0" as the end of "0.2.0"
# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
CAPABILITIES = 0b1111


def worker_status(bare):
    """What the kernel says of the process that works."""
    main = bare.show("MainPID")
    worker = bare.run("cat", f"/proc/{main}/task/{main}/children").split()[0]
    return worker, dict(line.split(":\t", 1) for line in bare.run("cat", f"/proc/{worker}/status").splitlines())


# ---- the package

def test_lintian_has_nothing_to_say(packages):
    isolated.run("lintian", "--allow-root", "--fail-on", "error,warning", *packages.glob("*.changes"))


def test_installed(bare):
    modes = bare.run("stat", "-c", "%a %U %n", "/etc/vps-backup/vps-backup.conf", "/etc/vps-backup/keys", "/var/lib/vps-backup",
                     "/run/vps-backup", "/etc/libvirt/hooks/qemu.d/vps-backup").splitlines()
    assert [mode.split()[:2] for mode in modes] == [["600", "root"], ["700", "root"], ["755", "root"], ["755", "root"], ["755", "root"]]
    assert bare.show("LoadState") == "loaded" and bare.show("ActiveState") == "inactive" and bare.show("NRestarts") == "0"
    assert bare.call("systemctl", "is-enabled", bares.UNIT).stdout.strip() == "disabled", "there is no pool yet"


# ---- the first day

def readme_block(heading):
    text = (bares.SOURCE / "README.md").read_text().split(f"\n## {heading}\n")[1]
    return re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)


def test_first_steps_as_the_readme_says(bare):
    bare.run("qemu-img", "create", "-q", "-f", "qcow2", IMAGE, "64M")
    write_offline(bare, 0xa1)
    (bare.root / "root/web1.xml").write_text(DOMAIN)
    bare.run("virsh", "define", "/root/web1.xml")
    bare.run("virsh", "start", "web1")
    told = bare.sh(readme_block("First steps").replace("restore web1 latest", "restore web1 latest --yes"))
    assert "is available" in told and "Restored from backup" in told, told
    assert "problem" not in told, "doctor"
    assert vps(bare)["power"] == "running" and len(backups(bare)) == 1
    assert vps(bare)["backups"][0]["name"] == "before the upgrade"


def test_restore(bare):
    write(bare, 0xb2)
    bare.run("vps-backupctl", "restore", "web1", "latest", "--yes", "--wait")
    bare.run("virsh", "destroy", "web1")
    assert holds(bare, 0xa1) and not holds(bare, 0xb2)
    bare.run("virsh", "start", "web1")


# ---- the unit

def test_unit_is_kept_in(bare):
    assert (bare.show("Type"), bare.show("ActiveState"), bare.show("SubState")) == ("notify", "active", "running")
    assert bare.show("StatusText").startswith("Serving 1 VPSs")
    bare.run("systemd-analyze", "security", "--threshold=30", bares.UNIT)
    _, status = worker_status(bare)
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16)) == (CAPABILITIES, CAPABILITIES)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_log_has_fields(bare):
    entries = [json.loads(line) for line in bare.run("journalctl", "-o", "json", f"VPS={vps(bare)['vps']}").splitlines()]
    assert {"OPERATION", "BACKUP", "PRIORITY", "MESSAGE"} <= set(entries[-1])
    one = bare.run("journalctl", "-o", "cat", f"OPERATION={entries[-1]['OPERATION']}").splitlines()
    assert [line.split()[1] for line in one if line.startswith("restore")] == ["queued", "preparing", "copying", "finishing", "completed"]
    audit = [json.loads(line) for line in bare.run("journalctl", "-o", "json", "METHOD=backup.restore").splitlines()]
    assert {entry["OUTCOME"] for entry in audit} == {"ok"} and {entry["SUBJECT"] for entry in audit} == {"uid:0"}


def test_hook_is_asked(bare):
    bare.configure(bandwidth_limit="6M", delta_limit="0", scratch_reserve="64M")
    bare.run("virsh", "destroy", "web1")
    bare.run("vps-backupctl", "delete", "web1", "latest")
    bare.run("vps-backupctl", "create", "web1")
    wait_copying(bare, 1)
    refused = bare.call("virsh", "start", "web1")
    assert refused.returncode == 1 and "a backup is being created; it can be started when that has finished" in refused.stderr
    wait_end(bare, operation(bare)["id"])
    bare.run("virsh", "start", "web1")
    assert len(backups(bare)) == 1


def test_watchdog(bare):
    """It is fed by the process that works; one that hangs is ended, and the next one takes over."""
    bare.sh(f"mkdir -p /run/systemd/system/{bares.UNIT}.d; printf '[Service]\\nWatchdogSec=3\\n' >/run/systemd/system/{bares.UNIT}.d/quick.conf")
    bare.sh(f"systemctl daemon-reload; systemctl restart {bares.UNIT}")
    fed = set()

    def fed_for_long():
        fed.add(int(bare.show("WatchdogTimestampMonotonic")))
        return max(fed) - min(fed) > 7_000_000
    bares.wait_until(fed_for_long, "the watchdog was fed again and again")
    assert bare.show("NRestarts") == "0"
    worker, _ = worker_status(bare)
    bare.run("kill", f"-{signal.SIGSTOP.value}", worker)
    bares.wait_until(lambda: bare.show("NRestarts") != "0" and bare.show("ActiveState") == "active", "it was started anew")
    assert "Watchdog timeout" in bare.log()
    assert bare.call("kill", "-0", worker).returncode != 0, "the one that hung is gone"
    assert len(backups(bare)) == 1
    bare.sh(f"rm -r /run/systemd/system/{bares.UNIT}.d; systemctl daemon-reload; systemctl restart {bares.UNIT}")


# ---- the next version

def upgrade(bare, package):
    shutil.copy(package, bare.root / "root/next.deb")
    inode = bare.sh("stat -c %i /usr/lib/*/vps-backup/vps-backup.so")
    bare.run("dpkg", "-i", "/root/next.deb")
    assert bare.sh("stat -c %i /usr/lib/*/vps-backup/vps-backup.so") != inode
    assert operation(bare)["state"] == "copying", "the old version still works"
    bare.run("systemctl", "restart", bares.UNIT)


def version_of_service(bare):
    """Of the process that runs, not of the file."""
    text = bare.sh("""printf 'GET /metrics HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n' |
        perl -MSocket -e 'socket (S, PF_UNIX, SOCK_STREAM, 0); connect (S, sockaddr_un ("/run/vps-backup/vps-backup.sock")) or die;
        syswrite (S, join "", <STDIN>); print <S>'""")
    return re.search(r'vps_backup_build_info\{version="(.*)"\} 1', text).group(1)


def test_upgrade_in_the_midst_of_a_backup(bare, package):
    newer = bares.with_version(package, NEXT)
    bare.configure(bandwidth_limit="1M", delta_limit="0", scratch_reserve="64M")  # slow enough for an upgrade in between
    write(bare, 0xc3)
    bare.run("vps-backupctl", "create", "web1", "--name", "across versions")
    begun = wait_copying(bare, 2 << 20)
    before = bare.show("MainPID")
    upgrade(bare, newer)
    assert bare.show("MainPID") != before and version_of_service(bare) == NEXT
    write(bare, 0xd4)  # after the point in time
    ended = wait_end(bare, begun["id"])
    assert ended["state"] == "completed" and ended["backup"] == begun["backup"], ended
    assert "The capture continues" in bare.log()
    assert backups(bare)[0] == begun["backup"]
    image = bare.root / "srv/backups" / vps(bare)["vps"] / begun["backup"] / "vda.raw"
    assert image.read_bytes()[1 << 20:41 << 20] == bytes([0xc3]) * (40 << 20)


def test_restart_in_the_midst_of_a_restore(bare):
    """Nothing of the VPS was touched yet: it restarts, as the same operation."""
    bare.run("vps-backupctl", "restore", "web1", "latest", "--yes")
    begun = wait_copying(bare, 1)
    bare.configure(bandwidth_limit="6M", delta_limit="0", scratch_reserve="64M")
    assert wait_end(bare, begun["id"])["state"] == "completed"
    assert "The restore restarts" in bare.log()
    assert vps(bare)["power"] == "running"
    bare.run("virsh", "destroy", "web1")
    assert holds(bare, 0xc3)


def test_host_is_restarted(bare):
    """In the midst of a backup of a VPS that is off: the service starts with the host, and the backup is made."""
    bare.run("vps-backupctl", "delete", "web1", vps(bare)["backups"][-1]["id"])
    bare.run("vps-backupctl", "create", "web1", "--name", "across a restart of the host")
    begun = wait_copying(bare)
    bare.end()
    bare.boot()
    bares.wait_until(lambda: bare.show("ActiveState") == "active", "the service has started with the host")
    assert wait_end(bare, begun["id"])["state"] == "completed"
    assert backups(bare)[0] == begun["backup"]
    bare.run("vps-backupctl", "verify", "web1", "latest")


def test_older_version_refuses_the_journal_of_a_newer_one(bare):
    journal = bare.root / "var/lib/vps-backup/journal.sqlite"
    bare.run("systemctl", "stop", bares.UNIT)
    with sqlite3.connect(journal) as database:
        known = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA user_version = {known + 1}")
    database.close()
    assert bare.call("systemctl", "start", bares.UNIT).returncode != 0
    assert f"was written by a newer vps-backup (format {known + 1}, this one knows up to {known}); install that version again" in bare.log()
    bare.run("systemctl", "stop", bares.UNIT)
    with sqlite3.connect(journal) as database:
        database.execute(f"PRAGMA user_version = {known}")
    database.close()
    bare.sh(f"systemctl reset-failed {bares.UNIT} || true; systemctl start {bares.UNIT}")
    assert len(backups(bare)) == 2


# ---- the end

def test_removal_leaves_the_pool_alone(bare):
    pool = bare.root / "srv/backups"
    before = sorted((str(path.relative_to(pool)), path.stat().st_size) for path in pool.rglob("*"))
    journal = bare.root / "var/lib/vps-backup/journal.sqlite"
    bare.run("apt-get", "remove", "-y", "-qq", "vps-backup")
    assert bare.call("pgrep", "vps-backupd").returncode != 0, "it was stopped"
    assert not (bare.root / "usr/sbin/vps-backupd").exists() and journal.exists()
    assert (bare.root / "etc/vps-backup/vps-backup.conf").exists(), "the administrator's"
    bare.run("apt-get", "purge", "-y", "-qq", "vps-backup")
    assert not journal.exists() and not (bare.root / "etc/libvirt/hooks/qemu.d/vps-backup").exists()
    assert sorted((str(path.relative_to(pool)), path.stat().st_size) for path in pool.rglob("*")) == before
    bare.run("virsh", "start", "web1")
