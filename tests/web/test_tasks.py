"""The table of tasks without a browser: what it fetches, and what its buttons do to what the grid says is selected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nicegui.testing import User

from taskstore.board.table import Table
from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record
from taskstore.schema import codec
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.store import query, tasks, trash, views
from taskstore.store.store import Store
from taskstore.web.desk import Desk
from taskstore.web.table import parcels, routes
from taskstore.web.table.elements import TasksGrid
from taskstore.web.table.parcels import Parcels

from .conftest import Opening, click, click_on

pytestmark = pytest.mark.anyio


def make(store: Store, name: str, project: str = "group/inner", lr: str = "0.1", **fields: Any) -> str:
    def fill(paths: Any, record: TaskRecord) -> None:
        for field, value in fields.items():
            setattr(record, field, value)
        params = ParamsRecord(hyperparams={"Args": {"lr": Parameter(lr, "float")}})
        replace_record(paths.params, codec.encode(params), is_durable=False)

    return tasks.create(store, project, name, fill=fill).id


@pytest.fixture
def made(store: Store) -> list[str]:
    return [make(store, f"run {number}", lr=f"0.{number}") for number in range(5)]


@pytest.fixture
async def http(store: Store, made: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    desk = Desk(store)
    application = FastAPI()
    application.include_router(routes.router(desk, Table(desk.listing)))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_a_stretch_of_rows_has_the_columns_that_were_asked_for(http: httpx.AsyncClient, made: list[str]) -> None:
    given = {"start": "1", "end": "3", "sort": "name", "column": ["name", "param:Args/lr"]}
    answer = (await http.get("/api/tasks", params=given)).json()
    assert answer["total"] == 5
    assert [row["id"] for row in answer["rows"]] == made[1:3]
    assert answer["rows"][0]["cells"] == {"name": "run 1", "param:Args/lr": "0.1"}


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"start": "-5", "end": "2"}, 2),
        ({"start": "x", "end": "y"}, 5),
        ({"start": "4", "end": "2"}, 0),
        ({"end": "99999999999999999999"}, 5),
    ],
)
async def test_bounds_that_are_none_harm_nothing(http: httpx.AsyncClient, given: dict[str, str], count: int) -> None:
    answer = await http.get("/api/tasks", params=given)
    assert (answer.status_code, len(answer.json()["rows"])) == (200, count)


@pytest.mark.parametrize("given", [{"q": "lr <"}, {"filters": "{"}, {"project": "a//b"}])
async def test_what_cannot_be_understood_is_said(http: httpx.AsyncClient, given: dict[str, str]) -> None:
    answer = await http.get("/api/tasks", params=given)
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_all_that_fit_can_be_selected(http: httpx.AsyncClient, made: list[str]) -> None:
    answer = (await http.get("/api/tasks/ids", params={"q": "lr >= 0.3", "sort": "name"})).json()
    assert [each["id"] for each in answer] == made[3:]


async def test_columns_and_projects_are_told(http: httpx.AsyncClient) -> None:
    (column,) = (await http.get("/api/columns", params={"id": "param:Args/lr"})).json()
    assert (column["label"], column["kind"]) == ("Args/lr", "number")
    assert "param:Args/lr" in [each["id"] for each in (await http.get("/api/columns")).json()]
    (top,) = (await http.get("/api/projects")).json()
    assert (top["name"], top["count"], [each["name"] for each in top["children"]]) == ("group", 5, ["group/inner"])


async def test_a_zip_is_fetched_once_and_then_gone() -> None:
    waiting = Parcels()
    application = FastAPI()
    application.include_router(parcels.router(waiting))
    path = waiting.place("a/b ü.zip")
    path.write_bytes(b"PK")
    address = waiting.offer(path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        answer = await client.get(address)
        assert (answer.status_code, answer.content) == (200, b"PK")
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a_b%20%C3%BC.zip"
        assert (await client.get(address)).status_code == 404
        assert (await client.get("/zips/other")).status_code == 404
    assert not path.parent.exists()


def test_what_nobody_fetches_goes_after_a_while() -> None:
    now = [0.0]
    waiting = Parcels(monotonic=lambda: now[0])
    path = waiting.place("one.zip")
    path.write_bytes(b"PK")
    address = waiting.offer(path)
    now[0] = 601.0
    parcels.remove(waiting.place("two.zip"))
    assert not path.exists()
    assert waiting.take(address.removeprefix("/zips/")) is None


def select(user: User, ids: list[str]) -> None:
    """Say what the grid of the page says when these are selected."""
    assert user.client is not None
    (grid,) = [element for element in user.client.elements.values() if isinstance(element, TasksGrid)]
    selected = [{"id": task_id, "name": f"task {task_id[-4:]}", "status": "created"} for task_id in ids]
    listener = next(each for each in grid._event_listeners.values() if each.type == "selection")
    grid._handle_event({"listener_id": listener.id, "args": selected})


def press(user: User, test_id: str) -> None:
    assert user.client is not None
    found = [each for each in user.client.elements.values() if each.props.get("data-testid") == test_id]
    click_on(user, found[-1])


async def test_a_selection_is_archived_with_a_way_back(store: Store, made: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/")
        await user.should_not_see("selected")
        select(user, made[:2])
        await user.should_see("2 selected")
        press(user, "do-archive")
        await user.should_see("2 tasks: archived")
        assert {row.id for row in query.find(store).rows} == set(made[2:])
        user.find("Undo").click()
        await user.should_see("2 tasks: back from the archive")
    assert {row.id for row in query.find(store).rows} == set(made)


async def test_what_loses_something_is_asked_first(store: Store, made: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/")
        select(user, made[:2])
        press(user, "do-delete")
        await user.should_see("Delete 2 tasks?")
        await user.should_see(f"task {made[0][-4:]}")
        user.find("Cancel").click()
        assert trash.listed(store) == []
        press(user, "do-delete")
        await user.should_see("Delete 2 tasks?")
        press(user, "go")
        await user.should_see("2 tasks: in the trash")
    assert {paths.id for paths in trash.listed(store)} == set(made[:2])


async def test_clones_are_put_into_a_queue(store: Store, made: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/")
        select(user, made[:1])
        press(user, "do-clone")
        await user.should_see("Clone 1 task")
        press(user, "go")
        await user.should_see("a draft, cloned from")
    clones = [row for row in query.find(store).rows if row.task.parent == made[0]]
    assert [row.task.status for row in clones] == [Status.CREATED]


async def test_a_page_that_is_read_only_changes_nothing_and_says_why(
    store: Store, made: list[str], opening: Opening
) -> None:
    async with opening(Desk(store, is_read_only=True)) as user:
        await user.open("/")
        select(user, made)
        assert user.client is not None
        buttons = {each.props.get("data-testid"): each for each in user.client.elements.values()}
        for key in ("tag", "archive", "clone", "enqueue", "abort", "reset", "delete", "move", "publish", "zip"):
            assert not buttons[f"do-{key}"].enabled
        assert buttons["do-compare"].enabled


async def test_what_is_damaged_is_named(store: Store, made: list[str], opening: Opening) -> None:
    record = next(row.paths for row in query.find(store).rows if row.id == made[0]).record
    record.write_text("{")
    async with opening(Desk(store)) as user:
        await user.open("/")
        await user.should_see("1 cannot be read")
        await user.should_see(str(record))


async def test_the_fields_are_those_of_the_address(store: Store, made: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/?q=lr+%3C&text=run&archived=1&project=group%2Finner")
        await user.should_see("group/inner")
        assert user.client is not None
        fields = {each.props.get("data-testid"): each for each in user.client.elements.values()}
        held = [fields[name].value for name in ("filter", "search", "archived")]  # type: ignore[attr-defined]  # they have values
        assert held == ["lr <", "run", True]


async def test_a_view_is_kept_listed_and_removed_with_a_way_back(
    store: Store, made: list[str], opening: Opening
) -> None:
    views.keep(store, "my <b> view", "sort=name")
    async with opening(Desk(store)) as user:
        await user.open("/?sort=name&text=run")
        press(user, "views")
        await user.should_see("my <b> view")
        assert user.client is not None
        fields = {each.props.get("data-testid"): each for each in user.client.elements.values()}
        fields["view-name"].value = "runs"  # type: ignore[attr-defined]  # it is a field
        press(user, "keep-view")
        await user.should_see("The view runs is kept.")
        assert [view.query for view in views.listed(store)] == ["sort=name", "sort=name&text=run"]
        press(user, "views")
        await user.should_see("my <b> view")
        click(user, "Remove the view my <b> view")
        await user.should_see("The view my <b> view is removed.")
        assert [view.name for view in views.listed(store)] == ["runs"]
        user.find("Undo").click()
        await user.should_see("is kept again")
    assert [view.name for view in views.listed(store)] == ["my <b> view", "runs"]


async def test_where_nothing_can_be_written_the_address_is_what_there_is(
    store: Store, made: list[str], opening: Opening
) -> None:
    async with opening(Desk(store, is_read_only=True)) as user:
        await user.open("/")
        press(user, "views")
        await user.should_see("The address of this page holds the view")
        await user.should_not_see("Keep this view")
