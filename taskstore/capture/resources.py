"""What the machine and the program's processes use while it runs, as series by ClearML's names.

There is no thread here: whoever has one calls `Monitor.sample` now and then, every few seconds. Readings cost time (the
more processes a machine has, the more): after each, as much is waited as keeps them below `MAX_SHARE` of one core.
Between two reports gauges are averaged, and what is counted up is divided by the time.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic, thread_time
from types import ModuleType
from typing import Any, Protocol

from ..core.errors import ReadOnly
from ..core.warned import hide
from ..schema.record import MONITOR
from .base import Sink, contained

CAPTURE = "resources"
MACHINE, GPU = f"{MONITOR}machine", f"{MONITOR}gpu"
MAX_SHARE = 0.005
_GIB, _MIB = 2**30, 2**20
_NO_TIME_S = 1e-6


class Probe(Protocol):
    """Something that can be read: `gauges` are levels, `totals` count up and become so much a second."""

    def gauges(self) -> Mapping[str, float]:
        """Return what is to be averaged, by series."""
        ...

    def totals(self) -> Mapping[str, float]:
        """Return what has been counted up so far, by series."""
        ...


class Monitor:
    """Reports, from `start_after_s` after its making on, every `interval_s` what its probes read, if it is asked to."""

    def __init__(
        self,
        sink: Sink,
        probes: Mapping[str, Callable[[], Probe | None]],
        *,
        start_after_s: float,
        interval_s: float,
        clock: Callable[[], float] = monotonic,
        cost: Callable[[], float] = thread_time,
    ) -> None:
        """By title, `probes` make what is to be read, at the first reading: no library is loaded before."""
        self._sink = sink
        self._makers = probes
        self._probes: dict[str, Probe] | None = None
        self._clock = clock
        self._cost = cost
        self._interval_s = interval_s
        self._began = clock()
        self._report_at = self._began + start_after_s
        self._read_at = self._began
        self._counted_at = self._began
        self._sums: Counter[tuple[str, str]] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._totals: dict[tuple[str, str], float] = {}
        self.is_over = False

    def sample(self, iteration: int | None = None) -> None:
        """Read, and report if it is time, at the program's iteration, or without one at the seconds since the start.

        Never raises. What fails is noted.
        """
        now = self._clock()
        if self.is_over or now < self._read_at:
            return
        is_first = self._probes is None
        self._each()  # what is loaded once is no reading
        before = self._cost()
        with contained(self._sink, CAPTURE), self._until_refused():
            if now >= self._report_at and not is_first:
                self._report(int(now - self._began) if iteration is None else iteration, now)
            else:
                self._read_gauges()
                if is_first:
                    self._rates(now)
        self._read_at = self._clock() + (self._cost() - before) / MAX_SHARE

    @contextmanager
    def _until_refused(self) -> Iterator[None]:
        try:
            yield
        except ReadOnly:  # the program has ended the task itself, and goes on
            self.is_over = True

    def _each(self) -> dict[str, Probe]:
        if self._probes is None:
            self._probes = {}
            for title, make in self._makers.items():
                with contained(self._sink, CAPTURE):
                    probe = make()
                    if probe is not None:
                        self._probes[title] = probe
        return self._probes

    def _read_gauges(self) -> None:
        for title, probe in self._each().items():
            for series, value in probe.gauges().items():
                self._sums[title, series] += value  # type: ignore[assignment]  # Counter is typed for whole numbers
                self._counts[title, series] += 1

    def _rates(self, now: float) -> dict[tuple[str, str], float]:
        elapsed_s = max(now - self._counted_at, _NO_TIME_S)
        found = {(title, key): value for title, probe in self._each().items() for key, value in probe.totals().items()}
        rates = {
            key: max(0.0, value - self._totals[key]) / elapsed_s for key, value in found.items() if key in self._totals
        }
        self._totals, self._counted_at = found, now
        return rates

    def _report(self, iteration: int, now: float) -> None:
        self._report_at = now + self._interval_s
        self._read_gauges()
        means = {key: total / self._counts[key] for key, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        for (title, series), value in {**means, **self._rates(now)}.items():
            self._sink.reporter.report_scalar(title, series, round(value, 3), iteration)


@contextmanager
def monitored(
    sink: Sink,
    folder: str,
    *,
    start_after_s: float,
    interval_s: float,
    clock: Callable[[], float] = monotonic,
    cost: Callable[[], float] = thread_time,
) -> Iterator[Monitor]:
    """Give a monitor of this machine and this process's tree; after the block it does nothing.

    `folder` says which disk's room is watched. The graphics cards are NVIDIA's, where `pynvml` is installed.
    """
    probes = {MACHINE: lambda: Machine(importlib.import_module("psutil"), folder), GPU: cards}
    monitor = Monitor(sink, probes, start_after_s=start_after_s, interval_s=interval_s, clock=clock, cost=cost)
    try:
        yield monitor
    finally:
        monitor.is_over = True


class Machine:
    """Reads this machine by `psutil`; its disk's room is that of `folder`.

    `cpu_usage` is the machine's in percent of all its cores, `process_cpu_usage` the program's and its children's in
    percent of one. `memory_used_gb` is theirs too, `memory_free_gb` the machine's.
    """

    def __init__(self, psutil: Any, folder: str) -> None:  # noqa: ANN401 - the library, or a test's
        self._psutil = psutil
        self._folder = folder
        self._own = psutil.Process()
        self._cores_s: tuple[float, float] | None = None
        self._spent_s: dict[tuple[int, float], float] = {}
        self._spent_in_all_s = 0.0

    def gauges(self) -> Mapping[str, float]:
        """Read memory, the disk's room, and how busy the cores were since the last time."""
        found = {
            "memory_used_gb": sum(self._resident(process) for process in self._tree()) / _GIB,
            "memory_free_gb": self._psutil.virtual_memory().available / _GIB,
        }
        with suppress(OSError):
            found["disk_free_percent"] = 100.0 - self._psutil.disk_usage(self._folder).percent
        busy_s, all_s = self._cores()
        if self._cores_s is not None and all_s > self._cores_s[1]:
            found["cpu_usage"] = 100.0 * max(0.0, busy_s - self._cores_s[0]) / (all_s - self._cores_s[1])
        self._cores_s = busy_s, all_s
        return found

    def _cores(self) -> tuple[float, float]:
        """Return the seconds that all cores together have worked, and those that there were."""
        times = self._psutil.cpu_times()
        idle_s = times.idle + getattr(times, "iowait", 0.0)
        guest_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user and nice already
        all_s = sum(times) - guest_s
        return all_s - idle_s, all_s

    def totals(self) -> Mapping[str, float]:
        """Read what the program, the network and the disks have done; a second of work in a second is 100 percent."""
        found = {"process_cpu_usage": 100.0 * self._spent()}
        network = self._psutil.net_io_counters()
        if network is not None:
            found["network_tx_mbs"] = network.bytes_sent / _MIB
            found["network_rx_mbs"] = network.bytes_recv / _MIB
        with suppress(OSError, RuntimeError):  # what a container may not read
            disks = self._psutil.disk_io_counters()
            if disks is not None:
                found["io_read_mbs"] = disks.read_bytes / _MIB
                found["io_write_mbs"] = disks.write_bytes / _MIB
        return found

    def _tree(self) -> list[Any]:
        with suppress(self._psutil.Error):
            return [self._own, *self._own.children(recursive=True)]
        return [self._own]

    def _resident(self, process: Any) -> int:  # noqa: ANN401 - psutil's
        with suppress(self._psutil.Error):
            return int(process.memory_info().rss)
        return 0

    def _spent(self) -> float:
        """Return the seconds of work that the tree has done since the first call; never less than before."""
        now: dict[tuple[int, float], float] = {}
        for process in self._tree():
            with suppress(self._psutil.Error):
                times = process.cpu_times()
                now[process.pid, process.create_time()] = times.user + times.system
        self._spent_in_all_s += sum(max(0.0, value - self._spent_s.get(key, 0.0)) for key, value in now.items())
        self._spent_s = now
        return self._spent_in_all_s


