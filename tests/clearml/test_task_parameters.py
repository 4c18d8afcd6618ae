"""Parameters as a class that declares and checks them."""

from __future__ import annotations

from typing import Any

import pytest

from taskstore.clearml import Task, alias

_module = {name: alias.look_up("task_parameters", name) for name in alias.names_of("task_parameters") or {}}
param: Any = _module["param"]
percent_param: Any = _module["percent_param"]
TaskParameters: Any = _module["TaskParameters"]


class Base(TaskParameters):  # type: ignore[misc]  # it is looked up, as a script's import is
    steps = param(type=int, desc="how many", range=(1, 100))


class Training(Base):
    share = percent_param(default=0.5)
    names = param(factory=list)
    rate = param(converter=float, default="0.25")


def test_parameters_are_given_by_name_or_in_order_or_have_defaults() -> None:
    made = Training(3, share=0.75)
    assert made.to_dict() == {"steps": 3, "share": 0.75, "names": [], "rate": 0.25}
    assert made == Training(steps=3, share=0.75)
    assert made != Training(3)
    assert Training(1).names is not Training(1).names
    assert repr(Base(steps=3)) == "Base(steps=3)"


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({}, TypeError, "steps"),
        ({"steps": 3, "other": 1}, TypeError, "steps, share, names, rate"),
        ({"steps": "3"}, TypeError, "of type int"),
        ({"steps": 0}, ValueError, "from 1 to 100"),
        ({"steps": 3, "share": 1.5}, ValueError, "from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        Training(**given)


def test_validators_are_called_as_attrs_calls_them() -> None:
    seen = []

    class Watched(TaskParameters):  # type: ignore[misc]  # as above
        a = param(validator=[lambda owner, declared, value: seen.append((type(owner), declared.name, value))])

    Watched(a=1)
    assert seen == [(Watched, "a", 1)]


def test_they_are_recorded_with_their_types_under_the_name_of_the_section(task: Task) -> None:
    made = Training(steps=3)
    assert task.connect(made, name="Training") is made
    assert task.get_parameters(cast=True) == {
        "Training/steps": 3,
        "Training/share": 0.5,
        "Training/names": [],
        "Training/rate": 0.25,
    }


def test_they_connect_themselves(task: Task) -> None:
    Base(steps=7).connect(task)
    assert task.get_parameter("General/steps", cast=True) == 7


def test_unknown_names_are_no_update() -> None:
    made = Base(steps=1)
    made.update_from_dict({"steps": 2})
    assert made.steps == 2
    with pytest.raises(ValueError, match="'other'"):
        made.update_from_dict({"other": 1})
