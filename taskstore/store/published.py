"""Publishing: the manifest of SHA-256, the write bits taken off, and the check that nothing has changed since.

Of the records that keep editable fields (task.json: name, comment, tags, runtime; params.json: user properties;
models.json: what is said of a model) the manifest holds the hash of the rest, in a canonical spelling, so that a tag
set later is no damage. summary.json is not in it: derived from logs that are, it has to say what they say.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ..core.errors import Damaged, Refused
from ..core.states import ALWAYS_EDITABLE, Status
from ..disk import mounts
from ..disk.atomic import is_temporary, replace_record, sha256_of
from ..disk.layout import ANCESTRY, BEACON, CONFLICTS, LOCK, MANIFEST, MODELS, PARAMS, RECORD, SUMMARY, TaskPaths
from ..disk.text import parse_json_object, read_bytes
from ..schema import codec
from ..schema.record import OWN_KIND, USER_PROPERTIES, ManifestRecord, SummaryRecord, TaskRecord
from . import events, left_out, models, places, tasks
from .store import Store

_NOT_FROZEN = frozenset({LOCK, BEACON, MANIFEST, SUMMARY, ANCESTRY})
_MAY_CHANGE = ALWAYS_EDITABLE | {"rev", "last_update", "trashed"}


def publish(store: Store, task_id: str, *, message: str = "", force: bool = False) -> TaskRecord:
    """Publish a task that has ended: from then on it is read-only, on disk too. Raises BadTransition."""
    hashed, summary = _Hashed(), SummaryRecord()
    # Gigabytes are read before the lock is taken; under it only what has changed meanwhile.
    with contextlib.suppress(FileNotFoundError):
        _hashes(paths := places.locate(store, task_id), tasks.read(paths), hashed)
        summary = events.rebuild_summary(paths)

    def freeze(paths: TaskPaths, record: TaskRecord) -> None:
        _sum_up(paths, summary)
        manifest = ManifestRecord(published=store.clock.now(), files=_hashes(paths, record, hashed))
        paths.manifest.unlink(missing_ok=True)
        replace_record(paths.manifest, codec.encode(manifest))

    record = tasks.transition(
        store,
        task_id,
        Status.PUBLISHED,
        only_from=frozenset(Status) - {Status.PUBLISHED},  # a second time would bless what has changed since
        reason="published",
        message=message,
        force=force,
        also=freeze,
    )
    tasks.under_lock(store, task_id, take_write_bits)
    return record


def _sum_up(paths: TaskPaths, summary: SummaryRecord) -> None:
    """Write `summary`, made again where the logs have grown: from the logs alone, whatever was summed up before."""
    sizes = {log.name: log.stat().st_size for log in events.scalar_logs(paths)}
    if summary.covered != {name: size for name, size in sizes.items() if size}:
        summary = events.rebuild_summary(paths)
    if summary.covered or paths.summary.exists():
        replace_record(paths.summary, codec.encode(summary))


def take_write_bits(paths: TaskPaths) -> None:
    """Make a published task's files and folders read-only; the lock stays writable for the edits still allowed."""
    for path in _all_files(paths):
        if path.is_symlink():
            continue  # what it names is not ours to change
        mode = path.stat().st_mode
        if mode & 0o222 and (path.name not in (LOCK, BEACON) or path.parent != paths.home):
            path.chmod(mode & ~0o222)
    for folder, _, _ in os.walk(paths.home, topdown=False):
        Path(folder).chmod(Path(folder).stat().st_mode & ~0o222)


def has_write_bits(paths: TaskPaths) -> bool:
    """Tell whether some file that should be frozen can still be written."""
    return bool(paths.home.stat().st_mode & 0o222) or any(
        path.stat().st_mode & 0o222
        for path in _all_files(paths)
        if path.relative_to(paths.home).as_posix() not in _NOT_FROZEN and not path.is_symlink()
    )


def verify(paths: TaskPaths) -> list[str]:
    """Return what differs from the manifest, or a summary from its logs, a line each; nothing where it is as published.

    Raises Refused where the task is not published, Damaged where the manifest cannot be read.
    """
    mounts.bring(paths.home)
    return against_manifest(paths) + _summary_difference(paths)


def _summary_difference(paths: TaskPaths) -> list[str]:
    try:
        true = events.rebuild_summary(paths)
        stored = codec.decode(SummaryRecord, read_bytes(paths.summary), paths.summary)
    except FileNotFoundError:
        # A zip need not have it: it is derived, and made again where the task comes into a store.
        return [f"missing: {SUMMARY}"] if true.covered and not mounts.holds(paths.home) else []
    except Damaged:
        return [f"changed: {SUMMARY}"]
    return [] if stored == true else [f"changed: {SUMMARY}"]


