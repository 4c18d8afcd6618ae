"""Checkpoints of the real Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("lightning")

from .saving import Kept, captured, noted_without  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Tiny(lightning.LightningModule):  # type: ignore[name-defined, misc] - imported by importorskip
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: Any, _: int) -> Any:
        return self.layer(batch).sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(torch.ones(2, 2))


def trainer(folder: Path, **options: Any) -> Any:
    return lightning.Trainer(
        default_root_dir=folder,
        max_epochs=options.pop("max_epochs", 2),
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def test_each_checkpoint_of_a_training_is_reported_once_at_its_final_path(tmp_path: Path) -> None:
    keeper = lightning.pytorch.callbacks.ModelCheckpoint(tmp_path / "kept", filename="{epoch}", save_top_k=-1)
    with captured(tmp_path) as kept:
        running = trainer(tmp_path, callbacks=[keeper])
        running.fit(Tiny())
        running.save_checkpoint(tmp_path / "last.ckpt")
    assert kept.taken() == [
        ("saved", "PyTorch", "kept/epoch=0.ckpt"),
        ("saved", "PyTorch", "kept/epoch=1.ckpt"),
        ("saved", "PyTorch", "last.ckpt"),
    ]
    assert kept.keys == {"pytorch"}
    assert min(kept.sizes) > 0


def test_a_checkpoint_that_a_training_goes_on_from_is_loaded(tmp_path: Path) -> None:
    first = trainer(tmp_path, max_epochs=1, enable_checkpointing=False)
    first.fit(Tiny())
    first.save_checkpoint("first.ckpt")
    with captured(tmp_path) as kept:
        trainer(tmp_path, enable_checkpointing=False).fit(Tiny(), ckpt_path="first.ckpt")
        Tiny.load_from_checkpoint("first.ckpt")
    assert set(kept.taken()) == {("loaded", "PyTorch", "first.ckpt")}


def test_a_checkpoint_written_in_another_thread_is_reported_when_it_is_there(tmp_path: Path) -> None:
    plugin = lightning.pytorch.plugins.io.AsyncCheckpointIO()
    with captured(tmp_path) as kept:
        running = trainer(tmp_path, plugins=[plugin], max_epochs=1, enable_checkpointing=False)
        running.fit(Tiny())
        running.save_checkpoint(tmp_path / "last.ckpt")
        running.strategy.teardown()
    assert kept.taken() == [("saved", "PyTorch", "last.ckpt")]


def test_a_folder_of_shards_is_one_model(tmp_path: Path) -> None:
    with captured(tmp_path) as kept, pytest.MonkeyPatch.context() as patch:
        running = trainer(tmp_path, max_epochs=1, enable_checkpointing=False)
        running.fit(Tiny())
        patch.setattr(running.strategy, "save_checkpoint", lambda _, path, **__: Path(path).mkdir())
        running.save_checkpoint("sharded")
    assert kept.taken() == [("saved", "PyTorch", "sharded")]


def test_fabric_saves_the_same_way(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        fabric = lightning.Fabric(accelerator="cpu", devices=1)
        fabric.save("state.ckpt", {"model": torch.nn.Linear(1, 1)})
    assert kept.taken() == [("saved", "PyTorch", "state.ckpt")]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

    before = TorchCheckpointIO.save_checkpoint, lightning.Trainer.save_checkpoint
    with captured(tmp_path):
        assert TorchCheckpointIO.save_checkpoint is not before[0]
        assert lightning.Trainer.save_checkpoint is not before[1]
    assert (TorchCheckpointIO.save_checkpoint, lightning.Trainer.save_checkpoint) == before


def test_a_sink_that_fails_is_noted_and_the_program_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(Kept, "model_saved", fails)
    with captured(tmp_path) as kept:
        running = trainer(tmp_path, max_epochs=1, enable_checkpointing=False)
        running.fit(Tiny())
        running.save_checkpoint(tmp_path / "last.ckpt")
    assert [note.splitlines()[0] for note in kept.notes] == ["lightning: RuntimeError: no room"]
    assert (tmp_path / "last.ckpt").is_file()


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(
        tmp_path,
        monkeypatch,
        lightning.Trainer,
        "save_checkpoint",
        lambda: trainer(tmp_path, enable_checkpointing=False).fit(Tiny()),
    )
    assert [note.split(": ")[:2] for note in noted] == [["lightning", "AttributeError"]]
    assert hasattr(lightning.Trainer, "save_checkpoint")
