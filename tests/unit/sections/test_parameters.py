from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue, NotFound, ReadOnly
from taskstore.core.secrets import MASK, Masker
from taskstore.core.states import Status
from taskstore.schema.record import Parameter, ParamsRecord
from taskstore.sections import parameters
from taskstore.store import tasks
from taskstore.store.store import Store

_MASKER = Masker((), ())


def _params(**args: Parameter) -> ParamsRecord:
    return ParamsRecord(hyperparams={"Args": dict(args)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Args/lr=0.1", ("Args", "lr", "0.1")),
        ("lr=0.1", ("General", "lr", "0.1")),
        ("Args/opt/lr=", ("Args", "opt/lr", "")),
        ("Args/lr=a=b/c", ("Args", "lr", "a=b/c")),
        (" Args/lr =1", ("Args", "lr", "1")),
    ],
)
def test_an_assignment_is_section_name_and_value(text: str, expected: tuple[str, str, str]) -> None:
    assert parameters.parse_assignment(text) == expected


@pytest.mark.parametrize("text", ["", "lr", "=1", " =1", "/lr=1", "Args/=1"])
def test_what_is_no_assignment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadValue, match="write it like Args/lr"):
        parameters.parse_assignment(text)


def test_assigning_keeps_type_and_description() -> None:
    params = _params(lr=Parameter("0.5", "float", "step"))
    assert parameters.assign(params, "Args", "lr", "0.1") == []
    assert params.hyperparams["Args"]["lr"] == Parameter("0.1", "float", "step")


def test_a_text_that_does_not_fit_its_type_is_stored_with_a_warning() -> None:
    params = _params(lr=Parameter("0.5", "float"))
    (warning,) = parameters.assign(params, "Args", "lr", "fast")
    assert "'fast' is not a float" in warning
    assert params.hyperparams["Args"]["lr"].value == "fast"


def test_none_is_pythons_where_it_is_no_text() -> None:
    params = ParamsRecord(hyperparams={"Args": {"lr": Parameter("0.5", "float"), "name": Parameter("x", "str")}})
    assert parameters.assign(params, "Args", "lr", "None") == []
    assert parameters.assign(params, "Args", "name", "None") == []
    assert {key: item.value for key, item in params.hyperparams["Args"].items()} == {"lr": "", "name": "None"}


def test_a_new_name_warns_of_its_likes_unless_it_is_a_user_property_or_the_first() -> None:
    params = _params(lr=Parameter("0.5"), batch=Parameter("1"))
    assert "did you mean Args/lr?" in parameters.assign(params, "General", "lr", "1")[0]
    assert "did you mean Args/batch?" in parameters.assign(params, "Args", "bach", "1")[0]
    assert "did you mean" not in parameters.assign(params, "Args", "zzzzzz", "1")[0]
    assert parameters.assign(params, "properties", "owner", "me") == []
    assert parameters.assign(ParamsRecord(), "Args", "lr", "1") == []


def test_a_credential_is_masked_and_said() -> None:
    params = _params(token=Parameter("", "str"))
    (warning,) = parameters.assign(params, "Args", "token", "hunter2", masker=_MASKER)
    assert "credential" in warning
    assert "hunter2" not in warning
    assert params.hyperparams["Args"]["token"].value == MASK


def test_removing_takes_an_empty_section_with_it_and_names_the_likes_of_what_is_not_there() -> None:
    params = _params(lr=Parameter("0.5"))
    with pytest.raises(NotFound, match="did you mean Args/lr"):
        parameters.remove(params, "Args", "lrr")
    parameters.remove(params, "Args", "lr")
    assert params.hyperparams == {}


