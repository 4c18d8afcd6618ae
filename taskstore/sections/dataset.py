"""The files of a dataset: which are meant, what they are called, in which pieces they are kept, how a copy is made."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from ..core.errors import BadValue, Damaged, NotFound
from ..disk import archive
from ..schema.dataset import DatasetState


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare; nothing of one that is no such."""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d+(\.\d+)*", version, re.ASCII) else ()


def found(
    path: Path, wildcard: str | Sequence[str] | None, base: str | Path | None, recursive: bool
) -> Iterator[tuple[str, Path]]:
    """Yield the files at a path by name: relative to the folder, or to `base`. Raises NotFound."""
    path = path.expanduser()
    if path.is_file():
        yield (path.relative_to(base).as_posix() if base else path.name), path
        return
    if not path.is_dir():
        raise NotFound("file or folder", str(path))
    patterns = [wildcard] if isinstance(wildcard, str) else list(wildcard or ["*"])
    for name, source in archive.files_below(path, except_below=path / ".no-such-folder").items():
        is_fit = any(
            fnmatch.fnmatch(PurePosixPath(name).name, each) or fnmatch.fnmatch(name, each) for each in patterns
        )
        if is_fit and (recursive or "/" not in name):
            yield (source.relative_to(base).as_posix() if base else name), source


def joined(folder: str | None, name: str) -> str:
    """Return a name below a folder of the dataset. Raises BadValue where it leads out of it."""
    full = PurePosixPath((folder or "").strip("/"), name)
    if ".." in full.parts or full.is_absolute():
        raise BadValue(f"{str(full)!r} leads out of the dataset")
    return full.as_posix()


def fits(name: str, wanted: str, recursive: bool) -> bool:
    """Tell whether a name is the one wanted, below that folder, or fits that wildcard."""
    wanted = wanted.strip("/")
    if not recursive and "/" in name[len(PurePosixPath(wanted).parent.as_posix().strip(".")) :].strip("/"):
        return False
    return name == wanted or name.startswith(f"{wanted}/") or fnmatch.fnmatch(name, wanted)


def chunks(waiting: Mapping[str, tuple[Path, int, int]], size_bytes: float) -> Iterator[dict[str, Path]]:
    """Yield files by SHA-256, in groups of about a size."""
    chunk: dict[str, Path] = {}
    held = 0
    for digest, (source, size, _) in waiting.items():
        if chunk and held + size > size_bytes:
            yield chunk
            chunk, held = {}, 0
        chunk[digest] = source
        held += size
    if chunk:
        yield chunk


def chosen(names: Sequence[str], wanted: Sequence[str] | None) -> Sequence[str]:
    """Return the wanted ones of the names, in their order; all where None is given. Raises NotFound."""
    if wanted is None:
        return names
    unknown = sorted(set(wanted).difference(names))
    if unknown:
        raise NotFound("file of the dataset", unknown[0], "list_files() has those that there are")
    return [name for name in names if name in set(wanted)]


def hash_of_names(names: Sequence[str]) -> str:
    """Return the SHA-256 of a list of names."""
    return hashlib.sha256(msgspec.json.encode(list(names))).hexdigest()


def part_of(names: Sequence[str], part: int | None, num_parts: int | None) -> Sequence[str]:
    """Return the names of one of several parts, which together are all. Raises BadValue."""
    if num_parts is None:
        return names
    if not 0 <= (part or 0) < num_parts:
        raise BadValue(f"part is {part}; it is a number from 0 to {num_parts - 1}")
    return names[(part or 0) :: num_parts]


def within(folder: Path, name: str) -> Path:
    """Return where a file of the dataset goes in a folder. Raises Damaged where its name leads out of it."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise Damaged(folder, f"a file's name leads out of the dataset: {name!r}")
    return folder / name


def put(source: Path, place: Path, *, is_linked: bool) -> None:
    """Bring a file to a place: linked and read-only, or a copy of its own."""
    if is_linked and os.name != "nt":
        source.chmod(0o444)
        try:
            os.link(source, place)
        except OSError:
            pass  # too many links, or a file system without them: a copy
        else:
            return
    shutil.copyfile(source, place)


def hash_of(state: DatasetState) -> str:
    """Return the SHA-256 of a state."""
    return hashlib.sha256(msgspec.json.encode(state, order="deterministic")).hexdigest()
