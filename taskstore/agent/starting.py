"""How a task's process is started: as one of this machine, or as the client of a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..disk.layout import TaskPaths
from ..run import launch
from ..store import tasks
from ..store.store import Store
from . import container, prepare
from .options import Options


@dataclass(frozen=True)
class Start:
    """A process that is ready to be started; `box` is the container that it is the client of."""

    command: tuple[str, ...]
    cwd: Path
    variables: Mapping[str, str]
    kept_open: tuple[int, ...]
    notes: tuple[str, ...]
    box: container.Box | None = None
    secrets: tuple[str, ...] = ()
    """What was given to it again, and is not to be read anywhere else."""

    def begin(self, written: Path) -> subprocess.Popen[bytes]:
        """Start it, in a group of its own, its words in a file. Raises OSError."""
        with written.open("wb") as stream:
            return subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=os.name == "posix",
                pass_fds=self.kept_open,
            )


def make_ready(
    store: Store,
    paths: TaskPaths,
    folder: Path,
    options: Options,
    held: ExitStack,
    *,
    own: Mapping[str, str],
    gpus: str,
    tell: Callable[[str], None],
) -> Start:
    """Make a task's process ready to be started; what must stay while it runs is held by `held`.

    `own` are the variables that name its task and launch. Raises Refused and RemoteError, saying why not.
    """
    if options.containers is not None:
        return _contained(store, paths, folder, options.containers, held, own=own, gpus=gpus, tell=tell)
    plan = prepare.plan(store, paths, folder, options.env, held, tell=tell, is_in_place=options.in_place)
    own = {**own, "CUDA_VISIBLE_DEVICES": gpus} if gpus else own
    notes = [*plan.notes]
    asked = tasks.read(paths).container
    if asked is not None and asked.image:
        notes.append(f"it asks for a container of {asked.image}, and this agent runs it without (see --docker)")
    variables = launch.variables_of(store, own, plan)
    return Start(
        tuple(launch.command_of(plan)),
        plan.cwd,
        variables,
        plan.kept_open,
        tuple(notes),
        secrets=tuple(plan.secrets.values()),
    )


def _contained(
    store: Store,
    paths: TaskPaths,
    folder: Path,
    engine: container.Engine,
    held: ExitStack,
    *,
    own: Mapping[str, str],
    gpus: str,
    tell: Callable[[str], None],
) -> Start:
    wanted = prepare.contained(store, paths, folder, held, gpus=gpus, tell=tell)
    inner = container.variables_of(store, wanted, own)
    box = container.box(store, engine, wanted, inner)
    # The client needs the agent's own environment, where its settings are; what is the program's, it hands on.
    variables = {**os.environ, **{name: value for name, value in inner.items() if name not in container.CLIENTS_OWN}}
    notes = (*wanted.plan.notes, *box.notes)
    return Start(
        box.command,
        folder,
        variables,
        wanted.plan.kept_open,
        notes,
        box,
        tuple(wanted.plan.secrets.values()),
    )
