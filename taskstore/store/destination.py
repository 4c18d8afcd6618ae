"""Other places for files: a folder, or an address that fsspec understands; taskstore is what talks to them.

An address is recorded without its credentials. This process remembers the ones that it was given; another one needs
them where the place's own library looks for them (environment, configuration files).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..core.errors import BadValue, Damaged, NotFound, Refused, RemoteError
from ..core.urls import strip_credentials
from ..disk.atomic import chunks_of, sha256_of, write_blob
from . import fetched, kinds, ssh
from .store import Store

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SAFE = " '[]{}()$^,.;_-+=@!~"
_PAUSE_S = 300.0
_SSH = re.compile(r"(ssh|sftp)://")
_WEB = re.compile(r"https?://")
_WEB_WAIT_S = 60.0

_full: dict[str, str] = {}
"""By their recorded form, the addresses with credentials that this process was given."""
_down: dict[str, float] = {}
"""Places that have failed, and until when they are not asked again: each time may cost minutes."""


def recorded(uri: str) -> str:
    """Return the form in which an address is recorded, and remember its credentials in this process.

    A folder becomes absolute. Raises BadValue for what is no address, Refused where fsspec or its part is missing.
    """
    if not isinstance(uri, str) or not uri.strip():
        raise BadValue(f"output_uri must be a folder or an address such as s3://bucket/folder, not {uri!r}")
    if not _SCHEME.match(uri):
        return Path(uri).expanduser().absolute().as_posix()
    if not uri.startswith("file://"):
        kinds.check(uri)
    elif urlsplit(uri).netloc not in ("", "localhost"):
        raise BadValue(f"output_uri: {uri} is of another machine; a folder of this one is file:///folder, or its path")
    bare = strip_credentials(uri).rstrip("/")
    if bare != uri.rstrip("/"):
        _full[bare] = uri.rstrip("/")
    return bare


def put(root: str, parts: tuple[str, ...], source: Path) -> str:
    """Copy a file to a place below `root` (a recorded address); return its address there. Raises RemoteError.

    What stands there under that name is replaced. After a failure the place is left alone for five minutes.
    """
    if _down.get(root, 0.0) > time.monotonic():
        raise RemoteError(f"{root} has not answered a moment ago")
    try:
        return _put(root, parts, source)
    except RemoteError:
        _down[root] = time.monotonic() + _PAUSE_S
        raise


def address(root: str, parts: tuple[str, ...]) -> str:
    """Return the address of a place below `root`."""
    folder, relative = local_path(root), "/".join(_component(part) for part in parts)
    return f"{root}/{relative}" if folder is None else (folder / relative).as_uri()


def _put(root: str, parts: tuple[str, ...], source: Path) -> str:
    uri = address(root, parts)
    target = local_path(uri)
    with _as_remote_error(root):
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_blob(target, chunks_of(source))
        else:
            system, path = _opened(uri)
            system.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            system.put_file(str(source), path)
    return uri


def _component(part: str) -> str:
    """Spell a name as one component of an address; none leads out of its folder."""
    spelled = quote(part, safe=_SAFE)
    return spelled.replace(".", "%2E") if not spelled.strip(". ") else spelled


def remove(uri: str) -> None:
    """Delete what was put at an address; what cannot be is left."""
    local = local_path(uri)
    with contextlib.suppress(OSError, RemoteError, Refused):
        if local is not None:
            local.unlink(missing_ok=True)
            return
        with _as_remote_error(uri):
            system, path = _opened(uri)
            system.rm_file(path)


def fetch(store: Store, uri: str, *, digest: str = "", name: str = "", is_forced: bool = False) -> Path:
    """Return a local copy of what is at an address, in the store's cache, and checked where its SHA-256 is known.

    Of a file of this machine that is the file itself. Raises NotFound where that is gone, RemoteError, and Damaged
    where it is not what was put there.
    """
    local = local_path(uri)
    if local is not None:
        return _checked_local(local, digest)
    return _fetched(store, uri, digest, name, is_forced=is_forced)


def _fetched(store: Store, uri: str, digest: str, name: str, *, is_forced: bool) -> Path:
    key = digest or _hash_of(uri)
    own = _own_name(name) or _own_name(PurePosixPath(uri).name) or "file"
    found = None if is_forced else fetched.find(store, key, own)
    if found is not None:
        return found
    staging = fetched.aside(store, key)
    try:
        _bring(uri, staging)
        if digest and sha256_of(staging) != digest:
            raise Damaged(
                store.paths.fetched(key) / own, f"what is at {uri} has another SHA-256 than what was put there"
            )
        target = fetched.put(store, key, own, staging)
    finally:
        staging.unlink(missing_ok=True)
    fetched.make_room(store, keep=target.parent)
    return target


def _bring(uri: str, staging: Path) -> None:
    with _as_remote_error(uri):
        if is_web(uri):
            _download(uri, staging)
            return
        system, path = _opened(uri)
        system.get_file(path, str(staging))


def _checked_local(path: Path, digest: str) -> Path:
    if not path.exists():
        raise NotFound("file", str(path), "it was moved or deleted since it was recorded")
    if digest and sha256_of(path) != digest:
        raise Damaged(path, "its SHA-256 is not the one that was recorded")
    return path


def under_name(store: Store, path: Path, digest: str, name: str) -> Path:
    """Return a file under the name that it had, which libraries look at; `path` itself where that is its name.

    It is a link in the cache, or a copy. Where the store cannot be written it is `path`.
    """
    own = _own_name(name)
    if not own or path.name == own:
        return path
    try:
        found = fetched.find(store, digest, own)
        if found is not None:
            return found
        staging = fetched.aside(store, digest)
        try:
            os.link(path, staging)
        except OSError:
            shutil.copyfile(path, staging)
        return fetched.put(store, digest, own, staging)
    except OSError:
        return path


def _own_name(name: str) -> str:
    """The last component of a name, where a file system of any kind takes it."""
    own = PurePosixPath(name).name
    return own if own and not own.startswith(".") and not set(own) & set('<>:"\\|?*\0') and own.isprintable() else ""


def _hash_of(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def local_path(uri: str) -> Path | None:
    """Return the path of this machine that an address is; None where it is none."""
    if not _SCHEME.match(uri):
        return Path(uri).expanduser()
    if not uri.startswith("file://"):
        return None
    from urllib.request import url2pathname

    split = urlsplit(uri)
    return Path(url2pathname(split.path)) if os.name == "nt" else Path(unquote(split.path))


def name_of(uri: str) -> str:
    """Return the file's name at an address."""
    local = local_path(uri)
    return local.name if local is not None else unquote(PurePosixPath(urlsplit(uri).path).name)


