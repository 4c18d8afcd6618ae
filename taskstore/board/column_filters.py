"""What is set in the heads of a table's columns, as the conditions of the query language.

The form is that of the grid in the page: by column a test, or two of them with AND or OR between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

from ..core.clock import UTC
from ..core.errors import BadValue
from ..core.states import Status
from ..schema.conditions import Condition, Group, Node, Not, Value

_TEXTS = {
    "contains": "(?i){}",
    "notContains": "(?i){}",
    "equals": r"(?i)\A{}\Z",
    "notEqual": r"(?i)\A{}\Z",
    "startsWith": r"(?i)\A{}",
    "endsWith": r"(?i){}\Z",
}
_NUMBERS = {
    "equals": "=",
    "notEqual": "!=",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
}
_EMPTY = {"blank": "is missing", "notBlank": "is set", "empty": "is missing"}
_MAX_TESTS = 20
_MAX_TEXT = 200


def read(model: Mapping[str, object], zone: timezone = UTC) -> Node | None:
    """Return the condition of all columns together, None where nothing is set; a day is one of the zone.

    Raises BadValue for what is no such filter.
    """
    parts = [_column(name, test, zone) for name, test in model.items()]
    return _joined("and", parts) if parts else None


def _joined(word: str, parts: list[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Group) and part.word == word else (part,)
    return flat[0] if len(flat) == 1 else Group(word, tuple(flat))


def _column(name: str, test: object, zone: timezone) -> Node:
    if not isinstance(test, Mapping):
        raise BadValue(f"the filter of {name} is no object")
    tests = test.get("conditions")
    if not isinstance(tests, list):
        return _test(name, test, zone)
    word = {"AND": "and", "OR": "or"}.get(str(test.get("operator")))
    if word is None or not 0 < len(tests) <= _MAX_TESTS:
        raise BadValue(f"the filter of {name} has {len(tests)} tests, and {test.get('operator')!r} between them")
    return _joined(word, [_column(name, each, zone) for each in tests])


def _test(name: str, test: Mapping[str, object], zone: timezone) -> Node:
    how, kind = str(test.get("type")), str(test.get("filterType"))
    if how in _EMPTY:
        return Condition(name, _EMPTY[how])
    if kind == "text" and how in _TEXTS:
        return _text(name, how, test.get("filter"))
    if kind == "number" and (how in _NUMBERS or how == "inRange"):
        return _number(name, how, test)
    if kind == "date" and (how in _NUMBERS or how == "inRange"):
        return _date(name, how, test, zone)
    raise BadValue(f"the filter of {name} is of no known kind: {kind}, {how}")


def _text(name: str, how: str, wanted: object) -> Node:
    if not isinstance(wanted, str) or len(wanted) > _MAX_TEXT:
        raise BadValue(f"the filter of {name} is a text of at most {_MAX_TEXT} characters")
    pattern = _TEXTS[how].format(re.escape(wanted))
    found = _status(pattern) if name == "status" else Condition(name, "~", (Value(pattern),))
    return Not(found) if how in ("notContains", "notEqual") else found


def _status(pattern: str) -> Condition:
    """People filter by the words that they see, or by those of the query language."""
    search = re.compile(pattern).search
    fitting = [status for status in Status if search(status.label) or search(status.value)]
    return Condition("status", "in", tuple(Value(status.value) for status in fitting))


def _number(name: str, how: str, test: Mapping[str, object]) -> Node:
    first, last = test.get("filter"), test.get("filterTo")
    for value in (first, last) if how == "inRange" else (first,):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise BadValue(f"the filter of {name} wants a number, not {value!r}")
    if how == "inRange":
        return Group("and", (_ordered(name, ">=", first), _ordered(name, "<=", last)))
    return _ordered(name, _NUMBERS[how], first)


def _ordered(name: str, op: str, value: object) -> Condition:
    return Condition(name, op, (Value(repr(value)),))


def _date(name: str, how: str, test: Mapping[str, object], zone: timezone) -> Node:
    first = _day(name, test.get("dateFrom"), zone)
    if how == "inRange":
        last = _day(name, test.get("dateTo"), zone)
        return Group("and", (Condition(name, ">=", (first,)), Condition(name, "<=", (last,))))
    return Condition(name, _NUMBERS[how], (first,))


def _day(name: str, text: object, zone: timezone) -> Value:
    try:
        day = date.fromisoformat(str(text)[:10])
        start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        end = start + timedelta(days=1, microseconds=-1)
    except (ValueError, OverflowError):
        raise BadValue(f"the filter of {name} wants a day like 2026-01-31, not {text!r}") from None
    return Value(day.isoformat(), span=(start, end))
