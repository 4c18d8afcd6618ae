"""`taskstore run` asks for what a task has masked, where a person can answer."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from taskstore_cli import secrets

from taskstore.core.errors import Refused
from taskstore.core.secrets import MASK
from taskstore.schema.record import ScriptRecord
from taskstore.store import tasks
from taskstore.store.store import Store

from .conftest import Cli


class _Terminal(io.StringIO):
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


def test_a_person_at_a_terminal_types_what_no_variable_holds_and_it_is_not_shown(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tasks.create(store, "examples", "a task")

    def describe(script: ScriptRecord) -> None:
        script.argv = ["train.py", "--token", MASK, "--password", MASK]

    tasks.edit_script(store, paths.id, describe)
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", "by variable")
    with pytest.raises(Refused, match="--password in TASKSTORE_SECRET_PASSWORD"):
        secrets.ask(paths)
    shown = _Terminal()
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("getpass.getpass", lambda *prompt, **given: "typed in")
    assert secrets.ask(paths) == {"TASKSTORE_SECRET_TOKEN": "by variable", "TASKSTORE_SECRET_PASSWORD": "typed in"}
    assert "typed in" not in shown.getvalue()


def test_whoever_enqueues_a_task_hears_which_secrets_its_agent_needs(cli: Cli, store: Store) -> None:
    paths = tasks.create(store, "examples", "a task")

    def describe(script: ScriptRecord) -> None:
        script.entry_point, script.argv = "train.py", ["train.py", "--token", MASK]

    tasks.edit_script(store, paths.id, describe)
    said = cli("enqueue", paths.id).err
    assert "masked in its command line: --token in TASKSTORE_SECRET_TOKEN" in said
    plain = tasks.create(store, "examples", "another")
    assert "masked" not in cli("enqueue", plain.id).err
