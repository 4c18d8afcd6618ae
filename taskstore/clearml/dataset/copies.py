"""A version that is kept, closed, and copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core.errors import Refused, TaskstoreError
from ...run.sink import warn
from ..errors import BadCall, as_value_error
from .held import HeldDataset


class Kept(HeldDataset):
    """Keeps the files of the version, closes it, and gives copies of it."""

    def upload(
        self,
        show_progress: bool = True,
        verbose: bool = False,
        output_url: str | None = None,
        compression: int | None = None,
        chunk_size: int | None = None,
        max_workers: int | None = None,
        retries: int = 3,
        preview: bool = True,
        upload_as_external_links: bool = False,
    ) -> None:
        """Keep the files in the store; `chunk_size` is in MiB."""
        if output_url:
            self._task.details.set_output_uri(output_url)
        with as_value_error():
            self._dataset.upload(**({"chunk_mib": chunk_size} if chunk_size else {}))

    def finalize(self, verbose: bool = False, raise_on_error: bool = True, auto_upload: bool = False) -> bool:
        """Close the version. ValueError where something is not uploaded."""
        try:
            self._dataset.finalize(auto_upload=auto_upload)
        except Refused as error:
            if raise_on_error:
                raise BadCall(str(error)) from error
            warn(str(error))
            return False
        return True

    def publish(self, raise_on_error: bool = True) -> bool:
        """Make the version read-only for good."""
        from ..held import attempt

        return attempt(self._task.lifecycle.publish, ignore_errors=not raise_on_error)

    def is_dirty(self) -> bool:
        """Tell whether something is not uploaded."""
        return self._dataset.is_dirty()

    def is_final(self) -> bool:
        """Tell whether the version is closed."""
        return self._dataset.is_final()

    def get_local_copy(
        self,
        use_soft_links: bool | None = None,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
        files: Sequence[str] | None = None,
    ) -> str:
        """Return a folder with all files, or with those of these names; it belongs to the store."""
        with as_value_error():
            return str(self._dataset.get_local_copy(part=part, num_parts=num_parts, files=files or None))

    def get_mutable_local_copy(
        self,
        target_folder: str | Path,
        overwrite: bool = False,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
    ) -> str | None:
        """Copy all files to a folder, which is the caller's."""
        try:
            return str(
                self._dataset.get_mutable_local_copy(target_folder, overwrite=overwrite, part=part, num_parts=num_parts)
            )
        except TaskstoreError as error:
            if raise_on_error:
                raise BadCall(str(error)) from error
            warn(str(error))
            return None

    def verify_dataset_hash(
        self, local_copy_path: str | None = None, skip_hash: bool = False, verbose: bool = False
    ) -> list[str]:
        """Return the names of files that are not what the version says."""
        return list(self._dataset.verify(local_copy_path, skip_hash=skip_hash))
