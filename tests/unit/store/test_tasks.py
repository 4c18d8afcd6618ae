import errno
import os
from pathlib import Path

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadName, BadTransition, BadValue, Busy, Conflict, Damaged, NotFound, ReadOnly
from taskstore.core.ids import is_id, new_id
from taskstore.core.states import NEXT, Status
from taskstore.disk.layout import TaskPaths
from taskstore.disk.lock import edit_lock
from taskstore.schema.record import MAX_HISTORY, USER_PROPERTIES, Parameter, TaskRecord
from taskstore.store import places, projects, tasks
from taskstore.store.store import Store, init

FIXED_FIELDS = {"type": "testing", "parent": "1" * 32, "user": "eve", "host": "x", "status_message": "x"}


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return tasks.create(store, "vision/cats", "first run")


def bring(store: Store, task_id: str, status: Status) -> TaskRecord:
    return tasks.transition(store, task_id, status, force=True)


def litter(store: Store) -> list[str]:
    """What no finished verb leaves: temporaries and folders being built."""
    return [path.name for path in store.root.rglob(".*") if path.name not in (".lock", ".alive", ".gitignore")]


class TestCreate:
    def test_a_new_task_is_a_draft_in_its_project(self, store: Store, task: TaskPaths) -> None:
        record = tasks.read(task)
        assert (record.id, record.name, record.status, record.rev) == (task.id, "first run", Status.CREATED, 1)
        assert is_id(task.id)
        assert places.project_of(store, task.home) == "vision/cats"
        assert record.created == record.last_update == record.status_changed == store.clock.now()
        assert [(change.status, change.who) for change in record.history] == [(Status.CREATED, tasks.who())]
        assert litter(store) == []

    @pytest.mark.parametrize("name", ["", "  ", "ab", "x" * 5000, "\udcff run"])
    def test_a_bad_name_makes_nothing(self, store: Store, name: str) -> None:
        for project, task_name in (("good", name), (name, "good")):
            with pytest.raises(BadName):
                tasks.create(store, project, task_name)
        assert list(store.paths.projects.iterdir()) == []

    @pytest.mark.parametrize(
        "name", ["a/b", "CON", "task.json", "../../x", "x" * 4096, "a\nb", "日本語", "\x00\x01\x02"]
    )
    def test_a_name_may_hold_any_character(self, store: Store, name: str) -> None:
        made = tasks.create(store, "abc", name)
        assert tasks.read(made).name == name
        assert made.home.is_relative_to(store.paths.projects)

    def test_a_task_appears_with_all_that_it_is_filled_with_or_not_at_all(self, store: Store) -> None:
        seen = []

        def fill(paths: TaskPaths, record: TaskRecord) -> None:
            paths.params.write_text("{}")
            record.type = "inference"
            seen.extend(places.walk(store))
            if record.name == "broken":
                raise ValueError("fill broke")

        made = tasks.create(store, "abc", "whole", fill=fill)
        assert tasks.read(made).type == "inference"
        assert made.params.exists()
        assert seen == []
        with pytest.raises(ValueError, match="fill broke"):
            tasks.create(store, "abc", "broken", fill=fill)
        assert [task_id for _, task_id in places.walk(store)] == [made.id]
        assert litter(store) == []

    def test_a_task_whose_project_is_renamed_while_it_is_made_is_made(self, store: Store) -> None:
        projects.create(store, "old")

        def fill(paths: TaskPaths, record: TaskRecord) -> None:
            if (store.paths.projects / "old").exists():
                projects.rename(store, "old", "new")
            paths.params.write_text("{}")

        made = tasks.create(store, "old", "a task", fill=fill)
        assert tasks.read(made).name == "a task"
        assert made.params.exists()
        assert litter(store) == []

    def test_an_id_can_be_given_once(self, store: Store) -> None:
        task_id = new_id()
        made = tasks.create(store, "abc", "a task", task_id=task_id)
        assert made.id == task_id
        before = made.record.read_bytes()
        with pytest.raises(Conflict, match=task_id):
            tasks.create(store, "abc", "another", task_id=task_id)
        assert made.record.read_bytes() == before
        assert litter(store) == []

    def test_what_is_no_id_is_refused(self, store: Store) -> None:
        for bad in ("", "../x", "A" * 32):
            with pytest.raises(BadValue, match="32 lower-case hex"):
                tasks.create(store, "abc", "a task", task_id=bad)

    def test_ids_are_in_order_of_creation(self, store: Store) -> None:
        ids = [tasks.create(store, "abc", "a task").id for _ in range(20)]
        assert ids == sorted(ids)

    @pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
    def test_a_store_that_cannot_be_written_is_read_only(self, store: Store, number: int, monkeypatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(ReadOnly, match="cannot be written.*; make it writable"):
            tasks.create(store, "abc", "a task")

    def test_a_full_disk_leaves_no_half_task(self, store: Store, monkeypatch) -> None:
        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as disk:
            disk.setattr(os, "write", full)
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                tasks.create(store, "abc", "a task")
        assert list(places.walk(store)) == []
        assert litter(store) == []


class TestEdit:
    def test_a_draft_is_edited_and_its_revision_counts(self, store: Store, task: TaskPaths, clock: FixedClock) -> None:
        clock.advance(5)
        returned = tasks.edit(store, task.id, lambda record: setattr(record, "type", "testing"))
        record = tasks.read(task)
        assert record == returned
        assert (record.type, record.rev, record.last_update) == ("testing", 2, clock.now())

    def test_an_edit_that_changes_nothing_writes_nothing(self, store: Store, task: TaskPaths) -> None:
        before = (task.record.read_bytes(), task.record.stat().st_mtime_ns)
        tasks.edit(store, task.id, lambda record: None)
        assert (task.record.read_bytes(), task.record.stat().st_mtime_ns) == before

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.CREATED])
    @pytest.mark.parametrize("field", FIXED_FIELDS)
    def test_only_a_draft_is_edited(self, store: Store, task: TaskPaths, status: Status, field: str) -> None:
        bring(store, task.id, status)
        before = task.record.read_bytes()
        with pytest.raises(ReadOnly, match=f"(?s){status.label}.*{field}.*taskstore clone"):
            tasks.edit(store, task.id, lambda record: setattr(record, field, FIXED_FIELDS[field]))
        assert task.record.read_bytes() == before

    @pytest.mark.parametrize("status", list(Status))
    def test_name_comment_tags_and_runtime_are_edited_in_every_status(self, store, task, status: Status) -> None:
        bring(store, task.id, status)

        def change(record: TaskRecord) -> None:
            record.name, record.comment = " renamed ", "said"
            record.tags.append("a")
            record.system_tags = ["archived"]
            record.runtime["k"] = "v"

        tasks.edit(store, task.id, change)
        record = tasks.read(task)
        assert (record.name, record.comment, record.tags, record.system_tags, record.runtime) == (
            *("renamed", "said", ["a"], ["archived"]),
            {"k": "v"},
        )

    @pytest.mark.parametrize("field", ["id", "status"])
    def test_status_and_id_are_not_edited(self, store: Store, task: TaskPaths, field: str) -> None:
        value = {"id": new_id(), "status": Status.COMPLETED}[field]
        with pytest.raises(BadValue):
            tasks.edit(store, task.id, lambda record: setattr(record, field, value))
        assert tasks.read(task).rev == 1

    def test_a_bad_name_is_refused_and_an_old_one_stays_no_obstacle(self, store: Store, task: TaskPaths) -> None:
        with pytest.raises(BadName):
            tasks.edit(store, task.id, lambda record: setattr(record, "name", "x"))
        record = msgspec.json.decode(task.record.read_bytes()) | {"name": "x"}
        task.record.write_bytes(msgspec.json.encode(record))
        tasks.edit(store, task.id, lambda record: record.tags.append("imported"))
        assert tasks.read(task).tags == ["imported"]

    def test_an_error_in_the_change_leaves_the_file(self, store: Store, task: TaskPaths) -> None:
        before = task.record.read_bytes()

        def change(record: TaskRecord) -> None:
            record.comment = "half"
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            tasks.edit(store, task.id, change)
        assert task.record.read_bytes() == before

    def test_unknown_keys_survive_every_verb(self, store: Store, task: TaskPaths) -> None:
        record = msgspec.json.decode(task.record.read_bytes())
        record["next_year"] = {"a": [1]}
        record["history"][0]["nonce"] = "n"
        task.record.write_bytes(msgspec.json.encode(record))
        tasks.edit(store, task.id, lambda record: record.tags.append("x"))
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        moved = tasks.move(store, task.id, "elsewhere")
        after = msgspec.json.decode(moved.record.read_bytes())
        assert after["next_year"] == {"a": [1]}
        assert after["history"][0]["nonce"] == "n"

    def test_a_damaged_record_is_not_written_over(self, store: Store, task: TaskPaths) -> None:
        task.record.write_bytes(b'{"id": "x"}')
        for verb in (
            lambda: tasks.edit(store, task.id, lambda record: None),
            lambda: tasks.transition(store, task.id, Status.QUEUED),
            lambda: tasks.edit_params(store, task.id, lambda params: None),
        ):
            with pytest.raises(Damaged):
                verb()
        assert task.record.read_bytes() == b'{"id": "x"}'

    def test_no_task_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound):
            tasks.edit(store, new_id(), lambda record: None)

    def test_a_task_that_another_process_edits_is_busy(self, store: Store, task: TaskPaths, monkeypatch) -> None:
        monkeypatch.setattr(tasks, "edit_lock", lambda path, kind: edit_lock(path, kind, timeout_s=0.02))
        with edit_lock(task.lock, store.locks), pytest.raises(Busy):
            tasks.edit(store, task.id, lambda record: None)

    def test_a_reader_does_not_wait_for_the_lock(self, store: Store, task: TaskPaths) -> None:
        with edit_lock(task.lock, store.locks):
            assert tasks.read(task).name == "first run"


