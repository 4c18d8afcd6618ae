"""An offline-first experiment store: every run is a directory of plain files.

    from taskstore import Task
    task = Task.init(project_name="examples", task_name="first run")

Importing this does next to nothing; names are loaded when they are first used.
"""

from __future__ import annotations

from .capture import early

TYPE_CHECKING = False  # type checkers take it for typing's own, which costs milliseconds to import
if TYPE_CHECKING:
    from .core import errors as errors
    from .logger import Logger as Logger
    from .models import InputModel as InputModel
    from .models import Model as Model
    from .models import OutputModel as OutputModel
    from .store.store import Store as Store
    from .task import Task as Task

__version__ = "0.1.0"
__all__ = ["InputModel", "Logger", "Model", "OutputModel", "Store", "Task", "errors"]

_HOMES = {
    "Task": ".task",
    "Logger": ".logger",
    "Store": ".store.store",
    "errors": ".core.errors",
    "Model": ".models",
    "InputModel": ".models",
    "OutputModel": ".models",
}


# A program may parse its arguments before it says Task.init: 5 µs, and undone by nothing but the process's end.
early.install()


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(home, __name__)
    value = module if name == "errors" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
