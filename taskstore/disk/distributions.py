"""The installed distributions, read off the folders on `sys.path`.

`importlib.metadata` parses the whole METADATA of each; here a folder's name says name and version, as the packaging
standards define it, and RECORD says whose a file is. No other text is read unless somebody asks.
"""

# Paths are strings here: a hundred distributions are looked through in milliseconds.
# ruff: noqa: PTH110, PTH113, PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..core.urls import strip_credentials


@dataclass(frozen=True)
class Distribution:
    """One `.dist-info` or `.egg-info` folder (or file); `name` is as in PEP 503."""

    info: str
    name: str
    version: str

    @property
    def is_development(self) -> bool:
        """Whether it is `name.egg-info`, which a development install leaves in the source tree itself."""
        return self.info.endswith(".egg-info") and "-" not in os.path.basename(self.info).removesuffix(".egg-info")

    def _text(self, name: str) -> bytes:
        try:
            with open(os.path.join(self.info, name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    @cached_property
    def _record(self) -> bytes:
        return self._text("RECORD")

    def holds(self, file: str) -> bool:
        """Whether it installed this file; the path is relative to the folder it lies in, with forward slashes."""
        if self._record:
            entry = file.encode("utf-8", "surrogateescape") + b","
            return b"\n" + entry in self._record or self._record.startswith(entry)
        top = file.partition("/")[0].partition(".")[0]
        tops = self._text("top_level.txt").decode(errors="replace").split()
        return top in tops if tops else normalised(top) == self.name

    @cached_property
    def _origin(self) -> dict[str, object]:
        """PEP 610's direct_url.json: where it came from when that was not an index."""
        text = self._text("direct_url.json")
        if not text:
            return {}
        import json

        try:
            found = json.loads(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("url"), str) else {}

    @cached_property
    def editable_path(self) -> str | None:
        """The folder of an editable installation's project."""
        kind = self._origin.get("dir_info")
        is_editable = isinstance(kind, dict) and kind.get("editable")
        return _local_path(str(self._origin["url"])) if is_editable else None

    def requirement(self) -> str:
        """Return the line of a requirements file that installs it again, without credentials."""
        pinned = f"{self.name}=={self.version}"
        if self.editable_path:
            return f"-e {self.editable_path}  # {pinned}"
        url = _direct_url(self._origin) if self._origin else None
        return f"{self.name} @ {url}" if url else pinned


class Installed:
    """The distributions in folders, which are `sys.path` as it is now; each is listed once at most, when needed."""

    def __init__(self, folders: Iterable[str] | None = None) -> None:
        found = sys.path if folders is None else folders
        self._folders: dict[str, list[Distribution] | None] = dict.fromkeys(map(os.path.abspath, found))

    def _within(self, folder: str) -> list[Distribution]:
        found = self._folders[folder]
        if found is None:
            try:
                entries = sorted(os.listdir(folder))
            except OSError:
                entries = []
            candidates = [_distribution(folder, entry) for entry in entries if entry.endswith(("-info", "-INFO"))]
            found = self._folders[folder] = [dist for dist in candidates if dist is not None]
        return found

    def everything(self) -> Iterator[Distribution]:
        """Yield every distribution, once a name: the one that comes first in the search for modules."""
        names: set[str] = set()
        for folder in self._folders:
            for dist in self._within(folder):
                if dist.name not in names:
                    names.add(dist.name)
                    yield dist

    def owners(self, file: str) -> list[Distribution]:
        """Return those that installed the file; the one named like its top-level module is asked first."""
        for folder in map(str, Path(file).parents):
            if folder in self._folders:
                relative = os.path.relpath(file, folder).replace(os.sep, "/")
                likely = normalised(relative.partition("/")[0].partition(".")[0])
                candidates = self._within(folder)
                found = [dist for dist in candidates if dist.name == likely and dist.holds(relative)]
                if found := found or [dist for dist in candidates if dist.holds(relative)]:
                    return found
        return []

    def editable(self, file: str) -> list[Distribution]:
        """Return the editable installations whose project folder holds the file."""
        return [d for d in self.everything() if d.editable_path and file.startswith(d.editable_path + os.sep)]


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(folder: str, entry: str) -> Distribution | None:
    stem, _, kind = entry.rpartition(".")
    if entry.startswith("~") or (kind not in ("dist-info", "egg-info") and entry != "EGG-INFO"):
        return None
    info = os.path.join(folder, entry)
    name, _, version = stem.partition("-")
    if kind == "egg-info":
        version = version.partition("-py")[0]
    metadata = os.path.join(info, "METADATA" if kind == "dist-info" else "PKG-INFO")
    if not os.path.isfile(metadata):
        if not os.path.isfile(info):
            return None  # an interrupted uninstall left an empty folder
        metadata = info  # an egg-info file is the metadata itself
    if not name or not version[:1].isdigit() or "_" in version or "-" in version:
        name, version = _head(metadata, name, version)
    return Distribution(info, normalised(name), version) if name and version else None


def _head(metadata: str, name: str, version: str) -> tuple[str, str]:
    try:
        with open(metadata, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key == "Name":
                    name = value.strip()
                elif key == "Version":
                    version = value.strip()
                elif not line.strip():
                    break
    except OSError:
        pass
    return name, version


def _local_path(url: str) -> str | None:
    if not url.startswith("file://"):
        return None
    from urllib.parse import unquote

    path = unquote(url.removeprefix("file://").removeprefix("localhost"))
    return (path.lstrip("/").replace("/", "\\") if os.name == "nt" else path).rstrip(os.sep)


def _direct_url(origin: dict[str, object]) -> str | None:
    """Return the URL as pip takes it, or None where it says nothing elsewhere or later: conda's build folders."""
    url = strip_credentials(str(origin["url"])).partition("#")[0]
    local = _local_path(url)
    if local is not None and not os.path.exists(local):
        return None
    fragments = [f"subdirectory={origin['subdirectory']}"] if isinstance(origin.get("subdirectory"), str) else []
    vcs, archive = origin.get("vcs_info"), origin.get("archive_info")
    if isinstance(vcs, dict) and vcs.get("vcs"):
        revision = vcs.get("commit_id") or vcs.get("requested_revision")
        url = f"{vcs['vcs']}+{url}" + (f"@{revision}" if revision else "")
    elif isinstance(archive, dict):
        hashes = archive.get("hashes")
        fragments += [f"{kind}={digest}" for kind, digest in hashes.items()] if isinstance(hashes, dict) else []
    return url + ("#" + "&".join(fragments) if fragments else "")
