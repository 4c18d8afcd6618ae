"""What a task's environment is to hold: its recorded requirements, and the full lock that they are constrained by.

What a record says is foreign: a line must be a requirement and nothing else. Options that pip and uv would take in
a requirements file are passed over but for those that say where packages are, and so is `${NAME}`, which both of them
replace by an environment variable of the agent's.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.secrets import MASK
from ..disk.distributions import normalised
from ..disk.layout import TaskPaths
from ..schema.record import ScriptRecord

OURS = "taskstore"

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<rest>.*)", re.S)
_PINNED = re.compile(r"(?P<extras>\[[^\]]*\])?\s*={2,3}\s*(?P<version>[^\s,;*]+)\s*(?P<marker>;.*)?", re.S)
_FROM_URL = re.compile(r"(?P<extras>\[[^\]]*\])?\s*@\s*(?P<url>\S+)\s*(?P<marker>;.*)?", re.S)
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]\s*(?P<place>\S.*?)(?:\s+#\s*(?P<pinned>\S+))?", re.S)
_PLACES = re.compile(
    r"(?P<option>-i|--index-url|--extra-index-url|-f|--find-links)[\s=]\s*(?P<place>\S+)|--no-index|"
    r"(?:--only-binary|--no-binary)[\s=]\s*\S+"
)
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.\w+|tgz)\Z")


@dataclass(frozen=True)
class Package:
    """One requirement: `line` as an installer takes it; `version` where it is one, `url` where it is not of an index.

    `name` is as in PEP 503, and empty of an address that does not say what it leads to. `recorded` is the line of the
    lock.
    """

    name: str
    line: str
    version: str = ""
    url: str = ""
    recorded: str = ""


@dataclass(frozen=True)
class Wanted:
    """What an environment is to hold, and what of the record it cannot."""

    python: str
    """The minor version, "3.11"; empty where none is recorded."""
    packages: tuple[Package, ...] = ()
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    left_out: tuple[Package, ...] = ()
    """What cannot be installed on this machine; the notes say why."""
    notes: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        """Return {name: version} of all that is wanted in one version."""
        pins = (line.partition("==") for line in self.constraints if " @ " not in line)
        stated = {package.name: package.version for package in self.packages if package.version}
        return {**{normalised(name): version for name, _, version in pins}, **stated}


def read(paths: TaskPaths, script: ScriptRecord) -> Wanted:
    """Read what a task's environment is to hold: source/requirements.txt, else the record; source/environment.txt."""
    reading = _Reading(_lines(paths.environment))
    lines = _lines(paths.requirements) or [_spelled(*item) for item in sorted(script.requirements.items())]
    for line in lines:
        reading.take(line)
    found = re.match(r"(\d+)\.(\d+)", script.python)
    return Wanted(
        python=f"{found[1]}.{found[2]}" if found else "",
        packages=tuple(sorted(reading.packages, key=lambda package: package.line)),
        constraints=tuple(reading.constraints()),
        options=tuple(reading.options),
        left_out=tuple(reading.left_out),
        notes=tuple(reading.notes),
    )


def _spelled(name: str, rest: str) -> str:
    return f"{name}=={rest}" if rest[:1].isdigit() else f"{name}{rest}"


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    stripped = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _plain(line: str) -> str:
    """Return a line without its comment; hashes go too, because they would have to be given for every package."""
    return re.sub(r"\s+(#.*|--hash[=\s]\S+)", "", line, flags=re.S).strip()


