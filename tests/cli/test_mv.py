from __future__ import annotations

from taskstore.store import places
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def _project(store: Store, task_id: str) -> str:
    store.places.clear()
    return places.project_of(store, places.locate(store, task_id).home)


def test_several_tasks_move_to_a_new_project(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = workshop.task(), workshop.task()
    assert cli("mv", first.id, second.id, "vision/cats").code == 0
    assert {_project(store, first.id), _project(store, second.id)} == {"vision/cats"}


def test_what_fails_does_not_keep_the_others_from_moving(cli: Cli, workshop: Workshop, store: Store) -> None:
    first = workshop.task()
    result = cli("mv", "no/such", first.id, "vision/cats", "--json")
    assert result.code == 3
    assert [item["id"] for item in result.objects] == [first.id]
    assert _project(store, first.id) == "vision/cats"


def test_a_bad_project_moves_nothing(cli: Cli, workshop: Workshop, store: Store) -> None:
    first = workshop.task()
    assert cli("mv", first.id, "a").code == 4
    assert cli("mv", first.id).code == 2
    assert _project(store, first.id) == "examples"
