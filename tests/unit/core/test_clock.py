from datetime import datetime, timedelta, timezone

import pytest

from taskstore.core.clock import SYSTEM, UTC, FixedClock, from_text, to_text
from taskstore.core.errors import BadValue

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31 12:00:00+00:00", NOON),
        ("2026-01-31T13:30:00+01:30", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.25+00:00", NOON + timedelta(milliseconds=250)),
        ("2026-01-31T12:00:00.123456Z", NOON + timedelta(microseconds=123456)),
        ("2026-01-31T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
    ],
)
def test_rfc_3339_reads_alike_in_every_python(text: str, moment: datetime) -> None:
    assert from_text(text) == moment
    assert from_text(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "noon",
        "2026-01-31T12:00:00",
        "2026-13-01T00:00:00Z",
        "2026-01-31T24:00:01Z",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_what_is_no_moment_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadValue, match="write it like") as refused:
        from_text(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("moment", [NOON, NOON + timedelta(microseconds=1), datetime(987, 6, 5, tzinfo=UTC)])
def test_a_moment_comes_back_from_its_text(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment


def test_texts_sort_as_times_do() -> None:
    moments = [
        datetime(987, 1, 1, tzinfo=UTC),
        NOON,
        NOON + timedelta(microseconds=1),
        NOON.astimezone(timezone(timedelta(hours=-9))) + timedelta(seconds=1),
        NOON + timedelta(days=4000),
    ]
    texts = [to_text(moment) for moment in moments]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadValue, match="time zone"):
        to_text(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(1.5)
    assert clock.now() == NOON + timedelta(seconds=1.5)
    assert clock.monotonic() == 1.5


def test_the_machines_clock_is_aware_and_in_utc() -> None:
    assert SYSTEM.now().tzinfo is UTC
    assert SYSTEM.monotonic() <= SYSTEM.monotonic()
