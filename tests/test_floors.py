"""Imports go down (docs/decisions/0002-floors.md). Every import is read: lazy, relative and type-checking ones too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FLOORS = {
    **{"core": 0, "disk": 1, "schema": 2, "store": 2.5, "sections": 3, "queues": 3, "share": 3, "capture": 4},
    **{"plotting": 4.25, "reporting": 4.5},
    **{
        "run": 5,
        "agent": 6,
        "sweeps": 6,
        "task": 7,
        "finding": 7,
        "frame": 7,
        "notebook": 7,
        "asked": 7,
        "logger": 7,
        "models": 7,
        "reports": 7,
        "details": 7,
        "lifecycle": 7,
        "parameters": 7,
        "configuration": 7,
        "code": 7,
        "functions": 7,
        "nodes": 7,
        "datasets": 7,
        "storage": 7,
        "clearml": 7,
        "__init__": 7,
        "board": 7.5,
        "web": 8,
        "tui": 8,
    },
}
CLI_FLOOR = 8
SIBLINGS = frozenset({"core", "disk", "schema", "store"})
"""Within one of these, modules may import one another in an order, never in a circle."""
ALONE = ("taskstore.sections", "taskstore.capture", "taskstore.share.importers", "taskstore.importers")
"""Modules directly in one of these know nothing of one another, but for what is named here."""
KNOWN_BY_ALL = frozenset(
    {
        *("taskstore.capture.base", "taskstore.capture.imports", "taskstore.capture.relay", "taskstore.capture.saving"),
        "taskstore.share.importers.base",
    }
)
"""`saving` knows in which call a thread is: a library's save that goes through another's is reported once."""
PARTS = {
    "taskstore.capture.git": "taskstore.capture.vcs",
    "taskstore.capture.arguments": "taskstore.capture.early",
    "taskstore.capture.relay": "taskstore.capture.early",
}
NO_STORE = "taskstore.capture"


def name_of(path: Path, root: Path, package: str) -> str:
    parts = [package, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def all_modules() -> dict[str, Path]:
    found = {}
    for folder, package in (("taskstore", "taskstore"), ("cli", "taskstore_cli")):
        root = REPOSITORY / folder
        found.update({name_of(path, root, package): path for path in sorted(root.rglob("*.py"))})
    return found


MODULES = all_modules()


def imports_of(name: str, source: str, *, is_package: bool, known: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield (module of ours, line) for every import in the source; `from . import x` names x where it is one."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            whole = [f"{base}.{alias.name}" for alias in node.names]
            targets = [each if each in known else base for each in whole]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                text = node.args[0].value
                targets = [package + text if text.startswith(".") else text]
        for target in targets:
            if target.partition(".")[0] in ("taskstore", "taskstore_cli"):
                yield target, getattr(node, "lineno", 0)


def floor_of(module: str) -> float:
    if module.startswith("taskstore_cli"):
        return CLI_FLOOR
    part = module.split(".")[1] if "." in module else "__init__"
    return FLOORS[part]


def package_of(module: str) -> str:
    """The floor's package: taskstore.store for taskstore.store.doctor.tree."""
    return ".".join(module.split(".")[:2])


def complaint(importer: str, imported: str) -> str | None:
    """Say what is wrong with one import; None where it is allowed."""
    here, there = floor_of(importer), floor_of(imported)
    if there > here:
        return "goes up"
    if importer.startswith(NO_STORE) and package_of(imported) in ("taskstore.store", "taskstore.sections"):
        return "a capture knows the store"
    alone = next((each for each in ALONE if importer.startswith(f"{each}.")), None)
    if alone and imported.startswith(f"{alone}."):
        mine, other = (".".join(each.split(".")[: alone.count(".") + 2]) for each in (importer, imported))
        if mine != other and other not in KNOWN_BY_ALL and PARTS.get(mine) != other:
            return "goes sideways, and modules here stand alone"
    elif there == here and 3 <= here < 7 and package_of(imported) != package_of(importer):
        return "goes sideways to another package of the same floor"
    return None


def edges() -> Iterator[tuple[str, str, str]]:
    known = frozenset(MODULES)
    for name, path in MODULES.items():
        is_package = path.name == "__init__.py"
        for imported, line in imports_of(name, path.read_text("utf-8"), is_package=is_package, known=known):
            yield name, imported, f"{path.relative_to(REPOSITORY)}:{line}: {name} imports {imported}"


def test_every_module_stands_on_a_known_floor() -> None:
    assert [
        name for name in MODULES if "." in name and name.startswith("taskstore.") and name.split(".")[1] not in FLOORS
    ] == []


def test_every_import_goes_down() -> None:
    found = [(where, complaint(importer, imported)) for importer, imported, where in edges()]
    assert [f"{where}: {what}" for where, what in found if what] == []


def test_siblings_are_ordered_and_never_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for importer, imported, _ in edges():
        # `from .store import x` within a package names its __init__ only where there is nothing else of that name.
        if importer != imported and not importer.startswith(f"{imported}."):
            graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(error.args[1]))


def test_every_import_names_a_module_that_is_there() -> None:
    assert [where for _, imported, where in edges() if imported not in MODULES] == []


@pytest.mark.parametrize(
    ("importer", "imported", "is_allowed"),
    [
        ("taskstore.disk.lock", "taskstore.core.errors", True),
        ("taskstore.core.names", "taskstore.disk.lock", False),
        ("taskstore.schema.codec", "taskstore.store.tasks", False),
        ("taskstore.store.tasks", "taskstore.store.places", True),
        ("taskstore.sections.clone", "taskstore.sections.models", False),
        ("taskstore.sections.clone", "taskstore.queues.queue", False),
        ("taskstore.capture.git", "taskstore.capture.vcs.command", True),
        ("taskstore.capture.console", "taskstore.capture.vcs.command", False),
        ("taskstore.capture.console", "taskstore.capture.base", True),
        ("taskstore.capture.console", "taskstore.capture.packages", False),
        ("taskstore.capture.console", "taskstore.store.tasks", False),
        ("taskstore.task", "taskstore.run.session", True),
        ("taskstore.run.session", "taskstore.task", False),
        ("taskstore.run.session", "taskstore", False),
        ("taskstore_cli.main", "taskstore.web.page", True),
        ("taskstore.web.page", "taskstore.store.tasks", True),
    ],
)
def test_the_rule_itself(importer: str, imported: str, is_allowed: bool) -> None:
    assert (complaint(importer, imported) is None) is is_allowed


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import taskstore.run.session", "taskstore.run.session"),
        ("def f():\n    from ..run import session", "taskstore.run.session"),
        ("from ..run.session import Session", "taskstore.run.session"),
        ("if TYPE_CHECKING:\n    from taskstore import run", "taskstore.run"),
        ("import importlib\nimportlib.import_module('taskstore.run')", "taskstore.run"),
        ("from . import names", "taskstore.core.names"),
    ],
)
def test_no_way_to_spell_an_import_is_overlooked(source: str, imported: str) -> None:
    known = frozenset({"taskstore.run", "taskstore.run.session", "taskstore.core.names", "taskstore.core"})
    found = imports_of("taskstore.core.ids", source, is_package=False, known=known)
    assert [each for each, _ in found] == [imported]
