"""Hyperparameters: recording what the program has, and handing stored values back when a task is run again."""

from __future__ import annotations

from .connect import Recorder, apply, connect, flat_parameters
from .live import LiveDict
from .stored import (
    GENERAL,
    assign,
    overrides,
    parameter_of,
    parse_assignment,
    record,
    remove,
    split_name,
)

__all__ = [
    "GENERAL",
    "LiveDict",
    "Recorder",
    "apply",
    "assign",
    "connect",
    "flat_parameters",
    "overrides",
    "parameter_of",
    "parse_assignment",
    "record",
    "remove",
    "split_name",
]
