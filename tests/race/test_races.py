"""N processes at once: one winner each, and nothing that was acknowledged is lost. With both kinds of locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import BadTransition, Conflict, NotFound
from taskstore.core.states import Status
from taskstore.disk.lock import LockKind
from taskstore.queues import queue
from taskstore.store import doctor, models, places, projects, tasks, tickets, trash
from taskstore.store.store import Store, init, open_at

from . import racers
from .racers import race, race_of


@pytest.fixture(params=[kind.value for kind in LockKind])
def arena(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return init(tmp_path / "store", locks=request.param)


def afresh(store: Store) -> Store:
    return open_at(store.root)


def one_winner(answers: list[object], loss: type[Exception]) -> object:
    winners = [answer for answer in answers if not isinstance(answer, loss)]
    assert len(winners) == 1, winners
    return winners[0]


def nothing_unfinished(store: Store) -> bool:
    return [path.name for path in store.root.rglob(".*") if path.name not in (".lock", ".gitignore")] == []


def test_of_many_transitions_of_one_task_one_wins(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    answers = race(racers.start, arena.root, task.id)
    winner = one_winner(answers, BadTransition)
    losers = [answer for answer in answers if isinstance(answer, BadTransition)]
    assert {(each.current, each.wanted) for each in losers} == {("in_progress", "in_progress")}
    record = tasks.read(task)
    assert (record.status, record.status_reason, len(record.history)) == (Status.IN_PROGRESS, winner, 2)


def test_of_many_renames_of_one_project_one_wins(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    winner = one_winner(race(racers.rename, arena.root, "vision"), NotFound)
    assert [project.name for project in projects.list_all(arena)] == [winner]
    assert places.project_of(arena, places.locate(afresh(arena), task.id).home) == winner


def test_of_many_makers_of_one_project_one_wins(arena: Store) -> None:
    winner = one_winner(race(racers.create_project, arena.root, "vision"), Conflict)
    assert projects.read(projects.find(arena, "vision")).description == winner


def test_many_makers_of_one_store_all_get_the_same(tmp_path: Path) -> None:
    answers = race(racers.make_the_store, tmp_path / "new")
    assert set(answers) == {open_at(tmp_path / "new").id}


def test_no_task_is_lost_while_its_project_is_renamed(arena: Store) -> None:
    projects.create(arena, "vision")
    actions = [racers.create_many] * 4 + [racers.rename_to_and_fro] * 2
    answers = race_of(actions, arena.root, "vision")
    made = [task_id for answer in answers[:4] for task_id in answer]  # type: ignore[attr-defined]
    assert sum(int(answer) for answer in answers[4:]) > 0, answers[4:]  # type: ignore[call-overload]
    assert sorted(task_id for _, task_id in places.walk(afresh(arena))) == sorted(made)
    assert len(made) == 100
    assert all(places.locate(afresh(arena), task_id).params.exists() for task_id in made[::10])
    assert nothing_unfinished(arena)


def test_no_edit_is_lost_among_many_and_none_is_made_twice(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    assert race(racers.append_tags, arena.root, task.id, count=5) == [20] * 5
    record = tasks.read(task)
    assert sorted(record.tags) == sorted(f"{number} {count}" for number in range(5) for count in range(20))
    assert record.rev == 101


def test_no_parameter_is_lost_among_many_writers(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    assert race(racers.append_parameters, arena.root, task.id, count=4) == [20] * 4
    assert len(tasks.read_params(task).hyperparams["Args"]) == 80


def test_no_edit_is_lost_or_made_twice_while_the_task_moves(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    actions = [racers.append_tags, racers.append_tags, racers.move_about, racers.move_about]
    assert race_of(actions, arena.root, task.id) == [20] * 4
    now = places.locate(afresh(arena), task.id)
    record = tasks.read(now)
    assert sorted(record.tags) == sorted(f"{number} {count}" for number in range(2) for count in range(20))
    assert record.rev == 41
    assert [task_id for _, task_id in places.walk(arena)] == [task.id]
    assert nothing_unfinished(arena)


def rename_the_project_of_the_task(store: Store, number: int, task_id: str) -> int:
    return racers.rename_back_and_forth(store, number, "vision")


def test_no_edit_is_lost_or_made_twice_while_the_project_is_renamed(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    actions = [racers.append_tags, racers.append_tags, racers.append_tags, rename_the_project_of_the_task]
    assert race_of(actions, arena.root, task.id) == [20, 20, 20, 50]
    record = tasks.read(places.locate(afresh(arena), task.id))
    assert sorted(record.tags) == sorted(f"{number} {count}" for number in range(3) for count in range(20))
    assert record.rev == 61
    assert [project.name for project in projects.list_all(arena)] == ["vision"]


def test_a_task_is_found_all_the_time_while_its_project_is_renamed(arena: Store) -> None:
    for count in range(5):
        tasks.create(arena, f"other {count}", "a run")
    task = tasks.create(arena, "vision", "a run")
    actions = [racers.find_again_and_again, racers.find_again_and_again, rename_the_project_of_the_task]
    assert race_of(actions, arena.root, task.id) == [60, 60, 50]


def test_of_many_deleters_and_restorers_one_wins(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    assert one_winner(race(racers.put_in_the_trash, arena.root, task.id), NotFound) == task.id
    assert [paths.id for paths in trash.listed(arena)] == [task.id]
    assert one_winner(race(racers.restore, arena.root, task.id), NotFound) == task.id
    assert tasks.read(places.locate(afresh(arena), task.id)).trashed is None
    assert trash.listed(arena) == []


@pytest.mark.slow
def test_eight_processes_make_25_tasks_each_without_an_error(tmp_path: Path) -> None:
    store = init(tmp_path / "store")
    answers = race_of([racers.create_many] * 8, store.root, "vision")
    assert len({task_id for answer in answers for task_id in answer}) == 200  # type: ignore[attr-defined]
    assert len(list(places.walk(store))) == 200


def test_of_many_that_save_models_into_a_task_that_moves_each_keeps_its_own(arena: Store) -> None:
    task = tasks.create(arena, "vision", "a run")
    answers = race_of([*[racers.save_models] * 4, racers.move_about], arena.root, task.id)
    assert answers == [4, 4, 4, 4, 20]
    paths = places.locate(afresh(arena), task.id)
    found = models.read(paths).output
    assert len(found) == 16
    texts = {key: (paths.home / model.file.path).read_text() for key, model in found.items() if model.file}
    assert texts == {f"{n}{c}".rjust(32, "0"): f"{n} {c} 1" for n in range(4) for c in range(4)}
    assert doctor.check(afresh(arena)) == []


def _waiting(store: Store, count: int, name: str = "default") -> list[str]:
    made = [tasks.create(store, "vision", f"run {number}").id for number in range(count)]
    for task_id in made:
        queue.enqueue(store, task_id, name)
    return made


def test_of_many_claimers_each_ticket_has_one(arena: Store) -> None:
    made = _waiting(arena, 60)
    answers = race(racers.claim_all, arena.root, "default")
    begun = [task_id for answer in answers for task_id in answer]  # type: ignore[attr-defined]
    assert sorted(begun) == made
    assert [len(tasks.read(places.locate(arena, task_id)).history) for task_id in made] == [3] * 60
    assert queue.listed(arena) == [queue.Counts("default", 0, 0, 0)]
    assert doctor.check(afresh(arena)) == []


def test_what_claimers_give_back_all_waits_in_its_order(arena: Store) -> None:
    made = _waiting(arena, 8)
    answers = race(racers.claim_and_give_back, arena.root, "default")
    assert all(isinstance(answer, int) and answer for answer in answers), answers
    assert [entry.ticket.task_id for entry in queue.show(afresh(arena), "default")] == made
    assert nothing_unfinished(arena)


def test_of_many_who_enqueue_one_task_in_one_queue_one_wins_and_it_waits_in_one(arena: Store) -> None:
    for name in ("queue 0", "queue 1"):
        queue.create(arena, name)
    task = tasks.create(arena, "vision", "a run")
    answers = race(racers.enqueue, arena.root, task.id)
    assert {type(answer) for answer in answers} <= {str, Conflict}, answers
    assert any(isinstance(answer, str) for answer in answers)
    (ticket,) = tickets.of_task(arena, task.id)
    record = tasks.read(task)
    assert (record.status, record.execution.queue if record.execution else "") == (Status.QUEUED, ticket.queue)
    assert doctor.check(afresh(arena)) == []


def test_a_claimer_never_drops_a_ticket_that_is_being_enqueued(arena: Store) -> None:
    made = [tasks.create(arena, "vision", f"run {number}").id for number in range(4)]
    actions = [racers.enqueue_and_dequeue] * 4 + [racers.claim_what_comes] * 2
    answers = race_of(actions, arena.root, " ".join(made))
    for answer in answers[:4]:  # its ticket may be in a claimer's hands for a moment
        assert answer == 20 or isinstance(answer, Conflict), answer
    assert all(isinstance(told, list) for told in answers[4:]), answers[4:]
    for task_id in made:
        record = tasks.read(places.locate(arena, task_id))
        assert (queue.position(arena, task_id) is not None) == (record.status is Status.QUEUED)
    assert doctor.check(afresh(arena)) == []


def test_of_many_makers_of_one_queue_one_wins(arena: Store) -> None:
    one_winner(race(racers.make_queue, arena.root, "gpu"), Conflict)
    assert [each.name for each in queue.listed(arena)] == ["default", "gpu"]
    assert nothing_unfinished(arena)


def test_no_ticket_is_lost_while_its_queue_is_deleted(arena: Store) -> None:
    for name in ("queue 0", "queue 1"):
        queue.create(arena, name)
    task = tasks.create(arena, "vision", "a run")
    actions = [racers.enqueue, racers.delete_queue_0, racers.delete_queue_0]
    answers = race_of(actions, arena.root, task.id)
    assert isinstance(answers[0], (str, NotFound)), answers
    is_waiting = isinstance(answers[0], str)
    assert (queue.position(afresh(arena), task.id) is not None) == is_waiting
    assert (tasks.read(task).status is Status.QUEUED) == is_waiting


def test_many_who_move_tickets_lose_none(arena: Store) -> None:
    made = _waiting(arena, 6)
    answers = race(racers.move_to_the_front, arena.root, " ".join(made))
    assert answers == [10] * 6
    assert sorted(entry.ticket.task_id for entry in queue.show(afresh(arena), "default")) == made
