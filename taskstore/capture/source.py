"""What the running program is, and its source where it lies in no repository.

`sys.modules["__main__"]` is asked before `sys.argv`, because launchers put the real program there. IPython is
looked at only where the program has loaded it.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["script", "module", "notebook", "interactive", "command", "frozen"]
Note = Callable[[str], None]

_STDLIB = str(Path(os.__file__).parent)
_SITE = frozenset({"site-packages", "dist-packages"})
MAX_SOURCE_BYTES = 10 << 20
_WRAPPER = re.compile(r"^from ([\w.]+) import \w+[\s\S]*^ *sys\.exit\(", re.M)
_MAGIC = re.compile(r"^([ \t]*)((?:%\w|[!?]|[\w, ]+=[ \t]*[%!]).*|[\w.]+\?{1,2}[ \t]*)$", re.M)
_WHOLE_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # what follows is Python all the same


@dataclass(frozen=True)
class Entry:
    """The running program: what to start, with what, and where."""

    kind: Kind
    path: Path | None
    """The script or the notebook, absolute; for a module its file; None where nothing of the kind is known."""
    module: str | None
    """What stands after `python -m`; for a console script, the module that its wrapper calls."""
    argv: list[str]
    """`sys.argv`, which a launcher or the program itself may have changed since the start."""
    options: list[str]
    """The interpreter's own options, such as `-u` and `-X dev`."""
    executable: str
    binary: str
    """ClearML's word for the interpreter: `python3.11`."""
    working_directory: Path

    @property
    def own_path(self) -> Path | None:
        """The path, unless it is of an installed module or one of Python's own, whose repository is another's."""
        if self.path is None or self.kind != "module":
            return self.path
        text = str(self.path)
        is_installed = text.startswith(_STDLIB) or any(
            part in ("site-packages", "dist-packages") for part in self.path.parts
        )
        return None if is_installed else self.path


def entry() -> Entry:
    """Tell what program this process runs."""
    options, started = _command_line(sys.orig_argv)
    kind, path, module = _identified(started)
    return Entry(
        kind=kind,
        path=path,
        module=module,
        argv=list(sys.argv),
        options=options,
        executable=sys.executable or "",
        binary=f"python{sys.version_info.major}.{sys.version_info.minor}",
        working_directory=Path.cwd(),
    )


def code(entry: Entry, *, note: Note | None = None) -> bytes | None:
    """Return the program's own text, or None where there is none to be had.

    A notebook comes as Python, a cell under each `# %%`, with the magics as comments: the cells of its file where
    that holds all that was run, else the history of what was run. `note` hears why a text is missing.
    """
    tell = note or (lambda message: None)
    text: bytes | None = None
    if entry.kind in ("script", "module") and entry.path is not None:
        text = _file(entry.path, tell)
    elif entry.kind == "command":
        text = _command_line(sys.orig_argv)[1].get("-c", "").encode("utf-8", "surrogateescape")
    elif entry.kind == "frozen":
        tell("source: a frozen program carries none")
    elif (cells := _cells(entry)) is not None:
        text = _joined(cells)
    elif (text := _redirected()) is None:
        tell("source: not known, because the program was typed at a prompt or read from standard input")
    if text is not None and len(text) > MAX_SOURCE_BYTES:
        tell(f"source: {len(text)} bytes are more than the limit of {MAX_SOURCE_BYTES} and were left out")
        return None
    return text


def notebook_code(path: Path) -> bytes | None:
    """Return the code cells of a notebook's file as `code` gives them; None where there are none that can be read."""
    cells = _saved_cells(path)
    return _joined(cells) if cells else None


def _joined(cells: list[str]) -> bytes:
    return "\n".join(f"# %%\n{_as_python(cell).rstrip()}\n" for cell in cells).encode("utf-8", "replace")


def _file(path: Path, tell: Note) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        tell(f"source: {path} cannot be read ({error.strerror})")
        return None


def _redirected() -> bytes | None:
    """Return the program that python reads from standard input, where that is a file (`python < train.py`).

    Python has read it whole before it runs it. A pipe cannot be read twice, and python does not keep the text.
    """
    is_prompt = hasattr(sys, "ps1") or sys.flags.interactive or not hasattr(os, "pread")
    if is_prompt or _command_line(sys.orig_argv)[1].get("script", "-") != "-":
        return None
    try:
        if not stat.S_ISREG(os.fstat(0).st_mode):
            return None
        pieces = []
        left, offset = MAX_SOURCE_BYTES + 1, 0
        while left > 0 and (piece := os.pread(0, min(left, 1 << 20), offset)):  # the program's own place stays
            pieces.append(piece)
            left, offset = left - len(piece), offset + len(piece)
        return b"".join(pieces)
    except OSError:
        return None


