"""Plots and debug samples from the call to the disk and back: by the Logger, and by what a task's `reports` reads."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadValue, NotFound
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.logger import Logger
from taskstore.reports import Reports
from taskstore.sections.clone import clone, reset
from taskstore.sections.reports import Writer
from taskstore.store import doctor, published, tasks
from taskstore.store.doctor import Kind
from taskstore.store.store import Store, init, open_at

DOT = [[0, 255]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return init(tmp_path / "store", clock=FixedClock(datetime.now(timezone.utc)))


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return tasks.create(store, "vision", "a run")


def raises(error: Exception) -> None:
    raise error


@pytest.fixture
def logger(task: TaskPaths) -> Logger:
    return Logger(Writer(lambda: task, raises))


@pytest.fixture
def reports(task: TaskPaths) -> Reports:
    return Reports(lambda: task)


def blobs(task: TaskPaths) -> list[Path]:
    return sorted(path for path in task.samples.rglob("*") if path.is_file())


def later(store: Store) -> Store:
    """The store as it is seen when every writer has long been silent, on another host."""
    return open_at(store.root, clock=FixedClock(store.clock.now() + timedelta(hours=3)))


def from_elsewhere(task: TaskPaths) -> None:
    """Name logs and blobs as those of a host that is not this one, so that their age alone decides."""
    name = next(path.name for path in task.events.iterdir()).split(".")[1]
    other = "elsewhere-4194305-00000000"
    for log in list(task.events.iterdir()):
        log.write_bytes(log.read_bytes().replace(name.encode(), other.encode()))
        log.rename(log.with_name(log.name.replace(name, other)))
    for blob in blobs(task):
        blob.rename(blob.with_name(blob.name.replace(name, other)))


# plots


def test_every_kind_of_plot_is_read_back_in_the_order_reported(logger: Logger, reports: Reports, tmp_path) -> None:
    csv = tmp_path / "t.csv"
    csv.write_text("a\n1\n")
    logger.report_vector("vector", "s", [1, 2])
    logger.report_histogram("histogram", "s", [1, 2], 1)
    logger.report_line_plot("line plot", [{"name": "n", "data": [[1, 2]]}], "x", "y", "lines", 2)
    logger.report_scatter2d("scatter2d", "s", [[1, 2]], 3)
    logger.report_scatter3d("scatter3d", "s", [[1, 2, 3]], 4)
    logger.report_confusion_matrix("confusion", "s", [[1, 2]], 5)
    logger.report_matrix("matrix", "s", [[1, 2]], 6)
    logger.report_surface("surface", "s", [[1, 2]], 7)
    logger.report_table("table", "s", 8, csv=csv)
    logger.report_plotly("plotly", "s", {"data": [{"type": "pie"}]}, 9)
    found = reports.plots()
    assert [plot.figure["data"][0]["type"] for plot in found] == [
        *("bar", "bar", "scatter", "scatter", "scatter3d", "heatmap", "heatmap", "surface", "table", "pie")
    ]
    assert [plot.iteration for plot in found] == list(range(10))
    assert [(plot.title, plot.series) for plot in reports.plots("line plot")] == [("line plot", "n")]


def test_a_plot_keeps_nan_and_infinities(logger: Logger, reports: Reports) -> None:
    logger.report_vector("t", "s", [math.nan, math.inf, -math.inf, 1])
    (plot,) = reports.plots()
    nan, *rest = plot.figure["data"][0]["y"]
    assert math.isnan(nan)
    assert rest == [math.inf, -math.inf, 1]


def test_plots_are_found_by_titles_that_json_escapes(logger: Logger, reports: Reports) -> None:
    for title in ('a "b" \\ c', "größe\n", "a", ""):
        logger.report_vector(title, title, [1])
        assert [plot.title for plot in reports.plots(title, title)] == [title]


def test_a_bad_plot_is_refused_and_nothing_is_written(logger: Logger, task: TaskPaths) -> None:
    with pytest.raises(BadValue, match="scatter must be"):
        logger.report_scatter2d("t", "s", [1])
    with pytest.raises(BadValue, match="title must be a text"):
        logger.report_vector(3, "s", [1])
    with pytest.raises(BadValue, match="iteration must be a whole number"):
        logger.report_vector("t", "s", [1], 0.5)
    with pytest.raises(BadValue, match="url is not fetched"):
        logger.report_table("t", "s", url="https://example.org/t.csv")
    assert not task.events.exists()


def test_a_matplotlib_figure_is_a_plot_that_is_a_picture(logger: Logger, reports: Reports, task: TaskPaths) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    logger.report_matplotlib_figure("t", "s", figure, 3)
    logger.report_matplotlib_figure("t", "s", figure, 4, report_image=True)
    (plot,), (sample,) = reports.plots(), reports.debug_samples()
    assert plot.image is not None
    assert plot.image.read_bytes().startswith(b"\x89PNG")
    assert task.home / plot.figure["layout"]["images"][0]["source"] == plot.image
    assert (sample.iteration, sample.media_type) == (4, "image/png")


# debug samples


def test_a_series_keeps_its_latest_samples_and_their_files_only(
    logger: Logger, reports: Reports, task: TaskPaths
) -> None:
    for step in range(5):
        logger.report_image("t", "s", step, image=DOT, max_image_history=2)
        logger.report_image("t", "other", step, image=DOT)
    assert [sample.iteration for sample in reports.debug_samples("t", "s")] == [3, 4]
    assert [sample.iteration for sample in reports.debug_samples("t", "other")] == [0, 1, 2, 3, 4]
    assert len(blobs(task)) == 7
    assert all(sample.path is not None and sample.path.is_file() for sample in reports.debug_samples())


def test_the_default_history_is_a_hundred_and_can_be_set(logger: Logger, reports: Reports) -> None:
    assert logger.get_default_debug_sample_history() == 100
    logger.set_default_debug_sample_history(3)
    for step in range(5):
        logger.report_image("t", "s", step, image=DOT)
    assert [sample.iteration for sample in reports.debug_samples()] == [2, 3, 4]
    logger.report_image("t", "s", 5, image=DOT, max_image_history=-1)
    assert len(reports.debug_samples()) == 4
    with pytest.raises(BadValue, match="max_history"):
        logger.set_default_debug_sample_history("3")


def test_the_record_of_a_new_sample_comes_before_the_old_one_goes(
    logger: Logger, reports: Reports, task: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.report_image("t", "s", 0, image=DOT)
    unlinked = []

    def unlink(path: Path, **_: object) -> None:
        unlinked.append([sample.iteration for sample in reports.debug_samples()])

    monkeypatch.setattr(Path, "unlink", unlink)
    logger.report_image("t", "s", 1, image=DOT, max_image_history=1)
    assert unlinked == [[1]]


def test_files_streams_and_addresses_are_samples(logger: Logger, reports: Reports, tmp_path: Path) -> None:
    film = tmp_path / "Film.mp4"
    film.write_bytes(b"film")
    logger.report_media("m", "path", 0, local_path=film, delete_after_upload=True)
    logger.report_media("m", "stream", 0, stream="<p>", file_extension="html")
    logger.report_media("m", "odd", 0, stream=b"?", file_extension=".a/b")
    logger.report_image("m", "address", 0, url="s3://bucket/cat.jpg")
    path, stream, odd, address = reports.debug_samples()
    assert not film.exists()
    assert path.path is not None
    assert path.path.read_bytes() == b"film"
    assert (path.name, path.media_type, path.path.suffix) == ("Film.mp4", "video/mp4", ".mp4")
    assert stream.path is not None
    assert stream.path.read_text() == "<p>"
    assert odd.path is not None
    assert odd.path.suffix == ".bin"
    assert (address.path, address.url, address.media_type) == (None, "s3://bucket/cat.jpg", "image/jpeg")


def test_one_source_is_given_and_no_other(logger: Logger, task: TaskPaths) -> None:
    for call in (
        lambda: logger.report_image("t", "s"),
        lambda: logger.report_image("t", "s", image=DOT, matrix=DOT),
        lambda: logger.report_media("t", "s", stream="x", local_path="y"),
    ):
        with pytest.raises(BadValue, match="give one of"):
            call()
    assert not task.files.exists()


def test_titles_of_any_kind_are_folders_within_the_task(logger: Logger, reports: Reports, task: TaskPaths) -> None:
    for title in ("../../x", "a/b", "", "CON", "x" * 400):
        logger.report_image(title, title, 0, image=DOT)
        (sample,) = reports.debug_samples(title, title)
        assert sample.path is not None
        assert sample.path.parent.parent.parent == task.samples


def test_a_full_disk_is_said_and_does_not_raise(task: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Exception] = []
    logger = Logger(Writer(lambda: task, said.append))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        logger.report_vector("t", "s", [1])
        logger.report_image("t", "s", image=DOT)
    assert len(said) == 2
    assert blobs(task) == []


# several writers, crashes


def test_several_writers_are_merged_by_time(task: TaskPaths, reports: Reports) -> None:
    writers = [Logger(Writer(lambda: task, raises)) for _ in range(3)]
    for step in range(6):
        writers[step % 3].report_vector("t", "s", [step], step)
        writers[step % 3].report_image("t", "s", step, image=DOT, max_image_history=1)
    assert len(list(task.events.glob("plots.*"))) == 3
    assert sorted(plot.iteration for plot in reports.plots()) == [0, 1, 2, 3, 4, 5]
    assert sorted(sample.iteration for sample in reports.debug_samples()) == [3, 4, 5]  # each writer's own latest


@pytest.mark.parametrize("log", ["plots", "media"])
def test_torn_and_bad_lines_cost_themselves_only(logger: Logger, reports: Reports, task: TaskPaths, log: str) -> None:
    logger.report_vector("t", "s", [1], 0)
    logger.report_image("t", "s", 0, image=DOT)
    (path,) = task.events.glob(f"{log}.*")
    whole = path.read_bytes()
    path.write_bytes(b'{"plot":\n\xff\n' + whole + b'{"timestamp":1,"iter":0,"metric":"t"}\n' + whole[:30])
    found = reports.plots() if log == "plots" else reports.debug_samples()
    assert [event.iteration for event in found] == [0]


KILLED = """\
import os, signal, sys
from pathlib import Path
from taskstore.disk.layout import TaskPaths
from taskstore.logger import Logger
from taskstore.sections.reports import Writer

