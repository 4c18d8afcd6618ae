from __future__ import annotations

import json

import pytest

from taskstore.board import projects as overview
from taskstore.store import places, projects, query, tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening

pytestmark = pytest.mark.anyio


def make(store: Store, project: str, name: str, loss: float | None = None) -> str:
    paths = tasks.create(store, project, name)
    if loss is not None:
        value = "NaN" if loss != loss else loss
        line = {"timestamp": 1, "iter": 1, "metric": "loss", "variant": "train", "value": value}
        paths.events.mkdir(exist_ok=True)
        (paths.events / "scalars.w.jsonl").write_text(json.dumps(line) + "\n")
    return paths.id


async def test_all_projects_are_listed_with_what_is_below_them(store: Store, opening: Opening) -> None:
    make(store, "a/b", "one")
    make(store, "a", "two")
    async with opening(Desk(store)) as user:
        await user.open("/projects")
        await user.should_see("a/b")
        await user.should_see("2")


async def test_the_overview_has_description_activity_and_the_best(store: Store, opening: Opening) -> None:
    for name, loss in (("worse", 0.5), ("better", 0.25), ("none", None)):
        make(store, "a/b", name, loss)
    projects.edit(store, "a", lambda record: setattr(record, "description", "# Goal\n\nto *learn*"))
    async with opening(Desk(store)) as user:
        await user.open("/projects?name=a")
        await user.should_see("3 tasks: 3 draft")
        await user.should_see("Best tasks")
        await user.should_see("0.25")
        await user.should_see("Recent activity")
        user.find("Edit the description").click()
        await user.should_see("Save")
        user.find("Description, in Markdown").clear().type("new")
        user.find("Save").click()
        await user.should_see("description saved")
    assert projects.read(projects.find(store, "a")).description == "new"


async def test_an_unknown_project_is_named(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/projects?name=nowhere")
        await user.should_see("nowhere")
        await user.should_see("This cannot be shown")


def test_the_best_are_by_number_and_leave_out_what_has_none(store: Store) -> None:
    for name, loss in (("two", 2.0), ("ten", 10.0), ("none", None), ("nan", float("nan")), ("below", -1.0)):
        make(store, "proj", name, loss)
    rows = query.find(store).rows
    least = overview.best(rows, "loss/train", is_least=True)
    assert [row.task.name for row, _ in least] == ["below", "two", "ten"]
    greatest = overview.best(rows, "loss/train.max", is_least=False, count=2)
    assert [(row.task.name, value) for row, value in greatest] == [("ten", 10.0), ("two", 2.0)]
    assert overview.metrics(rows) == ["loss/train"]


def test_children_are_those_right_below() -> None:
    names = ["a", "a/b", "a/b/c", "ab", "ab/c"]
    assert overview.children(names, "a") == ["a/b"]
    assert overview.children(names, "") == ["a", "ab"]


def test_what_a_machine_was_busy_with_is_nothing_to_be_the_best_in(store: Store) -> None:
    made = places.locate(store, make(store, "proj", "one", 1.0))
    line = {"timestamp": 1, "iter": 1, "metric": ":monitor:machine", "variant": "cpu_usage", "value": 3.0}
    with (made.events / "scalars.w.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    assert overview.metrics(query.find(store).rows) == ["loss/train"]