class TestParametersAndScript:
    def test_parameters_are_edited_in_a_draft(self, store: Store, task: TaskPaths) -> None:
        assert tasks.read_params(task).hyperparams == {}
        tasks.edit_params(store, task.id, lambda params: params.hyperparams.update(Args={"lr": Parameter("0.1")}))
        assert tasks.read_params(task).hyperparams["Args"]["lr"].value == "0.1"
        assert tasks.read_params(task).rev == 1

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.CREATED])
    def test_user_properties_are_edited_in_every_status_and_nothing_else(self, store, task, status: Status) -> None:
        bring(store, task.id, status)
        with pytest.raises(ReadOnly, match="parameters"):
            tasks.edit_params(store, task.id, lambda params: params.hyperparams.update(Args={"lr": Parameter("1")}))
        tasks.edit_params(
            store, task.id, lambda params: params.hyperparams.update({USER_PROPERTIES: {"a": Parameter("b")}})
        )
        assert set(tasks.read_params(task).hyperparams) == {USER_PROPERTIES}

    def test_the_run_itself_writes_what_ran_and_nobody_afterwards(self, store: Store, task: TaskPaths) -> None:
        assert tasks.read_script(task).repository == ""
        bring(store, task.id, Status.IN_PROGRESS)
        tasks.edit_script(store, task.id, lambda script: setattr(script, "branch", "main"))
        bring(store, task.id, Status.COMPLETED)
        with pytest.raises(ReadOnly, match="script"):
            tasks.edit_script(store, task.id, lambda script: setattr(script, "branch", "other"))
        assert tasks.read_script(task).branch == "main"


