"""Importing event files, written here byte by byte (tests/frameworks has those of the real writers)."""

from __future__ import annotations

import builtins
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import Damaged, NotFound, Refused
from taskstore.core.ids import time_of
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter
from taskstore.share import importers
from taskstore.share.foreign import messages, tfrecords
from taskstore.share.foreign.crc32c import crc32c
from taskstore.share.foreign.events import parsers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.store import doctor, events, places, plots, tasks, trash
from taskstore.store.store import Store

from . import event_files as made
from . import wire


def run(store: Store, path: Path, **options: Any) -> list[Imported | LeftOut]:
    return list(importers.of_kind("tensorboard").runs(store, path, Options(**options)))


def one(store: Store, path: Path) -> Imported:
    (found,) = run(store, path)
    assert isinstance(found, Imported)
    return found


def paths_of(store: Store, found: Imported | LeftOut) -> TaskPaths:
    assert isinstance(found, Imported)
    return places.locate(store, found.task_id)


def points(paths: TaskPaths) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{item.metric}|{item.variant}": list(zip(item.iterations, item.values, strict=True))
        for item in events.read_scalars(paths)
    }


def names(store: Store, found: list[Imported | LeftOut]) -> dict[str, str]:
    tasks_of = [paths_of(store, each) for each in found if isinstance(each, Imported)]
    return {tasks.read(paths).name: places.project_of(store, paths.home) for paths in tasks_of}


def test_scalars_of_either_form_are_named_as_the_live_capture_names_them(store: Store, tmp_path: Path) -> None:
    path = made.write(
        tmp_path / "runs" / "first",
        made.event(made.scalar("loss/train", 0.5), step=3, at=made.BEGAN + 1),
        made.event(made.scalar("loss/train", 0.25), made.tensor_scalar("lr", 0.125), step=4, at=made.BEGAN + 2.5),
    )
    paths = paths_of(store, one(store, path))
    assert points(paths) == {"loss|train": [(3, 0.5), (4, 0.25)], "lr|lr": [(4, 0.125)]}
    assert events.read_scalars(paths, "loss")[0].timestamps == [1_700_000_001_250, 1_700_000_002_750]
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home)) == ("first", "runs")
    assert (record.status, record.status_reason, record.active_duration) == (Status.COMPLETED, "completed", 2.5)
    assert record.started is not None
    assert time_of(paths.id) == record.started.replace(microsecond=250_000)
    assert events.read_summary(paths).last_metrics["loss"]["train"].min_value == 0.25
    assert doctor.check(store) == []