class _Reading:
    """Takes the lines of a requirements file one by one, in the light of the lock."""

    def __init__(self, lock: Iterable[str]) -> None:
        self.packages: list[Package] = []
        self.options: list[str] = []
        self.left_out: list[Package] = []
        self.notes: list[str] = []
        self._lock = {name: line for line in lock if (name := _name_in_lock(line))}

    def take(self, line: str) -> None:
        editable = _EDITABLE.fullmatch(line)
        if editable is not None:
            self._editable(editable["place"], _name_of_pin(editable["pinned"] or ""))
            return
        text = _plain(line)
        problem = _problem(text)
        if problem:
            self._leave_out("", text, problem)
        elif text.startswith("-"):
            self._option(text)
        else:
            self._package(text)

    def _option(self, text: str) -> None:
        if _PLACES.fullmatch(text):
            self.options.append(text)
        else:
            self.notes.append(f"{text!r} is left out: no option that says where packages are")

    def _package(self, text: str) -> None:
        stated = _REQUIREMENT.fullmatch(text)
        if "://" in text.partition("@")[0] or text.startswith(("/", ".", "~")) or stated is None:
            self._address(text)
            return
        name, rest = normalised(stated["name"]), stated["rest"].strip()
        recorded = self._lock.get(name, "")
        from_url, pinned = _FROM_URL.fullmatch(rest), _PINNED.fullmatch(rest)
        if name == OURS:
            return  # the agent's own stands in every environment
        if from_url is not None:
            self._from_url(name, from_url["url"], text)
        elif pinned is None:
            self._add(Package(name, text, recorded=recorded))
        elif recorded.startswith("-e ") and not _is_changed(recorded, pinned["version"]):
            self._editable(_place_of(recorded), name, pinned["version"])
        elif " @ " in recorded and not _is_changed(recorded, pinned["version"]):
            self.notes.append(f"{name} is installed from where it was: {recorded.partition(' @ ')[2]}")
            self._from_url(name, recorded.partition(" @ ")[2], recorded, pinned["version"])
        else:
            self._add(Package(name, text, pinned["version"], recorded=recorded))

    def _from_url(self, name: str, url: str, line: str, version: str = "") -> None:
        local = local_path(url)
        if local is None or local.exists():
            self._add(Package(name, line, version, url, line))
        elif version and _ARCHIVE.search(local.name):
            self.notes.append(f"{name}: {local} is not on this machine; {name}=={version} is taken from the index")
            self._add(Package(name, f"{name}=={version}", version, recorded=line))
        else:
            self._leave_out(name, line, f"it was installed from {local}, which is not on this machine", version)

    def _editable(self, place: str, name: str, version: str = "") -> None:
        if name == OURS:
            return
        url = local_path(place) or Path(place)
        if "://" in place and local_path(place) is None:
            self._package(f"{name or _egg(place)} @ {place.partition('#')[0]}" if name or _egg(place) else place)
        elif url.is_absolute() and url.is_dir():
            self.notes.append(f"{name or url} is installed from {url}, as it is now")
            self._add(Package(name, f"-e {url}", version, recorded=f"-e {url}"))
        else:
            problem = f"it was a development install of {url}, which is not on this machine"
            self._leave_out(name, f"-e {url}", problem, version)

    def _address(self, text: str) -> None:
        local = local_path(text) if "://" in text else Path(text)
        if local is None or (local.is_absolute() and local.exists()):
            self._add(Package("", text, url=text, recorded=text))
        else:
            self._leave_out("", text, "it is not on this machine")

    def _add(self, package: Package) -> None:
        problem = _problem(package.line.removeprefix("-e "))
        if problem:
            self._leave_out(package.name, package.line, problem, package.version)
        else:
            self.packages.append(package)

    def _leave_out(self, name: str, line: str, why: str, version: str = "") -> None:
        self.left_out.append(Package(name, line, version, recorded=line))
        self.notes.append(f"{name or repr(line)} is left out: {why}")

    def constraints(self) -> Iterable[str]:
        """Yield the lines of the lock that can hold elsewhere, and that no requirement contradicts."""
        stated = {package.name: package for package in self.packages}
        for name, line in sorted(self._lock.items()):
            package = stated.get(name)
            pin = re.fullmatch(r"[^\s@=]+==([^\s;]+)", line)
            if name == OURS or line.startswith("-e ") or _problem(line):
                continue
            if pin is None:
                if package is None and local_path(line.partition(" @ ")[2]) is None:
                    yield line
            elif package is None or (not package.url and not package.version and allows(package.line, pin[1])):
                yield line


def allows(requirement: str, version: str) -> bool:
    """Tell whether a requirement that names no exact version is met by one; False where nobody can tell."""
    reader = _reader()
    if reader is None:
        return re.fullmatch(r"[\w.-]+(\[[^\]]*\])?", requirement) is not None
    try:
        parsed = reader.Requirement(requirement)
        return bool(parsed.url is None and parsed.specifier.contains(version, prereleases=True))
    except ValueError:
        return False


def applies(requirement: str) -> bool:
    """Tell whether a requirement's marker holds in this very Python."""
    reader = _reader()
    if ";" not in requirement or reader is None:
        return True
    try:
        marker = reader.Requirement(requirement).marker
        return marker is None or bool(marker.evaluate())
    except ValueError:
        return True


def _reader() -> Any:  # noqa: ANN401 - a module that may be found in two places, or in none
    """Return packaging.requirements: it is no dependency of ours, but everything that installs packages has it."""
    for name in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _problem(text: str) -> str:
    """Say why a line of a record cannot be given to an installer; empty where it can."""
    if MASK in text:
        return "it holds a secret that is masked"
    if "${" in text:
        return "it asks for an environment variable"
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "it holds control characters"
    if re.search(r"\S\s+-", text) and not text.startswith("-"):
        return "it holds options"
    return ""


def _name_in_lock(line: str) -> str:
    editable = _EDITABLE.fullmatch(line)
    if editable is not None:
        return _name_of_pin(editable["pinned"] or "")
    stated = _REQUIREMENT.fullmatch(_plain(line))
    return normalised(stated["name"]) if stated else ""


def _name_of_pin(pinned: str) -> str:
    return normalised(pinned.partition("==")[0])


def _is_changed(recorded: str, version: str) -> bool:
    """Whether the lock says that it was another version: then somebody has asked for this one since."""
    _, comment, pinned = recorded.partition("  # ")
    return bool(comment) and pinned.partition("==")[2] not in ("", version)


def _place_of(recorded: str) -> str:
    editable = _EDITABLE.fullmatch(recorded)
    return editable["place"] if editable else ""


def _egg(address: str) -> str:
    found = re.search(r"[#&]egg=([\w.-]+)", address)
    return normalised(found[1]) if found else ""


def local_path(url: str) -> Path | None:
    """Return the path that a `file:` address leads to, a repository's too; None of any other."""
    found = re.match(r"(?P<vcs>[a-z]+\+)?file:(?://(?:localhost)?)?(?P<path>/[^#]*)", url)
    if found is None:
        return None
    from urllib.parse import unquote
    from urllib.request import url2pathname

    path = found["path"]
    if found["vcs"]:
        path = re.sub(r"@[^/@]*\Z", "", path)  # the commit
    return Path(url2pathname(path) if path[2:3] == ":" else unquote(path))
