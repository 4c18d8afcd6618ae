"""Capture of scikit-learn's estimators that a program pickles. Whatever else is pickled passes through."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .base import Sink
from .saving import Call, watching

CAPTURE = "scikit"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report `pickle.dump` and `pickle.load` of the estimators of this `sklearn.base` to and from a file."""
    estimator = module.BaseEstimator

    def is_dumped(args: tuple[Any, ...], _: object) -> bool:
        return not args or issubclass(type(args[0]), estimator)

    def is_loaded(_: tuple[Any, ...], result: object) -> bool:
        return issubclass(type(result), estimator)

    def dumped(call: Call) -> object:
        return call.argument(1, "file") if issubclass(type(call.argument(0, "obj")), estimator) else None

    def loaded(call: Call) -> object:
        return call.argument(0, "file")

    with watching(sink, CAPTURE, framework="ScikitLearn", key="scikit") as watch:
        watch.saves(pickle, "dump", dumped, concerns=is_dumped)
        watch.loads(pickle, "load", loaded, concerns=is_loaded)
        yield
