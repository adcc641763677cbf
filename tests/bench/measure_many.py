# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many VPSs at once: the time until all are backed up, and what a guest among them notices."""

import time

import machine
import subjects
from report import Goal, LatencyTable, size

LIMITS = (1, 2, 4)
CHANGE = 20 * subjects.MIB


def many(bench):
    """All VPSs of a host backed up at once with max-concurrent 1, 2 and 4: total time, and latency of one guest."""
    scale = bench.scale
    virtual, data = 4 * scale.many_data, scale.many_data
    what = f"{scale.many} VPSs at once, each a {bench.disk_text(virtual, data)}"
    latencies = bench.add(LatencyTable(f"Guest write latency of one of {what}"))
    full, repeated = bench.table(f"Full backup of {what}"), bench.table(f"Repeated backup of them, {size(CHANGE)} changed in each")
    writer = bench.linux("many-0", virtual, data)
    vpss = [writer] + [bench.blank(f"many-{number}", virtual, data) for number in range(1, scale.many)]
    meter = subjects.Latencies(writer)
    with meter.window(latencies.row("idle")):
        time.sleep(3)
    for turn in range(scale.rounds):
        machine.say(f"  round {turn + 1} of {scale.rounds}")
        for limit in LIMITS:
            with bench.session(operations={"max-concurrent": limit}) as session:
                for vps in vpss:
                    session.watch(vps)
                _all_at_once(bench, session, vpss, meter, (f"max-concurrent={limit}", full, latencies))
                for number, vps in enumerate(vpss[1:]):
                    subjects.change(vps, CHANGE, data // 2, False, 100 * turn + number)
                _all_at_once(bench, session, vpss, meter, (f"max-concurrent={limit}", repeated, latencies))
                for vps in vpss:
                    session.delete_all(vps)
    meter.stop()


def _all_at_once(bench, session, vpss, meter, where):
    name, table, latencies = where
    load = bench.settle(bench.caches[0])
    kind = "full" if table.title.startswith("Full") else "repeated"
    with meter.window(latencies.row(f"during {kind} backups, {name}")):
        start = time.monotonic()
        requested = [(vps, session.request_create(vps)) for vps in vpss]
        last = max(one[0] + session.wait_create(vps, one).seconds for vps, one in requested)
    table.row(name, *([Goal(1, "max-concurrent=1")] if name != "max-concurrent=1" else [])).add(last - start, load)
