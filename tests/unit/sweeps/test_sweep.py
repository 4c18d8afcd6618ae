from __future__ import annotations

from collections.abc import Callable

import pytest

from taskstore.core.errors import BadValue, NotFound, Refused, TaskstoreError
from taskstore.core.states import Status
from taskstore.disk.beacon import is_alive
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter, ParamsRecord, ScriptRecord
from taskstore.sections.reports import Writer
from taskstore.store import events, places, query, tasks, tickets
from taskstore.store.store import Store
from taskstore.sweeps import sweep as sweeps
from taskstore.sweeps.sweep import Wanted


@pytest.fixture
def base(store: Store) -> TaskPaths:
    paths = tasks.create(store, "examples", "train")

    def describe(script: ScriptRecord) -> None:
        script.entry_point = "train.py"

    def fill(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {"lr": Parameter("0.5", "float"), "seed": Parameter("1", "int")}}

    tasks.edit_script(store, paths.id, describe)
    tasks.edit_params(store, paths.id, fill)
    return paths


def start(store: Store, base: TaskPaths, pause: Callable[[float], None] = lambda _: None, **given: object) -> str:
    return sweeps.start(store, base, Wanted(**given), tell=lambda _: None, pause=pause)  # type: ignore[arg-type]  # a test's shorthand


def end(store: Store, task_id: str, *losses: float, status: Status = Status.COMPLETED) -> None:
    """Let a trial have been run: it has reported these losses."""
    tasks.transition(store, task_id, Status.IN_PROGRESS)
    paths = places.locate(store, task_id)
    writer = Writer(lambda: paths, lambda error: pytest.fail(str(error)))
    for iteration, loss in enumerate(losses):
        writer.scalar("loss", "val/all", loss, iteration)
    writer.close()
    events.refresh_summary(paths)
    tasks.transition(store, task_id, status)


def test_trials_are_drafts_with_a_point_each_that_wait_in_the_queue(store: Store, base: TaskPaths) -> None:
    made = start(store, base, grid=["Args/lr=0.1,0.01", "Args/seed=1..2"], priority=3)
    waiting = tickets.of_queue(store, "default")
    found = [tasks.read_params(places.locate(store, ticket.task_id)).hyperparams["Args"] for ticket in waiting]
    assert [(args["lr"].value, args["seed"].value) for args in found] == [
        ("0.1", "1"),
        ("0.1", "2"),
        ("0.01", "1"),
        ("0.01", "2"),
    ]
    assert {args["lr"].type for args in found} == {"float"}
    records = [tasks.read(places.locate(store, ticket.task_id)) for ticket in waiting]
    assert [(record.name, record.parent) for record in records] == [(f"train #{n}", made) for n in range(1, 5)]
    assert {ticket.place.priority for ticket in waiting} == {3}


def test_of_a_parameter_with_a_fraction_a_range_is_not_of_whole_numbers(store: Store, base: TaskPaths) -> None:
    made = start(store, base, random=["Args/lr=0..1", "Args/seed=0..1000"], trials=8, seed=7)
    found = [trial.parameters for trial in sweeps.results(store, places.locate(store, made))[1]]
    assert all(0 < float(each["Args/lr"]) < 1 for each in found)
    assert all(each["Args/seed"].isdigit() for each in found)


def test_a_sweep_is_a_task_that_says_what_it_has_tried(store: Store, base: TaskPaths) -> None:
    paths = places.locate(store, start(store, base, random=["Args/lr=0.1..1"], trials=2, seed=7))
    record = tasks.read(paths)
    assert (record.type, record.name, record.status, record.parent) == (
        "optimizer",
        "Sweep of train",
        Status.COMPLETED,
        base.id,
    )
    said = {key: item.value for key, item in tasks.read_params(paths).hyperparams["Sweep"].items()}
    assert said == {
        "task": base.id,
        "sampler": "random",
        "trials": "2",
        "queue": "default",
        "seed": "7",
        "random/Args/lr": "0.1..1",
    }
    assert not is_alive(paths.beacon, store.locks)


def test_the_same_seed_draws_the_same(store: Store, base: TaskPaths) -> None:
    drawn = []
    for seed in (7, 7, 8):
        made = start(store, base, random=["Args/lr=0.1..1"], trials=3, seed=seed)
        drawn.append([trial.parameters["Args/lr"] for trial in sweeps.results(store, places.locate(store, made))[1]])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, BadValue),
        ({"grid": ["Args/lr=1,2"], "queue": "nightly"}, NotFound),
        ({"grid": ["Args/rate=1,2"]}, NotFound),
        ({"random": ["Args/lr=1..2"]}, BadValue),
        ({"grid": ["Args/lr=1,2"], "sampler": "grid"}, BadValue),
        ({"random": ["Args/lr=1..2"], "sampler": "tpe", "trials": 3}, BadValue),
        ({"random": ["Args/lr=1..2"], "sampler": "tpe", "goal": sweeps.goal_of("a/b:min")}, BadValue),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_made(
    store: Store, base: TaskPaths, given: dict[str, object], error: type[TaskstoreError]
) -> None:
    with pytest.raises(error):
        start(store, base, **given)
    assert [task_id for _, task_id in places.walk(store)] == [base.id]


