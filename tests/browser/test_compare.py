"""The page that compares tasks, in a real browser: markup in every field, every tab, dark on a phone, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskstore.core.states import Status
from taskstore.store import tasks
from taskstore.store.store import Store
from tests.web import compared

from .conftest import PHONE, WIDE, Site
from .test_accessible import serious

Serve = Callable[..., Site]
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'`"
SHOWN = {
    "details": ".cmp-table td",
    "source": ".cmp-line",
    "scalars": ".scatterlayer .js-line",
    "values": ".cmp-mark",
    "plots": ".cmp-card .main-svg",
    "samples": ".cmp-picture",
    "parallel": ".parcoords",
    "scatter": ".scatterlayer .point",
    "importance": ".cmp-bar-full",
}


@pytest.fixture
def ids(store: Store) -> str:
    made = []
    for number in range(4):
        paths = compared.task_of(
            store,
            f"{EVIL} {number}",
            parameters={"lr": str(0.1 * number), EVIL: EVIL * (number % 2), "kind": "ab"[number % 2]},
            script=f"print({number})\n{EVIL}\n",
            packages={EVIL: EVIL, "torch": f"2.{number}"},
            config=f"{EVIL}: {number}\n",
        )
        compared.curve(paths, "loss", EVIL, [3.0 - number, 1.0, 0.5 * number])
        compared.picture(paths, EVIL, EVIL, number, 50 * number)
        with compared.reporting(paths) as writer:
            layout = {
                "title": {"text": f'<a href="javascript:alert(3)">{EVIL}</a>'},
                "images": [{"source": "http://x/"}],
            }
            writer.plot(EVIL, EVIL, {"data": [{"type": "bar", "x": [EVIL], "y": [number]}], "layout": layout}, number)
        made.append(paths)
    return compared.ids(*made)


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)])
def test_no_tab_runs_what_tasks_hold_or_has_a_serious_fault(
    store: Store, ids: str, serve: Serve, scheme: str, size: tuple[int, int]
) -> None:
    site = serve(store.root, color_scheme=scheme, size=size)
    faults: dict[str, Any] = {}
    for tab, shown in SHOWN.items():
        page = site.page
        page.goto(f"{site.address}compare?ids={ids}&tab={tab}")
        page.locator(shown).first.wait_for(state="attached")
        page.wait_for_timeout(300)  # Quasar fades its parts in
        site.shoot(f"compare-{tab}")
        found = list(serious(page))
        width = page.evaluate("document.documentElement.scrollWidth")
        if found or width > size[0]:
            faults[tab] = [*found, f"{width} wide of {size[0]}"]
        assert page.locator("main script, main img[src=x]").count() == 0
    assert faults == {}


def test_a_comparison_is_narrowed_rearranged_saved_and_follows_what_runs(store: Store, serve: Serve) -> None:
    one, two, three = (
        compared.task_of(store, name, parameters={"lr": str(place), "seed": "1"})
        for place, name in enumerate(("first", "second", "third"))
    )
    for paths in (one, two, three):
        compared.curve(paths, "loss", "train", [2.0, 1.0])
    tasks.transition(store, two.id, Status.IN_PROGRESS, reason="by hand")
    site = serve(store.root)
    page = site.open(f"/compare?ids={compared.ids(one, two)}")
    page.get_by_role("rowheader", name="Args/seed").wait_for()
    page.keyboard.press("i")
    page.get_by_role("rowheader", name="Args/seed").wait_for(state="detached")
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.dataset.testid === 'search'")
    page.keyboard.type("lr")
    page.get_by_role("rowheader", name="name").wait_for(state="detached")
    page.wait_for_url("**&hide=1**")
    page.reload()
    page.get_by_role("rowheader", name="Args/lr").wait_for()
    assert page.locator(".cmp-table tbody th[scope=row]").count() == 1

    site.by_id("add-task").click()
    page.wait_for_function("document.activeElement.dataset.testid === 'add-search'")
    page.keyboard.type("thi")
    page.get_by_role("button", name="third").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/compare?ids={compared.ids(one, two, three)}&**")
    page.get_by_label("Make second the base").click()
    page.wait_for_url(f"**/compare?ids={compared.ids(two, one, three)}&**")
    page.get_by_label("Remove third").click()
    page.wait_for_url(f"**/compare?ids={compared.ids(two, one)}&**")

    page.goto(f"{site.address}compare?ids={compared.ids(one, two)}&tab=values")
    cells = page.locator("tr", has=page.get_by_role("rowheader", name="loss/train last")).locator("td")
    cells.first.wait_for()
    with page.expect_download() as download:
        site.by_id("csv").click()
    assert download.value.path().read_text().splitlines()[1] == "loss/train,last,1.0,1.0"
    compared.curve(two, "loss", "train", [3.0, 3.0, 0.25])
    page.wait_for_function("document.querySelectorAll('.cmp-table tbody tr')[0].textContent.includes('0.25')")
