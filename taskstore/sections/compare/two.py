"""What differs between two tasks, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

from . import sides
from .files import SourcePair, source_pairs
from .sides import Side


@dataclass(frozen=True)
class Pair:
    """One thing as each of two tasks has it; None where one has it not."""

    name: str
    left: str | float | None
    right: str | float | None

    @property
    def is_same(self) -> bool:
        """Whether there is no difference: NaN is as good as NaN."""
        return self.left == self.right or (self.left != self.left and self.right != self.right)

    @property
    def difference(self) -> float | None:
        """By how much the right number is greater; None where not both are numbers."""
        if isinstance(self.left, (int, float)) and isinstance(self.right, (int, float)):
            return self.right - self.left
        return None


@dataclass(frozen=True)
class Comparison:
    """All that two tasks have, pair by pair, by section and name: what is the same, too."""

    parameters: list[Pair]
    command: list[Pair]
    git: list[Pair]
    packages: list[Pair]
    metrics: list[Pair]
    host: list[Pair]
    source: list[SourcePair]
    configuration: list[SourcePair]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        pairs = [*self.parameters, *self.command, *self.git, *self.packages, *self.metrics, *self.host]
        return all(pair.is_same for pair in pairs) and all(item.is_same for item in (*self.source, *self.configuration))


def compare(left: Side, right: Side) -> Comparison:
    """Set two tasks side by side."""
    return Comparison(
        parameters=_pairs(sides.parameters(left), sides.parameters(right)),
        command=_pairs(sides.command(left.script), sides.command(right.script), is_sorted=False),
        git=_pairs(sides.git(left.script), sides.git(right.script), is_sorted=False),
        packages=_pairs(sides.packages(left), sides.packages(right)),
        metrics=_pairs(sides.metrics(left), sides.metrics(right)),
        host=_pairs(sides.host(left), sides.host(right), is_sorted=False),
        source=source_pairs(left.sources, right.sources),
        configuration=source_pairs(left.configuration, right.configuration),
    )


Values = dict[str, str] | dict[str, float]


def _pairs(left: Values, right: Values, *, is_sorted: bool = True) -> list[Pair]:
    names = list(dict.fromkeys([*left, *right]))
    return [Pair(name, left.get(name), right.get(name)) for name in (sorted(names) if is_sorted else names)]
