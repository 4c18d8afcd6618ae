from __future__ import annotations

import json
import os
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.record import ScriptRecord
from taskstore.sections.artifacts import Artifacts
from taskstore.store import events, projects, published, tasks, trash, zipped
from taskstore.store.store import Store, init

from ..zips import bundled, pack
from ..zips import zipped as packed
from .conftest import Cli, Result, Workshop

BIG = os.urandom(3 << 20)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary ones, empty at first; what was opened is closed after the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    zipped.close_all()


class Zipped:
    """A store with a task of every kind, and the zip of it."""

    def __init__(self, store: Store, workshop: Workshop, folder: Path) -> None:
        self.done = workshop.task(
            "trained well",
            "vision/cats",
            parameters={"General/lr": "0.1"},
            scalars={"loss/train": [1.0, 0.5]},
            console=[("stdout", "epoch 1"), ("stdout", "epoch 2")],
            status=Status.CREATED,
        )
        Artifacts(store, self.done.id).upload("scores", {"accuracy": 0.5})
        (folder / "big.bin").write_bytes(BIG)
        Artifacts(store, self.done.id).upload("big", folder / "big.bin")
        workshop.end(self.done, Status.COMPLETED)
        self.other = workshop.task("trained badly", "vision/cats", parameters={"General/lr": "0.9"})
        script = folder / "train.py"
        script.write_text("print('trained')")
        ran = ScriptRecord(kind="script", entry_point=str(script), cwd=str(folder), argv=[])
        begun = [("stdout", "it begins")]
        parameters = {"General/lr": "1"}
        self.draft = workshop.task("a draft", status=Status.CREATED, script=ran, parameters=parameters, console=begun)
        self.waiting = workshop.task("it waits", status=Status.CREATED)
        queue.create(store, "nightly")
        queue.enqueue(store, self.waiting.id, "default")
        self.shared = workshop.task("for all to see", status=Status.COMPLETED)
        published.publish(store, self.shared.id)
        self.gone = workshop.task("deleted since")
        trash.put(store, self.gone.id)
        for paths in (self.done, self.other):
            events.refresh_summary(paths)  # as runs do
        projects.edit(store, "vision", lambda record: setattr(record, "description", "what is seen"))
        record = store.paths.projects / "vision" / "project.yaml"
        record.write_text(record.read_text() + "settings:\n  reports:\n    sample_history: 7\n")
        self.path = packed(store, folder / "runs.zip")


@pytest.fixture
def made(store: Store, workshop: Workshop, tmp_path: Path) -> Zipped:
    return Zipped(store, workshop, tmp_path)


def unpacked(folder: Path) -> set[str]:
    """The names of the files that were unpacked, and not made here."""
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    return found - {".lock", "index.msgpack", "project.yaml"}


READING = [
    ("ls",),
    ("ls", "--json", "--where", "loss/train < 1"),
    ("ls", "--where", "param:General/lr = 0.1", "--columns", "id,loss/train"),
    ("show", "{done}"),
    ("show", "vision/cats/trained well", "--json"),
    ("logs", "{done}"),
    ("diff", "{done}", "{other}"),
    ("compare", "{done}", "{other}", "--all"),
    ("compare", "{done}", "{other}", "--importance", "loss/train"),
    ("show", "{done}", "--plots"),
    ("show", "{done}", "--plots", "--json"),
    ("get", "{done}", "--list"),
    ("verify", "--all"),
    ("verify", "{shared}"),
    ("project", "ls"),
    ("project", "ls", "--json"),
    ("config", "--project", "vision"),
    ("project", "show", "vision/cats"),
    ("queue", "ls"),
    ("queue", "show", "default"),
    ("trash", "ls"),
]


def test_top_shows_what_has_ended_in_a_zip(cli: Cli, made: Zipped) -> None:
    result = cli("--store", made.path, "top", "--once")
    assert (result.code, result.err) == (0, "")
    assert "0 running" in result.out
    assert "vision/cats/trained well" in result.out


def asked(made: Zipped, command: tuple[str, ...]) -> list[str]:
    return [
        word.format(**{name: getattr(paths, "id", paths) for name, paths in vars(made).items()}) for word in command
    ]


