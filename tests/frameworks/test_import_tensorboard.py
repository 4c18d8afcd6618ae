"""Importing event files that the real writers have written: torch's, tensorboardX's, TensorFlow's with Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the libraries say of one another as they are imported
    from torch.utils.tensorboard import SummaryWriter

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2  # noqa: E402 - after the skip
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2  # noqa: E402 - after the skip

from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip
from taskstore.share import importers  # noqa: E402 - after the skip
from taskstore.share.foreign import events as files  # noqa: E402 - after the skip
from taskstore.share.importers.base import Imported, LeftOut, Options  # noqa: E402 - after the skip
from taskstore.store import doctor, places, tasks  # noqa: E402 - after the skip
from taskstore.store import events as stored  # noqa: E402 - after the skip
from taskstore.store.store import Store  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run(store: Store, path: Path) -> list[Imported | LeftOut]:
    return list(importers.of_path(path).runs(store, path, Options()))


def contents(store: Store, task_id: str) -> dict[str, Any]:
    """Everything that a task has reported, but for the times, and for which writer's file it is in."""
    paths = places.locate(store, task_id)
    reports = Reports(lambda: paths)
    return {
        "scalars": {
            (one.metric, one.variant): list(zip(one.iterations, map(repr, one.values), strict=True))
            for one in stored.read_scalars(paths)
        },
        "plots": sorted(
            (each.title, each.series, each.iteration, json.dumps(each.figure, sort_keys=True))
            for each in reports.plots()
        ),
        "samples": sorted(
            (each.title, each.series, each.iteration, each.media_type, each.path.read_bytes() if each.path else b"")
            for each in reports.debug_samples()
        ),
        "hparams": tasks.read_params(paths).hyperparams.get("TB_hparams"),
    }


def write_everything(folder: Path) -> None:
    with SummaryWriter(folder) as writer:
        for step in range(5):
            writer.add_scalar("loss/train", 1 / (step + 1), step)
            writer.add_scalar("new style/deep/er", float(step), step, new_style=True)
        writer.add_scalar("odd", float("nan"), 7)
        writer.add_scalar("odd", float("inf"), 8)
        writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 3)
        writer.add_histogram("weights", torch.arange(100.0), 1)
        writer.add_image("picture/of/it", torch.zeros(3, 8, 8), 2)
        writer.add_images("several", torch.zeros(2, 3, 4, 4), 2)
        writer.add_text("note", "# hello", 1)
        writer.add_audio("sound", torch.zeros(1, 100), 1)
        writer.add_pr_curve("curve", torch.tensor([0, 1, 1, 0]), torch.tensor([0.1, 0.8, 0.6, 0.7]), 4)
        writer.add_hparams({"lr": 0.1, "size": 32, "name": "adam", "on": True}, {"best": 0.9}, run_name="hparams")


def test_an_import_gives_what_the_live_capture_has_seen(begun: Session, store: Store, tmp_path: Path) -> None:
    write_everything(tmp_path / "runs" / "exp")
    (found,) = run(store, tmp_path / "runs")
    assert isinstance(found, Imported)
    live, imported = contents(store, begun.task_id), contents(store, found.task_id)
    assert {name: len(values) for name, values in imported.items()} == {
        **{"scalars": 6, "plots": 2, "samples": 4, "hparams": 4},
    }
    assert imported == live
    assert doctor.check(store) == []


def test_a_file_that_is_still_written_comes_in_and_later_the_rest(store: Store, tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path / "exp")
    writer.add_scalar("x", 1.0, 1)
    writer.flush()
    (first,) = run(store, tmp_path / "exp")
    writer.add_scalar("x", 2.0, 2)
    writer.close()
    (again,) = run(store, tmp_path / "exp")
    assert isinstance(first, Imported)
    assert isinstance(again, Imported)
    assert (again.task_id, first.is_new, again.is_new, again.has_grown) == (first.task_id, True, False, True)
    assert contents(store, first.task_id)["scalars"] == {("x", "x"): [(1, "1.0"), (2, "2.0")]}


def test_graphs_are_said_to_be_left_out(store: Store, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "exp") as writer, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's own
        writer.add_graph(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    (found,) = run(store, tmp_path / "exp")
    assert isinstance(found, Imported)
    assert "a graph was left out" in found.notes


def test_those_of_tensorboardx_come_in(store: Store, tmp_path: Path) -> None:
    tensorboardx = pytest.importorskip("tensorboardX")
    for name in ("one", "two"):
        with tensorboardx.SummaryWriter(str(tmp_path / "runs" / name)) as writer:
            writer.add_scalar("loss/train", 0.5, 3)
            writer.add_hparams({"lr": 0.5}, {"best": 1.0}, name="trial")
    found = [each for each in run(store, tmp_path / "runs") if isinstance(each, Imported)]
    assert {each.source for each in found} >= {"one", "two"}
    everything = [contents(store, each.task_id) for each in found]
    assert sum(("loss", "train") in each["scalars"] for each in everything) == 2
    assert sum(bool(each["hparams"]) for each in everything) == 2


KERAS = """
import sys, numpy, tensorflow, keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = numpy.zeros((4, 1), "float32")
model.fit(x, x, epochs=2, validation_data=(x, x), verbose=0, callbacks=[keras.callbacks.TensorBoard(sys.argv[1])])
"""


def test_what_keras_writes_of_training_and_validation_is_one_run(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", KERAS, str(tmp_path / "logs" / "fit")]
    subprocess.run(command, check=True, env=environ, cwd=tmp_path, timeout=300)
    (found,) = run(store, tmp_path / "logs")
    assert isinstance(found, Imported)
    scalars = contents(store, found.task_id)["scalars"]
    assert [step for step, _ in scalars["epoch_loss", "epoch_loss"]] == [0, 1]
    assert [step for step, _ in scalars["epoch_loss", "validation: epoch_loss"]] == [0, 1]


def test_the_table_of_fields_is_that_of_the_library() -> None:
    real = {
        **{name: getattr(event_pb2, name) for name in ("Event",)},
        **{name: getattr(summary_pb2, name) for name in ("Summary", "SummaryMetadata", "HistogramProto")},
        **{"Value": summary_pb2.Summary.Value, "PluginData": summary_pb2.SummaryMetadata.PluginData},
        **{"Image": summary_pb2.Summary.Image, "Audio": summary_pb2.Summary.Audio},
        **{"TensorProto": tensor_pb2.TensorProto, "TensorShapeProto": tensor_shape_pb2.TensorShapeProto},
        **{"Dim": tensor_shape_pb2.TensorShapeProto.Dim, "HParamsPluginData": plugin_data_pb2.HParamsPluginData},
        **{"SessionStartInfo": plugin_data_pb2.SessionStartInfo, "SessionEndInfo": plugin_data_pb2.SessionEndInfo},
    }
    assert real.keys() == files.TABLE.keys() - {"HParam", "Scalar"}
    for name, fields in files.TABLE.items():
        if name in real:
            for field, spelled in fields.items():
                theirs = real[name].DESCRIPTOR.fields_by_name[field]
                assert (theirs.number, theirs.is_repeated) == (int(spelled.split()[0]), " repeated " in spelled), field
    assert api_pb2.STATUS_FAILURE == 2
