"""Reads the dictionaries that ClearML stores as HOCON: of that language what is needed for values, and no more.

After https://github.com/lightbend/config/blob/main/HOCON.md: no includes, substitutions or concatenations.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ....core.errors import BadValue

_MAX_DEPTH = 50
_SPACE = re.compile(r"(?:\s|,|#[^\n]*|//[^\n]*)*")
_BLANK = re.compile(r"(?:\s|#[^\n]*|//[^\n]*)*")
_LONG = re.compile(r'"""(.*?"*)"""(?!")', re.S)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_KEY = re.compile(r'[^\s"{}\[\]:=,+#`^?!@*&\\$]+')
_BARE = re.compile(r'[^\n,{}\[\]"#$=]+')
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?\Z")


def loads(text: str) -> dict[str, Any] | list[Any]:
    """Return what a text says. Raises BadValue where it says more than values, or is no HOCON."""
    reader = _Reader(text)
    reader.skip(_BLANK)
    value: Any = reader.items("]", 0) if reader.take("[") else reader.entries("}" if reader.take("{") else "", 0)
    reader.skip(_SPACE)
    if reader.at != len(text):
        raise reader.error()
    found: dict[str, Any] | list[Any] = value
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text

    def error(self) -> BadValue:
        return BadValue(f"no HOCON that is read here, from character {self.at} on")

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self.at)
        self.at = found.end() if found else self.at

    def take(self, text: str) -> bool:
        if not self._text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def entries(self, end: str, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise self.error()
        found: dict[str, Any] = {}
        while True:
            self.skip(_SPACE)
            if self.take(end) if end else self.at == len(self._text):
                return found
            place, key = self._place(found)
            self.skip(_BLANK)
            if self.take("{"):
                value: Any = self.entries("}", depth + 1)
            elif self.take("=") or self.take(":"):
                self.skip(_BLANK)
                value = self._value(depth)
            else:
                raise self.error()
            before = place.get(key)
            place[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value

    def _place(self, owner: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Read a key, which may be a path, and return the object and the name in it that it means."""
        while True:
            quoted = self._match(_QUOTED)
            parts = [_unquoted(quoted)] if quoted else (self._match(_KEY) or "").split(".")
            if not quoted and not all(parts):
                raise self.error()
            for part in parts[:-1]:
                owner = self._below(owner, part)
            if not self.take("."):
                return owner, parts[-1]
            owner = self._below(owner, parts[-1])

    def _below(self, owner: dict[str, Any], name: str) -> dict[str, Any]:
        found = owner.setdefault(name, {})
        if not isinstance(found, dict):
            raise self.error()
        return found

    def items(self, end: str, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise self.error()
        found: list[Any] = []
        while True:
            self.skip(_SPACE)
            if self.take(end):
                return found
            found.append(self._value(depth))

    def _value(self, depth: int) -> Any:  # noqa: ANN401 - whatever JSON has
        if self.take("{"):
            return self.entries("}", depth + 1)
        if self.take("["):
            return self.items("]", depth + 1)
        long = self._match(_LONG)
        if long is not None:
            return long[3:-3]
        quoted = self._match(_QUOTED)
        if quoted is not None:
            return _unquoted(quoted)
        bare = (self._match(_BARE) or "").split("//")[0].strip()
        if not bare:
            raise self.error()
        if bare in _WORDS:
            return _WORDS[bare]
        return json.loads(bare) if _NUMBER.match(bare) and _is_number(bare) else bare


def _is_number(text: str) -> bool:
    return len(text) < 400 and (text.lstrip("-")[:1] != "0" or not text.lstrip("-")[1:2].isdigit())


def _unquoted(text: str) -> str:
    try:
        found: str = json.loads(text, strict=False)
    except ValueError:
        raise BadValue(f"no text of HOCON: {text[:40]}") from None
    return found
