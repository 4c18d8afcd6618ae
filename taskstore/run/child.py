"""The child that runs a script as a task: `python -m taskstore.run.child [--project P] [--name N] -- SCRIPT ARGS…`.

The session is begun first, so that the script need not know of taskstore; then the script runs as `__main__`, as
python itself would run it. Its exit code, its traceback and what it sees of sys.argv and sys.path are its own.
"""

from __future__ import annotations

import io
import os
import sys
from types import ModuleType, TracebackType

from . import ending, session


def main() -> None:
    """Read our own options up to `--`, become the script, and begin its session."""
    cut = sys.argv.index("--")
    options, target = sys.argv[1:cut], sys.argv[cut + 1 :]
    wanted = session.Wanted(project=_option(options, "project"), name=_option(options, "name"))
    if target[0] == "-m":
        _run_module(target[1], target[1:], wanted)
    else:
        _run_script(target[0], target, wanted)


def _option(options: list[str], name: str) -> str | None:
    prefix = f"--{name}="
    return next((option[len(prefix) :] for option in options if option.startswith(prefix)), None)


def _run_script(path: str, argv: list[str], wanted: session.Wanted) -> None:
    path = os.path.abspath(path)  # noqa: PTH100 - sys.path holds texts, unresolved
    sys.argv = argv
    sys.path[0] = os.path.dirname(path)  # noqa: PTH120
    module = _new_main(path)
    _begin(wanted)
    with io.open_code(path) as stream:
        text = stream.read()
    _execute(lambda: exec(compile(text, path, "exec"), module.__dict__))  # noqa: S102 - the user's own script


def _run_module(name: str, argv: list[str], wanted: session.Wanted) -> None:
    import runpy

    sys.argv = argv
    sys.path[0] = os.getcwd()  # noqa: PTH109
    _, spec, code = runpy._get_module_details(name)  # type: ignore[attr-defined]
    module = _new_main(code.co_filename)
    module.__spec__, module.__package__ = spec, spec.parent
    sys.argv[0] = code.co_filename
    _begin(wanted)
    _execute(lambda: exec(code, module.__dict__))  # noqa: S102 - the user's own module


def _new_main(path: str) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = path
    module.__dict__.update(__builtins__=__builtins__, __spec__=None, __package__=None, __cached__=None)
    sys.modules["__main__"] = module
    return module


def _begin(wanted: session.Wanted) -> None:
    from ..core.errors import TaskstoreError

    try:
        begun = session.begin(wanted)
    except TaskstoreError as error:
        sys.stderr.write(f"taskstore: {error}\n")
        raise SystemExit(error.exit_code) from None
    begun.is_adoptable = not begun.is_rerun
    session.announce(begun)


def _execute(program: object) -> None:
    """Run the program, and note how it ended; frames of ours are kept out of its traceback."""
    begun = session.current()
    try:
        program()  # type: ignore[operator]
    except SystemExit as error:
        _note(begun, ending.of_exit_code(error.code))
        raise
    except BaseException as error:  # noqa: BLE001 - noted, and raised again as it came
        trace = _own_frames_skipped(error.__traceback__)
        _note(begun, ending.of_exception(type(error), error, trace))
        raise error.with_traceback(trace) from error.__cause__
    _note(begun, ending.COMPLETED)


def _note(begun: session.Session | None, outcome: ending.Outcome) -> None:
    if begun is not None:
        begun.ending.note(outcome)


def _own_frames_skipped(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__") != "__main__":
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    main()
