"""Any sequence of verbs leaves the store, read afresh, equal to a model made of dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadTransition, Conflict, NotFound, ReadOnly, Refused
from taskstore.core.states import ENDED, NEXT, Status
from taskstore.store import places, projects, published, tasks, trash
from taskstore.store.store import init, open_at

PARTS = st.sampled_from(["abc", "ABC", "a b:c", "con", "v1.", "x" * 200, "ü/ß".replace("/", "÷"), "0" * 32])
PROJECTS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
NAMES = st.sampled_from(["first run", "lr/0.1", "ΣΑΣ", "a\nb", "run 🚀", "x" * 300])


@dataclass
class Expected:
    """What the model knows of one task."""

    project: str
    name: str
    status: Status = Status.CREATED
    comment: str = ""
    tags: list[str] = field(default_factory=list)
    changes: int = 1


def is_in(project: str, other: str) -> bool:
    return project == other or project.startswith(f"{other}/")


class StoreMachine(RuleBasedStateMachine):
    locks = "flock"
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = init(self.folder / "store", locks=self.locks, clock=FixedClock())
        self.tasks: dict[str, Expected] = {}
        self.trash: dict[str, Expected] = {}
        self.projects: set[str] = set()

    def teardown(self) -> None:
        trash.remove_tree(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_project(self, name: str) -> None:
        parts = name.split("/")
        self.projects.update("/".join(parts[: count + 1]) for count in range(len(parts)))

    @rule(target=ids, project=PROJECTS, name=NAMES)
    def create(self, project: str, name: str) -> str:
        task_id = tasks.create(self.store, project, name).id
        assert task_id not in self.tasks
        self.tasks[task_id] = Expected(project, name)
        self.make_project(project)
        return task_id

    @rule(task_id=ids, comment=st.text(st.characters(codec="utf-8"), max_size=5), tag=st.sampled_from("abc"))
    def edit(self, task_id: str, comment: str, tag: str) -> None:
        def change(record) -> None:
            record.comment = comment
            record.tags.append(tag)

        if task_id not in self.tasks:
            with pytest.raises(NotFound):
                tasks.edit(self.store, task_id, change)
            return
        tasks.edit(self.store, task_id, change)
        self.tasks[task_id].comment = comment
        self.tasks[task_id].tags.append(tag)

    @rule(task_id=ids)
    def edit_what_only_drafts_allow(self, task_id: str) -> None:
        if task_id in self.tasks and self.tasks[task_id].status is not Status.CREATED:
            with pytest.raises(ReadOnly):
                tasks.edit(self.store, task_id, lambda record: setattr(record, "type", "testing"))

    @rule(task_id=ids, to=st.sampled_from([each for each in Status if each is not Status.PUBLISHED]))
    def transition(self, task_id: str, to: Status) -> None:
        if task_id not in self.tasks:
            with pytest.raises(NotFound):
                tasks.transition(self.store, task_id, to)
            return
        expected = self.tasks[task_id]
        if to is not expected.status and to not in NEXT[expected.status]:
            with pytest.raises(BadTransition):
                tasks.transition(self.store, task_id, to)
            return
        tasks.transition(self.store, task_id, to)
        expected.status = to
        expected.changes += 1

    @rule(task_id=ids)
    def publish(self, task_id: str) -> None:
        expected = self.tasks.get(task_id)
        if expected is None:
            return
        if Status.PUBLISHED not in NEXT[expected.status]:
            with pytest.raises(BadTransition):
                published.publish(self.store, task_id)
            return
        published.publish(self.store, task_id)
        expected.status = Status.PUBLISHED
        expected.changes += 1

    @rule(task_id=ids, project=PROJECTS)
    def move(self, task_id: str, project: str) -> None:
        if task_id not in self.tasks:
            with pytest.raises(NotFound):
                tasks.move(self.store, task_id, project)
            return
        tasks.move(self.store, task_id, project)
        self.tasks[task_id].project = project
        self.make_project(project)

    def throw_away(self, task_id: str) -> None:
        expected = self.trash[task_id] = self.tasks.pop(task_id)
        if expected.status is Status.QUEUED:  # it leaves its queue first, for what it was before that
            expected.status = Status.CREATED
            expected.changes += 1

    @rule(task_id=ids, force=st.booleans())
    def put_in_the_trash(self, task_id: str, force: bool) -> None:
        expected = self.tasks.get(task_id)
        if expected is None:
            with pytest.raises(NotFound):
                trash.put(self.store, task_id, force=force)
        elif expected.status in (Status.IN_PROGRESS, Status.PUBLISHED) and not force:
            with pytest.raises(Refused):
                trash.put(self.store, task_id)
        else:
            trash.put(self.store, task_id, force=force)
            self.throw_away(task_id)

    @rule(task_id=ids)
    def restore(self, task_id: str) -> None:
        if task_id not in self.trash:
            with pytest.raises(NotFound):
                trash.restore(self.store, task_id)
            return
        trash.restore(self.store, task_id)
        self.tasks[task_id] = self.trash.pop(task_id)
        self.make_project(self.tasks[task_id].project)

    @rule(target=ids, task_id=consumes(ids))
    def purge(self, task_id: str):
        if task_id not in self.trash:
            with pytest.raises(NotFound):
                trash.purge(self.store, task_id)
            return task_id
        trash.purge(self.store, task_id)
        del self.trash[task_id]
        return multiple()

    def a_project(self, data: st.DataObject) -> str:
        """One that is there, where there is any, or some other."""
        return data.draw(st.sampled_from(sorted(self.projects)) | PROJECTS if self.projects else PROJECTS)

    @rule(data=st.data(), to=PROJECTS, is_below=st.booleans())
    def rename_project(self, data: st.DataObject, to: str, is_below: bool) -> None:
        name = self.a_project(data)
        to = f"{name}/{to}" if is_below else to
        if name not in self.projects:
            with pytest.raises(NotFound):
                projects.rename(self.store, name, to)
        elif to != name and is_in(to, name):
            with pytest.raises(Refused):
                projects.rename(self.store, name, to)
        elif to in self.projects and to != name:
            with pytest.raises(Conflict):
                projects.rename(self.store, name, to)
        else:
            projects.rename(self.store, name, to)
            self.projects = {to + each[len(name) :] if is_in(each, name) else each for each in self.projects}
            self.make_project(to)
            for expected in self.tasks.values():
                if is_in(expected.project, name):
                    expected.project = to + expected.project[len(name) :]

    @rule(data=st.data(), is_forced=st.booleans())
    def delete_project(self, data: st.DataObject, is_forced: bool) -> None:
        name = self.a_project(data)
        inside = {task_id for task_id, expected in self.tasks.items() if is_in(expected.project, name)}
        below = {each for each in self.projects if is_in(each, name)}
        into_trash = (lambda task_id: trash.put(self.store, task_id, force=True)) if is_forced else None
        if not below:
            with pytest.raises(NotFound):
                projects.delete(self.store, name, trash_task=into_trash)
        elif not is_forced and (inside or len(below) > 1):
            with pytest.raises(Refused):
                projects.delete(self.store, name)
        else:
            projects.delete(self.store, name, trash_task=into_trash)
            self.projects -= below
            for task_id in inside:
                self.throw_away(task_id)

    @invariant()
    def the_store_read_afresh_is_the_model(self) -> None:
        store = open_at(self.store.root)
        found = {}
        for folder, task_id in places.walk(store):
            paths = places.TaskPaths(Path(folder) / task_id)
            record = tasks.read(paths)
            assert record.id == task_id
            assert record.trashed is None
            assert record.rev >= record.history.__len__()
            assert (record.completed is not None) == (record.status in ENDED) or record.status in (
                *(Status.CREATED, Status.QUEUED, Status.PUBLISHING),
            )
            found[task_id] = Expected(
                places.project_of(store, paths.home),
                record.name,
                record.status,
                record.comment,
                record.tags,
                min(len(record.history), 100),
            )
            if record.status is Status.PUBLISHED:
                assert published.verify(paths) == []
                assert not published.has_write_bits(paths)
            assert places.locate(self.store, task_id) == paths  # the hints of the long-lived store are never wrong
        for expected in self.tasks.values():
            expected.changes = min(expected.changes, 100)
        assert found == self.tasks
        assert {project.name for project in projects.list_all(store)} == self.projects
        assert {paths.id for paths in trash.listed(store)} == set(self.trash)

    @invariant()
    def nothing_unfinished_is_left(self) -> None:
        left = [path.name for path in self.store.root.rglob(".*") if path.name not in (".lock", ".gitignore")]
        assert left == []


class LeaseStoreMachine(StoreMachine):
    locks = "lease"


FLOCK_STEPS = settings(max_examples=25, stateful_step_count=25)
TestStore = StoreMachine.TestCase
TestStore.settings = FLOCK_STEPS
TestLeaseStore = LeaseStoreMachine.TestCase
TestLeaseStore.settings = settings(max_examples=6, stateful_step_count=20)
