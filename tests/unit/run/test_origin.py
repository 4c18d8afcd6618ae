"""Which task a run is of, where something is amiss; see also tests/run for whole processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.capture.source import Entry
from taskstore.run import origin
from taskstore.run.origin import Wanted
from taskstore.store import places
from taskstore.store.store import Store


def entry(path: Path | None, cwd: Path, kind: str = "script") -> Entry:
    return Entry(kind, path, None, ["x.py"], [], "python", "python3", cwd)  # type: ignore[arg-type]


def project_of(made: origin.Origin) -> str:
    return places.project_of(made.store, places.locate(made.store, made.task_id).home)


def test_a_slip_in_the_settings_is_warned_of_and_the_run_recorded_all_the_same(store: Store, tmp_path: Path) -> None:
    store.paths.config.write_text("capture: {diff_mb: 5}")
    made = origin.fresh(Wanted(), entry(tmp_path / "train.py", tmp_path), lambda: store, parent="")
    assert made.failure is None
    assert "diff_mb" in made.warning
    assert project_of(made) == "Untitled"


def test_a_program_without_a_project_goes_to_the_one_of_its_repository(store: Store, tmp_path: Path) -> None:
    (tmp_path / "cats" / ".git").mkdir(parents=True)
    script = tmp_path / "cats" / "deep" / "train.py"
    assert project_of(origin.fresh(Wanted(), entry(script, tmp_path), lambda: store, parent="")) == "cats"


@pytest.mark.parametrize("kind", ["module", "script"])
def test_the_repository_around_an_installed_module_is_not_the_programs(store: Store, tmp_path: Path, kind: str) -> None:
    (tmp_path / "environments" / ".git").mkdir(parents=True)
    module = tmp_path / "environments" / "lib" / "site-packages" / "tool.py"
    made = origin.fresh(Wanted(), entry(module, tmp_path, kind), lambda: store, parent="")
    assert project_of(made) == ("Untitled" if kind == "module" else "environments")
