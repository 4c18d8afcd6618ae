"""An offline-first experiment store: every run is a directory of plain files.

    from taskstore import Task
    task = Task.init(project_name="examples", task_name="first run")

Importing this does next to nothing; names are loaded when they are first used.
"""

from __future__ import annotations

from .capture import early

TYPE_CHECKING = False  # type checkers take it for typing's own, which costs milliseconds to import
if TYPE_CHECKING:
    from .capture.early import Ahead
    from .core import errors as errors
    from .frame import to_frame as to_frame
    from .logger import Logger as Logger
    from .models import InputModel as InputModel
    from .models import Model as Model
    from .models import OutputModel as OutputModel
    from .store.store import Store as Store
    from .task import Task as Task

__version__ = "0.1.0"
__all__ = ["InputModel", "Logger", "Model", "OutputModel", "Store", "Task", "errors", "to_frame"]

_HOMES = {
    "Task": ".task",
    "Logger": ".logger",
    "Store": ".store.store",
    "errors": ".core.errors",
    "to_frame": ".frame",
    "Model": ".models",
    "InputModel": ".models",
    "OutputModel": ".models",
}


def _ahead() -> Ahead | None:
    from .run import ahead

    return ahead.of_this_process()


def _end(error: BaseException | None) -> None:
    from .run import ahead

    ahead.end_task(error)


# A program may parse its arguments before it says Task.init: 10 µs, and undone by nothing but the process's end.
early.install(_ahead, _end)

if early.may_be_a_worker():
    from .run import workers as _workers

    _workers.join()


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
