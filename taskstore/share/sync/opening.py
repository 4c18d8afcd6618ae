"""From what a person names to the other side of an exchange: a remote's name, an address, a folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from ...core.errors import NotFound, Refused
from ...disk.layout import StorePaths
from ...store.store import LOCAL_FOLDER, Store
from ..remotes import names
from ..remotes.base import Remote
from . import tree
from .at_remote import RemotePeer
from .at_store import StorePeer
from .peer import Peer, Tick
from .plan import Way

_FILES_AT_ONCE = 6


@contextmanager
def opened(store: Store, name: str, way: Way, tick: Tick) -> Iterator[Peer]:
    """Open a remote by its name, or by its address. Raises NotFound, BadValue, Refused, and as the remote does."""
    known = names.resolve(store, name)
    if known.folder is not None:
        yield at_folder(store, known.folder, way, tick, is_trusted=known.is_trusted)
        return
    with (
        closing(names.open_remote(store, name)) as remote,
        at_remote(store, remote, tick, is_trusted=known.is_trusted) as peer,
    ):
        yield peer


@contextmanager
def at_remote(store: Store, remote: Remote, tick: Tick, *, is_trusted: bool = False) -> Iterator[Peer]:
    """Take a remote for the other side."""
    with ThreadPoolExecutor(_FILES_AT_ONCE, "taskstore-files") as pool:
        yield RemotePeer(store, remote, pool, tick, is_trusted=is_trusted)


def at_folder(store: Store, folder: Path, way: Way, tick: Tick, *, is_trusted: bool = False) -> StorePeer:
    """Take the store in a folder for the other side, or the `.taskstore` in it.

    Raises NotFound where there is none and none is to be made, Refused for the store itself.
    """
    if folder.is_file():
        raise NotFound(
            "store", str(folder), f"it is a file; `taskstore import {shlex.quote(str(folder))}` takes a zip in"
        )
    inner = folder / LOCAL_FOLDER
    if not StorePaths(folder).record.is_file() and StorePaths(inner).record.is_file():
        folder = inner
    if folder.resolve() == store.root.resolve():
        raise Refused(f"{folder} is this store itself; name another one")
    if (folder / tree.MANIFEST).is_file() and way.is_out:
        raise Refused(
            f"{folder} is a remote that others reach by its address, and not by its files; push to that address, so "
            "that they see what is new"
        )
    if not StorePaths(folder).record.is_file():
        if not way.is_out:
            raise NotFound("store", str(folder), "name the folder that taskstore.json is in; the first push makes one")
        if not folder.parent.is_dir():
            raise NotFound(
                "folder", str(folder.parent), "mount it, or make it with mkdir; the store in it is made then"
            )
    return StorePeer(store, folder, tick, is_trusted=is_trusted)
