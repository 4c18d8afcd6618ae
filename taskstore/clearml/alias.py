"""What `import clearml` gives where this package stands for it: which modules there are, and which names in each.

What taskstore has not (pipelines, optimizers, schedulers, the server's API) can be imported, and says at its use what
to do instead: a script may import more than it uses.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NoReturn

from ..core.errors import NotSupported
from . import HOMES

_LATER = "pipelines, optimizers and schedulers come with queues; until then call the steps one after another"
_SERVER = "there is no server to talk to; `taskstore ls` and Task.query_tasks read the store"
_HYPER = "hyper-datasets live on ClearML's enterprise server; Dataset keeps files, with versions"
_UNSUPPORTED: dict[str, str] = {
    **dict.fromkeys(
        (
            *(
                "PipelineController",
                "PipelineDecorator",
                "HyperParameterOptimizer",
                "TaskScheduler",
                "TriggerScheduler",
            ),
            *(
                "GridSearch",
                "RandomSearch",
                "OptimizerOptuna",
                "OptimizerBOHB",
                "SearchStrategy",
                "Objective",
                "ClearmlJob",
            ),
            *(
                "UniformParameterRange",
                "UniformIntegerParameterRange",
                "LogUniformParameterRange",
                "DiscreteParameterRange",
            ),
            *(
                "ParameterSet",
                "RandomSeed",
                "Parameter",
                "AutoScaler",
                "ScalerConfig",
                "Monitor",
                "ClusterJob",
                "TrainsJob",
            ),
        ),
        _LATER,
    ),
    **dict.fromkeys(("APIClient", "Session", "browser_login", "ClearmlTunerLogger"), _SERVER),
    **dict.fromkeys(
        (
            *("DataEntry", "DataSubEntry", "DataEntryImage", "DataSubEntryImage", "HyperDataset"),
            *("HyperDatasetManagement", "DataView", "HyperDatasetQuery"),
        ),
        _HYPER,
    ),
}
_OURS = {name: f"{home}:{name}" for name, home in HOMES.items()} | {"__version__": ":__version__"}
_OPTIMIZATION = (
    *("HyperParameterOptimizer", "UniformParameterRange", "UniformIntegerParameterRange", "LogUniformParameterRange"),
    *("DiscreteParameterRange", "ParameterSet", "RandomSeed", "Parameter", "GridSearch", "RandomSearch"),
    *("SearchStrategy", "Objective", "ClearmlJob"),
)
_PIPELINE = ("PipelineController", "PipelineDecorator")
_SCHEDULERS = ("TaskScheduler", "TriggerScheduler")
_HYPERS = tuple(name for name, why in _UNSUPPORTED.items() if why is _HYPER)
_RUNNING = {"running_remotely": "place:running_remotely", "get_remote_task_id": "place:get_remote_task_id"}
_TASK = {
    "Task": "task:Task",
    "TaskTypes": "kinds:TaskTypes",
    "TaskStatusEnum": "kinds:TaskStatusEnum",
    "Artifact": "artifact:Artifact",
    "TaskInstance": "task:Task",
}
_MODELS = {name: f"model:{name}" for name in ("Model", "InputModel", "OutputModel", "Framework")}
_MODULES: dict[str, dict[str, str]] = {
    "": {**_OURS, **dict.fromkeys((*_PIPELINE, *_HYPERS, "browser_login"), "")},
    "task": _TASK,
    "logger": {"Logger": "logger:Logger"},
    "model": _MODELS,
    "errors": {"UsageError": "errors:UsageError"},
    "version": {"__version__": ":__version__"},
    "config": _RUNNING,
    "config.remote": _RUNNING,
    "storage": {"StorageManager": "storage:StorageManager"},
    "storage.manager": {"StorageManager": "storage:StorageManager"},
    "datasets": {"Dataset": "dataset:Dataset"},
    "datasets.dataset": {"Dataset": "dataset:Dataset"},
    "binding": {},
    "binding.artifacts": {"Artifact": "artifact:Artifact", "Artifacts": "artifact:Artifact"},
    "backend_interface": {"TaskStatusEnum": "kinds:TaskStatusEnum"},
    "backend_interface.task": {"TaskStatusEnum": "kinds:TaskStatusEnum"},
    "backend_interface.task.task": {"Task": "task:Task", "TaskStatusEnum": "kinds:TaskStatusEnum"},
    "backend_interface.logger": {"StdStreamPatch": ""},
    "backend_api": {"Session": ""},
    "backend_api.session": {"Session": ""},
    "backend_api.session.client": {"APIClient": ""},
    "automation": dict.fromkeys((*_OPTIMIZATION, *_PIPELINE, *_SCHEDULERS), ""),
    "automation.controller": dict.fromkeys(_PIPELINE, ""),
    "automation.optimization": dict.fromkeys(_OPTIMIZATION, ""),
    "automation.parameters": dict.fromkeys(_OPTIMIZATION, ""),
    "automation.job": {"ClearmlJob": "", "TrainsJob": ""},
    "automation.monitor": {"Monitor": ""},
    "automation.scheduler": {"TaskScheduler": ""},
    "automation.trigger": {"TriggerScheduler": ""},
    "automation.optuna": {"OptimizerOptuna": ""},
    "automation.hpbandster": {"OptimizerBOHB": ""},
    "automation.auto_scaler": {"AutoScaler": "", "ScalerConfig": ""},
    "external": {},
    "external.kerastuner": {"ClearmlTunerLogger": ""},
    "hyperdatasets": dict.fromkeys(_HYPERS, ""),
    "task_parameters": {
        name: f"task_parameters:{name}" for name in ("TaskParameters", "param", "percent_param", "range_validator")
    },
    "utilities": {},
    "utilities.proxy_object": {"flatten_dictionary": "parameters:flatten_dictionary"},
    "utilities.plotly_reporter": {"SeriesInfo": "series_info:SeriesInfo"},
    "debugging": {},
    "debugging.log": {"LoggerRoot": "place:LoggerRoot"},
}


def names_of(module: str) -> Mapping[str, object] | None:
    """Return the names in a module of ClearML's, "" being the package, or None where there is no such module."""
    found = _MODULES.get(module)
    return found if found is None else {name: home for name, home in found.items() if not name.startswith("__")}


def look_up(module: str, name: str) -> object:
    """Return what a name in a module stands for. Raises AttributeError, saying what there is."""
    home, inner = _MODULES[module].get(name), f"{module}.{name}".lstrip(".")
    if home is None and inner in _MODULES:  # clearml.utilities.proxy_object, without an import of its own
        return importlib.import_module(f"clearml.{inner}")
    if home is None:
        there = ", ".join(sorted(each for each in _MODULES[module] if not each.startswith("__"))) or "nothing"
        full = f"clearml.{module}".rstrip(".")
        raise AttributeError(f"{full} has no {name!r} where taskstore stands for it; it has {there}")
    if not home:
        return placeholder(name, _UNSUPPORTED.get(name, _SERVER))
    file, _, attribute = home.partition(":")
    return getattr(importlib.import_module(f".{file}" if file else __package__, __package__), attribute)


def placeholder(name: str, why: str) -> type:
    """Return a class that can be imported, and named, and raises NotSupported when it is used."""

    def refuse() -> NoReturn:
        raise NotSupported(f"taskstore has no {name}: {why}")

    class Kind(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, ARG002 - whatever it is called with
            refuse()

        def __getattr__(cls, attribute: str) -> object:
            if attribute.startswith("__"):
                raise AttributeError(attribute)
            refuse()

    return Kind(name, (), {"__doc__": f"Not there: {why}.", "__module__": "clearml"})
