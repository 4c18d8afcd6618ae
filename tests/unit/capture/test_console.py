# ruff: noqa: S301, T201 - what is printed is the subject here, and what is unpickled has been pickled here
import contextlib
import fcntl
import io
import logging
import os
import pickle
import pty
import struct
import subprocess
import sys
import termios
import textwrap
import threading
from pathlib import Path

import pytest

from taskstore.capture.console import capture
from taskstore.core.clock import FixedClock


class Recorder:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.entries = []
        self.notes = []

    def console(self, stream, text, *, is_whole):
        self.entries.append((stream, text, is_whole))

    def parameters(self, section, found):
        return {}

    def note(self, capture, message):
        self.notes.append((capture, message))

    def lines(self, stream="stdout"):
        return joined((text, is_whole) for name, text, is_whole in self.entries if name == stream)


def joined(entries):
    out, part = [], ""
    for text, is_whole in entries:
        part += text
        if is_whole:
            out.append(part)
            part = ""
    return [*out, part] if part else out


@contextlib.contextmanager
def streams(stdout, stderr=None):
    """Have other standard streams within the block; pytest's own come back."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = stdout, stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def text_stream(**options):
    return io.TextIOWrapper(io.BufferedWriter(io.BytesIO()), encoding="utf-8", **options)


def shown(stream):
    stream.flush()
    return stream.buffer.raw.getvalue()


class Kept(io.StringIO):
    """A stream that can be pickled, as a program's own may be."""


def test_a_captured_stream_pickles_and_writes_for_itself_then():
    recorder, stream = Recorder(), Kept()
    with streams(stream), capture(recorder, streams=["stdout"]):
        print("one")
        again = pickle.loads(pickle.dumps(stream))
        again.write("two\n")
        print("three")
    assert stream.getvalue() == "one\nthree\n"
    assert again.getvalue() == "one\ntwo\n"
    assert recorder.lines() == ["one", "three"]


# a program of its own: LOG is a sink that writes the log's line format, at once, into the file named by argv

PROGRAM = """
import contextlib, fcntl, os, sys
from taskstore.capture.console import capture

class Log:
    def __init__(self, path):
        self.path, self.descriptor, self.pid = path, None, None
    def console(self, stream, text, *, is_whole):
        if self.pid != os.getpid():
            self.pid = os.getpid()
            log = os.open(f"{self.path}.{self.pid}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
            self.descriptor = fcntl.fcntl(log, fcntl.F_DUPFD, 10)  # the program may have closed its own
            os.close(log)
        os.write(self.descriptor, f"{stream} {'FP'[not is_whole]} {text}\\n".encode())
    def note(self, capture, message):
        self.console("stderr", f"{capture}: {message}", is_whole=True)

block = capture(Log(sys.argv[1])) if len(sys.argv) > 1 else contextlib.nullcontext()
"""


def program(body):
    return PROGRAM + textwrap.dedent(body)


def run(body, *arguments, options=(), **keywords):
    command = [sys.executable, *options, "-c", program(body), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, **keywords)


def logged(path, stream="stdout"):
    """Return the lines of every process's log, oldest process first."""
    logs = sorted(path.parent.glob(path.name + ".*"), key=lambda log: int(log.suffix[1:]))
    fields = [[line.split(" ", 2) for line in log.read_text(encoding="utf-8").split("\n")[:-1]] for log in logs]
    return [joined((text, kind == "F") for name, kind, text in log if name == stream) for log in fields]


