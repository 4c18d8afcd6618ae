"""Connecting a dict of 1,000 parameters, writing to it afterwards, and a configuration object of that size."""

from __future__ import annotations

import _harness as harness

PARAMETERS, WRITES, ROUNDS = 1_000, 100, 7

SCRIPT = """\
import json, sys, time
from taskstore import Task

count, writes = int(sys.argv[1]), int(sys.argv[2])
task = Task.init(project_name="benchmarks", task_name="parameters")
kinds = (lambda i: i, lambda i: i / 4, lambda i: f"value {i}", lambda i: bool(i % 2))
content = {f"group {g}": {f"name_{i}": kinds[i % 4](i) for i in range(g, count, 10)} for g in range(10)}
start = time.perf_counter()
live = task.connect(content)
connected = time.perf_counter() - start
start = time.perf_counter()
for i in range(writes):
    live["group 0"]["name_0"] = -i
written = (time.perf_counter() - start) / writes
start = time.perf_counter()
task.configuration.connect(content, "all")
configured = time.perf_counter() - start
stored = task.parameters.get()
assert stored["General/group 0/name_0"] == str(1 - writes)
print(json.dumps([connected, written, configured, len(stored)]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        script = room.script("connect.py", SCRIPT)
        answers = [room.answer(script, str(PARAMETERS), str(WRITES)) for _ in range(ROUNDS)]
    connected, written, configured = (harness.Timing(tuple(answer[at] for answer in answers)) for at in range(3))
    return [
        harness.seconds_row(f"connect {PARAMETERS:,} parameters", connected, at_most=0.02),
        harness.seconds_row("... and change one of them", written, at_most=0.01),
        harness.seconds_row(f"a configuration of {PARAMETERS:,} values", configured, at_most=0.1),
        harness.count_row("parameters stored", answers[0][3], PARAMETERS),
    ]


if __name__ == "__main__":
    harness.main(measure)
