"""ClearML's StorageManager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from .. import storage
from ..core.errors import TaskstoreError
from ..run.sink import warn
from .errors import as_value_error, refuse


class StorageManager:
    """Files at other places, and copies of them in the store's cache."""

    @classmethod
    def get_local_copy(
        cls,
        remote_url: str,
        cache_context: str | None = None,  # noqa: ARG003 - there is one cache
        extract_archive: bool = True,
        name: str | None = None,  # noqa: ARG003 - it is called as it is there
        force_download: bool = False,
    ) -> str | None:
        """Return a local path of a file, or of an archive's folder; None, and a warning, where there is none."""
        try:
            found = storage.get_local_copy(remote_url, extract_archive=extract_archive, force_download=force_download)
        except TaskstoreError as error:
            warn(str(error))
            return None
        return str(found)

    @classmethod
    def download_file(
        cls,
        remote_url: str,
        local_folder: str | None = None,
        overwrite: bool = False,
        skip_zero_size_check: bool = False,  # noqa: ARG003
        silence_errors: bool = False,
    ) -> str | None:
        """Copy a file into a folder, else into the working directory; None, and a warning, where that fails."""
        target = Path(local_folder or ".") / storage.name_of(remote_url)
        try:
            return str(storage.download_file(remote_url, target, overwrite=overwrite))
        except TaskstoreError as error:
            _tell(error, silence_errors)
            return None

    @classmethod
    def download_folder(
        cls,
        remote_url: str,
        local_folder: str | None = None,
        match_wildcard: str | None = None,
        overwrite: bool = False,
        skip_zero_size_check: bool = False,  # noqa: ARG003
        silence_errors: bool = False,
        max_workers: int | None = None,  # noqa: ARG003
    ) -> str | None:
        """Copy the files below a place into a folder, else into the working directory; return the folder."""
        folder = Path(local_folder or ".")
        try:
            storage.download_folder(remote_url, folder, match=match_wildcard, overwrite=overwrite)
        except TaskstoreError as error:
            _tell(error, silence_errors)
            return None
        return str(folder)

    @classmethod
    def upload_file(
        cls,
        local_file: str,
        remote_url: str,
        wait_for_upload: bool = True,  # noqa: ARG003 - it is there when this returns
        retries: int | None = None,  # noqa: ARG003
    ) -> str:
        """Copy a file to a place; return its address."""
        with as_value_error():
            return storage.upload_file(Path(local_file), remote_url)

    @classmethod
    def upload_folder(
        cls,
        local_folder: str,
        remote_url: str,
        match_wildcard: str | None = None,
        retries: int | None = None,  # noqa: ARG003
    ) -> str:
        """Copy the files below a folder to a place; return its address."""
        with as_value_error():
            storage.upload_folder(Path(local_folder), remote_url, match=match_wildcard)
        return remote_url

    @classmethod
    def set_cache_file_limit(cls, cache_file_limit: int, cache_context: str | None = None) -> int:  # noqa: ARG003
        """Keep so many fetched files in the cache."""
        return storage.set_cache_file_limit(cache_file_limit)

    @classmethod
    def set_report_download_chunk_size(cls, chunk_size_mb: int) -> None:
        """Change nothing: no progress is reported."""

    @classmethod
    def set_report_upload_chunk_size(cls, chunk_size_mb: int) -> None:
        """Change nothing: no progress is reported."""

    @classmethod
    def exists_file(cls, remote_url: str) -> bool:
        """Tell whether there is a file."""
        return storage.exists_file(remote_url)

    @classmethod
    def get_file_size_bytes(cls, remote_url: str, silence_errors: bool = False) -> int | None:
        """Return the size of a file; None, and a warning, where there is none."""
        try:
            return storage.size_bytes(remote_url)
        except TaskstoreError as error:
            _tell(error, silence_errors)
            return None

    @classmethod
    def list(
        cls,
        remote_url: str,
        return_full_path: bool = False,
        with_metadata: bool = False,
        read_hash: bool = False,  # noqa: ARG003
    ) -> list[Any] | None:
        """Return the names of the files below a place, or a dictionary of `name` and `size` for each."""
        try:
            found = storage.files_of(remote_url)
        except TaskstoreError as error:
            warn(str(error))
            return None
        named = {storage.below(remote_url, name) if return_full_path else name: size for name, size in found.items()}
        return [{"name": name, "size": size} for name, size in named.items()] if with_metadata else [*named]

    @classmethod
    def get_metadata(
        cls, remote_url: str, return_full_path: bool = False, read_hash: bool = False
    ) -> dict[str, Any] | None:  # noqa: ARG003
        """Return `name` and `size` of a file; None, and a warning, where there is none."""
        size = cls.get_file_size_bytes(remote_url)
        name = remote_url if return_full_path else storage.name_of(remote_url)
        return None if size is None else {"name": name, "size": size}

    @classmethod
    def get_stream(cls, remote_url: str, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield a file's bytes in pieces."""
        return storage.stream(remote_url, chunk_size) if chunk_size else storage.stream(remote_url)

    @classmethod
    def get_files_server(cls) -> NoReturn:
        """Raise NotSupported."""
        refuse("get_files_server", "Task.output_uri names a place for files")

    @classmethod
    def storage_helper(cls) -> NoReturn:
        """Raise NotSupported."""
        refuse("storage_helper", "StorageManager.list, get_metadata and download_file list, measure and copy files")


def _tell(error: TaskstoreError, is_silent: bool) -> None:
    if not is_silent:
        warn(str(error))
