from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, BadValue, Damaged, NotFound, ReadOnly
from taskstore.store import doctor, views
from taskstore.store.store import Store, init


def test_a_view_is_kept_listed_replaced_and_removed(store: Store) -> None:
    assert views.listed(store) == []
    views.keep(store, "  the   best ", "?q=lr+%3C+0.1")
    views.keep(store, "All", "")
    assert views.listed(store) == [views.Known("All", ""), views.Known("the best", "q=lr+%3C+0.1")]
    views.keep(store, "the best", "sort=name")
    assert views.remove(store, "the best").query == "sort=name"
    assert [view.name for view in views.listed(store)] == ["All"]
    with pytest.raises(NotFound):
        views.remove(store, "the best")


def test_what_a_later_program_has_added_stays(store: Store) -> None:
    store.paths.views.write_text('{"rev": 1, "views": {"old": {"query": "q=x", "icon": "star"}}, "pinned": ["old"]}')
    views.keep(store, "new", "")
    text = store.paths.views.read_text()
    assert '"star"' in text
    assert '"pinned"' in text


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x1bb"])
def test_a_name_can_be_seen(store: Store, name: str) -> None:
    with pytest.raises(BadName):
        views.keep(store, name, "")


def test_there_are_bounds(store: Store) -> None:
    with pytest.raises(BadValue):
        views.keep(store, "long", "x" * (views.MAX_QUERY + 1))
    for number in range(views.MAX_VIEWS):
        views.keep(store, f"view {number}", "")
    with pytest.raises(BadValue, match="remove one"):
        views.keep(store, "one more", "")
    views.keep(store, "view 0", "sort=name")


def test_a_damaged_file_is_named_and_doctor_puts_it_aside(store: Store) -> None:
    store.paths.views.write_text('{"views": 7}')
    with pytest.raises(Damaged, match="views.json"):
        views.listed(store)
    findings = [finding for finding in doctor.check(store) if finding.path == store.paths.views]
    assert [str(finding.kind) for finding in findings] == ["views"]
    doctor.repair(store)
    assert views.listed(store) == []


def test_a_store_that_cannot_be_written_keeps_none(plain_user: Path) -> None:
    store = init(plain_user / "s")
    (plain_user / "s").chmod(0o555)
    with pytest.raises(ReadOnly):
        views.keep(store, "mine", "")
    assert "views.json" not in os.listdir(plain_user / "s")  # noqa: PTH208 - names are all that is asked for
