"""What a task's process is to have for its variables."""

from __future__ import annotations

import os
from pathlib import Path

from taskstore.agent.environment import Environment, Mode


def test_the_commands_of_a_virtual_one_come_first_and_nothing_adds_to_its_modules() -> None:
    environment = Environment(Path("/e/venv/bin/python"), Mode.VENV, (), ())
    own = {"PATH": "/usr/bin", "PYTHONPATH": "/agent", "PYTHONHOME": "/agent", "VIRTUAL_ENV": "/agent", "LANG": "C"}
    assert environment.variables(own) == {
        "PATH": os.pathsep.join([str(Path("/e/venv/bin")), "/usr/bin"]),
        "VIRTUAL_ENV": str(Path("/e/venv")),
        "LANG": "C",
    }
    assert environment.variables({})["PATH"] == str(Path("/e/venv/bin"))


def test_in_the_own_one_they_stay_as_they_are() -> None:
    own = {"PATH": "/usr/bin", "PYTHONPATH": "/agent"}
    assert Environment(Path("/usr/bin/python"), Mode.REUSE, (), ()).variables(own) == own
