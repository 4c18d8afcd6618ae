"""A process that does Task.init and close in a git repository of 1,000 files, in an environment of 100 packages."""

from __future__ import annotations

from pathlib import Path

import _harness as harness
from _environment import PACKAGES, make_environment

FILES, ROUNDS = 1_000, 15
SCRIPT = """\
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="init and close")
task.close()
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        python = make_environment(room.folder / "environment")
        repository = make_repository(room, room.folder / "repository")
        commands = {"bare": (python, "-c", "pass"), "task": (python, repository / "train.py")}
        taken = harness.time_processes(room, commands, rounds=ROUNDS, cwd=repository)
    what = f"Task.init, close: {FILES:,} files, {PACKAGES} packages"
    return [harness.ratio_row(what, taken["task"], taken["bare"], at_most=25, unit="bare python")]


def make_repository(room: harness.Scratch, folder: Path) -> Path:
    for number in range(FILES - 1):
        path = folder / f"package{number % 40:02}" / f"module{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"value_{line} = {number * line}\n" for line in range(40)), encoding="utf-8")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    git = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    for words in (("init", "--quiet", "-b", "main"), ("add", "."), ("commit", "--quiet", "-m", "All files")):
        room.run([*git, *words], cwd=folder)
    return folder


if __name__ == "__main__":
    harness.main(measure)
