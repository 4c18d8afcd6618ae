"""What a run prints is in its log, line by line, and the terminal shows what it would have shown."""

from __future__ import annotations

import os
from pathlib import Path

from taskstore.disk.layout import TaskPaths
from taskstore.store import events

from .programs import only_task, run

# A million is what is promised, and takes a minute. Read here, because tests run without such variables.
REFRESHES = int(os.environ.get("TASKSTORE_TEST_REFRESHES", "20000"))


def _entries(home: Path) -> list[str]:
    return [line for log in events.console_logs(TaskPaths(home)) for line in log.read_text().splitlines()]


def test_the_stores_own_talk_is_on_the_terminal_and_not_in_the_log(tmp_path: Path) -> None:
    text = """
        import sys
        TASK
        print("mine")
        task.connect({"n": 1, "odd": object()})
    """
    ended = run(tmp_path / "work", text)
    assert "taskstore: created task" in ended.stderr
    assert only_task(ended).console == ["mine"]


def test_a_traceback_is_logged_line_by_line_wherever_it_comes_from(tmp_path: Path) -> None:
    text = """
        import atexit, threading
        TASK
        def fail(where):
            raise ValueError(where)
        class Unraisable:
            def __del__(self):
                fail("in __del__")
        thread = threading.Thread(target=fail, args=("in a thread",))
        thread.start()
        thread.join()
        del_me = Unraisable()
        del del_me
        atexit.register(fail, "in atexit")
        fail("at last")
    """
    ended = run(tmp_path / "work", text)
    found = only_task(ended)
    assert found.console == ended.own_stderr.splitlines()
    assert len(_entries(found.home)) == len(found.console)
    assert [line for line in found.console if line.startswith("ValueError")] == [
        f"ValueError: {where}" for where in ("in a thread", "in __del__", "at last", "in atexit")
    ]


def test_report_text_is_in_the_log_once_whatever_becomes_of_the_streams(tmp_path: Path) -> None:
    text = """
        import contextlib, io, logging, sys
        TASK
        logger = task.get_logger()
        logger.report_text("one\\ntwo\\n")
        logger.report_text("unprinted", print_console=False)
        logger.report_text("serious", level=logging.ERROR)
        with contextlib.redirect_stdout(io.StringIO()) as elsewhere:
            logger.report_text("redirected")
        assert elsewhere.getvalue() == "redirected\\n"
        stream, sys.stdout = sys.stdout, None
        logger.report_text("nowhere")
        sys.stdout = stream
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "one\ntwo\n", "serious\n")
    assert only_task(ended).console == ["one", "two", "unprinted", "serious", "redirected", "nowhere"]


def test_a_progress_bar_makes_a_small_log_and_the_same_terminal(tmp_path: Path) -> None:
    text = """
        import os, sys, tqdm
        TASK
        for _ in tqdm.tqdm(range(int(sys.argv[1])), mininterval=0, miniters=1, bar_format="{n} of {total}"):
            pass
        print("done")
    """
    plain = run(tmp_path / "plain" / "work", text, str(REFRESHES), with_task=False)
    tracked = run(tmp_path / "tracked" / "work", text, str(REFRESHES))
    assert tracked.stdout == plain.stdout
    _, _, after_greeting = tracked.stderr.partition("taskstore: created task")
    assert after_greeting.partition("\n")[2] == plain.stderr
    found = only_task(tracked)
    size_bytes = sum(log.stat().st_size for log in events.console_logs(TaskPaths(found.home)))
    assert size_bytes < min(1 << 20, len(plain.stderr) / 10)
    assert found.console[-2:] == [f"{REFRESHES} of {REFRESHES}", "done"]
