from __future__ import annotations

import pytest

from taskstore.core.errors import Conflict, NotFound, ReadOnly, Refused
from taskstore.core.states import Status
from taskstore.sections.configuration import edited
from taskstore.store import configuration, places, tasks
from taskstore.store.configuration import Content
from taskstore.store.store import Store


@pytest.fixture
def task_id(store: Store) -> str:
    made = tasks.create(store, "vision", "train").id
    configuration.put(store, made, "net", Content(b"width: 64\n", "yaml", "yaml", "what it is made of"))
    return made


def stored(store: Store, task_id: str) -> configuration.Stored:
    return configuration.read(places.locate(store, task_id))["net"]


def test_the_text_is_replaced_and_what_is_said_of_it_stays(store: Store, task_id: str) -> None:
    assert edited.replace(store, task_id, "net", before=b"width: 64\n", text="width: 1\n") == ()
    found = stored(store, task_id)
    assert (found.read(), found.type, found.description) == (b"width: 1\n", "yaml", "what it is made of")


def test_a_credential_is_masked_before_it_reaches_the_disk(store: Store, task_id: str) -> None:
    named = edited.replace(store, task_id, "net", before=b"width: 64\n", text="password: hunter2hunter2\n")
    assert named == ("password",)
    assert b"hunter2" not in stored(store, task_id).read()


def test_what_somebody_else_has_changed_is_not_overwritten(store: Store, task_id: str) -> None:
    with pytest.raises(Conflict):
        edited.replace(store, task_id, "net", before=b"width: 32\n", text="width: 1\n")
    assert stored(store, task_id).read() == b"width: 64\n"


def test_only_text_of_drafts_is_edited(store: Store, task_id: str) -> None:
    configuration.put(store, task_id, "net", Content(b"\xff\0", "bin", "bin"))
    with pytest.raises(Refused, match="not text"):
        edited.replace(store, task_id, "net", before=b"\xff\0", text="x")
    with pytest.raises(NotFound, match="the task has net"):
        edited.replace(store, task_id, "other", before=b"", text="x")
    tasks.transition(store, task_id, Status.IN_PROGRESS)
    with pytest.raises(ReadOnly):
        edited.replace(store, task_id, "net", before=b"\xff\0", text="x")
