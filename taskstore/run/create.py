"""Making a draft from code that is not run: a script, a module, a repository, or another task.

Everything that can be wrong with what is asked for is found before anything is written; the draft then appears whole.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from ..capture import git, packages, source
from ..capture.vcs import place
from ..core import checks
from ..core.errors import BadValue, NotFound, Refused
from ..core.names import MIN_LENGTH, project_parts
from ..core.secrets import Masker
from ..core.task_types import TASK_TYPES
from ..core.urls import strip_credentials
from ..disk.atomic import make_folders, replace_record, write_blob
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.record import Container, Parameter, ScriptRecord, TaskRecord
from ..sections import clone
from ..store import places, settings, tasks
from ..store.store import Store
from .code import Seen, first_look, keep, look

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+|[^/\\\s:]+@[^/\\\s:]+:.+", re.S)
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)", re.S
)
_PYTHON = re.compile(r"(?:.*[/\\])?python(?P<version>3\.\d+)(?:\.exe)?", re.DOTALL)
_ARGUMENTS = "Args"
_UNTITLED = "Untitled"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a draft is to be made from; the names are those of `Task.create`, and of ClearML's."""

    project_name: str | None = None
    task_name: str | None = None
    task_type: str | None = None
    tags: Sequence[str] = ()
    repo: str | None = None
    branch: str | None = None
    commit: str | None = None
    script: str | None = None
    module: str | None = None
    arguments: Sequence[str] = ()
    working_directory: str | None = None
    packages: bool | Sequence[str] | None = None
    requirements_file: str | None = None
    docker: str | None = None
    docker_args: str | None = None
    docker_bash_setup_script: str | None = None
    argparse_args: Sequence[tuple[str, str]] = ()
    base_task_id: str | None = None
    force_single_script_file: bool = False
    binary: str | None = None
    detect_repository: bool = True


@dataclass(frozen=True)
class _Code:
    """What will be written of the code: its record, and what writes its files into the task and names them there."""

    script: ScriptRecord
    folder: Path | None
    write: Callable[[TaskPaths], Callable[[ScriptRecord], None]]
    seen: Seen | None = None
    entry: source.Entry | None = None


def create(store: Store, wanted: Wanted) -> TaskPaths:
    """Make a draft, and return its paths; no code of the user's is run, and nothing is fetched.

    Raises BadValue and BadName naming the argument, NotFound for a file, folder or task that is not there, Refused
    where git cannot read the repository; then nothing was written.
    """
    _check(wanted)
    configured = settings.load(store, project=_project_folder(store, wanted))
    masker = Masker(tuple(configured.secrets.extra), tuple(configured.secrets.allowed))
    code = _code(store, wanted, configured.capture, masker)
    requirements = _requirements(wanted, code, masker)
    arguments = _arguments(wanted.argparse_args, masker)
    container = _container(wanted, masker)

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = wanted.task_type or record.type
        record.tags = list(dict.fromkeys([*record.tags, *wanted.tags]))
        record.container = container or record.container
        _write_code(paths, code, requirements)
        if arguments:
            params = tasks.read_params(paths)
            params.hyperparams.setdefault(_ARGUMENTS, {}).update(arguments)
            tasks.replace_params(paths, params, read_bytes(paths.params) if paths.params.exists() else b"{}")

    if wanted.base_task_id is not None:
        base = places.resolve(store, wanted.base_task_id)
        return clone.clone(store, base, name=wanted.task_name, project=wanted.project_name, also=fill)
    project = wanted.project_name if wanted.project_name is not None else _default_project(code)
    return tasks.create(store, project, wanted.task_name or _default_name(wanted), fill=fill)


def _project_folder(store: Store, wanted: Wanted) -> Path | None:
    """Return the folder of the project whose settings hold: the one that was named, else the base task's."""
    if wanted.project_name is not None:
        return store.paths.project(project_parts(wanted.project_name))
    return places.resolve(store, wanted.base_task_id).home.parent if wanted.base_task_id is not None else None


