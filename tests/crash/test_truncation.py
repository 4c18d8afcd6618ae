"""Any file cut at any byte, or overwritten: the rest lists, the error has its path, doctor mends it or says."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore.core.errors import Damaged, NotFound
from taskstore.core.ids import is_id
from taskstore.disk.layout import TaskPaths
from taskstore.store import doctor, events, index, places, projects, query, tasks, trash, usage
from taskstore.store.store import Store

from .crashing import RUNNING, build, clock, copy, fingerprint, open_again

pytestmark = pytest.mark.slow
_CUTS = 8


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = build(tmp_path_factory.mktemp("whole") / "store")
    made.paths.cache.mkdir(exist_ok=True)
    index._save(made, list(index.entries(made, [])))
    assert doctor.check(made) == []
    return made.root


NAMES = (
    "taskstore.json",
    "config.yaml",
    "project.yaml",
    "task.json",
    "params.json",
    "script.json",
    "models.json",
    "summary.json",
)
KINDS = (*NAMES, "manifest.json", ".jsonl", ".log", ".diff", ".txt", ".msgpack")


def _files(root: Path, kind: str) -> list[Path]:
    """One file of each kind in each kind of place: draft, running, published, trash, published in the trash."""
    found: dict[object, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and _matches(path, kind):
            is_trash = path.relative_to(root).parts[0] == "trash"
            found.setdefault((is_trash, path.stat().st_mode, _task_of(path) == RUNNING), path)
    assert found, kind
    return list(found.values())


def _matches(path: Path, kind: str) -> bool:
    return path.name == kind or (kind.startswith(".") and path.suffix == kind)


def _task_of(path: Path) -> str | None:
    return next((part for part in path.parts if is_id(part)), None)


def _damage(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    size = len(whole)
    cuts = (
        range(size) if size <= _CUTS else {0, 1, 2, size - 1, size - 2, *(chance.randrange(size) for _ in range(_CUTS))}
    )
    yield from (whole[:cut] for cut in sorted(cuts))
    yield b"[" * 100_000
    yield b'{"a":' * 100_000
    yield b"{}\n"
    yield b"null"
    yield b"\0" * size
    for _ in range(2):
        yield chance.randbytes(size)
        at = chance.randrange(size)
        yield whole[:at] + chance.randbytes(4) + whole[at + 4 :]


def _read_all(made: Store) -> None:
    """Everything that reads, whose only errors are Damaged ones with a path."""
    readers: list[Callable[[], object]] = [
        lambda: projects.list_all(made),
        lambda: [projects.read(folder) for folder in places.walk_projects(made)],
        lambda: usage.du(made),
        lambda: places.resolve(made, "vision/task 3"),
    ]
    for folder, task_id in places.walk(made):
        paths = TaskPaths(Path(folder) / task_id)
        readers += [
            lambda paths=paths: tasks.read(paths),
            lambda paths=paths: tasks.read_params(paths),
            lambda paths=paths: tasks.read_script(paths),
            lambda paths=paths: events.read_summary(paths),
            lambda paths=paths: events.read_scalars(paths),
            lambda paths=paths: list(events.read_console(paths)),
        ]
    for read in readers:
        # Of what raises nothing but these, the path is in the message.
        with contextlib.suppress(Damaged, NotFound):
            read()


def _check_listed(made: Store, path: Path, ids: set[str]) -> None:
    listing = query.find(made, query.Query(with_archived=True))
    listed = {row.id for row in listing.rows}
    owner = _task_of(path)
    assert ids - {owner} <= listed
    for row in listing.rows:
        for name in query.TASK_FIELDS:
            row.get(name)
        row.get("loss/train")
    if owner in ids - listed:
        assert [error.path for error in listing.damaged] == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_costs_nothing_else_and_doctor_mends_it_or_says_what_is_lost(kind, built, tmp_path):
    whole_store = open_again(built)
    ids = {row.id for row in query.find(whole_store, query.Query(with_archived=True)).rows}
    trashed = {paths.id for paths in trash.listed(whole_store)}
    chance = random.Random(kind)
    work = tmp_path / "store"
    for file in _files(built, kind):
        name = file.relative_to(built)
        for data in _damage(file.read_bytes(), chance):
            copy(built, work)
            (work / name).chmod(0o644)
            (work / name).write_bytes(data)
            try:
                _check_one(work, work / name, ids, trashed)
            except Exception as error:
                raise AssertionError(f"{name} is {data[:200]!r} … ({len(data)} bytes)") from error


def _check_one(root: Path, path: Path, ids: set[str], trashed: set[str]) -> None:
    if path.name == "taskstore.json":
        _reopen(root, path)
        assert doctor.check_record(root) == []
    made = open_again(root)
    _check_listed(made, path, ids)
    _read_all(made)
    left = [finding for finding in doctor.repair(made) if not finding.is_repaired]
    assert all(finding.repair is None for finding in left), left
    before = fingerprint(root)
    assert doctor.repair(made) == left
    assert fingerprint(root) == before
    listing = query.find(made, query.Query(with_archived=True))
    assert listing.damaged == []
    assert {row.id for row in listing.rows} == ids
    assert {paths.id for paths in trash.listed(made)} == trashed


def _reopen(root: Path, path: Path) -> None:
    """Open, or refuse with the path and let doctor mend it. A later format is refused, and is no damage."""
    findings = doctor.check_record(root)
    if findings:
        with pytest.raises(Damaged, match=re.escape(str(path))):
            open_again(root)
        assert all(finding.is_repaired for finding in doctor.repair_record(root, clock=clock()))
    open_again(root)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_file_cut_at_any_byte_leaves_all_other_tasks_listed(kind, built, tmp_path):
    root = copy(built, tmp_path / "store")
    made = open_again(root)
    ids = {row.id for row in query.find(made, query.Query(with_archived=True)).rows}
    path = max(_files(root, kind), key=lambda path: path.stat().st_mode)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        _check_listed(made, path, ids)


@pytest.mark.parametrize("name", ["task.json", "params.json", "script.json", "project.yaml"])
def test_the_original_of_what_is_rebuilt_is_in_quarantine(name, built, tmp_path):
    root = copy(built, tmp_path / "store")
    path = next(path for path in sorted(root.rglob(name)) if path.stat().st_mode & 0o200)
    torn = path.read_bytes()[:-5] + b"\xff"
    path.write_bytes(torn)
    doctor.repair(open_again(root))
    assert torn in [kept.read_bytes() for kept in root.glob(f"quarantine/*/{name}")]


def test_of_a_record_cut_in_the_middle_the_part_before_is_kept(built, tmp_path):
    root = copy(built, tmp_path / "store")
    made = open_again(root)
    paths = places.resolve(made, "vision/cats/task 1")
    whole = paths.record.read_bytes()
    paths.record.write_bytes(whole[: whole.index(b'"tags"') + 30])
    doctor.repair(made)
    record = tasks.read(paths)
    assert (record.name, record.status.value, record.tags[:1]) == ("task 1", "created", ["one"])
    assert record.history[-1].reason == "recovered by doctor"