class TestTransition:
    @pytest.mark.parametrize("current", list(Status))
    @pytest.mark.parametrize("wanted", list(Status))
    def test_the_table_decides(self, store: Store, task: TaskPaths, current: Status, wanted: Status) -> None:
        bring(store, task.id, current)
        before = task.record.read_bytes()
        if wanted is current or wanted in NEXT[current]:
            assert tasks.transition(store, task.id, wanted).status is wanted
        else:
            with pytest.raises(BadTransition) as refused:
                tasks.transition(store, task.id, wanted)
            assert (refused.value.current, refused.value.wanted) == (current.value, wanted.value)
            assert task.record.read_bytes() == before

    def test_only_from_is_compared_even_where_the_table_allows_or_is_skipped(
        self, store: Store, task: TaskPaths
    ) -> None:
        for force in (False, True):
            with pytest.raises(BadTransition):
                tasks.transition(store, task.id, Status.QUEUED, only_from=frozenset({Status.STOPPED}), force=force)
        assert tasks.read(task).status is Status.CREATED

    def test_a_change_says_when_why_and_who(self, store: Store, task: TaskPaths, clock: FixedClock) -> None:
        clock.advance(10)
        record = tasks.transition(store, task.id, Status.QUEUED, reason="why", message="more")
        change = record.history[-1]
        assert (change.status, change.time, change.reason, change.message, change.who) == (
            *(Status.QUEUED, clock.now(), "why", "more"),
            tasks.who(),
        )
        assert (record.status_reason, record.status_message, record.status_changed) == ("why", "more", clock.now())

    def test_the_times_of_a_run_are_those_of_its_start_and_end(self, store: Store, task: TaskPaths, clock) -> None:
        start = clock.now()
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        clock.advance(30)
        assert tasks.transition(store, task.id, Status.IN_PROGRESS).started == start
        clock.advance(30)
        record = tasks.transition(store, task.id, Status.STOPPED)
        assert (record.started, record.completed, record.active_duration) == (start, clock.now(), 60.0)
        ended = clock.now()
        clock.advance(30)
        assert tasks.transition(store, task.id, Status.COMPLETED).completed == ended
        clock.advance(30)
        again = tasks.transition(store, task.id, Status.IN_PROGRESS)
        assert (again.started, again.completed, again.active_duration) == (clock.now(), None, None)

    def test_a_clock_that_was_set_back_makes_no_negative_duration(self, store: Store, task: TaskPaths, clock) -> None:
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        clock.advance(-60)
        assert tasks.transition(store, task.id, Status.COMPLETED).active_duration == 0

    def test_the_history_is_bounded_and_keeps_its_first_entry(self, store: Store, task: TaskPaths, clock) -> None:
        for count in range(MAX_HISTORY // 2 + 5):
            for status in (Status.QUEUED, Status.CREATED):
                clock.advance(1)
                tasks.transition(store, task.id, status, reason=str(count))
        history = tasks.read(task).history
        assert len(history) == MAX_HISTORY
        assert history[0].reason == ""
        assert history[0].time < history[1].time
        assert history[-1].reason == str(MAX_HISTORY // 2 + 4)

    def test_what_is_done_along_with_it_is_done_before_anybody_sees_the_status(self, store: Store, task) -> None:
        seen = []
        tasks.transition(
            store, task.id, Status.QUEUED, also=lambda paths, record: seen.append(tasks.read(paths).status)
        )
        assert seen == [Status.CREATED]

        def fails(paths: TaskPaths, record: TaskRecord) -> None:
            raise ValueError("also broke")

        with pytest.raises(ValueError, match="also broke"):
            tasks.transition(store, task.id, Status.IN_PROGRESS, also=fails)
        assert tasks.read(task).status is Status.QUEUED

    def test_a_message_that_is_no_text_still_ends_the_run(self, store: Store, task: TaskPaths) -> None:
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        tasks.transition(store, task.id, Status.FAILED, message="no file caf\udce9")
        assert tasks.read(task).status_message == "no file caf\\udce9"

    def test_a_hint_says_the_next_command(self, store: Store, task: TaskPaths) -> None:
        for status, wanted, hint in (
            (Status.IN_PROGRESS, Status.QUEUED, "taskstore abort"),
            (Status.COMPLETED, Status.QUEUED, "taskstore reset"),
            (Status.PUBLISHED, Status.CREATED, "taskstore clone"),
            (Status.CREATED, Status.PUBLISHED, "once it has ended"),
        ):
            bring(store, task.id, status)
            with pytest.raises(BadTransition, match=hint):
                tasks.transition(store, task.id, wanted)


class TestUnderLock:
    def test_an_action_that_misses_a_file_of_its_own_is_not_called_busy(self, store: Store, task: TaskPaths) -> None:
        with pytest.raises(FileNotFoundError, match=r"mine\.txt"):
            tasks.under_lock(store, task.id, lambda paths: (paths.home / "mine.txt").read_text())

    def test_a_task_that_moves_during_the_action_is_done_where_it_is(self, store: Store, task: TaskPaths) -> None:
        tried = []

        def action(paths: TaskPaths) -> str:
            tried.append(paths.home)
            if len(tried) == 1:
                projects.rename(store, "vision", "sight")
            return tasks.read(paths).name

        assert tasks.under_lock(store, task.id, action) == "first run"
        assert len(tried) == 2
        assert not (store.paths.projects / "vision").exists()


class TestMove:
    def test_a_move_takes_everything_along(self, store: Store, task: TaskPaths) -> None:
        task.params.write_text("{}")
        before = task.record.read_bytes()
        moved = tasks.move(store, task.id, "new/place")
        assert moved.record.read_bytes() == before
        assert moved.params.exists()
        assert not task.home.exists()
        assert places.locate(store, task.id).home == moved.home

    def test_to_where_it_is_changes_nothing(self, store: Store, task: TaskPaths) -> None:
        assert tasks.move(store, task.id, "vision/cats") == task

    def test_an_open_file_goes_along(self, store: Store, task: TaskPaths) -> None:
        task.events.mkdir()
        with task.scalars("w").open("ab", buffering=0) as log:
            moved = tasks.move(store, task.id, "elsewhere")
            log.write(b"after\n")
        assert moved.scalars("w").read_bytes() == b"after\n"

    def test_to_a_bad_name_moves_nothing(self, store: Store, task: TaskPaths) -> None:
        with pytest.raises(BadName):
            tasks.move(store, task.id, "a//b")
        assert task.record.exists()

    def test_a_manifest_alone_does_not_make_a_task_read_only(self, store: Store, task: TaskPaths) -> None:
        task.manifest.write_text("{}")  # as a crash within publish leaves it
        assert tasks.move(store, task.id, "elsewhere").home.stat().st_mode & 0o200


@pytest.mark.parametrize("locks", ["flock", "lease"])
def test_a_task_can_be_changed_again_and_again_wherever_it_goes(tmp_path: Path, locks: str, monkeypatch) -> None:
    monkeypatch.setattr(tasks, "edit_lock", lambda path, kind: edit_lock(path, kind, timeout_s=0.5))
    store = init(tmp_path / "s", locks=locks)
    made = tasks.create(store, "one", "a task")
    for number in range(3):
        tasks.edit(store, made.id, lambda record: record.tags.append("x"))
        tasks.move(store, made.id, f"two/{number}")
        tasks.transition(store, made.id, Status.QUEUED)
        projects.rename(store, f"two/{number}", f"three/{number}")
        tasks.transition(store, made.id, Status.CREATED)
    assert tasks.read(places.locate(store, made.id)).tags == ["x"] * 3


def test_a_store_of_another_user_is_read_only(plain_user: Path) -> None:
    store = init(plain_user / "s")
    made = tasks.create(store, "abc", "a task")
    tasks.edit(store, made.id, lambda record: None)
    for path in (made.home, made.home.parent, store.paths.projects):
        path.chmod(0o500)
    made.lock.chmod(0o400)
    for verb in (
        lambda: tasks.create(store, "new", "a task"),
        lambda: tasks.edit(store, made.id, lambda record: record.tags.append("x")),
        lambda: tasks.move(store, made.id, "new"),
    ):
        with pytest.raises(ReadOnly):
            verb()
    assert tasks.read(made).tags == []
    for path in (store.paths.projects, made.home.parent, made.home):
        path.chmod(0o700)


@pytest.mark.parametrize(("end", "progress"), [(Status.COMPLETED, "100"), (Status.FAILED, "40")])
def test_what_is_completed_has_come_all_the_way(store: Store, end: Status, progress: str) -> None:
    paths = tasks.create(store, "examples", "a run", fill=lambda _, record: record.runtime.update(progress="40"))
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    assert tasks.transition(store, paths.id, end).runtime == {"progress": progress}


def test_what_has_said_nothing_of_its_progress_has_none(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    assert tasks.transition(store, paths.id, Status.COMPLETED).runtime == {}
