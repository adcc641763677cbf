# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Prometheus is told: in its own format, each number what it says it is, and what the dashboard and METRICS.md know of it."""

import json
import os
import pathlib
import re
import time
import uuid

from prometheus_client import parser as prometheus

import wire

SOURCE = pathlib.Path(os.environ["VB_SOURCE"])


def scrape(host):
    """Metrics as Prometheus reads them: {name: Metric}, with what its text format demands."""
    answer = wire.get(host.socket, "/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    families = {}
    for family in prometheus.text_string_to_metric_families(text):
        assert family.type in ("counter", "gauge", "histogram") and family.documentation.endswith("."), family
        assert family.name.startswith("vps_backup_") and family.name not in families
        families[family.name] = family
    declared = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert [line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")] == declared
    assert all(name.endswith("_total") == (families[name.removesuffix("_total")].type == "counter") for name in declared)
    return families


def value(families, sample, **labels):
    found = [one.value for family in families.values() for one in family.samples if (one.name, one.labels) == (f"vps_backup_{sample}", labels)]
    assert len(found) == 1, (sample, labels, found)
    return found[0]


def all_of(families, sample):
    return {tuple(one.labels.values()): one.value for family in families.values() for one in family.samples
            if one.name == f"vps_backup_{sample}"}


def wait_for(host, sample, wanted, **labels):
    end = time.monotonic() + 60
    while value(scrape(host), sample, **labels) != wanted:
        assert time.monotonic() < end, f"{sample} never became {wanted}: {value(scrape(host), sample, **labels)}"
        time.sleep(0.1)


def hold_create(host, client, vps):
    """A create that gets no further than copying."""
    host.tell("hold", "pool", "capture")
    started = client.request("backup.create", vps=vps)["operation"]["id"]
    client.wait_vps(vps, lambda now: now["operation"] and now["operation"]["state"] == "copying", "it copies")
    return started


def test_what_has_ended(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    zeros = {(kind, outcome): 0 for kind in ("create", "restore") for outcome in ("completed", "failed", "cancelled")}
    assert all_of(scrape(host), "operations_total") == zeros
    begun = time.monotonic()
    operation = hold_create(host, client, vps)
    time.sleep(1.1)  # this is what it has to take at least
    host.tell("release", "pool", "capture")
    created = client.wait_operation(vps, operation)
    took = time.monotonic() - begun
    restored = client.restore(vps, created["backup"])
    host.tell("fail", "pool", "stage", "internal")
    client.restore(vps, created["backup"])
    operation = hold_create(host, client, vps)
    client.request("operation.cancel", vps=vps, operation=operation)
    host.tell("release", "pool", "capture")
    client.wait_operation(vps, operation)

    families = scrape(host)
    assert all_of(families, "operations_total") == {**zeros, ("create", "completed"): 1, ("create", "cancelled"): 1,
                                                    ("restore", "completed"): 1, ("restore", "failed"): 1}
    assert created["bytes_done"] > 0 and restored["bytes_done"] > 0
    assert value(families, "copied_bytes_total", kind="create") == created["bytes_done"]
    assert value(families, "copied_bytes_total", kind="restore") == restored["bytes_done"]
    for kind in ("create", "restore"):
        assert value(families, "operation_duration_seconds_count", kind=kind) == 1, "only what was completed has a duration"
    assert 1.1 <= value(families, "operation_duration_seconds_sum", kind="create") <= took
    buckets = [one for one in families["vps_backup_operation_duration_seconds"].samples
               if one.name.endswith("_bucket") and one.labels["kind"] == "create"]
    counts = [one.value for one in buckets]
    assert counts == sorted(counts) and counts[-1] == 1 and buckets[-1].labels["le"] == "+Inf"
    assert all(one.value == (float(one.labels["le"]) > took) for one in buckets if not 1.1 <= float(one.labels["le"]) <= took)
    assert value(families, "stalls_total") == 0 and value(families, "recoveries_total") == 0


def test_what_there_is(host):
    vps, other = host.add(), host.add("beta")
    client = host.admin()
    for one in (vps, other):
        client.subscribe(one)
    client.back_up(vps)
    size = client.request("vps.get", vps=vps)["backups"][0]["size_bytes"]
    host.tell("hold", "pool", "capture")
    client.request("backup.create", vps=other)
    client.wait_vps(other, lambda now: now["operation"] and now["operation"]["state"] == "copying", "it copies")
    families = scrape(host)
    assert value(families, "vps") == 2
    assert (value(families, "slots"), value(families, "slots_used")) == (4, 2), "what is being made has its slot"
    assert (value(families, "backups"), value(families, "backup_bytes")) == (1, size), "and is none yet"
    assert (value(families, "connections"), value(families, "sessions")) == (2, 1), "this one and the client's"
    assert all_of(families, "operations_active") == {("queued",): 0, ("preparing",): 0, ("copying",): 1, ("finishing",): 0}
    assert value(families, "operations_stalled") == 0
    assert value(families, "pool_free_bytes") == value(families, "pool_size_bytes") / 2 > 0
    assert value(families, "build_info", version=client.request("session.info")["server"]["version"]) == 1


def test_what_waits(new_host):
    host = new_host(max_concurrent=1)
    client = host.admin()
    host.tell("hold", "pool", "capture")
    for name in ("alpha", "beta", "gamma"):
        client.request("backup.create", vps=host.add(name))
    wait_for(host, "operations_active", 1, state="copying")
    assert value(scrape(host), "operations_active", state="queued") == 2


def test_what_is_not_there(host):
    assert [value(scrape(host), name) for name in ("hypervisor_up", "pool_up", "journal_up")] == [1, 1, 1]
    host.tell("available", "no")
    assert value(scrape(host), "hypervisor_up") == 0
    host.tell("fail", "pool", "check", "pool_unavailable")
    wait_for(host, "pool_up", 0)
    assert not {"vps_backup_pool_free_bytes", "vps_backup_pool_size_bytes"} & set(scrape(host)), "nobody knows"
    wait_for(host, "pool_up", 1)


def test_stalls(new_host):
    host = new_host(stall_timeout=1)
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    hold_create(host, client, vps)
    wait_for(host, "operations_stalled", 1)
    wait_for(host, "stalls_total", 1)
    host.tell("release", "pool", "capture")
    client.wait_vps(vps, lambda now: now["operation"] is None, "its end")
    assert value(scrape(host), "operations_stalled") == 0 and value(scrape(host), "stalls_total") == 1


def test_recoveries(new_host, tmp_path):
    """One that the service was killed under counts as taken up again, and then by its outcome."""
    vps = str(uuid.uuid4())
    host = new_host(tmp_path, journal="sqlite", vps=vps)
    client = host.admin()
    client.subscribe(vps)
    operation = hold_create(host, client, vps)
    host.kill()
    host = new_host(tmp_path, journal="sqlite", vps=vps)
    client = host.admin()
    client.follow(vps)
    assert client.wait_operation(vps, operation)["state"] == "failed"
    families = scrape(host)
    assert value(families, "recoveries_total") == 1 and value(families, "operations_total", kind="create", outcome="failed") == 1
    client.back_up(vps)
    assert value(scrape(host), "recoveries_total") == 1


def metric_of(sample):
    return re.sub(r"_(bucket|sum|count)$", "", sample)


def test_dashboard_shows_all_of_them(host):
    board = json.loads((SOURCE / "ui-bridge/vps-backup.grafana.json").read_text(encoding="utf-8"))
    shown = {name for panel in board["panels"] for target in panel.get("targets", [])
             for name in re.findall(r"vps_backup_\w+", target["expr"])}
    there = {sample.name for family in scrape(host).values() for sample in family.samples}
    assert shown <= there, shown - there
    assert {metric_of(name) for name in there} == {metric_of(name) for name in shown}, "METRICS.md says that it shows all"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_readme_lists_all_of_them(host):
    table = (SOURCE / "ui-bridge/METRICS.md").read_text(encoding="utf-8").split("\n| metric |")[1].split("\n\n")[0]
    listed = {name.replace("…", "vps_backup") for name in re.findall(r"`((?:vps_backup|…)_\w+)", table)}
    assert listed == {metric_of(sample.name) for family in scrape(host).values() for sample in family.samples}
