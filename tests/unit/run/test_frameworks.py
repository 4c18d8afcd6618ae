"""Which captures a program chooses, and which of the models that they see."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from taskstore.run.frameworks import (
    ARGUMENTS,
    FRAMEWORKS,
    is_model_wanted,
    is_repository_wanted,
    is_section_wanted,
    is_wanted,
)

PATH = Path("/home/somebody/models/net.pt")


@pytest.mark.parametrize(
    ("choice", "is_chosen"),
    [
        (True, True),
        (False, False),
        ({}, False),
        ({"pytorch": True}, True),
        ({"pytorch": False}, False),
        ({"xgboost": False}, True),
        ({"pytorch": "*.pt"}, True),
        ({"pytorch": "net.*"}, True),
        ({"pytorch": "*.ckpt"}, False),
        ({"pytorch": ["*.ckpt", "*.pt"]}, True),
        ({"pytorch": ("*.ckpt",)}, False),
        ({"pytorch": []}, False),
        ({"pytorch": "/home/*/models/*.pt"}, True),
        ({"pytorch": "models/*.pt"}, True),
        ({"pytorch": "other/*.pt"}, False),
        ({"pytorch": "odels/*.pt"}, False),
    ],
)
def test_a_model_is_chosen_by_its_key_and_by_wildcards(choice: bool | dict[str, object], is_chosen: bool) -> None:
    assert is_model_wanted(choice, "PyTorch", PATH, "pytorch") is is_chosen


@pytest.mark.parametrize(
    ("choice", "is_chosen"),
    [
        ({"scikit": False}, False),
        ({"joblib": False}, False),
        ({"scikit": "*.pt"}, True),
        ({"scikit": "*.pkl"}, False),
        ({"scikit": "*.pkl", "joblib": "*.pt"}, True),
    ],
)
def test_what_joblib_writes_answers_to_two_keys(choice: dict[str, object], is_chosen: bool) -> None:
    assert is_model_wanted(choice, "ScikitLearn", PATH, "joblib") is is_chosen


def test_a_pickled_estimator_does_not_answer_to_joblibs_key() -> None:
    assert is_model_wanted({"joblib": False}, "ScikitLearn", PATH, "scikit")
    assert not is_wanted({"scikit": False}, "scikit")


@pytest.mark.parametrize(
    ("choice", "is_recorded"),
    [({"detect_repository": False}, False), ({"pytorch": False}, True), ({}, True), (False, True), (True, True)],
)
def test_the_repository_is_recorded_unless_its_own_key_says_no(
    choice: bool | dict[str, object], is_recorded: bool
) -> None:
    assert is_repository_wanted(choice) is is_recorded


@pytest.mark.parametrize("nothing", [False, None, {}, [], ""])
def test_an_empty_value_turns_a_key_off(nothing: object) -> None:
    assert not is_wanted({"tensorboard": nothing}, "tensorboard")
    assert is_wanted({"tensorboard": nothing}, "pytorch")


@pytest.mark.parametrize(
    ("choice", "is_chosen"),
    [
        ({"tensorboard": {"report_hparams": False}}, False),
        ({"tensorboard": {"report_hparams": True}}, True),
        ({"tensorboard": {"another": False}}, True),
        ({"tensorboard": "*.pt"}, True),
        ({"pytorch": {"report_hparams": False}}, True),
    ],
)
def test_the_hyperparameters_of_tensorboard_are_chosen_on_their_own(choice: dict[str, object], is_chosen: bool) -> None:
    assert is_section_wanted(choice, "TB_hparams") is is_chosen
    assert is_section_wanted(choice, "Hydra")
    assert is_wanted(choice, "tensorboard")


@pytest.mark.parametrize("row", [*ARGUMENTS, *FRAMEWORKS], ids=lambda row: f"{row.key}-{row.capture}")
def test_each_row_names_a_capture_that_is_there(row: tuple[str, str, tuple[str, ...]]) -> None:
    _, capture, libraries = row
    assert importlib.util.find_spec(f"taskstore.capture.{capture}") is not None
    assert libraries
