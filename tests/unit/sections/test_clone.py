from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, BadTransition, NotFound, Refused
from taskstore.core.names import MAX_LENGTH
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.sections.clone import clone, reset
from taskstore.store import places, published, tasks
from taskstore.store.store import Store


@pytest.fixture
def original(store: Store) -> TaskPaths:
    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = "testing"
        record.tags = ["a", "b"]
        record.system_tags = ["development", "archived", "kept"]
        record.comment = "why"

    paths = tasks.create(store, "examples/deep", "a run", fill=fill)

    def set_lr(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {"lr": Parameter("0.5", "float", "step")}}

    tasks.edit_params(store, paths.id, set_lr)
    tasks.edit_script(store, paths.id, lambda script: setattr(script, "entry_point", "train.py"))
    (paths.home / "source/untracked/sub").mkdir(parents=True)
    (paths.home / "source/untracked/sub/x.py").write_bytes(b"x = 1")
    (paths.home / "config").mkdir()
    (paths.home / "config/net.yaml").write_bytes(b"layers: 3")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    (paths.home / "events").mkdir()
    (paths.home / "events/scalars.w.jsonl").write_bytes(
        b'{"timestamp":1,"iter":0,"metric":"m","variant":"v","value":1}\n'
    )
    (paths.home / "files").mkdir()
    (paths.home / "files/model.bin").write_bytes(b"weights")
    tasks.transition(store, paths.id, Status.COMPLETED)
    return paths


def test_a_clone_has_what_the_task_was_given_and_nothing_that_it_produced(store: Store, original: TaskPaths) -> None:
    made = clone(store, original)
    before, after = tasks.read(original), tasks.read(made)
    assert (after.type, after.tags, after.comment) == (before.type, before.tags, before.comment)
    assert (after.name, after.status, after.parent) == ("Clone Of a run", Status.CREATED, original.id)
    assert after.system_tags == ["kept"]
    assert (after.started, after.completed, after.runtime, len(after.history)) == (None, None, {}, 1)
    assert tasks.read_params(made).hyperparams == tasks.read_params(original).hyperparams
    assert tasks.read_script(made).entry_point == "train.py"
    names = {path.relative_to(made.home).as_posix() for path in made.home.rglob("*") if path.is_file()}
    assert names == {"task.json", "params.json", "script.json", "source/untracked/sub/x.py", "config/net.yaml"}


def test_the_parent_of_a_clones_clone_is_the_first_of_them_all(store: Store, original: TaskPaths) -> None:
    second = clone(store, clone(store, original))
    assert tasks.read(second).parent == original.id
    assert tasks.read(clone(store, original, parent="x" * 32)).parent == "x" * 32


def test_a_change_is_in_the_clone_before_anybody_sees_it_and_not_in_the_original(
    store: Store, original: TaskPaths
) -> None:
    seen: list[int] = []

    def change(params: ParamsRecord) -> None:
        seen.append(len(list(places.walk(store))))
        params.hyperparams["Args"]["lr"].value = "9"

    made = clone(store, original, change=change)
    assert seen == [1]
    assert tasks.read_params(made).hyperparams["Args"]["lr"].value == "9"
    assert tasks.read_params(original).hyperparams["Args"]["lr"].value == "0.5"


def test_a_change_that_fails_leaves_no_clone(store: Store, original: TaskPaths) -> None:
    def change(params: ParamsRecord) -> None:
        raise Refused("no")

    with pytest.raises(Refused):
        clone(store, original, change=change)
    with pytest.raises(BadName):
        clone(store, original, name="")
    assert [task_id for _, task_id in places.walk(store)] == [original.id]
    assert [path.name for path in store.paths.projects.iterdir()] == ["examples"]


def test_the_longest_name_can_be_cloned(store: Store) -> None:
    paths = tasks.create(store, "examples", "n" * MAX_LENGTH)
    assert len(tasks.read(clone(store, paths)).name) == MAX_LENGTH


def test_a_clone_of_a_published_task_can_be_written(store: Store, original: TaskPaths) -> None:
    published.publish(store, original.id)
    made = clone(store, original)
    assert [path for path in (made.home, *made.home.rglob("*")) if not path.stat().st_mode & 0o200] == []


def test_unknown_keys_of_the_inputs_are_copied(store: Store, original: TaskPaths) -> None:
    text = original.script.read_text().replace("{", '{"later": 1,', 1)
    original.script.write_text(text)
    assert '"later"' in clone(store, original).script.read_text()


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_links_stay_links_and_what_is_no_file_or_unfinished_is_left_out(store: Store, original: TaskPaths) -> None:
    (original.source / "link").symlink_to("/etc/hosts")
    (original.source / ".x.1-1-ab.tmp").write_bytes(b"half")
    os.mkfifo(original.source / "pipe")
    made = clone(store, original)
    assert sorted(path.name for path in made.source.iterdir()) == ["link", "untracked"]
    assert (made.source / "link").readlink() == Path("/etc/hosts")


def test_a_task_that_is_gone_is_not_found(store: Store, original: TaskPaths) -> None:
    (original.home / "params.json").unlink()
    (original.home / "params.json").symlink_to("nowhere")
    made = clone(store, original)  # a link to nothing is nothing
    assert tasks.read_params(made).hyperparams == {}
    with pytest.raises((NotFound, FileNotFoundError)):
        clone(store, TaskPaths(store.paths.projects / ("0" * 32)))


def test_reset_keeps_what_the_task_was_given_and_deletes_what_it_produced(store: Store, original: TaskPaths) -> None:
    before = tasks.read_params(original).hyperparams
    record = reset(store, original.id)
    assert (record.status, record.started, record.completed, record.active_duration) == (
        Status.CREATED,
        None,
        None,
        None,
    )
    assert (record.tags, record.comment, record.runtime) == (["a", "b"], "why", {})
    assert tasks.read_params(original).hyperparams == before
    assert tasks.read_script(original).entry_point == "train.py"
    assert not (original.home / "events").exists()
    assert not (original.home / "files").exists()
    assert (original.home / "source/untracked/sub/x.py").exists()


def test_a_published_task_is_reset_by_force_only(store: Store, original: TaskPaths) -> None:
    published.publish(store, original.id)
    with pytest.raises(BadTransition, match="--force"):
        reset(store, original.id)
    assert published.verify(original) == []
    reset(store, original.id, force=True)
    assert [path for path in (original.home, *original.home.rglob("*")) if not path.stat().st_mode & 0o200] == []
    assert not original.manifest.exists()


def test_a_running_task_is_not_reset_even_by_force(store: Store, original: TaskPaths) -> None:
    reset(store, original.id)
    tasks.transition(store, original.id, Status.IN_PROGRESS)
    held = hold_beacon(original.beacon, store.locks)
    with pytest.raises(Refused, match="taskstore abort"):
        reset(store, original.id, force=True)
    assert tasks.read(original).status is Status.IN_PROGRESS
    held.release()
    assert reset(store, original.id).status is Status.CREATED