def cards() -> Cards | None:
    """Return what reads NVIDIA's graphics cards; None where there are none, or no `pynvml` to ask."""
    if importlib.util.find_spec("pynvml") is None:
        return None
    undo = hide(FutureWarning)  # of the package that once had this name
    try:
        nvml = importlib.import_module("pynvml")
    finally:
        undo()
    try:
        nvml.nvmlInit()
        found = Cards(nvml, os.environ.get("CUDA_VISIBLE_DEVICES"))
    except nvml.NVMLError:  # no driver
        return None
    return found if found.count else None


class Cards:
    """Reads graphics cards by `nvml`: those that `visible`, which is CUDA_VISIBLE_DEVICES, names by number, or all."""

    def __init__(self, nvml: ModuleType | Any, visible: str | None = None) -> None:  # noqa: ANN401 - or a test's
        self._nvml = nvml
        names = [name.strip() for name in (visible or "").split(",") if name.strip()]
        is_numbered = visible is not None and all(name.lstrip("-").isdecimal() for name in names)
        wanted = {int(name) for name in names} if is_numbered else None  # "" and -1 hide all
        numbers = (number for number in range(nvml.nvmlDeviceGetCount()) if wanted is None or number in wanted)
        self._handles = {number: nvml.nvmlDeviceGetHandleByIndex(number) for number in numbers}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._handles)

    def gauges(self) -> Mapping[str, float]:
        """Read what each card tells; some tell less."""
        found: dict[str, float] = {}
        for number, handle in self._handles.items():
            with suppress(self._nvml.NVMLError):
                found[f"gpu_{number}_utilization"] = float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            with suppress(self._nvml.NVMLError):
                memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
                found[f"gpu_{number}_mem_used_gb"] = memory.used / _GIB
                found[f"gpu_{number}_mem_free_gb"] = (memory.total - memory.used) / _GIB
                found[f"gpu_{number}_mem_usage"] = 100.0 * memory.used / max(1, memory.total)
            with suppress(self._nvml.NVMLError):
                celsius = self._nvml.nvmlDeviceGetTemperature(handle, self._nvml.NVML_TEMPERATURE_GPU)
                found[f"gpu_{number}_temperature"] = float(celsius)
            with suppress(self._nvml.NVMLError):
                found[f"gpu_{number}_power_draw"] = self._nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        return found

    def totals(self) -> Mapping[str, float]:
        """Return nothing: cards have only levels."""
        return {}
