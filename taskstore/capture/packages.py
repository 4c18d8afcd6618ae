"""Which installed distributions the program uses, and what else is in its environment.

The rule: a distribution counts when one of *the program's own files* imports it. Own are the entry script and the
modules it reaches, as long as they lie with the script, in its repository, or anywhere that no installed
distribution and no standard library lays claim to. What a library imports for itself does not count.

Own files are read, never run: the import statements of the entry script and of the own files it leads to, and of
every own file loaded by the time of the call. What no text shows (`import_module(name)`) is seen by `watched`.
Where an imported module lies, not how it is called, decides whose it is: PyYAML's RECORD lists `yaml/__init__.py`.
"""

# ruff: noqa: PTH - strings and os.path throughout: a hundred distributions are looked through in milliseconds

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from importlib.machinery import ModuleSpec
    from types import FrameType

MAX_FILES = 500
MAX_FILE_BYTES = 1 << 20

Note = Callable[[str], None]
Observed = set[tuple[str, str]]
"""Pairs of an importing file ('' for `__main__`) and the module that it asked for."""

_SITE = ("site-packages", "dist-packages")
_STDLIB = os.path.dirname(os.__file__) + os.sep
_OURS = str(Path(__file__).parent.parent) + os.sep
_OUR_NAME = __name__.partition(".")[0]
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def imported(
    script: Path | None,
    root: Path | None,
    *,
    source: bytes | None = None,
    observed: Iterable[tuple[str, str]] = (),
    note: Note | None = None,
) -> dict[str, str]:
    """Return {distribution: version} of what the program's own files import; names as in PEP 503, sorted.

    `source` is code that has no file (a notebook's cells, `python -c`), `observed` what `watched` yielded. Call it at
    the start for what the text shows, and again at the end for what was loaded since; requirements that a user
    forces are to be merged into the result. `note` hears of files left out: more than 500, or over 1 MiB.
    """
    home = script.parent if script else Path.cwd()
    program = _Program(_roots(home, root), note or (lambda message: None))
    if script is not None:
        program.enqueue(os.path.abspath(script))
    if source is not None:
        program.read(source, str(home))
    elif script is None:
        program.want(((0, name) for name in _names_in_main()), str(home))
    for file in _loaded_files():
        if program.has(file):
            program.enqueue(file)
    program.follow()
    for importer, name in observed:
        if not importer or importer in program.seen or program.has(importer):
            program.want([(0, name)], str(home))
    program.follow()
    return dict(sorted(program.found.items()))


def environment() -> list[str]:
    """Return every installed distribution as `pip freeze` would, sorted by name, without credentials in URLs.

    `name==version`; `name @ <url>` where PEP 610 tells of a repository or an archive; `-e <path>  # name==version`.
    """
    lines = {dist.name: dist.requirement() for dist in reversed(list(_Installed().everything()))}
    return [lines[name] for name in sorted(lines)]


def requirements_text(packages: Mapping[str, str]) -> str:
    """Return a requirements file in ClearML's form: a comment with the Python version, then `name==version` lines."""
    lines = [f"# Python {' '.join(sys.version.split())}", ""]
    lines += [f"{name}=={version}" for name, version in sorted(packages.items())]
    return "\n".join(lines) + "\n"


@contextmanager
def watched() -> Iterator[Observed]:
    """Yield a set that fills with the imports made outside installed libraries within the block, by any thread."""
    watch = _Watch()
    sys.meta_path.insert(0, watch)
    try:
        yield watch.seen
    finally:
        if watch in sys.meta_path:
            sys.meta_path.remove(watch)


class _Watch:
    """A finder that never finds: it is asked first for every module that is not loaded yet, and looks who asks."""

    def __init__(self) -> None:
        self.seen: Observed = set()

    def find_spec(self, name: str, path: object = None, target: object = None, /) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and _is_machinery(frame):
            frame = frame.f_back
        if frame is None:
            return
        file = frame.f_code.co_filename
        if frame.f_globals.get("__name__") == "__main__":
            self.seen.add(("", name))
        elif not (file.startswith(("<", _STDLIB, _OURS)) or _is_site(file)):
            self.seen.add((file, name))


