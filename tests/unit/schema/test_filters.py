import math
import operator
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.core.states import Status
from taskstore.schema.filters import MAX_DEPTH, MAX_PATTERN, parse

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "query.md"


def fits(text: str, **fields: object) -> bool:
    """Ask a filter of one task; `x` stands for any field whose kind the language does not know."""
    return parse(text, now=NOW).matches(fields)


# Values


@pytest.mark.parametrize(
    ("stored", "condition", "expected"),
    [
        ("0.10", "= 0.1", True),
        ("0.10", "== '0.1'", True),
        ("0.10", "!= 0.1", False),
        ("1e-3", "< 0.01", True),
        ("10", "> 9", True),
        ("10", "< 9", False),
        ("-.5", "<= -0.5", True),
        ("1.", "= 1", True),
        ("9007199254740993", "= 9007199254740992", False),
        ("9007199254740993", "> 9007199254740992", True),
        ("1" + "0" * 400, "= 1" + "0" * 400, True),
        ("1" + "0" * 400, "> 9" + "0" * 399, True),
        ("inf", "> 1e300", True),
        ("-Infinity", "= -inf", True),
        (0.5, "= 0.50", True),
        (3, "in (1, 3.0)", True),
        (3, "not in (1, 2)", True),
        ("adam", "= adam", True),
        ("adam", "= Adam", False),
        ("adam", "= 1", False),
        ("adam", "< 1", False),
        ("adam", ">= 1", False),
        ("1", "< adam", False),
        ("1", ">= adam", False),
        ("adam", "< sgd", True),
        (0.5, "= adam", False),
        (0.5, "< adam", False),
        ("1_0", "= 10", False),
        ("\u0661", "= 1", False),
        ("True", "= true", True),
        ("true", "= TRUE", True),
        ("False", "= true", False),
        (True, "= true", True),
        (True, "= false", False),
        ("90m", "= 90m", True),
        (5400.0, "= 90m", True),
        (5401, "> 1h30m", True),
        (0.5, "= 500ms", True),
        ("", "= ''", True),
        ("a'b", r"= 'a\'b'", True),
        ("a\\b", r"= 'a\b'", True),
        ("a\\b", r"= 'a\\b'", True),
        ("C:\\x", r"= C:\x", True),
        ("two words", '= "two words"', True),
    ],
)
def test_numbers_compare_as_numbers_and_texts_as_texts(stored: object, condition: str, expected: bool) -> None:
    assert fits(f"x {condition}", x=stored) is expected


@pytest.mark.parametrize("nan", [math.nan, "nan", "NaN"])
def test_nan_equals_nan_alone_and_has_no_order(nan: object) -> None:
    assert fits("x = nan", x=nan)
    assert fits("x in (1, nan)", x=nan)
    assert not fits("x = 0.5", x=nan)
    assert fits("x != 0.5", x=nan)
    assert not fits("x = nan", x=0.5)
    assert not any(fits(f"x {op} {value}", x=nan) for op in ("<", "<=", ">", ">=") for value in ("0", "nan", "inf"))


@pytest.mark.parametrize("name", ["name", "id", "parent", "tag", "host"])
def test_the_tasks_own_texts_are_no_numbers(name: str) -> None:
    assert not fits(f"{name} = 7", **{name: "7.0"})
    assert not fits(f"{name} = 01900000000000e00000000000000001", **{name: "01900000000000e00000000000000002"})
    assert fits(f"{name} < 9", **{name: "10"})


@pytest.mark.parametrize("spelled", ["Running", "in_progress", "RUNNING", "'In Progress'", "in-progress"])
def test_a_status_goes_by_stored_name_or_label(spelled: str) -> None:
    for stored in ("in_progress", Status.IN_PROGRESS):
        assert fits(f"status = {spelled}", status=stored)
        assert fits(f"status in (draft, {spelled})", status=stored)
        assert not fits(f"status != {spelled}", status=stored)
    assert not fits(f"status = {spelled}", status="failed")