def terminal_bytes(body, *arguments):
    """Run a program on a pseudo-terminal; return all that it showed."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    child = subprocess.Popen(
        [sys.executable, "-c", program(body), *map(str, arguments)],
        stdin=follower, stdout=follower, stderr=follower, env=environment,
    )  # fmt: skip
    os.close(follower)
    out = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal is an error on Linux
        while chunk := os.read(leader, 65536):
            out += chunk
    os.close(leader)
    assert child.wait(timeout=60) == 0, out.decode(errors="replace")
    return out


# hooks


def test_the_stream_stays_the_object_it_was_and_is_as_before_afterwards():
    out, sink = text_stream(), Recorder()
    with streams(out):
        before = dict(vars(out)), dict(vars(out.buffer))
        with capture(sink):
            assert sys.stdout is out
            assert sys.stdout.write("four\n") == 5
            assert (out.encoding, out.isatty()) == ("utf-8", False)
        assert (vars(out), vars(out.buffer)) == before
        print("after")
    assert sink.lines() == ["four"]
    assert shown(out) == b"four\nafter\n"


def test_a_handler_made_before_is_seen():
    out, sink = text_stream(), Recorder()
    handler = logging.StreamHandler(out)
    with streams(None, out), capture(sink):
        handler.emit(logging.LogRecord("a", 30, "f", 1, "a warning", (), None))
        print("from print", file=sys.stderr)
    assert sink.lines("stderr") == ["a warning", "from print"]
    assert sink.entries[0] == ("stderr", "a warning", True)


def test_a_stream_that_is_none_is_skipped():
    sink = Recorder()
    with streams(None), capture(sink):
        print("nowhere")
    assert (sink.entries, sink.notes) == ([], [])


def test_a_stream_that_cannot_be_hooked_is_noted_and_works():
    class Slotted:
        __slots__ = ("got",)

        def __init__(self):
            self.got = []

        def write(self, text):
            self.got.append(text)

        def flush(self):
            pass

    out, sink = Slotted(), Recorder()
    with streams(out), capture(sink):
        print("still printed")
    assert "".join(out.got) == "still printed\n"
    assert sink.notes[0][0] == "console"


def test_one_stream_under_both_names_is_reported_once():
    out, sink = text_stream(), Recorder()
    with streams(out, out), capture(sink):
        print("once", file=sys.stderr)
    assert [text for _, text, _ in sink.entries] == ["once"]


def test_only_the_streams_asked_for_are_captured():
    sink = Recorder()
    with streams(text_stream(), text_stream()), capture(sink, streams=["stderr"]):
        print("out")
        print("err", file=sys.stderr)
    assert [text for _, text, _ in sink.entries] == ["err"]


def test_a_stream_put_in_place_meanwhile_is_left_there():
    out, theirs, sink = text_stream(), io.StringIO(), Recorder()
    with streams(out):
        with capture(sink):
            sys.stdout = theirs
        assert sys.stdout is theirs
        assert "write" not in vars(out)


def test_a_patch_on_top_of_ours_is_left_alone_and_we_fall_silent():
    out, sink, seen = text_stream(), Recorder(), []
    with streams(out):
        with capture(sink):
            ours = out.write
            out.write = theirs = lambda text: (seen.append(text), ours(text))[1]
        assert out.write is theirs
        print("after")
    assert seen == ["after", "\n"]
    assert sink.entries == []
    assert shown(out) == b"after\n"


def test_redirected_text_is_not_seen_and_a_capture_within_a_redirection_is():
    sink, inner, aside = Recorder(), Recorder(), io.StringIO()
    with streams(text_stream()), capture(sink):
        with contextlib.redirect_stdout(aside):
            print("aside")
            with capture(inner):
                print("aside, captured")
        print("here")
    assert sink.lines() == ["here"]
    assert inner.lines() == ["aside, captured"]
    assert aside.getvalue() == "aside\naside, captured\n"


def test_a_tee_and_a_new_wrapper_around_the_buffer_are_seen_through():
    class Tee:
        def __init__(self, below):
            self.below = below

        def write(self, text):
            return self.below.write(text)

    out, sink = text_stream(), Recorder()
    with streams(out), capture(sink):
        sys.stdout = Tee(out)
        print("through a tee")
        sys.stdout = wrapper = io.TextIOWrapper(out.buffer, encoding="utf-8", line_buffering=True)
        print("through a wrapper")
        wrapper.detach()
    assert sink.lines() == ["through a tee", "through a wrapper"]


def test_captures_nest():
    outer, inner = Recorder(), Recorder()
    with streams(text_stream()), capture(outer):
        with capture(inner):
            print("both")
        print("outer only")
    assert (outer.lines(), inner.lines()) == (["both", "outer only"], ["both"])


def test_capsys_still_sees_what_is_captured(capsys):
    sink = Recorder()
    with capture(sink):
        print("to pytest")
    assert capsys.readouterr().out == "to pytest\n"
    assert sink.lines() == ["to pytest"]


def test_the_streams_own_errors_come_through():
    out, sink = text_stream(), Recorder()
    with streams(out), capture(sink):
        with pytest.raises(TypeError):
            out.write(b"bytes")
        with pytest.raises(TypeError):
            out.write()
        out.close()
        with pytest.raises(ValueError, match="closed"):
            out.write("late")
    assert sink.entries == []


# what is captured


def test_bytes_and_text_are_each_seen_once_and_in_order():
    out, sink = text_stream(), Recorder()
    with streams(out), capture(sink):
        print("text")
        out.flush()
        out.buffer.write("bytes é".encode()[:-1])
        out.buffer.write("é\n".encode()[1:])
        out.buffer.write(b"bad \xff\n")
        out.writelines(["a\n", "b\n"])
        out.write("unflushed ")
        out.reconfigure(line_buffering=True)
        print("end")
        out.seek(0, 2)
    assert sink.lines() == ["text", "bytes é", "bad \\xff", "a", "b", "unflushed end"]


def test_a_print_is_one_entry_and_a_write_is_durable_as_it_is():
    out, sink = text_stream(), Recorder()
    with streams(out), capture(sink):
        print("a", "b", 3)
        print("no end", end="")
        assert sink.entries[-1] == ("stdout", "no end", False)
        print()
        for text in ("print", "\n"):
            sys.stdout.write(text)
        print("in a line with"), sys.stdout.write("part")  # fmt: skip
        assert sink.entries[-1] == ("stdout", "part", False)
    kept = [("a b 3", True), ("no end", False), ("", True), ("print", False), ("", True)]
    assert [(text, is_whole) for _, text, is_whole in sink.entries][:5] == kept


def test_what_is_pending_is_persisted_on_leaving():
    sink, clock = Recorder(), FixedClock()
    with streams(text_stream()), capture(sink, clock=clock):
        sys.stdout.write("\r10%")
        sys.stdout.write("\r90%")
    assert sink.lines() == ["10%", "90%"]


# threads, recursion, failure


def test_threads_lose_nothing_and_share_no_line():
    sink = Recorder()
    with streams(text_stream()), capture(sink):
        switch = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            work = [threading.Thread(target=lambda n=n: [print(f"{n}" * 20, i) for i in range(300)]) for n in range(4)]
            for thread in work:
                thread.start()
            for thread in work:
                thread.join()
        finally:
            sys.setswitchinterval(switch)
    assert sorted(sink.lines()) == sorted(f"{n}" * 20 + f" {i}" for n in range(4) for i in range(300))


def test_a_sink_that_prints_does_not_recurse():
    class Chatty(Recorder):
        def console(self, stream, text, *, is_whole):
            super().console(stream, text, is_whole=is_whole)
            print("the sink says", text)

    out, sink = text_stream(), Chatty()
    with streams(out), capture(sink):
        print("hello")
    assert sink.lines() == ["hello", "the sink says hello"]
    assert b"the sink says the sink says hello" in shown(out)


def test_a_sink_that_waits_for_what_a_printing_thread_holds_does_not_deadlock():
    theirs, held, printed = threading.Lock(), threading.Event(), threading.Event()

    class Waiting(Recorder):
        def console(self, stream, text, *, is_whole):
            super().console(stream, text, is_whole=is_whole)
            if text == "first":
                held.set()
                with theirs:
                    pass

    sink = Waiting()
    with streams(text_stream()), capture(sink):

        def hold_and_print():
            with theirs:
                thread.start()
                held.wait(10)
                print("second")
                printed.set()

        thread = threading.Thread(target=lambda: sys.stdout.write("first\n"))
        hold_and_print()
        thread.join(10)
        assert not thread.is_alive()
    assert sink.lines() == ["first", "second"]


def test_a_failing_sink_never_breaks_a_print():
    class Failing(Recorder):
        def console(self, stream, text, *, is_whole):
            raise OSError("disk full")

    out = text_stream()
    with streams(out), capture(Failing()):
        print("goes on")
    assert shown(out) == b"goes on\n"


# programs of their own


def test_what_was_printed_survives_sigkill(tmp_path):
    body = """
    import signal
    block.__enter__()
    print("whole")
    sys.stdout.write("part")
    sys.stderr.write("\\r 1%")
    os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(body, tmp_path / "log").returncode == -9
    assert logged(tmp_path / "log") == [["whole", "part"]]
    assert logged(tmp_path / "log", "stderr") == [[" 1%"]]


