# SPDX-License-Identifier: LGPL-2.1-or-later
"""What issue 4 asks: the guest's writes keep their idle latency while the pool hangs in the middle of a backup."""

import contextlib
import time

import isolated
import subjects
from report import LatencyTable

WINDOW_S = 20


@contextlib.contextmanager
def _frozen(path):
    isolated.run("fsfreeze", "-f", path)
    try:
        yield
    finally:
        isolated.run("fsfreeze", "-u", path)


def hung(bench):
    """Latency of a guest's 4 KiB synchronous writes: idle, and while the pool of a backup under way hangs."""
    table = bench.add(LatencyTable(f"Guest write latency, the pool hangs (fsfreeze) in the middle of a backup: {bench.disk_text()}"))
    vps = bench.linux("hung")
    with bench.session(operations={"bandwidth-limit": "64M"}) as session:
        session.watch(vps)
        meter = subjects.Latencies(vps)

        def idle():
            with meter.window(table.row("idle")):
                time.sleep(WINDOW_S)

        def hanging():
            requested = session.request_create(vps)
            session.client.wait_state(requested[2], "copying", bytes_done=1)
            with _frozen(bench.pool.path):
                time.sleep(2)  # until what was under way has ended, or hangs
                with meter.window(table.row("the pool hangs")):
                    time.sleep(WINDOW_S)
            session.wait_create(vps, requested)
            session.delete_all(vps)
        for name in ("idle", "the pool hangs"):
            table.row(name)
        bench.rounds(max(2, bench.scale.rounds), [idle, hanging])
        meter.stop()
