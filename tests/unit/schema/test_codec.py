import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from taskstore.core.errors import Damaged
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

PATH = Path("/s/task.json")
NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def a_task(**fields: object) -> TaskRecord:
    known = {"id": "0" * 32, "rev": 1, "name": "a task", "type": "training", "status": Status.CREATED, "created": NOW}
    return TaskRecord(**(known | fields))


def plain(data: bytes) -> dict:
    return msgspec.json.decode(data)


def test_a_record_comes_back_from_its_bytes() -> None:
    task = a_task(tags=["é", "b"], history=[Change(status=Status.CREATED, time=NOW, who="me")], runtime={"a": "b"})
    assert codec.decode(TaskRecord, codec.encode(task), PATH) == task


def test_a_record_is_spelled_for_reading() -> None:
    text = codec.encode(a_task()).decode()
    assert text.startswith('{\n  "id": "')
    assert text.endswith("}\n")
    assert "comment" not in text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"{", "truncated"),
        (b'{"id": 1}', r"\$\.id"),
        (b'{"id": "x"}', "rev"),
        (
            b'{"id": "x", "rev": 1, "name": "n", "type": "t", "status": "odd", "created": "2026-01-01T00:00:00Z"}',
            "status",
        ),
        (
            b'{"id": "x", "rev": 1, "name": "n", "type": "t", "status": "created", "created": "2026-01-01T00:00:00Z",'
            b' "history": [{"status": "created", "time": 3}]}',
            r"\$\.history\[0\]\.time",
        ),
        (b"\xff\xff", "JSON is malformed|UTF-8|utf-8"),
        (b'{"x":' * 100_000, "recursion|Recursion|depth"),
    ],
)
def test_a_damaged_record_is_refused_with_its_file_and_the_bad_field(data: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why) as damaged:
        codec.decode(TaskRecord, data, PATH)
    assert damaged.value.path == PATH


def test_a_record_cut_at_any_byte_is_damaged() -> None:
    data = codec.encode(a_task())
    for length in range(len(data) - 2):
        with pytest.raises(Damaged):
            codec.decode(TaskRecord, data[:length], PATH)


def with_unknown(record: msgspec.Struct) -> dict:
    return plain(codec.encode(record)) | {"from_next_year": {"deep": [1, None, {"x": 1.5}]}}


def rewritten(record: msgspec.Struct, previous: object) -> dict:
    return plain(codec.encode_over(record, msgspec.json.encode(previous), PATH))


def test_unknown_keys_survive_at_the_top() -> None:
    previous = with_unknown(a_task())
    assert rewritten(a_task(comment="new"), previous) == previous | {"comment": "new"}


def test_unknown_keys_survive_in_a_struct_that_is_edited() -> None:
    task = a_task(trashed=Trashed(project="a/b", time=NOW))
    previous = plain(codec.encode(task))
    previous["trashed"]["by"] = "next year"
    task.trashed.who = "me"
    assert rewritten(task, previous)["trashed"]["by"] == "next year"


def test_unknown_keys_survive_in_a_dictionary_of_structs() -> None:
    params = ParamsRecord(hyperparams={"Args": {"lr": Parameter("0.1"), "n": Parameter("1")}})
    previous = plain(codec.encode(params))
    previous["hyperparams"]["Args"]["lr"]["unit"] = "1/s"
    params.hyperparams["Args"]["lr"].value = "0.2"
    params.hyperparams["Args"]["new"] = Parameter("x")
    del params.hyperparams["Args"]["n"]
    assert rewritten(params, previous)["hyperparams"] == {
        "Args": {"lr": {"value": "0.2", "unit": "1/s"}, "new": {"value": "x"}}
    }


def changes(count: int) -> list[Change]:
    return [Change(status=Status.CREATED, time=NOW + timedelta(seconds=index)) for index in range(count)]


def test_entries_of_a_list_keep_their_unknown_keys_when_others_go() -> None:
    previous = plain(codec.encode(a_task(history=changes(4))))
    for index, entry in enumerate(previous["history"]):
        entry["nonce"] = index
    shortened = a_task(history=[changes(4)[0], *changes(5)[2:]])
    assert [entry.get("nonce") for entry in rewritten(shortened, previous)["history"]] == [0, 2, 3, None]


def test_entries_that_are_known_alike_keep_their_own_unknown_keys() -> None:
    previous = plain(codec.encode(a_task(history=[changes(1)[0]] * 3)))
    for index, entry in enumerate(previous["history"]):
        entry["nonce"] = index
    again = a_task(history=[changes(1)[0]] * 3, comment="new")
    assert [entry["nonce"] for entry in rewritten(again, previous)["history"]] == [0, 1, 2]


def test_an_entry_that_is_edited_keeps_its_unknown_keys() -> None:
    script = ScriptRecord(
        untracked=[Untracked(path="a", file=FileRef(path="f", size=1, hash="h")), Untracked(path="b")]
    )
    previous = plain(codec.encode(script))
    for entry in previous["untracked"]:
        entry["mode"] = entry["path"]
    previous["untracked"][0]["file"]["chunks"] = 3
    script.untracked[0].executable = True
    out = rewritten(script, previous)["untracked"]
    assert out[0] == previous["untracked"][0] | {"executable": True}
    assert out[1] == previous["untracked"][1]


def test_a_field_set_back_to_its_default_goes() -> None:
    assert "comment" not in rewritten(a_task(), plain(codec.encode(a_task(comment="old"))))


def test_unknown_numbers_of_any_size_survive() -> None:
    previous = with_unknown(a_task()) | {"big": 2**70, "small": 1e-300, "negative": -(2**63)}
    assert rewritten(a_task(), previous) == previous


def test_nothing_is_written_over_a_record_that_cannot_be_read() -> None:
    for previous in (b"", b"{", b"[]"):
        with pytest.raises(Damaged):
            codec.encode_over(a_task(), previous, PATH)


def test_bytes_in_a_message_that_are_no_text_do_not_stop_a_record() -> None:
    # The message of an exception may hold the surrogates of an undecodable file name.
    task = a_task(status_message="no file 'caf\udce9'", runtime={"k\udce9": "v"})
    for data in (codec.encode(task), codec.encode_over(task, codec.encode(a_task()), PATH)):
        assert plain(data)["status_message"] == "no file 'caf\\udce9'"
        assert codec.decode(TaskRecord, data, PATH).name == "a task"


def test_plain_values_are_checked_like_bytes() -> None:
    assert codec.convert(Parameter, {"value": "1", "extra": 2}, PATH) == Parameter("1")
    with pytest.raises(Damaged, match=r"\$\.value"):
        codec.convert(Parameter, {"value": 1}, PATH)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, 1e308, math.inf, -math.inf, math.nan])
def test_every_float_survives_json(value: float) -> None:
    text = msgspec.json.encode(codec.number_text(value))
    back = codec.number(msgspec.json.decode(text))
    assert back == value or (math.isnan(back) and math.isnan(value))
