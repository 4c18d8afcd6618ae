"""Tasks to compare, made without running anything."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import FileRef, Parameter, ParamsRecord, ScriptRecord
from taskstore.sections.reports import Writer
from taskstore.store import configuration, tasks
from taskstore.store.samples import Sample
from taskstore.store.store import Store


def png(shade: int, size: int = 24) -> bytes:
    """A grey square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([shade]) * size for _ in range(size))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def task_of(
    store: Store,
    name: str,
    *,
    project: str = "examples",
    parameters: Mapping[str, str] | None = None,
    script: str | None = None,
    packages: Mapping[str, str] | None = None,
    config: str | None = None,
) -> TaskPaths:
    """Make a draft with parameters of the section Args, a script, packages and a configuration object."""
    paths = tasks.create(store, project, name)
    hyperparams = {"Args": {key: Parameter(value) for key, value in (parameters or {}).items()}}

    def fill(record: ParamsRecord) -> None:
        record.hyperparams = hyperparams

    tasks.edit_params(store, paths.id, fill)
    if script is not None:
        data = script.encode()
        path = paths.source / "train.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        file = FileRef(path=f"{paths.source.name}/train.py", size=len(data), hash=hashlib.sha256(data).hexdigest())

        def code(record: ScriptRecord) -> None:
            record.standalone, record.entry_point = file, "train.py"
            record.requirements = dict(packages or {})

        tasks.edit_script(store, paths.id, code)
    if config is not None:
        configuration.put(store, paths.id, "model", configuration.Content(config.encode(), "yaml", "yaml"))
    return paths


@contextlib.contextmanager
def reporting(paths: TaskPaths) -> Iterator[Writer]:
    """Report to a task within the block, as its run would."""

    def failed(error: Exception) -> None:
        raise error

    writer = Writer(lambda: paths, failed)
    try:
        yield writer
    finally:
        writer.close()


def curve(paths: TaskPaths, title: str, series: str, values: Sequence[float]) -> None:
    """Report one series."""
    with reporting(paths) as writer:
        for iteration, value in enumerate(values):
            writer.scalar(title, series, value, iteration)


def picture(paths: TaskPaths, title: str, series: str, iteration: int, shade: int) -> None:
    """Report one picture as a debug sample."""
    with reporting(paths) as writer:
        writer.media(title, series, Sample(".png", "image/png", "square.png", [png(shade)]), iteration)


def page(paths: TaskPaths, title: str, series: str, iteration: int, text: str) -> None:
    """Report an HTML page as a debug sample."""
    with reporting(paths) as writer:
        writer.media(title, series, Sample(".html", "text/html", "page.html", [text.encode()]), iteration)


def ids(*paths: TaskPaths) -> str:
    """Return the ids as the address has them."""
    return ",".join(each.id for each in paths)
