from __future__ import annotations

import errno
import math
import os
import threading
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path

import pytest

from taskstore.core.errors import BadValue, NotFound
from taskstore.disk.layout import TaskPaths
from taskstore.sections.reports import Writer
from taskstore.store import events
from taskstore.store.store import Store
from taskstore.store.tasks import create


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return create(store, "examples", "a run")


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def writer(paths: TaskPaths) -> Writer:
    return Writer(lambda: paths, _raise)


def _points(paths: TaskPaths) -> dict[tuple[str, str], list[float]]:
    return {(series.metric, series.variant): series.values for series in events.read_scalars(paths)}


class Tensor:
    """What torch and numpy have: one number that knows how to become a float, and an error of its own for several."""

    def __init__(self, *values: float, error: type[Exception] = ValueError) -> None:
        self.values = values
        self.shape = (len(values),)
        self.error = error

    def __repr__(self) -> str:
        return f"tensor{self.values}"

    def __float__(self) -> float:
        if len(self.values) != 1:
            raise self.error("only one element tensors can be converted to Python scalars")
        return float(self.values[0])

    def __int__(self) -> int:
        return int(float(self))

    def __eq__(self, other: object) -> bool:
        return float(self) == other

    __hash__ = None  # type: ignore[assignment]  # as a tensor's


class FloatOfOwn(float):
    def __repr__(self) -> str:
        return "np.float64(1.5)"


class Name(str, Enum):
    LOSS = "loss"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1.5, 1.5),
        (-0.0, -0.0),
        (5e-324, 5e-324),
        (1.7976931348623157e308, 1.7976931348623157e308),
        (3, 3.0),
        (True, 1.0),
        (2**70, float(2**70)),
        (Fraction(1, 4), 0.25),
        (Decimal("0.1"), 0.1),
        (FloatOfOwn(1.5), 1.5),
        (Tensor(2.5), 2.5),
    ],
    ids=str,
)
def test_whatever_is_one_number_is_stored_as_it(value: object, stored: float, writer: Writer, paths: TaskPaths) -> None:
    writer.scalar("loss", "train", value, 1)  # type: ignore[arg-type]  # floats by protocol, all of them
    assert _points(paths) == {("loss", "train"): [stored]}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Tensor(math.nan), Decimal("Infinity")], ids=str)
def test_what_is_not_finite_is_kept_as_it_is(value: object, writer: Writer, paths: TaskPaths) -> None:
    writer.scalar("loss", "train", value, 1)  # type: ignore[arg-type]  # as above
    writer.scalar("loss", "train", 0.5, 2)
    (values,) = _points(paths).values()
    assert str(values[0]) == str(float(value))  # type: ignore[arg-type]  # as above
    assert values[1] == 0.5


@pytest.mark.parametrize(
    "value",
    ["0.5", b"1", bytearray(b"1"), memoryview(b"1"), None, 1j, [1.0], object(), 10**400, Tensor(1, 2)]
    + [Tensor(1, 2, error=RuntimeError), Tensor()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_one_number_is_refused_by_its_name(value: object, writer: Writer, paths: TaskPaths) -> None:
    with pytest.raises(BadValue, match="^value must be") as raised:
        writer.scalar("loss", "train", value, 1)  # type: ignore[arg-type]  # the caller's mistake
    assert type(value).__name__ in str(raised.value)
    assert _points(paths) == {}


@pytest.mark.parametrize("iteration", [0, -5, True, 3.0, 2**62, 10**30, Tensor(4.0), Fraction(6, 2)], ids=str)
def test_a_whole_number_of_any_type_is_an_iteration(iteration: object, writer: Writer, paths: TaskPaths) -> None:
    writer.scalar("loss", "train", 1.0, iteration)  # type: ignore[arg-type]  # an int by protocol
    writer.scalar("loss", "train", 2.0, 1)
    (series,) = events.read_scalars(paths)
    assert series.iterations == [iteration, 1]


@pytest.mark.parametrize("iteration", [1.5, "3", None, math.nan, math.inf, [1], Tensor(1, 2)], ids=str)
def test_what_is_no_whole_number_is_no_iteration(iteration: object, writer: Writer) -> None:
    with pytest.raises(BadValue, match="^iteration must be a whole number"):
        writer.scalar("loss", "train", 1.0, iteration)  # type: ignore[arg-type]  # the caller's mistake


@pytest.mark.parametrize("text", [None, 1, b"loss", ["loss"], {"loss": 1}], ids=str)
def test_a_title_or_a_series_that_is_no_text_is_refused_by_its_name(text: object, writer: Writer) -> None:
    with pytest.raises(BadValue, match="^title must be a text"):
        writer.scalar(text, "train", 1.0, 1)  # type: ignore[arg-type]  # the caller's mistake
    with pytest.raises(BadValue, match="^series must be a text"):
        writer.scalar("loss", text, 1.0, 1)  # type: ignore[arg-type]  # the caller's mistake


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "", "é", "\u2028", "\x00", Name.LOSS])
def test_any_text_is_a_title(text: str, writer: Writer, paths: TaskPaths) -> None:
    writer.scalar(text, text, 1.0, 1)
    writer.scalar(text, "other", 2.0, 1)
    plain = text.value if isinstance(text, Enum) else text
    assert _points(paths) == {(plain, plain): [1.0], (plain, "other"): [2.0]}


