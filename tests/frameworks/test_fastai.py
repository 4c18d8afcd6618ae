"""Models and records of the real fastai."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

torch = pytest.importorskip("torch")
learner_module = pytest.importorskip("fastai.learner")
data = pytest.importorskip("fastai.data.core")
metrics = pytest.importorskip("fastai.metrics")

from .saving import captured, noted_without  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def features(_: int) -> Any:
    return torch.ones(2)


def target(_: int) -> Any:
    return torch.tensor(1.0)


def learner(folder: Path, *, chosen: Any = metrics.mae, count: int = 4) -> Any:
    rows = data.Datasets(list(range(count)), [[features], [target]], splits=[range(count), range(4)])
    loaders = rows.dataloaders(bs=2, device="cpu", num_workers=0)
    layer = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    return learner_module.Learner(loaders, layer, loss_func=torch.nn.MSELoss(), metrics=[chosen], path=folder, lr=0.1)


def test_a_learner_is_reported_once_as_it_is_saved_exported_and_loaded(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        one = learner(tmp_path)
        one.save("weights")
        one.load("weights")
        one.export("whole.pkl")
    assert kept.taken() == [
        ("saved", "PyTorch", "models/weights.pth"),
        ("loaded", "PyTorch", "models/weights.pth"),
        ("saved", "PyTorch", "whole.pkl"),
    ]


def test_what_a_fit_records_is_reported_by_batch_and_epoch(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        one = learner(tmp_path)
        with one.no_logging():
            one.fit(2)
        recorded = one.recorder.values
    assert kept.notes == []
    of = {(series, iteration): value for title, series, value, iteration in kept.scalars if title == "metrics_0"}
    names = ("train_avg_smooth_loss", "train_mae", "valid_loss", "valid_mae")
    assert sorted(of) == sorted(
        [(name, iteration) for name in names[:2] for iteration in (1, 2, 3, 4)]
        + [(name, iteration) for name in names[2:] for iteration in (2, 4)]
    )
    for epoch, (train_loss, valid_loss, mae) in enumerate(recorded):
        last = 2 * epoch + 2
        assert [of["train_avg_smooth_loss", last], of["valid_loss", last], of["valid_mae", last]] == pytest.approx(
            [train_loss, valid_loss, mae], abs=1e-5
        )
    assert [each for each in kept.scalars if each[0] == "lr_0"] == [("lr_0", "lr", 0.1, i) for i in (1, 2, 3, 4)]
    assert len({each[1] for each in kept.scalars if each[0] == "model_stats_gradients_0"}) == 8
    assert {each[3] for each in kept.scalars if each[0] == "model_stats_gradients_num_zeros_0"} == {2, 4}


def fitted(folder: Path, kept: Any, **how: Any) -> dict[str, dict[int, float]]:
    """Fit once, and return the metrics by series and iteration."""
    one = learner(folder, **how)
    with one.no_logging():
        one.fit(1)
    found: dict[str, dict[int, float]] = {}
    for title, series, value, iteration in kept.scalars:
        if title == "metrics_0":
            found.setdefault(series, {})[iteration] = value
    return found


def test_a_metric_of_all_outputs_is_taken_of_the_training_batches_too(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        found = fitted(tmp_path, kept, chosen=metrics.rmse)
    assert kept.notes == []
    assert list(found["train__rmse"]) == [1, 2]
    assert list(found["valid__rmse"]) == [2]
    assert found["train__rmse"][1] ** 2 == pytest.approx(found["train_avg_smooth_loss"][1], abs=1e-5)


def test_a_metric_of_all_outputs_is_asked_ever_more_seldom_and_at_the_end(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        found = fitted(tmp_path, kept, chosen=metrics.rmse, count=2 * 141)
    assert kept.notes == []
    assert list(found["train__rmse"]) == [*range(1, 64), *range(64, 128, 2), 128, 132, 136, 140, 141]
    assert list(found["train_avg_smooth_loss"]) == list(range(1, 142))


def test_a_metric_that_gathers_too_much_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskstore.capture.fastai.MAX_VALUES", 3)
    with captured(tmp_path) as kept:
        found = fitted(tmp_path, kept, chosen=metrics.rmse)
    assert list(found["train__rmse"]) == [1]
    assert list(found["valid__rmse"]) == [2]
    assert kept.notes == ["fastai: train__rmse is left out: it gathers more than 3 numbers"]


def test_a_metric_that_fails_on_training_batches_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    def picky(output: Any, _: Any) -> Any:
        if output.requires_grad:
            raise ZeroDivisionError("not in training")
        return output.sum()

    with captured(tmp_path) as kept:
        found = fitted(tmp_path, kept, chosen=picky)
    assert (list(found["train_avg_smooth_loss"]), list(found["valid_picky"])) == ([1, 2], [2])
    assert "train_picky" not in found
    (note,) = kept.notes
    assert note.startswith("fastai: ZeroDivisionError: not in training\n")


def test_the_weights_are_plots_every_hundred_batches(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        fitted(tmp_path, kept, count=400)
    assert kept.notes == []
    plots = {(title, series, iteration) for title, series, _, iteration in kept.reporter.plots}
    assert plots == {
        ("model_weights_0", f"model_weights/0.{name}", iteration)
        for name in ("weight", "bias")
        for iteration in (100, 200)
    }
    figures = {series: figure["data"][0] for _, series, figure, _ in kept.reporter.plots}
    assert [sum(each["y"]) for each in figures.values()] == [2, 1]
    assert all(len(each["x"]) == 32 for each in figures.values())


def test_later_fits_have_their_number_and_leave_no_callback_behind(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        one = learner(tmp_path)
        before = [type(each).__name__ for each in one.cbs]
        with one.no_logging():
            one.fit(1)
            one.fit(1)
        after = [type(each).__name__ for each in one.cbs]
    assert {title for title, *_ in kept.scalars if title.startswith("metrics")} == {"metrics_0", "metrics_1"}
    assert before == after


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    before = learner_module.Learner.fit
    with captured(tmp_path):
        assert learner_module.Learner.fit is not before
    assert learner_module.Learner.fit is before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = learner(tmp_path)
    with one.no_logging():
        noted = noted_without(tmp_path, monkeypatch, learner_module, "Callback", lambda: one.fit(1))
    assert [note.split(": ")[:2] for note in noted] == [["fastai", "AttributeError"]]
    assert len(one.recorder.values) == 1
