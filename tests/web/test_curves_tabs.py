"""Scalars and resources of a task's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from nicegui import ui
from nicegui.testing import User

from taskstore.disk.layout import TaskPaths
from taskstore.sections.reports import SINGLE_VALUE_ITERATION
from taskstore.store import tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk
from taskstore.web.tabs import panel, resources, scalars

from . import reporting
from .conftest import Opening

pytestmark = pytest.mark.anyio


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "run")
    reporting.scalars(made, "loss", "train", [3.0, "NaN", 1.0])
    reporting.scalars(made, "loss", "test", [4.0, 3.0, 2.0])
    reporting.scalars(made, "accuracy", "test", [0.1, 0.2, 0.3])
    reporting.scalars(made, ":monitor:machine", "cpu_usage", [50.0, 60.0])
    return made


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


def figures(user: User) -> list[dict[str, object]]:
    assert user.client is not None
    plots = [one for one in user.client.elements.values() if isinstance(one, ui.plotly)]
    return [plot.figure for plot in plots if isinstance(plot.figure, dict)]


def named(user: User) -> dict[str, list[str]]:
    """Titles of charts with the names of their curves."""
    found = {}
    assert user.client is not None
    for box in user.client.elements.values():
        if "ts-chart-box" in box.classes:
            title = next(one.text for one in box.descendants() if isinstance(one, ui.label))
            plot = next(one for one in box.descendants() if isinstance(one, ui.plotly))
            found[title] = [trace["name"] for trace in plot.figure["data"]]
    return found


async def test_each_metric_is_a_chart_of_its_series_with_gaps_for_nan(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=scalars")
        await user.should_see("9 points in 3 series")
        await until(lambda: named(user) == {"accuracy": ["test"], "loss": ["test", "train"]})
        values = [trace["y"] for figure in figures(user) for trace in figure["data"]]  # type: ignore[attr-defined]
        assert [3.0, None, 1.0] in values


async def test_a_single_value_is_a_number_and_no_chart(store: Store, paths: TaskPaths, opening: Opening) -> None:
    reporting.scalars(paths, "Summary", "best accuracy", [0.951862], first=SINGLE_VALUE_ITERATION)
    reporting.scalars(paths, "Summary", "worst", ["NaN"], first=SINGLE_VALUE_ITERATION)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=scalars&x=wall")
        await user.should_see("best accuracy")
        await user.should_see("0.951862")
        await user.should_see("nan")
        await user.should_see("9 points in 3 series")
        await until(lambda: set(named(user)) == {"accuracy", "loss"})


async def test_a_task_of_single_values_alone_is_not_called_empty(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "examples", "run")
    reporting.scalars(made, "Summary", "best accuracy", [0.5], first=SINGLE_VALUE_ITERATION)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{made.id}?tab=scalars")
        await user.should_see("best accuracy")
        await user.should_not_see("has reported no scalars")


async def test_the_address_says_how_curves_are_shown(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=scalars&x=relative&log=1&smooth=0.5&group=series&find=loss")
        await until(lambda: set(named(user)) == {"loss/test", "loss/train"})
        (figure, _) = figures(user)
        assert figure["layout"]["yaxis"]["type"] == "log"  # type: ignore[index]
        pale, smoothed = figure["data"]  # type: ignore[misc]
        assert pale["x"] == smoothed["x"] == [0.0, 1.0, 2.0]
        assert pale["y"] != smoothed["y"]


@pytest.mark.parametrize("query", ["x=evil&group=%3Cb%3E&smooth=nan&log=maybe", "smooth=1e9", "smooth=", "x="])
async def test_nonsense_in_the_address_is_as_if_nothing_was_said(
    store: Store, paths: TaskPaths, opening: Opening, query: str
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=scalars&{query}")
        await until(lambda: set(named(user)) == {"accuracy", "loss"})


async def test_what_a_run_reports_is_there_within_a_second_or_two(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=scalars")
        await user.should_see("9 points in 3 series")
        reporting.scalars(paths, "loss", "train", [0.5], first=3)
        reporting.scalars(paths, "new", "series", [1.0])
        await user.should_see("11 points in 4 series", retries=50)
        await until(lambda: "new" in named(user))


async def test_a_zoom_brings_every_point_of_what_is_seen(store: Store, opening: Opening) -> None:
    long = tasks.create(store, "examples", "long")
    reporting.scalars(long, "loss", "train", [float(at % 7) for at in range(5000)])
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{long.id}?tab=scalars")
        await until(lambda: len(figures(user)) == 1)
        (plot,) = user.find(ui.plotly).elements
        assert len(plot.figure["data"][0]["x"]) <= panel.MAX_POINTS
        seen = {"xaxis.range[0]": 1000.2, "xaxis.range[1]": 1100.8}
        user.find(ui.plotly).trigger("plotly_relayout", seen)
        inside = [float(at) for at in range(1001, 1101)]
        await until(lambda: [x for x in plot.figure["data"][0]["x"] if 1000.2 <= x <= 1100.8] == inside)
        assert plot.figure["data"][0]["x"][-1] == 4999.0  # what is not seen is still there


async def test_the_machine_is_a_chart_for_each_quantity_over_the_time_of_day(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=resources")
        await until(lambda: named(user) == {"machine: cpu usage": ["cpu_usage"]})
        (figure,) = figures(user)
        assert figure["layout"]["xaxis"]["type"] == "date"  # type: ignore[index]
        assert figure["data"][0]["x"] == [reporting.BEGAN_MS, reporting.BEGAN_MS + 1000]  # type: ignore[index]


@pytest.mark.parametrize("tab", ["console", "scalars", "plots", "samples", "resources"])
async def test_a_task_that_has_nothing_to_show_says_so(store: Store, opening: Opening, tab: str) -> None:
    said = {
        "console": "Nothing was printed yet.",
        "scalars": "This task has reported no scalars.",
        "plots": "This task has reported no plots.",
        "samples": "This task has reported no debug samples.",
        "resources": "No measurements of the machine",
    }
    made = tasks.create(store, "examples", "bare")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{made.id}?tab={tab}")
        await user.should_see(said[tab])


async def test_all_points_are_a_table_to_download(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        answer = await user.http_client.get(f"/files/{paths.id}/scalars.csv")
        rows = answer.text.splitlines()
        assert rows[0] == "metric,variant,iteration,value,time"
        assert "loss,train,1,NaN,2026-01-01T00:00:01.000000Z" in rows
        assert len(rows) == 12
        assert "attachment" in answer.headers["content-disposition"]
        assert (await user.http_client.get(f"/files/{'0' * 32}/scalars.csv")).status_code == 404


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ({"xaxis.range[0]": 5, "xaxis.range[1]": 2.5}, (2.5, 5.0)),
        ({"xaxis.range[0]": "1970-01-01 00:01", "xaxis.range[1]": "1970-01-01 00:02:00.5"}, (60_000.0, 120_500.0)),
        ({"xaxis.autorange": True}, None),
        ({"xaxis.range[0]": "nonsense", "xaxis.range[1]": 3}, None),
        ({"xaxis.range[0]": float("nan"), "xaxis.range[1]": 3}, None),
        (None, None),
    ],
)
def test_what_a_browser_says_of_a_range_is_read_or_passed_over(given: object, window: object) -> None:
    assert panel.window_of(given) == window


def test_metrics_are_found_by_words_and_grouped() -> None:
    keys = [("loss", "train"), ("loss", "test"), ("lr", "lr"), (":monitor:gpu", "gpu_0_temperature")]
    assert scalars.grouped(keys, by="metric", find="") == [("loss", keys[:2]), ("lr", [("lr", "lr")])]
    assert scalars.grouped(keys, by="series", find="LOSS te") == [("loss/test", [("loss", "test")])]
    assert resources.grouped(keys) == [("gpu: gpu 0 temperature", [(":monitor:gpu", "gpu_0_temperature")])]
