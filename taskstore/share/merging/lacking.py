"""Files that a task lacks though it knows of them: they were left out where it came from, and may come later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...disk.layout import RECORD
from ...schema import codec
from ...schema.record import TaskRecord
from ...store import left_out
from . import units
from .reading import SAMPLES, Survey, files_of_value
from .spelling import shown_values
from .state import TaskState


def lacks(here: Survey, joined: TaskState, sizes: Mapping[str, int]) -> bool:
    """Tell whether a source, whose files have these sizes, has one that a task here should have and has not."""
    own = here.by_hash()
    for name, value in shown_values(joined).items():
        for path, file in files_of_value(name, value):
            if file.hash not in own and file.size in (sizes.get(path), sizes.get(units.aside(path, file.hash))):
                return True
    record = codec.decode(TaskRecord, here.records[RECORD], Path(joined.id, RECORD))
    # Of other samples that are not here, later ones have taken the place.
    return any(name not in here.files and left_out.may_miss(record, name) for name in sizes if name.startswith(SAMPLES))
