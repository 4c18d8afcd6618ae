"""What a notebook shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore import Task
from taskstore.core.states import Status
from taskstore.notebook import Results, _course
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.sections.reports import Writer
from taskstore.store import tasks, trash
from taskstore.store.store import Store

EVIL = "<script>alert(1)</script>\"'><img src=https://example.org/x onerror=alert(2)>&amp;\u202e\x07"
HARMLESS = frozenset(
    "div br small strong span code em table thead tbody tr th td details summary svg polyline".split()  # noqa: SIM905 - shorter
)
SIZES = {"viewbox", "width", "height", "fill", "stroke"}


class Shown(HTMLParser):
    """Reads HTML as a browser does: its text, and whether each tag and attribute is harmless."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.opened: list[str] = []
        self.feed(source)
        self.close()
        assert self.opened == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS
        names = {name for name, _ in attributes}
        assert names <= ({"points"} if tag == "polyline" else SIZES if tag == "svg" else {"style", "open"})
        assert all("url" not in (value or "") for _, value in attributes)
        if tag != "br":
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}|"


def shown(thing: object) -> str:
    return Shown(thing._repr_html_()).text  # type: ignore[attr-defined]  # notebooks ask so too


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.chdir(tmp_path)


def make(store: Store, name: str, change: Callable[[ParamsRecord], None] | None = None) -> str:
    made = tasks.create(store, "examples", name)
    if change is not None:
        tasks.edit_params(store, made.id, change)
    return made.id


def test_a_task_shows_what_it_is_its_parameters_and_its_metrics(store: Store) -> None:
    def change(record: ParamsRecord) -> None:
        record.hyperparams = {"Args": {"lr": Parameter("0.1")}}

    made = make(store, "first run", change)
    paths = Task.get_task(made).path()  # type: ignore[union-attr]  # it is there

    def fail(error: BaseException) -> None:
        raise error

    from taskstore.disk.layout import TaskPaths

    writer = Writer(lambda: TaskPaths(paths), fail)
    for iteration, value in enumerate([4.0, 0.25, float("nan")]):
        writer.scalar("loss", "train", value, iteration)
    writer.scalar(":monitor:gpu", "use", 1.0, 0)
    writer.single_value("best", 0.25)
    writer.close()
    text = shown(Task.get_task(made))
    for words in ("first run|", "Draft|", "examples|", made, "2026-01-01 00:00:00 UTC", str(paths), "Args/lr|0.1|"):
        assert words in text
    assert "loss/train|NaN|0.25|4|" in text
    source = Task.get_task(made)._repr_html_()  # type: ignore[union-attr]  # it is there
    assert source.count("<svg") == 1
    # Three points, of which the last is a gap: from the top to the bottom of the left half.
    assert re.findall(r'points="([^"]+)"', source) == ["1.0,1.0 50.0,15.0"]
    assert "best|0.25|" in text
    assert "gpu" not in text


@given(st.lists(st.floats(), max_size=80))
def test_whatever_the_numbers_a_course_is_drawn_within_its_box(values: list[float]) -> None:
    source = _course(list(enumerate(values)))
    Shown(source)
    for point in re.findall(r"([-\d.]+),([-\d.]+)", source):
        assert 0 <= float(point[0]) <= 100
        assert 0 <= float(point[1]) <= 16
    assert not re.search("nan|inf", source)


def test_a_list_of_tasks_is_a_table_and_still_a_list(store: Store) -> None:
    made = [make(store, name) for name in ("first", "second")]
    found = Task.get_tasks(project_name="examples")
    assert isinstance(found, list)
    assert {task.id for task in found} == set(made)
    text = shown(found)
    assert text.startswith("id|project|name|status|created|tags|")
    assert "|first|Draft|" in text
    assert "|second|Draft|" in text


def test_what_a_query_gives_is_shown_too(store: Store) -> None:
    made = make(store, "first")
    ids = Task.query_tasks(project_name="examples")
    assert ids == [made]
    assert shown(ids) == f"id|{made}|"
    found = Task.query_tasks(project_name="examples", additional_return_fields=["name", "Args/lr"])
    assert found == [{"id": made, "name": "first", "Args/lr": None}]
    assert shown(found) == f"id|name|Args/lr|{made}|first|"
    assert shown(Task.get_tasks(task_name="nothing")) == "no tasks|"


def test_a_long_list_is_cut_and_counted() -> None:
    assert shown(Results(str(number) for number in range(53))).endswith("|49|and 3 more|")


def test_nothing_in_a_task_is_taken_for_html_or_leads_elsewhere(store: Store) -> None:
    def change(record: ParamsRecord) -> None:
        record.hyperparams = {EVIL: {EVIL: Parameter(EVIL)}}

    made = make(store, EVIL, change)

    def fill(record: TaskRecord) -> None:
        record.tags, record.comment, record.type, record.status_reason = [EVIL], EVIL, EVIL, EVIL

    tasks.edit(store, made, fill)
    task = Task.get_task(made)
    assert task is not None
    described = Task.query_tasks(project_name="examples", additional_return_fields=["name"])
    for thing in (task, Results([task]), described, Results([EVIL])):
        text = shown(thing)
        assert "<script>alert(1)</script>" in text
        assert "\u202e" not in text
        assert "\x07" not in text
        assert "\\u202e" in text


def test_a_task_that_is_gone_says_so_and_raises_nothing(store: Store) -> None:
    made = make(store, "first")
    task = Task.get_task(made)
    found = Task.get_tasks(project_name="examples")
    trash.put(store, made)
    assert made in shown(task)
    assert "trash" in shown(task)
    assert "trash" in shown(found)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_can_be_read_on_its_colour(status: Status) -> None:
    from taskstore.notebook import _status

    (colour,) = re.findall(r"background:#([0-9a-f]{6})", _status(status))
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG's ratio for white text
