from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taskstore_cli import document
from taskstore_cli.edit import apply

from taskstore.core.errors import Conflict, ReadOnly
from taskstore.core.states import Status
from taskstore.schema.record import TaskRecord
from taskstore.store import tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop

Editor = Callable[[str], None]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Let $VISUAL be a program that runs `code` over the file's `text`; what it was shown is kept in shown.<n>."""

    def install(code: str) -> None:
        script = tmp_path / "editor.py"
        script.write_text(
            "import pathlib, sys\n"
            "file, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent\n"
            "number = len(list(here.glob('shown.*')))\n"
            "text = file.read_text('utf-8')\n"
            "(here / f'shown.{number}').write_text(text, 'utf-8')\n"
            f"{code}\n"
            "file.write_text(text, 'utf-8')\n"
        )
        monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    return install


def _kept(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("taskstore-*.yaml"))


def test_all_that_was_changed_is_applied(cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "0.10", "Args/layers": "[1, 2]"})
    editor(
        "text = text.replace('first run', 'second run').replace('tags: []', 'tags: [a, b]')"
        ".replace('lr: 0.10', 'lr: 0.20').replace(\"layers: '[1, 2]'\", 'layers: [3, 4]\\n    new: on')"
        ".replace('comment:', 'comment: \"yes: no\"')"
    )
    result = cli("edit", paths.id)
    assert result.code == 0
    record, args = tasks.read(paths), tasks.read_params(paths).hyperparams["Args"]
    assert (record.name, record.tags, record.comment) == ("second run", ["a", "b"], "yes: no")
    assert {name: item.value for name, item in args.items()} == {"lr": "0.20", "layers": "[3, 4]", "new": "on"}
    assert args["lr"].type == "float"
    assert _kept(tmp_path) == []


def test_a_line_taken_out_removes_the_parameter(cli: Cli, workshop: Workshop, editor: Editor) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1", "Args/epochs": "2"})
    editor("text = text.replace('    lr: 1\\n', '')")
    assert cli("edit", paths.id, "--json").code == 0
    assert list(tasks.read_params(paths).hyperparams["Args"]) == ["epochs"]


def test_leaving_it_as_it_is_or_emptying_it_changes_nothing(
    cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path
) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1"})
    before = (paths.record.read_bytes(), paths.params.read_bytes())
    for code in ("", "text = ''"):
        editor(code)
        result = cli("edit", paths.id)
        assert result.code == 0
        assert "nothing changed" in result.err
    assert (paths.record.read_bytes(), paths.params.read_bytes()) == before
    assert _kept(tmp_path) == []


def test_a_text_that_cannot_be_read_is_opened_again_and_not_lost(
    cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path
) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1"})
    editor("text = text.replace('lr: 1', 'lr: 2') + 'x: [' if not number else text.replace('x: [', '')")
    assert cli("edit", paths.id).code == 0
    second = (tmp_path / "shown.1").read_text("utf-8")
    assert second.startswith("# !! line ")
    assert "lr: 2" in second
    assert tasks.read_params(paths).hyperparams["Args"]["lr"].value == "2"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("'lr: 1', 'lr: 2\\nbogus: 1'", "no field 'bogus'"),
        ("'name: first run', 'name: ab'", "at least 3 characters"),
        ("'lr: 1', 'lr: 1\\n    lr: 2'", "'lr' is there twice"),
        ("'lr: 1', 'lr:\\n    - 1'", "on one line"),
        ("'tags: []', 'tags: a'", "has to be a list"),
    ],
)
def test_what_stays_wrong_is_refused_and_kept_in_a_file(
    cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path, change: str, why: str
) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1"})
    before = (paths.record.read_bytes(), paths.params.read_bytes())
    editor(f"text = text.replace({change}) if not number else text")
    result = cli("edit", paths.id)
    assert result.code == 4
    assert why in result.err
    assert str(_kept(tmp_path)[0]) in result.err
    assert (paths.record.read_bytes(), paths.params.read_bytes()) == before


def test_an_editor_that_never_gets_it_right_is_not_opened_for_ever(
    cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path
) -> None:
    editor("text += 'x: [\\n'")
    assert cli("edit", workshop.task(status=Status.CREATED).id).code == 4
    assert len(list(tmp_path.glob("shown.*"))) == 10


