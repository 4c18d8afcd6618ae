"""A sweep as a task of type optimizer: it holds what is tried and is the parent of its trials."""

from __future__ import annotations

import contextlib
import math
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..core.errors import BadTransition, BadValue, NotFound, Refused, TaskstoreError
from ..core.names import MAX_LENGTH
from ..core.states import Status
from ..disk.beacon import HeldBeacon, hold_beacon
from ..disk.layout import TaskPaths
from ..queues import queue as queues
from ..run import remote, trust
from ..schema.record import LastMetric, Parameter, ParamsRecord, TaskRecord
from ..sections import clone, parameters
from ..store import liveness, places, query, settings, tasks
from ..store.store import Store
from .sampler import Tpe
from .space import MAX_TRIALS, Domain, Name, Range, drawn, space_of

TYPE = "optimizer"
SECTION = "Sweep"
POLL_S = 1.0
_SEED_BITS = 32
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Goal:
    """The metric by which trials are compared: the least, or the greatest, value that its series has had."""

    metric: str
    is_to_minimise: bool

    def __str__(self) -> str:
        return f"{self.metric}:{'min' if self.is_to_minimise else 'max'}"

    def of(self, metrics: dict[str, dict[str, LastMetric]]) -> tuple[float | None, float | None]:
        """Return the best and the last value of a trial; None where it has none."""
        for title, series in metrics.items():
            for name, found in series.items():
                if f"{title}/{name}" == self.metric:
                    best = found.min_value if self.is_to_minimise else found.max_value
                    return _number(best), _number(found.value)
        return None, None


def goal_of(text: str) -> Goal:
    """Read `title/series:min` or `:max`. Raises BadValue."""
    metric, _, direction = text.rpartition(":")
    if not metric or direction not in ("min", "max"):
        raise BadValue(f"{text!r} is no goal; write it like validation/loss:min or validation/accuracy:max")
    return Goal(metric, direction == "min")


@dataclass(frozen=True)
class Wanted:
    """What a sweep is to try. Texts are as `space.parse` reads them."""

    grid: Sequence[str] = ()
    random: Sequence[str] = ()
    trials: int | None = None
    sampler: str = "random"
    goal: Goal | None = None
    seed: int | None = None
    queue: str = "default"
    priority: int = 0
    parallel: int = 4
    """How many trials of a sampler that learns wait or run at once."""
    name: str | None = None
    is_trusted: bool = False
    """Whether the program of a task that came from elsewhere may run."""


@dataclass
class Trial:
    """One trial, as `results` shows it."""

    id: str
    name: str
    status: Status
    parameters: dict[str, str]
    best: float | None = None
    last: float | None = None
    iteration: int | None = None


@dataclass(frozen=True)
class _Learned:
    """What a sampler that learns is after, and how often it may try."""

    goal: Goal
    trials: int
    sampler: Tpe


@dataclass(frozen=True)
class _Plan:
    grid: dict[Name, Domain]
    drawn: dict[Name, Domain]
    seed: int
    points: Sequence[dict[Name, str]] = ()
    learned: _Learned | None = None


def start(
    store: Store, base: TaskPaths, wanted: Wanted, *, tell: Tell, pause: Callable[[float], None] = time.sleep
) -> str:
    """Make and enqueue the trials of a sweep over a task; return the sweep's id.

    With a sampler that learns (`tpe`) this returns when all trials have ended; else at once. All that can be wrong is
    found before anything is made: raises BadValue, NotFound, Refused.
    """
    plan = _planned(store, base, wanted)
    sweep, held = _made(store, base, wanted, plan)
    try:
        for number, point in enumerate(plan.points, 1):
            _trial(store, base, sweep, number, point, wanted)
        if plan.learned is not None:
            tell(f"sweep {sweep.id[:12]}: its trials go to queue '{wanted.queue}', a few at a time; agents run them")
            _learn(store, base, sweep, held, plan.learned, wanted, tell, pause)
    except BaseException as error:
        status = Status.FAILED if isinstance(error, Exception) else Status.STOPPED
        _end(store, sweep.id, held, status, str(error) or type(error).__name__)
        raise
    _end(store, sweep.id, held, Status.COMPLETED, "")
    return sweep.id


