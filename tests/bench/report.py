# SPDX-License-Identifier: LGPL-2.1-or-later
"""Samples and tables of the benchmarks: medians, spread, and ratios to what was measured in the same run."""

import dataclasses
import statistics

UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def milliseconds(value):
    return f"{value * 1000:.1f}"


def size(value):
    for unit, name in UNITS:
        if abs(value) >= unit:
            return f"{value / unit:.2f} {name}"
    return f"{value} B"


def percentile(values, percent):
    """The smallest value that is not below `percent` of all."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median(values):
    return statistics.median(values) if values else None


@dataclasses.dataclass
class Goal:
    """At most `limit`: times the median of `peer`, or in the unit of the samples when there is no peer."""
    limit: float
    peer: str | None = None

    def text(self, show):
        return f"≤ {self.limit:g}× {self.peer}" if self.peer else f"≤ {show(self.limit)}"


@dataclasses.dataclass
class Row:
    name: str
    values: list
    goals: list
    loads: list    # cores that others kept busy just before each sample

    def add(self, value, load=None):
        self.values.append(value)
        if load is not None:
            self.loads.append(load)


class Table:
    """Rows of samples of one kind; printed as Markdown, ready for the README."""

    def __init__(self, title, unit="s", show=seconds):
        self.title = title
        self.unit = unit
        self.show = show
        self.rows = {}
        self.notes = []

    def row(self, name, *goals):
        """The row of that name, made when it is first asked for."""
        if name not in self.rows:
            self.rows[name] = Row(name, [], list(goals), [])
        return self.rows[name]

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def ratio(self, row, peer):
        """Median of a row by the median of another; None when either has no samples."""
        if peer not in self.rows or not row.values or not self.rows[peer].values:
            return None
        below = median(self.rows[peer].values)
        return median(row.values) / below if below else None

    def judge(self, row, goal):
        """(measured, whether it meets the goal) as text; whether is None without samples."""
        if goal.peer is None:
            value = median(row.values)
            return (self.show(value), value <= goal.limit) if row.values else ("–", None)
        ratio = self.ratio(row, goal.peer)
        return (f"{ratio:.2f}×", ratio <= goal.limit) if ratio is not None else ("–", None)

    def _goals(self, row):
        parts = []
        for goal in row.goals:
            measured, met = self.judge(row, goal)
            verdict = {True: "met", False: "missed", None: "not measured"}[met]
            parts.append(f"{measured} of {goal.peer}, goal ≤ {goal.limit:g}×: {verdict}" if goal.peer
                         else f"goal {goal.text(self.show)}: {verdict}")
        return "; ".join(parts)

    def markdown(self):
        lines = [f"### {self.title}", "", f"| | median [{self.unit}] | min – max | n | others' cores | ratio and goal |",
                 "|---|---:|---:|---:|---:|---|"]
        for row in self.rows.values():
            if not row.values:
                lines.append(f"| {row.name} | – | | 0 | | {self._goals(row)} |")
                continue
            load = f"{median(row.loads):.1f}" if row.loads else ""
            lines.append(f"| {row.name} | {self.show(median(row.values))} | {self.show(min(row.values))} – "
                         f"{self.show(max(row.values))} | {len(row.values)} | {load} | {self._goals(row)} |")
        return "\n".join(lines + [""] + [f"{note}  " for note in self.notes] + ([""] if self.notes else []))

    def as_json(self):
        rows = []
        for row in self.rows.values():
            goals = [{"limit": goal.limit, "peer": goal.peer, "ratio": goal.peer and self.ratio(row, goal.peer),
                      "met": self.judge(row, goal)[1]} for goal in row.goals]
            rows.append({"name": row.name, "median": median(row.values), "samples": row.values, "others_cores": row.loads,
                         "goals": goals})
        return {"title": self.title, "unit": self.unit, "rows": rows, "notes": self.notes}


class LatencyTable(Table):
    """Rows of many latencies: percentiles instead of a median with its spread."""

    def __init__(self, title):
        super().__init__(title, "ms", milliseconds)

    def markdown(self):
        lines = [f"### {self.title}", "", "| | writes | p50 [ms] | p90 | p99 | max |", "|---|---:|---:|---:|---:|---:|"]
        for row in self.rows.values():
            if not row.values:
                lines.append(f"| {row.name} | 0 | – | – | – | – |")
                continue
            figures = [self.show(percentile(row.values, percent)) for percent in (50, 90, 99, 100)]
            lines.append(f"| {row.name} | {len(row.values)} | {' | '.join(figures)} |")
        return "\n".join(lines + [""] + [f"{note}  " for note in self.notes] + ([""] if self.notes else []))

    def as_json(self):
        rows = []
        for row in self.rows.values():
            figures = {f"p{percent}": percentile(row.values, percent) if row.values else None for percent in (50, 90, 99, 100)}
            rows.append({"name": row.name, "writes": len(row.values), **figures})
        return {"title": self.title, "unit": "s", "rows": rows, "notes": self.notes}
