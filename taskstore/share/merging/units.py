"""A task's records as units and back: which part of which file merges as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...disk.layout import ARTIFACTS, CONFIGURATION, MODELS, PARAMS, RECORD, SCRIPT
from ...schema.ancestry import LOCAL_FIELDS, STATUS_FIELDS, fields_of, parameters_of, unit_name, unit_parts
from ...schema.artifact import INPUT
from ...schema.record import DEVELOPMENT, TaskRecord
from .state import PROJECT, STATUS

Values = dict[str, Any]
"""Plain JSON values by unit. A unit that is not there has none, or null."""

IMPORTED = "imported"
OWN_KIND = "taskstore"
"""The kind of the marks of `imported` that say from which store a task came: they stay where they were made."""
HASH_CHARS = 12
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_FIELD_ORDER = {name: at for at, name in enumerate(TaskRecord.__struct_fields__)}


def of_task(record: Mapping[str, Any]) -> Values:
    """Return the units of task.json, but for the project, which is where its folder is."""
    values = fields_of(record)
    marks = [mark for mark in values.pop(IMPORTED, []) if mark.get("kind") != OWN_KIND]
    if marks:
        values[IMPORTED] = marks
    status = {key: value for key, value in record.items() if key in STATUS_FIELDS}
    execution = {key: value for key, value in (status.pop("execution", None) or {}).items() if key != "trusted"}
    if execution:
        status["execution"] = execution
    if DEVELOPMENT in record.get("system_tags", []):
        status[DEVELOPMENT] = True
    return {STATUS: status, **values}


def of_params(record: Mapping[str, Any]) -> Values:
    """Return the units of params.json."""
    return parameters_of(record) | _rest("params", record, "hyperparams")


def of_script(record: Mapping[str, Any]) -> Values:
    """Return the one unit of script.json."""
    return _rest("script", record)


def of_configuration(record: Mapping[str, Any]) -> Values:
    """Return the units of config.json: what is said of the objects, and not their files."""
    items = record.get("configuration", {})
    values = {unit_name("configuration", name): item for name, item in items.items()}
    return values | _rest("configuration", record, "configuration")


def of_artifacts(record: Mapping[str, Any]) -> Values:
    """Return the units of artifacts.json: what the task was given, and what it made."""
    values: Values = {}
    for key, item in record.get("artifacts", {}).items():
        values[unit_name("inputs" if item.get("mode") == INPUT else "artifacts", key)] = item
    return values | _rest("artifacts", record, "artifacts")


def of_models(record: Mapping[str, Any]) -> Values:
    """Return the units of models.json."""
    values: Values = {}
    for kind in ("input", "output"):
        values.update({unit_name(f"models.{kind}", key): item for key, item in record.get(kind, {}).items()})
    return values | _rest("models", record, "input", "output")


def _rest(name: str, record: Mapping[str, Any], *others: str) -> Values:
    rest = {key: value for key, value in record.items() if key != "rev" and key not in others}
    return {name: rest} if rest else {}


def records(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the records that these units are of, without what is local in them; one that is empty is left out."""
    task: dict[str, Any] = {}
    made: dict[str, dict[str, Any]] = {
        RECORD: task,
        PARAMS: {},
        SCRIPT: {},
        CONFIGURATION: {},
        ARTIFACTS: {},
        MODELS: {},
    }
    for name, value in values.items():
        if value is None:
            continue
        kind = name.partition("/")[0]
        if name == STATUS:
            task.update((key, part) for key, part in value.items() if key != DEVELOPMENT)
        elif kind == "params":
            _put(made[PARAMS], name, value, "hyperparams", depth=3)
        elif kind == "script":
            made[SCRIPT].update(value)
        elif kind == "configuration":
            _put(made[CONFIGURATION], name, value, "configuration", depth=2)
        elif kind in ("artifacts", "inputs"):
            _put(made[ARTIFACTS], name, value, "artifacts", depth=2)
        elif kind in ("models", "models.input", "models.output"):
            _put(made[MODELS], name, value, kind.partition(".")[2], depth=2)
        elif kind not in (PROJECT, "file") and _is_field(field := _field_of(name)):
            task[field] = value
    if values.get(STATUS, {}).get(DEVELOPMENT):
        task["system_tags"] = [DEVELOPMENT, *task.get("system_tags", [])]
    made[RECORD] = dict(sorted(task.items(), key=lambda item: _FIELD_ORDER.get(item[0], len(_FIELD_ORDER))))
    return {name: record for name, record in made.items() if record}


def _field_of(name: str) -> str:
    """Return which field of task.json a unit is; below `task` stands one whose name could be another unit's."""
    if not name.startswith("task/"):
        return name
    field = unit_parts(name, 2)[1]
    return field if "/" in field or field == PROJECT else ""


def _is_field(field: str) -> bool:
    """Tell whether a field is a unit of its own: who sends a state must not get at those that are not."""
    return bool(field) and field not in LOCAL_FIELDS and field not in STATUS_FIELDS


def _put(record: dict[str, Any], name: str, value: Any, field: str, *, depth: int) -> None:  # noqa: ANN401 - JSON
    """Put a unit's value to where it stands in its record; a unit without a key is all else that the record holds."""
    if "/" not in name:
        record.update(value)
        return
    _, *sections, key = unit_parts(name, depth)
    place = record.setdefault(field, {})
    for section in sections:
        place = place.setdefault(section, {})
    place[key] = value


def references(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - plain JSON values
    """Yield every file that a value names by path, size and hash."""
    if isinstance(value, dict):
        if _is_reference(value):
            yield value
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def _is_reference(value: dict[str, Any]) -> bool:
    return (
        isinstance(value.get("path"), str) and isinstance(value.get("size"), int) and isinstance(value.get("hash"), str)
    )


def with_paths(value: Any, path_of: Callable[[dict[str, Any]], str]) -> Any:  # noqa: ANN401 - plain JSON values
    """Return a value whose references have other paths."""
    if isinstance(value, dict):
        if _is_reference(value):
            return {**value, "path": path_of(value)}
        return {key: with_paths(item, path_of) for key, item in value.items()}
    return [with_paths(item, path_of) for item in value] if isinstance(value, list) else value


def is_hash(text: str) -> bool:
    """Tell whether a text is a SHA-256 in hex."""
    return _HASH.match(text) is not None


def canonical(path: str, digest: str) -> str:
    """Return where a blob would be were nothing in its way: what a version of a record says of it."""
    *folders, above, name = ["", "", *path.split("/")]
    return "/".join([*folders[2:], name]) if above == digest[:HASH_CHARS] and len(folders) > 2 else path


def aside(path: str, digest: str) -> str:
    """Return where a blob is when another one has its place."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{digest[:HASH_CHARS]}/{name}"
