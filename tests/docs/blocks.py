"""Runs what a page of the docs shows, in a terminal, and compares what it prints with what the page says.

The conventions, which the pages keep:

- A ```python block whose first line is a comment with a file's name is that file; any other one is run.
- In a ```console block, a line that begins with `$ ` is a command and one with `> ` goes on with it; the rest is what
  it prints. No output shown means that it is not compared; a line `...` stands for any number of lines.
- A command must succeed, unless the next one is `echo $?`.
- A comment `<!-- run: COMMAND -->` is run and not seen: what the page takes for granted.
- A comment `<!-- needs: MODULE -->` on the line before a block: it is passed over where Python has no such module.

One shell runs a page from its top to its end, in a fresh folder below a fresh home, with the store in its default
place. Ids, times, numbers with a fraction, paths and what is said of the machine are not compared.
With UPDATE_DOCS=1 in the environment, output that has changed is written into the page.
"""

from __future__ import annotations

import importlib.util
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120.0
COLUMNS = 100

_BLOCK = re.compile(
    r"^(?:<!-- needs: (?P<needs>\w+) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$|^<!-- run: (?P<hidden>.*?) -->$",
    re.M | re.S,
)
_FILE_NAME = re.compile(r"# (?P<name>[\w.-]+\.\w+)\n")
_MARK = re.compile(r"\x1e(begin|end) (\d+) (\d+)\x1e\n")

_COLOUR = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl])")
_UP, _CLEAR = "\x1b[1A", "\x1b[2K"

_LOOSE = (
    (re.compile(r"\bpython3\.\d+"), "python3"),
    (re.compile(r"[▁▂▃▄▅▆▇█]+"), "<course>"),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?|\b\d\d:\d\d(:\d\d)?\b"), "<time>"),
    (re.compile(r"\b(just now|today|yesterday|\d+ \w+ ago)\b"), "<time>"),
    (re.compile(r"(?<![\w.])\d+(\.\d+)? ?s\b"), "<duration>"),
    (re.compile(r"\b\d+(\.\d+)? (KiB|MiB|GiB|B)\b"), "<size>"),
    (re.compile(r"-?\b\d+\.\d+(e[+-]?\d+)?\b"), "<number>"),
    (re.compile(r"[\w.-]+-\d+-<id>"), "<writer>"),
    (re.compile(r"[\w.-]+@[\w.-]+"), "<who>"),
    (re.compile(r"(?<![\w<])~?/[^\s:;,'\"`]+"), "<path>"),
    (re.compile(r"\bprocess \d+( on \S+)?"), "process <pid>"),
    (re.compile(r"^(where|machine|python|packages|interpreter) .*"), r"\1"),
    (re.compile(r"[-─━ ]{2,}"), " "),
)


@dataclass
class Step:
    """One command of a page. `shown` is the output that the page gives; None where it gives none."""

    command: str
    line: int
    shown: list[str] | None = None
    span: tuple[int, int] = (0, 0)
    may_fail: bool = False
    code: int = -1
    printed: list[str] = field(default_factory=list)


def steps(text: str) -> list[Step]:
    """Read a page's commands, in order; `span` is where its output stands in the text."""
    found: list[Step] = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        if block["needs"] and importlib.util.find_spec(block["needs"]) is None:
            continue
        line += block["needs"] is not None
        if block["hidden"]:
            found.append(Step(block["hidden"], line))
        elif block["kind"] == "python":
            found.append(_program(block["body"], line))
        elif block["kind"] == "console":
            found += _console(block["body"], block.start("body"), line)
    return found


def _program(body: str, line: int) -> Step:
    named = _FILE_NAME.match(body)
    if named:
        return Step(f"cat > {named['name']} <<'END-OF-FILE'\n{body}END-OF-FILE", line)
    return Step(f"python - <<'END-OF-FILE'\n{body}END-OF-FILE", line)


def _console(body: str, start: int, line: int) -> list[Step]:
    found: list[Step] = []
    position = start
    for text in body.splitlines(keepends=True):
        line += 1
        content = text.rstrip("\n")
        if content.startswith("$ "):
            end = position + len(text)
            found.append(Step(content[2:], line, span=(end, end)))
            if content == "$ echo $?" and len(found) > 1:
                found[-2].may_fail = True
        elif content.startswith("> ") and found and found[-1].shown is None:
            found[-1].command += f"\n{content[2:]}"
            found[-1].span = (position + len(text), position + len(text))
        elif found:
            found[-1].shown = [*(found[-1].shown or []), content]
            found[-1].span = (found[-1].span[0], position + len(text))
        position += len(text)
    return found


