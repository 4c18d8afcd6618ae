"""What `connect` takes besides a plain dict, and what becomes of it in a run, in a re-run, and at the end."""

from __future__ import annotations

import dataclasses
import enum
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, Optional

import pytest

from taskstore.core import values
from taskstore.core.errors import BadValue
from taskstore.schema.record import Parameter
from taskstore.sections import parameters
from taskstore.store import tasks
from taskstore.store.store import Store

from .test_parameters import _Recorder


class Kind(enum.IntEnum):
    SGD = 1
    ADAM = 2


@dataclass
class Optimizer:
    lr: float = field(default=0.1, metadata={"help": "step size"})
    kind: Kind = Kind.SGD


@dataclass
class Config:
    epochs: int = 3
    warmup: float | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    sizes: tuple[int, ...] = (1, 2)
    extra: dict[str, int] = field(default_factory=lambda: {"a": 1})


@dataclass(frozen=True)
class Frozen:
    lr: float = 0.1
    inner: Optimizer = field(default_factory=Optimizer)


class Settings:
    batch = 8
    names = ["a"]  # noqa: RUF012
    _hidden = 1

    def method(self) -> None: ...

    @property
    def computed(self) -> int:
        return 1


class Slotted:
    __slots__ = ("lr", "steps")

    def __init__(self) -> None:
        self.lr = 0.5


def connect(recorder: _Recorder, mutable: Any, name: str = "General", **more: Any) -> Any:
    return parameters.connect(mutable, name, recorder, lambda: True, **more)


def rerun(store: Store, **texts: str) -> _Recorder:
    recorder = _Recorder(store, is_rerun=True)
    stored = {name.replace("__", "/"): Parameter(text) for name, text in texts.items()}
    parameters.record(store, recorder.paths.id, "General", stored, keep_stored=False)
    return recorder


def test_a_dataclass_is_recorded_field_by_field_and_comes_back(store: Store) -> None:
    recorder = _Recorder(store)
    config = Config()
    assert connect(recorder, config) is config
    stored = tasks.read_params(recorder.paths).hyperparams["General"]
    assert {name: (item.value, item.type) for name, item in stored.items()} == {
        "epochs": ("3", "int"),
        "warmup": ("", None),
        "optimizer/lr": ("0.1", "float"),
        "optimizer/kind": ("SGD", "Kind"),
        "sizes": ("[1, 2]", "tuple/int"),
        "extra/a": ("1", "int"),
    }
    assert stored["optimizer/lr"].description == "step size"
    assert stored["optimizer/kind"].description == "Values:\nSGD,\nADAM"


def test_a_dataclass_takes_stored_values_in_its_own_types(store: Store) -> None:
    recorder = rerun(
        store, epochs="5", warmup="2", optimizer__lr="1", optimizer__kind="ADAM", sizes="[4]", extra__a="7", other="1"
    )
    config = Config()
    inner = config.optimizer
    assert connect(recorder, config) is config
    assert config == Config(5, 2.0, Optimizer(1.0, Kind.ADAM), (4,), {"a": 7})
    assert config.optimizer is inner
    assert isinstance(config.warmup, float)
    assert recorder.notes == []
    assert recorder.texts()["other"] == "1"


def test_a_frozen_dataclass_comes_back_as_one_like_it(store: Store) -> None:
    config = Frozen()
    found = connect(rerun(store, lr="0.5", inner__lr="0.25"), config)
    assert found == Frozen(0.5, Optimizer(0.25))
    assert config.lr == 0.1
    assert connect(_Recorder(store), config) is config


def test_what_does_not_fit_is_noted_and_the_record_says_what_ran(store: Store) -> None:
    recorder = rerun(store, epochs="many", optimizer__kind="LION", sizes="7")
    config = Config()
    connect(recorder, config)
    assert config == Config()
    assert len(recorder.notes) == 3
    assert all(word in recorder.notes[0] for word in ("epochs", "'many'", "3"))
    assert "SGD, ADAM" in recorder.notes[1]
    assert recorder.texts() == {**recorder.texts(), "epochs": "3", "optimizer/kind": "SGD", "sizes": "[1, 2]"}


