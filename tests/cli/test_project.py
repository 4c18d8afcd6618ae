from __future__ import annotations

import pytest

from taskstore.core.states import Status
from taskstore.store import trash
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def _names(cli: Cli) -> list[str]:
    return [item["name"] for item in cli("project", "ls", "--json").objects]


def test_projects_are_made_with_those_above_and_listed_with_their_tasks(cli: Cli, workshop: Workshop) -> None:
    assert cli("project", "create", "vision/cats", "--description", "Which cat?", "--tag", "x").code == 0
    workshop.task(project="vision/cats")
    assert cli("project", "ls").rows == [
        ["project", "tasks", "description"],
        ["vision", "0", ""],
        ["vision/cats", "1", "Which cat?"],
    ]


def test_one_that_is_there_is_not_made_again(cli: Cli) -> None:
    assert cli("project", "create", "vision").code == 0
    assert cli("project", "create", "vision").code == 4


def test_what_is_said_of_a_project_is_shown_and_edited(cli: Cli) -> None:
    cli("project", "create", "vision/cats", "--tag", "old")
    argv = ("--description", "All breeds", "--tag", "new", "--remove-tag", "old", "--output-destination", "/data")
    assert cli("project", "edit", "vision/cats", *argv).code == 0
    (facts,) = cli("project", "show", "vision/cats", "--json").objects
    assert (facts["description"], facts["tags"], facts["default_output_destination"]) == (
        "All breeds",
        ["new"],
        "/data",
    )
    assert "All breeds" in cli("project", "show", "vision/cats").out
    assert cli("project", "edit", "vision/cats").code == 2


def test_rename_changes_the_last_part_and_mv_the_rest(cli: Cli, workshop: Workshop) -> None:
    workshop.task(project="vision/cats")
    assert cli("project", "rename", "vision/cats", "felines").code == 0
    assert _names(cli) == ["vision", "vision/felines"]
    assert cli("project", "mv", "vision/felines", "/").code == 0
    assert _names(cli) == ["felines", "vision"]
    assert cli("project", "mv", "felines", "new/home").code == 0
    assert cli("ls", "--json").objects[0]["project"] == "new/home/felines"
    assert cli("project", "rename", "vision", "a/b").code == 4
    assert cli("project", "mv", "new", "new/home").code == 4


def test_only_an_empty_one_is_deleted_without_force(cli: Cli, workshop: Workshop, store: Store) -> None:
    done, running = workshop.task(project="vision/cats"), workshop.task(project="vision", status=Status.IN_PROGRESS)
    refused = cli("project", "rm", "vision")
    assert refused.code == 4
    assert "--force" in refused.err
    result = cli("project", "rm", "vision", "--force", "--json")
    assert sorted(result.objects[0]["trashed"]) == sorted([done.id, running.id])
    assert _names(cli) == []
    assert cli("trash", "restore", done.id).code == 0
    assert _names(cli) == ["vision", "vision/cats"]
    assert len(trash.listed(store)) == 1


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("create", "ab"), 4),
        (("create", "a//b"), 4),
        (("show", "no/such"), 3),
        (("edit", "no/such", "--tag", "x"), 3),
        (("rename", "no/such", "other"), 3),
        (("mv", "no/such", "other"), 3),
        (("rm", "no/such"), 3),
        (("create",), 2),
        (("nonsense",), 2),
    ],
)
def test_mistakes_have_their_exit_codes(cli: Cli, argv: tuple[str, ...], code: int) -> None:
    result = cli("project", *argv)
    assert result.code == code
    assert "Traceback" not in result.err
    assert result.out == ""


def test_a_damaged_description_is_named_and_the_others_are_listed(cli: Cli, store: Store) -> None:
    cli("project", "create", "vision", "--description", "x")
    cli("project", "create", "words")
    (store.paths.project(("vision",)) / "project.yaml").write_bytes(b"[")
    result = cli("project", "ls", "--json")
    assert result.code == 6
    assert [item["name"] for item in result.objects] == ["vision", "words"]


def test_a_project_that_is_there_can_be_named_however_short_it_is(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = workshop.task(project="q/rst"), workshop.task("second run")
    assert _names(cli) == ["examples", "q", "q/rst"]
    assert cli("mv", second.id, "q").code == 0
    assert [item["name"] for item in cli("ls", "-p", "q", "--no-recursive", "--json").objects] == ["second run"]
    assert cli("path", "q/second run").code == 0
    assert cli("clone", "q/second run", "--name", "third run").code == 0
    assert cli("project", "edit", "q", "--description", "short").code == 0
    assert cli("project", "show", "q", "--json").objects[0]["description"] == "short"
    assert cli("rm", first.id).code == 0
    assert cli("project", "rm", "q", "--force").code == 0
    assert _names(cli) == ["examples"]
    assert cli("trash", "restore", second.id).code == 0
    assert cli("project", "rename", "q", "queues").code == 0
    assert _names(cli) == ["examples", "queues"]


def test_a_new_project_has_three_characters(cli: Cli, workshop: Workshop) -> None:
    task = workshop.task()
    for argv in (("mv", task.id, "q"), ("project", "create", "q"), ("project", "rename", "examples", "q")):
        result = cli(*argv)
        assert result.code == 4, argv
        assert "at least 3 characters" in result.err
    assert _names(cli) == ["examples"]
    assert cli("project", "rm", "q").code == 3
