"""Other places for files: a folder here, and fsspec's memory://."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec.core
import pytest

from taskstore.core.errors import BadValue, Damaged, NotFound, Refused, RemoteError
from taskstore.core.states import Status
from taskstore.sections.artifacts import Artifacts
from taskstore.store import destination, outputs, tasks
from taskstore.store.store import Store


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    for known in (destination._full, destination._down, outputs._warned):
        known.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "w.pt"
    path.write_bytes(b"weights")
    return path


DIGEST = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture(params=["folder", "file://", "memory://"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory://":
        return destination.recorded(f"memory://{tmp_path.name}/out")
    folder = tmp_path / "out put"
    return destination.recorded(str(folder) if request.param == "folder" else folder.as_uri())


def test_what_is_put_somewhere_is_fetched_back_under_its_name(store: Store, root: str, source: Path) -> None:
    uri = destination.put(root, ("a b", "c/d%", "Net.pt"), source)
    assert destination.fetch(store, uri, digest=DIGEST).read_bytes() == b"weights"
    assert destination.name_of(uri) == "Net.pt"
    again = destination.fetch(store, uri, digest=DIGEST, name="Net.pt")
    assert again.name == "Net.pt"
    destination.remove(uri)
    destination.remove(uri)
    with pytest.raises((NotFound, RemoteError)):
        destination.fetch(store, uri, digest="0" * 64)


def test_what_has_changed_there_is_not_taken_for_what_was_put(store: Store, root: str, source: Path) -> None:
    uri = destination.put(root, ("w.pt",), source)
    source.write_bytes(b"others")
    destination.put(root, ("w.pt",), source)
    with pytest.raises(Damaged, match="SHA-256"):
        destination.fetch(store, uri, digest=DIGEST)
    assert not any(path.is_file() for path in store.paths.fetched(DIGEST).rglob("*"))


def test_names_lead_nowhere_outside(tmp_path: Path, source: Path) -> None:
    root = destination.recorded(str(tmp_path / "out"))
    for number, part in enumerate(("..", ".", "../..", "/etc", "a/../../b", "~")):
        destination.put(root, (part, f"{number}.pt"), source)
    below = set((tmp_path / "out").rglob("*.pt"))
    assert len(below) == len(list(tmp_path.rglob("*.pt"))) - 1 == 6


def test_credentials_are_not_recorded_and_are_used(source: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = fsspec.core.url_to_fs
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda uri: (seen.append(uri), real("memory://x/" + uri[-4:]))[1])
    root = destination.recorded("memory://ada:secret@box/out/")
    assert root == "memory://box/out"
    uri = destination.put(root, ("w.pt",), source)
    assert uri == "memory://box/out/w.pt"
    assert destination.fetch(store, uri, digest=DIGEST).read_bytes() == b"weights"
    assert set(seen) == {"memory://ada:secret@box/out/w.pt"}


def test_what_is_no_place_is_refused_and_a_missing_package_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("", "  ", 5):
        with pytest.raises(BadValue, match="output_uri"):
            destination.recorded(wrong)  # type: ignore[arg-type]  # what users pass
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(Refused, match=r"pip install 'taskstore\[remote\]'"):
        destination.recorded("s3://bucket/folder")


def test_a_folder_of_another_machine_is_no_folder_of_this_one() -> None:
    with pytest.raises(BadValue, match="file://host/share is of another machine"):
        destination.recorded("file://host/share")
    assert destination.recorded("file:///share") == "file:///share"


def test_an_unknown_kind_of_place_is_refused() -> None:
    with pytest.raises(BadValue, match="nowhere"):
        destination.recorded("nowhere://x/y")


def test_a_place_that_has_failed_is_not_asked_again_at_once(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a file is no folder")
    root = destination.recorded(str(tmp_path / "file"))
    now = 1000.0
    monkeypatch.setattr(destination.time, "monotonic", lambda: now)
    with pytest.raises(RemoteError, match="Error"):
        destination.put(root, ("w.pt",), source)
    (tmp_path / "file").unlink()
    with pytest.raises(RemoteError, match="a moment ago"):
        destination.put(root, ("w.pt",), source)
    now += 301
    assert destination.put(root, ("w.pt",), source).endswith("/file/w.pt")


# the files of a task


def made(store: Store, root: str, name: str = "a run") -> str:
    paths = tasks.create(store, "vision/cats", name)
    tasks.edit(store, paths.id, lambda record: setattr(record, "output_destination", root))
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    return paths.id


def test_an_artifact_goes_there_too_by_clearmls_layout(store: Store, tmp_path: Path) -> None:
    task_id = made(store, destination.recorded(str(tmp_path / "out")), "a/run")
    found = Artifacts(store, task_id).upload("scores", {"a": 1})
    (there,) = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
    home = f"vision/cats/a%2Frun.{task_id}/artifacts/scores/scores.json"
    assert there.relative_to(tmp_path / "out").as_posix() == home
    assert found.url == there.as_uri()
    there.unlink()
    assert Artifacts(store, task_id)["scores"].get() == {"a": 1}


def test_where_it_does_not_stay_here_it_is_fetched(store: Store, root: str) -> None:
    store.paths.config.write_text("output:\n  keep_local: false\n")
    task_id = made(store, root)
    kept = Artifacts(store, task_id)
    before = kept.upload("scores", {"a": 1})
    assert not any(path.is_file() for path in tasks.places.locate(store, task_id).files.rglob("*"))
    assert (kept["scores"].get(), kept["scores"].size, kept["scores"].hash) == ({"a": 1}, before.size, before.hash)
    assert before.size > 0
    kept.delete("scores")
    assert list(kept) == []
    with pytest.raises((NotFound, RemoteError)):
        destination.fetch(store, before.url, digest="0" * 64)


def test_a_place_that_does_not_answer_is_warned_of_once_and_the_file_stays(store: Store, tmp_path: Path) -> None:
    store.paths.config.write_text("output:\n  keep_local: false\n")
    (tmp_path / "file").write_text("a file is no folder")
    said: list[str] = []
    kept = Artifacts(store, made(store, destination.recorded(str(tmp_path / "file"))), warn=said.append)
    for name in ("one", "two"):
        assert kept.upload(name, {"name": name}).get() == {"name": name}
    assert len(said) == 1
    assert "stay in the task's folder" in said[0]