def test_what_an_object_itself_refuses_is_noted_and_the_record_corrected(store: Store) -> None:
    class Strict:
        def __init__(self) -> None:
            self.__dict__["lr"] = 0.1

        def __setattr__(self, name: str, value: object) -> None:
            raise ValueError(f"{name} may not be {value}")

    recorder = rerun(store, lr="7")
    strict = connect(recorder, Strict())
    assert strict.lr == 0.1
    assert "lr may not be 7.0" in recorder.notes[0]
    assert recorder.texts() == {"lr": "0.1"}


def test_the_programs_values_can_be_kept_and_are_recorded(store: Store) -> None:
    recorder = rerun(store, epochs="5")
    assert connect(recorder, Config(), keeps_own=True) == Config()
    assert recorder.texts()["epochs"] == "3"
    recorder = rerun(store, lr="5")
    assert connect(recorder, {"lr": 1}, keeps_own=True) == {"lr": 1}
    assert recorder.texts() == {"lr": "1"}


def test_of_an_object_what_it_and_its_class_say_is_recorded(store: Store) -> None:
    recorder = _Recorder(store)
    settings = Settings()
    settings.lr = 0.5  # type: ignore[attr-defined]
    settings.model = object()  # type: ignore[attr-defined]
    settings._private = 1  # type: ignore[attr-defined]
    assert connect(recorder, settings) is settings
    assert recorder.texts() == {"batch": "8", "names": '["a"]', "lr": "0.5"}


def test_a_class_takes_stored_values_as_its_attributes(store: Store) -> None:
    class Mine(Settings):
        lr = 0.5

    recorder = rerun(store, batch="16", lr="1", names='["b"]', unknown="1")
    assert connect(recorder, Mine) is Mine
    assert (Mine.batch, Mine.lr, Mine.names) == (16, 1.0, ["b"])
    assert Settings.batch == 8
    assert not hasattr(Mine, "unknown")


@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"slots": True}, {"kw_only": True}])
def test_a_dataclass_that_is_a_class_makes_objects_with_the_stored_values(
    store: Store, options: dict[str, bool]
) -> None:
    def make() -> Any:
        annotations = {"lr": float, "sizes": list, "must": int, "name": str}
        defaults = {"lr": 0.1, "sizes": field(default_factory=lambda: [1]), "must": field(kw_only=True), "name": "a"}
        return dataclass(**options)(type("Made", (), {"__annotations__": annotations, **defaults}))  # type: ignore[call-overload]

    recorder = _Recorder(store)
    made = make()
    assert connect(recorder, made) is made
    assert recorder.texts() == {"lr": "0.1", "sizes": "[1]", "name": "a"}
    made = connect(rerun(store, lr="0.5", sizes="[2]"), make())
    one, other = made(must=1), made(must=1, lr=3.0)
    assert (one.lr, one.sizes, one.name, other.lr) == (0.5, [2], "a", 3.0)
    assert one.sizes is not other.sizes
    assert [item.name for item in dataclasses.fields(made)] == ["lr", "sizes", "must", "name"]


def test_a_class_hands_stored_values_on_to_what_its_defaults_make(store: Store) -> None:
    @dataclass
    class Made:
        optimizer: Optimizer = field(default_factory=Optimizer)
        extra: dict[str, int] = field(default_factory=lambda: {"a": 1})

    recorder = rerun(store, optimizer__lr="0.5", extra__a="7")
    made = connect(recorder, Made)
    assert (made().optimizer.lr, made().extra) == (0.5, {"a": 7})
    assert made().optimizer is not made().optimizer
    assert Optimizer().lr == 0.1


