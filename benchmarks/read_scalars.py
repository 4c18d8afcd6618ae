"""Reading back the 100,000 points that one run has reported."""

from __future__ import annotations

import sys

import _harness as harness

POINTS, ROUNDS = 100_000, 7

REPORT = """\
import sys
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="many points")
logger = task.get_logger()
for i in range(int(sys.argv[1])):
    logger.report_scalar("loss", "train", value=1 / (i + 1), iteration=i)
task.close()
"""

READ = """\
import json, time
from taskstore.store import events, places, store

paths = places.resolve(store.open_default(), "benchmarks/many points")
start = time.perf_counter()
(series,) = events.read_scalars(paths)
taken = time.perf_counter() - start
assert series.values == [1 / (i + 1) for i in series.iterations]
print(json.dumps([taken, len(series.values)]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        room.run([sys.executable, room.script("report.py", REPORT), str(POINTS)])
        reader = room.script("read.py", READ)
        answers = [room.answer(reader) for _ in range(ROUNDS)]
    timing = harness.Timing(tuple(seconds for seconds, _ in answers))
    return [
        harness.seconds_row(f"read {POINTS:,} points", timing, at_most=0.15),
        harness.count_row("points read", min(count for _, count in answers), POINTS),
    ]


if __name__ == "__main__":
    harness.main(measure)
