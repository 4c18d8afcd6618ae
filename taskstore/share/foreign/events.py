"""TensorBoard's event files: which runs are in a folder, and what their events say.

A folder with event files is a run. No run of its own is a folder that a run's writer has made below the run's: those
of torch's `add_scalars` (a folder a series) and of a single `add_hparams`; what Keras writes side by side, `train` and
`validation`, is one. They are told by the host and the process in the files' names, and by what is in them.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from ...core.errors import Damaged
from .folders import unreadable
from .messages import classes
from .tfrecords import records

_MARK = ".tfevents."
_PROCESS = re.compile(r"\.tfevents\.\d+\.(?P<process>.+?\.\d+)\.")
_PEEK = 4
_SMALL_BYTES = 64 << 10
"""What tells whose folder it is, is in records that are smaller."""
_SESSION = "_hparams_/"
_HALVES = ("train", "validation")
MAX_FOLDERS = 100_000
MAX_DEPTH = 40

TABLE = {
    "Event": {
        **{"wall_time": "1 double", "step": "2 int64", "file_version": "3 string of what"},
        **{"graph_def": "4 bytes of what", "summary": "5 Summary of what", "meta_graph_def": "9 bytes of what"},
        "tagged_run_metadata": "8 bytes of what",
    },
    "Summary": {"value": "1 repeated Value"},
    "Value": {
        **{"tag": "1 string", "metadata": "9 SummaryMetadata", "simple_value": "2 float of value"},
        **{"image": "4 Image of value", "histo": "5 HistogramProto of value", "audio": "6 Audio of value"},
        "tensor": "8 TensorProto of value",
    },
    "SummaryMetadata": {"plugin_data": "1 PluginData", "display_name": "2 string"},
    "PluginData": {"plugin_name": "1 string", "content": "2 bytes"},
    "Image": {"encoded_image_string": "4 bytes"},
    "Audio": {"encoded_audio_string": "4 bytes"},
    "HistogramProto": {
        **{"min": "1 double", "max": "2 double"},
        **{"bucket_limit": "6 repeated double", "bucket": "7 repeated double"},
    },
    "TensorProto": {
        **{"dtype": "1 enum", "tensor_shape": "2 TensorShapeProto", "tensor_content": "4 bytes"},
        **{"half_val": "13 repeated int32", "float_val": "5 repeated float", "double_val": "6 repeated double"},
        **{"int_val": "7 repeated int32", "string_val": "8 repeated bytes", "int64_val": "10 repeated int64"},
        **{"bool_val": "11 repeated bool", "uint32_val": "16 repeated uint32", "uint64_val": "17 repeated uint64"},
    },
    "TensorShapeProto": {"dim": "2 repeated Dim"},
    "Dim": {"size": "1 int64"},
    "HParamsPluginData": {"session_start_info": "3 SessionStartInfo", "session_end_info": "4 SessionEndInfo"},
    "SessionStartInfo": {"hparams": "1 repeated HParam"},
    "HParam": {"key": "1 string", "value": "2 Scalar"},
    "Scalar": {"number_value": "2 double of kind", "string_value": "3 string of kind", "bool_value": "4 bool of kind"},
    "SessionEndInfo": {"status": "1 enum"},
}
"""Of event.proto, summary.proto, tensor.proto, the hparams plugin's, and struct.proto; maps are lists of entries."""


@cache
def parsers() -> dict[str, Callable[[bytes], Any]]:
    """Return what parses each kind of message. Raises Refused without the package protobuf."""
    return classes("taskstore.tensorboard", TABLE)


@dataclass(frozen=True)
class EventFile:
    """One event file: its size when it was looked at, and when it was begun."""

    path: Path
    size_bytes: int
    began: float

    @property
    def process(self) -> str:
        """Host and number of the process that wrote it, where its name has them."""
        found = _PROCESS.search(self.path.name)
        return found["process"] if found else ""


@dataclass
class EventRun:
    """A run: its folder, and its event files in order of time, those in folders of its own too."""

    folder: Path
    files: list[EventFile] = field(default_factory=list)

    @property
    def began(self) -> float:
        """When its first file was begun, in seconds since 1970."""
        return self.files[0].began

    @property
    def process(self) -> str:
        """Host and number of the process that began it, where they are known."""
        return self.files[0].process

    @property
    def source_id(self) -> str:
        """What the run is called wherever its folder lies: its first file's name, and when that was begun."""
        return f"{self.files[0].path.name}@{self.began!r}"

    def add(self, files: list[EventFile]) -> None:
        """Take files for its own."""
        self.files = sorted([*self.files, *files], key=lambda file: (file.began, file.path))


def is_event_file(path: Path) -> bool:
    """Tell by a file's name whether it may hold events."""
    return _MARK in path.name and not path.name.endswith(".profile-empty")


