"""What task.json says of a run, as the records and files of a task that nobody sees yet."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ....core.errors import BadValue, Damaged
from ....core.names import MAX_LENGTH, MIN_LENGTH
from ....core.secrets import Masker
from ....core.task_types import TASK_TYPES
from ....disk.atomic import make_folders, replace_record, write_blob
from ....disk.layout import TaskPaths
from ....disk.text import format_yaml
from ....schema import codec
from ....schema.artifact import INPUT, OUTPUT, Artifact, ArtifactsRecord, TypeData
from ....schema.configuration import DICTIONARY, ConfigurationItem, ConfigurationRecord
from ....schema.model import Model, ModelsRecord
from ....schema.record import Container, FileRef, Parameter, ParamsRecord, ScriptRecord, TaskRecord
from ....store.configuration import MAX_NAME
from . import hocon
from .blobs import Taken
from .session import Session, list_of, mapping_of, text_of, texts_of, time_of

_SCRIPT = ("repository", "branch", "version_num", "working_dir", "entry_point", "binary")
_SUFFIX = re.compile(r"[a-z0-9]{1,10}\Z")
_MAX_PREVIEW_BYTES = 64 << 10
_CONTENT_TYPES = {
    ("pickle", "application/pickle", ".pkl"): "application/python-pickle",
    ("pandas", "text/csv", ".csv.gz"): "text/csv+gzip",
    ("data-audit-table", "text/csv", ".csv.gz"): "text/csv+gzip",
}
"""ClearML's media types of what taskstore reads under another: by type, media type and the file's suffix."""


def name_of(session: Session) -> str:
    """Return the name of the task: the session's, made longer where it is shorter than one may be."""
    return _named(session, session.name.strip() or session.id, "run")


def project_of(session: Session) -> str:
    """Return the name of the project: the session's, without parts that are empty."""
    parts = [part.strip() for part in session.project.split("/") if part.strip()]
    return _named(session, "/".join(parts) or "imported", "project")


def _named(session: Session, name: str, what: str) -> str:
    if len(name) < MIN_LENGTH:
        session.notes.add(f"{name!r} is too short for a name, and became {what} {name!r}")
        return f"{what} {name}"
    return name[:MAX_LENGTH].strip()


def fill_record(session: Session, record: TaskRecord) -> None:
    """Set what the session says of the task itself."""
    said = session.document
    kind = text_of(said.get("type"))
    if kind and kind not in TASK_TYPES:
        session.notes.add(f"type {kind!r} is none, and became {record.type!r}")
    record.type = kind if kind in TASK_TYPES else record.type
    record.tags = texts_of(said.get("tags"))
    record.system_tags = [tag for tag in texts_of(said.get("system_tags")) if tag != "development"]
    record.comment = text_of(said.get("comment"))
    record.container = _container(said)
    record.runtime = {text_of(key): _value_text(value) for key, value in mapping_of(said.get("runtime")).items()}
    record.user = text_of(said.get("user"))


def _container(said: dict[str, Any]) -> Container | None:
    given = mapping_of(said.get("container"))
    command = text_of(mapping_of(said.get("execution")).get("docker_cmd")).strip()
    image, _, arguments = command.partition(" ")
    found = Container(
        image=text_of(given.get("image")) or image,
        arguments=text_of(given.get("arguments")) or arguments.strip(),
        setup_shell_script=text_of(given.get("setup_shell_script")),
    )
    return found if found != Container() else None


def params(session: Session, masker: Masker) -> ParamsRecord:
    """Return the hyperparameters; what looks like a credential is masked."""
    record = ParamsRecord(rev=1)
    for section, items in mapping_of(session.document.get("hyperparams")).items():
        for name, item in mapping_of(items).items():
            given = mapping_of(item)
            text = _value_text(given.get("value"))
            shown = masker.value(text_of(name), text)
            if shown != text:
                session.notes.add(f"{text_of(section)}/{text_of(name)} looks like a credential, and was masked")
            record.hyperparams.setdefault(text_of(section), {})[text_of(name)] = Parameter(
                shown, text_of(given.get("type")) or None, text_of(given.get("description")) or None
            )
    return record


def _value_text(value: object) -> str:
    if isinstance(value, str) or value is None:
        return text_of(value)
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def script(session: Session, paths: TaskPaths) -> ScriptRecord:
    """Write the code that the session holds; return the record that names it."""
    given = mapping_of(session.document.get("script"))
    record = ScriptRecord(rev=1)
    for name in _SCRIPT:
        setattr(record, name, text_of(given.get(name)))
    diff = text_of(given.get("diff"))
    if diff and record.repository:
        record.diff = _kept(paths, paths.diff, diff)
    elif diff:  # outside of a repository it is the script itself
        name = PurePosixPath(record.entry_point.replace("\\", "/")).name
        record.standalone = _kept(paths, paths.standalone(name or "program.py"), diff)
    pip = mapping_of(given.get("requirements")).get("pip")
    text = "\n".join(texts_of(pip)) if isinstance(pip, list) else text_of(pip)
    if text.strip():
        make_folders(paths.source, until=paths.home)
        replace_record(paths.requirements, text.encode())
        record.requirements = _requirements(text)
    return record


