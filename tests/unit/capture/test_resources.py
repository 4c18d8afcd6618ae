"""Monitoring of the machine: a fake library, a fake clock, and once the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import psutil
import pytest

from taskstore.capture import resources
from taskstore.capture.resources import GPU, MACHINE, Cards, Machine, Monitor, monitored
from taskstore.core.errors import ReadOnly

Point = tuple[str, str, float, int]


class Sink:
    """Keeps what is reported and noted."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.notes: list[str] = []
        self.refusal: Exception | None = None

    @property
    def reporter(self) -> Sink:
        return self

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.points.append((title, series, value, iteration))

    def note(self, capture: str, message: str) -> None:
        self.notes.append(f"{capture}: {message}")


class Levels:
    """A probe of one gauge and one total, set by the test."""

    def __init__(self) -> None:
        self.level = 0.0
        self.total = 0.0
        self.readings = 0

    def gauges(self) -> Mapping[str, float]:
        self.readings += 1
        return {"level": self.level}

    def totals(self) -> Mapping[str, float]:
        return {"rate": self.total}


class Time:
    """A clock, and what the thread has worked."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.asked = 0
        self.cost_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def cost(self) -> float:
        self.asked += 1
        return self.worked_s

    @property
    def worked_s(self) -> float:
        return self.cost_s * (self.asked // 2)  # asked before and after each reading


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def levels() -> Levels:
    return Levels()


@pytest.fixture
def at() -> Time:
    return Time()


@pytest.fixture
def monitor(sink: Sink, levels: Levels, at: Time) -> Monitor:
    found: Any = sink
    return Monitor(found, {MACHINE: lambda: levels}, start_after_s=30, interval_s=20, clock=at.clock, cost=at.cost)


def test_a_short_run_reports_nothing(monitor: Monitor, sink: Sink, at: Time) -> None:
    for _ in range(6):
        monitor.sample()
        at.now_s += 5
    assert at.now_s == 1030
    assert sink.points == []
    monitor.sample()
    assert [series for _, series, _, _ in sink.points] == ["level", "rate"]


def test_levels_are_averaged_and_totals_are_so_much_a_second(
    monitor: Monitor, sink: Sink, levels: Levels, at: Time
) -> None:
    for level, total in ((1.0, 100.0), (2.0, 150.0), (6.0, 220.0)):
        levels.level, levels.total = level, total
        monitor.sample()
        at.now_s += 15
    assert sink.points == [(MACHINE, "level", 3.0, 30), (MACHINE, "rate", 4.0, 30)]
    del sink.points[:]
    levels.level, levels.total = 8.0, 235.0
    monitor.sample()  # 15 s after the report: not yet
    assert sink.points == []
    at.now_s += 15
    monitor.sample()
    assert sink.points == [(MACHINE, "level", 8.0, 60), (MACHINE, "rate", 0.5, 60)]


def test_the_programs_iteration_stands_where_there_is_one(monitor: Monitor, sink: Sink, at: Time) -> None:
    monitor.sample(3)
    at.now_s += 40
    monitor.sample(17)
    assert [iteration for _, _, _, iteration in sink.points] == [17, 17]


def test_readings_that_cost_much_are_made_seldom(monitor: Monitor, levels: Levels, at: Time) -> None:
    at.cost_s = 0.1  # of a core's second: so 20 s until the next
    for _ in range(200):
        monitor.sample()
        at.now_s += 1
    assert levels.readings == 10
    assert at.worked_s / 200 == pytest.approx(resources.MAX_SHARE)


def test_after_its_block_it_does_nothing(sink: Sink) -> None:
    found: Any = sink
    with monitored(found, "/", start_after_s=0, interval_s=1) as monitor:
        pass
    monitor.sample()
    monitor.sample()
    assert sink.points == []
    assert sink.notes == []


def test_what_fails_is_noted_and_the_rest_goes_on(sink: Sink, levels: Levels, at: Time) -> None:
    def broken() -> Levels:
        raise RuntimeError("no such thing here")

    found: Any = sink
    probes = {GPU: broken, MACHINE: lambda: levels}
    monitor = Monitor(found, probes, start_after_s=0, interval_s=1, clock=at.clock, cost=at.cost)
    for _ in range(2):
        monitor.sample()
        at.now_s += 5
    assert [title for title, _, _, _ in sink.points] == [MACHINE, MACHINE]
    assert [note.partition("\n")[0] for note in sink.notes] == ["resources: RuntimeError: no such thing here"]


def test_a_task_that_the_program_has_ended_is_left_alone(
    monitor: Monitor, sink: Sink, levels: Levels, at: Time
) -> None:
    sink.refusal = ReadOnly("id", "ended")
    for _ in range(3):
        monitor.sample()
        at.now_s += 40
    assert sink.notes == []
    assert levels.readings == 2


class Process:
    """A process of the fake library."""

    def __init__(self, library: Library, pid: int, user_s: float, rss: int) -> None:
        self.library, self.pid, self.user_s, self.rss = library, pid, user_s, rss

    def children(self, *, recursive: bool) -> list[Process]:
        assert recursive
        return self.library.running[1:]

    def create_time(self) -> float:
        return 0.0

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.user_s, system=0.0)

    def memory_info(self) -> SimpleNamespace:
        if self.rss < 0:
            raise self.library.Error("it is gone")
        return SimpleNamespace(rss=self.rss)


class Times(NamedTuple):
    """What Linux tells of the cores' time."""

    user: float
    nice: float
    system: float
    idle: float
    iowait: float
    guest: float
    guest_nice: float


