"""A store in a folder that nobody here can write, such as a read-only mount: what reads works, and writes nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.core.clock import FixedClock
from taskstore.core.errors import ReadOnly
from taskstore.core.states import Status
from taskstore.store import tasks
from taskstore.store.store import Store, init

from .conftest import Cli, Workshop
from .test_zip_as_store import READING, WRITING, Zipped, asked

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions")

Tree = dict[str, tuple[int, int, int]]


NOBODY = 65534


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that any user may enter, and in which the user's home is."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            monkeypatch.setenv(variable, f"{name}/home")
        yield Path(name)


@pytest.fixture
def store(folder: Path, clock: FixedClock) -> Store:
    return init(folder / "store", clock=clock)


@pytest.fixture
def made(store: Store, workshop: Workshop, folder: Path) -> Zipped:
    return Zipped(store, workshop, folder)


@pytest.fixture
def twin(store: Store, made: Zipped, folder: Path) -> Path:
    """A copy of the store that can be written; a command that has run there has imported all that it needs."""
    return shutil.copytree(store.root, folder / "twin")


@contextlib.contextmanager
def locked(store: Store) -> Iterator[None]:
    """Let nobody write the store within the block: root, as in containers, gives up its powers."""
    modes = {path: path.stat().st_mode for path in [store.root, *store.root.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222 | (0o555 if path.is_dir() else 0o444))
    before = tree(store.root)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
        assert tree(store.root) == before
    finally:
        if is_root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode | 0o200)


def tree(root: Path) -> Tree:
    facts = {path.relative_to(root).as_posix(): path.stat() for path in [root, *root.rglob("*")]}
    return {name: (one.st_mode, one.st_mtime_ns, one.st_size) for name, one in facts.items()}


LOOKING = [*READING, ("show", "{done}", "--json"), ("du", "--tasks"), ("path", "{done}")]


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_what_reads_says_what_it_does_where_it_may_write(
    command: tuple[str, ...], cli: Cli, store: Store, made: Zipped, twin: Path
) -> None:
    words = asked(made, command)
    writable = cli("--store", twin, *words)
    with locked(store):
        result = cli(*words)
    assert result.code == 0
    assert (result.out, result.err) == tuple(
        text.replace(str(twin), str(store.root)) for text in (writable.out, writable.err)
    )


def test_an_artifact_is_copied_out(cli: Cli, store: Store, made: Zipped, folder: Path, twin: Path) -> None:
    assert cli("--store", twin, "get", made.done.id, "scores", "-o", folder / "one.json").code == 0
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)
    with locked(store):
        assert cli("get", made.done.id, "scores", "-o", folder / "out" / "two.json").code == 0
    assert (folder / "out" / "two.json").read_bytes() == (folder / "one.json").read_bytes()


def test_a_view_of_it_can_be_made_elsewhere(cli: Cli, store: Store, made: Zipped, folder: Path, twin: Path) -> None:
    assert cli("--store", twin, "view", folder / "of-twin").code == 0
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)
    with locked(store):
        assert cli("view", folder / "out" / "view").code == 0
        [link] = (folder / "out" / "view" / "vision" / "cats").glob(f"trained well-{made.done.id[:8]}")
        assert (link / "task.json").is_file()


def test_a_listing_of_many_works_without_its_index(cli: Cli, store: Store, made: Zipped) -> None:
    for _ in range(60):
        tasks.create(store, "examples", "one of many")
    shutil.rmtree(store.paths.cache, ignore_errors=True)
    with locked(store):
        assert len(cli("ls").rows) == 66
    assert not store.paths.index.exists()


def test_a_dead_run_is_shown_dead_and_its_record_stays(cli: Cli, store: Store, made: Zipped, twin: Path) -> None:
    tasks.transition(store, made.draft.id, Status.IN_PROGRESS)
    made.draft.record.write_text(made.draft.record.read_text().replace("2026-", "2025-"))
    cli("--store", twin, "ls", "--json")
    with locked(store):
        [row] = [row for row in cli("ls", "--json").objects if row["id"] == made.draft.id]
    assert (row["status"], row["status_reason"]) == ("failed", "lost")


REFUSED = [one for one in WRITING if one[0] not in ("run", "agent", "doctor")]


@pytest.mark.parametrize("command", REFUSED, ids=" ".join)
def test_what_writes_is_refused(
    command: tuple[str, ...], cli: Cli, store: Store, made: Zipped, folder: Path, twin: Path, monkeypatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "p.py").write_text("import taskstore")
    monkeypatch.setenv("EDITOR", "sed -i s/draft/changed/")
    words = asked(made, command)
    writable = cli("--store", twin, *words)
    with locked(store):
        result = cli(*words)
    assert (writable.code, result.code) == (0, 4)
    assert "cannot be " in result.err


def test_the_api_reads_it_and_refuses_to_change_it(store: Store, made: Zipped) -> None:
    found = Task.get_task(made.done.id)
    draft = Task.get_task(made.draft.id)
    draft.artifacts.upload("more", {"a": 1})
    with locked(store):
        assert found.reports.console() == ["epoch 1", "epoch 2"]
        assert found.artifacts["scores"].get() == {"accuracy": 0.5}
        changes: list[Callable[[], object]] = [
            lambda: found.details.add_tags(["x"]),
            lambda: draft.artifacts.upload("another", {"a": 1}),
            lambda: tasks.create(store, "demonstration", "another"),
        ]
        for change in changes:
            with pytest.raises(ReadOnly):
                change()
