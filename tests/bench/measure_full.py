# SPDX-License-Identifier: LGPL-2.1-or-later
"""What issue 2 asks: a full backup and a full restore of a running VPS, and what its guest notices."""

import time

import machine
import peers
import subjects
from report import Goal, LatencyTable, Table

OURS = "vps-backup"
SYNCED = ", and fsync"
IDLE_S = 3


def _with_sync(table, cpu_row, name, action, target, load, *pids):
    """Two rows: what a tool takes, and what it takes until its files are on disk as ours are when we are done; and its CPU time."""
    with machine.cpu_used(cpu_row, *pids):
        seconds, _ = machine.timed(action)
    table.row(name).add(seconds, load)
    table.row(name + SYNCED).add(seconds + machine.timed(machine.sync_tree, target)[0])


def full(bench):
    """Full backup of a running VPS: request → available, against qemu-img convert and virtnbdbackup."""
    scale = bench.scale
    vps, peer = bench.blank("full"), bench.blank("full-peer")
    cpu = Table("Processor time of a full backup: service or tool, and QEMU")
    cpu.row(OURS, Goal(1.25, peers.CONVERT_RAW))
    with bench.session() as session:
        session.watch(vps)
        for cache in bench.caches:
            table = bench.table(f"Full backup, {cache} cache: {bench.disk_text()}")
            table.row(OURS, Goal(1.25, peers.CONVERT_RAW), Goal(1.25, peers.CONVERT_RAW + SYNCED), Goal(0.5, peers.VIRTNBDBACKUP))
            phases = []

            def ours(cache=cache, table=table, phases=phases):
                load = bench.settle(cache, vps.disks[0].path)
                with machine.cpu_used(cpu.row(OURS), session.service.worker_pid(), vps.qemu_pid()):
                    made = session.create(vps)
                table.row(OURS).add(made.seconds, load)
                phases.append(made.phases)
                peers.same_content(session.image(vps, made.backup), vps)
                session.delete_all(vps)

            def convert(cache=cache, table=table):
                load = bench.settle(cache, vps.disks[0].path)
                with bench.scratch_file("convert.raw") as target:
                    _with_sync(table, cpu.row(peers.CONVERT_RAW), peers.CONVERT_RAW,
                               lambda: peers.convert_to_raw(vps.disks[0].path, target), target, load)

            def virtnbdbackup(cache=cache, table=table):
                load = bench.settle(cache, peer.disks[0].path)
                with bench.scratch_folder("virtnbdbackup") as target:
                    _with_sync(table, cpu.row(peers.VIRTNBDBACKUP), peers.VIRTNBDBACKUP,
                               lambda: peers.virtnbdbackup(peer, "full", target, bench.disks.path), target, load, peer.qemu_pid())
                peers.forget_checkpoints(peer)
            bench.rounds(scale.rounds, [ours, convert, virtnbdbackup])
            table.note(f"States announced, seconds after the request: {'; '.join(map(str, phases))}")
    bench.add(cpu)


def restore(bench):
    """Full (staged) restore of a running VPS, its downtime at two sizes, against qemu-img convert and virtnbdrestore."""
    downtimes = bench.table("Downtime of a staged restore: from the stop until the VPS runs, by libvirt's events")
    cpu = bench.table("Processor time of a full restore: service or tool")
    _restore(bench, (downtimes, cpu), "restore-small", bench.scale.small_virtual, bench.scale.small_data, with_peers=False)
    _restore(bench, (downtimes, cpu), "restore", bench.scale.virtual, bench.scale.data, with_peers=True)


def _restore(bench, shared, name, virtual, data, with_peers):
    vps = bench.blank(name, virtual, data)
    peer = bench.blank(f"{name}-peer", virtual, data) if with_peers else None
    with bench.session(operations={"delta-limit": "0"}) as session, bench.scratch_folder("virtnbdbackup") as set_folder:
        session.watch(vps)
        backup = session.create(vps).backup
        if peer:
            peers.virtnbdbackup(peer, "full", set_folder, bench.disks.path)
        for cache in bench.caches:
            _restore_rounds(bench, shared, session, (vps, backup), (peer, set_folder), cache, bench.disk_text(virtual, data))


