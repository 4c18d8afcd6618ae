"""Hydra against the real library: overrides, the composed configuration, and both in a task that is run again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hydra")
internal = pytest.importorskip("hydra._internal.hydra")

from taskstore.capture import early, hydra  # noqa: E402 - after importorskip

from ..run.programs import all_tasks  # noqa: E402
from .command_lines import Remembered, again, program, stored_of, unhooked  # noqa: E402


@pytest.fixture(autouse=True)
def _unhooked() -> Iterator[None]:
    yield from unhooked((internal.Hydra, "run"), (internal.Hydra, "multirun"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "conf"
    (folder / "net").mkdir(parents=True)
    (folder / "config.yaml").write_text("defaults: [net: small, _self_]\nlr: 0.1\nseed: ???\nrate: ${lr}\n")
    (folder / "net" / "small.yaml").write_text("depth: 2\n")
    (folder / "net" / "big.yaml").write_text("depth: 9\n")
    return folder


def call(config, argv, monkeypatch, sink=None):
    """Run a Hydra program in this process; returns the configurations that its function was given, and the sink."""
    from hydra import main

    given = []
    monkeypatch.setattr(sys, "argv", ["prog.py", *argv, f"hydra.run.dir={config}/out", f"hydra.sweep.dir={config}/out"])
    sink = sink or Remembered()

    @main(version_base=None, config_path=str(config), config_name="config")
    def train(cfg):
        given.append(cfg)

    with hydra.patched(internal, sink):
        train()
    return given, sink


def test_overrides_and_configuration_are_recorded(config, monkeypatch) -> None:
    (given,), sink = call(config, ["seed=1", "net=big", "+extra.deep=x", "~rate"], monkeypatch)
    assert (given.lr, given.net.depth, given.extra.deep) == (0.1, 9, "x")
    assert sink.values("Hydra") == {
        **{"seed": "1", "net": "big", "extra.deep": "x", "~rate": None, "_allow_omegaconf_edit_": False},
    }
    assert sink.types("Hydra")["_allow_omegaconf_edit_"] == "bool"
    assert sink.configurations == {"OmegaConf": "net:\n  depth: 9\nlr: 0.1\nseed: 1\nextra:\n  deep: x\n"}


def test_interpolations_are_recorded_as_they_are_written(config, monkeypatch) -> None:
    _, sink = call(config, ["seed=1"], monkeypatch)
    assert "rate: ${lr}\n" in sink.configurations["OmegaConf"]


def test_stored_overrides_take_the_place_of_the_given_ones(config, monkeypatch) -> None:
    stored = {"lr": "0.5", "seed": "7", "net": "big", "extra.deep": "x", "_allow_omegaconf_edit_": "False"}
    (given,), _ = call(config, ["lr=0.3", "net=small"], monkeypatch, Remembered(stored, override="lr: 100\n"))
    assert (given.lr, given.seed, given.net.depth, given.extra.deep, given.rate) == (0.5, 7, 9, "x", 0.5)


def test_what_was_recorded_comes_back_as_it_was(config, monkeypatch) -> None:
    from taskstore.core.values import to_text

    (config / "db").mkdir()
    (config / "db" / "mysql.yaml").write_text("port: 3306\n")
    argv = ["seed=1", "net=big", "+db=mysql", "~rate", "+text='a b,c'", "+deep.list=[1,2]", "++deep.none=null", "lr="]
    (first,), sink = call(config, argv, monkeypatch)
    assert (first.net.depth, first.db.port, first.text, "rate" in first) == (9, 3306, "a b,c", False)
    texts = {name: to_text(one.value)[0] for name, one in sink.sections["Hydra"].items()}
    assert call(config, [], monkeypatch, Remembered(dict(texts)))[0] == [first]
    assert call(config, argv, monkeypatch, Remembered(dict(texts)))[0] == [first]


def test_the_stored_configuration_is_used_where_that_is_allowed(config, monkeypatch) -> None:
    stored = {"lr": "0.5", "_allow_omegaconf_edit_": "True"}
    (given,), _ = call(config, ["seed=1"], monkeypatch, Remembered(stored, override="lr: 100\nother: [1]\n"))
    assert given == {"lr": 100, "other": [1]}


def test_each_job_of_a_multirun_is_reported(config, monkeypatch) -> None:
    seen = []

    class Sink(Remembered):
        def parameters(self, section, found):
            seen.extend(found[name].value for name in ("seed",) if name in found)
            return super().parameters(section, found)

    given, _ = call(config, ["--multirun", "seed=1,2"], monkeypatch, Sink())
    assert [one.seed for one in given] == [1, 2]
    assert seen == ["1", "2"]


def test_a_hook_that_fails_is_noted_and_the_program_goes_on(config, monkeypatch) -> None:
    monkeypatch.setattr(hydra, "_found", lambda overrides, is_group: 1 / 0)
    (given,), sink = call(config, ["seed=1"], monkeypatch)
    assert given.seed == 1
    assert [note.splitlines()[0] for note in sink.notes] == ["hydra: ZeroDivisionError: division by zero"]


def test_a_task_that_begins_within_the_function_is_told_of_its_job_alone(config, monkeypatch) -> None:
    from hydra import main

    early.install()
    monkeypatch.setattr(sys, "argv", ["prog.py", "--multirun", "seed=1,2", f"hydra.sweep.dir={config}/out"])
    sinks = []

    @main(version_base=None, config_path=str(config), config_name="config")
    def train(cfg):
        sinks.append(Remembered())
        with hydra.patched(internal, sinks[-1]):
            pass

    train()
    assert [sink.values("Hydra")["seed"] for sink in sinks] == ["1", "2"]
    assert ["seed: 2" in sink.configurations["OmegaConf"] for sink in sinks] == [False, True]


def test_an_error_and_help_are_hydras_own(config, tmp_path) -> None:
    text = f"""
        import hydra
        TASK
        @hydra.main(version_base=None, config_path={str(config)!r}, config_name="config")
        def main(cfg):
            raise ValueError(cfg.lr)
        main()
    """
    from ..run.programs import run

    for argv in (["--help"], ["nothing=1"], ["lr="], ["--cfg", "job"], []):
        env = {"PYTHONPATH": str(Path(__file__).parents[2])}
        plain, ours = (run(tmp_path / "work", text, *argv, with_task=with_task, env=env) for with_task in (False, True))
        assert (ours.code, ours.stdout, ours.own_stderr) == (plain.code, plain.stdout, plain.stderr)


LATE = """
    import hydra
    from taskstore import Task

    @hydra.main(version_base=None, config_path=None)
    def main(cfg):
        task = Task.init("examples", "a run")
        print(cfg)

    main()
