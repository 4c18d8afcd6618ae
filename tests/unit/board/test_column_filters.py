from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from taskstore.board import column_filters
from taskstore.core.clock import UTC
from taskstore.core.errors import BadValue
from taskstore.schema.conditions import compile_node

BERLIN = timezone(timedelta(hours=1))


class Fields(dict[str, object]):
    pass


def fits(test: dict[str, Any], value: object, zone: timezone = UTC) -> bool:
    node = column_filters.read({"field": test}, zone)
    assert node is not None
    return compile_node(node)(Fields(field=value))


@pytest.mark.parametrize(
    ("how", "value", "is_wanted"),
    [
        ("contains", "a (B) c", True),
        ("contains", "a b c", False),
        ("notContains", "a b c", True),
        ("notContains", None, True),
        ("equals", "(b)", True),
        ("equals", "(b) ", False),
        ("notEqual", "(b)", False),
        ("startsWith", "(B)c", True),
        ("startsWith", "a(b)", False),
        ("endsWith", "a(b)", True),
        ("endsWith", "(b)\n", False),
        ("blank", "", True),
        ("blank", None, True),
        ("notBlank", "x", True),
    ],
)
def test_a_text_is_compared_as_text_whatever_its_case(how: str, value: object, is_wanted: bool) -> None:
    assert fits({"filterType": "text", "type": how, "filter": "(b)"}, value) is is_wanted


@pytest.mark.parametrize(
    ("how", "value", "is_wanted"),
    [
        ("equals", 0.1, True),
        ("equals", "1e-1", True),
        ("notEqual", "0.1", False),
        ("greaterThan", "0.2", True),
        ("greaterThanOrEqual", 0.1, True),
        ("lessThan", 0.1, False),
        ("lessThanOrEqual", "0.1", True),
        ("lessThan", None, False),
        ("lessThan", "text", False),
        ("inRange", 0.3, True),
        ("inRange", 0.31, False),
    ],
)
def test_a_number_is_compared_as_a_number_however_it_is_spelled(how: str, value: object, is_wanted: bool) -> None:
    assert fits({"filterType": "number", "type": how, "filter": 0.1, "filterTo": 0.3}, value) is is_wanted


@pytest.mark.parametrize(
    ("how", "moment", "is_wanted"),
    [
        ("equals", datetime(2026, 1, 30, 23, 0, tzinfo=UTC), True),
        ("equals", datetime(2026, 1, 31, 23, 0, tzinfo=UTC), False),
        ("lessThan", datetime(2026, 1, 30, 22, 59, tzinfo=UTC), True),
        ("greaterThan", datetime(2026, 1, 31, 22, 59, tzinfo=UTC), False),
        ("greaterThan", datetime(2026, 1, 31, 23, 0, tzinfo=UTC), True),
        ("inRange", datetime(2026, 2, 1, 22, 0, tzinfo=UTC), True),
        ("inRange", datetime(2026, 2, 1, 23, 0, tzinfo=UTC), False),
    ],
)
def test_a_day_is_one_of_the_reader(how: str, moment: datetime, is_wanted: bool) -> None:
    test = {"filterType": "date", "type": how, "dateFrom": "2026-01-31 00:00:00", "dateTo": "2026-02-01 00:00:00"}
    assert fits(test, moment, BERLIN) is is_wanted


@pytest.mark.parametrize(("word", "is_wanted"), [("AND", False), ("OR", True)])
def test_two_tests_of_a_column_hold_together_or_either(word: str, is_wanted: bool) -> None:
    tests = [{"filterType": "number", "type": how, "filter": 1} for how in ("greaterThan", "equals")]
    assert fits({"filterType": "number", "operator": word, "conditions": tests}, 1) is is_wanted


def test_all_columns_hold_together() -> None:
    model = {name: {"filterType": "text", "type": "equals", "filter": "x"} for name in ("a", "b")}
    node = column_filters.read(model)
    assert node is not None
    assert compile_node(node)(Fields(a="x", b="x"))
    assert not compile_node(node)(Fields(a="x", b="y"))
    assert column_filters.read({}) is None


@pytest.mark.parametrize(
    "test",
    [
        7,
        {},
        {"filterType": "text", "type": "regex", "filter": "x"},
        {"filterType": "text", "type": "contains", "filter": 7},
        {"filterType": "text", "type": "contains", "filter": "x" * 201},
        {"filterType": "number", "type": "equals", "filter": "1"},
        {"filterType": "number", "type": "inRange", "filter": 1},
        {"filterType": "date", "type": "equals", "dateFrom": "yesterday"},
        {"filterType": "date", "type": "equals", "dateFrom": "9999-12-31"},
        {"operator": "XOR", "conditions": [{}]},
        {"operator": "AND", "conditions": []},
    ],
)
def test_what_is_no_filter_is_refused(test: Any) -> None:
    with pytest.raises(BadValue):
        column_filters.read({"field": test}, timezone(timedelta(hours=-1)))


@pytest.mark.parametrize(
    ("how", "word", "status", "is_wanted"),
    [
        ("contains", "run", "in_progress", True),
        ("equals", "Aborted", "stopped", True),
        ("equals", "stopped", "stopped", True),
        ("contains", "nothing", "stopped", False),
        ("notEqual", "draft", "created", False),
    ],
)
def test_a_status_is_known_by_the_word_that_is_shown(how: str, word: str, status: str, is_wanted: bool) -> None:
    node = column_filters.read({"status": {"filterType": "text", "type": how, "filter": word}})
    assert node is not None
    assert compile_node(node)(Fields(status=status)) is is_wanted
