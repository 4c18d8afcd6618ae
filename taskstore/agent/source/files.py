"""Files that a record names, put where the record says: both are foreign, and neither is believed without a look."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...core.errors import CodeDiffers, Refused
from ...disk.layout import TaskPaths
from ...schema.record import FileRef, Untracked

_CHUNK_BYTES = 1 << 20
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def open_reference(paths: TaskPaths, reference: FileRef) -> Path:
    """Return where a file of the task is. Raises Refused where its path leads elsewhere, or it is not a file."""
    path = paths.home.joinpath(*checked_parts(reference.path, "a file of the task"))
    home = paths.home.resolve()
    try:
        facts = path.lstat()
        is_inside = path.resolve().is_relative_to(home)
    except (OSError, ValueError, RuntimeError) as error:
        raise CodeDiffers("files of the task are not there", [(reference.path, _why(error))]) from None
    if not is_inside or not stat.S_ISREG(facts.st_mode):
        raise Refused(
            f"the task's record names {reference.path!r}, which leads out of the task's folder, or is no file"
        )
    return path


def checked_reference(paths: TaskPaths, reference: FileRef) -> Path:
    """Return where a file of the task is, having read it. Raises CodeDiffers where it is not what was captured."""
    path = open_reference(paths, reference)
    digest = hashlib.sha256()
    for chunk in _chunks(path, reference.size):
        digest.update(chunk)
    if digest.hexdigest() != reference.hash:
        raise CodeDiffers(
            "a file of the task is not what was captured", [(reference.path, "its SHA-256 is another")], _DAMAGED
        )
    return path


_DAMAGED = "it was changed or damaged since; `taskstore doctor` names all such files of a store"


def put(paths: TaskPaths, reference: FileRef, root: Path, parts: tuple[str, ...], *, is_executable: bool) -> str:
    """Copy a file of the task to below `root`, where nothing may be yet; return the SHA-256 of what is there now."""
    source = open_reference(paths, reference)
    target = _made_way(root, parts)
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(target, flags, 0o777 if is_executable else 0o666), "wb") as stream:
        for chunk in _chunks(source, reference.size):
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest()


def put_untracked(paths: TaskPaths, item: Untracked, root: Path) -> str:
    """Put a file that git did not know where it was; return how it differs from what was captured, or "".

    Raises Refused where its path is not one of a file below the root, or goes through a link.
    """
    parts = checked_parts(item.own_path, "an untracked file")
    try:
        if item.link is not None:
            os.symlink(item.own_link, _made_way(root, parts))  # noqa: PTH211 - a Path tidies the text
            return ""
        if item.file is None:
            return "there is no copy of it"
        found = put(paths, item.file, root, parts, is_executable=item.executable)
    except FileExistsError:
        return "the commit and its changes have a file there too"
    except ValueError:
        raise Refused(
            f"the task's record has an untracked file {item.path!r} with a name or link that cannot be"
        ) from None
    return "" if found == item.file.hash else "its SHA-256 is not the one captured"


def leads_out(item: Untracked) -> bool:
    """Tell whether an untracked file is a link to something that was not captured."""
    if item.link is None:
        return False
    link = PurePosixPath(item.own_link)
    depth = len(PurePosixPath(item.path).parts) - 1
    for part in link.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return link.is_absolute()


def checked_parts(path: str, what: str) -> tuple[str, ...]:
    """Return the parts of a relative path. Raises Refused for one that leads out, or into a repository's own files."""
    parts = tuple(path.split("/"))
    is_absolute = PurePosixPath(path).is_absolute() or Path(path).is_absolute() or bool(Path(path).drive)
    separators = "\0" if os.sep == "/" else "\0\\:"
    if is_absolute or any(part in ("", ".", "..") or set(part) & set(separators) for part in parts):
        raise Refused(f"the task's record has {what} at {path!r}, which is no path below a folder; nothing was written")
    if any(is_of_git(part) for part in parts):
        raise Refused(f"the task's record has {what} at {path!r}, among a repository's own files; nothing was written")
    return parts


def is_of_git(part: str) -> bool:
    """Tell whether a name is `.git` to some filesystem: they fold case, drop ends, ignore marks, have short names."""
    plain = part.translate(_IGNORED_BY_HFS).partition(":")[0].rstrip(". ").casefold()
    return plain in (".git", "git~1")


def _made_way(root: Path, parts: tuple[str, ...]) -> Path:
    return made_folder(root, parts[:-1]) / parts[-1]


def made_folder(root: Path, parts: tuple[str, ...]) -> Path:
    """Make a folder below `root` and those above it. Raises Refused where one of them is a link or a file."""
    folder = root
    for part in parts:
        folder = folder / part
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        if not stat.S_ISDIR(folder.lstat().st_mode):
            shown = "/".join(parts)
            raise Refused(
                f"the task's record has a folder {shown!r}, and there is a link or a file; nothing was written"
            )
    return folder


def _chunks(path: Path, size_bytes: int) -> Iterator[bytes]:
    """Read no more than was captured and a byte, which is enough to tell that it is not the same."""
    left = size_bytes + 1
    with path.open("rb") as stream:
        while left > 0 and (chunk := stream.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
