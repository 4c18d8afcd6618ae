import os
import pty
import re
import subprocess
import time

import pytest

from taskstore.core.states import MAY_BE_MISSING, Status
from taskstore.schema.record import TaskRecord
from taskstore.store import tasks

from .conftest import Cli, Workshop

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def four(workshop: Workshop) -> list[str]:
    """Four tasks, oldest first; their ids."""

    def tagged(*tags: str):  # noqa: ANN202
        return lambda record: record.tags.extend(tags)

    made = [
        workshop.task("alpha", "vision", parameters={"Args/lr": "0.1"}, scalars={"loss/train": [3.0, 1.0, 2.0]}),
        workshop.task("beta", "vision/deep", status=Status.FAILED, parameters={"Args/lr": "0.02"}, edit=tagged("old")),
        workshop.task("gamma", "text", status=Status.CREATED, parameters={"Args/lr": "0.003"}, edit=tagged("old", "x")),
        workshop.task("delta", "text", parameters={"Args/other": "7"}, scalars={"loss/train": [5.0, 0.5]}),
    ]
    tasks.edit(workshop.store, made[3].id, lambda record: record.system_tags.append("archived"))
    return [paths.id for paths in made]


def names(cli: Cli, *argv: str) -> list[str]:
    done = cli("ls", "--json", *argv)
    assert done.code == 0
    return [item["name"] for item in done.objects]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], "gamma beta alpha"),
        (["--all"], "delta gamma beta alpha"),
        (["--archived"], "delta"),
        (["-p", "vision"], "beta alpha"),
        (["-p", "vision", "--no-recursive"], "alpha"),
        (["-s", "failed", "--status", "draft"], "gamma beta"),
        (["-s", "Failed,created"], "gamma beta"),
        (["-t", "old"], "gamma beta"),
        (["-t", "old", "-t", "x"], "gamma"),
        (["-t", "old", "--tag=-x"], "beta"),
        (["-t", "old", "--without-tag", "x"], "beta"),
        (["--text", "ALPH"], "alpha"),
        (["--type", "testing"], ""),
        (["--type", "training"], "gamma beta alpha"),
        (["--where", "Args/lr < 0.09"], "gamma beta"),
        (["--where", "Args/lr < 0.09 and not tag = x"], "beta"),
        (["--where", "loss/train.min = 1", "--since", "2025-12-31"], "alpha"),
        (["--where", "status = failed or status = draft", "--until", "2025-12-31"], ""),
        (["--sort", "Args/lr"], "gamma beta alpha"),
        (["--sort", "-Args/lr"], "alpha beta gamma"),
        (["--sort", "name"], "alpha beta gamma"),
        (["--sort", "loss/train.min", "--all"], "delta alpha gamma beta"),
        (["-n", "1"], "gamma"),
        (["-n", "0"], "gamma beta alpha"),
    ],
)
def test_every_filter_and_order(argv: list[str], expected: str, four: list[str], cli: Cli) -> None:
    assert " ".join(names(cli, *argv)) == expected


