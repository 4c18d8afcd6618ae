"""The environment that a task is run in: the agent's own where that will do, else one built from the recorded lock."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ..capture import packages
from ..core.errors import Refused, RemoteError
from ..disk.distributions import Distribution, Installed
from ..disk.layout import TaskPaths
from ..schema.record import ScriptRecord
from ..store import settings as stored
from . import contents, installing, interpreters, ours
from .interpreters import Interpreter
from .shelf import FORMAT, Builder, Complete, Shelf
from .wanted import Package, Wanted, allows, applies, local_path, read

Tell = Callable[[str], None]
_PROBE = "import taskstore.run.child, taskstore.run.session"


class Mode(str, Enum):
    """Which environment: the agent's own if it has what is recorded, always a virtual one, or always the own one."""

    REUSE = "reuse"
    VENV = "venv"
    INHERIT = "inherit"


@dataclass(frozen=True)
class Environment:
    """An environment to run a task in."""

    python: Path
    """The interpreter to start the task with."""
    mode: Mode
    """What it became."""
    installed: tuple[str, ...]
    """What is in it, as `pip freeze` would say it."""
    notes: tuple[str, ...]
    """What is not as recorded."""
    hold: int | None = field(default=None, compare=False)
    """A descriptor that keeps a virtual one from being removed: given to the task's process (`pass_fds`), it does so as
    long as that lives, although the agent be killed."""

    def variables(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return this process's variables as the task's process is to have them.

        Of a virtual environment, its commands come first on PATH, and what would add to its modules is taken out.
        """
        if self.mode is not Mode.VENV:
            return dict(own)
        kept = {name: value for name, value in own.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        commands = self.python.parent
        path = [str(commands), *([kept["PATH"]] if kept.get("PATH") else [])]
        return {**kept, "VIRTUAL_ENV": str(commands.parent), "PATH": os.pathsep.join(path)}


@contextmanager
def prepared(
    paths: TaskPaths, script: ScriptRecord, mode: Mode, settings: stored.Agent, *, tell: Tell
) -> Iterator[Environment]:
    """Hold an environment to run a task in, until the block ends; what is not in use may be removed by anybody.

    A virtual one is built where the cache has none, which may take as long as its packages take to arrive; `tell`
    hears of it. It holds the agent's own taskstore too. Raises RemoteError naming the packages that are not to be had,
    BadValue and Refused for settings that cannot be used, Busy.
    """
    wanted = read(paths, script)
    differences = _differences(wanted)
    if mode is Mode.INHERIT:
        yield _own(mode, [*_other_python(wanted), *differences])
        return
    interpreter, notes = _interpreter(wanted)
    if mode is Mode.REUSE and interpreter.is_own and not differences:
        yield _own(mode, notes)
        return
    if mode is Mode.REUSE:
        tell(f"this environment will not do: {'; '.join([*_other_python(wanted), *differences])}")
    with ExitStack() as stack:
        try:
            environment = stack.enter_context(_built(wanted, interpreter, notes, settings, tell))
        except RemoteError as error:
            if differences:
                raise
            tell("no environment could be built; this one has what the task needs, and is used")
            environment = _own(Mode.REUSE, [*_other_python(wanted), f"this environment was used, because {error}"])
        yield environment


# the agent's own


def _own(mode: Mode, notes: list[str]) -> Environment:
    return Environment(Path(sys.executable), mode, tuple(packages.environment()), tuple(notes))


def _other_python(wanted: Wanted) -> list[str]:
    own = interpreters.own_minor()
    return [f"Python {wanted.python} is recorded, and this is {own}"] if wanted.python not in ("", own) else []


def _differences(wanted: Wanted) -> list[str]:
    """Say in what this process's environment is not what is wanted; what the program does not import does not count."""
    here = {dist.name: dist for dist in Installed().everything()}
    versions = wanted.versions
    found = []
    for package in (*wanted.packages, *wanted.left_out):
        if applies(package.line):
            version = package.version or versions.get(package.name, "")
            found.append(_difference(package, version, here.get(package.name)))
    return [text for text in found if text]


def _difference(package: Package, version: str, here: Distribution | None) -> str:
    if here is None:
        return f"{package.name or package.line} is not installed here"
    if package.line == f"-e {here.editable_path}":
        return ""
    if package.url:
        is_same = here.requirement() in (package.line, package.recorded)
        return "" if is_same else f"{package.name} is not the one from {package.url} here"
    wanted = f"{package.name}=={version}" if version else package.line
    if here.version == version or allows(wanted, here.version):
        return ""
    return f"{wanted} is recorded, and {here.version} is here"


# one that is built


def _interpreter(wanted: Wanted) -> tuple[Interpreter, list[str]]:
    own = interpreters.own()
    found = interpreters.find(wanted.python) if wanted.python else own
    if found is not None:
        return found, []
    return own, [f"Python {wanted.python} is recorded, and is not to be had here; {own.minor} is used"]


@contextmanager
def _built(
    wanted: Wanted, interpreter: Interpreter, notes: list[str], settings: stored.Agent, tell: Tell
) -> Iterator[Environment]:
    installer = installing.choose(settings.installer)

    def build(folder: Path) -> Complete:
        count = len(wanted.packages)
        tell(f"builds an environment of {count} package{'s' * (count != 1)} with {installer.name}")
        folder.mkdir()
        venv = _venv(folder)
        installer.create(interpreter, venv)
        found = installing.fill(installer, venv, wanted, tell=tell) if wanted.packages else []
        _add_ours(installer, folder, interpreter, tell)
        installed = contents.installed(contents.packages_of(venv))
        return Complete(installed=installed, notes=[*found, *_other_versions(wanted, installed)])

    shelf = Shelf(_root(settings), limit_bytes=settings.environments_gib * (1 << 30), tell=tell)
    builder = Builder(build, _fingerprint, _size_bytes)
    with shelf.held(_key(wanted, interpreter), builder) as held:
        told = (*notes, *wanted.notes, *held.complete.notes)
        python = contents.python(_venv(held.folder))
        yield Environment(python, Mode.VENV, tuple(held.complete.installed), told, held.descriptor)


def _root(settings: stored.Agent) -> Path:
    if settings.environments:
        return Path(settings.environments).expanduser().absolute()
    import platformdirs

    try:
        return Path(platformdirs.user_cache_path("taskstore")) / "environments"
    except RuntimeError:  # a user without a home folder, as in a container
        raise Refused("there is no home folder to keep environments in; name one with agent.environments") from None


def _key(wanted: Wanted, interpreter: Interpreter) -> str:
    """Return what names an environment: two that may differ never have the same."""
    facts = [
        FORMAT,
        [str(interpreter.path), interpreter.version, sysconfig.get_platform()],
        [[package.line, *_state(package.url)] for package in wanted.packages],
        sorted(wanted.constraints),
        list(wanted.options),
        ours.identity(with_dependencies=interpreter.is_own),
    ]
    return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _state(url: str) -> list[int]:
    """Return what tells that a local archive is another now."""
    path = local_path(url)
    if path is None or not path.is_file():
        return []
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _venv(folder: Path) -> Path:
    return folder / "venv"  # taskstore stands beside it: what lies below it a pip of its own might uninstall


def _fingerprint(folder: Path) -> str:
    venv = _venv(folder)
    seen = contents.fingerprint(contents.packages_of(venv), ours.folder_in(folder))
    return seen if contents.python(venv).exists() else "without an interpreter"


def _size_bytes(folder: Path) -> int:
    return contents.size_bytes(_venv(folder)) + contents.size_bytes(ours.folder_in(folder))


def _add_ours(installer: installing.Installer, folder: Path, interpreter: Interpreter, tell: Tell) -> None:
    """Make taskstore work in an environment. Raises RemoteError, or Refused where its packages do not let it."""
    venv, links = _venv(folder), ours.folder_in(folder)
    links.mkdir(parents=True)
    if not interpreter.is_own:
        needed = Wanted("", tuple(Package("", line) for line in ours.requirements()))
        installing.fill(installer, venv, needed, tell=tell, target=links)
    ours.put_into(links, contents.packages_of(venv), with_dependencies=interpreter.is_own)
    tried = subprocess.run(
        [str(contents.python(venv)), "-I", "-c", _PROBE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if tried.returncode:
        said = tried.stderr.strip().rpartition("\n")[2]
        raise Refused(
            f"taskstore does not work beside the packages that the task is recorded with ({said}); "
            "change its requirements, or run it with `--env inherit`"
        )


def _other_versions(wanted: Wanted, installed: list[str]) -> list[str]:
    """Say which packages have another version than is recorded."""
    versions = wanted.versions
    found = []
    for line in installed:
        name, _, version = line.partition("==")
        if version and versions.get(name, version) != version:
            found.append(f"{name}=={versions[name]} is recorded, and {version} was installed")
    return found
