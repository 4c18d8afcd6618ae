"""Pages without a browser: NiceGUI's simulated user, and the routes by HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

pytest.importorskip("nicegui")

from nicegui import core
from nicegui.client import Client
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

from taskstore.store.store import Store
from taskstore.web import files, pages
from taskstore.web.desk import Desk

Opening = Callable[..., AbstractAsyncContextManager[User]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def opening() -> Opening:
    """Opens a desk's pages to a simulated user: `async with opening(desk) as user: await user.open("/")`."""

    @contextlib.asynccontextmanager
    async def opened(desk: Desk) -> AsyncIterator[User]:
        living = core.app.router.lifespan_context  # each router that is included wraps it once more
        async with user_simulation() as user:
            core.app.include_router(files.router(desk))
            pages.register(desk, core.app)
            try:
                yield user
            finally:
                core.app.router.lifespan_context = living
                Client.page_routes.clear()  # or NiceGUI would have our modules imported again, as others

    return opened


def click(user: User, label: str) -> None:
    """Click what has this aria-label."""
    assert user.client is not None
    (found,) = [element for element in user.client.elements.values() if element.props.get("aria-label") == label]
    click_on(user, found)


def click_on(user: User, element: Element) -> None:
    UserInteraction(user, {element}, None).click()
