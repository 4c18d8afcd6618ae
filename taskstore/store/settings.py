"""Settings: `config.yaml` in the store, over the user's own, over the defaults. People edit them; nothing here does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ..core.errors import Damaged
from ..core.secrets import Masker
from ..disk.text import parse_yaml_object, read_bytes
from ..schema import codec
from .samples import DEFAULT_HISTORY
from .store import Store

CONFIG_VARIABLE = "TASKSTORE_CONFIG"


class Secrets(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Names that are masked besides the built-in ones, and names that never are; `*` and `?` as in a shell."""

    extra: list[str] = []
    allowed: list[str] = []


class Capture(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what is captured, sizes in MiB, and the environment variables to record (wildcards allowed)."""

    diff_mib: float = 10
    untracked_file_mib: float = 10
    untracked_total_mib: float = 100
    untracked_files: int = 2000
    bundle_mib: float = 100
    environment_variables: list[str] = []


class Reports(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many debug samples of each series a process keeps; 0 keeps all."""

    sample_history: int = DEFAULT_HISTORY


class Models(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many snapshots of weights stay (0: all), whether those that a program saves are copied, up to which size."""

    snapshots: int = 3
    auto_copy: bool = True
    auto_copy_mib: float = 16384


class Output(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where artifacts and weights of new runs go besides the task's folder, and whether they stay in that too."""

    uri: str = ""
    keep_local: bool = True


class Reuse(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether Task.init uses the task of the last run again where it is not told, and for how long after that run."""

    by_default: bool = False
    window_hours: float = 72


class Settings(msgspec.Struct, kw_only=True):
    """All settings, as `docs/reference/configuration.md` describes them."""

    secrets: Secrets = msgspec.field(default_factory=Secrets)
    capture: Capture = msgspec.field(default_factory=Capture)
    reports: Reports = msgspec.field(default_factory=Reports)
    reuse: Reuse = msgspec.field(default_factory=Reuse)
    models: Models = msgspec.field(default_factory=Models)
    output: Output = msgspec.field(default_factory=Output)


def load_sound(store: Store, *, environ: Mapping[str, str] = os.environ) -> tuple[Settings, str]:
    """Read the settings for a run, which must not fail for a slip in them, and say what is wrong.

    What is sound in the files holds. Nothing is masked less for a slip: of a section `secrets` with an error each text
    in it is taken for a name to mask, and where a file cannot be read at all every name is.
    """
    sound, slips = Settings(), []
    for path in _files(store, environ):
        try:
            sections = parse_yaml_object(path, _bytes_of(path))
        except (Damaged, OSError) as error:
            slips.append(f"{error}; until it is put right the values of all parameters are masked")
            sound.secrets.extra.append("*")
            continue
        for name, fields in sections.items():
            try:
                codec.convert(Settings, {name: fields}, path)
            except Damaged as error:
                slips.append(f"{error}; the rest of the file holds")
                if name == "secrets":
                    sound.secrets.extra.extend(_texts(fields))
            else:
                _take(sound, name, fields)
            if name not in Settings.__struct_fields__:
                slips.append(f"{path}: no settings are called {name!r}")
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


def _files(store: Store | None, environ: Mapping[str, str]) -> Iterator[Path]:
    """The files that there are, the weaker first; one that the environment names must be there to be read."""
    user = _user_file(environ)
    if user is not None and (user.is_file() or environ.get(CONFIG_VARIABLE)):
        yield user
    if store is not None and store.paths.config.is_file():
        yield store.paths.config


def load(store: Store | None, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings that hold for a store. Raises Damaged naming the file and the field."""
    merged: dict[str, object] = {}
    for path in _files(store, environ):
        value = parse_yaml_object(path, _bytes_of(path))
        codec.convert(Settings, value, path)
        for section, fields in value.items():
            before = merged.get(section)
            both = isinstance(before, dict) and isinstance(fields, dict)
            merged[section] = {**before, **fields} if both else fields  # type: ignore[dict-item]
    return msgspec.convert(merged, Settings)


def masker(store: Store | None) -> Masker:
    """Return what masks credentials as the settings say. Raises Damaged."""
    secrets = load(store).secrets
    return Masker(tuple(secrets.extra), tuple(secrets.allowed))


def _bytes_of(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        raise Damaged(path, f"there is no such file, and {CONFIG_VARIABLE} names it") from None


def _user_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    try:
        return Path(platformdirs.user_config_path("taskstore")) / "config.yaml"
    except RuntimeError:  # a user without a home folder, as in a container
        return None
