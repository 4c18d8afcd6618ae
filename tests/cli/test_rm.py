from __future__ import annotations

from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.store import trash
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def test_a_deleted_task_is_in_the_trash_and_the_way_back_is_told(cli: Cli, workshop: Workshop, store: Store) -> None:
    paths = workshop.task()
    result = cli("rm", paths.id)
    assert (result.code, result.out) == (0, "")
    assert f"taskstore trash restore {paths.id[:12]}" in result.err
    assert [item.id for item in trash.listed(store)] == [paths.id]
    assert cli("show", paths.id).code == 3


def test_all_are_found_before_any_is_deleted(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = workshop.task(), workshop.task()
    result = cli("rm", second.id, "@last", "--json")
    assert [item["id"] for item in result.objects] == [second.id]
    assert first.home.is_dir()


def test_published_and_running_ones_need_force(cli: Cli, workshop: Workshop, store: Store) -> None:
    running, published = workshop.task(status=Status.IN_PROGRESS), workshop.task()
    cli("publish", published.id)
    beacon = hold_beacon(running.beacon, store.locks)
    try:
        result = cli("rm", running.id, published.id)
    finally:
        beacon.release()
    assert result.code == 4
    assert result.err.count("--force") == 2
    assert running.home.is_dir()
    assert cli("rm", "--forget", published.id).code == 4
    assert cli("rm", "--force", running.id, published.id).code == 0
    assert not published.home.exists()


def test_a_dead_run_is_deleted_without_force(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.IN_PROGRESS)  # by the fixed clock, long ago, and nobody holds its beacon
    assert cli("rm", paths.id).code == 0


def test_the_first_failure_gives_the_exit_code(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    published = workshop.task()
    cli("publish", published.id)
    assert cli("rm", "no/such", published.id, paths.id).code == 3
    assert not paths.home.exists()
