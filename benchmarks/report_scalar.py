"""The cost of report_scalar beside a bare os.write of the same line, and what SIGKILL leaves of the points."""

from __future__ import annotations

import signal
import sys

import _harness as harness

CALLS, KILLED_CALLS, ROUNDS = 100_000, 10_000, 5

# Both loops run in one process, in turns: the bare one writes a line that the store itself has just written.
COST = """\
import json, os, sys, time
from pathlib import Path
from taskstore import Task

calls, rounds, root, target = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
task = Task.init(project_name="benchmarks", task_name="report scalar")
logger = task.get_logger()
report = logger.report_scalar
report("loss", "train", 0.5, 0)
(log,) = root.rglob("scalars.*.jsonl")
descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
reported, written = [], []
for turn in range(rounds):
    first = turn * calls + 1
    start = time.perf_counter()
    for i in range(first, first + calls):
        report("loss", "train", i / 1000003, i)
    reported.append(time.perf_counter() - start)
    line = log.read_bytes().splitlines(keepends=True)[-1]
    start = time.perf_counter()
    for i in range(first, first + calls):
        os.write(descriptor, line)
    written.append(time.perf_counter() - start)
task.close()
print(json.dumps([reported, written]))
"""

KILLED = """\
import os, signal, sys
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="killed")
logger = task.get_logger()
for i in range(int(sys.argv[1])):
    logger.report_scalar("loss", "train", value=1 / (i + 1), iteration=i)
os.kill(os.getpid(), signal.SIGKILL)
"""

READ_BACK = """\
import json
from taskstore.store import events, places, store

opened = store.open_default()
(series,) = events.read_scalars(places.resolve(opened, "benchmarks/killed"))
whole = {i for i, value in zip(series.iterations, series.values) if value == 1 / (i + 1)}
print(json.dumps([len(whole)]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        child = room.script("cost.py", COST)
        target = room.folder / "bare.jsonl"
        answer = room.answer(child, str(CALLS), str(ROUNDS), room.store, target)
        report, write = (harness.Timing(tuple(seconds / CALLS for seconds in taken)) for taken in answer)
        room.run([sys.executable, room.script("killed.py", KILLED), str(KILLED_CALLS)], expect=-signal.SIGKILL)
        (readable,) = room.answer(room.script("read_back.py", READ_BACK))
    return [
        harness.ratio_row(f"report_scalar, {CALLS:,} calls", report, write, at_most=4, unit="os.write"),
        harness.count_row("points readable after SIGKILL", readable, KILLED_CALLS),
    ]


if __name__ == "__main__":
    harness.main(measure)