def _kept(paths: TaskPaths, target: Path, text: str) -> FileRef:
    make_folders(target.parent, until=paths.home)
    digest, size_bytes = write_blob(target, [text.encode()])
    return FileRef(path=target.relative_to(paths.home).as_posix(), size=size_bytes, hash=digest)


def _requirements(text: str) -> dict[str, str]:
    """Return the versions of the packages that are pinned."""
    found = {}
    for line in text.splitlines():
        name, pinned, version = line.partition("#")[0].partition(";")[0].partition("==")
        if pinned and name.strip():
            found[name.strip()] = version.strip()
    return found


def configuration(session: Session, paths: TaskPaths, masker: Masker) -> ConfigurationRecord:
    """Write the configuration objects; return the record that names them."""
    record = ConfigurationRecord(rev=1)
    for key, item in mapping_of(session.document.get("configuration")).items():
        name, given = text_of(key), mapping_of(item)
        if not name or len(name) > MAX_NAME:
            session.notes.add("a configuration object without a name, or with one that is too long, was left out")
            continue
        data, kind, suffix = _configuration(session, name, given, masker)
        path = paths.config_file(name, suffix)
        make_folders(paths.config, until=paths.home)
        replace_record(path, data)
        record.configuration[name] = ConfigurationItem(
            name=name, type=kind, description=text_of(given.get("description")), file=path.name
        )
    return record


def _configuration(session: Session, name: str, given: dict[str, Any], masker: Masker) -> tuple[bytes, str, str]:
    """Return an object's bytes, type and suffix: a dictionary becomes YAML, any other text stays as it is."""
    text, kind = _value_text(given.get("value")), text_of(given.get("type"))
    if kind == DICTIONARY:
        try:
            value = hocon.loads(text)
        except (BadValue, RecursionError):
            session.notes.add(f"configuration {name!r} is kept as the HOCON that it is")
            return text.encode(), "hocon", "conf"
        if isinstance(value, dict):
            value, masked = masker.mapping(value)
            if masked:
                session.notes.add(f"configuration {name!r}: masked {', '.join(map(str, masked))}")
        return format_yaml(value), DICTIONARY, "yaml"  # type: ignore[arg-type]  # a list is spelled as well
    last = kind.lower()
    return text.encode(), kind or "txt", last if _SUFFIX.match(last) and last != "file" else "txt"


def artifacts(session: Session, taken: Taken, paths: TaskPaths) -> ArtifactsRecord:
    """Copy the artifacts' files; return the record that names them. Files that task.json does not name come too."""
    record = ArtifactsRecord(rev=1)
    seen: set[str] = set()
    weights = {
        session.weights(mapping_of(item.get("weights")).get("weights_filename")) for item in session.models.values()
    }
    for item in map(mapping_of, list_of(mapping_of(session.document.get("execution")).get("artifacts"))):
        key = text_of(item.get("key"))
        member = session.file(item.get("uri"))
        seen.add(member or "")
        if member is not None and member in weights:
            continue  # an export of ours: ClearML finds weights nowhere else
        if not key:
            session.notes.add("an artifact without a name was left out")
            continue
        record.artifacts[key] = _artifact(session, taken, paths, item, member)
    for member in session.files_below("artifacts"):
        key = member.rpartition("/artifacts/")[2].rpartition("/")[0]
        if member not in seen and key and key not in record.artifacts:
            session.notes.add(f"artifact {key!r} is in no list, and was taken by its file")
            record.artifacts[key] = _artifact(session, taken, paths, {"key": key, "type": "custom"}, member)
    return record


