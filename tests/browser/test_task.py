"""The page of a task in a real browser: main paths, markup in every field, a phone, faults of accessibility."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.states import Status
from taskstore.schema.record import (
    Parameter,
    ParamsRecord,
)
from taskstore.store import query, tasks
from taskstore.store.store import Store, open_at

from ..web.hostile import hostile
from .conftest import PHONE, WIDE, Site

Serve = Callable[..., Site]
TABS = {"Execution": "1", "Configuration": "2", "Artifacts": "3", "Info": "4", "History": "0"}


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)])
def test_markup_in_every_field_is_text_and_no_tab_has_a_serious_fault(
    store: Store, tmp_path: Path, serve: Serve, scheme: str, size: tuple[int, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    task_id = hostile(store, tmp_path)
    site = serve(store.root, color_scheme=scheme, size=size)
    faults: dict[str, object] = {}
    page = site.open(f"/task/{task_id}")
    for tab, key in TABS.items():
        page.keyboard.press(key)
        panel = page.get_by_role("tabpanel", name=tab)
        panel.get_by_text("onerror=alert(1)").first.wait_for()
        page.wait_for_timeout(300)  # Quasar fades its parts in
        found = serious(axe, page)
        width = page.evaluate("document.documentElement.scrollWidth")
        if found or width > size[0]:
            faults[tab] = [*found, width]
        assert page.locator("a[href^='javascript:']").count() == 0
        assert page.locator(".ts-main script, .ts-main img[onerror]").count() == 0
        assert "49" not in page.get_by_test_id("name").inner_text()
        site.shoot(f"{tab}-{scheme}")
    page.keyboard.press("c")
    page.get_by_test_id("ask-clone").get_by_text("Parameters").wait_for()
    page.wait_for_timeout(1200)  # the dialog fades in, too
    faults |= {"clone": found} if (found := serious(axe, page)) else {}
    site.shoot(f"clone-{scheme}")
    assert faults == {}


def serious(axe: Any, page: Any) -> list[str]:
    return [
        f"{each['id']}: {[node['html'][:200] for node in each['nodes']][:2]}"
        for each in axe.run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_a_page_that_a_task_has_kept_runs_nothing_and_loads_nothing(store: Store, tmp_path: Path, serve: Serve) -> None:
    task_id = hostile(store, tmp_path)
    site = serve(store.root)
    page = site.open(f"/task/{task_id}?tab=artifacts")
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(f"{request.url} {request.failure}"))
    page.get_by_test_id("preview-picture").click()
    page.locator(".tk-preview img").wait_for()
    page.get_by_test_id("preview-page").click()
    page.frame_locator("iframe").get_by_text("Report").wait_for()
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    assert refused == ["http://example.org/x csp"]  # before it has left
    told = ("Blocked script execution", "Content Security Policy", "asked another host: http://example.org/x")
    assert {each for each in told for text in site.complaints if each in text} == set(told)
    site.complaints[:] = [text for text in site.complaints if not any(each in text for each in told)]
    site.shoot("framed")


def test_from_a_task_to_its_edited_and_enqueued_clone(store: Store, serve: Serve) -> None:
    made = tasks.create(store, "vision", "train")

    def change(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {"lr": Parameter("0.1", "float")}}

    tasks.edit_params(store, made.id, change)
    site = serve(store.root)
    page = site.open(f"/task/{made.id}")
    page.keyboard.press("2")
    page.get_by_test_id("add-parameter").wait_for()
    assert page.url.endswith("?tab=configuration")
    page.keyboard.press("?")
    page.get_by_text("clone, edit and enqueue").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("clone, edit and enqueue").wait_for(state="detached")
    page.keyboard.press("c")
    page.get_by_test_id("clone-Args/lr").fill("0.7")
    page.get_by_test_id("clone-name").fill("larger steps")
    page.get_by_test_id("clone-queue").click()
    page.get_by_role("option", name="Enqueue in default").click()
    page.get_by_test_id("dialog-do").click()
    page.get_by_role("heading", name="larger steps").wait_for()
    page.get_by_test_id("status").get_by_text("Pending").wait_for()
    row = query.find(store).rows[0]
    assert (row.task.status, row.get("Args/lr")) == (Status.QUEUED, "0.7")
    tasks.transition(open_at(store.root), row.id, Status.IN_PROGRESS)  # by the server's own clock
    page.get_by_test_id("status").get_by_text("Running").wait_for()
    page.get_by_test_id("do-abort").wait_for()
    site.shoot("running")


def test_the_name_is_edited_and_the_id_copied(store: Store, serve: Serve) -> None:
    made = tasks.create(store, "vision", "train")
    site = serve(store.root, permissions=["clipboard-read", "clipboard-write"])
    page = site.open(f"/task/{made.id}")
    page.get_by_test_id("edit-name").click()
    page.get_by_test_id("field-name").fill("renamed")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="renamed").wait_for()
    page.get_by_test_id("copy-id").click()
    page.get_by_text("the id is copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == made.id


def test_a_store_in_a_zip_shows_all_and_changes_nothing(store: Store, tmp_path: Path, serve: Serve) -> None:
    task_id = hostile(store, tmp_path)
    packed = tmp_path / "store.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(store.root.rglob("*")):
            if path.is_file() and path.name not in (".lock", ".alive"):
                archive.write(path, path.relative_to(store.root).as_posix())
    site = serve(packed)
    page = site.open(f"/task/{task_id}?tab=configuration")
    page.get_by_test_id("why-read-only").wait_for()
    assert page.get_by_test_id("do-more").count() == 0
    assert page.get_by_test_id("object").count() == 1
    page.goto(page.url.replace("configuration", "artifacts"))
    page.get_by_test_id("preview-picture").click()
    page.locator(".tk-preview img").wait_for()
    assert page.evaluate("document.querySelector('.tk-preview img').naturalWidth") == 9
    answer: Any = page.request.get(f"{site.address}files/{task_id}/artifact?key=page")
    assert answer.status == 200
    page.goto(page.url.replace("artifacts", "execution"))
    page.get_by_test_id("diff").wait_for()
