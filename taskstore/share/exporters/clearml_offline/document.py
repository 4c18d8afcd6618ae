"""A task's records as the task.json of a session. What ClearML's reader takes has ClearML's names.

It passes over what it does not know, so that status, times and user are said here too: taskstore's own import reads
them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from ....core.clock import to_text
from ....core.errors import Damaged, NotFound
from ....core.states import Status
from ....disk.atomic import chunks_of
from ....disk.layout import TaskPaths
from ....disk.text import parse_yaml
from ....schema.configuration import DICTIONARY
from ....schema.record import ScriptRecord, TaskRecord
from ....store import configuration, copies, events, models, tasks
from ...notes import Notes

MAX_TEXT_BYTES = 8 << 20
"""The longest text in task.json: ClearML's server keeps the whole document in 16 MiB."""

_SCRIPT = ("repository", "branch", "tag", "version_num", "working_dir", "entry_point", "binary")
_TUPLE = "tag:yaml.org,2002:python/tuple"
_FLOAT = r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"


def of_task(paths: TaskPaths, record: TaskRecord, project: str, notes: Notes) -> dict[str, Any]:
    """Return all of the document but what names files. Raises Damaged."""
    said = _record(record, project)
    found = models.read(paths)
    said["execution"] = {
        **({"model_labels": found.labels} if found.labels else {}),
        **({"model_desc": {"design": found.design}} if found.design else {}),
    }
    said["hyperparams"] = {
        section: {name: {"section": section, "name": name} | msgspec.to_builtins(item) for name, item in items.items()}
        for section, items in tasks.read_params(paths).hyperparams.items()
    }
    said["configuration"] = _configuration(paths, notes)
    said["script"] = _script(paths, notes)
    said["last_iteration"] = events.read_summary(paths).last_iteration or 0
    _note_record(record, notes)
    return said


def _record(record: TaskRecord, project: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": record.name,
        "project_name": project,
        "type": record.type,
        "status": record.status.value,
        "status_reason": record.status_reason,
        "status_message": record.status_message,
        "user": record.user,
        "host": record.host,
        "tags": record.tags,
        "system_tags": record.system_tags,
        "comment": record.comment,
        "runtime": record.runtime,
        "offline_folder": "",
    }
    for name in ("created", "started", "completed", "last_update", "status_changed"):
        moment = getattr(record, name)
        said |= {name: to_text(moment)} if moment is not None else {}
    if record.active_duration is not None:
        said["active_duration"] = record.active_duration
    if record.container is not None:
        said["container"] = msgspec.to_builtins(record.container)
    said["taskstore"] = {"id": record.id} | ({"parent": record.parent} if record.parent else {})
    return said


def _note_record(record: TaskRecord, notes: Notes) -> None:
    if record.status is not Status.COMPLETED:
        notes.add(f"the task is {record.status.label.lower()}; ClearML's reader makes every task completed")
    if record.parent:
        notes.add(f"the parent {record.parent} is for taskstore only: ClearML wants the id of a task of its server")
    if record.output_destination:
        notes.add("the output destination is left out: ClearML's reader stops at one that it cannot write to")


def _configuration(paths: TaskPaths, notes: Notes) -> dict[str, Any]:
    found = {}
    for name, item in configuration.read(paths).items():
        text, kind = _text(item.path, f"configuration {name!r}", notes), item.type
        if text is None:
            continue
        if kind == DICTIONARY:
            text, kind = _dictionary(name, text, notes)
        said = {"name": name, "type": kind, "value": text}
        found[name] = said | ({"description": item.description} if item.description else {})
    return found


def _dictionary(name: str, text: str, notes: Notes) -> tuple[str, str]:
    """Return a dictionary as JSON, which is HOCON too; one that is no YAML stays as it is."""
    try:
        value = parse_yaml(text.encode(), _loader(), ValueError)
    except ValueError:
        notes.add(f"configuration {name!r} is no YAML, and is kept as text")
        return text, "yaml"
    plain, is_exact = _plain(value)
    if not is_exact:
        notes.add(f"values in configuration {name!r} for which JSON has no spelling became texts")
    return json.dumps(plain, ensure_ascii=False, indent=2), DICTIONARY


def _plain(value: object) -> tuple[Any, bool]:
    """Reduce a value of YAML to what JSON has; false with it where something became a text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value, True
    if isinstance(value, float):
        is_finite = value - value == 0.0
        return (value if is_finite else str(value)), is_finite
    if isinstance(value, dict):
        items = {
            key if isinstance(key, str) else json.dumps(key, default=str): _plain(each) for key, each in value.items()
        }
        is_exact = all(isinstance(key, str) for key in value) and all(each[1] for each in items.values())
        return {key: each[0] for key, each in items.items()}, is_exact
    if isinstance(value, (list, tuple)):
        found = [_plain(each) for each in value]
        return [each[0] for each in found], all(each[1] for each in found)
    return str(value), False


def _loader() -> type:
    """Return the safe loader of YAML, with the two additions in which taskstore writes configurations."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def sequence(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
        found: list[Any] = loader.construct_sequence(node, deep=True)
        return found

    Loader.add_constructor(_TUPLE, sequence)
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+0123456789"))
    return Loader


def _script(paths: TaskPaths, notes: Notes) -> dict[str, Any]:
    script = tasks.read_script(paths)
    said: dict[str, Any] = {name: getattr(script, name) for name in _SCRIPT if getattr(script, name)}
    if script.module:
        said["entry_point"] = f"-m {script.module}"
    diff = _diff(paths, script, notes)
    if diff:
        said["diff"] = diff
    if paths.requirements.is_file():
        pip = _text(paths.requirements, "the list of packages", notes)
        said |= {"requirements": {"pip": pip}} if pip else {}
    _note_script(script, notes)
    return said


def _diff(paths: TaskPaths, script: ScriptRecord, notes: Notes) -> str:
    """Return what ClearML calls the diff: the uncommitted changes, or outside of a repository the script itself."""
    ref = script.diff if script.repository else script.standalone
    if ref is None:
        return ""
    with notes.of("the code is left out", Damaged, NotFound):
        return _text(copies.checked(paths, ref, "the code"), "the code", notes) or ""
    return ""


def _note_script(script: ScriptRecord, notes: Notes) -> None:
    if script.repository and script.standalone is not None:
        notes.add("the script, which neither commit nor changes hold, is left out")
    if script.bundle is not None:
        notes.add("the commits that no remote had are left out")
    for item in script.untracked:
        notes.add(f"the untracked file {item.path} is left out")
    for module in script.submodules:
        if any((module.diff, module.bundle, module.untracked)):
            notes.add(f"the changes in submodule {module.path} are left out")


def _text(path: Path, what: str, notes: Notes) -> str | None:
    """Return a text file's text; None, which is noted, where it is too long or no text."""
    data = bytearray()
    try:
        for chunk in chunks_of(path):
            data += chunk
            if len(data) > MAX_TEXT_BYTES:
                notes.add(f"{what} is left out: it is longer than {MAX_TEXT_BYTES >> 20} MiB")
                return None
    except OSError as error:
        notes.add(f"{what} is left out: {error.strerror or error}")
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        notes.add(f"what is no UTF-8 in {what} became replacement characters")
        text = data.decode("utf-8", "replace")
    if "\0" in text:
        notes.add(f"{what} is left out: it is no text")
        return None
    return text
