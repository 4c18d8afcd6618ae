from __future__ import annotations

import json
import math
from collections import OrderedDict, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.core.values import cast_like, enum_description, from_text, is_supported, to_text


class Color(Enum):
    RED = "r"
    GREEN = "g"
    ALSO_RED = "r"


class Level(IntEnum):
    LOW = 0
    HIGH = 10


class Access(Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Bits(IntFlag):
    A = 1
    B = 2


class Opaque:
    pass


SURROGATES = st.text(st.characters(), max_size=8) | st.text("a'\"\\\ud83d\ude00\udc80\n", max_size=6)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | SURROGATES | st.binary(max_size=8)
HASHABLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SURROGATES
INNER = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
        | st.frozensets(HASHABLE, max_size=3)
    ),
    max_leaves=8,
)
VALUES = (
    INNER
    | st.complex_numbers()
    | st.datetimes(timezones=st.none() | st.just(timezone.utc) | st.just(timezone(timedelta(hours=5, minutes=30))))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.fractions()
    | st.binary(max_size=8).map(bytearray)
    | SURROGATES.map(Path)
    | st.text(max_size=8).map(PurePosixPath)
    | st.text(max_size=8).map(PureWindowsPath)
)


def same(one, other):
    """Equality with types, with nan equal to itself and -0.0 not equal to 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (set, frozenset)):
        return one == other and {type(item) for item in one} == {type(item) for item in other}
    return one == other


@given(VALUES)
@example(10**20_000)
@example([-(10**20_000)])
@example([1, (2, 3), [4, (5,)], ()])
@example({1: "a", "1": "b", None: math.nan, False: [math.inf, -math.inf, -0.0]})
@example(["\ud83d\ude00", "it's"])
@example((set(), frozenset(), frozenset({1}), {"x"}))
@example("  spaces \n and lines\t")
@example("None")
@example("")
def test_a_stored_value_comes_back_with_its_type(value):
    assert same(from_text(*to_text(value)), value)
    assert is_supported(value)


@given(VALUES)
def test_a_stored_value_is_utf8(value):
    text, type_name = to_text(value)
    assert text.encode().decode() == text
    assert type_name.isascii()


@given(VALUES)
def test_a_stored_value_is_cast_to_its_own_default(value):
    text, type_name = to_text(value)
    assert same(cast_like(text, value, type_name), value)
    if value is not None:
        assert same(cast_like(text, value), value)


@pytest.mark.parametrize(
    ("value", "text", "type_name"),
    [
        (None, "", ""),
        (True, "True", "bool"),
        (3, "3", "int"),
        (0.1, "0.1", "float"),
        (1e-5, "1e-05", "float"),
        ("adam", "adam", "str"),
        ([1, 2], "[1, 2]", "list/int"),
        ((0.9, 0.999), "[0.9, 0.999]", "tuple/float"),
        ({"a": 1}, '{"a": 1}', "dict/int"),
        ([1, "a", None, True], '[1, "a", null, true]', "list"),
        ([True, False], "[true, false]", "list/bool"),
        ([], "[]", "list"),
        (["é"], '["é"]', "list/str"),
        ([{"z": 1}, {}], '[{"z": 1}, {}]', "list/dict"),
        ({"a": [1], "b": []}, '{"a": [1], "b": []}', "dict/list"),
        ([1, (2,)], "[1, (2,)]", "list"),
        ({1: "a"}, "{1: 'a'}", "dict/str"),
        ({"b", "a"}, "{'a', 'b'}", "set/str"),
        (Color.RED, "RED", "Color"),
        (Level.LOW, "LOW", "Level"),
        (Access.READ, "READ", "Access"),
        (Path("/data"), str(Path("/data")), "Path"),
        (b"\x00a", "b'\\x00a'", "bytes"),
        ("caf\udce9", "'caf\\udce9'", "str/literal"),
    ],
)
def test_texts_and_types_are_clearmls(value, text, type_name):
    assert to_text(value) == (text, type_name)


def test_a_huge_integer_does_not_meet_the_limit_on_decimals():
    text, type_name = to_text(1 << 20_000)
    assert (text[:3], type_name) == ("0x1", "int")


@pytest.mark.parametrize("value", [[1, {"a": [True, None, 0.5]}], (1, 2), {"a": {"b": []}}, [math.nan]])
def test_what_json_can_tell_is_json(value):
    text, _ = to_text(value)
    json.loads(text)


@pytest.mark.parametrize("kind", [Color, Level, Access, Bits])
def test_an_enum_is_stored_by_name_and_cast_back_to_its_class(kind):
    for member in kind:
        text, type_name = to_text(member)
        assert text == member.name
        for default in kind:
            assert cast_like(text, default, type_name) is member


def test_an_enum_within_a_list_is_its_name():
    assert to_text([Level.HIGH, Color.RED])[0] == '["HIGH", "RED"]'


@pytest.mark.parametrize("value", [Access.READ | Access.RUN, Access(0), Bits.A | Bits.B, Bits(0), Bits.A | Bits(64)])
def test_a_combination_of_flags_round_trips(value):
    text, _ = to_text(value)
    assert cast_like(text, type(value)(1)) == value


def test_flags_are_named_by_their_parts():
    assert to_text(Access.READ | Access.RUN)[0] == "READ|RUN"


@pytest.mark.parametrize("text", ["GREEN", "Color.GREEN", " GREEN ", "g"])
def test_an_enum_is_found_by_name_and_by_value(text):
    assert cast_like(text, Color.RED) is Color.GREEN


def test_an_enum_refuses_a_stranger_and_lists_its_own():
    with pytest.raises(BadValue, match="'BLUE' is not a Color; it is one of RED, GREEN"):
        cast_like("BLUE", Color.RED)


def test_an_enum_describes_its_values():
    assert enum_description(Color.RED) == enum_description(Color) == "Values:\nRED,\nGREEN,\nALSO_RED"
    assert enum_description(3) == enum_description(int) == ""


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("false", True, False),
        ("False", True, False),
        ("0", True, False),
        ("YES", False, True),
        ("7", 1, 7),
        (" 7 ", 1, 7),
        ("0x10", 1, 16),
        ("7", 1.0, 7.0),
        ("nan", 1.0, math.nan),
        ("1e-3", 1.0, 0.001),
        ("None", "adam", "None"),
        ("", "adam", ""),
        ("[1, 2]", (0,), (1, 2)),
        ("(1, 2)", [0], [1, 2]),
        ("['a']", [], ["a"]),
        ('["a"]', [], ["a"]),
        ("{'a': None}", {}, {"a": None}),
        ("[1]", {0}, {1}),
        ("", None, None),
        ("None", None, None),
        ("0.1", None, "0.1"),
        ("/x", Path("/y"), Path("/x")),
    ],
)
def test_an_override_takes_the_type_of_the_default(text, default, value):
    assert same(cast_like(text, default), value)


def test_a_default_of_none_takes_the_stored_type():
    assert same(cast_like("0.5", None, "float"), 0.5)
    assert cast_like("None", None, "str") == "None"
    assert cast_like("", None, "str") == ""
    assert cast_like("", None, "int") is None


def test_a_stored_none_replaces_any_default():
    assert cast_like("", 3, "") is None
    assert cast_like("", "adam", "") is None


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("2.5", 1),
        ("", 1),
        ("maybe", True),
        ("x", 0.5),
        ("x", [1]),
        ("{}", [1]),
        ("[1]", {}),
        ("[[1]]", {1}),
        ("3", [1]),
        ("f()", [1]),
        ("__import__('os')", {}),
        ("2 ** 9", [1]),
        ("[" * 5000, [1]),
        ("x" + "\0", [1]),
        ("{**{}}", {}),
        ("[...]", [1]),
    ],
)
def test_a_text_of_another_type_is_refused_and_both_are_named(text, default):
    with pytest.raises(BadValue) as caught:
        cast_like(text, default)
    assert repr(text)[:100] in str(caught.value) or not text
    assert to_text(default)[0] in str(caught.value)


def test_an_error_says_what_is_wanted():
    with pytest.raises(BadValue, match=r"^'2.5' is not an int \(the default here is '1'\)$"):
        cast_like("2.5", 1)


def test_an_escape_in_a_text_warns_nobody():
    assert cast_like(r"['\d']", []) == [r"\d"]


@pytest.mark.parametrize(
    ("text", "word", "value"),
    [
        *[("a", "string", "a"), ("", "string", ""), ("a", "string enum", "a"), ("[1, 2]", "multi int", [1, 2])],
        *[('["a"]', "comma separated list of strings", ["a"]), ("3", "INT", 3), ("0.5", "FLOAT", 0.5)],
        *[("False", "BOOL", False), ("x", "STRING", "x")],
    ],
)
def test_a_type_by_the_word_of_a_library_is_read_as_what_it_is(text, word, value):
    assert from_text(text, word) == value


def test_an_unknown_type_is_text():
    assert from_text("RED", "Color") == "RED"
    assert from_text("x", "") == "x"


@pytest.mark.parametrize("type_name", ["", "int", "float", "NoneType", "list/int", "Color"])
def test_an_empty_text_is_none_except_for_a_str(type_name):
    assert from_text("", type_name) is None
    assert from_text("", "str") == ""


@pytest.mark.parametrize("value", [Opaque(), range(3), len, Opaque, [Opaque()], timezone.utc, {"a": Opaque()}])
def test_what_cannot_be_restored_is_told(value):
    assert not is_supported(value)
    text, _ = to_text(value)
    assert cast_like(text, value) is value
    with pytest.raises(BadValue):
        cast_like("something else", value)


def test_an_object_is_its_repr_without_its_address():
    text, type_name = to_text(Opaque())
    assert type_name == "Opaque"
    assert text.endswith("Opaque object>")
    assert "0x" not in text


def test_a_list_within_itself_ends():
    loop: list[object] = []
    loop.append(loop)
    assert not is_supported(loop)
    assert len(to_text(loop)[0]) < 5000


def test_subclasses_are_stored_as_what_they_extend():
    class Name(str):
        def __str__(self):
            return "not me"

    pair = namedtuple("pair", "a b")
    assert to_text(Name("me")) == ("me", "str")
    assert to_text(OrderedDict(a=1)) == ('{"a": 1}', "dict/int")
    assert to_text(pair(1, 2)) == ("[1, 2]", "tuple/int")


class Array:
    """What numpy's arrays and scalars have in common, as far as it is used here."""

    dtype = "float32"

    def __init__(self, listed, shape):
        self.listed, self.shape = listed, shape

    def tolist(self):
        return self.listed


