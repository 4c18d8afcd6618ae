"""Plots and debug samples of a task's page, and the files that it has a browser fetch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from nicegui import ui
from nicegui.testing import User

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from . import reporting
from .conftest import Opening

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return tasks.create(store, "examples", "run")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


def tags(user: User, tag: str) -> list[Any]:
    assert user.client is not None
    return [one for one in user.client.elements.values() if one.tag == tag]


def plots(user: User) -> list[Any]:
    assert user.client is not None
    return [one.figure for one in user.client.elements.values() if isinstance(one, ui.plotly)]


def bar(*values: float) -> dict[str, Any]:
    return {"data": [{"type": "bar", "y": list(values)}], "layout": {}}


async def test_a_plot_is_shown_at_its_last_iteration_and_follows(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    for iteration in (1, 5):
        reporting.plot(paths, "weights", "layer", bar(iteration), iteration)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=plots")
        await user.should_see("iteration 5")
        await user.should_see("weights / layer")
        assert plots(user)[0]["data"] == [{"type": "bar", "y": [5]}]
        reporting.plot(paths, "weights", "layer", bar(9), 9)
        await user.should_see("iteration 9", retries=50)
        await until(lambda: plots(user)[0]["data"] == [{"type": "bar", "y": [9]}])
        assert user.client is not None
        links = [str(one.props["href"]) for one in user.client.elements.values() if isinstance(one, ui.link)]
        assert f"/files/{paths.id}/plot.json?title=weights&series=layer&iteration=9" in links


async def test_a_hostile_plot_says_what_of_it_is_not_drawn(store: Store, paths: TaskPaths, opening: Opening) -> None:
    hostile = {"data": [{"type": "image", "source": "http://evil.example/x.png"}], "layout": {"images": [{}]}}
    reporting.plot(paths, "<img src=x>", "s", hostile)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=plots")
        await user.should_see("not drawn here: image")
        await user.should_see("<img src=x> / s")
        assert plots(user) == []


async def test_a_table_is_a_table_and_a_picture_a_picture(store: Store, paths: TaskPaths, opening: Opening) -> None:
    table = {"type": "table", "header": {"values": [["a"], "b"]}, "cells": {"values": [[1, "<b>x</b>"], [2.5]]}}
    reporting.plot(paths, "results", "folds", {"data": [table], "layout": {}})
    picture = paths.home / "files/media/figure/s/0-x.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(PNG)
    reporting.plot(paths, "figure", "s", {"data": [], "layout": {}}, image="files/media/figure/s/0-x.png")
    reporting.plot(paths, "outside", "s", {"data": [], "layout": {}}, image="task.json")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=plots")
        for text in ("a", "b", "1", "<b>x</b>", "2.5", "the picture task.json is missing"):
            await user.should_see(text)
        assert [one.props["src"] for one in tags(user, "img")] == [f"/files/{paths.id}/media/figure/s/0-x.png"]


async def test_samples_of_each_kind_are_shown_of_one_iteration(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    reporting.sample(paths, "in", "old", "o.png", PNG, kind="image/png", iteration=1)
    reporting.sample(paths, "in", "new", "n.png", PNG, kind="image/png", iteration=2)
    reporting.sample(paths, "in", "page", "p.html", b"<script>alert(1)</script>", kind="text/html", iteration=2)
    reporting.sample(paths, "in", "sound", "s.wav", b"x", kind="audio/x-wav", iteration=2)
    reporting.sample(paths, "in", "film", "f.mp4", b"x", kind="video/mp4", iteration=2)
    reporting.sample(paths, "in", "words", "w.txt", b"<b>words</b>", kind="text/plain", iteration=2)
    reporting.sample(paths, "in", "cells", "c.csv", b"x,y\n1,<i>2</i>\n", kind="text/csv", iteration=2)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples")
        for text in ("iteration 2", "<b>words</b>", "x", "<i>2</i>", "in / page"):
            await user.should_see(text)
        await user.should_not_see("in / old")
        (frame,) = tags(user, "iframe")
        assert frame.props["sandbox"] == ""
        assert frame.props["src"] == f"/files/{paths.id}/media/in/page/2-p.html"
        assert len(tags(user, "audio")) == len(tags(user, "video")) == 1
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples&iteration=1")
        await user.should_see("in / old")
        await user.should_not_see("in / new")


async def test_series_without_a_sample_at_the_iteration_are_named_with_their_last(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    for iteration in (0, 1):
        reporting.sample(paths, "in", "early", f"e{iteration}.png", PNG, kind="image/png", iteration=iteration)
    reporting.sample(paths, "in", "new", "n.png", PNG, kind="image/png", iteration=2)
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples")
        await user.should_see("Not at this iteration: in/early (last at 1)")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples&find=new")
        await user.should_see("in / new")
        await user.should_not_see("Not at this iteration")


async def test_missing_files_are_named_and_none_outside_is_shown(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    reporting.sample(paths, "in", "gone", "gone.png", None, kind="image/png")
    reporting.sample(paths, "in", "outside", "record", None, kind="text/plain", path="task.json")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples")
        await user.should_see("gone.png is missing")
        await user.should_see("record is missing")


async def test_a_picture_is_enlarged_with_the_way_to_the_next(store: Store, paths: TaskPaths, opening: Opening) -> None:
    for series in ("a", "b"):
        reporting.sample(paths, "in", series, "x.png", PNG, kind="image/png")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=samples")
        await user.should_see("in / b")
        user.find(marker="picture-0").click()
        await user.should_see("in / a, iteration 0 (1 of 2)")


async def test_only_files_of_a_tasks_media_are_sent(store: Store, paths: TaskPaths, opening: Opening) -> None:
    reporting.sample(paths, "in", "page", "p.html", b"<script>1</script>", kind="text/html")
    media = paths.home / "files" / "media"
    (media / "link.json").symlink_to(paths.record)
    (media / "folder").symlink_to(paths.home)
    async with opening(Desk(store)) as user:
        get = user.http_client.get
        base = f"/files/{paths.id}/media/"
        answer = await get(f"{base}in/page/0-p.html")
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert "attachment" in (await get(f"{base}in/page/0-p.html?download=1")).headers["content-disposition"]
        names = (
            "link.json",
            "folder/task.json",
            "..%2f..%2ftask.json",
            "%2e%2e/task.json",
            "in",
            "",
            "x%00y",
            "in//page",
        )
        assert {name: (await get(base + name)).status_code for name in names} == dict.fromkeys(names, 404)
        assert (await get(f"/files/{'0' * 32}/media/in/page/0-p.html")).status_code == 404


async def test_a_plot_is_downloaded_as_it_was_reported(store: Store, paths: TaskPaths, opening: Opening) -> None:
    reporting.plot(paths, "a/b & c", "s", bar(1, 2), 7)
    async with opening(Desk(store)) as user:
        address = f"/files/{paths.id}/plot.json?title={quote('a/b & c', safe='')}&series=s&iteration="
        answer = await user.http_client.get(f"{address}7")
        assert answer.json() == bar(1, 2)
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''b%20%26%20c-s-7.json"
        assert (await user.http_client.get(f"{address}8")).status_code == 404


@pytest.mark.skipif(os.name != "posix", reason="permissions of another kind")
async def test_a_store_that_cannot_be_written_is_looked_at(store: Store, paths: TaskPaths, opening: Opening) -> None:
    reporting.sample(paths, "in", "a", "x.png", PNG, kind="image/png")
    before = {path: path.stat().st_mtime_ns for path in paths.home.rglob("*")}
    async with opening(Desk(store, is_read_only=True)) as user:
        for tab in ("console", "scalars", "plots", "samples", "resources"):
            await user.open(f"/task/{paths.id}?tab={tab}")
        await user.should_not_see("This cannot be shown")
    assert {path: path.stat().st_mtime_ns for path in paths.home.rglob("*")} == before
