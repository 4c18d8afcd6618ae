"""What the rest of ClearML's names do: each is run, and its effect looked at."""

from __future__ import annotations

import json
import logging
import os
from datetime import timezone
from pathlib import Path

import pytest

from taskstore.clearml import Dataset, Logger, StorageManager, Task, TaskTypes, UsageError
from taskstore.core.clock import FixedClock
from taskstore.store import events, places, settings, stopping
from taskstore.store.store import Store

# reports


def _traces(task: Task) -> dict[str, list[dict[str, object]]]:
    return {plot["metric"]: json.loads(plot["plot_str"])["data"] for plot in task.get_reported_plots()}


def test_every_plot_is_of_its_kind_and_holds_its_values(task: Task) -> None:
    log = task.get_logger()
    log.report_histogram("h", "s", [1, 2], iteration=0, mode="stack")
    log.report_vector("v", "s", [3, 4])
    log.report_table("t", "s", table_plot=[["a", "b"], [1, 2]])
    log.report_confusion_matrix("c", "s", [[1, 0], [0, 1]], xlabels=["x", "y"])
    log.report_matrix("m", "s", [[5, 0], [0, 5]])
    log.report_scatter2d("2d", "s", [[0, 1], [1, 2]], mode="markers")
    log.report_scatter3d("3d", "s", [[0, 1, 2], [1, 2, 3]])
    log.report_surface("su", "s", [[1, 2], [3, 4]])
    log.report_plotly("p", "s", {"data": [{"type": "pie", "values": [1]}], "layout": {}})
    found = _traces(task)
    assert {title: traces[0]["type"] for title, traces in found.items()} == {
        "h": "bar",
        "v": "bar",
        "t": "table",
        "c": "heatmap",
        "m": "heatmap",
        "2d": "scatter",
        "3d": "scatter3d",
        "su": "surface",
        "p": "pie",
    }
    assert (found["h"][0]["y"], found["v"][0]["y"], found["2d"][0]["x"]) == ([1, 2], [3, 4], [0, 1])
    assert found["2d"][0]["mode"] == "markers"
    assert (found["c"][0]["z"], found["su"][0]["z"]) == ([[1, 0], [0, 1]], [[1, 2], [3, 4]])
    assert found["3d"][0]["z"] == [2, 3]
    assert found["t"][0]["cells"]["values"] == [[1], [2]]


def test_pictures_and_files_are_kept_as_samples(task: Task, tmp_path: Path) -> None:
    log = task.get_logger()
    log.set_default_debug_sample_history(2)
    assert log.get_default_debug_sample_history() == 2
    for iteration in range(3):
        log.report_image("i", "s", iteration=iteration, matrix=[[0, 255], [255, 0]])
    samples = task.get_debug_samples("i", "s")
    assert [sample["iter"] for sample in samples] == [1, 2]
    picture = tmp_path / "p.png"
    picture.write_bytes(Path(samples[0]["url"].removeprefix("file://")).read_bytes())
    log.report_image_and_upload("again", "s", iteration=1, path=str(picture), delete_after_upload=True)
    assert [sample["iter"] for sample in task.get_debug_samples("again", "s")] == [1]
    assert not picture.exists()
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    log.report_media("m", "s", iteration=5, local_path=str(tmp_path / "a.wav"))
    (sound,) = task.get_debug_samples("m", "s", n_last_iterations=1)
    assert Path(sound["url"].removeprefix("file://")).read_bytes() == b"RIFF"


def test_what_was_reported_is_on_the_disk_when_the_call_returns(task: Task, store: Store) -> None:
    task.logger.report_scalar("loss", "s", 1.0, 1)
    task.logger.flush(wait=True)
    (series,) = [one for one in events.read_scalars(places.locate(store, task.id)) if one.metric == "loss"]
    assert series.values == [1.0]


def test_there_is_a_current_logger_while_a_task_is_open() -> None:
    assert Logger.current_logger() is None
    task = Task.init("examples", "a run")
    Logger.current_logger().report_single_value("score", 0.5)
    assert task.get_reported_single_value("score") == 0.5
    task.close()
    assert Logger.current_logger() is None


def test_what_stands_for_infinity_can_be_said(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Logger, "_inf", None)
    task.logger.report_scalar("t", "kept", float("inf"), 0)
    Logger.set_reporting_inf_value(9.0)
    task.logger.report_scalar("t", "nine", float("-inf"), 0)
    values = task.get_reported_scalars()["t"]
    assert (values["kept"]["y"], values["nine"]["y"]) == ([float("inf")], [9.0])


