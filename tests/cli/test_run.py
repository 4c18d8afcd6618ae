"""`taskstore run`: a program under it does, says and leaves as it does under plain python."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord
from taskstore.store import events, places, projects, tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop

Ended = tuple[int, str, str]
_ANNOUNCED = re.compile(r"^taskstore: (created|running) task ([0-9a-f]{32}) in .*\n", re.M)
_ADDRESS = re.compile(r"0x[0-9a-f]+")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    made.mkdir()
    return made


def _start(argv: Sequence[str], folder: Path, text: str = "") -> Ended:
    done = subprocess.run(argv, cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, _ADDRESS.sub("0x", done.stdout), _ADDRESS.sub("0x", done.stderr)


def _under(program: list[str], *argv: str) -> list[str]:
    return [*program, "run", *argv]


def _only(store: Store) -> TaskPaths:
    (found,) = places.walk(store)
    return places.locate(store, found[1])


_SHOWS = """
import sys, pickle
class A:
    x: int = 3
print(sys.argv, sys.path, __file__, __name__, __spec__, __package__, type(__loader__), sorted(globals()))
print(A.__annotations__, type(pickle.loads(pickle.dumps(A()))) is A, sys.modules["__main__"].A is A, sys.flags)
print(repr(sys.stdin.read()))
"""
_PROGRAMS = {
    "sees what python shows": _SHOWS,
    "sys.exit(3)": "import sys; sys.exit(3)",
    "sys.exit(text)": "import sys; sys.exit('bye')",
    "raise SystemExit": "raise SystemExit(4)",
    "os._exit": "import os; os._exit(5)",
    "an exception": "def f(x):\n    return 1 / x\n\nprint('before')\nf(0)",
    "an exception in another": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError(2)",
    "an exception from another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError(2) from e",
    "an exception from none": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError(2) from None",
    "a syntax error": "def (",
    "a missing import": "import no_such_module_at_all",
    "an exception hook of its own": "import sys\nsys.excepthook = lambda *a: print('mine', a[0], a[2].tb_lineno)\n1/0",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "an exit that is caught": "import sys\ntry:\n    sys.exit(3)\nexcept SystemExit:\n    print('stayed')",
    "another encoding": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))",
}


@pytest.mark.parametrize("name", _PROGRAMS)
def test_a_script_runs_as_under_plain_python(name: str, folder: Path, program: list[str]) -> None:
    (folder / "train.py").write_text(_PROGRAMS[name], "latin-1")
    argv = ("./train.py", "a", "--lr", "--", "-h")
    plain = _start([sys.executable, *argv], folder, "typed")
    code, out, err = _start(_under(program, *argv), folder, "typed")
    assert (code, out, _ANNOUNCED.sub("", err)) == plain


@pytest.mark.parametrize("target", ["pkg", "pkg.train"])
@pytest.mark.parametrize("last", ["", "1 / 0"])
def test_a_module_runs_as_under_plain_python(target: str, last: str, folder: Path, program: list[str]) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").touch()
    for name in ("__main__", "train"):
        (folder / "pkg" / f"{name}.py").write_text(
            "import sys\nprint(sys.argv, sys.path, __spec__, __package__, __file__, sorted(globals()))\n" + last
        )
    plain = _start([sys.executable, "-m", target, "--lr", "3"], folder)
    code, out, err = _start(_under(program, "-m", target, "--lr", "3"), folder)
    assert (code, out, _ANNOUNCED.sub("", err)) == plain


def test_a_module_that_is_not_there_is_said_as_python_says_it(folder: Path, program: list[str]) -> None:
    plain = _start([sys.executable, "-m", "no_such_module"], folder)
    assert _start(_under(program, "-m", "no_such_module"), folder) == plain


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_of_a_link_the_folder_that_it_leads_to_is_on_the_path(folder: Path, program: list[str]) -> None:
    (folder / "real").mkdir()
    (folder / "real" / "helper.py").write_text("name = 'helped'")
    (folder / "real" / "train.py").write_text("import helper; print(helper.name, __file__)")
    (folder / "link.py").symlink_to("real/train.py")
    plain = _start([sys.executable, "link.py"], folder)
    assert _start(_under(program, "link.py"), folder)[:2] == plain[:2]


def test_modules_of_the_working_directory_do_not_replace_what_taskstore_imports(folder: Path) -> None:
    # As its installed command does: without the working directory on the path.
    program = [sys.executable, "-c", "import sys; del sys.path[0]; from taskstore_cli.main import main; main()"]
    for name in ("msgspec", "filelock", "psutil", "yaml"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not this one')")
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text("print('ran')")
    code, out, err = _start(_under(program, "code/train.py"), folder)
    assert (code, out, _ANNOUNCED.sub("", err)) == (0, "ran\n", "")


def test_spawned_processes_work_under_run(folder: Path, program: list[str]) -> None:
    (folder / "train.py").write_text(
        "import multiprocessing\n"
        "def square(x):\n    return x * x\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        print(pool.map(square, [1, 2, 3]))\n"
    )
    assert _start(_under(program, "train.py"), folder)[:2] == (0, "[1, 4, 9]\n")


def test_a_script_that_does_not_know_taskstore_becomes_a_task(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text("print('hello')")
    code, _, err = _start(_under(program, "--project", "vision/x", "--name", "my run", "train.py", "--lr", "1"), folder)
    paths = _only(store)
    assert code == 0
    assert paths.id in err
    assert (places.project_of(store, paths.home), tasks.read(paths).name) == ("vision/x", "my run")
    assert tasks.read(paths).status is Status.COMPLETED
    assert tasks.read_script(paths).argv == ["train.py", "--lr", "1"]
    assert "hello" in [line.text for line in events.read_console(paths)]


def test_a_script_that_names_its_task_itself_makes_one_task(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text(
        "from taskstore import Task\n"
        "task = Task.init(project_name='theirs', task_name='their name', tags=['t'])\n"
        "task.get_logger().report_scalar('loss', 'train', 1.0, 0)\n"
        "raise ValueError('boom')\n"
    )
    code, _, err = _start(_under(program, "train.py"), folder)
    paths = _only(store)
    record = tasks.read(paths)
    assert code == 1
    assert f"taskstore: task {paths.id[:12]} is in {paths.home} now\n" in err
    assert (places.project_of(store, paths.home), record.name, record.tags) == ("theirs", "their name", ["t"])
    assert (record.status, record.status_reason) == (Status.FAILED, "ValueError: boom")
    assert "child.py" not in record.status_message
    assert "loss" in events.read_summary(paths).last_metrics


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("import sys; sys.exit(0)", Status.COMPLETED, 0),
        ("import sys; sys.exit(3)", Status.FAILED, 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", Status.STOPPED, 143),
        ("raise KeyboardInterrupt", Status.STOPPED, -signal.SIGINT),
    ],
)
def test_the_end_of_the_program_is_the_tasks(
    text: str, status: Status, code: int, folder: Path, program: list[str], store: Store
) -> None:
    (folder / "train.py").write_text(text)
    assert _start(_under(program, "train.py"), folder)[0] == code
    assert tasks.read(_only(store)).status is status


def test_a_clone_runs_with_its_own_values(folder: Path, program: list[str], store: Store, cli: Cli) -> None:
    (folder / "train.py").write_text(
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--lr', type=float, default=0.5)\n"
        "parser.add_argument('--epochs', type=int, default=1)\n"
        "args = parser.parse_args()\n"
        "print(args.lr * 2, args.epochs)\n"
    )
    assert _start(_under(program, "train.py", "--lr", "0.25"), folder)[1] == "0.5 1\n"
    original = _only(store)
    made = cli("clone", original.id, "--set", "Args/lr=0.1", "--set", "Args/epochs=7").out.strip()
    code, out, err = _start(_under(program, made), folder.parent)
    assert (code, out) == (0, "0.2 7\n"), err
    assert tasks.read(places.locate(store, made)).status is Status.COMPLETED
    assert tasks.read_params(original).hyperparams["Args"]["lr"].value == "0.25"


def test_what_was_killed_is_failed_with_the_signal(folder: Path, program: list[str], store: Store, cli: Cli) -> None:
    (folder / "train.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    (draft,) = _drafts(folder, store)
    assert _start(_under(program, draft), folder)[0] == 137
    record = tasks.read(places.locate(store, draft))
    assert (record.status, record.status_reason) == (Status.FAILED, "killed (SIGKILL)")


def test_of_two_runs_of_one_draft_one_starts(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text("print('ran', flush=True); input()")
    (draft,) = _drafts(folder, store)
    first = subprocess.Popen(
        _under(program, draft), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stdout.readline() == b"ran\n"
    code, out, err = _start(_under(program, draft), folder)
    assert (code, out) == (4, "")
    assert "Running already" in err
    first.communicate(b"\n", timeout=60)
    assert first.returncode == 0


def test_a_process_launched_for_a_task_that_has_ended_does_not_run_without_it(
    folder: Path, program: list[str], store: Store
) -> None:
    (folder / "train.py").write_text("from taskstore import Task; Task.init('examples', 'a draft'); print('ran')")
    (draft,) = _drafts(folder, store)
    tasks.transition(store, draft, Status.IN_PROGRESS)
    tasks.transition(store, draft, Status.COMPLETED)
    environment = {**os.environ, "TASKSTORE_TASK_ID": draft, "TASKSTORE_ROOT": str(store.root)}
    ended = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "is Completed and cannot become Running" in ended.stderr


def _drafts(folder: Path, store: Store, *names: str) -> list[str]:
    def fill(paths: TaskPaths, record: object) -> None:
        script = ScriptRecord(entry_point=str(folder / "train.py"), cwd=str(folder), argv=["train.py"])
        paths.script.write_bytes(_encoded(script))

    return [tasks.create(store, "examples", name, fill=fill).id for name in names or ("a draft",)]


def _encoded(script: ScriptRecord) -> bytes:
    from taskstore.schema import codec

    return codec.encode(script)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_request_to_end_is_handed_on_to_the_program(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text("print('ready', flush=True); input()")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)):
        running = subprocess.Popen(
            _under(program, "train.py"),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # no terminal, so that nobody but the parent gets it
        )
        with running:
            assert running.stdout is not None
            running.stdout.readline()
            running.send_signal(number)
            assert running.wait(timeout=60) == code  # before its stdin is closed, which would end it too
    for _, task_id in places.walk(store):
        assert tasks.read(places.locate(store, task_id)).status is Status.STOPPED


_AT_A_TERMINAL = """
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown, is_told = b"", False
while True:
    # Python can miss a Ctrl-C that comes just before it begins to wait; a person would type another.
    if not select.select([terminal], [], [], 5)[0]:
        is_told = False
    else:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux says so at the end
            break
        if not data:
            break
        shown += data
    if b"ready" in shown and not is_told:
        is_told = True
        os.write(terminal, b"\\x03")
