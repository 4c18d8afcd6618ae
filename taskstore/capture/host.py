"""The machine that a run is on: names, processors, memory, GPUs, and which batch job or container it is in."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Gpu = dict[str, str | int]
Fact = str | int | float | list[Gpu]

NVIDIA_SMI_TIMEOUT_S = 2.0
_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_NO_LIMIT_BYTES = 1 << 60  # what version 1 of cgroups writes for "none" is a little below 2**63
# Numbers and names that a scheduler gives; none of them can hold a secret.
_JOB_VARIABLES = (
    *("SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_JOB_PARTITION", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    *("SLURM_NODEID", "SLURM_PROCID", "SLURM_NNODES", "SLURM_NTASKS", "PBS_JOBID", "PBS_JOBNAME", "LSB_JOBID"),
    *("SGE_TASK_ID", "FLUX_JOB_ID", "RANK", "LOCAL_RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"),
)


@dataclass(frozen=True)
class Limits:
    """What the control groups of a process allow it; None where there is no limit."""

    cpus: float | None = None
    memory_bytes: int | None = None


def describe(*, ask_nvidia_smi: bool = True) -> dict[str, Fact]:
    """Return what is known of the host; what is not known is left out.

    Costs a few milliseconds, and up to 2 s more where `nvidia-smi` is installed and slow: without it, GPUs are
    named from /proc alone, without their memory.
    """
    limits = limits_of_cgroup()
    facts: dict[str, Fact | None] = {
        "hostname": socket.gethostname(),
        "user": _user(),
        "os": _os_name(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "kernel": platform.release(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        **_processors(),
        "cpu_limit": limits.cpus,
        "memory_bytes": _memory_bytes(),
        "memory_limit_bytes": limits.memory_bytes,
        "gpus": (_gpus_by_command() if ask_nvidia_smi else None) or _gpus_by_proc(),
        "cuda_version": _cuda_version(),
        "container": _container(),
        **{name.lower(): os.environ.get(name) for name in _JOB_VARIABLES},
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [])}


def environment_variables(names: Iterable[str]) -> dict[str, str]:
    """Return the variables whose names fit one of `names` (`*` and `?` as in a shell), sorted, values unmasked."""
    import fnmatch

    patterns = list(names)
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }


def limits_of_cgroup(proc: Path = _PROC, cgroup: Path = _CGROUP) -> Limits:
    """Return the tightest limits of this process's control groups, of both versions, up to the root."""
    cpus: list[float] = []
    memory: list[int] = []
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        base = cgroup / controllers if controllers else cgroup
        if ".." in path:  # the group lies outside of this namespace
            path = "/"
        own = base / path.lstrip("/")
        for folder in [own, *own.parents][: len(own.parts) - len(base.parts) + 1]:
            if not controllers or "cpu" in controllers.split(","):
                cpus += _cpu_limits(folder)
            if not controllers or controllers == "memory":
                memory += _numbers(_text(folder / "memory.max")) or _numbers(_text(folder / "memory.limit_in_bytes"))
    memory = [size for size in memory if 0 < size < _NO_LIMIT_BYTES]
    return Limits(min(cpus, default=None), min(memory, default=None))


def _cpu_limits(folder: Path) -> list[float]:
    quota = _numbers(_text(folder / "cpu.max"))  # "max 100000" where there is none
    if not quota:
        quota = _numbers(_text(folder / "cpu.cfs_quota_us")) + _numbers(_text(folder / "cpu.cfs_period_us"))
    return [round(quota[0] / quota[1], 2)] if len(quota) == 2 and min(quota) > 0 else []


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.lstrip("-").isdigit()]


def _text(path: Path, size_bytes: int = 1 << 16) -> str:
    """Return the beginning of a small system file, empty where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(size_bytes).decode("utf-8", "replace")
    except OSError:
        return ""


def _fields(text: str, separator: str) -> dict[str, str]:
    """The first `name<separator>value` of each name."""
    pairs = [line.partition(separator) for line in text.splitlines()]
    return {name.strip(): value.strip() for name, _, value in reversed(pairs)}


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a container may run as a user that has no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else ""


def _os_name() -> str:
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    text = _text(Path("/etc/os-release")) or _text(Path("/usr/lib/os-release"))
    return _fields(text, "=").get("PRETTY_NAME", "").strip("\"'") or f"{platform.system()} {platform.release()}"


def _processors() -> dict[str, Fact | None]:
    """Of /proc/cpuinfo the first processor is read: on hundreds of cores the whole of it takes long."""
    logical = os.cpu_count()
    first = _fields(_text(_PROC / "cpuinfo", 4096).partition("\n\n")[0], ":")
    physical, siblings = _numbers(first.get("cpu cores", "")), _numbers(first.get("siblings", ""))
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {
        "cpu_model": first.get("model name") or platform.machine(),
        "cpu_cores_logical": logical,
        "cpu_cores_physical": logical * physical[0] // siblings[0] if logical and physical and siblings else None,
        "cpu_cores_usable": usable if usable != logical else None,
    }


def _memory_bytes() -> int | None:
    kibibytes = _numbers(_fields(_text(_PROC / "meminfo", 4096), ":").get("MemTotal", ""))
    if kibibytes:
        return kibibytes[0] * 1024
    import psutil

    return int(psutil.virtual_memory().total)


def _gpus_by_command() -> list[Gpu]:
    import shutil

    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    import subprocess

    query = [command, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(query, stdin=nowhere, stdout=subprocess.PIPE, stderr=nowhere)
    except OSError:
        return []
    try:
        answer, _ = process.communicate(timeout=NVIDIA_SMI_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)  # a driver that hangs keeps the process from dying, and must not keep us
        if process.stdout is not None:
            process.stdout.close()
        return []
    return gpus_in(answer.decode("utf-8", "replace")) if process.returncode == 0 else []


def gpus_in(answer: str) -> list[Gpu]:
    """Read the lines `name, memory in MiB, driver` that nvidia-smi prints; a value it does not know is left out."""
    gpus: list[Gpu] = []
    for line in answer.splitlines():
        words = [word.strip() for word in line.rsplit(",", 2)]
        if len(words) == 3:
            mebibytes = _numbers(words[1])
            gpus.append({"name": words[0], "driver": words[2]})
            gpus[-1].update({"memory_bytes": mebibytes[0] << 20} if mebibytes else {})
    return gpus


def _gpus_by_proc(proc: Path = _PROC) -> list[Gpu]:
    driver = next((word for word in _text(proc / "driver/nvidia/version").split() if word[:1].isdigit()), "")
    models = [
        _fields(_text(file), ":").get("Model", "") for file in sorted(proc.glob("driver/nvidia/gpus/*/information"))
    ]
    return [{"name": model, "driver": driver} for model in models if model]


def _cuda_version() -> str | None:
    """Of the library that the program has loaded, else of the image or the toolkit; nothing is imported for it."""
    loaded = getattr(getattr(sys.modules.get("torch"), "version", None), "cuda", None)
    if isinstance(loaded, str):
        return loaded
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda"
    text = _text(Path(home) / "version.json")
    if "CUDA_VERSION" in os.environ or not text:
        return os.environ.get("CUDA_VERSION")
    import json

    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(text)["cuda"]["version"])
    return None


def _container() -> str | None:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if "APPTAINER_CONTAINER" in os.environ or "SINGULARITY_CONTAINER" in os.environ:
        return "apptainer"
    files = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}
    by_file = next((kind for file, kind in files.items() if Path(file).exists()), None)
    return by_file or os.environ.get("container")  # noqa: SIM112 - systemd's convention, in lower case
