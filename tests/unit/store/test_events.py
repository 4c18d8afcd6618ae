import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Scalar
from taskstore.store import events, tasks
from taskstore.store.store import Store


@pytest.fixture
def task(store: Store) -> TaskPaths:
    paths = tasks.create(store, "vision", "a run")
    paths.events.mkdir()
    return paths


def line(iteration: int, value: object, *, metric: str = "loss", variant: str = "train", at: float = 0) -> bytes:
    return msgspec.json.encode(Scalar(at or iteration, iteration, metric, variant, value)) + b"\n"


def report(task: TaskPaths, *lines: bytes, writer: str = "a") -> None:
    with task.scalars(writer).open("ab") as log:
        log.writelines(lines)


def test_points_come_back_in_the_order_reported(task: TaskPaths) -> None:
    report(task, line(3, 0.5), line(1, 1), line(2, "NaN"), line(0, 0.1, metric="acc"))
    loss, acc = events.read_scalars(task)
    assert (loss.metric, loss.variant, loss.iterations) == ("loss", "train", [3, 1, 2])
    assert loss.values[:2] == [0.5, 1.0]
    assert math.isnan(loss.values[2])
    assert (acc.metric, acc.values) == ("acc", [0.1])


def test_points_of_several_writers_are_merged_by_time(task: TaskPaths) -> None:
    report(task, line(0, 1, at=10), line(2, 3, at=30), writer="a")
    report(task, line(1, 2, at=20), writer="b")
    assert events.read_scalars(task)[0].values == [1, 2, 3]


def test_a_filter_leaves_the_rest_out(task: TaskPaths) -> None:
    report(task, line(0, 1), line(0, 2, metric="acc"), line(0, 3, metric="acc", variant="test"))
    assert len(events.read_scalars(task, "acc")) == 2
    assert [series.values for series in events.read_scalars(task, "acc", "test")] == [[3.0]]
    assert events.read_scalars(task, "nothing") == []


BAD = [
    b"\n",
    b"{\n",
    b"null\n",
    b"[]\n",
    b'{"timestamp":1}\n',
    b"\xff\xfe\n",
    b'{"timestamp":1,"iter":1,"metric":"loss","variant":"train","value":"abc"}\n',
    b'{"timestamp":1,"iter":1,"metric":"loss","variant":"train","value":null}\n',
    b'{"timestamp":1,"iter":1,"metric":"loss","variant":"train","value":1e999}\n',
    b'{"timestamp":1,"iter":1,"metric":"loss","variant":"train","value":1,"x":' + b"[" * 100_000 + b"\n",
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad[-30:]))
def test_a_bad_line_costs_itself_only(task: TaskPaths, bad: bytes) -> None:
    report(task, line(0, 1), bad, line(1, 2))
    assert events.read_scalars(task)[0].values == [1, 2]
    assert events.read_summary(task).last_metrics["loss"]["train"].count == 2


def test_a_torn_last_line_is_left_until_it_is_whole(task: TaskPaths) -> None:
    whole = line(1, 2)
    report(task, line(0, 1), whole[:10])
    assert events.refresh_summary(task).last_metrics["loss"]["train"].count == 1
    report(task, whole[10:])
    assert events.refresh_summary(task).last_metrics["loss"]["train"].count == 2
    assert events.read_scalars(task)[0].values == [1, 2]


def test_the_summary_holds_the_last_the_least_and_the_greatest(task: TaskPaths) -> None:
    report(task, line(0, 5), line(1, -2), line(2, "NaN"), line(3, 9), line(4, 1))
    last = events.read_summary(task).last_metrics["loss"]["train"]
    assert (last.value, last.iteration, last.count) == (1, 4, 5)
    assert (last.min_value, last.min_value_iteration, last.max_value, last.max_value_iteration) == (-2, 1, 9, 3)


def test_a_series_of_nothing_but_nan_has_no_least(task: TaskPaths) -> None:
    report(task, line(0, "NaN"))
    last = events.refresh_summary(task).last_metrics["loss"]["train"]
    assert (last.value, last.min_value, last.max_value) == ("NaN", None, None)
    assert events.read_summary(task).last_metrics["loss"]["train"] == last


def test_infinities_count(task: TaskPaths) -> None:
    report(task, line(0, "Infinity"), line(1, "-Infinity"), line(2, 0))
    last = events.read_summary(task).last_metrics["loss"]["train"]
    assert (last.min_value, last.max_value) == ("-Infinity", "Infinity")


def test_series_of_resources_do_not_say_how_far_the_program_is(task: TaskPaths) -> None:
    report(task, line(4, 1), line(90, 20.0, metric=":monitor:machine", variant="cpu_usage"))
    summary = events.read_summary(task)
    assert summary.last_iteration == 4
    assert summary.last_metrics[":monitor:machine"]["cpu_usage"].value == 20.0
    report(task, line(5, 10.0, metric=":monitor:machine", variant="cpu_usage"))  # no more seconds, but iterations
    assert events.read_summary(task).last_metrics[":monitor:machine"]["cpu_usage"].value == 10.0


def test_a_single_value_is_no_iteration(task: TaskPaths) -> None:
    report(task, line(-(2**31), 1, metric="Summary"))
    assert events.read_summary(task).last_iteration is None
    report(task, line(7, 1))
    assert events.read_summary(task).last_iteration == 7


