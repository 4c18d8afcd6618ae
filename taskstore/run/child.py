"""The child that runs a script as a task: `python -m taskstore.run.child [--project=P] [--name=N] -- SCRIPT ARGS…`.

The session is begun first, so that the script need not know of taskstore; then the script runs as `__main__`, as
python itself would run it. Its exit code, its traceback and what it sees of sys.argv and sys.path are its own.

With `--alias=NAME=PACKAGE` the one stands for the other in the script (alias.py). Such a script knows of tasks, and
begins its own: the session is begun first only where the process was launched for a task, or where it is named here.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ending import Outcome
    from .session import Wanted

_OWN = globals()


def main() -> None:
    """Read our own options up to `--` from sys.argv, become the script, and begin its session."""
    cut = sys.argv.index("--")
    options, target = sys.argv[1:cut], sys.argv[cut + 1 :]
    has_own_path = not getattr(sys.flags, "safe_path", False)
    if has_own_path:
        # `python -m` has put the working directory there. The script's own folder takes its place; what taskstore
        # imports before that must not come from either.
        del sys.path[0]
    wanted = _wanted(options)
    target = _with_secrets(target)
    if target[0] == "-m":
        _run_module(target[1], target[1:], wanted, has_own_path=has_own_path)
    else:
        _run_script(target[0], target, wanted, has_own_path=has_own_path)


def _wanted(options: list[str]) -> Wanted | None:
    """Return what task is to be begun for the script; None where it will begin its own."""
    from . import alias
    from .mode import TASK_VARIABLE
    from .session import Wanted

    alias.install_all(_option(options, "alias") or os.environ.get(alias.ALIASES_VARIABLE, ""))
    project, name = _option(options, "project"), _option(options, "name")
    if alias.active() and not (project or name or os.environ.get(TASK_VARIABLE)):
        return None
    return Wanted(project=project, name=name)


def _with_secrets(target: list[str]) -> list[str]:
    """Return the program and its arguments with what was given in the place of what the task has masked."""
    from . import given
    from .mode import TASK_VARIABLE

    if not os.environ.get(TASK_VARIABLE):
        return target
    program = 2 if target[0] == "-m" else 1
    return [*target[:program], *given.here().fill(target[program:])]


def _option(options: list[str], name: str) -> str | None:
    prefix = f"--{name}="
    return next((option[len(prefix) :] for option in options if option.startswith(prefix)), None)


def _run_script(path: str, argv: list[str], wanted: Wanted | None, *, has_own_path: bool) -> None:
    full = _as_python_spells(path)
    if has_own_path:
        # As python does: of a link, the folder that it leads to.
        sys.path.insert(0, os.path.dirname(os.path.realpath(full) if os.name == "posix" else full))  # noqa: PTH120
    sys.argv = argv
    module = _new_main(full, SourceFileLoader("__main__", full))
    _begin(wanted)

    def program() -> None:
        with io.open_code(full) as stream:
            text = stream.read()
        exec(compile(text, full, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own script

    _execute(program, is_module=False)


def _as_python_spells(path: str) -> str:
    """Return a script's path as `__file__` and tracebacks show it: absolute, links not followed."""
    if os.name == "posix":
        return os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - './' stays, which Path would drop
    return os.path.abspath(path)  # noqa: PTH100


def _run_module(name: str, argv: list[str], wanted: Wanted | None, *, has_own_path: bool) -> None:
    if has_own_path:
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - sys.path holds texts
    sys.argv = ["-m", *argv[1:]]
    spec, code = _find_module(name)
    sys.argv = [spec.origin or code.co_filename, *argv[1:]]
    module = _new_main(spec.origin or code.co_filename, spec.loader)
    module.__dict__.update(__spec__=spec, __package__=spec.parent, __cached__=spec.cached)
    _begin(wanted)
    _execute(lambda: exec(code, module.__dict__), is_module=True)  # noqa: S102 - the user's own module


def _find_module(name: str) -> tuple[ModuleSpec, CodeType]:
    import runpy

    try:
        _, spec, code = runpy._get_module_details(name)  # type: ignore[attr-defined]  # as `python -m` does
    except ImportError as error:
        # What python says, and its exit code.
        sys.stderr.write(f"{sys.executable}: {error}\n")
        raise SystemExit(1) from None
    except Exception:  # a package that fails when it is imported
        _skip_own_frames(is_module=True)
        raise
    return spec, code


def _new_main(path: str, loader: object) -> ModuleType:
    """Put a fresh `__main__` in place, with the names that python's own holds."""
    module = ModuleType("__main__")
    module.__dict__.update(__loader__=loader, __builtins__=builtins, __file__=path, __cached__=None)
    if sys.version_info < (3, 14):
        module.__dict__["__annotations__"] = {}
    sys.modules["__main__"] = module
    return module


def _begin(wanted: Wanted | None) -> None:
    if wanted is None:
        return
    from ..core.errors import TaskstoreError
    from . import session

    try:
        begun = session.begin(wanted)
    except TaskstoreError as error:
        sys.stderr.write(f"taskstore: {error}\n")
        raise SystemExit(error.exit_code) from None
    if begun.is_recording:
        begun.is_adoptable = begun.is_owner
        session.announce(begun)


def _execute(program: Callable[[], None], *, is_module: bool) -> None:
    """Run the program, and note how it ended; frames of ours are kept out of its traceback."""
    from . import ending

    try:
        program()
    except SystemExit as error:
        _note(ending.of_exit_code(error.code))
        raise
    except BaseException:
        # Python itself shows it and chooses the exit code, as it would without us.
        _skip_own_frames(is_module=is_module)
        raise
    _note(ending.COMPLETED)


def _note(outcome: Outcome) -> None:
    from . import session

    current = session.current()  # the program may have closed the one it was begun with, and begun another
    if current is not None:
        current.ending.note(outcome)


def _skip_own_frames(*, is_module: bool) -> None:
    original: Callable[..., Any] = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        trace = _own_frames_skipped(trace, is_module=is_module)
        error.__traceback__ = trace  # which is what python prints
        original(kind, error, trace)

    sys.excepthook = excepthook


def _own_frames_skipped(trace: TracebackType | None, *, is_module: bool) -> TracebackType | None:
    """Return what plain python would show: of a script its own frames, of a module runpy's and then its own."""
    links = []
    link = trace
    while link is not None:
        links.append(link)
        link = link.tb_next
    own = [position for position, link in enumerate(links) if link.tb_frame.f_globals is _OWN]
    if not own:
        return trace
    shown = links[own[-1]].tb_next
    above = [link for link in links[: own[0]] if link.tb_frame.f_globals.get("__name__") == "runpy"]
    for link in reversed(above) if is_module else ():
        shown = TracebackType(shown, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return shown


if __name__ == "__main__":
    main()
