"""Models: kept with the task that made them, known again by those that are given them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore import InputModel, Model, OutputModel, Task
from taskstore.core.errors import BadName, BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run import mode
from taskstore.run import session as sessions
from taskstore.sections.clone import reset
from taskstore.store import blobs, doctor, models, places, published, tasks
from taskstore.store.store import Store


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield
    session = sessions.opened()
    if session is not None:
        session.close()


@pytest.fixture
def task(store: Store) -> Task:
    return Task(store, tasks.create(store, "vision", "training run").id)


@pytest.fixture
def other(store: Store) -> Task:
    return Task(store, tasks.create(store, "vision", "another run").id)


@pytest.fixture
def model(task: Task) -> OutputModel:
    return OutputModel(task, name="Net", framework="PyTorch")


def paths_of(task: Task) -> TaskPaths:
    return places.locate(task._store, task.id)


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(task: Task) -> list[str]:
    home = paths_of(task)
    return sorted(
        path.relative_to(home.model_files).as_posix() for path in home.model_files.rglob("*") if path.is_file()
    )


# weights


def test_weights_are_kept_whole_and_outlive_the_programs_file(task, model):
    write("Net.pt", "weights").chmod(0o600)
    assert model.update_weights("Net.pt") == "Net.pt"
    Path("Net.pt").unlink()
    (found,) = task.models["output"]
    assert (found.id, found.size, found.framework, found.task) == (model.id, 7, "PyTorch", task.id)
    copy = Path(found.get_local_copy())
    assert (copy.name, copy.read_text()) == ("Net.pt", "weights")
    assert not copy.stat().st_mode & 0o222
    assert not model.get_weights().endswith("~1")


def test_a_copy_in_a_folder_is_the_callers(model, tmp_path):
    model.update_weights(write("w.pt", "weights"))
    copy = Path(model.get_local_copy(folder=tmp_path / "out"))
    copy.write_text("changed")
    assert Path(model.get_local_copy()).read_text() == "weights"
    with pytest.raises(Conflict):
        model.get_local_copy(folder=tmp_path / "out")


def test_the_last_weights_are_the_models_and_those_before_are_gone(task, model):
    for text in ("one", "two", "three"):
        model.update_weights(write("w.pt", text))
    assert Path(model.get_weights()).read_text() == "three"
    assert len(files(task)) == 1


def test_of_iterations_the_latest_snapshots_stay(task, model):
    for iteration in range(5):
        model.update_weights(write("w.pt", f"weights {iteration}"), iteration=iteration, snapshots=2)
    assert (model.snapshots, model.iteration, len(files(task))) == ([3, 4], 4, 2)
    assert Path(model.get_weights()).read_text() == "weights 4"
    texts = {(paths_of(task).model_files / name).read_text() for name in files(task)}
    assert texts == {"weights 3", "weights 4"}


def test_how_many_snapshots_stay_is_a_setting_and_0_keeps_all(task, model, store):
    store.paths.config.write_text("models:\n  snapshots: 1\n")
    for iteration in range(3):
        model.update_weights(write("w.pt", str(iteration)), iteration=iteration)
    assert model.snapshots == [2]
    for iteration in range(3, 9):
        model.update_weights(write("w.pt", str(iteration)), iteration=iteration, snapshots=0)
    assert model.snapshots == list(range(2, 9))
    assert len(files(task)) == 7


def test_where_weights_were_saved_is_said_before_what_the_program_says(task):
    made = OutputModel(task, name="Net", comment="a comment\nof two lines")
    for name in ("a.pt", "b.pt"):
        made.update_weights(write(name, name))
    assert Model(made.id).comment == "saved as b.pt\na comment\nof two lines"
    made.update_weights(register_uri="https://example.org/w.pt")
    assert Model(made.id).comment == "weights at https://example.org/w.pt\na comment\nof two lines"
    made.update_weights("a.pt", update_comment=False)
    assert Model(made.id).comment == "weights at https://example.org/w.pt\na comment\nof two lines"


def test_equal_weights_are_one_file_however_often_they_are_saved(task, other, model):
    data = "x" * 20_000
    for iteration in range(3):
        model.update_weights(write("w.pt", data), iteration=iteration)
    assert (len(files(task)), model.snapshots) == (1, [0, 1, 2])
    again = OutputModel(other, name="copy")
    again.update_weights(write("v.pt", data))
    assert Path(again.get_weights()).samefile(model.get_weights())


def test_two_models_of_one_name_keep_their_own_weights(task):
    one, two = OutputModel(task, name="same"), OutputModel(task, name="same")
    one.update_weights(write("w.pt", "one"))
    two.update_weights(write("w.pt", "two"))
    one.update_weights(write("w.pt", "one again"))
    assert [Path(item.get_weights()).read_text() for item in (one, two)] == ["one again", "two"]
    assert Model(one.id).name == Model(two.id).name == "same"


def test_a_folder_is_a_package_that_comes_back_as_a_folder(model, tmp_path):
    write("given/a.bin", "A")
    write("given/deep/b.bin", "B")
    assert model.update_weights_package(weights_path="given") == "given.zip"
    names = {Path(path).relative_to(model.get_local_copy()).as_posix() for path in model.get_weights_package()}
    assert names == {"a.bin", "deep/b.bin"}
    assert model.get_weights_package(return_path=True) == model.get_local_copy()
    assert model.get_weights().endswith("given.zip")
    model.update_weights("given", target_filename="named")
    assert model.get_weights().endswith("named.zip")
    assert (Path(model.get_local_copy(folder=tmp_path / "out")) / "deep" / "b.bin").read_text() == "B"
    before = model.hash
    for path in Path("given").rglob("*"):
        os.utime(path, (1, 1))
    model.update_weights("given")
    assert model.hash == before


def test_several_files_are_a_package_by_what_tells_them_apart(model):
    model.update_weights_package(weights_filenames=[write("a/w.bin", "A"), write("b/w.bin", "B")])
    assert [Path(path).read_text() for path in model.get_weights_package()] == ["A", "B"]
    with pytest.raises(BadValue, match="no file 'missing'"):
        model.update_weights_package(weights_filenames=["missing"])


def test_weights_elsewhere_are_recorded_without_their_password(model):
    assert model.update_weights(register_uri="https://ada:secret@example.org/w.pt") == "https://example.org/w.pt"
    assert (model.url, model.size, model.hash) == ("https://example.org/w.pt", 0, "")


@pytest.mark.parametrize(
    "arguments", [{}, {"weights_filename": "missing"}, {"weights_filename": "w", "register_uri": "https://a/b"}]
)
def test_what_are_no_weights_is_refused_and_changes_nothing(model, arguments):
    model.update_weights(write("w.pt", "weights"))
    with pytest.raises(BadValue):
        model.update_weights(**arguments)
    assert Path(Model(model.id).get_weights()).read_text() == "weights"


def test_without_weights_there_is_no_copy(model, capfd):
    assert model.get_local_copy() is None
    assert "has no weights yet" in capfd.readouterr().err
    with pytest.raises(Refused, match="no weights yet"):
        model.get_weights(raise_on_error=True)


def test_weights_that_a_record_puts_outside_of_its_task_are_not_read(task, model, tmp_path):
    (tmp_path / "secret").write_text("x")
    model.update_weights(write("w.pt", "weights"))
    value = json.loads(paths_of(task).models.read_bytes())
    value["output"][model.id]["file"]["path"] = os.path.relpath(tmp_path / "secret", task.path())
    paths_of(task).models.write_text(json.dumps(value))
    with pytest.raises(Damaged, match="outside"):
        Model(model.id).get_weights(raise_on_error=True)


# what is said of one


def test_what_is_said_of_a_model_is_read_back(task):
    made = OutputModel(
        task,
        config_dict={"layers": [1, 2]},
        label_enumeration={"cat": 1, "dog": 2},
        name="Net",
        tags=["a", "b", "a"],
        comment="a comment",
        framework="Keras",
        base_model_id="0" * 32,
    )
    found = Model(made.id)
    assert (found.name, found.labels, found.config_dict) == ("Net", {"cat": 1, "dog": 2}, {"layers": [1, 2]})
    assert (found.tags, found.comment, found.framework, found.project) == (["a", "b"], "a comment", "Keras", "vision")
    made.update_labels({"bird": 3})
    made.update_design(config_text="layers: many")
    made.edit(name="Net 2", comment="more", tags=["c"])
    found.refresh()
    assert (found.labels, found.config_text, found.config_dict) == ({"bird": 3}, "layers: many", None)
    assert (found.name, found.comment, found.tags) == ("Net 2", "more", ["c"])


def test_metadata_keeps_values_as_text_with_their_types(model):
    assert model.set_metadata("accuracy", 0.5)
    assert model.set_metadata("epochs", "3", "int")
    assert model.get_metadata("accuracy") == "0.5"
    assert (model.get_metadata_casted("accuracy"), model.get_metadata_casted("epochs")) == (0.5, 3)
    model.set_all_metadata({"note": {"value": "x", "type": "str"}}, replace=False)
    assert set(Model(model.id).get_all_metadata()) == {"accuracy", "epochs", "note"}
    model.set_all_metadata({"note": {"value": "y", "type": "nonsense"}})
    assert Model(model.id).get_all_metadata_casted() == {"note": {"value": "y", "type": "nonsense"}}
    assert (model.get_metadata("missing"), model.get_metadata_casted("missing")) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"config_text": "a", "config_dict": {}}, BadValue),
        ({"config_dict": {"a": object()}}, BadValue),
        ({"label_enumeration": {"cat": "one"}}, BadValue),
        ({"label_enumeration": 5}, BadValue),
        ({"name": ""}, BadName),
        ({"tags": ["__$all"]}, BadName),
    ],
)
def test_what_cannot_be_said_of_a_model_is_refused(task, arguments, error):
    with pytest.raises(error):
        OutputModel(task, **arguments)
    assert len(task.models.output) == 0


def test_a_model_reports_into_its_task_under_its_name(task, model):
    tasks.transition(task._store, task.id, Status.IN_PROGRESS)
    model.get_logger().report_scalar("loss", "train", 0.5, 3)
    model.get_logger().report_single_value("accuracy", 0.9)
    assert task.reports.scalars()["Net/loss"]["train"].values == [0.5]
    assert task.reports.single_values() == {"Net/accuracy": 0.9}


# the task's


def test_models_of_a_task_go_by_number_slot_and_name(task):
    first, second = OutputModel(task, name="first"), OutputModel(task, name="second")
    second.connect(task, name="slot")
    found = task.models
    assert [item.id for item in found["output"]] == [first.id, second.id]
    assert found["output"][-1].id == found.output["slot"].id == found.output["second"].id == second.id
    assert (found.output.keys(), found.output.get("none")) == (["first", "slot"], None)
    assert [item.id for item in found.output[:1]] == [first.id]
    assert (list(found), len(found["input"])) == (["input", "output"], 0)
    with pytest.raises(KeyError):
        found["other"]
    with pytest.raises(KeyError):
        found.output["none"]


def test_a_new_models_labels_are_the_tasks(task):
    assert task.models.connect_label_enumeration({"cat": 1}) == {"cat": 1}
    assert OutputModel(task, name="one").labels == {"cat": 1}
    assert OutputModel(task, name="two", label_enumeration={"dog": 1}).labels == {"dog": 1}
    assert task.models.get_label_enumeration() == {"cat": 1}


def test_update_output_makes_a_model_of_a_slot_and_then_goes_on_with_it(task):
    task.models.update_output(write("best.pt", "one"), comment="first", tags=["a"])
    task.models.update_output(write("best.pt", "two"), model_name="the best", iteration=4)
    (found,) = task.models.output
    assert (found.slot, found.name, found.iteration, found.tags) == ("best", "the best", 4, ["a"])
    assert Path(found.get_weights()).read_text() == "two"


def test_a_model_is_of_one_task_for_good(task, other, model):
    with pytest.raises(Refused, match="InputModel"):
        model.connect(other)


def test_without_an_open_task_a_model_needs_one():
    with pytest.raises(Refused, match=r"Task\.init"):
        OutputModel(name="nobody's")
    with pytest.raises(BadValue, match="task must be"):
        OutputModel(5)


# given


def test_a_model_that_is_given_is_known_from_both_sides(task, other, model):
    model.update_weights(write("w.pt", "weights"))
    given = InputModel(name="Net", project="vision")
    given.connect(other)
    (found,) = other.models["input"]
    assert (found.id, found.task, found.original_task) == (model.id, other.id, task.id)
    assert Path(other.models.input["Net"].get_local_copy()).read_text() == "weights"
    assert model.used_by() == [other.id]
    assert other.models.get_label_enumeration() == {}


def test_a_task_takes_labels_and_design_of_what_it_is_given(task, other):
    made = OutputModel(task, name="labelled", label_enumeration={"cat": 1}, config_text="deep")
    InputModel(made.id).connect(other, name="base")
    assert OutputModel(other, name="new").labels == {"cat": 1}
    assert OutputModel(other, name="newer").config_text == "deep"
    assert other.models.input.keys() == ["base"]


def test_weights_from_outside_are_recorded_with_their_hash_and_not_copied(task):
    path = write("pretrained.bin", "weights")
    given = InputModel.import_model(path, name="pretrained", framework="PyTorch", label_enumeration={"cat": 1})
    given.connect(task)
    assert not paths_of(task).files.exists()
    (found,) = task.models.input
    assert (found.id, found.original_task, found.labels) == (given.id, "", {"cat": 1})
    assert Path(found.get_weights()) == path.absolute()
    assert Model(given.id).framework == "PyTorch"
    path.write_text("changed!")
    with pytest.raises(Damaged):
        found.get_weights(raise_on_error=True)
    path.unlink()
    with pytest.raises(NotFound):
        found.get_weights(raise_on_error=True)


def test_imported_again_it_is_the_model_that_has_it(task, model):
    model.update_weights(write("w.pt", "weights"))
    assert InputModel.import_model(write("copy.pt", "weights")).id == model.id
    assert InputModel.load_model("copy.pt").id == model.id
    assert InputModel.load_model(write("new.pt", "other weights")) is None
    first = InputModel.import_model("https://u:p@example.org/w.pt")
    first.connect(task)
    assert (first.url, InputModel.import_model("https://example.org/w.pt").id) == ("https://example.org/w.pt", first.id)
    model.archive()
    assert InputModel.load_model("copy.pt") is None
    assert InputModel.load_model("copy.pt", load_archived=True).id == model.id


def test_an_empty_model_gives_labels_and_design(task):
    InputModel.empty(config_dict={"a": 1}, label_enumeration={"cat": 1}).connect(task)
    (found,) = task.models.input
    assert (found.labels, found.config_dict, found.url) == ({"cat": 1}, {"a": 1}, "")


def test_what_is_not_there_is_not_found(task):
    with pytest.raises(NotFound):
        InputModel("0" * 32)
    with pytest.raises(NotFound):
        InputModel(name="nothing")
    with pytest.raises(BadValue, match="which model"):
        InputModel()
    with pytest.raises(BadValue, match="no file"):
        InputModel.import_model("missing.pt")


def test_in_a_task_that_is_run_again_the_stored_model_is_used(store, task, model, monkeypatch):
    better = OutputModel(task, name="better")
    draft = Task(store, tasks.create(store, "vision", "fine tuning").id)
    InputModel(model.id).connect(draft, name="base")
    draft.models.set_input(better.id, name="base")
    draft.models.connect_label_enumeration({"stored": 1})
    monkeypatch.setenv(mode.TASK_VARIABLE, draft.id)
    run = Task.init("vision", "fine tuning")
    assert run.id == draft.id
    given, own = InputModel(model.id), InputModel(model.id)
    given.connect(run, name="base")
    assert (given.id, given.name) == (better.id, "better")
    assert run.models.connect_label_enumeration({"own": 1}) == {"stored": 1}
    own.connect(run, name="base", ignore_remote_overrides=True)
    assert (own.id, run.models.input["base"].id) == (model.id, model.id)


def test_a_model_that_was_deleted_is_still_named_by_those_that_were_given_it(task, other, model):
    model.update_weights(write("w.pt", "weights"))
    InputModel(model.id).connect(other)
    assert not Model.remove(model)
    with pytest.raises(Refused, match="was given"):
        Model.remove(model.id, raise_on_errors=True)
    assert Model.remove(model, force=True)
    assert (len(task.models.output), files(task)) == (0, [])
    (left,) = other.models.input
    assert (left.id, left.slot, left.comment) == (model.id, "Net", "deleted since this task was given it")
    other.models.remove_input("Net")
    assert len(other.models.input) == 0
    with pytest.raises(NotFound):
        other.models.remove_input("Net")


# found


@pytest.fixture
def several(store: Store, clock) -> list[OutputModel]:
    made = []
    for number, (project, name, tags) in enumerate(
        [("vision", "net small", ["a"]), ("vision", "net large", ["a", "b"]), ("speech", "net small", [])]
    ):
        clock.advance(1)
        task = Task(store, tasks.create(store, project, f"run {number}").id)
        made.append(OutputModel(task, name=name, tags=tags))
        made[-1].set_metadata("number", number)
    return made


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [2, 1, 0]),
        ({"project_name": "vision"}, [1, 0]),
        ({"model_name": "net small"}, [2, 0]),
        ({"tags": ["a"]}, [1, 0]),
        ({"tags": ["a", "-b"]}, [0]),
        ({"tags": ["__$all", "a", "b"]}, [1]),
        ({"max_results": 1}, [2]),
        ({"metadata": {"number": 1}}, [1]),
        ({"metadata": {"number": 1, "other": 1}}, []),
        ({"only_published": True}, [0]),
        ({"include_archived": True}, [3, 2, 1, 0]),
        ({"project_name": "none"}, []),
    ],
)
def test_models_are_found_the_newest_first(store, clock, several, asked, numbers):
    hidden = OutputModel(Task(store, tasks.create(store, "vision", "old").id), name="hidden")
    hidden.archive()
    several[0].publish()
    clock.advance(1)
    several[1].edit(comment="changed")
    clock.advance(1)
    several[2].edit(comment="changed")
    order = [several[0], several[1], several[2], hidden]
    wanted = [order[number].id for number in numbers]
    assert [model.id for model in Model.query_models(**asked)] == wanted


@pytest.mark.parametrize("asked", [{"max_results": 0}, {"tags": ["__$what"]}])
def test_a_query_that_cannot_be_understood_is_refused(asked):
    with pytest.raises(BadValue):
        Model.query_models(**asked)


def test_a_damaged_record_hides_only_its_own_models(store, several):
    paths_of(Task(store, several[0].task)).models.write_text("{")
    assert len(Model.query_models()) == 2


# the life of a task


def test_what_an_ended_task_made_stays_and_what_is_said_of_it_may_change(task, model, store):
    model.update_weights(write("w.pt", "weights"))
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    for attempt in (
        lambda: model.update_weights("w.pt"),
        lambda: model.update_labels({"a": 1}),
        lambda: OutputModel(task, name="late"),
        lambda: task.models.set_input(model.id),
    ):
        with pytest.raises(ReadOnly, match="taskstore clone"):
            attempt()
    model.edit(tags=["best"])
    model.set_metadata("seen", "yes")
    model.publish()
    assert (Model(model.id).tags, Model(model.id).published) == (["best"], True)


def test_a_published_model_is_final(model):
    model.update_weights(write("w.pt", "weights"))
    model.publish()
    for attempt in (
        lambda: model.update_weights("w.pt"),
        lambda: model.update_labels({"a": 1}),
        lambda: model.update_design("x"),
        lambda: model.update_weights(register_uri="https://a/b"),
    ):
        with pytest.raises(Refused, match="is published"):
            attempt()
    with pytest.raises(Refused, match="force=True"):
        Model.remove(model, raise_on_errors=True)


def test_publishing_a_task_publishes_its_models_and_verifies_them(task, model, store):
    model.update_weights(write("w.pt", "weights"))
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    published.publish(store, task.id)
    assert Model(model.id).published
    model.edit(tags=["later"], comment="said later")
    model.archive()
    assert published.verify(paths_of(task)) == []
    assert not published.has_write_bits(paths_of(task))
    with pytest.raises(ReadOnly):
        Model.remove(model, force=True, raise_on_errors=True)
    value = json.loads(paths_of(task).models.read_bytes())
    value["output"][model.id]["framework"] = "other"
    paths_of(task).models.chmod(0o600)
    paths_of(task).models.write_text(json.dumps(value))
    assert published.verify(paths_of(task)) == ["changed: models.json"]


def test_a_clone_is_given_what_its_source_was_and_none_of_what_that_made(task, other, model):
    made = OutputModel(other, name="own")
    InputModel(model.id).connect(other, name="base")
    other.models.connect_label_enumeration({"cat": 1})
    copy = Task.clone(other)
    assert ([item.id for item in copy.models.input], len(copy.models.output)) == ([model.id], 0)
    assert copy.models.get_label_enumeration() == {"cat": 1}
    assert set(model.used_by()) == {other.id, copy.id}
    assert Model(made.id).task == other.id


def test_a_reset_deletes_what_was_made_and_keeps_what_was_given(task, other, model, store):
    model.update_weights(write("w.pt", "weights"))
    kept = OutputModel(task, name="used elsewhere")
    kept.update_weights(write("v.pt", "others need them"))
    InputModel(kept.id).connect(other)
    InputModel.import_model(write("base.pt", "base")).connect(task)
    reset(store, task.id)
    assert [item.id for item in task.models.output] == [kept.id]
    assert task.models.input.keys() == ["base model"]
    assert Path(Model(kept.id).get_weights()).read_text() == "others need them"
    assert [name.rpartition("/")[2] for name in files(task)] == ["v.pt"]
    with pytest.raises(NotFound):
        Model(model.id)


def test_a_published_model_is_in_the_way_of_a_reset_and_outlives_a_forced_one(task, model, store):
    model.update_weights(write("w.pt", "weights"))
    model.publish()
    with pytest.raises(Refused, match="published model 'Net'"):
        reset(store, task.id)
    reset(store, task.id, force=True)
    assert Path(Model(model.id).get_weights()).read_text() == "weights"


# damage


def test_doctor_finds_weights_that_are_missing_changed_or_nobodys(task, model, store):
    model.update_weights(write("w.pt", "weights"), iteration=1)
    model.update_weights(write("w.pt", "more weights"), iteration=2)
    assert doctor.check(store) == []
    first, second = (
        paths_of(task).home / item.file.path for item in models.read(paths_of(task)).output[model.id].snapshots
    )
    first.chmod(0o600)
    first.write_text("WEIGHTS")
    second.unlink()
    orphan = paths_of(task).model_folder("nobody's") / "w.pt"
    orphan.parent.mkdir()
    orphan.write_text("x")
    found = {(finding.kind.value, finding.path) for finding in doctor.check(store)}
    assert found == {("blob", first), ("blob", second), ("orphan", orphan)}
    doctor.repair(store)
    assert not orphan.exists()


def test_what_can_be_read_of_a_torn_record_is_kept(task, model, store):
    paths = paths_of(task)
    data = paths.models.read_bytes()
    paths.models.write_bytes(data[:-4])
    assert [finding.kind.value for finding in doctor.check(store)] == ["record"]
    doctor.repair(store)
    assert models.read(paths).output[model.id].name == "Net"


def test_what_a_later_program_wrote_survives(task, model):
    value = json.loads(paths_of(task).models.read_bytes())
    value["output"][model.id]["from_later"] = {"x": 1}
    paths_of(task).models.write_text(json.dumps(value))
    OutputModel(task, name="other")
    model.edit(comment="changed")
    assert json.loads(paths_of(task).models.read_bytes())["output"][model.id]["from_later"] == {"x": 1}


def test_a_task_that_ends_while_weights_are_copied_does_not_get_them(task, model, store, monkeypatch):
    real = blobs.Stream.take

    def take(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        tasks.transition(store, task.id, Status.COMPLETED)

    monkeypatch.setattr(blobs.Stream, "take", take)
    with pytest.raises(ReadOnly):
        model.update_weights(write("w.pt", "weights"))
    assert files(task) == []


# in a run


def test_in_a_run_a_store_that_refuses_warns_once_and_the_program_goes_on(store, capfd, monkeypatch):
    run = Task.init("vision", "a run")
    made = OutputModel(name="Net")
    assert made.task == run.id
    monkeypatch.setattr(models, "change", _refuse)
    write("w.pt", "weights")
    assert made.update_weights("w.pt") is None
    assert OutputModel(name="another").name == "another"
    made.edit(comment="x")
    made.publish()
    assert not made.published
    assert capfd.readouterr().err.count("cannot be written") == 1


def test_in_a_run_that_is_not_recorded_nothing_is_raised(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("no store")
    monkeypatch.setenv("TASKSTORE_ROOT", str(tmp_path / "file"))
    run = Task.init("vision", "a run")
    assert "not recorded" in capfd.readouterr().err
    made = OutputModel(name="Net")
    assert made.update_weights(write("w.pt", "weights"), iteration=1) is None
    assert run.models.update_output("w.pt") is None
    made.set_metadata("a", 1)
    InputModel.import_model("w.pt").connect(run)
    assert run.models.connect_label_enumeration({"cat": 1}) == {"cat": 1}
    assert capfd.readouterr().err == ""


def _refuse(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_looking_changes_nothing_on_the_disk(task):
    assert (len(task.models.output), len(task.models.input), task.models.get_label_enumeration()) == (0, 0, {})
    assert not paths_of(task).models.exists()
    assert repr(task.models) == f"Models(task {task.id!r})"
