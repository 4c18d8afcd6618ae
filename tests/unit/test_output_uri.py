"""Where a run's files go besides the store: said by the program, the project, or the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskstore import OutputModel, Task
from taskstore.core.errors import BadValue
from taskstore.run import mode
from taskstore.run import session as sessions
from taskstore.schema.model import ModelsRecord
from taskstore.store import destination, models, outputs, projects
from taskstore.store.store import Store


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield
    session = sessions.opened()
    if session is not None:
        session.close()
    for known in (destination._full, destination._down, outputs._warned):
        known.clear()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_a_run_keeps_goes_there_and_stays_here(place: Path) -> None:
    task = Task.init("vision/cats", "a run", output_uri=str(place))
    task.upload_artifact("scores", {"a": 1})
    model = OutputModel(name="net")
    Path("w.pt").write_text("weights")
    model.update_weights("w.pt")
    home = f"vision/cats/a run.{task.id}"
    assert files(place) == [f"{home}/artifacts/scores/scores.json", f"{home}/models/w.pt"]
    assert (model.url, task.details.get_output_uri()) == ((place / home / "models/w.pt").as_uri(), place.as_posix())
    for path in place.rglob("*"):
        if path.is_file():
            path.unlink()
    weights = model.get_weights()
    assert weights is not None
    assert Path(weights).read_text() == "weights"
    assert task.artifacts["scores"].get() == {"a": 1}


def test_where_it_does_not_stay_here_weights_are_fetched(place: Path, store: Store) -> None:
    store.paths.config.write_text("output:\n  keep_local: false\n")
    task = Task.init("vision", "a run", output_uri=place)  # type: ignore[arg-type]  # a Path is taken too
    model = OutputModel(name="net")
    for iteration in range(4):
        Path("w.pt").write_text(f"weights {iteration}")
        model.update_weights("w.pt", iteration=iteration, snapshots=2)
    assert not any(path.is_file() for path in (task.path() / "files").rglob("*"))
    assert sorted(path.read_text() for path in place.rglob("*.pt")) == ["weights 2", "weights 3"]
    weights = task.models.output["net"].get_weights()
    assert weights is not None
    assert Path(weights).read_text() == "weights 3"


@pytest.mark.parametrize("output_uri", [None, True])
def test_what_the_project_says_goes_before_the_settings(
    output_uri: bool | None, place: Path, store: Store, tmp_path: Path
) -> None:
    store.paths.config.write_text(f"output:\n  uri: {tmp_path / 'settings'}\n")
    assert Task.init("vision", "a run", output_uri=output_uri).details.get_output_uri() == str(tmp_path / "settings")
    Task.current_task().close()  # type: ignore[union-attr]  # it is open
    projects.edit(store, "vision", lambda record: setattr(record, "default_output_destination", str(place)))
    task = Task.init("vision", "another run", output_uri=output_uri)
    assert task.details.get_output_uri() == str(place)


def test_false_is_nowhere_else(store: Store, tmp_path: Path) -> None:
    store.paths.config.write_text(f"output:\n  uri: {tmp_path / 'settings'}\n")
    assert Task.init("vision", "a run", output_uri=False).details.get_output_uri() == ""


def test_a_place_in_the_settings_that_cannot_be_used_stops_no_program(
    store: Store, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    store.paths.config.write_text("output:\n  uri: s3://bucket/x\n")
    task = Task.init("vision", "a run")
    assert task.details.get_output_uri() == ""
    assert "taskstore[remote]" in capfd.readouterr().err


def test_a_wrong_place_in_the_program_is_told_before_anything_is_recorded(store: Store) -> None:
    with pytest.raises(BadValue, match="output_uri"):
        Task.init("vision", "a run", output_uri=5)  # type: ignore[arg-type]  # what users pass
    assert Task.get_tasks() == []


def test_a_place_that_does_not_answer_costs_one_warning_and_no_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("a file is no folder")
    task = Task.init("vision", "a run", output_uri=str(tmp_path / "file"))
    Path("w.pt").write_text("weights")
    model = OutputModel(name="net")
    for _ in range(2):
        assert model.update_weights("w.pt") == "w.pt"
        assert task.upload_artifact("scores", {"a": 1})
    assert capfd.readouterr().err.count("stay in the task's folder") == 1
    assert (model.url, task.artifacts["scores"].get()) == ("files/models/net/w.pt", {"a": 1})


def test_a_clone_and_its_run_have_the_place_of_the_source(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.init("vision", "a run", output_uri=str(place))
    task.close()
    draft = Task.clone(task)
    assert draft.details.get_output_uri() == str(place)
    monkeypatch.setenv(mode.TASK_VARIABLE, draft.id)
    run = Task.init("vision", "a run", output_uri=str(tmp_path / "other"))
    assert (run.id, run.details.get_output_uri()) == (draft.id, str(place))


def test_the_place_may_be_said_later_and_for_one_model(place: Path, tmp_path: Path) -> None:
    task = Task.init("vision", "a run")
    task.upload_artifact("early", {"a": 1})
    task.details.set_output_uri(str(place))
    task.upload_artifact("late", {"a": 1})
    model = OutputModel(name="net")
    Path("w.pt").write_text("weights")
    model.update_weights("w.pt", upload_uri=str(tmp_path / "own"), auto_delete_file=True)
    assert [name.rpartition("/")[2] for name in files(place)] == ["late.json"]
    assert len(files(tmp_path / "own")) == 1
    assert not Path("w.pt").exists()
    task.details.set_output_uri(None)
    assert task.details.get_output_uri() == ""


def test_a_file_that_was_put_nowhere_is_not_deleted(place: Path) -> None:
    Task.init("vision", "a run", output_uri=str(place))
    Path("w.pt").write_text("weights")
    OutputModel(name="net").update_weights("w.pt", auto_delete_file=True)
    assert Path("w.pt").exists()


def test_of_two_that_put_weights_at_one_address_the_later_keeps_its_own_here(
    place: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.paths.config.write_text("output:\n  keep_local: false\n")
    task = Task.init("vision", "a run", output_uri=str(place))
    first, second = OutputModel(name="first"), OutputModel(name="second")
    real = outputs.Outputs.put

    def put(self: outputs.Outputs, *arguments: Any) -> str:
        uri = real(self, *arguments)

        def claim(_: object, record: ModelsRecord) -> None:
            record.output[first.id].uri, record.output[first.id].uri_hash = uri, "0" * 64

        models.change(store, task.id, claim)
        return uri

    monkeypatch.setattr(outputs.Outputs, "put", put)
    Path("w.pt").write_text("weights")
    second.update_weights("w.pt")
    assert second.url == "files/models/second/w.pt"
    assert [path.read_text() for path in (task.path() / "files").rglob("w.pt")] == ["weights"]


def test_an_address_with_credentials_is_used_and_recorded_without_them(store: Store) -> None:
    store.paths.config.write_text("output:\n  keep_local: false\n")
    task = Task.init("vision", "a run", output_uri="memory://ada:secret@runs/here")
    task.upload_artifact("scores", {"a": 1})
    model = OutputModel(name="net")
    Path("w.pt").write_text("weights")
    model.update_weights("w.pt")
    assert task.artifacts["scores"].url.startswith(f"memory://runs/here/vision/a run.{task.id}/artifacts/scores/")
    assert task.artifacts["scores"].get() == {"a": 1}
    weights = model.get_weights()
    assert weights is not None
    assert Path(weights).read_text() == "weights"
    for path in task.path().rglob("*.json"):
        assert "secret" not in path.read_text("utf-8")


def test_one_place_may_be_said_for_all_models_that_are_made_from_now_on(place: Path, tmp_path: Path) -> None:
    Task.init("vision", "a run")
    before = OutputModel(name="before")
    OutputModel.set_default_upload_uri(str(place))
    try:
        after, other = OutputModel(name="after"), OutputModel(name="other")
        other.set_upload_destination(str(tmp_path / "own"))
    finally:
        OutputModel.set_default_upload_uri(None)
    assert (before.upload_storage_uri, after.upload_storage_uri) == ("", str(place))
    Path("w.pt").write_text("weights")
    for model in (before, after, other):
        model.update_weights("w.pt")
    OutputModel.wait_for_uploads()
    assert (len(files(place)), len(files(tmp_path / "own"))) == (1, 1)