print(shown)
sys.exit(-os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_console_is_the_terminals_own_and_ctrl_c_ends_the_program(
    folder: Path, program: list[str], store: Store
) -> None:
    (folder / "train.py").write_text(
        "import sys\n"
        "print([stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)], flush=True)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    # In a process of its own, because forking one with threads is not safe.
    code, shown, err = _start([sys.executable, "-c", _AT_A_TERMINAL, *_under(program, "train.py")], folder)
    assert "[True, True, True]" in shown, err
    assert code == signal.SIGINT
    assert tasks.read(_only(store)).status is Status.STOPPED


def test_dry_run_prints_the_plan_and_runs_nothing(cli: Cli, folder: Path, store: Store) -> None:
    (folder / "train.py").write_text("raise SystemExit(9)")
    script = str(folder / "train.py")
    result = cli("run", "--dry-run", script, "--lr", "a b")
    assert (result.code, result.out) == (0, f"cd {Path.cwd()} && python {script} --lr 'a b'\n")
    (draft,) = _drafts(folder, store)
    (facts,) = cli("run", "--dry-run", "--json", draft).objects
    assert facts == {"command": ["python", script], "cwd": str(folder), "notes": [], "secrets": []}
    assert tasks.read(places.locate(store, draft)).status is Status.CREATED


def test_what_is_a_file_and_a_task_is_the_file(
    cli: Cli, workshop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task(status=Status.CREATED)
    monkeypatch.chdir(folder)
    (folder / paths.id).write_text("print(1)")
    assert cli("run", "--dry-run", "--json", paths.id).objects[0]["command"] == ["python", paths.id]


@pytest.mark.parametrize(
    ("argv", "code", "why"),
    [
        ((), 2, "Missing argument"),
        (("-m",), 2, "Missing argument"),
        (("--bogus", "x.py"), 2, "--bogus"),
        (("no/such",), 3, "no task"),
        (("no-such.py",), 3, "no script"),
        (("--name", "ab", "DRAFT.py"), 4, "at least 3"),
        (("--project", "a//b", "DRAFT.py"), 4, "empty part"),
        (("--json", "DRAFT.py"), 2, "--dry-run"),
        (("DRAFT", "--lr", "3"), 2, "clone TASK --set"),
        (("--name", "other", "DRAFT"), 2, "clone TASK --set"),
        (("--in-place", "--env", "venv", "DRAFT"), 2, "no --env"),
        (("DONE",), 4, "taskstore clone"),
        (("DRAFT",), 4, "records no script"),
    ],
)
def test_mistakes_are_said_without_a_traceback_and_run_nothing(
    cli: Cli, workshop: Workshop, folder: Path, store: Store, argv: tuple[str, ...], code: int, why: str
) -> None:
    names = {
        "DRAFT": workshop.task(status=Status.CREATED).id,
        "DONE": workshop.task().id,
        "DRAFT.py": str(folder / "train.py"),
    }
    (folder / "train.py").write_text("raise SystemExit(99)")
    result = cli("run", *(names.get(item, item) for item in argv))
    assert result.code == code
    assert why in result.err
    assert "Traceback" not in result.err
    assert len(list(places.walk(store))) == 2


def test_a_task_whose_name_is_too_long_for_a_file_is_run_by_it(cli: Cli, workshop: Workshop) -> None:
    workshop.task("n" * 300, status=Status.CREATED)
    done = cli("run", "examples/" + "n" * 300)
    assert done.code == 4
    assert "records no script" in done.err


_CHOOSY = """
import argparse
from taskstore import Task
parser = argparse.ArgumentParser()
parser.add_argument("--lr", default=0.1)
parser.add_argument("--path", default="x")
parser.parse_args([])
task = Task.init("examples", "choosy", {choice})
print("after")
late = argparse.ArgumentParser()
late.add_argument("--late", default=1)
late.parse_args([])
from taskstore.run import session
captures = session.current()._captures
assert (captures.monitor is None) is {is_unwatched}
"""


def _choosy(folder: Path, choice: str, *, is_unwatched: bool = False) -> None:
    (folder / "train.py").write_text(_CHOOSY.format(choice=choice, is_unwatched=is_unwatched))


def _recorded(store: Store) -> tuple[set[str], list[str]]:
    paths = _only(store)
    found = tasks.read_params(paths).hyperparams.get("Args", {})
    return set(found), [line.text for line in events.read_console(paths)]


@pytest.mark.parametrize(
    ("choice", "is_unwatched", "arguments", "lines"),
    [
        ("auto_resource_monitoring=True", False, {"lr", "path", "late"}, ["after"]),
        ("auto_resource_monitoring=False", True, {"lr", "path", "late"}, ["after"]),
        ("auto_connect_arg_parser=False", False, set(), ["after"]),
        ("auto_connect_arg_parser={'path': False}", False, {"lr", "late"}, ["after"]),
        ("auto_connect_streams=False", False, {"lr", "path", "late"}, []),
        ("auto_connect_streams={'stderr': True}", False, {"lr", "path", "late"}, []),
    ],
)
def test_what_a_script_wants_captured_is_followed_though_the_launcher_began(
    choice: str,
    is_unwatched: bool,
    arguments: set[str],
    lines: list[str],
    folder: Path,
    program: list[str],
    store: Store,
) -> None:
    _choosy(folder, choice, is_unwatched=is_unwatched)
    code, out, err = _start(_under(program, "train.py"), folder)
    assert (code, out) == (0, "after\n"), err
    assert _recorded(store) == (arguments, lines)


def test_what_a_script_wants_captured_is_followed_when_it_is_run_again(
    folder: Path, program: list[str], store: Store, cli: Cli
) -> None:
    _choosy(folder, "auto_resource_monitoring=False, auto_connect_streams=False", is_unwatched=True)
    assert _start([sys.executable, "train.py"], folder)[0] == 0
    clone = cli("clone", _only(store).id).out.strip()
    code, out, err = _start(_under(program, clone), folder)
    assert (code, out) == (0, "after\n"), err
    assert list(events.read_console(places.locate(store, clone))) == []


def test_names_on_the_command_line_come_before_the_scripts(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text("from taskstore import Task; Task.init('theirs', 'their name', tags=['t'])")
    assert _start(_under(program, "--name", "my name", "train.py"), folder)[0] == 0
    paths = _only(store)
    record = tasks.read(paths)
    assert (places.project_of(store, paths.home), record.name, record.tags) == ("theirs", "my name", ["t"])


def test_a_script_that_names_its_project_leaves_no_other_one_behind(
    folder: Path, program: list[str], store: Store
) -> None:
    (folder / "train.py").write_text("from taskstore import Task; Task.init('theirs/deep', 'their name')")
    assert _start(_under(program, "train.py"), folder)[0] == 0
    assert [item.name for item in projects.list_all(store)] == ["theirs", "theirs/deep"]


def test_a_project_on_the_command_line_comes_before_the_scripts(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text("from taskstore import Task; Task.init('theirs', 'their name')")
    assert _start(_under(program, "--project", "my/own", "train.py"), folder)[0] == 0
    paths = _only(store)
    assert (places.project_of(store, paths.home), tasks.read(paths).name) == ("my/own", "their name")


def test_what_is_not_followed_is_said(folder: Path, program: list[str], store: Store) -> None:
    (folder / "train.py").write_text(
        "from taskstore import Task; Task.init('examples', 'a run', continue_last_task=True)"
    )
    _, _, err = _start(_under(program, "train.py"), folder)
    assert "its continue_last_task is not followed; run it with plain python" in err
    (folder / "train.py").write_text("from clearml import Task; Task.init('examples', 'a run')")  # reuse is its default
    _, _, err = _start(_under(program, "--as-clearml", "--name", "another", "train.py"), folder)
    assert "not followed" not in err


@pytest.mark.parametrize(("said", "is_elsewhere"), [("False", False), ("None", True)])
def test_files_go_where_the_script_says(
    said: str, is_elsewhere: bool, folder: Path, program: list[str], store: Store
) -> None:
    (store.root / "config.yaml").write_text(f"output:\n  uri: {folder}\n")
    (folder / "train.py").write_text(f"from taskstore import Task; Task.init('examples', 'a run', output_uri={said})")
    assert _start(_under(program, "train.py"), folder)[0] == 0
    assert tasks.read(_only(store)).output_destination == (str(folder) if is_elsewhere else "")


def test_an_environment_asked_for_a_script_is_refused_and_not_left_out(cli: Cli, folder: Path, store: Store) -> None:
    script = folder / "train.py"
    script.write_text("print('trained')")
    done = cli("run", "--env", "venv", str(script))
    assert (done.code, done.out) == (2, "")
    assert "--env is for a recorded TASK" in " ".join(done.err.split())
    assert list(places.walk(store)) == []
