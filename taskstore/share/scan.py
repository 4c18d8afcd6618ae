"""Looks for secrets in what a task holds, before it leaves the store; and masks them in text.

Two sets of rules: those of core/secrets.py, and the forms of tokens that detect-secrets knows, where that is installed.
Records are looked at value by value, and all other text line by line. Not looked at are plots, the names of series, and
what is no text: weights, pictures, pickles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from ..core.secrets import MASK, Masker, is_harmless, may_hold_one
from . import detectors
from .bundle.snapshot import is_local
from .source import Source

MAX_BYTES = 16 << 20
"""How much of each file is looked at, from its beginning: about 6 s of a 2 GHz core."""

MAX_DETECTOR_BYTES = 4 << 20
"""How much of that detect-secrets is asked about."""

_BLOCK_BYTES = 1 << 20
_MAX_RECORD_BYTES = 16 << 20
_MIN_CHARS = 8
"""No shorter line names a secret and holds it."""

_MAX_DEPTH = 100
_RECORD, _PACKAGES = "\0record", "\0packages"
"""What no key in a record is called: the record itself, and the versions of packages by their names in it."""

_REQUIREMENTS = "requirements"
_DERIVED = frozenset({"summary.json", "manifest.json"})
_UNREAD = ("events/scalars.", "events/plots.", "events/media.", "files/models/", "files/media/")


@dataclass(frozen=True)
class Finding:
    """One place that looks like a secret: the file within the task, the line from 1, and what it looks like."""

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class Scanned:
    """What was found, and the files of which only the beginning was looked at."""

    findings: tuple[Finding, ...]
    partly: tuple[str, ...] = ()


def scan(
    source: Source,
    masker: Masker,
    progress: Callable[[int], None] = lambda _: None,
    *,
    only: Callable[[str], bool] = lambda _: True,
) -> Scanned:
    """Look through the text of a task, its records, code, configuration, console and artifacts; `only` some files.

    `progress` hears of the bytes. Raises what the source raises: Damaged, RemoteError.
    """
    findings: list[Finding] = []
    partly: list[str] = []
    for name, size in sorted(source.sizes().items()):
        if not (is_looked_at(name) and only(name)):
            continue
        is_whole = size <= MAX_BYTES
        with suppress(FileNotFoundError):  # a run goes on, and has replaced it
            for line, kind in dict.fromkeys(_in_file(source, name, size, masker, progress)):
                findings.append(Finding(name, line, kind))
        if not is_whole:
            partly.append(name)
    return Scanned(tuple(findings), tuple(partly))


def is_looked_at(name: str) -> bool:
    """Tell by a file's name in the task whether what is in it is read."""
    return name not in _DERIVED and not name.startswith(_UNREAD) and not is_local(name)


def is_record(name: str) -> bool:
    """Tell by a file's name whether it is a record of a task."""
    return "/" not in name and name.endswith(".json")


def is_code(name: str) -> bool:
    """Tell by a file's name whether it is code, or a list of packages: `token = get_token()` is no secret.

    Neither is `secretstorage==3.3`.
    """
    return name.startswith("source/")


def is_text(name: str, head: bytes) -> bool:
    """Tell by its beginning whether a file is text: no zero byte; and an artifact is UTF-8 but for a torn end."""
    if b"\0" in head:
        return False
    if not name.startswith("files/"):
        return True
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 > 0
    return True


def _in_file(
    source: Source, name: str, size: int, masker: Masker, progress: Callable[[int], None]
) -> Iterator[tuple[int, str]]:
    if is_record(name) and size <= _MAX_RECORD_BYTES:
        data = b"".join(source.chunks(name))
        progress(len(data))
        yield from _in_record(data, masker)
        return
    line, done = 1, 0
    for block in blocks(source.chunks(name)):
        if done == 0 and not is_text(name, block[: 1 << 16]):
            return
        text = block[: MAX_BYTES - done].decode("utf-8", "replace")
        for at, kind in _in_text(text, name, masker, with_detectors=done < MAX_DETECTOR_BYTES):
            yield line + at - 1, kind
        line += text.count("\n")
        done += len(block)
        progress(len(block))
        if done >= MAX_BYTES:
            return


def blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a file in blocks of whole lines; a line of more than 1 MiB is cut."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= _BLOCK_BYTES:
            end = len(data)
        if end:
            yield data[:end]
        rest = data[end:]
    if rest:
        yield rest


