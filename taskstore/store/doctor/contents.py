"""Checks of what is in one task's folder: its records, blobs, logs, locks and permissions. They change nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ...core.errors import Damaged, Refused
from ...core.states import Status
from ...disk.atomic import is_abandoned, is_temporary, sha256_of
from ...disk.beacon import is_alive, read_beacon
from ...disk.layout import (
    ANCESTRY,
    ARTIFACTS,
    BEACON,
    CONFIG_FOLDER,
    CONFIGURATION,
    CONFLICTS,
    LOCK,
    MANIFEST,
    MODELS,
    PARAMS,
    RECORD,
    SCRIPT,
    SUMMARY,
    TaskPaths,
)
from ...disk.lock import is_marker_void
from ...disk.text import parse_json_object, read_bytes
from ...schema import codec
from ...schema.ancestry import AncestryRecord
from ...schema.artifact import ArtifactsRecord
from ...schema.configuration import ConfigurationRecord
from ...schema.model import ModelsRecord
from ...schema.record import FileRef, ParamsRecord, ScriptRecord, TaskRecord
from .. import ancestry, artifacts, configuration, liveness, models, published, tasks
from ..store import Store
from . import logs
from .finding import Finding, Kind

PARTS: dict[str, type[msgspec.Struct]] = {
    PARAMS: ParamsRecord,
    SCRIPT: ScriptRecord,
    ARTIFACTS: ArtifactsRecord,
    MODELS: ModelsRecord,
    CONFIGURATION: ConfigurationRecord,
    ANCESTRY: AncestryRecord,
}
_NAMES_NO_FILES = frozenset({RECORD, SUMMARY, MANIFEST, ANCESTRY})
_MAX_DEPTH = 100


def check(store: Store, paths: TaskPaths, *, is_in_trash: bool) -> Iterator[Finding]:
    """Yield what is wrong in one task's folder. A running task's files are its own: only its records are looked at."""
    locked_out = list(_permissions(paths.home, is_frozen=_is_frozen(paths)))
    yield from locked_out
    if not os.access(paths.home, os.R_OK | os.X_OK):
        return
    names = {entry.name for entry in paths.home.iterdir()}
    yield from leftovers(store, paths.home)
    if RECORD not in names:
        yield _missing(paths, names)
        return
    try:
        record = tasks.read(paths)
    except FileNotFoundError:
        return  # it has just been moved
    except Damaged as error:
        yield _rebuilt(error, is_live=is_alive(paths.beacon, store.locks))
        return
    yield from _parts(paths, names)
    if liveness.is_running(store, paths, record):
        return
    yield from _identity(paths, record, is_in_trash=is_in_trash)
    if record.status is Status.IN_PROGRESS and not is_in_trash:
        status, reason, _ = liveness.how_it_ended(paths)
        repair = f"mark it {status.label.lower()}: {reason}"
        yield Finding(Kind.DEAD_RUN, paths.home, "it says that it is running, and is not", repair)
    yield from _blobs(paths, names)
    yield from _configuration(paths)
    if record.status is not Status.PUBLISHED:  # whose manifest says what is there
        yield from _orphans(paths)
    yield from _published(paths, record)
    yield from _rivals(paths)
    yield from logs.check(store, paths, is_frozen=record.status is Status.PUBLISHED)
    yield from _beacon(store, paths)


def _is_frozen(paths: TaskPaths) -> bool:
    with contextlib.suppress(OSError):
        return not paths.home.stat().st_mode & 0o200 and paths.manifest.exists()
    return False


def _permissions(home: Path, *, is_frozen: bool) -> Iterator[Finding]:
    needed = {True: 0o500 if is_frozen else 0o700, False: 0o400 if is_frozen else 0o600}
    for path in _everything(home):
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                continue
            wanted = needed[stat.S_ISDIR(mode)]
            if mode & wanted != wanted and not (path.name == MANIFEST or _is_source(path, home)):
                yield Finding(
                    Kind.PERMISSIONS,
                    path,
                    f"its owner cannot use it (mode {stat.S_IMODE(mode):o})",
                    "give its owner the permissions back",
                )


def _is_source(path: Path, home: Path) -> bool:
    """Captured and stored files keep the modes that they had: only reading them is ours to ask for."""
    return (
        path.is_file()
        and path.relative_to(home).parts[0] in ("source", "files", CONFIG_FOLDER, CONFLICTS)
        and os.access(path, os.R_OK)
    )


def _everything(home: Path) -> Iterator[Path]:
    yield home
    for folder, names, files in os.walk(home):
        yield from (Path(folder) / name for name in [*names, *files])


def _missing(paths: TaskPaths, names: set[str]) -> Finding:
    if all(name.startswith(LOCK) or name == BEACON for name in names):
        return Finding(Kind.GHOST, paths.home, "a folder without a task in it", "move it to quarantine")
    return _rebuilt(Damaged(paths.record, "the file is missing"))


def _rebuilt(error: Damaged, *, is_live: bool = False) -> Finding:
    if is_live:
        return Finding(Kind.RECORD, error.path, f"{error.why}; it is running, and can be repaired when it has ended")
    return Finding(
        Kind.RECORD, error.path, error.why, "rebuild it from what can be read; the original goes to quarantine"
    )


def _identity(paths: TaskPaths, record: TaskRecord, *, is_in_trash: bool) -> Iterator[Finding]:
    if record.id != paths.id:
        yield Finding(
            Kind.ID, paths.record, f"it says that its id is {record.id!r}", "give it the id of its folder's name"
        )
    if record.trashed is not None and not is_in_trash:
        yield Finding(
            Kind.TRASHED, paths.record, "it is marked as deleted and is not in the trash", "take the mark off"
        )


def _parts(paths: TaskPaths, names: set[str]) -> Iterator[Finding]:
    for name in sorted(names):
        if not name.endswith(".json") or name in (RECORD, SUMMARY, MANIFEST) or is_temporary(name):
            continue
        path = paths.home / name
        try:
            data = read_bytes(path)
            if name in PARTS:
                codec.decode(PARTS[name], data, path)
            else:
                parse_json_object(path, data)
        except FileNotFoundError:
            continue
        except Damaged as error:
            yield Finding(Kind.PART, path, error.why, "keep what can be read of it; the original goes to quarantine")


def _blobs(paths: TaskPaths, names: set[str]) -> Iterator[Finding]:
    for name, ref in _named(paths, names):
        yield from _blob(paths, name, ref)


def _rivals(paths: TaskPaths) -> Iterator[Finding]:
    """Look at what a merge has kept besides what is shown."""
    for path in sorted(paths.conflicts.glob("*")):
        if path.is_file() and not is_temporary(path.name) and sha256_of(path) != path.name:
            yield Finding(Kind.BLOB, path, "its SHA-256 is not its name")
    with contextlib.suppress(Damaged):  # which is found as such
        for unit in ancestry.open_conflicts(paths):
            why = f"two versions of {unit} were merged: `taskstore conflicts show {paths.id[:12]}` shows them"
            yield Finding(Kind.CONFLICT, paths.home, why)


def _configuration(paths: TaskPaths) -> Iterator[Finding]:
    with contextlib.suppress(Damaged):  # which is found as such
        for item in configuration.missing(paths):
            path = paths.config / item.file if item.file else paths.configuration
            yield Finding(
                Kind.BLOB, path, f"{CONFIGURATION} names it as configuration {item.name!r}, and it is missing"
            )


def _named(paths: TaskPaths, names: set[str]) -> Iterator[tuple[str, FileRef]]:
    """Yield every file that a record of the task names, with the record's name."""
    for name in sorted(names):
        if name.endswith(".json") and name not in _NAMES_NO_FILES and not is_temporary(name):
            with contextlib.suppress(Damaged, FileNotFoundError):
                value = parse_json_object(paths.home / name, read_bytes(paths.home / name))
                yield from ((name, ref) for ref in _refs(value, _MAX_DEPTH))


