"""A program ends as it would without taskstore, and its task says how.

Each program here runs twice: as it is, and with `Task.init` on the line that says TASK.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks

from .programs import Ended, filled, only_task, run, write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and exit codes of POSIX")


@dataclass(frozen=True)
class Case:
    """A program, and what its task is to say."""

    text: str
    status: str
    reason: str
    message: str = ""


_NO_BYTES = "TypeError: a bytes-like object is required, not 'str'"
_NO_PATH = "TypeError: execv: path should be string, bytes or os.PathLike, not NoneType"
CASES = {
    "normal": Case("TASK\nprint('done')\n", "completed", "completed"),
    "last line raises nothing": Case("TASK\nif True:\n    pass\n", "completed", "completed"),
    "sys.exit()": Case("import sys\nTASK\nsys.exit()\n", "completed", "completed"),
    "sys.exit(0)": Case("import sys\nTASK\nsys.exit(0)\n", "completed", "completed"),
    "sys.exit(False)": Case("import sys\nTASK\nsys.exit(False)\n", "completed", "completed"),
    "sys.exit(3)": Case("import sys\nTASK\nsys.exit(3)\n", "failed", "exit code 3"),
    "sys.exit(True)": Case("import sys\nTASK\nsys.exit(True)\n", "failed", "exit code 1"),
    "sys.exit(-1)": Case("import sys\nTASK\nsys.exit(-1)\n", "failed", "exit code 255"),
    "sys.exit(256)": Case("import sys\nTASK\nsys.exit(256)\n", "completed", "completed"),
    "sys.exit(0.0)": Case("import sys\nTASK\nsys.exit(0.0)\n", "failed", "exit code 1", "0.0"),
    "sys.exit(text)": Case("import sys\nTASK\nsys.exit('no data')\n", "failed", "exit code 1", "no data"),
    "raise SystemExit": Case("TASK\nraise SystemExit\n", "completed", "completed"),
    "raise SystemExit(0)": Case("TASK\nraise SystemExit(0)\n", "completed", "completed"),
    "raise SystemExit(4)": Case("TASK\nraise SystemExit(4)\n", "failed", "exit code 4"),
    "exit()": Case("TASK\nexit()\n", "completed", "completed"),
    "exit(5)": Case("TASK\nexit(5)\n", "failed", "exit code 5"),
    "quit('text')": Case("TASK\nquit('enough')\n", "failed", "exit code 1", "enough"),
    "argparse error": Case(
        "import argparse\nTASK\nargparse.ArgumentParser(prog='p').parse_args(['--no-such'])\n", "failed", "exit code 2"
    ),
    "os._exit(0)": Case("import os\nTASK\nos._exit(0)\n", "completed", "completed"),
    "os._exit(6)": Case("import os\nTASK\nos._exit(6)\n", "failed", "exit code 6"),
    "caught SystemExit": Case(
        "import sys\nTASK\ntry:\n    sys.exit(3)\nexcept SystemExit:\n    pass\nprint('goes on')\n",
        "completed",
        "completed",
    ),
    "SystemExit of a thread": Case(
        "import sys, threading\nTASK\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start()\nt.join()\n",
        "completed",
        "completed",
    ),
    "exception": Case(
        "TASK\ndef deep(n):\n    return deep(n - 1) if n else 1 / 0\ndeep(3)\n",
        "failed",
        "ZeroDivisionError: division by zero",
        "in deep\n",
    ),
    "exception of several lines": Case("TASK\nraise ValueError('one\\ntwo')\n", "failed", "ValueError: one", "\ntwo\n"),
    "exception with a cause": Case(
        "TASK\ntry:\n    {}['k']\nexcept KeyError as e:\n    raise RuntimeError('outer') from e\n",
        "failed",
        "RuntimeError: outer",
        "direct cause",
    ),
    "exception that cannot be shown": Case(
        "TASK\nclass Bad(Exception):\n    def __str__(self):\n        raise ValueError('no')\nraise Bad\n",
        "failed",
        "Bad: <exception str() failed>" if sys.version_info >= (3, 11) else "Bad: <unprintable Bad object>",
    ),
    "exception of no UTF-8": Case("TASK\nraise OSError('caf\\udce9')\n", "failed", "OSError: caf\\udce9"),
    "SyntaxError": Case("TASK\ncompile('a b', 'x.py', 'exec')\n", "failed", "SyntaxError: invalid syntax", "a b"),
    "endless recursion": Case(
        "TASK\ndef f():\n    f()\nf()\n", "failed", "RecursionError: maximum recursion depth exceeded"
    ),
    "exception in a thread": Case(
        "import threading\nTASK\nt = threading.Thread(target=lambda: 1 / 0, name='w')\nt.start()\nt.join()\n",
        "completed",
        "completed",
    ),
    "exception in atexit": Case(
        "import atexit\nTASK\ndef last():\n    1 / 0\natexit.register(last)\n", "completed", "completed"
    ),
    "exception in an earlier atexit": Case(
        "import atexit\ndef last():\n    1 / 0\natexit.register(last)\nTASK\n", "completed", "completed"
    ),
    "the program's own excepthook": Case(
        "import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__, file=sys.stderr)\nTASK\n1 / 0\n",
        "failed",
        "ZeroDivisionError: division by zero",
    ),
    "an excepthook set later": Case(
        "import sys\nTASK\nsys.excepthook = lambda *a: print('mine', a[0].__name__, file=sys.stderr)\n1 / 0\n",
        "failed",
        "ZeroDivisionError: division by zero",
        "Traceback",
    ),
    "an excepthook set later, after an exit that was caught": Case(
        "import sys\nTASK\nsys.excepthook = lambda *a: None\n"
        "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass\n{}[1]\n",
        "failed",
        "KeyError: 1",
        "Traceback",
    ),
    "an excepthook set later that exits": Case(
        "import sys\nTASK\nsys.excepthook = lambda *a: sys.exit(7)\n1 / 0\n", "failed", "exit code 7"
    ),
    "an excepthook of rich's": Case(
        "import io, rich.console, rich.traceback\nTASK\n"
        "rich.traceback.install(console=rich.console.Console(file=io.StringIO()))\n"
        "def main():\n    raise ValueError('bad data')\nmain()\n",
        "failed",
        "ValueError: bad data",
        "Traceback",
    ),
    "an exception that a prompt within the program has shown": Case(
        "import code, sys\nTASK\nsys.excepthook = lambda *a: None\ncode.InteractiveInterpreter().runsource('1 / 0')\n",
        "completed",
        "completed",
    ),
    "the same, before an exit": Case(
        "import code, sys\nTASK\nsys.excepthook = lambda *a: None\n"
        "code.InteractiveInterpreter().runsource('1 / 0')\nraise SystemExit(3)\n",
        "failed",
        "exit code 3",
    ),
    "exception of an argparse type": Case(
        "import argparse\nTASK\ndef load(text):\n    raise RuntimeError('no ' + text)\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--data', type=load)\n"
        "def main():\n    return parser.parse_args(['--data', 'x'])\nmain()\n",
        "failed",
        "RuntimeError: no x",
    ),
    "exception of parse_args itself": Case(
        "import argparse, sys\nTASK\nsys.argv = None\nargparse.ArgumentParser(prog='p').parse_args()\n",
        "failed",
        "TypeError: 'NoneType' object is not subscriptable",
    ),
    "exception of an argparse type, shown by the program": Case(
        "import argparse, sys, traceback\nTASK\nsys.argv = ['p', 'x']\n"
        "parser = argparse.ArgumentParser(exit_on_error=False)\nparser.add_argument('data', type={}.__getitem__)\n"
        "try:\n    parser.parse_args()\nexcept KeyError:\n    traceback.print_exc()\n"
        "try:\n    parser.parse_known_args()\nexcept KeyError as error:\n    raise ValueError from error\n",
        "failed",
        "ValueError",
    ),
    "print of what the stream cannot spell": Case(
        "import traceback\nTASK\ndef show():\n    print('caf\\ud800')\n"
        "try:\n    show()\nexcept ValueError:\n    traceback.print_exc()\nshow()\n",
        "failed",
        "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 3: surrogates not allowed",
    ),
    "print of bytes": Case("import sys\nTASK\nsys.stdout.buffer.write('text')\n", "failed", _NO_BYTES),
    "print to a broken pipe": Case(
        "import os, sys\nTASK\nreading, writing = os.pipe()\nos.close(reading)\nos.dup2(writing, 1)\n"
        "print('x' * 100_000)\n",
        "failed",
        "BrokenPipeError: [Errno 32] Broken pipe",
    ),
    "flush to a broken pipe": Case(
        "import os, sys\nTASK\nreading, writing = os.pipe()\nos.close(reading)\nos.dup2(writing, 1)\n"
        "print('x')\nsys.stdout.flush()\n",
        "failed",
        "BrokenPipeError: [Errno 32] Broken pipe",
    ),
    "sys.exit, shown by the program": Case(
        "import sys, traceback\nTASK\nfor leave in sys.exit, quit:\n"
        "    try:\n        leave(3)\n    except SystemExit:\n        traceback.print_exc()\n",
        "completed",
        "completed",
    ),
    "os.execv": Case(
        "import os\nTASK\nprint('here', flush=True)\nos.execv('/bin/echo', ['echo', 'there'])\n",
        "stopped",
        "replaced itself by /bin/echo",
    ),
    "os.execlpe": Case(
        "import os\nTASK\nos.execlpe('echo', 'echo', 'there', {'PATH': '/nowhere:/bin'})\n",
        "stopped",
        "replaced itself by /bin/echo",
    ),
    "os.execvp of nothing": Case(
        "import os\nTASK\ntry:\n    os.execvp('no-such-program', ['x'])\nexcept OSError:\n    print('goes on')\n"
        "os.execv('/no/such', ['x'])\n",
        "failed",
        "FileNotFoundError: [Errno 2] No such file or directory",
    ),
    "os.execv of what is no program": Case("import os\nTASK\nos.execv(None, ['x'])\n", "failed", _NO_PATH),
    "os.execv in a child": Case(
        "import os\nTASK\nchild = os.fork()\nif not child:\n    os.execv('/bin/true', ['true'])\n"
        "print(os.waitpid(child, 0)[1])\n",
        "completed",
        "completed",
    ),
    "KeyboardInterrupt": Case("TASK\nraise KeyboardInterrupt\n", "stopped", "interrupted (SIGINT)"),
    "SIGINT": Case(
        "import os, signal, time\nTASK\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(20)\n",
        "stopped",
        "interrupted (SIGINT)",
    ),
    "SIGINT ignored": Case(
        "import os, signal\nTASK\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nos.kill(os.getpid(), signal.SIGINT)\n",
        "completed",
        "completed",
    ),
    "SIGTERM": Case(
        "import os, signal, time\nTASK\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(20)\n",
        "stopped",
        "terminated (SIGTERM)",
    ),
    "SIGTERM twice": Case(
        "import os, signal, time\nTASK\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "import subprocess, sys\n"
        "send = 'import os, signal, sys; [os.kill(int(sys.argv[1]), signal.SIGTERM) for _ in range(3)]'\n"
        "sender = subprocess.Popen([sys.executable, '-S', '-c', send, str(os.getpid())])\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])\n"
        "sender.wait()\ntime.sleep(20)\n",
        "stopped",
        "terminated (SIGTERM)",
    ),
    "SIGHUP": Case(
        "import os, signal, time\nTASK\nos.kill(os.getpid(), signal.SIGHUP)\ntime.sleep(20)\n",
        "stopped",
        "terminated (SIGHUP)",
    ),
    "SIGHUP ignored, as by nohup": Case(
        "import os, signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nTASK\nos.kill(os.getpid(), signal.SIGHUP)\n",
        "completed",
        "completed",
    ),
    "own SIGTERM handler from before": Case(
        "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda n, f: sys.exit(9))\nTASK\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n",
        "failed",
        "exit code 9",
    ),
    "own SIGTERM handler from later": Case(
        "import os, signal\nTASK\nsignal.signal(signal.SIGTERM, lambda n, f: print('saved'))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nprint('goes on')\n",
        "completed",
        "completed",
    ),
    "own SIGTERM handler that calls the one before": Case(
        "import os, signal\nTASK\n"
        "def handle(n, f):\n    print('saved')\n    if callable(before):\n        before(n, f)\n"
        "before = signal.signal(signal.SIGTERM, handle)\nprint(before, signal.getsignal(signal.SIGTERM) is handle)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nprint('goes on')\n",
        "completed",
        "completed",
    ),
    "a handler is put and taken back": Case(
        "import os, signal, time\nTASK\nprint(signal.getsignal(signal.SIGTERM))\n"
        "before = signal.signal(signal.SIGTERM, print)\nsignal.signal(signal.SIGTERM, before)\n"
        "print(signal.getsignal(signal.SIGTERM), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(20)\n",
        "stopped",
        "terminated (SIGTERM)",
    ),
    "closed, then exit code": Case(
        "import sys\nTASK\n'task' in vars() and task.close()\nsys.exit(3)\n", "completed", "completed"
    ),
    "closed, then an exception": Case("TASK\n'task' in vars() and task.close()\n1 / 0\n", "completed", "completed"),
    "closed, then SIGTERM": Case(
        "import os, signal, time\nTASK\n'task' in vars() and task.close()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(20)\n",
        "completed",
        "completed",
    ),
    "closed twice": Case("TASK\n'task' in vars() and (task.close(), task.close())\n", "completed", "completed"),
    "two inits": Case("TASK\nTASK\nraise SystemExit(0)\n", "completed", "completed"),
    "init in a function": Case(
        "import sys\ndef main():\n    TASK\n    return 3\nsys.exit(main())\n", "failed", "exit code 3"
    ),
    "a warning": Case("import warnings\nTASK\nwarnings.warn('careful', stacklevel=1)\n", "completed", "completed"),
    "killed": Case("import os\nTASK\nos.kill(os.getpid(), 9)\n", "failed", "killed"),
    "aborted": Case("import os\nTASK\nos.abort()\n", "failed", "killed"),
}


def _both(folder: Path, text: str, **options: object) -> tuple[Ended, Ended]:
    """Run a program without a task and with one, in folders of the same name."""
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(run, folder / "plain" / "work", text, with_task=False, **options)
        tracked = pool.submit(run, folder / "tracked" / "work", text, **options)
        return plain.result(), tracked.result()


def _assert_same(plain: Ended, tracked: Ended) -> None:
    assert tracked.code == plain.code
    assert tracked.stdout == plain.stdout
    changing = re.compile(r"0x[0-9a-f]+|repeated \d+ more times")
    said = tracked.own_stderr.replace("/tracked/", "/plain/")
    assert changing.sub("*", said) == changing.sub("*", plain.stderr)
    assert tracked.told == []


@pytest.mark.parametrize("name", CASES)
def test_a_program_ends_as_without_us_and_its_task_says_how(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    plain, tracked = _both(tmp_path, case.text)
    _assert_same(plain, tracked)
    record = only_task(tracked).record
    assert (record.status.value, record.status_reason) == (case.status, case.reason)
    assert case.message in record.status_message


@pytest.mark.parametrize("how", ["-c", "-m", "stdin", "-m file", "-W error -X dev"])
def test_however_python_is_told_what_to_run_it_ends_the_same(how: str, tmp_path: Path) -> None:
    text = "import sys\nTASK\nprint(sys.argv)\nraise SystemExit(4)\n"

    def ended(name: str, *, with_task: bool) -> Ended:
        folder, program = tmp_path / name / "work", filled(text, with_task=with_task)
        write(folder / "package", program, "__main__.py")
        write(folder, program, "single.py")
        words = {
            "-c": ["-c", program, "one"],
            "-m": ["-m", "package", "one"],
            "stdin": ["-", "one"],
            "-m file": ["-m", "single", "one"],
            "-W error -X dev": ["-W", "error", "-X", "dev", "single.py"],
        }
        return run(folder, words[how], stdin=program if how == "stdin" else None)

    plain, tracked = ended("plain", with_task=False), ended("tracked", with_task=True)
    tracked_stdout = tracked.stdout.replace("/tracked/", "/plain/")
    assert (tracked.code, tracked_stdout, tracked.own_stderr) == (plain.code, plain.stdout, plain.stderr)
    found = only_task(tracked)
    assert (found.record.status.value, found.record.status_reason) == ("failed", "exit code 4")
    script = tasks.read_script(TaskPaths(found.home))
    kinds = {"-c": "command", "-m": "module", "stdin": "interactive", "-m file": "module", "-W error -X dev": "script"}
    assert script.kind == kinds[how]


def test_a_signal_in_the_midst_of_a_change_of_the_task_neither_hangs_nor_loses_the_state(tmp_path: Path) -> None:
    text = """
        import itertools
        TASK
        live = task.connect({"n": 0})
        print("ready", flush=True)
        for number in itertools.count():
            live["n"] = number  # nearly all of the time within the edit lock
    """
    with ThreadPoolExecutor(3) as pool:
        ended = list(
            pool.map(
                lambda n: run(tmp_path / str(n) / "work", text, meanwhile=lambda process: process.terminate()), range(3)
            )
        )
    for one in ended:
        assert (one.code, one.own_stderr, one.told) == (-signal.SIGTERM, "", [])
        assert only_task(one).record.status_reason == "terminated (SIGTERM)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "what", ["time.sleep(60)", "sum(range(10**12))", "ctypes.CDLL(None).sleep(60)", "asyncio.run(asyncio.sleep(60))"]
)
def test_a_run_dies_at_once_of_a_signal_wherever_it_is_and_loses_nothing(
    what: str, number: signal.Signals, tmp_path: Path
) -> None:
    text = f"""
        import asyncio, ctypes, sys, time
        TASK
        task.get_logger().report_scalar("loss", "train", 0.5, 1)
        sys.stderr.write("said before\\n")
        def stand_here():
            print("ready", flush=True)
            {what}
        stand_here()
    """
    began = time.monotonic()
    ended = run(tmp_path / "work", text, meanwhile=lambda process: process.send_signal(number))
    assert time.monotonic() - began < 30
    assert (ended.code, ended.own_stderr, ended.told) == (-number, "said before\n", [])
    found = only_task(ended)
    assert (found.record.status.value, found.record.status_reason) == ("stopped", f"terminated ({number.name})")
    assert "in stand_here" in found.record.status_message
    assert found.points == {("loss", "train"): [0.5]}
    # What the last print shows is in the log when it returns, which the signal may have come before.
    assert found.console[:1] == ["said before"]