def _artifact(session: Session, taken: Taken, paths: TaskPaths, item: dict[str, Any], member: str | None) -> Artifact:
    key, said = text_of(item.get("key")), mapping_of(item.get("type_data"))
    artifact = Artifact(key=key, type=text_of(item.get("type")) or "custom", mode=_mode(item))
    seconds = item.get("timestamp")
    artifact.timestamp = time_of(seconds * 1000) if isinstance(seconds, (int, float)) else None
    preview = text_of(said.get("preview")).encode()[:_MAX_PREVIEW_BYTES].decode("utf-8", "ignore")
    content_type = text_of(said.get("content_type"))
    if member is not None:
        suffix = "".join(PurePosixPath(member).suffixes[-2:])
        for row, own in _CONTENT_TYPES.items():
            content_type = own if row[:2] == (artifact.type, content_type) and suffix.endswith(row[2]) else content_type
    # No seal, whatever the session says: a pickle from elsewhere is loaded by whoever says so, and by nobody else.
    artifact.type_data = TypeData(content_type=content_type, preview=preview)
    pairs = [list_of(pair) for pair in list_of(item.get("display_data"))]
    artifact.display_data = [[_value_text(part) for part in pair] for pair in pairs if len(pair) == 2]
    if member is None:
        artifact.uri = text_of(item.get("uri"))
        if "://" not in artifact.uri or artifact.uri.startswith("file:"):
            session.notes.add(f"artifact {key!r} is lost: its file is not in the session")
        return artifact
    with session.notes.of(f"artifact {key!r} is lost", Damaged):
        artifact.file = taken.below(member, paths.artifact_folder(key), key)
    wanted = text_of(item.get("hash"))
    if artifact.file is not None and wanted and wanted != artifact.file.hash:
        session.notes.add(f"artifact {key!r} is not what it was: its file has another SHA-256 than the session says")
    return artifact


def _mode(item: dict[str, Any]) -> str:
    return INPUT if item.get("mode") == INPUT else OUTPUT


def models(session: Session, taken: Taken, paths: TaskPaths, ended: datetime) -> ModelsRecord:
    """Copy the models' weights; return the record that names them. Weights that task.json does not name come too."""
    execution = mapping_of(session.document.get("execution"))
    record = ModelsRecord(rev=1, labels=_labels(execution.get("model_labels")), design=_design(execution))
    seen: set[str] = set()
    for item in session.models.values():
        weights = mapping_of(item.get("weights"))
        member = session.weights(weights.get("weights_filename"))
        seen.add(member or "")
        model = _model(session, item, ended)
        _take_weights(session, taken, paths, model, member, weights)
        record.output[model.id] = model
    for member in session.files_below("models"):
        if member not in seen:
            name = member.rpartition("/")[2]
            model = Model(id=_model_id(session, member), name=name, slot=name, created=ended, last_update=ended)
            session.notes.add(f"model {name!r} is in no list, and was taken by its file")
            _take_weights(session, taken, paths, model, member, {})
            record.output[model.id] = model
    return record


def _model(session: Session, item: dict[str, Any], ended: datetime) -> Model:
    said, weights = mapping_of(item.get("init")), mapping_of(item.get("weights"))
    name = text_of(said.get("name")) or name_of(session)
    iteration = weights.get("iteration")
    return Model(
        id=_model_id(session, text_of(item.get("id"))),
        name=name,
        slot=name,
        framework=text_of(said.get("framework")),
        labels=_labels(said.get("label_enumeration")),
        design=text_of(said.get("config_text")) or _design({"model_desc": said.get("config_dict")}),
        tags=texts_of(said.get("tags")),
        comment=text_of(weights.get("update_comment")) or text_of(said.get("comment")),
        is_package=weights.get("is_package") is True,
        iteration=iteration if type(iteration) is int else None,
        source=text_of(weights.get("weights_filename")),
        created=ended,
        last_update=ended,
    )


def _model_id(session: Session, source: str) -> str:
    return hashlib.sha256(f"{session.id}\0{source}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _take_weights(
    session: Session, taken: Taken, paths: TaskPaths, model: Model, member: str | None, said: dict[str, Any]
) -> None:
    if member is not None:
        with session.notes.of(f"the weights of model {model.name!r} are lost", Damaged):
            model.file = taken.below(member, paths.model_folder(model.name), model.id)
        return
    model.uri = text_of(said.get("register_uri"))
    if not model.uri:
        where = f": they were {model.source}" if model.source else ""
        session.notes.add(f"the weights of model {model.name!r} are not in the session{where}")


def _labels(value: object) -> dict[str, int]:
    return {text_of(key): item for key, item in mapping_of(value).items() if type(item) is int}


def _design(execution: dict[str, Any]) -> str:
    said = execution.get("model_desc")
    if isinstance(said, dict):
        plain = said.get("design", said)
        return plain if isinstance(plain, str) else json.dumps(plain) if plain else ""
    return text_of(said)


def write(
    paths: TaskPaths, *records: ParamsRecord | ScriptRecord | ConfigurationRecord | ArtifactsRecord | ModelsRecord
) -> None:
    """Write the records of a task that nobody sees yet."""
    places = {
        ParamsRecord: paths.params,
        ScriptRecord: paths.script,
        ConfigurationRecord: paths.configuration,
        ArtifactsRecord: paths.artifacts,
        ModelsRecord: paths.models,
    }
    for record in records:
        replace_record(places[type(record)], codec.encode(record))
