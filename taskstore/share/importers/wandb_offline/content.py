"""The records of a run, one after another, written into a draft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from ....core.errors import BadValue, Damaged
from ....core.urls import strip_credentials
from ....schema.artifact import Artifact
from ....schema.record import MONITOR, Parameter
from ...foreign import folders
from ...foreign.draft import Draft
from ...foreign.logs import text_of
from . import values
from .console import Console
from .history import History
from .machine import Machine
from .media import Media

_TYPES = {
    **{"train": "training", "training": "training", "eval": "testing", "evaluate": "testing", "test": "testing"},
    **{"evaluation": "testing", "inference": "inference", "predict": "inference", "preprocess": "data_processing"},
}
"""Task types by W&B's job type, which may be any text."""
_OWN_ARTIFACTS = ("run_table", "wandb-history", "wandb-run-history", "job", "code")
"""Types of artifacts that W&B makes by itself, of what is in the run in another form."""
_OWN_CONFIG = "_wandb"


def seconds_of(timestamp: Any) -> float:  # noqa: ANN401 - a Timestamp
    """Return a Timestamp as seconds since 1970."""
    seconds: float = timestamp.seconds + timestamp.nanos / 1e9
    return seconds


class Content:
    """Takes a run's records. `finish` writes what is known at the end only."""

    def __init__(self, draft: Draft, files: Path, began: float) -> None:
        logs = draft.logs()
        self.media = Media(draft, logs, files)
        self.console = Console(logs)
        self.machine = Machine(draft)
        self.exit_code: int | None = None
        self._draft = draft
        self._notes = draft.notes
        self._logs = logs
        self._began = began
        self._config: dict[str, Any] = {}
        self._history = History(logs, self.media, draft.notes)
        self._take: dict[str, Callable[[Any], None]] = {
            **{"run": self._run, "config": self._change_config, "history": self._history.take},
            **{"metric": self._history.define, "summary": self._history.summarise, "stats": self._stats},
            **{"output_raw": self._output, "output": self._output, "output_logger": self._log_line},
            **{"artifact": self._artifact, "use_artifact": self._use_artifact, "environment": self.machine.environment},
            **{"exit": self._exit, "preempting": self._preempting, "tbrecord": self._tensorboard, "alert": self._alert},
        }
        self._output_kind = ""

    def take(self, record: Any) -> None:  # noqa: ANN401 - a Record
        """Take the next record."""
        kind = record.WhichOneof("kind")
        if kind is None:
            return
        if kind not in ("history", "summary"):
            self._history.settle()
        if kind in ("output_raw", "output", "output_logger"):
            self._output_kind = self._output_kind or kind
            if kind != self._output_kind:
                return  # the same once more
        with self._notes.of(f"a record of kind {kind} was left out", BadValue):
            self._take[kind](getattr(record, kind))

    def finish(self) -> None:
        """Write what stands at the end: parameters, and how it has ended."""
        self._draft.parameters("General", {key: value for key, value in self._config.items() if key != _OWN_CONFIG})
        facts = self._draft.facts
        if self.exit_code is None:
            facts.status, facts.reason = "failed", facts.reason or "no end was recorded"
        else:
            self._history.settle()
            self.console.finish()
            if self.exit_code:
                facts.status, facts.reason = "failed", f"exit code {self.exit_code}"
            else:
                facts.reason = ""

    def _run(self, run: Any) -> None:  # noqa: ANN401
        values.update(self._config, run.config.update)
        facts = self._draft.facts
        facts.comment = text_of(run.notes) or facts.comment
        facts.tags = list(map(text_of, run.tags)) or facts.tags
        facts.host = text_of(run.host) or facts.host
        facts.type = _TYPES.get(run.job_type.lower(), "")
        said = {"entity": run.entity, "group": run.run_group, "job_type": run.job_type, "sweep": run.sweep_id}
        properties = {name: Parameter(text_of(text), "str") for name, text in said.items() if text}
        if properties:
            self._draft.params.hyperparams.setdefault("properties", {}).update(properties)
        self.machine.repository(run.git)
        if run.resumed:
            self._notes.add("it goes on with a run that W&B had before; what that logged is not in it")

    def _change_config(self, config: Any) -> None:  # noqa: ANN401
        values.update(self._config, config.update)
        values.remove(self._config, config.remove)

    def _output(self, output: Any) -> None:  # noqa: ANN401
        self.console.take("stdout" if output.output_type else "stderr", output.line, seconds_of(output.timestamp))

    def _log_line(self, output: Any) -> None:  # noqa: ANN401
        self.console.take("stdout", f"{output.line}\n", self._logs.at)

    def _stats(self, stats: Any) -> None:  # noqa: ANN401
        self._logs.at = seconds_of(stats.timestamp)
        second = max(0, int(self._logs.at - self._began))
        for item in stats.item:
            found = values.number(values.parse(item.value_json))
            if found is not None:
                title = f"{MONITOR}gpu" if item.key.startswith("gpu") else f"{MONITOR}machine"
                self._logs.report_scalar(title, item.key, found, second)

    def _exit(self, ended: Any) -> None:  # noqa: ANN401
        self.exit_code = ended.exit_code

    def _preempting(self, _: Any) -> None:  # noqa: ANN401
        self._draft.facts.reason = "preempted"

    def _tensorboard(self, record: Any) -> None:  # noqa: ANN401
        self._notes.add(f"what it wrote for TensorBoard is in {text_of(record.log_dir)}: import it from there")

    def _alert(self, alert: Any) -> None:  # noqa: ANN401
        self._notes.add(f"an alert: {text_of(alert.title)}: {text_of(alert.text)}")

    def _use_artifact(self, used: Any) -> None:  # noqa: ANN401
        self._notes.add(f"it used the artifact {text_of(used.name)}, of type {text_of(used.type)}")

    def _artifact(self, artifact: Any) -> None:  # noqa: ANN401
        if artifact.type in _OWN_ARTIFACTS:
            return
        name = text_of(artifact.name)
        entries = list(artifact.manifest.contents)
        if artifact.manifest.manifest_file_path and not entries:
            self._notes.add(f"artifact {name!r} is lost: what is in it stands in a file elsewhere")
        about = {
            **{"type": text_of(artifact.type), "description": text_of(artifact.description)},
            **{"metadata": text_of(artifact.metadata), "aliases": ", ".join(map(text_of, artifact.aliases))},
        }
        for entry in entries[: folders.MAX_FILES]:
            key = name if len(entries) == 1 else f"{name}/{text_of(entry.path)}"
            if entry.ref:
                self._refer(key, text_of(entry.ref), about)
                continue
            path = Path(entry.local_path)
            if not path.is_absolute() or not folders.is_whole(path, entry.size, entry.digest):
                self._notes.add(f"artifact {key!r} is lost: its file is not there any more, or is another one")
                continue
            with self._notes.of(f"artifact {key!r} is lost", Damaged):
                self._draft.artifact(key, path, about=about, name=PurePosixPath(entry.path).name)

    def _refer(self, key: str, address: str, about: dict[str, str]) -> None:
        display = [[name, text] for name, text in about.items() if text]
        found = Artifact(key=key, type="custom", uri=strip_credentials(address), display_data=display)
        self._draft.artifacts.artifacts.setdefault(key, found)