@dataclass
class Annotated:
    folder: Path | None = None
    kind: Kind | None = None
    day: date | None = None
    sizes: list[int] | None = None
    folders: Optional[list[Path]] = None  # noqa: UP007, UP045 - the old spelling is another class
    devices: int | str = "auto"
    batch: int | Literal["all"] = 8
    bare: list[int] = None  # type: ignore[assignment]  # as many write it
    name: str | None = None
    steps: int | None = 3
    label: str | None = "x"
    rate: float = 1


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("folder", "a/b", Path("a/b")),
        ("kind", "ADAM", Kind.ADAM),
        ("day", "2020-01-02", date(2020, 1, 2)),
        ("sizes", "[1, 2]", [1, 2]),
        ("folders", '["a"]', [Path("a")]),
        ("devices", "4", 4),
        ("devices", "cpu", "cpu"),
        ("batch", "all", "all"),
        ("batch", "9", 9),
        ("bare", "[3]", [3]),
        ("name", "4", "4"),
        ("sizes", "None", None),
        ("steps", "None", None),
        ("steps", "4", 4),
        ("label", "", ""),
        ("label", "None", "None"),
        ("rate", "0.5", 0.5),
    ],
)
def test_a_stored_text_becomes_what_its_field_is_annotated_with(
    store: Store, name: str, text: str, value: object
) -> None:
    recorder = rerun(store, **{name: text})
    kind = values.to_text(getattr(Annotated(), name))[1] or None  # as the first run has stored it
    parameters.record(store, recorder.paths.id, "General", {name: Parameter(text, kind)}, keep_stored=False)
    config = connect(recorder, Annotated())
    assert config == dataclasses.replace(Annotated(), **{name: value})
    assert type(getattr(config, name)) is type(value)
    assert recorder.notes == []


@pytest.mark.parametrize(("name", "text"), [("kind", "LION"), ("day", "soon"), ("batch", "some"), ("sizes", "7")])
def test_a_stored_text_that_is_nothing_its_field_allows_is_noted(store: Store, name: str, text: str) -> None:
    recorder = rerun(store, **{name: text})
    assert connect(recorder, Annotated()) == Annotated()
    assert len(recorder.notes) == 1
    assert name in recorder.notes[0]
    assert repr(text) in recorder.notes[0]


def test_slots_namespaces_and_other_mappings_are_taken(store: Store) -> None:
    slotted = connect(rerun(store, lr="1"), Slotted())
    assert slotted.lr == 1.0
    names = SimpleNamespace(lr=0.5, inner=SimpleNamespace(depth=3))
    assert connect(rerun(store, lr="1", inner__depth="4"), names) is names
    assert names == SimpleNamespace(lr=1.0, inner=SimpleNamespace(depth=4))
    ordered = OrderedDict(lr=0.5)
    assert connect(rerun(store, lr="1", more="x"), ordered) is ordered
    assert ordered == OrderedDict(lr=1.0, more="x")


def test_what_converts_itself_to_a_dict_and_back_does_so(store: Store) -> None:
    class TaskParameters:
        def __init__(self) -> None:
            self.values: dict[str, object] = {"lr": 0.5}

        def to_dict(self) -> dict[str, object]:
            return self.values

        def update_from_dict(self, values: dict[str, object]) -> None:
            self.values = values

    recorder = rerun(store, lr="1")
    mine = TaskParameters()
    assert connect(recorder, mine) is mine
    assert mine.values == {"lr": 1.0}


@pytest.mark.parametrize("value", [3, "lr=1", [1], (1,), None, len, lambda: 1, b"x", 1.5, {1}])
def test_what_has_no_named_values_is_refused_with_an_example(store: Store, value: object) -> None:
    with pytest.raises(BadValue, match=r"give a single value a name: connect\(\{'name': value\}\)"):
        connect(_Recorder(store), value)


def test_what_an_object_holds_at_the_end_is_recorded(store: Store) -> None:
    recorder = _Recorder(store)
    config, slotted = Config(), Slotted()
    connect(recorder, config)
    connect(recorder, slotted, "Slots")
    live = connect(recorder, {"layers": [1], "net": {"sizes": [1]}, "lr": 1}, "Dict")
    writes = recorder.writes
    config.epochs = 9
    config.optimizer.lr = 0.3
    slotted.lr = 0.7
    live["layers"].append(2)
    live["net"]["sizes"].append(3)
    recorder.end()
    assert recorder.texts()["epochs"] == "9"
    assert recorder.texts()["optimizer/lr"] == "0.3"
    assert recorder.texts("Slots") == {"lr": "0.7"}
    assert recorder.texts("Dict") == {"layers": "[1, 2]", "net/sizes": "[1, 3]", "lr": "1"}
    assert recorder.writes == writes + 3
    assert tasks.read_params(recorder.paths).hyperparams["General"]["optimizer/lr"].description == "step size"


def test_nothing_is_written_at_the_end_where_nothing_changed(store: Store) -> None:
    recorder = rerun(store, epochs="05")
    connect(recorder, Config())
    connect(recorder, {"epochs": 1})
    before = recorder.writes
    recorder.end()
    assert recorder.writes == before
    assert recorder.texts()["epochs"] == "05"


