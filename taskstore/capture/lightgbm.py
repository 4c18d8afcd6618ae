"""Capture of LightGBM: its model files, the parameters of a training, and a scalar for each data set and metric."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .base import Found, Sink, contained
from .saving import argument, watching

CAPTURE = "lightgbm"
SECTION = "General"

_PLAIN = (bool, int, float, str, list, tuple, dict)


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report saves and loads of boosters, and what `lightgbm.train` is given and evaluates at each iteration."""

    def observer(arguments: Mapping[str, Any]) -> Callable[[Any], None]:
        with contained(sink, CAPTURE):
            _record(sink, arguments.get("params"))
        return _evaluations(sink)

    with watching(sink, CAPTURE, framework="LightGBM", key="lightgbm") as watch:
        watch.saves(module.Booster, "save_model", argument(1, "filename"))
        watch.loads(module.Booster, "__init__", argument(3, "model_file"))
        watch.adds_callback(module, "train", observer)
        for name in ("lightgbm.engine", "lightgbm.sklearn"):
            if hasattr(sys.modules.get(name), "train"):
                watch.adds_callback(sys.modules[name], "train", observer)
        yield


def _record(sink: Sink, params: object) -> None:
    """Record what a training is given. Stored values override nothing here: one program may train many times."""
    if not isinstance(params, Mapping):
        return
    given = {str(name): sorted(value) if isinstance(value, set) else value for name, value in params.items()}
    found = {name: Found(value) for name, value in given.items() if value is None or isinstance(value, _PLAIN)}
    if found:
        sink.correct(SECTION, found)


def _evaluations(sink: Sink) -> Callable[[Any], None]:
    def report(environment: Any) -> None:  # noqa: ANN401 - LightGBM's CallbackEnv
        with contained(sink, CAPTURE):
            for data, metric, value, *_ in environment.evaluation_result_list or ():
                sink.reporter.report_scalar(data, metric, value, environment.iteration)

    return report