def _identified(started: Mapping[str, str]) -> tuple[Kind, Path | None, str | None]:
    """Return kind, path and module of what `__main__` is now."""
    main = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    spec = getattr(main.get("__spec__"), "name", None)
    file = _existing(main.get("__file__"))
    if getattr(sys, "frozen", False):
        return "frozen", Path(sys.executable), None
    if isinstance(spec, str) and spec.partition(".")[0] != "_pyrepl" and spec != "__main__":
        guest = _guest(spec, file)
        module = spec.removesuffix(".__main__")
        return ("script", guest, None) if guest else ("module", file, module)
    if file is not None and spec in (None, "__main__"):
        return "script", file, _wrapped(file)
    shell = _shell()
    if shell is not None:
        is_kernel = getattr(shell, "kernel", None) is not None
        return ("notebook", _notebook_path(shell), None) if is_kernel else ("interactive", None, None)
    if "-c" in started:
        return "command", None, None
    script = None if hasattr(sys, "ps1") or sys.flags.interactive else _existing(sys.argv[0] if sys.argv else None)
    return ("script", script, _wrapped(script)) if script else ("interactive", None, None)


def _existing(file: object) -> Path | None:
    path = Path(os.path.abspath(file)) if isinstance(file, str) and file else None  # noqa: PTH100 - no links followed
    return path if path is not None and path.is_file() else None


def _guest(spec: str, file: Path | None) -> Path | None:
    """Return the script that a module of the standard library runs: `python -m cProfile train.py`."""
    guest = _existing(sys.argv[0]) if sys.argv else None
    return guest if spec.partition(".")[0] in sys.stdlib_module_names and guest != file else None


def _wrapped(path: Path) -> str | None:
    """Return the module that a console script (`bin/foo`, written by an installer) calls."""
    if path.suffix in (".py", ".pyw"):
        return None
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return None
    found = _WRAPPER.search(head.decode("utf-8", "replace")) if head.startswith(b"#!") else None
    return found[1] if found else None


def _command_line(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Split the interpreter's command line into its options and what it was told to run.

    The second is `{"-c": text}`, `{"-m": module}`, `{"script": path}`, or empty for a prompt. Short options may be
    joined (`-um pkg`), and the value of -c, -m, -W and -X may follow at once (`-Wignore`) or as the next word.
    """
    options: list[str] = []
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            return options, {"script": word}
        flags = "" if word.startswith("--") else word[1:]
        end = next((i for i, flag in enumerate(flags) if flag in "cmWX"), None)
        if end is not None and flags[end] in "cm":
            options += [f"-{flags[:end]}"] if end else []
            return options, {f"-{flags[end]}": flags[end + 1 :] or (rest[0] if rest else "")}
        options.append(word)
        takes_next = word == "--check-hash-based-pycs" or (end is not None and end == len(flags) - 1)
        options += [rest.pop(0)] if takes_next and rest else []
    return options, {}


def _shell() -> Any:  # noqa: ANN401 - IPython's shell, which is not ours to import
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if callable(get_ipython) else None


def _notebook_path(shell: Any) -> Path | None:  # noqa: ANN401 - as _shell
    """Return the notebook's file, as VS Code or a Jupyter server tells it."""
    names = (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"))
    found = (_existing(name) for name in names if isinstance(name, str) and name.endswith(".ipynb"))
    return next((path for path in found if path is not None), None)


def _cells(entry: Entry) -> list[str] | None:
    """Return the cells to keep: those of the file, unless something was run that it does not hold (any more)."""
    shell = _shell()
    if shell is None:
        return None
    manager = getattr(shell, "history_manager", None)
    history = getattr(manager, "input_hist_raw", None) or shell.user_ns.get("In") or []
    run = [cell for cell in map(str, history) if cell.strip()]
    saved = _saved_cells(entry.path) if entry.path is not None else []
    return saved if saved and {cell.strip() for cell in run} <= {cell.strip() for cell in saved} else run


def _saved_cells(path: Path) -> list[str]:
    """Return the code cells of a notebook file, format 4; none where it is damaged or too large."""
    import json

    try:
        if path.stat().st_size > 10 * MAX_SOURCE_BYTES:  # outputs, which may hold pictures, are part of it
            return []
        cells = json.loads(path.read_bytes())["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        texts = [source if isinstance(source, str) else "".join(source) for source in sources]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [text for text in texts if text.strip()]


def _as_python(cell: str) -> str:
    """Turn what only IPython understands into comments, so that the rest can be read as Python."""
    first, line_end, body = cell.lstrip().partition("\n")
    if not first.startswith("%%"):
        return _MAGIC.sub(lambda found: f"{found[1]}pass  # {found[2]}" if found[1] else f"# {found[2]}", cell)
    if first.startswith(_WHOLE_CELL_MAGICS):
        return f"# {first}{line_end}{_as_python(body)}"
    return "\n".join(f"# {line}" for line in cell.splitlines())
