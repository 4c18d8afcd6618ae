"""ClearML's names that take the objects of other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.clearml import Task
from taskstore.run import session as sessions
from taskstore.store.store import Store


@pytest.fixture
def task(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.chdir(tmp_path)
    yield Task.init("examples", "a run")
    session = sessions.opened()
    if session is not None:
        session.close()


def test_a_matplotlib_figure_is_reported(task: Task) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    figure = figures.Figure()
    figure.subplots().plot([1, 2])
    task.logger.report_matplotlib_figure("figure", "s", figure, iteration=0)
    (plot,) = task.get_reported_plots()
    assert (plot["metric"], plot["variant"], plot["iter"]) == ("figure", "s", 0)
    task.logger.report_matplotlib_figure("picture", "s", figure, iteration=4, report_image=True)
    (sample,) = task.get_debug_samples("picture", "s")
    assert sample["iter"] == 4


def test_a_registered_table_is_kept_and_watched(task: Task) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2]})
    task.register_artifact("frame", frame)
    assert task.get_registered_artifacts()["frame"] is frame
    before = task.artifacts["frame"].hash
    frame.loc[0, "a"] = 7
    assert task.flush()
    assert task.artifacts["frame"].hash != before
    assert list(task.artifacts["frame"].get()["a"]) == [7, 2]
    task.unregister_artifact("frame")
    assert task.get_registered_artifacts() == {}
