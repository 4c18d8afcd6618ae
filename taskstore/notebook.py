"""Tasks and lists of them as HTML, for notebooks: no script, no style sheet, nothing from elsewhere, all texts escaped.

Colours are those of the page around, which may be dark or light, but for the status, which has both its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from .core.clock import UTC
from .core.errors import TaskstoreError
from .core.states import Status

if TYPE_CHECKING:
    from datetime import datetime

    from .store.query import Row

T = TypeVar("T")
MAX_ROWS = 50
MAX_TEXT = 300
_COURSE_POINTS = 50
_MONITOR = ":monitor:"
_SUMMARY = "Summary"
_LINE = "border:0;border-bottom:1px solid rgba(128,128,128,.35);padding:.2em .8em .2em 0;text-align:left;color:inherit"
_TABLE = "border-collapse:collapse;background:transparent;color:inherit;margin:.2em 0"
_PILL = "border-radius:.6em;padding:.05em .6em;color:#fff;background:"
_COLOURS = {
    Status.CREATED: "#57606a",
    Status.QUEUED: "#8a5a00",
    Status.IN_PROGRESS: "#0969da",
    Status.STOPPED: "#8250df",
    Status.FAILED: "#c62828",
}
_ENDED_WELL = "#1a7f37"


class _Shown(Protocol):
    def _row(self) -> Row: ...


class Results(list[T]):
    """A list of what was found, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        shown = self[:MAX_ROWS]
        rest = len(self) - len(shown)
        if not self:
            body = "<em>no tasks</em>"
        elif all(isinstance(item, Mapping) for item in shown):
            body = _mappings([item for item in shown if isinstance(item, Mapping)])
        elif all(hasattr(item, "_row") for item in shown):
            body = _tasks(shown)
        else:
            body = _grid(["id"], [[_code(str(item))] for item in shown])
        return body + (f"<div>and {rest:,} more</div>" if rest else "")


def of_task(task: _Shown) -> str:
    """Show a task: what it is called, how it stands, its parameters, metrics and where it lies."""
    try:
        row = task._row()
    except (TaskstoreError, OSError) as error:  # a notebook shows a traceback of what this raises
        return f"<div>{_text(repr(task))}: {_text(str(error))}</div>"
    record = row.task
    facts = [
        ("id", _code(row.id)),
        ("type", _text(record.type)),
        ("tags", _text(", ".join(record.tags))),
        ("comment", _text(record.comment)),
        ("created", _moment(record.created)),
        ("started", _moment(record.started)),
        ("ended", _moment(record.completed)),
        ("ran", "" if record.active_duration is None else f"{record.active_duration:,.1f} s"),
        ("iteration", "" if row.last_iteration is None else f"{row.last_iteration:,}"),
        ("folder", _code(str(row.paths.home))),
    ]
    reason = record.status_reason if record.status_reason.lower() != record.status.label.lower() else ""
    head = f"<strong>{_text(record.name)}</strong> {_status(record.status)} {_text(reason)}"
    parts = [
        f"<div>{head}<br><small>{_text(row.project)}</small></div>",
        _grid([], [[f"<small>{name}</small>", value] for name, value in facts if value]),
        _folded("Parameters", ["name", "value"], _parameters(row)),
        _folded("Metrics", ["name", "last", "min", "max", "course"], _metrics(row)),
    ]
    return f"<div>{''.join(parts)}</div>"


def _tasks(found: Sequence[object]) -> str:
    rows = []
    for task in found:
        try:
            row: Row = task._row()  # type: ignore[attr-defined]  # the caller has looked
        except (TaskstoreError, OSError) as error:
            rows.append([_text(repr(task)), "", "", _text(str(error)), "", ""])
            continue
        record = row.task
        rows.append(
            [
                _code(row.id[:12]),
                _text(row.project),
                _text(record.name),
                _status(record.status),
                _moment(record.created),
                _text(", ".join(record.tags)),
            ]
        )
    return _grid(["id", "project", "name", "status", "created", "tags"], rows)


def _mappings(found: Sequence[Mapping[object, object]]) -> str:
    names = list(dict.fromkeys(name for each in found for name in each))
    rows = [["" if each.get(name) is None else _text(str(each[name])) for name in names] for each in found]
    return _grid([str(name) for name in names], rows)


def _parameters(row: Row) -> list[list[str]]:
    return [
        [_text(f"{section}/{name}"), _text(parameter.value)]
        for section, found in row.hyperparams.items()
        for name, parameter in found.items()
    ]


def _metrics(row: Row) -> list[list[str]]:
    from .store import sampling

    courses = sampling.courses(row.paths) if row.last_metrics else {}
    return [
        [
            _text(series if title == _SUMMARY else f"{title}/{series}"),
            *map(_number, (one.value, one.min_value, one.max_value)),
            _course(courses.get((title, series), [])),
        ]
        for title, variants in sorted(row.last_metrics.items())
        if not title.startswith(_MONITOR)
        for series, one in sorted(variants.items())
    ]


def _course(points: Sequence[tuple[int, float]]) -> str:
    """Draw the course of a series, in the colour of the text around; with a gap where a value is not finite."""
    from .store import downsample

    ys = [value for _, value in points]
    ys = [ys[place] for place in downsample.chosen([float(x) for x, _ in points], ys, _COURSE_POINTS)]
    finite = [value for value in ys if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    low, span = min(finite) / 2, max(finite) / 2 - min(finite) / 2  # halved: a difference may be infinite
    lines: list[list[str]] = [[]]
    for place, value in enumerate(ys):
        if math.isfinite(value):
            height = (value / 2 - low) / span if span else 0.5
            lines[-1].append(f"{1 + place * 98 / (len(ys) - 1):.1f},{15 - height * 14:.1f}")
        else:
            lines.append([])
    drawn = "".join(f'<polyline points="{" ".join(each)}"/>' for each in lines if each)
    return f'<svg viewBox="0 0 100 16" width="100" height="16" fill="none" stroke="currentColor">{drawn}</svg>'


def _folded(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Show a table that a person opens; it is open where it is short."""
    if not rows:
        return ""
    rest = f"<div>and {len(rows) - MAX_ROWS:,} more</div>" if len(rows) > MAX_ROWS else ""
    is_open = " open" if len(rows) <= 12 else ""
    return (
        f"<details{is_open}><summary>{title} ({len(rows):,})</summary>{_grid(names, rows[:MAX_ROWS])}{rest}</details>"
    )


def _grid(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table of cells that are HTML already; names are texts."""
    head = "".join(f'<th style="{_LINE}">{_text(name)}</th>' for name in names)
    body = "".join("<tr>" + "".join(f'<td style="{_LINE}">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    return f'<table style="{_TABLE}">{f"<thead><tr>{head}</tr></thead>" if names else ""}<tbody>{body}</tbody></table>'


def _text(text: str) -> str:
    """Escape a text; a long one is cut, and what is not to be seen is spelled out: it could turn the line around."""
    import html  # a run has no use for it

    cut = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    return html.escape(
        "".join(char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in cut)
    )


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _status(status: Status) -> str:
    return f'<span style="{_PILL}{_COLOURS.get(status, _ENDED_WELL)}">{_text(status.label)}</span>'


def _moment(time: datetime | None) -> str:
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    return _text(value) if isinstance(value, str) else f"{value:.6g}"
