"""Credentials in configuration objects: masked before the text reaches the disk, and given back in a re-run.

A text is seen as slots: a value with a name and a place. In YAML and JSON the parser says where they are, in any other
text (INI, TOML, .env) a line `name = value` or `name: value` is one. Of code only what is in quotes counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...core.secrets import MASK, Masker

_MAX_CHARACTERS = 4 << 20
_MAX_DEPTH = 50
_PARSED = ("yaml", "yml", "json", "dictionary")
_CODE = ("py", "ipynb", "jl", "lua", "r", "cpp", "c", "js", "ts")
_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+|-[ \t]+)?(?P<quote>[\"']?)(?P<name>[\w.\-/]{1,80})(?P=quote)"
    r"[ \t]*[:=][ \t]*(?P<value>[^\r\n]+)",
    re.MULTILINE,
)


class Slot(NamedTuple):
    """A value in a text: its name, from where to where it stands, and what it is without quotes."""

    name: str
    start: int
    end: int
    value: str


def slots(text: str, kind: str) -> list[Slot]:
    """Return the named values of a text, in order."""
    if kind in _PARSED:
        found = _parsed(text)
        if found is not None:
            return found
    return list(_lines(text))


def _parsed(text: str) -> list[Slot] | None:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return None
        roots = [root for root in yaml.compose_all(text, Loader=loader) if root is not None]
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    by_place: dict[int, Slot] = {}
    for root in roots:
        for slot in _nodes(root, "", text, 0):
            by_place.setdefault(slot.start, slot)  # an alias is its anchor's value
    return [by_place[start] for start in sorted(by_place)]


def _nodes(node: Any, path: str, text: str, depth: int) -> Iterator[Slot]:  # noqa: ANN401 - yaml's nodes
    if depth > _MAX_DEPTH:
        return
    if isinstance(node.value, str):
        start, end = node.start_mark.index, node.end_mark.index
        end = start + len(text[start:end].rstrip("\n"))
        if end > start:
            yield Slot(path, start, end, node.value)
        return
    for number, item in enumerate(node.value):
        key, value = item if isinstance(item, tuple) else (None, item)
        name = str(number) if key is None else str(key.value) if isinstance(key.value, str) else "?"
        yield from _nodes(value, f"{path}/{name}" if path else name, text, depth + 1)


def _lines(text: str) -> Iterator[Slot]:
    for found in _LINE.finditer(text):
        value = found["value"].rstrip()
        start = found.start("value")
        if value[:1] in "\"'" and value[0] in value[1:]:
            end = value.index(value[0], 1)
            yield Slot(found["name"], start + 1, start + end, value[1:end])
            continue
        value = re.split(r"\s[#;]", value, maxsplit=1)[0].rstrip().rstrip(",")
        if value and (value[0] not in "{[|>&*" or MASK in value):
            yield Slot(found["name"], start, start + len(value), value)


def masked(text: str, kind: str, masker: Masker) -> tuple[str, list[str]]:
    """Return a text as it may be stored, and the names of what is masked in it."""
    if len(text) > _MAX_CHARACTERS:
        return text, []
    if kind in _CODE:
        shown = masker.text(text) if masker.findings(text) else text
        return shown, ["a literal"] if shown != text else []
    is_quoted = kind in _PARSED
    changes: list[tuple[Slot, str]] = []
    for slot in slots(text, kind):
        shown = masker.value(slot.name, slot.value)
        if shown != slot.value:
            changes.append((slot, json.dumps(shown, ensure_ascii=False) if is_quoted else shown))
    result = _replaced(text, changes)
    rest = masker.text(result)
    names = list(dict.fromkeys(slot.name for slot, _ in changes))
    return rest, [*names, *(["a text in it"] if rest != result else [])]


def _replaced(text: str, changes: list[tuple[Slot, str]]) -> str:
    for slot, shown in reversed(changes):
        text = text[: slot.start] + shown + text[slot.end :]
    return text


def restored(text: str, own: str, kind: str, masker: Masker) -> tuple[str, list[str]]:
    """Return a stored text with the program's own values where it has masks; with it the names that `own` lacks.

    A line that is as the program's own would be stored is that line; elsewhere a value is found by its name.
    """
    if MASK not in text:
        return text, []
    lines = _own_lines(own, kind, masker)
    text = "".join(lines.get(line, line) for line in text.splitlines(keepends=True))
    sources = {slot.name: own[slot.start : slot.end] for slot in reversed(slots(own, kind)) if MASK not in slot.value}
    changes = []
    missing = []
    for slot in slots(text, kind):
        if MASK not in slot.value:
            continue
        if slot.name in sources:
            changes.append((slot, sources[slot.name]))
        else:
            missing.append(slot.name)
    return _replaced(text, changes), missing


def _own_lines(own: str, kind: str, masker: Masker) -> dict[str, str]:
    """Return the program's own lines by what is stored of them, where there is no doubt about it."""
    mine, shown = own.splitlines(keepends=True), masked(own, kind, masker)[0].splitlines(keepends=True)
    if len(mine) != len(shown):  # a secret of several lines
        return {}
    found: dict[str, set[str]] = {}
    for line, stored in zip(mine, shown, strict=True):
        found.setdefault(stored, set()).add(line)
    return {stored: lines.pop() for stored, lines in found.items() if len(lines) == 1 and MASK in stored}


def masked_values(value: object, masker: Masker) -> object:
    """Return a copy of a dictionary or list with the credentials in it masked."""
    if isinstance(value, Mapping):
        return masker.mapping(value)[0]
    return masker.mapping({"": list(value)})[0][""] if isinstance(value, (list, tuple)) else value


def own_values(stored: object, own: object) -> object:
    """Return stored values with the program's own where they are masked; a key that it does not have is left out."""
    if isinstance(stored, dict) and isinstance(own, Mapping):
        return {
            key: own_values(item, own.get(key))
            for key, item in stored.items()
            if not (isinstance(item, str) and MASK in item and key not in own)
        }
    if isinstance(stored, (list, tuple)) and isinstance(own, (list, tuple)):
        padded = [*own, *([None] * len(stored))]
        return type(stored)(own_values(item, one) for item, one in zip(stored, padded, strict=False))
    return own if isinstance(stored, str) and MASK in stored and own is not None else stored
