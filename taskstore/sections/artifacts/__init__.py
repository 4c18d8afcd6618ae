"""Artifacts: objects and files that a run keeps, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import BadValue, Refused
from ...disk import seal
from ...disk.layout import TaskPaths
from ...schema import artifact as records
from ...store import artifacts, blobs, destination, outputs, places
from ...store.hold import Hold
from ...store.outputs import Warn
from ...store.progress import bar
from ...store.store import Store
from . import sources
from .prepared import PICKLE, Prepared, cut
from .registered import TYPE, Watch
from .stored import Artifact

__all__ = ["Artifact", "Artifacts", "Watch"]

_MAX_KEY = 4096


class Artifacts(Mapping[str, Artifact]):
    """A task's artifacts by name. Every look reads the record anew; an Artifact is what was found then."""

    def __init__(
        self,
        store: Store,
        task_id: str,
        warn: Warn = lambda message: None,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._task_id = task_id
        self._warn = warn
        self._watch = watch

    def __repr__(self) -> str:
        return f"Artifacts(task {self._task_id!r})"

    def __getitem__(self, name: str) -> Artifact:
        return self._of(self._record().artifacts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._record().artifacts)

    def __len__(self) -> int:
        return len(self._record().artifacts)

    def find(self, name: str) -> Artifact:
        """Return one artifact. Raises NotFound, with the names that there are."""
        return self._of(artifacts.find(self._paths(), name))

    def upload(
        self,
        name: str,
        artifact_object: object,
        *,
        metadata: Mapping[str, object] | None = None,
        preview: object = None,
        extension_name: str | None = None,
        auto_pickle: bool = True,
        serialization_function: Callable[[Any], bytes | bytearray] | None = None,
        is_input: bool = False,
    ) -> Artifact:
        """Keep an object or a file, or replace what is kept by that name; whole and durable when this returns.

        What it becomes is in docs/reference/api.md. Raises BadValue for what cannot be written, ReadOnly for a task
        that has ended, OSError where the disk is full, and what the object's own library raises.
        """
        _check_key(name)
        said = _said(name, metadata)
        # Before an hour of copying, and again when it is done.
        artifacts.check_open(Hold(self._store, self._task_id).read())
        prepared = sources.prepare(
            name,
            artifact_object,
            suffix=extension_name,
            serialize=serialization_function,
            auto_pickle=auto_pickle,
            except_below=self._store.root.resolve(),
        )
        record = records.Artifact(
            key=name,
            type=prepared.type,
            mode=records.INPUT if is_input else records.OUTPUT,
            uri=prepared.uri,
            type_data=records.TypeData(
                content_type=prepared.content_type,
                preview=prepared.preview if preview is None else cut(str(preview)),
                facts=prepared.facts,
            ),
            display_data=said,
        )
        if prepared.uri:
            return self._of(artifacts.put(self._store, self._task_id, record))
        return self._of(self._put(record, prepared))

    def register(
        self,
        name: str,
        artifact: object,
        *,
        metadata: Mapping[str, object] | None = None,
        uniqueness_columns: bool | Sequence[str] = True,
    ) -> None:
        """Keep a pandas DataFrame, and store it again when the program has changed it, until the task is closed.

        It is looked at every few seconds, at a flush and at the end; on the disk is always a whole version. While it is
        looked at it is copied. Raises BadValue for anything else, Refused where the task is not this process's own.
        """
        _check_key(name)
        if self._watch is None:
            raise Refused(
                f"task {self._task_id[:12]} is not this process's open task; upload({name!r}, …) keeps a frame"
            )
        self._watch.register(
            name, artifact, self._keep_registered, metadata=metadata, uniqueness_columns=uniqueness_columns
        )

    def unregister(self, name: str) -> None:
        """Look at a registered DataFrame no more; what was stored last stays. Raises NotFound."""
        (self._watch or Watch()).unregister(name)

    def registered(self) -> dict[str, Any]:
        """Return the DataFrames that are looked at, by name: the program's own, not copies."""
        return self._watch.frames() if self._watch is not None else {}

    def _keep_registered(self, name: str, frame: object, said: Mapping[str, object]) -> None:
        prepared = sources.as_type(name, frame, TYPE)
        data = records.TypeData(content_type=prepared.content_type, preview=prepared.preview, facts=prepared.facts)
        said_of = [[str(key), str(value)] for key, value in said.items()]
        self._put(records.Artifact(key=name, type=TYPE, type_data=data, display_data=said_of), prepared)

    def _put(self, record: records.Artifact, prepared: Prepared) -> records.Artifact:
        def folder(paths: TaskPaths) -> Path:
            return paths.artifact_folder(record.key)

        outside = outputs.of(self._store, self._task_id)
        with bar(f"artifact {record.key}", prepared.total_bytes) as progress:

            def fill(stream: blobs.Stream) -> None:
                if prepared.source is not None:
                    _take(stream, prepared.source, progress)
                elif prepared.write is not None:
                    prepared.write(stream, progress)  # type: ignore[arg-type]  # a raw stream writes as a buffered one

            with blobs.staged(self._store, self._task_id, folder, fill) as blob:
                if prepared.type == PICKLE:
                    record.type_data.seal = seal.seal(PICKLE, blob.hash)
                path = blobs.path_of(self._store, self._task_id, blob)
                record.uri = outside.put(("artifacts", record.key, prepared.file_name), path, self._warn)
                if record.uri:
                    record.uri_size, record.uri_hash = blob.size, blob.hash
                kept = blob if outside.keeps_local or not record.uri else None
                return artifacts.put(self._store, self._task_id, record, kept, prepared.file_name)

    def delete(self, *names: str) -> None:
        """Delete artifacts, files included. Raises NotFound, and then none was, or ReadOnly."""
        outside = [item.uri for key, item in self._record().artifacts.items() if key in names and item.uri_hash]
        artifacts.delete(self._store, self._task_id, names)
        for uri in outside:
            destination.remove(uri)

    def _of(self, record: records.Artifact) -> Artifact:
        return Artifact(self._store, self._task_id, record)

    def _paths(self) -> TaskPaths:
        return places.locate(self._store, self._task_id)

    def _record(self) -> records.ArtifactsRecord:
        return artifacts.read(self._paths())


def _check_key(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_KEY:
        raise BadValue(f"an artifact's name must be a text of 1 to {_MAX_KEY} characters, not {name!r}")


def _said(name: str, metadata: object) -> list[list[str]]:
    if metadata is not None and not isinstance(metadata, Mapping):
        raise BadValue(f"artifact {name!r}: metadata must be a dictionary, not {type(metadata).__name__}")
    return [[str(key), str(value)] for key, value in (metadata or {}).items()]


def _take(stream: blobs.Stream, path: Path, progress: Callable[[int], None]) -> None:
    try:
        source = path.open("rb", buffering=0)
    except OSError as error:
        raise BadValue(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    with source:
        stream.take(source, progress)
