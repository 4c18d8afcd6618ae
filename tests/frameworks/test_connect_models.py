"""`connect` of what the libraries for settings make: pydantic models, attrs classes, OmegaConf configurations."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.secrets import Masker
from taskstore.schema.record import Parameter
from taskstore.sections import parameters
from taskstore.store import tasks
from taskstore.store.store import Store


class Kind(enum.IntEnum):
    SGD = 1
    ADAM = 2


class Run:
    """A run's sink, as `connect` sees it."""

    def __init__(self, store: Store, **stored: str) -> None:
        self.store = store
        self.paths = tasks.create(store, "examples", "a run")
        self.masker = Masker()
        self.is_rerun = bool(stored)
        self.notes: list[str] = []
        self.ends: list[Callable[[], None]] = []
        found = {name.replace("__", "/"): Parameter(text) for name, text in stored.items()}
        parameters.record(store, self.paths.id, "General", found, keep_stored=False)

    def record_parameters(self, section: str, found: Any) -> dict[str, Parameter]:
        return parameters.record(self.store, self.paths.id, section, found, keep_stored=self.is_rerun)

    def replace_parameters(self, section: str, found: Any, *, is_durable: bool = True) -> None:
        parameters.record(self.store, self.paths.id, section, found, keep_stored=False)

    def note(self, capture: str, message: str) -> None:
        self.notes.append(message)

    def at_end(self, call: Callable[[], None]) -> None:
        self.ends.append(call)

    def connect(self, mutable: Any) -> Any:
        return parameters.connect(mutable, "General", self, lambda: True)

    @property
    def stored(self) -> dict[str, Parameter]:
        return tasks.read_params(self.paths).hyperparams["General"]

    @property
    def texts(self) -> dict[str, str]:
        return {name: item.value for name, item in self.stored.items()}


# pydantic


def models(version: int, **settings: bool) -> Any:
    pytest.importorskip("pydantic")
    if version == 1:
        from pydantic.v1 import BaseModel, Field
    else:
        from pydantic import BaseModel, Field  # type: ignore[assignment]

    class Inner(BaseModel):
        depth: int = Field(3, description="layers")
        kind: Kind = Kind.SGD

    class Model(BaseModel):
        if version == 1:
            Config = type("Config", (), settings)
        else:
            model_config = settings

        lr: float = Field(0.1, description="step size")
        warmup: float | None = None
        inner: Inner = Field(default_factory=Inner)
        sizes: list[int] = [1, 2]
        path: Path = Path("a")

    Inner.__module__ = Model.__module__ = __name__
    return Model


@pytest.mark.parametrize("version", [1, 2])
def test_a_pydantic_model_is_recorded_with_descriptions(store: Store, version: int) -> None:
    run = Run(store)
    model = models(version)()
    assert run.connect(model) is model
    assert run.texts == {
        "lr": "0.1",
        "warmup": "",
        "inner/depth": "3",
        "inner/kind": "SGD",
        "sizes": "[1, 2]",
        "path": "a",
    }
    assert run.stored["lr"].description == "step size"
    assert run.stored["inner/depth"].description == "layers"


@pytest.mark.parametrize("version", [1, 2])
def test_a_pydantic_model_takes_stored_values_in_place(store: Store, version: int) -> None:
    run = Run(store, lr="1", inner__depth="4", inner__kind="ADAM", sizes="[7]", path="b", other="x")
    model = models(version)()
    inner = model.inner
    assert run.connect(model) is model
    assert (model.lr, model.inner.depth, model.inner.kind, model.sizes, model.path) == (
        1.0,
        4,
        Kind.ADAM,
        [7],
        Path("b"),
    )
    assert model.inner is inner
    assert run.notes == []


@pytest.mark.parametrize(
    ("version", "setting"), [(1, {"frozen": True}), (1, {"allow_mutation": False}), (2, {"frozen": True})]
)
def test_a_frozen_pydantic_model_comes_back_as_one_like_it(
    store: Store, version: int, setting: dict[str, bool]
) -> None:
    model = models(version, **setting)()
    found = Run(store, lr="1", inner__depth="4").connect(model)
    assert (found.lr, found.inner.depth) == (1.0, 4)
    assert model.lr == 0.1
    assert type(found) is type(model)


def test_what_a_validator_refuses_is_noted_and_the_record_corrected(store: Store) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Strict(pydantic.BaseModel):  # type: ignore[misc,name-defined]
        model_config = {"validate_assignment": True}  # noqa: RUF012
        lr: float = pydantic.Field(0.1, gt=0)

    run = Run(store, lr="-1")
    model = run.connect(Strict())
    assert model.lr == 0.1
    assert "greater than 0" in run.notes[0]
    assert run.texts == {"lr": "0.1"}


def test_a_pydantic_class_makes_models_with_the_stored_values(store: Store) -> None:
    kind = models(2)
    assert Run(store).connect(kind) is kind
    found = Run(store, lr="1", sizes="[9]").connect(kind)
    assert (found().lr, found().sizes, found(lr=3.0).lr) == (1.0, [9], 3.0)


