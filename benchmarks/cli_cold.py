"""The command line in a fresh process: help, and the listing of 1,000 tasks."""

from __future__ import annotations

import _harness as harness
import _stores
from _environment import make_environment

TASKS, ROUNDS = 1_000, 15


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        python = make_environment(room.folder / "environment")
        command = python.with_name("taskstore")
        _stores.fill_store(room.store, TASKS)
        commands = {"bare": (python, "-c", "pass"), "help": (command, "--help"), "ls": (command, "ls")}
        taken = harness.time_processes(room, commands, rounds=ROUNDS)
    return [
        harness.ratio_row("taskstore --help", taken["help"], taken["bare"], at_most=15, unit="bare python"),
        harness.ratio_row(f"taskstore ls, {TASKS:,} tasks", taken["ls"], taken["bare"], at_most=30, unit="bare python"),
    ]


if __name__ == "__main__":
    harness.main(measure)
