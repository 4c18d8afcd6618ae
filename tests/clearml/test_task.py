"""Begun, found, described, ended: ClearML's Task."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from taskstore.clearml import Task, TaskTypes, UsageError
from taskstore.core.errors import NotSupported
from taskstore.store import places, trash
from taskstore.store.store import Store

from ..unit.share.sessions import ID, Made, whole


def test_init_begins_a_task_and_a_second_init_is_the_same_object(task: Task) -> None:
    assert Task.init("examples", "a run") is task
    assert Task.current_task() is task
    assert (task.name, task.get_project_name(), task.status, task.task_type) == (
        "a run",
        "examples",
        "in_progress",
        "training",
    )
    assert task.id == task.task_id
    with pytest.raises(UsageError):
        Task.init("examples", "another run")
    task.close()
    assert Task.current_task() is None
    assert task.get_status() == "completed"


def test_a_notebook_shows_a_task_and_a_list_of_them(task: Task) -> None:
    assert "<strong>a run</strong>" in task._repr_html_()
    found = Task.get_tasks(project_name="examples")
    assert found == [task]
    assert "<table" in found._repr_html_()
    assert task.id[:12] in found._repr_html_()


def test_init_takes_a_type_and_refuses_an_unknown_one() -> None:
    assert Task.init("examples", "typed", TaskTypes.testing, tags=["a"]).task_type == "testing"
    assert len(Task.TaskTypes) == 11
    Task.current_task().close()
    with pytest.raises(ValueError, match="no task type"):
        Task.init("examples", "typed", "nonsense")


def test_the_last_runs_task_is_used_again_unless_told_otherwise() -> None:
    first = Task.init("examples", "again")
    first.close()
    second = Task.init("examples", "again")
    assert second.id == first.id
    second.upload_artifact("kept", {"a": 1})
    second.close()
    third = Task.init("examples", "again")
    assert third.id != first.id
    third.close()
    assert Task.init("examples", "again", reuse_last_task_id=False).id not in (first.id, third.id)


def test_clearmls_environment_is_heard_in_this_mode_only(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Task.init("examples", "again")
    first.close()
    monkeypatch.setenv("CLEARML_TASK_NO_REUSE", "1")
    monkeypatch.delenv("TASKSTORE_TASK_NO_REUSE", raising=False)
    try:
        assert Task.init("examples", "again").id != first.id
    finally:
        monkeypatch.delenv("TASKSTORE_TASK_NO_REUSE", raising=False)


def test_a_task_is_found_by_id_and_by_name(task: Task) -> None:
    task.close()
    assert Task.get_task(task.id) == task
    assert Task.get_task(project_name="examples", task_name="a run") == task
    assert Task.get_task(project_name="examples", task_name="no such") is None
    for wrong in ({"task_id": "0" * 32}, {"project_name": "no such project", "task_name": "a run"}):
        with pytest.raises(ValueError, match=r"no (task|project)"):
            Task.get_task(**wrong)


def test_tasks_are_searched_as_in_clearml(task: Task, draft: Task) -> None:
    draft.set_tags(["x", "y"])
    assert {one.id for one in Task.get_tasks(project_name="examples")} == {task.id, draft.id}
    assert [one.id for one in Task.get_tasks(task_name="^a dr")] == [draft.id]
    assert Task.query_tasks(tags=["x", "-z"]) == [draft.id]
    assert Task.get_tasks(task_ids=[task.id]) == [task]
    assert Task.get_tasks(project_name="no such project") == []
    (found,) = Task.query_tasks(task_filter={"status": ["created"]}, additional_return_fields=["name", "status"])
    assert found == {"id": draft.id, "name": "a draft", "status": "created"}
    assert [one.name for one in Task.get_projects()] == ["examples"]
    assert Task.get_project_id("examples") == "examples"
    assert Task.get_project_id("no such") is None


def test_a_clone_is_a_draft_with_what_its_source_was_given(task: Task) -> None:
    task.set_parameters({"Args/lr": 0.1})
    made = Task.clone(source_task=task, name="newly created task", project="other project")
    assert (made.status, made.name, made.get_project_name(), made.parent) == (
        "created",
        "newly created task",
        "other project",
        task.id,
    )
    assert made.get_parameters() == {"Args/lr": "0.1"}
    assert Task.clone(task).name == "Clone Of a run"


def test_a_draft_is_made_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('trained')\n")
    made = Task.create(
        project_name="examples", task_name="a script", script=str(tmp_path / "train.py"), argparse_args=[("lr", "0.1")]
    )
    assert (made.status, made.get_parameter("Args/lr")) == ("created", "0.1")
    with pytest.raises(ValueError, match="no_such"):
        Task.create(project_name="examples", task_name="a script", script=str(tmp_path / "no_such.py"))


def test_what_is_said_of_a_task_can_be_changed(task: Task) -> None:
    task.name = "renamed"
    task.set_comment("a comment")
    task.add_tags("one")
    task.add_tags(["two"])
    task.remove_tags(["one"])
    task.set_task_type(TaskTypes.inference)
    task.set_parent("0" * 32)
    task.set_progress(40)
    assert (task.name, task.comment, task.get_tags(), task.task_type, task.parent, task.get_progress()) == (
        "renamed",
        "a comment",
        ["two"],
        "inference",
        "0" * 32,
        40,
    )
    assert task.move_to_project(new_project_name="elsewhere")
    assert task.project == "elsewhere"
    task.set_archived(True)
    assert task.get_archived()
    assert "archived" in task.get_system_tags()
    task.set_progress(140)
    assert task.get_progress() == 40


def test_a_task_is_marked_reset_published_and_deleted(task: Task, store: Store) -> None:
    with pytest.raises(ValueError, match="Running"):
        task.publish()
    task.mark_stopped(status_message="enough")
    assert task.get_status_message() == ("stopped", "enough")
    task.close()
    clone = Task.clone(task)
    clone.mark_started()
    assert clone.mark_failed(status_reason="lost", force=True)
    assert clone.status == "failed"
    clone.reset()
    assert clone.status == "created"
    assert clone.delete()
    assert [one.id for one in trash.listed(store)] == [clone.id]
    assert task.publish()
    assert task.status == "published"
    with pytest.raises(ValueError, match="Published"):
        task.reset()
    assert not task.mark_completed()
    with pytest.raises(ValueError, match="Published"):
        task.mark_completed(ignore_errors=False)


def test_a_task_is_published_when_it_is_completed(task: Task) -> None:
    task.publish_on_completion()
    task.close()
    assert task.status == "published"


def test_waiting_for_a_status_ends_or_raises(draft: Task) -> None:
    draft.mark_started()
    draft.mark_completed()
    draft.wait_for_status(check_interval_sec=0.01)
    failed = Task.clone(draft)
    failed.mark_started()
    failed.mark_failed()
    with pytest.raises(RuntimeError, match="Failed"):
        failed.wait_for_status(check_interval_sec=0.01)


def test_data_is_the_record_by_attributes(task: Task) -> None:
    task.set_parameter("Args/lr", 0.1)
    task.reload()
    data = task.data
    assert (data.id, data.name, data.status, data.hyperparams.Args.lr.value) == (task.id, "a run", "in_progress", "0.1")
    assert data.script.binary.startswith("python3")
    assert data.no_such_field is None
    assert data.to_dict()["type"] == "training"


def test_an_exported_task_is_imported_as_a_draft(task: Task) -> None:
    task.set_parameter("Args/lr", 0.1)
    task.add_tags("kept")
    document = task.export_task()
    assert "status" not in document
    made = Task.import_task(document)
    assert (made.status, made.name, made.get_tags(), made.get_parameters()) == (
        "created",
        "a run",
        ["kept"],
        {"Args/lr": "0.1"},
    )
    assert made.update_task({"comment": "changed", "hyperparams": {"Args": {"lr": {"value": "2", "type": "int"}}}})
    assert (made.comment, made.get_parameters(cast=True)) == ("changed", {"Args/lr": 2})
    with pytest.raises(ValueError, match="Running"):
        task.update_task({"type": "testing"})


def test_what_runs_and_in_what_can_be_said(draft: Task, task: Task) -> None:
    draft.set_script(repository="https://user:secret@example.org/r.git", branch="main", commit="abc", diff="+x\n")
    assert draft.get_script() == {
        "repository": "https://example.org/r.git",
        "branch": "main",
        "version_num": "abc",
        "working_dir": "",
        "entry_point": "",
        "binary": "",
        "diff": "+x\n",
    }
    draft.set_repo(branch="other")
    assert draft.get_script()["branch"] == "other"
    draft.set_base_docker(
        docker_image="python:3.11", docker_arguments="--ipc=host", docker_setup_bash_script=["a", "b"]
    )
    assert draft.get_base_docker() == "python:3.11 --ipc=host"
    assert draft.data.container.setup_shell_script == "a\nb"
    draft.set_packages(["tqdm==4.66", "numpy>=2"])
    assert draft.get_requirements() == {"tqdm": "4.66", "numpy": ">=2"}
    task.set_packages(["only==1"])
    task.close()
    assert task.get_requirements() == {"only": "1"}


def test_requirements_are_added_and_left_out_before_init(tmp_path: Path) -> None:
    Task.add_requirements("my-package", "1.2")
    Task.add_requirements("other", ">=3")
    Task.ignore_requirements("Ignored_Package")
    (tmp_path / "requirements.txt").write_text("# a comment\nfrom-file==5\nignored-package==1\n")
    Task.add_requirements(str(tmp_path / "requirements.txt"))
    task = Task.init("examples", "packages")
    task.close()
    found = task.get_requirements()
    assert {name: found.get(name) for name in ("my-package", "other", "from-file")} == {
        "my-package": "1.2",
        "other": ">=3",
        "from-file": "5",
    }


def test_a_file_of_requirements_is_recorded_instead_of_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("from-file==5\n")
    Task.force_requirements_env_freeze(requirements_file=str(tmp_path / "requirements.txt"))
    task = Task.init("examples", "packages")
    task.close()
    assert task.get_requirements() == {"from-file": "5"}
    Task.force_requirements_env_freeze(force=False, requirements_file=str(tmp_path / "requirements.txt"))
    Task.force_requirements_env_freeze()
    frozen = Task.init("examples", "frozen")
    frozen.close()
    assert "pytest" in frozen.get_requirements()


def test_a_function_becomes_a_draft_with_its_arguments(task: Task) -> None:
    def work(number: int, text: str = "x") -> None: ...

    made = task.create_function_task(work, func_name="work_on", task_name="a func task", number=3, text="y")
    assert (made.status, made.name, made.parent) == ("created", "a func task", task.id)
    assert made.get_parameters(cast=True) == {
        "Function/__func_readonly__": "work_on",
        "Function/number": 3,
        "Function/text": "y",
    }
    assert "func" in made.get_system_tags()
    with pytest.raises(ValueError, match="plain value"):
        task.create_function_task(work, number=object())


def test_a_task_is_enqueued_and_dequeued_with_clearmls_answers(task: Task) -> None:
    draft = Task.clone(task)
    assert (draft.get_executed_queue(), Task.get_num_enqueued_tasks("default")) == (None, 0)
    answer = Task.enqueue(draft, queue_name="default")
    assert (answer["queued"], answer["updated"]) == (1, 1)
    assert (answer["fields"]["status"], answer["fields"]["execution.queue"]) == ("queued", "default")
    assert (draft.status, draft.get_executed_queue(return_name=True)) == ("queued", "default")
    assert Task.get_num_enqueued_tasks(queue_id="default") == 1
    with pytest.raises(ValueError, match="already"):
        Task.enqueue(draft.id, queue_id="default")
    answer = Task.dequeue(draft)
    assert (answer["dequeued"], answer["fields"]["status"], draft.status) == (1, "created", "created")
    with pytest.raises(ValueError, match="no queue"):
        Task.dequeue(draft)


def test_a_program_run_by_hand_is_its_only_node(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARML_MULTI_NODE_MASTER_DEF_ADDR", "10.0.0.7")
    monkeypatch.setenv("MASTER_PORT", "1234")
    found = task.launch_multi_node(4, queue="gpu", devices=[0, 1])
    assert found == {
        "master_addr": "10.0.0.7",
        "master_port": 1234,
        "node_rank": 0,
        "wait": False,
        "devices": [0, 1],
        "total_num_nodes": 4,
        "queue": "gpu",
    }
    assert task.get_parameters() == {"launch_multi_node/total_num_nodes": "4", "launch_multi_node/queue": "gpu"}
    assert "WORLD_SIZE" not in os.environ
    with pytest.raises(ValueError, match="from 1 on"):
        task.launch_multi_node(0)


def test_a_process_that_has_a_task_simulates_no_other(task: Task) -> None:
    with pytest.raises(ValueError, match="before Task.init"):
        Task.debug_simulate_remote_task(Task.clone(task).id)


def test_what_is_completed_is_enqueued_by_force(task: Task) -> None:
    draft = Task.clone(task)
    draft.mark_completed(force=True)
    with pytest.raises(ValueError, match="Completed"):
        Task.enqueue(draft, queue_name="default")
    assert Task.enqueue(draft, queue_name="default", force=True)["queued"] == 1


def test_one_queue_that_is_there_must_be_named(task: Task) -> None:
    draft = Task.clone(task)
    with pytest.raises(ValueError, match='Could not find queue named "gpu"'):
        Task.enqueue(draft, queue_name="gpu")
    for names in ({}, {"queue_name": "default", "queue_id": "default"}):
        with pytest.raises(ValueError, match="name one of"):
            Task.enqueue(draft, **names)
    assert draft.status == "created"


def test_execute_remotely_enqueues_and_leaves(task: Task) -> None:
    with pytest.raises(ValueError, match="clone=True"):
        task.execute_remotely("default", exit_process=False)
    with pytest.raises(ValueError, match="queue create"):
        task.execute_remotely("gpu")
    with pytest.raises(SystemExit) as left:
        task.execute_remotely("default")
    assert left.value.code == 0
    assert task.status == "queued"
    assert task.get_executed_queue() == "default"


def test_there_is_no_server(task: Task) -> None:
    assert Task.is_offline()
    Task.set_offline(True)
    with pytest.raises(UsageError):
        Task.set_offline(False)
    Task.set_credentials("https://api.example.org", key="k", secret="s")  # noqa: S106 - of no one
    assert Task.running_locally()
    assert task.get_offline_mode_folder() == task._task.path()
    assert task.get_output_log_web_page() == task._task.path().as_uri()
    assert task.list_external_endpoints() == []
    Task.set_resource_monitor_iteration_timeout(10)
    assert task.is_main_task()


@pytest.mark.parametrize(
    "call",
    [
        lambda task: task.get_http_router(),
        lambda task: task.request_external_endpoint(80),
        lambda task: task.session,
    ],
)
def test_what_needs_a_server_or_a_queue_says_what_to_do_instead(call, task: Task) -> None:
    with pytest.raises(NotSupported, match=r"without a server; .{20}"):
        call(task)


def test_the_module_says_where_the_program_runs(task: Task) -> None:
    from taskstore.clearml import place

    assert (place.running_remotely(), place.get_remote_task_id()) == (False, None)
    assert places.locate(task._task._store, task.id).home.is_dir()
    assert sys.modules["taskstore.clearml.task"].Task is Task


def test_an_offline_session_becomes_a_task_once(tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    task_id = Task.import_offline_session(str(path))
    task = Task.get_task(task_id)
    assert (task.name, task.get_project_name(), task.get_status()) == ("a run", "vision/cats", "completed")
    assert task.get_reported_scalars()["loss"]["train"] == {"name": "train", "x": [0, 1, 2], "y": [1.0, 0.5, 1 / 3]}
    assert task.artifacts["data"].get() == {"x": 1}
    assert Task.import_offline_session(path) == task_id
    other = Task.import_offline_session(str(Made(id=ID.replace("0", "f")).folder(tmp_path)))
    again = Task.import_offline_session(str(path), previous_task_id=other, iteration_offset=10)
    assert again == other
    assert Task.get_task(other).get_reported_scalars()["loss"]["train"]["x"] == [10, 11, 12]
    with pytest.raises(ValueError, match="no file or folder"):
        Task.import_offline_session("nothing.zip")
