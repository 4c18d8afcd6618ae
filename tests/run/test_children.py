"""Forked children, multiprocessing and started programs report into one task, whose state the main process decides."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from .programs import all_tasks, only_task, run, write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

_STRICT = {"PYTHONWARNINGS": "error"}


def test_forked_children_report_into_the_task_and_their_ends_are_not_its_end(tmp_path: Path) -> None:
    text = """
        import os, sys, threading
        TASK
        logger = task.get_logger()
        def child(number):
            pid = os.fork()
            if pid:
                return pid
            for i in range(200):
                logger.report_scalar("child", str(number), i, i)
            print("child", number)
            assert Task.current_task() is task and Task.init("examples", "another") is task
            for percent in range(100):
                print(f"\\r{percent} % of {number}", end="")
            if number == 0:
                sys.exit(5)
            if number == 1:
                os._exit(6)
            if number == 2:
                task.close()
                logger.report_scalar("late", "child", 1, 1)
                os._exit(0)
            raise RuntimeError(f"of child {number}")
        logger.report_scalar("main", "before", 1, 0)
        pids = [child(number) for number in range(4)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        assert codes == [5, 6, 0, 1], codes
        assert task.get_status() == "in_progress"
        logger.report_scalar("main", "after", 1, 0)
        assert any(thread.name == "taskstore-heartbeat" for thread in threading.enumerate())
        print("end")
    """
    ended = run(tmp_path / "work", text, env=_STRICT)
    assert (ended.code, ended.told) == (0, [])
    assert "RuntimeError: of child 3" in ended.own_stderr
    found = only_task(ended)
    assert found.record.status_reason == "completed"
    assert {key: len(values) for key, values in found.points.items()} == {
        **{("child", str(number)): 200 for number in range(4)},
        ("main", "before"): 1,
        ("main", "after"): 1,
        ("late", "child"): 1,
    }
    # What was still to be drawn over is there as well, whichever way its writer has left.
    wanted = {*(f"child {number}" for number in range(4)), *(f"99 % of {number}" for number in range(4)), "end"}
    assert wanted <= set(found.console)
    assert "RuntimeError: of child 3" in found.console


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_report_into_the_task(method: str, tmp_path: Path) -> None:
    text = """
        import multiprocessing, os, sys
        from taskstore import Task

        def work(number):
            task = Task.current_task()
            for i in range(50):
                task.get_logger().report_scalar("worker", str(number), i, i)
            print("from", number, flush=True)
            return os.getpid(), task.id

        def feed(queue, number):
            # A data loader's worker, which knows nothing of tasks.
            print("fed", number)
            queue.put(number)

        if __name__ == "__main__":
            TASK
            context = multiprocessing.get_context(sys.argv[1])
            with context.Pool(2) as pool:
                results = pool.map(work, range(4), chunksize=1)
                pool.close()
                pool.join()
            assert os.getpid() not in {pid for pid, _ in results} and {id for _, id in results} == {task.id}
            queue = context.Queue()
            workers = [context.Process(target=feed, args=(queue, n)) for n in range(2)]
            [worker.start() for worker in workers]
            assert sorted(queue.get(timeout=20) for _ in workers) == [0, 1]
            [worker.join() for worker in workers]
            assert [worker.exitcode for worker in workers] == [0, 0]
            terminated = context.Process(target=__import__("time").sleep, args=(60,))
            terminated.start()
            terminated.terminate()
            terminated.join()
            assert terminated.exitcode == -15, terminated.exitcode
            assert task.get_status() == "in_progress"
    """
    ended = run(tmp_path / "work", text, method, env=_STRICT)
    assert (ended.code, ended.own_stderr, ended.told) == (0, "", [])
    found = only_task(ended)
    assert found.record.status_reason == "completed"
    assert {key: len(values) for key, values in found.points.items()} == {("worker", str(n)): 50 for n in range(4)}
    assert [line for line in sorted(found.console) if line.startswith("from")] == [f"from {n}" for n in range(4)]
    assert [line for line in sorted(found.console) if line.startswith("fed")] == ["fed 0", "fed 1"]


WORKERS = """
    import multiprocessing, sys
    from taskstore import Task

    def work(number):
        print("first of", number)
        print("unended of", number, end="")

    def fail():
        raise RuntimeError("of a worker")

    if __name__ == "__main__":
        task = Task.init("examples", "a run"OPTIONS)
        context = multiprocessing.get_context(sys.argv[1])
        with context.Pool(1) as pool:
            pool.map(work, [1])
            pool.close()
            pool.join()
        for target, args in ((work, (2,)), (fail, ())):
            worker = context.Process(target=target, args=args)
            worker.start()
            worker.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_workers_print_that_know_nothing_of_tasks_is_in_the_task(method: str, tmp_path: Path) -> None:
    ended = run(tmp_path / "work", WORKERS.replace("OPTIONS", ""), method, with_task=False, env=_STRICT)
    assert (ended.code, ended.told) == (0, [])
    lines = only_task(ended).console
    assert sorted(line for line in lines if " of " in line and "RuntimeError" not in line and "raise" not in line) == [
        *("first of 1", "first of 2", "unended of 1", "unended of 2")
    ]
    assert lines.count("RuntimeError: of a worker") == 1
    assert "Traceback (most recent call last):" in lines


def test_a_program_that_imports_taskstore_and_does_no_more_is_left_alone(tmp_path: Path) -> None:
    text = """
        import subprocess, sys
        TASK
        text = "import multiprocessing.process, taskstore; print('of another')"
        subprocess.run([sys.executable, "-c", text], check=True)
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout) == (0, "of another\n")
    assert only_task(ended).console == []


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_of_a_run_that_wants_no_console_are_left_alone(method: str, tmp_path: Path) -> None:
    text = WORKERS.replace("OPTIONS", ", auto_connect_streams=False")
    ended = run(tmp_path / "work", text, method, with_task=False, env=_STRICT)
    assert ended.code == 0
    assert only_task(ended).console == []


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_what_a_run_replaces_may_be_a_processs_target_as_without_it(method: str, tmp_path: Path) -> None:
    text = """
        import multiprocessing, os, signal, sys
        if __name__ == "__main__":
            TASK
            context = multiprocessing.get_context(sys.argv[1])
            for target, args in ((os._exit, (3,)), (sys.exit, (4,)), (signal.signal, (10, signal.SIG_IGN))):
                process = context.Process(target=target, args=args)
                process.start()
                process.join()
                print(process.exitcode)
    """
    with_task, without = (
        run(tmp_path / name, text, method, with_task=is_with, root=tmp_path / "store")
        for name, is_with in (("with", True), ("without", False))
    )
    assert (without.code, without.stdout) == (0, "3\n4\n0\n")
    assert (with_task.code, with_task.stdout, with_task.own_stderr) == (0, without.stdout, without.stderr)


def test_a_worker_that_runs_its_parents_program_again_joins_it_whatever_name_that_makes_up(tmp_path: Path) -> None:
    text = """
        import multiprocessing, os
        from taskstore import Task
        task = Task.init("examples", f"run of {os.getpid()}")
        def work(number):
            task.get_logger().report_scalar("worker", str(number), number, 1)
        if __name__ == "__main__":
            worker = multiprocessing.get_context("spawn").Process(target=work, args=(1,))
            worker.start()
            worker.join()
            assert worker.exitcode == 0
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.told) == (0, [])
    assert only_task(ended).points == {("worker", "1"): [1.0]}


