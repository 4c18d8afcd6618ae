"""What is said of a model, given to it and reported by it, by ClearML's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.clearml import InputModel, Model, OutputModel, Task
from taskstore.core.errors import NotFound, Refused


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def made(task: Task, weights: Path) -> OutputModel:
    model = OutputModel(
        task=task,
        config_dict={"depth": 3},
        label_enumeration={"cat": 1},
        name="net",
        tags=["a"],
        comment="of a test",
        framework="PyTorch",
    )
    assert model.update_weights(weights_filename=str(weights), update_comment=False) == str(weights)
    return model


def test_a_model_is_looked_up_with_all_that_it_was_made_with(task: Task, made: OutputModel) -> None:
    for found in (Model(made.id), InputModel(made.id), InputModel(name="net", project="examples", tags=["a"])):
        assert (found.id, found.name, found.framework, found.tags) == (made.id, "net", "PyTorch", ["a"])
        assert (found.labels, found.config_dict, found.comment) == ({"cat": 1}, {"depth": 3}, "of a test")
        assert (found.task, found.original_task, found.project) == (task.id, task.id, "examples")
        assert Path(found.get_weights()).read_bytes() == b"weights"
        assert found.url.startswith("file://")
    with pytest.raises(NotFound):
        Model("0" * 32)
    with pytest.raises(NotFound):
        InputModel(name="net", only_published=True)


def test_what_is_said_of_a_model_is_set_by_attributes(made: OutputModel) -> None:
    made.name, made.comment, made.tags, made.system_tags = "other", "changed", ["b", "c"], ["mine"]
    made.labels = {"dog": 2}
    made.config_dict = {"depth": 4}
    found = Model(made.id)
    assert (found.name, found.comment, found.tags, found.system_tags) == ("other", "changed", ["b", "c"], ["mine"])
    assert (found.labels, found.config_dict) == ({"dog": 2}, {"depth": 4})
    made.config_text = "depth: 5"
    made.update_labels({"bird": 3})
    assert (Model(made.id).config_text, Model(made.id).config_dict, Model(made.id).labels) == (
        "depth: 5",
        None,
        {"bird": 3},
    )
    assert made.update_design(config_dict={"depth": 6})
    assert Model(made.id).config_dict == {"depth": 6}


def test_metadata_is_kept_as_text_and_cast_by_its_type(made: OutputModel) -> None:
    assert made.set_metadata("epoch", 3)
    assert (made.get_metadata("epoch"), made.get_metadata_casted("epoch")) == ("3", 3)
    assert Model(made.id).get_all_metadata() == {"epoch": {"value": "3", "type": "int"}}
    assert made.set_all_metadata({"lr": {"value": "0.5", "type": "float"}}, replace=False)
    assert {key: entry["value"] for key, entry in made.get_all_metadata_casted().items()} == {"epoch": 3, "lr": 0.5}
    assert [one.id for one in Model.query_models(metadata={"epoch": "3"})] == [made.id]
    made.set_all_metadata({"only": {"value": "x"}})
    assert list(Model(made.id).get_all_metadata()) == ["only"]


def test_a_model_is_put_away_brought_back_published_and_removed(task: Task, made: OutputModel) -> None:
    made.archive()
    assert Model.archived_tag in Model(made.id).system_tags
    assert Model.query_models(model_name="net") == []
    assert [one.id for one in Model.query_models(model_name="net", include_archived=True)] == [made.id]
    made.unarchive()
    assert Model.query_models(model_name="net", max_results=1)[0].id == made.id
    assert not made.published
    made.publish()
    assert Model(made.id).published
    assert [one.id for one in Model.query_models(only_published=True)] == [made.id]
    with pytest.raises(Refused, match="published"):
        made.update_labels({"cat": 2})
    assert not Model.remove(made.id)
    assert Model.remove(made.id, force=True)
    assert Model.query_models() == []


def test_a_package_is_unpacked_or_not_as_asked(task: Task, weights: Path) -> None:
    (weights.parent / "notes.txt").write_text("notes")
    model = OutputModel(task=task, name="package")
    name = model.update_weights_package(
        weights_filenames=[str(weights), str(weights.parent / "notes.txt")], auto_delete_file=False, iteration=7
    )
    assert name == "package.zip"
    folder = model.get_weights_package(return_path=True)
    assert sorted(path.name for path in Path(folder).iterdir()) == ["net.pt", "notes.txt"]
    assert [Path(path).name for path in model.get_weights_package()] == ["net.pt", "notes.txt"]
    assert Path(model.get_local_copy(extract_archive=False)).suffix == ".zip"
    assert Path(model.get_local_copy()).is_dir()


def test_weights_are_registered_where_they_are(task: Task) -> None:
    model = OutputModel(task=task, name="far")
    assert model.update_weights(register_uri="https://example.org/net.pt") == "https://example.org/net.pt"
    assert Model(model.id).url == "https://example.org/net.pt"


def test_weights_go_to_a_place_besides_the_store(task: Task, weights: Path, tmp_path: Path) -> None:
    model = OutputModel(task=task, name="net")
    model.set_upload_destination(str(tmp_path / "one"))
    assert model.upload_storage_uri == str(tmp_path / "one")
    model.update_weights(weights_filename=str(weights))
    assert [path.read_bytes() for path in (tmp_path / "one").rglob("*.pt")] == [b"weights"]
    OutputModel.set_default_upload_uri(str(tmp_path / "two"))
    try:
        other = OutputModel(task=task, name="other")
    finally:
        OutputModel.set_default_upload_uri(None)
    other.update_weights(weights_filename=str(weights))
    OutputModel.wait_for_uploads(timeout=0.01)
    assert [path.read_bytes() for path in (tmp_path / "two").rglob("*.pt")] == [b"weights"]


def test_a_model_from_outside_is_recorded_when_it_is_connected(task: Task, weights: Path) -> None:
    model = InputModel.import_model(
        weights.as_uri(), config_dict={"depth": 1}, label_enumeration={"cat": 0}, name="imported", framework="Keras"
    )
    assert InputModel.load_model(weights.as_uri()) is None
    model.connect(task, name="start")
    (given,) = task.models["input"]
    assert (given.id, given.slot, given.framework, given.labels) == (model.id, "start", "Keras", {"cat": 0})
    assert given.config_dict == {"depth": 1}
    assert InputModel.load_model(weights.as_uri()).id == model.id
    empty = InputModel.empty(config_text="depth: 2", label_enumeration={"dog": 1})
    assert (empty.labels, empty.config_text, empty.url) == ({"dog": 1}, "depth: 2", "")


def test_each_model_that_is_found_has_clearmls_names(task: Task, made: OutputModel) -> None:
    given = Task.clone(task)
    given.set_input_model(model_id=made.id)
    for found in (task.models["output"]["net"], given.get_models()["input"][0], InputModel.query_models("examples")[0]):
        assert isinstance(found, Model)
        assert Path(found.url.removeprefix("file://")).read_bytes() == b"weights"
        found.tags = [*found.tags, "seen"]
        found.report_single_value("seen", len(found.tags))
    assert Model(made.id).tags == ["a", "seen"]
    assert list(task.get_reported_single_values().values()) == [2.0]


def test_an_output_model_has_another_name_in_its_own_task_only(task: Task, made: OutputModel) -> None:
    made.connect(task, name="best")
    assert task.models["output"].keys() == ["best"]
    with pytest.raises(Refused, match="InputModel"):
        made.connect(Task.clone(task))


def test_the_task_keeps_a_file_as_its_output_model(task: Task, weights: Path) -> None:
    kept = task.update_output_model(str(weights), name="second", comment="c", tags=["t"], auto_delete_file=False)
    assert kept == str(weights)
    (model,) = task.models["output"]
    assert (model.slot, model.name, model.comment, model.tags) == ("second", "a run - second", "c", ["t"])
    assert Path(model.get_local_copy()).read_bytes() == b"weights"


def test_a_model_reports_into_its_task_under_its_name(task: Task, made: OutputModel) -> None:
    made.report_scalar("loss", "s", 0.5, 3)
    made.report_single_value("score", 0.75)
    made.report_histogram("h", "s", [1, 2], iteration=1)
    made.report_vector("v", "s", [1, 2], iteration=1)
    made.report_table("t", "s", table_plot=[["a"], [1]])
    made.report_confusion_matrix("c", "s", [[1, 0], [0, 1]])
    made.report_matrix("m", "s", [[1, 0], [0, 1]])
    made.report_scatter2d("2d", "s", [[0, 1], [1, 2]])
    made.report_scatter3d("3d", "s", [[0, 1, 2], [1, 2, 3]])
    made.report_surface("su", "s", [[1, 2], [3, 4]])
    made.report_line_plot("l", {"one": [1, 2]}, "x", "y")
    (title,) = [title for title in task.get_reported_scalars() if title.endswith("loss")]
    assert "net" in title
    assert task.get_reported_scalars()[title]["s"] == {"name": "s", "x": [3], "y": [0.5]}
    assert list(task.get_reported_single_values().values()) == [0.75]
    titles = [plot["metric"] for plot in task.get_reported_plots()]
    assert [one.removeprefix(title.removesuffix("loss")) for one in titles] == [
        *("h", "v", "t", "c", "m", "2d", "3d", "su", "l")
    ]
