"""The trials of a sweep, the best first: a table for a person, an object each for a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import context, render

if TYPE_CHECKING:
    from taskstore.store.store import Store
    from taskstore.sweeps.sweep import Goal, Trial


def table(store: Store, trials: Sequence[Trial], goal: Goal | None) -> tuple[list[list[object]], list[render.Column]]:
    """Return the rows and the columns; for a terminal with short ids, and numbers in as many digits as are read."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.parameters))
    best = [f"{goal.metric}.{'min' if goal.is_to_minimise else 'max'}", "last"] if goal else []
    shown = context.shown_ids(store)
    rows: list[list[object]] = [
        [
            shown(trial.id),
            trial.status,
            *([trial.best, trial.last] if goal else []),
            *(_value(trial.parameters.get(name, "")) for name in names),
        ]
        for trial in trials
    ]
    fixed = [render.Column("id", is_fixed=True, style="dim"), render.Column("status", is_fixed=True)]
    return rows, [*fixed, *map(render.Column, best), *map(render.Column, names)]


def _value(text: str) -> str:
    """Spell a parameter's value; in a terminal a number of many digits in a few."""
    if not render.is_terminal():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    shown = render.short_number(number) if math.isfinite(number) else text
    return shown if len(shown) < len(text) else text


def as_object(rank: int, trial: Trial, goal: Goal | None) -> dict[str, object]:
    """Return a trial as `sweep --json` prints it."""
    return {
        "rank": rank if trial.best is not None else None,
        "id": trial.id,
        "name": trial.name,
        "status": trial.status.value,
        "parameters": trial.parameters,
        "metric": str(goal) if goal else None,
        "best": trial.best,
        "last": trial.last,
        "iteration": trial.iteration,
    }
