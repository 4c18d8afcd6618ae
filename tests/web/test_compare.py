from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from taskstore.store.store import Store, open_at
from taskstore.web.compare import address, live, strip
from taskstore.web.compare.source import Diff
from taskstore.web.compare.table import SideBySideTable
from taskstore.web.desk import Desk

from .. import zips
from . import compared
from .conftest import Opening, click, click_on

pytestmark = pytest.mark.anyio
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def elements(user: User, kind: type[Any]) -> list[Any]:
    assert user.client is not None
    return [element for element in user.client.elements.values() if isinstance(element, kind)]


def marked(user: User, test_id: str) -> Any:
    assert user.client is not None
    (found,) = [one for one in user.client.elements.values() if one.props.get("data-testid") == test_id]
    return found


def links(user: User) -> list[str]:
    return [str(element.props["href"]) for element in elements(user, ui.link)]


def rows(user: User, section: str) -> dict[str, Any]:
    (table,) = elements(user, SideBySideTable)
    (found,) = [each for each in table.props["sections"] if each["key"] == section]
    return {f"{row['n']} {row['k']}".strip(): row for row in found["rows"]}


async def opened(user: User, path: str, kind: type[Any], count: int = 1) -> list[Any]:
    """Open a page, wait until it has so many elements of a kind, and return them."""
    await user.open(path)
    await until(lambda: len(elements(user, kind)) >= count)
    return elements(user, kind)


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(300):
        if is_so():
            return
        await asyncio.sleep(0.01)
    assert is_so()


def two(store: Store) -> str:
    one = compared.task_of(store, "one", parameters={"lr": "0.1", "seed": "1"}, script="a\nb\n", config="depth: 1\n")
    other = compared.task_of(store, "two", parameters={"lr": "0.2", "seed": "1"}, script="a\nc\n", config="depth: 2\n")
    compared.curve(one, "loss", "train", [3.0, 1.0, 2.0])
    compared.curve(other, "loss", "train", [5.0, 4.0])
    return compared.ids(one, other)


async def test_details_are_side_by_side_and_say_what_differs(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await opened(user, f"/compare?ids={two(store)}", SideBySideTable)
        found = rows(user, "parameters")
        assert found["Args/lr"]["v"] == ["0.1", "0.2"]
        assert [found[name]["s"] for name in ("Args/lr", "Args/seed")] == [False, True]
        assert rows(user, "configuration")["model"]["v"] == ["depth: 1", "depth: 2"]


async def test_what_is_narrowed_is_in_the_address_and_a_reopened_link_shows_it(
    store: Store, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(address.ui, "run_javascript", written.append)
    ids = two(store)
    async with opening(Desk(store)) as user:
        (table,) = await opened(user, f"/compare?ids={ids}&q=lr&hide=1", SideBySideTable)
        assert table.props["first"] == {"search": "lr", "hidden": True}
        assert marked(user, "search").value == "lr"
        marked(user, "search").set_value("seed & <b>")
        marked(user, "only-differing").set_value(False)
        assert written[-1].endswith(f'"/compare?ids={ids}&q=seed+%26+%3Cb%3E")')


@pytest.mark.parametrize(
    ("count", "text"), [(0, "2 to 20 tasks are compared, not 0"), (1, "2 to 20 tasks are compared, not 1")]
)
async def test_too_few_tasks_are_refused_with_what_to_do(store: Store, opening: Opening, count: int, text: str) -> None:
    made = [compared.task_of(store, "one") for _ in range(count)]
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(*made)}")
        await user.should_see(text)
        await user.should_see("Select tasks in the table of all tasks")
        assert "/" in links(user)


async def test_of_too_many_tasks_the_first_twenty_are_offered(store: Store, opening: Opening) -> None:
    made = [compared.task_of(store, f"task {number}") for number in range(21)]
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(*made)}")
        await user.should_see("2 to 20 tasks are compared, not 21")
        assert f"/compare?ids={compared.ids(*made[:20])}" in links(user)


