from __future__ import annotations

import json
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.agent import container
from taskstore.agent.container import Engine
from taskstore.agent.environment import Mode
from taskstore.agent.options import Options
from taskstore.core.errors import BadValue, Refused
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.run import create
from taskstore.schema.record import Container, TaskRecord
from taskstore.store import events, places, stopping, tasks, tickets
from taskstore.store.store import Store

from .test_worker import Background, console, is_running, status, wait_until, work

Draft = Callable[..., TaskPaths]
ENGINE = Path(__file__).with_name("engine.py")


@pytest.fixture
def draft(store: Store, tmp_path: Path) -> Draft:
    """Make drafts of a program given as text, in the container that is given, and enqueue them."""

    def make(program: str, *, args: tuple[str, ...] = (), **asked: str) -> TaskPaths:
        script = tmp_path / "program.py"
        script.write_text(program, "utf-8")
        wanted = create.Wanted(
            project_name="examples", task_name="a task", script=str(script), arguments=list(args), packages=False
        )
        paths = create.create(store, wanted)

        def change(record: TaskRecord) -> None:
            record.container = Container(**asked)

        tasks.edit(store, paths.id, change)
        queue.enqueue(store, paths.id, "default")
        return paths

    return make


@pytest.fixture(autouse=True)
def work_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(tmp_path / "work folder"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    folder = tmp_path / "engine"
    folder.mkdir()
    command = folder / "docker"
    command.write_text(f"#!{sys.executable}\n{ENGINE.read_text('utf-8')}", "utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return Engine(str(command), "python:3.12")


def calls(engine: Engine, verb: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in Path(engine.command).with_name("calls").read_text().splitlines()]
    return [call for call in found if call["arguments"][0] == verb]


def command_of(engine: Engine) -> list[str]:
    (call,) = calls(engine, "run")
    return call["arguments"]  # type: ignore[return-value]  # JSON


def contained(store: Store, engine: Engine, **given: object) -> list[str]:
    return work(store, in_place=False, containers=engine, **given)


def test_a_task_runs_in_a_container_of_the_image_that_it_asks_for_after_its_set_up_script(
    store: Store, draft: Draft, engine: Engine
) -> None:
    paths = draft(
        "import os, sys\nprint(os.environ['GREETING'], os.environ['IMAGE_HAS'], sys.argv[1:])\n",
        args=("--lr", "a b;c"),
        image="pytorch/pytorch:2.4",
        arguments="--ipc=host",
        setup_shell_script="export GREETING='hello'",
    )
    said = contained(store, engine)
    assert status(store, paths.id) == (Status.COMPLETED, "completed")
    assert "hello this ['--lr', 'a b;c']" in console(store, paths.id)
    command = command_of(engine)
    assert "pytorch/pytorch:2.4" in command
    assert command.index("--ipc=host") < command.index("--rm")
    assert any("started, container taskstore-" in line for line in said)
    assert "taskstore agent: it runs in a container of pytorch/pytorch:2.4" in console(store, paths.id)
