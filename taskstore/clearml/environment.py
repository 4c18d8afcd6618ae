"""ClearML's environment variables and its clearml.conf, put into taskstore's own terms; in this mode only."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from ..run.mode import MASTER_VARIABLE, NO_REUSE_VARIABLE, OFFSET_VARIABLE, TASK_VARIABLE
from ..run.sink import warn

PREFIXES = ("CLEARML_", "TRAINS_")
_REUSE_HOURS = ("reuse", "window_hours")
_HISTORY = ("reports", "sample_history")
_OUTPUT = ("output", "uri")
_VARIABLES = ("capture", "environment_variables")
_DIFF = ("capture", "diff_mib")
_UNTRACKED = ("capture", "untracked_files")
_RESOURCES = ("resources", "start_after_s")
_ARGUMENTS = ("capture", "library_arguments")
_TRANSLATED = {
    "TASK_NO_REUSE": NO_REUSE_VARIABLE,
    "SET_ITERATION_OFFSET": OFFSET_VARIABLE,
    "TASK_ID": TASK_VARIABLE,
}
_SETTINGS = {"DEFAULT_OUTPUT_URI": _OUTPUT, "LOG_ENVIRONMENT": _VARIABLES}
_KEYS = {
    "sdk.development.task_reuse_time_window_in_hours": _REUSE_HOURS,
    "sdk.development.default_output_uri": _OUTPUT,
    "sdk.development.log_os_environments": _VARIABLES,
    "sdk.development.worker.report_start_sec": _RESOURCES,
    "sdk.metrics.file_history_size": _HISTORY,
}
_DIFF_KEY = "sdk.development.store_uncommitted_code_diff"
_CONFIGURATION = "clearml.conf"


def value(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return one of ClearML's variables, by either of its prefixes; nothing where it is not set."""
    return next((environ[prefix + name] for prefix in PREFIXES if environ.get(prefix + name)), "")


def apply(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set taskstore's variables by ClearML's, where they are not set themselves; children of the process see them.

    A variable goes before the configuration file, and what is set for taskstore before both.
    """
    for name, ours in _TRANSLATED.items():
        text = value(name, environ)
        if name == "TASK_ID":
            for prefix in PREFIXES:
                environ.pop(prefix + name, None)  # a second Task.init begins another task
            if environ.get(MASTER_VARIABLE):
                continue  # a child of the run joins its parent's task
        if text and not environ.get(ours):
            environ[ours] = text
    _set(environ, _ARGUMENTS, "true")
    for name, setting in _SETTINGS.items():
        _set(environ, setting, value(name, environ))
    for key, found in _configured(environ).items():
        if key != _DIFF_KEY:
            _set(environ, _KEYS[key], ",".join(map(str, found)) if isinstance(found, list) else str(found))
        elif found is False:
            _set(environ, _DIFF, "0")
            _set(environ, _UNTRACKED, "0")


def _set(environ: MutableMapping[str, str], setting: tuple[str, str], text: str) -> None:
    ours = f"TASKSTORE_{setting[0].upper()}__{setting[1].upper()}"
    if text and not environ.get(ours):
        environ[ours] = text


def _configured(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of clearml.conf that mean something here; none, and a warning, where it cannot be read."""
    named = value("CONFIG_FILE", environ)
    path = Path(named).expanduser() if named else Path(environ.get("HOME", "~")).expanduser() / _CONFIGURATION
    if not path.is_file():
        return {}
    try:
        library = importlib.import_module("pyhocon")
    except ImportError:
        warn(f"{path} is not read: `pip install 'taskstore[clearml]'` has it read")
        return {}
    try:
        tree = library.ConfigFactory.parse_file(str(path))
        return {key: tree.get(key) for key in (*_KEYS, _DIFF_KEY) if tree.get(key, None) not in (None, "")}
    except Exception as error:  # noqa: BLE001 - whatever a parser of people's files raises: the run goes on without it
        warn(f"{path} is not read: {type(error).__name__}: {error}")
        return {}