logger = Logger(Writer(lambda: TaskPaths(Path(sys.argv[1])), print))
for step in range(20):
    logger.report_scatter2d("t", "s", [[step, step]], step)
    logger.report_image("t", "s", step, image=[[step]], max_image_history=5)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_was_reported_survives_a_sigkill(store: Store, task: TaskPaths, reports: Reports) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(task.home)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [plot.iteration for plot in reports.plots()] == list(range(20))
    assert [sample.iteration for sample in reports.debug_samples()] == list(range(15, 20))
    assert doctor.check(store) == []


# the rest of the store


def test_doctor_knows_missing_changed_replaced_and_unnamed_samples(
    store: Store, logger: Logger, task: TaskPaths, reports: Reports
) -> None:
    for step in range(4):
        logger.report_image("t", "s", step, image=[[step]], max_image_history=3)
    from_elsewhere(task)
    store = later(store)
    assert doctor.check(store) == []
    first, second, third = blobs(task)
    first.unlink()
    second.write_bytes(b"x" * second.stat().st_size)
    (replaced,) = [line for log in task.events.iterdir() for line in log.read_bytes().splitlines() if b'es":["' in line]
    back = task.home / json.loads(replaced)["replaces"][0]
    back.write_bytes(b"came back")
    (third.parent / "00000009-9.elsewhere-4194305-00000000.png").write_bytes(b"left")
    found = {(finding.kind, finding.message) for finding in doctor.check(store)}
    assert found == {
        (Kind.BLOB, "a log names it, and it is missing"),
        (Kind.BLOB, "its SHA-256 is not the one in its log"),
        (Kind.SAMPLE, "a later sample has replaced it"),
        (Kind.SAMPLE, "a crash left it, and no log names it"),
    }
    assert {finding.kind for finding in doctor.repair(store) if finding.is_repaired} == {Kind.SAMPLE}
    assert blobs(task) == [second, third]
    assert [sample.path for sample in reports.debug_samples()] == [first, second, third]


