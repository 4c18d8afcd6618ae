"""What the processes of a race do. They start together, and each hands back what happened to it."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from taskstore.core.errors import TaskstoreError
from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.schema.model import Model
from taskstore.schema.record import Parameter
from taskstore.sections.models import weights
from taskstore.store import models, places, projects, tasks, trash
from taskstore.store.store import Store, init, open_at

Action = Callable[[Store, int, str], object]
TOGETHER_S = 60.0


def race(action: Action, root: Path, about: str = "", *, count: int = 6) -> list[object]:
    """Run `action(store, number, about)` in so many processes at once; return what each returned, or its error.

    An error that is not one of ours comes back as its traceback, so that it fails the test that compares.
    """
    return race_of([action] * count, root, about)


def race_of(actions: list[Action], root: Path, about: str = "") -> list[object]:
    """As `race`, with an action a process."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(actions))
    answers: Queue[tuple[int, object]] = context.Queue()
    processes = [
        context.Process(target=_run, args=(action, str(root), number, about, barrier, answers))
        for number, action in enumerate(actions)
    ]
    for process in processes:
        process.start()
    try:
        found = dict(answers.get(timeout=TOGETHER_S) for _ in processes)
    finally:
        for process in processes:
            process.join(5)
            process.kill()
            process.join()
            process.close()
        answers.close()
    return [found[number] for number in range(len(actions))]


def _run(
    action: Action, root: str, number: int, about: str, barrier: Barrier, answers: Queue[tuple[int, object]]
) -> None:
    try:
        store = None if action is make_the_store else open_at(root)
        barrier.wait(TOGETHER_S)
        answer: object = init(root).id if store is None else action(store, number, about)
    except TaskstoreError as error:
        answer = error
    except BaseException:  # noqa: BLE001 - whatever it is, the test that compares must see it
        answer = traceback.format_exc()
    answers.put((number, answer))


def make_the_store(store: Store, number: int, about: str) -> str:
    raise NotImplementedError  # `_run` does it: there is no store to open yet


def start(store: Store, number: int, task_id: str) -> str:
    tasks.transition(
        store, task_id, Status.IN_PROGRESS, only_from=frozenset({Status.CREATED}), reason=f"started by {number}"
    )
    return f"started by {number}"


def rename(store: Store, number: int, name: str) -> str:
    projects.rename(store, name, f"winner {number}")
    return f"winner {number}"


def create_project(store: Store, number: int, name: str) -> str:
    projects.create(store, name, description=str(number))
    return str(number)


def create_many(store: Store, number: int, project: str) -> list[str]:
    return [tasks.create(store, project, f"run {number} {count}", fill=_fill).id for count in range(25)]


def _fill(paths: places.TaskPaths, record: object) -> None:
    paths.params.write_text('{"hyperparams": {}}')


def rename_to_and_fro(store: Store, number: int, names: str) -> int:
    """Rename a project on and on; others may make it again meanwhile, which is in nobody's way."""
    done = 0
    for count in range(40):
        try:
            projects.rename(store, names, f"{names} {number} {count}")
            done += 1
        except TaskstoreError:
            continue
    return done


def rename_back_and_forth(store: Store, number: int, name: str) -> int:
    for _ in range(25):
        projects.rename(store, name, f"{name} away")
        projects.rename(store, f"{name} away", name)
    return 50


def append_tags(store: Store, number: int, task_id: str) -> int:
    for count in range(20):
        tasks.edit(store, task_id, lambda record, tag=f"{number} {count}": record.tags.append(tag))  # type: ignore[misc]
    return 20


def append_parameters(store: Store, number: int, task_id: str) -> int:
    for count in range(20):
        key = f"{number} {count}"
        tasks.edit_params(
            store,
            task_id,
            lambda params, key=key: params.hyperparams.setdefault("Args", {}).update({key: Parameter("1")}),  # type: ignore[misc]
        )
    return 20


def save_models(store: Store, number: int, task_id: str) -> int:
    """Make models of one name and of one file's name, and go on with each."""
    source = store.root.parent / f"weights {number}" / "w.pt"
    source.parent.mkdir()
    for count in range(4):
        model = models.add(store, task_id, Model(id=f"{number}{count}".rjust(32, "0"), name="net"))
        for iteration in range(2):
            source.write_text(f"{number} {count} {iteration}")
            kept = weights.Kept(path=source, name="w.pt", iteration=iteration, snapshots=1)
            weights.keep(store, task_id, model.id if model else "", kept)
    return 4


def move_about(store: Store, number: int, task_id: str) -> int:
    for count in range(20):
        tasks.move(store, task_id, f"place {number}/{count % 3}")
    return 20


def put_in_the_trash(store: Store, number: int, task_id: str) -> str:
    return str(trash.put(store, task_id).id)


def restore(store: Store, number: int, task_id: str) -> str:
    return str(trash.restore(store, task_id).id)


def find_again_and_again(store: Store, number: int, task_id: str) -> int:
    for _ in range(60):
        store.places.clear()
        places.locate(store, task_id)
    return 60


def enqueue(store: Store, number: int, task_id: str) -> str:
    name = f"queue {number % 2}"
    queue.enqueue(store, task_id, name, priority=number)
    return name


def claim_all(store: Store, number: int, name: str) -> list[str]:
    """Take tickets until there is none, and begin the task of each, as a worker does."""
    begun = []
    while (ticket := claim.claim(store, [name], f"worker {number}", tell=_unexpected)) is not None:
        tasks.transition(store, ticket.task_id, Status.IN_PROGRESS, only_from=frozenset({Status.QUEUED}))
        claim.ack(ticket)
        begun.append(ticket.task_id)
    return begun


def _unexpected(message: str) -> None:
    raise AssertionError(message)


def claim_and_give_back(store: Store, number: int, name: str) -> int:
    given = 0
    for _ in range(30):
        ticket = claim.claim(store, [name], f"worker {number}", tell=_unexpected)
        given += ticket is not None and claim.give_back(store, ticket)
    return given


def enqueue_and_dequeue(store: Store, number: int, task_ids: str) -> int:
    """Put a task of one's own into the queue and take it out again, on and on."""
    task_id = task_ids.split()[number]
    for _ in range(20):
        queue.enqueue(store, task_id)
        queue.dequeue(store, task_id)
    queue.enqueue(store, task_id)
    return 20


def claim_what_comes(store: Store, number: int, task_ids: str) -> list[str]:
    """Take tickets while others put them in and take them out; give back what is good."""
    told: list[str] = []
    for _ in range(200):
        ticket = claim.claim(store, ["default"], f"worker {number}", tell=told.append)
        if ticket is not None:
            claim.give_back(store, ticket)
    return told


def make_queue(store: Store, number: int, name: str) -> str:
    return queue.create(store, name)


def delete_queue_0(store: Store, number: int, about: str) -> int:
    """Delete it while it is empty, and make it again, on and on."""
    done = 0
    for _ in range(40):
        try:
            queue.delete(store, "queue 0")
            queue.create(store, "queue 0")
            done += 1
        except TaskstoreError:
            continue
    return done


def move_to_the_front(store: Store, number: int, task_ids: str) -> int:
    for _ in range(10):
        queue.move(store, task_ids.split()[number], 1)
    return 10
