"""taskstore within an environment that it was never installed in.

A folder of links to taskstore's own packages and to what they need, and to nothing else of the agent's environment,
is put at the end of the environment's module search path by a `.pth` file: what the environment has itself comes
first. The folder is called site-packages, because that tells the captures what is a library's.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ..core.errors import Refused
from ..disk.distributions import normalised

NAME = "taskstore"
_PACKAGES = ("taskstore", "taskstore_cli")
_PTH = "_taskstore_of_the_agent.pth"


def folder_in(environment: Path) -> Path:
    """Return where the links stand that belong to an environment, which is below the same folder."""
    return environment / "taskstore" / "site-packages"


@functools.cache
def packages() -> dict[str, Path]:
    """Return {name: where it is} of taskstore's own packages, and what says its version."""
    found = {name: path for name, path in _heads(_distribution()).items() if name.endswith("-info")}
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found[name] = Path(spec.submodule_search_locations[0]).absolute()
    return found


@functools.cache
def dependencies() -> dict[str, Path]:
    """Return {name: where it is} of every module and distribution that taskstore cannot do without here."""
    found: dict[str, Path] = {}
    seen = {NAME}
    waiting = list(requirements())
    while waiting:
        name = _name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        found.update(_heads(distribution))
        waiting += _requires(distribution)
    return found


def requirements() -> list[str]:
    """Return what taskstore needs, as lines for an installer."""
    return sorted(_requires(_distribution()))


def put_into(links: Path, site_packages: Path, *, with_dependencies: bool) -> None:
    """Fill a folder with links, beside what was installed into it, and have an environment look there last."""
    for name, source in {**(dependencies() if with_dependencies else {}), **packages()}.items():
        _link(links / name, source)
    (site_packages / _PTH).write_text(f"{links}\n", encoding="utf-8")


def identity(*, with_dependencies: bool) -> list[str]:
    """Return what tells one agent's taskstore from another's: every name with the place that it is at."""
    names = {**(dependencies() if with_dependencies else {}), **packages()}
    return [f"{name} {path}" for name, path in sorted(names.items())]


def _link(target: Path, source: Path) -> None:
    if target.is_symlink() or target.exists():
        return
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows lets few users make links
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def _distribution() -> metadata.Distribution:
    try:
        return metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        raise Refused(
            "taskstore is not installed here, so it cannot be put into another environment; install it, "
            "or run the task in this one with `--env inherit`"
        ) from None


def _requires(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        if "extra ==" not in requirement:
            yield requirement


def _name(requirement: str) -> str:
    stem = requirement.partition(";")[0].strip()
    end = next((at for at, letter in enumerate(stem) if not (letter.isalnum() or letter in "._-")), len(stem))
    return normalised(stem[:end])


def _heads(distribution: metadata.Distribution) -> dict[str, Path]:
    """Return the files and folders that a distribution has put beside others on the module search path."""
    heads = {file.parts[0] for file in distribution.files or ()}
    if not distribution.read_text("RECORD"):  # of a development install: these are the files of its project
        tops = (distribution.read_text("top_level.txt") or "").split()
        heads = {head for head in heads if head.removesuffix(".py") in tops or head.endswith("-info")}
    skipped = {"..", "__pycache__", "bin", "Scripts", os.sep}
    kept = (head for head in heads - skipped if not head.endswith(".pth") and not head.startswith("__editable__"))
    return {head: Path(str(distribution.locate_file(head))).absolute() for head in kept}
