"""ClearML's offline sessions: a task becomes what `Task.import_offline_session` of ClearML's own SDK reads."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from ....core.errors import BadValue
from ....disk.layout import TaskPaths
from ....schema.codec import encode_plain
from ....store import places, tasks
from ....store.progress import bar
from ....store.store import Store
from ...notes import Notes
from .. import base
from . import document
from .files import DATA, Files
from .reports import Reports
from .sink import FolderSink, Sink, ZipSink, component

_KINDS = {
    "training_stats_scalar": "scalars",
    "plot": "plots",
    "training_debug_image": "debug_samples",
    "log": "console_lines",
}


class ClearmlOffline:
    """Writes one session a task: `offline-<task id>.zip`, or unpacked a folder of that name."""

    takes_many = False

    def check(self, count: int, options: base.Options) -> None:
        """Raise BadValue where several tasks are to go into one file, or an unpacked session into a zip."""
        if options.tables:
            raise BadValue("--table is of --to csv, jsonl and parquet; a session of ClearML holds all of a task")
        if options.output_uri and not options.is_unpacked:
            raise BadValue("--output-uri wants --unpacked: ClearML's reader finds no weights in a zip to upload")
        if options.output is None or options.output.suffix.lower() != ".zip" or options.output.is_dir():
            return
        if options.is_unpacked:
            raise BadValue(f"-o {options.output} is a zip and --unpacked makes a folder; give one of them")
        if count > 1:
            raise BadValue(f"-o {options.output} takes one task, and there are {count}; name a folder for their zips")

    def check_free(self, tasks: Sequence[TaskPaths], options: base.Options) -> None:
        """Raise Conflict where there is a session in the place of one of these."""
        for paths in tasks:
            base.check_free(_target(paths, options), is_forced=options.is_forced, is_folder=options.is_unpacked)

    def takes_file(self, name: str, options: base.Options) -> bool:
        """Tell that all of a task goes into its session."""
        return True

    def run(self, store: Store, tasks: Sequence[TaskPaths], options: base.Options) -> base.Exported:
        """Write the session of a task. Raises Conflict, Damaged, Refused."""
        (paths,) = tasks
        target = _target(paths, options)
        export = _Export(store, paths, options, target)
        with _opened(target, options) as sink, bar(f"export {paths.id[:12]}", _total_bytes(paths)) as progress:
            export.write(sink, progress)
        return base.Exported((target,), dict(export.counts), tuple(export.notes.texts()))


def _total_bytes(paths: TaskPaths) -> int:
    return sum(path.stat().st_size for path in paths.files.rglob("*") if path.is_file()) if paths.files.is_dir() else 0


def _target(paths: TaskPaths, options: base.Options) -> Path:
    """A zip's name is the zip's; any other is the folder that the session is put into."""
    output = (options.output or Path()).expanduser()
    if output.suffix.lower() == ".zip" and not output.is_dir():
        return output
    return output / (_session_id(paths) if options.is_unpacked else f"{_session_id(paths)}.zip")


def _session_id(paths: TaskPaths) -> str:
    return f"offline-{paths.id}"


@contextmanager
def _opened(target: Path, options: base.Options) -> Iterator[Sink]:
    with base.aside(target, is_forced=options.is_forced, is_folder=options.is_unpacked) as staging:
        if options.is_unpacked:
            yield FolderSink(staging)
            return
        with zipfile.ZipFile(staging, "w", allowZip64=True) as opened:
            yield ZipSink(opened)


class _Export:
    """One export: files first, then the logs that name them, and task.json last."""

    def __init__(self, store: Store, paths: TaskPaths, options: base.Options, target: Path) -> None:
        self.notes = Notes()
        self.counts: Counter[str] = Counter()
        self._paths = paths
        self._options = options
        self._folder = target.absolute() if options.is_unpacked else None
        self._record = tasks.read(paths)
        self._project = places.project_of(store, paths.home)

    def write(self, sink: Sink, progress: Callable[[int], None]) -> None:
        own_id = _session_id(self._paths)
        place = f"{DATA}/{component(self._project)}/{component(self._record.name)}.{own_id}"
        said = document.of_task(self._paths, self._record, self._project, self.notes)
        files = Files(sink, self._paths, place, notes=self.notes, progress=progress)
        artifacts = files.artifacts()
        found, weights = files.models(self._options.output_uri, self._folder)
        files.media()
        reports = Reports(self._paths, own_id, files, self.notes)
        _put_lines(sink, "metrics.jsonl", reports.metrics())
        _put_lines(sink, "log.jsonl", reports.console(self._record.host or self._record.user))
        said["id"] = own_id
        said["execution"]["artifacts"] = [*artifacts, *_named(weights, artifacts)]
        said["offline_output_models"] = found
        sink.put("task.json", [encode_plain(dict(sorted(said.items())))])
        self.counts |= {_KINDS[kind]: count for kind, count in reports.counts.items()}
        self.counts |= {"artifacts": len(artifacts), "models": len(found)}
        self._note_models(weights)

    def _note_models(self, weights: list[dict[str, Any]]) -> None:
        if weights and not (self._options.output_uri and self._folder):
            self.notes.add(
                "ClearML registers the models by the path of their weights, which it does not find in a zip: they are "
                "artifacts 'model …'; with --unpacked and --output-uri its reader uploads them as models"
            )


def _named(weights: list[dict[str, Any]], artifacts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each model's artifact a key that no other has."""
    taken = {item["key"] for item in artifacts}
    for item in weights:
        key, count = item["key"], 1
        while item["key"] in taken:
            count += 1
            item["key"] = f"{key} ({count})"
        taken.add(item["key"])
    return weights


def _put_lines(sink: Sink, name: str, lines: Iterator[bytes]) -> None:
    """Write a log; there is no file of one without lines."""
    first = next(lines, None)
    if first is not None:
        sink.put(name, chain([first], lines))


def exporter(kind: str) -> base.Exporter:
    """Return the exporter, which has one kind."""
    return ClearmlOffline()
