from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from taskstore.core.errors import BadValue, NotFound
from taskstore.core.ids import new_id
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.schema import filters
from taskstore.schema.model import Model, ModelInput
from taskstore.schema.record import Parameter, ParamsRecord, ScriptRecord, TaskRecord
from taskstore.sections import document
from taskstore.sections.find import Wanted, best, described, find
from taskstore.store import models, places, query, tasks
from taskstore.store.store import Store

Make = Callable[..., str]


@pytest.fixture
def make(store: Store) -> Make:
    def made(project: str, name: str, *, tags: tuple[str, ...] = (), system_tags: tuple[str, ...] = ()) -> str:
        def fill(paths: TaskPaths, record: TaskRecord) -> None:
            record.tags, record.system_tags = list(tags), list(system_tags)

        store.clock.advance(seconds=1)  # type: ignore[attr-defined]
        return tasks.create(store, project, name, fill=fill).id

    return made


def ids(store: Store, wanted: Wanted) -> list[str]:
    def refuse(message: str) -> None:
        raise AssertionError(message)

    return [row.id for row in find(store, wanted, refuse)]


def test_the_last_modified_comes_first(store: Store, make: Make) -> None:
    first, second = make("vision", "run 1"), make("vision", "run 2")
    assert ids(store, Wanted()) == [second, first]
    store.clock.advance(seconds=1)  # type: ignore[attr-defined]
    tasks.edit(store, first, lambda record: setattr(record, "comment", "changed"))
    assert ids(store, Wanted()) == [first, second]


def test_projects_are_exact_unless_what_is_below_them_is_asked_for(store: Store, make: Make) -> None:
    cats, dogs, alike = make("vision/cats", "run"), make("vision/dogs", "run"), make("vision2", "run")
    make("other", "run")
    assert ids(store, Wanted(projects=("vision/cats",))) == [cats]
    assert ids(store, Wanted(projects=("vision",))) == []
    assert ids(store, Wanted(projects=("vision",), with_subprojects=True)) == [dogs, cats]
    assert ids(store, Wanted(projects=("vision2", "vision/dogs"))) == [alike, dogs]


def test_a_name_is_a_pattern_that_is_found_anywhere_or_the_very_name(store: Store, make: Make) -> None:
    one, two = make("vision", "run 1"), make("vision", "my run 12")
    assert ids(store, Wanted(name="run 1")) == [two, one]
    assert ids(store, Wanted(name="^run")) == [one]
    assert ids(store, Wanted(name="RUN")) == []
    assert ids(store, Wanted(name="run 1", is_name_exact=True)) == [one]
    with pytest.raises(BadValue, match=r"task_name '\('"):
        ids(store, Wanted(name="("))


def test_tags_and_filter_must_both_hold(store: Store, make: Make) -> None:
    make("vision", "both tags", tags=("a", "b"))
    one = make("vision", "one tag", tags=("a",))
    make("vision", "another", tags=("a",))
    assert ids(store, Wanted(tags=("a", "-b"), task_filter={"name": "one"})) == [one]


def test_a_single_tag_that_is_no_list_is_refused(store: Store) -> None:
    with pytest.raises(BadValue, match=r"\['nlp'\]"):
        ids(store, Wanted(tags="nlp"))


def test_archived_tasks_are_found_unless_they_are_not_wanted(store: Store, make: Make) -> None:
    away, here = make("vision", "away", system_tags=("archived",)), make("vision", "here")
    assert ids(store, Wanted()) == [here, away]
    assert ids(store, Wanted(with_archived=False)) == [here]
    assert ids(store, Wanted(task_filter={"system_tags": ["-archived"]})) == [here]


def test_hidden_tasks_are_found_by_id_and_by_text_only(store: Store, make: Make) -> None:
    hidden = make("vision", "pipeline step", system_tags=("hidden",))
    assert ids(store, Wanted()) == []
    assert ids(store, Wanted(ids=(hidden,))) == [hidden]
    assert ids(store, Wanted(task_filter={"search_text": "step"})) == [hidden]


def test_ids_come_in_the_order_in_which_they_were_given_and_may_be_abbreviated(store: Store, make: Make) -> None:
    made = [make("vision", f"run {number}") for number in range(3)]
    wanted = [made[1], made[2], made[0]]
    assert ids(store, Wanted(ids=wanted)) == wanted
    assert ids(store, Wanted(ids=[made[2][:31]])) == [made[2]]


