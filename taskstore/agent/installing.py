"""Filling a virtual environment, by uv where it is present, else by venv and pip. Their settings are the user's own.

What does not work is tried again in a weaker form, and the environment's notes say so: without the network where that
does not answer, without the local part of versions (`2.1+cu121`), without the lock of what packages need themselves.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from ..core.errors import BadValue, RemoteError
from ..core.secrets import Masker
from ..disk.distributions import normalised
from ..disk.reflink import reflink
from . import contents
from .interpreters import Interpreter
from .wanted import Package, Wanted

AUTO, UV, PIP = "auto", "uv", "pip"

_NO_ANSWER = re.compile(
    r"failed to fetch|error sending request|client error|dns error|connection (broken|refused|error)|unreachable|"
    r"timed? ?out|name resolution|network (error|is)",
    re.I,
)
_LOCAL_PART = re.compile(r"(==[^\s;+]+)\+[^\s;]+")
_OLDEST_PIP = (22, 3)
"""The first that installs into another environment than its own."""
_SHOWN_LINES = 12
_HIDDEN = (
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES", "PIP_USER"),
    *("UV_REQUIRE_HASHES", "UV_MANAGED_PYTHON", "UV_PROJECT", "UV_WORKING_DIR", "UV_VENV_SEED"),
)
"""Variables that would have an installer do something else than to install these packages into this environment."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Installer:
    """uv, or pip: `program` is how it is started, empty where only the environment's own pip can be."""

    name: str
    program: tuple[str, ...]

    def create(self, interpreter: Interpreter, folder: Path) -> None:
        """Make an empty virtual environment. Raises RemoteError."""
        if self.name == UV:
            command = [*self.program, "venv", "--no-project", "--quiet", "--python", str(interpreter.path), str(folder)]
        else:
            own_pip = ["--without-pip"] if self.program else []
            command = [str(interpreter.path), "-I", "-m", "venv", *own_pip, str(folder)]
        code, output = _run(command, folder.parent)
        if code:
            raise RemoteError(f"no virtual environment could be made with {interpreter.path}: {_end_of(output)}")

    def install(self, environment: Path, wanted: Wanted, *extra: str, offline: bool = False) -> str:
        """Install into an environment; return what went wrong, empty where nothing did."""
        lines = [*wanted.options, *(package.line for package in wanted.packages)]
        with tempfile.TemporaryDirectory(dir=environment, prefix="installing-") as folder:
            files = Path(folder, "requirements.txt"), Path(folder, "constraints.txt")
            for path, content in zip(files, (lines, wanted.constraints), strict=True):
                path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
            python = str(contents.python(environment))
            if self.name == UV:
                command = [*self.program, "pip", "install", "--quiet", "--python", python]
                command += ["--offline"] if offline else []
            else:
                command = [*self.program, "--python", python] if self.program else [python, "-m", "pip"]
                command += ["install", "--quiet", "--no-input", "--no-compile", "--disable-pip-version-check"]
                command += ["--no-index"] if offline else []
            code, output = _run([*command, *extra, "-r", str(files[0]), "-c", str(files[1])], environment)
        return (output or f"exit code {code}") if code else ""


def choose(name: str) -> Installer:
    """Return what installs: "uv", "pip", or "auto" for uv where it is present. Raises BadValue."""
    if name not in (AUTO, UV, PIP):
        raise BadValue(f"agent.installer must be auto, uv or pip, not {name!r}")
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    uv = shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if name == UV and uv is None:
        raise BadValue("agent.installer is uv, and there is no uv here; install it, or let it be auto")
    if uv is not None and name != PIP:
        return Installer(UV, (uv,))
    return Installer(PIP, (sys.executable, "-m", "pip") if _has_recent_pip() else ())


def _has_recent_pip() -> bool:
    try:
        found = re.match(r"(\d+)\.(\d+)", metadata.version("pip"))
    except metadata.PackageNotFoundError:
        return False
    return found is not None and (int(found[1]), int(found[2])) >= _OLDEST_PIP


