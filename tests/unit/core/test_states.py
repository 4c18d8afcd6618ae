import pytest

from taskstore.core.states import ALWAYS_EDITABLE, EDITABLE, ENDED, NEXT, RECORDING, Status, is_allowed, parse

# Written out once more, from ClearML's server, so that a slip in the table of the code is seen.
SERVER = {
    "created": "queued in_progress",
    "queued": "created in_progress stopped",
    "in_progress": "stopped failed created completed",
    "stopped": "closed created failed queued in_progress published publishing completed",
    "closed": "created failed published publishing stopped",
    "failed": "created stopped published queued",
    "completed": "published in_progress created",
    "publishing": "published",
    "published": "",
}


@pytest.mark.parametrize("current", list(Status))
@pytest.mark.parametrize("wanted", list(Status))
def test_the_table_is_the_servers(current: Status, wanted: Status) -> None:
    expected = wanted.value in SERVER[current.value].split() or current is wanted
    assert is_allowed(current, wanted) is expected


def test_every_status_is_in_the_table() -> None:
    assert set(NEXT) == set(Status)


def test_nothing_leaves_published() -> None:
    assert not NEXT[Status.PUBLISHED]


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_read_by_its_name_and_by_its_label_in_any_case(status: Status) -> None:
    assert parse(status.value) is status
    assert parse(f" {status.label.upper()} ") is status
    assert parse(status.value.replace("_", " ")) is status
    assert str(status) == status.value


def test_labels_tell_statuses_apart() -> None:
    assert len({status.label for status in Status}) == len(Status)


@pytest.mark.parametrize("text", ["", "run", "in_progress_", "unknown"])
def test_what_is_no_status_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_task_that_has_ended_is_neither_draft_nor_recording() -> None:
    assert not ENDED & (EDITABLE | RECORDING)
    assert EDITABLE < RECORDING


def test_the_fields_that_stay_editable_are_clearmls() -> None:
    assert {"name", "comment", "tags", "system_tags", "runtime"} == ALWAYS_EDITABLE