def _planned(store: Store, base: TaskPaths, wanted: Wanted) -> _Plan:
    if not wanted.grid and not wanted.random:
        raise BadValue("a sweep tries something: give --grid or --random, like --grid Args/lr=0.1,0.01")
    if wanted.sampler not in ("random", "tpe"):
        raise BadValue(f"{wanted.sampler!r} is no sampler; there are random and tpe")
    queues.find(store, wanted.queue)
    trust.check(store, base.id, is_trusted=wanted.is_trusted)
    script = tasks.read_script(base)
    if not (script.entry_point or script.module or script.standalone):
        raise Refused(f"task {base.id[:12]} records no program, so its clones cannot be run")
    grid = space_of(wanted.grid)
    others = space_of(wanted.random, grid)
    _check_names(base, [*grid, *others])
    others = _of_their_types(base, others)
    seed = secrets.randbits(_SEED_BITS) if wanted.seed is None else wanted.seed
    if wanted.sampler == "tpe":
        return _Plan(grid, others, seed, learned=_learned(wanted, {**grid, **others}, seed))
    points = tuple(drawn(grid, others, wanted.trials, random.Random(seed)))  # noqa: S311 - chance, and no secret
    return _Plan(grid, others, seed, points)


def _learned(wanted: Wanted, space: dict[Name, Domain], seed: int) -> _Learned:
    if wanted.goal is None:
        raise BadValue("--sampler tpe learns from a metric: give --metric title/series:min or :max")
    if wanted.trials is None or not 1 <= wanted.trials <= MAX_TRIALS:
        raise BadValue(f"--sampler tpe needs --trials N, from 1 to {MAX_TRIALS:,}")
    if wanted.parallel < 1:
        raise BadValue(f"{wanted.parallel} trials at once; it is a number from 1 on")
    return _Learned(wanted.goal, wanted.trials, Tpe(space, is_to_minimise=wanted.goal.is_to_minimise, seed=seed))


def _check_names(base: TaskPaths, names: Sequence[Name]) -> None:
    """Raise NotFound for a parameter that the task does not have: its program would not notice it."""
    params = tasks.read_params(base)
    for section, name in names:
        if name not in params.hyperparams.get(section, {}):
            parameters.remove(params, section, name)  # which says what it may have been meant for


def _of_their_types(base: TaskPaths, space: dict[Name, Domain]) -> dict[Name, Domain]:
    """Return what is drawn; `0..1` of a parameter that is a float is no choice between 0 and 1."""
    params = tasks.read_params(base).hyperparams
    return {
        (section, name): replace(domain, is_whole=False)
        if isinstance(domain, Range) and params[section][name].type == "float"
        else domain
        for (section, name), domain in space.items()
    }


def _made(store: Store, base: TaskPaths, wanted: Wanted, plan: _Plan) -> tuple[TaskPaths, HeldBeacon]:
    """Make the sweep's own task, in progress and held by this process."""
    original = tasks.read(base)
    said = {
        "task": base.id,
        "sampler": wanted.sampler,
        "trials": str(wanted.trials or len(plan.points)),
        "queue": wanted.queue,
        "seed": str(plan.seed),
        **({"metric": str(wanted.goal)} if wanted.goal else {}),
        **{f"grid/{text.partition('=')[0]}": text.partition("=")[2] for text in wanted.grid},
        **{f"random/{text.partition('=')[0]}": text.partition("=")[2] for text in wanted.random},
    }

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = TYPE
        record.parent = base.id
        record.tags = list(original.tags)
        params = ParamsRecord(hyperparams={SECTION: {key: Parameter(value) for key, value in said.items()}})
        tasks.replace_params(paths, params, b"{}")

    name = wanted.name or f"Sweep of {original.name}"[:MAX_LENGTH]
    paths = tasks.create(store, places.project_of(store, base.home), name, fill=fill)
    held = hold_beacon(paths.beacon, store.locks)
    tasks.transition(store, paths.id, Status.IN_PROGRESS, reason="started")
    return paths, held


def _end(store: Store, sweep_id: str, held: HeldBeacon, status: Status, message: str) -> None:
    with contextlib.suppress(BadTransition, NotFound):
        tasks.transition(
            store,
            sweep_id,
            status,
            only_from=frozenset({Status.IN_PROGRESS}),
            reason=status.value,
            message=message,
        )
    held.release()


