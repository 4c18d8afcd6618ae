"""A task that was exported as a session of ClearML, read by what imports such sessions, is the same task."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadValue, Conflict
from taskstore.disk.layout import TaskPaths
from taskstore.share import exporters, importers
from taskstore.share.exporters.base import Exported, Options
from taskstore.share.exporters.clearml_offline.sink import component
from taskstore.share.importers.base import Options as In
from taskstore.store import artifacts, configuration, events, models, places, plots, tasks
from taskstore.store.store import Store, init

from .sessions import whole


def exported(store: Store, task: TaskPaths, output: Path, **options: Any) -> Exported:
    return exporters.of_kind("clearml").run(store, [task], Options(output=output, **options))


def imported(store: Store, path: Path) -> TaskPaths:
    return places.locate(store, importers.of_kind("clearml").run(store, path, In()).task_id)


@pytest.fixture
def task(store: Store, tmp_path: Path) -> TaskPaths:
    return imported(store, whole().zip(tmp_path))


@pytest.fixture
def other(tmp_path: Path, clock: FixedClock) -> Store:
    return init(tmp_path / "other", clock=clock)


def seen(paths: TaskPaths) -> dict[str, Any]:
    """What a task holds, without what an import decides: ids, paths, and who brought it in."""
    record = tasks.read(paths)
    own = {name: getattr(record, name) for name in ("name", "type", "status", "tags", "comment", "runtime", "host")}
    script = tasks.read_script(paths)
    return own | {
        "container": record.container,
        "params": tasks.read_params(paths).hyperparams,
        "scalars": [
            (one.metric, one.variant, one.iterations, list(map(repr, one.values)), one.timestamps)
            for one in events.read_scalars(paths)
        ],
        "console": [(line.time, line.stream, line.text) for line in events.read_console(paths)],
        "plots": [
            (plot.title, plot.series, plot.iteration, plot.timestamp, without_sources(plot.figure), bytes_of(plot.image))
            for plot in plots.read_plots(paths)
        ],
        "samples": [
            (one.title, one.series, one.iteration, one.media_type, one.url, bytes_of(one.path))
            for one in plots.read_samples(paths)
        ],
        "artifacts": {
            key: (item.type, item.mode, item.uri, item.hash, item.content_size, item.timestamp, item.type_data.preview,
                  item.type_data.content_type, item.display_data, item.file and Path(item.file.path).name)
            for key, item in artifacts.read(paths).artifacts.items()
        },
        "models": [
            (item.name, item.framework, item.labels, item.design, item.tags, item.comment, item.hash, item.iteration)
            for item in models.read(paths).output.values()
        ],
        "labels": models.read(paths).labels,
        "design": models.read(paths).design,
        "configuration": {
            name: (item.type, item.description, item.read()) for name, item in configuration.read(paths).items()
        },
        "script": (script.repository, script.branch, script.version_num, script.entry_point, script.working_dir,
                   script.binary, script.requirements, paths.diff.read_text() if script.diff else ""),
    }  # fmt: skip


def without_sources(figure: dict[str, Any]) -> dict[str, Any]:
    for image in figure.get("layout", {}).get("images", []):
        image.pop("source")
    return figure


def bytes_of(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None


@pytest.mark.parametrize("is_unpacked", [False, True])
def test_a_session_that_is_read_back_is_the_same_task(
    store: Store, task: TaskPaths, other: Store, tmp_path: Path, is_unpacked: bool
) -> None:
    done = exported(store, task, tmp_path / "out", is_unpacked=is_unpacked)
    assert done.counts == {
        "scalars": 4, "plots": 2, "debug_samples": 2, "console_lines": 3, "artifacts": 3, "models": 1
    }  # fmt: skip
    assert seen(imported(other, *done.paths)) == seen(task)