def _in_text(text: str, name: str, masker: Masker, *, with_detectors: bool) -> Iterator[tuple[int, str]]:
    """Yield lines from 1, and what is in them; a line that has a finding is not asked about again."""
    lines = text.split("\n")
    places = _worth_a_look(lines, masker)
    shorter = "\n".join(lines[at] for at in places)
    found = [(places[at - 1] + 1, kind) for at, kind in masker.findings(shorter, is_code=is_code(name))]
    yield from found
    known = {at for at, _ in found}
    by_line = frozenset(places)
    for at, line in enumerate(lines, 1):
        if at in known or len(line) < _MIN_CHARS:
            continue
        if _is_by_line(name) and at - 1 in by_line:
            yield from ((at, kind) for _, kind in masker.findings(line, is_code=False)[:1])
        if with_detectors:
            yield from ((at, kind) for kind, _ in detectors.secrets_in(line))


def _worth_a_look(lines: list[str], masker: Masker) -> list[int]:
    """Return which lines may hold a secret, each with the one behind it: a key's first line is a title."""
    if masker.extra or masker.known:
        return list(range(len(lines)))
    found = [at for at, line in enumerate(lines) if may_hold_one(line)]
    return sorted({*found, *(at + 1 for at in found if at + 1 < len(lines))})


def _is_by_line(name: str) -> bool:
    """Tell where `name: value` on a line of its own is a setting, and no prose."""
    return name.startswith("config/")


def _in_record(data: bytes, masker: Masker) -> Iterator[tuple[int, str]]:
    value = decoded(data)
    if value is None:
        yield from masker.findings(data.decode("utf-8", "replace"), is_code=False)
        return
    for name, text in _leaves(value, _RECORD):
        shown = masked_value(name, text, masker)
        if shown != text:
            at = data.find(json.dumps(text, ensure_ascii=False).encode())
            kinds = [kind for _, kind in masker.findings(text, is_code=False)] or [
                kind for line in text.split("\n") for kind, _ in detectors.secrets_in(line)
            ]
            yield data.count(b"\n", 0, max(at, 0)) + 1, kinds[0] if kinds else f"value of {name}"


def decoded(data: bytes) -> Any:  # noqa: ANN401 - plain JSON values
    """Return what JSON says; None where it is none, or nested deeper than any record."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    level = [value]
    for _ in range(_MAX_DEPTH):
        nested = [each for each in level if isinstance(each, (dict, list))]
        level = [item for each in nested for item in (each.values() if isinstance(each, dict) else each)]
    return None if level else value


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - plain JSON values
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, _below(name, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name)


def _below(name: str, key: str) -> str:
    """Return what the value of a key is called, below what is called so: the name of a package names no value."""
    if name == _PACKAGES or (name, key) == (_RECORD, _REQUIREMENTS):
        return _PACKAGES
    return name if key == "value" else key


def masked_record(data: bytes, masker: Masker) -> bytes:
    """Return a record with its secrets masked, value by value; what is no JSON is masked as text."""
    value = decoded(data)
    if value is None:
        return masked_text(data.decode("utf-8", "replace"), "", masker).encode()
    shown = _masked(value, _RECORD, masker)
    return data if shown == value else msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n"


def _masked(value: Any, name: str, masker: Masker) -> Any:  # noqa: ANN401 - plain JSON values
    if isinstance(value, str):
        return masked_value(name, value, masker)
    if isinstance(value, dict):
        return {key: _masked(item, _below(name, key), masker) for key, item in value.items()}
    return [_masked(item, name, masker) for item in value] if isinstance(value, list) else value


def masked_value(name: str, text: str, masker: Masker) -> str:
    """Return a value of a record as it may leave: masked whole where its name says so, else what in it is a secret."""
    if masker.masks(name) and not is_harmless(text):
        return MASK
    return masked_text(text, "", masker)


def masked_text(text: str, name: str, masker: Masker) -> str:
    """Return the text of a file of that name with all masked that `scan` would find in it."""
    is_worth_it = bool(_worth_a_look(text.split("\n"), masker))
    lines = (masker.text(text, is_code=is_code(name)) if is_worth_it else text).split("\n")
    for at, line in enumerate(lines):
        if _is_by_line(name):
            line = masker.text(line)
        for _, secret in list(detectors.secrets_in(line)) if len(line) >= _MIN_CHARS else ():
            line = line.replace(secret, MASK)
        lines[at] = line
    return "\n".join(lines)
