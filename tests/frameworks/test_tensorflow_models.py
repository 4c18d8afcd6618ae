"""Saved models and checkpoints of the real TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

tensorflow: Any = pytest.importorskip("tensorflow")

from .saving import captured, noted_without  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checkpoint() -> Any:
    return tensorflow.train.Checkpoint(value=tensorflow.Variable(1.0))


def test_a_saved_model_is_its_folder(tmp_path: Path) -> None:
    module = tensorflow.Module()
    module.value = tensorflow.Variable(1.0)
    with captured(tmp_path) as kept:
        tensorflow.saved_model.save(module, "saved")
        tensorflow.saved_model.load(str(tmp_path / "saved"))
    assert kept.taken() == [("saved", "TensorFlow", "saved"), ("loaded", "TensorFlow", "saved")]
    assert kept.keys == {"tensorflow"}


def test_a_checkpoint_is_what_its_files_begin_with(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        path = checkpoint().save("folder/ckpt")
        checkpoint().restore(path)
        checkpoint().read(checkpoint().write("written"))
    assert kept.taken() == [
        ("saved", "TensorFlow", "folder/ckpt-1"),
        ("loaded", "TensorFlow", "folder/ckpt-1"),
        ("saved", "TensorFlow", "written"),
        ("loaded", "TensorFlow", "written"),
    ]
    assert (tmp_path / "folder" / "ckpt-1.index").is_file()


def test_a_checkpoint_manager_reports_each_once(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        manager = tensorflow.train.CheckpointManager(checkpoint(), "kept", max_to_keep=2)
        manager.save()
        manager.restore_or_initialize()
    assert kept.taken() == [("saved", "TensorFlow", "kept/ckpt-1"), ("loaded", "TensorFlow", "kept/ckpt-1")]


def test_a_saver_of_tensorflow_1_is_seen(tmp_path: Path) -> None:
    old = tensorflow.compat.v1
    with captured(tmp_path) as kept, old.Graph().as_default(), old.Session() as session:
        old.get_variable("value", initializer=1.0, use_resource=True)
        session.run(old.global_variables_initializer())
        saver = old.train.Saver()
        saver.restore(session, saver.save(session, "folder/old", global_step=3))
    assert kept.taken() == [("saved", "TensorFlow", "folder/old-3"), ("loaded", "TensorFlow", "folder/old-3")]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    owners = tensorflow.train.Checkpoint, tensorflow.train.CheckpointManager
    before = [dict(vars(owner)) for owner in owners], tensorflow.saved_model.save, tensorflow.saved_model.load
    with captured(tmp_path):
        assert tensorflow.saved_model.save is not before[1]
    after = [dict(vars(owner)) for owner in owners], tensorflow.saved_model.save, tensorflow.saved_model.load
    assert after == before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(
        tmp_path, monkeypatch, tensorflow.train.CheckpointManager, "save", lambda: checkpoint().write("written")
    )
    assert [note.split(": ")[:2] for note in noted] == [["tensorflow", "AttributeError"]]
    assert (tmp_path / "written.index").is_file()
