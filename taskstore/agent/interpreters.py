"""The Python that an environment is made with: the recorded minor version where this machine has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 10)
"""The oldest that taskstore runs with, which a task's program is run under."""
_TIMEOUT_S = 60.0
_PROBE = "import json, os, sys; print(json.dumps([os.path.realpath(sys.executable), sys.version]))"
_found: dict[tuple[str, str], Interpreter] = {}


@dataclass(frozen=True)
class Interpreter:
    """One Python: its file, what it says of itself (`sys.version`), and "3.11"."""

    path: Path
    version: str
    minor: str

    @property
    def is_own(self) -> bool:
        """Whether what is installed for this process works in it too."""
        return self.version == sys.version


def own() -> Interpreter:
    """Return this process's; of a virtual environment the one that it was made with."""
    return Interpreter(Path(os.path.realpath(sys.executable)), sys.version, own_minor())


def own_minor() -> str:
    """Return this process's minor version, "3.11"."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def find(minor: str) -> Interpreter | None:
    """Return an interpreter of a minor version; None where there is none here, or where taskstore cannot run in it.

    Looked at are this process's, every `pythonX.Y` on PATH, pyenv's versions, and what uv knows; each is started once.
    """
    if minor == own_minor():
        return own()
    if tuple(int(part) for part in minor.split(".")) < OLDEST:
        return None
    key = (minor, os.environ.get("PATH", ""))
    known = _found.get(key)
    if known is not None and known.path.exists():
        return known
    for candidate in _candidates(minor):
        found = _ask(candidate)
        if found is not None and found.minor == minor:
            _found[key] = found
            return found
    return None


def _candidates(minor: str) -> Iterator[list[str]]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    for folder in os.get_exec_path():
        path = Path(folder, f"python{minor}")
        if path.is_file() and path.parent != pyenv / "shims":  # slow, and it fails for versions that are off
            yield [str(path)]
    for path in sorted(pyenv.glob(f"versions/{minor}.*/bin/python"), reverse=True):
        yield [str(path)]
    uv = shutil.which("uv")
    if uv and (answer := _run([uv, "python", "find", "--no-project", minor])):
        yield [answer]
    if os.name == "nt" and shutil.which("py"):
        yield ["py", f"-{minor}"]


def _ask(command: list[str]) -> Interpreter | None:
    answer = _run([*command, "-I", "-c", _PROBE])
    try:
        path, version = json.loads(answer)
    except ValueError:
        return None
    return Interpreter(Path(path), version, ".".join(version.split(".")[:2]))


def _run(command: list[str]) -> str:
    """Return what a command prints; empty where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
