import os
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from taskstore.core.errors import NotFound
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.store import follow, tasks, trash

from .conftest import Cli, Workshop

COLOURED = "\x1b[31mred\x1b[0m plain\x1b]0;title\x07\x1b[2K end"


def entry(second: float, text: str, stream: str = "stdout", flag: str = "F") -> str:
    moment = datetime.fromtimestamp(1_767_225_600 + second, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ} {stream} {flag} {text}\n"


def append(paths: TaskPaths, writer: str, *entries: str) -> None:
    paths.events.mkdir(exist_ok=True)
    with paths.console(writer).open("a", encoding="utf-8") as log:
        log.write("".join(entries))


@pytest.fixture
def talkative(workshop: Workshop) -> TaskPaths:
    paths = workshop.task(status=Status.CREATED)
    append(paths, "here-1-00000000", entry(1, "one"), entry(3, "three", "stderr"), entry(5, COLOURED))
    append(paths, "here-2-00000000", entry(2, "two"), entry(4, "four\tfive"), entry(6, "never ended", flag="P"))
    workshop.end(paths, Status.COMPLETED)
    return paths


def test_all_writers_are_printed_in_order_of_time_on_stdout(talkative: TaskPaths, cli: Cli) -> None:
    done = cli("logs", talkative.id)
    assert done.lines == ["one", "two", "three", "four\tfive", "red plain end", "never ended"]
    assert done.err == ""


def test_the_last_lines_are_counted_after_the_stream_is_chosen(talkative: TaskPaths, cli: Cli) -> None:
    assert cli("logs", "-n", "2", talkative.id).lines == ["red plain end", "never ended"]
    assert cli("logs", "-n", "0", talkative.id).lines == []
    assert cli("logs", "--stream", "stderr", talkative.id).lines == ["three"]
    assert cli("logs", "--stream", "stdout", "-n", "4", talkative.id).lines[0] == "two"


def test_times_are_put_before_each_line(talkative: TaskPaths, cli: Cli) -> None:
    assert cli("logs", "--timestamps", "-n", "1", talkative.id).lines == ["2026-01-01T00:00:06.000000Z never ended"]


def test_json_has_time_stream_and_the_text_as_it_was(talkative: TaskPaths, cli: Cli) -> None:
    objects = cli("logs", "--json", talkative.id).objects
    assert objects[2] == {
        "time": "2026-01-01T00:00:03.000000Z",
        "stream": "stderr",
        "text": "three",
        "is_whole": True,
    }
    assert objects[4]["text"] == COLOURED
    assert objects[5]["is_whole"] is False


def test_a_terminal_gets_the_colours_and_nothing_else_that_it_would_obey(
    talkative: TaskPaths, terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = terminal("logs", talkative.id).out
    assert "\x1b[31mred\x1b[0m plain end\x1b[0m\n" in shown
    assert "title" not in shown
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in terminal("logs", talkative.id).out


def test_following_a_task_that_has_ended_ends_at_once(talkative: TaskPaths, cli: Cli) -> None:
    done = cli("logs", "-f", "-n", "1", talkative.id)
    assert done.code == 0
    assert done.lines == ["never ended"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["-n", "-1", "@last"], 2), (["-n", "x", "@last"], 2), (["--stream", "stdin", "@last"], 2), ([], 2)],
)
def test_a_mistake_is_wrong_usage(argv: list[str], code: int, workshop: Workshop, cli: Cli) -> None:
    workshop.task()
    assert cli("logs", *argv).code == code


class Play:
    """What happens to a task while it is followed: one scene for each time that the follower sleeps."""

    def __init__(self, *scenes: Callable[[], object]) -> None:
        self.scenes = list(scenes)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.scenes.pop(0)()


