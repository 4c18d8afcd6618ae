"""One git command: bounded in time and output, without a terminal, a network or a write to the repository.

The bounds hold whatever git does: output is read by threads of its own, and when time or size runs out the whole
process group is killed (a filter or a submodule's git is a grandchild that would hold the pipe open).
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Literal

ANSWER_BYTES = 64 << 20  # for the commands whose answers are lists
_STDERR_BYTES = 64 << 10
_CHUNK_BYTES = 1 << 16
_KILL_WAIT_S = 1.0
_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # there on Windows only

# Where the repository is, is found from the folder; a hook or `rebase --exec` that this process was started from
# may have pointed these elsewhere. GIT_CONFIG_COUNT and its like stay: containers give safe.directory that way.
_POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
_DROPPED = {
    *_POINTERS,
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_DEFAULT_HASH",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_ATTR_SOURCE",
    "GIT_REDIRECT_STDIN",
    "GIT_REDIRECT_STDOUT",
    "GIT_REDIRECT_STDERR",
}
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",  # status and diff must not write the refreshed index
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_ALLOW_PROTOCOL": "",  # no protocol at all: a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotepath=off"),
    *("-c", "credential.helper="),
    *("-c", "pack.threads=1"),
    *("-c", f"diff.orderFile={os.devnull}"),  # read by status too, which dies where the user's is missing
)


@dataclass(frozen=True)
class Answer:
    """What a command printed, or why it did not: `problem` is "" exactly when it ended by itself with success."""

    stdout: bytes
    problem: str
    stopped: Literal["", "size", "time"] = ""
    stderr: str = ""


def find_git() -> str | None:
    """Return git's absolute path; never one from the working directory, which may hold anything."""
    found = shutil.which("git")
    return found if found and Path(found).is_absolute() else None


def environment(given: Mapping[str, str], *, keep_pointers: bool = False) -> dict[str, str]:
    """Return `given` made safe for reading: no prompt, no network, no pointers to another repository.

    `keep_pointers` is for GIT_DIR with GIT_WORK_TREE, set by someone who keeps the two apart.
    """
    kept = set(_POINTERS) if keep_pointers else set()
    env = {k: v for k, v in given.items() if (k not in _DROPPED or k in kept) and not k.startswith("GIT_TRACE")}
    return env | _SET


class Git:
    """Runs commands in one folder, within one budget of time that all of them share."""

    def __init__(
        self,
        executable: str,
        folder: Path,
        env: Mapping[str, str],
        *,
        timeout_s: float,
        total_s: float,
        now: Callable[[], float] = time.monotonic,
        options: Sequence[str] = OPTIONS,
    ) -> None:
        self._executable = executable
        self._options = options
        self._folder = folder
        self._env = env
        self._timeout_s = timeout_s
        self._now = now
        self._deadline = now() + total_s

    def inside(self, folder: Path) -> Git:
        """Return a runner in another folder that spends the same budget."""
        return self._altered(folder, self._env)

    def given(self, **variables: str) -> Git:
        """Return a runner in the same folder, with more environment variables, that spends the same budget."""
        return self._altered(self._folder, {**self._env, **variables})

    def _altered(self, folder: Path, env: Mapping[str, str]) -> Git:
        left = self._deadline - self._now()
        return Git(
            self._executable,
            folder,
            env,
            timeout_s=self._timeout_s,
            total_s=left,
            now=self._now,
            options=self._options,
        )

    def ask(self, *arguments: str, max_bytes: int = ANSWER_BYTES, given: bytes = b"") -> Answer:
        """Run one command and return what it printed; an answer that was cut off is not returned at all.

        `given` is what the command reads.
        """
        buffer = io.BytesIO()
        answer = self.stream(buffer, *arguments, max_bytes=max_bytes, given=given)
        stdout = buffer.getvalue() if not answer.stopped else b""
        return Answer(stdout, answer.problem, answer.stopped, answer.stderr)

    def stream(self, target: BinaryIO, *arguments: str, max_bytes: int, given: bytes = b"") -> Answer:
        """Run one command that writes into `target`, which holds a part of the output when there is a problem."""
        allowed_s = min(self._timeout_s, self._deadline - self._now())
        if allowed_s <= 0:
            return Answer(b"", "no time left for it", "time")
        try:
            process = _started([self._executable, *self._options, *arguments], self._folder, self._env, given)
            return _watched(process, target, max_bytes, allowed_s)
        except (OSError, ValueError, RuntimeError) as error:  # a NUL in a path; no thread left
            return Answer(b"", f"git could not be run ({error})")


