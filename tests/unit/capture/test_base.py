# ruff: noqa: S301 - what is unpickled has been pickled here
"""What replaces a function or a method within a capture pickles as the original does."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable
from types import ModuleType

import pytest

from taskstore.capture.base import swapped

SOURCE = """
def plain(): return "plain"
class Model:
    def save(self): return "saved"
    @classmethod
    def load(cls): return "loaded"
    @staticmethod
    def check(): return "checked"
class Inherited(Model):
    pass
"""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("library_to_pickle")
    exec(SOURCE, vars(module))  # noqa: S102 - a constant
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def closure(original: object) -> Callable[[], str]:
    """Wrap a function by one that no module holds, without its name."""
    call = original.__func__ if isinstance(original, classmethod | staticmethod) else original

    def replaced(*args: object) -> str:
        return f"replaced {call(*args)}"  # type: ignore[operator]  # whatever it is, it is called

    return type(original)(replaced) if isinstance(original, classmethod | staticmethod) else replaced  # type: ignore[return-value]  # a descriptor


@pytest.mark.parametrize(
    ("owner", "name", "get"),
    [
        ("", "plain", lambda module: module.plain),
        ("Model", "save", lambda module: module.Model.save),
        ("Model", "load", lambda module: module.Model.load),
        ("Model", "check", lambda module: module.Model.check),
        ("Model", "save", lambda module: module.Model().save),
        ("Inherited", "save", lambda module: module.Inherited.save),
    ],
)
def test_a_replaced_function_pickles_by_name_and_is_the_original_where_nothing_is_replaced(
    owner: str, name: str, get: Callable[[ModuleType], Callable[..., str]], library: ModuleType
) -> None:
    holder = getattr(library, owner) if owner else library
    hook = swapped(holder, name, closure)
    hook.__enter__()
    given = get(library)
    data = pickle.dumps(given)
    again = pickle.loads(data)
    assert (again.__qualname__, again.__module__) == (given.__qualname__, given.__module__)
    hook.__exit__(None, None, None)
    restored = pickle.loads(data)
    assert (getattr(restored, "__func__", restored)) is getattr(get(library), "__func__", get(library))
    assert "replaced" not in restored.__qualname__


def test_a_function_that_stands_under_two_names_keeps_the_one_by_which_it_is_found(library: ModuleType) -> None:
    alias = ModuleType("__elsewhere__")
    alias.save = library.plain  # type: ignore[attr-defined]  # any name
    with swapped(library, "plain", closure):
        after = library.plain
        with swapped(alias, "save", lambda _: after):
            assert pickle.loads(pickle.dumps(alias.save)) is after


def test_what_the_interpreter_itself_holds_pickles(library: ModuleType) -> None:
    for owner, name in ((os, "_exit"), (sys, "exit"), (sys, "excepthook"), (threading, "excepthook"), (os, "execv")):
        original = getattr(owner, name)
        with swapped(owner, name, closure):
            assert getattr(owner, name) is not original
            data = pickle.dumps(getattr(owner, name))
            assert pickle.loads(data) is getattr(owner, name)
        assert pickle.loads(data) is original
