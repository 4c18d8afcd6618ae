"""What a merge is going to write, worked out and fetched before any lock is taken."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import Damaged
from ...disk.atomic import sha256_of
from ...disk.layout import CONFLICTS, EVENTS, SUMMARY, TaskPaths
from ...disk.text import MAX_RECORD_BYTES
from ...schema import codec
from ...schema.record import SummaryRecord
from ...store import plots
from ..source import Source
from . import units
from .reading import LOOSE, Survey, files_of_value, hidden_files
from .spelling import shown_values
from .staging import Fetcher, seems_to_have
from .state import File, TaskState

_WRITER_END = re.compile(r"[0-9a-f]{8}(?=\.[a-z0-9]+\Z)")


@dataclass
class Plan:
    """Files by the names that they are to have, where they are now; and the values of the records that name them.

    `blobs` and `samples` are new names, `loose` and `logs` may replace what is there, `tails` go behind it. `kept` are
    the names of all files that the task has afterwards; `missing` those that nobody has, `gone` debug samples
    that a log has replaced. `summary` is what the source
    has read of the logs of a task that is new here.
    """

    joined: TaskState
    values: units.Values = field(default_factory=dict)
    blobs: dict[str, Path] = field(default_factory=dict)
    loose: dict[str, Path] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)
    tails: dict[str, Path] = field(default_factory=dict)
    kept: dict[str, File] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    summary: bytes = b""
    missing: list[str] = field(default_factory=list)


class Planner:
    """Makes a plan: of what a task is here (nothing, where it is new), what it is to be, and a source of the rest."""

    def __init__(self, joined: TaskState, here: Survey | None, paths: TaskPaths | None, fetcher: Fetcher) -> None:
        self._plan = Plan(joined)
        self._fetcher = fetcher
        self._paths = paths
        is_current = here is not None and here.state.generation == joined.generation
        self._files = here.files if here is not None else {}
        self._own_logs = here.state.logs if here is not None and is_current else {}
        self._own_samples = here.state.samples if here is not None and is_current else {}
        self._by_hash = here.by_hash() if here is not None else {}
        self._own_places = {
            (units.canonical(name, file.hash), file.hash): name for name, file in self._files.items() if file.hash
        }

    def plan(self, theirs: TaskState, exact: dict[tuple[str, str], str]) -> Plan:
        """Fetch what is missing here and return the plan. `exact` are places that blobs must have. Raises Damaged."""
        placed: dict[tuple[str, str], str] = {}
        values = shown_values(self._plan.joined)
        for name, value in values.items():
            for path, file in files_of_value(name, value):
                if name.startswith(LOOSE):
                    self._put_loose(path, file)
                elif (path, file.hash) not in placed:
                    placed[path, file.hash] = self._put_blob(path, file, exact)
        self._plan.values = {
            name: units.with_paths(value, lambda ref: placed.get((ref["path"], ref["hash"]), ref["path"]))
            for name, value in values.items()
        }
        for path, file in hidden_files(self._plan.joined):
            self._put_rival(path, file)
        if theirs.generation == self._plan.joined.generation:
            for name, log in theirs.logs.items():
                self._put_log(name, log)
            self._put_samples(theirs.samples)
            if not self._own_logs:
                self._plan.summary = self._summary(theirs.logs)
        self._plan.kept |= {name: file for name, file in self._own_logs.items() if name not in self._plan.kept}
        samples = {name: size for name, size in self._own_samples.items() if name not in self._plan.gone}
        self._plan.kept |= {name: File(size=size) for name, size in samples.items()}
        return self._plan

    def _put_loose(self, path: str, file: File) -> None:
        self._plan.kept[path] = file
        if self._files.get(path) == file:
            return
        found = self._find(path, file)
        if found is not None:
            self._plan.loose[path] = found

    def _put_blob(self, path: str, file: File, exact: dict[tuple[str, str], str]) -> str:
        own = self._own_places.get((path, file.hash))
        wanted = exact.get((path, file.hash))
        if own is not None and wanted in (None, own):
            self._plan.kept[own] = file
            return own
        place = wanted or self._free(path, file)
        self._plan.kept[place] = file
        if not self._is_there(place, file):
            found = self._find(path, file)
            if found is not None:
                self._plan.blobs[place] = found
        return place

    def _free(self, path: str, file: File) -> str:
        taken = self._plan.kept.get(path)
        if taken is not None and taken != file:
            return units.aside(path, file.hash)
        is_blocked = self._paths is not None and (self._paths.home / path).exists() and not self._is_there(path, file)
        return units.aside(path, file.hash) if is_blocked else path

    def _is_there(self, place: str, file: File) -> bool:
        """Tell whether a crashed attempt has left a file in its place."""
        if self._paths is None:
            return False
        path = self._paths.home / place
        return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.hash

    def _put_rival(self, path: str, file: File) -> None:
        place = f"{CONFLICTS}/{file.hash}"
        self._plan.kept[place] = file
        if self._files.get(place) == file:
            return
        found = self._find(path, file)
        if found is not None:
            self._plan.blobs[place] = found

    def _find(self, name: str, file: File) -> Path | None:
        own = self._by_hash.get(file.hash)
        if own is not None and self._paths is not None:
            return self._paths.home / own
        if self._fetcher.has(name, file):
            return self._fetcher.fetch(name, file)
        self._plan.missing.append(name)
        return None

    def _put_log(self, name: str, log: File) -> None:
        """The longer one where it goes on from the shorter; otherwise both, the lesser by a name of its own."""
        own = self._own_logs.get(name)
        if own is None:
            self._plan.kept[name] = log
            self._plan.logs[name] = self._fetcher.fetch_log(name, log)
        elif own != log:
            self._join_logs(name, own, log)

    def _join_logs(self, name: str, own: File, log: File) -> None:
        assert self._paths is not None  # noqa: S101 - it has a log there
        path = self._paths.home / name
        if own.size > log.size and sha256_of_start(path, log.size) == log.hash:
            return
        if (own.size, own.hash) > (log.size, log.hash):
            self._keep_both(name, log, lambda: self._fetcher.fetch_log(name, log))
            return
        self._plan.kept[name] = log
        tail = self._fetcher.fetch_tail(name, log, path) if own.size < log.size else None
        if tail is not None:
            self._plan.tails[name] = tail
            return
        self._keep_both(name, own, lambda: path)
        self._plan.logs[name] = self._fetcher.fetch_log(name, log)

    def _keep_both(self, name: str, lesser: File, where: Callable[[], Path]) -> None:
        other = renamed(name, lesser)
        if self._own_logs.get(other) != lesser:
            self._plan.kept[other] = lesser
            self._plan.logs[other] = where()

    def _summary(self, logs: dict[str, File]) -> bytes:
        """Return the source's summary, where it has read no more of the logs than comes in: then nobody reads them."""
        if self._fetcher.size(SUMMARY) is None:
            return b""
        data = self._fetcher.text(SUMMARY, MAX_RECORD_BYTES)
        try:
            covered = codec.decode(SummaryRecord, data, Path(SUMMARY)).covered
        except Damaged:
            return b""
        sizes = {name.partition("/")[2]: log.size for name, log in logs.items()}
        return data if all(0 <= size <= sizes.get(name, -1) for name, size in covered.items()) else b""

    def _put_samples(self, theirs: dict[str, int]) -> None:
        wanted = [name for name in theirs if name not in self._own_samples]
        if not wanted and not any(_is_media(name) for name in (*self._plan.logs, *self._plan.tails)):
            return
        replaced = set(self._replaced())
        self._plan.gone = replaced & self._own_samples.keys()
        for name in wanted:
            if name not in replaced and self._fetcher.has(name, file := File(size=theirs[name])):
                self._plan.kept[name] = file
                self._plan.blobs[name] = self._fetcher.fetch(name, file)

    def _replaced(self) -> Iterable[str]:
        """Yield the samples that a line of some log takes the place of."""
        found = [self._paths.home / name for name in self._own_logs if _is_media(name)] if self._paths else []
        found += [path for name, path in [*self._plan.logs.items(), *self._plan.tails.items()] if _is_media(name)]
        return _replaced_by(found)