async def test_a_task_named_twice_is_offered_once(store: Store, opening: Opening) -> None:
    one, other = (compared.task_of(store, name) for name in ("one", "two"))
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(one, other, one)}")
        await user.should_see(f"task {one.id} is named twice")
        assert f"/compare?ids={compared.ids(one, other)}" in links(user)


@pytest.mark.parametrize("unknown", ["0" * 32, EVIL, "..%2F..%2Fetc"])
async def test_an_unknown_task_is_named_and_the_others_are_offered(
    store: Store, opening: Opening, unknown: str
) -> None:
    one, other = (compared.task_of(store, name) for name in ("one", "two"))
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={one.id},{unknown},{other.id}&tab=values")
        await user.should_see("no task '")
        assert f"/compare?ids={compared.ids(one, other)}&tab=values" in links(user)


async def test_a_damaged_task_is_named_and_the_others_are_offered(store: Store, opening: Opening) -> None:
    one, other, broken = (compared.task_of(store, name) for name in ("one", "two", "three"))
    broken.record.write_text("{")
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(broken, one, other)}")
        await user.should_see("damaged file")
        await user.should_see("taskstore doctor")
        assert f"/compare?ids={compared.ids(one, other)}" in links(user)


async def test_values_are_marked_at_their_extremes_and_are_to_be_had_as_csv(store: Store, opening: Opening) -> None:
    ids = two(store)
    async with opening(Desk(store)) as user:
        await opened(user, f"/compare?ids={ids}&tab=values", SideBySideTable)
        found = rows(user, "metrics")
        assert found["loss/train last"]["v"] == ["2", "4"]
        assert found["loss/train last"]["m"] == ["least", "greatest"]
        marked(user, "kind-max").set_value(False)
        assert list(rows(user, "metrics")) == ["loss/train last", "loss/train min"]
        answer = await user.http_client.get(f"/compare/values.csv?ids={ids}")
        first, last, *_ = answer.text.splitlines()
        one, other = ids.split(",")
        assert first == f"metric,value,one ({one[:12]}),two ({other[:12]})"
        assert last == "loss/train,last,2.0,4.0"
        assert "attachment" in answer.headers["content-disposition"]
        assert (await user.http_client.get(f"/compare/values.csv?ids={one}")).status_code == 409
        assert (await user.http_client.get(f"/compare/values.csv?ids={one},{'0' * 32}")).status_code == 404


async def test_source_is_compared_with_the_base_line_by_line(store: Store, opening: Opening) -> None:
    ids = two(store)
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={ids}&tab=source")
        await user.should_see("2 of 2 files differ")
        script, config = elements(user, Diff)
        assert script.props["lines"][3:] == [" a", "-b", "+c"]
        assert config.props["lines"][3:] == ["-depth: 1", "+depth: 2"]


async def test_curves_are_laid_over_one_another_in_the_colours_of_their_tasks(store: Store, opening: Opening) -> None:
    ids = two(store)
    async with opening(Desk(store)) as user:
        (plot,) = await opened(user, f"/compare?ids={ids}&tab=scalars&smooth=0.5&log=1", ui.plotly)
        traces = plot.figure["data"]
        assert [trace["y"] for trace in traces if "opacity" in trace] == [[3.0, 1.0, 2.0], [5.0, 4.0]]
        assert len({trace["line"]["color"] for trace in traces}) == 2
        assert plot.figure["layout"]["yaxis"]["type"] == "log"
        marked(user, "log").set_value(False)
        await until(lambda: plot.figure["layout"]["yaxis"]["type"] == "linear")


async def test_another_base_keeps_the_colours(store: Store, opening: Opening) -> None:
    one, other = two(store).split(",")
    colours = []
    async with opening(Desk(store)) as user:
        for ids in (f"{one},{other}", f"{other},{one}"):
            (table,) = await opened(user, f"/compare?ids={ids}", SideBySideTable)
            colours.append({task["id"]: task["colour"] for task in table.props["tasks"]})
            assert table.props["tasks"][0]["id"] == ids[:32]
    assert colours[0] == colours[1]


