"""The table of tasks as people use it: its address, keys, selection, what others write meanwhile, a phone."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record
from taskstore.schema import codec
from taskstore.schema.record import LastMetric, Parameter, ParamsRecord, SummaryRecord, TaskRecord
from taskstore.store import query, tasks, trash
from taskstore.store.store import Store

from .conftest import PHONE, Site

Serve = Callable[..., Site]
MARKUP = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>{{7*7}}"
COUNT = 60


def make(store: Store, name: str, project: str = "group/inner", lr: str = "0.1", **fields: Any) -> str:
    def fill(paths: Any, record: TaskRecord) -> None:
        for field, value in fields.items():
            setattr(record, field, value)
        params = ParamsRecord(hyperparams={"Args": {"lr": Parameter(lr, "float")}})
        replace_record(paths.params, codec.encode(params), is_durable=False)

    return tasks.create(store, project, name, fill=fill).id


@pytest.fixture
def filled(store: Store) -> list[str]:
    return [
        make(
            store,
            f"run {number:03}",
            "group/inner" if number % 2 else "other",
            lr=str((number * 7 % COUNT) / 100),
            tags=["odd"] if number % 2 else [],
            status=Status.FAILED if number % 3 == 0 else Status.COMPLETED,
        )
        for number in range(COUNT)
    ]


def names(page: Any) -> list[str]:
    return page.eval_on_selector_all(
        ".ag-row",
        "rows => rows.sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))"
        ".map(row => row.querySelector('.tt-name')?.textContent).filter(Boolean)",
    )


def wait_for_names(page: Any, wanted: Sequence[str]) -> None:
    for _ in range(100):
        if names(page)[: len(wanted)] == list(wanted):
            return
        page.wait_for_timeout(50)
    assert names(page)[: len(wanted)] == list(wanted)


def asked(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_address_holds_the_view_and_back_and_forward_lead_through_views(
    store: Store, filled: list[str], serve: Serve
) -> None:
    site = serve(store.root)
    page = site.open()
    wait_for_names(page, ["run 059", "run 058"])
    page.get_by_role("link", name="group", exact=False).first.click()
    page.get_by_text("30 tasks").wait_for()
    site.by_id("filter").fill("lr < 0.1 and status = failed")
    page.wait_for_url("**q=lr*")
    page.locator(".ag-header-cell[col-id=name]").click()
    page.wait_for_url("**sort=name*")
    wanted = [f"run {n:03}" for n in range(COUNT) if n % 2 and n % 3 == 0 and (n * 7 % COUNT) / 100 < 0.1]
    wait_for_names(page, wanted)
    page.get_by_text(f"{len(wanted)} tasks").wait_for()
    assert asked(page) == {"project": ["group"], "q": ["lr < 0.1 and status = failed"], "sort": ["name"]}
    page.reload()
    wait_for_names(page, wanted)
    assert site.by_id("filter").input_value() == "lr < 0.1 and status = failed"
    site.shoot("filtered")
    page.go_back()
    page.go_back()
    page.get_by_text("30 tasks").wait_for()
    assert site.by_id("filter").input_value() == ""
    page.go_forward()
    page.get_by_text(f"{len(wanted)} tasks").wait_for()
    assert site.by_id("filter").input_value() == "lr < 0.1 and status = failed"


def test_a_slip_in_the_filter_is_shown_at_the_field_and_nothing_that_fits_offers_a_way_back(
    store: Store, filled: list[str], serve: Serve
) -> None:
    site = serve(store.root)
    page = site.open()
    site.by_id("filter").fill("lr < ")
    page.get_by_text("bad filter, column", exact=False).wait_for()
    site.shoot("slip")
    assert "q" not in asked(page)
    site.by_id("filter").fill("")
    site.by_id("search").fill("nowhere to be found")
    site.by_id("nothing-fits").wait_for()
    site.shoot("nothing")
    site.by_id("clear-filters").click()
    wait_for_names(page, ["run 059"])
    assert site.by_id("search").input_value() == ""
    site.by_id("filter").fill("tag = odd")
    page.wait_for_url("**q=tag*")
    site.by_id("search").fill("run 05")
    page.wait_for_url("**text=run*")
    page.go_back()
    page.go_back()
    wait_for_names(page, ["run 059", "run 058"])
    page.wait_for_timeout(400)
    assert asked(page) == {}
    assert (site.by_id("search").input_value(), site.by_id("filter").input_value()) == ("", "")


def test_columns_are_chosen_filtered_and_sorted_by_several(store: Store, filled: list[str], serve: Serve) -> None:
    site = serve(store.root)
    page = site.open("/?col=name@200&col=status@120")
    wait_for_names(page, ["run 059"])
    site.by_id("columns").click()
    site.by_id("search-columns").fill("lr")
    page.get_by_role("checkbox", name="Args/lr").click()
    page.get_by_role("button", name="Close", exact=True).last.click()
    head = page.locator(".ag-header-cell[col-id='param:Args/lr']")
    head.wait_for()
    assert asked(page)["col"][:2] == ["name@200", "status@120"]
    assert asked(page)["col"][2].startswith("param:Args/lr@")
    page.locator(".ag-header-cell[col-id=status] .ag-header-cell-label").click()
    head.locator(".ag-header-cell-label").click(modifiers=["Shift"])
    page.wait_for_url("**sort=status&sort=param*")
    order = sorted(range(COUNT), key=lambda n: (n % 3 == 0, n * 7 % COUNT))
    wait_for_names(page, [f"run {n:03}" for n in order[:8]])
    head.locator(".ag-header-cell-filter-button, .ag-header-icon.ag-header-cell-menu-button").first.click()
    page.locator(".ag-filter input[type=number]").first.fill("0.59")
    page.wait_for_url("**filters=*")
    page.get_by_text("1 task", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.reload()
    page.get_by_text("1 task", exact=True).wait_for()
    site.shoot("columns")


def test_keys_move_select_open_and_compare(store: Store, filled: list[str], serve: Serve) -> None:
    site = serve(store.root)
    page = site.open()
    wait_for_names(page, ["run 059"])
    for key in ("j", "x", "j", "ArrowDown", " "):
        page.keyboard.press(key)
    page.get_by_text("60 tasks, 2 selected").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("run 0")
    page.wait_for_url("**text=run*")
    page.keyboard.press("Escape")
    page.locator("h1, [role=heading]").first.click()
    page.keyboard.press("c")
    page.wait_for_url("**/compare?ids=*")
    assert set(page.url.split("ids=")[1].split(",")) == {filled[59], filled[57]}
    site.complaints.clear()  # the page of comparisons is another's
    page.go_back()
    wait_for_names(page, ["run 059"])
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/task/{filled[59]}**")


def test_many_are_tagged_and_deleted_with_a_way_back_for_all(store: Store, filled: list[str], serve: Serve) -> None:
    site = serve(store.root)
    page = site.open("/?q=tag%20%3D%20odd")
    page.get_by_text("30 tasks").wait_for()
    page.locator(".ag-row input[type=checkbox]").first.click()
    site.by_id("do-all").click()
    page.get_by_text("30 tasks, 30 selected").wait_for()
    site.by_id("do-tag").click()
    site.by_id("add-tags").fill("better, new")
    site.by_id("go").click()
    page.get_by_text("30 tasks: tags changed").wait_for()
    assert all(row.task.tags == ["odd", "better", "new"] for row in query.find(store).rows if "odd" in row.task.tags)
    site.by_id("do-delete").click()
    site.shoot("delete")
    site.by_id("go").click()
    page.get_by_text("30 tasks: in the trash").wait_for()
    site.by_id("nothing-fits").wait_for()
    assert len(trash.listed(store)) == 30
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("30 tasks: restored from the trash").wait_for()
    page.get_by_text("30 tasks", exact=True).wait_for()
    assert trash.listed(store) == []


def test_what_fails_is_said_task_by_task(store: Store, serve: Serve) -> None:
    make(store, "a draft")
    make(store, "an ended one", status=Status.COMPLETED)
    site = serve(store.root)
    page = site.open()
    wait_for_names(page, ["an ended one"])
    for box in page.locator(".ag-row input[type=checkbox]").all():
        box.click()
    site.by_id("do-publish").click()
    site.by_id("go").click()
    page.get_by_text("Publish failed for 1 of 2").wait_for()
    assert "a draft" in site.by_id("failures").inner_text()
    assert "an ended one" not in site.by_id("failures").inner_text()


def test_what_runs_meanwhile_is_seen_and_takes_nothing_from_the_reader(
    store: Store, filled: list[str], serve: Serve
) -> None:
    site = serve(store.root)
    page = site.open()
    wait_for_names(page, ["run 059"])
    page.locator(".ag-row[row-index='2'] input[type=checkbox]").click()
    viewport = page.locator(".ag-body-viewport")
    viewport.evaluate("element => element.scrollTop = 500")
    page.locator(".ag-row", has_text="run 040").locator("[col-id=status]").click()
    before = viewport.evaluate("element => element.scrollTop")
    make(store, "just now")
    page.get_by_text("61 tasks, 1 selected").wait_for()
    page.wait_for_timeout(300)
    assert viewport.evaluate("element => element.scrollTop") == before
    focused = page.locator(".ag-cell-focus").first.locator("xpath=..")
    assert "run 040" in focused.inner_text() or focused.get_attribute("row-id") == filled[40]
    viewport.evaluate("element => element.scrollTop = 0")
    wait_for_names(page, ["just now", "run 059"])
    selected = page.locator(".ag-row-selected").first
    assert selected.get_attribute("row-id") == filled[57]


def test_markup_in_every_field_is_text(store: Store, serve: Serve) -> None:
    name = MARKUP.replace("/", "")
    made = make(
        store,
        MARKUP,
        f"{name}/inner",
        lr=MARKUP,
        **{"tags": [name], "comment": MARKUP, "user": MARKUP, "host": MARKUP, "status_reason": MARKUP},
    )
    paths = next(row.paths for row in query.find(store).rows if row.id == made)
    params = ParamsRecord(hyperparams={"<b>": {MARKUP: Parameter(MARKUP)}})
    paths.params.write_bytes(codec.encode(params))
    last = LastMetric(value=1.0, min_value=1.0, max_value=1.0)
    paths.summary.write_bytes(codec.encode(SummaryRecord(last_metrics={MARKUP: {MARKUP: last}})))
    site = serve(store.root)
    page = site.open(
        "/?col=name@200&col=tags@200&col=comment@100&col=user@100&col=host@100&col=project@100&col=status_reason@100"
    )
    page.get_by_text("onerror=alert(1)", exact=False).first.wait_for()
    site.by_id("columns").click()
    site.by_id("search-columns").fill("onerror")
    page.locator(".tt-columns").get_by_role("checkbox").first.click()
    page.wait_for_url("**param*")
    page.keyboard.press("Escape")
    page.locator(".q-dialog__backdrop").wait_for(state="detached")
    page.locator(".ag-row input[type=checkbox]").first.click()
    site.by_id("do-delete").click()
    site.by_id("go").wait_for()
    site.shoot("markup")
    assert page.locator("main img[src='x'], main script, .q-dialog img, .q-dialog script").count() == 0
    assert page.get_by_text("49", exact=True).count() == 0


def test_a_zip_leaves_when_its_secrets_are_masked(store: Store, serve: Serve) -> None:
    made = make(store, "with a key")
    paths = next(row.paths for row in query.find(store).rows if row.id == made)
    paths.config.mkdir()
    secret = "AKIA" + "Z7QK3MEXAMP1E5T2"
    (paths.config / "cloud.txt").write_text(f"aws_access_key_id = {secret}\n")
    site = serve(store.root)
    page = site.open()
    wait_for_names(page, ["with a key"])
    page.keyboard.press("j")
    page.keyboard.press("x")
    site.by_id("do-zip").click()
    site.by_id("go").click()
    page.get_by_text("cloud.txt, line 1", exact=False).first.wait_for()
    with page.expect_download() as downloading:
        site.by_id("mask").click()
    path = site.folder / "fetched.zip"
    downloading.value.save_as(path)
    with zipfile.ZipFile(path) as packed:
        texts = [packed.read(name) for name in packed.namelist()]
    assert any(b"aws_access_key_id" in text for text in texts)
    assert not any(secret.encode() in text for text in texts)


def test_on_a_phone_projects_are_in_a_drawer(store: Store, filled: list[str], serve: Serve) -> None:
    site = serve(store.root, size=PHONE)
    page = site.open()
    wait_for_names(page, ["run 059"])
    link = page.get_by_role("link", name="other", exact=False)
    assert not link.is_visible()
    site.shoot("phone")
    site.by_id("toggle-projects").click()
    link.click()
    page.wait_for_url("**project=other*")
    link.wait_for(state="hidden")
    page.get_by_text("30 tasks").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_view_is_kept_by_name(store: Store, filled: list[str], serve: Serve) -> None:
    site = serve(store.root)
    page = site.open("/?project=other&sort=name")
    wait_for_names(page, ["run 000"])
    site.by_id("views").click()
    site.by_id("view-name").fill("the others")
    site.by_id("keep-view").click()
    page.get_by_text("The view the others is kept").wait_for()
    page = site.open("/")
    wait_for_names(page, ["run 059"])
    site.by_id("views").click()
    page.get_by_text("the others").click()
    wait_for_names(page, ["run 000", "run 002"])
    assert asked(page) == {"project": ["other"], "sort": ["name"]}


def test_the_first_task_of_a_store_appears_by_itself(store: Store, serve: Serve) -> None:
    page = serve(store.root).open()
    page.get_by_text("No tasks yet.").wait_for()
    make(store, "the first")
    wait_for_names(page, ["the first"])
    page.get_by_text("No tasks yet.").wait_for(state="hidden")