def lacks(here: Survey, paths: TaskPaths, theirs: TaskState, source: Source) -> bool:
    """Tell whether a task knows of files that are not here, and that a source has."""
    own = {file.hash for file in here.files.values()}
    named = [each for name, value in shown_values(here.state).items() for each in files_of_value(name, value)]
    missing = [(name, file) for name, file in named if file.hash not in own]
    samples = theirs.samples.keys() - here.state.samples.keys()
    if samples:
        samples -= set(_replaced_by([paths.home / name for name in here.state.logs if _is_media(name)]))
        missing += [(name, File(size=theirs.samples[name])) for name in samples]
    if not missing:
        return False
    sizes = source.sizes()
    return any(seems_to_have(sizes, name, file) for name, file in missing)


def _replaced_by(logs: Iterable[Path]) -> Iterator[str]:
    for path in logs:
        for event in plots.decode_media(path.read_bytes()):
            yield from event.replaces


def _is_media(name: str) -> bool:
    return name.startswith(f"{EVENTS}/media.")


def renamed(name: str, log: File) -> str:
    """Return the name of a log whose own name another one has, which does not go on from it."""
    nonce = log.hash[:8]
    return _WRITER_END.sub(nonce, name) if _WRITER_END.search(name) else f"{name}.{nonce}"


def sha256_of_start(path: Path, size: int) -> str:
    """Return the SHA-256 of a file's first bytes."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as stream:
        while left and (chunk := stream.read(min(left, 1 << 20))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()
