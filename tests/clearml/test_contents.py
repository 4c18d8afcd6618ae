"""What a task holds: parameters, configuration, reports, artifacts, models."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import pytest

from taskstore.clearml import InputModel, Logger, Model, OutputModel, Task
from taskstore.core.errors import BadValue, NotSupported

# parameters


def test_parameters_are_connected_set_and_read(task: Task) -> None:
    live = task.connect({"lr": 0.1, "net": {"depth": 3}}, name="Training")
    live["lr"] = 0.2
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    task.connect(parser)
    task.set_parameter("General/seed", 7, description="of everything")
    assert task.get_parameters()["Training/lr"] == "0.2"
    assert task.get_parameters(cast=True)["Training/net/depth"] == 3
    assert task.get_parameter("General/seed", cast=True) == 7
    assert task.get_parameter("General/none", default="x") == "x"
    assert task.get_parameters_as_dict(cast=True)["General"] == {"seed": 7}
    task.update_parameters({"General/seed": 8})
    assert task.get_parameter("General/seed") == "8"
    assert task.delete_parameter("General/seed")
    assert not task.delete_parameter("General/seed")


def test_set_parameters_replaces_all_but_the_user_properties(task: Task) -> None:
    task.set_user_properties(owner="ada")
    task.set_parameters({"Args/a": 1}, **{"b": 2})
    assert task.get_parameters() == {"Args/a": "1", "General/b": "2", "properties/owner": "ada"}
    task.set_parameters_as_dict({"Args": {"c": {"d": 3}}})
    assert task.get_parameters() == {"Args/c/d": "3", "properties/owner": "ada"}
    assert task.get_user_properties(value_only=True) == {"owner": "ada"}
    assert task.delete_user_properties([{"section": "properties", "name": "owner"}])
    assert task.get_user_properties() == {}


def test_configurations_are_connected_set_and_read(task: Task, tmp_path: Path) -> None:
    found = task.connect_configuration({"depth": 3}, name="network")
    assert found["depth"] == 3
    (tmp_path / "c.json").write_text('{"a": 1}')
    assert Path(task.connect_configuration(tmp_path / "c.json", name="file")).read_text() == '{"a": 1}'
    task.set_configuration_object("text", config_text="free text", config_type="txt")
    assert task.get_configuration_object("text") == "free text"
    assert task.get_configuration_object_as_dict("network") == {"depth": 3}
    assert set(task.get_configuration_objects()) == {"network", "file", "text"}


def test_the_configuration_of_models_is_the_one_without_a_name(task: Task) -> None:
    task.set_model_config(config_dict={"depth": 3})
    assert task.get_configuration_object_as_dict("General") == {"depth": 3}
    assert (task.get_model_config_dict(), task.get_model_design()) == ({"depth": 3}, task.get_model_config_text())
    task.connect_configuration({"depth": 4})
    assert task.get_model_config_dict() == {"depth": 4}


# reports


def test_scalars_are_reported_and_read_back_in_clearmls_shape(task: Task) -> None:
    logger = task.get_logger()
    assert isinstance(logger, Logger)
    assert isinstance(task.logger, Logger)
    for iteration, value in enumerate([3.0, 1.0, 2.0]):
        logger.report_scalar("loss", "train", value=value, iteration=iteration)
    logger.report_single_value("accuracy", 0.75)
    logger.flush(wait=True)
    task.flush()
    assert task.get_last_scalar_metrics()["loss"]["train"] == {"last": 2.0, "min": 1.0, "max": 3.0}
    scalars = task.get_reported_scalars()
    assert scalars["loss"]["train"] == {"name": "train", "x": [0, 1, 2], "y": [3.0, 1.0, 2.0]}
    assert task.get_reported_scalars(max_samples=2)["loss"]["train"]["x"] == [0, 2]
    times = task.get_all_reported_scalars(x_axis="iso_time")["loss"]["train"]["x"]
    assert times == sorted(times)
    assert times[0].endswith("+00:00")
    with pytest.raises(ValueError, match="x_axis"):
        task.get_reported_scalars(x_axis="wall")
    assert task.get_reported_single_values() == {"accuracy": 0.75}
    assert task.get_reported_single_value("none") is None
    assert task.get_last_iteration() == 2


def test_text_goes_to_the_console_log(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    Logger.current_logger().report_text("a %s", logging.INFO, True, "line", ignored=1)
    assert "a line" in capsys.readouterr().out
    with Logger.current_logger().capture_logging():
        logging.getLogger("x").warning("warned")
    assert task.get_reported_console_output(number_of_reports=2) == ["a line", "warned"]


def test_what_stands_for_nan_can_be_said(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Logger, "_nan", None)
    task.logger.report_scalar("t", "kept", float("nan"), 0)
    Logger.set_reporting_nan_value(0.0)
    task.logger.report_scalar("t", "zero", float("nan"), 0)
    values = task.get_reported_scalars()["t"]
    assert str(values["kept"]["y"]) == "[nan]"
    assert values["zero"]["y"] == [0.0]


def test_every_kind_of_plot_and_sample_is_reported(task: Task, tmp_path: Path) -> None:
    log = task.logger
    log.report_histogram("h", "s", [1, 2], iteration=0)
    log.report_vector("v", "s", [1, 2], iteration=0)
    log.report_table("t", "s", table_plot=[["a"], [1]])
    log.report_confusion_matrix("c", "s", [[1, 0], [0, 1]])
    log.report_matrix("m", "s", [[1, 0], [0, 1]])
    log.report_scatter2d("2d", "s", [[0, 1], [1, 2]])
    log.report_scatter3d("3d", "s", [[0, 1, 2], [1, 2, 3]])
    log.report_surface("su", "s", [[1, 2], [3, 4]])
    log.report_line_plot("l", [Logger.SeriesInfo("one", [[0, 1], [1, 2]])], "x", "y")
    log.report_plotly("p", "s", {"data": [], "layout": {}})
    plots = task.get_reported_plots()
    assert [one["metric"] for one in plots] == ["h", "v", "t", "c", "m", "2d", "3d", "su", "l", "p"]
    (tmp_path / "sound.wav").write_bytes(b"RIFF")
    log.report_media("media", "s", iteration=3, local_path=str(tmp_path / "sound.wav"))
    log.report_image("image", "s", iteration=1, url="https://example.org/i.png")
    assert [one["iter"] for one in task.get_debug_samples("media", "s")] == [3]
    assert task.get_debug_samples("image", "s")[0]["url"] == "https://example.org/i.png"


def test_what_is_no_figure_is_refused(task: Task) -> None:
    with pytest.raises(BadValue, match="figure"):
        task.logger.report_matplotlib_figure("figure", "s", {"data": []}, iteration=0)
    assert task.get_reported_plots() == []


def test_the_series_of_a_line_plot_has_no_name(task: Task) -> None:
    task.logger.report_line_plot("run", [Logger.SeriesInfo("one", [[0, 1], [1, 2]])], "x", "y", iteration=4)
    OutputModel(task, name="net").report_line_plot("model", [Logger.SeriesInfo("one", [[0, 1]])], "x", "y")
    found = [(one["metric"], one["variant"], one["iter"]) for one in task.get_reported_plots()]
    assert found == [("run", "", 4), ("net/model", "", 0)]
    assert json.loads(task.get_reported_plots()[0]["plot_str"])["data"][0]["name"] == "one"


def test_a_table_at_an_address_is_fetched(task: Task, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name,age\nAda,36\n")
    address = (tmp_path / "t.csv").as_uri()
    task.logger.report_table("t", "of the run", iteration=2, url=address)
    OutputModel(task, name="net").report_table("t", "of the model", 3, url=address)
    drawn = [(one["metric"], one["iter"], json.loads(one["plot_str"])["data"][0]) for one in task.get_reported_plots()]
    assert [(metric, iteration) for metric, iteration, _ in drawn] == [("t", 2), ("net/t", 3)]
    assert all(trace["header"]["values"] == ["name", "age"] for _, _, trace in drawn)


def test_a_matplotlib_figure_is_reported(task: Task) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    figure = figures.Figure()
    figure.subplots().plot([1, 2])
    task.logger.report_matplotlib_figure("figure", "s", figure, iteration=0)
    assert [one["metric"] for one in task.get_reported_plots()] == ["figure"]


# artifacts


def test_artifacts_are_kept_found_and_deleted(task: Task, tmp_path: Path) -> None:
    assert task.upload_artifact("settings", {"a": [1, 2]}, metadata={"made": "here"}, wait_on_upload=True)
    (tmp_path / "notes.txt").write_text("notes")
    task.upload_artifact(name="file", artifact_object=str(tmp_path / "notes.txt"), delete_after_upload=True)
    assert not (tmp_path / "notes.txt").exists()
    kept = task.artifacts["settings"]
    assert (kept.get(), kept.type, kept.metadata, kept.mode, kept.name) == (
        {"a": [1, 2]},
        "dict",
        {"made": "here"},
        "output",
        "settings",
    )
    path = task.artifacts["file"].get_local_copy()
    assert Path(path).read_text() == "notes"
    assert task.artifacts["file"].url == Path(path).as_uri()
    assert (task.artifacts["file"].size, len(kept.hash)) == (5, 64)
    kept.verify_pickle_file_integrity(kept.get_local_copy())
    with pytest.raises(ValueError, match="SHA-256"):
        kept.verify_pickle_file_integrity(path)
    assert set(task.artifacts) == {"settings", "file"}
    assert task.delete_artifacts(["file"])
    assert set(task.artifacts) == {"settings"}
    assert not task.delete_artifacts(["file"], raise_on_errors=False)
    with pytest.raises(ValueError, match="could only be pickled"):
        task.upload_artifact("object", object(), auto_pickle=False)
    with pytest.raises(NotSupported):
        task.set_artifacts([])


def test_what_is_no_table_is_not_registered(task: Task) -> None:
    with pytest.raises(BadValue, match="a pandas DataFrame is registered, not dict"):
        task.register_artifact("frame", {"a": [1]})
    assert task.get_registered_artifacts() == {}
    assert dict(task.artifacts) == {}


# models


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt"
    path.write_bytes(b"weights")
    return path


def test_models_are_made_given_and_found(task: Task, weights: Path) -> None:
    model = OutputModel(task=task, name="net", framework="PyTorch", tags=["a"], label_enumeration={"cat": 1})
    assert model.update_weights(weights_filename=str(weights), auto_delete_file=False)
    assert weights.exists()
    model.update_labels({"cat": 0, "dog": 1})
    model.update_design(config_dict={"depth": 3})
    model.report_scalar("quality", "s", 0.5, 0)
    assert task.models["output"][-1].id == model.id
    assert task.models["output"]["net"].labels == {"cat": 0, "dog": 1}
    assert task.output_models_id == {"net": model.id}
    found = Model(model.id)
    assert Path(found.get_local_copy()).read_bytes() == b"weights"
    assert [one.id for one in Model.query_models(model_name="net", tags=["a"])] == [model.id]
    assert any(title.endswith("quality") for title in task.get_reported_scalars())
    task.close()
    later = Task.init("examples", "given", reuse_last_task_id=False)
    given = InputModel(model_id=model.id)
    assert later.connect(given) is given
    assert later.input_models_id == {"net": model.id}
    later.remove_input_models([model.id])
    assert later.input_models_id == {}
    later.set_input_model(model_id=model.id)
    assert list(later.get_models()["input"])[0].id == model.id


def test_weights_from_elsewhere_become_a_model(task: Task, weights: Path) -> None:
    model = InputModel.import_model(weights_url=weights.as_uri(), name="imported", framework="PyTorch")
    model.connect(task)
    assert [one.name for one in task.models["input"]] == ["imported"]


def test_a_folder_of_weights_is_one_model(task: Task, weights: Path) -> None:
    model = OutputModel(task=task, name="package")
    model.connect(task, name="package")
    assert model.update_weights_package(weights_path=str(weights.parent), auto_delete_file=False)
    assert task.update_output_model(str(weights), name="second", auto_delete_file=False)
    assert task.models["output"].keys() == ["package", "second"]


def test_labels_are_those_of_the_task(task: Task) -> None:
    assert task.connect_label_enumeration({"cat": 0, "dog": 1}) == {"cat": 0, "dog": 1}
    assert task.get_labels_enumeration() == {"cat": 0, "dog": 1}
    task.set_model_label_enumeration({"cat": 0, "kitten": 0})
    assert task.get_label_num_description() == {0: ["cat", "kitten"]}
    assert task.get_num_of_classes() == 1


def test_outputs_go_to_a_place_besides_the_store(task: Task, tmp_path: Path) -> None:
    task.output_uri = str(tmp_path / "elsewhere")
    task.upload_artifact("kept", "a text")
    assert [path.read_text() for path in (tmp_path / "elsewhere").rglob("*.txt")] == ["a text"]
    assert task.get_output_destination("x").endswith("elsewhere/x")


def test_init_takes_the_place_for_outputs(tmp_path: Path) -> None:
    begun = Task.init("examples", "elsewhere", output_uri=str(tmp_path / "elsewhere"))
    begun.upload_artifact("kept", "a text")
    assert begun.output_uri == str(tmp_path / "elsewhere")
    assert [path.read_text() for path in (tmp_path / "elsewhere").rglob("*.txt")] == ["a text"]


def test_what_is_wrong_is_a_value_error_that_says_what(task: Task) -> None:
    with pytest.raises(BadValue, match="iteration"):
        task.logger.report_scalar("t", "s", 1.0, "first")
    with pytest.raises(ValueError, match="value"):
        task.logger.report_scalar("t", "s", "no number", 1)


def test_a_model_is_connected_by_the_task_under_a_name(task: Task, weights: Path) -> None:
    made = OutputModel(task=task, name="net")
    made.update_weights(weights_filename=str(weights), auto_delete_file=False)
    assert task.connect(made, name="best") is made
    assert task.models["output"][-1].slot == "best"
    task.connect(InputModel(model_id=made.id), name="start")
    assert task.input_models_id == {made.name: made.id}
    assert task.models["input"].keys() == ["start"]
    assert task.get_parameters() == {}


def test_a_flush_of_a_task_that_has_ended_does_no_harm(task: Task) -> None:
    task.close()
    assert task.flush()


def test_a_text_that_is_written_for_a_number_keeps_the_numbers_type(task: Task) -> None:
    settings = task.connect({"lr": 2.2, "steps": 3, "name": "a"})
    settings["lr"] = "9.9"
    settings["steps"] = "many"
    settings["name"] = ""
    assert task.get_parameters(cast=True) == {"General/lr": 9.9, "General/steps": "many", "General/name": ""}
    settings["steps"] = ""
    assert task.get_parameters(cast=True)["General/steps"] == ""
