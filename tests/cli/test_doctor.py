from pathlib import Path

import pytest

from taskstore.store.store import Store

from .conftest import Cli, Workshop


def test_a_sound_store_is_0(workshop: Workshop, cli: Cli) -> None:
    workshop.task()
    done = cli("doctor")
    assert (done.code, done.out) == (0, "")
    assert "all is well" in done.err


def test_findings_are_6_until_they_are_repaired(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task()
    paths.summary.write_text("{")
    for _ in range(2):
        done = cli("doctor")
        assert done.code == 6
        assert str(paths.summary) in done.out
        assert "--fix: " in done.out
        assert "`taskstore doctor --fix` repairs" in done.err
    repaired = cli("doctor", "--fix")
    assert repaired.code == 0
    assert repaired.out.startswith("repaired ")
    assert cli("doctor", "--fix").out == ""


def test_json_is_an_object_for_each_finding(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task()
    paths.summary.write_text("{")
    (finding,) = cli("doctor", "--json").objects
    assert finding["path"] == str(paths.summary)
    assert finding["is_repaired"] is False
    (repaired,) = cli("doctor", "--json", "--fix").objects
    assert repaired["is_repaired"] is True


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_a_store_that_does_not_open_is_found_and_repaired(
    content: str | None, store: Store, workshop: Workshop, cli: Cli
) -> None:
    workshop.task()
    if content is None:
        store.paths.record.unlink()
    else:
        store.paths.record.write_text(content)
    done = cli("doctor")
    assert done.code == 6
    assert str(store.paths.record) in done.out
    assert cli("doctor", "--fix").code == 0
    assert len(cli("ls", "--json").objects) == 1


def test_where_there_is_no_store_none_is_made(tmp_path: Path, cli: Cli) -> None:
    done = cli("--store", tmp_path / "none", "doctor", "--fix")
    assert done.code == 3
    assert not (tmp_path / "none").exists()


def test_an_argument_is_wrong_usage(cli: Cli) -> None:
    assert cli("doctor", "now").code == 2
