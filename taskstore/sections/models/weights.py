"""Weights of a model: into the task's folder, to the place where its files go, and back."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import BadValue, NotFound, ReadOnly, Refused
from ...core.names import decode
from ...disk import archive
from ...disk.layout import TaskPaths
from ...schema.model import Model, ModelsRecord, Snapshot
from ...schema.record import FileRef
from ...store import artifacts, blobs, copies, destination, models, outputs, places, tasks
from ...store.outputs import Warn
from ...store.progress import bar
from ...store.store import Store

_HASH_CHARS = 12


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Weights on their way in. `files` are packed by their names into one archive; else `path` is kept as it is.

    `place` is said in the first line of the model's comment. With `iteration` they are a snapshot, of which the latest
    `snapshots` stay (0: all).
    """

    path: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    name: str = ""
    is_package: bool = False
    iteration: int | None = None
    snapshots: int = 0
    source: str = ""
    place: str = ""
    upload_uri: str = ""

    def check(self) -> None:
        """Raise BadValue where there is nothing to keep."""
        if self.path is None and not self.files:
            raise BadValue("there are no weights to keep: no file was given, or the folder holds none")
        if self.path is not None and not self.path.is_file():
            raise BadValue(f"there is no file {str(self.path)!r}")


def parts_of(store: Store, path: Path) -> dict[str, Path]:
    """Return the files by their names that are one model together; nothing where it is a single file."""
    if not path.is_file():
        return files_below(store, path)
    data = path.with_name(f"{path.name}.data")  # where ONNX's exporters put weights, unless they are told otherwise
    if path.suffix == ".onnx" and data.is_file() and data.name.encode() in path.read_bytes():
        return {path.name: path, data.name: data}
    return {}


