"""What an importer fills: a task that nobody sees yet, its logs and files, and the records that name them."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ...core import nesting, values
from ...core.errors import BadValue, Damaged
from ...core.names import encode
from ...core.secrets import Masker
from ...disk.atomic import make_folders, replace_record, write_blob
from ...disk.layout import TaskPaths
from ...schema import codec
from ...schema.artifact import OUTPUT, Artifact, ArtifactsRecord, TypeData
from ...schema.record import FileRef, Parameter, ParamsRecord, ScriptRecord
from ...store import blobs
from ...store.store import Store
from ..importers.base import Notes
from .logs import Logs, text_of
from .tfrecords import open_plain

_CHUNK_BYTES = 1 << 20
_MAX_PARAMETERS = 20_000
_MAX_TEXT = 1 << 20
_PREVIEW_BYTES = 4 << 10


@dataclass
class Facts:
    """What a run says of itself, besides its logs, parameters, script and artifacts. An empty status: completed."""

    tags: list[str] = field(default_factory=list)
    type: str = ""
    comment: str = ""
    user: str = ""
    host: str = ""
    runtime: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    message: str = ""
    ended: datetime | None = None


class Draft:
    """One run. Whoever fills it closes it by `finish`."""

    def __init__(self, store: Store, paths: TaskPaths, source_id: str, masker: Masker, notes: Notes) -> None:
        self.paths = paths
        self.facts = Facts()
        self.params = ParamsRecord(rev=1)
        self.script = ScriptRecord(rev=1)
        self.artifacts = ArtifactsRecord(rev=1)
        self.notes = notes
        self.masker = masker
        self._store = store
        self._source_id = source_id
        self._logs: dict[str, Logs] = {}

    def logs(self, part: str = "") -> Logs:
        """Return the logs of a part of the run, such as one of its files: each grows at its own end."""
        if part not in self._logs:
            name = f"{self._source_id}\0{part}"
            writer = f"imported-0-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
            self._logs[part] = Logs(self._store, self.paths, writer)
        return self._logs[part]

    @property
    def latest(self) -> float:
        """When the last thing was reported, in seconds since 1970; 0 where nothing was."""
        return max((logs.latest for logs in self._logs.values()), default=0.0)

    def parameters(self, section: str, found: Mapping[str, object]) -> None:
        """Record parameters, nested ones by their paths; what looks like a credential is masked."""
        try:
            flat = nesting.flatten(found)
        except BadValue as error:
            self.notes.add(f"parameters of {section} were left out: {error}")
            return
        kept = self.params.hyperparams.setdefault(text_of(section), {})
        for name, value in flat.items():
            if len(kept) == _MAX_PARAMETERS:
                self.notes.add(f"of the parameters of {section} the first {_MAX_PARAMETERS:,} are kept")
                break
            shown = text_of(name)
            text, kind = values.to_text(value)
            masked = self.masker.value(shown, text[:_MAX_TEXT])
            if masked != text[:_MAX_TEXT]:
                self.notes.add(f"{section}/{shown} looks like a credential, and was masked")
            elif len(text) > _MAX_TEXT:
                self.notes.add(f"of {section}/{shown} the first {_MAX_TEXT:,} characters are kept")
            kept[shown] = Parameter(masked, kind or None)
        if not kept:
            del self.params.hyperparams[text_of(section)]

    def keep(self, target: Path, chunks: Iterable[bytes]) -> FileRef:
        """Write a file of the task. Raises what `chunks` raise."""
        make_folders(target.parent, until=self.paths.home)
        digest, size_bytes = write_blob(target, chunks)
        blobs.settle(self._store, target, digest, size_bytes)
        return FileRef(path=target.relative_to(self.paths.home).as_posix(), size=size_bytes, hash=digest)

    def artifact(
        self, key: str, path: Path, *, about: Mapping[str, str] | None = None, name: str = "", mode: str = OUTPUT
    ) -> None:
        """Copy a file as an artifact, under its own name or another. Raises Damaged where it is no plain file."""
        key = text_of(key)
        if not key or key in self.artifacts.artifacts:
            self.notes.add(f"a second artifact {key!r} was left out")
            return
        name = text_of(name or path.name)
        file = self.keep(self.paths.artifact_folder(key) / encode(name), chunks_of(path))
        content_type = mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
        data = TypeData(content_type=content_type)
        if content_type.startswith("text/") and file.size <= _PREVIEW_BYTES:
            data.preview = (self.paths.home / file.path).read_text("utf-8", "replace")
        display = [[what, text] for what, text in (about or {}).items() if text]
        self.artifacts.artifacts[key] = Artifact(
            key=key,
            type="custom",
            mode=mode,
            file=file,
            type_data=data,
            display_data=display,
            timestamp=self.facts.ended,
        )

    def requirements(self, text: str) -> None:
        """Record the packages that were installed, as pip spells them."""
        found = {}
        for line in text.splitlines():
            name, pinned, version = line.partition("#")[0].partition(";")[0].partition("==")
            if pinned and name.strip():
                found[name.strip()] = version.strip()
        if found:
            make_folders(self.paths.source, until=self.paths.home)
            replace_record(self.paths.environment, text.encode("utf-8", "replace"))
            self.script.requirements = found

    def finish(self) -> None:
        """Close the logs and write the records, durable."""
        for logs in self._logs.values():
            logs.close()
        for path, record in (
            (self.paths.params, self.params),
            (self.paths.script, self.script),
            (self.paths.artifacts, self.artifacts),
        ):
            if record != type(record)(rev=1):
                replace_record(path, codec.encode(record))

    def abandon(self) -> None:
        """Close the logs of what will be thrown away."""
        for logs in self._logs.values():
            logs.close()


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file that is no link and no device, up to where its end was. Raises Damaged."""
    with open_plain(path) as stream:
        left = os.fstat(stream.fileno()).st_size
        try:
            while left and (chunk := stream.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk
        except OSError as error:
            raise Damaged(path, f"it cannot be read: {error.strerror}") from None


def read_text(path: Path, max_bytes: int) -> str:
    """Return the text of a small file. Raises Damaged where it is none, or larger than that; FileNotFoundError."""
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > max_bytes:
        raise Damaged(path, f"it is no plain file of at most {max_bytes >> 10} KiB")
    return b"".join(chunks_of(path)).decode("utf-8", "replace")