def against_manifest(paths: TaskPaths) -> list[str]:
    """Return what differs from the manifest, which does not name the summary; raises as `verify` does.

    What was left out of the bundle that the task came in is not missing.
    """
    record = tasks.read(paths)
    if record.status is not Status.PUBLISHED:
        raise Refused(
            f"task {record.id[:12]} is {record.status.label}, and only a published one has hashes to verify; "
            f"`taskstore publish {record.id[:12]}` publishes it"
        )
    try:
        manifest = codec.decode(ManifestRecord, read_bytes(paths.manifest), paths.manifest)
    except FileNotFoundError:
        return [f"missing: {MANIFEST}"]
    found = _hashes(paths, record)
    missing = sorted(manifest.files.keys() - found.keys())
    without = left_out.without(paths)
    missing = [name for name in missing if not left_out.may_miss(record, name) and not name.startswith(without)]
    differences = [f"missing: {name}" for name in missing]
    differences += [f"not in the manifest: {name}" for name in sorted(found.keys() - manifest.files.keys())]
    both = sorted(manifest.files.keys() & found.keys())
    changed = [name for name in both if manifest.files[name] != found[name]]
    if manifest.files.get(RECORD) == _hash_of(_frozen_before(record)):
        changed = [name for name in changed if name != RECORD]
    return differences + [f"changed: {name}" for name in changed]


class _Hashed:
    """SHA-256 of files, remembered as long as inode, mtime and size stay."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int], str] = {}

    def of(self, path: Path) -> str:
        """Return a file's SHA-256, reading it once."""
        stat = path.stat()
        signature = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if signature not in self._known:
            self._known[signature] = sha256_of(path)
        return self._known[signature]


def _hashes(paths: TaskPaths, record: TaskRecord, hashed: _Hashed | None = None) -> dict[str, str]:
    hashed = hashed or _Hashed()
    hashes = {}
    for path in _all_files(paths):
        name = path.relative_to(paths.home).as_posix()
        if name in _NOT_FROZEN or name.startswith(f"{CONFLICTS}/") or is_temporary(path.name):
            continue
        if name == RECORD:
            hashes[name] = _hash_of(_frozen_record(record))
        elif name in (PARAMS, MODELS):
            hashes |= hashes_of_records({name: read_bytes(path)})
        elif path.is_symlink():
            hashes[name] = _hash_of({"link": os.readlink(path)})  # noqa: PTH115 - as it is spelled
        else:
            hashes[name] = hashed.of(path)
    return dict(sorted(hashes.items()))


def _frozen_record(record: TaskRecord) -> dict[str, object]:
    """Return what stays of a record wherever the task is: not from which store it came, nor who trusts it there."""
    fields = msgspec.to_builtins(record)
    fields["imported"] = [mark for mark in fields.get("imported", []) if mark["kind"] != OWN_KIND]
    fields["execution"] = {key: value for key, value in fields.get("execution", {}).items() if key != "trusted"}
    local = {key for key in ("imported", "execution") if not fields[key]}
    return {key: value for key, value in fields.items() if key not in _MAY_CHANGE | local}


def _frozen_before(record: TaskRecord) -> dict[str, object]:
    """Return what manifests were made of before tasks travelled: who trusted one is in it."""
    fields = msgspec.to_builtins(record)
    return {key: value for key, value in fields.items() if key not in _MAY_CHANGE}


def hashes_of_records(records: Mapping[str, bytes]) -> dict[str, str]:
    """Return what a manifest says of records with these bytes, by their names."""
    hashes = {}
    for name, data in records.items():
        if name == RECORD:
            hashes[name] = _hash_of(_frozen_record(codec.decode(TaskRecord, data, Path(name))))
        elif name == PARAMS:
            frozen = _frozen_params(parse_json_object(Path(name), data))
            if frozen:  # a first user property makes the file, and changes nothing that is frozen
                hashes[name] = _hash_of(frozen)
        elif name == MODELS:
            hashes[name] = _hash_of(models.frozen(parse_json_object(Path(name), data)))
        else:
            hashes[name] = hashlib.sha256(data).hexdigest()
    return hashes


def _frozen_params(value: dict[str, object]) -> dict[str, object]:
    value.pop("rev", None)
    sections = value.get("hyperparams")
    if isinstance(sections, dict):
        sections.pop(USER_PROPERTIES, None)
        if not sections:
            del value["hyperparams"]
    return value


def _hash_of(value: dict[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def _all_files(paths: TaskPaths) -> Iterator[Path]:
    """Every file, and the links to folders, which `os.walk` counts as folders and does not enter."""
    for folder, folders, names in os.walk(paths.home):
        yield from (Path(folder) / name for name in names)
        yield from (Path(folder) / name for name in folders if (Path(folder) / name).is_symlink())