@pytest.mark.parametrize(
    ("option", "text", "is_listed"),
    [
        ("--since", "2025-12-31", True),
        ("--since", "2026-01-01", True),
        ("--since", "2026-01-02", False),
        ("--since", "2d", False),
        ("--since", "2d ago", False),
        ("--since", "today", False),
        ("--until", "2d", True),
        ("--until", "2026-01-01", True),
        ("--until", "2026-01-01T00:00", True),
        ("--until", "2025-12-31T23:59:59.5Z", False),
    ],
)
def test_since_and_until_read_times_and_ages(
    option: str, text: str, is_listed: bool, workshop: Workshop, cli: Cli
) -> None:
    workshop.task()  # made at 2026-01-01T00:00:00Z
    assert bool(names(cli, option, text)) is is_listed


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--since", "yesteday"], 4, "--since 'yesteday' is not a time"),
        (["--until", ""], 4, "--until '' is not a time"),
        (["--since", '"'], 4, "is not a time"),
        (["-s", "wrong"], 4, "no status 'wrong'; there are draft, pending"),
        (["--where", "lr <"], 4, "bad filter, column 5"),
        (["-p", "nope"], 3, "no project 'nope'"),
        (["-p", ""], 4, "bad project name"),
        (["-p", "ab"], 3, "no project 'ab'"),
        (["--type", "bogus"], 4, "no task type 'bogus'; there are training, testing,"),
        (["--type", ""], 4, "no task type ''"),
        (["-s", ""], 4, "no status ''"),
        (["-t", ""], 4, "an empty tag"),
        (["-t", "-"], 4, "an empty tag"),
        (["--without-tag", ""], 4, "an empty tag"),
        (["--columns", " , "], 4, "no columns named"),
        (["--sort", "-"], 4, "nothing to sort by"),
        (["-n", "-1"], 2, "--limit"),
        (["-n", "few"], 2, "--limit"),
        (["--all", "--archived"], 2, "exclude each other"),
    ],
)
def test_a_mistake_in_an_argument_is_said_without_a_traceback(
    argv: list[str], code: int, words: str, workshop: Workshop, cli: Cli
) -> None:
    workshop.task()
    done = cli("ls", *argv)
    assert done.code == code
    assert words in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_piped_the_table_is_whole_tab_separated_and_plain(four: list[str], cli: Cli) -> None:
    done = cli("ls", "--sort", "created")
    assert done.rows[0] == ["id", "project", "name", "status", "created", "duration", "tags"]
    assert done.rows[1] == [four[0], "vision", "alpha", "Completed", "2026-01-01T00:00:00Z", "90", ""]
    assert done.rows[3][3:] == ["Draft", "2026-01-01T00:03:00Z", "", "old,x"]
    assert done.err == ""
    assert "\x1b" not in done.out


def test_columns_are_those_named(four: list[str], cli: Cli) -> None:
    done = cli("ls", "--columns", "name, Args/lr,loss/train.min,loss/train", "-p", "vision")
    assert done.rows == [
        ["name", "Args/lr", "loss/train.min", "loss/train"],
        ["beta", "0.02", "", ""],
        ["alpha", "0.1", "1", "2"],
    ]
    assert cli("ls", "--json", "-c", "name,loss/train.max", "-p", "vision").objects == [
        {"name": "beta", "loss/train.max": None},
        {"name": "alpha", "loss/train.max": 3.0},
    ]


def test_columns_and_order_take_names_in_the_quotes_that_conditions_take(workshop: Workshop, cli: Cli) -> None:
    workshop.task("one", scalars={"val loss/a/b": [3.0, 1.0], "p, r/x.y": [1.0]}, parameters={"Args/a, b": "1"})
    workshop.task("two", scalars={"val loss/a/b": [2.0, 2.0], "p, r/x.y": [1.0]}, parameters={"Args/a, b": "2"})
    name = '"val loss/a/b"'
    assert cli("ls", "--where", f"{name}.max = 3", "--columns", f'name,{name}.max,"p, r/x.y".last').rows == [
        ["name", "val loss/a/b.max", "p, r/x.y.last"],
        ["one", "3", "1"],
    ]
    assert names(cli, "--sort", f"-{name}.last") == ["two", "one"]
    assert names(cli, "--sort", f"{name}.last") == ["one", "two"]
    assert names(cli, "--sort", 'Args/"a, b"') == ["one", "two"]
    assert names(cli, "--sort", '"p, r/x.y",-Args/"a, b"') == ["two", "one"]
    (shown, _) = cli("ls", "--json", "--columns", 'Args/"a, b"').objects
    assert shown == {"Args/a, b": "2"}


@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_quotes_that_do_not_close_are_a_refusal_that_says_how(option: str, cli: Cli) -> None:
    done = cli("ls", option, 'name,"val loss')
    assert done.code == 4
    assert "write it like" in done.err


