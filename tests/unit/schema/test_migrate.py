from pathlib import Path

import pytest

from taskstore.core.errors import Damaged, TooNew
from taskstore.schema import migrate
from taskstore.schema.record import FORMAT

ROOT = Path("/s")


def test_a_later_format_is_refused_with_both_numbers() -> None:
    with pytest.raises(TooNew) as refused:
        migrate.check(FORMAT + 1, ROOT)
    assert (refused.value.found, refused.value.known) == (FORMAT + 1, FORMAT)


def test_only_an_older_format_is_migrated() -> None:
    assert not migrate.check(FORMAT, ROOT)
    assert migrate.check(1, ROOT, known=2)


def test_steps_run_in_order_and_each_is_recorded_after_it_has_run() -> None:
    happened: list[object] = []
    steps = {3: lambda root: happened.append("3 to 4"), 4: lambda root: happened.append("4 to 5")}
    migrate.migrate(ROOT, 3, happened.append, steps=steps)
    assert happened == ["3 to 4", 4, "4 to 5", 5]


def test_a_step_that_fails_is_not_recorded_and_is_run_again() -> None:
    happened: list[object] = []

    def fails(root: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        migrate.migrate(ROOT, 1, happened.append, steps={1: lambda root: happened.append("1 to 2"), 2: fails})
    assert happened == ["1 to 2", 2]


def test_a_format_that_no_step_leads_on_from_is_not_taken_for_the_present_one() -> None:
    with pytest.raises(Damaged, match="no format 0"):
        migrate.migrate(ROOT, 0, lambda number: None)


def test_there_is_a_step_from_every_earlier_format() -> None:
    assert set(migrate.STEPS) == set(range(1, FORMAT))
