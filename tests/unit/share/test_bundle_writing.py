"""Zipping tasks: what is in it, the same bytes for the same content, and tasks that go on while they are read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import BadValue, Busy, Conflict, NotFound, ReadOnly
from taskstore.core.states import Status
from taskstore.disk import archive
from taskstore.disk.layout import TaskPaths
from taskstore.schema.model import Model, ModelInput
from taskstore.share import bundle
from taskstore.share.bundle import snapshot
from taskstore.store import models, places, projects, tasks
from taskstore.store.store import Store

from .bundles import IDS, WRITER, held, keep, log, make, other, take, task_folder, tree, zipped


def test_a_zip_holds_the_tasks_as_they_lie_in_the_store_and_what_it_is(store: Store, tmp_path: Path) -> None:
    paths = make(store)
    contents = held(zipped(store, tmp_path / "x.zip"))
    record = json.loads(contents.pop("taskstore-bundle.json"))
    assert record == {"format": 1, "store": store.id, "tasks": [IDS[0]]}
    home = paths.home.relative_to(store.root).as_posix()
    for name in ("task.json", "params.json", "artifacts.json", "source/script/train.py", "summary.json"):
        assert contents[f"{home}/{name}"] == (paths.home / name).read_bytes()
    assert contents[f"{home}/files/artifacts/data/data.bin"] == b"some bytes " * 100
    assert contents[f"{home}/events/scalars.{WRITER}.jsonl"] == paths.scalars(WRITER).read_bytes()
    assert all(name.startswith(f"{home}/") for name in contents)


def test_locks_beacons_requests_and_unfinished_files_stay(store: Store, tmp_path: Path) -> None:
    paths = make(store)
    for name in (".lock", ".alive", "stop.json", ".task.json.0abc-1-ff.tmp", "files/.new-0abc-1-ff", "files/.x.tmp"):
        (paths.home / name).write_bytes(b"{}")
    names = {
        name.removeprefix(task_folder(held(path)))
        for path in [zipped(store, tmp_path / "x.zip")]
        for name in held(path)
    }
    assert not [name for name in names if "stop" in name or "/." in f"/{name}"]


def test_who_trusts_a_task_is_said_in_its_store_alone(store: Store, tmp_path: Path) -> None:
    paths = make(store)
    record = json.loads(paths.record.read_bytes())
    for execution, left in (({"trusted": "ada@lab"}, None), ({"trusted": "ada@lab", "queue": "gpu"}, {"queue": "gpu"})):
        paths.record.write_text(json.dumps(record | {"execution": execution, "unknown": {"trusted": 1}}))
        contents = held(zipped(store, tmp_path / "x.zip", is_replaced=True))
        found = json.loads(contents[task_folder(contents) + "task.json"])
        assert found.get("execution") == left
        assert found["unknown"] == {"trusted": 1}
        assert list(found)[:3] == list(record)[:3]


def test_the_same_content_gives_the_same_bytes(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        make(store, number, f"project {number}")
    first = zipped(store, tmp_path / "a.zip", 0, 1, 2).read_bytes()
    copy = shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copyfile)
    for folder, _, names in os.walk(copy):
        for name in names:
            os.utime(Path(folder, name), (1, 1))
            Path(folder, name).chmod(0o600)
    before = os.umask(0o077)
    try:
        assert zipped(other(copy), tmp_path / "b.zip", 2, 1, 0, 1).read_bytes() == first
    finally:
        os.umask(before)
    assert zipped(store, tmp_path / "a.zip", 2, 0, 1, is_replaced=True).read_bytes() == first
    assert zipped(store, tmp_path / "c.zip", 0, 1).read_bytes() != first


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_other_tools_list_it_and_find_it_whole(store: Store, tmp_path: Path) -> None:
    make(store, project="Größe: 日本")
    path = zipped(store, tmp_path / "x.zip")
    listed = subprocess.run(["unzip", "-l", path], capture_output=True, check=True).stdout.decode()
    assert f"{IDS[0]}/task.json" in listed
    assert b"No errors" in subprocess.run(["unzip", "-t", path], capture_output=True, check=True).stdout


def test_what_does_not_get_smaller_is_stored(store: Store, tmp_path: Path) -> None:
    make(store, artifact=os.urandom(1 << 20))
    with zipfile.ZipFile(zipped(store, tmp_path / "x.zip")) as packed:
        kinds = {Path(info.filename).name: info.compress_type for info in packed.infolist()}
    assert kinds["data.bin"] == zipfile.ZIP_STORED
    assert kinds[f"scalars.{WRITER}.jsonl"] == kinds["task.json"] == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    ("words", "gone", "stays"),
    [
        (["artifacts"], "files/artifacts/data/data.bin", "artifacts.json"),
        (["source", "source"], "source/script/train.py", "files/artifacts/data/data.bin"),
        (["console"], f"events/console.{WRITER}.log", f"events/scalars.{WRITER}.jsonl"),
        (["artifacts", "console"], "files/artifacts/data/data.bin", "source/script/train.py"),
    ],
)
def test_what_is_left_out_is_not_there_and_the_zip_says_so(
    words: list[str], gone: str, stays: str, store: Store, tmp_path: Path
) -> None:
    make(store)
    contents = held(zipped(store, tmp_path / "x.zip", without=words))
    home = task_folder(contents)
    assert home + gone not in contents
    assert home + stays in contents
    assert json.loads(contents["taskstore-bundle.json"])["without"] == sorted(set(words))
    with pytest.raises(BadValue, match="'logs' cannot be left out"):
        zipped(store, tmp_path / "y.zip", without=["logs"])


def test_lineage_takes_parents_and_what_made_input_models(store: Store, tmp_path: Path) -> None:
    for number in range(4):
        make(store, number, status=Status.CREATED)
    models.add(store, IDS[2], Model(id="a" * 32, name="net"))
    models.give(store, IDS[1], ModelInput(slot="base", model="a" * 32, task=IDS[2]))
    tasks.edit(store, IDS[0], lambda record: setattr(record, "parent", IDS[1]))
    tasks.edit(store, IDS[2], lambda record: setattr(record, "parent", IDS[7]))
    written = bundle.write(store, [IDS[0]], tmp_path / "x.zip", with_lineage=True)
    assert written.task_ids == (IDS[0], IDS[1], IDS[2])
    assert written.missing == (IDS[7],)
    assert bundle.write(store, [IDS[0]], tmp_path / "y.zip").task_ids == (IDS[0],)


def test_what_is_said_of_projects_goes_along_and_their_settings_do_not(store: Store, tmp_path: Path) -> None:
    long = "a project whose name is too long for one component " * 4
    folder = projects.create(store, "vision", description="all of it", tags=("eyes",))
    (folder / "project.yaml").write_text((folder / "project.yaml").read_text() + "settings: {capture: {diff_mib: 1}}\n")
    make(store, 0, "vision/cats")
    make(store, 1, long.strip())
    contents = held(zipped(store, tmp_path / "x.zip", 0, 1))
    assert contents["projects/vision/project.yaml"] == b"name: vision\ndescription: all of it\ntags:\n- eyes\n"
    (whole,) = [data for name, data in contents.items() if name.endswith("project.yaml") and "vision" not in name]
    assert long.strip() in " ".join(whole.decode().split())


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(store: Store, tmp_path: Path) -> None:
    make(store)
    path = tmp_path / "x.zip"
    path.write_bytes(b"mine")
    before = tree(store.root)
    with pytest.raises(Conflict, match=r"x\.zip already; .*--force"):
        zipped(store, path)
    assert path.read_bytes() == b"mine"
    assert tree(store.root) == before
    zipped(store, path, is_replaced=True)
    assert zipfile.is_zipfile(path)
    assert [each.name for each in tmp_path.glob("*x.zip*")] == ["x.zip"]


def test_where_it_cannot_be_put_is_said_and_nothing_is_left(store: Store, tmp_path: Path) -> None:
    make(store)
    with pytest.raises(BadValue, match="is a folder"):
        zipped(store, tmp_path)
    with pytest.raises(NotFound, match="no folder"):
        zipped(store, tmp_path / "no" / "x.zip")
    with pytest.raises(NotFound):
        bundle.write(store, [IDS[5]], tmp_path / "x.zip")
    with pytest.raises(BadValue, match="no task"):
        bundle.write(store, [], tmp_path / "x.zip")
    assert not list(tmp_path.glob("*x.zip*"))


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_that_cannot_be_written_is_refused(store: Store, plain_user: Path) -> None:
    made = other(plain_user / "store")
    make(made)
    (plain_user / "locked").mkdir(mode=0o500)
    with pytest.raises(ReadOnly, match="locked"):
        zipped(made, plain_user / "locked" / "x.zip")


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_store_that_can_only_be_read_is_zipped_as_it_is(plain_user: Path) -> None:
    made = other(plain_user / "store")
    make(made)
    before = tree(made.root)
    for path in [made.root, *made.root.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert zipfile.is_zipfile(zipped(made, plain_user / "x.zip"))
    finally:
        for path in [made.root, *made.root.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    assert tree(made.root).keys() == before.keys()


def test_a_failure_while_it_is_written_leaves_the_file_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    path = zipped(store, tmp_path / "x.zip")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_put", full)
    with pytest.raises(OSError, match="No space"):
        zipped(store, path, is_replaced=True)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("*x.zip*")] == ["x.zip"]


def test_what_a_killed_one_has_left_goes_with_the_next(store: Store, tmp_path: Path) -> None:
    make(store)
    (tmp_path / ".x.zip.00000000-4194305-abcdef.tmp").write_bytes(b"half")
    (tmp_path / ".y.zip.00000000-4194305-abcdef.tmp").write_bytes(b"half")
    from taskstore.disk import process

    tag = process.owner_tag().partition("-")[0]
    (tmp_path / f".x.zip.{tag}-4194305-abcdef.tmp").write_bytes(b"half")
    zipped(store, tmp_path / "x.zip")
    # Of another machine's nothing is known.
    assert sorted(each.name for each in tmp_path.glob(".*.tmp")) == [
        ".x.zip.00000000-4194305-abcdef.tmp",
        ".y.zip.00000000-4194305-abcdef.tmp",
    ]


def test_it_is_named_after_the_task_the_project_or_their_number(store: Store) -> None:
    make(store, 0)
    make(store, 1)
    tasks.edit(store, IDS[0], lambda record: setattr(record, "name", "A: b/c*  d."), allowed=frozenset(Status))
    assert bundle.default_name(store, [IDS[0]]) == f"A-b-c-d-{IDS[0][:12]}.zip"
    assert bundle.default_name(store, IDS[:2]) == "2-tasks.zip"
    assert bundle.name_of_project("vision/Cats & dogs") == "vision-Cats-dogs.zip"
    assert bundle.name_of_project("con") == "_con.zip"


# what goes on while it is read


def running(store: Store) -> TaskPaths:
    return make(store, status=Status.IN_PROGRESS)


class Meanwhile:
    """Does something once, as soon as a file of some name is being put."""

    def __init__(self, store: Store, name: str, action: Any) -> None:
        self.store, self.name, self.action = store, name, action
        self.contents: dict[str, bytes] = {}

    def put(self, name: str, chunks: Any, _: int) -> None:
        if name.startswith(self.name) and self.action is not None:
            action, self.action = self.action, None
            action()
        assert name not in self.contents
        self.contents[name] = b"".join(chunks)

    def copy(self) -> dict[str, bytes]:
        each = snapshot.Snapshot(places.locate(self.store, IDS[0]), lambda _: True)
        each.size()
        each.copy(self.put)
        assert self.action is None
        return self.contents


def test_a_log_that_grows_is_taken_as_long_as_it_was(store: Store) -> None:
    paths = running(store)
    before = paths.scalars(WRITER).read_bytes()
    contents = Meanwhile(store, f"events/scalars.{WRITER}", lambda: log(paths, start=3)).copy()
    assert contents[f"events/scalars.{WRITER}.jsonl"] == before
    assert len(paths.scalars(WRITER).read_bytes()) > len(before)


def test_what_the_records_name_is_there_though_the_run_adds_to_it(store: Store) -> None:
    running(store)
    contents = Meanwhile(store, "files/", lambda: keep(store, IDS[0], "more", b"more")).copy()
    named = json.loads(contents["artifacts.json"])["artifacts"]
    assert sorted(named) == ["data", "more"]
    assert contents["files/artifacts/more/more.bin"] == b"more"


def test_the_logs_hold_all_that_a_task_had_that_has_ended_meanwhile(store: Store) -> None:
    paths = running(store)

    def end() -> None:
        log(paths, start=3)
        tasks.transition(store, IDS[0], Status.COMPLETED)

    contents = Meanwhile(store, "files/", end).copy()
    assert json.loads(contents["task.json"])["status"] == "completed"
    assert contents[f"events/scalars.{WRITER}.jsonl"].count(b"\n") == 6


def test_records_are_those_of_one_moment(store: Store) -> None:
    running(store)
    contents = Meanwhile(store, "artifacts.json", lambda: tasks.transition(store, IDS[0], Status.COMPLETED)).copy()
    assert json.loads(contents["task.json"])["status"] == "in_progress"


def test_an_artifact_that_is_replaced_meanwhile_is_there_as_the_record_says(store: Store) -> None:
    running(store)
    contents = Meanwhile(store, "files/", lambda: keep(store, IDS[0], "data", b"new")).copy()
    ref = json.loads(contents["artifacts.json"])["artifacts"]["data"]["file"]
    assert contents[ref["path"]] == b"new"


def test_a_blob_whose_name_another_takes_is_not_taken_for_it(store: Store) -> None:
    paths = running(store)

    def replace() -> None:
        keep(store, IDS[0], "other", b"other")
        path = paths.home / "files/artifacts/data/data.bin"
        path.unlink()
        path.write_bytes(b"another of that name")

    with pytest.raises(Busy):
        Meanwhile(store, "source/", replace).copy()


def test_a_move_meanwhile_is_said(store: Store) -> None:
    running(store)
    with pytest.raises(Busy):
        Meanwhile(store, "source/", lambda: tasks.move(store, IDS[0], "elsewhere")).copy()


def test_a_reset_meanwhile_is_said(store: Store) -> None:
    paths = make(store)
    with pytest.raises(Busy):
        Meanwhile(store, "events/console", lambda: shutil.rmtree(paths.events)).copy()


def test_a_program_that_never_rests_is_zipped_all_the_same(store: Store) -> None:
    running(store)
    each = snapshot.Snapshot(places.locate(store, IDS[0]), lambda _: True)
    look, count = each._look, 0

    def restless() -> Any:
        nonlocal count
        count += 1
        tasks.edit(store, IDS[0], lambda record: setattr(record, "comment", str(count)))
        return look()

    each._look = restless  # type: ignore[method-assign]
    contents: dict[str, bytes] = {}
    each.copy(lambda name, chunks, _: contents.update({name: b"".join(chunks)}))
    assert json.loads(contents["task.json"])["comment"].isdigit()


@pytest.mark.skipif(os.name == "nt", reason="names that Windows has not")
def test_what_no_bundle_can_hold_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    paths = make(store)
    for name in ("CON.txt", "same", "SAME", "a\\b", "x:y", "dot."):
        (paths.home / name).write_bytes(b"stray")
    (paths.home / "pointer").symlink_to("/etc/passwd")
    (paths.home / "folder").symlink_to("/etc")
    written = bundle.write(store, [IDS[0]], tmp_path / "x.zip")
    names = {name.removeprefix(f"{IDS[0]}/") for name in written.left_out}
    assert names == {"CON.txt", "same", "a\\b", "x:y", "dot.", "pointer", "folder"}
    assert "device" in written.left_out[f"{IDS[0]}/CON.txt"]
    assert take(other(tmp_path / "other"), tmp_path / "x.zip") == ["new"]
