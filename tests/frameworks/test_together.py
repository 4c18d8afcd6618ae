"""Whole runs whose libraries use one another, with every capture on at once, and files that go to another place too."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.store import places, plots, tasks

from ..run.programs import Found, only_task, run

PRELUDE = """
import warnings; warnings.simplefilter("ignore")
from taskstore import Task
def begin():
    return Task.init("examples", "a run", output_uri="place")
"""
DRAW = """
def draw(name):
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    axes.set_title("curve")
    plt.savefig(name)
    return figure
"""


def drawn(found: Found) -> tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]:
    """The plots and the debug samples: title, series, iteration."""
    paths = places.locate(found.store, found.record.id)
    shown = [(one.title, one.series, one.iteration) for one in plots.read_plots(paths)]
    return shown, [(one.title, one.series, one.iteration) for one in plots.read_samples(paths)]


def saved(found: Found, place: Path) -> list[str]:
    """The files of the output models, which are the same ones here and in the other place."""
    files = sorted(path.name for path in (found.home / "files" / "models").rglob("*") if path.is_file())
    assert files == sorted(path.name for path in place.rglob("models/*") if path.is_file())
    return files


def values(found: Found) -> dict[str, str]:
    sections = tasks.read_params(places.locate(found.store, found.record.id)).hyperparams
    return {f"{section}/{name}": one.value for section, items in sections.items() for name, one in items.items()}


LIGHTNING = f"""{PRELUDE}
import argparse
task = begin()
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.1)
given = parser.parse_args()
from jsonargparse import ArgumentParser
parser = ArgumentParser()
parser.add_argument("--depth", type=int, default=3)
parser.parse_args([])
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt, torch, lightning
from lightning.pytorch.loggers import TensorBoardLogger
{DRAW}
class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, index):
        self.log("loss", float(index))
        return self.layer(batch).sum()
    def on_train_epoch_end(self):
        self.logger.experiment.add_figure("drawn", draw(f"{{self.current_epoch}}.png"), self.current_epoch)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=given.rate)
trainer = lightning.Trainer(
    accelerator="cpu", devices=1, max_epochs=2, log_every_n_steps=1, logger=TensorBoardLogger("logs"),
    enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(Model(), torch.utils.data.DataLoader(torch.ones(2, 2)))
torch.save(trainer.model.state_dict(), "end.pt")
"""


def test_lightning_with_tensorboard_figures_parsers_and_checkpoints(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    pytest.importorskip("jsonargparse")
    ended = run(tmp_path / "run", LIGHTNING, "--rate=0.2")
    assert (ended.code, ended.told) == (0, []), ended.stderr
    found = only_task(ended)
    assert found.points == {("loss", "loss"): [0.0, 1.0, 0.0, 1.0], ("epoch", "epoch"): [0.0, 0.0, 1.0, 1.0]}
    assert values(found) == {"Args/rate": "0.2", "Args/depth": "3"}
    assert drawn(found) == (
        [("curve", "plot", 0), ("curve", "plot", 1)],
        [("Images", "drawn", 0), ("Images", "drawn", 1)],
    )
    assert saved(found, tmp_path / "run" / "place") == ["end.pt", "epoch=0-step=2.ckpt", "epoch=1-step=4.ckpt"]


KERAS = f"""{PRELUDE}
import argparse, numpy, keras, tensorflow as tf
import matplotlib; matplotlib.use("Agg")
import matplotlib.figure, matplotlib.pyplot as plt
HOOKED = (
    (argparse.ArgumentParser, "parse_args"), (matplotlib.figure.Figure, "savefig"), (plt, "show"),
    (keras.Model, "save"), (tf.summary, "scalar"), (tf.train.Checkpoint, "save"), (keras.models, "load_model"),
)
def seen():
    return [vars(owner)[name] for owner, name in HOOKED]
before = seen()
task = begin()
hooked = [now is not then for now, then in zip(seen(), before)]
{DRAW}
class Each(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        draw("curve.png")
        plt.show()
        with writer.as_default():
            tf.summary.scalar("own", epoch * 2.0, epoch)
writer = tf.summary.create_file_writer("own")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(0.0), "mse")
model.fit(numpy.ones((4, 2)), numpy.ones(4), epochs=2, verbose=0, callbacks=[
    keras.callbacks.TensorBoard("logs", write_graph=False), keras.callbacks.ModelCheckpoint("{{epoch}}.keras"), Each(),
])
model.save("end.keras")
task.close()
print("HOOKED", sum(hooked) > 3)
print("UNDONE", [now is then for now, then in zip(seen(), before)])
"""


def test_keras_with_tensorboard_figures_and_checkpoints_leaves_its_libraries_as_they_were(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    pytest.importorskip("matplotlib")
    ended = run(tmp_path / "run", KERAS)
    assert (ended.code, ended.told) == (0, []), ended.stderr
    assert ended.stdout.splitlines()[-2:] == ["HOOKED True", f"UNDONE {[True] * 7}"]
    found = only_task(ended)
    assert found.points == {
        ("epoch_loss", "epoch_loss"): [1.0, 1.0],
        ("epoch_learning_rate", "epoch_learning_rate"): [0.0, 0.0],
        ("own", "own"): [0.0, 2.0],
    }
    shown, samples = drawn(found)
    assert {title for title, _, _ in shown} == {"curve"}
    assert samples == []
    assert saved(found, tmp_path / "run" / "place") == ["1.keras", "2.keras", "end.keras"]


TRAINER = f"""{PRELUDE}
task = begin()
import torch
from transformers import BertConfig, BertForSequenceClassification, HfArgumentParser, Trainer, TrainingArguments
(given,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
model = BertForSequenceClassification(
    BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4)
)
rows = [{{"input_ids": torch.tensor([1, 2]), "labels": torch.tensor(0)}}] * 2
Trainer(model=model, args=given, train_dataset=rows).train()
"""


def test_a_trainer_of_transformers_with_tensorboard_and_a_parser(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    options = "--max_steps=2 --save_steps=1 --logging_steps=1 --per_device_train_batch_size=1 --output_dir=out"
    talk = ("--use_cpu=True", "--disable_tqdm=True", "--report_to=tensorboard")
    ended = run(tmp_path / "run", TRAINER, *options.split(), *talk)
    assert (ended.code, ended.told) == (0, []), ended.stderr
    found = only_task(ended)
    assert found.points["train", "epoch"] == [0.5, 1.0, 1.0]
    assert len(found.points["train", "loss"]) == 2
    assert {name: values(found)[f"Args/{name}"] for name in ("output_dir", "max_steps", "learning_rate")} == {
        "output_dir": "out",
        "max_steps": "2",
        "learning_rate": "5e-05",
    }
    assert saved(found, tmp_path / "run" / "place") == ["checkpoint-1.zip", "checkpoint-2.zip"]