class Library:
    """What Machine asks of psutil."""

    Error = psutil.Error

    def __init__(self) -> None:
        self.running = [Process(self, 1, 5.0, 2**30), Process(self, 2, 1.0, 2**29)]
        self.user_s = self.waited_s = 0.0
        self.network: object = SimpleNamespace(bytes_sent=2**20, bytes_recv=3 * 2**20)

    def Process(self) -> Process:  # noqa: N802 - psutil's name
        return self.running[0]

    def cpu_times(self) -> Any:
        return Times(self.user_s, 0.0, 4.0, 100.0, self.waited_s, self.user_s / 2, 0.0)

    def virtual_memory(self) -> SimpleNamespace:
        return SimpleNamespace(available=2**31)

    def disk_usage(self, folder: str) -> SimpleNamespace:
        if folder != "/data":
            raise FileNotFoundError(folder)
        return SimpleNamespace(percent=75.0)

    def net_io_counters(self) -> object:
        return self.network

    def disk_io_counters(self) -> SimpleNamespace:
        return SimpleNamespace(read_bytes=4 * 2**20, write_bytes=5 * 2**20)


def test_levels_of_the_machine_and_of_the_programs_processes() -> None:
    library = Library()
    assert Machine(library, "/data").gauges() == {
        "memory_used_gb": 1.5,
        "memory_free_gb": 2.0,
        "disk_free_percent": 25.0,
    }
    library.running[1].rss = -1
    assert Machine(library, "/gone").gauges() == {"memory_used_gb": 1.0, "memory_free_gb": 2.0}


def test_cores_that_wait_are_not_busy() -> None:
    library = Library()
    machine = Machine(library, "/data")
    assert "cpu_usage" not in machine.gauges()
    library.user_s, library.waited_s = 3.0, 5.0
    assert machine.gauges()["cpu_usage"] == 37.5
    assert "cpu_usage" not in machine.gauges()  # no time has passed


def test_totals_are_of_the_program_and_of_what_moves() -> None:
    machine = Machine(Library(), "/data")
    assert machine.totals() == {
        "process_cpu_usage": 600.0,
        "network_tx_mbs": 1.0,
        "network_rx_mbs": 3.0,
        "io_read_mbs": 4.0,
        "io_write_mbs": 5.0,
    }


def test_a_machine_without_a_network_has_no_series_of_it() -> None:
    library = Library()
    library.network = None
    assert not any(name.startswith("network") for name in Machine(library, "/data").totals())


def test_work_of_a_child_that_has_ended_is_not_taken_back() -> None:
    library = Library()
    machine = Machine(library, "/data")
    assert machine.totals()["process_cpu_usage"] == 600.0
    del library.running[1]
    library.running[0].user_s = 6.0
    library.running.append(Process(library, 3, 0.5, 0))
    assert machine.totals()["process_cpu_usage"] == 750.0


class Nvml:
    """What Cards asks of nvidia-ml-py."""

    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's names
        return 3

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=10 * handle, memory=1)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=2**30, total=4 * 2**30)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 40 + handle + sensor

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        raise self.NVMLError("this card does not say")


def test_cards_tell_what_they_can() -> None:
    assert Cards(Nvml(), "1").gauges() == {
        "gpu_1_utilization": 10.0,
        "gpu_1_mem_used_gb": 1.0,
        "gpu_1_mem_free_gb": 3.0,
        "gpu_1_mem_usage": 25.0,
        "gpu_1_temperature": 41.0,
    }


@pytest.mark.parametrize(
    ("visible", "count"), [(None, 3), ("", 0), ("0,2", 2), ("GPU-8932f937", 3), ("-1", 0), ("7", 0)]
)
def test_the_cards_that_the_program_sees_are_read(visible: str | None, count: int) -> None:
    assert Cards(Nvml(), visible).count == count


def test_without_the_library_there_are_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.importlib.util, "find_spec", lambda name: None)
    assert resources.cards() is None


def test_this_machine_can_be_read(sink: Sink) -> None:
    machine = Machine(psutil, "/")
    found = {**machine.gauges(), **machine.totals()}
    assert found["memory_used_gb"] > 0
    assert 0 <= found["disk_free_percent"] <= 100
