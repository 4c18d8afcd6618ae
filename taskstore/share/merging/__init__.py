"""Tasks that travelled, merged: a state is data, `join` knows what both know, `bring_in` makes a store's task that.

See docs/explanation/merging.md.
"""

from ...schema.ancestry import Unit, Version, shown
from .bringing import DELETED, MERGED, NEW, SKIPPED, UNCHANGED, Origin, Outcome, bring_in
from .exchange import decode_state, encode_state
from .frozen import check_joinable, manifest_of
from .own import known_ids, own_state, stamp
from .reading import is_shared, read_state, survey
from .spelling import records_of
from .state import File, TaskState, conflicts, digest, is_conflict, is_trashed, join

__all__ = [
    "DELETED",
    "MERGED",
    "NEW",
    "SKIPPED",
    "UNCHANGED",
    "File",
    "Origin",
    "Outcome",
    "TaskState",
    "Unit",
    "Version",
    "bring_in",
    "check_joinable",
    "conflicts",
    "decode_state",
    "digest",
    "encode_state",
    "is_conflict",
    "is_shared",
    "is_trashed",
    "join",
    "known_ids",
    "manifest_of",
    "own_state",
    "read_state",
    "records_of",
    "shown",
    "stamp",
    "survey",
]
