from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from nicegui.testing import User

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks
from taskstore.store.store import Store
from taskstore.web.console_view import ConsoleView
from taskstore.web.desk import Desk
from taskstore.web.tabs import console

from . import reporting
from .conftest import Opening

pytestmark = pytest.mark.anyio


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "run")
    reporting.console(made, [f"line {number}" for number in range(2000)])
    reporting.console(made, ["\x1b[31mfailed\x1b[0m <b>markup</b>"], "stderr", first=2000)
    return made


def views(user: User) -> list[ConsoleView]:
    assert user.client is not None
    return [one for one in user.client.elements.values() if isinstance(one, ConsoleView)]


def texts(user: User) -> list[str]:
    return ["".join(text for text, _ in line[2]) for one in views(user) for line in one.shown]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


async def test_only_the_end_is_sent_and_what_was_before_on_request(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console")
        await until(lambda: len(texts(user)) == console.PAGE)
        assert views(user)[0].shown[-1][1:] == ["stderr", [["failed", "fg-1"], [" <b>markup</b>", ""]]]
        user.find(content="Earlier lines").click()
        await until(lambda: len(texts(user)) == 2 * console.PAGE)
        assert texts(user)[0] == f"line {2001 - 2 * console.PAGE}"


async def test_what_is_printed_meanwhile_is_added(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console")
        await until(lambda: texts(user)[-1:] == ["failed <b>markup</b>"])
        reporting.console(paths, ["one more"], first=2001)
        await until(lambda: texts(user)[-1] == "one more")


async def test_a_reset_console_begins_anew(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console")
        await until(lambda: len(texts(user)) == console.PAGE)
        for log in paths.events.glob("console.*"):
            log.unlink()
        await until(lambda: texts(user) == [])
        reporting.console(paths, ["again"])
        await until(lambda: texts(user) == ["again"])


async def test_a_search_goes_through_all_of_it_and_steps_to_each_line(
    store: Store, paths: TaskPaths, opening: Opening
) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console&search=LINE+77")
        await user.should_see("11 of 11", retries=50)
        assert "line 779" in texts(user)
        await user.should_see("This is not the end of it.", retries=50)
        user.find(marker="next").click()
        await until(lambda: "line 77" in texts(user))
        assert "line 779" not in texts(user)
        user.find(content="Latest").click()
        await until(lambda: texts(user)[-1] == "failed <b>markup</b>")


async def test_one_stream_alone_is_shown(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console&stream=stderr&times=1")
        await until(lambda: texts(user) == ["failed <b>markup</b>"])
        assert views(user)[0].props["times"] is True
        assert views(user)[0].shown[0][0] == "2026-01-01 00:33:20"


async def test_what_was_searched_in_vain_is_said(store: Store, paths: TaskPaths, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{paths.id}?tab=console&search=nowhere")
        await user.should_see("nothing found", retries=50)
