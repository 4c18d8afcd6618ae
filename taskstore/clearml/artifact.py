"""An artifact of a task, by ClearML's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ..core.errors import TaskstoreError
from ..disk.atomic import sha256_of
from ..run.sink import warn
from ..sections.artifacts import Artifact as NativeArtifact
from ..sections.artifacts import Artifacts


class Artifact:
    """One artifact, as it was when it was looked up."""

    def __init__(self, artifact: NativeArtifact) -> None:
        self._artifact = artifact

    def __repr__(self) -> str:
        return f"Artifact({self.name!r}, type={self.type!r}, size={self.size})"

    def get(
        self,
        force_download: bool = False,  # noqa: ARG002 - nothing is downloaded
        deserialization_function: Callable[[bytes | bytearray], Any] | None = None,
        block_unsafe_artifacts: bool = False,  # noqa: ARG002 - what was not written here is always refused
    ) -> Any:  # noqa: ANN401 - what was uploaded
        """Return the object again. Of a pickle, only one that was written by this account on this machine."""
        return self._artifact.get(deserialization_function=deserialization_function)

    def get_local_copy(
        self,
        extract_archive: bool = True,
        raise_on_error: bool = False,
        force_download: bool = False,  # noqa: ARG002 - nothing is downloaded
    ) -> str | None:
        """Return the path of the file, or of the folder of an unpacked archive; both are the store's own."""
        try:
            return str(self._artifact.get_local_copy(extract_archive=extract_archive))
        except (TaskstoreError, OSError) as error:
            if raise_on_error:
                raise ValueError(str(error)) from error
            warn(str(error))
            return None

    @property
    def name(self) -> str:
        """The name that it was uploaded by."""
        return self._artifact.name

    @property
    def type(self) -> str:
        """What it was: pandas, numpy, image, dict, string, archive, custom, pickle, …"""
        return self._artifact.type

    @property
    def mode(self) -> str:
        """Input or output."""
        return self._artifact.mode

    @property
    def url(self) -> str:
        """The address of the file."""
        return self._artifact.address()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._artifact.size

    @property
    def hash(self) -> str:
        """SHA-256 of the file, in hex."""
        return self._artifact.hash

    @property
    def timestamp(self) -> datetime | None:
        """When it was uploaded."""
        return self._artifact.timestamp

    @property
    def metadata(self) -> dict[str, str]:
        """What was said of it, as text."""
        return self._artifact.metadata

    @property
    def preview(self) -> str:
        """A text to look at."""
        return self._artifact.preview

    def verify_pickle_file_integrity(self, local_file: str) -> None:
        """Raise ValueError where the file does not have the artifact's SHA-256."""
        from pathlib import Path

        if sha256_of(Path(local_file)) != self.hash:
            raise ValueError(f"{local_file} does not have the SHA-256 of artifact {self.name!r}")


class ArtifactsView(Mapping[str, Artifact]):
    """A task's artifacts by name; each look reads the record anew."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def __getitem__(self, name: str) -> Artifact:
        return Artifact(self._artifacts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._artifacts)

    def __len__(self) -> int:
        return len(self._artifacts)

    def __repr__(self) -> str:
        return repr({name: self[name] for name in self})
