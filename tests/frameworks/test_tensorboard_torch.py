"""Capture of TensorBoard's own writer, which torch and Lightning use, against the real ones."""

from __future__ import annotations

import importlib.util
import io
import math
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the libraries say of one another as they are imported
    from torch.utils.tensorboard import SummaryWriter

from tensorboard.summary.writer.event_file_writer import EventFileWriter  # noqa: E402 - after the skip

from taskstore.capture.tensorboard import events as capture  # noqa: E402 - after the skip
from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip
from taskstore.store import events as stored  # noqa: E402 - after the skip
from taskstore.store import tasks  # noqa: E402 - after the skip

from .programs import program  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def scalars(session: Session) -> dict[tuple[str, str], list[tuple[int, float]]]:
    return {
        (one.metric, one.variant): list(zip(one.iterations, one.values, strict=True))
        for one in stored.read_scalars(session.paths())
    }


def samples(session: Session) -> list[tuple[str, str, int, str]]:
    return [
        (each.title, each.series, each.iteration, each.media_type) for each in Reports(session.paths).debug_samples()
    ]


def test_the_last_part_of_a_tag_is_the_series(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        for tag in ("loss", "a/b", "a/b/c", "a/b/c/d"):
            writer.add_scalar(tag, 0.5, 3)
    assert scalars(begun) == {
        ("loss", "loss"): [(3, 0.5)],
        ("a", "b"): [(3, 0.5)],
        ("a_b", "c"): [(3, 0.5)],
        ("a_b_c", "d"): [(3, 0.5)],
    }
    assert stored.read_summary(begun.paths()).last_iteration == 3


def test_scalars_that_are_tensors_in_the_file_are_scalars(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_scalar("single", 0.5, 1, new_style=True)
        writer.add_scalar("double", 0.1, 2, new_style=True, double_precision=True)
    assert scalars(begun) == {("single", "single"): [(1, 0.5)], ("double", "double"): [(2, 0.1)]}


def test_nan_and_infinity_stay_and_missing_steps_are_counted(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        for value in (math.nan, math.inf, 1.0):
            writer.add_scalar("loss", value)
        for step in range(3):
            writer.add_scalar("stepped", step, step)
    found = scalars(begun)
    assert [iteration for iteration, _ in found["loss", "loss"]] == [0, 1, 2]
    values = [value for _, value in found["loss", "loss"]]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, 1.0]
    assert found["stepped", "stepped"] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_add_scalars_makes_a_series_of_each(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        for step in range(2):
            writer.add_scalars("multi", {"x": step, "y": 2 * step}, step)
    assert scalars(begun) == {("multi", "x"): [(0, 0.0), (1, 1.0)], ("multi", "y"): [(0, 0.0), (1, 2.0)]}


def test_the_same_tag_in_another_folder_is_a_series_of_its_own(begun: Session, tmp_path: Path) -> None:
    for folder in ("train", "validation", "train"):
        with SummaryWriter(tmp_path / "runs" / folder) as writer:
            writer.add_scalar("epoch_loss", 1.0, 1)
            writer.add_histogram("weights", torch.ones(3), 1)
    assert set(scalars(begun)) == {("epoch_loss", "epoch_loss"), ("epoch_loss", "validation: epoch_loss")}
    assert {(plot.title, plot.series) for plot in Reports(begun.paths).plots()} == {
        ("Histograms", "weights"),
        ("Histograms", "weights :validation"),
    }


def test_histograms_are_bars_with_the_edges_of_their_bins(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_histogram("layer/weights", torch.tensor([0.0, 0.5, 0.5, 1.0]), 7, bins=[0.0, 0.25, 0.75, 1.0])
    (plot,) = Reports(begun.paths).plots()
    assert (plot.title, plot.series, plot.iteration) == ("layer", "weights", 7)
    (bars,) = plot.figure["data"]
    assert (bars["type"], bars["y"]) == ("bar", [1, 2, 1])
    assert bars["customdata"] == [[0.0, 0.25], [0.25, 0.75], [0.75, 1.0]]
    assert bars["x"] == [0.125, 0.5, 0.875]
    assert bars["width"] == [0.25, 0.5, 0.25]


def test_histograms_are_bounded_and_lose_no_value(begun: Session, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_histogram("h", torch.randn(5000, generator=generator), 0)
        writer.add_histogram("one value", torch.ones(5), 0)
    wide, single = (plot.figure["data"][0] for plot in Reports(begun.paths).plots())
    assert len(wide["y"]) <= 100
    assert sum(wide["y"]) == 5000
    assert all(left < right for left, right in wide["customdata"])
    assert sum(single["y"]) == 5
    assert all(width > 0 for width in single["width"])


def test_pictures_sounds_and_texts_are_debug_samples(begun: Session, tmp_path: Path) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_image("picture", torch.zeros(3, 4, 5), 2)
        writer.add_images("group/pictures", torch.zeros(2, 3, 4, 5), 3)
        writer.add_figure("figure", plt.figure(), 4)
        writer.add_text("note", "hello *there*", 5)
        writer.add_text("group/note", "hello", 5)
        writer.add_audio("sound", torch.zeros(1, 100), 6)
    assert samples(begun) == [
        ("Images", "picture", 2, "image/png"),
        ("group", "pictures", 3, "image/png"),
        ("Images", "figure", 4, "image/png"),
        ("note", "text_summary", 5, "text/plain"),
        ("group", "note_text_summary", 5, "text/plain"),
        ("Audio", "sound", 6, "audio/x-wav"),
    ]
    texts = [each.path for each in Reports(begun.paths).debug_samples("note")]
    assert [path.read_text() for path in texts if path is not None] == ["hello *there*"]
    assert Reports(begun.paths).plots() == []


def test_a_precision_recall_curve_is_a_line(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        labels, predictions = torch.tensor([0, 1, 1, 0]), torch.tensor([0.1, 0.9, 0.6, 0.4])
        writer.add_pr_curve("curve", labels, predictions, 4, num_thresholds=3)
    (plot,) = Reports(begun.paths).plots()
    assert (plot.title, plot.series, plot.iteration) == ("curve", "curve", 4)
    (line,) = plot.figure["data"]
    assert (line["x"], line["y"]) == ([1.0, 1.0, 0.0], [0.5, 1.0, 0.0])
    assert line["text"][1].startswith("threshold 0.500<br>true positives: 2<br>false positives: 0<br>")


def test_a_curves_name_is_said_once_and_another_folders_is_a_plot_of_its_own(begun: Session, tmp_path: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from torch.utils.tensorboard.summary import pr_curve

    labels, predictions = torch.tensor([0, 1, 1, 0]).numpy(), torch.tensor([0.1, 0.9, 0.6, 0.4]).numpy()
    for folder in ("even", "odd", "third"):
        writer = EventFileWriter(str(tmp_path / "runs" / folder))
        for step in range(2):
            summary = pr_curve("red", labels, predictions, num_thresholds=3)
            summary.value[0].metadata.display_name = "classifying red"
            if step:
                summary.value[0].ClearField("metadata")  # TensorFlow's writer leaves it out after a tag's first
            writer.add_event(Event(step=step, summary=summary))
        writer.close()
    plots = Reports(begun.paths).plots()
    assert [(plot.title, plot.series, plot.iteration) for plot in plots] == [
        (title, "classifying red", step) for title in ("red", "red_2", "red_3") for step in range(2)
    ]
    assert {plot.figure["layout"]["title"]["text"] for plot in plots} == {"red", "red_2", "red_3"}


def test_hyperparameters_are_parameters_and_their_metrics_scalars(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_hparams({"lr": 0.1, "optimizer": "adam", "layers": 3}, {"hm/accuracy": 0.5})
    section = tasks.read_params(begun.paths()).hyperparams[capture.HPARAMS_SECTION]
    assert {name: (one.value, one.type) for name, one in section.items()} == {
        "lr": ("0.1", "float"),
        "optimizer": ("adam", "str"),
        "layers": ("3.0", "float"),
    }
    assert scalars(begun) == {("hm", "accuracy"): [(0, 0.5)]}


@pytest.mark.parametrize(
    ("chosen", "is_recorded"),
    [({"report_hparams": False}, False), ({"report_hparams": True}, True), ({"another": False}, True)],
)
def test_hyperparameters_are_left_out_where_the_program_says_so(
    begin: Callable[..., Session], tmp_path: Path, chosen: dict[str, bool], is_recorded: bool
) -> None:
    session = begin({"tensorboard": chosen})
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_hparams({"lr": 0.1}, {"hm/accuracy": 0.5})
    assert (capture.HPARAMS_SECTION in tasks.read_params(session.paths()).hyperparams) is is_recorded
    assert scalars(session) == {("hm", "accuracy"): [(0, 0.5)]}


def test_graphs_and_layouts_are_no_reports(begun: Session, tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_custom_scalars({"group": {"chart": ["Multiline", ["a", "b"]]}})
    assert scalars(begun) == {}
    assert samples(begun) == []


def _written(folder: Path) -> list[bytes]:
    """The tags and values of the events in a folder; times differ from run to run."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    return [
        Event.FromString(raw).summary.SerializeToString()
        for path in sorted(folder.iterdir())
        for raw in RawEventFileLoader(str(path)).Load()
    ]


def test_event_files_are_what_they_would_be(begin: Callable[[], Session], tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        with SummaryWriter(folder) as writer:
            writer.add_scalar("loss", 0.5, 1)
            writer.add_histogram("h", torch.arange(4.0), 1)

    write(tmp_path / "without")
    begin()
    write(tmp_path / "with")
    assert len(_written(tmp_path / "with")) == 3
    assert _written(tmp_path / "with") == _written(tmp_path / "without")


def test_lightnings_logger_is_captured(tmp_path: Path) -> None:
    if importlib.util.find_spec("lightning") is None:
        pytest.skip("lightning is not installed")
    code = """
sys.modules["tensorflow"] = None  # with triton in one process it crashes as it is imported
from lightning.fabric.loggers import TensorBoardLogger
logger = TensorBoardLogger(".", name="runs", version="1")
logger.log_metrics({"train/loss": 0.25}, step=4)
logger.finalize("success")
print(task.reports.last_scalars()["train"]["loss"]["last"], task.reports.scalars("train")["train"]["loss"].iterations)
"""
    assert program(code, tmp_path) == "0.25 [4]\n"


def test_an_error_of_the_writers_shows_no_frame_of_ours(begun: Session, tmp_path: Path) -> None:
    writer: Any = EventFileWriter(str(tmp_path / "runs"))
    with pytest.raises(TypeError, match="Expected an event_pb2") as caught:
        writer.add_event("no event")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not any(Path(file).parent.name == "tensorboard" and "capture" in file for file in files)
    writer.close()


def test_a_failing_hook_warns_once_and_the_program_goes_on(
    begun: Session, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: object, *args: object) -> None:
        raise RuntimeError("a new version")

    monkeypatch.setattr(capture.Events, "_scalar", broken)
    terminal.truncate(0)
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.add_scalar("loss", 2.0, 1)
    assert len(_written(tmp_path / "runs")) == 3
    assert terminal.getvalue().count("tensorboard: RuntimeError: a new version") == 1


def test_a_second_run_of_a_process_begins_anew(begin: Callable[..., Session], tmp_path: Path) -> None:
    def draw() -> None:
        for folder in ("a", "b"):
            with SummaryWriter(tmp_path / folder) as writer:
                writer.add_histogram("h", torch.ones(3))

    for choice, wanted in (
        (True, [("h", 0), ("h :b", 0)]),
        (True, [("h", 0), ("h :b", 0)]),
        ({"tensorboard": False}, []),
    ):
        session = begin(choice)
        draw()
        session.close()
        assert [(plot.series, plot.iteration) for plot in Reports(session.paths).plots()] == wanted


def test_after_the_run_the_writer_is_as_it_was(begin: Callable[[], Session]) -> None:
    before = EventFileWriter.add_event
    session = begin()
    assert EventFileWriter.add_event is not before
    session.close()
    assert EventFileWriter.add_event is before


def test_a_writer_imported_after_the_beginning_is_captured_alike(tmp_path: Path) -> None:
    code = """
assert "tensorboard" not in sys.modules
from torch.utils.tensorboard import SummaryWriter
with SummaryWriter("runs") as writer:
    writer.add_scalar("loss", 0.5, 7)
print(task.reports.last_scalars())
"""
    assert program(code, tmp_path) == "{'loss': {'loss': {'last': 0.5, 'min': 0.5, 'max': 0.5}}}\n"