@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_the_real_streams_of_a_process_show_the_same_and_are_captured(tmp_path, options):
    body = """
    import faulthandler, logging
    with block:
        faulthandler.enable()
        print("out", flush=True)
        sys.stdout.buffer.write(b"bytes\\n")
        sys.stdout.buffer.flush()
        logging.warning("a warning")
        print("lone \\udc80 surrogate", file=sys.stderr)
    """
    bare, captured = run(body, options=options), run(body, tmp_path / "log", options=options)
    assert (bare.stdout, bare.stderr, bare.returncode) == (captured.stdout, captured.stderr, captured.returncode)
    assert logged(tmp_path / "log") == [["out", "bytes"]]
    assert logged(tmp_path / "log", "stderr") == [["WARNING:root:a warning", "lone \\udc80 surrogate"]]


def test_a_broken_pipe_is_the_programs_own(tmp_path):
    body = """
    with block:
        try:
            os.close(1)
            print("into nothing", flush=True)
        except OSError as error:
            print(type(error).__name__, error.errno, file=sys.stderr)
    os._exit(0)
    """
    bare, captured = run(body), run(body, tmp_path / "log")
    assert bare.stderr == captured.stderr
    assert b"OSError 9" in bare.stderr


def test_printing_works_to_the_very_end_of_the_interpreter(tmp_path):
    body = """
    import atexit, builtins
    class Late:
        def __del__(self):
            print("at the very end")
    builtins.late = Late()
    atexit.register(print, "at exit")
    block.__enter__()
    print("running")
    """
    bare, captured = run(body), run(body, tmp_path / "log")
    assert (bare.stdout, bare.stderr) == (captured.stdout, captured.stderr)
    assert logged(tmp_path / "log")[0][:2] == ["running", "at exit"]


