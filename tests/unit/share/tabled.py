"""A store with two tasks of which every table has something hard to spell."""

from __future__ import annotations

from pathlib import Path

from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record
from taskstore.disk.layout import TaskPaths
from taskstore.schema import codec
from taskstore.schema.record import Parameter, ParamsRecord, ScriptRecord, TaskRecord
from taskstore.share import exporters
from taskstore.share.exporters.base import Exported, Options
from taskstore.store import events, tasks
from taskstore.store.store import Store

HARD = 'a "quoted", 日本\r\nand\ttwo lines; =1+1'


def fill(store: Store) -> list[TaskPaths]:
    """Make the two tasks."""

    def first(paths: TaskPaths, record: TaskRecord) -> None:
        record.status, record.comment, record.tags = Status.COMPLETED, HARD, ["one", "zwei, ü"]
        record.started, record.active_duration = record.created, 0.1
        params = {"Args": {"lr": Parameter("0.1", "float", "step"), "none": Parameter("")}, "": {"=x": Parameter("NA")}}
        replace_record(paths.params, codec.encode(ParamsRecord(rev=1, hyperparams=params)))
        replace_record(paths.script, codec.encode(ScriptRecord(rev=1, branch="main", version_num="abc")))
        paths.events.mkdir()
        lines = [
            '{"timestamp":1700000000000.5,"iter":0,"metric":"loss","variant":"train","value":0.1}',
            '{"timestamp":1700000001000,"iter":1,"metric":"loss","variant":"train","value":"NaN"}',
            '{"timestamp":1700000002000,"iter":2,"metric":"loss","variant":"train","value":"Infinity"}',
            '{"timestamp":1700000003000,"iter":3,"metric":"loss","variant":"train","value":"-Infinity"}',
            '{"timestamp":1700000004000,"iter":-2147483648,"metric":"Summary","variant":"日本","value":3}',
        ]
        paths.scalars("a-1-1").write_text("\n".join(lines) + "\n", "utf-8")
        events.refresh_summary(paths)

    return [tasks.create(store, "vision/cats", "a run", fill=first), tasks.create(store, "other", "a draft")]


def export(store: Store, kind: str, found: list[TaskPaths], output: Path, **options: object) -> Exported:
    """Export tables."""
    return exporters.of_kind(kind).run(store, found, Options(output=output, **options))  # type: ignore[arg-type]  # a test's
