"""Importing 1,000 runs from MLflow's file store, and importing them again when nothing is new."""

from __future__ import annotations

import _harness as harness
import _mlruns

RUNS, ROUNDS, AT_MOST_S, MAX_MIB = 1000, 3, 20.0, 150

IMPORT = """\
import json, resource, sys, time
from pathlib import Path

start = time.perf_counter()
from taskstore.share.importers import of_path
from taskstore.share.importers.base import Imported, Options
from taskstore.store.store import init, open_at

root = Path(sys.argv[2])
store = open_at(root) if root.exists() else init(root)
path = Path(sys.argv[1])
found = [each for each in of_path(path).runs(store, path, Options()) if isinstance(each, Imported)]
seconds = time.perf_counter() - start
print(json.dumps([seconds, sum(each.is_new for each in found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def measure() -> list[harness.Row]:
    first, again = [], []
    with harness.scratch() as room:
        _mlruns.fill(room.folder / "mlruns", RUNS)
        child = room.script("import.py", IMPORT)
        for number in range(ROUNDS):
            store = room.folder / f"store{number}"
            first.append(room.answer(child, room.folder / "mlruns", store))
            again.append(room.answer(child, room.folder / "mlruns", store))
    peak_mib = max(kib for _, _, kib in first + again) / 1024
    return [
        harness.seconds_row(f"import {RUNS:,} runs of MLflow's", _timing(first), at_most=AT_MOST_S),
        harness.count_row("runs that became tasks", min(int(new) for _, new, _ in first), RUNS),
        harness.seconds_row(f"import them again, {RUNS:,} without news", _timing(again), at_most=AT_MOST_S),
        harness.count_row("tasks made by that", max(int(new) for _, new, _ in again), 0),
        harness.Row("memory of it all", f"{peak_mib:.1f} MiB", f"<= {MAX_MIB} MiB", peak_mib <= MAX_MIB),
    ]


def _timing(answers: list[list[float]]) -> harness.Timing:
    return harness.Timing(tuple(answer[0] for answer in answers))


if __name__ == "__main__":
    harness.main(measure)
