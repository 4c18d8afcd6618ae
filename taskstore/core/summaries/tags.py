"""What TensorBoard's tags and folders are called here: title, series and iteration, as ClearML names them.

The last part of a tag is the series, and what is before it the title; a tag of one part is both, or below the title
of its kind. Where two folders (train, validation) write the same, the first keeps the name, and to that of a later one
the parts of its folder are added that the first's has not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """How the tags of one kind of summary are named: its title for tags of one part, and how many parts a series has.

    `by_folder` is what title and series become where another folder has them.
    """

    title: str
    parts: int
    by_folder: tuple[str, str]


SCALAR = Kind("", 1, ("{title}", "{folder}: {series}"))
HISTOGRAM = Kind("Histograms", 1, ("{title}", "{series} :{folder}"))
IMAGE = Kind("Images", 3, ("{title} {folder}", "{series}"))
AUDIO = Kind("Audio", 3, ("{title} {folder}", "{series}"))
TEXT = Kind("Text", 3, ("{title} {folder}", "{series}"))


class Named:
    """One series, and the iterations of its events."""

    def __init__(self, title: str, series: str, *, has_steps: bool) -> None:
        self.title = title
        self.series = series
        self._zeros = -1 if has_steps else 0

    def iteration(self, step: int) -> int:
        """Return a step as it is. Where all have been 0, which is what a missing one looks like, they are counted."""
        if step or self._zeros < 0:
            self._zeros = -1
            return step
        self._zeros += 1
        return self._zeros - 1


class Tags:
    """The names that one run has given."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str, str], Named] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._stepped: set[str] = set()

    def always_stepped(self, folder: str) -> None:
        """Say that no step is missing in what is written to a folder: 0 is 0 there, however often it comes."""
        self._stepped.add(folder)

    def named(self, kind: Kind, tag: str, folder: str) -> Named:
        """Return the series of a tag in a writer's folder."""
        key = (kind.title, tag, folder)
        found = self._named.get(key)
        if found is None:
            title, series = self._unique(kind, *_split(kind, tag, folder), folder)
            found = self._named[key] = Named(title, series, has_steps=folder in self._stepped)
        return found

    def _unique(self, kind: Kind, title: str, series: str, folder: str) -> tuple[str, str]:
        owner = self._owners.setdefault((title, series), folder)
        if owner == folder:
            return title, series
        theirs = set(_parts(owner))
        own = "/".join(part for part in _parts(folder) if part not in theirs)
        for name in (own, folder):
            changed = [each.format(title=title, series=series, folder=name) for each in kind.by_folder]
            if self._owners.setdefault((changed[0], changed[1]), folder) == folder:
                break
        return changed[0], changed[1]


def _split(kind: Kind, tag: str, folder: str) -> tuple[str, str]:
    if kind is SCALAR:
        last = _parts(folder)[-1]
        if last.startswith(f"{tag}_") and len(last) > len(tag) + 1:  # of add_scalars, which makes a folder for each
            return tag, last[len(tag) + 1 :]
    parts = tag.split("/")
    count = max(1, min(kind.parts, len(parts) - 1))
    return "_".join(parts[:-count]) or kind.title or tag, "_".join(parts[-count:])


def _parts(folder: str) -> list[str]:
    return folder.replace("\\", "/").rstrip("/").split("/")