def test_doctor_leaves_a_sample_alone_that_may_be_being_written(store: Store, logger: Logger, task: TaskPaths) -> None:
    logger.report_image("t", "s", 0, image=DOT)
    next(task.events.glob("media.*")).unlink()
    assert doctor.check(later(store)) == []  # its writer, this process, lives


def test_doctor_cuts_torn_plot_logs(store: Store, logger: Logger, task: TaskPaths) -> None:
    logger.report_vector("t", "s", [1])
    from_elsewhere(task)
    (log,) = task.events.iterdir()
    with log.open("ab") as stream:
        stream.write(b'{"plot"')
    assert [finding.kind for finding in doctor.repair(later(store))] == [Kind.LOG]
    assert log.read_bytes().endswith(b"}\n")


def test_reset_deletes_reports_and_a_clone_has_none(store: Store, logger: Logger, task: TaskPaths) -> None:
    logger.report_vector("t", "s", [1])
    logger.report_image("t", "s", 0, image=DOT)
    made = clone(store, task)
    assert not made.events.exists()
    assert not made.files.exists()
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    reset(store, task.id)
    assert not task.events.exists()
    assert not task.files.exists()


def test_a_published_task_has_its_samples_in_the_manifest(store: Store, logger: Logger, task: TaskPaths) -> None:
    logger.report_image("t", "s", 0, image=DOT)
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    published.publish(store, task.id)
    assert published.verify(task) == []
    assert any("files/media/t/s" in name for name in json.loads(task.manifest.read_bytes())["files"])
    assert doctor.check(later(store)) == []


