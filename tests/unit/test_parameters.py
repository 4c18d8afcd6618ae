"""`task.parameters`: reading and setting stored parameters, and what people say of a task by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from taskstore.core.errors import BadValue, ReadOnly
from taskstore.core.secrets import MASK, Masker
from taskstore.core.states import RECORDING, Status
from taskstore.disk.layout import TaskPaths
from taskstore.parameters import Parameters
from taskstore.schema.record import Parameter
from taskstore.store import published, tasks
from taskstore.store.hold import Hold
from taskstore.store.store import Store


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return tasks.create(store, "examples", "a run")


@pytest.fixture
def parameters(store: Store, paths: TaskPaths) -> Parameters:
    return Parameters(Hold(store, paths.id), Masker)


def end(store: Store, paths: TaskPaths) -> None:
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    tasks.transition(store, paths.id, Status.COMPLETED)


def test_they_are_read_flat_as_texts_or_as_values(parameters: Parameters) -> None:
    parameters.update({"Args/lr": 0.1, "Args/layers": [1, 2], "seed": None, "Args/on": True, "Args/name": "1"})
    assert parameters.get() == {
        "Args/lr": "0.1",
        "Args/layers": "[1, 2]",
        "Args/on": "True",
        "Args/name": "1",
        "General/seed": "",
    }
    assert parameters.get(cast=True) == {
        "Args/lr": 0.1,
        "Args/layers": [1, 2],
        "Args/on": True,
        "Args/name": "1",
        "General/seed": None,
    }


def test_a_text_that_is_none_of_its_type_is_read_as_the_text(store: Store, paths: TaskPaths) -> None:
    tasks.edit_params(
        store, paths.id, lambda params: params.hyperparams.update({"Args": {"lr": Parameter("fast", "float")}})
    )
    assert Parameters(Hold(store, paths.id), Masker).get(cast=True) == {"Args/lr": "fast"}


def test_one_is_read_by_its_name_or_the_default_is(parameters: Parameters) -> None:
    parameters.update({"Args/lr": 0.1, "seed": 3, "none": None})
    assert (parameters.get_one("Args/lr"), parameters.get_one("Args/lr", cast=True)) == ("0.1", 0.1)
    assert parameters.get_one("seed", cast=True) == 3
    assert parameters.get_one("Args/none", 5) == 5
    assert parameters.get_one("none", 5, cast=True) is None


def test_they_are_read_nested_as_the_program_had_them(parameters: Parameters) -> None:
    parameters.update({"General/net/depth": 3, "General/lr": 1, "Args/a": 1, "Args/a/b": 2})
    assert parameters.as_dict(cast=True) == {"General": {"net": {"depth": 3}, "lr": 1}, "Args": {"a": 1, "a/b": 2}}


def test_setting_replaces_all_but_the_user_properties(parameters: Parameters) -> None:
    parameters.set_one("Args/lr", 0.1, description="step")
    parameters.update({"Args/old": 1})
    parameters.set_user_properties(owner="me")
    parameters.set({"Args/lr": 0.2, "new": 1})
    assert parameters.get() == {"Args/lr": "0.2", "General/new": "1", "properties/owner": "me"}
    parameters.set_from_dict({"General": {"net": {"depth": 3}}})
    assert parameters.get() == {"General/net/depth": "3", "properties/owner": "me"}


def test_one_keeps_its_description_and_a_text_keeps_its_type_where_it_fits(store: Store, paths: TaskPaths) -> None:
    parameters = Parameters(Hold(store, paths.id), Masker)
    parameters.set_one("Args/lr", 0.1, description="step")
    parameters.set_one("Args/lr", "0.2")
    stored = tasks.read_params(paths).hyperparams["Args"]
    assert stored["lr"] == Parameter("0.2", "float", "step")
    parameters.set_one("Args/lr", "fast")
    parameters.set_one("Args/n", "7", value_type=int)
    parameters.set_one("Args/m", "x", value_type="click.Choice")
    stored = tasks.read_params(paths).hyperparams["Args"]
    assert stored == {
        "lr": Parameter("fast", "str", "step"),
        "n": Parameter("7", "int"),
        "m": Parameter("x", "click.Choice"),
    }


def test_one_is_deleted_and_what_is_not_there_is_no_error(parameters: Parameters) -> None:
    parameters.update({"Args/lr": 1})
    assert parameters.delete("Args/lr")
    assert not parameters.delete("Args/lr")
    assert parameters.get() == {}


@pytest.mark.parametrize("name", ["", "/lr", "Args/"])
def test_what_is_no_name_is_refused(parameters: Parameters, name: str) -> None:
    with pytest.raises(BadValue, match="no parameter name"):
        parameters.set_one(name, 1)


def test_a_credential_is_masked(parameters: Parameters) -> None:
    parameters.update({"api_key": "abc", "url": "https://u:pw@h"})
    parameters.set_user_properties({"name": "hub_token", "value": "abc"})
    assert parameters.get() == {
        "General/api_key": MASK,
        "General/url": f"https://u:{MASK}@h",
        "properties/hub_token": MASK,
    }


def test_user_properties_are_given_in_every_way_and_read_back(parameters: Parameters) -> None:
    parameters.set_user_properties(
        {"name": "backbone", "description": "type of net", "value": "great"},
        [{"name": "a b/c", "value": 1}, {"name": "typed", "value": "2", "type": "int"}],
        owner="me",
        seen={"value": 0.5, "description": "of late"},
    )
    assert parameters.get_user_properties(value_only=True) == {
        "backbone": "great",
        "a b/c": "1",
        "typed": "2",
        "owner": "me",
        "seen": "0.5",
    }
    assert parameters.get_user_properties()["backbone"] == {
        "value": "great",
        "type": "str",
        "description": "type of net",
    }
    assert parameters.get_user_properties()["typed"]["type"] == "int"
    assert parameters.delete_user_properties("owner", "gone")
    assert not parameters.delete_user_properties("owner")
    assert "owner" not in parameters.get_user_properties()


@pytest.mark.parametrize("bad", [{"value": 1}, {"name": "x"}, [1], {"name": 1, "value": 1}])
def test_a_property_without_a_name_or_value_is_refused(parameters: Parameters, bad: object) -> None:
    with pytest.raises(BadValue, match="a user property is given as"):
        parameters.set_user_properties(bad)  # type: ignore[arg-type]


def test_of_a_task_that_has_ended_only_user_properties_change(store: Store, paths: TaskPaths) -> None:
    parameters = Parameters(Hold(store, paths.id), Masker)
    parameters.update({"lr": 1})
    end(store, paths)
    for change in (
        lambda: parameters.update({"lr": 2}),
        lambda: parameters.set({"lr": 2}),
        lambda: parameters.delete("lr"),
        lambda: parameters.set_one("lr", 2),
    ):
        with pytest.raises(ReadOnly):
            change()
    parameters.set_user_properties(owner="me")
    published.publish(store, paths.id)
    parameters.set_user_properties(owner="you", more=1)
    assert parameters.delete_user_properties("more")
    assert parameters.get() == {"General/lr": "1", "properties/owner": "you"}
    assert published.verify(paths) == []


def test_the_run_itself_may_change_them_through_its_guard(store: Store, paths: TaskPaths) -> None:
    entered = []

    @contextmanager
    def guard() -> Iterator[None]:
        entered.append(1)
        yield

    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    parameters = Parameters(Hold(store, paths.id, guard, RECORDING), Masker)
    parameters.update({"lr": 1})
    assert parameters.get() == {"General/lr": "1"}
    assert entered == [1]


@pytest.mark.parametrize("verb", ["set", "update", "set_from_dict"])
@pytest.mark.parametrize("given", [["Args/lr"], "Args/lr", None, 5])
def test_what_is_no_dictionary_of_parameters_is_refused(parameters: Parameters, verb: str, given: object) -> None:
    with pytest.raises(BadValue, match=f"{verb} takes a dictionary .*, not {type(given).__name__}"):
        getattr(parameters, verb)(given)


@pytest.mark.parametrize("name", [5, None, ("Args", "lr")])
def test_a_name_that_is_no_text_is_refused(parameters: Parameters, name: object) -> None:
    for call in (lambda: parameters.update({name: 1}), lambda: parameters.get_one(name)):  # type: ignore[dict-item,arg-type]  # what programs give
        with pytest.raises(BadValue, match="a parameter's name is a text like Args/lr, not"):
            call()


@pytest.mark.parametrize("given", [5, "owner", [5]])
def test_what_is_no_user_property_is_refused(parameters: Parameters, given: object) -> None:
    with pytest.raises(BadValue, match="a user property is given as"):
        parameters.set_user_properties(given)  # type: ignore[arg-type]  # what programs give
