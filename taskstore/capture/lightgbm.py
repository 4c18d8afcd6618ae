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


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report saves and loads of boosters, and what `lightgbm.train` is given and evaluates at each iteration."""

    def observer(arguments: Mapping[str, Any]) -> Callable[[Any], None]:
        params = arguments.get("params")
        if isinstance(params, Mapping) and params:
            found = {
                str(name): Found(sorted(value) if isinstance(value, set) else value) for name, value in params.items()
            }
            sink.parameters(SECTION, found)
        return _evaluations(sink)

    with watching(sink, CAPTURE, framework="LightGBM", key="lightgbm") as watch:
        watch.saves(module.Booster, "save_model", argument(1, "filename"))
        watch.loads(module.Booster, "__init__", argument(3, "model_file"))
        for name in ("lightgbm", "lightgbm.engine", "lightgbm.sklearn"):
            if "train" in vars(sys.modules.get(name, module)):
                watch.adds_callback(sys.modules.get(name, module), "train", observer)
        yield


def _evaluations(sink: Sink) -> Callable[[Any], None]:
    def report(environment: Any) -> None:  # noqa: ANN401 - LightGBM's CallbackEnv
        with contained(sink, CAPTURE):
            for data, metric, value, *_ in environment.evaluation_result_list or ():
                sink.reporter.report_scalar(data, metric, value, environment.iteration)

    return report