def test_of_a_task_that_has_run_only_properties_are_shown(
    cli: Cli, workshop: Workshop, editor: Editor, tmp_path: Path
) -> None:
    paths = workshop.task(parameters={"Args/lr": "1"})
    cli("set", paths.id, "properties/owner=me")
    editor("text = text.replace('owner: me', 'owner: you')")
    assert cli("edit", paths.id).code == 0
    assert "lr" not in (tmp_path / "shown.0").read_text("utf-8")
    hyperparams = tasks.read_params(paths).hyperparams
    assert (hyperparams["properties"]["owner"].value, hyperparams["Args"]["lr"].value) == ("you", "1")


def test_a_parameter_added_to_a_task_that_has_run_is_refused_whole(
    cli: Cli, workshop: Workshop, editor: Editor
) -> None:
    paths = workshop.task()
    editor("text = text.replace('first run', 'renamed').replace('parameters:', 'parameters: {Args: {lr: 3}}')")
    assert cli("edit", paths.id).code == 4
    assert tasks.read(paths).name == "first run"


def test_no_editor_and_a_failing_one_are_said(
    cli: Cli, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = workshop.task()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    for command in ("", "no-such-editor", f"{sys.executable} -c 'raise SystemExit(3)'", "'unclosed"):
        monkeypatch.setenv("EDITOR", command)
        result = cli("edit", paths.id)
        assert result.code == 4, command
        assert "editor" in result.err
    assert _kept(tmp_path) == []


def test_without_a_terminal_no_editor_is_opened_that_nobody_named(
    cli: Cli, terminal: Cli, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = workshop.task()
    opened = tmp_path / "opened"
    for name in ("sensible-editor", "nano", "vim", "vi"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n: > {opened}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    for call in (cli, terminal):  # stdin is a terminal for neither
        result = call("edit", paths.id)
        assert result.code == 4
        assert "no terminal" in result.err
        assert "taskstore set" in result.err
    assert not opened.exists()
    assert _kept(tmp_path) == []


def test_what_another_has_changed_meanwhile_is_not_overwritten(workshop: Workshop, store: Store) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1", "Args/epochs": "2"})
    shown = document.of(tasks.read(paths), tasks.read_params(paths))
    workshop.parameters(paths, {"Args/lr": "7"})

    def retag(record: TaskRecord) -> None:
        record.tags = ["theirs"]

    tasks.edit(store, paths.id, retag)
    text = document.format(shown, "")
    apply(store, paths.id, shown, document.parse(text.replace("epochs: 2", "epochs: 3")))
    assert {name: item.value for name, item in tasks.read_params(paths).hyperparams["Args"].items()} == {
        "lr": "7",
        "epochs": "3",
    }
    assert tasks.read(paths).tags == ["theirs"]
    before = (paths.record.read_bytes(), paths.params.read_bytes())
    with pytest.raises(Conflict, match="Args/lr"):
        apply(store, paths.id, shown, document.parse(text.replace("lr: 1", "lr: 3")))
    both = text.replace("tags: []", "tags: [mine]").replace("epochs: 2", "epochs: 4")
    with pytest.raises(Conflict, match="tags"):
        apply(store, paths.id, shown, document.parse(both))
    assert (paths.record.read_bytes(), paths.params.read_bytes()) == before


def test_a_draft_that_was_run_meanwhile_keeps_its_parameters(workshop: Workshop, store: Store) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "1"})
    shown = document.of(tasks.read(paths), tasks.read_params(paths))
    workshop.end(paths, Status.COMPLETED)
    text = document.format(shown, "").replace("lr: 1", "lr: 3").replace("first run", "other")
    with pytest.raises(ReadOnly):
        apply(store, paths.id, shown, document.parse(text))
    assert tasks.read(paths).name == "first run"


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_name = _text.filter(bool)


@given(
    _text.map(str.strip).filter(lambda text: len(text) >= 3),
    _text,
    st.lists(_text.map(str.strip).filter(bool), unique=True, max_size=3),
    st.dictionaries(_name, st.dictionaries(_name, _text, min_size=1, max_size=3), max_size=3),
)
def test_every_document_comes_back_from_its_text(
    name: str, comment: str, tags: list[str], sections: dict[str, dict[str, str]]
) -> None:
    whole = document.Document(name, comment, tags, sections)
    assert document.parse(document.format(whole, "a\nheading")) == whole
