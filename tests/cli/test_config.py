from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from taskstore.store import projects
from taskstore.store.settings import Settings
from taskstore.store.store import Store

from .conftest import Cli


def test_every_setting_is_shown_with_its_default(cli: Cli) -> None:
    result = cli("config", "--json")
    defaults = {
        f"{section}.{key}": value
        for section, fields in msgspec.to_builtins(Settings()).items()
        for key, value in fields.items()
    }
    assert {item["name"]: item["value"] for item in result.objects} == defaults
    assert {(item["origin"], item["place"]) for item in result.objects} == {("default", "")}


def test_the_place_of_each_value_is_named(
    cli: Cli, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user.yaml"
    user.write_text("capture: {diff_mib: 1, bundle_mib: 1}\n")
    store.paths.config.write_text("capture: {bundle_mib: 2}\n")
    own = projects.create(store, "vision/cats") / "project.yaml"
    own.write_text(own.read_text() + "settings:\n  secrets:\n    extra: [pin, '*_licence']\n")
    monkeypatch.setenv("TASKSTORE_CONFIG", str(user))
    monkeypatch.setenv("TASKSTORE_CAPTURE__UNTRACKED_FILES", "7")
    rows = {row[0]: row[1:] for row in cli("config", "-p", "vision/cats").rows}
    assert rows["capture.diff_mib"] == ["1.0", "user", str(user)]
    assert rows["capture.bundle_mib"] == ["2.0", "store", str(store.paths.config)]
    assert rows["secrets.extra"] == ["pin, *_licence", "project", str(own)]
    assert rows["capture.untracked_files"] == ["7", "environment", "TASKSTORE_CAPTURE__UNTRACKED_FILES"]
    assert rows["reports.sample_history"][1] == "default"
    without = {row[0]: row[1:] for row in cli("config").rows}
    assert without["secrets.extra"] == ["", "default", ""]


def test_what_cannot_be_read_is_named(cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("config", "-p", "none").code == 3
    monkeypatch.setenv("TASKSTORE_CAPTURE__DIFF_MIB", "many")
    result = cli("config")
    assert (result.code, result.out) == (4, "")
    assert "TASKSTORE_CAPTURE__DIFF_MIB: 'many'" in result.err
    store.paths.config.write_text("capture: {diff_mb: 1}")
    result = cli("config")
    assert (result.code, result.out) == (6, "")
    assert "diff_mb" in result.err
