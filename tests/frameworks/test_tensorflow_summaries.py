"""Capture of TensorFlow's summaries, and Keras', against the real ones."""

from __future__ import annotations

import importlib.util
import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("tensorflow is not installed", allow_module_level=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it says of the libraries that it imports
    import tensorflow as tf
    from tensorflow.python.ops import gen_summary_ops

from taskstore.capture.tensorboard import events as capture  # noqa: E402 - after the skip
from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip
from taskstore.store import tasks  # noqa: E402 - after the skip

from .programs import program  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore")


def _scalars(session: Session) -> dict[tuple[str, str], list[tuple[int, float]]]:
    return {
        (title, series): list(zip(one.iterations, one.values, strict=True))
        for title, variants in Reports(session.paths).scalars().items()
        for series, one in variants.items()
    }


def test_scalars_are_there_once_they_are_flushed(begun: Session, tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default():
        for step, value in enumerate((0.5, math.nan, 1.5)):
            tf.summary.scalar("a/loss", value, step=step)
    writer.flush()
    found = _scalars(begun)["a", "loss"]
    assert [iteration for iteration, _ in found] == [0, 1, 2]
    assert found[0][1] == 0.5
    assert math.isnan(found[1][1])
    assert found[2][1] == 1.5
    writer.close()
    assert len(_scalars(begun)["a", "loss"]) == 3


def test_a_step_that_is_given_as_0_many_times_stays_0(begun: Session, tmp_path: Path) -> None:
    with tf.summary.create_file_writer(str(tmp_path / "runs")).as_default() as writer:
        for epoch in range(2):
            for value in (0.5, 0.25, 0.125):
                tf.summary.scalar("loss", value, step=epoch)
        writer.close()
    assert [iteration for iteration, _ in _scalars(begun)["loss", "loss"]] == [0, 0, 0, 1, 1, 1]


def test_what_is_not_flushed_is_read_at_the_end_of_the_run(begin: Callable[[], Session], tmp_path: Path) -> None:
    session = begin()
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default():
        tf.summary.scalar("loss", 0.5, step=7)
        tf.summary.scalar("loss", 0.25, step=8)
        assert _scalars(session) == {}
        session.close()
    assert _scalars(session) == {("loss", "loss"): [(7, 0.5), (8, 0.25)]}


def test_values_within_a_traced_function_are_those_of_each_call(begun: Session, tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))

    @tf.function
    def step(number: Any) -> None:
        with writer.as_default():
            tf.summary.scalar("loss", tf.cast(number, tf.float32) * 0.5, step=number)

    for number in range(3):
        step(tf.constant(number, tf.int64))
    writer.close()
    assert _scalars(begun) == {("loss", "loss"): [(0, 0.0), (1, 0.5), (2, 1.0)]}


def test_every_kind_of_summary(begun: Session, tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default(step=3):
        tf.summary.histogram("h", [0.0, 0.5, 1.0], buckets=2)
        tf.summary.image("group/pictures", tf.zeros([2, 4, 5, 3]))
        tf.summary.text("note", "hello")
        tf.summary.text("lines", ["one", "two"])
        tf.summary.audio("sound", tf.zeros([1, 100, 1]), 8000)
    writer.close()
    (plot,) = Reports(begun.paths).plots()
    assert (plot.title, plot.series, plot.iteration) == ("Histograms", "h", 3)
    bars = plot.figure["data"][0]
    assert (bars["y"], bars["customdata"]) == ([1.0, 2.0], [[0.0, 0.5], [0.5, 1.0]])
    samples = Reports(begun.paths).debug_samples()
    assert [(each.title, each.series, each.iteration, each.media_type) for each in samples] == [
        ("group", "pictures_sample_0", 3, "image/png"),
        ("group", "pictures_sample_1", 3, "image/png"),
        ("Text", "note", 3, "text/plain"),
        ("Text", "lines", 3, "text/plain"),
        ("Audio", "sound", 3, "audio/x-wav"),
    ]
    assert samples[3].path is not None
    assert samples[3].path.read_text() == "one\ntwo"
    assert samples[4].path is not None
    assert samples[4].path.read_bytes().startswith(b"RIFF")


def test_keras_callback_reports_training_and_validation(begun: Session, tmp_path: Path) -> None:
    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = tf.keras.callbacks.TensorBoard(str(tmp_path / "logs"), histogram_freq=1)
    data, labels = tf.ones([8, 2]), tf.ones([8, 1])
    history = model.fit(data, labels, epochs=2, verbose=0, validation_data=(data, labels), callbacks=[callback])
    found = _scalars(begun)
    assert {key: [value for _, value in points] for key, points in found.items() if key[0] == "epoch_loss"} == {
        ("epoch_loss", "epoch_loss"): pytest.approx(history.history["loss"]),
        ("epoch_loss", "validation: epoch_loss"): pytest.approx(history.history["val_loss"]),
    }
    assert [iteration for iteration, _ in found["epoch_loss", "epoch_loss"]] == [0, 1]
    histograms = [(plot.title, plot.iteration) for plot in Reports(begun.paths).plots()]
    assert len(histograms) == 4  # kernel and bias, twice
    assert {iteration for _, iteration in histograms} == {0, 1}


def test_hyperparameters_are_parameters(begun: Session, tmp_path: Path) -> None:
    hp = pytest.importorskip("tensorboard.plugins.hparams.api")
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default():
        hp.hparams({"lr": 0.5, "optimizer": "adam", "is_nested": True})
    writer.close()
    section = tasks.read_params(begun.paths()).hyperparams[capture.HPARAMS_SECTION]
    assert {name: (one.value, one.type) for name, one in section.items()} == {
        "lr": ("0.5", "float"),
        "optimizer": ("adam", "str"),
        "is_nested": ("True", "bool"),
    }


def test_a_folder_is_found_though_the_program_goes_elsewhere(
    begun: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = tf.summary.create_file_writer("runs")
    monkeypatch.chdir("/")
    with writer.as_default(step=1):
        tf.summary.scalar("loss", 0.5)
    writer.close()
    assert _scalars(begun) == {("loss", "loss"): [(1, 0.5)]}


def test_writers_of_version_1_are_captured(begun: Session, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(tmp_path / "runs"))
    summary = tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag="loss", simple_value=0.5)])
    writer.add_summary(summary, 4)
    writer.close()
    assert _scalars(begun) == {("loss", "loss"): [(4, 0.5)]}


