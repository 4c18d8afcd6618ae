"""What a session captures of its program, in parts that the program may choose anew.

A launcher begins the session before the program has said what it wants captured: what the program's own Task.init
says is followed from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from ..capture import arguments, packages, resources
from ..capture.base import contained
from ..core.secrets import Masker
from ..store.settings import Settings
from . import frameworks, streams
from .chosen import Chosen, chosen
from .origin import Wanted
from .sink import StoreSink

_C = TypeVar("_C")
_Choice = bool | Mapping[str, object]


class Captures:
    """The captures of one session. What fails at its begin or its end does not keep the others from theirs."""

    def __init__(self, sink: StoreSink, masker: Masker, settings: Settings, root: str) -> None:
        self.monitor: resources.Monitor | None = None
        """What reports the machine's load, if that is wanted."""
        self._sink = sink
        self._masker = masker
        self._settings = settings
        self._root = root
        self._all = ExitStack()
        self._parts: dict[str, tuple[object, ExitStack]] = {}

    def watch_packages(self) -> packages.Observed:
        """Collect what the program imports, from here on."""
        with contained(self._sink, "packages"):
            return self._all.enter_context(packages.watched())
        return set()

    def choose_streams(self, choice: bool | Mapping[str, object]) -> None:
        """Capture the chosen streams from here on, and no others."""
        self._choose("console", choice, self._streams)

    def choose_program(self, wanted: Wanted) -> None:
        """Capture what the owner of a task wants of its program from here on, and nothing else of it."""
        self._choose("arguments", wanted.with_arguments, self._arguments)
        self._choose("frameworks", wanted.with_frameworks, self._frameworks)
        self._choose("resources", wanted.with_resources, self._resources)

    def close(self) -> None:
        """End all of them, the last begun first."""
        self._all.close()

    def _choose(self, part: str, choice: _C, begin: Callable[[_C, ExitStack], None]) -> None:
        earlier = self._parts.get(part)
        if earlier is not None:
            if earlier[0] == choice:
                return
            earlier[1].close()
        stack = self._all.enter_context(ExitStack())
        self._parts[part] = choice, stack
        begin(choice, stack)

    def _enter(self, stack: ExitStack, name: str, capture: AbstractContextManager[object]) -> None:
        stack.enter_context(contained(self._sink, name))
        with contained(self._sink, name):
            stack.enter_context(capture)

    def _streams(self, choice: _Choice, stack: ExitStack) -> None:
        if choice:
            self._enter(stack, "console", streams.captured(self._sink, choice))

    def forget_arguments(self, choice: _Choice) -> None:
        """Take out of the task the parameters of a command line that was read before they were known to be unwanted."""
        wanted = Chosen(self._sink, choice if isinstance(choice, Mapping) and choice else {"*": False})
        found = self._sink.stored(arguments.SECTION)
        self._sink.replace_parameters(arguments.SECTION, {name: None for name in found if not wanted.is_chosen(name)})

    def _arguments(self, choice: _Choice, stack: ExitStack) -> None:
        sink = chosen(self._sink, choice)
        if sink is not None:
            self._enter(stack, "arguments", arguments.capture(sink, masker=self._masker))
            self._enter(stack, "frameworks", frameworks.connected(frameworks.ARGUMENTS, True, sink))
        else:  # what argparse knows to be a credential is masked in the recorded command line all the same
            unheard = Chosen(self._sink, {"*": False})
            self._enter(stack, "arguments", arguments.capture(unheard, masker=self._masker))

    def _frameworks(self, choice: _Choice, stack: ExitStack) -> None:
        self._enter(stack, "frameworks", frameworks.connected(frameworks.FRAMEWORKS, choice, self._sink))

    def _resources(self, choice: bool | Mapping[str, float], stack: ExitStack) -> None:
        self.monitor = None
        if not choice:
            return
        said = choice if isinstance(choice, Mapping) else {}
        settings = self._settings.resources
        with contained(self._sink, resources.CAPTURE):
            watch = resources.monitored(
                self._sink,
                self._root,
                start_after_s=said.get("start_after_s", settings.start_after_s),
                interval_s=said.get("interval_s", settings.interval_s),
            )
            self.monitor = stack.enter_context(watch)
