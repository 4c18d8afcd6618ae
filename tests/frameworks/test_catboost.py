"""Models and evaluations of the real CatBoost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

catboost = pytest.importorskip("catboost")
numpy = pytest.importorskip("numpy")

from taskstore.capture.catboost import MODELS  # noqa: E402 - after the skip

from .saving import captured, noted_without  # noqa: E402 - after the skip

ROWS, TARGETS = numpy.arange(20.0).reshape(10, 2), numpy.arange(10.0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(**options: Any) -> Any:
    model = catboost.CatBoostRegressor(iterations=2, depth=1, thread_count=1, allow_writing_files=False, verbose=False)
    return model.fit(ROWS, TARGETS, eval_set=(ROWS, TARGETS), **options)


class Counting:
    def __init__(self) -> None:
        self.iterations: list[int] = []

    def after_iteration(self, info: Any) -> bool:
        self.iterations.append(info.iteration)
        return True


def test_a_model_is_reported_as_it_is_saved_and_loaded(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        trained().save_model("model.cbm")
        catboost.CatBoost().load_model(str(tmp_path / "model.cbm"))
    assert kept.taken() == [("saved", "CatBoost", "model.cbm"), ("loaded", "CatBoost", "model.cbm")]
    assert kept.keys == {"catboost"}


def test_each_data_set_and_metric_is_a_series_next_to_the_programs_own_callbacks(tmp_path: Path) -> None:
    own = Counting()
    with captured(tmp_path) as kept:
        results = trained(callbacks=[own]).evals_result_
        trained()
    assert own.iterations == [1, 2]
    assert kept.notes == []
    assert kept.scalars[:4] == [
        (data, "RMSE", round(results[data]["RMSE"][iteration - 1], 6), iteration)
        for iteration in (1, 2)
        for data in ("learn", "validation")
    ]
    assert [(each[0], each[3]) for each in kept.scalars[4:]] == [
        ("learn - 1", 1),
        ("validation - 1", 1),
        ("learn - 1", 2),
        ("validation - 1", 2),
    ]


def test_on_a_gpu_which_takes_no_callback_the_evaluations_come_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catboost.CatBoostRegressor(task_type="GPU")
    given: list[object] = []
    monkeypatch.setattr(catboost.CatBoostRegressor, "_fit", lambda *a: given.append(a[-3]))
    monkeypatch.setattr(catboost.CatBoost, "evals_result_", {"learn": {"RMSE": [2.0, 1.0]}})
    with captured(tmp_path) as kept:
        model.fit(ROWS, TARGETS)
    assert given == [None]
    assert kept.notes == []
    assert kept.scalars == [("learn", "RMSE", 2.0, 1), ("learn", "RMSE", 1.0, 2)]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    owners = [getattr(catboost, name) for name in MODELS]
    before = [dict(vars(owner)) for owner in owners]
    with captured(tmp_path):
        assert all(owner.fit is not each["fit"] for owner, each in zip(owners, before, strict=True))
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(
        tmp_path, monkeypatch, catboost.CatBoost, "load_model", lambda: trained().save_model("model.cbm")
    )
    assert [note.split(": ")[:2] for note in noted] == [["catboost", "AttributeError"]]
    assert (tmp_path / "model.cbm").is_file()
