"""Models and weights of the real Keras 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

keras = pytest.importorskip("keras")
numpy = pytest.importorskip("numpy")

from .saving import captured, noted_without  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def model() -> Any:
    built = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    built.compile(loss=keras.losses.MeanSquaredError())
    return built


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_model_is_reported_once_as_it_is_saved_and_loaded(tmp_path: Path, name: str) -> None:
    with captured(tmp_path) as kept:
        model().save(name)
        keras.models.load_model(tmp_path / name)
        keras.saving.save_model(model(), f"again.{name}")
        keras.saving.load_model(f"again.{name}")
    assert kept.taken() == [
        ("saved", "Keras", name),
        ("loaded", "Keras", name),
        ("saved", "Keras", f"again.{name}"),
        ("loaded", "Keras", f"again.{name}"),
    ]
    assert kept.keys == {"tensorflow"}


def test_weights_are_models_too(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        model().save_weights("model.weights.h5")
        model().load_weights("model.weights.h5")
    assert kept.taken() == [("saved", "Keras", "model.weights.h5"), ("loaded", "Keras", "model.weights.h5")]


@pytest.mark.parametrize(("is_of_weights", "name"), [(False, "{epoch}.keras"), (True, "{epoch}.weights.h5")])
def test_a_checkpoint_callback_reports_each_epoch(tmp_path: Path, is_of_weights: bool, name: str) -> None:
    callback = keras.callbacks.ModelCheckpoint(name, save_weights_only=is_of_weights)
    with captured(tmp_path) as kept:
        model().fit(numpy.ones((2, 2)), numpy.ones(2), epochs=2, verbose=0, callbacks=[callback])
    assert kept.taken() == [("saved", "Keras", name.format(epoch=epoch)) for epoch in (1, 2)]


def test_what_is_exported_is_of_the_framework_it_is_for(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    with captured(tmp_path) as kept:
        model().export("exported", verbose=False)
    assert kept.taken() == [("saved", "TensorFlow", "exported")]


def test_what_fails_is_not_reported(tmp_path: Path) -> None:
    with captured(tmp_path) as kept, pytest.raises(ValueError, match="File not found"):
        keras.models.load_model("missing.keras")
    assert kept.taken() == []


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    before = dict(vars(keras.Model))
    with captured(tmp_path):
        assert keras.Model.save is not before["save"]
    assert dict(vars(keras.Model)) == before


def test_the_key_is_tensorflows(tmp_path: Path) -> None:
    with captured(tmp_path, {"tensorflow": ["*.h5"]}) as kept:
        model().save("model.keras")
        model().save("model.h5")
    assert kept.taken() == [("saved", "Keras", "model.h5")]


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(tmp_path, monkeypatch, keras.Model, "load_weights", lambda: model().save("model.keras"))
    assert [note.split(": ")[:2] for note in noted] == [["keras", "AttributeError"]]
    assert (tmp_path / "model.keras").is_file()
