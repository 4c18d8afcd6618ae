from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.store import configuration, tasks
from taskstore.store.configuration import Content
from taskstore.store.store import Store

from .conftest import Cli, Workshop
from .test_edit import Editor, editor  # noqa: F401 - a fixture

TEXT = b"lr: 0.1\nlayers: [1, 2]\n"


@pytest.fixture
def draft(workshop: Workshop, store: Store) -> TaskPaths:
    paths = workshop.task(status=Status.CREATED)
    configuration.put(store, paths.id, "model", Content(TEXT, "dictionary", "yaml", "what is trained"))
    configuration.put(store, paths.id, "raw data", Content(b"\xff\0", "bin", "bin"))
    return paths


def test_a_page_lists_them_and_one_is_printed_as_it_is(cli: Cli, draft: TaskPaths) -> None:
    lines = [line.split() for line in cli("show", draft.id).lines]
    at = lines.index(["Configuration"])
    assert lines[at + 1 : at + 4] == [
        ["name", "type", "size", "where"],
        ["model", "dictionary", "23", "B", "config/model.yaml"],
        ["raw", "data", "bin", "2", "B", "config/raw", "data.bin"],
    ]
    assert cli("show", draft.id, "--config", "model").out == TEXT.decode()
    refused = cli("show", draft.id, "--config", "raw data")
    assert (refused.code, "config/raw data.bin" in refused.err) == (4, True)


def test_json_has_them_by_name(cli: Cli, draft: TaskPaths) -> None:
    wanted = {
        "name": "model",
        "type": "dictionary",
        "description": "what is trained",
        "path": "config/model.yaml",
        "text": TEXT.decode(),
    }
    (shown,) = cli("show", draft.id, "--json").objects
    assert shown["configuration"]["model"] == wanted
    assert shown["configuration"]["raw data"]["text"] is None
    assert cli("show", draft.id, "--config", "model", "--json").objects == [wanted]


@pytest.mark.parametrize("command", ["show", "edit"])
def test_an_unknown_name_is_answered_with_those_there_are(cli: Cli, draft: TaskPaths, command: str) -> None:
    result = cli(command, draft.id, "--config", "modle")
    assert result.code != 0
    assert "model, raw data" in result.err


def test_two_parts_are_not_shown_at_once(cli: Cli, draft: TaskPaths) -> None:
    assert cli("show", draft.id, "--config", "model", "--history").code == 2


def test_one_is_edited_in_the_editor_and_masked(cli: Cli, draft: TaskPaths, editor: Editor) -> None:  # noqa: F811
    editor("text = text.replace('0.1', '0.2') + 'token: abc\\n'")
    result = cli("edit", draft.id, "--config", "model")
    assert (result.code, "token" in result.err) == (0, True)
    item = configuration.read(draft)["model"]
    assert item.path.read_text() == 'lr: 0.2\nlayers: [1, 2]\ntoken: "********"\n'
    assert (item.type, item.description) == ("dictionary", "what is trained")


def test_nothing_is_changed_by_leaving_it_alone(cli: Cli, draft: TaskPaths, editor: Editor) -> None:  # noqa: F811
    editor("")
    before = draft.configuration.read_bytes()
    assert "nothing changed" in cli("edit", draft.id, "--config", "model").err
    assert draft.configuration.read_bytes() == before


def test_of_two_who_edit_it_the_second_is_told_and_keeps_the_text(
    cli: Cli,
    draft: TaskPaths,
    editor: Editor,  # noqa: F811
    tmp_path: Path,
) -> None:
    editor(f"text = text + '# mine'; pathlib.Path({str(draft.config / 'model.yaml')!r}).write_text('theirs: 1')")
    result = cli("edit", draft.id, "--config", "model")
    assert result.code != 0
    assert "meanwhile" in result.err
    assert [path.read_text() for path in tmp_path.glob("taskstore-*.yaml")] == [f"{TEXT.decode()}# mine"]
    assert configuration.text_of(configuration.read(draft)["model"]) == "theirs: 1"


def test_only_a_drafts_is_edited_and_only_text(cli: Cli, draft: TaskPaths, store: Store) -> None:
    assert "not text" in cli("edit", draft.id, "--config", "raw data").err
    tasks.transition(store, draft.id, Status.IN_PROGRESS)
    result = cli("edit", draft.id, "--config", "model")
    assert (result.code, "only a draft's configuration" in result.err) == (4, True)


def test_what_differs_between_two_tasks_is_shown(cli: Cli, draft: TaskPaths, workshop: Workshop, store: Store) -> None:
    other = workshop.task("other", status=Status.CREATED)
    configuration.put(store, other.id, "model", Content(b"lr: 0.2\nlayers: [1, 2]\n", "dictionary", "yaml"))
    configuration.put(store, other.id, "raw data", Content(b"\xff\0", "bin", "bin"))
    out = cli("diff", draft.id, other.id).out
    assert "Configuration" in out
    assert "-lr: 0.1\n+lr: 0.2\n" in out
    assert "raw data" not in out
    (shown,) = cli("diff", draft.id, other.id, "--json").objects
    assert [item["name"] for item in shown["configuration"]] == ["model"]
    assert shown["is_same"] is False
    assert "no difference" not in out
