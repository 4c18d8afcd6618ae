"""Models that joblib and pickle write and read, against the real scikit-learn."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

joblib = pytest.importorskip("joblib")
linear = pytest.importorskip("sklearn.linear_model")

from .saving import captured, noted_without  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def model() -> Any:
    return linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])


def pickled(value: object, name: str) -> object:
    with Path(name).open("wb") as file:
        pickle.dump(value, file)
    with Path(name).open("rb") as file:
        return pickle.load(file)  # noqa: S301 - of this test's own making


def test_what_joblib_dumps_and_loads_is_reported_whatever_it_is(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        assert joblib.dump(model(), "model.joblib") == ["model.joblib"]
        joblib.dump({"a": 1}, tmp_path / "packed.pkl.gz", compress=3)
        with Path("open.joblib").open("wb") as file:
            joblib.dump(model(), file)
        joblib.load("model.joblib")
    assert kept.taken() == [
        ("saved", "ScikitLearn", "model.joblib"),
        ("saved", "ScikitLearn", "packed.pkl.gz"),
        ("saved", "ScikitLearn", "open.joblib"),
        ("loaded", "ScikitLearn", "model.joblib"),
    ]
    assert kept.keys == {"joblib"}


def test_a_model_of_xgboost_is_called_so(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    with captured(tmp_path) as kept:
        joblib.dump(xgboost.XGBRegressor(), "model.joblib")
        joblib.load("model.joblib")
    assert kept.taken() == [("saved", "XGBoost", "model.joblib"), ("loaded", "XGBoost", "model.joblib")]


def test_what_joblib_keeps_for_itself_is_no_model(tmp_path: Path) -> None:
    remembered = joblib.Memory(tmp_path / "cache", verbose=0).cache(lambda value: value + 1)
    with captured(tmp_path) as kept:
        assert [remembered(1), remembered(1)] == [2, 2]
    assert kept.taken() == []
    assert list((tmp_path / "cache").rglob("*.pkl"))


def test_an_array_that_joblib_hands_to_its_workers_by_a_file_is_no_model(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    arrays = [numpy.ones(1000)] * 2
    with captured(tmp_path) as kept:
        run = joblib.Parallel(n_jobs=2, max_nbytes=1, temp_folder=tmp_path, mmap_mode="r")
        assert run(joblib.delayed(type)(each) for each in arrays) == [numpy.memmap] * 2
    assert kept.taken() == []


def test_a_pickled_estimator_is_reported_and_nothing_else_is(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        loaded = pickled(model(), "model.pkl")
        assert pickled({"a": model()}, "dict.pkl")
        assert pickled([1, 2], "list.pkl") == [1, 2]
    assert type(loaded) is linear.LinearRegression
    assert kept.taken() == [("saved", "ScikitLearn", "model.pkl"), ("loaded", "ScikitLearn", "model.pkl")]
    assert kept.keys == {"scikit"}


def test_the_functions_are_put_back(tmp_path: Path) -> None:
    before = joblib.dump, joblib.load, pickle.dump, pickle.load
    with captured(tmp_path):
        assert joblib.dump is not before[0]
        assert pickle.dump is not before[2]
    assert before == (joblib.dump, joblib.load, pickle.dump, pickle.load)


@pytest.mark.parametrize("key", ["scikit", "joblib"])
def test_either_key_turns_joblib_off_and_its_wildcards_count(tmp_path: Path, key: str) -> None:
    with captured(tmp_path, {key: False}) as kept:
        joblib.dump(model(), "model.joblib")
    assert kept.taken() == []
    with captured(tmp_path, {key: ["*.pkl", "model.*"]}) as kept:
        joblib.dump(model(), "model.joblib")
        joblib.dump(model(), "other.joblib")
    assert kept.taken() == [("saved", "ScikitLearn", "model.joblib")]


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(tmp_path, monkeypatch, joblib, "load", lambda: joblib.dump(model(), "model.joblib"))
    assert [note.split(": ")[:2] for note in noted] == [["scikit_joblib", "AttributeError"]]
    base = pytest.importorskip("sklearn.base")
    noted = noted_without(tmp_path, monkeypatch, base, "BaseEstimator", lambda: pickled(model(), "model.pkl"))
    assert [note.split(": ")[:2] for note in noted] == [["scikit", "AttributeError"]]
    assert joblib.load("model.joblib").coef_ == pytest.approx([1.0])
