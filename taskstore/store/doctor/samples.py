"""Checks of debug samples, and of pictures that are plots: what the logs name is there, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.errors import Damaged
from ...disk.atomic import is_temporary, sha256_of
from ...disk.layout import TaskPaths
from ...disk.log import read_complete
from ...schema.record import FileRef
from .. import left_out, plots
from ..liveness import may_be_written
from ..store import Store
from .finding import Finding, Kind


def check(store: Store, paths: TaskPaths, *, is_frozen: bool) -> Iterator[Finding]:
    """Yield samples that are missing or changed, and blobs that no line names or that a later line has replaced."""
    try:
        named, replaced = _named(paths)
    except (OSError, Damaged):
        return  # said of the log already
    for path, ref in named.items():
        if path not in replaced:
            yield from _blob(paths, ref)
    if is_frozen:
        return  # a manifest names every file
    for file in sorted(path for path in paths.samples.rglob("*") if path.is_file()):
        path = file.relative_to(paths.home).as_posix()
        if is_temporary(file.name) or (path in named and path not in replaced) or may_be_written(store, file):
            continue
        why = "a later sample has replaced it" if path in replaced else "a crash left it, and no log names it"
        yield Finding(Kind.SAMPLE, file, why, "move it to quarantine")


def _named(paths: TaskPaths) -> tuple[dict[str, FileRef], set[str]]:
    """Return the blobs that logs name, by path, and the paths that have been replaced."""
    named: dict[str, FileRef] = {}
    replaced: set[str] = set()
    for log in plots.media_logs(paths):
        for event in plots.decode_media(read_complete(log)):
            replaced.update(event.replaces)
            if event.file is not None:
                named[event.file.path] = event.file
    for log in plots.plot_logs(paths):
        for plot in plots.decode_plots(read_complete(log)):
            if plot.file is not None:
                named[plot.file.path] = plot.file
    return named, replaced


def _blob(paths: TaskPaths, ref: FileRef) -> Iterator[Finding]:
    path = plots.path_of(paths, ref)
    why = None
    if path is None:
        path, why = paths.events, f"a log names a file outside the task: {ref.path!r}"
    else:
        try:
            size = path.stat().st_size
            if size != ref.size:
                why = f"its log says {ref.size} bytes, it has {size}"
            elif sha256_of(path) != ref.hash:
                why = "its SHA-256 is not the one in its log"
        except FileNotFoundError:
            why = None if left_out.is_left_out(paths, ref.path) else "a log names it, and it is missing"
        except (OSError, ValueError) as error:
            why = f"it cannot be read: {error}"
    if why:
        yield Finding(Kind.BLOB, path, why)
