"""From one format of a store to the next: one numbered function a step, run in order under the store's lock.

`STEPS[n]` takes a store of format n to format n + 1. Each is idempotent, so that an interrupted migration is run
again from its start, and format 1 has none before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import Damaged, TooNew
from .record import FORMAT

Step = Callable[[Path], None]
STEPS: Mapping[int, Step] = {}


def check(found: int, path: Path, *, known: int = FORMAT) -> bool:
    """Tell whether a store of this format must be migrated; raises TooNew where it is later than this program."""
    if found > known:
        raise TooNew(path, found, known)
    return found < known


def migrate(root: Path, found: int, record: Callable[[int], None], *, steps: Mapping[int, Step] = STEPS) -> None:
    """Run every step from format `found` on; `record` writes the number reached after each.

    Raises Damaged, and changes nothing, where no step leads on from there.
    """
    if found not in steps:
        raise Damaged(root, f"there is no format {found}")
    while found in steps:
        steps[found](root)
        found += 1
        record(found)