def test_files_that_were_there_before_are_not_of_this_run(begin: Callable[[], Session], tmp_path: Path) -> None:
    earlier = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with earlier.as_default(step=1):
        tf.summary.scalar("earlier", 0.5)
    earlier.close()
    session = begin()
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default(step=1):
        tf.summary.scalar("now", 0.5)
    writer.close()
    assert _scalars(session) == {("now", "now"): [(1, 0.5)]}


def test_a_failing_hook_warns_once_and_the_program_goes_on(
    begun: Session, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: object, *args: object) -> None:
        raise RuntimeError("a new version")

    monkeypatch.setattr(capture.Events, "take", broken)
    terminal.truncate(0)
    writer = tf.summary.create_file_writer(str(tmp_path / "runs"))
    with writer.as_default(step=1):
        tf.summary.scalar("loss", 0.5)
        writer.flush()
        tf.summary.scalar("loss", 0.5)
    writer.close()
    assert terminal.getvalue().count("tensorboard: RuntimeError: a new version") == 1


def test_after_the_run_the_ops_are_as_they_were(begin: Callable[[], Session]) -> None:
    names = (
        *("create_summary_file_writer", "flush_summary_writer", "close_summary_writer"),
        *("write_summary", "write_raw_proto_summary", "import_event"),
    )
    before = [getattr(gen_summary_ops, name) for name in names]
    session = begin()
    assert not any(getattr(gen_summary_ops, name) is one for name, one in zip(names, before, strict=True))
    session.close()
    assert all(getattr(gen_summary_ops, name) is one for name, one in zip(names, before, strict=True))


def test_a_program_that_never_closes_its_writer_loses_nothing(tmp_path: Path) -> None:
    code = """
assert "tensorflow" not in sys.modules
import tensorflow as tf
writer = tf.summary.create_file_writer("runs")
writer.set_as_default(step=3)
tf.summary.scalar("loss", 0.5)
print(task.id)
"""
    task_id = program(code, tmp_path).strip()
    (log,) = (tmp_path / "store").glob(f"projects/*/{task_id}/events/scalars.*.jsonl")
    assert '"iter":3,"metric":"loss","variant":"loss","value":0.5' in log.read_text()
