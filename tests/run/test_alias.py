"""`import clearml` gives taskstore in a program that was asked for, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.run import launch
from taskstore.store import tasks

from .programs import all_tasks, only_task, run, write

SCRIPT = """
    import sys
    import clearml
    import clearml.automation
    from clearml import Logger, Task, TaskTypes
    from clearml.task import Task as same
    from clearml.logger import Logger as logger
    assert same is Task and logger is Logger and clearml.Task is Task
    task = Task.init(project_name="examples", task_name="unchanged", task_type=TaskTypes.testing)
    Logger.current_logger().report_scalar("loss", "train", value=0.5, iteration=3)
    print(sys.argv[1:], __name__, Task.current_task() is task)
"""


@pytest.fixture
def cli() -> list[str]:
    return ["-c", "from taskstore_cli.main import main; main()", "run", "--as-clearml"]


def test_an_unchanged_script_runs_and_its_task_is_recorded(tmp_path: Path, cli: list[str]) -> None:
    write(tmp_path / "work", SCRIPT)
    ended = run(tmp_path / "work", [*cli, "program.py", "--lr", "3"])
    assert (ended.code, ended.own_stderr, ended.told) == (0, "", [])
    assert ended.stdout == "['--lr', '3'] __main__ True\n"
    found = only_task(ended)
    assert (found.record.name, found.record.type) == ("unchanged", "testing")
    assert found.points == {("loss", "train"): [0.5]}
    assert tasks.read_script(TaskPaths(found.home)).aliases == {"clearml": "taskstore.clearml"}


def test_python_m_does_the_same_with_scripts_and_modules(tmp_path: Path) -> None:
    write(tmp_path / "work", SCRIPT)
    for words in (["program.py"], ["-m", "program"]):
        ended = run(tmp_path / "work", ["-m", "taskstore.clearml", *words, "a"])
        assert (ended.code, ended.own_stderr, ended.stdout) == (0, "", "['a'] __main__ True\n")


_ENDS = ["import sys; sys.exit(3)", "def f():\n    1 / 0\nf()", "raise KeyboardInterrupt", "import nope"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(text, words) for text in _ENDS for words in (["program.py"], ["-m", "program"])] + [("def (", ["program.py"])],
)
def test_how_a_program_ends_is_its_own(text: str, words: list[str], tmp_path: Path) -> None:
    write(tmp_path / "work", text)
    plain = run(tmp_path / "work", words)
    under = run(tmp_path / "work", ["-m", "taskstore.clearml", *words])
    assert (under.code, under.stdout, under.stderr) == (plain.code, plain.stdout, plain.stderr)


def test_a_program_that_begins_no_task_leaves_none(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", "import clearml"))])
    assert ended.code == 0
    assert not (ended.root / "projects").exists() or all_tasks(ended) == []


def test_a_real_package_of_that_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "work" / "clearml").mkdir(parents=True)
    (tmp_path / "work" / "clearml" / "__init__.py").write_text("Task = 'the real one'\n")
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", SCRIPT))])
    assert (ended.code, ended.own_stderr) == (0, "")
    plain = run(tmp_path / "work", ["-c", "import taskstore.clearml, clearml; print(clearml.Task)"])
    assert plain.stdout == "the real one\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_have_it_too(method: str, tmp_path: Path) -> None:
    text = """
        import multiprocessing
        from clearml import Logger, Task
        def work(number):
            Logger.current_logger().report_scalar("loss", str(number), value=number, iteration=0)
            return Task.current_task().id
        if __name__ == "__main__":
            task = Task.init(project_name="examples", task_name="workers")
            with multiprocessing.get_context(METHOD).Pool(2) as pool:
                assert set(pool.map(work, [1, 2])) == {task.id}
                pool.close(); pool.join()
    """.replace("METHOD", repr(method))
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))])
    assert (ended.code, ended.own_stderr) == (0, "")
    assert only_task(ended).points == {("loss", "1"): [1.0], ("loss", "2"): [2.0]}


def test_a_python_that_the_program_starts_has_it_too_and_reports_into_its_task(tmp_path: Path) -> None:
    text = """
        import subprocess, sys
        from clearml import Task
        task = Task.init(project_name="examples", task_name="ranks")
        if len(sys.argv) > 1:
            import clearml.logger
            task.get_logger().report_scalar("loss", sys.argv[1], value=int(sys.argv[1]), iteration=0)
            task.connect({"rank " + sys.argv[1]: int(sys.argv[1])})
            print(task.id, task.get_logger().__module__.partition(".")[0], flush=True)
        else:
            print(task.id, "taskstore", flush=True)
            for rank in "12":
                subprocess.run([sys.executable, sys.argv[0], rank], check=True)
    """
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))])
    assert (ended.code, ended.own_stderr) == (0, "")
    found = only_task(ended)
    assert ended.stdout.splitlines() == [f"{found.record.id} taskstore"] * 3
    assert found.points == {("loss", "1"): [1.0], ("loss", "2"): [2.0]}


def test_a_real_package_is_passed_over_there_too_and_is_found_where_taskstore_is_not(tmp_path: Path) -> None:
    real = tmp_path / "installed" / "clearml"
    real.mkdir(parents=True)
    (real / "__init__.py").write_text("Task = 'the real one'\n")
    probe = "import clearml; print(clearml.Task)"
    text = f"""
        import os, subprocess, sys
        import clearml
        os.environ["PYTHONPATH"] += os.pathsep + {str(real.parent)!r}
        subprocess.run([sys.executable, "-c", {probe!r}], check=True)
        standins = os.environ["PYTHONPATH"].split(os.pathsep)[0]
        alone = {{**os.environ, "PYTHONPATH": standins + os.pathsep + {str(real.parent)!r}}}
        subprocess.run([sys.executable, "-S", "-c", {probe!r}], check=True, env=alone)
    """
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))])
    assert (ended.code, ended.own_stderr) == (0, "")
    assert ended.stdout.splitlines() == ["<class 'taskstore.clearml.task.Task'>", "the real one"]


def test_what_transformers_asks_for_of_clearml_is_there(tmp_path: Path) -> None:
    text = """
        import clearml
        from enum import Enum
        task = clearml.Task.init(project_name="examples", task_name="trainer")
        flat = clearml.utilities.proxy_object.flatten_dictionary({"lr": 0.1, "optim": {"eps": 1, "betas": [1, 2]}})
        print(flat)
        task._arguments.copy_from_dict({**flat, "kind": Enum("Kind", "SGD ADAM").ADAM, "none": None, "odd": object()},
            prefix="Transformers")
        print(sorted(task.get_parameters()))
        print(task.get_parameters()["Transformers/kind"], clearml.model.Model is clearml.Model)
        try:
            clearml.utilities.no_such_module
        except AttributeError as error:
            print("no_such_module" in str(error))
    """
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))])
    assert (ended.code, ended.own_stderr) == (0, "")
    names = ["kind", "lr", "none", "optim/betas", "optim/eps"]
    assert ended.stdout.splitlines() == [
        "{'lr': 0.1, 'optim/eps': 1, 'optim/betas': [1, 2]}",
        str([f"Transformers/{name}" for name in names]),
        "ADAM True",
        "True",
    ]


def test_what_taskstore_has_not_is_imported_and_says_so_when_used(tmp_path: Path) -> None:
    text = """
        from clearml import PipelineController
        from clearml.automation import HyperParameterOptimizer, UniformParameterRange
        from clearml.automation.controller import PipelineDecorator
        for use in (PipelineController, lambda: PipelineDecorator.component):
            try:
                use()
            except Exception as error:
                print(type(error).__name__, "queues" in str(error))
        try:
            import clearml.no_such_module
        except ImportError as error:
            print(error)
        try:
            from clearml import NoSuchName
        except ImportError as error:
            print("NoSuchName" in str(error))
    """
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))])
    assert ended.code == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "NotSupported True",
        "NotSupported True",
        "No module named 'clearml.no_such_module': taskstore.clearml stands for clearml here, and has no such module",
        "True",
    ]


def test_a_clone_of_such_a_run_runs_the_same_way(tmp_path: Path, cli: list[str]) -> None:
    write(tmp_path / "work", SCRIPT)
    ended = run(tmp_path / "work", [*cli, "program.py", "one"])
    found = only_task(ended)
    command = [*cli[:2], "clone", found.record.id, "--run"]
    again = run(tmp_path / "work", command)
    assert (again.code, again.stdout.splitlines()[-1]) == (0, "['one'] __main__ True"), again.stderr
    assert len(all_tasks(again)) == 2


def test_plain_python_is_left_alone(tmp_path: Path) -> None:
    probe = "import taskstore, taskstore.clearml, sys; print('clearml' in sys.modules, len(sys.meta_path))"
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ended.stdout.split()[0] == "False"
    assert launch.script_plan(__file__, ()).aliases == ()
