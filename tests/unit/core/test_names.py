import hashlib
import re
import unicodedata

import pytest

from taskstore.core.errors import BadName
from taskstore.core.names import check_name, decode, encode, project_parts, split_project


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("image net", "image net"),
        ("MNIST", "MNIST%~1f"),
        ("aB", "aB%~2"),
        ("a/b: c?", "a%2Fb%3A c%3F"),
        ("100%", "100%25"),
        ("con.txt", "%63on.txt"),
        ("CON", "%63ON%~7"),
        ("com¹", "%63om¹"),
        ("console", "console"),
        ("v1.", "v1%2E"),
        ("end ", "end%20"),
        (" start", "%20start"),
        (".hidden", "%2Ehidden"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("0" * 32, "%30" + "0" * 31),
        ("project.yaml", "%70roject.yaml"),
        ("日本語", "日本語"),
        ("café", "café"),
        ("cafe\u0301", "cafe%CC%81"),
        ("\ud800", "%ED%A0%80"),
        ("nul\x00", "nul%00"),
        ("🚀 run", "🚀 run"),
        ("Straße", "Stra%C3%9Fe%~1"),
    ],
)
def test_a_name_is_spelled_as_the_format_says(name: str, component: str) -> None:
    assert encode(name) == component
    assert decode(component) == name


def test_a_long_name_keeps_its_start_and_is_told_apart_by_its_hash() -> None:
    one, other = encode("x" * 500 + "1"), encode("x" * 500 + "2")
    assert one != other
    assert one.startswith("x" * 100 + "%+")
    assert decode(one) is None
    assert len(one) <= 150


def test_an_abbreviation_never_cuts_an_escape() -> None:
    for padding in range(12):
        kept = encode("a" * padding + "/é\u0301" * 200).partition("%+")[0]
        assert not re.search(r"%[0-9A-F]?$", kept)


@pytest.mark.parametrize(
    "component",
    [
        "",
        "MNIST",
        "a%2fb",
        "%zz",
        "%41",
        "con",
        "v1.",
        ".git",
        "a%~0",
        "a%~",
        "a%~ffff",
        "%C3",
        "1%~1",
        "\udcff",
        "a:b",
    ],
)
def test_a_component_that_encode_does_not_make_has_no_name(component: str) -> None:
    name = decode(component)
    assert name is None or encode(name) == component or component == "a%2fb"


def test_a_listing_of_a_filesystem_that_normalises_still_gives_the_name() -> None:
    assert decode(unicodedata.normalize("NFD", encode("Café Ångström"))) == "Café Ångström"


def test_every_python_spells_every_character_alike() -> None:
    # Unicode grows with Python: were encode to follow it, two Pythons would make two folders of one name. This sum
    # was the same under 3.10, 3.11, 3.12 and 3.13; a change of it is a change of the format.
    digest = hashlib.sha256()
    for start in range(0, 0x20000, 64):
        digest.update(encode("".join(map(chr, range(start, start + 8)))).encode())
    for point in [*range(0x3000), *range(0x1E00, 0x2200), *range(0xA640, 0xAC00), *range(0x1F300, 0x1FB00)]:
        digest.update(encode(chr(point)).encode() + b"\n")
    assert digest.hexdigest() == "818acad4b5fd792b0831f14b2d0116c7c3dd69321e79dcbad2454a7c4d3c8100"


def test_an_empty_name_has_no_component() -> None:
    with pytest.raises(BadName):
        encode("")


@pytest.mark.parametrize("name", ["", "ab", "  ab  ", "\n\n\n\n"])
def test_a_name_of_less_than_three_characters_is_refused_and_says_so(name: str) -> None:
    with pytest.raises(BadName, match="at least 3 characters"):
        check_name("task", name)


def test_a_name_longer_than_a_page_is_refused() -> None:
    with pytest.raises(BadName, match="at most 4096"):
        check_name("task", "x" * 4097)


def test_a_name_that_no_record_can_hold_is_refused() -> None:
    with pytest.raises(BadName, match="UTF-8"):
        check_name("task", "run \udcff")
    with pytest.raises(BadName, match="UTF-8"):
        split_project("vision/\ud83d")


def test_a_name_is_stripped_and_otherwise_left_alone() -> None:
    assert check_name("task", "  a/b: ©  ") == "a/b: ©"


def test_a_project_is_split_at_its_slashes() -> None:
    assert split_project(" vision / cats ") == ("vision", "cats")
    assert split_project("a/b") == ("a", "b")


@pytest.mark.parametrize("name", ["/vision", "vision/", "a//b", "///", "a/ /b"])
def test_a_project_with_an_empty_part_is_refused(name: str) -> None:
    with pytest.raises(BadName, match="empty part"):
        split_project(name)


def test_a_project_that_is_looked_for_may_be_short_but_has_no_empty_part() -> None:
    assert project_parts(" q ") == ("q",)
    with pytest.raises(BadName, match="at least 3 characters"):
        split_project("q")
    for name in ("", " ", "q/", "/q"):
        with pytest.raises(BadName, match="empty part"):
            project_parts(name)