def test_a_list_fits_when_one_of_its_texts_does() -> None:
    tags = ["nlp", "baseline"]
    assert fits("tag = nlp", tag=tags)
    assert not fits("tag = nl", tag=tags)
    assert not fits("tag != nlp", tag=tags)
    assert fits("tag != vision", tag=tags)
    assert fits("tags ~ ^b", tags=tags)
    assert not fits("tags !~ ^b", tags=tags)
    assert fits("tag in (vision, baseline)", tag=tags)
    assert fits("tag not in (vision, old)", tag=tags)
    assert fits("tag", tag=tags)


@pytest.mark.parametrize("missing", [None, []])
def test_a_missing_field_fits_negations_only(missing: object) -> None:
    for condition in ("= 1", "< 1", ">= a", "~ .*", "in (1, a)", "is set", "exists", "is not missing", ""):
        assert not fits(f"x {condition}", x=missing), condition
    for condition in (
        "!= 1",
        "!~ .*",
        "not in (1, a)",
        "is missing",
        "is not set",
        "is null",
        "= none",
        "in (1, none)",
    ):
        assert fits(f"x {condition}", x=missing), condition
    assert not fits("x != none", x=missing)


def test_none_is_missing_or_empty_or_a_stored_none() -> None:
    for stored in ("", "None", "none"):
        assert fits("x = none", x=stored)
        assert not fits("x != null", x=stored)
    assert not fits("x = none", x="0")
    assert not fits("x = none", x=0)
    assert fits("x = 'none'", x="none")
    assert not fits("x = 'none'", x="")
    assert fits("x is missing", x="")
    assert fits("x is set", x="None")


@pytest.mark.parametrize("false", [None, "", "0", "0.0", "False", "none", 0, 0.0, False, []])
def test_a_bare_name_is_false_of_nothing_and_of_zero(false: object) -> None:
    assert not fits("x", x=false)
    assert fits("not x", x=false)


@pytest.mark.parametrize("true", ["1", "True", "no", "nan", 1, math.nan, True, ["0"], NOW])
def test_a_bare_name_is_true_of_all_else(true: object) -> None:
    assert fits("x", x=true)


@pytest.mark.parametrize(
    ("stored", "pattern"),
    [
        ("run-12", r"^run-\d+$"),
        (0.25, r"^0\.25$"),
        (True, "True"),
        (NOW, "^2026-03-10T12"),
        ("a(b", r"'a\(b'"),
        ("[[a", "'[[a]'"),
    ],
)
def test_a_pattern_searches_the_text_of_any_value(stored: object, pattern: str) -> None:
    assert fits(f"x ~ {pattern}", x=stored)
    assert not fits(f"x !~ {pattern}", x=stored)


# Times

SPELLED = [
    ("2026-03-09", "2026-03-09T00:00:00", "2026-03-09T23:59:59.999999"),
    ("2026-03-09T10:00", "2026-03-09T10:00:00", "2026-03-09T10:00:59.999999"),
    ("2026-03-09T10:00:07Z", "2026-03-09T10:00:07", "2026-03-09T10:00:07.999999"),
    ("2026-03-09T10:00:07.25Z", "2026-03-09T10:00:07.250000", "2026-03-09T10:00:07.250000"),
    ("'2026-03-09 12:00 +02:00'", "2026-03-09T10:00:00", "2026-03-09T10:00:59.999999"),
    ("today", "2026-03-10T00:00:00", "2026-03-10T23:59:59.999999"),
    ("yesterday", "2026-03-09T00:00:00", "2026-03-09T23:59:59.999999"),
    ("2d ago", "2026-03-08T12:00:00", "2026-03-08T12:00:00"),
    ('"1h30m ago"', "2026-03-10T10:30:00", "2026-03-10T10:30:00"),
    ("9999-12-31", "9999-12-31T00:00:00", "9999-12-31T23:59:59.999999"),
]


@pytest.mark.parametrize(("spelled", "first", "last"), SPELLED)
def test_a_time_is_all_the_moments_that_it_names(spelled: str, first: str, last: str) -> None:
    start, end = (datetime.fromisoformat(text + "+00:00") for text in (first, last))
    before = start - timedelta(microseconds=1)
    moments = [before, start, end] + ([end + timedelta(microseconds=1)] if end.year < 9999 else [])
    expected = {
        "=": [False, True, True, False],
        "<": [True, False, False, False],
        "<=": [True, True, True, False],
        ">": [False, False, False, True],
        ">=": [False, True, True, True],
    }
    for op, results in expected.items():
        assert [fits(f"created {op} {spelled}", created=moment) for moment in moments] == results[: len(moments)], op


