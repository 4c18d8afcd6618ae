"""What a program says of the packages that it needs, over what is seen of its imports; before its task begins, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..capture import packages
from ..core.errors import BadValue, NotFound

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)", re.S
)
_added: dict[str, str] = {}
_ignored: set[str] = set()
_frozen: list[bool] = []
_replaced: dict[str, dict[str, str]] = {}


def add(name: str, version: str | None = None) -> None:
    """Have a package among the requirements whether or not it is imported; a requirements file stands for its lines.

    A version that begins with a digit is that very one; '>=2' is taken as it is. Raises BadValue, NotFound.
    """
    if name.endswith(".txt") or "/" in name:
        _added.update(parse(read_file(name)))
    else:
        _added.update(parse([f"{name}{_spelled(version)}"]))


def _spelled(version: str | None) -> str:
    return f"=={version}" if version and version[:1].isdigit() else (version or "")


def ignore(name: str) -> None:
    """Leave a package out of the requirements."""
    _ignored.add(_normal(name))


def freeze(wanted: bool = True, file: str | Path | None = None) -> None:
    """Record every installed package as a requirement, or those of a file, instead of what is imported."""
    _frozen[:] = [True] if wanted and file is None else []
    if file is not None:
        _replaced[""] = parse(read_file(file)) if wanted else {}


def replace(task_id: str, wanted: Mapping[str, str]) -> None:
    """Have these as the requirements of a running task, whatever it imports."""
    _replaced[task_id] = dict(wanted)


def chosen(found: Mapping[str, str], task_id: str = "") -> dict[str, str]:
    """Return what a program is recorded to need, where `found` is what it imports."""
    base = _replaced.get(task_id) or _replaced.get("") or (_installed() if _frozen else found)
    kept = {name: version for name, version in base.items() if _normal(name) not in _ignored}
    stated = {_normal(name): (name, version) for name, version in kept.items()}
    for name, version in _added.items():
        seen = stated.get(_normal(name), (name, ""))
        stated[_normal(name)] = (seen[0], version or seen[1])
    return dict(sorted(stated.values()))


def forget() -> None:
    """Take back all that was said."""
    for said in (_added, _ignored, _frozen, _replaced):
        said.clear()


def parse(lines: Iterable[str]) -> dict[str, str]:
    """Return {name: version} of lines of a requirements file; a pinned version as it is, else with its operator.

    Comments, options and blank lines are passed over. Raises BadValue.
    """
    found = {}
    for line in lines:
        text = line.partition(" #")[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        stated = _REQUIREMENT.fullmatch(text)
        if stated is None:
            raise BadValue(f"{line!r} is no requirement; write it like 'tqdm>=4.60'")
        rest = stated["rest"].strip()
        is_pinned = re.fullmatch(r"==\s*[^\s,;*]+", rest) is not None
        found[stated["name"]] = rest.removeprefix("==").strip() if is_pinned else rest
    return found


def read_file(path: str | Path) -> list[str]:
    """Return the lines of a requirements file. Raises NotFound."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise NotFound("file", str(path), "a requirements file is one that `pip install -r` reads")
    return file.read_text("utf-8", "replace").splitlines()


def _installed() -> dict[str, str]:
    return parse(line for line in packages.environment() if "==" in line and not line.startswith("-e"))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