def orphans(paths: TaskPaths) -> list[Path]:
    """Return the blobs of artifacts and models that no record names; none where a record that may cannot be read."""
    folders = (paths.artifact_files, paths.model_files)
    present = [Path(root) / name for folder in folders for root, _, files in os.walk(folder) for name in files]
    present = [path for path in present if not is_temporary(path.name)]
    if not present:
        return []
    try:
        artifacts.read(paths)
        models.read(paths)
        records = {entry.name for entry in paths.home.iterdir()}
    except (Damaged, FileNotFoundError):
        return []
    named = {os.path.normpath(paths.home / ref.path) for _, ref in _named(paths, records)}
    return sorted(path for path in present if str(path) not in named)


def _orphans(paths: TaskPaths) -> Iterator[Finding]:
    for path in orphans(paths):
        yield Finding(Kind.ORPHAN, path, "no record names it: a crash came between the two", "move it to quarantine")


def _refs(value: object, depth: int) -> Iterator[FileRef]:
    """Yield every {path, size, hash} in a record, whatever it is a record of."""
    if depth == 0:
        return
    if isinstance(value, dict):
        with contextlib.suppress(msgspec.ValidationError):
            yield msgspec.convert(value, FileRef)
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _refs(item, depth - 1)


def _blob(paths: TaskPaths, owner: str, ref: FileRef) -> Iterator[Finding]:
    path = paths.home / ref.path
    why = None
    if not ref.path or Path(os.path.normpath(path)) == paths.home or not _is_within(path, paths.home):
        path, why = paths.home / owner, f"it names a file outside the task: {ref.path!r}"
    else:
        try:
            size = path.stat().st_size
            if size != ref.size:
                why = f"{owner} says {ref.size} bytes, it has {size}"
            elif sha256_of(path) != ref.hash:
                why = f"its SHA-256 is not the one in {owner}"
        except FileNotFoundError:
            why = f"{owner} names it, and it is missing"
        except (OSError, ValueError) as error:
            why = f"it cannot be read: {error}"
    if why:
        yield Finding(Kind.BLOB, path, why)


