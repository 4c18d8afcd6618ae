from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.capture import source
from taskstore.core.errors import BadValue, Damaged
from taskstore.run import origin
from taskstore.store import projects, settings
from taskstore.store.doctor import tree
from taskstore.store.doctor.finding import Kind
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
        ("capture: {diff_mib: -1}", "capture.diff_mib"),
        ("models: {auto_copy_mib: .nan}", "models.auto_copy_mib"),
        ("models: {snapshots: -2}", "models.snapshots"),
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


def test_a_section_whose_keys_are_all_commented_out_says_nothing(store: Store, user_file: Path) -> None:
    user_file.write_text("capture:\n  # diff_mib: 5\nmodels: {snapshots: 7}\n")
    assert _load(store, user_file).models.snapshots == 7
    assert _load(store, user_file).capture == Settings().capture


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


class TestProjects:
    @pytest.fixture
    def cats(self, store: Store) -> Path:
        """The folder of a project below another."""
        projects.create(store, "vision")
        return projects.create(store, "vision/cats")

    @staticmethod
    def _say(folder: Path, text: str) -> None:
        path = folder / "project.yaml"
        path.write_text(f"{path.read_text()}settings: {text}\n")

    def test_a_projects_settings_go_before_the_stores_and_those_above_it(self, store: Store, cats: Path) -> None:
        store.paths.config.write_text("capture: {diff_mib: 1, bundle_mib: 1, untracked_files: 1}")
        self._say(cats.parent, "{capture: {bundle_mib: 2, untracked_files: 2}}")
        self._say(cats, "{capture: {untracked_files: 3}}")
        for found in (load(store, project=cats), load_sound(store, project=cats)[0]):
            assert (found.capture.diff_mib, found.capture.bundle_mib, found.capture.untracked_files) == (1, 2, 3)
        assert load(store, project=cats.parent).capture.untracked_files == 2
        assert load(store).capture.untracked_files == 1

    def test_they_stay_when_the_project_is_edited_and_renamed(self, store: Store, cats: Path) -> None:
        self._say(cats, "{reports: {sample_history: 3}}")
        projects.edit(store, "vision/cats", lambda record: setattr(record, "description", "of cats"))
        renamed = projects.rename(store, "vision/cats", "vision/felines")
        assert load(store, project=renamed).reports.sample_history == 3

    @pytest.mark.parametrize(
        ("text", "what"),
        [("{capture: {diff_mb: 1}}", "diff_mb"), ("[capture]", "mapping"), ("{secrets: 3}", "secrets")],
    )
    def test_a_slip_is_named_and_found_by_doctor(self, text: str, what: str, store: Store, cats: Path) -> None:
        self._say(cats, text)
        with pytest.raises(Damaged, match=what):
            load(store, project=cats)
        assert what in load_sound(store, project=cats)[1]
        assert [(finding.kind, finding.path) for finding in tree.check(store)] == [
            (Kind.CONFIG, cats / "project.yaml"),
        ]

    def test_a_project_without_settings_costs_no_yaml(
        self, store: Store, cats: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "parse_yaml_object", lambda *_: pytest.fail("a project.yaml was parsed"))
        assert load_sound(store, project=cats) == (Settings(), "")

    def test_a_run_has_those_of_its_project(self, store: Store, cats: Path) -> None:
        self._say(cats, "{reports: {sample_history: 3}}")
        entry = source.entry()
        for project, history in (("vision/cats", 3), ("vision", 100)):
            begun = origin.fresh(origin.Wanted(project=project, name="a run"), entry, lambda: store, parent="")
            assert begun.settings.reports.sample_history == history


class TestVariables:
    def test_a_variable_goes_before_every_file(self, store: Store) -> None:
        store.paths.config.write_text("capture: {diff_mib: 1}\nreuse: {by_default: false}")
        environ = {
            "TASKSTORE_CONFIG": os.devnull,
            "TASKSTORE_CAPTURE__DIFF_MIB": "2.5",
            "TASKSTORE_REUSE__BY_DEFAULT": "true",
            "TASKSTORE_SECRETS__EXTRA": "pin, *_licence,",
        }
        for found in (load(store, environ=environ), load_sound(store, environ=environ)[0]):
            assert (found.capture.diff_mib, found.reuse.by_default) == (2.5, True)
            assert found.secrets.extra == ["pin", "*_licence"]

    @pytest.mark.parametrize(
        ("variable", "text", "what"),
        [
            ("TASKSTORE_CAPTURE__DIFF_MIB", "many", "'many' is no float"),
            ("TASKSTORE_CAPTURE__DIFF_MB", "1", "taskstore config"),
            ("TASKSTORE_REUSE__BY_DEFAULT", "perhaps", "no bool"),
        ],
    )
    def test_a_slip_is_named_and_the_rest_holds(self, variable: str, text: str, what: str, store: Store) -> None:
        environ = {"TASKSTORE_CONFIG": os.devnull, variable: text, "TASKSTORE_CAPTURE__BUNDLE_MIB": "5"}
        with pytest.raises(BadValue, match=f"{variable}.*{what}"):
            load(store, environ=environ)
        sound, warning = load_sound(store, environ=environ)
        assert sound == Settings(capture=settings.Capture(bundle_mib=5))
        assert variable in warning

    def test_sections_of_later_versions_and_other_variables_are_passed_over(self, store: Store) -> None:
        environ = {"TASKSTORE_CONFIG": os.devnull, "TASKSTORE_FUTURE__KEY": "1", "TASKSTORE_TASK_ID": "x"}
        assert load(store, environ=environ) == Settings()

    def test_every_setting_can_be_a_variable(self, store: Store) -> None:
        """Also the next one: what its type does not take from a text fails here."""
        for item in settings.explain(store, environ={"TASKSTORE_CONFIG": os.devnull}):
            variable = f"TASKSTORE_{item.name.replace('.', '__').upper()}"
            text = ",".join(item.value) if isinstance(item.value, list) else str(item.value)
            environ = {"TASKSTORE_CONFIG": os.devnull, variable: text}
            (found,) = [each for each in settings.explain(store, environ=environ) if each.name == item.name]
            assert (found.value, found.origin, found.place) == (item.value, "environment", variable)


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("TASKSTORE_OUTPUT__KEEP_LOCAL", "maybe", "'maybe' is no bool; write true or false"),
        ("TASKSTORE_MODELS__SNAPSHOTS", "-1", "'-1' is no int of 0 or more"),
        ("TASKSTORE_CAPTURE__DIFF_MIB", "nan", "'nan' is no float of 0 or more"),
    ],
)
def test_a_variable_that_is_no_such_value_is_told_what_would_be(
    store: Store, variable: str, text: str, said: str
) -> None:
    with pytest.raises(BadValue, match=f"{variable}: {said}"):
        settings.load(store, environ={variable: text})