def test_a_column_that_no_task_has_is_talked_of(four: list[str], cli: Cli) -> None:
    done = cli("ls", "-c", "name,Args/rl", "--sort", "los/train")
    assert done.code == 0
    assert "no task here has 'Args/rl'" in done.err
    assert "no task here has 'los/train'" in done.err


@pytest.mark.parametrize(
    ("where", "missing"),
    [
        ("foo = 1", ["foo"]),
        ("foo != 1", ["foo"]),
        ("loss/train.minn < 1", ["loss/train.minn"]),
        ("Args/lr < 0.09 or (bar and not foo)", ["bar", "foo"]),
        ("Args/lr > 900", []),
        ("loss/train.min < -1", []),
        ("comment = nobody-wrote-this or parent = none", []),
    ],
)
def test_a_name_in_a_condition_that_no_task_has_is_talked_of(
    where: str, missing: list[str], four: list[str], cli: Cli
) -> None:
    done = cli("ls", "--where", where)
    assert done.code == 0
    assert [line.split("'")[1] for line in done.err.splitlines() if "no task here has" in line] == missing


def test_a_condition_that_was_held_against_no_task_is_not_blamed(four: list[str], cli: Cli) -> None:
    done = cli("ls", "--text", "zzz", "--where", "Args/lr < 1")
    assert done.err == "taskstore: no task fits\n"


def test_in_a_terminal_an_id_is_whole_among_any_number_of_columns(four: list[str], terminal: Cli) -> None:
    columns = "id,project,name,type,status,created,started,completed,last_update,Args/lr,loss/train"
    lines = [COLOUR.sub("", line).split() for line in terminal("ls", "--all", "-c", columns).lines[1:]]
    assert [line[0] for line in lines] == [
        line.split()[0] for line in COLOUR.sub("", terminal("ls", "--all", "-c", "id").out).splitlines()[1:]
    ]
    for short, task_id in zip((line[0] for line in lines), reversed(four), strict=True):
        assert task_id.startswith(short)


def test_nothing_to_list_says_why_on_stderr(cli: Cli, workshop: Workshop) -> None:
    assert "no tasks yet" in cli("ls").err
    workshop.task()
    done = cli("ls", "--text", "zzz")
    assert "no task fits" in done.err
    assert done.rows == [["id", "project", "name", "status", "created", "duration", "tags"]]
    assert cli("ls", "--json", "--text", "zzz").out == ""


def test_json_has_every_key_for_every_task(four: list[str], cli: Cli) -> None:
    objects = cli("ls", "--json", "--sort", "created").objects
    assert len({tuple(item) for item in objects}) == 1
    first = objects[0]
    assert first["id"] == four[0]
    assert first["status"] == "completed"
    assert first["created"] == "2026-01-01T00:00:00Z"
    assert first["active_duration"] == 90.0
    assert first["hyperparams"]["Args"]["lr"]["value"] == "0.1"
    assert first["last_metrics"]["loss"]["train"]["min_value"] == 1.0


def test_in_a_terminal_ids_are_short_unique_and_enough_to_find_the_task(four: list[str], terminal: Cli) -> None:
    lines = [COLOUR.sub("", line).split() for line in terminal("ls", "--all").lines[1:]]
    shorts = [line[0] for line in lines]
    assert len(set(shorts)) == 4
    for short, task_id in zip(shorts, reversed(four), strict=True):
        assert task_id.startswith(short)
        assert len(short) >= 8
        assert terminal("path", short).out.strip().endswith(task_id)


