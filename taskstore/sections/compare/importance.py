"""How closely each parameter goes with a metric, over some tasks: a hint where to look, and no proof of a cause.

Parameters that are numbers have the absolute value of Spearman's rank correlation, equal ranks shared (C. Spearman,
The Proof and Measurement of Association between Two Things, American Journal of Psychology 15, 1904). All others have
the correlation ratio eta, the square root of the share of the metric's variance that lies between the parameter's
values (K. Pearson, On the General Theory of Skew Correlation, Drapers' Company Research Memoirs, 1905). Both are 0 for
none and 1 for all. Neither sees that two parameters act together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...schema.record import USER_PROPERTIES
from ...store.query import Row

MIN_TASKS = 3
SPEARMAN, ETA = "spearman", "eta"


@dataclass(frozen=True)
class Importance:
    """One parameter, as Section/name. `score` is from 0 to 1, or None where the tasks do not tell.

    They do not where fewer than three have both it and the metric, where one of the two is the same in all, or where
    a parameter that is no number is another in each. `direction` is 1 where the metric rises with the number, -1 where
    it falls, 0 for others. `count` says of how many tasks.
    """

    name: str
    score: float | None
    method: str
    direction: int
    count: int


def of_rows(rows: Sequence[Row], metric: str) -> list[Importance]:
    """Rank the parameters of some tasks for a metric, named as in filters: title/series, with .last .min or .max."""
    samples = []
    for row in rows:
        value = row.get(f"metric:{metric}")
        parameters = {
            f"{section}/{name}": parameter.value
            for section, found in row.hyperparams.items()
            if section != USER_PROPERTIES
            for name, parameter in found.items()
        }
        samples.append((parameters, float(value) if isinstance(value, (int, float)) else None))
    return rank(samples)


def rank(samples: Sequence[tuple[Mapping[str, str], float | None]]) -> list[Importance]:
    """Rank parameters from (their values, the metric) of each task: the most important first, those unknown last.

    Tasks without the metric, or where it is no finite number, count for nothing.
    """
    usable = [(parameters, value) for parameters, value in samples if value is not None and math.isfinite(value)]
    names = sorted({name for parameters, _ in samples for name in parameters})
    found = [_of_one(name, [(each[name], value) for each, value in usable if name in each]) for name in names]
    return sorted(found, key=lambda item: (item.score is None, -(item.score or 0.0), item.name))


def _of_one(name: str, pairs: Sequence[tuple[str, float]]) -> Importance:
    texts, values = [text for text, _ in pairs], [value for _, value in pairs]
    numbers = [_number(text) for text in texts]
    known = [number for number in numbers if number is not None]
    is_numeric = len(known) == len(texts) > 0
    method = SPEARMAN if is_numeric else ETA
    distinct = len(set(known)) if is_numeric else len(set(texts))
    is_telling = len(pairs) >= MIN_TASKS and distinct > 1 and len(set(values)) > 1
    if is_telling and is_numeric:
        signed = spearman(known, values)
        return Importance(name, abs(signed), method, (signed > 0) - (signed < 0), len(pairs))
    score = eta(texts, values) if is_telling and distinct < len(pairs) else None
    return Importance(name, score, method, 0, len(pairs))


def _number(text: str) -> float | None:
    try:
        number = float(text.replace("_", "x"))  # float takes 1_000, which people mean as a name
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the rank correlation of two lists, neither of them constant."""
    first, second = _ranks(xs), _ranks(ys)
    middle = (len(xs) + 1) / 2
    shared = math.fsum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    spread = math.fsum((a - middle) ** 2 for a in first) * math.fsum((b - middle) ** 2 for b in second)
    return max(-1.0, min(1.0, shared / math.sqrt(spread)))


def _ranks(values: Sequence[float]) -> list[float]:
    """Number the values by their size from 1; equal ones have the mean of their numbers."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def eta(groups: Sequence[str], values: Sequence[float]) -> float:
    """Return the correlation ratio of a list of numbers, not constant, over the groups that they are in."""
    scale = max(map(abs, values))  # or the squares of great numbers would be infinite
    scaled = [value / scale for value in values]
    mean = math.fsum(scaled) / len(scaled)
    members: dict[str, list[float]] = {}
    for group, value in zip(groups, scaled, strict=True):
        members.setdefault(group, []).append(value)
    between = math.fsum(len(each) * (math.fsum(each) / len(each) - mean) ** 2 for each in members.values())
    total = math.fsum((value - mean) ** 2 for value in scaled)
    return min(1.0, math.sqrt(between / total)) if total else 0.0
