"""The files of a task in a session: artifacts, weights, debug samples, pictures of plots."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ....core.errors import Damaged, NotFound
from ....core.names import decode
from ....disk.atomic import chunks_of
from ....disk.layout import TaskPaths
from ....schema.artifact import Artifact
from ....schema.model import Model
from ....schema.record import FileRef
from ....store import artifacts, copies, models, plots
from ....store.plots import DebugSample
from ...notes import Notes
from .sink import Names, Sink, component

DATA = "data"
_MEDIA_TYPES = {
    ("pickle", "application/python-pickle"): "application/pickle",
    ("pandas", "text/csv+gzip"): "text/csv",
    ("data-audit-table", "text/csv+gzip"): "text/csv",
}
"""What ClearML calls the media type of which taskstore says more exactly what it is: it reads files by it."""


@dataclass(frozen=True)
class Put:
    """A file in the session: its name there, and what was written."""

    member: str
    size: int
    hash: str


class Files:
    """Writes a task's files into a session, and says which name each has got. `progress` hears of the bytes."""

    def __init__(
        self,
        sink: Sink,
        paths: TaskPaths,
        place: str,
        *,
        notes: Notes,
        progress: Callable[[int], None],
    ) -> None:
        self.pictures: dict[str, str] = {}
        self.samples: list[tuple[DebugSample, str]] = []
        self._sink = sink
        self._paths = paths
        self._place = place
        self._notes = notes
        self._progress = progress
        self._names = Names()
        self._targets = Names()

    def artifacts(self) -> list[dict[str, Any]]:
        """Write the artifacts; return what task.json says of them."""
        found = []
        for item in artifacts.read(self._paths).artifacts.values():
            put = None
            if item.file is not None:
                folder = f"{self._place}/artifacts/{component(item.key)}"
                put = self._put(item.file, f"artifact {item.key!r}", folder)
            if put is None and not item.uri:
                self._notes.add(f"artifact {item.key!r} is left out: its file is not there")
            else:
                found.append(self._artifact(item, put))
        return found

    def _artifact(self, item: Artifact, put: Put | None) -> dict[str, Any]:
        data = item.type_data
        if data.facts:
            self._notes.add(f"of artifact {item.key!r} the types of its columns are left out")
        content_type = _MEDIA_TYPES.get((item.type, data.content_type), data.content_type)
        said: dict[str, Any] = {
            "key": item.key,
            "type": item.type,
            "mode": item.mode,
            "uri": put.member if put else item.uri,
            "type_data": {"preview": data.preview, "content_type": content_type},
            "display_data": item.display_data,
        }
        digest, size = (put.hash, put.size) if put else (item.uri_hash, item.uri_size)
        if digest:
            said |= {"hash": digest, "content_size": size}
        if item.timestamp is not None:
            said["timestamp"] = int(item.timestamp.timestamp())
        return said

    def models(self, output_uri: str, folder: Path | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Write the models' weights; return what task.json says of the models, and of the artifacts that hold them.

        ClearML's reader looks for weights on the machine that imports, and not in a zip: so each is an artifact too,
        of which there is one copy. `folder` is where the session will lie, if it is one.
        """
        record = models.read(self._paths)
        found, kept = [], []
        for model in record.output.values():
            put = None
            if model.file is not None:
                put = self._put(model.file, f"the weights of model {model.name!r}", f"{self._place}/artifacts/model")
            if put is None and not model.uri and not model.source:
                self._notes.add(f"model {model.name!r} is left out: nobody says where its weights are")
                continue
            found.append(self._model(model, put, output_uri, folder))
            if put is not None:
                kept.append(_weights_artifact(model, put))
            self._note_model(model)
        for slot in record.input:
            self._notes.add(f"that the task was given model {slot!r} is left out: ClearML knows its models by id")
        return found, kept

    def _model(self, model: Model, put: Put | None, output_uri: str, folder: Path | None) -> dict[str, Any]:
        weights: dict[str, Any] = {"update_comment": False, "is_package": model.is_package}
        if put is not None:
            weights["weights_filename"] = str(folder / put.member) if folder else put.member
            weights["target_filename"] = self._target(model, put)
        elif model.uri:
            weights["register_uri"] = model.uri
        else:
            weights["weights_filename"] = model.source
            self._notes.add(
                f"the weights of model {model.name!r} are not in the store: it says that they are elsewhere"
            )
        if model.iteration is not None:
            weights["iteration"] = model.iteration
        said: dict[str, Any] = {"name": model.name, "tags": model.tags, "comment": model.comment}
        said |= {"framework": model.framework} if model.framework else {}
        said |= {"label_enumeration": model.labels} if model.labels else {}
        said |= {"config_text": model.design} if model.design else {}
        return {"id": model.id, "output_uri": output_uri, "init": said, "weights": weights}

    def _target(self, model: Model, put: Put) -> str:
        """Return what the reader is to call the uploaded weights: by it one model replaces another of its task."""
        suffix = PurePosixPath(put.member).suffix
        name = component(f"{(model.slot or model.name).removesuffix(suffix)}{suffix}")
        return self._targets.fresh("", name).lstrip("/").replace("/", "-")

    def _note_model(self, model: Model) -> None:
        left = {
            f"{len(model.snapshots)} earlier weights": bool(model.snapshots),
            "metadata": bool(model.metadata),
            "that it is published": model.ready,
        }
        for what, is_left in left.items():
            if is_left:
                self._notes.add(f"of model {model.name!r} is left out: {what}")

    def media(self) -> None:
        """Write debug samples and the pictures of plots: `samples` and `pictures` are then their names."""
        for sample in plots.read_samples(self._paths):
            if sample.path is None:
                self.samples.append((sample, ""))
                continue
            ref = FileRef(path=sample.path.relative_to(self._paths.home).as_posix(), size=0, hash="")
            step = f"{max(0, sample.iteration):08d}"
            name = sample.name or f"{step}{sample.path.suffix}"
            put = self._put(ref, "a debug sample", f"{self._metric(sample.title, sample.series)}/{step}", name)
            if put is not None:
                self.samples.append((sample, put.member))
        for event in plots.walk_plots(self._paths):
            if event.file is not None:
                put = self._put(event.file, "the picture of a plot", self._metric(event.metric, event.variant))
                self.pictures |= {event.file.path: put.member} if put else {}

    def _metric(self, title: str, series: str) -> str:
        return f"{self._place}/metrics/{component(title)}/{component(series)}"

    def _put(self, ref: FileRef, what: str, folder: str, name: str = "") -> Put | None:
        """Write one file; None where it cannot be read, which is noted."""
        with self._notes.of(f"{what} is left out", Damaged, NotFound):
            path = copies.checked(self._paths, ref, what)
            own = name or decode(path.name) or path.name
            member = self._names.fresh(folder, PurePosixPath(own).name or own)
            return self._written(path, member, ref, what)
        return None

    def _written(self, path: Path, member: str, ref: FileRef, what: str) -> Put:
        digest, size = hashlib.sha256(), 0

        def pieces() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks_of(path):
                digest.update(chunk)
                size += len(chunk)
                self._progress(len(chunk))
                yield chunk

        self._sink.put(member, pieces())
        if ref.hash and ref.hash != digest.hexdigest():
            self._notes.add(f"{what} is not what it was: its file has another SHA-256 than its record says")
        return Put(member, size, digest.hexdigest())


def _weights_artifact(model: Model, put: Put) -> dict[str, Any]:
    stamp = model.last_update or model.created
    return {
        "key": f"model {model.slot or model.name}",
        "type": "custom",
        "mode": "output",
        "uri": put.member,
        "hash": put.hash,
        "content_size": put.size,
        "type_data": {"preview": f"the weights of model {model.name}", "content_type": "application/octet-stream"},
        "display_data": [["model", model.name]],
        **({"timestamp": int(stamp.timestamp())} if stamp else {}),
    }
