"""What the tests of captured command lines share: a sink that remembers, and whole programs that are run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taskstore.capture import early
from taskstore.capture.base import Found
from taskstore.core.values import to_text
from taskstore.schema.record import ParamsRecord
from taskstore.sections import clone, parameters
from taskstore.store import places, tasks
from taskstore.store.store import open_at

from ..run.programs import Ended, all_tasks, only_task, run


@dataclass
class Remembered:
    """A sink that remembers, and answers with the texts that it was given."""

    stored: dict[str, str] = field(default_factory=dict)
    sections: dict[str, dict[str, Found]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    configurations: dict[str, str] = field(default_factory=dict)
    of_libraries: dict[str, Found] = field(default_factory=dict)
    override: str | None = None

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        own = {name: one for name, one in found.items() if not one.is_of_library}
        self.of_libraries.update({name: one for name, one in found.items() if one.is_of_library})
        if own:
            self.sections.setdefault(section, {}).update(own)
        return self.stored

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        self.stored.update({name: to_text(one.value)[0] for name, one in found.items()})

    def note(self, capture: str, message: str) -> None:
        self.notes.append(f"{capture}: {message}")

    def configuration(self, name: str, text: str, kind: str = "yaml") -> str | None:
        self.configurations[name] = text
        return self.override

    def values(self, section: str = "Args") -> dict[str, object]:
        return {name: one.value for name, one in self.sections.get(section, {}).items()}

    def types(self, section: str = "Args") -> dict[str, str | None]:
        return {name: one.type for name, one in self.sections.get(section, {}).items()}

    def told(self, section: str = "Args") -> dict[str, str | None]:
        return {name: one.told for name, one in self.sections.get(section, {}).items()}

    def helps(self, section: str = "Args") -> dict[str, str | None]:
        return {name: one.description for name, one in self.sections.get(section, {}).items()}


REPOSITORY = Path(__file__).resolve().parent.parent.parent


def unhooked(*hooks: tuple[object, str]) -> Iterator[None]:
    """The body of a fixture: the library is nobody's, before the test and after it."""
    was_installed = early.is_installed()
    early.uninstall()
    originals = [vars(owner)[name] for owner, name in hooks]
    yield
    early.uninstall()
    assert [vars(owner)[name] for owner, name in hooks] == originals
    if was_installed:
        early.install()


def program(folder: Path, text: str, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Run a whole program, which finds this taskstore."""
    return run(folder, text, *arguments, env={"PYTHONPATH": str(REPOSITORY), **(env or {})})


def stored_of(ended: Ended, task_id: str = "") -> dict[str, str]:
    """Return the parameters that a program's task holds, by their full names."""
    task_id = task_id or only_task(ended).record.id
    sections = tasks.read_params(places.locate(open_at(ended.root), task_id)).hyperparams
    return {f"{section}/{name}": item.value for section, items in sections.items() for name, item in items.items()}


def again(folder: Path, text: str, first: Ended, changes: Mapping[str, str], *arguments: str) -> tuple[Ended, str]:
    """Run a clone of a program's task with other parameters; returns how it ended, and its id."""
    store = open_at(first.root)
    source = next(item.record.id for item in all_tasks(first) if item.record.name == "a run")
    copy = clone.clone(store, places.locate(store, source), name=f"again {sorted(changes.items())}").id

    def change(params: ParamsRecord) -> None:
        for name, value in changes.items():
            parameters.assign(params, *parameters.split_name(name), value)

    tasks.edit_params(store, copy, change)
    return program(folder, text, *arguments, env={"TASKSTORE_TASK_ID": copy}), copy
