"""What the captures of command lines report to: the task's sink where there is one, else a memory of it for later.

Most programs that use click, typer, fire, absl or hydra say Task.init within the function that the library calls: all
is parsed by then. So such a capture is installed when its library is imported (see `early`) and reports to its relay.
Before there is a task the relay remembers what it is told, and answers with what the task stores that the process
was launched for; when a task begins, its sink is told all of it. What comes later goes to the sink at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

from ..core.secrets import Masker
from ..core.values import to_text
from . import early
from .base import Found, Reporter, Sink, Stream, contained

MAX_NOTES = 16


class Relay:
    """The sink of one capture, whose `hooked(module)` hooks into a module of its library and out again."""

    def __init__(self, capture: str, hooked: Callable[[ModuleType], AbstractContextManager[None]]) -> None:
        self.capture = capture
        self._hooked = hooked
        self._hooks: dict[str, ExitStack] = {}
        self._failed: set[str] = set()
        self._sinks: list[Sink] = []
        self.forget()

    def forget(self) -> None:
        """Forget what was reported."""
        self._found: dict[str, dict[str, Found]] = {}
        self._corrected: dict[str, dict[str, Found]] = {}
        self._configurations: dict[str, tuple[str, str]] = {}
        self._notes: list[str] = []

    def install(self, module: ModuleType) -> None:
        """Hook into a module for good; what is wrong with that, the next task is told. Harmless to call again."""
        name = module.__name__
        if name in self._hooks or name in self._failed:
            return
        self._failed.add(name)
        with contained(self, self.capture):
            self._hook(module)
            self._failed.discard(name)

    def uninstall(self) -> None:
        """Hook out of all modules, and forget what was reported."""
        for hooks in self._hooks.values():
            hooks.close()
        self._hooks.clear()
        self._failed.clear()
        self.forget()

    def _hook(self, module: ModuleType) -> None:
        with ExitStack() as hooks:
            hooks.enter_context(self._hooked(module))
            self._hooks[module.__name__] = hooks.pop_all()

    @contextmanager
    def patched(self, module: ModuleType, sink: Sink) -> Iterator[None]:
        """Tell the sink what was reported before, and within the block all else; hooked as long as that at least."""
        name = module.__name__
        is_ours = name not in self._hooks and name not in self._failed
        if is_ours:
            self._hook(module)
        if sink not in self._sinks:
            self._tell(sink)
        self._sinks.append(sink)
        try:
            yield
        finally:
            self._sinks.remove(sink)
            if is_ours:
                self._hooks.pop(name).close()
            if not self._hooks:
                self.forget()

    @property
    def has_task(self) -> bool:
        """Whether there is a task that is told at once."""
        return bool(self._sinks)

    def end_task(self, error: BaseException | None = None) -> None:
        """End the task that was begun within one job of several, so that the next may begin its own."""
        early.end_task(error)

    def _tell(self, sink: Sink) -> None:
        for section, found in self._found.items():
            sink.parameters(section, found)
        for section, found in self._corrected.items():
            sink.correct(section, found)
        for name, (text, kind) in self._configurations.items():
            sink.configuration(name, text, kind)
        for note in self._notes:
            sink.note(self.capture, note)
        self._notes.clear()

    def stored(self, section: str) -> Mapping[str, str]:
        """Return the stored texts of a section; none but in a task that is run again."""
        if self._sinks:
            return self._sinks[-1].parameters(section, {})
        ahead = early.ahead()
        return ahead.parameters(section) if ahead is not None else {}

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        """Record parameters; return the stored texts of the section, as `stored` does."""
        self._found.setdefault(section, {}).update(found)
        if self._sinks and found:
            return self._sinks[-1].parameters(section, found)
        return self.stored(section)

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        """Record the values that the program has kept, in place of stored texts that do not fit."""
        self._corrected.setdefault(section, {}).update(found)
        if self._sinks:
            self._sinks[-1].correct(section, found)

    def misfit(self, name: str, text: str, kept: object, why: str) -> None:
        """Note that a stored text does not fit the program, which keeps its own value; credentials are masked."""
        masker = getattr(self._sinks[-1] if self._sinks else None, "masker", None) or Masker()
        shown, refused = (masker.value(name, one) for one in (to_text(kept)[0], text))
        reason = f" ({why})" if why and not masker.masks(name) else ""
        self.note(self.capture, f"{name}: the stored value {refused!r} does not fit, kept {shown!r}{reason}")

    def note(self, capture: str, message: str) -> None:
        """Record that the capture left something out or failed."""
        if self._sinks:
            self._sinks[-1].note(capture, message)
        elif len(self._notes) < MAX_NOTES and message not in self._notes:
            self._notes.append(message)

    def configuration(self, name: str, text: str, kind: str = "yaml") -> str | None:
        """Record a configuration object; return the stored text that overrides it in a task that is run again."""
        self._configurations[name] = (text, kind)
        if self._sinks:
            return self._sinks[-1].configuration(name, text, kind)
        ahead = early.ahead()
        return ahead.configuration(name, text, kind) if ahead is not None else None

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        """No capture of a command line prints."""

    @property
    def reporter(self) -> Reporter:
        """No capture of a command line reports anything else."""
        raise NotImplementedError

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """No capture of a command line meets models."""

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """No capture of a command line meets models."""
