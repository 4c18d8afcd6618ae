"""Capture of joblib: what a program dumps and loads. What joblib itself keeps (caches, shared arrays) is no model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "joblib"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report `joblib.dump` and `joblib.load`."""
    with watching(sink, CAPTURE, framework="ScikitLearn", key="joblib") as watch:
        watch.saves(module, "dump", argument(1, "filename"), lambda call: _framework(call.argument(0, "value")))
        watch.loads(module, "load", argument(0, "filename"), _framework_of_loaded)
        yield


def _framework_of_loaded(call: Call) -> str:
    return _framework(call.result)


def _framework(model: object) -> str:
    """Tell XGBoost's models from all others, which ClearML calls by the one word."""
    return "XGBoost" if type(model).__module__.partition(".")[0] == "xgboost" else ""
