import math
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.prefixes import shortest
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import (
    FileRef,
    LastMetric,
    Parameter,
    ParamsRecord,
    ScriptRecord,
    SummaryRecord,
    TaskRecord,
    Untracked,
)
from taskstore.sections import compare, patch
from taskstore.sections.compare import Pair, Side, Source
from taskstore.store import tasks
from taskstore.store.store import Store


def task() -> TaskRecord:
    return TaskRecord(
        id="0" * 32,
        rev=1,
        name="first run",
        type="training",
        status=Status.COMPLETED,
        created=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )


def params(**values: str) -> ParamsRecord:
    return ParamsRecord(hyperparams={"Args": {name: Parameter(value) for name, value in values.items()}})


def metrics(**values: float) -> SummaryRecord:
    return SummaryRecord(last_metrics={"loss": {name: LastMetric(value=value) for name, value in values.items()}})


def differing(pairs: list[Pair]) -> list[tuple[str, object, object]]:
    return [(pair.name, pair.left, pair.right) for pair in pairs if not pair.is_same]


def test_a_task_does_not_differ_from_itself() -> None:
    side = Side(
        task(),
        params(lr="0.1"),
        ScriptRecord(repository="here", version_num="c", requirements={"numpy": "1"}, argv=["x"]),
        SummaryRecord(last_metrics={"loss": {"train": LastMetric(value="NaN")}}),
        {"script": Source("hash", "text")},
    )
    found = compare.compare(side, side)
    assert found.is_same
    assert [pair.name for pair in found.parameters] == ["Args/lr"]
    assert len(found.source) == 1


def test_parameters_are_changed_added_and_removed() -> None:
    found = compare.compare(
        Side(task(), params(lr="0.1", a="1", same="x")), Side(task(), params(lr="0.2", b="2", same="x"))
    )
    assert differing(found.parameters) == [("Args/a", "1", None), ("Args/b", None, "2"), ("Args/lr", "0.1", "0.2")]
    assert not found.is_same


def test_what_the_machine_did_is_no_difference() -> None:
    busy, idle = (
        SummaryRecord(last_metrics={":monitor:machine": {"cpu_usage": LastMetric(value=value)}}) for value in (1.0, 2.0)
    )
    assert compare.compare(Side(task(), summary=busy), Side(task(), summary=idle)).is_same


def test_metrics_are_numbers_with_their_difference() -> None:
    found = compare.compare(
        Side(task(), summary=metrics(train=1.0, gone=2.0)), Side(task(), summary=metrics(train=0.25))
    )
    by_name = {pair.name: pair for pair in found.metrics}
    assert by_name["loss/train"].difference == -0.75
    assert by_name["loss/gone"].difference is None


def test_code_packages_and_machine_are_compared() -> None:
    left, right = task(), task()
    right.host, right.runtime = "other", {"os": "Debian", "hostname": "not compared twice"}
    found = compare.compare(
        Side(left, script=ScriptRecord(version_num="a", branch="main", python="3.10.1", requirements={"x": "1"})),
        Side(right, script=ScriptRecord(version_num="b", branch="main", python="3.13.0", requirements={"x": "2"})),
    )
    assert differing(found.git) == [("commit", "a", "b")]
    assert differing(found.packages) == [("x", "1", "2")]
    assert differing(found.host) == [("python", "3.10.1", "3.13.0"), ("host", None, "other"), ("os", None, "Debian")]


def source_lines(left: Source | None, right: Source | None) -> list[str]:
    sides = [Side(task(), sources={"script": source} if source else {}) for source in (left, right)]
    (pair,) = compare.compare(*sides).source
    assert not pair.is_same
    return pair.lines


def test_sources_are_compared_line_by_line() -> None:
    assert source_lines(Source("1", "a\nb\n"), Source("2", "a\nc\n"))[3:] == [" a", "-b", "+c"]
    assert source_lines(None, Source("2", "a\n"))[3:] == ["+a"]
    assert source_lines(Source("1", "a"), Source("2", "a\n"))[-1] == "-\\ No newline at end of file"


@pytest.mark.parametrize("left", [Source("1", None), Source("1", "x\n" * 30_000)])
def test_a_source_too_large_to_compare_is_said_to_differ(left: Source) -> None:
    (line,) = source_lines(left, Source("2", "a\n"))
    assert "differ" in line


@given(st.floats(), st.floats())
def test_numbers_are_the_same_when_equal_or_both_nan(left: float, right: float) -> None:
    both_nan = math.isnan(left) and math.isnan(right)
    assert Pair("x", left, right).is_same == (left == right or both_nan)


def test_a_task_is_read_with_its_files_and_nothing_outside_of_them(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    paths = tasks.create(store, "examples", "first run")
    paths.source.mkdir()
    paths.diff.write_text("the diff\n")
    (paths.source / "data").write_bytes(b"\0\1")
    reference = FileRef(path="source/uncommitted.diff", size=9, hash="h")
    outside = FileRef(path="../../../../secret", size=6, hash="s")
    binary = FileRef(path="source/data", size=2, hash="b")
    script = ScriptRecord(
        diff=reference,
        untracked=[
            Untracked(path="out", file=outside),
            Untracked(path="data", file=binary),
            Untracked(path="link", link="elsewhere"),
        ],
    )

    def change(record: ScriptRecord) -> None:
        record.diff, record.untracked = script.diff, script.untracked

    tasks.edit_script(store, paths.id, change)
    assert compare.read(paths).sources == {
        "uncommitted changes": Source("h", "the diff\n"),
        "untracked out": Source("s", None),
        "untracked data": Source("b", None),
        "untracked link": Source("link elsewhere", "link to elsewhere"),
    }


@pytest.mark.parametrize("path", ["source/gone", "source/a\0b", "source", "/etc/hostname", "source/loop"])
def test_a_source_that_cannot_be_read_is_none(path: str, tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    paths.source.mkdir()
    (paths.source / "loop").symlink_to("loop")
    assert compare.read_source(paths, FileRef(path=path, size=1, hash="")) is None


def test_a_diff_is_measured_by_its_hunks() -> None:
    diff = (
        b"diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ def f():\n"
        b" a\n--- removed\n+++ added\n b\n"
        b"@@ -9 +9,2 @@\n-one\n+two\n+diff --git within\n\\ No newline at end of file\n"
        b"diff --git a/image b/image\nGIT binary patch\nliteral 3\n+++x\n"
    )
    assert patch.measure(diff) == patch.PatchSize(files=2, added=3, removed=2)
    assert patch.measure(b"") == patch.PatchSize()


@given(st.sets(st.text(alphabet="0123", min_size=6, max_size=6), min_size=1))
def test_a_short_id_fits_one_id_only_and_no_shorter_one_would(ids: set[str]) -> None:
    for task_id, short in shortest(ids, at_least=2).items():
        assert [other for other in ids if other.startswith(short)] == [task_id]
        assert len(short) == 2 or sum(other.startswith(short[:-1]) for other in ids) > 1
