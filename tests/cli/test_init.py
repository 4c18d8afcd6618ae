import shlex
from pathlib import Path

import pytest

from taskstore.store.store import open_at

from .conftest import Cli


def test_a_store_is_made_here_and_found_from_below(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "work" / "below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below.parent)
    monkeypatch.delenv("TASKSTORE_ROOT")
    done = cli("init")
    assert (done.code, done.out) == (0, f"{below.parent / '.taskstore'}\n")
    monkeypatch.chdir(below)
    assert cli("path").out == done.out


def test_a_store_is_made_where_it_is_said(tmp_path: Path, cli: Cli) -> None:
    assert cli("init", tmp_path / "a" / "b").out == f"{tmp_path / 'a' / 'b'}\n"
    (shown,) = cli("--store", tmp_path / "c", "init", "--locks", "lease", "--json").objects
    assert shown == {"path": str(tmp_path / "c"), "id": open_at(tmp_path / "c").id, "locks": "lease", "is_new": True}


def test_a_store_that_is_there_stays_as_it_is(tmp_path: Path, cli: Cli) -> None:
    (first,) = cli("init", tmp_path / "a", "--json").objects
    done = cli("init", tmp_path / "a")
    assert done.code == 0
    assert "already" in done.err
    (second,) = cli("init", tmp_path / "a", "--json").objects
    assert second == {**first, "is_new": False}


def test_a_mistake_is_said_and_nothing_is_made(tmp_path: Path, cli: Cli) -> None:
    cli("init", tmp_path / "a")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    (tmp_path / "file").write_text("")
    assert cli("init", tmp_path / "a", "--locks", "lease").code == 4
    assert cli("init", tmp_path / "full").code == 4
    assert cli("init", tmp_path / "file").code == 4
    assert cli("init", tmp_path / "b", "--locks", "magic").code == 2
    assert cli("init", tmp_path / "b", "extra").code == 2
    assert cli("--store", tmp_path / "b", "init", tmp_path / "c").code == 4
    assert not (tmp_path / "b").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_what_is_advised_for_a_store_can_be_pasted_into_a_shell(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "my $store"
    advice = cli("--store", place, "ls").err.split("; `")[1].split("` makes one")[0]
    assert shlex.split(advice) == ["taskstore", "init", str(place)]