def test_what_is_no_scalar_is_plots_and_samples(store: Store, tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n not quite"
    path = made.write(
        tmp_path / "run",
        made.event(made.image("samples/cat", png), step=1),
        made.event(made.text("note", "# hello"), step=2),
        made.event(made.histogram("weights"), step=3),
        made.event(made.curve("val/pr"), step=4),
    )
    paths = paths_of(store, one(store, path))
    samples = {(item.title, item.series, item.iteration): item for item in plots.read_samples(paths)}
    assert samples.keys() == {("samples", "cat", 1), ("Text", "note", 2)}
    picture, note = samples["samples", "cat", 1].path, samples["Text", "note", 2].path
    assert picture is not None
    assert note is not None
    assert (picture.read_bytes(), picture.suffix, note.read_text()) == (png, ".png", "# hello")
    bars, curve = plots.read_plots(paths)
    assert (bars.title, bars.series, bars.iteration) == ("Histograms", "weights", 3)
    assert bars.figure["data"][0]["customdata"] == [[0.0, 1.0], [1.0, 2.0]]
    assert (curve.title, curve.figure["data"][0]["x"], curve.figure["data"][0]["y"]) == (
        "val/pr",
        [1.0, 0.25],
        [0.5, 1.0],
    )


def test_hyperparameters_are_parameters_and_what_failed_has_failed(store: Store, tmp_path: Path) -> None:
    path = made.write(
        tmp_path / "run",
        made.event(made.hparams(lr=0.5, optimizer="adam", amp=True, api_token="hunter2hunter2")),  # noqa: S106 - as a test
        made.event(made.scalar("accuracy", 0.75)),
        made.event(made.session_end(2)),
    )
    found = one(store, path)
    paths = paths_of(store, found)
    section = tasks.read_params(paths).hyperparams["TB_hparams"]
    assert section["lr"] == Parameter("0.5", "float", None)
    assert (section["optimizer"].value, section["amp"].value, section["api_token"].value) == ("adam", "True", MASK)
    assert "TB_hparams/api_token looks like a credential, and was masked" in found.notes
    assert points(paths) == {"accuracy|accuracy": [(0, 0.75)]}
    assert tasks.read(paths).status is Status.FAILED


def test_a_parameter_that_is_too_long_is_cut_and_not_called_a_secret(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "run", made.event(made.hparams(text="x" * (1 << 20) + "y")))
    found = one(store, path)
    assert found.notes == ("of TB_hparams/text the first 1,048,576 characters are kept",)
    assert tasks.read_params(paths_of(store, found)).hyperparams["TB_hparams"]["text"].value == "x" * (1 << 20)


def test_what_has_no_counterpart_is_noted_once(store: Store, tmp_path: Path) -> None:
    mesh = wire.message((1, "m"), (9, made.plugin("mesh")), (8, made.tensor((1, 1), shape=(1, 9, 3))))
    found = one(store, made.write(tmp_path / "run", made.graph(), made.graph(), made.event(mesh)))
    assert found.notes == ("a graph was left out (2 times)", "what the plugin mesh shows was left out")
    assert tasks.read(paths_of(store, found)).imported[0].notes == list(found.notes)


def test_each_folder_with_event_files_is_a_run_by_its_path(store: Store, tmp_path: Path) -> None:
    top = tmp_path / "logs"
    for number, name in enumerate(("a/one", "a/two", "b/deep/three")):
        made.write(top / name, made.event(made.scalar("x", number), step=1), number=number)
    (top / "empty").mkdir()
    (top / "a" / "readme.txt").write_text("no events")
    found = run(store, top)
    assert names(store, found) == {"a/one": "logs", "a/two": "logs", "b/deep/three": "logs"}
    assert [each.source for each in found if isinstance(each, Imported)] == ["a/one", "a/two", "b/deep/three"]
    into = run(store, top / "b", project="elsewhere")
    assert [each.is_new for each in into if isinstance(each, Imported)] == [False]


def test_several_files_of_a_run_are_one_task_in_order_of_time(store: Store, tmp_path: Path) -> None:
    later = made.event(made.scalar("x", 2), step=0, at=made.BEGAN + 10)
    path = tmp_path / "run"
    path.mkdir()
    (path / "events.out.tfevents.1.lab.9.0").write_bytes(made.version(made.BEGAN + 9) + later)
    made.write(path, made.event(made.scalar("x", 1), step=0, at=made.BEGAN + 1))
    paths = paths_of(store, one(store, path))
    assert points(paths) == {"x|x": [(0, 1.0), (1, 2.0)]}  # steps that are all 0 are counted, by time


def test_folders_that_a_run_s_writer_makes_are_parts_of_it(store: Store, tmp_path: Path) -> None:
    top = tmp_path / "logs" / "exp"
    made.write(top, made.event(made.scalar("lr", 1.0), step=1))
    made.write(top / "loss_train", made.event(made.scalar("loss", 1.0), step=1), number=1)
    made.write(top / "loss_val", made.event(made.scalar("loss", 2.0), step=1), number=2)
    made.write(top / "1700.5", made.event(made.hparams(lr=1.0)), made.event(made.scalar("best", 3.0)), number=3)
    made.write(top / "loss_other", made.event(made.scalar("loss", 9.0), step=1), process="lab.78")
    found = run(store, tmp_path / "logs")
    assert names(store, found) == {"exp": "logs", "exp/loss_other": "logs"}
    first = paths_of(store, found[0])
    assert points(first) == {
        "lr|lr": [(1, 1.0)],
        "loss|train": [(1, 1.0)],
        "loss|val": [(1, 2.0)],
        "best|best": [(0, 3.0)],
    }
    assert tasks.read_params(first).hyperparams["TB_hparams"]["lr"].value == "1.0"


def test_several_sessions_below_one_writer_are_runs_of_their_own(store: Store, tmp_path: Path) -> None:
    top = tmp_path / "sweep"
    made.write(top, made.event(made.experiment()))
    for number in range(3):
        made.write(top / f"run-{number}", made.event(made.hparams(lr=float(number))), number=number + 1)
    assert names(store, run(store, top)) == dict.fromkeys(("run-0", "run-1", "run-2"), "sweep")


def test_what_keras_writes_side_by_side_is_one_run(store: Store, tmp_path: Path) -> None:
    fit = tmp_path / "logs" / "fit"
    for number, half in enumerate(("train", "validation")):
        values = [made.event(made.tensor_scalar("epoch_loss", number + 1.0), step=step) for step in (0, 1)]
        made.write(fit / half, *values, number=number).rename(fit / half / f"events.out.tfevents.1.lab.77.{number}.v2")
    found = one(store, tmp_path / "logs")
    assert found.source == "fit"
    assert points(paths_of(store, found)) == {
        "epoch_loss|epoch_loss": [(0, 1.0), (1, 1.0)],
        "epoch_loss|validation: epoch_loss": [(0, 2.0), (1, 2.0)],
    }


# once, and what has come since


def test_a_run_comes_in_once_wherever_its_folder_lies(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "runs" / "exp", made.event(made.scalar("x", 1)))
    first = one(store, tmp_path / "runs")
    shutil.move(tmp_path / "runs", tmp_path / "moved")
    again = one(store, tmp_path / "moved" / "exp" / path.name)
    assert (again.task_id, again.is_new, again.has_grown) == (first.task_id, False, False)


def test_a_file_that_is_being_written_comes_in_up_to_its_last_whole_record(store: Store, tmp_path: Path) -> None:
    more = made.event(made.scalar("x", 2), step=2, at=made.BEGAN + 5)
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    size = path.stat().st_size
    for cut in (1, 11, 12, len(more) // 2, len(more) - 1):
        with path.open("r+b") as stream:
            stream.truncate(size)
            stream.seek(size)
            stream.write(more[:cut])
        found = one(store, path)
        assert points(paths_of(store, found)) == {"x|x": [(1, 1.0)]}
    assert (
        f"{path.name} ends within a record; it is read up to byte {size:,}"
        in tasks.read(paths_of(store, found)).imported[0].notes
    )
    path.write_bytes(path.read_bytes()[:size] + more)
    grown = one(store, path)
    assert (grown.is_new, grown.has_grown) == (False, True)
    paths = paths_of(store, grown)
    assert points(paths) == {"x|x": [(1, 1.0), (2, 2.0)]}
    record = tasks.read(paths)
    assert record.imported[0].notes == []
    assert record.active_duration == 5
    assert [change.status for change in record.history] == [Status.CREATED, Status.IN_PROGRESS, Status.COMPLETED]
    assert events.read_summary(paths) == events.rebuild_summary(paths)
    assert one(store, path).has_grown is False
    assert doctor.check(store) == []


def test_a_file_that_is_new_in_a_run_is_added(store: Store, tmp_path: Path) -> None:
    made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    first = one(store, tmp_path / "exp")
    picture = made.event(made.image("i", b"GIF8 picture"), step=2)
    later = made.write(tmp_path / "exp", picture, number=5)
    later.write_bytes(made.version(made.BEGAN + 60) + picture)
    again = one(store, tmp_path / "exp")
    assert (again.task_id, again.has_grown) == (first.task_id, True)
    (sample,) = plots.read_samples(paths_of(store, again))
    assert sample.path is not None
    assert sample.path.read_bytes() == b"GIF8 picture"


def test_what_people_changed_of_a_task_stays_when_it_grows(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    first = one(store, path)

    def change(record: Any) -> None:
        record.name, record.tags, record.comment = "my name", ["mine"], "mine too"

    tasks.edit(store, first.task_id, change)
    tasks.move(store, first.task_id, "elsewhere")
    path.write_bytes(path.read_bytes() + made.event(made.scalar("x", 2), step=2))
    grown = one(store, path)
    record = tasks.read(paths_of(store, grown))
    assert (grown.has_grown, record.name, record.tags, record.comment) == (True, "my name", ["mine"], "mine too")
    assert places.project_of(store, paths_of(store, grown).home) == "elsewhere"


def test_a_published_task_is_left_as_it_is_and_that_is_said(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    first = one(store, path)
    tasks.transition(store, first.task_id, Status.PUBLISHED)
    path.write_bytes(path.read_bytes() + made.event(made.scalar("x", 2), step=2))
    again = one(store, path)
    assert again.has_grown is False
    assert "its task is published now" in again.notes[0]
    assert points(paths_of(store, again)) == {"x|x": [(1, 1.0)]}


def test_what_is_other_than_was_imported_does_not_replace_it(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    one(store, path)
    path.write_bytes(made.version() + made.event(made.scalar("x", 9), step=1) + made.event(made.scalar("x", 8), step=2))
    again = one(store, path)
    assert points(paths_of(store, again)) == {"x|x": [(1, 1.0)]}
    assert "what is there now is not what was imported and more" in again.notes[0]


def test_one_in_the_trash_is_said_and_not_made_again(store: Store, tmp_path: Path) -> None:
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), step=1))
    trash.put(store, one(store, path).task_id)
    (left,) = run(store, path)
    assert isinstance(left, LeftOut)
    assert "in the trash" in str(left.error)


def test_a_copy_of_a_run_beside_it_is_said_to_be_one(store: Store, tmp_path: Path) -> None:
    made.write(tmp_path / "logs" / "exp", made.event(made.scalar("x", 1), step=1))
    for number in range(5):
        shutil.copytree(tmp_path / "logs" / "exp", tmp_path / "logs" / f"exp-backup-{number}")
    found = run(store, tmp_path / "logs")
    assert [each.source for each in found if isinstance(each, Imported)] == ["exp"]
    said = [each.what for each in found if isinstance(each, LeftOut) and each.error is None]
    assert said == [f"exp-backup-{number}: it is the same run as exp, and was left out" for number in range(5)]


# what is damaged, hostile or not there


def test_a_damaged_record_is_left_out_and_behind_a_damaged_length_nothing_is_read(store: Store, tmp_path: Path) -> None:
    parts = [made.event(made.scalar("x", step), step=step) for step in (1, 2, 3)]
    broken = bytearray(parts[1])
    broken[20] ^= 1
    path = made.write(tmp_path / "exp", parts[0], bytes(broken), parts[2])
    found = one(store, path)
    assert points(paths_of(store, found)) == {"x|x": [(1, 1.0), (3, 3.0)]}
    assert found.notes == (f"{path.name}: a record is damaged, and was left out",)
    broken = bytearray(parts[1])
    broken[0] ^= 1
    other = made.write(tmp_path / "other", parts[0], bytes(broken), parts[2], number=1)
    found = one(store, other)
    assert points(paths_of(store, found)) == {"x|x": [(1, 1.0)]}
    assert "is damaged at byte" in found.notes[0]


@pytest.mark.parametrize(
    "value",
    [
        wire.message((1, "x"), (8, made.tensor((1, 1), (4, b"abc"), shape=(3,)))),
        wire.message((1, "x"), (9, made.plugin("pr_curves")), (8, made.tensor((1, 1), (4, b"abcd"), shape=(0,)))),
        wire.message((1, "x"), (9, made.plugin("pr_curves")), (8, made.tensor((1, 1)))),
        wire.message(
            (1, "x"), (9, made.plugin("histograms")), (8, made.tensor((1, 1), (5, b"\0\0\0\0"), shape=(1 << 40,)))
        ),
        wire.message((1, "x"), (9, made.plugin("histograms")), (8, made.tensor((1, 1), shape=(-3, 5)))),
        wire.message((1, "x"), (9, made.plugin("text")), (8, made.tensor((1, 7), (8, "t"), shape=(0, 0)))),
        wire.message((1, "x"), (5, wire.message((6, wire.doubles(*map(float, range(5))))))),
        wire.message((1, "_hparams_/session_start_info"), (9, made.plugin("hparams", b"\xff\xff\xff"))),
        b"\xff\xff\xff\xff",
    ],
)
def test_what_does_not_fit_harms_nothing_else(store: Store, tmp_path: Path, value: bytes) -> None:
    rest = made.event(made.scalar("y", 1), step=1)
    found = one(store, made.write(tmp_path / "exp", made.event(value, step=1), rest))
    assert points(paths_of(store, found))["y|y"] == [(1, 1.0)]


def test_a_record_larger_than_is_read_is_passed_over(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfrecords, "MAX_RECORD_BYTES", 1 << 10)
    large = made.event(made.image("i", bytes(2 << 10)), step=1)
    found = one(store, made.write(tmp_path / "exp", large, made.event(made.scalar("x", 1), step=1)))
    assert points(paths_of(store, found)) == {"x|x": [(1, 1.0)]}
    assert "a record of more than" in found.notes[0]


def test_a_length_of_any_size_takes_no_memory(store: Store, tmp_path: Path) -> None:
    head = struct.pack("<Q", 1 << 62)
    found = one(store, made.write(tmp_path / "exp", made.event(made.scalar("x", 1)), head + wire.masked(head) + b"x"))
    assert "ends within a record" in found.notes[0]


_WEIGHED = """
import re, sys
from pathlib import Path
from taskstore.share.importers import of_kind
from taskstore.share.importers.base import Options
from taskstore.store.store import init
found = list(of_kind("tensorboard").runs(init(Path(sys.argv[1])), Path(sys.argv[2]), Options()))
most = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())  # rusage begins with pytest's own
print(len(found), int(most[1]) >> 10)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
def test_memory_is_bounded_whatever_the_records_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "crc32c", crc32c)  # that of the tests takes a minute
    large = made.event(made.image("i", bytes(24 << 20)), step=1)
    for number in range(3):
        made.write(tmp_path / "logs" / str(number), large, number=number)
    command = [sys.executable, "-c", _WEIGHED, str(tmp_path / "store"), str(tmp_path / "logs")]
    count, mebibytes = map(int, subprocess.run(command, check=True, capture_output=True).stdout.split())
    assert count == 3
    assert mebibytes < 150


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_links_and_pipes_are_not_followed(store: Store, tmp_path: Path) -> None:
    elsewhere = made.write(tmp_path / "elsewhere", made.event(made.scalar("secret", 1)))
    made.write(tmp_path / "logs" / "exp", made.event(made.scalar("x", 1)), number=1)
    (tmp_path / "logs" / "exp" / "events.out.tfevents.2.lab.1.0").symlink_to(elsewhere)
    (tmp_path / "logs" / "folder").symlink_to(elsewhere.parent)
    (tmp_path / "logs" / "round").symlink_to(tmp_path / "logs")
    os.mkfifo(tmp_path / "logs" / "exp" / "events.out.tfevents.3.lab.1.0")
    found = run(store, tmp_path / "logs")
    (only,) = [each for each in found if isinstance(each, Imported)]
    assert points(paths_of(store, only)) == {"x|x": [(0, 1.0)]}
    said = [each.what for each in found if isinstance(each, LeftOut)]
    assert sum("is a link to a folder" in text for text in said) == 2
    assert sum("is no plain file" in text for text in said) == 2
    assert all(each.error is None for each in found if isinstance(each, LeftOut))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_utf_8_harm_nothing(store: Store, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/logs-\xff/run-\xff"))
    path = made.write(folder, made.graph(), made.event(made.scalar("x", 1), step=1))
    odd = path.rename(os.fsdecode(os.fsencode(path) + b".\xff"))
    odd.with_name(odd.name + "2").symlink_to(odd)
    found = run(store, folder.parent)
    (only,) = [each for each in found if isinstance(each, Imported)]
    assert points(paths_of(store, only)) == {"x|x": [(1, 1.0)]}
    for each in found:
        (each.source if isinstance(each, Imported) else each.what).encode()
    (again,) = [each for each in run(store, folder) if isinstance(each, Imported)]
    assert (again.task_id, again.is_new) == (only.task_id, False)
    assert doctor.check(store) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"no event file at all, but a text", made.record(b"\xff\xff")])
def test_what_is_no_event_file_is_said_to_be_none(store: Store, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.out.tfevents.1.lab.1.0"
    path.write_bytes(content)
    with pytest.raises(Damaged, match="no event"):
        run(store, path)
    assert list(places.walk(store)) == []


def test_events_of_no_time_that_can_be_are_no_run(store: Store, tmp_path: Path) -> None:
    for number, at in enumerate((float("nan"), float("inf"), -1.0, 1e300)):
        path = made.write(tmp_path / str(number), made.event(made.scalar("x", 1)), number=number)
        path.write_bytes(made.version(at))
        (left,) = run(store, path)
        assert isinstance(left, LeftOut)
        assert "no time that can be" in str(left.error)


def test_a_time_within_that_cannot_be_harms_nothing(store: Store, tmp_path: Path) -> None:
    odd = [made.event(made.scalar("x", 1), step=step, at=at) for step, at in enumerate((float("nan"), 1e300, -5.0), 1)]
    paths = paths_of(store, one(store, made.write(tmp_path / "exp", *odd)))
    assert points(paths) == {"x|x": [(1, 1.0), (2, 1.0), (3, 1.0)]}
    assert tasks.read(paths).completed is not None


def test_what_is_not_there_or_would_go_on_in_a_task_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run(store, tmp_path / "nothing")
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1)))
    with pytest.raises(Refused, match="becomes a task of its own"):
        run(store, path, task_id="0" * 32)


def test_without_protobuf_the_message_says_what_to_install(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("google"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    parsers.cache_clear()
    try:
        with pytest.raises(Refused, match=r"pip install 'taskstore\[trackers\]'"):
            run(store, made.write(tmp_path / "exp", made.event(made.scalar("x", 1))))
        with pytest.raises(Refused):
            messages.classes("any", {})
    finally:
        parsers.cache_clear()


def test_it_is_seen_what_is_at_a_path(tmp_path: Path) -> None:
    path = made.write(tmp_path / "logs" / "exp", made.event(made.scalar("x", 1)))
    for each in (path, path.parent, tmp_path / "logs"):
        assert importers.of_path(each) is importers.of_kind("tensorboard")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64, 1000])
def test_the_checksum_is_the_one_of_the_rfc(size: int) -> None:
    data = bytes(at * 37 % 256 for at in range(size))
    assert crc32c(data) == wire.crc32c(data)
    assert crc32c(b"123456789") == 0xE3069283