def test_recording_merges_and_a_rerun_keeps_what_is_stored(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    parameters.record(store, paths.id, "Args", {"lr": Parameter("1")}, keep_stored=False)
    before = parameters.record(store, paths.id, "Args", {"lr": Parameter("2"), "new": Parameter("3")}, keep_stored=True)
    assert before == {"lr": Parameter("1")}
    assert tasks.read_params(paths).hyperparams["Args"] == {"lr": Parameter("1"), "new": Parameter("3")}
    parameters.record(store, paths.id, "Args", {"lr": Parameter("4")}, keep_stored=False)
    assert tasks.read_params(paths).hyperparams["Args"]["lr"].value == "4"


def test_recording_what_is_there_already_writes_nothing(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    assert parameters.record(store, paths.id, "Args", {}, keep_stored=False) == {}
    assert tasks.read_params(paths).hyperparams == {}
    parameters.record(store, paths.id, "Args", {"lr": Parameter("1")}, keep_stored=False)
    before = paths.params.stat().st_ino
    parameters.record(store, paths.id, "Args", {"lr": Parameter("1"), "gone": None}, keep_stored=False)
    parameters.record(store, paths.id, "Args", {"lr": Parameter("2")}, keep_stored=True)
    assert paths.params.stat().st_ino == before


def test_what_comes_without_a_description_keeps_the_one_that_is_stored(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    parameters.record(store, paths.id, "Args", {"lr": Parameter("1", "int", "the rate")}, keep_stored=False)
    parameters.record(store, paths.id, "Args", {"lr": Parameter("2.0", "float")}, keep_stored=False)
    assert tasks.read_params(paths).hyperparams["Args"]["lr"] == Parameter("2.0", "float", "the rate")


def test_a_section_whose_last_parameter_is_removed_is_gone(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    parameters.record(store, paths.id, "Args", {"lr": Parameter("1")}, keep_stored=False)
    assert parameters.record(store, paths.id, "Args", {"lr": None}, keep_stored=False) == {"lr": Parameter("1")}
    assert tasks.read_params(paths).hyperparams == {}


class _Recorder:
    """A run's sink, as `connect` sees it."""

    def __init__(self, store: Store, *, is_rerun: bool = False) -> None:
        self.paths = tasks.create(store, "examples", "a run")
        self.masker = _MASKER
        self.is_rerun = is_rerun
        self.notes: list[str] = []
        self.writes = 0
        self.ends: list[Callable[[], None]] = []
        self._store = store

    def record_parameters(self, section: str, found: Mapping[str, Parameter]) -> dict[str, Parameter]:
        return parameters.record(self._store, self.paths.id, section, found, keep_stored=self.is_rerun)

    def replace_parameters(
        self, section: str, found: Mapping[str, Parameter | None], *, is_durable: bool = True
    ) -> None:
        self.writes += 1
        parameters.record(self._store, self.paths.id, section, found, keep_stored=False)

    def note(self, capture: str, message: str) -> None:
        self.notes.append(message)

    def at_end(self, call: Callable[[], None]) -> None:
        self.ends.append(call)

    def end(self) -> None:
        for call in self.ends:
            call()

    def texts(self, section: str = "General") -> dict[str, str]:
        stored = tasks.read_params(self.paths).hyperparams.get(section, {})
        return {name: item.value for name, item in stored.items()}


def test_what_is_removed_from_a_connected_dict_is_removed_from_the_task(store: Store) -> None:
    recorder = _Recorder(store)
    live = parameters.connect({"lr": 1, "net": {"depth": 2, "width": 3}, "x": 4}, "General", recorder, lambda: True)
    other = parameters.connect({"mine": 1}, "General", recorder, lambda: True)
    del live["lr"]
    live["net"].pop("depth")
    assert recorder.texts() == {"net/width": "3", "x": "4", "mine": "1"}
    live.clear()
    assert recorder.texts() == {"mine": "1"}
    other["lr"] = 5
    live["x"] = 6
    assert recorder.texts() == {"mine": "1", "lr": "5", "x": "6"}


def test_after_the_run_a_connected_dict_is_a_dict_like_any_other(store: Store) -> None:
    recorder = _Recorder(store)
    parameters.connect({"lr": 1}, "General", recorder, lambda: False).clear()
    assert recorder.texts() == {"lr": "1"}


def test_a_stored_value_that_does_not_fit_is_replaced_by_the_one_that_ran(store: Store) -> None:
    recorder = _Recorder(store, is_rerun=True)
    stored = {"lr": Parameter("seven", "float"), "epochs": Parameter("04", "int"), "lr/below": Parameter("1", "int")}
    parameters.record(store, recorder.paths.id, "General", stored, keep_stored=False)
    live = parameters.connect({"lr": 0.5, "epochs": 3}, "General", recorder, lambda: True)
    assert live == {"lr": 0.5, "epochs": 4}
    assert recorder.texts() == {"lr": "0.5", "epochs": "04"}
    assert len(recorder.notes) == 2


def test_a_live_dict_is_written_as_yaml_and_json_as_a_dict_is() -> None:
    import yaml

    content = {"a": 1, "b": {"c": [2, {"d": "x"}]}}
    live = parameters.LiveDict(content, lambda keys: None)
    assert json.dumps(live) == json.dumps(content)
    assert yaml.safe_dump(live) == yaml.safe_dump(content)
    assert yaml.dump(live) == yaml.dump(content)
    assert isinstance(live, parameters.LiveDict)
    assert isinstance(live, dict)
    assert issubclass(parameters.LiveDict, parameters.LiveDict)


def test_a_task_that_has_ended_records_nothing_more(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    tasks.transition(store, paths.id, Status.COMPLETED)
    with pytest.raises(ReadOnly):
        parameters.record(store, paths.id, "Args", {"lr": Parameter("1")}, keep_stored=False)


def test_a_masked_value_overrides_nothing() -> None:
    stored = {"lr": Parameter("1"), "token": Parameter(MASK), "url": Parameter(f"https://{MASK}@host")}
    assert parameters.overrides(stored) == {"lr": "1"}


def test_stored_texts_become_values_of_the_types_in_the_code() -> None:
    target: dict[str, Any] = {"lr": 0.5, "on": True, "net": {"layers": [1], "name": "a"}, "none": None}
    texts = {"lr": "1", "on": "false", "net/layers": "[2, 3]", "net/name": "5", "none": "7"}
    assert parameters.apply(target, texts, {}) == []
    assert target == {"lr": 1.0, "on": False, "net": {"layers": [2, 3], "name": "5"}, "none": "7"}


def test_what_does_not_fit_keeps_the_codes_value_and_warns() -> None:
    target: dict[str, Any] = {"lr": 0.5, "epochs": 3}
    warnings = parameters.apply(target, {"lr": "fast", "epochs": "4"}, {})
    assert target == {"lr": 0.5, "epochs": 4}
    assert len(warnings) == 1
    assert "keeping 0.5" in warnings[0]


def test_names_that_the_code_does_not_have_are_added_by_their_stored_type() -> None:
    target: dict[str, Any] = {"lr": 0.5}
    assert parameters.apply(target, {"extra/epochs": "3"}, {"extra/epochs": "int"}) == []
    assert target == {"lr": 0.5, "extra": {"epochs": 3}}


def test_added_names_that_cannot_be_read_or_placed_never_stop_the_program() -> None:
    target: dict[str, Any] = {"lr": 0.5}
    warnings = parameters.apply(target, {"epochs": "many", "lr/below": "1"}, {"epochs": "int"})
    assert target == {"lr": 0.5}
    assert len(warnings) == 2


def test_a_live_dict_tells_of_each_change_at_every_depth() -> None:
    told: list[tuple[Any, ...]] = []
    live = parameters.LiveDict({"a": 1, "b": {"c": 2}}, told.append)
    assert told == []
    live["a"] = 2
    live["b"]["c"] = 3
    live["new"] = {"x": 1}
    live["new"]["x"] = 2
    live.update(a=3)
    live |= {"a": 4}
    live.setdefault("d", 1)
    live.setdefault("d", 2)
    live.pop("d")
    del live["new"]
    live.popitem()
    live.clear()
    assert told == [("a",), ("b", "c"), ("new",), ("new", "x"), (), (), ("d",), ("d",), ("new",), ("b",), ()]
    assert live == {}


def test_copies_of_a_live_dict_are_plain() -> None:
    live = parameters.LiveDict({"a": {"b": 1}}, lambda keys: None)
    for copied in (pickle.loads(pickle.dumps(live)), copy.deepcopy(live)):  # noqa: S301 - our own
        assert copied == {"a": {"b": 1}}
        assert type(copied) is dict
        assert type(copied["a"]) is dict


_keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
_values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))


@given(st.dictionaries(_keys, st.one_of(_values, st.dictionaries(_keys, _values, max_size=3)), max_size=4))
def test_stored_texts_of_a_dict_bring_it_back(content: dict[str, Any]) -> None:
    flat = {name: item.value for name, item in parameters.flat_parameters(content, Masker((), ("*",)))}
    target = copy.deepcopy(content)
    assert parameters.apply(target, flat, {}) == []
    assert target == content