def test_what_is_not_there_is_warned_of_and_passed_over(store: Store, make: Make) -> None:
    said: list[str] = []
    one = make("vision", "run")
    gone = "0" * 32
    assert [row.id for row in find(store, Wanted(projects=("vision", "visoin")), said.append)] == [one]
    assert find(store, Wanted(projects=("visoin",)), said.append) == []
    assert [row.id for row in find(store, Wanted(ids=(gone, one)), said.append)] == [one]
    assert ["visoin" in message for message in said] == [True, True, False]
    assert gone in said[2]


def test_tasks_are_found_by_the_queue_that_they_wait_in_or_were_started_from(store: Store, make: Make) -> None:
    waits, started, other, none = (make("vision", f"run {number}") for number in range(4))
    queue.create(store, "gpu")
    for task_id in (waits, started):
        queue.enqueue(store, task_id, "gpu")
    queue.enqueue(store, other)
    tasks.transition(store, started, Status.IN_PROGRESS)
    by = {"order_by": ["name"]}
    assert ids(store, Wanted(task_filter={"execution.queue": ["gpu"], **by})) == [waits, started]
    assert ids(store, Wanted(task_filter={"execution.queue": ["gpu"], "status": ["queued"]})) == [waits]
    assert ids(store, Wanted(task_filter={"execution.queue": ["-gpu"], **by})) == [other, none]
    assert ids(store, Wanted(task_filter={"execution.queue": [None], **by})) == [none]
    grouped = {"filters": {"execution.queue": {"any": {"include": ["gpu", "default"]}}}, **by}
    assert ids(store, Wanted(task_filter=grouped)) == [waits, started, other]
    for text, wanted in (
        ("queue = gpu", [started, waits]),
        ("execution.queue ~ ^def", [other]),
        ("queue is missing", [none]),
    ):
        found = query.find(store, query.Query(where=filters.parse(text)))
        assert sorted(row.id for row in found.rows) == sorted(wanted), text
    queue.dequeue(store, waits)
    assert ids(store, Wanted(task_filter={"execution.queue": ["gpu"]})) == [started]


def test_pages_and_order_are_the_filters(store: Store, make: Make) -> None:
    made = [make("vision", name) for name in ("run b", "run a", "run a", "run c")]
    by_name = {"order_by": ["name", "-created"], "page_size": 3}
    assert ids(store, Wanted(task_filter=by_name)) == [made[2], made[1], made[0]]
    assert ids(store, Wanted(task_filter=by_name | {"page": 1})) == [made[3]]


def test_the_best_is_the_last_modified_and_archived_only_where_all_are(store: Store, make: Make) -> None:
    said: list[str] = []
    old = make("vision", "run")
    make("vision", "run", system_tags=("archived",))
    found = best(store, Wanted(projects=("vision",), name="run", is_name_exact=True), said.append)
    assert (found and found.id, said) == (old, [])
    new = make("vision", "run")
    found = best(store, Wanted(name="run", is_name_exact=True), said.append)
    assert (found and found.id) == new
    assert len(said) == 1
    assert "2 tasks fit" in said[0]
    assert best(store, Wanted(name="no such", is_name_exact=True), said.append) is None
    with pytest.raises(NotFound, match="visoin"):
        best(store, Wanted(projects=("visoin",)), said.append)


def test_clearmls_dotted_names_find_parameters_metrics_and_facts(store: Store, make: Make) -> None:
    made = make("vision", "run")
    make("vision", "another")

    def set_lr(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {"lr": Parameter("0.1", "float"), "net/width": Parameter("64")}}

    tasks.edit_params(store, made, set_lr)
    paths = tasks.under_lock(store, made, lambda paths: paths)
    tasks.transition(store, made, Status.IN_PROGRESS)
    paths.events.mkdir()
    lines = [f'{{"timestamp":1,"iter":{n},"metric":"val.x","variant":"loss","value":{4 - n}}}\n' for n in range(3)]
    paths.scalars("w").write_text("".join(lines))
    tasks.edit(store, made, lambda record: record.runtime.update(progress="40"))
    title, variant = (hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in ("val.x", "loss"))
    for given in (
        {"hyperparams.Args.lr": ["0.1"]},
        {"hyperparams.Args.lr.value": ["0.1"]},
        {"hyperparams.Args/net/width": [64]},
        {"runtime.progress": ["40"]},
        {"last_metrics.val.x.loss.value": [2, 2]},
        {"last_metrics.val.x.loss": [2, 2]},
        {"last_metrics.val.x.loss.max_value": [4, 4]},
        {f"last_metrics.{title}.{variant}.min_value": [2, 2]},
        {"last_iteration": [2, None]},
        {"status_changed": ">=2000-01-01", "status": ["in_progress"]},
    ):
        assert ids(store, Wanted(task_filter=given)) == [made], given
    row = find(store, Wanted(ids=(made,)), print)[0]
    fields = ["status", "Args/lr", "hyperparams.Args.lr", "nothing.at.all", f"last_metrics.{title}.{variant}.max_value"]
    assert described(row, fields) == {
        "id": made,
        "status": "in_progress",
        "Args/lr": "0.1",
        "hyperparams.Args.lr": "0.1",
        "nothing.at.all": None,
        f"last_metrics.{title}.{variant}.max_value": 4.0,
    }


