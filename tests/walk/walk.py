# SPDX-License-Identifier: LGPL-2.1-or-later
"""The walk: random steps of customers, administrators and accidents, and after each of them every backup and every disk is compared with
a model. Started by `run`, inside an isolated host."""

import argparse
import contextlib
import os
import pathlib
import random
import re
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

# pylint: disable=wrong-import-position
import guest as guests
import guest_view
import isolated
import service as services

import model
import steps_guest    # pylint: disable=unused-import # each registers its steps
import steps_host     # pylint: disable=unused-import
import steps_service
from machine import Machine
from table import STEPS, NotPossible

MIB = 1 << 20
KINDS = ["qcow2", "qcow2", "qcow2", "raw", "linked", "linked-said"]   # the last one's definition names its chain
EPISODE = 50   # steps of one host, before it is laid out afresh with the next seed


class Walk:
    """One host with a service and one or two VPSs."""

    def __init__(self, seed, without=()):
        self.random = random.Random(seed)
        self.without = set(without)
        self.made = 0
        self.counts = {}
        self.machines = []
        self.templates = []
        self.past = []
        self.client = None
        self.service = None
        self.mount = isolated.mount_xfs(isolated.new_folder("walk") / "mnt", 3 << 30)
        self.folder = self.mount / "disks"
        self.folder.mkdir()
        self.documented = set(re.findall(r"^\| `([a-z_]+)` \|", (services.source_folder() / "ui-bridge/PROTOCOL.md").read_text(), re.M))
        options = {"delta-limit": 0} if self.random.random() < 0.4 else {}
        self.service = services.Service(self.mount / "pool", slots={"included": 6, "maximum": 6}, operations=options).init_pool()
        self.start_service()
        self.layout = f"{'staged' if options else 'delta'} restores; {self._lay_out()}"

    # ---- what there is

    def make_disk(self, path, image_format, template=None):
        size = self.random.choice([4, 6, 8]) * MIB if template is None else template.size
        below = ["-b", template.path, "-F", "qcow2"] if template else []
        isolated.run("qemu-img", "create", "-q", "-f", image_format, *below, path, *([] if template else [size]))
        content = bytearray(guests.image_bytes(path, image_format)) if template else bytearray(size)
        byte = self.random.randrange(1, 256)
        length = self.random.choice([0, MIB, size // 2])
        if length:
            isolated.run("qemu-io", "-f", image_format, "-c", f"write -q -P {byte} 0 {length}", path)
            content[:length] = bytes([byte]) * length
        return model.Disk(content, image_format, template)

    def _make_template(self):
        path, size = self.folder / "template.qcow2", 6 * MIB
        isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, size)
        isolated.run("qemu-io", "-f", "qcow2", "-c", "write -q -P 0x70 0 3M", "-c", "write -q -P 0x71 4M 1M", path)
        self.templates.append(model.Template(path, size))

    def _lay_out(self):
        kinds = [self.random.choice(KINDS) for _ in range(self.random.randrange(1, 5))]
        kinds = [kind if kind not in self.without else "qcow2" for kind in kinds]
        if any(kind.startswith("linked") for kind in kinds):
            self._make_template()
        disks = {}
        for number, kind in enumerate(kinds):
            image_format = "raw" if kind == "raw" else "qcow2"
            template = self.templates[0] if kind.startswith("linked") else None
            path = self.folder / f"w1-{number}.{image_format}"
            backing = (f"<backingStore type='file'><format type='qcow2'/><source file='{template.path}'/><backingStore/></backingStore>"
                       if kind == "linked-said" else "")
            disks[f"vd{'abcd'[number]}"] = (self.make_disk(path, image_format, template), path, backing)
        self.add(Machine("w1", disks))
        return ", ".join(kinds)

    def add(self, vps):
        self.machines.append(vps)
        self.client.follow(vps.vps)

    def drop(self, vps):
        self.machines.remove(vps)
        vps.remove()

    # ---- the service

    def start_service(self):
        self.service.start()
        self.client = self.service.client()
        for vps in self.machines:
            self.client.follow(vps.vps)

    def knows(self, method):
        return f"`{method}`" in (services.source_folder() / "ui-bridge/PROTOCOL.md").read_text()

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # ---- walking

    def step(self):
        """One step that was possible."""
        while True:
            vps = self.random.choice(self.machines)
            able = [(name, weight) for name, (weight, when, _) in STEPS.items() if name not in self.without and when(self, vps)]
            name = self.random.choices([name for name, _ in able], [weight for _, weight in able])[0]
            self.past.append(f"{vps.name} {name} …")
            try:
                told = STEPS[name][2](self, vps)
            except NotPossible as refused:
                self.past[-1] = f"{vps.name} {name}: not possible: {str(refused).splitlines()[0]}"
                continue
            self.past[-1] = f"{vps.name} {name} {told}".rstrip()
            self.count(name)
            return

    def check(self):
        """Every disk as its guest sees it, every backup, and what lies around."""
        for vps in self.machines:
            self._check_power(vps)
            for target, disk in vps.state.now.items():
                found = model.first_difference(guest_view.disk_bytes(vps, target), bytes(disk.content))
                assert found is None, f"{target} of {vps.name}: {found}"
            self._check_backups(vps)
            self._check_traces(vps)
        assert not self.service.problems(), self.service.problems()[:3]

    def _check_power(self, vps):
        assert vps.active == (vps.state.live is not None), f"{vps.name} should be {'off' if vps.active else 'on'}"
        if vps.state.live is not None:
            assert vps.live_targets() == set(vps.state.live), f"{vps.name} has the disks {vps.live_targets()}, not {set(vps.state.live)}"
        defined = {disk.find("target").get("dev") for disk in vps.definition().iterfind("devices/disk")}
        assert defined == set(vps.state.defined), f"{vps.name} has the disks {defined} defined, not {set(vps.state.defined)}"

    def _check_backups(self, vps):
        for backup, kept in vps.state.backups.items():
            folder = self.service.backup_path(vps.vps, backup)
            for target, content in kept.content.items():
                found = model.first_difference((folder / f"{target}.raw").read_bytes(), content)
                assert found is None, f"{target} of backup {backup}: {found}"
        listed = {one["id"] for one in self.client.request("vps.get", vps=vps.vps)["backups"]}
        assert listed == set(vps.state.backups), f"the list has {listed}, not {set(vps.state.backups)}"
        assert set(self.service.backup_folders(vps.vps)) == listed, f"the pool has {self.service.backup_folders(vps.vps)}"

    def _check_traces(self, vps):
        """Checkpoints of backups that are there only, no scratch or staged files, no lock."""
        for name in vps.checkpoints():
            of_a_disk = name.startswith(f"vps-backup-disk.{vps.vps}.")
            assert of_a_disk or any(backup in name for backup in vps.state.backups), f"{vps.name} has a checkpoint that is not its own: {name}"
        assert self.service.lock_held(vps.vps) is None
        if not any((self.client.vps.get(one.vps) or {}).get("undo") for one in self.machines):
            left = sorted(path.name for path in self.folder.iterdir() if "vps-backup" in path.name)
            assert not left, f"left beside the disks: {left}"

    def close(self):
        self.service.stop()
        for vps in list(self.machines):
            self.drop(vps)
        isolated.unmount(self.mount)

    def abandon(self):
        """After a fault: out of the next host's way, whatever state this one is in."""
        self.service.close_clients()
        self.service.kill()
        if not isolated.libvirtd_runs():
            isolated.start_libvirtd()
        for vps in self.machines:
            with contextlib.suppress(Exception):
                vps.refresh()
                vps.remove()
        isolated.run("umount", "--lazy", self.mount)


def walk_one(seed, steps, without, verbose):
    """An episode: (steps that were walked, what is wrong or None)."""
    walk, number = Walk(seed, without), 0
    try:
        print(f"seed {seed}: {walk.layout}", flush=True)
        walk.check()
        for number in range(1, steps + 1):
            walk.step()
            if verbose:
                print(f"  {number:3} {walk.past[-1]}", flush=True)
            walk.check()
        walk.close()
    except Exception as error:  # pylint: disable=broad-except # whatever it is, it is told with the seed
        told = traceback.format_exc()
        print(f"seed {seed}, step {number}: {error}", *(f"  {line}" for line in walk.past), told, walk.service.log_tail(30), sep="\n", flush=True)
        walk.abandon()
        return number, f"seed {seed}, step {number}: {error}"
    print(f"seed {seed}: {steps} steps, {dict(sorted(walk.counts.items()))}", flush=True)
    return steps, None


def main():
    parser = argparse.ArgumentParser(prog="run")
    parser.add_argument("--steps", type=int, default=EPISODE, help="in all; a new host is laid out after each %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the first host; the next ones count up")
    parser.add_argument("--without", default="", metavar="NAME,…", help="steps and kinds of disks that are left out, to find out what a fault needs")
    parser.add_argument("--only-long", action="store_true", help="do nothing (status 77) unless VB_LONG is set")
    parser.add_argument("--keep-going", action="store_true", help="with the next host after a fault")
    parser.add_argument("--verbose", action="store_true", help="print each step as it is done")
    options = parser.parse_args()
    if options.only_long and not os.environ.get("VB_LONG"):
        return 77
    without = [name for name in options.without.split(",") if name]
    unknown = [name for name in without if name not in STEPS and name not in KINDS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)} (there are {', '.join([*STEPS, *dict.fromkeys(KINDS)])})")
    walked, seed, faults, began = 0, options.seed, [], time.monotonic()
    while walked < options.steps:
        done, fault = walk_one(seed, min(EPISODE, options.steps - walked), without, options.verbose)
        walked, seed = walked + done, seed + 1
        if fault:
            faults.append(fault)
            if not options.keep_going:
                break
    print(f"{walked} steps in {time.monotonic() - began:.0f} s, {len(faults)} faults", *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
