from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import Damaged
from taskstore.store import settings
from taskstore.store.settings import CONFIG_VARIABLE, Settings, load, load_sound
from taskstore.store.store import Store


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    (tmp_path / "user.yaml").touch()
    return tmp_path / "user.yaml"


def _load(store: Store | None, user_file: Path) -> Settings:
    return settings.load(store, environ={CONFIG_VARIABLE: str(user_file)})


def test_without_files_the_defaults_hold(store: Store, user_file: Path) -> None:
    assert _load(store, user_file) == _load(None, user_file) == Settings()
    assert Settings().capture.environment_variables == []


def test_the_store_is_asked_before_its_user_field_by_field(store: Store, user_file: Path) -> None:
    user_file.write_text("secrets: {extra: [pin]}\ncapture: {diff_mib: 1, bundle_mib: 2}\n")
    store.paths.config.write_text("capture: {bundle_mib: 3, environment_variables: [CUDA_*]}\n")
    found = _load(store, user_file)
    assert found.secrets.extra == ["pin"]
    assert (found.capture.diff_mib, found.capture.bundle_mib) == (1, 3)
    assert found.capture.environment_variables == ["CUDA_*"]
    assert found.capture.untracked_files == 2000


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("capture: {diff_mib: many}", "capture.diff_mib"),
        ("capture: {diff_mb: 1}", "diff_mb"),
        ("secrets: {extra: pin}", "secrets.extra"),
        ("secrets: [pin]", "secrets"),
        ("- secrets", ""),
        ("secrets: {", ""),
        ("\x00", ""),
    ],
)
def test_a_slip_is_named_with_its_file_and_field(text: str, field: str, store: Store, user_file: Path) -> None:
    for path in (user_file, store.paths.config):
        path.write_text(text)
        with pytest.raises(Damaged) as raised:
            _load(store, user_file)
        assert str(path) in str(raised.value)
        assert field in str(raised.value)
        path.write_text("")


def test_an_empty_file_says_nothing(store: Store, user_file: Path) -> None:
    user_file.write_text("")
    store.paths.config.write_text("# nothing yet\n")
    assert _load(store, user_file) == Settings()


def test_a_run_gets_the_defaults_and_what_is_wrong(store: Store) -> None:
    assert settings.load_sound(store) == (Settings(), "")
    store.paths.config.write_text("capture: {diff_mib: many}")
    found, warning = settings.load_sound(store)
    assert found == Settings()
    assert "diff_mib" in warning


def test_the_users_own_file_is_where_the_system_keeps_such(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = Path(platformdirs.user_config_path("taskstore")) / "config.yaml"
    if not path.is_relative_to(tmp_path):
        pytest.skip("this system keeps settings where no test may write")
    path.parent.mkdir(parents=True)
    path.write_text("capture: {diff_mib: 7}")
    assert settings.load(store, environ={}).capture.diff_mib == 7


class TestSlips:
    def test_what_is_sound_holds_and_nothing_is_masked_less(self, store: Store) -> None:
        store.paths.config.write_text("secrets: {extra: [licence_no]}\ncapture: {untracked_mb: 1}\nsecret: {a: 1}\n")
        settings, warning = load_sound(store)
        assert settings.secrets.extra == ["licence_no"]
        assert "untracked_mb" in warning
        assert "'secret'" in warning

    def test_of_secrets_with_a_slip_every_text_is_a_name_to_mask(self, store: Store) -> None:
        store.paths.config.write_text("secrets: {extras: [licence_no], allowed: [pad_token]}")
        assert {"licence_no", "pad_token"} <= set(load_sound(store)[0].secrets.extra)

    def test_a_file_that_cannot_be_read_masks_everything(self, store: Store) -> None:
        store.paths.config.write_text("secrets: [")
        settings, warning = load_sound(store)
        assert settings.secrets.extra == ["*"]
        assert "masked" in warning

    def test_a_file_that_the_environment_names_must_be_there(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(Damaged, match="no such file"):
            load(store, environ={"TASKSTORE_CONFIG": str(tmp_path / "gone.yaml")})