async def test_a_task_is_made_the_base_removed_and_added(
    store: Store, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []
    one, evil, three, fourth = (compared.task_of(store, name).id for name in ("one", EVIL, "three", "the fourth"))
    async with opening(Desk(store)) as user:
        await opened(user, f"/compare?ids={one},{evil},{three}&tab=values&q=x", ui.tabs)
        monkeypatch.setattr(strip.ui.navigate, "to", gone.append)
        click(user, f"Make {EVIL} the base")
        click(user, f"Remove {EVIL}")
        click_on(user, marked(user, "add-task"))
        await user.should_see("the fourth")
        marked(user, "add-search").set_value("no such")
        await user.should_see("No other task has this")
        marked(user, "add-search").set_value("fourth")
        click_on(user, marked(user, "found-task"))
        await until(lambda: len(gone) == 3)
    rest = "&tab=values&q=x"
    assert gone == [
        f"/compare?ids={evil},{one},{three}{rest}",
        f"/compare?ids={one},{three}{rest}",
        f"/compare?ids={one},{evil},{three},{fourth}{rest}",
    ]


async def test_metric_against_parameter_is_drawn_and_ranked(store: Store, opening: Opening) -> None:
    made = []
    for number, name in enumerate(("one", "two", "three", "four")):
        paths = compared.task_of(store, name, parameters={"lr": str(number + 1), "kind": "xyxy"[number], EVIL: EVIL})
        compared.curve(paths, "loss", "train", [10.0 - number])
        made.append(paths)
    ids = compared.ids(*made)
    async with opening(Desk(store)) as user:
        (plot,) = await opened(user, f"/compare?ids={ids}&tab=scatter&param=Args/lr", ui.plotly)
        assert [(trace["x"], trace["y"]) for trace in plot.figure["data"]] == [
            ([1.0], [10.0]),
            ([2.0], [9.0]),
            ([3.0], [8.0]),
            ([4.0], [7.0]),
        ]
        marked(user, "parameter").set_value("Args/kind")
        assert plot.figure["layout"]["xaxis"]["ticktext"] == ["x", "y"]
        (plot,) = await opened(user, f"/compare?ids={ids}&tab=parallel&p=Args/kind&p=Args/lr", ui.plotly)
        task, kind, lr, loss = plot.figure["data"][0]["dimensions"]
        assert task["ticktext"] == ["A", "B", "C", "D"]
        assert (kind["ticktext"], kind["values"]) == (["x", "y"], [0.0, 1.0, 0.0, 1.0])
        assert (lr["values"], loss["values"]) == ([1.0, 2.0, 3.0, 4.0], [10.0, 9.0, 8.0, 7.0])
        await user.open(f"/compare?ids={ids}&tab=importance")
        await user.should_see("the metric falls as it rises")
        await user.should_see("1.00")
        await user.should_see(f"These tasks do not tell of: Args/{EVIL}")


async def test_importance_of_two_tasks_says_what_it_wants(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={two(store)}&tab=importance")
        await user.should_see("Importance wants 3 tasks with loss/train, and 2 of these have it.")


async def test_samples_are_shown_at_the_same_iteration_or_the_last_before(store: Store, opening: Opening) -> None:
    one, other = (compared.task_of(store, name) for name in ("one", "two"))
    for iteration in (0, 10, 20):
        compared.picture(one, "examples", "first", iteration, 100)
    compared.picture(other, "examples", "first", 5, 100)
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(one, other)}&tab=samples")
        await user.should_see("iteration 20 (4 of 4)")
        await user.should_see("iteration 5 (last before)")
        marked(user, "step").set_value(0)
        await user.should_see("iteration 0 (1 of 4)")
        await user.should_see("nothing up to this iteration")
        images = [one for one in elements(user, ui.element) if one.tag == "img"]
        (address,) = [str(image.props["src"]) for image in images]
        answer = await user.http_client.get(address)
        assert answer.headers["content-type"] == "image/png"


async def test_plots_are_side_by_side(store: Store, opening: Opening) -> None:
    one, other = (compared.task_of(store, name) for name in ("one", "two"))
    for paths, height in ((one, 1), (other, 2)):
        with compared.reporting(paths) as writer:
            figure = {"data": [{"type": "bar", "y": [height]}], "layout": {"images": [{"source": "http://evil/x"}]}}
            writer.plot("bars", "all", figure, 3)
    async with opening(Desk(store)) as user:
        found = await opened(user, f"/compare?ids={compared.ids(one, other)}&tab=plots", ui.plotly, 2)
        shown = [plot.figure for plot in found]
        assert [figure["data"][0]["y"] for figure in shown] == [[1], [2]]
        assert "evil" not in str(shown)


@pytest.mark.parametrize("tab", ["scalars", "values", "plots", "samples", "parallel", "scatter", "importance"])
async def test_tasks_without_anything_say_so(store: Store, opening: Opening, tab: str) -> None:
    made = [compared.task_of(store, name) for name in ("one", "two")]
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(*made)}&tab={tab}")
        await user.should_see("This wants tasks" if tab in ("parallel", "scatter", "importance") else "None of these")