def test_what_changes_nothing_returns_what_clearmls_does(task: Task, store: Store) -> None:
    before, _ = settings.load_sound(store)
    log = task.get_logger()
    log.set_flush_period(7)
    log.set_default_upload_destination("/data")
    assert (log.get_flush_period(), log.get_default_upload_destination()) == (0.0, "/data")
    Logger.matplotlib_force_report_non_interactive(True)
    Logger.tensorboard_auto_group_scalars(True)
    Logger.tensorboard_single_series_per_graph(True)
    Task.set_resource_monitor_iteration_timeout(seconds_from_start=1)
    StorageManager.set_report_download_chunk_size(5)
    StorageManager.set_report_upload_chunk_size(5)
    log.report_scalar("t", "s", 1.0, 0)
    assert task.get_reported_scalars()["t"]["s"]["y"] == [1.0]
    assert settings.load_sound(store)[0] == before


# the task


def test_the_types_are_clearmls_and_each_is_taken() -> None:
    names = "training testing inference data_processing application monitor controller optimizer service qc custom"
    assert [kind.value for kind in Task.TaskTypes] == names.split()
    assert Task.TaskTypes is TaskTypes
    draft = Task.import_task({"name": "a draft", "project_name": "examples"})
    for kind in Task.TaskTypes:
        draft.set_task_type(kind)
        assert draft.task_type == str(kind)


def test_credentials_go_nowhere(tmp_path: Path, empty_home: Path) -> None:
    before, there = dict(os.environ), sorted(empty_home.rglob("*"))
    Task.set_credentials("https://api.example.org", key="k", secret="s", store_conf_file=True)  # noqa: S106 - of no one
    assert (dict(os.environ), sorted(empty_home.rglob("*"))) == (before, there)


def test_it_is_offline_whatever_is_said() -> None:
    Task.set_offline(False)
    assert Task.is_offline()
    Task.set_offline(offline_mode=True)
    task = Task.init("examples", "a run")
    with pytest.raises(UsageError, match="while a task is open"):
        Task.set_offline()
    assert Task.is_offline()
    assert (task.get_offline_mode_folder() / "task.json").is_file()
    task.close()
    Task.set_offline(False)
    assert Dataset.is_offline()


def test_another_look_sees_what_somebody_else_has_changed(task: Task) -> None:
    other = Task.get_task(task.id)
    seen = Task.import_task({"name": "a draft", "project_name": "examples"})
    Task.get_task(seen.id).set_name("changed")
    seen.reload()
    assert seen.name == "changed"
    assert other is task


def test_a_task_has_clearmls_other_names(task: Task, store: Store) -> None:
    assert Task.get_by_name("a run").id == task.id
    assert [one.id for one in Task.get_all(status=["in_progress"])] == [task.id]
    assert (Task.normalize_id(f" {task.id} "), Task.resolve_id(task), Task.resolve_id(task.id)) == (task.id,) * 3
    task.set_name("second name")
    assert task.rename("third name")
    task.set_project(project_name="other project")
    assert (task.name, task.project, task.get_project_object().name) == ("third name", "other project", "other project")
    task.set_system_tags(["mine"])
    assert task.get_system_tags() == ["mine"]
    task.storage_uri = str(store.root / "elsewhere")
    assert task.output_uri == task.storage_uri == str(store.root / "elsewhere")
    assert Task.get_task_output_log_web_page(task.id) == task.get_output_log_web_page()
    assert (task.cache_dir, task.report_subprocess_enabled) == (store.paths.cache, True)
    assert (task.is_current_task(), task.last_worker) == (True, os.uname().nodename if hasattr(os, "uname") else "")
    assert isinstance(task.log, logging.Logger)
    Task.set_random_seed(None)
    assert task.get_random_seed() is None
    assert (Task.archived_tag, Task.NotSet) == ("archived", task.NotSet)
    Task.force_store_standalone_script(False)


def test_a_model_configuration_has_clearmls_earlier_names(task: Task) -> None:
    task.set_model_config(config_dict={"depth": 3})
    assert (task.get_model_config_dict(), task.get_model_design().strip()) == ({"depth": 3}, "depth: 3")
    task.set_model_config(config_text="depth: 4")
    assert task.get_model_config_text() == "depth: 4"