def _check(wanted: Wanted) -> None:
    _check_kinds(wanted)
    if wanted.task_type is not None and wanted.task_type not in TASK_TYPES:
        raise BadValue(f"no task type {wanted.task_type!r}; it is one of {', '.join(TASK_TYPES)}")
    if wanted.script and wanted.module:
        raise BadValue("script and module exclude each other; give one of them")
    if wanted.packages not in (None, False) and wanted.requirements_file:
        raise BadValue("packages and requirements_file exclude each other; give one of them")
    if not wanted.repo and (wanted.branch or wanted.commit):
        raise BadValue("branch and commit are of a repository; give repo too, as a URL or a folder")
    if wanted.repo and not (wanted.script or wanted.module):
        raise BadValue("which program of the repository? give script or module")
    if not (wanted.script or wanted.module):
        for name in ("arguments", "working_directory", "binary"):
            if getattr(wanted, name):
                raise BadValue(f"{name} is of a program; give script or module too")


def _check_kinds(wanted: Wanted) -> None:
    given = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    flags = {name: given.pop(name) for name in ("force_single_script_file", "detect_repository")}
    lists = {name: given.pop(name) for name in ("tags", "arguments")}
    pairs, packages_ = given.pop("argparse_args"), given.pop("packages")
    checks.texts(**given)
    checks.flags(**flags)
    checks.lists(**lists)
    if not isinstance(packages_, bool):
        checks.lists(packages=packages_)
    is_pairs = isinstance(pairs, Sequence) and not isinstance(pairs, str | bytes)
    if not is_pairs or not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs):
        raise BadValue(f"argparse_args must be a list of (name, value), not {pairs!r}")


# the code


def _code(store: Store, wanted: Wanted, limits: settings.Capture, masker: Masker) -> _Code:
    if not (wanted.script or wanted.module):
        return _Code(ScriptRecord(), None, lambda paths: lambda script: None)
    if wanted.repo and not Path(wanted.repo).expanduser().exists() and _URL.fullmatch(wanted.repo):
        return _remote(wanted, masker)
    return _local(store, wanted, limits, masker)


def _remote(wanted: Wanted, masker: Masker) -> _Code:
    """Describe a program of a repository that is elsewhere: what was said of it is all that is known."""
    inside = PurePosixPath(wanted.working_directory or ".")
    program = PurePosixPath(wanted.script or "")
    for name, path in (("working_directory", inside), ("script", program)):
        if path.is_absolute() or ".." in path.parts:
            raise BadValue(f"{name} {str(path)!r} leads out of the repository; write it relative to its root")
    depth = len(inside.parts)
    below = program.parts[:depth] == inside.parts
    entry_point = PurePosixPath(*program.parts[depth:]) if below else PurePosixPath(*[".."] * depth, program)
    argv, masked = masker.argv([wanted.script or wanted.module or "", *wanted.arguments])
    script = ScriptRecord(
        kind="module" if wanted.module else "script",
        repository=strip_credentials(wanted.repo or ""),
        branch=wanted.branch or "",
        version_num=wanted.commit or "",
        working_dir=str(inside),
        entry_point=str(entry_point) if wanted.script else "",
        module=wanted.module or "",
        binary=wanted.binary or "",
        python=_python_of(wanted.binary),
        argv=argv,
        notes=[f"arguments: masked {', '.join(sorted(set(masked)))}"] if masked else [],
    )
    return _Code(script, None, lambda paths: lambda script: None)