def test_a_capture_closed_in_an_exit_handler_persists_what_is_pending(tmp_path):
    body = """
    import atexit
    atexit.register(block.__exit__, None, None, None)
    block.__enter__()
    atexit.register(print, "in a handler")
    sys.stdout.write("\\r10%")
    sys.stdout.write("\\r20%")
    """
    assert run(body, tmp_path / "log").stderr == b""
    assert logged(tmp_path / "log") == [["10%", "20%in a handler"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_goes_on_and_repeats_nothing_of_its_parent(tmp_path):
    body = """
    with block:
        sys.stdout.write("parent's part")
        sys.stderr.write("\\rparent's bar 1")
        sys.stderr.write("\\rparent's bar 2")
        sys.stdout.flush()
        if child := os.fork():
            os.waitpid(child, 0)
            print(" goes on")
        else:
            print("child")
    """
    assert run(body, tmp_path / "log").returncode == 0
    assert logged(tmp_path / "log") == [["parent's part goes on"], ["child"]]
    assert logged(tmp_path / "log", "stderr") == [["parent's bar 1", "parent's bar 2"], []]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_persists_does_not_lock_the_child(tmp_path):
    body = """
    import threading, warnings
    warnings.simplefilter("ignore")
    inside, go_on = threading.Event(), threading.Event()
    class Slow(Log):
        def console(self, stream, text, *, is_whole):
            if text == "slow":
                inside.set()
                go_on.wait(20)
            super().console(stream, text, is_whole=is_whole)
    with capture(Slow(sys.argv[1])):
        thread = threading.Thread(target=lambda: sys.stdout.write("slow\\n"))
        thread.start()
        inside.wait(20)
        if child := os.fork():
            os.waitpid(child, 0)
            go_on.set()
            thread.join()
        else:
            print("child")
            os._exit(0)
    """
    assert run(body, tmp_path / "log").returncode == 0
    assert sorted(logged(tmp_path / "log")) == [["child"], ["slow"]]


def test_a_signal_handler_that_prints_amid_our_work_is_heard_and_does_not_deadlock(tmp_path):
    body = """
    import signal
    class Interrupted(Log):
        def console(self, stream, text, *, is_whole):
            if text == "first":
                signal.raise_signal(signal.SIGTERM)
            super().console(stream, text, is_whole=is_whole)
    signal.signal(signal.SIGTERM, lambda *_: print("handler"))
    with capture(Interrupted(sys.argv[1])):
        print("first")
        print("second")
    """
    done = run(body, tmp_path / "log")
    assert done.stdout.split() == [b"first", b"handler", b"second"]
    assert logged(tmp_path / "log") == [["first", "handler", "second"]]


TQDM = """
from tqdm import tqdm
class Frozen(tqdm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, mininterval=0, miniters=1, bar_format="{desc}: {n_fmt}/{total_fmt} |{bar}|", **kwargs)
with block:
    for epoch in Frozen(range(3), desc="outer", file=sys.stdout):
        for step in Frozen(range(50), desc="inner", position=1, leave=False, file=sys.stdout):
            pass
        tqdm.write(f"epoch {epoch} done")
    print("after the bars")
    for step in Frozen(range(500), desc="single"):
        pass
"""

RICH = """
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")]
with block:
    with Progress(*columns, console=Console(force_terminal=True), auto_refresh=False) as progress:
        alpha, beta = progress.add_task("alpha", total=200), progress.add_task("beta", total=400)
        for step in range(200):
            progress.advance(alpha)
            progress.advance(beta, 2)
            progress.refresh()
            if step % 50 == 0:
                progress.print("note", step)
                print("plain note", step)
    print("end")
"""


def test_the_terminal_of_a_real_tqdm_shows_the_same_bytes_and_the_log_the_last_states(tmp_path):
    assert terminal_bytes(TQDM) == terminal_bytes(TQDM, tmp_path / "log")
    (out,), (err,) = logged(tmp_path / "log"), logged(tmp_path / "log", "stderr")
    assert [line for line in out if "epoch" in line] == ["epoch 0 done", "epoch 1 done", "epoch 2 done"]
    assert out[-2].startswith("outer: 3/3 |")
    assert out[-1] == "after the bars"
    assert err[-1].startswith("single: 500/500 |")
    assert len(out) + len(err) < 25


def test_the_terminal_of_a_real_rich_shows_the_same_bytes_and_the_log_the_last_states(tmp_path):
    assert terminal_bytes(RICH) == terminal_bytes(RICH, tmp_path / "log")
    (out,) = logged(tmp_path / "log")
    bare = [line.replace("\x1b[1;36m", "").replace("\x1b[0m", "") for line in out]
    assert [line for line in bare if line.startswith("note")] == [f"note {n}" for n in (0, 50, 100, 150)]
    assert [line for line in bare if line.startswith("plain")] == [f"plain note {n}" for n in (0, 50, 100, 150)]
    assert "alpha" in bare[-3]
    assert "200/200" in bare[-3]
    assert "400/400" in bare[-2]
    assert bare[-1] == "end"
    assert len(out) < 30


def test_a_hundred_thousand_refreshes_of_tqdm_make_a_small_log(tmp_path):
    body = """
    from tqdm import tqdm
    with block:
        for _ in tqdm(range(100_000), mininterval=0, miniters=1):
            pass
    """
    assert run(body, tmp_path / "log").returncode == 0
    (log,) = tmp_path.glob("log.*")
    assert log.stat().st_size < 10_000
    assert "100000/100000" in log.read_text(encoding="utf-8")


def test_importing_the_capture_is_light():
    code = "import sys, taskstore.capture.console; print([m for m in ('rich', 'git', 'yaml') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=Path.cwd())
    assert out.stdout.strip() == b"[]"
