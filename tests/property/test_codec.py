"""What this program does not know of a record survives every edit that it makes."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from taskstore.core.states import Status
from taskstore.schema import codec
from taskstore.schema.record import (
    Change,
    FileRef,
    Parameter,
    ParamsRecord,
    ScriptRecord,
    TaskRecord,
    Trashed,
    Untracked,
)

PATH = Path("record.json")
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001
CHANGES = st.builds(Change, status=st.sampled_from(Status), time=TIMES, reason=TEXT, message=TEXT, who=TEXT)
FILES = st.builds(FileRef, path=TEXT, size=st.integers(0, 2**60), hash=TEXT)
TASKS = st.builds(
    TaskRecord,
    id=st.just("0" * 32),
    rev=st.integers(0, 2**40),
    name=TEXT,
    type=TEXT,
    status=st.sampled_from(Status),
    created=TIMES,
    started=st.none() | TIMES,
    active_duration=st.none() | st.floats(0, 1e9),
    tags=st.lists(TEXT, max_size=3),
    comment=TEXT,
    runtime=st.dictionaries(TEXT, TEXT, max_size=3),
    history=st.lists(CHANGES, max_size=4),
    trashed=st.none() | st.builds(Trashed, project=TEXT, time=TIMES, who=TEXT),
)
PARAMETERS = st.builds(Parameter, value=TEXT, type=st.none() | TEXT, description=st.none() | TEXT)
PARAMS = st.builds(
    ParamsRecord,
    rev=st.integers(0, 99),
    hyperparams=st.dictionaries(TEXT, st.dictionaries(TEXT, PARAMETERS, max_size=3), max_size=3),
)
UNTRACKED = st.builds(Untracked, path=TEXT, file=st.none() | FILES, executable=st.booleans(), link=st.none() | TEXT)
SCRIPTS = st.builds(ScriptRecord, repository=TEXT, diff=st.none() | FILES, untracked=st.lists(UNTRACKED, max_size=3))
RECORDS = TASKS | PARAMS | SCRIPTS
ALIENS = st.dictionaries(
    TEXT.map(lambda key: f"alien {key}"),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**80), 2**80) | TEXT,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=2,
)


@given(RECORDS)
def test_a_record_comes_back_from_its_bytes(record: msgspec.Struct) -> None:
    assert codec.decode(type(record), codec.encode(record), PATH) == record


def structs_of(record: msgspec.Struct, plain: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Every JSON object in `plain` that is a struct of the record, at any depth."""
    found = [plain]
    if isinstance(record, TaskRecord):
        found += plain.get("history", [])
        found += [plain["trashed"]] if "trashed" in plain else []
    elif isinstance(record, ParamsRecord):
        found += [each for section in plain.get("hyperparams", {}).values() for each in section.values()]
    elif isinstance(record, ScriptRecord):
        items = plain.get("untracked", [])
        found += [*items, *(item["file"] for item in items if "file" in item)]
        found += [plain["diff"]] if "diff" in plain else []
    return found


def edited(record: msgspec.Struct, data: st.DataObject) -> msgspec.Struct:
    """The record with known fields changed; what holds a struct keeps holding one."""
    record = copy.deepcopy(record)
    for struct in [record, *inner_structs(record)]:
        for field in msgspec.structs.fields(type(struct)):
            if field.type is str and data.draw(st.booleans()):
                setattr(struct, field.name, data.draw(TEXT))
    return record


def inner_structs(record: msgspec.Struct) -> list[msgspec.Struct]:
    if isinstance(record, TaskRecord):
        return [*record.history, *([record.trashed] if record.trashed else [])]
    if isinstance(record, ParamsRecord):
        return [each for section in record.hyperparams.values() for each in section.values()]
    assert isinstance(record, ScriptRecord)
    return [*record.untracked, *([record.diff] if record.diff else [])]


def is_confused(before: list[msgspec.Struct], after: list[msgspec.Struct]) -> bool:
    """Whether an entry was edited to look like what another one was: the two cannot be told apart."""
    return any(new in before and new != old for new, old in zip(after, before, strict=True))


@given(RECORDS, st.data())
def test_unknown_keys_at_every_depth_survive_any_known_edit(record: msgspec.Struct, data: st.DataObject) -> None:
    plain = msgspec.json.decode(codec.encode(record))
    added = []
    for struct in structs_of(record, plain):
        aliens = data.draw(ALIENS)
        struct.update(aliens)
        added.append(aliens)
    previous = msgspec.json.encode(plain)
    known = codec.decode(type(record), previous, PATH)
    assert known == record
    after = edited(known, data)
    assume(not is_confused(inner_structs(known), inner_structs(after)))
    written = codec.encode_over(after, previous, PATH)
    assert codec.decode(type(record), written, PATH) == after
    survivors = structs_of(after, msgspec.json.decode(written))
    found = [{key: value for key, value in struct.items() if key.startswith("alien ")} for struct in survivors]
    assert found == added


@given(TASKS, st.integers(0, 4), st.lists(CHANGES, max_size=2))
def test_a_history_that_loses_its_oldest_keeps_the_unknown_keys_of_the_rest(task, lost, gained) -> None:
    plain = msgspec.json.decode(codec.encode(task))
    for index, entry in enumerate(plain.get("history", [])):
        entry["alien"] = index
    kept = task.history[lost:]
    after = msgspec.structs.replace(task, history=[*kept, *gained])
    written = msgspec.json.decode(codec.encode_over(after, msgspec.json.encode(plain), PATH))
    entries = written.get("history", [])
    assert len(entries) == len(kept) + len(gained)
    if len({msgspec.json.encode(change) for change in [*task.history, *gained]}) == len(task.history) + len(gained):
        assert [entry.get("alien") for entry in entries[: len(kept)]] == list(range(lost, len(task.history)))
