"""The query language of `taskstore ls --where '…'`; docs/reference/query.md is its text for users.

    filter  = all { ("or" | "||") all }
    all     = part { ("and" | "&&") part }
    part    = ("not" | "!") part | "(" filter ")" | test
    test    = name
            | name ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") value
            | name ["not"] "in" "(" value { "," value } ")"
            | name ("exists" | "is" ["not"] ("set" | "missing" | "none" | "null"))

A name is handed to `Fields` whole and without its quotes: `metric:"a b/c".max` is `metric:a b/c.max`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from ..core import states
from ..core.clock import SYSTEM
from ..core.errors import BadValue
from .conditions import (
    BOOLEANS,
    NOT_NAMES,
    NOT_VALUES,
    NUMBERS,
    ORDER,
    TIMES,
    Condition,
    Fields,
    Group,
    Matcher,
    Node,
    Not,
    Value,
    compile_node,
    is_value,
    names_of,
    number_in,
    regex,
    seconds,
    span_of,
)
from .field_names import BARE, QUOTED, unquote

MAX_DEPTH = 50
"""Levels of parentheses and `not`; far below what Python's own stack allows."""
MAX_PATTERN = 200
"""Characters of a regular expression. That bounds its compilation, not its search: `(a+)+$` stays slow."""

_EXAMPLE = "Args/lr <= 0.01 and validation/loss.min < 0.5 and not tag = baseline"
_TOKEN = re.compile(
    rf"(?P<op>==|!=|<=|>=|!~|&&|\|\||[=<>~!(),])"
    rf"|(?P<head>(?:{BARE}*[:/.])?)(?P<quoted>{QUOTED})(?P<tail>(?:[:/.]{BARE}*)?)"
    rf"|(?P<bare>{BARE}+)|(?P<bad>\S)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Filter:
    """A parsed filter. Its text parses (with the same `now`) to an equal one; relative times stay relative in it."""

    tree: Node
    _matches: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", compile_node(self.tree))

    def matches(self, fields: Fields) -> bool:
        """Tell whether a task passes; a field of another type than the value fits no comparison."""
        return self._matches(fields)

    def names(self) -> frozenset[str]:
        """Return the names that `matches` may ask for, as it will spell them."""
        return frozenset(names_of(self.tree))

    def __str__(self) -> str:
        return str(self.tree)


def parse(text: str, *, now: datetime | None = None) -> Filter:
    """Read a filter, or raise BadValue that points at the column, says what was expected and gives an example.

    `2d ago` counts from `now` (aware; default: this moment), and a date without a zone is in the zone of `now`
    (default: UTC).
    """
    return Filter(_Parser(text, now or SYSTEM.now()).whole())


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
            tokens.append(_Token(at, "word", found["head"] + unquote(quoted) + found["tail"], quoted[0]))
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
        if token.kind == "op" and token.text in ("=", "==", "!=", "~", "!~", *ORDER):
            op = self._next().text.replace("==", "=")
            return Condition(name, op, (self._value(name, op),))
        return Condition(name)

    def _name(self) -> str:
        token = self._next()
        if token.kind != "word" or token.quote == "'":
            hint = "; a name takes double quotes or backticks" if token.quote else ""
            self._fail(token, f"expected a name, found {token}{hint}")
        if not token.quote and (token.keyword in NOT_NAMES or is_value(token.text)):
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
        if token.kind != "word" or token.quote == "`" or token.keyword in NOT_VALUES:
            why = f"expected a value, found {token}; a value with spaces or any of ()=!<>~,&| needs quotes"
            self._fail(token, why, "Args/lr <= 0.01 or name ~ '^run (a|b)'")
        if op in ("~", "!~"):
            return Value(self._pattern(token))
        if token.keyword in ("none", "null"):
            if op in ORDER:
                self._fail(token, f"none has no order; {op} wants a number, a time or a text")
            return Value("none", is_none=True)
        is_ago = seconds(token.keyword) is not None and self._take("ago")
        text = f"{token.text} ago" if is_ago else token.text
        if name == "status":
            text = self._status(token)
        value = Value(text, span=span_of(text, self._now))
        self._check(token, name, value)
        return value

    def _pattern(self, token: _Token) -> str:
        if len(token.text) > MAX_PATTERN:
            self._fail(token, f"a regular expression has at most {MAX_PATTERN} characters, this one {len(token.text)}")
        try:
            regex(token.text)
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
        if name in TIMES and value.span is None:
            self._fail(token, f"{name} is a time, and {token} is none", f"{name} >= 2026-01-31 or {name} > 2d ago")
        if name in NUMBERS and number_in(value.text) is None and seconds(value.text) is None:
            self._fail(token, f"{name} is a number, and {token} is none", "duration > 90m and last_iteration >= 1000")
        if name == "archived" and value.text.lower() not in BOOLEANS:
            self._fail(token, f"archived is true or false, not {token}", "archived = true")
