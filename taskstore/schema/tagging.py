"""ClearML's language for lists of tags: a list of texts, some of which are operators, read as one condition.

    ["a", "b"]                         a or b
    ["a", "-b"]                        a, and not b
    ["__$all", "a", "b"]               a and b; "__$and" is the same
    ["__$or", "a", "__$not", "b"]      a, or not b
    ["a", "b", "__$and", "c", "d"]     (a or b) and c and d
    ["a", None]                        a, or no tag at all

There are three groups: what any of is wanted, what all of is wanted, what none of is. "__$or" and "__$and" say which
group the tags that follow belong to, "__$nop" is back to the start, "__$not" sends the next tag to the third. The
groups are joined by the first of "__$or", "__$and" and "__$all" in the list, and by "and" where there is none. A minus
before a tag means "__$not" until the first operator; after it, it is part of the tag. So does the server of ClearML,
which its documentation tells otherwise in two places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ..core.errors import BadValue
from ..core.names import TAG_OPERATOR

_ALL = frozenset({"all", "and"})
_OPERATORS = ("all", "and", "or", "not", "nop")


@dataclass(frozen=True)
class Tagging:
    """What is asked of a set of tags; None among the tags stands for "there is none"."""

    any_of: frozenset[str | None] = frozenset()
    all_of: frozenset[str | None] = frozenset()
    none_of: frozenset[str | None] = frozenset()
    is_all: bool = field(default=True)
    """Whether every group must hold, or one of them."""

    def matches(self, tags: Collection[str]) -> bool:
        """Tell whether these tags are wanted; of an empty list any are."""
        held: Collection[str | None] = tags or (None,)
        found = []
        if self.any_of:
            found.append(any(tag in held for tag in self.any_of))
        if self.all_of:
            found.append(all(tag in held for tag in self.all_of))
        if self.none_of:
            found.append(not any(tag in held for tag in self.none_of))
        return not found or (all(found) if self.is_all else any(found))


def parse(tags: Iterable[object], what: str = "tags") -> Tagging:
    """Read a list of tags and operators. Raises BadValue, which calls the list `what`."""
    groups: dict[str, set[str | None]] = {"or": set(), "and": set(), "not": set()}
    group, joined_by = "or", ""
    has_operator = is_negated = False
    for tag in tags:
        if tag is not None and not isinstance(tag, str):
            raise BadValue(f"{what} holds texts, not {type(tag).__name__} {tag!r}")
        operator = tag[len(TAG_OPERATOR) :] if tag is not None and tag.startswith(TAG_OPERATOR) else ""
        if tag is not None and tag.startswith(TAG_OPERATOR):
            _check_operator(operator, what)
            has_operator = True
            is_negated = is_negated or operator == "not"
            if operator != "not":
                group = "and" if operator in _ALL else "or"
            if operator not in ("not", "nop"):
                joined_by = joined_by or group
            continue
        if tag is not None and tag.startswith("-") and not has_operator:
            tag, is_negated = _without_minus(tag, what), True
        groups["not" if is_negated else group].add(tag)
        is_negated = False
    if is_negated:
        raise BadValue(f"{what} ends with '__$not'; the tag that is not wanted comes after it")
    any_of, all_of, none_of = (frozenset(groups[name]) for name in ("or", "and", "not"))
    return Tagging(any_of, all_of, none_of, joined_by != "or")


def _check_operator(operator: str, what: str) -> None:
    if operator not in _OPERATORS:
        known = ", ".join(TAG_OPERATOR + name for name in _OPERATORS)
        raise BadValue(f"{what} has an unknown operator '{TAG_OPERATOR}{operator}'; there are {known}")


def _without_minus(tag: str, what: str) -> str:
    if tag == "-":
        raise BadValue(f"{what} has a '-' with no tag behind it; write it like '-baseline'")
    return tag[1:]