def files_below(store: Store, folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their names in it; the store is left out where it is in there."""
    if not folder.is_dir():  # a checkpoint of TensorFlow's is called by what its files' names begin with
        return {file.name: file for file in sorted(folder.parent.glob(f"{glob.escape(folder.name)}.*"))}
    return archive.files_below(folder, except_below=store.root.resolve())


def _open_model(store: Store, task_id: str, model_id: str) -> Model:
    """Return a model that may get weights, wherever its task is being moved to. Raises as `keep` does."""
    while True:
        paths = places.locate(store, task_id)
        try:
            artifacts.check_open(tasks.read(paths), "models")
            model = models.find(models.read(paths), model_id)
            models.check_unpublished(paths, model)
        except (FileNotFoundError, NotFound):
            if paths.record.exists():
                raise
            store.places.pop(task_id, None)  # moved between looking and reading
        else:
            return model


def keep(
    store: Store,
    task_id: str,
    model_id: str,
    kept: Kept,
    *,
    warn: Warn = lambda message: None,
) -> Model | None:
    """Keep weights as a model's current ones; whole and durable when this returns.

    Raises BadValue, ReadOnly (the task has ended), Refused (the model is published), NotFound, OSError (a full disk).
    """
    kept.check()
    model = _open_model(store, task_id, model_id)
    outside = outputs.of(store, task_id, uri=kept.upload_uri)
    size_bytes = sum(path.stat().st_size for path in kept.files.values())
    size_bytes += kept.path.stat().st_size if kept.path is not None else 0
    with bar(f"model {model.name}", size_bytes) as progress:

        def fill(stream: blobs.Stream) -> None:
            if kept.path is not None:
                _take(stream, kept.path, progress)
            else:
                archive.write(kept.files.items(), stream, progress)  # type: ignore[arg-type]  # a raw stream writes as a buffered one

        with blobs.staged(store, task_id, lambda at: at.model_folder(model.name), fill) as blob:
            uri = _put_outside(store, task_id, outside, blob, kept, warn)
            is_local = outside.keeps_local or not uri
            place = _Placed(store, model_id, kept, blob, uri, is_local=is_local)
            changed = models.change(store, task_id, place)
    if changed is None:
        return None
    for address in place.dropped:
        destination.remove(address)
    return changed


def _take(stream: blobs.Stream, path: Path, progress: Callable[[int], None]) -> None:
    try:
        source = path.open("rb", buffering=0)
    except OSError as error:
        raise BadValue(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    with source:
        stream.take(source, progress)


def _put_outside(
    store: Store, task_id: str, outside: outputs.Outputs, blob: blobs.Staged, kept: Kept, warn: Warn
) -> str:
    """Copy weights to where the task's files go, under a name that no other weights of the task have there."""
    if not outside.root:
        return ""
    record = models.read(places.locate(store, task_id))
    used = {item.uri: item.uri_hash for item in _with_addresses(record)}
    plain = ("models", kept.name)
    apart = ("models", blob.hash[:_HASH_CHARS], kept.name)
    for parts in (plain, apart):
        if used.get(outside.address(parts), blob.hash) == blob.hash:
            return outside.put(parts, blobs.path_of(store, task_id, blob), warn)
    return outside.put((*apart[:2], blob.hash, kept.name), blobs.path_of(store, task_id, blob), warn)


class _Placed:
    """The change of the record by which weights become a model's current ones."""

    def __init__(
        self, store: Store, model_id: str, kept: Kept, blob: blobs.Staged, uri: str, *, is_local: bool
    ) -> None:
        self._store = store
        self._model_id = model_id
        self._kept = kept
        self._blob = blob
        self._uri = uri
        self._is_local = is_local
        self.dropped: set[str] = set()
        """Addresses of weights that were put elsewhere, and that no record names now."""

    def __call__(self, paths: TaskPaths, record: ModelsRecord) -> Model:
        model = models.find(record, self._model_id)
        models.check_unpublished(paths, model)
        before = _addresses(record)
        if any(item.uri == self._uri != "" and item.uri_hash != self._blob.hash for item in _with_addresses(record)):
            self._uri, self._is_local = "", True  # somebody has put others there meanwhile
        model.file = self._file(paths, model) if self._is_local else None
        model.uri = self._uri
        model.uri_size, model.uri_hash = (self._blob.size, self._blob.hash) if self._uri else (0, "")
        model.is_package = self._kept.is_package
        model.source = self._kept.source
        model.comment = _commented(model.comment, self._kept.place)
        model.last_update = self._store.clock.now()
        if self._kept.iteration is not None:
            _remember(model, self._kept.iteration, self._kept.snapshots)
        self.dropped = before - _addresses(record)
        return model

    def _file(self, paths: TaskPaths, model: Model) -> FileRef:
        """Equal weights under an equal name are one file."""
        for item in (model.file, *(snapshot.file for snapshot in model.snapshots)):
            if item is not None and item.hash == self._blob.hash and _name_of(item) == self._kept.name:
                return item
        return blobs.place(self._store, paths, self._blob, paths.model_folder(model.name), self._kept.name)


_PLACES = ("saved as ", "weights at ")


def _commented(comment: str, place: str) -> str:
    """Return a comment that says first where weights are from, in the place of where those before were from."""
    if not place:
        return comment
    first, _, rest = comment.partition("\n")
    return f"{place}\n{rest if first.startswith(_PLACES) else comment}".rstrip("\n")


def _remember(model: Model, iteration: int, limit: int) -> None:
    model.iteration = iteration
    current = Snapshot(
        iteration=iteration,
        file=model.file,
        uri=model.uri,
        uri_size=model.uri_size,
        uri_hash=model.uri_hash,
        timestamp=model.last_update,
    )
    model.snapshots = [*(item for item in model.snapshots if item.iteration != iteration), current]
    if limit > 0:
        model.snapshots = model.snapshots[-limit:]


def _addresses(record: ModelsRecord) -> set[str]:
    return {item.uri for item in _with_addresses(record)}


def _with_addresses(record: ModelsRecord) -> list[Model | Snapshot]:
    """Return the models and snapshots whose weights were put elsewhere."""
    both: list[Model | Snapshot] = list(record.output.values())
    both += [item for model in record.output.values() for item in model.snapshots]
    return [item for item in both if item.uri_hash]


def _name_of(ref: FileRef) -> str:
    name = Path(ref.path).name
    return decode(name) or name


def register(
    store: Store,
    task_id: str,
    model_id: str,
    uri: str,
    *,
    iteration: int | None = None,
    source: str = "",
    place: str = "",
) -> Model | None:
    """Record where a model's weights are, without fetching them. Raises ReadOnly, Refused, NotFound."""

    def action(paths: TaskPaths, record: ModelsRecord) -> Model:
        model = models.find(record, model_id)
        models.check_unpublished(paths, model)
        model.file, model.uri, model.uri_size, model.uri_hash = None, uri, 0, ""
        model.iteration = model.iteration if iteration is None else iteration
        model.source = source
        model.comment = _commented(model.comment, place)
        model.last_update = store.clock.now()
        return model

    return models.change(store, task_id, action)


def local_path(store: Store, task_id: str, model: Model, *, is_forced: bool = False) -> Path:
    """Return a file with a model's weights under their own name: the task's, else fetched; it is not to be written to.

    Raises NotFound where they are gone, Refused where there are none, RemoteError, Damaged.
    """
    what = f"model {model.name!r}"
    if model.file is not None:
        try:
            path = copies.checked(places.locate(store, task_id), model.file, what)
        except NotFound:
            if not model.uri:
                raise
        else:
            return destination.under_name(store, path, model.file.hash, _name_of(model.file))
    if not model.uri:
        raise Refused(f"{what} has no weights yet: OutputModel.update_weights keeps some")
    return destination.fetch(
        store, model.uri, digest=model.uri_hash, name=destination.name_of(model.uri), is_forced=is_forced
    )


def remove(store: Store, task_id: str, model_id: str, *, keep_elsewhere: bool = False) -> None:
    """Delete a model and its weights, unless told otherwise also elsewhere. Raises NotFound, ReadOnly."""
    dropped: set[str] = set()

    def action(paths: TaskPaths, record: ModelsRecord) -> None:
        if tasks.read(paths).status == "published":
            raise ReadOnly(f"task {task_id[:12]} is published, and so are its models; deleting the task deletes them")
        before = _addresses(record)
        if record.output.pop(model_id, None) is None:
            given = [slot for slot, item in record.input.items() if item.model == model_id and item.about is not None]
            if not given:
                raise NotFound("model", model_id)
            for slot in given:
                del record.input[slot]
        dropped.update(before - _addresses(record))

    models.change(store, task_id, action, is_said=True)
    for address in () if keep_elsewhere else dropped:
        destination.remove(address)


def is_large(store: Store, path: Path, limit_mib: float) -> bool:
    """Tell whether a file, or the files that are one model, are together larger than so many MiB."""
    found = parts_of(store, path).values() or ([path] if path.is_file() else [])
    return sum(item.stat().st_size for item in found) > limit_mib * (1 << 20)
