"""The environment of a task: reused, built, or inherited."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from taskstore.agent.environment import Environment, Mode, prepared
from taskstore.disk.layout import TaskPaths
from taskstore.store import settings, tasks

from .conftest import MakeTask

Prepare = Callable[..., AbstractContextManager[Environment]]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def prepare(agent: settings.Agent, told: list[str]) -> Prepare:
    def begin(paths: TaskPaths, mode: Mode = Mode.VENV) -> AbstractContextManager[Environment]:
        return prepared(paths, tasks.read_script(paths), mode, agent, tell=told.append)

    return begin


def says(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_lock_decides_what_the_packages_need_themselves(make_task: MakeTask, prepare: Prepare) -> None:
    paths = make_task("alpha==1.0", lock=["alpha==1.0", "beta==1.0", "unused==9.9"])
    with prepare(paths) as environment:
        assert says(environment.python, "import alpha, beta; print(beta.__version__)") == "1.0"
        assert environment.installed == ("alpha==1.0", "beta==1.0")
        assert environment.mode is Mode.VENV
        assert environment.notes == ()


def test_taskstore_works_in_it_and_nothing_else_of_the_agent_does(make_task: MakeTask, prepare: Prepare) -> None:
    with prepare(make_task("beta==1.0")) as environment:
        where = says(environment.python, "import taskstore_cli, msgspec, taskstore; print(taskstore.__file__)")
        assert where.startswith(str(environment.python.parent.parent))
        foreign = "import importlib.util as u; print([n for n in ('pytest', 'mypy', 'hypothesis') if u.find_spec(n)])"
        assert says(environment.python, foreign) == "[]"
