"""ClearML's environment variables and its clearml.conf, put into taskstore's own terms; in this mode only."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from ..run.mode import MASTER_VARIABLE, NO_REUSE_VARIABLE, OFFSET_VARIABLE, TASK_VARIABLE

PREFIXES = ("CLEARML_", "TRAINS_")
_TRANSLATED = {
    "TASK_NO_REUSE": NO_REUSE_VARIABLE,
    "SET_ITERATION_OFFSET": OFFSET_VARIABLE,
    "TASK_ID": TASK_VARIABLE,
}


def value(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return one of ClearML's variables, by either of its prefixes; nothing where it is not set."""
    return next((environ[prefix + name] for prefix in PREFIXES if environ.get(prefix + name)), "")


def apply(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set taskstore's variables by ClearML's, where they are not set themselves; children of the process see them."""
    for name, ours in _TRANSLATED.items():
        text = value(name, environ)
        if name == "TASK_ID" and environ.get(MASTER_VARIABLE):
            continue  # a child of the run joins its parent's task
        if text and not environ.get(ours):
            environ[ours] = text
        if name == "TASK_ID":
            for prefix in PREFIXES:
                environ.pop(prefix + name, None)  # a second Task.init begins another task
