"""A task as one document, with ClearML's names for its fields; and a draft made of such a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..core.errors import BadValue
from ..core.task_types import TASK_TYPES
from ..disk.atomic import make_folders, replace_record, write_blob
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.artifact import Artifact
from ..schema.record import FileRef, Parameter, ParamsRecord, ScriptRecord, TaskRecord
from ..store import artifacts, events, places, tasks
from ..store.store import Store

_OWN = ("name", "type", "comment", "parent", "tags", "system_tags")
_SCRIPT = ("repository", "branch", "version_num", "working_dir", "entry_point", "binary")


def export(store: Store, paths: TaskPaths, *, with_outputs: bool = True) -> dict[str, Any]:
    """Return a task as a dictionary of plain values; without outputs, what a draft is made of."""
    record, summary = tasks.read(paths), events.read_summary(paths)
    found: dict[str, Any] = msgspec.to_builtins(record)
    found = {name: value for name, value in found.items() if name not in ("history", "rev", "trashed")}
    found |= {name: getattr(record, name) for name in (*_OWN, "status_reason", "status_message", "runtime")}
    for name in ("created", "started", "completed", "last_update", "status_changed"):
        found[name] = getattr(record, name)
    found["project"] = found["project_name"] = places.project_of(store, paths.home)
    found["script"] = _script(paths)
    found["hyperparams"] = {
        section: {name: {"section": section, "name": name} | msgspec.to_builtins(item) for name, item in items.items()}
        for section, items in tasks.read_params(paths).hyperparams.items()
    }
    found["execution"] = {"artifacts": [_artifact(item) for item in artifacts.read(paths).artifacts.values()]}
    found["last_iteration"] = summary.last_iteration or 0
    found["last_metrics"] = msgspec.to_builtins(summary.last_metrics)
    if with_outputs:
        return found
    kept = [item for item in found["execution"]["artifacts"] if item["mode"] == "input"]
    outputs = ("last_iteration", "last_metrics", "runtime", "status", "status_reason", "status_message")
    times = ("started", "completed", "status_changed", "active_duration")
    return {name: value for name, value in found.items() if name not in (*outputs, *times)} | {
        "execution": {"artifacts": kept}
    }


def _script(paths: TaskPaths) -> dict[str, Any]:
    script = tasks.read_script(paths)
    pip = paths.requirements.read_text("utf-8", "replace") if paths.requirements.is_file() else ""
    return {name: getattr(script, name) for name in _SCRIPT} | {
        "diff": diff_of(paths, script),
        "requirements": {"pip": pip},
        "argv": list(script.argv),
    }


def diff_of(paths: TaskPaths, script: ScriptRecord) -> str:
    """Return the changes that were not committed, as text."""
    if script.diff is None or not (paths.home / script.diff.path).resolve().is_relative_to(paths.home.resolve()):
        return ""
    try:
        return read_bytes(paths.home / script.diff.path).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def keep_diff(paths: TaskPaths, diff: str) -> FileRef | None:
    """Store changes that were not committed, in place of those that there are; nothing of an empty text."""
    if not diff:
        return None
    make_folders(paths.source, until=paths.home)
    paths.diff.unlink(missing_ok=True)
    digest, size = write_blob(paths.diff, [diff.encode("utf-8", "surrogateescape")])
    return FileRef(path=paths.diff.relative_to(paths.home).as_posix(), size=size, hash=digest)


def _artifact(item: Artifact) -> dict[str, Any]:
    return {
        "key": item.key,
        "type": item.type,
        "mode": item.mode,
        "uri": item.uri or (item.file.path if item.file else ""),
        "hash": item.hash,
        "content_size": item.content_size,
        "timestamp": item.timestamp,
        "type_data": {"preview": item.type_data.preview, "content_type": item.type_data.content_type},
        "display_data": item.display_data,
    }


def create(store: Store, document: Mapping[str, Any]) -> TaskPaths:
    """Make a draft of a document; outputs, times and status in it are passed over. Raises BadValue, BadName."""

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        _fill_record(record, document)
        params, script = ParamsRecord(rev=1), ScriptRecord(rev=1)
        _fill_params(params, document)
        _fill_script(paths, script, document)
        replace_record(paths.params, codec.encode(params))
        replace_record(paths.script, codec.encode(script))

    name, project = document.get("name"), document.get("project_name") or document.get("project")
    if not isinstance(name, str) or not isinstance(project, str):
        raise BadValue("a task's document needs name and project_name, as texts")
    return tasks.create(store, project, name, fill=fill)


def update(store: Store, task_id: str, document: Mapping[str, Any]) -> None:
    """Set what a document says of a draft: record, parameters and script. Raises BadValue, ReadOnly."""
    tasks.edit(store, task_id, lambda record: _fill_record(record, document, with_name=True))
    tasks.edit_params(store, task_id, lambda params: _fill_params(params, document))

    def change(script: ScriptRecord) -> None:
        _fill_script(places.locate(store, task_id), script, document)

    tasks.edit_script(store, task_id, change)


def _fill_record(record: TaskRecord, document: Mapping[str, Any], *, with_name: bool = False) -> None:
    for field in _OWN:
        value = document.get(field)
        if value is None or (field == "name" and not with_name):
            continue
        wanted = list if field in ("tags", "system_tags") else str
        if not isinstance(value, wanted):
            raise BadValue(f"{field} of a task's document must be a {wanted.__name__}, not {value!r}")
        setattr(record, field, value)
    record.system_tags = [tag for tag in record.system_tags if tag != "development"]
    if record.type not in TASK_TYPES:
        raise BadValue(f"no task type {record.type!r}; it is one of {', '.join(TASK_TYPES)}")


def _fill_params(params: ParamsRecord, document: Mapping[str, Any]) -> None:
    for section, items in (document.get("hyperparams") or {}).items():
        params.hyperparams[section] = {
            name: Parameter(str(item.get("value", "")), item.get("type"), item.get("description"))
            for name, item in items.items()
        }


def _fill_script(paths: TaskPaths, script: ScriptRecord, document: Mapping[str, Any]) -> None:
    given = document.get("script") or {}
    for field in _SCRIPT:
        if isinstance(given.get(field), str):
            setattr(script, field, given[field])
    script.argv = [str(word) for word in given.get("argv") or script.argv]
    if given.get("diff"):
        script.diff = keep_diff(paths, str(given["diff"]))
    pip = (given.get("requirements") or {}).get("pip")
    if isinstance(pip, str) and pip:
        make_folders(paths.source, until=paths.home)
        replace_record(paths.requirements, pip.encode())