def test_a_small_array_is_its_list_and_a_scalar_its_number():
    assert to_text(Array([1.5, 2.0], (2,))) == ("[1.5, 2.0]", "list/float")
    assert to_text(Array(0.5, ())) == ("0.5", "float")
    assert to_text({"a": Array(3, ())}) == ('{"a": 3}', "dict/int")


def test_a_large_array_is_not_listed():
    assert not is_supported(Array([0] * 5000, (50, 100)))


def test_a_scalar_that_lists_itself_ends():
    scalar = Array(None, ())
    scalar.listed = scalar
    assert not is_supported(scalar)


def test_numpy_values_come_back_as_numpy():
    numpy = pytest.importorskip("numpy")
    assert to_text(numpy.float32(0.5)) == ("0.5", "float")
    assert to_text(numpy.float64(0.1)) == ("0.1", "float")
    assert to_text(numpy.bool_(True)) == ("True", "bool")
    assert to_text(numpy.int64(3)) == ("3", "int")
    assert to_text(numpy.str_("a")) == ("a", "str")
    assert to_text(numpy.arange(3)) == ("[0, 1, 2]", "list/int")
    assert type(cast_like("0.25", numpy.float32(0.5))) is numpy.float32
    array = cast_like("[1, 2]", numpy.zeros(2, dtype="float32"))
    assert array.dtype == "float32"
    assert array.tolist() == [1, 2]


