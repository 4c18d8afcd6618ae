"""Files of MLflow's, copied below a folder: a task's that nobody sees yet, or one beside a task that grows."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ....core.errors import Damaged
from ....core.names import encode
from ....disk import archive
from ....disk.atomic import sha256_of
from ....disk.layout import TaskPaths
from ....disk.text import parse_yaml_object
from ....schema.artifact import Artifact, TypeData
from ....schema.model import Metadatum, Model
from ....schema.record import FileRef
from ....store import blobs
from ....store.store import Store
from .files import MLMODEL, Found, opened
from .runs import LoggedModel, text_of

_CHUNK_BYTES = 1 << 20
_MAX_LISTED = 20
_MAX_MLMODEL_BYTES = 1 << 20
_FRAMEWORKS = {
    "sklearn": "ScikitLearn",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "onnx": "ONNX",
    "paddle": "PaddlePaddle",
}
_ANY = "python_function"


class Taken:
    """Copies files below a folder, each durable; the folders are to be synced by whoever is done."""

    def __init__(self, store: Store, paths: TaskPaths) -> None:
        self._store = store
        self._paths = paths

    def artifact(self, found: Found) -> Artifact:
        """Copy a file, or pack a folder. Raises Damaged where one cannot be read."""
        folder = self._paths.artifact_folder(found.key)
        facts = found.path.lstat()
        name = found.key.rpartition("/")[2]
        kind = "application/zip" if found.is_folder else mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Artifact(
            key=found.key,
            type="archive" if found.is_folder else "custom",
            file=self._packed(found, folder, name) if found.is_folder else self._copied(found.path, folder, name),
            timestamp=datetime.fromtimestamp(facts.st_mtime, tz=timezone.utc),
            type_data=TypeData(content_type=kind, preview=_preview(found, name)),
        )

    def model(self, found: Found, model: Model) -> Model:
        """Pack the folder of a model as its weights, and set what its MLmodel says. Raises Damaged."""
        said = _mlmodel(found)
        flavors = said.get("flavors")
        names = [text_of(name) for name in flavors if name != _ANY] if isinstance(flavors, dict) else []
        model.framework = _FRAMEWORKS.get(names[0], names[0]) if names else ""
        for key in ("mlflow_version", "model_uuid", "utc_time_created"):
            if text_of(said.get(key)):
                model.metadata[key] = Metadatum(value=text_of(said[key]))
        signature = said.get("signature")
        if isinstance(signature, dict):  # its parts are JSON in texts; anything else may be a bomb of YAML's aliases
            parts = {text_of(key): text for key, text in signature.items() if isinstance(text, str)}
            model.metadata["signature"] = Metadatum(value=msgspec.json.encode(parts).decode(), type="json")
        model.is_package = True
        model.source = str(found.path)
        model.file = self._packed(found, self._paths.model_folder(model.name), found.key.rpartition("/")[2])
        return model

    def _copied(self, source: Path, folder: Path, name: str) -> FileRef:
        digest = hashlib.sha256()
        size_bytes = 0
        target = self._free(folder, name)
        with target.open("xb") as stream:
            for chunk in _chunks(source):
                digest.update(chunk)
                size_bytes += len(chunk)
                stream.write(chunk)
            _sync(stream)
        return self._settled(target, digest.hexdigest(), size_bytes)

    def _packed(self, found: Found, folder: Path, name: str) -> FileRef:
        target = self._free(folder, f"{name}.zip")
        with target.open("xb") as stream:
            archive.write(found.files, stream, lambda _: None)
            _sync(stream)
        return self._settled(target, sha256_of(target), target.stat().st_size)

    def _settled(self, target: Path, digest: str, size_bytes: int) -> FileRef:
        blobs.settle(self._store, target, digest, size_bytes)
        return FileRef(path=target.relative_to(self._paths.home).as_posix(), size=size_bytes, hash=digest)

    def _free(self, folder: Path, name: str) -> Path:
        """Return a path in a folder, which is made; further below where a name is taken."""
        target = folder / encode(name)
        count = 1
        while os.path.lexists(target):
            count += 1
            target = folder / str(count) / encode(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file of MLflow's. Raises Damaged where it cannot be read."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _preview(found: Found, name: str) -> str:
    if not found.is_folder:
        return f"{name} - {found.size_bytes:,} bytes"
    lines = [f"{member} - {path.lstat().st_size:,} bytes" for member, path in found.files[:_MAX_LISTED]]
    more = len(found.files) - _MAX_LISTED
    return "\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])


def _mlmodel(found: Found) -> Mapping[str, Any]:
    """Return what the file MLmodel says; nothing where it is missing or broken, which the archive shows as well."""
    path = found.path / MLMODEL
    if dict(found.files).get(MLMODEL) is None or path.lstat().st_size > _MAX_MLMODEL_BYTES:
        return {}
    try:
        return parse_yaml_object(path, b"".join(_chunks(path)))
    except Damaged:
        return {}


def described(model: Model, said: LoggedModel) -> Model:
    """Set what MLflow 3 says of a model besides its files."""
    model.created = model.last_update = said.created or model.created
    model.iteration = said.step
    model.metadata |= {f"param/{name}": Metadatum(value=text) for name, text in said.params.items()}
    tags = {name: text for name, text in said.tags.items() if not name.startswith("mlflow.")}
    model.metadata |= {f"tag/{name}": Metadatum(value=text) for name, text in tags.items()}
    if said.type:
        model.metadata["model_type"] = Metadatum(value=said.type)
    return model