def test_an_object_that_is_gone_by_then_is_no_error_at_the_end(store: Store) -> None:
    recorder = _Recorder(store)
    connect(recorder, Config())
    recorder.end()
    assert recorder.texts()["epochs"] == "3"


def test_none_and_paths_come_back_as_they_were_recorded(store: Store) -> None:
    first = _Recorder(store)
    content: dict[str, Any] = {"none": None, "was": 1, "path": Path("a/b"), "kind": Kind.ADAM, "empty": ""}
    live = connect(first, dict(content))
    live["was"] = None
    stored = tasks.read_params(first.paths).hyperparams["General"]
    again = _Recorder(store, is_rerun=True)
    parameters.record(store, again.paths.id, "General", stored, keep_stored=False)
    found = connect(again, {**content, "kind": Kind.SGD, "path": Path("c"), "empty": "x"})
    assert found == {**content, "was": None}
    assert again.notes == []


def test_one_write_to_a_large_dict_records_one_parameter(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = _Recorder(store)
    live = connect(recorder, {"net": {f"p{number}": number for number in range(1000)}, "lr": 1})
    made: list[str] = []
    original = parameters.connect.__globals__["parameter_of"]

    def counted(name: str, *rest: Any, **more: Any) -> Parameter:
        made.append(name)
        found: Parameter = original(name, *rest, **more)
        return found

    monkeypatch.setitem(parameters.connect.__globals__, "parameter_of", counted)
    live["net"]["p7"] = -1
    assert made == ["net/p7"]
    assert recorder.texts()["net/p7"] == "-1"
    assert len(recorder.texts()) == 1001


class _Attributes(dict[str, Any]):
    """Stands for the many dictionaries whose items are attributes."""

    __getattr__ = dict.__getitem__


def test_nested_mappings_keep_their_class_and_identity_in_a_task_that_is_run_again(store: Store) -> None:
    recorder = rerun(store, model__lr="0.5", counts__a="7", plain__deep__x="3", whole="{2: 'b'}", added__y="1")
    model, counts, plain = _Attributes(lr=0.1), defaultdict(int, a=1), {"deep": {"x": 1}}
    given = {"model": model, "counts": counts, "plain": plain, "whole": {1: "a"}, "added": {"x": 0}}
    found = connect(recorder, given)
    assert found["model"] is model
    assert found["model"].lr == 0.5
    found["counts"]["new"] += 1
    assert counts == {"a": 7, "new": 1}
    assert plain == {"deep": {"x": 3}}
    assert found == {
        "model": model,
        "counts": counts,
        "plain": plain,
        "whole": {2: "b"},
        "added": {"x": 0, "y": "1"},
    }


def test_a_nested_mapping_that_takes_no_new_names_is_left_as_it_is(store: Store) -> None:
    class Locked(dict[str, Any]):
        def __setitem__(self, key: str, value: object) -> None:
            if key not in self:
                raise KeyError(f"{key} is not a name of this configuration")
            super().__setitem__(key, value)

    recorder = rerun(store, model__lr="0.5", model__other="1")
    assert connect(recorder, {"model": Locked(lr=0.1)}) == {"model": {"lr": 0.5}}
    assert len(recorder.notes) == 1
    assert "model/other" in recorder.notes[0]


def test_a_dictionary_that_holds_itself_is_refused_and_one_that_comes_to_is_noted(store: Store) -> None:
    endless: dict[str, Any] = {"lr": 0.1}
    endless["self"] = endless
    with pytest.raises(BadValue, match="holds itself"):
        connect(_Recorder(store), endless)
    recorder = _Recorder(store)
    live = connect(recorder, {"a": {"b": 1}})
    live["a"]["self"] = live["a"]
    live["plain"] = endless
    live["a"]["b"] = 2
    assert recorder.notes == ["a dictionary came to hold itself: what it holds is recorded no more"] * 2
    assert recorder.texts() == {"a/b": "2"}


def test_a_write_below_an_empty_key_is_that_keys(store: Store) -> None:
    recorder = _Recorder(store)
    live = connect(recorder, {"": {"x": 1}, "x": 5})
    live[""]["x"] = 2
    assert recorder.texts() == {"/x": "2", "x": "5"}
