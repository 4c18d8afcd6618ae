"""Stores of several people who share tasks: what each does to a task, how they merge, and what must then be equal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taskstore.core.clock import FixedClock
from taskstore.core.errors import NotFound, Refused
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.disk.text import read_bytes
from taskstore.schema.artifact import Artifact
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.sections import clone
from taskstore.share import merging
from taskstore.share.merging import Origin, Outcome, TaskState, is_trashed, resolving, units
from taskstore.share.source import FolderSource
from taskstore.store import artifacts, blobs, configuration, places, published, tasks, trash
from taskstore.store.store import Store, init, open_at

TASK = f"{1:012x}70008000{1:012x}"
OTHER_TASK = f"{2:012x}70008000{2:012x}"


class Person:
    """Somebody with a store. Everything that they do to a task takes a second of the clock that all share."""

    def __init__(self, root: Path, clock: FixedClock, name: str) -> None:
        self.clock = clock
        self.name = name
        root.mkdir(exist_ok=True)
        self.store: Store = (
            init(root / name, clock=clock) if not (root / name).exists() else open_at(root / name, clock=clock)
        )
        self._lines = 0

    def copied(self, root: Path) -> Person:
        """Return the same person with a copy of the store below another folder."""
        root.mkdir(exist_ok=True)
        shutil.copytree(self.store.root, root / self.name, symlinks=True)
        return Person(root, self.clock, self.name)

    def make(self, project: str = "vision/cats", name: str = "first", task_id: str = TASK) -> None:
        tasks.create(self.store, project, name, task_id=task_id)

    @property
    def paths(self) -> TaskPaths:
        return places.locate(self.store, TASK)

    @property
    def home(self) -> TaskPaths:
        """Where the task is, be it in the trash. Raises NotFound."""
        found = self.store.paths.trashed(TASK)
        return found if found.home.exists() else self.paths

    @property
    def record(self) -> TaskRecord:
        return tasks.read(self.home)

    @property
    def project(self) -> str:
        return places.project_of(self.store, self.paths.home)

    def state(self, task_id: str = TASK) -> TaskState | None:
        return merging.own_state(self.store, task_id)

    def digest(self) -> str:
        state = self.state()
        return merging.digest(state) if state is not None else ""

    def do(self, action: str, *arguments: Any) -> bool:  # noqa: ANN401 - whatever the action takes
        """Do something to the task; false where its status or place does not allow it."""
        self.clock.advance(1)
        try:
            getattr(self, action)(*arguments)
        except (Refused, NotFound):
            return False
        return True

    def rename(self, name: str) -> None:
        self._edit(lambda record: setattr(record, "name", name))

    def tag(self, *tags: str) -> None:
        self._edit(lambda record: setattr(record, "tags", list(tags)))

    def comment(self, text: str) -> None:
        self._edit(lambda record: setattr(record, "comment", text))

    def _edit(self, change: Callable[[TaskRecord], None]) -> None:
        tasks.edit(self.store, TASK, change)

    def set(self, name: str, value: str, section: str = "Args") -> None:
        def change(record: ParamsRecord) -> None:
            record.hyperparams.setdefault(section, {})[name] = Parameter(value)

        tasks.edit_params(self.store, TASK, change)

    def unset(self, name: str, section: str = "Args") -> None:
        def change(record: ParamsRecord) -> None:
            record.hyperparams.get(section, {}).pop(name, None)

        tasks.edit_params(self.store, TASK, change)

    def configure(self, name: str, text: str) -> None:
        configuration.put(self.store, TASK, name, configuration.Content(text.encode(), "text", "txt"))

    def begin(self) -> None:
        tasks.transition(self.store, TASK, Status.IN_PROGRESS)

    def end(self, status: str = "completed") -> None:
        tasks.transition(self.store, TASK, Status(status), reason=status)

    def publish(self) -> None:
        published.publish(self.store, TASK)

    def report(self, iteration: int, writer: str = "") -> None:
        """Append a point, as a run does."""
        paths = self.paths
        if tasks.read(paths).status is not Status.IN_PROGRESS:
            return
        paths.events.mkdir(exist_ok=True)
        line = {"timestamp": iteration, "iter": iteration, "metric": "loss", "variant": self.name, "value": iteration}
        with paths.scalars(f"{writer or self.name}-4194305-00000000").open("a") as log:
            log.write(json.dumps(line) + "\n")

    def keep(self, key: str, text: str) -> None:
        with blobs.staged(
            self.store, TASK, lambda at: at.artifact_folder(key), lambda out: out.write(text.encode())
        ) as blob:
            artifacts.put(self.store, TASK, Artifact(key=key, type="custom"), blob, f"{key}.txt")

    def drop(self, key: str) -> None:
        artifacts.delete(self.store, TASK, [key])

    def reset(self) -> None:
        clone.reset(self.store, TASK)

    def move(self, project: str) -> None:
        tasks.move(self.store, TASK, project)

    def throw_away(self) -> None:
        trash.put(self.store, TASK)

    def restore(self) -> None:
        trash.restore(self.store, TASK)

    def purge(self) -> None:
        trash.purge(self.store, TASK)

    def rename_by_hand(self, name: str) -> None:
        record = json.loads(self.paths.record.read_text())
        record["name"] = name
        self.paths.record.write_text(json.dumps(record, indent=2) + "\n")

    def edit_file_by_hand(self, name: str, text: str) -> None:
        path = self.paths.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def resolve(self, number: int) -> None:
        """Decide the first conflict that there is."""
        state = self.state()
        found = resolving.rivals(state) if state is not None else []
        if found and number <= len(found[0].versions):
            resolving.take(self.store, TASK, found[0].unit, number)

    def stamp(self) -> None:
        merging.stamp(self.store, TASK)

    def take_from(self, other: Person, task_id: str = TASK, *, is_trusted: bool = True) -> Outcome | None:
        """Bring in what another one knows of the task; None where that is nothing."""
        state = other.state(task_id)
        if state is None:
            return None
        source = FolderSource(self.store.root / "nothing")
        if not is_trashed(state):
            source = FolderSource(places.locate(other.store, task_id).home)
        origin = Origin(store_id=other.store.id, address=str(other.store.root), is_trusted=is_trusted)
        return merging.bring_in(self.store, state, source, origin)

    def shared(self) -> dict[str, Any]:
        """Return all that is to be equal where a task was merged: its files, but for what is local to a store."""
        home = self.home
        found: dict[str, Any] = {"project": places.project_of(self.store, home.home)}
        for path in sorted(path for path in home.home.rglob("*") if path.is_file()):
            name = path.relative_to(home.home).as_posix()
            if name in ("task.json", "params.json", "artifacts.json", "models.json", "config.json", "script.json"):
                value = json.loads(path.read_text())
                value.pop("rev", None)
                value = units.with_paths(value, lambda ref: units.canonical(ref["path"], ref["hash"]))
                if value := _without_nothing(value):
                    found[name] = value
            elif name != "ancestry.json" and merging.is_shared(name):
                found[units.canonical(name, path.parent.name.ljust(64, "0"))] = read_bytes(path)
        return found


def _without_nothing(value: Any) -> Any:  # noqa: ANN401 - plain JSON values
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item not in ({}, [])}


def merge_all(*people: Person) -> None:
    """Let everybody take from everybody until nobody learns anything new."""
    for _ in range(4):
        outcomes = [one.take_from(other) for one in people for other in people if one is not other]
        if all(outcome is None or outcome.kind == merging.UNCHANGED for outcome in outcomes):
            return
    raise AssertionError(f"they go on and on: {outcomes}")
