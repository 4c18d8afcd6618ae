"""What differs between two tasks: parameters, code, packages, metrics, the machine. Reads; changes nothing."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field

from ..disk.layout import TaskPaths
from ..schema.codec import number
from ..schema.record import MONITOR, FileRef, ParamsRecord, ScriptRecord, SummaryRecord, TaskRecord
from ..store import configuration, events, tasks

MAX_SOURCE_BYTES = 1 << 20
_MAX_LINES = 20_000
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


@dataclass(frozen=True)
class Pair:
    """One thing as each of two tasks has it; None where one has it not."""

    name: str
    left: str | float | None
    right: str | float | None

    @property
    def is_same(self) -> bool:
        """Whether there is no difference: NaN is as good as NaN."""
        return self.left == self.right or (self.left != self.left and self.right != self.right)

    @property
    def difference(self) -> float | None:
        """By how much the right number is greater; None where not both are numbers."""
        if isinstance(self.left, (int, float)) and isinstance(self.right, (int, float)):
            return self.right - self.left
        return None


@dataclass(frozen=True)
class SourcePair:
    """One captured file as each of two tasks has it: `lines` is a unified diff, or one line that says what differs."""

    name: str
    is_same: bool
    lines: list[str]


@dataclass(frozen=True)
class Comparison:
    """All that two tasks have, pair by pair, by section and name: what is the same, too."""

    parameters: list[Pair]
    command: list[Pair]
    git: list[Pair]
    packages: list[Pair]
    metrics: list[Pair]
    host: list[Pair]
    source: list[SourcePair]
    configuration: list[SourcePair]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        pairs = [*self.parameters, *self.command, *self.git, *self.packages, *self.metrics, *self.host]
        return all(pair.is_same for pair in pairs) and all(item.is_same for item in (*self.source, *self.configuration))


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


def compare(left: Side, right: Side) -> Comparison:
    """Set two tasks side by side."""
    return Comparison(
        parameters=_pairs(_parameters(left), _parameters(right)),
        command=_pairs(_command(left.script), _command(right.script), is_sorted=False),
        git=_pairs(_git(left.script), _git(right.script), is_sorted=False),
        packages=_pairs(dict(left.script.requirements), dict(right.script.requirements)),
        metrics=_pairs(_metrics(left), _metrics(right)),
        host=_pairs(_host(left), _host(right), is_sorted=False),
        source=_source_pairs(left.sources, right.sources),
        configuration=_source_pairs(left.configuration, right.configuration),
    )


Values = dict[str, str] | dict[str, float]


def _pairs(left: Values, right: Values, *, is_sorted: bool = True) -> list[Pair]:
    names = list(dict.fromkeys([*left, *right]))
    return [Pair(name, left.get(name), right.get(name)) for name in (sorted(names) if is_sorted else names)]


def _parameters(side: Side) -> dict[str, str]:
    return {
        f"{section}/{name}": parameter.value
        for section, parameters in side.params.hyperparams.items()
        for name, parameter in parameters.items()
    }


def _command(script: ScriptRecord) -> dict[str, str]:
    facts = {
        "entry point": script.module or script.entry_point,
        "working directory": script.working_dir,
        "arguments": " ".join(script.argv[1:]),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _git(script: ScriptRecord) -> dict[str, str]:
    facts = {
        "repository": script.repository,
        "branch": script.branch,
        "tag": script.tag,
        "commit": script.version_num,
        **{f"submodule {item.path}": item.version_num + (" (changed)" * item.dirty) for item in script.submodules},
    }
    return {name: fact for name, fact in facts.items() if fact}


def _metrics(side: Side) -> dict[str, float]:
    return {
        f"{metric}/{variant}": number(last.value)
        for metric, variants in side.summary.last_metrics.items()
        if not metric.startswith(MONITOR)  # no two runs have the same, and it is not what they came to
        for variant, last in variants.items()
    }


def _host(side: Side) -> dict[str, str]:
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


def _source_pairs(left: dict[str, Source], right: dict[str, Source]) -> list[SourcePair]:
    return [_source_pair(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]


def _source_pair(name: str, left: Source | None, right: Source | None) -> SourcePair:
    if left == right:
        return SourcePair(name, is_same=True, lines=[])
    before, after = _lines(left), _lines(right)
    if before is None or after is None or len(before) + len(after) > _MAX_LINES:
        return SourcePair(name, is_same=False, lines=["they differ; too large, or not text, to be shown here"])
    lines = difflib.unified_diff(before, after, fromfile=f"a/{name}", tofile=f"b/{name}", lineterm="")
    return SourcePair(name, is_same=False, lines=list(lines))


def _lines(source: Source | None) -> list[str] | None:
    if source is None or source.text is None:
        return [] if source is None else None
    lines = source.text.split("\n")
    if lines[-1]:
        return [*lines, "\\ No newline at end of file"]
    return lines[:-1]
