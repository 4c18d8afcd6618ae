from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from taskstore.core.clock import to_text
from taskstore.disk.layout import TaskPaths
from taskstore.store import console, events, tasks
from taskstore.store.store import Store

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
ONE, TWO = "one-1-00000000", "two-1-00000000"


def log(paths: TaskPaths, entries: list[tuple[float, str]], writer: str = ONE) -> None:
    """Append entries as they are spelled in a log, behind their times."""
    paths.events.mkdir(exist_ok=True)
    text = "".join(f"{to_text(BEGAN + timedelta(seconds=seconds))} {entry}\n" for seconds, entry in entries)
    with (paths.events / f"console.{writer}.log").open("a", encoding="utf-8") as stream:
        stream.write(text)


def texts(page: console.Page) -> list[str]:
    return [line.text for line in page.lines]


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return tasks.create(store, "examples", "run")


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_BLOCK_BYTES", 256)
    monkeypatch.setattr(console, "_PARTS_BYTES", 512)


@pytest.fixture
def two_writers(paths: TaskPaths, _small_blocks: None) -> TaskPaths:
    log(paths, [(number, f"stdout F one {number}") for number in range(0, 300, 2)], ONE)
    log(paths, [(number, f"stderr F two {number}") for number in range(1, 300, 2)], TWO)
    return paths


ALL = [f"{'one' if number % 2 == 0 else 'two'} {number}" for number in range(300)]


@pytest.mark.parametrize("count", [1, 7, 50, 1000])
def test_pages_from_the_end_to_the_beginning_are_the_whole_console(two_writers: TaskPaths, count: int) -> None:
    page = console.before(two_writers, None, count)
    assert page.is_last
    found = texts(page)
    while not page.is_first:
        page = console.before(two_writers, page.start, count)
        assert page.lines
        found = texts(page) + found
    assert found == ALL


@pytest.mark.parametrize("count", [1, 7, 50, 1000])
def test_pages_from_the_beginning_to_the_end_are_the_whole_console(two_writers: TaskPaths, count: int) -> None:
    page = console.after(two_writers, {}, count)
    assert page.is_first
    found = texts(page)
    while not page.is_last:
        page = console.after(two_writers, page.end, count)
        found += texts(page)
    assert found == ALL


def test_of_one_stream_only_its_lines_are_paged(two_writers: TaskPaths) -> None:
    assert texts(console.before(two_writers, None, 3, "stderr")) == ["two 295", "two 297", "two 299"]


@pytest.mark.usefixtures("_small_blocks")
def test_a_line_in_parts_is_whole_on_the_page_that_it_ends_on(paths: TaskPaths) -> None:
    log(paths, [(0, "stdout F first"), (1, "stdout P half "), (2, "stderr F between"), (3, "stdout F whole")])
    assert texts(console.before(paths, None, 1)) == ["half whole"]
    assert texts(console.before(paths, None, 2)) == ["between", "half whole"]


def test_a_text_is_found_whatever_its_case_and_is_in_the_middle_of_its_page(two_writers: TaskPaths) -> None:
    hits = console.find(two_writers, "ONE 15")
    page, at = console.around(two_writers, hits[1], 20)
    found = [texts(console.around(two_writers, hit, 20)[0])[console.around(two_writers, hit, 20)[1]] for hit in hits]
    assert found == ["one 150", "one 152", "one 154", "one 156", "one 158"]
    assert texts(page) == ALL[142:162]
    assert at == 10


def test_what_stands_before_a_line_in_its_log_is_not_found(two_writers: TaskPaths) -> None:
    assert console.find(two_writers, "2026-01") == []
    assert console.find(two_writers, "stdout") == []
    assert console.find(two_writers, "one", "stderr") == []
    assert len(console.find(two_writers, "two", "stderr", most=12)) == 12


def test_a_follower_goes_on_where_a_page_ends(two_writers: TaskPaths) -> None:
    log(two_writers, [(400, "stdout P begun, ")])
    page = console.before(two_writers, None, 5)
    follower = console.follower(two_writers, page.end)
    assert follower.read(two_writers) == []
    log(two_writers, [(401, "stdout F ended")])
    assert [line.text for line in follower.read(two_writers)] == ["begun, ended"]


def test_a_task_without_a_console_has_an_empty_page(paths: TaskPaths) -> None:
    page = console.before(paths)
    assert (page.lines, page.is_first, page.is_last) == ([], True, True)


def test_pages_say_the_same_as_reading_all_of_it(two_writers: TaskPaths) -> None:
    assert console.before(two_writers, None, 10_000).lines == list(events.read_console(two_writers))
