"""Importing bundles: ids and projects stay, twice is once, and a newer copy is merged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, NotFound, Refused
from taskstore.core.states import Status
from taskstore.schema.model import Model
from taskstore.sections.artifacts import Artifacts
from taskstore.sections.models import weights
from taskstore.share import bundle
from taskstore.store import (
    artifacts,
    configuration,
    doctor,
    events,
    models,
    places,
    projects,
    published,
    query,
    tasks,
    trash,
)
from taskstore.store.store import Store

from ...crash import crashing
from .bundles import IDS, WRITER, held, log, make, other, packed, take, task_folder, tree, unpacked, zipped


@pytest.fixture
def origin(tmp_path: Path) -> Store:
    return other(tmp_path / "origin")


def test_ids_and_projects_stay(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0, "vision/Cats")
    make(origin, 1, "Größe: was?")
    assert take(store, zipped(origin, tmp_path / "x.zip", 0, 1)) == ["new", "new"]
    found = {row.id: row.project for row in query.find(store).rows}
    assert found == {IDS[0]: "vision/Cats", IDS[1]: "Größe: was?"}


def test_all_that_a_task_has_comes_in(store: Store, tmp_path: Path) -> None:
    built = crashing.build(tmp_path / "origin")
    before = crashing.state(built)
    ids = [task_id for _, task_id in places.walk(built)]
    written = bundle.write(built, ids, tmp_path / "x.zip")
    assert written.left_out == {}
    assert sorted(take(store, tmp_path / "x.zip")) == ["new"] * len(ids)
    after = crashing.state(store)
    for task_id in ids:
        mine, theirs = before[task_id], after[task_id]
        theirs["task"].pop("imported")
        theirs["files"].pop("ancestry.json", None)
        mine["files"].pop("ancestry.json", None)
        for each in (mine, theirs):
            each["task"].pop("last_update")
            # Which of two blobs of one name is at its place, and which aside, is the same after any merge.
            each["files"] = sorted(each["files"].values())
            for model in each["models"].get("output", {}).values():
                for ref in [model, *model["snapshots"]]:
                    ref["file"].pop("path")
        assert theirs == mine, task_id


def test_twice_is_once(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    make(origin, 1, status=Status.IN_PROGRESS)
    path = zipped(origin, tmp_path / "x.zip", 0, 1)
    take(store, path)
    before = tree(store.paths.projects)
    assert take(store, path) == ["unchanged", "unchanged"]
    assert tree(store.paths.projects) == before


@pytest.mark.parametrize(
    "status", [Status.CREATED, Status.IN_PROGRESS, Status.FAILED, Status.STOPPED, Status.PUBLISHED]
)
def test_tasks_of_every_status_come_in(status: Status, origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0, status=Status.COMPLETED if status is Status.PUBLISHED else status)
    if status is Status.PUBLISHED:
        published.publish(origin, IDS[0])
    assert take(store, zipped(origin, tmp_path / "x.zip")) == ["new"]
    found = places.locate(store, IDS[0])
    assert tasks.read(found).status is status
    if status is Status.PUBLISHED:
        assert not published.has_write_bits(found)
        assert published.verify(found) == []


def test_into_another_project(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    assert take(store, path, into="laptop/old") == ["new"]
    assert places.project_of(store, places.locate(store, IDS[0]).home) == "laptop/old"
    assert not (store.paths.projects / "vision").exists()
    assert take(store, path) == ["unchanged"]
    assert places.project_of(store, places.locate(store, IDS[0]).home) == "laptop/old"


def test_into_what_can_be_no_project_nothing_comes(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    for name in ("x", "a//b", " "):
        with pytest.raises(BadName):
            take(store, path, into=name)
    assert list(store.paths.projects.iterdir()) == []


def test_a_newer_copy_is_merged(origin: Store, store: Store, tmp_path: Path) -> None:
    paths = make(origin, 0, status=Status.IN_PROGRESS)
    take(store, zipped(origin, tmp_path / "x.zip"))
    log(paths, start=3)
    tasks.transition(origin, IDS[0], Status.COMPLETED)
    tasks.edit(store, IDS[0], lambda record: setattr(record, "comment", "seen"), allowed=frozenset(Status))
    assert take(store, zipped(origin, tmp_path / "y.zip")) == ["merged"]
    found = places.locate(store, IDS[0])
    assert tasks.read(found).status is Status.COMPLETED
    assert tasks.read(found).comment == "seen"
    (series,) = events.read_scalars(found)
    assert len(series.values) == 6
    assert take(store, tmp_path / "x.zip") == ["unchanged"]


def test_what_was_edited_by_hand_since_the_last_zip_is_newer(origin: Store, store: Store, tmp_path: Path) -> None:
    paths = make(origin, 0, status=Status.CREATED)
    take(store, zipped(origin, tmp_path / "x.zip"))
    record = json.loads(paths.record.read_bytes())
    paths.record.write_text(json.dumps(record | {"comment": "by hand"}))
    (outcome,) = [each.outcome for each in bundle.read(store, zipped(origin, tmp_path / "y.zip"))]
    assert outcome is not None
    assert (outcome.kind, outcome.conflicts) == ("merged", ())
    assert tasks.read(places.locate(store, IDS[0])).comment == "by hand"


def test_edits_of_one_field_on_both_sides_are_a_conflict_that_is_said(
    origin: Store, store: Store, tmp_path: Path
) -> None:
    make(origin, 0, status=Status.CREATED)
    take(store, zipped(origin, tmp_path / "x.zip"))
    for each, text in ((origin, "there"), (store, "here")):
        tasks.edit(each, IDS[0], lambda record, text=text: setattr(record, "comment", text))
    (outcome,) = [each.outcome for each in bundle.read(store, zipped(origin, tmp_path / "y.zip"))]
    assert outcome is not None
    assert outcome.conflicts == ("comment",)


def test_a_task_says_that_it_came_from_outside(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    take(store, path)
    (mark,) = tasks.read(places.locate(store, IDS[0])).imported
    assert (mark.kind, mark.path, mark.who) == ("taskstore", str(path), tasks.who())
    assert mark.id == origin.id
    assert mark.time == store.clock.now()


def test_an_unpacked_zip_a_store_and_a_single_task_are_taken_alike(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    folder = unpacked(path, tmp_path / "unpacked")
    home = folder / task_folder(held(path))
    for turn, place in enumerate((folder, origin.root, home, places.locate(origin, IDS[0]).home)):
        assert bundle.recognises(place)
        fresh = other(tmp_path / f"fresh {turn}")
        assert take(fresh, place) == ["new"]
        assert take(store, place) in (["new"], ["unchanged"])
        assert tree(fresh.paths.projects).keys() == tree(store.paths.projects).keys()


def test_a_zip_of_a_folder_around_it_and_one_of_a_single_task(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    contents = held(zipped(origin, tmp_path / "x.zip"))
    around = packed(tmp_path / "around.zip", {f"runs/{name}": data for name, data in contents.items()})
    assert take(store, around) == ["new"]
    home = task_folder(contents)
    single = {f"{IDS[0]}/{name.removeprefix(home)}": data for name, data in contents.items() if name.startswith(home)}
    single_path = packed(tmp_path / "single.zip", single)
    assert bundle.recognises(single_path)
    fresh = other(tmp_path / "fresh")
    with pytest.raises(Refused, match="--into names one"):
        take(fresh, single_path)
    assert take(fresh, single_path, into="here") == ["new"]


def test_a_store_in_use_is_a_bundle_without_its_trash_and_queues(store: Store, tmp_path: Path) -> None:
    built = crashing.build(tmp_path / "origin")
    ids = {task_id for _, task_id in places.walk(built)}
    assert {each.task_id for each in bundle.read(store, built.root)} == ids
    assert trash.listed(store) == []


@pytest.mark.skipif(os.name == "nt", reason="needs links, and names that Windows has not")
def test_what_a_store_has_beside_its_projects_is_not_looked_at(origin: Store, store: Store) -> None:
    make(origin, 0)
    (origin.paths.cache / "fetched").mkdir(parents=True)
    (origin.paths.cache / "fetched" / "a:b?").write_bytes(b"")
    (origin.paths.cache / "link").symlink_to("/etc")
    assert take(store, origin.root) == ["new"]


def test_the_bar_of_an_import_is_full_at_the_end(
    origin: Store, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(origin, 0, artifact=os.urandom(5 << 20))
    counts: list[int] = []
    totals: list[int] = []

    @contextlib.contextmanager
    def bar(_: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        totals.append(total_bytes)
        yield counts.append

    monkeypatch.setattr("taskstore.share.bundle.reading.bar", bar)
    for _ in range(2):
        take(store, zipped(origin, tmp_path / "x.zip", is_replaced=True))
        assert sum(counts) == totals[-1]
        assert totals[-1] > 5 << 20
        assert len(counts) > 5 or len(totals) > 1  # within the artifact, too
        counts.clear()


def test_unknown_keys_stay(origin: Store, store: Store, tmp_path: Path) -> None:
    paths = make(origin, 0)
    for path in (paths.record, paths.params, paths.artifacts):
        record = json.loads(path.read_bytes())
        path.write_text(json.dumps(record | {"of next year": {"a": [1, None]}}))
    (paths.home / "later.json").write_text('{"rev": 1}')
    take(store, zipped(origin, tmp_path / "x.zip"))
    found = places.locate(store, IDS[0])
    for path in (found.record, found.params, found.artifacts):
        assert json.loads(path.read_bytes())["of next year"] == {"a": [1, None]}
    assert (found.home / "later.json").read_text() == '{"rev": 1}'


def test_what_is_said_of_a_new_project_comes_in_and_where_its_files_go_does_not(
    origin: Store, store: Store, tmp_path: Path
) -> None:
    folder = projects.create(origin, "vision", description="all of it", tags=("eyes",))
    make(origin, 0, "vision/cats")
    contents = held(zipped(origin, tmp_path / "x.zip"))
    contents["projects/vision/project.yaml"] += b"default_output_destination: s3://theirs\nsettings: {a: {b: 1}}\n"
    take(store, packed(tmp_path / "y.zip", contents))
    said = projects.read(store.paths.projects / folder.name)
    assert (said.description, said.tags, said.default_output_destination) == ("all of it", ["eyes"], "")
    assert "settings" not in (store.paths.projects / folder.name / "project.yaml").read_text()


def test_what_is_said_of_a_project_that_is_here_stays(origin: Store, store: Store, tmp_path: Path) -> None:
    projects.create(origin, "vision", description="theirs")
    make(origin, 0, "vision")
    folder = projects.create(store, "vision", description="mine")
    take(store, zipped(origin, tmp_path / "x.zip"))
    assert projects.read(folder).description == "mine"


def test_what_is_deleted_here_does_not_come_back(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    take(store, path)
    trash.put(store, IDS[0])
    assert take(store, path) == ["unchanged"]
    assert list(places.walk(store)) == []


def test_none_is_found_where_there_is_none(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file or folder"):
        take(store, tmp_path / "nothing")
    empty = packed(tmp_path / "x.zip", {"taskstore-bundle.json": b'{"format": 1}'})
    with pytest.raises(NotFound, match=r"no task in '.*'; it holds nothing of"):
        take(store, empty)


def test_a_file_of_large_form_is_read(
    origin: Store, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskstore.disk.archive._ZIP64_BYTES", 10)
    make(origin, 0, artifact=os.urandom(1000))
    path = zipped(origin, tmp_path / "x.zip")
    assert b"\1\0\x10\0" in path.read_bytes()
    assert take(store, path) == ["new"]


def test_a_zip_behind_something_else_is_read(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
    assert take(store, path) == ["new"]


# what was left out


def left_out(origin: Store, tmp_path: Path, *words: str) -> Path:
    make(origin, 0)
    return zipped(origin, tmp_path / "small.zip", without=words)


def test_the_task_says_what_was_left_out(origin: Store, store: Store, tmp_path: Path) -> None:
    take(store, left_out(origin, tmp_path, "artifacts", "console"))
    (mark,) = tasks.read(places.locate(store, IDS[0])).imported
    assert mark.without == ["artifacts", "console"]


def test_what_was_left_out_comes_with_a_whole_one(origin: Store, store: Store, tmp_path: Path) -> None:
    small = left_out(origin, tmp_path, "artifacts", "source", "console")
    take(store, small)
    found = places.locate(store, IDS[0])
    whole = zipped(origin, tmp_path / "whole.zip")
    assert take(store, whole) == ["merged"]
    assert (found.home / artifacts.read(found).artifacts["data"].file.path).read_bytes() == b"some bytes " * 100
    assert [line.text for line in events.read_console(found)] == ["hello"]
    assert take(store, small) == ["unchanged"]
    assert take(store, whole) == ["unchanged"]


def test_what_is_not_here_is_not_in_the_next_zip_and_it_says_so(origin: Store, store: Store, tmp_path: Path) -> None:
    take(store, left_out(origin, tmp_path, "artifacts", "console"))
    assert zip_of(store, tmp_path / "again.zip") == ["artifacts", "console"]
    third = other(tmp_path / "third")
    assert take(third, tmp_path / "again.zip") == ["new"]
    assert doctor.check(third) == []
    take(store, zipped(origin, tmp_path / "whole.zip"))
    assert zip_of(store, tmp_path / "last.zip") == []


def test_what_one_task_lacks_another_in_the_zip_may_have(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 1)
    take(store, left_out(origin, tmp_path, "source", "console"))
    take(store, zipped(origin, tmp_path / "other.zip", 1))
    third = other(tmp_path / "third")
    take(third, zipped(store, tmp_path / "both.zip", 0, 1))
    home = places.locate(third, IDS[1])
    assert home.standalone("train.py").read_bytes() == b"print(1)\n"
    assert [line.text for line in events.read_console(home)] == ["hello"]
    assert not places.locate(third, IDS[0]).standalone("train.py").exists()


def zip_of(store: Store, path: Path) -> list[str]:
    return list(bundle.write(store, [IDS[0]], path).without)


def test_what_was_left_out_is_no_damage_and_told_apart_from_what_is(
    origin: Store, store: Store, tmp_path: Path
) -> None:
    take(store, left_out(origin, tmp_path, "artifacts"))
    assert doctor.check(store) == []
    found = places.locate(store, IDS[0])
    with pytest.raises(NotFound, match="left out of the bundle"):
        Artifacts(store, IDS[0])["data"].get_local_copy()
    (found.home / "source" / "script" / "train.py").unlink()
    fresh = other(tmp_path / "fresh")
    take(fresh, zipped(origin, tmp_path / "whole.zip"))
    blob = next((fresh.paths.projects).rglob("data.bin"))
    blob.chmod(0o600)
    blob.unlink()
    assert [each.path for each in doctor.check(fresh)] == [blob]


def test_a_published_task_that_came_without_its_artifacts_is_as_published(
    origin: Store, store: Store, tmp_path: Path
) -> None:
    make(origin, 0)
    published.publish(origin, IDS[0])
    take(store, zipped(origin, tmp_path / "x.zip", without=["artifacts", "source"]))
    assert published.verify(places.locate(store, IDS[0])) == []
    assert doctor.check(store) == []


@pytest.mark.parametrize("is_published", [False, True])
@pytest.mark.parametrize("word", ["artifacts", "models", "media", "source", "console"])
def test_each_kind_that_was_left_out_comes_later(
    word: str, is_published: bool, origin: Store, store: Store, tmp_path: Path
) -> None:
    paths = make(origin, 0, status=Status.IN_PROGRESS)
    sample = paths.sample("title", "series", "0.bin")
    sample.parent.mkdir(parents=True)
    sample.write_bytes(b"sample")
    file = {"path": sample.relative_to(paths.home).as_posix(), "size": 6, "hash": hashlib.sha256(b"sample").hexdigest()}
    line = {"timestamp": 1, "iter": 0, "metric": "title", "variant": "series", "file": file, "content_type": "x/y"}
    paths.media(WRITER).write_text(json.dumps(line) + "\n")
    keep_model(origin, IDS[0])
    tasks.transition(origin, IDS[0], Status.COMPLETED)
    if is_published:
        published.publish(origin, IDS[0])
    before = files_of(origin)
    take(store, zipped(origin, tmp_path / "small.zip", without=[word]))
    assert files_of(store).items() < before.items()
    assert doctor.check(store) == []
    assert take(store, zipped(origin, tmp_path / "whole.zip")) == ["merged"]
    assert files_of(store) == before
    assert doctor.check(store) == []
    assert take(store, tmp_path / "whole.zip") == ["unchanged"]
    assert take(store, tmp_path / "small.zip") == ["unchanged"]


def keep_model(store: Store, task_id: str) -> None:
    source = store.root / "weights"
    source.write_bytes(b"weights")
    models.add(store, task_id, Model(id="a" * 32, name="net"))
    weights.keep(store, task_id, "a" * 32, weights.Kept(path=source, name="net.pt"))
    source.unlink()


def files_of(store: Store) -> dict[str, bytes]:
    """Blobs and logs by their names."""
    home = places.locate(store, IDS[0]).home
    found = (path for folder in ("files", "source", "events") for path in (home / folder).rglob("*"))
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in found if path.is_file()}


def test_files_that_the_origin_has_lost_are_said(origin: Store, store: Store, tmp_path: Path) -> None:
    paths = make(origin, 0)
    (paths.home / "files/artifacts/data/data.bin").unlink()
    (brought,) = bundle.read(store, zipped(origin, tmp_path / "x.zip"))
    assert brought.outcome is not None
    assert brought.outcome.missing == ("files/artifacts/data/data.bin",)


def test_configuration_comes_in(origin: Store, store: Store, tmp_path: Path) -> None:
    make(origin, 0, status=Status.CREATED)
    folder = places.locate(origin, IDS[0])
    folder.config.mkdir()
    folder.config_file("model", "yaml").write_text("a: 1\n")
    record = {"rev": 1, "configuration": {"model": {"name": "model", "type": "yaml", "file": "model.yaml"}}}
    folder.configuration.write_text(json.dumps(record))
    (folder.config / "loose.txt").write_text("no record names it")
    take(store, zipped(origin, tmp_path / "x.zip"))
    found = configuration.read(places.locate(store, IDS[0]))
    assert {name: item.read() for name, item in found.items()} == {"model": b"a: 1\n", "loose": b"no record names it"}


def test_an_error_of_the_disk_leaves_no_half_task(
    origin: Store, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(origin, 0)
    path = zipped(origin, tmp_path / "x.zip")
    before = tree(store.paths.projects)
    real = os.fsync
    count = 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        take(store, path)
    monkeypatch.undo()
    assert tree(store.paths.projects) == before
    assert take(store, path) == ["new"]


def test_files_that_only_a_later_taskstore_knows_to_be_named_come_along(
    origin: Store, store: Store, tmp_path: Path
) -> None:
    paths = make(origin, 0)
    record = json.loads(paths.artifacts.read_bytes())
    for name in ("artifacts.json", "models.json", "script.json"):
        path = paths.home / name
        value = json.loads(path.read_bytes()) if path.exists() else {"rev": 1}
        path.write_text(json.dumps(value | {"of next year": {"x": record["artifacts"]["data"]}}))
    paths.artifacts.write_text(json.dumps({"rev": 1, "of next year": record["artifacts"]}))
    take(store, zipped(origin, tmp_path / "x.zip"))
    assert files_of(store)["files/artifacts/data/data.bin"] == b"some bytes " * 100
    assert doctor.check(store) == []
