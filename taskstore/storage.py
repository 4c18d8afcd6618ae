"""Files at other places, and copies of them: folders of this machine, addresses of the web, and what fsspec reaches.

Local paths and file:// need nothing that is not there; http(s) is read by Python itself; all else goes through fsspec
(`pip install 'taskstore[remote]'`). Copies lie in the store's cache; those least recently used go when there are too
many, or when they are more than the setting `cache.fetched_mib` allows.
"""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .core.errors import BadValue, NotFound
from .disk import archive
from .disk.atomic import chunks_of, make_folders, sha256_of, write_blob
from .run import session as sessions
from .store import copies, destination, fetched
from .store.destination import name_of as name_of
from .store.store import Store, open_default

DEFAULT_LIMIT = 100
_CHUNK_BYTES = 1 << 20
_limit: list[int] = [DEFAULT_LIMIT]


def _store() -> Store:
    session = sessions.current()
    return session.store if session is not None else open_default()


def get_local_copy(remote_url: str, *, extract_archive: bool = True, force_download: bool = False) -> Path:
    """Return a local path of a file; of an archive (zip, tar) the folder that it is unpacked into.

    What lies on this machine is not copied: its own path is returned. Raises NotFound, RemoteError, Damaged, Refused.
    """
    store = _store()
    path = destination.fetch(store, _address(remote_url), is_forced=force_download)
    if not destination.is_local(remote_url):
        fetched.make_room(store, keep=path.parent, max_files=_limit[0])
    if not (extract_archive and path.is_file() and archive.is_archive(path.name)):
        return path
    return copies.unpacked(store, path, sha256_of(path))


def _address(remote_url: str) -> str:
    return remote_url if destination.is_web(remote_url) else destination.recorded(remote_url)


def set_cache_file_limit(limit: int) -> int:
    """Keep so many fetched files in the cache, from this process's next one on; return the limit.

    What other processes have used within the last ten minutes is kept besides.
    """
    if limit < 1:
        raise BadValue(f"cache_file_limit is {limit}; it is a number from 1 on")
    _limit[0] = limit
    return limit


def exists_file(remote_url: str) -> bool:
    """Tell whether there is a file, which a folder is not."""
    local = destination.local_path(remote_url)
    if local is not None:
        return local.is_file()
    with destination.opened(remote_url) as (system, path):
        return bool(system.isfile(path))


def size_bytes(remote_url: str) -> int:
    """Return the size of a file. Raises NotFound, RemoteError."""
    local = destination.local_path(remote_url)
    if local is not None:
        if not local.is_file():
            raise NotFound("file", str(local))
        return local.stat().st_size
    with destination.opened(remote_url) as (system, path):
        return int(system.size(path) or 0)


def files_of(remote_url: str) -> dict[str, int]:
    """Return the files below a place, by their names relative to it, with their sizes. Raises NotFound, RemoteError."""
    local = destination.local_path(remote_url)
    if local is not None:
        if not local.is_dir():
            raise NotFound("folder", str(local))
        found = archive.files_below(local, except_below=local / ".no-such-folder")
        return {name: path.stat().st_size for name, path in found.items()}
    with destination.opened(remote_url) as (system, path):
        root = path.rstrip("/")
        listed: dict[str, Any] = system.find(root, detail=True)
        return {name[len(root) :].lstrip("/"): int(facts.get("size") or 0) for name, facts in sorted(listed.items())}


def download_file(remote_url: str, target: Path, *, overwrite: bool = False) -> Path:
    """Copy a file to a path, whole or not at all; what is there stays unless `overwrite` is given."""
    if target.exists() and not overwrite:
        return target
    make_folders(target.parent, until=Path(target.anchor))
    local = destination.local_path(remote_url)
    if local is not None and not local.is_file():
        raise NotFound("file", str(local))
    source = local if local is not None else destination.fetch(_store(), _address(remote_url), is_forced=True)
    write_blob(target, chunks_of(source))
    return target


def download_folder(remote_url: str, folder: Path, *, match: str | None = None, overwrite: bool = False) -> list[Path]:
    """Copy the files below a place into a folder, subfolders kept; `match` is a wildcard for their names."""
    copied = []
    for name in files_of(remote_url):
        if match and not fnmatch.fnmatch(name, match) and not fnmatch.fnmatch(PurePosixPath(name).name, match):
            continue
        if ".." in PurePosixPath(name).parts:
            continue
        copied.append(download_file(below(remote_url, name), folder / name, overwrite=overwrite))
    return copied


def upload_file(local_file: Path, remote_url: str) -> str:
    """Copy a file to a place, replacing what is there; return its address. Raises NotFound, RemoteError."""
    if not local_file.is_file():
        raise NotFound("file", str(local_file))
    local = destination.local_path(remote_url)
    if local is not None:
        make_folders(local.parent, until=Path(local.anchor or "."))
        write_blob(local, chunks_of(local_file))
        return remote_url
    with destination.opened(remote_url) as (system, path):
        with contextlib.suppress(OSError):  # places without folders refuse to make one
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
        system.put_file(str(local_file), path)
    return remote_url


def upload_folder(local_folder: Path, remote_url: str, *, match: str | None = None) -> list[str]:
    """Copy the files below a folder to a place, subfolders kept; return their addresses."""
    if not local_folder.is_dir():
        raise NotFound("folder", str(local_folder))
    found = archive.files_below(local_folder, except_below=local_folder / ".no-such-folder")
    wanted = {name: path for name, path in found.items() if not match or fnmatch.fnmatch(name, match)}
    return [upload_file(path, below(remote_url, name)) for name, path in wanted.items()]


def stream(remote_url: str, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
    """Yield a file's bytes in pieces. Raises NotFound, RemoteError."""
    local = destination.local_path(remote_url)
    if local is not None:
        if not local.is_file():
            raise NotFound("file", str(local))
        with local.open("rb") as source:
            while chunk := source.read(chunk_bytes):
                yield chunk
        return
    with destination.opened(remote_url) as (system, path), system.open(path, "rb") as source:
        while chunk := source.read(chunk_bytes):
            yield chunk


def below(remote_url: str, name: str) -> str:
    """Return the address of what lies below a place."""
    return f"{remote_url.rstrip('/')}/{name}" if "://" in remote_url else str(Path(remote_url) / name)
