"""A ClearML offline session as it lies in its folder or zip: its task.json, its events, and where its files are."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote

import msgspec

from ....core.errors import Damaged
from ....disk.members import Members
from ....store.doctor.salvage import readable
from ..base import Notes

DOCUMENT = "task.json"
METRICS = "metrics.jsonl"
CONSOLE = "log.jsonl"
MAX_DOCUMENT_BYTES = 64 << 20
MAX_LINE_BYTES = 64 << 20
_DATA = "data/"
_MODELS = "models/"
_ID = re.compile(r"offline-[0-9a-f]{32}")
_HOME = re.compile(r"data/(?P<project>.+)/(?P<name>[^/]+)\.(?P<id>[A-Za-z]+-[0-9a-f]{32})/(artifacts|metrics)/", re.S)
_LATEST_MS = 4_102_444_800_000  # the year 2100: what is beyond is no time

_MAX_DEPTH = 200


def text_of(value: object) -> str:
    """Return a text as it may be stored; anything else is none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""


def mapping_of(value: object) -> dict[str, Any]:
    """Return an object of JSON; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Return a list of JSON; anything else is an empty one."""
    return value if isinstance(value, list) else []


def texts_of(value: object) -> list[str]:
    """Return the texts in a list, each once."""
    return list(dict.fromkeys(text_of(item) for item in list_of(value) if text_of(item)))


def time_of(milliseconds: object) -> datetime | None:
    """Return the moment of an event; None where it is none."""
    is_number = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    if not is_number or not 0 < milliseconds < _LATEST_MS:  # type: ignore[operator]  # a number
        return None
    return datetime.fromtimestamp(float(milliseconds) / 1000, tz=timezone.utc)  # type: ignore[arg-type]  # a number