def test_iterations_begin_where_it_is_said(task: Task) -> None:
    task.set_initial_iteration(10)
    task.logger.report_scalar("t", "s", 1.0, 1)
    assert task.get_reported_scalars()["t"]["s"]["x"] == [11]
    task.close()
    again = Task.init("examples", "a run", continue_last_task=True)
    assert (again.id, again.get_initial_iteration()) == (task.id, 12)


def test_a_run_is_asked_to_stop_and_calls_back(task: Task, store: Store) -> None:
    paths = places.locate(store, task.id)
    called: list[str] = []
    task.register_abort_callback(lambda: called.append("stopped"), callback_execution_timeout=5.0)
    assert stopping.read(paths).timeout_s == 5
    task.register_abort_callback(None)
    assert stopping.read(paths).timeout_s is None
    draft = Task.clone(task)
    with pytest.raises(ValueError, match="Draft"):
        draft.mark_stop_request(status_message="enough")
    assert not draft.stop_request()
    with pytest.raises(ValueError, match="open task"):
        draft.register_abort_callback(lambda: None)
    other = Task.get_task(Task.clone(task).id)
    other.mark_started()
    assert other.stop_request(status_message="enough")
    assert stopping.read(places.locate(store, other.id)).message == "enough"
    third = Task.clone(task)
    third.mark_started()
    third.mark_stop_request()
    assert stopping.read(places.locate(store, third.id)).requested is not None
    assert called == []


def test_a_task_is_started_stopped_and_completed_by_the_short_names(task: Task) -> None:
    draft = Task.clone(task)
    assert draft.started()
    assert draft.status == Task.TaskStatusEnum.in_progress
    assert draft.stopped(status_reason="enough", status_message="of it")
    assert draft.get_status_message() == ("stopped", "of it")
    assert draft.completed()
    assert not Task.clone(task).completed()
    with pytest.raises(Task.DeleteError):
        raise Task.DeleteError("a name that scripts catch")


def test_what_is_handed_to_no_queue_is_a_draft(task: Task) -> None:
    task.logger.report_scalar("t", "s", 1.0, 0)
    with pytest.raises(SystemExit):
        task.execute_remotely(None)
    assert (task.status, task.get_reported_scalars()) == ("created", {})


def test_a_copy_is_handed_to_a_queue_and_the_program_goes_on(task: Task) -> None:
    copy = task.execute_remotely("default", clone=True, exit_process=False)
    assert (copy.status, copy.get_executed_queue(), task.status) == ("queued", "default", "in_progress")
    assert copy.id != task.id


# artifacts and datasets


def test_an_artifact_says_when_it_was_kept_and_shows_itself(task: Task, clock: FixedClock) -> None:
    task.upload_artifact("settings", {"a": 1}, preview="one a")
    kept = task.artifacts["settings"]
    assert kept.preview == "one a"
    assert kept.timestamp.astimezone(timezone.utc) == kept.timestamp


def test_what_is_said_of_a_dataset_is_kept(task: Task, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    made = Dataset.create("pictures", "examples/data", output_uri=str(tmp_path / "elsewhere"), description="first")
    made.add_files(tmp_path / "data")
    made.add_external_files((tmp_path / "data" / "a.txt").as_uri(), dataset_path="far")
    made.add_tags(["b"])
    made.tags = [*made.tags, "c"]
    assert (Dataset.get(made.id).tags, Task.get_task(made.id).comment) == (["b", "c"], "first")
    made.set_description("second")
    assert Task.get_task(made.id).comment == "second"
    assert [entry.size for entry in made.file_entries] == [1]
    assert list(made.file_entries_dict) == ["a.txt"]
    assert [entry.link for entry in made.link_entries] == [(tmp_path / "data" / "a.txt").as_uri()]
    assert made.get_default_storage() == str(tmp_path / "elsewhere")
    assert made.get_offline_mode_folder() == Task.get_task(made.id).get_offline_mode_folder()
    made.get_logger().report_single_value("files", 1)
    assert Task.get_task(made.id).get_reported_single_values() == {"files": 1.0}
    made.update_changed_files(num_files_added=7)
    Dataset.set_offline(True)
    assert made.list_added_files() == ["a.txt", "far/a.txt"]
    made.finalize(auto_upload=True)
    assert made.publish()
    assert Task.get_task(made.id).status == "published"
    assert list((tmp_path / "elsewhere").rglob("*.zip"))
