"""Runs that other programs have recorded, brought into a store: one module a format, listed here."""

from __future__ import annotations

import importlib
from pathlib import Path

from ...core.errors import BadValue, Damaged, NotFound, Refused, TaskstoreError
from .base import Importer

KINDS: dict[str, str] = {
    "clearml": "clearml_offline",
    "mlflow": "mlflow",
    "wandb": "wandb_offline",
    "guild": "guild",
    "tensorboard": "tensorboard",
}
"""What a format is called, and the module that reads it, which is imported when it is used.

They are asked in this order what is at a path: folders of others may hold event files too.
"""


def of_kind(kind: str) -> Importer:
    """Return the importer of a format. Raises BadValue."""
    if kind not in KINDS:
        raise BadValue(f"nothing is imported from {kind!r}; there is {', '.join(KINDS)}")
    module = importlib.import_module(f".{KINDS[kind]}", __package__)
    importer: Importer = module.IMPORTER
    return importer


def of_path(path: Path) -> Importer:
    """Return the importer that knows what is at a path. Raises NotFound; BadValue, Damaged, Refused where none does."""
    if not path.exists():
        raise NotFound("file or folder", str(path))
    failure: TaskstoreError | None = None
    for kind in KINDS:
        importer = of_kind(kind)
        try:
            if importer.recognises(path):
                return importer
        except (Damaged, Refused) as error:  # another one may know better
            failure = failure or error
    if failure is not None:
        raise failure
    raise BadValue(f"{str(path)!r} is nothing that can be imported; --from says what it is: {', '.join(KINDS)}")
