"""What a filter says and how a task is held against it: the tree of conditions, its values, and its closures.

Logic has two values: `!=`, `!~` and `not in` are exactly the negation of `=`, `~` and `in`, of a missing field too.
"""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..core.clock import UTC, to_text
from .field_names import is_bare, quote

NOT_NAMES = frozenset({"and", "or", "not", "in", "is", "true", "false", "none", "null"})
NOT_VALUES = frozenset({"and", "or", "not", "in", "is"})
_TEXTS = frozenset(
    {"name", "id", "project", "status", "type", "tag", "tags", "comment", "user", "host", "parent"}
    | {"queue", "execution.queue", "models.input.model", "models.output.model"}
)
TIMES = frozenset({"created", "started", "completed"})
NUMBERS = frozenset({"duration", "last_iteration"})
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATION = {"!=": "=", "!~": "~", "not in": "in"}

_NUMBER = re.compile(r"[+-]?(?:(\d+)|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)", re.ASCII | re.IGNORECASE)
_MAX_NUMBER = 1000  # digits: Python itself refuses to read an int of more than 4,300
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.ASCII)
_LENGTH_PART = re.compile(r"([\d.]+)(ms|[smhdw])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?:(:\d\d)(\.\d{1,9})?)?\s*(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)
BOOLEANS = {"true": True, "false": False}


class Fields(Protocol):
    """One task as a filter sees it."""

    def get(self, name: str) -> object:
        """Return a str, int, float, bool, aware datetime or list of str; None where the task has no such field."""
        ...


@dataclass(frozen=True)
class Value:
    """What stands right of an operator; `span` is the first and last moment that it names, where it is a time."""

    text: str
    is_none: bool = False
    span: tuple[datetime, datetime] | None = None

    def __str__(self) -> str:
        if self.is_none:
            return "none"
        word = self.text.lower()
        is_plain = is_bare(self.text) and word not in NOT_VALUES and word not in ("none", "null")
        return self.text if is_plain else quote(self.text, "'")


@dataclass(frozen=True)
class Condition:
    """One condition. `op` is =, !=, <, <=, >, >=, ~, !~, in, not in, is set, is missing; or empty for "is true"."""

    name: str
    op: str = ""
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        name = spell_name(self.name)
        if self.op in ("in", "not in"):
            return f"{name} {self.op} ({', '.join(map(str, self.values))})"
        return " ".join([name, *filter(None, [self.op]), *map(str, self.values)])


@dataclass(frozen=True)
class Not:
    """The opposite of `part`."""

    part: Node

    def __str__(self) -> str:
        return f"not ({self.part})" if isinstance(self.part, Group) else f"not {self.part}"


@dataclass(frozen=True)
class Group:
    """All (`word` is and) or any (or) of two or more parts; a part is never a group of the same word."""

    word: str
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        # "and" binds tighter: only an "or" within it needs parentheses, so no text nests deeper than what was parsed.
        parts = (f"({part})" if isinstance(part, Group) and self.word == "and" else str(part) for part in self.parts)
        return f" {self.word} ".join(parts)


Node = Condition | Not | Group
Matcher = Callable[[Fields], bool]
Predicate = Callable[[object], bool]


def spell_name(name: str) -> str:
    """Write a field's name, in quotes where the language wants them."""
    is_plain = is_bare(name) and not is_value(name) and name.lower() not in NOT_NAMES
    return name if is_plain else quote(name, '"')


def number_in(text: str) -> int | float | None:
    """Read a number as Python spells them; None where the text is none, or is over 1,000 characters."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > _MAX_NUMBER:
        return None
    return int(text) if found[1] else float(text)


def seconds(text: str) -> float | None:
    """Read a length of time: 90m, 1h30m, 2.5d."""
    if _LENGTH.fullmatch(text) is None:
        return None
    return sum(float(count) * _SECONDS[unit] for count, unit in _LENGTH_PART.findall(text))


def span_of(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Read a time as all the moments that it names: a date is a whole day, 12:00 a whole minute."""
    word = text.lower()
    try:
        if word.endswith(" ago") and (length_s := seconds(word[:-4].rstrip())) is not None:
            moment = now.astimezone(UTC) - timedelta(seconds=length_s)
            return moment, moment
        if word in ("today", "yesterday"):
            day = now - timedelta(days=word == "yesterday")
            return span_of(day.date().isoformat(), now)
        return _calendar_span(text, now)
    except (ValueError, OverflowError):  # the 31st of February, the year -5000
        return None


def _calendar_span(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    date, minute, second, fraction, zone = found.groups()
    zone = "+00:00" if zone in ("Z", "z") else zone or ""
    start = datetime.fromisoformat(f"{date}T{minute or '00:00'}{second or ':00'}{(fraction or '.0')[:7]:0<7}{zone}")
    start = start if zone else start.replace(tzinfo=now.tzinfo)
    unit = "microseconds" if fraction else "seconds" if second else "minutes" if minute else "days"
    return start.astimezone(UTC), (start + (timedelta(**{unit: 1}) - timedelta(microseconds=1))).astimezone(UTC)


def is_value(text: str) -> bool:
    """Tell whether a bare word is a number, a length of time or a time, and so no name."""
    return number_in(text) is not None or seconds(text) is not None or _TIME.fullmatch(text) is not None


def names_of(node: Node) -> set[str]:
    """Return the names that a tree may ask for."""
    if isinstance(node, Condition):
        return {node.name}
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return set().union(*map(names_of, parts))


def compile_node(node: Node) -> Matcher:
    """Turn a tree into one function that tells whether a task fits."""
    if isinstance(node, Condition):
        return _compile_condition(node)
    if isinstance(node, Not):
        part = compile_node(node.part)
        return lambda fields: not part(fields)
    parts = [compile_node(part) for part in node.parts]
    decisive = node.word == "or"

    def matches(fields: Fields) -> bool:
        for part in parts:  # three times as fast as any() of a generator
            if part(fields) is decisive:
                return decisive
        return not decisive

    return matches


def _compile_condition(condition: Condition) -> Matcher:
    name, op, values = condition.name, condition.op, condition.values
    if not op:
        return lambda fields: _is_true(fields.get(name))
    if op in ("is set", "is missing"):
        wanted = op == "is missing"
        return lambda fields: (fields.get(name) in (None, "", [])) is wanted
    holds = _predicate(name, _NEGATION.get(op, op), values)
    fits_missing = any(value.is_none for value in values)
    wanted = op not in _NEGATION

    def matches(fields: Fields) -> bool:
        found = fields.get(name)
        if found is None or found == []:
            return fits_missing is wanted
        if isinstance(found, list):
            return any(map(holds, found)) is wanted
        return holds(found) is wanted

    return matches


def _is_true(found: object) -> bool:
    if isinstance(found, str):
        return found.lower() not in ("", "false", "none") and number_in(found) != 0
    return bool(found)


def _predicate(name: str, op: str, values: Sequence[Value]) -> Predicate:
    """Return what a field that is there (of a list: one of its texts) must fulfil; `op` is not a negation."""
    if op == "~":
        search = regex(values[0].text).search
        return lambda found: search(_as_text(found)) is not None
    if op in ORDER:
        return _ordered(op, values[0], is_text=name in _TEXTS)
    return _equal(values, is_text=name in _TEXTS)


def regex(pattern: str) -> re.Pattern[str]:
    """Compile a pattern without Python's warnings about it. Raises re.error."""
    with warnings.catch_warnings():  # "possible nested set" is no news to who filters
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def _as_text(found: object) -> str:
    return to_text(found) if isinstance(found, datetime) else str(found)


def _ordered(op: str, value: Value, *, is_text: bool) -> Predicate:
    compare = ORDER[op]
    number = None if is_text else number_in(value.text)
    amount = seconds(value.text) if number is None else number
    # Beyond a day is after its end, up to it includes its end.
    moment = value.span and value.span[op in (">", "<=")]

    def holds(found: object) -> bool:
        if isinstance(found, str):
            left = None if is_text else number_in(found)
            if left is None or number is None:
                return left is number and compare(found, value.text)
            return compare(left, number)
        if isinstance(found, (int, float)):
            return amount is not None and compare(found, amount)
        return isinstance(found, datetime) and moment is not None and compare(found, moment)

    return holds


def _equal(values: Sequence[Value], *, is_text: bool) -> Predicate:
    has_none = any(value.is_none for value in values)
    texts = {value.text for value in values if not value.is_none}
    spans = [value.span for value in values if value.span]
    booleans = {BOOLEANS[text.lower()] for text in texts if text.lower() in BOOLEANS and not is_text}
    numbers = {number for text in texts if not is_text and (number := number_in(text)) is not None}
    has_nan = any(number != number for number in numbers)
    amounts = numbers | {length_s for text in texts if (length_s := seconds(text)) is not None}

    def holds(found: object) -> bool:
        if isinstance(found, str):
            if found in texts:
                return True
            if numbers and (number := number_in(found)) is not None:
                return number in numbers or (has_nan and number != number)
            word = found.lower()
            return BOOLEANS.get(word) in booleans or (has_none and word in ("", "none"))
        if isinstance(found, bool):
            return found in booleans or found in numbers
        if isinstance(found, (int, float)):
            return found in amounts or (has_nan and found != found)
        return isinstance(found, datetime) and any(first <= found <= last for first, last in spans)

    return holds
