"""What is not supported says so, and names something that there is."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from taskstore_cli.main import COMMANDS

from taskstore import clearml
from taskstore.clearml import Task
from taskstore.core.errors import NotSupported

from .test_api import ROWS, generator

__all__ = ["generator"]
# What is not of taskstore's, and is named all the same.
_ELSEWHERE = {"FastAPI", "torchrun", "random.seed", "numpy.random.seed", "torch.manual_seed"}
_NAMES = re.compile(r"`taskstore (\w+)|\b(?:([A-Z]\w+|task)\.(\w+)|(Dataset)\b)")
_TRUE = {"force", "random_seed"}  # those two refuse a value only


def _refused(generator: Any) -> list[dict[str, str]]:
    return [row for row in ROWS if generator.verdict(row).startswith("not supported")]


def _call(row: dict[str, str], owner: object) -> object:
    member = inspect.getattr_static(type(owner) if not isinstance(owner, type) else owner, row["name"])
    if isinstance(member, property):
        return getattr(owner, row["name"])
    function = getattr(owner, row["name"])
    given = inspect.signature(function).parameters.values()
    return function(**{one.name: 1 for one in given if one.default is one.empty or one.name in _TRUE})


def test_each_name_that_is_not_supported_refuses_and_names_what_there_is(task: Task, generator: Any) -> None:
    refused = _refused(generator)
    assert len(refused) > 15
    for row in refused:
        owner = task if row["class"] == "Task" else getattr(clearml, row["class"])
        if row["class"] == "Model":
            owner = clearml.OutputModel(task, name="any model")
        with pytest.raises(NotSupported, match=r"without a server; ") as caught:
            _call(row, owner)
        assert row["name"] in str(caught.value)
        _check_instead(str(caught.value).partition("; ")[2])


def _check_instead(text: str) -> None:
    found = _NAMES.findall(text)
    assert found or any(name in text for name in _ELSEWHERE), f"names nothing to do instead: {text}"
    for command, owner, name, _ in found:
        assert not command or command in COMMANDS, text
        if owner:
            assert hasattr(Task if owner == "task" else getattr(clearml, owner), name), text