def test_what_a_model_holds_at_the_end_is_recorded(store: Store) -> None:
    run = Run(store)
    model = run.connect(models(2)())
    model.inner.depth = 9
    for call in run.ends:
        call()
    assert run.texts["inner/depth"] == "9"


# attrs


def test_an_attrs_object_takes_stored_values_a_frozen_one_is_replaced(store: Store) -> None:
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Inner:
        depth: int = attrs.field(default=3, metadata={"help": "layers"})

    @attrs.define
    class Mutable:
        lr: float = 0.1
        inner: Inner = attrs.Factory(Inner)

    @attrs.frozen
    class Frozen:
        lr: float = 0.1
        inner: Inner = attrs.Factory(Inner)

    run = Run(store)
    run.connect(Mutable())
    assert run.texts == {"lr": "0.1", "inner/depth": "3"}
    assert run.stored["inner/depth"].description == "layers"
    own = Mutable()
    assert Run(store, lr="1", inner__depth="4").connect(own) is own
    assert own == Mutable(1.0, Inner(4))
    frozen = Frozen()
    assert Run(store, lr="1", inner__depth="4").connect(frozen) == Frozen(1.0, Inner(4))
    assert frozen.lr == 0.1
    kind = Run(store, lr="5").connect(Frozen)
    assert kind is Frozen
    assert (kind().lr, kind(lr=2.0).lr) == (5.0, 2.0)


# OmegaConf


def test_a_dictconfig_is_recorded_and_takes_stored_values_in_place(store: Store) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    create = omegaconf.OmegaConf.create
    content = {"lr": 0.1, "net": {"sizes": [1, 2], "name": "a", "twice": "${lr}"}, "must": "???", "n": None}
    run = Run(store)
    config = create(content)
    assert run.connect(config) is config
    assert run.texts == {
        "lr": "0.1",
        "net/sizes": "[1, 2]",
        "net/name": "a",
        "net/twice": "0.1",
        "must": "",
        "n": "",
    }
    run = Run(store, lr="1", net__sizes="[3]", more="x")
    config = create(content)
    assert run.connect(config) is config
    assert (config.lr, list(config.net.sizes), config.more) == (1.0, [3], "x")
    assert omegaconf.OmegaConf.is_interpolation(config.net, "twice")
    assert omegaconf.OmegaConf.is_missing(config, "must")
    config.net.sizes.append(4)
    config.lr = 7
    for call in run.ends:
        call()
    assert (run.texts["net/sizes"], run.texts["lr"]) == ("[3, 4]", "7")


def test_a_dictconfig_with_a_fixed_structure_stays_as_it_is_and_a_read_only_one_is_replaced(store: Store) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    create, set_struct = omegaconf.OmegaConf.create, omegaconf.OmegaConf.set_struct
    config = create({"lr": 0.1})
    set_struct(config, True)
    run = Run(store, lr="1", more="x")
    assert dict(run.connect(config)) == {"lr": 1.0}
    assert (run.notes, run.texts["more"]) == ([], "x")
    fixed = create({"lr": 0.1, "net": {"depth": 3}})
    omegaconf.OmegaConf.set_readonly(fixed, True)
    found = Run(store, lr="1", net__depth="4").connect(fixed)
    assert found == {"lr": 1.0, "net": {"depth": 4}}
    assert fixed.lr == 0.1
    assert omegaconf.OmegaConf.is_readonly(found)


def test_a_listconfig_is_recorded_by_place(store: Store) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    run = Run(store)
    run.connect(omegaconf.OmegaConf.create([1, {"a": 2}]))
    assert run.texts == {"0": "1", "1/a": "2"}
    config = omegaconf.OmegaConf.create([1, {"a": 2}])
    assert Run(store, **{"0": "5", "1__a": "6"}).connect(config) is config
    assert config == [5, {"a": 6}]


# numpy


def test_numbers_of_numpy_are_recorded_as_what_they_are_and_come_back_as_the_codes_type(store: Store) -> None:
    numpy = pytest.importorskip("numpy")
    content = {"lr": numpy.float32(0.5), "n": numpy.int64(3), "sizes": numpy.array([1, 2]), "on": numpy.bool_(True)}
    run = Run(store)
    run.connect(dict(content))
    assert run.texts == {"lr": "0.5", "n": "3", "sizes": "[1, 2]", "on": "True"}
    assert {name: item.type for name, item in run.stored.items()} == {
        "lr": "float",
        "n": "int",
        "sizes": "list/int",
        "on": "bool",
    }
    found = Run(store, lr="0.25", n="4", sizes="[5]", on="false").connect(dict(content))
    assert (found["lr"], found["n"], found["sizes"].tolist(), found["on"]) == (0.25, 4, [5], False)
    assert type(found["lr"]) is numpy.float32
