"""Importing Guild's runs, written here in its layout (tests/frameworks has those of the real guildai)."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import Damaged, NotFound
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.store import artifacts, doctor, events, places, tasks
from taskstore.store.store import Store, init

from . import event_files as made
from .guild_runs import ID, STARTED, GuildRun
from .wandb_files import WandbRun, ended


def run(store: Store, path: Path) -> list[Imported | LeftOut]:
    return list(importers.of_kind("guild").runs(store, path, Options()))


def one(store: Store, path: Path) -> Imported:
    (found,) = run(store, path)
    assert isinstance(found, Imported), found
    return found


def task_of(store: Store, told: GuildRun) -> TaskPaths:
    return places.locate(store, one(store, told.write()).task_id)


def points(paths: TaskPaths) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{item.metric}|{item.variant}": list(zip(item.iterations, item.values, strict=True))
        for item in events.read_scalars(paths)
    }


def test_the_task_is_what_the_run_says(store: Store, tmp_path: Path) -> None:
    comments = [{"body": "first", "user": "ada"}, {"body": "second"}]
    told = GuildRun(tmp_path, attributes={"comments": comments, "random_seed": 7, "vcs_commit": f"git:{'a' * 40}*"})
    paths = task_of(store, told)
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home)) == ("train", "vision/mnist")
    assert (record.tags, record.comment, record.host, record.user) == (["one", "two"], "first\n\nsecond", "lab", "ada")
    assert (record.status, record.status_reason, record.active_duration) == (Status.COMPLETED, "completed", 90)
    assert record.runtime == {"os": "Linux lab 6.1"}
    params = tasks.read_params(paths).hyperparams
    assert params["General"] == {
        "lr": Parameter("0.5", "float"),
        "layers": Parameter("[8, 16]", "list/int"),
        "name": Parameter("x", "str"),
        "empty": Parameter(""),
    }
    assert params["properties"] == {"label": Parameter("lr=0.5", "str"), "random_seed": Parameter("7", "int")}
    script = tasks.read_script(paths)
    assert (script.argv, script.executable) == (["train.py", "--lr", "0.5"], "/usr/bin/python3.11")
    assert (script.python, script.binary, script.version_num) == ("3.11.7", "python3.11", "a" * 40)
    assert script.requirements == {"numpy": "2.0", "torch": "2.1"}
    assert doctor.check(store) == []


def test_a_run_of_a_script_is_named_by_it(store: Store, tmp_path: Path) -> None:
    paths = task_of(store, GuildRun(tmp_path, opref="script:/home/ada/code '' '' train.py"))
    assert (tasks.read(paths).name, places.project_of(store, paths.home)) == ("train.py", "code")


def test_output_is_console_with_its_streams_and_times(store: Store, tmp_path: Path) -> None:
    lines = list(events.read_console(task_of(store, GuildRun(tmp_path))))
    assert [(line.stream, line.text) for line in lines] == [("stdout", "step 1"), ("stderr", "oh")]
    assert [line.time.timestamp() for line in lines] == [STARTED / 1e6, STARTED / 1e6 + 0.5]


def test_output_without_its_index_has_the_time_of_the_start(store: Store, tmp_path: Path) -> None:
    home = GuildRun(tmp_path).write()
    (home / ".guild" / "output.index").write_bytes(struct.pack("!QB", STARTED // 1000 + 500, 1) + b"torn")
    lines = list(events.read_console(places.locate(store, one(store, home).task_id)))
    assert [(line.stream, line.text) for line in lines] == [("stderr", "step 1"), ("stdout", "oh")]
    assert lines[1].time == lines[0].time


def test_events_of_its_own_and_of_the_program_are_reported(store: Store, tmp_path: Path) -> None:
    told = GuildRun(tmp_path)
    told.events(made.event(made.scalar("loss", 0.5), step=1))
    home = told.write()
    made.write(home / "logs", made.event(made.scalar("loss", 2.0), made.scalar("val/acc", 0.75), step=1))
    paths = places.locate(store, one(store, home).task_id)
    assert points(paths) == {
        "loss|loss": [(1, 0.5)],
        "loss|logs: loss": [(1, 2.0)],
        "val|acc": [(1, 0.75)],
    }
    assert artifacts.read(paths).artifacts == {}


def test_files_are_the_program_its_code_what_it_was_given_and_what_it_made(store: Store, tmp_path: Path) -> None:
    manifest = "s train.py 123 train.py\ns lib/net.py 456 lib/net.py\nd data.csv 789 file:data.csv\n"
    files = {"train.py": b"print()", "lib/net.py": b"x = 1", "data.csv": b"1,2", "out/model.bin": b"weights"}
    paths = task_of(store, GuildRun(tmp_path, manifest=manifest, files=files))
    found = artifacts.read(paths).artifacts
    assert {key: item.mode for key, item in found.items()} == {
        **{"sourcecode/lib/net.py": "output", "data.csv": "input", "out/model.bin": "output"},
    }
    model = found["out/model.bin"].file
    assert model is not None
    assert (paths.home / model.path).read_bytes() == b"weights"
    script = tasks.read_script(paths)
    assert script.standalone is not None
    assert (script.entry_point, (paths.home / script.standalone.path).read_bytes()) == ("train.py", b"print()")


@pytest.mark.parametrize(
    ("exit_status", "status", "reason"),
    [
        (0, Status.COMPLETED, "completed"),
        (2, Status.FAILED, "exit code 2"),
        (-15, Status.STOPPED, "signal 15"),
        (None, Status.FAILED, "no end was recorded"),
    ],
)
def test_the_exit_status_is_how_it_ended(
    store: Store, tmp_path: Path, exit_status: int | None, status: Status, reason: str
) -> None:
    record = tasks.read(task_of(store, GuildRun(tmp_path, exit_status=exit_status)))
    assert (record.status, record.status_reason) == (status, reason)


def test_a_home_the_folder_with_it_and_a_run_are_known(store: Store, tmp_path: Path) -> None:
    runs = tmp_path / ".guild" / "runs"
    first = GuildRun(runs).write()
    GuildRun(runs, id=ID[::-1], attributes={"started": STARTED + 5}).write()
    (runs / "not-a-run").mkdir()
    for path in (tmp_path, tmp_path / ".guild", runs, first):
        assert importers.of_path(path) is importers.of_kind("guild")
    found = run(store, tmp_path)
    assert [(each.source, each.is_new) for each in found if isinstance(each, Imported)] == [
        (ID, True),
        (ID[::-1], True),
    ]
    again = [*run(store, runs), one(store, first)]
    assert [each.is_new for each in again if isinstance(each, Imported)] == [False] * 3


def test_a_run_that_is_not_started_yet_is_left_out_by_intent(store: Store, tmp_path: Path) -> None:
    (left,) = run(store, GuildRun(tmp_path, attributes={"started": None}).write())
    assert left == LeftOut(f"{ID}: it was not started yet")


def test_a_run_that_has_grown_gets_the_rest_and_what_has_replaced_an_artifact(store: Store, tmp_path: Path) -> None:
    told = GuildRun(tmp_path, exit_status=None, files={"model.bin": b"first", "same.txt": b"same"})
    home = told.write()
    with (home / ".guild" / "output").open("a") as stream:
        stream.write("half a li")
    first = one(store, home)
    shutil.rmtree(home)
    told.exit_status = 0
    told.output.append(("stdout", "half a line"))
    told.files |= {"model.bin": b"second", "new.txt": b"new"}
    told.events(made.event(made.scalar("x", 1), step=1))
    again = one(store, told.write())
    paths = places.locate(store, again.task_id)
    assert (again.task_id, again.has_grown) == (first.task_id, True)
    assert [line.text for line in events.read_console(paths)] == ["step 1", "oh", "half a line"]
    found = artifacts.read(paths).artifacts
    assert {key: (paths.home / item.file.path).read_bytes() for key, item in found.items() if item.file} == {
        **{"model.bin": b"second", "same.txt": b"same", "new.txt": b"new"},
    }
    assert len([path for path in paths.artifact_files.rglob("*") if path.is_file()]) == 3
    assert points(paths) == {"x|x": [(1, 1.0)]}
    assert tasks.read(paths).status is Status.COMPLETED
    assert doctor.check(store) == []
    assert one(store, tmp_path / ID).has_grown is False


# hostile


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch harmed']",
        "a: &a [x]\nb: &b [*a, *a]\n" + "".join(f"c{at}: &c{at} [*b, *b]\n" for at in range(30)),
        "[" * 5000,
        "\0",
        "{unclosed",
        "- 1\n- {a: b}",
        "2026-13-45",
        "x" * (5 << 20),
    ],
    ids=["object", "aliases", "deep", "zero", "broken", "list", "date", "large"],
)
def test_attributes_of_any_content_harm_nothing(
    store: Store, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = GuildRun(tmp_path).write()
    for name in ("flags", "tags", "comments", "platform", "cmd", "pip_freeze", "label", "stopped", "exit_status", "id"):
        (home / ".guild" / "attrs" / name).write_text(text)
    paths = places.locate(store, one(store, home).task_id)
    assert tasks.read(paths).status in (Status.FAILED, Status.STOPPED, Status.COMPLETED)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_links_are_not_followed(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("label: what only its owner knows")
    home = GuildRun(tmp_path / "runs").write()
    own = home / ".guild"
    for path in (home / "data.txt", own / "attrs" / "comments", own / "attrs" / "vcs_commit"):
        path.symlink_to(secret)
    for name in ("output", "opref", "manifest"):
        (own / name).unlink()
        (own / name).symlink_to(secret)
    (home / "folder").symlink_to(tmp_path)
    (tmp_path / "runs" / ID[::-1]).symlink_to(home)
    (found,) = run(store, tmp_path / "runs")
    assert isinstance(found, Imported)
    paths = places.locate(store, found.task_id)
    assert artifacts.read(paths).artifacts == {}
    assert list(events.read_console(paths)) == []
    assert f"data.txt is a link to {secret}, and was not followed" in found.notes
    for path in paths.home.rglob("*"):
        assert not path.is_file() or b"only its owner" not in path.read_bytes()


def _three_of_them(folder: Path) -> tuple[Path, Path]:
    """Write a run of each kind into a folder; return Guild's and W&B's."""
    told = GuildRun(folder / ".guild" / "runs", files={"out/model.bin": b"weights"})
    told.events(made.event(made.scalar("x", 1), step=1))
    return told.write(), WandbRun(folder, records=[ended()], files={"out/model.bin": b"weights"}).write()


@pytest.fixture
def all_is_imported(store: Store, tmp_path: Path) -> None:
    """What an import imports late may lie where only root reads."""
    _three_of_them(tmp_path / "all")
    for kind in ("guild", "wandb", "tensorboard"):
        assert list(importers.of_kind(kind).runs(store, tmp_path / "all", Options()))


@pytest.mark.usefixtures("all_is_imported")
@pytest.mark.parametrize("kind", ["guild", "wandb", "tensorboard"])
def test_what_may_not_be_read_is_said_by_name(plain_user: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(plain_user))
    store = init(plain_user / "store")
    guild, wandb = _three_of_them(plain_user)
    closed = [guild / "out", wandb / "files" / "out", plain_user / "closed"]
    closed[-1].mkdir()
    for path in (*closed, guild / ".guild" / "output", guild / ".guild" / "attrs" / "tags"):
        path.chmod(0)
    try:
        found = list(importers.of_kind(kind).runs(store, plain_user, Options()))
        (only,) = [each for each in found if isinstance(each, Imported)]
        said = [*only.notes, *(each.what for each in found if isinstance(each, LeftOut))]
        assert any("a folder cannot be read: " in text and "/out" in text for text in said)
        with pytest.raises(Damaged, match="closed"):
            list(importers.of_kind(kind).runs(store, closed[-1], Options()))
        assert doctor.check(store) == []
    finally:
        for path in closed:
            path.chmod(0o700)


def test_what_looks_like_a_credential_is_masked(store: Store, tmp_path: Path) -> None:
    command = ["python", "-um", "guild.op_main", "train", "--", "--api-key", "hunter2hunter2"]
    told = GuildRun(
        tmp_path, flags={"api-key": "hunter2hunter2"}, attributes={"cmd": command, "env": {"KEY": "hunter2"}}
    )
    paths = task_of(store, told)
    assert tasks.read_params(paths).hyperparams["General"]["api-key"].value == MASK
    assert tasks.read_script(paths).argv == ["train.py", "--api-key", MASK]
    assert b"hunter2" not in b"".join(path.read_bytes() for path in paths.home.rglob("*") if path.is_file())


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run(store, tmp_path / "nothing")
    with pytest.raises(Damaged, match="it holds no run of Guild's"):
        run(store, tmp_path)


def test_a_start_that_cannot_be_is_said(store: Store, tmp_path: Path) -> None:
    told: Any = GuildRun(tmp_path, attributes={"started": -5})
    (left,) = run(store, told.write())
    assert isinstance(left, LeftOut)
    assert isinstance(left.error, Damaged)
