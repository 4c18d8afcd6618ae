"""What a task needs before its process starts: its code, and an interpreter with its packages."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..core.states import RECORDING, Status
from ..disk.atomic import sha256_of
from ..disk.layout import TaskPaths
from ..disk.lock import give_flock, take_flock
from ..run import checkout, given, launch
from ..run.mode import REBUILT_VARIABLE
from ..schema.record import Container, ScriptRecord
from ..store import settings, tasks
from ..store.store import Store
from . import container, environment, source
from .environment import Environment, Mode
from .options import IN_USE, Tell, ready_work
from .source import Tree

_TREE = "code"
_LOCK_WAIT_S = 10.0
OUTPUT = "output.log"


def folder_of(work: Path, task_id: str) -> Path:
    """Make and return the folder of what a task is run with: its code, and what its process has written."""
    folder = work / task_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def work_of(store: Store) -> Path:
    """Return where this user's tasks are run, made where it is missing. Raises Refused where others can write there."""
    configured, _ = settings.load_sound(store)
    return ready_work(configured.agent)


def plan(
    store: Store,
    paths: TaskPaths,
    folder: Path,
    mode: Mode,
    held: contextlib.ExitStack,
    *,
    tell: Tell,
    is_in_place: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> launch.Plan:
    """Make ready what a task is run with, and return how; what must stay while it runs is held by `held`.

    The code is rebuilt in `folder`, unless it is run in place. Raises Refused and RemoteError, saying why not.
    """
    if is_in_place:
        return launch.plan(store, paths, is_claimed=True, secrets=secrets)
    script = tasks.read_script(paths)
    arguments = launch.own_arguments(paths.id, script)
    secrets = given.for_task(paths) if secrets is None else secrets
    configured, _ = settings.load_sound(store, project=paths.home.parent)
    in_use = _keep_in_use(folder, held)
    tree = source.rebuild(paths, script, _emptied(folder / _TREE), tell=tell)
    if tree.commit != script.version_num:
        _record_commit(store, paths.id, tree.commit)
    environ = held.enter_context(environment.prepared(paths, script, mode, configured.agent, tell=tell))
    return launch.Plan(
        (*tree.target, *arguments),
        tree.cwd,
        (*tree.notes, *environ.notes, *given.notes(paths, secrets)),
        tuple(script.aliases.items()),
        python=str(environ.python),
        variables=_variables(tree, environ),
        secrets=secrets,
        kept_open=(*in_use, *((environ.hold,) if environ.hold is not None else ())),
    )


def _record_commit(store: Store, task_id: str, commit: str) -> None:
    """Have a draft of a branch, a tag or the beginning of a commit's name say which commit that has become."""

    def change(script: ScriptRecord) -> None:
        script.version_num = commit

    tasks.edit_script(store, task_id, change, allowed=RECORDING | {Status.QUEUED})


def contained(
    store: Store, paths: TaskPaths, folder: Path, held: contextlib.ExitStack, *, gpus: str, tell: Tell
) -> container.Wanted:
    """Make ready what a task is run with in a container; the packages are its image's. Raises as `plan` does."""
    script = tasks.read_script(paths)
    arguments = launch.own_arguments(paths.id, script)
    secrets = given.for_task(paths)
    in_use = _keep_in_use(folder, held)
    tree = source.rebuild(paths, script, _emptied(folder / _TREE), tell=tell)
    if tree.commit != script.version_num:
        _record_commit(store, paths.id, tree.commit)
    planned = launch.Plan(
        (*tree.target, *arguments),
        tree.cwd,
        (*tree.notes, *given.notes(paths, secrets)),
        tuple(script.aliases.items()),
        secrets=secrets,
        variables={REBUILT_VARIABLE: str(tree.root)},
        kept_open=in_use,
    )
    asked = tasks.read(paths).container or Container()
    return container.Wanted(
        asked, paths.id, folder, planned, python=Path(script.binary).name, pythonpath=tree.pythonpath, gpus=gpus
    )


def _keep_in_use(folder: Path, held: contextlib.ExitStack) -> tuple[int, ...]:
    """Lock a folder, so that nobody removes it as one of long ago; the task's process goes on holding it.

    Raises Busy where the task's process of an earlier launch still has it.
    """
    if os.name != "posix":
        return ()
    descriptor = take_flock(folder / IN_USE, _LOCK_WAIT_S)
    held.callback(give_flock, descriptor)
    return (descriptor,)


def _emptied(folder: Path) -> Path:
    """Return a folder without what an earlier run of the task has left there."""
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _variables(tree: Tree, environ: Environment) -> Mapping[str, str | None]:
    """Return in what the program's variables differ from this process's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(given.PREFIX)}
    wanted = environ.variables(own)
    if tree.pythonpath:
        paths = [*map(str, tree.pythonpath), *filter(None, [wanted.get("PYTHONPATH")])]
        wanted["PYTHONPATH"] = os.pathsep.join(paths)
    wanted[REBUILT_VARIABLE] = str(tree.root)
    removed: dict[str, str | None] = dict.fromkeys(own.keys() - wanted.keys())
    return {**removed, **{name: value for name, value in wanted.items() if own.get(name) != value}}


def differences_here(paths: TaskPaths) -> list[str]:
    """Say in what the code here, where the task was recorded, is not what it has recorded; nothing where it is that."""
    script = tasks.read_script(paths)
    folder = Path(script.root or script.cwd or ".")
    if not folder.is_dir():
        return [f"{folder} is not on this machine"]
    if script.root:
        return checkout.differences(paths, script)
    program = folder / script.entry_point if script.entry_point else None
    if program is None or script.standalone is None:
        return []
    if not program.is_file():
        return [f"{program} is gone"]
    return [] if sha256_of(program) == script.standalone.hash else [f"{program} is not as it was recorded"]
