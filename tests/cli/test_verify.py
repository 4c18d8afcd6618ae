import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.store import published, tasks

from .conftest import Cli, Workshop


@pytest.fixture
def frozen(workshop: Workshop) -> TaskPaths:
    paths = workshop.task(scalars={"loss/train": [1.0]}, files={"source/script/a.py": b"print()\n"})
    published.publish(workshop.store, paths.id)
    return paths


def tamper(paths: TaskPaths) -> None:
    target = paths.source / "script" / "a.py"
    target.chmod(0o600)
    target.write_bytes(b"evil()\n")


def test_a_task_as_it_was_published_is_0(frozen: TaskPaths, workshop: Workshop, cli: Cli) -> None:
    tasks.edit(workshop.store, frozen.id, lambda record: record.tags.append("later"))
    done = cli("verify", frozen.id)
    assert (done.code, done.out) == (0, f"{frozen.id}  as published\n")
    assert cli("verify", "--all", "--json").objects == [
        {"id": frozen.id, "is_same": True, "differences": [], "left_out": []}
    ]


def test_a_changed_file_is_6_and_named(frozen: TaskPaths, cli: Cli) -> None:
    tamper(frozen)
    done = cli("verify", frozen.id)
    assert done.code == 6
    assert done.lines == [f"{frozen.id}  differs", "  changed: source/script/a.py"]
    done = cli("verify", "--all", "--json")
    assert done.code == 6
    assert done.objects[0]["differences"] == ["changed: source/script/a.py"]


def test_all_are_checked_though_one_differs(frozen: TaskPaths, workshop: Workshop, cli: Cli) -> None:
    other = workshop.task("other run")
    published.publish(workshop.store, other.id)
    workshop.task("not published")
    tamper(frozen)
    done = cli("verify", "--all")
    assert done.code == 6
    assert f"{other.id}  as published" in done.out


def test_a_manifest_that_cannot_be_read_is_6(frozen: TaskPaths, cli: Cli) -> None:
    frozen.manifest.chmod(0o600)
    frozen.manifest.write_text("{")
    done = cli("verify", frozen.id)
    assert done.code == 6
    assert "Traceback" not in done.err


def test_what_is_not_published_is_refused(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.FAILED)
    done = cli("verify", paths.id)
    assert done.code == 4
    assert f"taskstore publish {paths.id[:12]}" in done.err


def test_tasks_or_all_is_asked_for(frozen: TaskPaths, cli: Cli) -> None:
    assert cli("verify").code == 2
    assert cli("verify", "--all", frozen.id).code == 2


def test_nothing_published_is_said(workshop: Workshop, cli: Cli) -> None:
    workshop.task()
    done = cli("verify", "--all")
    assert (done.code, done.out) == (0, "")
    assert "no published task" in done.err
