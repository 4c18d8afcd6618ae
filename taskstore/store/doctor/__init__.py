"""doctor: every law of a store checked, and what can be repaired repaired.

Nothing is deleted, except what a purge had begun to delete and what lies in cache/: what is taken out goes to
quarantine/, with a note. Live things are not touched: a leftover is one only once its process is gone, or has been
silent for an hour where that cannot be known. A repair may be interrupted and run again; a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...core.clock import SYSTEM, Clock
from ...core.errors import NotSupported, TaskstoreError
from ..store import Store
from . import repairs, tree
from .finding import Finding, Kind

__all__ = ["Finding", "Kind", "check", "check_record", "repair", "repair_record"]

_MAX_ROUNDS = 8


def check_record(root: str | Path) -> list[Finding]:
    """Return what keeps a store from opening. Raises TooNew where that is a later format."""
    return tree.check_record(_absolute(root))


def repair_record(root: str | Path, *, clock: Clock = SYSTEM) -> list[Finding]:
    """Make a store open again whose own record is damaged or missing; do it before `open_at`, then `repair`."""
    path = _absolute(root)
    findings = tree.check_record(path)
    if findings:
        repairs.rebuild_store_record(path, clock)
    return [replace(finding, is_repaired=True) for finding in findings]


def _absolute(root: str | Path) -> Path:
    return Path(root).expanduser().absolute()


def check(store: Store) -> list[Finding]:
    """Return everything that is wrong in a store; changes nothing. It reads every blob and log."""
    if store.zip is not None:
        raise NotSupported(
            f"{store.zip} is a zip, and nothing in it can be repaired; `taskstore verify --all` checks what is "
            "published in it, and an import the rest"
        )
    return list(tree.check(store))


def repair(store: Store, findings: Sequence[Finding] | None = None) -> list[Finding]:
    """Repair what can be repaired, of `findings` or of all that is found, and return what was tried and what is left.

    `is_repaired` says which. Where a repair brings other things to light they are repaired too, unless `findings`
    were given. What is left has no `repair`, or one that failed, with the reason in the message.
    """
    if findings is not None:
        return [_tried(store, finding) for finding in findings]
    done: dict[Finding, Finding] = {}
    failed: dict[tuple[Kind, Path], Finding] = {}
    found = check(store)
    for _ in range(_MAX_ROUNDS):
        todo = [one for one in found if one.repair and (one.kind, one.path) not in failed]
        if not todo:
            break
        for finding in todo:
            tried = _tried(store, finding)
            if tried.is_repaired:
                done[finding] = tried
            else:
                failed[tried.kind, tried.path] = tried
        before, found = found, check(store)
        if found == before:
            break  # nothing came of it, and nothing will of another round
    held = [tried for finding, tried in done.items() if finding not in found]
    left = [failed.get((one.kind, one.path), _again(one) if one in done else one) for one in found]
    return [*held, *left]


def _again(finding: Finding) -> Finding:
    """What is as it was after its repair is not repaired, whatever the repair believes."""
    return replace(finding, message=f"{finding.message}; it was repaired, and is found again")


def _tried(store: Store, finding: Finding) -> Finding:
    if finding.repair is None:
        return finding
    try:
        repairs.repair_one(store, finding)
    except (OSError, TaskstoreError) as error:
        return replace(finding, message=f"{finding.message}; it could not be repaired: {error}")
    return replace(finding, is_repaired=True)
