import unicodedata

import pytest

from taskstore.core.names import encode
from taskstore.core.portable import MAX_BYTES, MAX_PARTS, folded, meetings, plain, why_not


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "outside"),
        ("/x", "outside"),
        ("a//b", "outside"),
        ("./a", "outside"),
        ("a/..", "outside"),
        ("a\\b", "backslash"),
        ("C:/x", "everywhere"),
        ("a/b?c", "everywhere"),
        ("a\x00b", "everywhere"),
        ("a\x7fb", "everywhere"),
        ("a/CON", "device"),
        ("lpt1.txt/b", "device"),
        ("CONIN$", "device"),
        ("a./b", "dot or a space"),
        ("a/b ", "dot or a space"),
        ("a/" + "x" * 256, "255 bytes"),
        ("ö" * 128, "255 bytes"),
        ("/".join(["x" * 200] * 21), f"{MAX_BYTES:,} bytes"),
        ("a/" * MAX_PARTS + "b", "deep"),
        ("a\udc80", "UTF-8"),
    ],
)
def test_a_name_that_some_system_has_not_is_told_why(name: str, why: str) -> None:
    assert why in (why_not(name) or "")


@pytest.mark.parametrize("name", ["a", "a/b.c", ".lock", "a b/c", "Größe/日本", "x" * 255, "console", "com10", "a..b"])
def test_other_names_are_fine(name: str) -> None:
    assert why_not(name) is None


@pytest.mark.parametrize("name", ["CON", "a:b", "v1.", " x", "a\\b", "x" * 4096, "\x00", "..", "a\nb"])
def test_what_a_name_becomes_in_a_store_is_fine_everywhere(name: str) -> None:
    assert why_not(encode(name)) is None


@pytest.mark.parametrize(
    ("names", "met"),
    [
        (["a", "b", "a/b"], [("a", "a/b")]),
        (["a", "A"], [("A", "a")]),
        (["A/x", "a/y", "A/z"], [("A/x", "a/y")]),
        (["a/B/x", "a/b/y", "a/c"], [("a/B/x", "a/b/y")]),
        (["straße", "STRASSE"], [("STRASSE", "straße")]),
        (["a", "a-b", "a/c"], [("a", "a/c")]),
        (["a", "a"], [("a", "a")]),
        (["a/b", "a/c", "a.b", "b/a"], []),
    ],
)
def test_names_that_are_one_somewhere_are_found(names: list[str], met: list[tuple[str, str]]) -> None:
    assert list(meetings(names)) == met
    assert list(meetings(reversed(names))) == met


def test_spellings_of_unicode_meet() -> None:
    one, two = (unicodedata.normalize(form, "naïve/größe") for form in ("NFC", "NFD"))
    assert [{*pair} for pair in meetings([one, two])] == [{one, two}]
    assert folded(one) == folded(two) == folded(two.upper())


@pytest.mark.parametrize(
    ("name", "shown"),
    [("A run: 1/2", "A-run-1-2"), ("日本 x", "日本-x"), ("...", "_"), ("con", "_con"), ("x" * 100, "x" * 60)],
)
def test_a_name_becomes_one_that_is_easy_to_type(name: str, shown: str) -> None:
    assert plain(name) == shown
    assert why_not(plain(name)) is None
