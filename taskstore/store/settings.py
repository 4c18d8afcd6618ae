"""Settings: environment variables over the project's, the store's `config.yaml`, the user's own, and the defaults.

People edit the files; nothing here does. A new setting is one line in one of the structs.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..core.errors import BadValue, Damaged
from ..core.secrets import Masker
from ..disk.layout import PROJECT
from ..disk.text import parse_yaml_object, read_bytes
from ..schema import codec
from .samples import DEFAULT_HISTORY
from .store import Store

CONFIG_VARIABLE = "TASKSTORE_CONFIG"
PROJECT_KEY = "settings"
"""The key of a project.yaml that holds settings for the project and those below it."""
_PREFIX = "TASKSTORE_"
_BETWEEN = "__"
"""What stands between section and key in a variable's name: TASKSTORE_CAPTURE__DIFF_MIB."""


Amount = typing.Annotated[float, msgspec.Meta(ge=0)]
Count = typing.Annotated[int, msgspec.Meta(ge=0)]


class Secrets(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Names that are masked besides the built-in ones, and names that never are; `*` and `?` as in a shell."""

    extra: list[str] = []
    allowed: list[str] = []


class Capture(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what is captured, sizes in MiB, and the environment variables to record (wildcards allowed).

    `library_arguments` has the arguments recorded that argument libraries define for themselves, and types by the
    libraries' own words, as ClearML does.
    """

    diff_mib: Amount = 10
    untracked_file_mib: Amount = 10
    untracked_total_mib: Amount = 100
    untracked_files: Count = 2000
    bundle_mib: Amount = 100
    environment_variables: list[str] = []
    library_arguments: bool = False


class Reports(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many debug samples of each series a process keeps; 0 keeps all."""

    sample_history: int = DEFAULT_HISTORY


class Models(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many snapshots of weights stay (0: all), whether those that a program saves are copied, up to which size."""

    snapshots: Count = 3
    auto_copy: bool = True
    auto_copy_mib: Amount = 16384


class Output(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where artifacts and weights of new runs go besides the task's folder, and whether they stay in that too."""

    uri: str = ""
    keep_local: bool = True


class Resources(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """From when on the use of the machine is reported, in seconds from a run's start, and how often."""

    start_after_s: Amount = 30
    interval_s: Amount = 30


class Reuse(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether Task.init uses the task of the last run again where it is not told, and for how long after that run."""

    by_default: bool = False
    window_hours: Amount = 72


class Distributed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether ranks that no run has started meet in one task, and how long they wait for rank 0 to begin it."""

    join: bool = True
    wait_s: Amount = 60


class Agent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where agents keep rebuilt code (for so many days) and environments (up to which size), and what installs those.

    With what, in which image and with which options they run containers where a task says nothing else.
    An empty folder is one in the user's cache.
    """

    work: str = ""
    work_days: float = 7
    environments: str = ""
    environments_gib: float = 20
    installer: str = "auto"
    container_command: str = ""
    container_image: str = ""
    container_arguments: str = ""


class Cache(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How much of what was fetched from elsewhere stays in the cache, in MiB; 0 keeps all."""

    fetched_mib: float = 10240


class Settings(msgspec.Struct, kw_only=True):
    """All settings, as `docs/reference/configuration.md` describes them."""

    secrets: Secrets = msgspec.field(default_factory=Secrets)
    capture: Capture = msgspec.field(default_factory=Capture)
    reports: Reports = msgspec.field(default_factory=Reports)
    resources: Resources = msgspec.field(default_factory=Resources)
    reuse: Reuse = msgspec.field(default_factory=Reuse)
    models: Models = msgspec.field(default_factory=Models)
    output: Output = msgspec.field(default_factory=Output)
    distributed: Distributed = msgspec.field(default_factory=Distributed)
    agent: Agent = msgspec.field(default_factory=Agent)
    cache: Cache = msgspec.field(default_factory=Cache)


@dataclass(frozen=True)
class Explained:
    """One setting as it holds: `capture.diff_mib`, its value, and which level and place that comes from."""

    name: str
    value: object
    origin: str
    """`default`, `user`, `store`, `project` or `environment`."""
    place: str
    """The file, or the variable; empty for a default."""


@dataclass(frozen=True)
class _File:
    """A file with settings, or with settings under a key."""

    origin: str
    path: Path
    key: str = ""

    def read(self) -> dict[str, object]:
        """Return its sections. Raises Damaged, OSError."""
        try:
            data = read_bytes(self.path)
        except FileNotFoundError:
            raise Damaged(self.path, f"there is no such file, and {CONFIG_VARIABLE} names it") from None
        if self.key.encode() not in data:
            return {}  # most projects have no settings, and reading YAML takes a run longer than all else here
        content = parse_yaml_object(self.path, data)
        found = content.get(self.key) or {} if self.key else content
        if not isinstance(found, dict):
            raise Damaged(self.path, f"{self.key} is no mapping")
        return {name: fields for name, fields in found.items() if fields is not None}  # all of it is commented out


def load_sound(
    store: Store, *, project: Path | None = None, environ: Mapping[str, str] = os.environ
) -> tuple[Settings, str]:
    """Read the settings for a run, which must not fail for a slip in them, and say what is wrong.

    `project` is the folder of the run's project. What is sound holds. Nothing is masked less for a slip: of a section
    `secrets` with an error each text in it is taken for a name to mask, and where a file cannot be read at all every
    name is.
    """
    sound, slips = Settings(), []
    for file in _files(store, project, environ):
        try:
            sections = file.read()
        except (Damaged, OSError) as error:
            slips.append(f"{error}; until it is put right the values of all parameters are masked")
            sound.secrets.extra.append("*")
            continue
        for name, fields in sections.items():
            try:
                codec.convert(Settings, {name: fields}, file.path)
            except Damaged as error:
                slips.append(f"{error}; the rest of the file holds")
                if name == "secrets":
                    sound.secrets.extra.extend(_texts(fields))
            else:
                _take(sound, name, fields)
            if name not in Settings.__struct_fields__:
                slips.append(f"{file.path}: no settings are called {name!r}")
    for variable, section, key in _variables(environ):
        try:
            _take(sound, section, {key: _of_variable(variable, section, key, environ)})
        except BadValue as error:
            slips.append(str(error))
    return sound, "; ".join(slips)


def _take(settings: Settings, name: str, fields: object) -> None:
    section = getattr(settings, name, None)
    if isinstance(fields, dict) and isinstance(section, msgspec.Struct):
        both = {**msgspec.to_builtins(section), **fields}
        setattr(settings, name, msgspec.convert(both, type(section)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _files(store: Store | None, project: Path | None, environ: Mapping[str, str]) -> Iterator[_File]:
    """The files that there are, the weaker first; one that the environment names must be there to be read."""
    user = user_file(environ)
    if user is not None and (user.is_file() or environ.get(CONFIG_VARIABLE)):
        yield _File("user", user)
    if store is None:
        return
    if store.paths.config.is_file():
        yield _File("store", store.paths.config)
    if project is not None and project.is_relative_to(store.paths.projects):
        above = [folder for folder in project.parents if store.paths.projects in folder.parents]
        for folder in [*reversed(above), project]:
            if (folder / PROJECT).is_file():
                yield _File("project", folder / PROJECT, PROJECT_KEY)


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the variables that are settings, with section and key; an unknown section is left to later versions."""
    for variable in sorted(environ):
        section, between, key = variable.removeprefix(_PREFIX).lower().partition(_BETWEEN)
        if variable.startswith(_PREFIX) and between and section in Settings.__struct_fields__:
            yield variable, section, key


def _of_variable(variable: str, section: str, key: str, environ: Mapping[str, str]) -> object:
    """Return a variable's value as its setting's type; a list is written with commas. Raises BadValue."""
    section_type = typing.get_type_hints(Settings)[section]
    kinds = typing.get_type_hints(section_type, include_extras=True)
    if key not in kinds:
        raise BadValue(f"{variable}: no setting is called {section}.{key}; `taskstore config` lists them")
    text = environ[variable]
    if typing.get_origin(kinds[key]) is list:
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return msgspec.convert(text.strip(), kinds[key], strict=False)
    except msgspec.ValidationError:
        plain = typing.get_type_hints(section_type)[key]
        hint = "; write true or false" if plain is bool else " of 0 or more" if plain in (int, float) else ""
        raise BadValue(f"{variable}: {text!r} is no {plain.__name__}{hint}") from None


def load(store: Store | None, *, project: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings that hold for a store, or in the project of that folder.

    Raises Damaged naming the file and the field, BadValue naming the variable.
    """
    merged: dict[str, dict[str, object]] = {}
    for item in explain(store, project=project, environ=environ):
        section, _, key = item.name.partition(".")
        merged.setdefault(section, {})[key] = item.value
    return msgspec.convert(merged, Settings)


def masker(store: Store | None, *, project: Path | None = None) -> Masker:
    """Return what masks credentials as the settings say. Raises Damaged."""
    secrets = load(store, project=project).secrets
    return Masker(tuple(secrets.extra), tuple(secrets.allowed))


def explain(
    store: Store | None, *, project: Path | None = None, environ: Mapping[str, str] = os.environ
) -> list[Explained]:
    """Return every setting with its value, and where that comes from. Raises as `load` does."""
    found = {
        f"{section}.{key}": Explained(f"{section}.{key}", value, "default", "")
        for section, fields in msgspec.to_builtins(Settings()).items()
        for key, value in fields.items()
    }

    for file in _files(store, project, environ):
        sections = file.read()
        sound = msgspec.to_builtins(codec.convert(Settings, sections, file.path))
        for section, fields in sections.items():
            for key in fields if isinstance(fields, dict) and section in sound else ():
                name = f"{section}.{key}"
                found[name] = Explained(name, sound[section][key], file.origin, str(file.path))
    for variable, section, key in _variables(environ):
        name = f"{section}.{key}"
        found[name] = Explained(name, _of_variable(variable, section, key, environ), "environment", variable)
    return list(found.values())


def check_project(folder: Path) -> None:
    """Raise Damaged where the settings in a project's own file cannot be used."""
    file = _File("project", folder / PROJECT, PROJECT_KEY)
    if file.path.is_file():
        codec.convert(Settings, file.read(), file.path)


def user_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return where this user's own settings are, whether there are any; None for a user without a home folder."""
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    try:
        return Path(platformdirs.user_config_path("taskstore")) / "config.yaml"
    except RuntimeError:  # a user without a home folder, as in a container
        return None
