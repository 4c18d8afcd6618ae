"""Whose task a run takes again, and whose it goes on with; tests/run/test_again.py has whole programs."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from taskstore.capture.source import Entry
from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadValue
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.logger import Logger
from taskstore.reports import Reports
from taskstore.run import again, origin
from taskstore.run.again import Earlier, earlier_of
from taskstore.run.origin import Origin, Wanted
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.sections.reports import Writer
from taskstore.store import configuration, places, published, settings, tasks
from taskstore.store.store import Store

_LAST = Earlier(reuse=True)


def begin(store: Store, folder: Path, earlier: Earlier = _LAST, **wanted: str) -> Origin:
    entry = Entry("script", folder / "train.py", None, ["x.py"], [], "python", "python3", folder)
    asked = Wanted(**{"project": "examples", "name": "a run", "type": "training", **wanted}, earlier=earlier)
    return origin.fresh(asked, entry, lambda: store, parent="")


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def ended(store: Store, tmp_path: Path) -> str:
    """A task that has run, with parameters, a point and a comment."""
    made = begin(store, tmp_path, Earlier()).task_id

    def set_lr(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {"lr": Parameter("0.5")}, "properties": {"judgement": Parameter("good")}}

    tasks.edit_params(store, made, set_lr)
    tasks.transition(store, made, Status.IN_PROGRESS)

    def change(record: TaskRecord) -> None:
        record.comment, record.tags, record.runtime = "why", ["kept"], {"progress": "50"}

    tasks.edit(store, made, change)
    paths = places.locate(store, made)
    paths.events.mkdir()
    paths.scalars("w").write_text('{"timestamp":1,"iter":41,"metric":"m","variant":"v","value":1}\n')
    tasks.transition(store, made, Status.COMPLETED)
    return made


def record_of(store: Store, task_id: str) -> TaskRecord:
    return tasks.read(places.locate(store, task_id))


def test_a_new_task_is_made_unless_the_old_one_is_asked_for(store: Store, tmp_path: Path, ended: str) -> None:
    assert begin(store, tmp_path, Earlier()).task_id != ended


def test_a_task_used_again_has_its_tags_and_nothing_else_of_the_earlier_run(
    store: Store, tmp_path: Path, ended: str
) -> None:
    made = begin(store, tmp_path)
    assert (made.task_id, made.verb, made.offset) == (ended, "reusing", 0)
    record, paths = record_of(store, ended), places.locate(store, ended)
    assert (record.status, record.comment, record.tags, record.runtime) == (Status.CREATED, "", ["kept"], {})
    assert record.system_tags == ["development"]
    assert tasks.read_params(paths).hyperparams == {}
    assert not paths.events.exists()


@pytest.mark.parametrize("field", ["project", "name", "type"])
def test_only_a_task_of_the_same_project_name_and_type_is_used_again(
    store: Store, tmp_path: Path, ended: str, field: str
) -> None:
    other = {"project": "elsewhere", "name": "another", "type": "testing"}[field]
    assert begin(store, tmp_path, **{field: other}).task_id != ended


@pytest.mark.parametrize("state", ["archived", "enqueued", "published", "artifacts", "models", "another host", "old"])
def test_a_task_that_is_worth_something_is_left_alone(
    store: Store, clock: FixedClock, tmp_path: Path, ended: str, state: str
) -> None:
    paths = places.locate(store, ended)
    if state == "archived":
        tasks.edit(store, ended, lambda record: record.system_tags.append("archived"))
    elif state == "enqueued":
        tasks.edit(store, ended, lambda record: record.system_tags.remove("development"))
    elif state == "published":
        published.publish(store, ended)
    elif state in ("artifacts", "models"):
        made = {
            "artifacts": '{"artifacts": {"a": {"key": "a", "type": "custom"}}}',
            "models": '{"output": {"1": {"id": "1", "name": "one"}}}',
        }
        (paths.home / f"{state}.json").write_text(made[state])
    elif state == "another host":
        paths.record.write_text(paths.record.read_text().replace('"host": "', '"host": "not-'))
    else:
        clock.advance(72 * 3600 + 1)
    assert begin(store, tmp_path).task_id != ended
    assert record_of(store, ended).comment == "why"


def test_up_to_the_end_of_the_window_a_task_is_used_again(
    store: Store, clock: FixedClock, tmp_path: Path, ended: str
) -> None:
    clock.advance(72 * 3600 - 1)
    assert begin(store, tmp_path).task_id == ended


def test_a_live_run_is_not_used_again(store: Store, tmp_path: Path, ended: str) -> None:
    beacon = hold_beacon(places.locate(store, ended).beacon, store.locks)
    assert begin(store, tmp_path).task_id != ended
    beacon.release()


def test_an_id_is_used_without_asking_how_old_it_is(
    store: Store, clock: FixedClock, tmp_path: Path, ended: str
) -> None:
    clock.advance(1000 * 3600)
    assert begin(store, tmp_path, earlier_of(ended, False), name="another").task_id == ended


def test_a_task_that_is_used_again_has_no_configuration_of_the_earlier_run(
    store: Store, tmp_path: Path, ended: str
) -> None:
    content = configuration.Content(b"lr: 1\n", "dictionary", "yaml")
    configuration.put(store, ended, "model", content, allowed=frozenset(Status))
    assert begin(store, tmp_path, earlier_of(ended, False)).task_id == ended
    paths = places.locate(store, ended)
    assert configuration.read(paths) == {}
    assert not paths.configuration.exists()


def test_an_id_that_cannot_be_used_makes_a_new_task(store: Store, tmp_path: Path, ended: str) -> None:
    published.publish(store, ended)
    assert begin(store, tmp_path, earlier_of(ended, False)).task_id != ended
    assert begin(store, tmp_path, earlier_of("0" * 32, False)).failure is None


def test_the_settings_and_the_environment_have_their_say(
    store: Store, tmp_path: Path, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.paths.config.write_text("reuse: {by_default: true}")
    assert settings.load(store).reuse.window_hours == 72
    assert begin(store, tmp_path, earlier_of(False, False)).task_id != ended
    monkeypatch.setenv("TASKSTORE_TASK_NO_REUSE", "1")
    assert begin(store, tmp_path, earlier_of(True, False)).task_id != ended


def test_by_default_is_as_if_it_were_asked_for(store: Store, tmp_path: Path, ended: str) -> None:
    store.paths.config.write_text("reuse: {by_default: true}")
    assert begin(store, tmp_path, earlier_of(None, False)).task_id == ended


def test_a_continued_task_keeps_everything_and_counts_on(store: Store, tmp_path: Path, ended: str) -> None:
    made = begin(store, tmp_path, earlier_of(None, True))
    assert (made.task_id, made.verb, made.offset) == (ended, "continuing", 42)
    record, paths = record_of(store, ended), places.locate(store, ended)
    assert (record.status, record.comment, record.tags) == (Status.IN_PROGRESS, "why", ["kept"])
    assert tasks.read_params(paths).hyperparams["Args"]["lr"].value == "0.5"
    assert paths.scalars("w").exists()


def test_a_continued_task_counts_on_from_its_plots_and_samples_too(store: Store, tmp_path: Path, ended: str) -> None:
    paths = places.locate(store, ended)
    writer = Writer(lambda: paths, _raise)
    logger = Logger(writer)
    logger.report_histogram("weights", "all", [1], 60)
    assert Reports(lambda: paths).last_iteration() == 60
    logger.report_image("image", "seen", 70, matrix=[[0]])
    writer.close()
    assert Reports(lambda: paths).last_iteration() == 70
    assert begin(store, tmp_path, earlier_of(None, True)).offset == 71


def test_what_is_continued_is_not_taken_for_the_dead_run_before_it(store: Store, tmp_path: Path, ended: str) -> None:
    paths = places.locate(store, ended)
    hold_beacon(paths.beacon, store.locks).release()
    begin(store, tmp_path, earlier_of(None, True))
    from taskstore.store import liveness

    assert liveness.settle(store, paths, tasks.read(paths)).status is Status.IN_PROGRESS


def test_a_number_is_the_offset_and_the_environment_overrides_it(
    store: Store, tmp_path: Path, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert begin(store, tmp_path, earlier_of(None, 0)).offset == 0
    tasks.transition(store, ended, Status.COMPLETED)
    monkeypatch.setenv("TASKSTORE_SET_ITERATION_OFFSET", "7")
    assert begin(store, tmp_path, earlier_of(None, True)).offset == 7


@pytest.mark.parametrize("given", ["many", "\N{SUPERSCRIPT TWO}", "1.5"])
def test_an_offset_in_the_environment_that_is_none_is_said_and_not_followed(
    store: Store,
    tmp_path: Path,
    ended: str,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)
    monkeypatch.setenv("TASKSTORE_SET_ITERATION_OFFSET", given)
    assert begin(store, tmp_path, earlier_of(None, True)).offset == 42
    assert f"TASKSTORE_SET_ITERATION_OFFSET is {given!r}, which is no whole number" in terminal.getvalue()


def test_the_very_task_to_continue_must_be_there_and_unpublished(store: Store, tmp_path: Path, ended: str) -> None:
    with pytest.raises(BadValue, match="continue_last_task: no task"):
        begin(store, tmp_path, earlier_of(None, "0" * 32))
    published.publish(store, ended)
    with pytest.raises(BadValue, match="Published"):
        begin(store, tmp_path, earlier_of(None, ended))


def test_where_there_is_nothing_to_continue_a_new_task_is_made(store: Store, tmp_path: Path) -> None:
    assert begin(store, tmp_path, earlier_of(None, True)).verb == "created"


def test_an_offset_that_is_none_counts_as_nothing(store: Store, ended: str) -> None:
    record = record_of(store, ended)
    record.runtime = {again.OFFSET: "many"}
    assert again.offset_of(record) == 0
