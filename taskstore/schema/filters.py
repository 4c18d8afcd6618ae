"""The query language of `taskstore ls --where '…'`; docs/reference/query.md is its text for users.

    filter  = all { ("or" | "||") all }
    all     = part { ("and" | "&&") part }
    part    = ("not" | "!") part | "(" filter ")" | test
    test    = name
            | name ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") value
            | name ["not"] "in" "(" value { "," value } ")"
            | name ("exists" | "is" ["not"] ("set" | "missing" | "none" | "null"))

A name is handed to `Fields` whole and without its quotes: `metric:"a b/c".max` is `metric:a b/c.max`. Logic has
two values: `!=`, `!~` and `not in` are exactly the negation of `=`, `~` and `in`, of a missing field too.
"""

from __future__ import annotations

import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn, Protocol

from ..core import states
from ..core.clock import SYSTEM, UTC, to_text
from ..core.errors import BadValue

MAX_DEPTH = 50
"""Levels of parentheses and `not`; far below what Python's own stack allows."""
MAX_PATTERN = 200
"""Characters of a regular expression. That bounds its compilation, not its search: `(a+)+$` stays slow."""

_EXAMPLE = "Args/lr <= 0.01 and validation/loss.min < 0.5 and not tag = baseline"
_NOT_NAMES = frozenset({"and", "or", "not", "in", "is", "true", "false", "none", "null"})
_NOT_VALUES = frozenset({"and", "or", "not", "in", "is"})
_TEXTS = frozenset({"name", "id", "project", "status", "type", "tag", "tags", "comment", "user", "host", "parent"})
_TIMES = frozenset({"created", "started", "completed"})
_NUMBERS = frozenset({"duration", "last_iteration"})
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATION = {"!=": "=", "!~": "~", "not in": "in"}