def without_paths(result: Result, store: Store, made: Zipped) -> tuple[int, str, str]:
    """What comes next is another thing in a zip."""
    return result.code, *(
        text.replace(str(made.path), "STORE").replace(str(store.root), "STORE").partition("\nNext\n")[0]
        for text in (result.out, result.err)
    )


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_reads_says_of_a_zip_what_it_says_of_the_store(
    command: tuple[str, ...], cli: Cli, store: Store, made: Zipped
) -> None:
    of_store = without_paths(cli(*asked(made, command)), store, made)
    assert without_paths(cli("--store", made.path, *asked(made, command)), store, made) == of_store
    assert of_store[0] == 0
    assert of_store[1]


def test_the_next_thing_to_do_with_a_task_in_a_zip_is_to_import_it(cli: Cli, made: Zipped) -> None:
    page = cli("--store", made.path, "show", made.done.id).out
    following = page.partition("\nNext\n")[2]
    assert following.split()[:3] == ["taskstore", "import", str(made.path)]
    assert "publish" not in following


WRITING = [
    ("run", "p.py"),
    ("run", "{draft}"),
    ("create", "p.py", "--name", "another"),
    ("clone", "{done}"),
    ("sweep", "{draft}", "--grid", "General/lr=1,2"),
    ("set", "{draft}", "General/lr=2"),
    ("edit", "{draft}"),
    ("enqueue", "{draft}"),
    ("dequeue", "{waiting}"),
    ("queue", "create", "weekly"),
    ("queue", "set", "default", "--on-lost", "requeue"),
    ("queue", "rename", "nightly", "other"),
    ("queue", "purge", "default"),
    ("queue", "move", "{waiting}", "--priority", "5"),
    ("agent", "start", "--once"),
    ("rename", "{done}", "another"),
    ("mv", "{done}", "elsewhere"),
    ("tag", "{done}", "best"),
    ("comment", "{done}", "so it is"),
    ("archive", "{done}"),
    ("unarchive", "{done}"),
    ("reset", "{done}"),
    ("abort", "{waiting}"),
    ("publish", "{done}"),
    ("rm", "{done}"),
    ("trash", "restore", "{gone}"),
    ("trash", "purge", "{gone}"),
    ("trash", "purge", "--all"),
    ("project", "create", "audio"),
    ("project", "edit", "vision/cats", "--description", "cats"),
    ("project", "rename", "vision/cats", "dogs"),
    ("project", "mv", "vision/cats", "audio"),
    ("project", "rm", "vision/cats", "--force"),
    ("doctor", "--fix"),
]


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_what_writes_is_refused_and_says_how_to_import(
    command: tuple[str, ...], cli: Cli, made: Zipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.setenv("EDITOR", "touch ran;")
    before = made.path.read_bytes()
    result = cli("--store", made.path, *asked(made, command))
    assert result.code == 4
    assert f"{made.path} is a zip, which is only read; `taskstore import {made.path}` brings" in result.err
    assert not (tmp_path / "ran").exists()
    assert made.path.read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ("ls",),
        ("ls", "--json"),
        ("show", "{done}"),
        ("show", "{done}", "--json"),
        ("logs", "{done}"),
        ("du", "--tasks"),
    ],
    ids=" ".join,
)
def test_to_look_unpacks_no_artifact(command: tuple[str, ...], cli: Cli, made: Zipped, temporary: Path) -> None:
    result = cli("--store", made.path, *asked(made, command))
    assert result.code == 0
    assert result.out
    assert not unpacked(temporary) & {"big.bin", "scores.json"}
    assert sum(path.stat().st_size for path in temporary.rglob("*")) < 1 << 20


def test_a_listing_unpacks_no_task_at_all(cli: Cli, store: Store, made: Zipped, temporary: Path) -> None:
    assert len(cli("--store", made.path, "ls").rows) == 6
    assert unpacked(temporary) <= {"queue.json", "task.json", *(path.name for path in store.paths.queues.rglob("*"))}
    assert made.done.id not in {path.name for path in temporary.rglob("*")}