def _local(store: Store, wanted: Wanted, limits: settings.Capture, masker: Masker) -> _Code:
    folder = _folder("repo", Path(wanted.repo).expanduser()) if wanted.repo else Path.cwd()
    program = _script(wanted.script, folder) if wanted.script else None
    is_in_git = wanted.repo is not None or (wanted.detect_repository and not wanted.force_single_script_file)
    root = place.marked_root((program.parent if program else folder).resolve()) if is_in_git else None
    cwd = _working_directory(wanted.working_directory, folder, root)
    if cwd is None:
        cwd = (folder if program is None else root or program.parent).resolve()
    if wanted.module:
        program = _module(wanted.module, cwd)
    shown = str(program.relative_to(cwd)) if program and program.is_relative_to(cwd) else str(program or "")
    entry = source.Entry(
        kind="module" if wanted.module else "script",
        path=program,
        module=wanted.module,
        argv=[shown or wanted.module or "", *wanted.arguments],
        options=[],
        executable=sys.executable or "",
        binary=wanted.binary or f"python{sys.version_info.major}.{sys.version_info.minor}",
        working_directory=cwd,
    )
    seen = look(entry, limits, with_repository=is_in_git)
    if wanted.repo:
        seen = _of_repository(wanted, folder, seen)
    script = first_look(entry, masker)
    version = _python_of(wanted.binary)
    if version and not script.python.startswith(f"{version}."):
        script.python, script.executable = version, ""
    return _Code(
        script,
        seen.snapshot.root if seen.snapshot else None,
        lambda paths: keep(seen, entry, store.paths, paths, limits),
        seen,
        entry,
    )


def _python_of(binary: str | None) -> str:
    """Return the version that an interpreter's name says, "3.12", or ""."""
    named = _PYTHON.fullmatch(binary or "")
    return named["version"] if named else ""


def _folder(name: str, path: Path) -> Path:
    if not path.is_dir():
        raise NotFound("folder", str(path), f"{name} is a folder on this machine, or the URL of a repository")
    return path.absolute()


def _script(name: str, folder: Path) -> Path:
    path = folder / Path(name).expanduser()
    if not path.is_file():
        raise NotFound("script", name, f"there is none in {folder}; name a Python file")
    return path


def _module(name: str, folder: Path) -> Path | None:
    """Return the file of a module that stands below the folder; None of one that is installed, or not to be found."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise BadValue(f"{name!r} is no name of a module; write it as after `python -m`, like package.train")
    candidates = (folder.joinpath(*parts, "__main__.py"), folder.joinpath(*parts[:-1], f"{parts[-1]}.py"))
    return next((path for path in candidates if path.is_file()), None)


def _working_directory(name: str | None, folder: Path, root: Path | None) -> Path | None:
    """Return the folder that was asked for, below the repository's root or else below here."""
    if not name:
        return None
    given = Path(name).expanduser()
    for base in (root, folder):
        if base is not None and (base / given).is_dir():
            return (base / given).resolve()
    raise NotFound("folder", name, "working_directory is relative to the repository's root, or to this folder")


def _of_repository(wanted: Wanted, folder: Path, seen: Seen) -> Seen:
    """Return the state of the repository that was named: as it is checked out, or the branch or commit asked for."""
    snapshot = seen.snapshot
    if snapshot is None or not snapshot.repository:
        why = f": {snapshot.notes[0]}" if snapshot and snapshot.notes else ""
        raise Refused(f"{folder} is no git repository{why}; give script without repo to keep a copy of it")
    if not wanted.commit and wanted.branch in (None, snapshot.branch):
        return seen
    # What is not committed here belongs to what is checked out here.
    asked_for = git.Snapshot(
        root=snapshot.root,
        repository=snapshot.repository,
        branch=wanted.branch or "",
        version_num=wanted.commit or "",
        working_dir=snapshot.working_dir,
        entry_point=snapshot.entry_point,
    )
    note = "uncommitted changes and untracked files left out: a branch or a commit was asked for"
    return replace(seen, snapshot=asked_for, notes=(note,))


