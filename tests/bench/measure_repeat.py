# SPDX-License-Identifier: LGPL-2.1-or-later
"""What issue 3 asks: a repeated backup, its restore and its place in the pool cost what has changed, not what there is."""

import contextlib

import machine
import peers
import subjects
from measure_full import OURS
from report import Goal, Table, size

CHANGE = 20 * subjects.MIB
PATTERNS = {"in one piece": False, "in 320 pieces of 64 KiB": True}
INCREMENT = "virtnbdbackup -l inc"


class Pair:
    """Two VPSs with the same data and the same changes: one for the service, one for virtnbdbackup."""

    def __init__(self, bench, session, name):
        self.bench = bench
        self.session = session
        self.vps, self.peer = bench.blank(name), bench.blank(f"{name}-peer")
        self.seed = 0
        session.watch(self.vps)

    def change(self, scattered=False):
        self.seed += 1
        for vps in (self.vps, self.peer):
            subjects.change(vps, CHANGE, self.bench.scale.data // 2, scattered, self.seed)

    def back_up_peer(self, folder, level):
        peers.virtnbdbackup(self.peer, level, folder, self.bench.disks.path)


@contextlib.contextmanager
def _pair(bench, name, **config):
    """A Pair with a first full backup of both, and the peer's folder."""
    with bench.session(**config) as session, bench.scratch_folder("virtnbdbackup") as folder:
        pair = Pair(bench, session, name)
        session.create(pair.vps)
        pair.back_up_peer(folder, "full")
        yield pair, folder


def repeat(bench):
    """Repeated backup of a running VPS of which 20 MiB have changed, against virtnbdbackup's incremental; bytes written."""
    written = Table(f"Bytes written to the pool's device for {size(CHANGE)} of change", "MiB", lambda value: f"{value:.1f}")
    with _pair(bench, "repeat") as (pair, folder):
        for pattern, scattered in PATTERNS.items():
            for cache in bench.caches:
                _repeat_rounds(bench, pair, folder, (pattern, scattered, cache), written)
    bench.add(written)


def _repeat_rounds(bench, pair, folder, case, written):
    pattern, scattered, cache = case
    session = pair.session
    table = bench.table(f"Repeated backup, {size(CHANGE)} changed {pattern}, {cache} cache: {bench.disk_text()}")
    table.row(OURS, Goal(0.5), Goal(0.2, INCREMENT))
    written.row(f"{OURS}, {pattern}, {cache} cache", Goal(CHANGE * 1.25 / subjects.MIB))
    phases = []

    def ours():
        load = bench.settle(cache, pair.vps.disks[0].path, *session.service.backup_path(pair.vps.vps, "").glob("*"))
        before = bench.pool.written()
        made = session.create(pair.vps)
        table.row(OURS).add(made.seconds, load)
        written.row(f"{OURS}, {pattern}, {cache} cache").add((bench.pool.written() - before) / subjects.MIB)
        phases.append(made.phases)
        if not made.incremental:
            table.note("A backup was a full one (incremental: false).")
        peers.same_content(session.image(pair.vps, made.backup), pair.vps)
        session.delete_all(pair.vps, keep=1)

    def virtnbdbackup():
        load = bench.settle(cache, pair.peer.disks[0].path)
        before = bench.pool.written()
        seconds, _ = machine.timed(pair.back_up_peer, folder, "inc")
        table.row(INCREMENT).add(seconds, load)
        written.row(f"{INCREMENT}, {pattern}, {cache} cache").add((bench.pool.written() - before) / subjects.MIB)

    for turn in range(bench.scale.repeat_rounds):
        pair.change(scattered)
        bench.rounds(1, [ours, virtnbdbackup] if turn % 2 else [virtnbdbackup, ours])
    table.note(f"States announced, seconds after the request: {'; '.join(map(str, phases))}")


def repeat_restore(bench):
    """Restore of the newest backup after 20 MiB have changed: total and downtime, against virtnbdrestore + define + start."""
    with _pair(bench, "repeat-restore") as (pair, folder):
        pair.change()
        pair.back_up_peer(folder, "inc")
        backup = pair.session.create(pair.vps).backup
        for cache in bench.caches:
            _repeat_restore_rounds(bench, pair, folder, backup, cache)


def _repeat_restore_rounds(bench, pair, folder, backup, cache):
    session = pair.session
    total = bench.table(f"Restore after {size(CHANGE)} of change, {cache} cache: {bench.disk_text()}")
    total.row(OURS, Goal(0.2, peers.VIRTNBDRESTORE))
    downtime = bench.table(f"Downtime of that restore, {cache} cache")
    downtime.row(OURS, Goal(2), Goal(0.2, peers.VIRTNBDRESTORE))
    phases = []

    def ours():
        subjects.change(pair.vps, CHANGE, bench.scale.data // 2, False, len(phases) + 1000)
        load = bench.settle(cache, *session.service.backup_path(pair.vps.vps, backup).iterdir(), pair.vps.live_path("vda"))
        done = session.restore(pair.vps, backup)
        total.row(OURS).add(done.seconds, load)
        downtime.row(OURS).add(done.downtime, load)
        phases.append(done.phases)
        peers.same_content(session.image(pair.vps, backup), pair.vps)

    def virtnbdrestore():
        load = bench.settle(cache, folder)
        with bench.scratch_folder("virtnbdrestore", bench.disks) as target:
            seconds, without = peers.virtnbdrestore(pair.peer, folder, target, bench.log_path("virtnbdrestore"))
        total.row(peers.VIRTNBDRESTORE).add(seconds, load)
        downtime.row(peers.VIRTNBDRESTORE).add(without, load)
    bench.rounds(bench.scale.rounds, [ours, virtnbdrestore])
    total.note(f"States announced, seconds after the request: {'; '.join(map(str, phases))}")


def pool_use(bench):
    """What 1, 2 and more backups with 20 MiB of change between them take in the pool, against copies and a chain."""
    table = bench.table(f"Pool use, {size(CHANGE)} changed before each but the first: {bench.disk_text()}", "MiB",
                        lambda value: f"{value:.0f}")
    with bench.session() as session, bench.scratch_folder("virtnbdbackup") as folder:
        pair = Pair(bench, session, "pool-use")
        empty = bench.pool.used()
        chain = 0
        for number in range(1, bench.scale.snapshots + 1):
            if number > 1:
                pair.change(scattered=number % 2 == 0)
            made = session.create(pair.vps)
            if number == 1:
                copy = peers.allocated(session.image(pair.vps, made.backup))
            ours = bench.pool.used() - empty - chain
            before = bench.pool.used()
            pair.back_up_peer(folder, "full" if number == 1 else "inc")
            chain += bench.pool.used() - before
            if number in (1, 2, bench.scale.snapshots):
                table.row(f"{number} × naive copy").add(number * copy / subjects.MIB)
                allowed = (copy + (number - 1) * CHANGE * 1.25) / subjects.MIB
                table.row(f"{number} × {OURS}", *([Goal(allowed)] if number > 1 else [])).add(ours / subjects.MIB)
                table.row(f"{number} × virtnbdbackup (a chain)").add(chain / subjects.MIB)
        table.note("A naive copy is what the first image takes, times their number; the rest is measured on the pool's file system.")


def disk_size(bench):
    """How the cost of a repeated backup and of its restore grows with the size of a sparse disk, at 20 MiB of change."""
    made = bench.table(f"Repeated backup of a sparse disk with {size(bench.scale.sparse_data)} of data, {size(CHANGE)} changed")
    back = bench.table("Restore of it")
    written = bench.table("Bytes written to the pool's device for it", "MiB", lambda value: f"{value:.1f}")
    for virtual in bench.scale.sparse_sizes:
        image = subjects.make_sparse_image(bench.disks.path / f"sparse-{virtual}.qcow2", virtual, bench.scale.sparse_data)
        vps = bench.keep(subjects.blank_on(f"sparse-{virtual >> 30}", image))
        with bench.session() as session:
            session.watch(vps)
            made.row(f"first (full) backup, {size(virtual)}").add(session.create(vps).seconds)
            for turn in range(bench.scale.repeat_rounds):
                _disk_size_round(bench, session, vps, size(virtual), turn, (made, back, written))
    smallest = bench.scale.sparse_sizes[0]
    for table in (made, back, written):
        for virtual in bench.scale.sparse_sizes[1:]:
            table.row(size(virtual)).goals.append(Goal(1.25, size(smallest)))


def _disk_size_round(bench, session, vps, virtual, turn, tables):
    made, back, written = tables
    piece = bench.scale.sparse_data // subjects.SPARSE_PIECES
    subjects.change(vps, CHANGE, piece, False, turn)
    load = bench.settle(machine.WARM, vps.disks[0].path)
    before = bench.pool.written()
    outcome = session.create(vps)
    made.row(virtual).add(outcome.seconds, load)
    written.row(virtual).add((bench.pool.written() - before) / subjects.MIB)
    if not outcome.incremental:
        made.note("A backup was a full one (incremental: false).")
    subjects.change(vps, CHANGE, piece, False, turn + 1000)
    load = bench.settle(machine.WARM)
    back.row(virtual).add(session.restore(vps, outcome.backup).seconds, load)
    session.delete_all(vps, keep=1)