# scalars read back


def test_one_series_is_read_and_the_rest_passed_over(logger: Logger, reports: Reports) -> None:
    for step in range(30):
        for title, series in (("loss", "train"), ("train", "loss"), ("loss", 'a "b"')):
            logger.report_scalar(title, series, step, step)
    assert list(reports.scalars("loss", "train")) == ["loss"]
    assert reports.scalars("loss", "train")["loss"]["train"].values == list(range(30))
    assert list(reports.scalars("loss")["loss"]) == ["train", 'a "b"']
    assert len(reports.scalars("loss", 'a "b"')["loss"]['a "b"'].values) == 30
    assert reports.scalars("nothing") == {}
    assert len(reports.scalars(max_samples=5)["train"]["loss"].values) == 5


def test_a_series_is_found_however_its_writer_spells_it(reports: Reports, task: TaskPaths) -> None:
    task.events.mkdir()
    task.scalars("a").write_bytes(
        b'{"variant": "v", "metric": "gr\\u00f6\\u00dfe", "value": 1, "iter": 0, "timestamp": 1}\n'
        b'{"timestamp":2,"iter":1,"metric":"gr\xc3\xb6\xc3\x9fe","variant":"v","value":2}\n'
        b'{"timestamp":3,"iter":1,"metric":"other","variant":"gr\xc3\xb6\xc3\x9fe","value":3}\n'
    )
    assert reports.scalars("größe")["größe"]["v"].values == [1, 2]


def test_last_min_max_and_single_values(logger: Logger, reports: Reports) -> None:
    for step, value in enumerate((3, 1, math.nan, 2)):
        logger.report_scalar("loss", "train", value, step)
    logger.report_scalar("loss", "nan", math.nan, 0)
    logger.report_single_value("accuracy", 0.9)
    last = reports.last_scalars()["loss"]
    assert last["train"] == {"last": 2, "min": 1, "max": 3}
    assert (last["nan"]["min"], last["nan"]["max"]) == (None, None)
    assert (reports.single_values(), reports.single_value("accuracy")) == ({"accuracy": 0.9}, 0.9)
    with pytest.raises(NotFound, match="accuracy"):
        reports.single_value("nothing")


