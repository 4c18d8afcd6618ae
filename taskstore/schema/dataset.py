"""What is in a dataset: the artifact `state` of its task, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec


class DatasetFile(msgspec.Struct, omit_defaults=True, gc=False):
    """A file: SHA-256 in hex, bytes, and the task and its archive that hold it, under the name of its SHA-256."""

    hash: str
    size: int
    task: str = ""
    archive: str = ""


class DatasetLink(msgspec.Struct, omit_defaults=True, gc=False):
    """A file that lies elsewhere, and is fetched when a copy is asked for."""

    link: str
    size: int = 0


class DatasetState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A version of a dataset, whole: its parents' files are named in it too."""

    version: str = ""
    parents: list[str] = []
    files: dict[str, DatasetFile] = {}
    links: dict[str, DatasetLink] = {}
    metadata: dict[str, Any] = {}


class Names(msgspec.Struct, kw_only=True):
    """Files by name, as two versions of a dataset differ in them."""

    added: list[str]
    removed: list[str]
    modified: list[str]


def merged(states: list[DatasetState]) -> DatasetState:
    """Return the files of several versions as one; of two of the same name the later state's."""
    found = DatasetState()
    for state in states:
        for name in (*state.files, *state.links):
            found.files.pop(name, None)
            found.links.pop(name, None)
        found.files.update(state.files)
        found.links.update(state.links)
    return found


def difference(before: DatasetState, after: DatasetState) -> Names:
    """Say by name what is new, gone and different; sorted."""
    old, new = _marks(before), _marks(after)
    return Names(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        modified=sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
    )


def _marks(state: DatasetState) -> dict[str, str]:
    return {name: item.hash for name, item in state.files.items()} | {
        name: item.link for name, item in state.links.items()
    }