def test_a_date_without_a_zone_is_in_the_zone_of_now() -> None:
    tokyo = timezone(timedelta(hours=9))
    late = datetime(2026, 3, 9, 20, tzinfo=timezone.utc)
    assert not fits("created = 2026-03-10", created=late)
    assert parse("created = 2026-03-10", now=NOW.astimezone(tokyo)).matches({"created": late})
    assert parse("created = today", now=NOW.astimezone(tokyo)).matches({"created": late})


def test_a_relative_time_stays_relative_in_the_text() -> None:
    text = str(parse("created > 2d ago", now=NOW))
    moment = {"created": NOW - timedelta(days=1)}
    assert parse(text, now=NOW).matches(moment)
    assert not parse(text, now=NOW + timedelta(days=2)).matches(moment)


# Names and grammar


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("Args/lr", "Args/lr"),
        ("param:Args/lr", "param:Args/lr"),
        ("metric:validation/loss.min", "metric:validation/loss.min"),
        ('metric:"val loss/a b".max', "metric:val loss/a b.max"),
        ("`val loss/a b`.max", "val loss/a b.max"),
        ('Args/"learning rate"', "Args/learning rate"),
        (r'"a \"b\" \n"', 'a "b" \\n'),
        (":monitor:gpu/0", ":monitor:gpu/0"),
        ('"and"', "and"),
        ('"0.1"', "0.1"),
        ("exists", "exists"),
        ("größe/日本", "größe/日本"),
    ],
)
def test_a_name_reaches_the_fields_whole(spelled: str, name: str) -> None:
    found = parse(f"{spelled}=1")
    assert found.names() == {name}
    assert found.matches({name: "1"})
    assert parse(str(found)) == found


