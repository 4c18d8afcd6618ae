"""Eight processes that create and close 200 tasks each, at once, in one store."""

from __future__ import annotations

import subprocess
import sys
import time

import _harness as harness

PROCESSES, TASKS = 8, 200

WORK = """\
import sys
from taskstore import Task

for number in range(int(sys.argv[2])):
    task = Task.init(project_name="benchmarks/at once", task_name=f"process {sys.argv[1]} task {number}")
    task.close()
"""

COUNT = """\
import collections, json
from pathlib import Path
from taskstore.disk.layout import TaskPaths
from taskstore.store import places, store, tasks

opened = store.open_default()
found = [tasks.read(TaskPaths(Path(folder) / task_id)) for folder, task_id in places.walk(opened)]
by_name = {record.name for record in found if record.status.value == "completed"}
print(json.dumps([len(found), len(by_name)]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        room.run([sys.executable, "-c", "from taskstore.store import store; store.open_default()"])
        work = room.script("work.py", WORK)
        start = time.perf_counter()
        children = [
            subprocess.Popen(
                [sys.executable, work, str(number), str(TASKS)],
                cwd=room.folder,
                env=room.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        errors = [child.communicate()[1] for child in children]
        taken = time.perf_counter() - start
        for child, error in zip(children, errors, strict=True):
            if child.returncode:
                print(error, file=sys.stderr)
        clean = sum(child.returncode == 0 for child in children)
        made, completed = room.answer(room.script("count.py", COUNT))
    wanted = PROCESSES * TASKS
    return [
        harness.count_row(f"{PROCESSES} processes x {TASKS} tasks", completed, wanted, note=f" in {taken:.0f} s"),
        harness.count_row("folders of tasks that they left", made, wanted),
        harness.count_row("processes that ended without an error", clean, PROCESSES),
    ]


if __name__ == "__main__":
    harness.main(measure)
