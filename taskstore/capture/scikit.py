"""Capture of scikit-learn's estimators that a program pickles. Whatever else is pickled passes through."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from .base import Sink
from .saving import Call, watching

CAPTURE = "scikit"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report `pickle.dump` and `pickle.load` of the estimators of this `sklearn.base` to and from a file."""
    estimator = module.BaseEstimator

    def dumped(call: Call) -> object:
        return call.argument(1, "file") if isinstance(call.argument(0, "obj"), estimator) else None

    def loaded(call: Call) -> object:
        return call.argument(0, "file") if isinstance(call.result, estimator) else None

    with watching(sink, CAPTURE, framework="ScikitLearn", key="scikit") as watch:
        watch.saves(pickle, "dump", dumped)
        watch.loads(pickle, "load", loaded)
        yield