def test_text_has_levels_and_arguments_and_is_read_back(
    logger: Logger, reports: Reports, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.report_text("epoch %d of %s", 20, True, 3, "ten")
    logger.report_text("careful", 30)
    logger.report_text("100 % silent", print_console=False)
    assert capsys.readouterr() == ("epoch 3 of ten\n", "careful\n")
    assert reports.console() == ["epoch 3 of ten", "careful", "100 % silent"]
    assert reports.console(1) == ["100 % silent"]
    with pytest.raises(BadValue, match="level must be a number"):
        logger.report_text("x", "INFO")


def test_scalars_are_a_data_frame(logger: Logger, reports: Reports) -> None:
    pytest.importorskip("pandas")
    for step in range(3):
        logger.report_scalar("loss", "train", step / 2, step)
    frame = reports.to_frame("loss")
    assert list(frame.columns) == ["title", "series", "iteration", "value", "time"]
    assert frame["value"].tolist() == [0, 0.5, 1]
    assert str(frame["time"].dtype).endswith("UTC]")
    assert len(reports.to_frame("nothing")) == 0


def test_an_offset_is_added_to_every_iteration_of_plots_and_samples_too(logger: Logger, reports: Reports) -> None:
    logger.set_iteration_offset(100)
    logger.report_scalar("loss", "train", 1.0, 5)
    logger.report_histogram("weights", "all", [1, 2], 5)
    logger.report_image("image", "seen", 5, matrix=[[0, 1]])
    logger.report_histogram("weights", "all", [1, 2])
    logger.report_single_value("best", 1.0)
    assert reports.scalars("loss")["loss"]["train"].iterations == [105]
    assert [plot.iteration for plot in reports.plots()] == [105, 100]
    assert [sample.iteration for sample in reports.debug_samples()] == [105]
    assert reports.single_values() == {"best": 1.0}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda reports: reports.scalars(5), "^title must be a text, not int 5"),
        (lambda reports: reports.scalars("loss", 5), "^series must be a text, not int 5"),
        (lambda reports: reports.scalars(max_samples=None), "^max_samples must be a whole number, not NoneType"),
        (lambda reports: reports.scalars(max_samples=2.5), "^max_samples must be a whole number, not float 2.5"),
        (lambda reports: reports.plots(5), "^title must be a text"),
        (lambda reports: reports.debug_samples("a", 5), "^series must be a text"),
        (lambda reports: reports.console("10"), "^last must be a whole number, not str '10'"),
        (lambda reports: reports.sample_events("a", "b", last="1"), "^last must be a whole number"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_by_the_arguments_name(
    read: Callable[[Reports], object], message: str, reports: Reports
) -> None:
    with pytest.raises(BadValue, match=message):
        read(reports)


def test_a_data_frame_of_nothing_has_the_types_of_one_of_something(logger: Logger, reports: Reports) -> None:
    pytest.importorskip("pandas")
    logger.report_scalar("loss", "train", 0.5, 1)
    empty, filled = reports.to_frame("nothing"), reports.to_frame("loss")
    assert [kind.kind for kind in empty.dtypes] == [kind.kind for kind in filled.dtypes]


class _Broken(io.RawIOBase):
    """Gives some bytes, and then what goes wrong."""

    def __init__(self, *given: object) -> None:
        self._given = list(given)

    def read(self, size: int = -1) -> Any:  # noqa: ARG002
        given = self._given.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (_Broken(b"abc", OSError("the pipe broke")), "^stream cannot be read: the pipe broke"),
        (_Broken(b"abc", ValueError("no more")), "^stream cannot be read: no more"),
        (_Broken(5), "^stream must give bytes or text, not int"),
    ],
)
def test_a_stream_that_breaks_is_no_fault_of_the_store(
    stream: object, message: str, task: TaskPaths, reports: Reports
) -> None:
    failures: list[Exception] = []
    logger = Logger(Writer(lambda: task, failures.append))
    with pytest.raises(BadValue, match=message):
        logger.report_media("film", "left", stream=stream, file_extension=".mp4")
    assert (failures, reports.debug_samples()) == ([], [])
    assert [path for path in task.files.rglob("*") if path.is_file()] == []
