"""The command line, called in this process; a terminal of 80 columns; and tasks to look at."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from taskstore_cli.main import run

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import FileRef, Parameter, ParamsRecord, ScriptRecord, TaskRecord
from taskstore.sections.reports import Writer
from taskstore.store import tasks
from taskstore.store.store import Store


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.lines]

    @property
    def objects(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


Cli = Callable[..., Result]


class Terminal(io.StringIO):
    """What a program takes for a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Call the command line as if its output were piped."""

    def call(*argv: object) -> Result:
        capsys.readouterr()
        code = run([str(item) for item in argv])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call the command line as if its output were shown in a terminal of 80 columns."""

    def call(*argv: object) -> Result:
        capsys.readouterr()
        screen = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            code = run([str(item) for item in argv])
        return Result(code, screen.getvalue(), capsys.readouterr().err)

    return call


class Workshop:
    """Makes tasks as runs would have left them."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store = store
        self.clock = clock

    def task(
        self,
        name: str = "first run",
        project: str = "examples",
        *,
        status: Status = Status.COMPLETED,
        parameters: dict[str, str] | None = None,
        scalars: dict[str, list[float]] | None = None,
        values: dict[str, float] | None = None,
        console: list[tuple[str, str]] | None = None,
        script: ScriptRecord | None = None,
        files: dict[str, bytes] | None = None,
        edit: Callable[[TaskRecord], None] | None = None,
    ) -> TaskPaths:
        paths = tasks.create(self.store, project, name, fill=lambda _, record: edit(record) if edit else None)
        if parameters:
            self.parameters(paths, parameters)
        if script is not None:
            tasks.edit_script(self.store, paths.id, lambda record: _copy(script, record))
        for path, data in (files or {}).items():
            target = paths.home / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        self.report(paths, scalars or {}, values or {}, console or [])
        self.end(paths, status)
        return paths

    def parameters(self, paths: TaskPaths, values: dict[str, str]) -> None:
        def change(record: ParamsRecord) -> None:
            for name, value in values.items():
                section, _, rest = name.partition("/")
                record.hyperparams.setdefault(section, {})[rest] = Parameter(value, "float", f"about {rest}")

        tasks.edit_params(self.store, paths.id, change)

    def report(
        self,
        paths: TaskPaths,
        scalars: dict[str, list[float]],
        values: dict[str, float],
        console: list[tuple[str, str]],
    ) -> None:
        writer = Writer(lambda: paths, _raise)
        for name, points in scalars.items():
            metric, _, variant = name.rpartition("/")
            for iteration, value in enumerate(points):
                writer.scalar(metric, variant, value, iteration)
        for name, value in values.items():
            writer.single_value(name, value)
        for stream, text in console:
            writer.console(stream, text, is_whole=True)
        writer.close()

    def end(self, paths: TaskPaths, status: Status) -> None:
        if status in (Status.CREATED, Status.QUEUED):
            if status is Status.QUEUED:
                tasks.transition(self.store, paths.id, status)
            return
        tasks.transition(self.store, paths.id, Status.IN_PROGRESS, reason="started")
        self.clock.advance(90)
        tasks.transition(self.store, paths.id, status, reason=str(status), message="")


def _copy(source: ScriptRecord, target: ScriptRecord) -> None:
    for field in ScriptRecord.__struct_fields__:
        setattr(target, field, getattr(source, field))


def _raise(error: BaseException) -> None:
    raise error


def file_ref(path: str, data: bytes) -> FileRef:
    import hashlib

    return FileRef(path=path, size=len(data), hash=hashlib.sha256(data).hexdigest())


@pytest.fixture
def workshop(store: Store, clock: FixedClock) -> Workshop:
    return Workshop(store, clock)


@pytest.fixture
def program() -> list[str]:
    """The command line as a process of its own."""
    return [sys.executable, "-m", "taskstore_cli.main"]


@pytest.fixture
def snapshots() -> Path:
    return Path(__file__).with_name("snapshots")


def is_updating() -> bool:
    return bool(os.environ.get("UPDATE_SNAPSHOTS"))
