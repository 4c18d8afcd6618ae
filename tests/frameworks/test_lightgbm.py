"""Models, parameters and evaluations of the real LightGBM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

lightgbm = pytest.importorskip("lightgbm")
numpy = pytest.importorskip("numpy")

from .saving import captured, noted_without  # noqa: E402 - after the skip

ROWS, TARGETS = numpy.arange(80.0).reshape(40, 2), numpy.arange(40.0)
PARAMS = {"objective": "regression", "metric": ["l2", "l1"], "verbosity": -1, "min_data_in_leaf": 2, "num_threads": 1}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(**options: Any) -> Any:
    data = lightgbm.Dataset(ROWS, TARGETS)
    return lightgbm.train(
        PARAMS, data, 2, valid_sets=[data, data.create_valid(ROWS, TARGETS)], valid_names=["train", "test"], **options
    )


def pull(predicted: Any, data: Any) -> tuple[Any, Any]:
    return predicted - data.get_label(), numpy.ones_like(predicted)


def test_a_booster_is_reported_as_it_is_saved_and_loaded(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        booster = trained()
        assert booster.save_model("model.txt") is booster
        lightgbm.Booster(model_file=tmp_path / "model.txt")
        lightgbm.Booster(model_str=booster.model_to_string())
    assert kept.taken() == [("saved", "LightGBM", "model.txt"), ("loaded", "LightGBM", "model.txt")]
    assert kept.keys == {"lightgbm"}


def test_each_data_set_and_metric_is_a_series_next_to_the_programs_own_callbacks(tmp_path: Path) -> None:
    results: dict[str, Any] = {}
    own = [lightgbm.record_evaluation(results)]
    with captured(tmp_path) as kept:
        trained(callbacks=own)
    assert len(own) == 1
    assert kept.notes == []
    assert kept.scalars == [
        (data, metric, round(results[data][metric][iteration], 6), iteration)
        for iteration in range(2)
        for data in ("train", "test")
        for metric in ("l2", "l1")
    ]


def test_the_parameters_of_a_training_are_the_tasks(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        lightgbm.train({**PARAMS, "objective": pull}, lightgbm.Dataset(ROWS, TARGETS), 1)
    assert kept.notes == []
    plain = {name: value for name, value in PARAMS.items() if name != "objective"}
    assert {name: one.value for name, one in kept.found["General"].items()} == plain


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_a_model_of_scikit_learns_way_reports_its_evaluations(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    with captured(tmp_path) as kept:
        model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=2, verbosity=-1, n_jobs=1)
        model.fit(ROWS, TARGETS, eval_set=[(ROWS.copy(), TARGETS)])
    assert [each[:2] + each[3:] for each in kept.scalars] == [("valid_0", "l2", 0), ("valid_0", "l2", 1)]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    owners = lightgbm, lightgbm.engine, lightgbm.sklearn, lightgbm.Booster
    before = [dict(vars(owner)) for owner in owners]
    with captured(tmp_path):
        assert lightgbm.train is not before[0]["train"]
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(tmp_path, monkeypatch, lightgbm.Booster, "save_model", lambda: trained())
    assert [note.split(": ")[:2] for note in noted] == [["lightgbm", "AttributeError"]]
    assert trained().num_trees() == 2