def test_in_a_terminal_statuses_are_coloured_unless_no_color_is_set(
    four: list[str], terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[31mFailed" in terminal("ls").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", terminal("ls").out)


def test_in_a_terminal_no_more_than_fifty_are_listed_and_the_rest_counted(workshop: Workshop, terminal: Cli) -> None:
    for number in range(53):
        workshop.task(f"run {number}", status=Status.CREATED)
    done = terminal("ls")
    assert len(done.lines) == 51
    assert "3 more" in done.err
    assert len(terminal("ls", "--limit", "0").lines) == 54
    assert len(terminal("ls", "--json").lines) == 53


def test_in_a_terminal_a_name_is_cut_and_an_id_is_not(workshop: Workshop, terminal: Cli) -> None:
    paths = workshop.task("n" * 120, "p" * 60)
    text = COLOUR.sub("", terminal("ls").out)
    assert paths.id[:8] in text
    assert "n" * 120 not in text
    assert "Completed" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_name_from_a_task_does_not_control_the_terminal(workshop: Workshop, cli: Cli, terminal: Cli) -> None:
    def rename(record: TaskRecord) -> None:
        record.tags.append("\x1b]0;owned\x07")

    workshop.task("evil \x1b[2J\u202e name [red]x[/red]", edit=rename)
    for done in (cli("ls"), terminal("ls"), terminal("show", "@last"), cli("show", "@last")):
        assert "\x1b[2J" not in done.out
        assert "\x07" not in done.out
        assert "\u202e" not in done.out
    assert "evil \\x1b[2J\\u202e name [red]x[/red]" in cli("ls").out


def test_a_damaged_task_is_warned_of_the_rest_listed_and_the_exit_code_6(workshop: Workshop, cli: Cli) -> None:
    good, bad = workshop.task("good one"), workshop.task("bad one")
    bad.record.write_text("{")
    for argv in (["ls"], ["ls", "--json"]):
        done = cli(*argv)
        assert done.code == 6
        assert good.id in done.out
        assert str(bad.record) in done.err
        assert "Traceback" not in done.err


def test_any_truncation_of_any_file_leaves_the_other_tasks_listed(workshop: Workshop, cli: Cli) -> None:
    victim = workshop.task("victim", parameters={"Args/lr": "1"}, scalars={"loss/train": [1.0]})
    other = workshop.task("other")
    for path in (victim.record, victim.params, victim.summary):
        if not path.exists():
            continue
        whole = path.read_bytes()
        for length in range(0, len(whole), 29):
            path.write_bytes(whole[:length])
            done = cli("ls", "--json")
            assert done.code in (0, 6)
            assert "Traceback" not in done.err
            assert other.id in {item["id"] for item in done.objects}
        path.write_bytes(whole)


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_real_terminal_of_80_columns_gets_colours_and_short_lines(workshop: Workshop, program: list[str]) -> None:
    workshop.task("n" * 150, "some project", status=Status.FAILED)
    shown = _in_a_terminal([*program, "ls"])
    assert "\x1b[31mFailed" in shown
    lines = COLOUR.sub("", shown).replace("\r", "").splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80


def _in_a_terminal(argv: list[str]) -> str:
    import fcntl
    import struct
    import termios

    environ = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=subprocess.PIPE, env=environ)
    os.close(follower)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            data = os.read(leader, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    _, err = child.communicate(timeout=60)
    os.close(leader)
    assert child.returncode == 0, err
    return shown.decode()


def test_a_run_of_which_something_may_be_missing_is_told_apart_from_one_that_is_whole(
    cli: Cli, terminal: Cli, workshop: Workshop
) -> None:
    gap = f"completed; No space left on device at 12:03 UTC, and {MAY_BE_MISSING}"
    made = workshop.task("gappy", status=Status.IN_PROGRESS)
    tasks.transition(workshop.store, made.id, Status.COMPLETED, reason=gap)
    workshop.task("whole")
    listed = COLOUR.sub("", terminal("ls").out)
    assert re.search(r"gappy +Completed, with gaps", listed)
    assert re.search(r"whole +Completed +20", listed)
    assert "Completed; No space left on device at 12:03 UTC" in " ".join(cli("show", made.id).out.split())
