"""Which installed distributions the program uses, and what else is in its environment.

The rule: a distribution counts when one of *the program's own files* imports it. Own are the entry script and the
modules it reaches, as long as they lie with the script, in its repository, or anywhere that no installed
distribution and no standard library lays claim to. What a library imports for itself does not count (but `COMPANIONS`).

Own files are read, never run: the import statements of the entry script and of the own files it leads to, and of
every own file loaded by the time of the call. What no text shows (`import_module(name)`) is seen by `watched`.
Where an imported module lies, not how it is called, decides whose it is: PyYAML's RECORD lists `yaml/__init__.py`.
"""

# Paths are strings here: thousands of loaded modules are compared with them in milliseconds.
# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from ..core.warned import hide
from ..disk.distributions import Distribution, Installed

if TYPE_CHECKING:
    import ast
    from importlib.machinery import ModuleSpec
    from types import FrameType

MAX_FILES = 500
MAX_FILE_BYTES = 1 << 20

COMPANIONS = {"torch": ("tensorboard", "tensorboardx")}
"""What goes with a distribution though it does not require it: the first one where it is installed and none is used.

`torch.utils.tensorboard` imports tensorboard, and the loggers of Lightning and transformers go by whether it is there.
"""

Note = Callable[[str], None]
Observed = set[tuple[str, str]]
"""Pairs of an importing file ('' for `__main__`) and the module that it asked for."""

_SITE = ("site-packages", "dist-packages")
_STDLIB = os.path.dirname(os.__file__) + os.sep
_OURS = str(Path(__file__).parent.parent) + os.sep
_OUR_NAME = __name__.partition(".")[0]
_TEXT = "<imports that taskstore reads>"
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def imported(
    script: Path | None,
    root: Path | None,
    *,
    source: bytes | None = None,
    observed: Iterable[tuple[str, str]] = (),
    stands: Mapping[str, str] | None = None,
    note: Note | None = None,
) -> dict[str, str]:
    """Return {distribution: version} of what the program's own files import; names as in PEP 503, sorted.

    `source` is code that has no file (a notebook's cells, `python -c`), `observed` what `watched` yielded, `stands`
    which names stand for which packages: both count, as far as they are installed. Call it at the start for what the
    text shows, and again at the end for what was loaded since; requirements that a user forces are to be merged into
    the result. `note` hears of files left out: more than 500, or over 1 MiB.
    """
    home = script.parent if script else Path.cwd()
    program = _Program(_roots(home, root), note or (lambda message: None), stands or {})
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
    program.add_companions()
    return dict(sorted(program.found.items()))


def environment() -> list[str]:
    """Return every installed distribution as `pip freeze` would, sorted by name, without credentials in URLs.

    `name==version`; `name @ <url>` where PEP 610 tells of a repository or an archive; `-e <path>  # name==version`.
    """
    return [dist.requirement() for dist in sorted(Installed().everything(), key=lambda dist: dist.name)]


def requirements_text(packages: Mapping[str, str]) -> str:
    """Return a requirements file in ClearML's form: a comment with the Python version, then `name==version` lines.

    What is no version (">=2", "") stands behind the name as it is.
    """
    lines = [f"# Python {' '.join(sys.version.split())}", ""]
    lines += [
        f"{name}=={version}" if version[:1].isdigit() else f"{name}{version}"
        for name, version in sorted(packages.items())
    ]
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


