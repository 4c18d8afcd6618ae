"""What axe-core finds serious on any page, dark or light, wide or on a phone, fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe

from taskstore.queues import queue
from taskstore.store import tasks, trash
from taskstore.store.store import Store

from .conftest import PHONE, WIDE, Site

PATHS = ("/", "/projects", "/projects?name=examples", "/models", "/queues", "/trash", "/task/{task}")
BAD = ("serious", "critical")


@pytest.fixture
def task_id(store: Store) -> str:
    made = [tasks.create(store, "examples", f"task {number}").id for number in range(4)]
    queue.enqueue(store, made[0])
    trash.put(store, made[1])
    return made[2]


def serious(page: Any) -> Iterator[str]:
    for found in Axe().run(page).response["violations"]:
        if found["impact"] in BAD:
            yield f"{found['id']}: {found['help']}: {[node['html'][:160] for node in found['nodes']][:3]}"


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)])
def test_no_page_has_a_serious_fault(
    store: Store, task_id: str, serve: Callable[..., Site], scheme: str, size: tuple[int, int]
) -> None:
    site = serve(store.root, color_scheme=scheme, size=size)
    faults = {}
    for path in PATHS:
        page = site.open(path.format(task=task_id))
        page.wait_for_timeout(300)  # Quasar fades its parts in, and what is half faded has no contrast
        found = list(serious(page))
        width = page.evaluate("document.documentElement.scrollWidth")
        if found or width > size[0]:
            faults[path] = [*found, f"{width} wide of {size[0]}"]
    assert faults == {}


def test_the_table_has_no_serious_fault_with_a_selection_a_slip_and_its_chooser(
    store: Store, task_id: str, serve: Callable[..., Site]
) -> None:
    site = serve(store.root)
    faults = {}
    for button in ("", "columns"):
        page = site.open("/?col=name@200&col=status@120&sort=name")
        page.locator(".ag-row input[type=checkbox]").first.click()
        site.by_id("filter").fill("lr <")
        page.get_by_text("bad filter", exact=False).wait_for()
        site.by_id("do-zip").wait_for()
        if button:
            site.by_id(button).click()
            page.locator(".q-dialog .q-card").wait_for()
        for _ in range(4):  # it fades in, and what is half faded has no contrast
            page.wait_for_timeout(500)
            faults[button] = list(serious(page))
            if not faults[button]:
                break
    assert faults == dict.fromkeys(faults, [])