def _started(command: list[str], folder: Path, env: Mapping[str, str], given: bytes) -> subprocess.Popen[bytes]:
    with _to_read(given) as stdin:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a group to kill, and out of reach of the terminal's ^C
            creationflags=_NO_WINDOW,
        )


@contextlib.contextmanager
def _to_read(given: bytes) -> Iterator[IO[bytes] | int]:
    """Give a file with these bytes: of a pipe a command that does not read would have us wait."""
    if not given:
        yield subprocess.DEVNULL
        return
    import tempfile  # of a rebuilding only

    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        yield file


def _watched(process: subprocess.Popen[bytes], target: BinaryIO, max_bytes: int, allowed_s: float) -> Answer:
    errors = io.BytesIO()
    readers = (
        _Reader(process, process.stdout, target, max_bytes, kills=True),
        _Reader(process, process.stderr, errors, _STDERR_BYTES, kills=False),
    )
    end = time.monotonic() + allowed_s
    try:
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, end - time.monotonic()))
        is_late = any(reader.is_alive() for reader in readers) or not _ended(process, end)
    finally:
        _reap(process, readers)
    if readers[0].is_over:
        return Answer(b"", f"more than {max_bytes:,} bytes", "size")
    if readers[0].problem:
        return Answer(b"", readers[0].problem)
    if is_late:
        return Answer(b"", f"no answer within {allowed_s:.3g} s", "time")
    stderr = errors.getvalue()
    problem = _why(stderr, process.returncode) if process.returncode else ""
    return Answer(b"", problem, stderr=stderr.decode(errors="replace"))


def _ended(process: subprocess.Popen[bytes], end: float) -> bool:
    try:
        process.wait(max(0.01, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _why(stderr: bytes, code: int) -> str:
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "")
    return said.removeprefix("fatal:").removeprefix("error:").strip() or f"git ended with {code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and what it started. It is not reaped yet, so that its group's number is still its own."""
    if process.returncode is not None:
        return
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _reap(process: subprocess.Popen[bytes], readers: tuple[_Reader, ...]) -> None:
    _kill(process)
    with contextlib.suppress(subprocess.TimeoutExpired):  # in an uninterruptible sleep, on a dead network mount
        process.wait(_KILL_WAIT_S)
    for reader in readers:
        if reader.ident is not None:
            reader.join(_KILL_WAIT_S)
        if not reader.is_alive():  # closing under a reader that hangs would hang here
            reader.source.close()


class _Reader(threading.Thread):
    """Moves one pipe into a buffer. Beyond the limit it kills the command, or goes on and drops what comes."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        source: IO[bytes] | None,
        target: BinaryIO,
        max_bytes: int,
        *,
        kills: bool,
    ) -> None:
        super().__init__(name="taskstore-git", daemon=True)
        self.source: IO[bytes] = source if source is not None else io.BytesIO()
        self.is_over = False
        self.problem = ""
        self._process, self._target, self._left, self._kills = process, target, max_bytes, kills

    def run(self) -> None:
        try:
            while chunk := os.read(self.source.fileno(), _CHUNK_BYTES):
                self._left -= len(chunk)
                if self._left >= 0:
                    self._target.write(chunk)
                elif self._kills:
                    self.is_over = True
                    break
        except OSError as error:  # the target's disk is full
            self.problem = f"could not be written ({error})"
        if self.is_over or self.problem:
            _kill(self._process)