POINTS = st.lists(
    st.tuples(st.integers(-3, 30), st.floats(), st.sampled_from(["a", "b"]), st.sampled_from(["w1", "w2"])), max_size=30
)


@given(POINTS, st.lists(st.integers(0, 30), max_size=3))
def test_a_summary_kept_up_to_date_is_the_one_made_at_once(tmp_path_factory, points, pauses) -> None:
    from taskstore.schema.codec import number_text

    task = TaskPaths(tmp_path_factory.mktemp("t"))
    task.events.mkdir()
    for index, (iteration, value, metric, writer) in enumerate(points):
        if index in pauses:
            events.refresh_summary(task)
        report(task, line(iteration, number_text(value), metric=metric, at=index), writer=writer)
    kept = events.refresh_summary(task)
    task.summary.unlink(missing_ok=True)
    fresh = events.read_summary(task)
    for summary in (kept, fresh):
        assert sum(last.count for last in flat(summary)) == len(points)
    assert [(each.min_value, each.max_value) for each in flat(kept)] == [
        (each.min_value, each.max_value) for each in flat(fresh)
    ]
    assert kept.last_iteration == fresh.last_iteration


def flat(summary) -> Iterator:
    for _, variants in sorted(summary.last_metrics.items()):
        yield from (last for _, last in sorted(variants.items()))


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"{",
        b"[]",
        b'{"covered": {"scalars.a.jsonl": -5}}',
        b'{"covered": {"scalars.a.jsonl": 999999}}',
        b'{"covered": 3}',
    ],
)
def test_a_summary_that_cannot_be_right_is_made_again(task: TaskPaths, stored: bytes) -> None:
    report(task, line(0, 1))
    task.summary.write_bytes(stored)
    assert events.read_summary(task).last_metrics["loss"]["train"].count == 1


def test_a_log_that_was_taken_away_does_not_stay_in_the_summary(task: TaskPaths) -> None:
    report(task, line(0, 1), writer="a")
    report(task, line(1, 2), writer="b")
    events.refresh_summary(task)
    task.scalars("b").unlink()
    assert events.read_summary(task).last_metrics["loss"]["train"].count == 1
    assert set(events.read_summary(task).covered) == {"scalars.a.jsonl"}


def test_a_task_without_logs_has_an_empty_summary_and_gets_no_file(store: Store) -> None:
    task = tasks.create(store, "vision", "a draft")
    assert events.refresh_summary(task).last_metrics == {}
    assert events.read_scalars(task) == []
    assert list(events.read_console(task)) == []
    assert not task.summary.exists()


def console(task: TaskPaths, text: str, writer: str = "a") -> None:
    with task.console(writer).open("ab") as log:
        log.write(text.encode())


def test_console_lines_of_several_writers_are_merged_by_time(task: TaskPaths) -> None:
    console(task, "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:02.5Z stderr F three\n")
    console(task, "2026-01-01T00:00:01.000001Z stdout F two  \n", "b")
    lines = list(events.read_console(task))
    assert [(each.text, each.stream) for each in lines] == [("one", "stdout"), ("two  ", "stdout"), ("three", "stderr")]


def test_parts_of_a_line_are_joined_by_stream_and_what_never_ended_is_said(task: TaskPaths) -> None:
    console(
        task,
        "2026-01-01T00:00:00Z stdout P ab\n2026-01-01T00:00:01Z stderr F err\n2026-01-01T00:00:02Z stdout F cd\n"
        "2026-01-01T00:00:03Z stdout P open\n",
    )
    lines = list(events.read_console(task))
    assert sorted((each.text, each.is_whole) for each in lines) == [("abcd", True), ("err", True), ("open", False)]


@pytest.mark.parametrize(
    "bad", ["garbage", "2026-01-01 x F y", "0001-01-01T00:00:00+14:00 stdout F x", "\x00" * 50, ""]
)
def test_a_bad_console_line_costs_itself_only(task: TaskPaths, bad: str) -> None:
    console(task, f"2026-01-01T00:00:00Z stdout F one\n{bad}\n2026-01-01T00:00:01Z stdout F two\n")
    assert [each.text for each in events.read_console(task)] == ["one", "two"]


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_noise_in_a_log_is_never_a_traceback(tmp_path_factory: pytest.TempPathFactory, noise: list[bytes]) -> None:
    task = TaskPaths(tmp_path_factory.mktemp("t"))
    task.events.mkdir()
    task.scalars("a").write_bytes(b"\n".join(noise))
    task.console("a").write_bytes(b"\n".join(noise))
    task.summary.write_bytes(b"".join(noise[:1]))
    events.read_scalars(task)
    events.read_summary(task)
    list(events.read_console(task))


def test_reading_changes_nothing(task: TaskPaths) -> None:
    report(task, line(0, 1))
    before = sorted(path for path in Path(task.home).rglob("*"))
    events.read_summary(task)
    events.read_scalars(task)
    assert sorted(path for path in Path(task.home).rglob("*")) == before


def test_summing_up_holds_little_of_a_long_log_at_once(task: TaskPaths) -> None:
    lines = [line(number, number % 97) for number in range(60_000)]
    report(task, *lines)
    size_bytes = task.scalars("a").stat().st_size
    del lines
    tracemalloc.start()
    try:
        summary = events.refresh_summary(task)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (summary.last_iteration, summary.last_metrics["loss"]["train"].count) == (59_999, 60_000)
    assert summary.covered == {"scalars.a.jsonl": size_bytes}
    assert peak_bytes < size_bytes
