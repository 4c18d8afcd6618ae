"""Tasks that travelled, merged: a task's state is data, `join` knows what both know, `bring_in` makes a store's task that.

See docs/explanation/merging.md.
"""

from .bringing import Origin, Outcome, bring_in, records_of
from .reading import read_state
from .state import File, TaskState, Unit, Version, conflicts, digest, is_trashed, join

__all__ = [
    "File",
    "Origin",
    "Outcome",
    "TaskState",
    "Unit",
    "Version",
    "bring_in",
    "conflicts",
    "digest",
    "is_trashed",
    "join",
    "read_state",
    "records_of",
]