def test_a_lone_surrogate_is_spelled_out(writer: Writer, paths: TaskPaths) -> None:
    writer.scalar("a\ud800", "train", 1.0, 1)
    writer.console("stdout", "b\udce9", is_whole=True)
    assert list(_points(paths)) == [("a\\ud800", "train")]
    assert [line.text for line in events.read_console(paths)] == ["b\\udce9"]


def test_a_single_value_has_no_iteration(writer: Writer, paths: TaskPaths) -> None:
    writer.single_value("best", 0.5)
    (series,) = events.read_scalars(paths)
    assert (series.metric, series.variant, series.iterations) == ("Summary", "best", [-(2**31)])


def test_points_of_several_threads_are_all_there(writer: Writer, paths: TaskPaths) -> None:
    def report(name: str) -> None:
        for number in range(2000):
            writer.scalar("loss", name, float(number), number)

    threads = [threading.Thread(target=report, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _points(paths) == {("loss", str(name)): [float(n) for n in range(2000)] for name in range(4)}


def test_after_close_a_report_opens_the_logs_again(writer: Writer, paths: TaskPaths) -> None:
    for number in range(3):
        writer.scalar("loss", "train", float(number), number)
        writer.console("stdout", f"line {number}", is_whole=True)
        writer.close()
    writer.close()
    assert _points(paths) == {("loss", "train"): [0.0, 1.0, 2.0]}
    assert [line.text for line in events.read_console(paths)] == ["line 0", "line 1", "line 2"]
    assert len(list(paths.events.iterdir())) == 2


def test_closing_takes_what_was_written_to_the_disk(
    writer: Writer, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    for number in range(3):
        writer.scalar("loss", "train", float(number), number)
        writer.close()
    assert sizes == [path.stat().st_size * (n + 1) // 3 for path in paths.events.iterdir() for n in range(3)]


def test_a_task_that_moves_gets_newly_opened_logs_in_its_new_place(tmp_path: Path) -> None:
    at = [TaskPaths(tmp_path / "one")]
    at[0].home.mkdir()
    writer = Writer(lambda: at[0], _raise)
    writer.scalar("loss", "train", 1.0, 1)
    at[0].home.rename(tmp_path / "two")
    at[0] = TaskPaths(tmp_path / "two")
    writer.scalar("loss", "train", 2.0, 2)
    writer.console("stdout", "line", is_whole=True)
    assert _points(at[0]) == {("loss", "train"): [1.0, 2.0]}
    assert [line.text for line in events.read_console(at[0])] == ["line"]
    assert not (tmp_path / "one").exists()


class FullDisk:
    """Stands in for os.write: lets only some bytes more through, as a disk that is nearly full does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free: int | None = None
        self._real = os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.free is None:
            return self._real(descriptor, data)
        if descriptor < 0:
            raise OSError(errno.EBADF, "bad descriptor")
        if not self.free:
            raise OSError(errno.ENOSPC, "no space")
        written = self._real(descriptor, data[: self.free])
        self.free -= written
        return written


@pytest.mark.parametrize("free", [0, 1, 20, 75, 140, 141, 142, 143, 150, 400])
@pytest.mark.parametrize("is_open", [True, False])
def test_every_point_reported_after_a_full_disk_is_there_whatever_was_torn(
    free: int, is_open: bool, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = []
    writer, disk = Writer(lambda: paths, failures.append), FullDisk(monkeypatch)
    if is_open:
        writer.scalar("loss", "before", 1.0, 0)
        writer.console("stdout", "before", is_whole=True)
    disk.free = free
    for number in range(8):
        writer.scalar("loss", "during", 1.0, number)
        writer.console("stdout", "during", is_whole=True)
    assert failures
    disk.free = None
    for number in range(3):
        writer.scalar("loss", "after", float(number), number)
        writer.console("stdout", f"after {number}", is_whole=True)
    writer.close()
    points = _points(paths)
    assert points[("loss", "after")] == [0.0, 1.0, 2.0]
    assert points.get(("loss", "before")) == ([1.0] if is_open else None)
    lines = [line.text for line in events.read_console(paths)]
    assert lines[-3:] == ["after 0", "after 1", "after 2"]


def test_a_task_that_is_gone_is_looked_for_once_in_a_while_only() -> None:
    looks: list[int] = []
    failures: list[Exception] = []

    def gone() -> TaskPaths:
        looks.append(1)
        raise NotFound("task", "x")

    writer = Writer(gone, failures.append)
    for number in range(100):
        writer.scalar("loss", "train", 1.0, number)
        writer.console("stdout", "line", is_whole=True)
    assert (len(looks), len(failures)) == (1, 200)
    assert all(isinstance(failure, NotFound) for failure in failures)


def test_no_line_end_of_a_text_ends_its_entry(writer: Writer, paths: TaskPaths) -> None:
    writer.console("stdout", "a\nb", is_whole=True)
    writer.console("stderr", "c", is_whole=False)
    writer.console("stderr", "d", is_whole=True)
    assert [(line.stream, line.text) for line in events.read_console(paths)] == [("stdout", "a b"), ("stderr", "cd")]
