"""The README: what it shows is what happens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .blocks import ROOT, check, steps

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and a terminal")


@pytest.mark.slow
def test_the_readme_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    assert check(ROOT / "README.md", tmp_path / "home") == []


def test_the_readme_names_the_two_commands_that_the_makefile_has() -> None:
    readme, makefile = ((ROOT / name).read_text("utf-8") for name in ("README.md", "Makefile"))
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile


def test_the_tour_shows_the_whole_main_job() -> None:
    commands = "\n".join(step.command for step in steps((ROOT / "README.md").read_text("utf-8")))
    verbs = ("ls", "show", "logs -f", "clone", "--set", "run", "diff", "sweep", "agent start", "publish", "rm")
    for verb in (*verbs, "trash restore"):
        assert verb in commands, verb
