"""A task's parameters and configuration objects as a screen shows them, and what is wrong with a text that is typed."""

from __future__ import annotations

from dataclasses import dataclass

from ..core import values
from ..core.errors import BadValue
from ..core.secrets import MASK
from ..core.states import EDITABLE, Status
from ..schema.record import USER_PROPERTIES, Parameter
from ..store import configuration, places, tasks
from ..store.store import Store

MAX_TEXT_BYTES = 4 << 20


@dataclass(frozen=True)
class Named:
    """A parameter with its section and name."""

    section: str
    name: str
    parameter: Parameter

    @property
    def full(self) -> str:
        """Section/name."""
        return f"{self.section}/{self.name}"

    @property
    def is_masked(self) -> bool:
        """Whether its value is a secret, which nobody here has."""
        return MASK in self.parameter.value

    @property
    def problem(self) -> str:
        """What is wrong with the value that is stored; empty where nothing is."""
        return "" if self.is_masked else problem_of(self.parameter.value, self.parameter.type)

    def has(self, text: str) -> bool:
        """Tell whether name, value or meaning hold a text, which is case-folded."""
        parts = (self.full, self.parameter.value, self.parameter.description or "")
        return any(text in part.casefold() for part in parts)


@dataclass(frozen=True)
class Object:
    """A configuration object; `text` is None where it is not text, or too large to be shown."""

    name: str
    type: str
    description: str
    size: int
    data: bytes
    text: str | None


@dataclass(frozen=True)
class Settings:
    """What a task was given, as it was read at once."""

    status: Status
    parameters: list[Named]
    objects: list[Object]

    def is_editable(self, section: str) -> bool:
        """Tell whether the parameters of a section may be changed: in a draft all, user properties always."""
        return self.status in EDITABLE or section == USER_PROPERTIES


def read(store: Store, task_id: str) -> Settings:
    """Return a task's parameters and configuration objects. Raises NotFound, Damaged."""
    paths = places.locate(store, task_id)
    found = [
        Named(section, name, parameter)
        for section, items in tasks.read_params(paths).hyperparams.items()
        for name, parameter in items.items()
    ]
    objects = []
    for name, item in configuration.read(paths).items():
        size = item.path.stat().st_size
        data = item.read() if size <= MAX_TEXT_BYTES else b""
        text = configuration.as_text(data) if size <= MAX_TEXT_BYTES else None
        objects.append(Object(name, item.type, item.description, size, data, text))
    return Settings(tasks.read(paths).status, found, objects)


def problem_of(text: str, kind: str | None) -> str:
    """Say why a text is none of a type; empty where it is one, or no type is known."""
    if not kind or text in ("", "None"):  # None is stored as nothing
        return ""
    try:
        values.from_text(text, kind)
    except BadValue as error:
        return str(error)
    return ""