def test_a_program_that_a_run_starts_joins_it_unless_it_names_another_task(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    write(
        folder,
        """
        import sys
        from taskstore import Task
        names = {"same": ("examples", "a run"), "none": (), "other": ("examples", "another")}
        names["spaces"] = (" examples", "a run ")
        kind = sys.argv[1]
        task = Task.current_task() if kind == "current" else Task.init(*names[kind])
        task.get_logger().report_scalar("child", kind, 1, 1)
        print("hello from", kind)
        for percent in range(100):
            print(f"\\r{percent} % of {kind}", end="")
        if kind == "none":
            sys.exit(3)
        if kind == "same":
            task.close()
            task.get_logger().report_scalar("child", "closed", 1, 1)
        """,
        "child.py",
    )
    text = """
        import subprocess, sys
        TASK
        for kind in ("same", "none", "other", "current", "spaces"):
            code = subprocess.run([sys.executable, "child.py", kind]).returncode
            assert code == (3 if kind == "none" else 0), (kind, code)
        assert task.get_status() == "in_progress"
        task.close()
        # A run that has ended is nobody's parent.
        assert subprocess.run([sys.executable, "child.py", "none"]).returncode == 3
    """
    ended = run(folder, text, env=_STRICT)
    assert (ended.code, ended.told, ended.own_stderr) == (0, [], "")
    found = {item.record.name: item for item in all_tasks(ended)}
    assert set(found) == {"a run", "another", "child"}
    main = found["a run"]
    assert main.record.status_reason == "completed"
    assert set(main.points) == {("child", kind) for kind in ("same", "none", "current", "closed", "spaces")}
    for kind in ("same", "none", "current", "spaces"):
        assert {f"hello from {kind}", f"99 % of {kind}"} <= set(main.console)
    assert found["another"].record.parent == main.record.id
    assert "hello from other" in found["another"].console
    assert found["another"].record.status_reason == "completed"
    assert found["child"].record.parent is None
    assert found["child"].record.status_reason == "exit code 3"


def test_children_that_outlive_the_run_go_on_reporting_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    text = """
        import os, subprocess, sys, time
        TASK
        def wait_for_the_end():
            while task.get_status() == "in_progress":
                time.sleep(0.01)
        def report(kind):
            task.get_logger().report_scalar("late", kind, 1, 1)
            print("late", kind, flush=True)
            open(kind, "w").close()
        if len(sys.argv) > 1:
            open("joined", "w").close()
            wait_for_the_end()
            report("started")
        elif os.fork() == 0:
            wait_for_the_end()
            report("forked")
        else:
            null = subprocess.DEVNULL
            subprocess.Popen([sys.executable, __file__, "child"], stdin=null, stdout=null, stderr=null)
            while not os.path.exists("joined"):
                time.sleep(0.01)
            sys.exit(7)
    """
    ended = run(folder, text)
    assert ended.code == 7
    deadline = time.monotonic() + 20
    while not ((folder / "forked").exists() and (folder / "started").exists()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found = only_task(ended)
    assert found.record.status_reason == "exit code 7"
    assert set(found.points) == {("late", "forked"), ("late", "started")}
    assert {"late forked", "late started"} <= set(found.console)


def test_a_child_that_is_terminated_at_its_very_birth_dies(tmp_path: Path) -> None:
    # A signal that comes before Python has put the child in order must not get lost.
    text = """
        import os, signal, time
        children = f"/proc/self/task/{os.getpid()}/children"
        def terminate_at_birth():
            if os.path.exists(children):
                for pid in open(children).read().split():
                    os.kill(int(pid), signal.SIGTERM)
        os.register_at_fork(after_in_parent=terminate_at_birth)
        import gc
        TASK
        time.sleep(0.3)  # git has been asked
        gc.disable()
        for number in range(100):
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            time.sleep(number % 10 * 1e-4)
            if not os.path.exists(children):
                os.kill(pid, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.own_stderr) == (0, "")


def test_a_child_in_c_code_dies_of_sigterm_as_it_would_without_us(tmp_path: Path) -> None:
    # A handler of Python's would not be called before the C code comes back.
    text = """
        import itertools, os, signal
        TASK
        pid = os.fork()
        if not pid:
            print("ready", flush=True)
            sum(itertools.repeat(1, 10**10))  # half a minute in which no handler of Python's is called
            os._exit(0)
        import time
        time.sleep(0.3)
        os.kill(pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
    """
    began = time.monotonic()
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.own_stderr) == (0, "")
    assert time.monotonic() - began < 15


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python warns of such forks from 3.12 on")
def test_a_fork_beside_threads_of_the_program_still_warns(tmp_path: Path) -> None:
    text = """
        import os, threading, warnings
        TASK
        held = threading.Event()
        threading.Thread(target=held.wait, daemon=True).start()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pid = os.fork()
            if not pid:
                os._exit(0)
        os.waitpid(pid, 0)
        assert [str(w.message)[:12] for w in caught] == ["This process"], caught
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.own_stderr) == (0, "")


def test_forks_from_many_threads_at_once_neither_hang_nor_multiply_the_heartbeat(tmp_path: Path) -> None:
    text = """
        import os, threading, warnings
        warnings.simplefilter("ignore")
        TASK
        logger = task.get_logger()
        def fork():
            while True:
                try:
                    return os.fork()
                except RuntimeError as error:
                    if "filelock" not in str(error):  # from 4.2 on it refuses one fork during another
                        raise
        def fork_often(number):
            for i in range(15):
                pid = fork()
                if not pid:
                    logger.report_scalar("child", str(number), i, i)
                    os._exit(0)
                os.waitpid(pid, 0)
                logger.report_scalar("parent", str(number), i, i)
        threads = [threading.Thread(target=fork_often, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert [t.name for t in threading.enumerate()].count("taskstore-heartbeat") == 1, threading.enumerate()
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.own_stderr, ended.told) == (0, "", [])
    found = only_task(ended)
    assert {len(values) for values in found.points.values()} == {15}
    assert len(found.points) == 8


def test_sigkill_of_a_child_leaves_the_run_alone_and_of_the_run_fails_it(tmp_path: Path) -> None:
    text = """
        import os, signal, sys
        TASK
        pid = os.fork()
        if not pid:
            task.get_logger().report_scalar("child", "before", 1, 1)
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
        assert task.get_status() == "in_progress"
        pid = os.fork()
        if not pid:  # a child that lives on must not keep the dead run's beacon
            os.close(0), os.close(1), os.close(2)
            signal.pause()
        print("ready", pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = run(tmp_path / "work", text)
    os.kill(int(ended.stdout.split()[1]), signal.SIGKILL)
    found = only_task(ended)
    assert (found.record.status.value, found.record.status_reason) == ("failed", "killed")
    assert set(found.points) == {("child", "before")}
