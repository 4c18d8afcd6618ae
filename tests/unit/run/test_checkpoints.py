"""Models that a program saves and loads by its libraries' functions."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from taskstore.core.secrets import Masker
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run.sink import StoreSink
from taskstore.schema.model import Model, ModelInput
from taskstore.store import copies, models, places, tasks
from taskstore.store.store import Store


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "a run")
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    return made


def sink_of(store: Store, paths: TaskPaths) -> StoreSink:
    return StoreSink(store, paths.id, lambda: places.locate(store, paths.id), Masker(), is_rerun=False)


@pytest.fixture
def sink(store: Store, paths: TaskPaths) -> StoreSink:
    return sink_of(store, paths)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def output(paths: TaskPaths) -> list[Model]:
    return list(models.read(paths).output.values())


def given(paths: TaskPaths) -> list[ModelInput]:
    return list(models.read(paths).input.values())


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_what_is_saved_is_an_output_model_named_by_task_and_file(sink, paths, work):
    write(work / "best.pt", "weights")
    sink.model_saved("PyTorch", Path("best.pt"))
    (model,) = output(paths)
    assert (model.name, model.slot, model.framework) == ("a run - best", "best", "PyTorch")
    assert model.comment == f"saved as {work / 'best.pt'}"
    assert (paths.home / model.file.path).read_text() == "weights"


def test_an_onnx_file_and_the_weights_beside_it_are_one_model(sink, paths, work):
    write(work / "net.onnx.data", "weights")
    sink.model_saved("ONNX", write(work / "net.onnx", "graph, location: net.onnx.data"))
    (model,) = output(paths)
    assert (model.name, model.slot, model.is_package) == ("a run - net", "net", True)
    with zipfile.ZipFile(paths.home / model.file.path) as kept:
        assert {name: kept.read(name) for name in kept.namelist()} == {
            "net.onnx": b"graph, location: net.onnx.data",
            "net.onnx.data": b"weights",
        }


@pytest.mark.parametrize("name", ["net.onnx", "net.pt"])
def test_a_file_beside_it_that_it_does_not_name_is_not_of_the_model(sink, paths, work, name):
    write(work / f"{name}.data", "of another time")
    sink.model_saved("ONNX", write(work / name, "graph and weights"))
    (model,) = output(paths)
    assert not model.is_package
    assert (paths.home / model.file.path).read_text() == "graph and weights"


def test_a_name_that_is_given_is_the_models(sink, paths, work):
    sink.model_saved("Keras", write(work / "x.keras", "weights"), name="my model")
    assert [(model.name, model.slot) for model in output(paths)] == [("my model", "my model")]


def test_saved_again_it_is_the_same_model_at_the_writers_last_iteration(sink, paths, work):
    for iteration in (3, 7):
        sink.writer.scalar("loss", "train", 0.5, iteration)
        sink.model_saved("PyTorch", write(work / "best.pt", f"weights {iteration}"))
    (model,) = output(paths)
    assert (model.iteration, [item.iteration for item in model.snapshots]) == (7, [3, 7])
    assert (paths.home / model.file.path).read_text() == "weights 7"


def test_without_an_iteration_the_last_file_is_kept(sink, paths, work):
    for text in ("one", "two"):
        sink.model_saved("PyTorch", write(work / "best.pt", text))
    (model,) = output(paths)
    assert [path.read_text() for path in paths.model_files.rglob("*") if path.is_file()] == ["two"]
    assert (model.iteration, model.snapshots) == (None, [])


def test_a_published_model_is_left_and_another_one_made(sink, paths, work, store):
    sink.model_saved("PyTorch", write(work / "best.pt", "one"))
    first = output(paths)[0].id
    models.change(store, paths.id, lambda _, record: setattr(record.output[first], "ready", True))
    sink.model_saved("PyTorch", write(work / "best.pt", "two"))
    assert [(model.id == first, (paths.home / model.file.path).read_text()) for model in output(paths)] == [
        (True, "one"),
        (False, "two"),
    ]


def test_a_folder_that_is_saved_is_a_package(sink, paths, work):
    (work / "saved" / "variables").mkdir(parents=True)
    write(work / "saved" / "variables" / "data", "weights")
    sink.model_saved("TensorFlow", work / "saved")
    (model,) = output(paths)
    assert (model.slot, model.is_package, Path(model.file.path).name) == ("saved", True, "saved.zip")


def test_what_is_loaded_from_the_task_itself_is_the_model_that_it_saved(sink, paths, work):
    sink.model_saved("PyTorch", write(work / "best.pt", "weights"))
    for _ in range(2):
        sink.model_loaded("PyTorch", work / "best.pt")
    assert [(item.model, item.task, item.about) for item in given(paths)] == [(output(paths)[0].id, paths.id, None)]


@pytest.mark.parametrize("size", [10, 100_000])
def test_what_is_loaded_from_another_task_names_the_model_of_that_one(sink, paths, work, store, size):
    other = tasks.create(store, "examples", "earlier run")
    sink_of(store, other).model_saved("PyTorch", write(work / "best.pt", "x" * size))
    copied = write(work / "copied.pt", "x" * size)
    sink.model_loaded("PyTorch", copied)
    (model,) = output(other)
    assert [(item.slot, item.model, item.task) for item in given(paths)] == [("best", model.id, other.id)]


def test_a_file_that_has_been_written_over_is_not_the_model_that_was_saved_there(sink, paths, work):
    sink.model_saved("PyTorch", write(work / "best.pt", "weights"))
    sink.model_loaded("PyTorch", write(work / "best.pt", "others"))
    (item,) = given(paths)
    assert item.model != output(paths)[0].id
    assert item.about.uri == (work / "best.pt").as_uri()


def test_what_nobody_saved_is_recorded_with_path_and_hash_once(sink, paths, work):
    path = write(work / "pretrained.pt", "weights")
    for _ in range(2):
        sink.model_loaded("PyTorch", path)
    (item,) = given(paths)
    assert (item.slot, item.task, item.source) == ("pretrained", "", str(path))
    assert (item.about.name, item.about.framework, len(item.about.uri_hash)) == ("pretrained", "PyTorch", 64)
    assert not paths.files.exists()
    sink.model_loaded("PyTorch", write(path, "newer weights"))
    assert [item.slot for item in given(paths)] == ["pretrained", "pretrained #2"]


def test_what_is_loaded_from_the_store_is_known_there(sink, paths, store, work):
    other = tasks.create(store, "examples", "earlier run")
    sink_of(store, other).model_saved("PyTorch", write(work / "best.pt", "weights"))
    (model,) = output(other)
    sink.model_loaded("PyTorch", other.home / model.file.path)
    assert [item.model for item in given(paths)] == [model.id]


def test_what_is_loaded_from_a_package_that_was_unpacked_is_the_package(sink, paths, store, work):
    (work / "saved").mkdir()
    write(work / "saved" / "data", "weights")
    other = tasks.create(store, "examples", "earlier run")
    sink_of(store, other).model_saved("TensorFlow", work / "saved")
    (model,) = output(other)
    folder = copies.unpacked(store, other.home / model.file.path, model.hash)
    sink.model_loaded("TensorFlow", folder)
    sink.model_loaded("TensorFlow", folder / "data")
    assert [item.model for item in given(paths)] == [model.id]


def test_a_checkpoint_that_is_called_by_the_beginning_of_its_files_is_kept_whole(sink, paths, work):
    write(work / "ckpt-1.index", "index")
    write(work / "ckpt-1.data-00000-of-00001", "data")
    sink.model_saved("TensorFlow", work / "ckpt-1")
    (model,) = output(paths)
    with zipfile.ZipFile(paths.home / model.file.path) as archive:
        assert sorted(archive.namelist()) == ["ckpt-1.data-00000-of-00001", "ckpt-1.index"]


def test_a_large_file_is_recorded_by_its_path_with_a_note(sink, paths, work, store, capfd):
    store.paths.config.write_text("models:\n  auto_copy_mib: 0.00001\n")
    path = write(work / "large.pt", "x" * 100)
    sink.model_saved("PyTorch", path)
    sink.model_saved("PyTorch", path)
    (model,) = output(paths)
    assert (model.file, model.uri, paths.files.exists()) == (None, path.as_uri(), False)
    assert len(tasks.read_script(paths).notes) == 1
    assert "auto_copy_mib" in capfd.readouterr().err
    sink.model_loaded("PyTorch", path)
    assert [item.model for item in given(paths)] == [model.id]


def test_a_setting_records_paths_only(sink, paths, work, store, capfd):
    store.paths.config.write_text("models:\n  auto_copy: false\n")
    path = write(work / "w.pt", "weights")
    sink.model_saved("PyTorch", path)
    sink.model_saved("PyTorch", path)
    (model,) = output(paths)
    assert (model.file, model.uri) == (None, path.as_uri())
    assert path.exists()
    assert capfd.readouterr().err == ""


def test_what_is_not_there_is_noted_and_the_program_goes_on(sink, paths, work, capfd):
    sink.model_saved("PyTorch", work / "missing.pt")
    sink.model_loaded("PyTorch", work / "missing.pt")
    assert (output(paths), given(paths)) == ([], [])
    assert "missing.pt was saved and is not there" in capfd.readouterr().err


def test_a_store_that_refuses_is_warned_of_once_and_the_program_goes_on(sink, paths, work, monkeypatch, capfd):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(models, "change", refuse)
    for _ in range(2):
        sink.model_saved("PyTorch", write(work / "w.pt", "weights"))
        sink.model_loaded("PyTorch", work / "w.pt")
    assert capfd.readouterr().err.count("cannot be written") == 1
