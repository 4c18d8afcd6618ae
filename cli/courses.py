"""The scalars of a task as small plots of text, a title a plot, of as many points as the terminal can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskstore.core import curves

from . import context, page, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths

Points = list[tuple[int, float]]
_MAX_PLOTS = 20
_POINTS_A_COLUMN = 4
_MAX_WIDTH = 120
_MAX_JSON_POINTS = 1000


def show(paths: TaskPaths, names: Sequence[str], *, is_log: bool, as_json: bool) -> None:
    """Print the series of a task whose title or title/series is among the names; of no names, all but resources."""
    from taskstore.store import sampling

    found = {
        (title, series): points
        for (title, series), points in sorted(sampling.courses(paths).items())
        if _is_wanted(title, series, names) and not _is_single(points)
    }
    for name in names:
        if not any(_is_wanted(title, series, [name]) for title, series in found):
            context.say(f"the task has no series {name!r}; `taskstore show {paths.id[:12]}` lists metrics")
    if not found and not names:
        context.say("the task has no scalars")
    if as_json:
        for (title, series), points in found.items():
            shown = _thinned(points, _MAX_JSON_POINTS, is_log=is_log)
            render.print_json({"metric": title, "variant": series, "points": shown})
        return
    by_title: dict[str, dict[str, Points]] = {}
    for (title, series), points in found.items():
        by_title.setdefault(title, {})[series] = points
    for number, (title, courses) in enumerate(list(by_title.items())[:_MAX_PLOTS]):
        if number:
            render.line()
        _print_plot(title, courses, _look(is_log=is_log))
    if len(by_title) > _MAX_PLOTS:
        context.say(f"{len(by_title) - _MAX_PLOTS:,} more plots; --metric NAME shows one")


def _is_single(points: Points) -> bool:
    """Tell whether it is a value that was reported once and for all: it has no course."""
    from taskstore.sections.reports import SINGLE_VALUE_ITERATION

    return all(iteration == SINGLE_VALUE_ITERATION for iteration, _ in points)


def _is_wanted(title: str, series: str, names: Sequence[str]) -> bool:
    from taskstore.schema.record import MONITOR

    if not names:
        return not title.startswith(MONITOR)
    own = (title, f"{title}/{series}")
    return any(name in own or f"{MONITOR}{name}" in own for name in names)


def _look(*, is_log: bool) -> curves.Look:
    return curves.Look(
        width=min(_MAX_WIDTH, render.console().width if render.is_terminal() else 80),
        is_log=is_log,
        is_ascii=not render.speaks_unicode(),
        has_colours=render.has_styles(),
    )


def _print_plot(title: str, courses: dict[str, Points], look: curves.Look) -> None:
    from taskstore.schema.record import MONITOR

    shown = list(courses.items())[: curves.MAX_CURVES]
    drawn = [
        curves.Curve(page.short(series), _thinned(points, look.width * _POINTS_A_COLUMN, is_log=look.is_log))
        for series, points in shown
    ]
    render.hanging("", (render.safe(title.removeprefix(MONITOR)), "bold"))
    render.hanging("", *curves.legend(drawn, look))
    for pieces in curves.draw(drawn, look):
        render.styled(*pieces)
    for note in _notes(courses, len(shown), look):
        render.hanging("", (note, "dim"))


def _notes(courses: dict[str, Points], shown: int, look: curves.Look) -> list[str]:
    """Say what is not to be seen."""
    notes = []
    if len(courses) > shown:
        notes.append(f"and {len(courses) - shown:,} more series; --metric TITLE/SERIES shows one")
    values = {series: [value for _, value in points] for series, points in list(courses.items())[:shown]}
    odd = [render.safe(series) for series, found in values.items() if not all(map(math.isfinite, found))]
    if odd:
        notes.append(f"gaps are NaN or infinite: {', '.join(odd)}")
    low = [render.safe(series) for series, found in values.items() if any(value <= 0 for value in found)]
    if look.is_log and low:
        notes.append(f"0 and less has no place on a logarithmic axis: {', '.join(low)}")
    return notes


def _thinned(points: Points, count: int, *, is_log: bool) -> Points:
    """Choose the points that show the course; on a logarithmic axis those that show it there."""
    from taskstore.store import downsample

    xs = [float(x) for x, _ in points]
    ys = [value for _, value in points]
    if is_log:
        ys = [math.log10(value) if 0 < value < math.inf else math.nan for value in ys]
    return [points[index] for index in downsample.chosen(xs, ys, count)]
