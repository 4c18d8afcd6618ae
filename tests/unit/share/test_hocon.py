from __future__ import annotations

from typing import Any

import pytest

from taskstore.core.errors import BadValue
from taskstore.share.importers.clearml_offline import hocon


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ('a = 1\nb {\n  c = [1, 2.5, null, true]\n}\ns = "say \\"hi\\""\nt = "1"', None),
        ('{"a": 1, "b": [{"c": "x"}]}', {"a": 1, "b": [{"c": "x"}]}),
        ("[1, 2]", [1, 2]),
        ('a = """x\n"y\\n"""\nb : -1e-3', {"a": 'x\n"y\\n', "b": -1e-3}),
        ('a.b = 1\na { c = 2 }\n"x.y" = 3', {"a": {"b": 1, "c": 2}, "x.y": 3}),
        ("# said\na = some words // said\nb = 007, c = 1.2.3", {"a": "some words", "b": "007", "c": "1.2.3"}),
        ('e = []\nf {}\ng = ""', {"e": [], "f": {}, "g": ""}),
        ("a = [\n  1\n  2\n]", {"a": [1, 2]}),
    ],
)
def test_values_are_what_the_text_says(text: str, value: Any) -> None:
    if value is None:
        value = {"a": 1, "b": {"c": [1, 2.5, None, True]}, "s": 'say "hi"', "t": "1"}
    assert hocon.loads(text) == value


@pytest.mark.parametrize(
    "text",
    ["a", "a =", "a = {", "a = [1", 'a = "x', "a = ${b}", "include x", "a = 1 }", "a." + "=1", "[" * 100, "a{" * 100],
)
def test_what_is_more_than_values_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="HOCON"):
        hocon.loads(text)
