from __future__ import annotations

from taskstore.store import tasks, trash
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def test_the_listing_says_what_was_deleted_and_whence(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task("some run", "vision/cats")
    cli("rm", paths.id)
    result = cli("trash", "ls")
    assert result.rows[0] == ["id", "project", "name", "deleted", "status"]
    assert result.rows[1][:3] == [paths.id, "vision/cats", "some run"]
    (facts,) = cli("trash", "ls", "--json").objects
    assert (facts["id"], facts["project"], facts["status"]) == (paths.id, "vision/cats", "completed")


def test_a_restored_task_is_where_it_was(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task("some run", "vision/cats")
    cli("rm", paths.id)
    assert cli("trash", "restore", paths.id[:20], "--json").objects[0]["project"] == "vision/cats"
    assert paths.record.is_file()
    assert tasks.read(paths).trashed is None
    assert cli("trash", "ls", "--json").objects == []


def test_purge_wants_to_be_told_what(cli: Cli, workshop: Workshop, store: Store) -> None:
    paths = workshop.task()
    cli("rm", paths.id)
    assert cli("trash", "purge").code == 2
    assert cli("trash", "purge", "--all", paths.id).code == 2
    assert cli("trash", "purge", "--all", "--older-than", "1d").code == 2
    assert cli("trash", "purge", "--older-than", "3x").code == 4
    assert cli("trash", "purge", "--older-than", "").code == 4
    assert cli("trash", "purge", "no-such").code == 3
    assert len(trash.listed(store)) == 1
    assert cli("trash", "purge", paths.id).code == 0
    assert trash.listed(store) == []


def test_only_what_was_deleted_long_ago_is_purged(cli: Cli, workshop: Workshop, store: Store) -> None:
    old, new = workshop.task(), workshop.task()
    trash.put(store, old.id)  # by the fixed clock, long before now
    cli("rm", new.id)
    result = cli("trash", "purge", "--older-than", "7d", "--json")
    assert result.objects == [{"id": old.id, "purged": True}]
    assert [paths.id for paths in trash.listed(store)] == [new.id]
    assert cli("trash", "purge", "--all").code == 0
    assert trash.listed(store) == []


def test_a_damaged_one_is_named_and_the_others_are_listed(cli: Cli, workshop: Workshop, store: Store) -> None:
    broken, sound = workshop.task(), workshop.task()
    cli("rm", broken.id, sound.id)
    store.paths.trashed(broken.id).record.write_bytes(b"{")
    result = cli("trash", "ls", "--json")
    assert result.code == 6
    assert [item["id"] for item in result.objects] == [sound.id]
    assert broken.id in result.err
    assert cli("trash", "purge", "--all").code == 0
    assert trash.listed(store) == []


def test_an_empty_trash_is_said(cli: Cli) -> None:
    result = cli("trash", "ls")
    assert (result.code, result.rows) == (0, [["id", "project", "name", "deleted", "status"]])
    assert "empty" in result.err


def test_an_age_that_is_none_is_refused_whatever_the_trash_holds(cli: Cli) -> None:
    done = cli("trash", "purge", "--older-than", "soon")
    assert done.code == 4
    assert "like 30d" in done.err
