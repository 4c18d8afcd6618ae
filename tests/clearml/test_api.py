"""Every public name of ClearML's is there, with its arguments; the page says of each what becomes of it."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from taskstore import clearml
from taskstore.clearml import alias
from taskstore.clearml.artifact import Artifact
from tests.docs.blocks import ROOT

HERE = Path(__file__).parent
ROWS: list[dict[str, str]] = json.loads((HERE / "api.json").read_text("utf-8"))


def _class(row: dict[str, str]) -> Any:
    return Artifact if row["class"] == "Artifact" else getattr(clearml, row["class"])


def _parameters(row: dict[str, str]) -> dict[str, inspect.Parameter]:
    spelled = re.sub(r"TaskTypes\.\w+|\(TaskTypes\.failed,\)|(?<==)\.\.\.", "None", row["parameters"])
    namespace: dict[str, Any] = {}
    exec(f"def f({spelled}): ...", namespace)  # noqa: S102 - our own list
    return dict(inspect.signature(namespace["f"]).parameters)


def _id(row: dict[str, str]) -> str:
    return f"{row['class']}.{row['name']}"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate_clearml_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_the_name_is_there_with_clearmls_arguments(row: dict[str, str], generator: ModuleType) -> None:
    is_noted = _id(row) in generator.NOTES
    member = inspect.getattr_static(_class(row), row["name"])
    if row["kind"].startswith("property") and not is_noted:
        assert isinstance(member, property)
        assert member.fset is not None or "settable" not in row["kind"] or row["name"] == "id"
    if "parameters" not in row:
        return
    given = inspect.signature(getattr(_class(row), row["name"])).parameters.values()
    ours = [one for one in given if one.name not in ("self", "cls")]
    wanted = list(_parameters(row).values())
    is_named = [one.kind is not one.VAR_KEYWORD for one in wanted]
    assert [one.name for one, keep in zip(ours, is_named, strict=False) if keep] == [
        one.name for one, keep in zip(wanted, is_named, strict=True) if keep
    ]
    for one, other in zip(ours, wanted, strict=False):
        assert one.default is not one.empty or other.default is other.empty, one.name
        if isinstance(other.default, (bool, int, float, str)) and not is_noted:
            assert one.default == other.default, one.name


def test_every_name_that_is_supported_is_used_by_a_test(generator: ModuleType) -> None:
    paths = [*HERE.glob("test_*.py"), ROOT / "tests/frameworks/test_clearml_names.py"]
    text = "\n".join(path.read_text("utf-8") for path in paths if path.name != "test_api.py")
    supported = [row for row in ROWS if not generator.verdict(row).startswith("not supported")]
    wanted = {row["name"] for row in supported if row["name"] != "__init__"}
    assert sorted(name for name in wanted if not re.search(rf"\.{name}\b", text)) == []


def test_all_names_of_the_package_can_be_imported_where_it_stands_for_clearml() -> None:
    names = alias.names_of("") or {}
    assert {name for name in names if alias.look_up("", name) is None} == set()
    assert set(clearml.__all__) <= set(names)
    for module in alias._MODULES:
        for name in alias.names_of(module) or {}:
            assert alias.look_up(module, name) is not None


def test_the_page_says_what_the_code_does(generator: ModuleType) -> None:
    hint = "run: python docs/generate_clearml_reference.py"
    assert generator.TARGET.read_text("utf-8") == generator.text(), hint


def test_what_the_page_calls_not_supported_raises_it(generator: ModuleType) -> None:
    refused = {_id(row) for row in ROWS if generator.verdict(row).startswith("not supported")}
    assert {"Task.session", "Task.get_http_router"} <= refused
    assert not refused & {"Task.init", "Task.get_task", "Logger.report_scalar", "Dataset.create"}