def _write_code(paths: TaskPaths, code: _Code, requirements: _Requirements | None) -> None:
    """Write the code's files and then the record that names them; of a base task's code nothing stays."""
    script = tasks.read_script(paths)
    if code.script != ScriptRecord():
        if paths.source.exists():
            shutil.rmtree(paths.source)
        script = code.script
        code.write(paths)(script)
    if requirements is not None:
        make_folders(paths.source, until=paths.home)
        write_blob(paths.requirements, [requirements.text.encode()])
        script.requirements = requirements.packages
    if script != ScriptRecord():
        script.rev += 1
        replace_record(paths.script, codec.encode(script))


# what goes with it


@dataclass(frozen=True)
class _Requirements:
    """The text of requirements.txt, and what of it the record lists: a version, or what else narrows it down."""

    text: str
    packages: dict[str, str]


def _requirements(wanted: Wanted, code: _Code, masker: Masker) -> _Requirements | None:
    if wanted.requirements_file:
        path = Path(wanted.requirements_file).expanduser()
        if not path.is_file():
            raise NotFound("file", wanted.requirements_file, "requirements_file is one that `pip install -r` reads")
        lines = path.read_text("utf-8", "replace").splitlines()
        return _listed([masker.text(line) for line in lines])
    if isinstance(wanted.packages, (list, tuple)):
        for item in wanted.packages:
            if not isinstance(item, str) or not _REQUIREMENT.fullmatch(item.strip()):
                raise BadValue(f"packages: {item!r} is no requirement; write it like 'tqdm>=4.60'")
        return _listed([masker.text(item.strip()) for item in wanted.packages])
    if wanted.packages not in (None, True, False):
        raise BadValue(f"packages must be a list of texts, or true or false, not {wanted.packages!r}")
    if wanted.packages is False or code.entry is None or code.seen is None:
        return None
    found = packages.imported(code.entry.path, code.folder, source=code.seen.text)
    return _Requirements(packages.requirements_text(found), found)


def _listed(lines: list[str]) -> _Requirements:
    found = {}
    for line in lines:
        stated = _REQUIREMENT.fullmatch(line.partition(" #")[0].strip())
        if stated is not None:
            rest = stated["rest"].strip()
            is_pinned = re.fullmatch(r"==\s*[^\s,;*]+", rest) is not None
            found[stated["name"]] = rest.removeprefix("==").strip() if is_pinned else rest
    return _Requirements("\n".join([*lines, ""]), found)


def _arguments(pairs: Sequence[tuple[str, str]], masker: Masker) -> dict[str, Parameter]:
    found = {}
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2 or not str(pair[0]).lstrip("-"):
            raise BadValue(f"argparse_args: {pair!r} is no pair of a name and a value; write it like ('lr', '0.1')")
        name = str(pair[0]).lstrip("-")
        found[name] = Parameter(masker.value(name, str(pair[1])))
    return found


def _container(wanted: Wanted, masker: Masker) -> Container | None:
    if not (wanted.docker or wanted.docker_args or wanted.docker_bash_setup_script):
        return None
    try:
        options = shlex.split(wanted.docker_args or "")
    except ValueError as error:
        raise BadValue(f"docker_args: {error} in {wanted.docker_args!r}") from None
    masked, names = masker.argv(options)
    script = "\n".join(masker.text(line) for line in (wanted.docker_bash_setup_script or "").splitlines())
    return Container(
        image=wanted.docker or "",
        arguments=shlex.join(masked) if names else wanted.docker_args or "",
        setup_shell_script=script,
    )


def _default_project(code: _Code) -> str:
    name = code.folder.name if code.folder else ""
    if code.script.repository and not code.folder:
        name = re.split(r"[/:\\]", code.script.repository.rstrip("/"))[-1].removesuffix(".git")
    return name if len(name) >= MIN_LENGTH else _UNTITLED


def _default_name(wanted: Wanted) -> str:
    if not (wanted.script or wanted.module):
        raise BadValue("the draft has no name; give task_name, or script or module to name it after")
    stem = Path(wanted.script).stem if wanted.script else (wanted.module or "").rpartition(".")[2]
    return stem if len(stem) >= MIN_LENGTH else f"{stem} run"
