from __future__ import annotations

import pytest

from taskstore.core.states import Status
from taskstore.store import tasks

from .conftest import Cli, Workshop


def test_a_reset_task_is_a_draft_with_its_inputs_and_without_its_outputs(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(parameters={"Args/lr": "1"}, scalars={"loss/train": [1.0, 0.5]}, console=[("stdout", "hi")])
    assert cli("reset", paths.id).code == 0
    assert tasks.read(paths).status is Status.CREATED
    assert tasks.read_params(paths).hyperparams["Args"]["lr"].value == "1"
    assert not paths.events.exists()
    assert not paths.summary.exists()


def test_a_published_task_is_reset_only_by_force_and_can_be_written_then(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(files={"source/script/train.py": b"1"}, scalars={"loss/train": [1.0]})
    cli("publish", paths.id)
    refused = cli("reset", paths.id)
    assert refused.code == 4
    assert "--force" in refused.err
    assert cli("reset", paths.id, "--force").code == 0
    assert not paths.manifest.exists()
    closed = [path for path in (paths.home, *paths.home.rglob("*")) if not path.stat().st_mode & 0o200]
    assert closed == []


def test_each_of_several_is_handled(cli: Cli, workshop: Workshop) -> None:
    first, second = workshop.task(), workshop.task()
    result = cli("reset", first.id, "no/such", second.id, "--json")
    assert result.code == 3
    assert [item["status"] for item in result.objects] == ["created", "created"]


@pytest.mark.parametrize("argv", [(), ("--force",)])
def test_no_task_is_wrong_usage(cli: Cli, argv: tuple[str, ...]) -> None:
    assert cli("reset", *argv).code == 2