"""
TOP = LATE.replace("    @hydra", "    Task.init('examples', 'a run')\n    @hydra").replace(
    'task = Task.init("examples", "a run")', "pass"
)


def test_each_job_of_a_multirun_has_a_task_of_its_own(tmp_path: Path) -> None:
    text = LATE.replace("print(cfg)", "assert cfg.lr != 3")
    ended = program(tmp_path / "work", text, "--multirun", "+lr=1,2,3")
    assert ended.code == 1
    found = {stored_of(ended, item.record.id)["Hydra/lr"]: item.record for item in all_tasks(ended)}
    assert {lr: record.status.value for lr, record in found.items()} == {
        **{"1": "completed", "2": "completed", "3": "failed"},
    }
    assert found["3"].status_reason.startswith("AssertionError")


@pytest.mark.parametrize("text", [LATE, TOP], ids=["late", "top"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "+lr=0.5", "+net.depth=3")
    assert (first.code, first.stdout, first.told) == (0, "{'lr': 0.5, 'net': {'depth': 3}}\n", [])
    stored = stored_of(first)
    assert {name: text for name, text in stored.items() if name.startswith("Hydra/")} == {
        **{"Hydra/lr": "0.5", "Hydra/net.depth": "3", "Hydra/_allow_omegaconf_edit_": "False"},
    }
    assert stored["Args/overrides"].startswith('["+lr=0.5", "+net.depth=3"')  # Hydra adds its mode to the list
    changes = {"Hydra/lr": "0.25", "Hydra/name": "ada"}
    ended, copy = again(tmp_path / "work", text, first, changes, "+lr=0.5", "+net.depth=3")
    assert (ended.code, ended.told) == (0, [])
    assert ended.stdout == "{'lr': 0.25, 'net': {'depth': 3}, 'name': 'ada'}\n"
    assert stored_of(ended, copy)["Hydra/lr"] == "0.25"
