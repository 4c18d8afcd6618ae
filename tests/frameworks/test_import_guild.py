"""Importing runs that the real guildai has made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("guild")

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.share import importers
from taskstore.share.importers.base import Imported, Options
from taskstore.store import artifacts, doctor, events, places, tasks
from taskstore.store.store import Store

TRAIN = """
import os, sys
lr = 0.1
epochs = 3
for step in range(epochs):
    print(f"step: {step}")
    print(f"loss: {lr * step}")
print("to err", file=sys.stderr)
os.makedirs("out")
with open("out/model.txt", "w") as stream:
    stream.write("weights")
"""
FAIL = "import sys\nprint('loss: 0.5')\nsys.exit(2)\n"
DEFINITION = """
- model: mnist
  operations:
    train:
      main: train
      flags-import: all
      requires:
        - file: data.txt
          target-type: copy
      tags: [one, two]
"""


def guild(folder: Path, *args: str) -> int:
    """Run Guild's command in a folder, with a home of its own there."""
    home = folder / "home" / ".guild"
    home.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "HOME": str(folder / "home"), "GUILD_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "guild.main_bootstrap", "run", "-y", *args]
    return subprocess.run(command, cwd=folder / "code", env=env, check=False, timeout=300).returncode


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Guild home with a run that has ended well, and one that has failed."""
    folder = tmp_path_factory.mktemp("guild")
    (folder / "code").mkdir()
    for name, text in {"train.py": TRAIN, "fail.py": FAIL, "guild.yml": DEFINITION, "data.txt": "data"}.items():
        (folder / "code" / name).write_text(text)
    assert guild(folder, "mnist:train", "lr=0.5", "--comment", "why") == 0
    assert guild(folder, "fail.py") == 2
    return folder / "home"


def tasks_of(store: Store, path: Path) -> dict[str, TaskPaths]:
    found = list(importers.of_path(path).runs(store, path, Options()))
    places_of = [places.locate(store, each.task_id) for each in found if isinstance(each, Imported)]
    assert len(places_of) == len(found)
    return {tasks.read(paths).name: paths for paths in places_of}


def test_a_run_is_a_task_with_flags_scalars_output_and_files(store: Store, runs: Path) -> None:
    paths = tasks_of(store, runs)["train"]
    record = tasks.read(paths)
    assert places.project_of(store, paths.home) == "code/mnist"
    assert (record.status, record.comment, record.tags) == (Status.COMPLETED, "why", ["one", "two"])
    params = tasks.read_params(paths).hyperparams
    assert {name: (item.value, item.type) for name, item in params["General"].items()} == {
        **{"lr": ("0.5", "float"), "epochs": ("3", "int")},
    }
    (loss,) = events.read_scalars(paths)
    assert (loss.metric, loss.iterations, loss.values) == ("loss", [0, 1, 2], [0.0, 0.5, 1.0])
    lines = [(line.stream, line.text) for line in events.read_console(paths)]
    assert [text for stream, text in lines if stream == "stdout"][:2] == ["step: 0", "loss: 0.0"]
    assert ("stderr", "to err") in lines
    kept = artifacts.read(paths).artifacts
    assert {key: item.mode for key, item in kept.items()} == {
        **{"out/model.txt": "output", "data.txt": "input", "sourcecode/fail.py": "output"},
        "sourcecode/guild.yml": "output",
    }
    script = tasks.read_script(paths)
    assert script.argv == ["train.py", "--epochs", "3", "--lr", "0.5"]
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == TRAIN
    assert script.requirements["guildai"] == __import__("guild").__version__
    assert doctor.check(store) == []


def test_a_run_that_failed_says_its_exit_code_and_each_comes_in_once(store: Store, runs: Path) -> None:
    first = tasks_of(store, runs)
    record = tasks.read(first["fail.py"])
    assert (record.status, record.status_reason) == (Status.FAILED, "exit code 2")
    assert places.project_of(store, first["fail.py"].home) == "code"
    again = list(importers.of_kind("guild").runs(store, runs / ".guild" / "runs", Options()))
    assert [each.is_new for each in again if isinstance(each, Imported)] == [False, False]
    assert len(list(places.walk(store))) == 2
