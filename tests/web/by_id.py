"""Finding elements by their data-testid, as the browser tests do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction


async def open_task(user: User, path: str) -> None:
    """Open a task's page, and wait until a tab of it is there."""
    await user.open(path)
    await until(lambda: [each for each in all_of(user, "panel") if each.default_slot.children])


def all_of(user: User, name: str) -> list[Any]:
    """Return the visible elements of a name, the oldest first."""
    layout = user.current_layout
    found = [each for each in layout.descendants() if each.props.get("data-testid") == name]
    return sorted((each for each in found if _is_visible(each)), key=lambda each: each.id)


def _is_visible(element: Any) -> bool:
    return all(
        each.visible and not (isinstance(each, ui.dialog) and not each.value)
        for each in (element, *element.ancestors())
    )


async def click(user: User, name: str) -> None:
    """Click the one visible element of a name, once it is there."""
    await until(lambda: len(all_of(user, name)) == 1)
    one(user, name).click()


def one(user: User, name: str) -> UserInteraction[Any]:
    """Return the one visible element of a name, to click or type into."""
    (element,) = all_of(user, name)
    return UserInteraction(user, {element}, None)


def value(user: User, name: str) -> Any:
    """Return what stands in a field."""
    return all_of(user, name)[0].value


def text(user: User, name: str) -> str:
    """Return all the text below the elements of a name."""
    return "\n".join(
        each.text
        for element in all_of(user, name)
        for each in (element, *element.descendants())
        if hasattr(each, "text")
    )


async def until(holds: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Wait until something holds; fails where it does not."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it has not come about"
        await asyncio.sleep(0.02)