_BARE = r"[^\s()=!<>~,'\"`&|]"
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`"
_TOKEN = re.compile(
    rf"(?P<op>==|!=|<=|>=|!~|&&|\|\||[=<>~!(),])"
    rf"|(?P<head>(?:{_BARE}*[:/.])?)(?P<quoted>{_QUOTED})(?P<tail>(?:[:/.]{_BARE}*)?)"
    rf"|(?P<bare>{_BARE}+)|(?P<bad>\S)",
    re.DOTALL,
)
_IS_BARE = re.compile(rf"{_BARE}+")
_NUMBER = re.compile(r"[+-]?(?:(\d+)|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)", re.ASCII | re.IGNORECASE)
_MAX_NUMBER = 1000  # digits: Python itself refuses to read an int of more than 4,300
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.ASCII)
_LENGTH_PART = re.compile(r"([\d.]+)(ms|[smhdw])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?:(:\d\d)(\.\d{1,9})?)?\s*(Z|[+-]\d\d:\d\d)?)?", re.ASCII | re.IGNORECASE
)
_BOOLEANS = {"true": True, "false": False}


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
        is_plain = _IS_BARE.fullmatch(self.text) and word not in _NOT_VALUES and word not in ("none", "null")
        return self.text if is_plain else _quote(self.text, "'")


@dataclass(frozen=True)
class Condition:
    """One condition. `op` is =, !=, <, <=, >, >=, ~, !~, in, not in, is set, is missing; or empty for "is true"."""

    name: str
    op: str = ""
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        is_plain = _IS_BARE.fullmatch(self.name) and not _is_value(self.name) and self.name.lower() not in _NOT_NAMES
        name = self.name if is_plain else _quote(self.name, '"')
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


@dataclass(frozen=True)
class Filter:
    """A parsed filter. Its text parses (with the same `now`) to an equal one; relative times stay relative in it."""

    tree: Node
    _matches: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", _compile(self.tree))

    def matches(self, fields: Fields) -> bool:
        """Tell whether a task passes; a field of another type than the value fits no comparison."""
        return self._matches(fields)

    def names(self) -> frozenset[str]:
        """Return the names that `matches` may ask for, as it will spell them."""
        return frozenset(_names(self.tree))

    def __str__(self) -> str:
        return str(self.tree)


def parse(text: str, *, now: datetime | None = None) -> Filter:
    """Read a filter, or raise BadValue that points at the column, says what was expected and gives an example.

    `2d ago` counts from `now` (aware; default: this moment), and a date without a zone is in the zone of `now`
    (default: UTC).
    """
    return Filter(_Parser(text, now or SYSTEM.now()).whole())


# Reading values


def _quote(text: str, mark: str) -> str:
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def _number(text: str) -> int | float | None:
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > _MAX_NUMBER:
        return None
    return int(text) if found[1] else float(text)


def _seconds(text: str) -> float | None:
    """Read a length of time: 90m, 1h30m, 2.5d."""
    if _LENGTH.fullmatch(text) is None:
        return None
    return sum(float(count) * _SECONDS[unit] for count, unit in _LENGTH_PART.findall(text))


def _span(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Read a time as all the moments that it names: a date is a whole day, 12:00 a whole minute."""
    word = text.lower()
    try:
        if word.endswith(" ago") and (length_s := _seconds(word[:-4].rstrip())) is not None:
            moment = now.astimezone(UTC) - timedelta(seconds=length_s)
            return moment, moment
        if word in ("today", "yesterday"):
            day = now - timedelta(days=word == "yesterday")
            return _span(day.date().isoformat(), now)
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


def _is_value(text: str) -> bool:
    return _number(text) is not None or _seconds(text) is not None or _TIME.fullmatch(text) is not None


# Text to tree


@dataclass(frozen=True)
class _Token:
    start: int
    kind: str  # op, word, end
    text: str
    quote: str = ""

    @property
    def keyword(self) -> str:
        """The operator, or the bare word in lower case."""
        return "" if self.quote else self.text.lower()

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text if len(self.text) <= 40 else self.text[:39] + "…")


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for found in _TOKEN.finditer(text):
        at, quoted = found.start(), found["quoted"]
        if found["bad"]:
            expected = "&& or ||, or quotes around a value," if text[at] in "&|" else f"the closing {text[at]}"
            _fail(text, at, f"expected {expected}", example="name = 'my run' && status = failed")
        if quoted:
            inner = re.sub(rf"\\([\\{quoted[0]}])", r"\1", quoted[1:-1])
            tokens.append(_Token(at, "word", found["head"] + inner + found["tail"], quoted[0]))
        else:
            tokens.append(_Token(at, "op" if found["op"] else "word", found[0]))
    return [*tokens, _Token(len(text), "end", "")]


def _fail(text: str, at: int, why: str, example: str = _EXAMPLE) -> NoReturn:
    first = max(0, at - 60)
    shown = "".join(char if char.isprintable() else " " for char in text[first : at + 40])
    before = ("…" if first else "") + shown[: at - first]
    width = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in before)
    line = before + shown[at - first :] + ("…" if at + 40 < len(text) else "")
    raise BadValue(f"bad filter, column {at + 1}: {why}\n  {line}\n  {' ' * width}^\nwrite it like: {example}")


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._now = now
        self._tokens = _tokens(text)
        self._at = 0

    def whole(self) -> Node:
        node = self._group("or", 0)
        token = self._peek()
        if token.keyword == ")":
            self._fail(token, "this ) closes nothing")
        if token.kind != "end":
            self._fail(token, f"expected and, or, or the end, found {token}; text with spaces needs quotes")
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _take(self, *keywords: str) -> bool:
        is_there = self._peek().keyword in keywords
        self._at += is_there
        return is_there

    def _fail(self, token: _Token, why: str, example: str = _EXAMPLE) -> NoReturn:
        _fail(self._text, token.start, why, example)

    def _group(self, word: str, depth: int) -> Node:
        parts: list[Node] = []
        while not parts or self._take(word, "||" if word == "or" else "&&"):
            part = self._group("and", depth) if word == "or" else self._part(depth)
            parts += part.parts if isinstance(part, Group) and part.word == word else (part,)
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _part(self, depth: int) -> Node:
        token = self._peek()
        if depth > MAX_DEPTH:
            self._fail(token, f"more than {MAX_DEPTH} levels of ( and not")
        if self._take("not", "!"):
            return Not(self._part(depth + 1))
        if not self._take("("):
            return self._condition()
        node = self._group("or", depth + 1)
        if not self._take(")"):
            self._fail(self._peek(), f"expected ) for the ( in column {token.start + 1}, found {self._peek()}")
        return node

    def _condition(self) -> Condition:
        name = self._name()
        token = self._peek()
        if self._take("exists"):
            return Condition(name, "is set")
        if self._take("is"):
            return Condition(name, self._state())
        negated = self._take("not")
        if self._take("in"):
            return Condition(name, "not in" if negated else "in", self._list(name))
        if negated:
            self._fail(self._peek(), f"expected in, found {self._peek()}", "tag not in (old, broken)")
        if token.kind == "op" and token.text in ("=", "==", "!=", "~", "!~", *_ORDER):
            op = self._next().text.replace("==", "=")
            return Condition(name, op, (self._value(name, op),))
        return Condition(name)

    def _name(self) -> str:
        token = self._next()
        if token.kind != "word" or token.quote == "'":
            hint = "; a name takes double quotes or backticks" if token.quote else ""
            self._fail(token, f"expected a name, found {token}{hint}")
        if not token.quote and (token.keyword in _NOT_NAMES or _is_value(token.text)):
            self._fail(token, f"expected a name, found {token}; a name comes first, and one like this needs quotes")
        if not token.text:
            self._fail(token, "expected a name, found empty quotes")
        return token.text

    def _state(self) -> str:
        negated = self._take("not")
        token = self._next()
        if token.keyword not in ("set", "missing", "none", "null"):
            self._fail(token, f"expected set or missing, found {token}", "validation/loss is set")
        return "is set" if (token.keyword == "set") is not negated else "is missing"

    def _list(self, name: str) -> tuple[Value, ...]:
        if not self._take("("):
            self._fail(self._peek(), f"expected ( after in, found {self._peek()}", "tag in (nlp, vision)")
        values = [self._value(name)]
        while self._take(","):
            values.append(self._value(name))
        if not self._take(")"):
            self._fail(self._peek(), f"expected , or ), found {self._peek()}", "tag in (nlp, vision)")
        return tuple(values)

    def _value(self, name: str, op: str = "=") -> Value:
        token = self._next()
        if token.kind != "word" or token.quote == "`" or token.keyword in _NOT_VALUES:
            why = f"expected a value, found {token}; a value with spaces or any of ()=!<>~,&| needs quotes"
            self._fail(token, why, "Args/lr <= 0.01 or name ~ '^run (a|b)'")
        if op in ("~", "!~"):
            return Value(self._pattern(token))
        if token.keyword in ("none", "null"):
            if op in _ORDER:
                self._fail(token, f"none has no order; {op} wants a number, a time or a text")
            return Value("none", is_none=True)
        is_ago = _seconds(token.keyword) is not None and self._take("ago")
        text = f"{token.text} ago" if is_ago else token.text
        if name == "status":
            text = self._status(token)
        value = Value(text, span=_span(text, self._now))
        self._check(token, name, value)
        return value

    def _pattern(self, token: _Token) -> str:
        if len(token.text) > MAX_PATTERN:
            self._fail(token, f"a regular expression has at most {MAX_PATTERN} characters, this one {len(token.text)}")
        try:
            _regex(token.text)
        except (re.error, RecursionError, OverflowError) as error:
            self._fail(token, f"not a regular expression: {error}", "name ~ '^run-[0-9]+$'")
        return token.text

    def _status(self, token: _Token) -> str:
        status = states.parse(token.text)
        if status is None:
            known = ", ".join(status.label.lower() for status in states.Status)
            self._fail(token, f"no status {token}; there are {known}", "status in (failed, aborted)")
        return status.value

    def _check(self, token: _Token, name: str, value: Value) -> None:
        """Refuse what a task field can never hold, so that a slip of the pen does not read as "no such tasks"."""
        if name in _TIMES and value.span is None:
            self._fail(token, f"{name} is a time, and {token} is none", f"{name} >= 2026-01-31 or {name} > 2d ago")
        if name in _NUMBERS and _number(value.text) is None and _seconds(value.text) is None:
            self._fail(token, f"{name} is a number, and {token} is none", "duration > 90m and last_iteration >= 1000")
        if name == "archived" and value.text.lower() not in _BOOLEANS:
            self._fail(token, f"archived is true or false, not {token}", "archived = true")


