"""SIGKILL at every write of every operation: the store opens, doctor mends it, and nothing acknowledged is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.states import Status
from taskstore.disk.atomic import temporary_beside
from taskstore.disk.layout import TaskPaths
from taskstore.disk.log import LogWriter, writer_name
from taskstore.queues import claim, queue
from taskstore.schema import migrate
from taskstore.schema.record import Parameter
from taskstore.sections.clone import reset
from taskstore.sections.models import weights
from taskstore.store import (
    artifacts,
    configuration,
    doctor,
    events,
    index,
    places,
    projects,
    published,
    query,
    store,
    tasks,
    tickets,
    trash,
)
from taskstore.store.store import Store
from taskstore.store.tickets import Ticket

from .crashing import (
    ARTIFACT,
    DELETED,
    DELETED_PUBLIC,
    DONE,
    DRAFT,
    LONG,
    LONG_ONE,
    NEW,
    PUBLIC,
    RUNNING,
    WAITING,
    Act,
    _fill,
    build,
    copy,
    fingerprint,
    give_model,
    keep,
    keep_model,
    killed_at,
    open_again,
    points_of,
    scalar,
    state,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]

OTHER_LONG = LONG.replace("far", "by far")


def _edit(made: Store) -> None:
    tasks.edit(made, DRAFT, lambda record: record.tags.append("three"))


def _edit_published(made: Store) -> None:
    tasks.edit(made, PUBLIC, lambda record: record.tags.append("three"))


def _edit_params(made: Store) -> None:
    tasks.edit_params(made, DRAFT, lambda record: record.hyperparams["Args"].update(lr=Parameter("0.2", "float")))


def _edit_properties(made: Store) -> None:
    tasks.edit_params(made, PUBLIC, lambda record: record.hyperparams.update(properties={"seen": Parameter("yes")}))


def _edit_script(made: Store) -> None:
    tasks.edit_script(made, DRAFT, lambda record: record.argv.append("--fast"))


def _describe(made: Store) -> None:
    projects.edit(made, "vision/cats", lambda record: setattr(record, "description", "dogs"))


def _append(made: Store) -> None:
    folder = places.locate(made, RUNNING).events
    log = LogWriter(lambda: folder / f"scalars.{writer_name()}.jsonl")
    log.append(scalar(7))


def _summarise(made: Store) -> None:
    paths = places.locate(made, DONE)
    paths.summary.unlink()
    events.refresh_summary(paths)


def _index(made: Store) -> None:
    index._STALE_BEFORE_SAVE = -1
    query.find(made)


def _claim(made: Store) -> Ticket:
    ticket = claim.claim(made, ["gpu"], "worker 1", tell=_fail)
    assert ticket is not None
    return ticket


def _claim_and_give_back(made: Store) -> None:
    assert claim.give_back(made, _claim(made))


def _fail(message: str) -> None:
    raise AssertionError(message)


OPERATIONS: dict[str, Act] = {
    "create": lambda made: tasks.create(made, "vision/cats", "a new one", task_id=NEW, fill=_fill),
    "create in a new project": lambda made: tasks.create(made, "new/" + OTHER_LONG, "a new one", task_id=NEW),
    "edit": _edit,
    "edit published": _edit_published,
    "edit_params": _edit_params,
    "edit properties of published": _edit_properties,
    "edit_script": _edit_script,
    "transition": lambda made: tasks.transition(made, DRAFT, Status.IN_PROGRESS, reason="because"),
    "queue create": lambda made: queue.create(made, "cpu"),
    "queue create, long": lambda made: queue.create(made, LONG),
    "enqueue": lambda made: queue.enqueue(made, DRAFT, "gpu"),
    "enqueue in the default queue": lambda made: queue.enqueue(made, DRAFT),
    "dequeue": lambda made: queue.dequeue(made, WAITING),
    "claim": _claim,
    "claim and give back": _claim_and_give_back,
    "queue move": lambda made: queue.set_priority(made, WAITING, -7),
    "start what waits": lambda made: tasks.transition(made, WAITING, Status.IN_PROGRESS),
    "move": lambda made: tasks.move(made, DONE, "vision/dogs"),
    "move published": lambda made: tasks.move(made, PUBLIC, "vision/dogs"),
    "project create": lambda made: projects.create(made, "a/b/c", description="new", tags=("x",)),
    "project rename": lambda made: projects.rename(made, "vision/cats", "vision/Dogs"),
    "project rename away": lambda made: projects.rename(made, "vision/cats", "far/away/cats"),
    "project rename to long": lambda made: projects.rename(made, "vision/cats", OTHER_LONG),
    "project rename from long": lambda made: projects.rename(made, LONG, "short"),
    "project rename long to long": lambda made: projects.rename(made, LONG, OTHER_LONG),
    "project edit": _describe,
    "trash": lambda made: trash.put(made, DRAFT),
    "trash published": lambda made: trash.put(made, PUBLIC, force=True),
    "restore": lambda made: trash.restore(made, DELETED),
    "restore published": lambda made: trash.restore(made, DELETED_PUBLIC),
    "purge": lambda made: trash.purge(made, DELETED),
    "purge published": lambda made: trash.purge(made, DELETED_PUBLIC),
    "artifact": lambda made: keep(made, "new", b"new" * 10_000),
    "artifact replaced": lambda made: keep(made, "data", b"other" * 10_000),
    "artifact uploaded again": lambda made: keep(made, "data", ARTIFACT),
    "artifact of bytes that are there": lambda made: keep(made, "new", ARTIFACT),
    "artifact deleted": lambda made: artifacts.delete(made, DRAFT, ["data"]),
    "model's weights": lambda made: keep_model(made, "net", b"third" * 5000),
    "model's snapshot, the oldest goes": lambda made: keep_model(made, "net", b"third" * 5000, 3),
    "model's weights that are there": lambda made: keep_model(made, "net", b"first" * 5000, 3),
    "model given": lambda made: give_model(made, "another"),
    "model deleted": lambda made: weights.remove(made, DRAFT, f"{'net':->32}"),
    "publish": lambda made: published.publish(made, DONE),
    "refresh_summary": _summarise,
    "index": _index,
    "append": _append,
}
LEASED = ("enqueue", "dequeue", "create", "edit", "move", "trash", "restore", "project rename")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("flock") / "store").root


@pytest.fixture(scope="module")
def built_leased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("lease") / "store", "lease").root


def _kills(names: list[str]) -> Iterator[tuple[int, bool]]:
    for at, name in enumerate(names):
        yield at, False
        if name == "write":
            yield at, True
    yield len(names), False


def _check_mended(root: Path) -> Store:
    opened = open_again(root)
    query.find(opened)
    left = [finding for finding in doctor.repair(opened) if not finding.is_repaired]
    assert left == []
    before = fingerprint(root)
    assert doctor.repair(opened) == []  # nothing is found any more, and nothing changed
    assert fingerprint(root) == before
    return opened


def _battery(built: Path, work: Path, act: Act, allowed: Callable[[Any, Any, Any], bool] | None = None) -> None:
    before = state(open_again(copy(built, work)))
    clock = open_again(work).clock
    done = lambda: act(store.open_at(work, clock=clock))  # noqa: E731 - a name for the same call in every child
    names = points_of(work, done)
    assert names
    after = state(_check_mended(work))
    for at, is_half in _kills(names):
        copy(built, work)
        is_acknowledged = killed_at(work, done, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        try:
            seen = state(_check_mended(work))
        except Exception as error:
            raise AssertionError(where) from error
        assert is_acknowledged == (at == len(names)), where
        if is_acknowledged:
            assert seen == after, where
        elif allowed is not None:
            assert allowed(before, after, seen), where
        else:
            assert seen in (before, after), where


@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_any_write_an_operation_is_wholly_done_or_not_at_all(name, built, tmp_path):
    _battery(built, tmp_path / "store", OPERATIONS[name])


@pytest.mark.parametrize("name", LEASED)
def test_the_same_where_locks_are_leases(name, built_leased, tmp_path):
    _battery(built_leased, tmp_path / "store", OPERATIONS[name])


def test_killed_in_a_reset_what_the_task_was_given_is_there_and_every_other_task(built, tmp_path):
    def is_allowed(before: Any, after: Any, seen: Any) -> bool:
        kept = ("project", "params", "script", "is_frozen")
        mine = {key: seen[DRAFT][key] for key in kept} == {key: before[DRAFT][key] for key in kept}
        others = [{key: value for key, value in each.items() if key != DRAFT} for each in (before, seen)]
        is_given = seen[DRAFT]["models"]["input"] == before[DRAFT]["models"]["input"]
        made = (seen[DRAFT]["artifacts"], seen[DRAFT]["models"].get("output"))
        is_whole = made[0] in ({}, before[DRAFT]["artifacts"]) and made[1] in (None, before[DRAFT]["models"]["output"])
        return mine and others[0] == others[1] and is_given and is_whole

    _battery(built, tmp_path / "store", lambda made: reset(made, DRAFT), is_allowed)


def test_killed_in_the_deletion_of_a_project_every_task_is_there_or_in_the_trash(built, tmp_path):
    def act(made: Store) -> None:
        projects.delete(made, "vision", trash_task=lambda task_id: trash.put(made, task_id, force=True))

    def is_allowed(before: Any, after: Any, seen: Any) -> bool:
        ids = {DRAFT, DONE, PUBLIC}
        gone = {task_id for task_id in ids if task_id in seen["trash"]}
        is_somewhere = all((task_id in seen) != (task_id in gone) for task_id in ids)
        is_project_whole = seen["projects"].get("vision/cats", before["projects"]["vision/cats"])
        return is_somewhere and is_project_whole == before["projects"]["vision/cats"]

    _battery(built, tmp_path / "store", act, is_allowed)


def test_killed_in_the_deletion_of_an_empty_project_it_keeps_its_description_or_is_gone(built, tmp_path):
    source = copy(built, tmp_path / "source")
    projects.create(open_again(source), "empty/one", description="said")
    _battery(source, tmp_path / "store", lambda made: projects.delete(made, "empty/one"))


def test_killed_in_a_move_to_another_queue_it_waits_in_one_of_them(built, tmp_path):
    source = copy(built, tmp_path / "source")
    queue.create(open_again(source), "cpu")
    _battery(source, tmp_path / "store", lambda made: queue.enqueue(made, WAITING, "cpu"))


def test_killed_on_the_way_to_the_trash_what_waits_is_there_and_waits_or_does_not(built, tmp_path):
    def is_allowed(before: Any, after: Any, seen: Any) -> bool:
        waits = [task_id for task_id, _, problem in seen["queues"]["gpu"] if problem is None]
        if WAITING in seen["trash"]:
            return WAITING not in seen and waits == []
        return (seen[WAITING]["task"]["status"], waits) in (("queued", [WAITING]), ("created", []))

    _battery(built, tmp_path / "store", lambda made: trash.put(made, WAITING), is_allowed)


def test_killed_between_claim_and_ack_a_task_that_began_does_not_wait_and_another_does(built, tmp_path):
    def act(made: Store) -> None:
        ticket = _claim(made)
        tasks.transition(made, WAITING, Status.IN_PROGRESS, only_from=frozenset({Status.QUEUED}))
        assert claim.ack(ticket)

    _battery(built, tmp_path / "store", act)


def test_killed_in_the_deletion_of_a_queue_its_tasks_wait_or_are_drafts_again(built, tmp_path):
    def is_allowed(before: Any, after: Any, seen: Any) -> bool:
        status = seen[WAITING]["task"]["status"]
        waits = [task_id for task_id, _, problem in seen["queues"].get("gpu", []) if problem is None]
        return (status, waits) in (("queued", [WAITING]), ("created", []))

    _battery(built, tmp_path / "store", lambda made: queue.delete(made, "gpu", force=True), is_allowed)


def test_killed_in_making_room_between_tickets_their_order_stays(built, tmp_path):
    source = copy(built, tmp_path / "source")
    made = open_again(source)
    queue.enqueue(made, DRAFT, "gpu", priority=3)
    queue.enqueue(made, LONG_ONE, "gpu", priority=3)
    for name, count in ((DRAFT, 1), (LONG_ONE, 2)):  # no room at all between the first and the next
        first, own = tickets.of_queue(made, "gpu")[0], next(tickets.of_task(made, name))
        place = replace(own.place, key=first.place.key + count)
        assert tickets.moved(made, own, place)
    _battery(source, tmp_path / "store", lambda made: queue.move(made, LONG_ONE, 2))


def _configure(made: Store, data: bytes) -> None:
    configuration.put(made, DRAFT, "model", configuration.Content(data, "yaml", "yaml"))


def test_killed_in_a_change_of_configuration_an_object_is_the_old_or_the_new(built, tmp_path):
    _battery(built, tmp_path / "store", lambda made: _configure(made, b"lr: 1"))
    source = copy(built, tmp_path / "source")
    _configure(open_again(source), b"lr: 1")
    _battery(source, tmp_path / "store", lambda made: _configure(made, b"lr: 2"))
    _battery(source, tmp_path / "store", lambda made: configuration.delete(made, DRAFT, "model"))


def test_killed_in_init_the_next_init_makes_the_store(tmp_path):
    root = tmp_path / "store"
    make = lambda: store.init(root)  # noqa: E731
    for at, is_half in _kills(points_of(tmp_path, make)):
        copy(tmp_path / "nothing", root)
        killed_at(tmp_path, make, at, is_half=is_half)
        store.init(root)
        assert state(_check_mended(root))["projects"] == {}


def test_killed_in_a_migration_the_next_opening_ends_it(built, tmp_path, monkeypatch):
    def step(root: Path) -> None:
        for home in sorted(root.glob("projects/*/????????????7000*")):
            with_comment = TaskPaths(home)
            if with_comment.record.stat().st_mode & 0o200:
                record = tasks.read(with_comment)
                record.comment = "migrated"
                tasks.write(with_comment, record, with_comment.record.read_bytes())

    monkeypatch.setattr(migrate, "STEPS", {0: step})
    monkeypatch.setitem(migrate.migrate.__kwdefaults__, "steps", {0: step})
    source = copy(built, tmp_path / "source")
    record = source / "taskstore.json"
    record.write_text(record.read_text().replace('"format": 1', '"format": 0'))
    work = tmp_path / "store"
    names = points_of(copy(source, work), lambda: store.open_at(work))
    after = state(_check_mended(work))
    assert after[RUNNING]["task"]["comment"] == "migrated"
    for at, is_half in _kills(names):
        copy(source, work)
        killed_at(work, lambda: store.open_at(work), at, is_half=is_half)
        assert state(_check_mended(work)) == after


def test_killed_in_a_repair_the_next_one_ends_it(built, tmp_path):
    source = copy(built, tmp_path / "source")
    made = open_again(source)
    paths = places.locate(made, DONE)
    whole = paths.record.read_bytes()
    paths.record.write_bytes(whole[: len(whole) // 2])
    log = next(paths.events.glob("scalars.*"))
    log.write_bytes(log.read_bytes() + b'{"torn')
    params = places.locate(made, DRAFT).params
    params.write_bytes(params.read_bytes()[:-20])
    temporary = temporary_beside(places.locate(made, LONG_ONE).record)
    temporary.with_name(temporary.name.replace(f"-{os.getpid()}-", "-4194305-")).touch()
    (source / "projects" / "Runs MNIST").mkdir()
    work = tmp_path / "store"
    names = points_of(copy(source, work), lambda: doctor.repair(open_again(work)))
    after = _without_times(state(_check_mended(work)))
    for at, is_half in _kills(names):
        copy(source, work)
        killed_at(work, lambda: doctor.repair(open_again(work)), at, is_half=is_half)
        assert _without_times(state(_check_mended(work))) == after, (at, names)


def _without_times(seen: Any) -> Any:
    for key in ("history", "last_update", "status_changed"):
        seen[DONE]["task"].pop(key)
    return seen


def test_a_live_writers_leftovers_are_left_alone(built, tmp_path):
    root = copy(built, tmp_path / "store")
    made = open_again(root)
    seen: list[list[Any]] = []

    def look(paths: TaskPaths, record: Any) -> None:
        seen.append(doctor.check(made))
        seen.append(doctor.repair(made))

    tasks.create(made, "vision/cats", "being made", fill=look, task_id=NEW)
    assert seen == [[], []]
    assert NEW in state(made)