def test_one_artifact_is_unpacked_alone(cli: Cli, made: Zipped, temporary: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("--store", made.path, "get", made.done.id, "scores").out == "scores.json\n"
    assert json.loads(Path("scores.json").read_text()) == {"accuracy": 0.5}
    assert "big.bin" not in unpacked(temporary)
    assert cli("--store", made.path, "get", made.done.id, "big", "-o", "copy").code == 0
    assert Path("copy").read_bytes() == BIG


def test_du_says_what_each_task_takes_up_in_the_zip(cli: Cli, made: Zipped) -> None:
    sizes = {item["name"]: item for item in cli("--store", made.path, "du", "--json").objects}
    assert len(BIG) < sizes["vision/cats"]["apparent_bytes"] < len(BIG) + 20_000
    assert len(BIG) < sizes[""]["disk_bytes"] <= made.path.stat().st_size


def test_a_zip_named_by_the_environment_is_the_store(cli: Cli, made: Zipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(made.path))
    assert len(cli("ls").rows) == 6
    assert cli("path").out == f"{made.path}\n"
    assert cli("tag", made.done.id, "x").code == 4


def test_a_task_in_a_zip_has_no_path_but_the_name_in_the_zip(cli: Cli, made: Zipped) -> None:
    refused = cli("--store", made.path, "path", made.done.id)
    assert refused.code == 9
    assert f"lies in {made.path}, and has no folder" in refused.err
    [row] = [row for row in cli("--store", made.path, "ls", "--json").objects if row["id"] == made.done.id]
    assert row["path"] == f"{made.path}/projects/vision/cats/{made.done.id}"


def test_doctor_says_what_checks_a_zip(cli: Cli, made: Zipped) -> None:
    result = cli("--store", made.path, "doctor")
    assert result.code == 9
    assert "taskstore verify --all" in result.err


def test_what_was_changed_since_it_was_published_is_found_in_a_zip(cli: Cli, made: Zipped, store: Store) -> None:
    params = made.shared.params
    params.parent.chmod(0o700)
    params.write_text('{"hyperparams": {"General": {"lr": {"value": "7"}}}}')
    changed = packed(store, made.path.with_name("changed.zip"))
    result = cli("--store", changed, "verify", made.shared.id)
    assert result.code == 6
    assert "not in the manifest: params.json" in result.out


def test_a_bundle_is_a_store(cli: Cli, made: Zipped, store: Store, tmp_path: Path) -> None:
    path = bundled(store, tmp_path / "bundle.zip")
    assert cli("--store", path, "ls").out == cli("ls").out
    assert cli("--store", path, "logs", made.done.id).lines == ["epoch 1", "epoch 2"]


def test_a_damaged_record_in_a_zip_is_named_by_its_place_there(cli: Cli, made: Zipped, store: Store) -> None:
    made.other.record.write_text("{")
    path = packed(store, made.path.with_name("damaged.zip"))
    result = cli("--store", path, "ls")
    assert len(result.rows) == 5
    assert f"damaged file {path}/projects/vision/cats/{made.other.id}/task.json" in result.err


def test_a_zip_is_read_while_it_is_replaced_and_the_new_one_afterwards(
    cli: Cli, made: Zipped, store: Store, workshop: Workshop
) -> None:
    assert len(cli("--store", made.path, "ls").rows) == 6
    workshop.task("one more")
    packed(store, made.path.with_name("next.zip")).replace(made.path)
    assert len(cli("--store", made.path, "ls").rows) == 7


def left(temporary: Path) -> list[Path]:
    return list(temporary.glob("taskstore-zip-*"))


def test_nothing_is_left_when_the_command_has_ended(program: list[str], made: Zipped, temporary: Path) -> None:
    done = subprocess.run([*program, "--store", made.path, "logs", made.done.id], capture_output=True, check=True)
    assert done.stdout == b"epoch 1\nepoch 2\n"
    assert left(temporary) == []


@pytest.fixture
def reader(program: list[str], made: Zipped, temporary: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the zip open, and waits for what a draft prints more."""
    command = [*program, "--store", str(made.path), "logs", "-f", made.draft.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"it begins\n"
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_nothing_is_left_after_an_interrupt(reader: subprocess.Popen[bytes], temporary: Path) -> None:
    assert len(left(temporary)) == 1
    reader.send_signal(signal.SIGINT)
    assert reader.wait(60) in (130, -signal.SIGINT)
    assert left(temporary) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_a_killed_one_left_goes_with_the_next_and_what_is_in_use_stays(
    reader: subprocess.Popen[bytes], temporary: Path, program: list[str], made: Zipped
) -> None:
    [used] = left(temporary)
    subprocess.run([*program, "--store", made.path, "ls"], capture_output=True, check=True)
    assert left(temporary) == [used]
    reader.kill()
    reader.wait()
    subprocess.run([*program, "--store", made.path, "ls"], capture_output=True, check=True)
    assert left(temporary) == []


def test_nothing_is_written_to_the_home_folder(program: list[str], made: Zipped, empty_home: Path) -> None:
    before = sorted(empty_home.rglob("*"))
    subprocess.run([*program, "--store", made.path, "ls"], capture_output=True, check=True)
    assert sorted(empty_home.rglob("*")) == before


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        (
            {"notes.txt": b"", "data/a.csv": b""},
            3,
            "the zip holds no taskstore-bundle.json, taskstore.json or task.json",
        ),
        ({}, 3, "but nothing"),
        ({"taskstore.json": b"{}"}, 6, "format"),
        ({"taskstore.json": b'{"format": 99, "id": "x"}'}, 7, "has format 99"),
        ({"taskstore-bundle.json": b'{"format": 99}'}, 7, "has format 99"),
        ({"taskstore.json": b"[" * 100_000}, 6, "taskstore.json"),
        ({"../taskstore.json": b""}, 6, "'../taskstore.json'"),
        ({"taskstore-bundle.json": b'{"format": 1}', "projects//a/x": b""}, 6, "'projects//a/x'"),
        ({"taskstore-bundle.json": b'{"format": 1}', "a/" * 300 + "x": b""}, 6, "of a name that no store has"),
        ({"a/taskstore.json": b"{}", "b/taskstore.json": b"{}"}, 4, "several stores"),
    ],
)
def test_what_is_no_store_is_refused_with_what_is_in_it(
    files: dict[str, bytes], code: int, said: str, cli: Cli, tmp_path: Path, temporary: Path
) -> None:
    result = cli("--store", pack(tmp_path / "x.zip", files), "ls")
    assert result.code == code
    assert said in result.err
    assert result.err.count("\n") == 1
    assert left(temporary) == []


def test_a_broken_zip_is_a_clear_error(cli: Cli, made: Zipped, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(made.path.read_bytes()[:-1000])
    result = cli("--store", broken, "ls")
    assert result.code == 6
    assert f"damaged file {broken}: it is no zip that can be read" in result.err
    assert result.err.endswith("; nothing in a zip is repaired; get it once more\n")
    assert "doctor" not in result.err  # which cannot open it either


def test_an_artifact_that_was_left_out_is_said_to_be(cli: Cli, made: Zipped, tmp_path: Path) -> None:
    path = tmp_path / "less.zip"
    assert cli("zip", made.done.id, "--without", "artifacts", "-o", path).code == 0
    result = cli("--store", path, "get", made.done.id, "scores")
    assert result.code == 3
    assert "it was left out of the bundle" in result.err
    assert "doctor" not in result.err
    again = tmp_path / "again.zip"
    assert cli("--store", path, "zip", made.done.id, "-o", again).code == 0
    assert again.read_bytes() == path.read_bytes()  # which says so, too


def test_a_published_task_is_verified_but_for_what_was_left_out(cli: Cli, made: Zipped, tmp_path: Path) -> None:
    assert cli("publish", made.done.id).code == 0
    path = tmp_path / "less.zip"
    assert cli("zip", made.done.id, "--without", "artifacts", "-o", path).code == 0
    for argv in (("verify", made.done.id), ("verify", "--all")):
        result = cli("--store", path, *argv)
        assert (result.code, "but for what was left out: the files of artifacts" in result.out) == (0, True)


def test_only_of_a_task_that_lacks_files_it_is_said_that_some_were_left_out(
    cli: Cli, made: Zipped, tmp_path: Path
) -> None:
    less, both, elsewhere = tmp_path / "less.zip", tmp_path / "both.zip", tmp_path / "elsewhere"
    assert cli("zip", made.done.id, "--without", "artifacts", "-o", less).code == 0
    other = init(elsewhere)
    whole = tasks.create(other, "audio", "a whole one")
    Artifacts(other, whole.id).upload("x", {"y": 1})
    assert cli("--store", elsewhere, "import", less).code == 0
    assert cli("--store", elsewhere, "zip", made.done.id, whole.id, "-o", both).code == 0
    shown = {task_id: cli("--store", both, "show", task_id).out for task_id in (made.done.id, whole.id)}
    assert "the files of artifacts" in shown[made.done.id]
    assert "the files of artifacts" not in shown[whole.id]
    assert cli("--store", both, "get", whole.id, "x", "-o", tmp_path / "x.json").code == 0


@pytest.mark.parametrize("is_by_variable", [False, True])
def test_a_zip_that_is_not_there_is_not_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_by_variable: bool
) -> None:
    path = tmp_path / "runs.zip"
    if is_by_variable:
        monkeypatch.setenv("TASKSTORE_ROOT", str(path))
    result = cli("ls") if is_by_variable else cli("--store", path, "ls")
    assert result.code == 3
    assert result.err == f"taskstore: no zip '{path}'; look at its name; `taskstore zip` makes one of tasks\n"
    assert not path.exists()


def test_a_file_that_is_no_zip_is_no_store(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    result = cli("--store", tmp_path / "notes.txt", "ls")
    assert (result.code, "it is a file, and no zip of a store" in result.err) == (3, True)


def test_bytes_that_are_broken_within_are_named(cli: Cli, made: Zipped, tmp_path: Path) -> None:
    data = bytearray(made.path.read_bytes())
    at = data.index(BIG[:100]) if BIG[:100] in data else data.index(b"big.bin") + 2000
    data[at + 1000] ^= 0xFF
    broken = tmp_path / "broken.zip"
    broken.write_bytes(data)
    assert cli("--store", broken, "show", made.done.id).code == 0
    result = cli("--store", broken, "get", made.done.id, "big", "-o", tmp_path / "copy")
    assert result.code == 6
    assert f"{broken}/projects/vision/cats/{made.done.id}/files/artifacts/big/big.bin: it cannot be read" in result.err
    assert not (tmp_path / "copy").exists()


def test_a_giant_record_is_named_and_the_rest_is_listed(
    cli: Cli, made: Zipped, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.other.params.write_bytes(b'{"hyperparams": {}}' + b" " * (9 << 20))
    path = packed(store, made.path.with_name("giant.zip"))
    monkeypatch.setattr("taskstore.disk.text.MAX_RECORD_BYTES", 8 << 20)
    result = cli("--store", path, "ls")
    assert len(result.rows) == 5
    assert f"damaged file {path}/projects/vision/cats/{made.other.id}/params.json: larger than 8 MiB" in result.err


def test_a_log_that_is_a_bomb_is_refused_by_its_name(
    cli: Cli, made: Zipped, store: Store, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskstore.disk.unpacked.MIN_BOMB_BYTES", 1 << 20)
    [log] = made.done.events.glob("console.*.log")
    log.write_bytes(b"0" * (8 << 20))
    path = packed(store, made.path.with_name("bomb.zip"))
    result = cli("--store", path, "logs", made.done.id)
    assert result.code == 4
    assert f"{path}/projects/vision/cats/{made.done.id}/events/{log.name} says that its " in result.err
    assert sum(file.stat().st_size for file in temporary.rglob("*")) < 1 << 20


def test_what_the_disk_has_no_room_for_is_refused_by_its_name(
    cli: Cli, made: Zipped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("taskstore.disk.unpacked.free_bytes", lambda folder: len(BIG) - 1)
    assert cli("--store", made.path, "logs", made.done.id).code == 0
    result = cli("--store", made.path, "get", made.done.id, "big", "-o", tmp_path / "copy")
    assert result.code == 4
    assert "files/artifacts/big/big.bin has 3,145,728 bytes, more than is free" in result.err


def test_a_file_whose_name_is_too_long_is_refused_by_it(cli: Cli, made: Zipped, store: Store) -> None:
    path = packed(store, made.path.with_name("long.zip"))
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr(f"projects/vision/cats/{made.done.id}/config/{'x' * 300}", b"")
    assert cli("--store", path, "ls").code == 0
    result = cli("--store", path, "show", made.done.id)
    assert result.code == 4
    assert f"config/{'x' * 300} cannot be unpacked" in result.err