def _is_within(path: Path, home: Path) -> bool:
    try:
        return path.resolve().is_relative_to(home.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _published(paths: TaskPaths, record: TaskRecord) -> Iterator[Finding]:
    if record.status is not Status.PUBLISHED:
        if paths.manifest.exists():
            yield Finding(
                Kind.MANIFEST, paths.manifest, "only a published task has a manifest", "move it to quarantine"
            )
        return
    if published.has_write_bits(paths):
        yield Finding(
            Kind.WRITE_BITS, paths.home, "it is published and can be written", "take the write permissions off"
        )
    try:
        differences = published.against_manifest(paths)  # the summary is looked at with the logs, and made again
    except (Damaged, Refused) as error:
        differences = [str(error)]
    except OSError as error:
        differences = [f"{error.filename}: {error.strerror}"]
    for difference in differences:
        yield Finding(Kind.PUBLISHED, paths.home, f"not as it was published: {difference}")


def leftovers(store: Store, folder: Path) -> Iterator[Finding]:
    """Yield the temporary files below a folder that nobody will finish."""
    now = store.clock.now().timestamp()
    for root, names, files in os.walk(folder):
        for name in [*names, *files]:
            path = Path(root) / name
            if is_temporary(name) and is_abandoned(path, now):
                yield Finding(Kind.LEFTOVER, path, "a crash left it unfinished", "move it to quarantine")
        names[:] = [name for name in names if not is_temporary(name)]


def leases(store: Store) -> Iterator[Finding]:
    """Yield the lease files whose holder is gone; while a store is being made, its lease is in its root."""
    for path in sorted([*store.root.glob(f"{LOCK}.*"), *store.paths.leases.glob("*")]):
        if is_marker_void(path, store.clock.now().timestamp()):
            yield Finding(Kind.LEASE, path, "the process that held this lock is gone", "move it to quarantine")


def _beacon(store: Store, paths: TaskPaths) -> Iterator[Finding]:
    if paths.beacon.exists() and read_beacon(paths.beacon) is None and not is_alive(paths.beacon, store.locks):
        yield Finding(Kind.BEACON, paths.beacon, "a torn beacon of a run that is over", "move it to quarantine")
