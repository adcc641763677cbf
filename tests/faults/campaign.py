# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kills the service, QEMU, libvirtd and the host at each point of each operation and judges what is left. Started by `run`."""

import argparse
import collections
import contextlib
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import isolated  # noqa: E402
import scenarios  # noqa: E402
from world import World, require  # noqa: E402

# What a slice for a quick check takes of each scenario.
SLICE = [
    ("create", ["create.queued.after", "backup-begin.after", "commit.rename.before", "create.completed.before"]),
    ("create, shut off", ["keep-offline.after"]),
    ("restore, staged", ["restore.finishing.swapping.after", "swap.link.vdb.after", "swap.rename.vda.after", "finish.remove.vda.after"]),
    ("delete", ["remove.rename.after"]),
    ("restore, delta", ["swap.rename.vdb.after"]),
    ("restore, in place", ["in-place.writing.after"]),
]

# Where the host's power fails then; no point: when clients have just been told that it is done.
POWER_SLICE = [("create", "commit.rename.after"), ("create", ""), ("restore, staged", "staging.swap.after"), ("restore, staged", ""),
               ("delete", "")]


class Books:
    """What was injected and what came of it."""

    def __init__(self):
        self.rows = collections.OrderedDict()
        self.losses = []
        self.notes = []

    def row(self, name):
        return self.rows.setdefault(name, collections.Counter())

    def print(self, began):
        width = max(map(len, self.rows), default=0) + 2
        total = collections.Counter()
        print(f"\n{'':{width}}injected  survived  lost  not reached")
        for name, row in self.rows.items():
            total.update(row)
            print(f"{name:{width}}{row['injected']:8}{row['survived']:10}{row['lost']:6}{row['missed']:13}")
        print(f"{'all':{width}}{total['injected']:8}{total['survived']:10}{total['lost']:6}{total['missed']:13}")
        print(f"in {time.monotonic() - began:.0f} s")
        for note in self.notes:
            print(note)
        for loss in self.losses:
            print(f"LOST: {loss}")