def test_tasks_are_found_by_the_queue_that_they_wait_in_or_came_from(store: Store, make: Make) -> None:
    waiting, other, started = make("vision", "run 1"), make("vision", "run 2"), make("vision", "run 3")
    queue.create(store, "gpu hosts")
    queue.enqueue(store, waiting, "gpu hosts")
    queue.enqueue(store, other, "default")
    queue.enqueue(store, started, "gpu hosts")
    tasks.transition(store, started, Status.IN_PROGRESS)
    make("vision", "run 4")
    assert set(ids(store, Wanted(task_filter={"execution.queue": ["gpu hosts"]}))) == {started, waiting}
    assert ids(store, Wanted(task_filter={"execution.queue": ["-gpu hosts"], "status": ["queued"]})) == [other]
    where = filters.parse("queue = default")
    assert [row.id for row in query.find(store, query.Query(where=where)).rows] == [other]


def test_tasks_are_found_by_the_models_that_they_were_given_or_made(store: Store, make: Make) -> None:
    maker, user = make("vision", "run 1"), make("vision", "run 2")
    model = Model(id=new_id(), name="best")
    models.add(store, maker, model)
    given = {"start": ModelInput(slot="start", model=model.id, task=maker)}
    models.change(store, user, lambda _, record: record.input.update(given))
    assert ids(store, Wanted(task_filter={"models.input.model": [model.id]})) == [user]
    assert ids(store, Wanted(task_filter={"models.output.model": [model.id]})) == [maker]
    assert ids(store, Wanted(task_filter={"models.input.model": ["-" + model.id]})) == [maker]
    where = filters.parse(f"models.input.model = {model.id}")
    assert [row.id for row in query.find(store, query.Query(where=where)).rows] == [user]
    places.locate(store, user).models.write_text("{")
    assert ids(store, Wanted(task_filter={"models.input.model": [model.id]})) == []


def test_a_task_is_found_by_the_very_name_that_it_was_made_with(store: Store, make: Make) -> None:
    made = make("vision", "  run 1  ")
    assert ids(store, Wanted(projects=("  vision ",), name="  run 1  ", is_name_exact=True)) == [made]


def test_clearmls_names_of_what_ran_find_tasks_and_are_returned(store: Store, make: Make) -> None:
    clean, changed, bare = make("vision", "clean"), make("vision", "changed"), make("vision", "bare")
    for made, commit, diff in ((clean, "abc123", ""), (changed, "abc124", "- a\n+ b\n")):

        def change(script: ScriptRecord, commit: str = commit, diff: str = diff, made: str = made) -> None:
            script.version_num, script.entry_point = commit, "train.py"
            script.diff = document.keep_diff(places.locate(store, made), diff)

        tasks.edit_script(store, made, change)
    fields = ["script.version_num", "script.diff", "script.entry_point", "script.argv"]
    rows = find(store, Wanted(task_filter={"_all_": {"fields": ["script.version_num"], "pattern": "ABC12"}}), print)
    assert [described(row, fields) for row in rows] == [
        {"id": changed, **dict(zip(fields, ["abc124", "- a\n+ b\n", "train.py", None], strict=True))},
        {"id": clean, **dict(zip(fields, ["abc123", "", "train.py", None], strict=True))},
    ]
    places.locate(store, bare).script.write_text("{")
    (row,) = find(store, Wanted(ids=(bare,)), print)
    assert described(row, ["script.diff"]) == {"id": bare, "script.diff": None}