def test_dates_and_times_are_iso_8601():
    assert to_text(datetime(2026, 1, 2, tzinfo=timezone.utc)) == ("2026-01-02T00:00:00+00:00", "datetime")
    assert to_text(date(2026, 1, 2)) == ("2026-01-02", "date")
    assert to_text(time(1, 2)) == ("01:02:00", "time")
    assert from_text("2026-01-02T00:00:00Z", "datetime") == datetime(2026, 1, 2, tzinfo=timezone.utc)


def test_items_and_named_tuples_get_the_class_of_the_defaults() -> None:
    point = namedtuple("point", "x y")  # noqa: PYI024 - one without types is what is tested
    assert cast_like("[3, 4]", point(1, 2)) == point(3, 4)
    assert type(cast_like("[3, 4]", point(1, 2))) is point
    with pytest.raises(BadValue, match="3 values for a point of 2"):
        cast_like("[3, 4, 5]", point(1, 2))
    assert cast_like('["GREEN", "RED"]', [Color.RED]) == [Color.GREEN, Color.RED]
    assert cast_like('["GREEN"]', (Color.RED, Level.LOW)) == ("GREEN",)
    with pytest.raises(BadValue, match="is not a Color; it is one of RED, GREEN"):
        cast_like('["BLUE"]', [Color.RED])
    assert cast_like('["b"]', [Path("a")]) == [Path("b")]
    assert cast_like("{'b'}", {PurePosixPath("a")}) == {PurePosixPath("b")}


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("90", timedelta(1), timedelta(seconds=90)),
        ("-1 day, 23:00:00", timedelta(1), timedelta(hours=-1)),
        ("2 days", timedelta(1), timedelta(2)),
        ("2.50", Decimal("1.1"), Decimal("2.50")),
        ("Decimal('1.1')", Decimal("1.1"), Decimal("1.1")),
        ("1/4", Fraction(1, 3), Fraction(1, 4)),
        ("b'x'", bytearray(b"y"), bytearray(b"x")),
    ],
)
def test_exact_values_are_read_as_a_person_writes_them(text: str, default: object, value: object) -> None:
    assert cast_like(text, default) == value
    assert type(cast_like(text, default)) is type(value)


@pytest.mark.parametrize(
    ("text", "default"), [("soon", timedelta(1)), ("x", Decimal(1)), ("1/0", Fraction(1)), ("", UUID(int=1))]
)
def test_what_is_no_such_value_is_refused_naming_text_and_type(text: str, default: object) -> None:
    with pytest.raises(BadValue, match=f"{text}.* is not an? {type(default).__name__}"):
        cast_like(text, default)


@pytest.mark.parametrize("error", [AttributeError, RecursionError, KeyError])
def test_an_object_without_a_repr_is_told_by_its_class(error: type[Exception]) -> None:
    class Unready:
        def __repr__(self) -> str:
            raise error("not set up")

    assert to_text(Unready()) == ("<Unready>", "Unready")
    assert to_text([Unready()])[0] == '["<Unready>"]'
