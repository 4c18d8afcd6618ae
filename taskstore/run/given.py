"""Secrets that are given again: what a task has masked comes by environment variables where it is run.

A task's command line and parameters hold asterisks where a credential was. What stands for them is looked for in
TASKSTORE_SECRET_<NAME>, and goes from the launcher to the program's process in its environment, where other users
cannot read it; the command line, which `ps` shows to everybody, keeps the asterisks, and the process puts the values
into its own sys.argv. The variables are then gone from its environment, so that what it starts does not get them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from ..core.errors import Refused
from ..core.secrets import MASK
from ..disk.layout import TaskPaths
from ..schema.record import Parameter, ScriptRecord
from ..store import tasks

PREFIX = "TASKSTORE_SECRET_"
_ARGUMENTS = "Args"
_NAMED = re.compile(r"-{0,2}[+~]{0,2}@?([A-Za-z_][\w./:@\-]{0,200})=")


@dataclass(frozen=True)
class Secret:
    """Something masked in a task. `is_needed` is what the command line cannot do without."""

    name: str
    """As a person knows it: --token, or Args/token."""
    variable: str
    """Where it is looked for."""
    is_needed: bool
    handed_on: str
    """The variable in which the program's process gets it."""


def of_task(paths: TaskPaths, script: ScriptRecord | None = None) -> list[Secret]:
    """Return what is masked in a task, the command line's first. A parameter of the command line is there once."""
    arguments = (tasks.read_script(paths) if script is None else script).argv[1:]
    slots = list(_slots(arguments))
    taken = {variable for _, _, variable in slots}
    parameters = {
        f"{section}/{name}": item.value
        for section, items in tasks.read_params(paths).hyperparams.items()
        for name, item in items.items()
        if MASK in item.value and _of_parameter(section, name) not in taken
    }
    found = []
    for position, name, variable in slots:
        known = "" if name.startswith("--") else _parameter_of(arguments, position, parameters)
        parameters.pop(known, None)
        found.append(Secret(known or name, _of_parameter(*known.split("/", 1)) if known else variable, True, variable))
    for known in parameters:
        variable = _of_parameter(*known.split("/", 1))
        found.append(Secret(known, variable, False, variable))
    return found


def _parameter_of(arguments: Sequence[str], position: int, parameters: Mapping[str, str]) -> str:
    """Return the parameter that an argument without a telling name has become, where there is no doubt; else ''."""
    argument = arguments[position]
    alike = [name for name, text in parameters.items() if text == argument and name.startswith(f"{_ARGUMENTS}/")]
    return alike[0] if len(alike) == 1 and list(arguments).count(argument) == argument.count(MASK) == 1 else ""


def for_task(paths: TaskPaths, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a task's process is to have. Raises Refused naming all that are needed and not set."""
    secrets = of_task(paths)
    missing = [secret for secret in secrets if secret.is_needed and not environ.get(secret.variable)]
    if missing:
        names = ", ".join(f"{secret.name} in {secret.variable}" for secret in missing)
        raise Refused(
            f"task {paths.id[:12]} is recorded with masked secrets, which are to be given again: {names}; set "
            f"{'it' if len(missing) == 1 else 'them'} where the task is run (`taskstore run TASK` asks for them at a "
            "terminal), or use `taskstore run SCRIPT ARGS...`"
        )
    return {secret.handed_on: environ[secret.variable] for secret in secrets if environ.get(secret.variable)}


def notes(paths: TaskPaths, given: Mapping[str, str]) -> list[str]:
    """Say which masked parameters are not given, which the program then takes from where it has them itself."""
    left = [secret for secret in of_task(paths) if not secret.is_needed and secret.variable not in given]
    return [f"{secret.name} is masked: the program's own is used, for {secret.variable} is not set" for secret in left]


def _slots(arguments: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield each masked part of a command line: the argument's position, its name, and the variable that it is in."""
    seen: dict[str, int] = {}
    for position, argument in enumerate(arguments):
        for _ in range(argument.count(MASK)):
            name = _name_at(arguments, position)
            base = PREFIX + _spelled(name)
            count = seen[base] = seen.get(base, 0) + 1
            yield position, name, base if count == 1 else f"{base}_{count}"


def _name_at(arguments: Sequence[str], position: int) -> str:
    argument = arguments[position]
    named = _NAMED.match(argument)
    if named is not None and MASK not in named[0]:
        return named[0].removesuffix("=")
    if re.match(r"-[A-Za-z]\*", argument):
        return argument[:2]
    before = arguments[position - 1] if position else ""
    if re.fullmatch(r"--?[A-Za-z][\w\-.]*", before):
        return before
    return f"argument {position + 1}"


def _spelled(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()


def _of_parameter(section: str, name: str) -> str:
    return PREFIX + _spelled(name if section == _ARGUMENTS else f"{section}_{name}")


class Given:
    """What this process was given: taken out of its environment when it is first asked for."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self.values = {name: environ.pop(name) for name in list(environ) if name.startswith(PREFIX)}
        self._used: set[str] = set()

    def fill(self, arguments: Sequence[str]) -> list[str]:
        """Return a command line with the values in the place of the asterisks."""
        filled = list(arguments)
        for position, _, variable in list(_slots(arguments)):
            if variable in self.values:
                filled[position] = filled[position].replace(MASK, self.values[variable], 1)
                self._used.add(variable)
        return filled

    def complete(self, section: str, found: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """Return a section's parameters with the values in the place of the asterisks."""
        return {name: self._completed(section, name, item) for name, item in found.items()}

    def _completed(self, section: str, name: str, item: Parameter) -> Parameter:
        variable = _of_parameter(section, name)
        if MASK not in item.value or variable not in self.values or variable in self._used:
            return item
        return Parameter(item.value.replace(MASK, self.values[variable]), item.type, item.description)


_given: Given | None = None


def here() -> Given:
    """Return what this process was given, which was launched for a task."""
    global _given
    if _given is None:
        _given = Given()
    return _given
