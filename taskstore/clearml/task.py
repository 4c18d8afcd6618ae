"""ClearML's Task. Its hundred methods stand in parts, by what they are about."""

from __future__ import annotations

from .absent import Absent
from .details import Detailed
from .execution import Executable
from .finding import Finding
from .kinds import TaskStatusEnum as _TaskStatusEnum
from .kinds import TaskTypes as _TaskTypes
from .lifecycle import Living
from .modelling import Modelling
from .outputs import Producing
from .parameters import Parameterized
from .reading import Reading
from .standing import Standing


class Task(Finding, Detailed, Standing, Living, Executable, Parameterized, Modelling, Producing, Reading, Absent):
    """One execution of code. Get one by `Task.init` or `Task.get_task`."""

    TaskTypes = _TaskTypes
    TaskStatusEnum = _TaskStatusEnum