def runs(path: Path, note: Callable[[str], None]) -> list[EventRun]:
    """Return the runs at a path: an event file, a run's folder, or a folder of many. Raises Damaged, Refused.

    Links are not followed; `note` hears of them, and of files that hold nothing.
    """
    if not path.is_dir():
        return [EventRun(path.parent, files)] if (files := looked_at([path], note)) else []
    found: dict[Path, EventRun] = {}
    for folder, names in _walk(path, note):
        if files := looked_at([folder / name for name in names if is_event_file(Path(name))], note):
            found[folder] = EventRun(folder, files)
    top = found.pop(path, None)
    _join_parts(found, {path: top, **found} if top else found)
    _join_halves(found)
    return [run for run in [*([top] if top else []), *found.values()] if not _is_experiment(run)]


def _walk(path: Path, note: Callable[[str], None]) -> Iterator[tuple[Path, list[str]]]:
    depth = len(path.parts)
    for count, (folder, folders, names) in enumerate(os.walk(path, onerror=unreadable(note))):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in links:
            note(f"{here / name} is a link to a folder, and was not followed")
        is_deep = len(here.parts) - depth >= MAX_DEPTH or count >= MAX_FOLDERS
        if is_deep and folders:
            note(f"what is below {here} was not looked at: there are too many folders, or they are nested too deep")
        folders[:] = [] if is_deep else sorted(name for name in folders if name not in links)
        yield here, sorted(names)


def looked_at(paths: list[Path], note: Callable[[str], None]) -> list[EventFile]:
    """Return those files that hold events, in order of time; `note` hears of the others. Raises Refused."""
    found = []
    for path in paths:
        try:
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode):
                note(f"{path} is no plain file, and was left out")
                continue
            first = next(_events(path, facts.st_size, lambda _: None), None)
        except (Damaged, OSError) as error:
            note(f"{path} cannot be read: {getattr(error, 'why', error)}")
            continue
        if first is None:
            note(f"{path} holds no event, and was left out")
        else:
            found.append(EventFile(path, facts.st_size, first.wall_time))
    return sorted(found, key=lambda file: (file.began, file.path))


def _join_parts(found: dict[Path, EventRun], owners: dict[Path, EventRun]) -> None:
    """Give runs the folders that their writers have made below theirs; one of several sessions is a run of its own."""
    sessions: dict[Path, list[EventRun]] = {}
    for run in list(found.values()):
        above = owners.get(run.folder.parent)
        if above is None or above.process != run.process:
            continue
        tags = _tags(run)
        if tags and all(run.folder.name.startswith(f"{tag.replace('/', '_')}_") for tag in tags):
            above.add(found.pop(run.folder).files)
        elif any(tag.startswith(_SESSION) for tag in tags) and not _is_experiment(above):
            sessions.setdefault(above.folder, []).append(run)
    for folder, children in sessions.items():
        if len(children) == 1:
            owners[folder].add(found.pop(children[0].folder).files)


def _join_halves(found: dict[Path, EventRun]) -> None:
    """Make one run of what Keras writes side by side."""
    for run in list(found.values()):
        other = found.get(run.folder.parent / _HALVES[1])
        if run.folder.name == _HALVES[0] and other is not None and other.process == run.process:
            whole = EventRun(run.folder.parent, run.files)
            whole.add(other.files)
            if whole.folder not in found:
                del found[run.folder], found[other.folder]
                found[whole.folder] = whole


def _is_experiment(run: EventRun) -> bool:
    """Tell whether it only says which sessions there will be: those are the runs."""
    return set(_tags(run)) == {f"{_SESSION}experiment"} and len(run.files) == 1


def _tags(run: EventRun) -> list[str]:
    return [value.tag for event in _first(run) for value in event.summary.value]


def _first(run: EventRun) -> list[Any]:
    file = run.files[0]
    return list(islice(_events(file.path, file.size_bytes, lambda _: None, max_bytes=_SMALL_BYTES), _PEEK))


def events(file: EventFile, note: Callable[[str], None]) -> Iterator[Any]:
    """Yield the events of a file, as far as they are whole and can be read. Raises Damaged, Refused."""
    yield from _events(file.path, file.size_bytes, note)


def _events(path: Path, size_bytes: int, note: Callable[[str], None], *, max_bytes: int | None = None) -> Iterator[Any]:
    parse = parsers()["Event"]
    for data in records(path, size_bytes, note, max_bytes=max_bytes):
        try:
            event = [parse(data)]
        except ValueError:
            note(f"{path.name}: a record holds no event, and was left out")
            continue
        del data  # it may be large, and what it says is in the event
        yield event.pop()


def hyperparameters(content: bytes) -> dict[str, Any]:
    """Return what the hparams plugin says that a session began with."""
    found = {}
    with suppress(ValueError):
        for entry in parsers()["HParamsPluginData"](content).session_start_info.hparams:
            kind = entry.value.WhichOneof("kind")
            found[entry.key] = getattr(entry.value, kind) if kind else None
    return found


def has_failed(content: bytes) -> bool:
    """Tell whether the hparams plugin says that a session has failed."""
    failure = 2
    with suppress(ValueError):
        return bool(parsers()["HParamsPluginData"](content).session_end_info.status == failure)
    return False
