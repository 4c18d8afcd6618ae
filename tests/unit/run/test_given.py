from __future__ import annotations

import pytest

from taskstore.core.errors import Refused
from taskstore.core.secrets import MASK, Masker
from taskstore.disk.layout import TaskPaths
from taskstore.run import given
from taskstore.schema.record import Parameter, ParamsRecord, ScriptRecord
from taskstore.store import tasks
from taskstore.store.store import Store


def task(store: Store, *arguments: str, **parameters: str) -> TaskPaths:
    paths = tasks.create(store, "examples", "a task")

    def describe(script: ScriptRecord) -> None:
        script.argv = ["train.py", *arguments]

    def fill(params: ParamsRecord) -> None:
        params.hyperparams = {"Args": {name: Parameter(text, "str") for name, text in parameters.items()}}

    tasks.edit_script(store, paths.id, describe)
    tasks.edit_params(store, paths.id, fill)
    return paths


def names(paths: TaskPaths) -> list[tuple[str, str, bool]]:
    return [(one.name, one.variable.removeprefix(given.PREFIX), one.is_needed) for one in given.of_task(paths)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--api-key", MASK], [("--api-key", "API_KEY")]),
        (["--api-key=" + MASK], [("--api-key", "API_KEY")]),
        (["+db.password=" + MASK], [("+db.password", "DB_PASSWORD")]),
        ([f"--url=https://a:{MASK}@h/?token={MASK}"], [("--url", "URL"), ("--url", "URL_2")]),
        (["--token", MASK, "--token", MASK], [("--token", "TOKEN"), ("--token", "TOKEN_2")]),
        (["-p" + MASK], [("-p", "P")]),
        (["-p", MASK], [("-p", "P")]),
        (["train", f"https://a:{MASK}@h"], [("argument 2", "ARGUMENT_2")]),
        (["--", MASK], [("argument 2", "ARGUMENT_2")]),
    ],
)
def test_a_secret_of_the_command_line_is_called_by_its_option(
    store: Store, arguments: list[str], expected: list[tuple[str, str]]
) -> None:
    assert names(task(store, *arguments)) == [(name, variable, True) for name, variable in expected]


def test_an_argument_without_a_telling_name_is_called_by_the_parameter_that_it_became(store: Store) -> None:
    paths = task(store, "-p", MASK, url=f"https://a:{MASK}@h", password=MASK)
    assert names(paths) == [("Args/password", "PASSWORD", True), ("Args/url", "URL", False)]
    assert given.for_task(paths, {"TASKSTORE_SECRET_PASSWORD": "x"}) == {"TASKSTORE_SECRET_P": "x"}


def test_where_two_parameters_may_be_meant_the_argument_keeps_its_place_for_a_name(store: Store) -> None:
    paths = task(store, "-p", MASK, one=MASK, two=MASK)
    assert names(paths) == [("-p", "P", True), ("Args/one", "ONE", False), ("Args/two", "TWO", False)]


def test_all_that_is_missing_is_named_at_once_and_what_is_empty_is_missing(store: Store) -> None:
    paths = task(store, "--token", MASK, "--password", MASK, "--lr", "0.1")
    with pytest.raises(Refused, match=r"--token in TASKSTORE_SECRET_TOKEN, --password in TASKSTORE_SECRET_PASSWORD"):
        given.for_task(paths, {"TASKSTORE_SECRET_TOKEN": ""})


def test_a_process_gets_each_value_in_its_place_and_its_environment_is_without_them() -> None:
    environ = {"TASKSTORE_SECRET_TOKEN": "a", "TASKSTORE_SECRET_TOKEN_2": "b", "HOME": "/home/ada"}
    mine = given.Given(environ)
    assert environ == {"HOME": "/home/ada"}
    assert mine.fill(["--token", MASK, f"--token=x{MASK}", "--other", MASK]) == [
        "--token",
        "a",
        "--token=xb",
        "--other",
        MASK,
    ]


def test_a_parameter_that_the_command_line_gives_is_not_given_twice() -> None:
    mine = given.Given({"TASKSTORE_SECRET_TOKEN": "a", "TASKSTORE_SECRET_NET_KEY": "b"})
    mine.fill(["--token", MASK])
    assert mine.complete("Args", {"token": Parameter(MASK)}) == {"token": Parameter(MASK)}
    assert mine.complete("Net", {"key": Parameter(f"x{MASK}", "str", "about")}) == {
        "key": Parameter("xb", "str", "about")
    }


def test_a_known_secret_is_masked_wherever_it_stands_a_short_one_only_by_itself() -> None:
    masker = Masker(known=("hunter2", "ab"))
    assert masker.text("say hunter2, grab") == f"say {MASK}, grab"
    assert masker.value("plain", "ab") == MASK
    assert masker.argv(["train.py", "ab", "--x=hunter2", "grab"])[0] == ["train.py", MASK, f"--x={MASK}", "grab"]
