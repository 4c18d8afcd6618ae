"""ClearML's spelling of taskstore: `from taskstore.clearml import Task`, and what a script says after that.

Names, arguments, defaults and what is returned are as in ClearML's SDK; docs/reference/clearml.md says of each method
whether it is there and where it differs. Nothing here does anything by itself: each method calls taskstore's own.
`taskstore run --as-clearml` has a script's `import clearml` give this package.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's own, which costs milliseconds to import
if TYPE_CHECKING:
    from .dataset import Dataset as Dataset
    from .errors import UsageError as UsageError
    from .kinds import TaskTypes as TaskTypes
    from .logger import Logger as Logger
    from .model import InputModel as InputModel
    from .model import Model as Model
    from .model import OutputModel as OutputModel
    from .storage import StorageManager as StorageManager
    from .task import Task as Task

__version__ = "2.1.0"
"""The version of ClearML's SDK whose names these are: scripts compare with it."""

HOMES = {
    "Task": "task",
    "TaskTypes": "kinds",
    "InputModel": "model",
    "OutputModel": "model",
    "Model": "model",
    "Logger": "logger",
    "StorageManager": "storage",
    "UsageError": "errors",
    "Dataset": "dataset",
}
__all__ = [
    "Dataset",
    "InputModel",
    "Logger",
    "Model",
    "OutputModel",
    "StorageManager",
    "Task",
    "TaskTypes",
    "UsageError",
]


def __getattr__(name: str) -> object:
    home = HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *HOMES])
