"""1,000 plots of 10 kB each, and one series of 100,000 points read out of 1,000,000, whole and downsampled."""

from __future__ import annotations

import sys

import _harness as harness

PLOTS, POINTS, SERIES, KEPT, ROUNDS = 1_000, 1_000_000, 10, 1_000, 5

REPORT_PLOTS = """\
import json, sys, time
from pathlib import Path
from taskstore import Task

count, root = int(sys.argv[1]), Path(sys.argv[2])
task = Task.init(project_name="benchmarks", task_name="plots")
logger = task.get_logger()
points = [[i / 7, i / 1000003] for i in range(280)]
logger.report_scatter2d("first", "one", points, 0)
start = time.perf_counter()
for i in range(count):
    logger.report_scatter2d("curve", "train", points, i)
taken = time.perf_counter() - start
task.close()
(log,) = root.rglob("plots.*.jsonl")
print(json.dumps([taken, log.stat().st_size // (count + 1), len(task.reports.plots("curve"))]))
log.unlink()
"""

REPORT_POINTS = """\
import sys
from taskstore import Task

points, series = int(sys.argv[1]), int(sys.argv[2])
report = Task.init(project_name="benchmarks", task_name="a million points").get_logger().report_scalar
for i in range(points // series):
    for number in range(series):
        report("loss", f"series {number}", i / 1000003, i)
"""

READ_POINTS = """\
import json, sys, time
from taskstore.store import events, places, store

paths = places.resolve(store.open_default(), "benchmarks/a million points")
start = time.perf_counter()
(series,) = events.read_scalars(paths, "loss", "series 3")
read = time.perf_counter() - start
fewer = events.downsampled(series, int(sys.argv[1]))
print(json.dumps([read, time.perf_counter() - start, len(series.values), len(fewer.values)]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        reporter = room.script("report_plots.py", REPORT_PLOTS)
        reported = [room.answer(reporter, str(PLOTS), room.store) for _ in range(ROUNDS)]
        room.run([sys.executable, room.script("report_points.py", REPORT_POINTS), str(POINTS), str(SERIES)])
        reader = room.script("read_points.py", READ_POINTS)
        answers = [room.answer(reader, str(KEPT)) for _ in range(ROUNDS)]
    reporting, reading, fewer = (
        harness.Timing(tuple(answer[at] for answer in found))
        for found, at in ((reported, 0), (answers, 0), (answers, 1))
    )
    one, points = f"{POINTS // SERIES:,}", f"{POINTS:,}"
    return [
        harness.seconds_row(f"report {PLOTS:,} plots of {reported[0][1]:,} bytes", reporting, at_most=0.5),
        harness.count_row("plots read back", min(count for _, _, count in reported), PLOTS),
        harness.seconds_row(f"read a series of {one} out of {points}", reading, at_most=0.6),
        harness.seconds_row(f"... downsampled to {KEPT:,}", fewer, at_most=0.7),
        harness.count_row("points read", answers[0][2], POINTS // SERIES),
    ]


if __name__ == "__main__":
    harness.main(measure)
