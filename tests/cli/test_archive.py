from __future__ import annotations

from .conftest import Cli, Workshop


def _listed(cli: Cli, *argv: str) -> list[str]:
    return [item["id"] for item in cli("ls", "--json", *argv).objects]


def test_an_archived_task_is_left_out_of_the_listing_until_it_is_brought_back(cli: Cli, workshop: Workshop) -> None:
    first, second = workshop.task(), workshop.task()
    assert cli("archive", first.id).code == 0
    assert _listed(cli) == [second.id]
    assert _listed(cli, "--archived") == [first.id]
    assert cli("unarchive", first.id).code == 0
    assert sorted(_listed(cli)) == [first.id, second.id]


def test_archiving_twice_is_archiving_once(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    cli("archive", paths.id)
    before = paths.record.read_bytes()
    assert cli("archive", paths.id, "--json").objects[0]["archived"] is True
    assert paths.record.read_bytes() == before
    assert cli("unarchive", paths.id, "--json").objects[0]["archived"] is False


def test_an_unknown_task_does_not_keep_the_others(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    assert cli("archive", "no/such", paths.id).code == 3
    assert _listed(cli) == []
