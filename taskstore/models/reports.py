"""What a model's own results are reported by."""

from __future__ import annotations

from typing import Any

from ..logger import Logger
from ..sections.reports import Writer


class ModelLogger(Logger):
    """Reports into a task, as its Logger does, with the model's name before every title."""

    def __init__(self, writer: Writer, name: str) -> None:
        super().__init__(_Prefixed(writer, name))  # type: ignore[arg-type]  # it is a writer in all that is used


class _Prefixed:
    """A writer that puts a name before titles."""

    def __init__(self, writer: Writer, name: str) -> None:
        self._writer = writer
        self._prefix = f"{name}/"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the writer has
        return getattr(self._writer, name)

    def _named(self, title: object) -> Any:  # noqa: ANN401 - what is no text is the writer's to refuse
        return f"{self._prefix}{title}" if isinstance(title, str) else title

    def scalar(self, title: object, *rest: Any) -> None:  # noqa: ANN401 - the writer's own
        self._writer.scalar(self._named(title), *rest)

    def single_value(self, name: object, value: Any) -> None:  # noqa: ANN401 - the writer's own
        self._writer.single_value(self._named(name), value)

    def plot(self, title: object, *rest: Any, **named: Any) -> None:  # noqa: ANN401 - the writer's own
        self._writer.plot(self._named(title), *rest, **named)

    def media(self, title: object, *rest: Any, **named: Any) -> bool:  # noqa: ANN401 - the writer's own
        return self._writer.media(self._named(title), *rest, **named)
