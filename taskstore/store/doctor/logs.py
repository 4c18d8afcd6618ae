"""Checks of a task's logs, and of the summary that is derived from them. They change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ...core.errors import Damaged
from ...disk.layout import TaskPaths
from ...disk.text import read_bytes
from ...schema import codec
from ...schema.record import SummaryRecord
from .. import events, plots
from ..liveness import may_be_written
from ..store import Store
from . import samples
from .finding import Finding, Kind

_LOG = re.compile(r"(scalars|plots|media|console)\..+\.(jsonl|log)\Z")


def check(store: Store, paths: TaskPaths, *, is_frozen: bool) -> Iterator[Finding]:
    """Yield torn ends, lines that cannot be read, and a summary that is not what the logs say."""
    is_whole = True
    for log in sorted(paths.events.glob("*")) if paths.events.is_dir() else []:
        if _LOG.match(log.name) is None:
            continue
        if not is_frozen and may_be_written(store, log):
            is_whole = False
            continue
        try:
            data = log.read_bytes()
        except OSError as error:
            is_whole = False
            yield Finding(Kind.LOG, log, f"it cannot be read: {error.strerror}")
            continue
        # What was published torn stays so: the manifest has its hash.
        if data and not data.endswith(b"\n") and not is_frozen:
            yield Finding(Kind.LOG, log, "its last line is torn", "cut the torn line off, into quarantine")
        bad = _bad_lines(log, data[: data.rfind(b"\n") + 1])
        if bad:
            yield Finding(Kind.LOG, log, f"{bad} of its lines cannot be read, and are passed over")
    if is_whole:
        yield from _summary(paths, is_frozen=is_frozen)
        yield from samples.check(store, paths, is_frozen=is_frozen)


def _bad_lines(log: Path, data: bytes) -> int:
    lines = [line for line in data.split(b"\n") if line]
    if log.name.startswith("scalars."):
        return len(lines) - len(events.decode_scalars(data))
    if log.suffix == ".log":
        return sum(not events.is_console_line(line) for line in lines)
    return len(lines) - len(plots.decode_plots(data) if log.name.startswith("plots.") else plots.decode_media(data))


def _summary(paths: TaskPaths, *, is_frozen: bool) -> Iterator[Finding]:
    repair = "make it again from the logs"
    try:
        stored = codec.decode(SummaryRecord, read_bytes(paths.summary), paths.summary)
    except FileNotFoundError:
        stored = SummaryRecord()
    except Damaged as error:
        yield Finding(Kind.SUMMARY, paths.summary, error.why, repair)
        return
    try:
        if not is_frozen and events.may_continue(stored, events.scalar_sizes(paths)):
            stored = events.read_summary(paths)  # one that is behind is read on from, and so no damage
        true = events.rebuild_summary(paths)
    except (OSError, Damaged):
        return  # said of the log already
    # Publishing sums the logs up in one order.
    is_merged = len(events.scalar_logs(paths)) > 1 and not is_frozen
    if _essence(stored, is_merged=is_merged) != _essence(true, is_merged=is_merged):
        yield Finding(Kind.SUMMARY, paths.summary, "it is not what the logs say", repair)


def _essence(summary: SummaryRecord, *, is_merged: bool) -> object:
    """What does not depend on the order in which several writers' logs were read."""
    if not is_merged:
        return msgspec.to_builtins(summary)
    series = {
        (metric, variant): (last.count, last.iteration, last.min_value, last.max_value)
        for metric, variants in summary.last_metrics.items()
        for variant, last in variants.items()
    }
    return summary.covered, summary.last_iteration, series