def test_a_task_without_a_program_is_not_swept(store: Store) -> None:
    paths = tasks.create(store, "examples", "empty")
    with pytest.raises(Refused, match="no program"):
        start(store, paths, grid=["Args/lr=1,2"])


@pytest.mark.parametrize(("direction", "order"), [("min", [2, 0, 1, 3]), ("max", [1, 0, 2, 3])])
def test_results_are_sorted_by_the_best_value_and_those_without_one_are_last(
    store: Store, base: TaskPaths, direction: str, order: list[int]
) -> None:
    made = start(store, base, grid=["Args/seed=1..4"], goal=sweeps.goal_of(f"loss/val/all:{direction}"))
    ids = [ticket.task_id for ticket in tickets.of_queue(store, "default")]
    for task_id, losses in zip(
        ids, [(3.0, 2.0, 3.0), (4.0, 3.0, 5.0), (float("nan"), 1.0), (float("nan"),)], strict=True
    ):
        end(store, task_id, *losses)
    _, trials = sweeps.results(store, places.locate(store, made))
    assert [trial.id for trial in trials] == [ids[number] for number in order]
    assert [trial.parameters["Args/seed"] for trial in trials] == [str(number + 1) for number in order]
    assert trials[-1].best is None
    by_id = {trial.id: trial for trial in trials}
    assert (by_id[ids[0]].best, by_id[ids[0]].last) == (2.0 if direction == "min" else 3.0, 3.0)


def test_the_results_of_what_is_no_sweep_are_refused(store: Store, base: TaskPaths) -> None:
    with pytest.raises(Refused, match="no sweep"):
        sweeps.results(store, base)


def test_tpe_keeps_a_few_trials_going_and_comes_near_the_best(store: Store, base: TaskPaths) -> None:
    pytest.importorskip("optuna")
    most = 0

    def run_what_waits(_: float) -> None:
        nonlocal most
        waiting = tickets.of_queue(store, "default")
        most = max(most, len(waiting))
        for ticket in waiting:
            args = tasks.read_params(places.locate(store, ticket.task_id)).hyperparams["Args"]
            end(store, ticket.task_id, (float(args["lr"].value) - 0.7) ** 2 + (args["seed"].value != "3"))

    made = start(
        store,
        base,
        run_what_waits,
        random=["Args/lr=0..1.0", "Args/seed=1,2,3"],
        trials=40,
        sampler="tpe",
        goal=sweeps.goal_of("loss/val/all:min"),
        seed=1,
    )
    _, trials = sweeps.results(store, places.locate(store, made))
    assert len(trials) == 40
    assert most == Wanted().parallel
    assert trials[0].parameters["Args/seed"] == "3"
    assert abs(float(trials[0].parameters["Args/lr"]) - 0.7) < 0.1
    later = sorted(trials, key=lambda trial: trial.id)[20:]
    assert sum(trial.parameters["Args/seed"] == "3" for trial in later) > 10  # it has learned


def test_a_trial_that_fails_or_is_deleted_does_not_hold_up_the_others(store: Store, base: TaskPaths) -> None:
    pytest.importorskip("optuna")
    from taskstore.store import trash

    def run_what_waits(_: float) -> None:
        for number, ticket in enumerate(tickets.of_queue(store, "default")):
            if number == 0:
                trash.put(store, ticket.task_id)
            else:
                end(store, ticket.task_id, status=Status.FAILED)

    made = start(
        store,
        base,
        run_what_waits,
        random=["Args/lr=0..1.0"],
        trials=6,
        sampler="tpe",
        goal=sweeps.goal_of("loss/val/all:min"),
    )
    assert tasks.read(places.locate(store, made)).status is Status.COMPLETED


def test_whoever_stops_a_sweep_leaves_it_stopped_and_its_trials_waiting(store: Store, base: TaskPaths) -> None:
    pytest.importorskip("optuna")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(
            store,
            base,
            interrupt,
            random=["Args/lr=0..1.0"],
            trials=6,
            sampler="tpe",
            goal=sweeps.goal_of("loss/val/all:min"),
        )
    (row,) = [row for row in query.find(store).rows if row.task.type == "optimizer"]
    assert row.task.status is Status.STOPPED
    assert len(tickets.of_queue(store, "default")) == Wanted().parallel


@pytest.mark.parametrize("text", ["loss", "loss/val", "loss/val:least", ":min"])
def test_a_goal_names_a_metric_and_a_direction(text: str) -> None:
    with pytest.raises(BadValue, match="title|validation"):
        sweeps.goal_of(text)
