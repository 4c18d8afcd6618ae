"""Stores to read, made through the library: the same tasks every time, but for their ids and times."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record
from taskstore.disk.layout import TaskPaths
from taskstore.schema import codec
from taskstore.schema.record import Change, Parameter, ParamsRecord, Scalar, TaskRecord
from taskstore.store import events, store, tasks

PARAMETERS, METRICS, TAGS, POINTS = 10, 5, 3, 20
PROJECTS = 20
WRITER, A_DAY_S = "bench-1-00", 86_400


def fill_store(root: Path, count: int) -> None:
    """Make a store of `count` ended tasks, each with parameters, metrics and tags, in some projects."""
    opened = store.init(root)
    for number in range(count):
        project = f"group {number % 4}/project {number % PROJECTS}"
        tasks.create(opened, project, f"run {number:05}", fill=_filler(number))
        if number % 1000 == 999 and sys.stderr.isatty():
            end = "\r" if number + 1 < count else "\r\033[K"
            print(f"making tasks: {number + 1:,} of {count:,}", end=end, file=sys.stderr, flush=True)


def learning_rate(number: int) -> float:
    """The parameter Args/lr of a task: a tenth of all tasks have one below 0.002."""
    return (1 + number % 10) / 600


def is_wanted(number: int) -> bool:
    """Whether a task has Args/lr < 0.002 and ends with metric0/train < 0.1: a few of a hundred do."""
    return learning_rate(number) < 0.002 and _curve(number, 0)[-1] < 0.1


def _filler(number: int) -> Callable[[TaskPaths, TaskRecord], None]:
    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.tags = [f"tag{(number + step) % 30}" for step in range(TAGS)]
        record.status = Status.FAILED if number % 7 == 0 else Status.COMPLETED
        record.started, record.completed = record.created, record.created + timedelta(seconds=number % 500)
        record.history.append(Change(status=Status.IN_PROGRESS, time=record.created))
        record.history.append(Change(status=record.status, time=record.completed))
        replace_record(paths.params, codec.encode(_parameters(number)), is_durable=False)
        write_scalars(paths, [(f"metric{m}", _curve(number, m)) for m in range(METRICS)])
        ended = record.completed.timestamp() - A_DAY_S  # nobody is writing to it any more
        os.utime(paths.scalars(WRITER), (ended, ended))

    return fill


def _parameters(number: int) -> ParamsRecord:
    section = {"lr": Parameter(str(learning_rate(number)), "float", "learning rate")}
    for step in range(1, PARAMETERS):
        section[f"parameter{step}"] = Parameter(str(number * step), "int", "made up")
    return ParamsRecord(rev=1, hyperparams={"Args": section})


def _curve(number: int, metric: int) -> list[float]:
    return [math.exp(-step / (5 + number % 11)) + metric for step in range(POINTS)]


def write_scalars(paths: TaskPaths, curves: list[tuple[str, list[float]]]) -> None:
    """Write the log that reporting these curves would have left, and the summary of it."""
    paths.events.mkdir(exist_ok=True)
    lines = [
        msgspec.json.encode(Scalar(1.7e12 + step, step, metric, "train", value)) + b"\n"
        for metric, values in curves
        for step, value in enumerate(values)
    ]
    paths.scalars(WRITER).write_bytes(b"".join(lines))
    events.refresh_summary(paths)
