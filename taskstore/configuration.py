"""The configuration objects of a task: `task.configuration`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .core.errors import BadValue
from .core.secrets import Masker
from .sections import configuration as section
from .sections.configuration import Recorder
from .store import configuration
from .store.configuration import Stored
from .store.hold import Hold


class Configuration:
    """Dictionaries, lists and files that a program is configured by, kept as files that a person can edit.

    They can be changed in a draft and by the run itself (ReadOnly elsewhere). Credentials in them are masked.
    """

    def __init__(self, hold: Hold, masker: Callable[[], Masker], recorder: Callable[[], Recorder]) -> None:
        self._hold = hold
        self._masker = masker
        self._recorder = recorder

    def connect(
        self,
        configuration: Any,  # noqa: ANN401 - a dictionary, a list, or a path
        name: str | None = None,
        description: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> Any:  # noqa: ANN401 - what comes in goes out
        """Record a configuration by a name, else "General"; in a task that is run again the stored one is handed back.

        A dictionary or list takes the stored values in place, and is recorded again at the end if it has changed then.
        Of a file its path comes back, and in a task that is run again that of a temporary file with the stored text.
        With `ignore_remote_overrides` the program's own is kept, and recorded. Raises BadValue, BadName, and Refused
        where this is not the process's open task.
        """
        return section.connect(
            configuration, name, self._recorder(), description=description, keeps_own=ignore_remote_overrides
        )

    def set(
        self,
        name: str,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | list[Any] | None = None,
        *,
        description: str | None = None,
        config_type: str | None = None,
    ) -> None:
        """Store a text, or a dictionary or list, by a name; what had that name is replaced.

        `config_type` is what kind of text it is, as a suffix says it: yaml, json, txt. Raises BadValue unless exactly
        one of the two is given, BadName, ReadOnly.
        """
        if (config_text is None) == (config_dict is None):
            raise BadValue("give either config_text or config_dict")
        masker = self._masker()
        if config_text is not None:
            if not isinstance(config_text, str):
                raise BadValue(f"config_text must be a text, not {type(config_text).__name__}")
            content = section.content_of_text(config_text, masker, kind=config_type, description=description)
        else:
            content, _ = section.content_of(config_dict, masker, kind=config_type, description=description)
        with self._hold.guard():
            configuration.put(self._hold.store, self._hold.task_id, name, content, allowed=self._hold.editable)

    def get(self, name: str) -> str | None:
        """Read an object's text; None where there is no such object. Raises BadValue where it is not text."""
        found = self._find(name)
        return None if found is None else _text(found)

    def get_dict(self, name: str) -> Any:  # noqa: ANN401 - a dictionary or a list
        """Read an object as the dictionary or list that it was; None where there is none.

        A file is read as JSON, TOML or YAML, as its suffix says. Raises BadValue where it cannot be.
        """
        found = self._find(name)
        if found is None:
            return None
        value = section.loads(_text(found), found.path.suffix[1:].lower(), where=f"configuration {name}")
        if not isinstance(value, (dict, list)):
            raise BadValue(f"configuration {name} is no dictionary and no list; get() reads its text")
        return value

    def all(self) -> dict[str, str]:
        """Read all objects that are text, by name."""
        found = {name: configuration.text_of(item) for name, item in self._read().items()}
        return {name: text for name, text in found.items() if text is not None}

    def names(self) -> list[str]:
        """Read the names of all objects."""
        return list(self._read())

    def path(self, name: str) -> Path | None:
        """Return where an object's file is: to be read, whatever it holds. None where there is none."""
        found = self._find(name)
        return None if found is None else found.path

    def delete(self, name: str) -> bool:
        """Take an object off the task; False where there is none. Raises ReadOnly."""
        with self._hold.guard():
            return configuration.delete(self._hold.store, self._hold.task_id, name, allowed=self._hold.editable)
        return False

    def _find(self, name: str) -> Stored | None:
        return self._read().get(name)

    def _read(self) -> dict[str, Stored]:
        return configuration.read(self._hold.paths)


def _text(found: Stored) -> str:
    text = configuration.text_of(found)
    if text is None:
        raise BadValue(f"configuration {found.name} is not text; its file is {found.path}")
    return text
