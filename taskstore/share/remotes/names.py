"""Remotes by name: which ones a store knows, and opening one."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import BadName, Conflict, NotFound, Refused
from ...disk.atomic import replace_record
from ...disk.lock import edit_lock
from ...disk.text import read_bytes
from ...schema import codec
from ...schema.remotes import RemoteRecord, RemotesRecord
from ...store.store import Store, writing
from . import addresses, opening
from .base import Remote
from .steady import Patience

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
_HINT = "`taskstore remote ls` lists them, and ./NAME is a folder"


@dataclass(frozen=True)
class Known:
    """A remote's name, its address, and whether it is trusted; the name is empty for one that was not added."""

    name: str
    url: str
    is_trusted: bool = False

    @property
    def folder(self) -> Path | None:
        """The folder that it is; None where it is not one of this machine."""
        return addresses.folder_of(self.url)


def add(store: Store, name: str, url: str, *, is_trusted: bool = False) -> Known:
    """Give an address a name in a store; nothing is connected to. The same again changes whether it is trusted.

    Raises BadName, BadValue, Refused (credentials in the address, a missing package, the store itself), and Conflict
    where the name is another address's.
    """
    if not _NAME.match(name):
        raise BadName("remote", name, "it is 1 to 64 letters, digits, '_', '-' and '.', and begins with none of '-.'")
    url = addresses.checked(url)
    opening.check(url)
    known = Known(name, url, is_trusted)
    if known.folder is not None and known.folder.resolve() == store.root.resolve():
        raise Refused(f"{url} is this store itself; name another folder")
    with writing(store), edit_lock(store.paths.lock, store.locks):
        record, previous = _read(store)
        there = record.remotes.get(name)
        if there is not None and there.url != url:
            raise Conflict(
                f"the remote {name} is {there.url}; `taskstore remote rm {name}` first, or take another name"
            )
        if there is not None and there.trusted == is_trusted:
            return known
        added = there.added if there is not None else store.clock.now()
        record.remotes[name] = RemoteRecord(url=url, trusted=is_trusted, added=added)
        _write(store, record, previous)
    return known


def listed(store: Store) -> list[Known]:
    """Return all remotes of a store, by name. Raises Damaged."""
    record, _ = _read(store)
    return [Known(name, each.url, each.trusted) for name, each in sorted(record.remotes.items())]


def get(store: Store, name: str) -> Known:
    """Return the remote of that name. Raises NotFound."""
    for each in listed(store):
        if each.name == name:
            return each
    raise NotFound("remote", name, _HINT)


def remove(store: Store, name: str) -> Known:
    """Forget a remote; what is there stays. Raises NotFound."""
    with writing(store), edit_lock(store.paths.lock, store.locks):
        record, previous = _read(store)
        gone = record.remotes.pop(name, None)
        if gone is None:
            raise NotFound("remote", name, _HINT)
        _write(store, record, previous)
    return Known(name, gone.url, gone.trusted)


def resolve(store: Store, name_or_url: str) -> Known:
    """Return the remote of that name, or, for an address or a folder (spelled with a `/`, `.` or `~`), that one.

    An address that a name has is taken with its trust. Raises NotFound, and as `add` does.
    """
    is_address = bool(addresses.scheme_of(name_or_url)) or re.match(r"[.~]|.*[/\\:]", name_or_url) is not None
    if not is_address:
        return _named(store, name_or_url)
    url = addresses.checked(name_or_url)
    return next((each for each in listed(store) if each.url == url), Known("", url))


def _named(store: Store, name: str) -> Known:
    try:
        return get(store, name)
    except NotFound:
        if not Path(name).is_file():
            raise
        raise NotFound("remote", name, f"it is a file; `taskstore import {shlex.quote(name)}` takes a zip in") from None


def open_remote(store: Store, name_or_url: str, *, patience: Patience | None = None) -> Remote:
    """Return the remote of that name or at that address; it connects when it is first asked for something.

    Raises as `resolve` does, and Refused where the package that it needs is missing; the message says what to install.
    """
    return opening.opened(addresses.checked(resolve(store, name_or_url).url), patience)  # people edit records


def _read(store: Store) -> tuple[RemotesRecord, bytes]:
    path = store.paths.remotes
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return RemotesRecord(), b""
    return codec.decode(RemotesRecord, data, path), data


def _write(store: Store, record: RemotesRecord, previous: bytes) -> None:
    record.rev += 1
    path = store.paths.remotes
    replace_record(path, codec.encode_over(record, previous, path) if previous else codec.encode(record))
