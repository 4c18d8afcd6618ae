"""Models and evaluations of the real XGBoost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

xgboost = pytest.importorskip("xgboost")
numpy = pytest.importorskip("numpy")

from .saving import captured, noted_without  # noqa: E402 - after the skip

ROWS, TARGETS = numpy.arange(20.0).reshape(10, 2), numpy.arange(10.0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(**options: Any) -> Any:
    data = xgboost.DMatrix(ROWS, TARGETS)
    return xgboost.train(
        {"max_depth": 1}, data, 3, evals=[(data, "train"), (data, "test")], verbose_eval=False, **options
    )


def test_a_booster_is_reported_once_for_each_save_and_load(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        trained().save_model("model.json")
        xgboost.Booster().load_model(tmp_path / "model.json")
        xgboost.Booster(model_file="model.json")
    assert kept.taken() == [
        ("saved", "XGBoost", "model.json"),
        ("loaded", "XGBoost", "model.json"),
        ("loaded", "XGBoost", "model.json"),
    ]
    assert kept.keys == {"xgboost"}


def test_a_scikit_learn_model_is_reported_once(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    with captured(tmp_path) as kept:
        xgboost.XGBRegressor(n_estimators=1).fit(ROWS, TARGETS).save_model("model.ubj")
        xgboost.XGBRegressor().load_model("model.ubj")
    assert kept.taken() == [("saved", "XGBoost", "model.ubj"), ("loaded", "XGBoost", "model.ubj")]


def test_a_checkpoint_within_a_training_is_reported(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        trained(callbacks=[xgboost.callback.TrainingCheckPoint(tmp_path, name="at", interval=2)])
    assert [each[:2] for each in kept.taken()] == [("saved", "XGBoost")] * len(list(tmp_path.glob("at_*")))
    assert list(tmp_path.glob("at_*"))


def test_each_data_set_and_metric_is_a_series_and_later_trainings_have_a_number(tmp_path: Path) -> None:
    results: list[dict[str, Any]] = [{}, {}]
    with captured(tmp_path) as kept:
        for result in results:
            trained(evals_result=result)
    assert kept.notes == []
    assert kept.scalars == [
        (title, "rmse", round(result[data]["rmse"][iteration], 6), iteration)
        for result, names in zip(results, [("train", "test"), ("train - 1", "test - 1")], strict=True)
        for iteration in range(3)
        for data, title in zip(("train", "test"), names, strict=True)
    ]


def test_a_model_of_scikit_learns_way_reports_its_evaluations(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    with captured(tmp_path) as kept:
        xgboost.XGBRegressor(n_estimators=2).fit(ROWS, TARGETS, eval_set=[(ROWS, TARGETS)], verbose=False)
    assert [each[:2] + each[3:] for each in kept.scalars] == [("validation_0", "rmse", 0), ("validation_0", "rmse", 1)]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    owners = xgboost.Booster, xgboost.XGBModel, xgboost.callback.CallbackContainer
    before = [dict(vars(owner)) for owner in owners]
    with captured(tmp_path):
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(
        tmp_path, monkeypatch, xgboost.Booster, "load_model", lambda: trained().save_model("model.json")
    )
    assert [note.split(": ")[:2] for note in noted] == [["xgboost", "AttributeError"]]
    assert (tmp_path / "model.json").is_file()
