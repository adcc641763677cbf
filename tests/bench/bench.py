# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmarks (started by tests/bench/run): chooses what is measured, sets up what all need, prints the tables."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import isolated  # noqa: E402
import machine  # noqa: E402
import measure_full  # noqa: E402
import measure_hung  # noqa: E402
import measure_many  # noqa: E402
import measure_repeat  # noqa: E402
import subjects  # noqa: E402
from report import Table, size  # noqa: E402

MEASUREMENTS = {
    "full": measure_full.full,
    "restore": measure_full.restore,
    "latency": measure_full.latency,
    "hung": measure_hung.hung,
    "repeat": measure_repeat.repeat,
    "repeat-restore": measure_repeat.repeat_restore,
    "pool-use": measure_repeat.pool_use,
    "disk-size": measure_repeat.disk_size,
    "many": measure_many.many,
}


class Bench:
    """What all measurements share: two file systems, VPSs on copies of one image, the tables."""

    def __init__(self, scale, wait_quiet_s):
        self.scale = scale
        self.wait_quiet_s = wait_quiet_s
        self.tables = []
        self.caches = [machine.COLD, machine.WARM] if machine.can_drop_caches() else [machine.WARM]
        self.power = subjects.PowerWatch()
        self.disks = machine.FileSystem("/srv/disks", scale.file_system)
        self.pool = machine.FileSystem("/srv/pool", scale.file_system)
        self._images = {}
        self._vpss = []
        self._sessions = 0

    # ---- tables

    def add(self, table):
        self.tables.append(table)
        return table

    def table(self, *words, **options):
        return self.add(Table(*words, **options))

    def disk_text(self, virtual=None, data=None):
        return f"qcow2 of {size(virtual or self.scale.virtual)} that holds {size(data or self.scale.data)}"

    # ---- what is measured

    def image(self, virtual=None, data=None):
        """The image that VPSs of this size start from; made when it is first asked for."""
        key = (virtual or self.scale.virtual, data or self.scale.data)
        if key not in self._images:
            machine.say(f"  making the disk: {self.disk_text(*key)}")
            self._images[key] = subjects.make_image(self.disks.path / f"master-{len(self._images)}.qcow2", *key)
        return self._images[key]

    def blank(self, name, virtual=None, data=None):
        return self.keep(subjects.blank_on(name, subjects.clone_image(self.image(virtual, data), self.disks.path / f"{name}.qcow2")))

    def linux(self, name, virtual=None, data=None):
        return self.keep(subjects.linux_on(name, subjects.clone_image(self.image(virtual, data), self.disks.path / f"{name}.qcow2")))

    def keep(self, vps):
        self._vpss.append(vps)
        return vps

    def remove_all(self):
        """The VPSs of a measurement are gone after it, also of one that failed."""
        while self._vpss:
            self._vpss.pop().remove()

    @contextlib.contextmanager
    def session(self, **config):
        """The service on a new pool, which is gone with it."""
        self._sessions += 1
        folder = self.pool.path / f"backups-{self._sessions}"
        try:
            with subjects.Session(self.power, folder, **config) as session:
                yield session
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def scratch_folder(self, name, where=None):
        folder = (where or self.pool).folder(name)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def scratch_file(self, name, where=None):
        path = (where or self.pool).path / name
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @staticmethod
    def log_path(name):
        return isolated.lab() / "tmp" / f"{name}.log"

    # ---- the course of a measurement

    def settle(self, cache, *sources):
        """Brings the caches into a state; the result is how many cores others keep busy."""
        machine.settle(cache, *sources)
        return machine.wait_quiet(self.wait_quiet_s) if self.wait_quiet_s else machine.busy_cores()

    @staticmethod
    def rounds(number, actions):
        """Each action once a round, begun by another one each time: none always profits or suffers from what came before."""
        for turn in range(number):
            machine.say(f"  round {turn + 1} of {number}")
            for place in range(len(actions)):
                actions[(turn + place) % len(actions)]()


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures the service against its peers.")
    parser.add_argument("--quick", action="store_true", help="small disks and few rounds: shows that it works, not how fast it is")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MEASUREMENTS, help="may be given several times")
    parser.add_argument("--json", action="store_true", help="one JSON object with every sample instead of tables")
    parser.add_argument("--rounds", type=int, metavar="N", help="samples of each figure")
    parser.add_argument("--wait-quiet", type=float, default=0, metavar="SECONDS",
                        help="before each sample, wait at most so long until others leave the machine alone")
    parser.add_argument("--list", action="store_true", help="print the names of the measurements")
    return parser.parse_args()


def chosen_scale(given):
    scale = subjects.QUICK if given.quick else subjects.FULL
    return dataclasses.replace(scale, rounds=given.rounds, repeat_rounds=given.rounds) if given.rounds else scale


def measure(bench, names, tell):
    """Runs the measurements and tells each table; one that fails does not stop the others. The result is the failed ones."""
    failed = {}
    for name in names:
        machine.say(f"== {name}: {MEASUREMENTS[name].__doc__}")
        before = len(bench.tables)
        start = machine.describe()
        try:
            MEASUREMENTS[name](bench)
        except Exception as error:  # pylint: disable=broad-exception-caught # reported below, and in the exit status
            failed[name] = f"{type(error).__name__}: {error}"
            machine.say(f"  FAILED: {failed[name]}")
        finally:
            bench.remove_all()
        for table in bench.tables[before:]:
            table.note(f"Machine before: {start}")
            table.note(f"Machine after: {machine.describe()}")
            tell(table)
    return failed


def main():
    given = options()
    if given.list:
        for name, measurement in MEASUREMENTS.items():
            print(f"{name:16} {measurement.__doc__}")
        return 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    start = machine.describe()
    began = time.monotonic()
    bench = Bench(chosen_scale(given), given.wait_quiet)
    failed = measure(bench, given.only or list(MEASUREMENTS),
                     (lambda table: None) if given.json else (lambda table: print(table.markdown(), flush=True)))
    about = {"before": start, "after": machine.describe(), "seconds": round(time.monotonic() - began),
             "build": os.environ["VB_BUILD"], "quick": given.quick, "failed": failed,
             "caches": bench.caches, "scale": dataclasses.asdict(bench.scale)}
    if given.json:
        print(json.dumps({**about, "tables": [table.as_json() for table in bench.tables]}, indent=1))
    else:
        print(f"Before: {start}  \nAfter: {about['after']} ({about['seconds']} s later)")
        for name, why in failed.items():
            print(f"{name} failed: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