def _trial(store: Store, base: TaskPaths, sweep: TaskPaths, number: int, point: dict[Name, str], wanted: Wanted) -> str:
    base = places.locate(store, base.id)
    masker = settings.masker(store, project=base.home.parent)

    def change(params: ParamsRecord) -> None:
        for (section, key), text in point.items():
            parameters.assign(params, section, key, text, masker=masker)

    name = f" #{number}"
    name = tasks.read(base).name[: MAX_LENGTH - len(name)] + name
    made = clone.clone(store, base, name=name, parent=sweep.id, change=change)
    # That its program may run was said of the task that this is a clone of.
    remote.enqueue(store, made.id, wanted.queue, priority=wanted.priority, is_trusted=True)
    return made.id


def _learn(
    store: Store,
    base: TaskPaths,
    sweep: TaskPaths,
    held: HeldBeacon,
    learned: _Learned,
    wanted: Wanted,
    tell: Tell,
    pause: Callable[[float], None],
) -> None:
    """Keep some trials going until there were enough, each chosen by what the ended ones have reached."""
    going: dict[str, str] = {}
    made = 0
    while made < learned.trials or going:
        while made < learned.trials and len(going) < wanted.parallel:
            key, point = learned.sampler.ask()
            made += 1
            going[_trial(store, base, sweep, made, point, wanted)] = key
        for task_id in list(going):
            outcome = _outcome(store, task_id, learned.goal)
            if outcome is not None:
                learned.sampler.tell(going.pop(task_id), outcome[1])
                tell(f"trial {task_id[:12]}: {outcome[0]}, {learned.goal.metric} {outcome[1]}")
        if going:
            pause(POLL_S)
            with contextlib.suppress(OSError, TaskstoreError):
                held.beat(places.locate(store, sweep.id).beacon)


def _outcome(store: Store, task_id: str, goal: Goal) -> tuple[str, float | None] | None:
    """Return what a trial ended in, and with which value; None while it waits or runs."""
    try:
        paths = places.locate(store, task_id)
        record = liveness.settle(store, paths, tasks.read(paths))
        if record.status in (Status.QUEUED, Status.IN_PROGRESS):
            return None
        return record.status.label.lower(), goal.of(query.row_of(store, paths).last_metrics)[0]
    except NotFound:
        return "deleted", None
    except (TaskstoreError, OSError):
        return None  # it is being moved; the next look sees


def is_sweep(store: Store, paths: TaskPaths) -> bool:
    """Tell whether a task is a sweep."""
    return tasks.read(paths).type == TYPE and SECTION in tasks.read_params(paths).hyperparams


def results(store: Store, sweep: TaskPaths, goal: Goal | None = None) -> tuple[Goal | None, list[Trial]]:
    """Return a sweep's trials, the best first by the goal (its own unless given), those without a value last.

    Raises Refused where the task is no sweep.
    """
    said = tasks.read_params(sweep).hyperparams.get(SECTION)
    if said is None or tasks.read(sweep).type != TYPE:
        raise Refused(f"task {sweep.id[:12]} is no sweep; give --grid or --random to make one of it")
    if goal is None and "metric" in said:
        goal = goal_of(said["metric"].value)
    names = [key.partition("/")[2] for key in said if key.startswith(("grid/", "random/"))]
    rows = [row for row in query.find(store, query.Query(with_archived=True)).rows if row.task.parent == sweep.id]
    trials = []
    for row in rows:
        best, last = goal.of(row.last_metrics) if goal is not None else (None, None)
        record = liveness.settle(store, row.paths, row.task)
        shown = {name: _parameter(row.hyperparams, name) for name in names}
        trials.append(Trial(row.id, row.task.name, record.status, shown, best, last, row.last_iteration))
    trials.sort(key=lambda trial: trial.id)
    if goal is not None:
        sign = 1 if goal.is_to_minimise else -1
        trials.sort(key=lambda trial: math.inf if trial.best is None else sign * trial.best)
    return goal, trials


def _parameter(hyperparams: dict[str, dict[str, Parameter]], name: str) -> str:
    section, _, key = name.partition("/") if "/" in name else ("General", "", name)
    found = hyperparams.get(section, {}).get(key)
    return found.value if found is not None else ""


def _number(value: float | str | None) -> float | None:
    if value is None:
        return None
    number = float(value)
    return None if math.isnan(number) else number