def fill(
    installer: Installer, environment: Path, wanted: Wanted, *, tell: Tell, target: Path | None = None
) -> list[str]:
    """Install what is wanted, or that into a folder `target` beside it; return notes of what is not as recorded.

    Raises RemoteError naming the packages that are not to be had; the environment is half filled then.
    """
    tried: list[str] = []
    failures: list[str] = []
    is_offline = False
    extra = ("--target", str(target)) if target is not None else ()
    for how, form in _forms(wanted):
        failure = installer.install(environment, form, *extra)
        if not failure:
            return [f"installed {how}"] if how != _EXACT else []
        tried.append(how)
        failures.append(failure)
        if _NO_ANSWER.search(failure):
            tell(f"{installer.name} gets no answer; what is on this machine is looked at")
            is_offline = True
            failure = installer.install(environment, wanted, *extra, offline=True)
            if not failure:
                return []
            # Nothing weaker: it would stay in the cache as what can be had, also when the network is there again.
            tried.append(f"{_EXACT}, without the network")
            break
    raise _not_to_be_had(installer, environment, wanted, tried, failures, is_offline=is_offline)


_EXACT = "as recorded"


def _forms(wanted: Wanted) -> Iterator[tuple[str, Wanted]]:
    """Yield what is tried, one after the other: (what it is called, what is to be installed)."""
    yield _EXACT, wanted
    plain = replace(
        wanted,
        packages=tuple(replace(each, line=_LOCAL_PART.sub(r"\1", each.line)) for each in wanted.packages),
        constraints=tuple(_LOCAL_PART.sub(r"\1", line) for line in wanted.constraints),
    )
    if plain != wanted:
        yield "without the local part of versions, such as +cu121", plain
    if wanted.constraints:
        yield "without the versions that the lock has of what packages need themselves", replace(plain, constraints=())


def _not_to_be_had(
    installer: Installer,
    environment: Path,
    wanted: Wanted,
    tried: Sequence[str],
    failures: Sequence[str],
    *,
    is_offline: bool,
) -> RemoteError:
    missing = _missing(installer, environment, wanted, is_offline=is_offline)
    named = f"not to be had: {', '.join(missing)}" if missing else "no single package is missing"
    return RemoteError(
        f"no environment could be made for the task; {named}. {installer.name} was asked {'; '.join(tried)}, "
        f"and said:\n{_end_of(failures[0])}\n"
        "Make the packages reachable, or change the requirements of the task, or run it with `--env inherit`"
    )


def _missing(installer: Installer, environment: Path, wanted: Wanted, *, is_offline: bool) -> list[str]:
    """Return the requirements that cannot be had each by itself: an installer names only the first that it misses."""
    left, missing = list(wanted.packages), []
    while left:
        form = replace(wanted, packages=tuple(left), constraints=())
        failure = installer.install(environment, form, "--dry-run", "--no-deps", offline=is_offline)
        named = [package for package in left if failure and _is_named(package, failure)]
        if not named:
            break
        missing += named
        left = [package for package in left if package not in named]
    return sorted(package.line for package in missing)


def _is_named(package: Package, text: str) -> bool:
    if not package.name:
        return package.line in text
    words = {normalised(word.rstrip(".")) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", text)}
    return package.name in words


def _run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run an installer in a folder of ours, where no project's settings hold; return its exit code and output."""
    variables = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    variables["PIP_USER"] = "0"
    variables.setdefault("UV_LINK_MODE", "clone" if sys.platform == "darwin" or _can_share(folder) else "copy")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout.strip()


def _can_share(folder: Path) -> bool:
    """Tell whether files in a folder can share blocks; hard links, uv's next choice, let a program harm its cache."""
    with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as other:
        one.write(b"taskstore")
        one.flush()
        return reflink(one.fileno(), other.fileno())


def _end_of(output: str) -> str:
    """Return what is shown of an installer's output; addresses of indexes may hold credentials."""
    return "\n".join(f"  {Masker().text(line)}" for line in output.splitlines()[-_SHOWN_LINES:])
