"""The pages under docs/: tutorials and how-tos run, links lead somewhere, and the reference says all that there is."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import subprocess
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path

import msgspec
import pytest

import taskstore
from taskstore.configuration import Configuration
from taskstore.core import errors
from taskstore.core.names import encode
from taskstore.core.states import NEXT, Status
from taskstore.logger import Logger
from taskstore.models import InputModel, Model, Models, OutputModel
from taskstore.parameters import Parameters
from taskstore.reports import Reports
from taskstore.schema import ancestry, artifact, bundle, configuration, model, plot, queue, record, remotes
from taskstore.store import published, tasks
from taskstore.store.settings import Settings
from taskstore.store.store import Store
from taskstore.task import Task

from .blocks import ROOT, check, is_as_shown, steps

DOCS = ROOT / "docs"
RUN = sorted([*DOCS.glob("tutorial/*.md"), *DOCS.glob("how-to/*.md")])
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("benchmarks/*.md")])
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each table's rows, without their header, with the line of text that stands before the table."""
    for found in re.finditer(r"(?:^(?P<title>[^\n|]+)\n+)?(?P<table>(?:^\|.*\n)+)", text, re.M):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in found["table"].splitlines()[2:]]
        yield (found["title"] or "").strip(), [[cell.strip() for cell in row] for row in rows]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# what is shown is run


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and a terminal")
@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_what_a_page_shows_is_what_happens(path: Path, tmp_path: Path) -> None:
    assert check(path, tmp_path / "home") == []


def test_each_page_that_runs_shows_some_output() -> None:
    for path in RUN:
        assert any(step.shown for step in steps(path.read_text("utf-8"))), path


def test_shown_output_that_is_not_printed_is_noticed() -> None:
    assert is_as_shown(["task 01a20904 took 0.1 s", "...", "end"], ["task 01a20905 took 12 s", "more", "", "end"])
    assert not is_as_shown(["status Completed"], ["status Failed"])
    assert not is_as_shown(["one"], ["one", "two"])
    assert not is_as_shown(["one", "two"], ["one"])


def test_a_block_is_passed_over_where_what_it_needs_is_not_installed() -> None:
    text = "\n<!-- needs: {} -->\n```console\n$ true\n```\n"
    assert [(step.command, step.line) for step in steps(text.format("json"))] == [("true", 4)]
    assert steps(text.format("no_such_module")) == []


