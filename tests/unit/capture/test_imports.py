"""Meeting a library at its import."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from taskstore.capture import early
from taskstore.capture.imports import on_import


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "a_library_of_nobody"
    (tmp_path / f"{name}.py").write_text("ready = False\nready = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_a_library_imported_later_is_met_once_and_whole(library: str) -> None:
    met: list[bool] = []
    with on_import(library, lambda module: met.append(module.ready)):
        assert met == []
        module = importlib.import_module(library)
        assert met == [True]
        assert "exec_module" not in vars(module.__spec__.loader)  # type: ignore[union-attr]
        del sys.modules[library]
        importlib.import_module(library)
    assert met == [True]


def test_a_library_imported_before_is_met_at_once(library: str) -> None:
    module = importlib.import_module(library)
    met: list[ModuleType] = []
    with on_import(library, met.append):
        assert met == [module]


def test_after_the_block_nothing_is_met_and_the_finder_is_gone(library: str) -> None:
    before = list(sys.meta_path)
    met: list[ModuleType] = []
    with on_import(library, met.append):
        assert sys.meta_path != before
    assert sys.meta_path == before
    importlib.import_module(library)
    assert met == []


def test_several_wait_for_one_library_in_order(library: str) -> None:
    met: list[str] = []
    with on_import(library, lambda _: met.append("first")), on_import(library, lambda _: met.append("second")):
        importlib.import_module(library)
    assert met == ["first", "second"]


def test_a_library_that_is_not_there_fails_as_ever() -> None:
    with on_import("not_a_module_at_all", lambda _: None), pytest.raises(ModuleNotFoundError):
        importlib.import_module("not_a_module_at_all")


def test_an_import_that_fails_is_met_by_nobody_and_can_be_tried_again(library: str, tmp_path: Path) -> None:
    met: list[ModuleType] = []
    path = tmp_path / f"{library}.py"
    path.write_text("raise RuntimeError('not yet')\n")
    with on_import(library, met.append):
        with pytest.raises(RuntimeError):
            importlib.import_module(library)
        path.write_text("ready = 'at last'\n")
        importlib.invalidate_caches()
        module = importlib.import_module(library)
        assert met == [module]


@pytest.mark.parametrize("is_early_first", [True, False])
def test_two_finders_that_wait_for_one_module_do_not_ask_each_other_for_ever(is_early_first: bool) -> None:
    was_installed = early.is_installed()
    early.uninstall()
    try:
        if is_early_first:
            early.install()
        with on_import("fire.core", lambda module: None):
            early.install()
            assert {type(finder).__module__ for finder in sys.meta_path[:2]} == {early.__name__, on_import.__module__}
            assert [finder.find_spec("fire.core", []) for finder in sys.meta_path[:2]] == [None, None]
    finally:
        early.uninstall()
        if was_installed:
            early.install()
