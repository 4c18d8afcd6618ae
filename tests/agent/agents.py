"""Runs of programs, cloned, changed and enqueued, and run by an agent that rebuilds their code."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskstore.agent.environment import Mode
from taskstore.agent.options import Options
from taskstore.agent.worker import Worker
from taskstore.disk.layout import TaskPaths
from taskstore.run import remote
from taskstore.schema.record import ParamsRecord, TaskRecord
from taskstore.sections import clone, parameters
from taskstore.store import events, places, tasks
from taskstore.store.store import Store, open_at

from ..run.programs import Ended, all_tasks

WAIT_S = 90.0


@dataclass(frozen=True)
class Ran:
    """A task that an agent has run, and what the agent said."""

    paths: TaskPaths
    said: list[str]

    @property
    def record(self) -> TaskRecord:
        return tasks.read(self.paths)

    @property
    def console(self) -> list[str]:
        return [line.text for line in events.read_console(self.paths)]

    @property
    def printed(self) -> Any:  # noqa: ANN401 - what a program has printed as JSON
        """What the program has printed as its last line of JSON."""
        lines = [line for line in self.console if line.startswith(("{", "["))]
        assert lines, (self.said, self.console)
        return json.loads(lines[-1])

    def stored(self) -> dict[str, str]:
        sections = tasks.read_params(self.paths).hyperparams
        return {f"{section}/{name}": item.value for section, items in sections.items() for name, item in items.items()}


def options(**given: object) -> Options:
    chosen = {"queues": ("default",), "once": True, "env": Mode.INHERIT, **given}
    return Options(**chosen)  # type: ignore[arg-type]  # a test's shorthand


def work(store: Store, **given: object) -> list[str]:
    """Have an agent run what waits, with the code rebuilt; return what it said."""
    said: list[str] = []
    Worker(store, options(**given), tell=said.append).run()
    return said


class Agents:
    """Agents on threads, for what several of them do at once; they are ended with the block."""

    def __init__(self, store: Store, count: int, **given: object) -> None:
        self.said: list[str] = []
        chosen = [options(**{"once": False, "name": f"node {at}", "grace_s": 2.0, **given}) for at in range(count)]
        self.workers = [Worker(store, each, tell=self.said.append) for each in chosen]
        self.threads = [threading.Thread(target=each.run) for each in self.workers]

    def __enter__(self) -> Agents:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for worker, thread in zip(self.workers, self.threads, strict=True):
            while thread.is_alive():
                worker.stop()
                thread.join(WAIT_S)


def draft_of(ended: Ended, changes: Mapping[str, str] | None = None, *, name: str = "a run") -> TaskPaths:
    """Clone a program's task, with other parameters."""
    store = open_at(ended.root)
    source = next(item.record.id for item in all_tasks(ended) if item.record.name == name)

    def change(params: ParamsRecord) -> None:
        for full, value in (changes or {}).items():
            parameters.assign(params, *parameters.split_name(full), value)

    return clone.clone(store, places.locate(store, source), name="again", change=change)


def again(ended: Ended, changes: Mapping[str, str] | None = None, **given: object) -> Ran:
    """Clone a program's task with other parameters, enqueue it, and have an agent run it."""
    store = open_at(ended.root)
    paths = draft_of(ended, changes)
    remote.enqueue(store, paths.id)
    said = work(store, **given)
    return Ran(paths, said)
