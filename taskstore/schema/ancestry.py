"""ancestry.json, tombstones, and what one version of a part of a task is called (docs/explanation/merging.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

_ID_CHARS = 20
MAX_PAST = 256
"""How many earlier versions of a unit are remembered; an older copy than that may come out as a conflict."""


class Version(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One version of a unit: its value as JSON (null: it is not there), and when it was made, where that is known."""

    id: str
    value: Any = None
    time: str = ""


class UnitAncestry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of one unit besides its present value: that value's version, its ancestors, and its rivals.

    `hash` is that of the version's value (left out where it is the id). Where the present value has another,
    somebody has changed it since: it is a child of that version.
    """

    id: str = ""
    hash: str = ""
    time: str = ""
    past: list[str] = []
    others: list[Version] = []


class AncestryRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """ancestry.json: what was known of a task's units when it was last shared, or edited.

    `elsewhere` says where the run goes on of a task that is in progress and was copied from there.
    """

    rev: int = 0
    units: dict[str, UnitAncestry] = {}
    elsewhere: str = ""


class Tombstone(msgspec.Struct, kw_only=True, omit_defaults=True):
    """trash/<task id>.json: a task that was removed for good, so that no copy of it brings it back.

    It holds the versions of its deletion that nobody has gone on from, and the ids of those that somebody has.
    """

    rev: int = 0
    id: str
    heads: list[Version]
    past: list[str] = []


def version_id(value: object, past: Iterable[str] = ()) -> str:
    """Return what a version is called: a hash of its value, however its keys are ordered, and of its ancestors."""
    digest = hashlib.sha256(msgspec.json.encode(value, order="deterministic"))
    for name in sorted(past):
        digest.update(b"\0" + name.encode())
    return digest.hexdigest()[:_ID_CHARS]


def unit_name(*parts: str) -> str:
    """Return what a unit is called: its parts with `/` between; only the last part may hold one itself."""
    *first, last = parts
    return "/".join([*(part.replace("%", "%25").replace("/", "%2F") for part in first), last])


def unit_parts(name: str, count: int) -> list[str]:
    """Return the parts that `unit_name` was given, of which there were `count`."""
    *first, last = name.split("/", count - 1)
    return [*(part.replace("%2F", "/").replace("%25", "%") for part in first), last]
