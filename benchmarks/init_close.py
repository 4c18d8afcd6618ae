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
        pushed = make_repository(room, room.folder / "pushed")
        push(room, pushed)
        alone = make_repository(room, room.folder / "alone")
        return [
            _row(room, python, pushed, f"Task.init, close: {FILES:,} files, {PACKAGES} packages"),
            # No remote has the commits, so the task keeps all of them, in a bundle.
            _row(room, python, alone, "the same, in a repository without a remote"),
        ]


def _row(room: harness.Scratch, python: Path, repository: Path, what: str) -> harness.Row:
    commands = {"bare": (python, "-c", "pass"), "task": (python, repository / "train.py")}
    taken = harness.time_processes(room, commands, rounds=ROUNDS, cwd=repository)
    return harness.ratio_row(what, taken["task"], taken["bare"], at_most=25, unit="bare python")


def make_repository(room: harness.Scratch, folder: Path) -> Path:
    """Make a git repository of FILES files, all committed, the script among them."""
    for number in range(FILES - 1):
        path = folder / f"package{number % 40:02}" / f"module{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"value_{line} = {number * line}\n" for line in range(40)), encoding="utf-8")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    git = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    room.run([*git, "init", "--quiet"], cwd=folder)
    room.run([*git, "checkout", "--quiet", "-b", "main"], cwd=folder)
    room.run([*git, "add", "."], cwd=folder)
    room.run([*git, "commit", "--quiet", "-m", "All files"], cwd=folder)
    return folder


def push(room: harness.Scratch, repository: Path) -> None:
    """Give the repository a remote that has all its commits."""
    remote = repository.with_suffix(".git")
    room.run(["git", "init", "--quiet", "--bare", remote])
    room.run(["git", "remote", "add", "origin", remote], cwd=repository)
    room.run(["git", "push", "--quiet", "--set-upstream", "origin", "main"], cwd=repository)


if __name__ == "__main__":
    harness.main(measure)
