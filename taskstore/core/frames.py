"""Keeping our frames out of the tracebacks of exceptions that only pass through us.

Imports nothing that Python has not loaded at its start.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` costs milliseconds
if TYPE_CHECKING:
    from types import TracebackType

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120 - pathlib costs milliseconds


def leave_no_frame(error: BaseException) -> None:
    """Take our frames off the outer end of the traceback of the exception that is being handled.

    A bare `raise` must follow in the function that calls this. Where all the frames are ours they stay, since the error
    is then ours too, unless the caller's is the only one: then a function written in C, which has none, has raised it.
    """
    trace = own = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    if own is None or trace is own or (trace is None and own.tb_next is not None):
        return
    error.__traceback__ = trace
    if sys.version_info < (3, 11):
        _replace_handled(error, trace)


def _replace_handled(error: BaseException, trace: TracebackType | None) -> None:
    """Before Python 3.11 a bare `raise` brings back the traceback that the thread has, not the exception's own."""
    try:
        from ctypes import c_void_p, py_object, pythonapi
    except ImportError:
        return
    for kept in (type(error), error, trace):  # the call takes over a reference to each
        if kept is not None:
            pythonapi.Py_IncRef(py_object(kept))
    last = c_void_p() if trace is None else py_object(trace)
    pythonapi.PyErr_SetExcInfo(py_object(type(error)), py_object(error), last)
