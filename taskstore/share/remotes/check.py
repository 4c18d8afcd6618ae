"""Looking at a remote: whether it answers, and what of taskstore's is there."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum

from ...core.errors import NotSupported
from ...disk.layout import STORE
from ...store.store import Store
from . import names
from .steady import Patience

MANIFEST = "sync/manifest.json"
"""What `push` puts at a remote that is no store, last of all."""


class Holds(str, Enum):
    """What is at a remote."""

    STORE = "store"
    TASKS = "tasks"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Looked:
    """What a look at a remote has shown."""

    known: names.Known
    is_writable: bool
    """Whether its kind can be written; not whether its owner lets us."""
    holds: Holds


def look(store: Store, name_or_url: str, *, patience: Patience | None = None) -> Looked:
    """Connect to a remote, and say what is there. Raises as `names.open_remote` does, and RemoteError."""
    known = names.resolve(store, name_or_url)
    with closing(names.open_remote(store, name_or_url, patience=patience)) as remote:
        if remote.size(STORE) is not None:
            holds = Holds.STORE
        elif remote.size(MANIFEST) is not None:
            holds = Holds.TASKS
        else:
            holds = Holds.NOTHING
            with suppress(NotSupported):
                remote.names("sync")  # a bucket that is not there shows here
        return Looked(known, remote.is_writable, holds)