def test_every_name_is_told() -> None:
    assert parse("a and (b > 1 or not c in (x, y)) and d is missing and a = 2").names() == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a && !b || c", "a and not b or c"),
        ("A AND NOT b OR c", "A and not b or c"),
        ("a or b and c", "a or b and c"),
        ("(a or b) and c", "(a or b) and c"),
        ("a and (b and c)", "a and b and c"),
        ("not a = 1 and b", "not a = 1 and b"),
        ("not (a = 1 and b)", "not (a = 1 and b)"),
        ("! ! a", "not not a"),
        ("a==1", "a = 1"),
        ("a IN(x,'y z')", "a in (x, 'y z')"),
        ("a exists and b is null and c is not missing", "a is set and b is missing and c is set"),
        ("status = Draft", "status = created"),
        ("started>3h ago", "started > '3h ago'"),
        ("a = 'x' and b = \"it's\"", "a = x and b = 'it\\'s'"),
        ("a = NULL and b = 'null'", "a = none and b = 'null'"),
        ("((((a))))", "a"),
    ],
)
def test_one_filter_has_one_text(text: str, canonical: str) -> None:
    assert str(parse(text, now=NOW)) == canonical
    assert parse(canonical, now=NOW) == parse(text, now=NOW)


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "expected a name, found the end"),
        ("   ", 4, "expected a name"),
        ("a >", 4, "expected a value, found the end"),
        ("a > and b", 5, "expected a value, found 'and'"),
        ("a = b c", 7, "expected and, or, or the end, found 'c'"),
        ("a =~ b", 4, "expected a value, found '~'"),
        ("a & b", 3, "expected && or ||"),
        ("a ~ (b|c)", 7, "expected && or ||, or quotes"),
        ("a = 'b", 5, "the closing '"),
        ('a = b"', 6, 'the closing "'),
        ("a = `b`", 5, "expected a value"),
        ("'a' = 1", 1, "double quotes or backticks"),
        ('"" = 1', 1, "empty quotes"),
        ("0.1 < a", 1, "a name comes first"),
        ("2d < a", 1, "a name comes first"),
        ("true = a", 1, "a name comes first"),
        ("a < b < c", 7, "expected and, or, or the end"),
        ("a in b", 6, "expected ("),
        ("a in ()", 7, "expected a value"),
        ("a in (b c)", 9, "expected , or )"),
        ("a not b", 7, "expected in"),
        ("a is big", 6, "expected set or missing"),
        ("(a", 3, "expected ) for the ( in column 1"),
        ("a)", 2, "closes nothing"),
        ("a ~ '('", 5, "not a regular expression"),
        ("a ~ 'b{99999999999}'", 5, "not a regular expression"),
        ("a < none", 5, "none has no order"),
        ("status = runing", 10, "draft, pending, running"),
        ("created > yesteday", 11, "created is a time"),
        ("created > 2d", 11, "created is a time"),
        ("created > 2026-02-31", 11, "created is a time"),
        ("created > 9999999999w ago", 11, "created is a time"),
        ("duration > long", 12, "duration is a number"),
        ("archived = 2", 12, "archived is true or false"),
    ],
)
def test_a_bad_filter_is_refused_at_its_column_with_an_example(text: str, column: int, expected: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse(text, now=NOW)
    why, shown, caret, example = str(caught.value).split("\n")
    assert why.startswith(f"bad filter, column {column}: ")
    assert expected in why
    assert shown == "  " + text
    assert caret.index("^") == column + 1
    parse(example.removeprefix("write it like: "))


def test_the_caret_stands_below_the_column_in_a_long_and_in_a_wide_text() -> None:
    with pytest.raises(BadValue) as caught:
        parse("x" * 100 + "\t= and " + "y" * 100)
    _, shown, caret, _ = str(caught.value).split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^") :].startswith("and ")
    with pytest.raises(BadValue) as caught:
        parse("日本 = and")
    assert str(caught.value).split("\n")[2].index("^") == 2 + len("日本 = ") + 2  # each of the two is two columns wide


def test_depth_is_bounded_and_within_the_bound_all_works() -> None:
    for opening, closing in (("(", ")"), ("not ", ""), ("!", ""), ("not (", ")"), ("(b or c and ", ")")):
        with pytest.raises(BadValue, match=f"more than {MAX_DEPTH} levels"):
            parse(opening * 10_000 + "a" + closing * 10_000)
    deepest = "(b or c and " * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    found = parse(deepest)
    assert parse(str(found)) == found
    assert hash(parse(str(found))) == hash(found)
    assert found.matches({"a": "1", "c": "1"})
    assert not found.matches({"a": "1"})


def test_width_is_not_bounded() -> None:
    found = parse(" or ".join(f"x = {number}" for number in range(10_000)))
    assert found.matches({"x": "9999"})
    assert not found.matches({"x": "10000"})
    assert parse(str(found)) == found


def test_a_patterns_length_is_bounded() -> None:
    parse("a ~ " + "b" * MAX_PATTERN)
    with pytest.raises(BadValue, match=f"at most {MAX_PATTERN} characters"):
        parse("a ~ " + "b" * (MAX_PATTERN + 1))


def test_every_filter_of_the_reference_is_one() -> None:
    blocks = re.findall(r"```filter\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        parse(line, now=NOW)


def test_the_error_of_the_reference_is_the_error() -> None:
    with pytest.raises(BadValue) as caught:
        parse("created > yesteday")
    assert f"```text\n{caught.value}\n```" in REFERENCE.read_text("utf-8")


# Properties

NAMES = ["a", "Args/lr", "metric:x/y.min", "two words", "and", "1.5"]
WORDS = [
    "adam",
    "0.10",
    "1e-1",
    "-3",
    "nan",
    "true",
    "None",
    "",
    "2d ago",
    "2026-03-09",
    "it's",
    'a "b"\\',
    "none",
    "ü&|",
]
stored = st.one_of(
    st.none(),
    st.sampled_from(WORDS),
    st.floats(),
    st.integers(-5, 5),
    st.booleans(),
    st.just(NOW),
    st.lists(st.sampled_from(WORDS), max_size=3),
    st.integers().map(str),
    st.floats().map(repr),
)
rows = st.fixed_dictionaries(dict.fromkeys(NAMES, stored))
names = st.sampled_from([f'"{name}"' for name in NAMES])
words = st.one_of(st.sampled_from(WORDS), st.text(max_size=5), st.floats().map(str), st.integers().map(str))


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


values = st.one_of(words.map(quoted), st.sampled_from(["none", "true", "nan", "1e-1", "2d ago", "yesterday"]))
ordered_values = words.map(quoted)
patterns = st.text(max_size=5).map(re.escape).map(quoted)
conditions = st.one_of(
    names,
    st.builds("{} {} {}".format, names, st.sampled_from(["=", "!="]), values),
    st.builds("{} {} {}".format, names, st.sampled_from(["<", "<=", ">", ">="]), ordered_values),
    st.builds("{} {} {}".format, names, st.sampled_from(["~", "!~"]), patterns),
    st.builds(
        "{} {} ({})".format,
        names,
        st.sampled_from(["in", "not in"]),
        st.lists(values, min_size=1, max_size=3).map(",".join),
    ),
    st.builds("{} {}".format, names, st.sampled_from(["is set", "is missing"])),
)
trees = st.recursive(
    conditions,
    lambda tree: st.one_of(
        st.tuples(st.just("not"), tree),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(tree, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def spell(tree) -> str:
    if isinstance(tree, str):
        return tree
    word, parts = tree
    return f"not ({spell(parts)})" if word == "not" else f" {word} ".join(f"({spell(part)})" for part in parts)


def evaluate(tree, row) -> bool:
    if isinstance(tree, str):
        return parse(tree, now=NOW).matches(row)
    word, parts = tree
    if word == "not":
        return not evaluate(parts, row)
    return (all if word == "and" else any)([evaluate(part, row) for part in parts])


@given(trees, rows)
def test_and_or_not_are_pythons(tree, row) -> None:
    assert parse(spell(tree), now=NOW).matches(row) is evaluate(tree, row)


@given(trees, rows)
def test_the_text_of_a_filter_parses_to_an_equal_one(tree, row) -> None:
    found = parse(spell(tree), now=NOW)
    again = parse(str(found), now=NOW)
    assert again == found
    assert str(again) == str(found)
    assert again.matches(row) is found.matches(row)


@given(st.lists(st.tuples(st.sampled_from(["and", "or"]), st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_precedence_is_pythons(parts) -> None:
    python, text, row = "", "", {}
    for index, (word, negated, value) in enumerate(parts):
        row[f"x{index}"] = value
        term = ("not " if negated else "") + f"x{index}"
        python = f"{python} {word} {term}" if python else term
        text = f"{text} {word} {term}" if text else term
    assert parse(text).matches(row) is eval(python, {}, row)  # noqa: S307 - a text made above


@given(names, values, rows)
def test_a_negated_operator_is_not_of_the_operator(name, value, row) -> None:
    for negated, plain in (("!=", "="), ("not in", "in")):
        operand = f"({value})" if plain == "in" else value
        assert parse(f"{name} {negated} {operand}", now=NOW).matches(row) is not parse(
            f"{name} {plain} {operand}", now=NOW
        ).matches(row)


OPERATORS = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
finite = st.one_of(st.integers(), st.floats(allow_nan=False))


@given(finite, finite)
def test_numbers_compare_as_pythons_do_in_every_spelling(left, right) -> None:
    for op, compare in OPERATORS.items():
        found = parse(f"x {op} {right!r}")
        assert found.matches({"x": left}) is found.matches({"x": repr(left)}) is compare(left, right), op


@given(st.text(), st.text())
def test_texts_that_are_no_numbers_compare_as_pythons_do(left, right) -> None:
    left, right = left + "x", right + "x"
    for op, compare in OPERATORS.items():
        assert parse(f"x {op} {quoted(right)}", now=NOW).matches({"x": left}) is compare(left, right), op


pieces = [
    "and",
    "or",
    "not",
    "!",
    "&&",
    "(",
    ")",
    "a",
    "=",
    "<",
    "~",
    "in",
    "is",
    "set",
    ",",
    "'",
    '"',
    "`",
    "\\",
    "1",
    "2d",
    "ago",
    "created",
    " ",
]


@given(
    st.one_of(
        st.text(), st.lists(st.sampled_from(pieces)).map(" ".join), st.lists(st.sampled_from(pieces)).map("".join)
    ),
    rows,
)
def test_any_text_is_a_filter_or_a_bad_value(text, row) -> None:
    try:
        found = parse(text, now=NOW)
    except BadValue:
        return
    assert found.matches(row) in (True, False)
    assert parse(str(found), now=NOW) == found
