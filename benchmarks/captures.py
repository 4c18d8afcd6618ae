"""What it costs a run that every capture of a library is registered, and that the libraries may yet be imported."""

from __future__ import annotations

import sys

import _harness as harness

ROUNDS = 15
SCRIPT = """\
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="captures"{options})
task.close()
"""
WITHOUT = ", auto_connect_frameworks=False, auto_connect_arg_parser=False, auto_resource_monitoring=False"


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        commands = {
            "all": (sys.executable, room.script("all.py", SCRIPT.format(options=""))),
            "none": (sys.executable, room.script("none.py", SCRIPT.format(options=WITHOUT))),
        }
        taken = harness.time_processes(room, commands, rounds=ROUNDS)
    more = harness.Timing(tuple(a - b for a, b in zip(taken["all"].samples, taken["none"].samples, strict=True)))
    return [harness.seconds_row("every capture registered, over none", more, at_most=0.03)]


if __name__ == "__main__":
    harness.main(measure)
