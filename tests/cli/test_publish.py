from __future__ import annotations

from taskstore.core.states import Status
from taskstore.store import tasks

from .conftest import Cli, Workshop


def test_a_published_task_is_read_only_and_verifies(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(files={"source/script/train.py": b"1"})
    assert cli("publish", paths.id, "-m", "table 2").code == 0
    assert tasks.read(paths).status_message == "table 2"
    assert not (paths.home / "source/script/train.py").stat().st_mode & 0o222
    assert cli("verify", paths.id).code == 0


def test_what_has_not_ended_is_refused_unless_forced(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED)
    assert cli("publish", paths.id).code == 4
    assert tasks.read(paths).status is Status.CREATED
    assert cli("publish", paths.id, "--force").code == 0


def test_a_second_time_is_refused_and_the_others_are_published(cli: Cli, workshop: Workshop) -> None:
    first, second = workshop.task(), workshop.task()
    cli("publish", first.id)
    result = cli("publish", first.id, second.id, "--json")
    assert result.code == 4
    assert [(item["id"], item["status"]) for item in result.objects] == [(second.id, "published")]
