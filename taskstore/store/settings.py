"""Settings: `config.yaml` in the store, over the user's own, over the defaults. People edit them; nothing here does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..core.errors import Damaged
from ..disk.text import parse_yaml_object, read_bytes
from ..schema import codec
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


class Settings(msgspec.Struct, kw_only=True):
    """All settings, as `docs/reference/configuration.md` describes them."""

    secrets: Secrets = msgspec.field(default_factory=Secrets)
    capture: Capture = msgspec.field(default_factory=Capture)


def load_sound(store: Store) -> tuple[Settings, str]:
    """Read the settings for a run, which must not fail for a slip in them: the defaults then, and what is wrong."""
    try:
        return load(store), ""
    except (Damaged, OSError) as error:
        return Settings(), f"{error}; the default settings hold for this run"


def load(store: Store | None, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings that hold for a store. Raises Damaged naming the file and the field."""
    merged: dict[str, object] = {}
    for path in (_user_file(environ), store.paths.config if store else None):
        if path is None or not path.is_file():
            continue
        value = parse_yaml_object(path, read_bytes(path))
        codec.convert(Settings, value, path)
        for section, fields in value.items():
            before = merged.get(section)
            both = isinstance(before, dict) and isinstance(fields, dict)
            merged[section] = {**before, **fields} if both else fields  # type: ignore[dict-item]
    return msgspec.convert(merged, Settings)


def _user_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    try:
        return Path(platformdirs.user_config_path("taskstore")) / "config.yaml"
    except RuntimeError:  # a user without a home folder, as in a container
        return None