# links and names


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub(lambda code: code[0].strip("`"), path.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.finditer(_CODE.sub("", path.read_text("utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (path.parent / target).resolve() if target else path
        assert place.exists(), link[0]
        assert not anchor or anchor in anchors(place), link[0]


def test_every_page_is_linked_from_the_readme_or_another_page() -> None:
    linked = {ROOT / "README.md", ROOT / "CHANGELOG.md"}
    for path in PAGES:
        for link in _LINK.finditer(path.read_text("utf-8")):
            place = (path.parent / link["target"].partition("#")[0]).resolve()
            linked |= {place, *(place.glob("*.md") if place.is_dir() else ())}
    assert [path for path in DOCS.rglob("*.md") if path not in linked] == []


def test_docs_name_no_place_of_the_machine_that_they_were_written_on() -> None:
    for path in PAGES:
        text = path.read_text("utf-8")
        for place in (str(ROOT), "/tmp/pytest", "/root"):  # noqa: S108 - looked for, not used
            assert place not in text, (path, place)


def test_the_changelog_has_the_version_of_the_package() -> None:
    assert f"## [{taskstore.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_decisions_are_numbered_without_a_gap_and_named_as_their_numbers() -> None:
    found = sorted(DOCS.glob("decisions/*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for path in found:
        assert path.read_text("utf-8").startswith(f"# {int(path.name[:4])}. "), path


# the reference is complete


def sources() -> list[Path]:
    return [path for folder in ("taskstore", "cli") for path in (ROOT / folder).rglob("*.py")]


def test_every_environment_variable_of_ours_is_in_the_reference() -> None:
    pattern = re.compile(r"\b_?TASKSTORE_[A-Z_]+[A-Z]\b")
    used = {name for path in sources() for name in pattern.findall(path.read_text("utf-8"))}
    assert used == set(pattern.findall(page("reference/environment.md")))


def test_every_variable_of_a_batch_system_is_in_the_reference() -> None:
    from taskstore.capture import host

    named = set(words(page("reference/environment.md").partition("## Read by the capture")[2]))
    assert set(host._JOB_VARIABLES) <= named


def test_every_setting_is_in_the_reference_with_its_default() -> None:
    hints = typing.get_type_hints(Settings)
    settings = {
        f"{section}.{field.name}": field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        for section, struct in hints.items()
        for field in msgspec.structs.fields(struct)
    }
    shown = {
        words(row[0])[0]: words(row[1])[0].replace('""', "")
        for _, rows in tables(page("reference/configuration.md"))
        for row in rows
        if "." in row[0] and len(row) == 3
    }
    assert shown == {name: str(default) for name, default in settings.items()}


def test_every_error_is_in_the_reference_with_its_parent_exit_code_and_facts() -> None:
    kinds = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.TaskstoreError)
    ]
    rows = next(rows for _, rows in tables(page("reference/errors.md")))
    shown = {words(row[0])[0]: (words(row[1])[0], int(row[2])) for row in rows}
    assert shown == {kind.__name__: (kind.__bases__[0].__name__, kind.exit_code) for kind in kinds}


def test_the_table_of_states_is_the_one_of_the_code() -> None:
    rows = next(rows for _, rows in tables(page("explanation/lifecycle.md")))
    shown = {words(row[0])[0]: (row[1], set(words(row[2]))) for row in rows}
    assert shown == {status.value: (status.label, {following.value for following in NEXT[status]}) for status in Status}


def test_names_on_disk_are_as_the_reference_shows() -> None:
    rows = [
        row for _, rows in tables(page("reference/format.md")) for row in rows if len(row) == 3 and words(row[1]) != []
    ]
    shown = {words(name)[0]: words(component)[0] for name, component, _ in rows if words(name)}
    shown = {name: component for name, component in shown.items() if not name.startswith("process.")}
    assert len(shown) > 8
    assert shown == {name: encode(name) for name in shown}


def structs() -> list[type[msgspec.Struct]]:
    modules = (ancestry, artifact, bundle, configuration, model, record, plot, queue, remotes)
    found = {name: value for module in modules for name, value in vars(module).items()}.values()
    kinds = [value for value in found if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    return [kind for kind in kinds if kind is not ancestry.Unit]  # which is in no file


def type_text(kind: object) -> str:
    """How format.md spells a type."""
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", Status: "status", msgspec.Raw: "JSON"}
    plain[typing.Any] = "JSON"
    if kind == record.Number:
        return "number"
    if kind == record.Moment:
        return "time"
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "text"
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return f"list of {type_text(arguments[0])}"
    if origin is dict:
        return f"map of {type_text(arguments[0])} to {type_text(arguments[1])}"
    if types.NoneType in arguments:
        rest = [argument for argument in arguments if argument is not types.NoneType]
        if set(rest) == set(typing.get_args(record.Number)):
            return "number or null"
        return f"{type_text(rest[0])} or null"
    return f"`{kind.__name__}`"  # type: ignore[attr-defined]


def default_text(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if default is None or isinstance(default, bool):
        return {None: "null", True: "true", False: "false"}[default]
    if isinstance(default, Enum):
        return f'`"{default.value}"`'
    if isinstance(default, msgspec.Struct):
        return f"`{type(default).__name__}()`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_the_format_has_every_field_of_every_record_with_its_type_and_default(struct: type[msgspec.Struct]) -> None:
    described = {words(title)[0]: rows for title, rows in tables(page("reference/format.md")) if words(title)}
    shown = {words(row[0])[0]: (row[1], row[2]) for row in described[struct.__name__]}
    hints = typing.get_type_hints(struct, include_extras=True)
    assert shown == {
        field.name: (type_text(hints[field.name]), default_text(field)) for field in msgspec.structs.fields(struct)
    }


def test_the_format_names_every_file_of_the_layout() -> None:
    from taskstore.disk import layout

    text = page("reference/format.md")
    for name, value in vars(layout).items():
        if name.isupper() and isinstance(value, str):
            assert value in text, name
    root = Path("root")
    task = layout.TaskPaths(root / ("0" * 32))
    for owner in (task, layout.StorePaths(root)):
        for name, attribute in inspect.getmembers(type(owner), lambda member: isinstance(member, property)):
            if name != "id" and attribute.fget is not None:
                path: Path = attribute.fget(owner)
                assert path.name in text, path


def test_a_manifest_can_be_checked_by_what_the_format_says_alone(store: Store) -> None:
    paths = tasks.create(store, "paper", "the results")
    tasks.edit(store, paths.id, lambda task: setattr(task, "comment", "größer"))
    tasks.edit_params(store, paths.id, _set_parameters)
    (paths.home / "files").mkdir()
    (paths.home / "files" / "data.bin").write_bytes(b"\0\1")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    tasks.transition(store, paths.id, Status.COMPLETED)
    published.publish(store, paths.id)
    frozen = json.loads(paths.record.read_text("utf-8"))
    for name in ("name", "comment", "tags", "system_tags", "runtime", "rev", "last_update", "trashed"):
        frozen.pop(name, None)
    parameters = json.loads(paths.params.read_text("utf-8"))
    del parameters["rev"], parameters["hyperparams"]["properties"]
    assert json.loads(paths.manifest.read_text("utf-8"))["files"] == {
        "files/data.bin": hashlib.sha256(b"\0\1").hexdigest(),
        "params.json": _hash_of(parameters),
        "task.json": _hash_of(frozen),
    }


def _set_parameters(params: record.ParamsRecord) -> None:
    params.hyperparams["Args"] = {"lr": record.Parameter("0.1", "float", "Lernrate, größer als 0")}
    params.hyperparams["properties"] = {"judgement": record.Parameter("good")}


def _hash_of(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.mark.parametrize(("kind", "noun"), [(Parameters, "parameters"), (Configuration, "configuration")])
def test_the_api_has_every_method_of_a_noun_with_its_parameters(kind: type, noun: str) -> None:
    section = page("reference/api.md").partition(f"### `task.{noun}`\n")[2].partition("\n### ")[0]
    shown = dict(re.findall(r"`(\w+)\((.*?)\)`", section.replace("…", "")))
    for name, member in inspect.getmembers(kind, callable):
        if name.startswith("_"):
            continue
        namespace: dict[str, typing.Any] = {}
        exec(f"def f({shown[name]}): ...", namespace)  # noqa: S102 - a signature of our own page
        written = list(inspect.signature(namespace["f"]).parameters.values())
        wanted = [item for item in inspect.signature(member).parameters.values() if item.name != "self"]
        assert [(item.name, item.kind, item.default) for item in written] == [
            (item.name, item.kind, item.default) for item in wanted
        ], name


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (Task, "task"),
        (Logger, "logger"),
        (Reports, "reports"),
        (Models, "models"),
        (Model, "model"),
        (OutputModel, "outputmodel"),
        (InputModel, "inputmodel"),
    ],
)
def test_the_api_has_every_public_method_with_its_parameters(kind: type, prefix: str) -> None:
    headings = re.findall(r"^### `(\w+)\.(\w+)(?:\((.*)\))?`$", page("reference/api.md"), re.M)
    shown = {name: parameters for owner, name, parameters in headings if owner.lower() == prefix}
    inherited = set(dir(Model)) if kind in (InputModel, OutputModel) else set()
    inherited |= {"owner", "of", "as_input", "begun", "of_record"} | set(dir(Mapping) if kind is Models else ())
    for name, member in inspect.getmembers(kind):
        if name.startswith("_") or name in inherited:
            continue
        assert name in shown, name
        if not callable(member):
            continue
        parameters = [item for item in inspect.signature(member).parameters.values() if item.name != "self"]
        spelled = re.sub(r"\blogging\.INFO\b", "20", shown[name])
        signature = f"def f({spelled}): ..."
        namespace: dict[str, typing.Any] = {}
        exec(signature, namespace)  # noqa: S102 - a signature of our own page
        written = list(inspect.signature(namespace["f"]).parameters.values())
        assert [(item.name, item.kind, item.default) for item in written] == [
            (item.name, item.kind, item.default) for item in parameters
        ], name


def test_the_public_names_are_in_the_api_reference() -> None:
    for name in taskstore.__all__:
        assert re.search(rf"^## .*\b{name}\b", page("reference/api.md"), re.M), name


def test_the_floors_shown_are_those_that_are_tested() -> None:
    from tests.test_floors import CLI_FLOOR, FLOORS

    rows = next(rows for _, rows in tables(page("explanation/floors.md")))
    for floor, packages, _ in rows:
        for name in words(packages):
            assert FLOORS.get(name.removesuffix(".py"), CLI_FLOOR) == float(
                floor.replace("½", ".5").replace("¼", ".25")
            ), name


def test_every_dependency_is_argued_for() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.M | re.S)
    extras = project.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    assert listed is not None
    of_all, of_some = [rows for _, rows in tables(page("decisions/0003-dependencies.md"))]
    assert {row[0].split()[0] for row in of_all} == set(re.findall(r'"([a-z]+)', listed[1]))
    assert {(words(row[1])[0], row[0]) for row in of_some} == {
        (f"taskstore[{name}]", package)
        for name, listed_there in re.findall(r"^(\w+) = \[(.*)\]$", extras, re.M)
        for package in re.findall(r'"([\w-]+)', listed_there)
    }


def test_the_generated_page_is_made_by_a_program_that_runs_by_itself() -> None:
    code = f"import runpy; runpy.run_path({str(DOCS / 'generate_cli_reference.py')!r})['text']()"
    subprocess.run([sys.executable, "-c", code], check=True)
