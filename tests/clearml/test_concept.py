"""What ClearML's page of tasks shows of code runs as it stands, with the real import line."""

from __future__ import annotations

from pathlib import Path

from taskstore.queues import claim, queue
from taskstore.store import doctor, events, places, tasks, tickets
from tests.run.programs import all_tasks, run, write

SAMPLES = """
from clearml import Task
task = Task.init(
    project_name='example',    # project name of at least 3 characters
    task_name='task template', # task name of at least 3 characters
)
task.close()

Task.init(project_name='main_project/sub_project', task_name='test')
Task.current_task().close()

task = Task.create(
    project_name='example',    # project name of at least 3 characters
    task_name='task template', # task name of at least 3 characters
    )
created = task

task = Task.init(project_name="examples", task_name="Track experiment progress")
task.set_progress(0)
# task doing stuff
task.set_progress(50)
print(task.get_progress())
# task doing more stuff
task.set_progress(100)

a_task = Task.get_task(task_id=created.id)
a_task = Task.get_task(project_name='examples', task_name='Track experiment progress')
assert a_task.id == task.id

task_list = Task.get_tasks(
    task_ids=None,     # type Optional[Sequence[str]]
    project_name=None, # Optional[str]
    task_name=None,    # Optional[str]
    task_filter=None   # Optional[Dict]
)
assert len(task_list) == 4

created.set_tags(['included_tag'])
found = Task.get_tasks(
    task_filter={
        # only Tasks with tag `included_tag` and without tag `excluded_tag`
        'tags': ['included_tag', '-excluded_tag'],
        # filter out archived Tasks
        'system_tags': ['-archived'],
        # only completed & published Tasks
        'status': ['completed', 'published'],
        # only training type Tasks
        'type': ['training'],
        # match text in Task comment or task name
        'search_text': 'reg_exp_text'
    }
)
assert found == []

cloned = Task.clone(
    source_task=task,  # type: Optional[Union[Task, str]]
    # override default name
    name='newly created task',  # type: Optional[str]
    comment=None,  # type: Optional[str]
    # insert cloned Task into a different project
    project=None,  # type: Optional[str]
)

def run_me_remotely(some_argument):
    print("called with", some_argument)

a_func_task = task.create_function_task(
    func=run_me_remotely,  # type: Callable
    func_name='func_id_run_me_remotely', # type:Optional[str]
    task_name='a func task', # type:Optional[str]
    # everything below will be passed directly to our function as arguments
    some_argument=123
)
print(a_func_task.id if a_func_task else None)
"""


def test_the_samples_of_the_concept_page_run(tmp_path: Path) -> None:
    write(tmp_path / "work", SAMPLES)
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", "program.py"])
    assert (ended.code, ended.own_stderr) == (0, "")
    found = {one.record.name: one.record.status.value for one in all_tasks(ended)}
    assert found == {
        "test": "completed",
        "task template": "created",
        "Track experiment progress": "completed",
        "newly created task": "created",
        "a func task": "created",
    }
    assert ended.stdout.startswith("50\n")


def test_a_function_task_is_run_by_its_stored_arguments(tmp_path: Path) -> None:
    text = """
        from clearml import Task
        def work(number, text="x"):
            print("called with", number + 1, text)
        task = Task.init(project_name="examples", task_name="makes another")
        task.create_function_task(work, func_name="work_on", task_name="a func task", number=1)
        print("went on")
    """
    write(tmp_path / "work", text)
    first = run(tmp_path / "work", ["-m", "taskstore.clearml", "program.py"])
    assert (first.code, first.stdout) == (0, "went on\n")
    made = next(one for one in all_tasks(first) if one.record.name == "a func task")
    tasks.edit_params(
        made.store, made.record.id, lambda params: setattr(params.hyperparams["Function"]["number"], "value", "41")
    )
    cli = ["-c", "from taskstore_cli.main import main; main()", "run", made.record.id]
    again = run(tmp_path / "work", cli)
    assert (again.code, again.stdout) == (0, "called with 42 x\n"), again.stderr
    assert tasks.read(places.locate(made.store, made.record.id)).status.value == "completed"


def test_a_function_task_that_waits_in_a_queue_is_claimed_and_run(tmp_path: Path) -> None:
    text = """
        from clearml import Task
        def work(number, text="x"):
            print("called with", number + 1, text)
            Task.current_task().get_logger().report_scalar("seen", "number", number, 0)
        task = Task.init(project_name="examples", task_name="makes another")
        made = task.create_function_task(work, func_name="work_on", task_name="a func task", number=1, text="y")
        if made is not None:
            print(Task.enqueue(made, queue_name="default")["queued"])
    """
    write(tmp_path / "work", text)
    first = run(tmp_path / "work", ["-m", "taskstore.clearml", "program.py"])
    assert (first.code, first.stdout) == (0, "1\n"), first.stderr
    made = next(one for one in all_tasks(first) if one.record.name == "a func task")
    store, task_id = made.store, made.record.id
    assert (made.record.status.value, queue.position(store, task_id)) == ("queued", ("default", 1, 1))
    told: list[str] = []
    ticket = claim.claim(store, ["default"], "worker 1", tell=told.append)
    assert ticket is not None
    assert (ticket.task_id, told, queue.position(store, task_id)) == (task_id, [], None)
    cli = ["-c", "from taskstore_cli.main import main; main()", "run", ticket.task_id]
    again = run(tmp_path / "work", cli)
    assert claim.ack(ticket)
    assert (again.code, again.stdout) == (0, "called with 2 y\n"), again.stderr
    paths = places.locate(store, task_id)
    record = tasks.read(paths)
    assert (record.status.value, record.execution.queue if record.execution else "") == ("completed", "default")
    assert [series.values for series in events.read_scalars(paths) if series.metric == "seen"] == [[1.0]]
    assert "func" in record.system_tags
    assert list(tickets.of_task(store, task_id, claimed=True)) == []
    assert [one.record.name for one in all_tasks(again)].count("a func task") == 1
    assert doctor.check(store) == []