async def test_what_a_running_task_reports_is_shown_without_a_reload(
    store: Store, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_LOOK_S", 0.01)
    ids = two(store)
    desk = Desk(store)
    one = desk.listing.find(order_by="name")[0].paths
    async with opening(desk) as user:
        await opened(user, f"/compare?ids={ids}&tab=values", SideBySideTable)
        compared.curve(one, "loss", "train", [0.5, 0.5, 0.5, 0.25])
        desk.listing.look(at_all=True)
        await until(lambda: rows(user, "metrics")["loss/train last"]["v"] == ["0.25", "4"])
        (plot,) = await opened(user, f"/compare?ids={ids}&tab=scalars", ui.plotly)
        before = len(plot.figure["data"][0]["x"])
        compared.curve(one, "loss", "train", [0.1])
        desk.listing.look(at_all=True)
        await until(lambda: len(plot.figure["data"][0]["x"]) == before + 1)


async def test_a_store_in_a_zip_is_compared_too(store: Store, opening: Opening, tmp_path: Path) -> None:
    ids = two(store)
    packed = open_at(zips.zipped(store, tmp_path / "runs.zip"))
    async with opening(Desk(packed)) as user:
        await opened(user, f"/compare?ids={ids}&tab=values", SideBySideTable)
        assert rows(user, "metrics")["loss/train last"]["v"] == ["2", "4"]
        (plot,) = await opened(user, f"/compare?ids={ids}&tab=scalars", ui.plotly)
        assert len(plot.figure["data"]) == 2


async def test_a_zoom_reads_more_points_of_what_is_seen(store: Store, opening: Opening) -> None:
    one, other = (compared.task_of(store, name) for name in ("one", "two"))
    for paths in (one, other):
        compared.curve(paths, "loss", "train", [float(number % 7) for number in range(5000)])
    async with opening(Desk(store)) as user:
        (plot,) = await opened(user, f"/compare?ids={compared.ids(one, other)}&tab=scalars", ui.plotly)
        await until(lambda: plot.figure["data"][0]["x"][-1] == 4999)
        assert sum(100 <= x <= 300 for x in plot.figure["data"][0]["x"]) < 100
        zoom = {"xaxis.range[0]": 100, "xaxis.range[1]": 300}
        UserInteraction(user, {plot}, None).trigger("plotly_relayout", zoom)
        await until(lambda: sum(100 <= x <= 300 for x in plot.figure["data"][0]["x"]) == 201)
        assert plot.figure["layout"]["xaxis"]["range"] == [100.0, 300.0]
