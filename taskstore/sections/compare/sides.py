"""What is compared of a task: its facts by section and name, and its captured files. Reads; changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ...disk.layout import TaskPaths
from ...schema.codec import number
from ...schema.record import MONITOR, FileRef, LastMetric, ParamsRecord, ScriptRecord, SummaryRecord, TaskRecord
from ...store import configuration, events, tasks

MAX_SOURCE_BYTES = 1 << 20
_HOST_FACTS = ("os", "platform", "cpu_model", "cpu_cores_logical", "memory_bytes", "gpus", "cuda_version", "container")


@dataclass(frozen=True)
class Source:
    """One captured file: `identity` tells it from others; `text` is None where it is too large, binary or gone."""

    identity: str
    text: str | None


@dataclass(frozen=True)
class Side:
    """All that is compared of one task; `sources` are its captured files by name, as is `configuration`."""

    task: TaskRecord
    params: ParamsRecord = field(default_factory=ParamsRecord)
    script: ScriptRecord = field(default_factory=ScriptRecord)
    summary: SummaryRecord = field(default_factory=SummaryRecord)
    sources: dict[str, Source] = field(default_factory=dict)
    configuration: dict[str, Source] = field(default_factory=dict)
    project: str = ""


def read(paths: TaskPaths) -> Side:
    """Read what is compared of a task. Raises Damaged, FileNotFoundError."""
    script = tasks.read_script(paths)
    return Side(
        tasks.read(paths),
        tasks.read_params(paths),
        script,
        events.read_summary(paths),
        _sources(paths, script),
        _configuration(paths),
    )


def parameters(side: Side) -> dict[str, str]:
    """Return the parameters by section/name."""
    return {
        f"{section}/{name}": parameter.value
        for section, parameters in side.params.hyperparams.items()
        for name, parameter in parameters.items()
    }


def command(script: ScriptRecord) -> dict[str, str]:
    """Return how the program was called."""
    facts = {
        "entry point": script.module or script.entry_point,
        "working directory": script.working_dir,
        "arguments": " ".join(script.argv[1:]),
    }
    return {name: fact for name, fact in facts.items() if fact}


def git(script: ScriptRecord) -> dict[str, str]:
    """Return where the code came from."""
    facts = {
        "repository": script.repository,
        "branch": script.branch,
        "tag": script.tag,
        "commit": script.version_num,
        **{f"submodule {item.path}": item.version_num + (" (changed)" * item.dirty) for item in script.submodules},
    }
    return {name: fact for name, fact in facts.items() if fact}


def packages(side: Side) -> dict[str, str]:
    """Return the version of each package that the program imported."""
    return dict(side.script.requirements)


def series(side: Side) -> dict[str, LastMetric]:
    """Return what is known of each series by metric/variant, but for resources."""
    return {
        f"{metric}/{variant}": last
        for metric, variants in side.summary.last_metrics.items()
        if not metric.startswith(MONITOR)  # no two runs have the same, and it is not what they came to
        for variant, last in variants.items()
    }


def metrics(side: Side) -> dict[str, float]:
    """Return the last value of each series by metric/variant, but for resources."""
    return {name: number(last.value) for name, last in series(side).items()}


def host(side: Side) -> dict[str, str]:
    """Return what is known of the machine."""
    facts = {"host": side.task.host, "user": side.task.user, "python": side.script.python}
    facts |= {name: side.task.runtime.get(name, "") for name in _HOST_FACTS}
    return {name: fact for name, fact in facts.items() if fact}


def _sources(paths: TaskPaths, script: ScriptRecord) -> dict[str, Source]:
    found = {name: _source(paths, reference) for name, reference in script.code_files()}
    links = [(item.path, item.link) for item in script.untracked]
    links += [(f"{module.path}/{item.path}", item.link) for module in script.submodules for item in module.untracked]
    for path, link in links:
        if link is not None:
            found[f"untracked {path}"] = Source(f"link {link}", f"link to {link}")
    return found


def _configuration(paths: TaskPaths) -> dict[str, Source]:
    found = {}
    for name, item in configuration.read(paths).items():
        data = item.read()
        text = configuration.as_text(data) if len(data) <= MAX_SOURCE_BYTES else None
        found[name] = Source(hashlib.sha256(data).hexdigest(), text)
    return found


def _source(paths: TaskPaths, reference: FileRef) -> Source:
    data = read_source(paths, reference)
    return Source(reference.hash, None if data is None or b"\0" in data else data.decode("utf-8", "replace"))


def read_source(paths: TaskPaths, reference: FileRef, limit_bytes: int = MAX_SOURCE_BYTES) -> bytes | None:
    """Return the bytes of a captured file; None where it is too large or gone, or leads out of the task's folder."""
    path = paths.home / reference.path
    try:
        if not path.resolve().is_relative_to(paths.source.resolve()) or path.stat().st_size > limit_bytes:
            return None
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError):  # gone; a NUL in the name; links in a circle
        return None