def run(found: list[Step], home: Path) -> None:
    """Run a page's commands by one shell in a terminal, and note what each printed and its exit code."""
    folder = home / "example"
    folder.mkdir(parents=True)
    script = home / ".script"
    lines = ["_code=0"]
    for number, step in enumerate(found):
        lines += [f"printf '\\036begin {number} 0\\036\\n'; (exit $_code)", step.command, "_code=$?"]
        lines += [f"printf '\\036end {number} %s\\036\\n' $_code"]
    script.write_text("\n".join([*lines, ""]), "utf-8")
    output = _in_terminal(["sh", str(script)], folder, _environment(home))
    pieces = _MARK.split(output)
    for kind, position, code, text in zip(pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True):
        step = found[int(position)]
        if kind == "begin":
            step.printed = _screen(text)
        else:
            step.code = int(code)


def _environment(home: Path) -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    people = {f"GIT_{role}_{fact}": value for role in ("AUTHOR", "COMMITTER") for fact, value in _PERSON.items()}
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "TERM": "xterm",
        "NO_COLOR": "1",
        "COLUMNS": str(COLUMNS),
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "main",
        **people,
    }


_PERSON = {"NAME": "Ada", "EMAIL": "ada@example.org"}


def _in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    import fcntl  # these three are not there on Windows, where no page is run
    import pty
    import termios

    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    deadline = time.monotonic() + TIMEOUT_S
    pieces: list[bytes] = []
    try:
        while select.select([mine], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(mine, 65536)
            except OSError:  # Linux's word for the end
                data = b""
            if not data:
                break
            pieces.append(data)
        else:
            process.kill()
    finally:
        os.close(mine)
        process.wait()
    return b"".join(pieces).decode("utf-8", "replace")


def _screen(text: str) -> list[str]:
    """What is to be seen in the end: of a line that was drawn over, its last state; no colours."""
    lines: list[str] = []
    for line in _COLOUR.sub("", text).split("\n"):
        above = line.count(_UP)
        del lines[len(lines) - above :]  # a bar is drawn over, and goes away at its end
        lines.append(line.replace(_UP, "").replace(_CLEAR, "").rstrip("\r").rpartition("\r")[2].rstrip())
    while lines and not lines[-1]:
        lines.pop()
    return lines


def loose(line: str) -> str:
    """Leave out what differs from run to run and from machine to machine."""
    for pattern, replacement in _LOOSE:
        line = pattern.sub(replacement, line)
    return line.strip()


def is_as_shown(shown: list[str], printed: list[str]) -> bool:
    """Tell whether the printed lines are what is shown, `...` standing for any number of lines."""
    return _fits([line for line in map(loose, shown) if line], [line for line in map(loose, printed) if line])


def _fits(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(_fits(shown[1:], printed[count:]) for count in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and _fits(shown[1:], printed[1:])


def wrong(found: list[Step], page: str) -> list[str]:
    """Return what is not as the page says, a text each."""
    problems = []
    for step in found:
        printed = "\n".join(step.printed)
        if step.code and not step.may_fail:
            problems.append(f"{page}:{step.line}: exit code {step.code}: {step.command}\n{printed}")
        elif step.shown is not None and not is_as_shown(step.shown, step.printed):
            shown = "\n".join(step.shown)
            problems.append(f"{page}:{step.line}: {step.command}\n-- shown\n{shown}\n-- printed\n{printed}")
    return problems


def update(path: Path, found: list[Step], home: Path) -> None:
    """Write what was printed into the page, where that is not what it shows; people and places get other names."""
    text = path.read_text("utf-8")
    for step in reversed(found):
        if step.shown is not None and not is_as_shown(step.shown, step.printed):
            start, end = step.span
            text = text[:start] + "".join(f"{_renamed(line, home)}\n" for line in step.printed) + text[end:]
    path.write_text(text, "utf-8")


def _renamed(line: str, home: Path) -> str:
    for real, shown in ((str(home), "/home/ada"), (sys.prefix, "/home/ada/.venv")):
        line = line.replace(real, shown)
    return re.sub(rf"[\w.-]+@{re.escape(socket.gethostname())}", "ada@lab", line)


def check(path: Path, home: Path) -> list[str]:
    """Run a page, and return what is not as it says."""
    found = steps(path.read_text("utf-8"))
    run(found, home)
    if os.environ.get("UPDATE_DOCS"):
        update(path, found, home)
    return wrong(found, str(path.relative_to(ROOT)))