def is_local(uri: str) -> bool:
    """Tell whether an address is a path of this machine."""
    return local_path(uri) is not None


def is_web(uri: str) -> bool:
    """Tell whether an address is of the web, which Python reads by itself."""
    return _WEB.match(uri) is not None


def _download(uri: str, target: Path) -> None:
    """Bring what a plain address of the web gives; the proxies of the environment are used."""
    import urllib.request

    with urllib.request.urlopen(uri, timeout=_WEB_WAIT_S) as response, target.open("wb") as out:  # noqa: S310 - http(s) alone comes here
        shutil.copyfileobj(response, out, 1 << 20)


@contextlib.contextmanager
def opened(uri: str) -> Iterator[tuple[Any, str]]:
    """Yield fsspec's file system of an address, and the path there; what goes wrong within is a RemoteError."""
    with _as_remote_error(uri):
        yield _opened(uri)


def _opened(uri: str) -> tuple[Any, str]:
    for bare, full in _full.items():
        if uri == bare or uri.startswith(f"{bare}/"):
            uri = full + uri[len(bare) :]
            break
    if _SSH.match(uri):
        kinds.check(uri)
        kind = ssh.file_system_class()
        return kind(**kind._get_kwargs_from_urls(uri)), str(kind._strip_protocol(uri))
    found: tuple[Any, str] = kinds.library().core.url_to_fs(uri)
    return found


@contextlib.contextmanager
def _as_remote_error(uri: str) -> Iterator[None]:
    """Turn what goes wrong at a place into RemoteError: each kind of place raises errors of its own library."""
    try:
        yield
    except (Refused, RemoteError):
        raise
    except Exception as error:
        raise RemoteError(f"{strip_credentials(uri)}: {type(error).__name__}: {error}") from error
