"""What a sweep tries: for each parameter a list of values, or a range to draw from."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import BadValue
from ..sections import parameters

_RANGE = re.compile(r"(?P<low>[^,]+?)\.\.(?P<high>[^,:]+)(?::(?P<scale>\w+))?\Z")
_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
MAX_TRIALS = 10_000


@dataclass(frozen=True)
class Choices:
    """One of some values, as text."""

    values: tuple[str, ...]

    def draw(self, chance: random.Random) -> str:
        """Return one of them."""
        return chance.choice(self.values)


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; `is_log`: each order of magnitude is as likely as any other."""

    low: float
    high: float
    is_whole: bool = False
    is_log: bool = False

    def draw(self, chance: random.Random) -> str:
        """Return one, as text."""
        if self.is_log:
            number = math.exp(chance.uniform(math.log(self.low), math.log(self.high)))
            return self.spelled(min(max(number, self.low), self.high))
        return self.spelled(chance.randint(int(self.low), int(self.high)) if self.is_whole else self._uniform(chance))

    def _uniform(self, chance: random.Random) -> float:
        return chance.uniform(self.low, self.high)

    def spelled(self, number: float) -> str:
        """Spell a number of the range."""
        return str(round(number)) if self.is_whole else repr(float(number))


Domain = Choices | Range
Name = tuple[str, str]
Space = Mapping[Name, Domain]


def parse(text: str) -> tuple[Name, Domain]:
    """Read `Section/name=` and `a,b,c`, `1..100` or `1e-5..1e-1:log`. Raises BadValue.

    A range is of whole numbers where both its ends are spelled so; a sweep draws them for no float. Without a section
    it is General.
    """
    section, name, wanted = parameters.parse_assignment(text)
    found = _RANGE.fullmatch(wanted.strip())
    if found is not None:
        return (section, name), _range(text, found["low"], found["high"], found["scale"])
    values = tuple(dict.fromkeys(value.strip() for value in wanted.split(",")))
    if not all(values):
        raise BadValue(f"{text!r} has an empty value; write it like Args/lr=0.1,0.01 or Args/seed=1..100")
    return (section, name), Choices(values)


def _range(text: str, low: str, high: str, scale: str | None) -> Range:
    try:
        bounds = float(low), float(high)
    except ValueError:
        raise BadValue(f"{text!r}: a range goes from a number to a number, like 1..100 or 1e-5..1e-1:log") from None
    if not all(map(math.isfinite, bounds)) or bounds[0] >= bounds[1]:
        raise BadValue(f"{text!r}: the range's first number must be below its second")
    if scale not in (None, "log"):
        raise BadValue(f"{text!r}: a range's scale is log, or none is given, not {scale!r}")
    if scale and bounds[0] <= 0:
        raise BadValue(f"{text!r}: a range by orders of magnitude begins above 0")
    is_whole = bool(_WHOLE.match(low.strip()) and _WHOLE.match(high.strip()))
    return Range(*bounds, is_whole=is_whole, is_log=scale is not None)


def space_of(texts: Sequence[str], before: Space | None = None) -> dict[Name, Domain]:
    """Read several. Raises BadValue, also where a parameter comes twice."""
    found: dict[Name, Domain] = {}
    for text in texts:
        name, domain = parse(text)
        if name in found or name in (before or {}):
            raise BadValue(f"{'/'.join(name)} is given twice; give all its values at once")
        found[name] = domain
    return found


def points(grid: Space) -> list[dict[Name, str]]:
    """Return every combination of a grid's values, the last parameter changing first. Raises BadValue."""
    columns = [_column(name, domain) for name, domain in grid.items()]
    count = math.prod(len(column) for column in columns)
    if count > MAX_TRIALS:
        raise BadValue(f"the grid has {count:,} points, and a sweep {MAX_TRIALS:,} trials at most")
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*columns)]


def _column(name: Name, domain: Domain) -> Sequence[str]:
    if isinstance(domain, Choices):
        return domain.values
    if not domain.is_whole or domain.is_log:
        raise BadValue(f"{'/'.join(name)}: a grid needs values, like 0.1,0.01, or whole numbers, like 1..5")
    if domain.high - domain.low >= MAX_TRIALS:
        raise BadValue(f"{'/'.join(name)}: a sweep has {MAX_TRIALS:,} trials at most")
    return [str(number) for number in range(int(domain.low), int(domain.high) + 1)]


def drawn(grid: Space, drawn_from: Space, trials: int | None, chance: random.Random) -> Iterator[dict[Name, str]]:
    """Yield the parameters of each trial: the grid's points in turn, and with each a draw of the others.

    `trials` is how many; None, which is for a grid alone, is one for each of its points. Raises BadValue.
    """
    base = points(grid)
    if trials is None:
        if drawn_from:
            raise BadValue("how many trials? give --trials N where values are drawn at random")
        trials = len(base)
    if not 1 <= trials <= MAX_TRIALS:
        raise BadValue(f"a sweep has 1 to {MAX_TRIALS:,} trials, not {trials}")
    if not drawn_from and trials > len(base):
        raise BadValue(f"the grid has {len(base)} points, and {trials} trials were asked for")
    for number in range(trials):
        yield {**base[number % len(base)], **{name: domain.draw(chance) for name, domain in drawn_from.items()}}
