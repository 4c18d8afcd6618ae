"""What a task needs before its process starts: its code, and an interpreter with its packages."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..run import launch
from ..store import places
from ..store.store import Store
from .options import Options

_OUTPUT = "output.log"


@dataclass(frozen=True)
class Prepared:
    """How a task's process is started; its standard streams go to `output`."""

    plan: launch.Plan
    python: Path
    output: Path
    variables: Mapping[str, str]


def prepared(store: Store, task_id: str, options: Options, work: Path, held: contextlib.ExitStack) -> Prepared:
    """Make ready what a task needs; what must stay while it runs is held by `held`. Raises Refused saying why not."""
    folder = work / task_id
    folder.mkdir(parents=True, exist_ok=True)
    paths = places.locate(store, task_id)
    plan = launch.plan(store, paths, is_claimed=True)
    return Prepared(plan, Path(sys.executable), folder / _OUTPUT, {})