def _is_machinery(frame: FrameType) -> bool:
    # Another finder that asks the finders behind it stands between the importer and us.
    module = frame.f_globals.get("__name__")
    is_importlib = isinstance(module, str) and module.partition(".")[0] == "importlib"
    return is_importlib or frame.f_code.co_name == "find_spec"


@dataclass(frozen=True)
class _Distribution:
    """One `.dist-info` or `.egg-info`; its text is read only when somebody needs it."""

    info: str
    name: str
    version: str

    @property
    def is_development(self) -> bool:
        """`setup.py develop` leaves `name.egg-info`, without a version, in the source tree itself."""
        return self.info.endswith(".egg-info") and "-" not in os.path.basename(self.info)

    def text(self, name: str) -> bytes:
        try:
            with open(os.path.join(self.info, name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    @cached_property
    def _record(self) -> bytes:
        return b"\n" + self.text("RECORD").replace(b"\r", b"")

    def holds(self, file: str) -> bool:
        """Whether it installed this file, a path relative to the folder it is installed in."""
        if len(self._record) > 1:
            return f"\n{file},".encode() in self._record
        top = file.partition("/")[0].partition(".")[0]
        tops = self.text("top_level.txt").decode(errors="replace").split()
        return top in tops if tops else _normalised(top) == self.name

    @cached_property
    def origin(self) -> dict[str, object]:
        """What PEP 610's direct_url.json says of where it came from; empty for an index."""
        text = self.text("direct_url.json")
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
        kind = self.origin.get("dir_info")
        if not (isinstance(kind, dict) and kind.get("editable")):
            return None
        return _local_path(str(self.origin["url"]))

    def requirement(self) -> str:
        pinned = f"{self.name}=={self.version}"
        if not self.origin:
            return pinned
        if self.editable_path:
            return f"-e {self.editable_path}  # {pinned}"
        url = _direct_url(self.origin)
        return f"{self.name} @ {url}" if url else pinned


def _distribution(folder: str, entry: str) -> _Distribution | None:
    """Read name and version off the folder's name, which packaging standards define; else off the metadata."""
    stem, _, kind = entry.rpartition(".")
    if entry != "EGG-INFO" and (kind not in ("dist-info", "egg-info") or entry.startswith("~")):
        return None
    info = os.path.join(folder, entry)
    name, _, version = stem.partition("-")
    if kind == "egg-info":
        version = version.partition("-py")[0]
    metadata = f"{info}{os.sep}METADATA" if kind == "dist-info" else f"{info}{os.sep}PKG-INFO"
    if not os.path.isfile(metadata):
        if not os.path.isfile(info):
            return None  # what an interrupted uninstall left behind
        metadata = info
    if not name or not version[:1].isdigit() or "_" in version or "-" in version:
        name, version = _head(metadata, name, version)
    return _Distribution(info, _normalised(name), version) if name and version else None


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


class _Installed:
    """The distributions on `sys.path`, folder by folder, each folder listed at most once."""

    def __init__(self) -> None:
        self._folders: dict[str, list[_Distribution] | None] = dict.fromkeys(map(os.path.abspath, sys.path))

    def _in(self, folder: str) -> list[_Distribution]:
        found = self._folders[folder]
        if found is None:
            try:
                entries = sorted(os.listdir(folder))
            except OSError:
                entries = []
            candidates = (_distribution(folder, entry) for entry in entries if entry.endswith(("-info", "-INFO")))
            found = self._folders[folder] = [dist for dist in candidates if dist is not None]
        return found

    def everything(self) -> Iterator[_Distribution]:
        """Every distribution in the order of the search for modules; of one name, the first is the one in use."""
        for folder in self._folders:
            yield from self._in(folder)

    def owners(self, file: str) -> list[_Distribution]:
        """Those that installed the file; the one named like its top-level module is asked first."""
        for folder in map(str, Path(file).parents):
            if folder in self._folders:
                relative = os.path.relpath(file, folder).replace(os.sep, "/")
                likely = _normalised(relative.partition("/")[0].partition(".")[0])
                candidates = self._in(folder)
                found = [dist for dist in candidates if dist.name == likely and dist.holds(relative)]
                if found := found or [dist for dist in candidates if dist.holds(relative)]:
                    return found
        return []

    def editable(self, file: str) -> list[_Distribution]:
        return [d for d in self.everything() if d.editable_path and file.startswith(d.editable_path + os.sep)]

    def named(self, name: str) -> list[_Distribution]:
        return [dist for dist in self.everything() if dist.name == name][:1]


class _Program:
    """Follows the imports of the program's own files and collects the distributions that they lead to."""

    def __init__(self, roots: list[str], note: Note) -> None:
        self.roots = roots
        self.seen: set[str] = set()
        self.found: dict[str, str] = {}
        self._note = note
        self._waiting: list[str] = []
        self._installed = _Installed()
        self._owned: dict[str, list[_Distribution] | None] = {}

    def has(self, file: str) -> bool:
        """Whether a file lies with the program: below a root, and neither installed nor in a hidden folder there."""
        for root in self.roots:
            if file.startswith(root):
                return not (_is_site(file) or file.startswith((_STDLIB, _OURS)) or f"{os.sep}." in file[len(root) - 1 :])
        return False

    def enqueue(self, file: str) -> None:
        if file not in self.seen and len(self.seen) <= MAX_FILES:
            self.seen.add(file)
            if len(self.seen) > MAX_FILES:
                self._note(f"imports: stopped after {MAX_FILES} files of the program")
            else:
                self._waiting.append(file)

    def follow(self) -> None:
        while self._waiting:
            file = self._waiting.pop(0)
            try:
                with open(file, "rb") as stream:
                    text = stream.read(MAX_FILE_BYTES + 1)
            except OSError:
                continue
            if len(text) > MAX_FILE_BYTES:
                self._note(f"imports: {file} is larger than {MAX_FILE_BYTES} bytes and was not read")
                continue
            self.read(text, os.path.dirname(file))

    def read(self, text: bytes, folder: str) -> None:
        if b"import" not in text or (tree := _parsed(text)) is None:
            return
        is_deep = b"import_module" in text or b"__import__" in text
        self.want(_targets(tree, is_deep, lambda target: not self._files(target, folder)), folder)

    def want(self, targets: Iterable[tuple[int, str]], folder: str) -> None:
        """Follow what is the program's own of `targets` as seen from `folder`, and note whose the rest is."""
        for level, name in targets:
            files = self._files((level, name), folder)
            for file in files:
                if file not in self._owned:
                    self._owned[file] = self._owners(file)
                if self._owned[file] is None and file.endswith((".py", ".pyw")):
                    self.enqueue(file)
            # The deepest alone: several distributions may share the packages above it.
            for dist in (files and self._owned[files[-1]]) or ():
                self.found.setdefault(dist.name, dist.version)

    def _owners(self, file: str) -> list[_Distribution] | None:
        """Return the distributions that a file belongs to, none for the standard library, None for the program."""
        if file.startswith(_OURS):
            return self._installed.named(_OUR_NAME)
        if file.startswith(_STDLIB) and not _is_site(file):
            return []
        owners = self._installed.owners(file)
        is_ours = self.has(file)
        if owners and not (is_ours and all(dist.is_development for dist in owners)):
            return owners
        if _is_site(file):
            return []
        return None if is_ours else self._installed.editable(file) or None

    def _files(self, target: tuple[int, str], folder: str) -> list[str]:
        """Return the files that an import would run, outermost package first, as far as they exist.

        No package is run for it, unlike with `find_spec` of a dotted name. The last part may be a class: no file.
        """
        level, name = target
        parts = name.split(".")
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        spec = _search(parts[0], [folder]) if level else self._top_level(parts[0])
        files = [os.path.join(folder, "__init__.py")] if level else []
        for part in [*parts[1:], ""]:
            if spec is None:
                break
            if spec.has_location and spec.origin:
                files.append(os.path.abspath(spec.origin))
            spec = _search(part, list(spec.submodule_search_locations or ())) if part else None
        if not level and parts[0] in sys.stdlib_module_names and not all(map(self.has, files)):
            return []
        return files if not level or len(files) > 1 or _exists(files[0]) else []

    def _top_level(self, name: str) -> ModuleSpec | None:
        import importlib.machinery
        import importlib.util

        loaded = sys.modules.get(name)
        spec = _attributes(loaded).get("__spec__")
        if isinstance(spec, importlib.machinery.ModuleSpec) and name != "__main__":
            return spec
        try:
            spec = None if loaded is not None else importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            spec = None
        # The search path need not be the program's: it has changed it since, or has not been started.
        return spec or _search(name, [root + sub for root in self.roots for sub in ("", "src")])


def _search(name: str, folders: list[str]) -> ModuleSpec | None:
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(name, folders)


def _parsed(text: bytes) -> ast.Module | None:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the program's affair, and said when it runs
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _targets(
    tree: ast.Module | ast.Try, is_deep: bool, is_missing: Callable[[tuple[int, str]], bool]
) -> set[tuple[int, str]]:
    """Return the (level, dotted name)s that the code imports, with those in functions and, if deep, in calls.

    Left out: what only a type checker imports, and the stand-in (`except ImportError`) for what is installed.
    """
    import ast

    found: set[tuple[int, str]] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found.update((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update((node.level, ".".join(_dotted(node.module, alias.name))) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.Try) and any(map(_is_stand_in, node.handlers)):
            tried = _targets(node, is_deep, is_missing)
            found |= tried
            waiting += [*node.orelse, *node.finalbody, *(node.handlers if any(map(is_missing, tried)) else ())]
        elif is_deep:
            found.update(_called(node))
            waiting += ast.iter_child_nodes(node)
        else:
            waiting += [child for block in _BLOCKS for child in getattr(node, block, ())]
    return found


def _dotted(module: str | None, name: str) -> list[str]:
    return [part for part in (module, name) if part and part != "*"]


def _is_stand_in(handler: ast.ExceptHandler) -> bool:
    import ast

    return handler.type is not None and any(
        isinstance(node, ast.Name) and node.id in ("ImportError", "ModuleNotFoundError")
        for node in ast.walk(handler.type)
    )


def _called(node: ast.AST) -> Iterator[tuple[int, str]]:
    """`import_module("a.b")` and `__import__("a.b")` where the name stands in the text."""
    import ast

    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        name = node.args[0].value
        if callee in ("import_module", "__import__") and isinstance(name, str) and name.strip("."):
            yield len(name) - len(name.lstrip(".")), name.lstrip(".")


def _attributes(module: object) -> dict[str, object]:
    """Return a module's namespace without waking a lazy one."""
    if not issubclass(type(module), ModuleType):
        return {}
    found: dict[str, object] = object.__getattribute__(module, "__dict__")
    return found


def _loaded_files() -> Iterator[str]:
    for module in list(sys.modules.values()):
        file = _attributes(module).get("__file__")
        if isinstance(file, str) and file.endswith((".py", ".pyw")):
            yield file


def _names_in_main() -> Iterator[str]:
    """Where the program has no text (a prompt): the modules that its variables are, or come from."""
    for value in list(_attributes(sys.modules.get("__main__")).values()):
        name = _attributes(value).get("__name__") or (isinstance(value, type) and value.__module__)
        if isinstance(name, str):
            yield name


def _roots(home: Path, root: Path | None) -> list[str]:
    folders = [folder for folder in (root, home) if folder is not None]
    return list(dict.fromkeys(path.rstrip(os.sep) + os.sep for f in folders for path in (os.path.abspath(f), os.path.realpath(f))))


def _is_site(file: str) -> bool:
    return any(name in file for name in _SITE)


def _normalised(name: str) -> str:
    return "-".join(name.lower().replace("_", "-").replace(".", "-").split("-")) if name else ""


def _local_path(url: str) -> str | None:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    return url2pathname(parts.path).rstrip(os.sep) if parts.scheme == "file" else None


def _direct_url(origin: Mapping[str, object]) -> str | None:
    return None