class Session:
    """One session. What of it cannot be read is in `notes`; what can, is what its methods return."""

    def __init__(self, members: Members, notes: Notes) -> None:
        """Read task.json, or as much of it as there is. Raises Damaged where nothing here is of a session."""
        self.members = members
        self.notes = notes
        if not is_session(members):
            raise Damaged(members.path, f"it is no session of ClearML: there is no {DOCUMENT} in it")
        self.document = self._read_document()
        self._folder = text_of(self.document.get("offline_folder")).replace("\\", "/").rstrip("/")
        self.id = text_of(self.document.get("id")) or self._lost_id()
        home = self._home()
        self.name = text_of(self.document.get("name")) or (home["name"] if home else "")
        self.project = text_of(self.document.get("project_name")) or (home["project"] if home else "")
        self.models = {
            text_of(item.get("id")): item
            for item in map(mapping_of, list_of(self.document.get("offline_output_models")))
        }

    def _home(self) -> Mapping[str, str] | None:
        return _home(self.members)

    def _read_document(self) -> dict[str, Any]:
        if DOCUMENT not in self.members.sizes:
            self.notes.add(f"{DOCUMENT} is missing: parameters, configuration and code are lost")
            return {}
        data = b""
        with self.notes.of(DOCUMENT, Damaged):
            data = self.members.read(DOCUMENT, MAX_DOCUMENT_BYTES)
        found = parse(data)
        if isinstance(found, dict):
            return found
        saved: dict[str, Any] = readable(data)
        self.notes.add(
            f"{DOCUMENT} breaks off: what it says of {', '.join(sorted(saved))} is saved, the rest is lost"
            if saved
            else f"{DOCUMENT} {'cannot be read' if data else 'is empty'}: parameters, configuration and code are lost"
        )
        return saved

    def _lost_id(self) -> str:
        """Return the id from where else it stands; else one that its events give, the same each time."""
        home, named = self._home(), _ID.search(self.members.path.name)
        if home or named:
            return home["id"] if home else named[0] if named else ""
        digest = hashlib.sha256()
        for name in (METRICS, CONSOLE):
            for event in self.events(name):
                if text_of(event.get("task")):
                    return text_of(event["task"])
                digest.update(repr(event).encode("utf-8", "backslashreplace"))
        return f"lost-{digest.hexdigest()[:32]}"

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the events of a log; lines that cannot be read are noted."""
        if name not in self.members.sizes:
            return
        with self.notes.of(f"{name} breaks off", Damaged):
            for line in self.members.lines(name, MAX_LINE_BYTES):
                if line is not None and not line.strip():
                    continue
                batch = None if line is None else parse(line)
                if not isinstance(batch, (list, dict)):
                    self.notes.add(f"a line of {name} cannot be read")
                    continue
                for event in batch if isinstance(batch, list) else [batch]:
                    if isinstance(event, dict):
                        yield event

    def began(self) -> datetime | None:
        """Return when the first event was, by the beginning of the logs; None where there is none."""
        quiet, self.notes = self.notes, Notes()  # what is said here is said again when all is read
        try:
            heads = [next(self.events(name), {}).get("timestamp") for name in (METRICS, CONSOLE)]
        finally:
            self.notes = quiet
        return min((moment for moment in map(time_of, heads) if moment is not None), default=None)

    def file(self, address: object) -> str | None:
        """Return the name here of the file at an address of the machine where the session was made; None for others.

        It is looked for below the folder that the session had there, wherever that is now, and nowhere else: a session
        names no file of this machine.
        """
        text = text_of(address).replace("\\", "/").removeprefix("file://")
        if not text or "://" in text:
            return None
        if self._folder and text.startswith(f"{self._folder}/"):
            text = text[len(self._folder) + 1 :]
        if text in self.members.sizes:
            return text
        for mark in (_DATA, _MODELS):
            at = text.find(f"/{mark}")
            while at >= 0:
                if text[at + 1 :] in self.members.sizes:
                    return text[at + 1 :]
                at = text.find(f"/{mark}", at + 1)
        return None

    def sample(self, event: Mapping[str, Any]) -> str | None:
        """Return the name here of a debug sample's file; None where that is elsewhere."""
        named = f"{_DATA}{text_of(event.get('key'))}"
        return named if named in self.members.sizes else self.file(event.get("url"))

    def weights(self, address: object) -> str | None:
        """Return the name here of a model's weights; those in models/ go before."""
        name = f"{_MODELS}{text_of(address).replace(chr(92), '/').rpartition('/')[2]}"
        return name if name in self.members.sizes else self.file(address)

    def files_below(self, folder: str) -> list[str]:
        """Return the names of the files below `artifacts` of the session's data, or `models`."""
        if folder == "models":
            return [name for name in self.members.sizes if name.startswith(_MODELS)]
        return [name for name in self.members.sizes if name.startswith(_DATA) and f"/{folder}/" in name]


def _enter_folder(members: Members) -> None:
    """Take the one folder that there is for the session: somebody has packed that, and not what is in it."""
    folders = {name.partition("/")[0] for name in members.sizes}
    if len(folders) == 1 and not {DOCUMENT, METRICS, CONSOLE} & members.sizes.keys():
        (folder,) = folders
        if f"{folder}/{DOCUMENT}" in members.sizes or _ID.fullmatch(folder):
            members.enter(folder)


def is_session(members: Members) -> bool:
    """Tell by the names of files whether they are, or were, a session."""
    _enter_folder(members)
    return bool({DOCUMENT, METRICS, CONSOLE} & members.sizes.keys()) or _home(members) is not None


def _home(members: Members) -> Mapping[str, str] | None:
    """Return project, name and id as the path of a file says them."""
    found = next((match for match in map(_HOME.match, members.sizes) if match), None)
    return {key: unquote(text) for key, text in found.groupdict().items()} if found else None


def parse(data: bytes | str) -> object:
    """Parse JSON as ClearML writes it, with NaN in it too; None where it is none, or nested beyond all sense."""
    found = _parsed(data)
    openings = data.count(b"[") + data.count(b"{") if isinstance(data, bytes) else data.count("[") + data.count("{")
    return None if openings > _MAX_DEPTH and _is_deep(found) else found


def _parsed(data: bytes | str) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        found: object = json.loads(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)
    except (ValueError, RecursionError):
        return None
    return found


def _is_deep(value: object) -> bool:
    """Tell what is nested deeper than any document: how deep Python itself parses depends on its version."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        nested = [each for each in level if isinstance(each, (dict, list))]
        level = [item for each in nested for item in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return False
    return True
