"""The parameters of the command line that a program wants captured: `auto_connect_arg_parser` as a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..capture.base import Found, Reporter, Sink, Stream
from ..core.secrets import Masker


class Chosen:
    """A sink that hears of the chosen parameters only, and answers with theirs."""

    def __init__(self, sink: Sink, choice: Mapping[str, object]) -> None:
        self._sink = sink
        self._choice = choice
        self._hide: Callable[[Mapping[str, Found]], None] = getattr(sink, "hide_arguments", lambda found: None)
        self.masker: Masker | None = getattr(sink, "masker", None)

    def is_chosen(self, name: str) -> bool:
        """Tell by the name (`hello/count`), else by its last part (`count`), else by '*'; what none names is chosen."""
        for key in (name, name.rpartition("/")[2], "*"):
            if key in self._choice:
                return bool(self._choice[key])
        return True

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        """Record the chosen ones; return the stored texts that override them."""
        chosen = {name: one for name, one in found.items() if self.is_chosen(name)}
        if found and len(chosen) < len(found):
            self._hide(found)
        if found and not chosen:
            return {}
        stored = self._sink.parameters(section, chosen)
        return {name: text for name, text in stored.items() if self.is_chosen(name)}

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        """Record the values of chosen ones that the program has kept."""
        chosen = {name: one for name, one in found.items() if self.is_chosen(name)}
        if chosen:
            self._sink.correct(section, chosen)

    def note(self, capture: str, message: str) -> None:
        """Pass on."""
        self._sink.note(capture, message)

    def configuration(self, name: str, text: str, kind: str = "yaml") -> str | None:
        """Pass on."""
        return self._sink.configuration(name, text, kind)

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        """Pass on."""
        self._sink.console(stream, text, is_whole=is_whole)

    @property
    def reporter(self) -> Reporter:
        """What the sink reports by."""
        return self._sink.reporter

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Pass on."""
        self._sink.model_saved(framework, path, key=key, name=name)

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Pass on."""
        self._sink.model_loaded(framework, path, key=key, name=name)


def chosen(sink: Sink, choice: bool | Mapping[str, object]) -> Sink | None:  # noqa: FBT001 - ClearML's argument
    """Return the sink for captures of the command line; None where none are wanted ({} is none, as in ClearML)."""
    if not choice:
        return None
    return Chosen(sink, choice) if isinstance(choice, Mapping) else sink
