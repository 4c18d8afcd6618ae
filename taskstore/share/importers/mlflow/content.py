"""What MLflow says of a run, as the records of a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

import msgspec

from ....core.errors import BadName
from ....core.names import MAX_LENGTH, MIN_LENGTH, check_tag
from ....core.secrets import Masker
from ....core.states import Status
from ....core.urls import strip_credentials
from ....schema.artifact import INPUT, Artifact, TypeData
from ....schema.record import ARCHIVED, USER_PROPERTIES, Change, Parameter, ScriptRecord, TaskRecord
from ....store.liveness import NO_BEACON_S
from ..base import Notes
from .runs import Dataset, Experiment, Run

GENERAL = "General"
LOST = "lost"
_TAG_NAME, _TAG_NOTE, _TAG_PARENT, _TAG_USER = (
    "mlflow.runName",
    "mlflow.note.content",
    "mlflow.parentRunId",
    "mlflow.user",
)
_SOURCE = "mlflow.source."
TAG_DIFF = "mlflow.source.git.diff"
_SAID_ELSEWHERE = frozenset(
    {
        *(_TAG_NAME, _TAG_NOTE, _TAG_PARENT, _TAG_USER, TAG_DIFF, "mlflow.source.name", "mlflow.source.git.commit"),
        *(
            "mlflow.source.git.branch",
            "mlflow.source.git.repoURL",
            "mlflow.log-model.history",
            "mlflow.loggedArtifacts",
        ),
    }
)
_ENDS = {
    "FINISHED": (Status.COMPLETED, "completed"),
    "FAILED": (Status.FAILED, "failed"),
    "KILLED": (Status.STOPPED, "killed"),
}
_MAX_PREVIEW_CHARS = 60_000


def task_name(run: Run) -> str:
    """Return the name of the task: the run's, made longer where it is shorter than one may be."""
    name = (run.tags.get(_TAG_NAME) or run.name).strip() or run.id
    return (f"run {name}" if len(name) < MIN_LENGTH else name)[:MAX_LENGTH].strip()


def project_name(experiment: Experiment) -> str:
    """Return the name of the project: the experiment's, without parts that are empty."""
    parts = [part.strip() for part in experiment.name.split("/") if part.strip()]
    name = "/".join(parts) or f"experiment {experiment.id}".strip()
    return (f"experiment {name}" if len(name) < MIN_LENGTH else name)[:MAX_LENGTH].strip(" /")


def parent_id(run: Run) -> str:
    """Return the id of the run that a run is nested in; none is empty."""
    return run.tags.get(_TAG_PARENT, "").strip()


@dataclass(frozen=True)
class State:
    """What a run has come to: the fields of a record that a status brings."""

    status: Status
    reason: str = ""
    message: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    last_sign: datetime | None = None


def state_of(run: Run, last_point: datetime | None, now: datetime, notes: Notes) -> State:
    """Return what the run has come to. One that MLflow calls running runs, if there was a sign of it lately."""
    started = run.started or run.began
    last_sign = max(started, last_point or started)
    if run.status == "SCHEDULED":
        return State(Status.CREATED, last_sign=last_sign)
    if run.status == "RUNNING":
        if now - last_sign < timedelta(seconds=NO_BEACON_S):
            return State(Status.IN_PROGRESS, started=started, last_sign=last_sign)
        message = "MLflow has it as running, and nothing was logged for hours"
        return State(Status.FAILED, LOST, message, started, last_sign, last_sign)
    ended = max(run.ended or last_sign, started)
    known = _ENDS.get(run.status)
    if known is None:
        notes.add(f"its status is not known: {run.status or 'there is none'}; it became {Status.STOPPED.label}")
        return State(Status.STOPPED, "unknown", "", started, ended, ended)
    return State(*known, "", started, ended, ended)


def set_state(record: TaskRecord, state: State, began: datetime, now: datetime) -> None:
    """Set status, times and history of a task that nobody has touched since it was imported."""
    record.status, record.status_reason, record.status_message = state.status, state.reason, state.message
    record.started, record.completed = state.started, state.ended
    record.status_changed = state.ended or state.started or began
    record.active_duration = (state.ended - state.started).total_seconds() if state.ended and state.started else None
    record.last_update = state.last_sign if state.status is Status.IN_PROGRESS else now
    record.history = [Change(status=Status.CREATED, time=began)]
    if state.started is not None:
        record.history.append(Change(status=Status.IN_PROGRESS, time=state.started))
    if state.ended is not None:
        end = Change(status=state.status, time=state.ended, reason=state.reason, message=state.message)
        record.history.append(end)