def _restore_rounds(bench, shared, session, ours_of, peer_of, cache, text):
    (vps, backup), (peer, set_folder), (downtimes, cpu) = ours_of, peer_of, shared
    image = session.image(vps, backup)
    table = bench.table(f"Full restore, {cache} cache: {text}")
    if peer:
        table.row(OURS, Goal(1.25, peers.CONVERT_QCOW2), Goal(1.25, peers.CONVERT_QCOW2 + SYNCED), Goal(1.25, peers.BY_HAND),
                  Goal(0.5, peers.VIRTNBDRESTORE))
        cpu.row(OURS, Goal(1.25, peers.CONVERT_QCOW2))

    def ours():
        load = bench.settle(cache, image)
        with machine.cpu_used(cpu.row(OURS if peer else f"{OURS}, {text}"), session.service.worker_pid()):
            done = session.restore(vps, backup)
        table.row(OURS).add(done.seconds, load)
        downtimes.row(f"{OURS}, {text}, {cache} cache", Goal(2)).add(done.downtime, load)
        peers.same_content(image, vps)

    def convert(name, *options):
        load = bench.settle(cache, image)
        with bench.scratch_file("convert.qcow2", bench.disks) as target:
            _with_sync(table, cpu.row(name), name, lambda: peers.convert_to_qcow2(image, target, *options), target, load)

    def by_hand():
        load = bench.settle(cache, image)
        table.row(peers.BY_HAND).add(peers.restore_by_hand(peer, image), load)

    def virtnbdrestore():
        load = bench.settle(cache, set_folder)
        with bench.scratch_folder("virtnbdrestore", bench.disks) as target:
            total, _ = peers.virtnbdrestore(peer, set_folder, target, bench.log_path("virtnbdrestore"))
            table.row(peers.VIRTNBDRESTORE).add(total, load)
    others = [lambda: convert(peers.CONVERT_QCOW2), lambda: convert(peers.CONVERT_QCOW2_FAST, "-W", "-m", "8"), by_hand,
              virtnbdrestore]
    bench.rounds(bench.scale.rounds, [ours] + (others if peer else []))


def latency(bench):
    """Latency of a guest's 4 KiB synchronous writes: idle, and while the VPS is backed up in full."""
    table = bench.add(LatencyTable(f"Guest write latency (4 KiB O_DIRECT|O_DSYNC, a pause of {subjects.LATENCY_PAUSE_US} µs between "
                                   f"writes, Linux under TCG): {bench.disk_text()}"))
    vps = bench.linux("latency")
    idle, during = "idle", f"during a full backup by {OURS}"
    with bench.session() as session:
        session.watch(vps)
        meter = subjects.Latencies(vps)

        def quiet():
            bench.settle(machine.COLD if machine.COLD in bench.caches else machine.WARM)
            with meter.window(table.row(idle)):
                time.sleep(IDLE_S)

        def ours():
            bench.settle(bench.caches[0], vps.disks[0].path)
            with meter.window(table.row(during)):
                session.create(vps)
            session.delete_all(vps)

        def virtnbdbackup():
            bench.settle(bench.caches[0], vps.disks[0].path)
            with bench.scratch_folder("virtnbdbackup") as target, meter.window(table.row(f"during {peers.VIRTNBDBACKUP} -l copy")):
                peers.virtnbdbackup(vps, "copy", target, bench.disks.path)

        def convert():
            bench.settle(bench.caches[0], vps.disks[0].path)
            with bench.scratch_file("convert.raw") as target, meter.window(table.row(f"during {peers.CONVERT_RAW} (no snapshot)")):
                peers.convert_to_raw(vps.disks[0].path, target)
        for name in (idle, during):
            table.row(name)
        bench.rounds(max(2, bench.scale.rounds), [quiet, ours, virtnbdbackup, convert])
        meter.stop()