def followed(workshop: Workshop, paths: TaskPaths, *scenes: Callable[[], object]) -> list[list[str]]:
    play = Play(*scenes)
    batches = follow.console(workshop.store, paths.id, sleep=play.sleep)
    shown = [[line.text for line in batch] for batch in batches]
    assert play.scenes == []
    return shown


@pytest.fixture
def live(workshop: Workshop) -> TaskPaths:
    paths = workshop.task(status=Status.CREATED)
    tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
    return paths


def test_a_live_task_is_followed_through_all_its_writers_to_its_end(workshop: Workshop, live: TaskPaths) -> None:
    def more() -> None:
        append(live, "a-1-0", entry(2, "two"))
        append(live, "b-2-0", entry(1, "one"), entry(3, "thr", flag="P"))

    def end() -> None:
        append(live, "b-2-0", entry(4, "ee"), entry(5, "last, unended", flag="P"))
        tasks.transition(workshop.store, live.id, Status.COMPLETED)

    append(live, "a-1-0", entry(0, "zero"))
    assert followed(workshop, live, more, end) == [["zero"], ["one", "two"], ["three", "last, unended"]]


def test_a_torn_last_line_waits_for_its_end(workshop: Workshop, live: TaskPaths) -> None:
    whole = entry(1, "in two writes")

    def end() -> None:
        append(live, "a-1-0", whole[30:])
        tasks.transition(workshop.store, live.id, Status.COMPLETED)

    append(live, "a-1-0", whole[:30])
    assert followed(workshop, live, end) == [[], ["in two writes"]]


def test_a_task_that_moves_is_followed_to_where_it_is(workshop: Workshop, live: TaskPaths) -> None:
    elsewhere: list[TaskPaths] = []

    def move() -> None:
        elsewhere.append(tasks.move(workshop.store, live.id, "else/where"))
        append(elsewhere[0], "a-1-0", entry(1, "one"))

    def end() -> None:
        append(elsewhere[0], "a-1-0", entry(2, "two"))
        tasks.transition(workshop.store, live.id, Status.COMPLETED)

    append(live, "a-1-0", entry(0, "zero"))
    assert followed(workshop, live, move, end) == [["zero"], ["one"], ["two"]]


def test_a_log_that_begins_anew_is_read_from_its_start(workshop: Workshop, live: TaskPaths) -> None:
    def again() -> None:
        live.console("a-1-0").write_text(entry(2, "new"))

    append(live, "a-1-0", entry(0, "old and longer"))
    end = lambda: tasks.transition(workshop.store, live.id, Status.COMPLETED)  # noqa: E731
    assert followed(workshop, live, again, end) == [["old and longer"], ["new"], []]


def test_a_draft_is_waited_for(workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED)

    def run() -> None:
        tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
        append(paths, "a-1-0", entry(0, "zero"))
        tasks.transition(workshop.store, paths.id, Status.FAILED)

    assert followed(workshop, paths, run) == [[], ["zero"]]


def test_a_run_that_dies_ends_the_following(workshop: Workshop, live: TaskPaths) -> None:
    beacon = hold_beacon(live.beacon, workshop.store.locks)
    append(live, "a-1-0", entry(0, "zero"))
    assert followed(workshop, live, beacon.release) == [["zero"], []]
    assert tasks.read(live).status is Status.FAILED


def test_a_task_deleted_meanwhile_is_not_found(workshop: Workshop, live: TaskPaths) -> None:
    def delete() -> None:
        tasks.transition(workshop.store, live.id, Status.STOPPED)
        trash.put(workshop.store, live.id)

    with pytest.raises(NotFound):
        followed(workshop, live, delete)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_the_following_with_130(workshop: Workshop, live: TaskPaths, program: list[str]) -> None:
    append(live, "a-1-0", entry(0, "ready"))
    beacon = hold_beacon(live.beacon, workshop.store.locks)
    try:
        child = subprocess.Popen([*program, "logs", "-f", live.id], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    finally:
        beacon.release()
    assert child.returncode == 130
    assert err == b""
