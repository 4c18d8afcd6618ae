"""Connecting a program's configuration: a dictionary, a list, or a file of any kind."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any, Protocol

from ...core.errors import BadValue, Damaged
from ...core.secrets import Masker
from ...schema.configuration import DICTIONARY
from ...store.configuration import Content, Stored, as_text, check_name
from . import masking, text

GENERAL = "General"
FILE = "file"
_FORMATS = ("yaml", "json", "toml")
_SUFFIX = re.compile(r"[A-Za-z0-9_+-]{1,16}\Z")


class Recorder(Protocol):
    """What configuration is recorded by: a run's sink, which warns where the store cannot be written."""

    masker: Masker
    is_rerun: bool

    def put_configuration(self, name: str, content: Content, *, keep_stored: bool) -> Stored | None:
        """Store an object, telling of what is masked in it; with `keep_stored` only where there is none.

        Returns the one that there is then.
        """
        ...

    def note(self, capture: str, message: str) -> None:
        """Tell of what was left out."""
        ...

    def at_end(self, call: Callable[[], None]) -> None:
        """Have something done when the run ends."""
        ...


def content_of(
    value: object, masker: Masker, *, description: str | None = None, kind: str | None = None
) -> tuple[Content, bool]:
    """Return a dictionary or list as it is stored, masked; false with it where a value could only be described.

    Raises BadValue.
    """
    spelled, is_exact = text.dumps(masking.masked_values(_plain(value), masker))
    return Content(spelled.encode(), kind or DICTIONARY, "yaml", description), is_exact


def content_of_text(raw: str, masker: Masker, *, kind: str | None = None, description: str | None = None) -> Content:
    """Return a text as it is stored, masked; `kind` is its suffix, or ClearML's word."""
    suffix = suffix_of(kind)
    shown, names = masking.masked(raw, suffix, masker)
    data = shown.encode("utf-8", "surrogateescape")
    return Content(data, kind or "txt", suffix or "txt", description, tuple(names))


def suffix_of(kind: str | None) -> str:
    """Return the suffix for a type of text; none where it is no word that may be one."""
    last = (kind or "").lower().rpartition(" ")[2]
    if kind == DICTIONARY or last in _FORMATS:  # "OmegaConf YAML"
        return "yaml" if kind == DICTIONARY else last
    return kind if kind and _SUFFIX.match(kind) and kind != FILE else ""


def _plain(value: object) -> object:
    """Return a configuration of OmegaConf as dictionaries and lists, anything else as it is."""
    if type(value).__module__.partition(".")[0] == "omegaconf":
        return sys.modules["omegaconf"].OmegaConf.to_container(value, resolve=False)
    return value


def connect(
    configuration: Any,  # noqa: ANN401 - a dictionary, a list, or a path
    name: str | None,
    recorder: Recorder,
    *,
    description: str | None = None,
    keeps_own: bool = False,
) -> Any:  # noqa: ANN401 - what comes in goes out
    """Record a configuration, and in a task that is run again hand back the stored one.

    A dictionary or list takes what is stored in place, and is looked at again at the end of the run. Of a file the
    path comes back, or that of a temporary file with the stored text. With `keeps_own` the program's is kept, and
    recorded. Raises BadValue for anything else, and where no file is, BadName.
    """
    name = name or GENERAL
    check_name(name)
    keep = recorder.is_rerun and not keeps_own
    if isinstance(configuration, (str, os.PathLike)):
        found = _connect_file(Path(configuration), name, recorder, description=description, keep=keep)
        return str(found) if isinstance(configuration, str) else found
    if not isinstance(configuration, (MutableMapping, MutableSequence)) or isinstance(configuration, bytearray):
        raise BadValue(
            f"a configuration is a dict, a list, or the path of a file, not {type(configuration).__name__}; "
            "task.connect takes objects"
        )
    return _connect_values(configuration, name, recorder, description=description, keep=keep)


def _connect_values(values: Any, name: str, recorder: Recorder, *, description: str | None, keep: bool) -> Any:  # noqa: ANN401
    content, is_exact = content_of(values, recorder.masker, description=description)
    if not is_exact:
        recorder.note("configuration", f"{name}: a value in it is no plain value; its description is stored")
    stored = recorder.put_configuration(name, content, keep_stored=keep)
    before = content.data
    if stored is not None:
        values = _taken(values, stored, name, recorder)
        before = content_of(values, recorder.masker)[0].data
    looked = _print_of(values)

    def look_again() -> None:
        if _print_of(values) == looked:
            return  # spelling and masking one of 50 MB takes half a minute
        now = content_of(values, recorder.masker)[0]
        if now.data != before:
            recorder.put_configuration(name, now, keep_stored=False)

    recorder.at_end(look_again)
    return values


def _print_of(values: object) -> bytes:
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).digest()


def _taken(values: Any, stored: Stored, name: str, recorder: Recorder) -> Any:  # noqa: ANN401
    """Give a dictionary or list what is stored; where it cannot be read or does not fit, that is noted."""
    own = _plain(values)
    try:
        stored_values = _read(stored, isinstance(own, Mapping))
    except (BadValue, Damaged, OSError) as error:
        recorder.note("configuration", f"{error}; keeping the program's own")
        recorder.put_configuration(name, content_of(values, recorder.masker)[0], keep_stored=False)
        return values
    found: Any = text.fitted(masking.own_values(stored_values, own), own)
    if own is not values:
        return sys.modules["omegaconf"].OmegaConf.create(found)
    if isinstance(values, MutableMapping):
        values.clear()
        values.update(found)
    else:
        values[:] = found  # type: ignore[index]  # mypy takes what is no mapping for any object
    return values


def _read(stored: Stored, is_mapping: bool) -> Any:  # noqa: ANN401 - a dictionary or a list
    where = f"configuration {stored.name}"
    found = text.loads(as_text(stored.read()) or "", stored.path.suffix[1:].lower(), where=where)
    if not isinstance(found, dict if is_mapping else list):
        raise BadValue(f"{where} is no {'dictionary' if is_mapping else 'list'}, as the program's own is")
    return found


def _connect_file(path: Path, name: str, recorder: Recorder, *, description: str | None, keep: bool) -> Path:
    try:
        data: bytes | None = path.read_bytes()
    except OSError as error:
        if not keep:
            raise BadValue(f"the configuration file {str(path)!r} cannot be read: {error.strerror}") from None
        data = None
    kind = path.suffix[1:]
    own = None if data is None else as_text(data)
    content = Content(data or b"", kind or FILE, suffix_of(kind), description)
    if own is not None:
        shown, names = masking.masked(own, kind.lower(), recorder.masker)
        content = Content(shown.encode(), kind or FILE, suffix_of(kind), description, tuple(names))
    stored = recorder.put_configuration(name, content, keep_stored=keep)
    if stored is None:
        return path
    wanted = stored.read()
    if wanted == content.data and data is not None:
        return path
    shown_text = as_text(wanted)
    if shown_text is not None:
        shown_text, missing = masking.restored(shown_text, own or "", kind.lower(), recorder.masker)
        if missing:
            recorder.note(
                "configuration", f"{name}: stored masked, and not in the program's: {', '.join(missing[:20])}"
            )
        wanted = shown_text.encode()
    return _temporary(path.name, wanted, recorder)


def _temporary(name: str, data: bytes, recorder: Recorder) -> Path:
    """Write a file that the program can read until the end of the run."""
    folder = Path(tempfile.mkdtemp(prefix="taskstore-"))
    recorder.at_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    path = folder / name
    path.write_bytes(data)
    return path
