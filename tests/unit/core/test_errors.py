import ast
import copy
import pickle
from pathlib import Path

import pytest

from taskstore.core import errors

TASK_ID = "019a8b7c6d5e7f00a1b2c3d4e5f60718"
SAMPLES = [
    errors.TaskstoreError("it went wrong"),
    errors.NotFound("task", "x", "`taskstore ls` lists them"),
    errors.Ambiguous("task", "019a", ["019a1 a/b", "019a2 a/c"]),
    errors.BadTransition(TASK_ID, "completed", "queued", "reset it"),
    errors.Conflict("taken"),
    errors.BadName("task", "x", "too short"),
    errors.BadValue("not a number"),
    errors.FunctionFailed(TASK_ID, "ValueError", "bad", "Traceback"),
    errors.ReadOnly("published"),
    errors.CodeNotFound("no commit", [("/a", "not there")], "fetch it"),
    errors.CodeDiffers("not the same", [("train.py", "is missing")], "look"),
    errors.Refused("no"),
    errors.NotSupported("no queue"),
    errors.Busy(Path("/a/.lock"), 30.0),
    errors.Damaged(Path("/a/task.json"), "not JSON"),
    errors.TooNew(Path("/a/taskstore.json"), 9, 1),
    errors.RemoteError("no answer"),
]


def kinds(root: type[errors.TaskstoreError]) -> set[type[errors.TaskstoreError]]:
    return {root}.union(*(kinds(kind) for kind in root.__subclasses__() if kind.__module__ == errors.__name__))


def test_there_is_a_sample_of_every_error() -> None:
    assert {type(error) for error in SAMPLES} == kinds(errors.TaskstoreError)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy], ids=["pickle", "copy"])  # noqa: S301
def test_an_error_arrives_whole_in_another_process(error, travel) -> None:
    arrived = travel(error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize("kind", sorted(kinds(errors.TaskstoreError), key=lambda kind: kind.__name__))
def test_the_tree_atop_the_module_is_the_tree_of_the_code(kind) -> None:
    drawing = ast.get_docstring(ast.parse(Path(errors.__file__).read_text("utf-8")))
    assert drawing is not None
    assert kind.__name__ in drawing
    line = next(line for line in drawing.splitlines() if f" {kind.__name__} " in f" {line.strip(' ├─└│')} ")
    if kind.__base__ is errors.TaskstoreError:
        assert str(kind.exit_code) in line.split()


def test_every_class_of_errors_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in errors.TaskstoreError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, 130}.intersection(codes)


def test_a_refused_change_names_the_task_by_more_than_what_tasks_of_one_minute_share() -> None:
    assert TASK_ID[:12] in str(errors.BadTransition(TASK_ID, "created", "published"))


def test_an_ambiguous_name_lists_its_candidates_and_counts_as_not_found() -> None:
    error = errors.Ambiguous("task", "019a", ["first", "second"])
    assert isinstance(error, errors.NotFound)
    assert error.candidates == ("first", "second")
    assert "first" in str(error)
    assert "second" in str(error)


def test_the_message_says_what_to_do_next() -> None:
    assert str(errors.NotFound("task", "x", "look there")).endswith("look there")
    assert "taskstore doctor" in str(errors.Damaged(Path("a"), "b"))
    assert "upgrade" in str(errors.TooNew(Path("a"), 2, 1))
    assert "try again" in str(errors.Busy(Path("a"), 1))
