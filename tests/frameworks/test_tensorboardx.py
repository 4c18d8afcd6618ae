"""Capture of tensorboardX against the real one."""

from __future__ import annotations

import importlib.util
import io
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
if importlib.util.find_spec("tensorboardX") is None:
    pytest.skip("tensorboardX is not installed", allow_module_level=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it says of the libraries that it imports
    from tensorboardX import SummaryWriter
    from tensorboardX.event_file_writer import EventFileWriter
    from tensorboardX.proto.event_pb2 import Event

from taskstore.capture.tensorboard import events as capture  # noqa: E402 - after the skip
from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip
from taskstore.store import tasks  # noqa: E402 - after the skip

from .programs import program  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _own_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def _scalars(session: Session) -> dict[tuple[str, str], list[tuple[int, float]]]:
    return {
        (title, series): list(zip(one.iterations, one.values, strict=True))
        for title, variants in Reports(session.paths).scalars().items()
        for series, one in variants.items()
    }


def test_scalars_of_one_tag_and_of_several(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "runs")) as writer:
        writer.add_scalar("data/loss", 0.5, 3)
        writer.add_scalar("bare", math.inf)
        writer.add_scalar("bare", 2.0)
        writer.add_scalars("multi", {"x": 1, "y": 2}, 4)
    found = _scalars(begun)
    assert found == {
        ("data", "loss"): [(3, 0.5)],
        ("bare", "bare"): [(0, math.inf), (1, 2.0)],
        ("multi", "multi"): [(4, 1.0)],  # ClearML's names: its folders are not torch's
        ("multi", "y: multi"): [(4, 2.0)],
    }


def test_pictures_texts_and_histograms(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "runs")) as writer:
        writer.add_image("picture", np.zeros((3, 4, 5)), 2)
        writer.add_text("note", "hello", 5)
        writer.add_histogram("h", np.array([0.0, 0.5, 0.5, 1.0]), 6, bins=[0.0, 0.25, 0.75, 1.0])
    samples = [(each.title, each.series, each.iteration) for each in Reports(begun.paths).debug_samples()]
    assert samples == [("Images", "picture", 2), ("note", "text_summary", 5)]
    (plot,) = Reports(begun.paths).plots()
    assert (plot.title, plot.series, plot.iteration) == ("Histograms", "h", 6)
    assert sum(plot.figure["data"][0]["y"]) == 4


def test_a_precision_recall_curve_is_a_line(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "runs")) as writer:
        writer.add_pr_curve("curve", np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.6, 0.4]), 4, num_thresholds=3)
    (plot,) = Reports(begun.paths).plots()
    assert (plot.title, plot.series, plot.iteration) == ("curve", "curve", 4)
    assert (plot.figure["data"][0]["x"][1], plot.figure["data"][0]["y"][1]) == (1.0, 1.0)


def test_hyperparameters_are_parameters_and_their_metrics_scalars(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "runs")) as writer:
        writer.add_hparams({"lr": 0.1, "optimizer": "adam"}, {"accuracy": 0.5})
    section = tasks.read_params(begun.paths()).hyperparams[capture.HPARAMS_SECTION]
    assert {name: (one.value, one.type) for name, one in section.items()} == {
        "lr": ("0.1", "float"),
        "optimizer": ("adam", "str"),
    }
    assert _scalars(begun) == {("accuracy", "accuracy"): [(0, 0.5)]}


def test_what_a_closed_writer_drops_is_not_reported(begun: Session, tmp_path: Path) -> None:
    writer = EventFileWriter(str(tmp_path / "runs"))
    event = Event(step=1)
    event.summary.value.add(tag="loss", simple_value=1.0)
    writer.add_event(event)
    writer.close()
    writer.add_event(event)
    assert _scalars(begun) == {("loss", "loss"): [(1, 1.0)]}


def test_a_failing_hook_warns_once_and_the_program_goes_on(
    begun: Session, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: object, *args: object) -> None:
        raise RuntimeError("a new version")

    monkeypatch.setattr(capture.Events, "take", broken)
    terminal.truncate(0)
    with SummaryWriter(str(tmp_path / "runs")) as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.add_scalar("loss", 2.0, 1)
    assert terminal.getvalue().count("tensorboard: RuntimeError: a new version") == 1
    assert next((tmp_path / "runs").iterdir()).read_bytes().count(b"loss") == 2


def test_after_the_run_the_writer_is_as_it_was(begin: Callable[[], Session]) -> None:
    before = EventFileWriter.add_event
    session = begin()
    assert EventFileWriter.add_event is not before
    session.close()
    assert EventFileWriter.add_event is before


def test_a_writer_imported_after_the_beginning_is_captured_alike(tmp_path: Path) -> None:
    code = """
assert "tensorboardX" not in sys.modules
from tensorboardX import SummaryWriter
with SummaryWriter("runs") as writer:
    writer.add_scalar("loss", 0.5, 7)
print(task.reports.last_scalars()["loss"]["loss"]["last"])
"""
    assert program(code, tmp_path) == "0.5\n"
