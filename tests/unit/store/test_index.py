"""What a listing says of a task is what its logs say now, whoever wrote to them, and whenever."""

from __future__ import annotations

import os

import msgspec
import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.disk.log import writer_name
from taskstore.schema.record import Scalar
from taskstore.store import doctor, events, index, published, query, tasks
from taskstore.store.store import Store

HERS = writer_name()
"""A writer that lives: this process."""
GONE = "elsewhere-1-0123abcd"


def report(paths: TaskPaths, *values: float, writer: str = HERS) -> None:
    paths.events.mkdir(exist_ok=True)
    with paths.scalars(writer).open("ab") as log:
        log.writelines(
            msgspec.json.encode(Scalar(at, 0, "loss", "train", value)) + b"\n" for at, value in enumerate(values)
        )


def silence(paths: TaskPaths) -> None:
    """Make all that was written older than any doubt."""
    for path in (*paths.events.glob("*"), paths.record, paths.summary):
        if path.exists():
            os.utime(path, (1e9, 1e9))


def shown(store: Store, paths: TaskPaths) -> object:
    (row,) = query.find(store).rows
    assert query.row_of(store, paths).get("loss/train") == row.get("loss/train")
    return row.get("loss/train")


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is kept from one task on, and trusted at once."""
    monkeypatch.setattr(index, "_STALE_BEFORE_SAVE", 0)
    monkeypatch.setattr(index, "_RACY_NS", 0)


@pytest.fixture
def ended(store: Store) -> TaskPaths:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    report(paths, 1.0, writer=GONE)
    tasks.transition(store, paths.id, Status.COMPLETED)
    events.refresh_summary(paths)
    return paths


def test_what_a_child_reports_after_the_end_is_in_the_listing(store: Store, ended: TaskPaths) -> None:
    assert shown(store, ended) == 1.0
    for value in (2.0, 3.0, 4.0):
        report(ended, value)
        assert shown(store, ended) == value, "the child's log is new, or has grown"


def test_a_summary_that_was_behind_is_written_down(store: Store, ended: TaskPaths) -> None:
    report(ended, 2.0)
    assert doctor.check(store) == [], "to be behind is no damage"
    assert shown(store, ended) == 2.0
    assert events.rebuild_summary(ended).covered == msgspec.json.decode(ended.summary.read_bytes())["covered"]


def test_a_summary_that_cannot_be_written_is_true_all_the_same(
    store: Store, ended: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(events, "write_summary", refuse)
    before = ended.summary.read_bytes()
    report(ended, 2.0)
    assert shown(store, ended) == 2.0
    assert ended.summary.read_bytes() == before


def test_a_published_task_is_not_written_to(store: Store, ended: TaskPaths) -> None:
    published.publish(store, ended.id)
    before = ended.summary.read_bytes()
    ended.events.chmod(0o700)
    report(ended, 2.0)
    assert shown(store, ended) == 2.0
    assert ended.summary.read_bytes() == before


def test_a_task_whose_writers_are_gone_is_read_once(
    store: Store, ended: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence(ended)
    shown(store, ended)
    monkeypatch.setattr(index, "_read", lambda *_: pytest.fail("it was read again"))
    assert [row.id for row in query.find(store).rows] == [ended.id]


def test_the_logs_of_a_writer_that_may_live_are_looked_at_and_the_rest_is_not_read_again(
    store: Store, ended: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(ended, 2.0)
    shown(store, ended)  # writes the summary, which makes the signature another one
    shown(store, ended)
    monkeypatch.setattr(index, "_read", lambda *_: pytest.fail("it was read again"))
    assert [row.id for row in query.find(store).rows] == [ended.id]


def test_a_log_that_was_deleted_does_not_stay_in_the_listing(store: Store, ended: TaskPaths) -> None:
    report(ended, 2.0)
    assert shown(store, ended) == 2.0
    ended.scalars(HERS).unlink()
    assert shown(store, ended) == 1.0
    assert doctor.check(store) == []