def is_untouched(record: TaskRecord) -> bool:
    """Tell whether nobody has changed a task's status since it was imported, but for who has found that it is lost."""
    return all(not change.who or change.reason == LOST for change in record.history)


def fill_record(run: Run, record: TaskRecord, masker: Masker) -> None:
    """Set what the run says of itself."""
    record.created = run.began
    record.user = run.tags.get(_TAG_USER) or run.user
    record.host = ""
    record.comment = run.tags.get(_TAG_NOTE, "")
    record.tags = [tag for name in run.tags if (tag := _label(run, name))]
    record.system_tags = [ARCHIVED] if run.is_deleted or run.experiment.is_deleted else []
    record.runtime = {"mlflow.experiment": run.experiment.name}
    entry_point = {"mlflow.project.entryPoint": run.entry_point} if run.entry_point else {}
    for name, text in {**entry_point, **run.tags}.items():
        if name.startswith("mlflow.") and name not in _SAID_ELSEWHERE:
            record.runtime[name] = masker.value(name, text)


def _label(run: Run, name: str) -> str:
    """Return a tag without a value as the tag that it is here; any other is none."""
    if name.startswith("mlflow.") or run.tags[name].strip():
        return ""
    try:
        return check_tag(name)
    except BadName:
        return ""


def params(run: Run, masker: Masker, notes: Notes) -> dict[str, dict[str, Parameter]]:
    """Return parameters and, as user properties, tags; what looks like a credential is masked."""
    properties = {
        name: text for name, text in run.tags.items() if not name.startswith("mlflow.") and not _label(run, name)
    }
    found: dict[str, dict[str, Parameter]] = {}
    for section, values in ((GENERAL, run.params), (USER_PROPERTIES, properties)):
        for name, text in values.items():
            shown = masker.value(name, text)
            if shown != text:
                notes.add(f"{section}/{name} looks like a credential, and was masked")
            found.setdefault(section, {})[name] = Parameter(shown)
    return found


def script(run: Run) -> ScriptRecord:
    """Return what ran, as far as MLflow knows."""
    tags = run.tags
    source = tags.get("mlflow.source.name") or run.source_name
    record = ScriptRecord(rev=1)
    record.repository = strip_credentials(tags.get("mlflow.source.git.repoURL") or tags.get("mlflow.gitRepoURL", ""))
    record.branch = tags.get("mlflow.source.git.branch") or tags.get("mlflow.gitBranchName", "")
    record.version_num = tags.get("mlflow.source.git.commit") or run.source_version
    path = PurePosixPath(source.replace("\\", "/"))
    is_absolute = path.is_absolute() or path.drive != "" or source[1:2] == ":"
    record.entry_point = path.name if is_absolute else source
    record.cwd = str(path.parent) if is_absolute else ""
    return record


def dataset(data: Dataset, taken: Mapping[str, Artifact]) -> Artifact:
    """Return data that a run has read as an artifact that it was given: its address, and what MLflow says of it."""
    key = data.name if data.name not in taken else f"{data.name} {data.digest}"
    facts = {"digest": data.digest, "context": data.context, "source type": data.source_type, "source": data.source}
    said = {"schema": _parsed(data.schema), "profile": _parsed(data.profile)}
    preview = json.dumps({name: value for name, value in said.items() if value}, indent=1)
    return Artifact(
        key=key,
        type="dataset",
        mode=INPUT,
        uri=strip_credentials(_address(data.source)),
        type_data=TypeData(preview=preview[:_MAX_PREVIEW_CHARS] if any(said.values()) else ""),
        display_data=[[name, text] for name, text in facts.items() if text],
    )


def _parsed(text: str) -> object:
    try:
        found: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return found


def _address(source: str) -> str:
    """Return the address in what MLflow says of where data comes from; the keys are those of its kinds of sources."""
    said = _parsed(source)
    if isinstance(said, dict):
        for key in ("url", "uri", "path"):
            value = said.get(key)
            if isinstance(value, str):
                return value
    return ""


def sha256_of_text(data: bytes) -> str:
    """Return the SHA-256 of a text in hex."""
    return hashlib.sha256(data).hexdigest()


def model_id(run_or_model_id: str, key: str = "") -> str:
    """Return the id of a model here, which follows from MLflow's."""
    return hashlib.sha256(f"mlflow\0{run_or_model_id}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
