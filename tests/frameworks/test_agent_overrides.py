"""Stored values reach the command lines of the real libraries, where an agent runs a clone from its rebuilt code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from taskstore.core.states import Status

from ..agent.agents import again
from ..run.programs import run
from .command_lines import REPOSITORY

CLICK = """
    import click, json
    TASK
    @click.command()
    @click.option("--lr", type=float, default=0.1)
    @click.option("--steps", default=5)
    @click.option("--on/--off", default=False)
    def main(lr, steps, on):
        print(json.dumps([lr, steps, on]))
    main()
"""
TYPER = """
    import json, typer
    TASK
    def main(lr: float = 0.1, steps: int = 5, on: bool = False):
        print(json.dumps([lr, steps, on]))
    typer.run(main)
"""
FIRE = """
    import fire, json
    TASK
    def main(lr=0.1, steps=5, on=False):
        print(json.dumps([lr, steps, on]))
    fire.Fire(main)
"""
JSONARGPARSE = """
    import json
    from jsonargparse import CLI
    TASK
    def main(lr: float = 0.1, steps: int = 5, on: bool = False):
        print(json.dumps([lr, steps, on]))
    CLI(main, as_positional=False)
"""
ABSL = """
    import json
    from absl import app, flags
    TASK
    flags.DEFINE_float("lr", 0.1, "the rate")
    flags.DEFINE_integer("steps", 5, "how many")
    flags.DEFINE_boolean("on", False, "whether")
    def main(argv):
        given = flags.FLAGS
        print(json.dumps([given.lr, given.steps, given.on]))
    app.run(main)
"""
HYDRA = """
    import hydra, json
    from dataclasses import dataclass
    from hydra.core.config_store import ConfigStore
    TASK
    @dataclass
    class Config:
        lr: float = 0.1
        steps: int = 5
        on: bool = False
    ConfigStore.instance().store(name="config", node=Config)
    @hydra.main(version_base=None, config_path=None, config_name="config")
    def main(config):
        print(json.dumps([config.lr, config.steps, config.on]))
    main()
"""
PROGRAMS = {
    "click": (CLICK, ("--lr", "0.2"), "Args/"),
    "typer": (TYPER, ("--lr", "0.2"), "Args/"),
    "fire": (FIRE, ("--lr", "0.2"), "Args/"),
    "jsonargparse": (JSONARGPARSE, ("--lr", "0.2"), "Args/"),
    "absl": (ABSL, ("--lr", "0.2"), "TF_DEFINE/"),
    "hydra": (HYDRA, ("lr=0.2",), "Hydra/"),
}


@pytest.fixture(params=PROGRAMS)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytest.importorskip(request.param)
    return str(request.param)


def test_stored_values_replace_those_of_the_command_line(library: str, tmp_path: Path) -> None:
    text, arguments, section = PROGRAMS[library]
    first = run(tmp_path / "work", text, *arguments)
    assert first.stdout == "[0.2, 5, false]\n", first.stderr
    shutil.rmtree(tmp_path / "work")
    ran = again(first, {f"{section}lr": "0.5", f"{section}steps": "9", f"{section}on": "true"})
    assert ran.record.status is Status.COMPLETED, ran.console
    assert ran.printed == [0.5, 9, True], ran.console


def test_a_value_that_does_not_fit_is_named_beside_the_one_that_is_kept(library: str, tmp_path: Path) -> None:
    text, arguments, section = PROGRAMS[library]
    first = run(tmp_path / "work", text, *arguments)
    shutil.rmtree(tmp_path / "work")
    ran = again(first, {f"{section}steps": "many"})
    assert ran.record.status is Status.COMPLETED, ran.console
    assert ran.printed == [0.2, 5, False], ran.console
    told = [line for line in ran.console if line.startswith("taskstore: ") and "steps" in line]
    assert len(told) == 1, ran.console
    assert "many" in told[0]
    assert "5" in told[0].partition("many")[2]
