# SPDX-License-Identifier: LGPL-2.1-or-later
"""The story that tests/demo tells, inside a private libvirt (see isolated.py)."""

import argparse
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
import time

import guest as guests
import isolated
import service as services

NAME = "demo"
LETTER = "/mnt/vda/letter.txt"
BANDWIDTH = "40M"  # bytes a second: slow enough that the progress bar can be seen
ALL_PERMISSIONS = ["backup.read", "backup.create", "backup.restore", "backup.delete", "power"]


def say(text=""):
    print(textwrap.fill(" ".join(text.split()), 100), flush=True)


def step(title):
    print(f"\n== {title}", flush=True)


def free_port():
    """The default port, or any other when the machine uses it."""
    for port in (services.PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise isolated.LabError("no free TCP port")


def first_files():
    folder = isolated.new_folder("demo-disk")
    (folder / "photos").mkdir()
    for number in range(1, 5):
        (folder / f"photos/{number}.raw").write_bytes(os.urandom(32 << 20))
    return folder


def command(service):
    return [str(services.build_folder() / "ui-bridge/vps-backupctl"), "--socket", str(service.socket)]


def ctl(service, *words):
    print(f"$ vps-backupctl {shlex.join(words)}", flush=True)
    done = subprocess.run([*command(service), *words], stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise isolated.LabError(f"vps-backupctl {words[0]} ended with status {done.returncode}:\n{service.log_tail(20)}")


def show_guest(vps):
    letter = vps.run(f"cat {LETTER}")
    photos = vps.sh("ls /mnt/vda/photos | wc -l").strip()
    text = letter[1].decode().strip() if letter[0] == 0 else "(it is gone)"
    print(f"  counter {vps.counter()}   photos {photos}   letter: {text}", flush=True)


def expect(truth, what):
    if not truth:
        raise isolated.LabError(f"the demonstration has failed: {what}")


def tell(vps, service):
    step("The guest")
    vps.write_file(LETTER, b"Dear future me, this is the good version.\n")
    vps.wait_counter(2)
    say("A small Linux with a file system and a counter that it writes to its disk ten times a second. On its console:")
    print(textwrap.indent("\n".join(vps.console().splitlines()[-3:]), "  "))
    before, counted = vps.tree_sums(), vps.counter()
    show_guest(vps)

    step("A backup of the running guest")
    say(f"The copy is held to {BANDWIDTH} bytes a second here, so that there is something to see.")
    ctl(service, "create", NAME, "--name", "the good version", "--wait")
    ctl(service, "show", NAME)
    after_backup = vps.wait_counter(counted)
    say(f"Meanwhile the guest went on counting, from {counted} to {after_backup}.")

    step("Something goes wrong in the guest")
    vps.sh(f"rm -r /mnt/vda/photos/[123].raw && echo 'ALL YOUR FILES ARE MINE' >{LETTER} && sync")
    show_guest(vps)
    expect(vps.tree_sums() != before, "the guest's files should have changed")

    step("The restore")
    say("The backup is copied beside the present disk while the guest runs; then the guest is stopped for the swap only.")
    ctl(service, "restore", NAME, "latest", "--yes", "--wait")
    vps.wait_ready()
    show_guest(vps)
    expect(vps.tree_sums() == before, "the guest's files should be the old ones")
    expect(vps.active, "the guest should be running again")
    print("\n*** The guest sees its old data again: every checksum of its files is as it was before the backup. ***")


def tell_delete(vps, service):
    step("The backup is deleted, its slot is free again")
    ctl(service, "delete", NAME, "latest")
    ctl(service, "list")
    left = service.backup_folders(vps.vps)
    expect(not left, f"the pool should be empty, but has {left}")


def linger(vps, service, port):
    step("Everything is left running; Ctrl-C ends it")
    ctl(service, "create", NAME, "--name", "one to play with", "--wait")
    token = service.token(vps=[vps.vps], perms=ALL_PERMISSIONS, sub="demo", exp=int(time.time()) + 12 * 3600)
    inside = f"nsenter -t $(pgrep -P {os.environ.get('VB_OUTER_PID', 'PID')}) -m -p"
    print(f"""
Panel (a token for 12 hours):
  http://127.0.0.1:{port}/panel/#vps={vps.vps}&token={token}

Command line, guest and libvirt, as root of this machine:
  alias inside='{inside}'
  inside {' '.join(command(service))} show {NAME}
  inside virsh list
  inside tail -f {vps.console_path}

Backups: {service.pool}
Log:     {service.log_path}""", flush=True)
    while service.alive:
        time.sleep(1)
    raise isolated.LabError(f"the service has ended by itself:\n{service.log_tail(20)}")


def main():
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    port = free_port()
    service = vps = None
    try:
        step("A private libvirt, a guest and the service are started")
        say("They live in a folder of their own; the libvirt of this machine does not see them.")
        vps = guests.Guest(NAME, [guests.Disk("vda", size=512 << 20, tree=first_files())])
        service = services.Service(pool_path=pathlib.Path(os.environ["VB_LAB"]) / "srv/backups",
                                   operations={"bandwidth-limit": BANDWIDTH},
                                   bridge={"listen": f"127.0.0.1:{port}"}).init_pool().start()
        vps.boot()
        tell(vps, service)
        tell_delete(vps, service)
        if not options.once:
            linger(vps, service, port)
        step("Done")
        return 0
    except (isolated.LabError, services.Refused, AssertionError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        print("Clearing away", flush=True)
        if service is not None:
            service.stop()
        if vps is not None:
            vps.remove()


if __name__ == "__main__":
    sys.exit(main())
