"""Each example of ClearML's semantics as it was seen in its server, and the errors."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from taskstore.core.errors import BadValue
from taskstore.schema.tagging import parse

LETTERS = "abcdefg"
SETS = [set(found) for found in chain.from_iterable(combinations(LETTERS, size) for size in range(len(LETTERS) + 1))]
EXAMPLES = {
    "any by default": (["a", "b"], lambda t: "a" in t or "b" in t),
    "a minus excludes": (["a", "-b"], lambda t: "a" in t and "b" not in t),
    "only a minus": (["-b"], lambda t: "b" not in t),
    "all": (["__$all", "a", "b"], lambda t: "a" in t and "b" in t),
    "or, not": (["__$or", "a", "__$not", "b"], lambda t: "a" in t or "b" not in t),
    "and after some": (["a", "b", "__$and", "c", "d"], lambda t: ("a" in t or "b" in t) and "c" in t and "d" in t),
    "the long one": (
        ["__$all", "a", "b", "c", "__$or", "d", "__$not", "e", "__$and", "__$or", "f", "g"],
        lambda t: {"a", "b", "c"} <= t and bool({"d", "f", "g"} & t) and "e" not in t,
    ),
    "or is first, so it joins": (
        ["__$or", "a", "__$and", "b", "c"],
        lambda t: "a" in t or {"b", "c"} <= t,
    ),
    "not is of one tag": (["__$and", "__$not", "a", "b"], lambda t: "a" not in t and "b" in t),
    "nop goes back": (["__$all", "a", "__$nop", "b", "c"], lambda t: "a" in t and ("b" in t or "c" in t)),
    "none is no tags": (["a", None], lambda t: "a" in t or not t),
    "not none is some tag": (["__$not", None], bool),
    "nothing asked": ([], lambda t: True),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_list_of_tags_means_what_clearmls_server_makes_of_it(name: str) -> None:
    tags, meant = EXAMPLES[name]
    wanted = parse(tags)
    assert [found for found in SETS if wanted.matches(sorted(found)) != meant(found)] == []


def test_after_an_operator_a_minus_is_part_of_the_tag() -> None:
    wanted = parse(["__$and", "a", "-b"])
    assert wanted.matches(["a", "-b"])
    assert not wanted.matches(["a"])


@pytest.mark.parametrize(
    ("tags", "named"),
    [(["__$xor", "a"], "__$xor"), (["a", "__$not"], "__$not"), (["-"], "'-'"), (["a", 3], "3")],
)
def test_what_means_nothing_is_refused_by_name(tags: list[str], named: str) -> None:
    with pytest.raises(BadValue, match="system_tags") as caught:
        parse(tags, "system_tags")
    assert named in str(caught.value)
