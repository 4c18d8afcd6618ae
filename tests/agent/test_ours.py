"""What of taskstore is linked into an environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import taskstore
from taskstore.agent import ours


def test_everything_that_taskstore_needs_is_there_and_nothing_else() -> None:
    names = {**ours.dependencies(), **ours.packages()}
    assert {"taskstore", "taskstore_cli", "msgspec", "rich", "yaml", "psutil", "filelock", "git", "gitdb"} <= set(names)
    assert not {"pytest", "_pytest", "mypy", "hypothesis", "fsspec", "pip", "__pycache__", "bin", ".."} & set(names)
    assert [str(path) for path in names.values() if not path.exists()] == []
    assert names["taskstore"].samefile(Path(taskstore.__file__).parent)


def test_what_says_the_versions_is_there() -> None:
    names = {**ours.dependencies(), **ours.packages()}
    infos = {name for name in names if name.endswith("-info")}
    assert {name.partition("-")[0].partition(".")[0] for name in infos} >= {"taskstore", "msgspec", "rich"}


def test_the_environment_looks_there_last(tmp_path: Path) -> None:
    links, site = tmp_path / "links", tmp_path / "site"
    links.mkdir()
    site.mkdir()
    (links / "rich").mkdir()
    ours.put_into(links, site, with_dependencies=True)
    assert [path.read_text() for path in site.iterdir()] == [f"{links}\n"]
    assert not (links / "rich").is_symlink()  # what was there stays
    assert (links / "msgspec").exists()


@pytest.mark.skipif(os.name != "posix", reason="where links cannot be made on purpose")
def test_where_links_cannot_be_made_there_are_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    ours.put_into(tmp_path, tmp_path, with_dependencies=False)
    assert (tmp_path / "taskstore" / "__init__.py").is_file()
    assert not (tmp_path / "taskstore").is_symlink()


def test_what_it_needs_is_told_without_extras() -> None:
    names = [line.partition(">")[0] for line in ours.requirements()]
    assert "msgspec" in names
    assert "fsspec" not in names
