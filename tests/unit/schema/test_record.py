import msgspec
import pytest

from taskstore.schema import record

STRUCTS = [
    kind
    for kind in vars(record).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == record.__name__
]
# The names of ClearML's task document, which a translation to its SDK, zips and protocol goes by.
CLEARML_TASK = {
    *("id", "name", "type", "status", "status_reason", "status_message", "status_changed", "created", "started"),
    *("completed", "last_update", "active_duration", "user", "parent", "tags", "system_tags", "comment", "runtime"),
}
CLEARML_SCRIPT = {
    *("repository", "branch", "tag", "version_num", "working_dir", "entry_point", "binary", "diff", "requirements"),
}


def names(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_fields_are_named_as_in_clearmls_task_document() -> None:
    assert names(record.TaskRecord) >= CLEARML_TASK
    assert names(record.ScriptRecord) >= CLEARML_SCRIPT
    assert "hyperparams" in names(record.ParamsRecord)
    assert names(record.LastMetric) >= {"value", "min_value", "max_value", "min_value_iteration"}


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_unknown_keys_are_allowed_everywhere(kind: type[msgspec.Struct]) -> None:
    assert not kind.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_no_two_records_share_a_mutable_default(kind: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(kind):
        assert field.default is msgspec.NODEFAULT or not isinstance(field.default, list | dict)


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_what_is_by_default_is_not_written(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.omit_defaults


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "2026-01-01", "yesterday"])
def test_a_time_without_a_zone_is_no_time(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"status": "created", "time": text}, record.Change)


@pytest.mark.parametrize(("value", "is_number"), [(1, True), (1.5, True), ("NaN", True), ("-Infinity", True)])
def test_a_number_is_a_float_or_one_of_three_words(value: object, is_number: bool) -> None:
    assert msgspec.convert({"value": value}, record.LastMetric).value == value


@pytest.mark.parametrize("value", ["1.5", "nan", "", "abc", None, [], True])
def test_other_texts_are_no_numbers(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"value": value}, record.LastMetric)