# Tree to closures


def _names(node: Node) -> set[str]:
    if isinstance(node, Condition):
        return {node.name}
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return set().union(*map(_names, parts))


def _compile(node: Node) -> Matcher:
    if isinstance(node, Condition):
        return _compile_condition(node)
    if isinstance(node, Not):
        part = _compile(node.part)
        return lambda fields: not part(fields)
    parts = [_compile(part) for part in node.parts]
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
        return found.lower() not in ("", "false", "none") and _number(found) != 0
    return bool(found)


def _predicate(name: str, op: str, values: Sequence[Value]) -> Predicate:
    """Return what a field that is there (of a list: one of its texts) must fulfil; `op` is not a negation."""
    if op == "~":
        search = _regex(values[0].text).search
        return lambda found: search(_as_text(found)) is not None
    if op in _ORDER:
        return _ordered(op, values[0], is_text=name in _TEXTS)
    return _equal(values, is_text=name in _TEXTS)


def _regex(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():  # "possible nested set" is no news to who filters
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def _as_text(found: object) -> str:
    return to_text(found) if isinstance(found, datetime) else str(found)


def _ordered(op: str, value: Value, *, is_text: bool) -> Predicate:
    compare = _ORDER[op]
    number = None if is_text else _number(value.text)
    amount = _seconds(value.text) if number is None else number
    # Beyond a day is after its end, up to it includes its end.
    moment = value.span and value.span[op in (">", "<=")]

    def holds(found: object) -> bool:
        if isinstance(found, str):
            left = None if is_text else _number(found)
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
    booleans = {_BOOLEANS[text.lower()] for text in texts if text.lower() in _BOOLEANS and not is_text}
    numbers = {number for text in texts if not is_text and (number := _number(text)) is not None}
    has_nan = any(number != number for number in numbers)
    amounts = numbers | {length_s for text in texts if (length_s := _seconds(text)) is not None}

    def holds(found: object) -> bool:
        if isinstance(found, str):
            if found in texts:
                return True
            if numbers and (number := _number(found)) is not None:
                return number in numbers or (has_nan and number != number)
            word = found.lower()
            return _BOOLEANS.get(word) in booleans or (has_none and word in ("", "none"))
        if isinstance(found, bool):
            return found in booleans or found in numbers
        if isinstance(found, (int, float)):
            return found in amounts or (has_nan and found != found)
        return isinstance(found, datetime) and any(first <= found <= last for first, last in spans)

    return holds