class _Program:
    """Follows the imports of the program's own files and collects the distributions that they lead to."""

    def __init__(self, roots: list[str], note: Note, stands: Mapping[str, str]) -> None:
        self.roots = roots
        self._stands = stands
        self.seen: set[str] = set()
        self.found: dict[str, str] = {}
        self._note = note
        self._waiting: list[str] = []
        self._installed = Installed()
        self._owned: dict[str, list[Distribution] | None] = {}

    def has(self, file: str) -> bool:
        """Whether a file lies with the program: below a root, and neither installed nor in a hidden folder there."""
        for root in self.roots:
            if file.startswith(root):
                return not (
                    _is_site(file) or file.startswith((_STDLIB, _OURS)) or f"{os.sep}." in file[len(root) - 1 :]
                )
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

    def add_companions(self) -> None:
        for name, companions in COMPANIONS.items():
            if name in self.found and not self.found.keys() & companions:
                installed = (dist for dist in self._installed.everything() if dist.name == companions[0])
                self.found.update((dist.name, dist.version) for dist in installed)

    def read(self, text: bytes, folder: str) -> None:
        if b"import" not in text or (tree := _parsed(text)) is None:
            return
        is_deep = b"import_module" in text or b"__import__" in text
        self.want(_targets(tree, is_deep, lambda target: not self._files(target, folder)), folder)

    def want(self, targets: Iterable[tuple[int, str]], folder: str) -> None:
        """Follow what is the program's own of `targets` as seen from `folder`, and note whose the rest is."""
        for level, name in targets:
            if not level:
                self._count(self._standing(name))
            files = self._files((level, name), folder)
            for file in files:
                if file not in self._owned:
                    self._owned[file] = self._owners(file)
                if self._owned[file] is None and file.endswith((".py", ".pyw")):
                    self.enqueue(file)
            # The deepest alone: several distributions may share the packages above it.
            self._count((files and self._owned[files[-1]]) or ())

    def _count(self, owners: Iterable[Distribution]) -> None:
        for dist in owners:
            self.found.setdefault(dist.name, dist.version)

    def _standing(self, module: str) -> list[Distribution]:
        """Return the distributions of a name that stands for a package, and of that package."""
        top = module.partition(".")[0]
        package = self._stands.get(top)
        if package is None:
            return []
        return [dist for dist in self._installed.everything() if dist.name in (top, package.partition(".")[0])]

    def _owners(self, file: str) -> list[Distribution] | None:
        """Return the distributions that a file belongs to, none for the standard library, None for the program."""
        if file.startswith(_OURS):
            return [dist for dist in self._installed.everything() if dist.name == _OUR_NAME]
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
        return [file for file in files if file not in files[:1] or not level or os.path.isfile(file)]

    def _top_level(self, name: str) -> ModuleSpec | None:
        import importlib.machinery
        import importlib.util

        loaded = sys.modules.get(name)
        spec = _attributes(loaded).get("__spec__")
        if isinstance(spec, importlib.machinery.ModuleSpec) and name != "__main__":
            return spec
        # Python's own are not asked for of other finders: one may be waiting for the program's import, as `early`'s is.
        find = importlib.machinery.PathFinder.find_spec if name in sys.stdlib_module_names else importlib.util.find_spec
        try:
            spec = None if loaded is not None else find(name)
        except (ImportError, ValueError, AttributeError):
            spec = None
        # The search path need not be the program's: it has changed it since, or has not been started.
        return spec or _search(name, [root + sub for root in self.roots for sub in ("", "src")])


def _search(name: str, folders: list[str]) -> ModuleSpec | None:
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(name, folders)


def _parsed(text: bytes) -> ast.Module | None:
    import ast

    # An invalid escape is the program's affair, and said when it runs.
    shown_again = hide(Warning, module=re.escape(_TEXT))
    try:
        return ast.parse(text, _TEXT)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    finally:
        shown_again()


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
        is_named = issubclass(type(value), (type, FunctionType, BuiltinFunctionType))
        name = value.__module__ if is_named else _attributes(value).get("__name__")
        if isinstance(name, str) and name != "__main__":
            yield name


def _roots(home: Path, root: Path | None) -> list[str]:
    folders = [folder for folder in (root, home) if folder is not None]
    return list(
        dict.fromkeys(
            path.rstrip(os.sep) + os.sep for f in folders for path in (os.path.abspath(f), os.path.realpath(f))
        )
    )


def _is_site(file: str) -> bool:
    return any(name in file for name in _SITE)