class Campaign:
    """One world at a time; a new one after each loss."""

    def __init__(self, options):
        self.options = options
        self.books = Books()
        self.random = random.Random(options.seed)
        self.disks = isolated.mount_xfs(isolated.new_folder("disks") / "images", 2 << 30)
        self.disks.chmod(0o755)
        self.pools = isolated.mount_xfs(isolated.new_folder("pools") / "pool", 4 << 30)
        self.number = 0
        self.world = None

    # ---- the world

    def ready_world(self, kind, drives=False):
        wanted = (kind.delta, kind.on_device, drives)
        if self.world is not None and self.world.kind != wanted:
            self.drop_world()
        if self.world is None:
            self.number += 1
            folder = self.disks / str(self.number)
            folder.mkdir()
            folder.chmod(0o755)
            self.world = World(f"faults{self.number}", folder, self.pools / str(self.number),
                               on_device=kind.on_device, drives=drives,
                               operations={"scratch-reserve": "1M", "delta-limit": "1G" if kind.delta else "0"})
            self.world.kind = wanted
            self.world.start_service()
            self.world.start_vps()
        return self.world

    def drop_world(self):
        world, self.world = self.world, None
        if world is not None:
            if self.options.logs:
                target = pathlib.Path(self.options.logs)
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(world.service.log_path, target / f"{world.vps.name}.log")
            world.close()

    # ---- trials

    def trial(self, row, name, attempt):
        """Runs attempt(), which returns whether the fault was injected, and books what came of it."""
        counter = self.books.row(row)
        began = time.monotonic()
        try:
            hit = attempt()
        except Exception as error:  # pylint: disable=broad-exception-caught # whatever it is, the campaign goes on
            if not isolated.libvirtd_runs():
                counter["missed"] += 1
                self.books.notes.append(f"{row}: {name}: libvirtd died by itself, so this trial says nothing")
                isolated.start_libvirtd()
                self.world.vps.refresh()
                self.drop_world()
                return
            counter["injected"] += 1
            counter["lost"] += 1
            self.books.losses.append(f"{row}: {name}: {type(error).__name__}: {error}")
            print(f"LOST {row}: {name}: {type(error).__name__}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            self.drop_world()
            return
        if hit:
            counter.update(injected=1, survived=1)
        else:
            counter["missed"] += 1
        if self.options.verbose:
            print(f"{'ok  ' if hit else 'miss'} {row}: {name} ({time.monotonic() - began:.1f} s)", flush=True)

    def points_of(self, kind):
        """The points of an undisturbed run, in order: (name, occurrence)."""
        world = self.ready_world(kind)
        scenario = kind(world)
        scenario.prepare()
        skip = len(world.service.points())
        scenario.begin()
        self._wait_end(scenario)
        scenario.judge(world.settle())
        seen, found = collections.Counter(), []
        for name in world.service.points()[skip:]:
            seen[name] += 1
            found.append((name, seen[name]))
        names = [name for name, _ in found]
        require(not kind.must_reach or kind.must_reach in names, f"{kind.name} did not go its way: {names}")
        return found

    def _wait_end(self, scenario):
        world = scenario.world
        world.client.wait_for(lambda: scenario.sent in world.client._answers, "the answer")  # pylint: disable=protected-access
        world.settle()
        scenario.hear()

    def kill_service(self, kind, point, occurrence, second=None):
        """The service dies at a point; maybe once more while it recovers. Returns whether it did (the first time)."""
        world = self.ready_world(kind)
        scenario = kind(world)
        scenario.prepare()
        world.service.arm(point, "kill", occurrence)
        scenario.begin()
        hit = self._wait_death(scenario)
        world.service.disarm()
        scenario.hear()
        if hit:
            scenario.disturb()
            world.forget_clients()
            if second:
                self._die_again(world, second)
                scenario.disturb()
            world.start_service()
        scenario.judge(world.settle())
        return hit

    def _die_again(self, world, point):
        world.service.arm_start(point)
        with contextlib.suppress(AssertionError):  # it may die before it says that it is ready
            world.service.start()
        world.wait_dead(10)
        world.service.disarm()
        world.service.kill()

    def _wait_death(self, scenario):
        """Waits until the service has died, or a second after everything has ended."""
        world, quiet = scenario.world, None
        end = time.monotonic() + 90
        while world.service.alive:
            require(time.monotonic() < end, "the request neither ends nor reaches the point")
            now = world.client.vps[world.vps.vps]
            answered = world.client._answers.get(scenario.sent)  # pylint: disable=protected-access
            if answered is None or now["operation"] is not None:
                quiet = None
            elif quiet is None:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > 1:
                return False
            time.sleep(0.01)
        world.service.kill()
        return True

    def hold_and(self, kind, point, occurrence, strike):
        """The service waits at a point while strike(world) kills something else. Returns whether the point was reached."""
        world = self.ready_world(kind)
        scenario = kind(world)
        scenario.prepare()
        world.service.hold_path.touch()
        before = world.service.points().count(point)
        world.service.arm(point, "hold", occurrence)
        scenario.begin()
        hit = self._wait_point(scenario, point, before + occurrence)
        if hit:
            strike(world)
        world.service.disarm()
        world.client.wait_for(lambda: scenario.sent in world.client._answers, "the answer")  # pylint: disable=protected-access
        now = world.settle()
        scenario.hear()
        scenario.judge(now, power_kept=strike is not kill_qemu)
        if strike is not kill_qemu:
            scenario.require_done()
        return hit

    def _wait_point(self, scenario, point, count):
        world = scenario.world
        end = time.monotonic() + 60
        while world.service.points().count(point) < count:
            now = world.client.vps[world.vps.vps]
            answered = world.client._answers.get(scenario.sent)  # pylint: disable=protected-access
            if time.monotonic() > end or answered is not None and now["operation"] is None:
                return False
            time.sleep(0.01)
        return True

    # ---- campaigns

    def wanted(self, kind):
        return not self.options.only or any(word in kind.name for word in self.options.only)

    def every_point(self):
        for kind in filter(self.wanted, scenarios.ALL):
            points = []

            def enumerate_points(kind=kind, points=points):
                points += self.points_of(kind)
                return False
            self.trial(f"{kind.name}: kill the service", "undisturbed", enumerate_points)
            for point, occurrence in points:
                if self.options.points and not any(word in point for word in self.options.points):
                    continue
                self.trial(f"{kind.name}: kill the service", f"{point}#{occurrence}",
                           lambda kind=kind, point=point, occurrence=occurrence: self.kill_service(kind, point, occurrence))
            if self.options.others:
                self.others(kind, points)
            self.power_cuts(kind, points)

    def power_cuts(self, kind, points):
        """The power fails at a few points of a scenario, or at all, and each time that something was told."""
        if kind.on_device:
            return  # a loop device is no drive: it would lose less, or more
        number = len(points) if self.options.power else min(self.options.others, len(points))
        chosen = sorted(self.random.sample(range(len(points)), number))
        for point, occurrence in [points[index] for index in chosen] + [("", 1)] * 3:
            self.trial(f"{kind.name}: cut the power", f"{point}#{occurrence}" if point else "when it was told",
                       lambda point=point, occurrence=occurrence: self.power_at(kind, point, occurrence))

    def others(self, kind, points):
        """QEMU and libvirtd at a few points of a scenario, and a second death of the service in its recovery."""
        chosen = self.random.sample(points, min(self.options.others, len(points)))
        for point, occurrence in chosen:
            if kind.running:
                self.trial(f"{kind.name}: kill QEMU", f"{point}#{occurrence}",
                           lambda point=point, occurrence=occurrence: self.hold_and(kind, point, occurrence, kill_qemu))
            for strike in (kill_libvirtd, miss_libvirtd):
                self.trial(f"{kind.name}: {strike.__doc__}", f"{point}#{occurrence}",
                           lambda point=point, occurrence=occurrence, strike=strike: self.hold_and(kind, point, occurrence, strike))
            second = self.random.choice(RECOVERY)
            self.trial(f"{kind.name}: kill the service twice", f"{point}#{occurrence}, then {second}",
                       lambda point=point, occurrence=occurrence, second=second: self.kill_service(kind, point, occurrence, second))

    def slice(self):
        kinds = {kind.name: kind for kind in scenarios.ALL}
        for name, points in SLICE:
            for point in points:
                self.trial(f"{name}: kill the service", point, lambda name=name, point=point: self.kill_service(kinds[name], point, 1))
        for name, point, strike in (("create", "capture.copy.before", kill_qemu), ("create", "capture.copy.before", kill_libvirtd),
                                    ("restore, staged", "staging.swap.before", kill_libvirtd)):
            self.trial(f"{name}: {strike.__doc__}", point,
                       lambda name=name, point=point, strike=strike: self.hold_and(kinds[name], point, 1, strike))
        for name, point in POWER_SLICE:
            self.trial(f"{name}: cut the power", point or "when it was told",
                       lambda name=name, point=point: self.power_at(kinds[name], point, 1))

    def random_mix(self, minutes):
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            kind = self.random.choice(list(filter(self.wanted, scenarios.ALL)))
            delay = self.random.uniform(0, 1.2)
            what = self.random.choice(["service", "service", "service", "qemu", "libvirtd"] + ["power"] * (not kind.on_device))
            self.trial(f"random: kill {what}", f"{kind.name} after {delay:.3f} s",
                       lambda kind=kind, delay=delay, what=what: self.kill_later(kind, delay, what))

    def kill_later(self, kind, delay, what):
        """Any moment, not only a point."""
        world = self.ready_world(kind, drives=what == "power")
        scenario = kind(world)
        scenario.prepare()
        scenario.begin()
        time.sleep(delay)
        if what == "service":
            world.service.kill()
            scenario.hear()
            scenario.disturb()
            world.forget_clients()
            world.start_service()
        elif what == "power":
            self._lose_power(scenario)
        else:
            {"qemu": kill_qemu, "libvirtd": kill_libvirtd}[what](world)
            world.client.wait_for(lambda: scenario.sent in world.client._answers, "the answer")  # pylint: disable=protected-access
        scenario.judge(world.settle(), power_kept=what in ("service", "libvirtd"))
        return True

    def _lose_power(self, scenario):
        world = scenario.world
        world.cut_power()
        world.service.disarm()
        scenario.hear()
        world.forget_clients()
        world.start_service()

    def power_at(self, kind, point, occurrence):
        """The host dies with the service; without a point: as soon as clients are told that it is done."""
        world = self.ready_world(kind, drives=True)
        scenario = kind(world)
        scenario.prepare()
        if point:
            world.service.arm(point, "kill", occurrence)
        scenario.begin()
        if point and not self._wait_death(scenario):
            world.service.disarm()
            scenario.hear()
            scenario.judge(world.settle())
            return False
        if not point:
            self._wait_announced(scenario)
        self._lose_power(scenario)
        scenario.judge(world.settle(), power_kept=False)
        return True

    def _wait_announced(self, scenario):
        client = scenario.world.client

        def told():
            scenario.hear()
            return scenario.announced or not scenario.kind and scenario.said is not None
        client.wait_for(told, "that it is done")


# Where a recovery may die in its turn.
RECOVERY = ["abort-orphan-capture.before", "abort-orphan-capture.after", "pool.discard.after", "pool.recover-staging.after",
            "staging.undo.before", "staging.undo.after", "staging.finish.before", "staging.discard.after", "undo.rename.vda.before",
            "undo.rename.vdb.after", "power-restore.before", "power-restore.after", "create.failed.before", "create.failed.after",
            "create.completed.before", "restore.failed.before", "restore.completed.before", "restore.completed.after",
            "unlock.before", "unlock.after", "lock.create.before", "lock.swap.after", "lock.restore.after"]


def kill_qemu(world):
    """kill QEMU"""
    if world.vps.active:
        os.kill(world.vps.qemu_pid(), signal.SIGKILL)
        world.vps.wait_off()


def kill_libvirtd(world):
    """kill libvirtd"""
    isolated.stop_libvirtd(signal.SIGKILL)
    isolated.start_libvirtd()
    world.vps.refresh()


def miss_libvirtd(world):
    """libvirtd away"""
    isolated.stop_libvirtd(signal.SIGKILL)
    world.service.disarm()  # it goes on, and meets nobody there
    time.sleep(0.3)
    isolated.start_libvirtd()
    world.vps.refresh()


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/run")
    parser.add_argument("--all", action="store_true", help="every point of every scenario")
    parser.add_argument("--others", type=int, default=3, help="with --all: how many points of each scenario at which something else dies")
    parser.add_argument("--power", action="store_true", help="with --all: cut the power at every point too")
    parser.add_argument("--power-slice", action="store_true", help="cut the power only when something was told")
    parser.add_argument("--minutes", type=float, default=0, help="then a random mix for so long")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random choices")
    parser.add_argument("--only", action="append", help="only scenarios whose name has this")
    parser.add_argument("--points", action="append", help="only points whose name has this")
    parser.add_argument("--logs", help="folder for the logs of services that lost something")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    campaign = Campaign(options)
    if options.power_slice:
        for kind in filter(campaign.wanted, scenarios.ALL):
            campaign.power_cuts(kind, [])
    elif options.all:
        campaign.every_point()
    elif not options.minutes:
        campaign.slice()
    campaign.random_mix(options.minutes)
    campaign.drop_world()
    campaign.books.print(began)
    return 1 if campaign.books.losses else 0


if __name__ == "__main__":
    sys.exit(main())
