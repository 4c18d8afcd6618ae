"""Models that torch and safetensors save and load, against the real libraries."""

from __future__ import annotations

import gzip
import io
import traceback
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from .saving import Kept, captured, noted_without  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def model() -> Any:
    return torch.nn.Linear(2, 1)


def test_a_state_dict_and_a_module_are_reported_by_the_path_they_went_to(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        torch.save(model().state_dict(), "weights.pt")
        torch.save(model(), tmp_path / "whole.pt")
        torch.load("weights.pt")
        torch.load(f=str(tmp_path / "whole.pt"), weights_only=False)
    assert kept.taken() == [
        ("saved", "PyTorch", "weights.pt"),
        ("saved", "PyTorch", "whole.pt"),
        ("loaded", "PyTorch", "weights.pt"),
        ("loaded", "PyTorch", "whole.pt"),
    ]
    assert kept.keys == {"pytorch"}


def test_an_open_file_is_whole_when_it_is_reported_and_a_buffer_is_nobodys_model(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with captured(tmp_path) as kept:
        with Path("open.pt").open("wb") as file:
            torch.save(model().state_dict(), file)
            assert kept.sizes == [len((tmp_path / "open.pt").read_bytes())]
        with Path("open.pt").open("rb") as file:
            torch.load(file)
        torch.save(model().state_dict(), buffer)
        buffer.seek(0)
        torch.load(buffer)
    assert kept.taken() == [("saved", "PyTorch", "open.pt"), ("loaded", "PyTorch", "open.pt")]


@pytest.mark.filterwarnings("ignore")
def test_an_export_to_onnx_is_one_model(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    inputs = (torch.ones(1, 2),)
    with captured(tmp_path, {"pytorch": True}) as kept:
        torch.onnx.export(model(), inputs, "old.onnx", dynamo=False)
        torch.onnx.export(model(), inputs, io.BytesIO(), dynamo=False)
    assert kept.taken() == [("saved", "ONNX", "old.onnx")]


def test_what_an_exporter_writes_by_name_is_a_model_of_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export(_: Any, args: Any = (), f: Any = None, **__: Any) -> None:
        Path(f).write_bytes(b"a graph")

    monkeypatch.setattr(torch.onnx, "export", export)
    with captured(tmp_path) as kept:
        torch.onnx.export(model(), (torch.ones(1, 2),), "positional.onnx")
        torch.onnx.export(model(), f=tmp_path / "named.onnx", dynamo=False)
    assert kept.taken() == [("saved", "ONNX", "positional.onnx"), ("saved", "ONNX", "named.onnx")]
    assert torch.onnx.export is export


@pytest.mark.filterwarnings("ignore")
def test_an_exported_program_is_a_model_when_it_is_saved(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    inputs = (torch.ones(1, 2),)
    before = (torch.onnx.export, torch.onnx.ONNXProgram.save)
    with captured(tmp_path) as kept:
        torch.onnx.export(model(), inputs, "new.onnx")
        program = torch.onnx.export(model(), inputs)
        assert kept.taken() == [("saved", "ONNX", "new.onnx")]
        program.save("later.onnx")
    assert kept.taken() == [("saved", "ONNX", "later.onnx")]
    assert (torch.onnx.export, torch.onnx.ONNXProgram.save) == before
    assert (tmp_path / "new.onnx.data").is_file()


def test_a_compressed_file_is_reported_when_it_is_closed(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        with gzip.open("packed.pt.gz", "wb") as file:
            torch.save(model().state_dict(), file)
            assert kept.models == []
        assert kept.taken() == [("saved", "PyTorch", "packed.pt.gz")]
        assert kept.sizes == [(tmp_path / "packed.pt.gz").stat().st_size]


@pytest.mark.parametrize("save", ["function", "method"])
def test_torchscript_is_reported_once(tmp_path: Path, save: str) -> None:
    scripted = torch.jit.script(model())
    with captured(tmp_path) as kept:
        if save == "function":
            torch.jit.save(scripted, "scripted.pt")
        else:
            scripted.save("scripted.pt")
        torch.jit.load("scripted.pt")
    assert kept.taken() == [("saved", "PyTorch", "scripted.pt"), ("loaded", "PyTorch", "scripted.pt")]


def test_safetensors_files_are_models_too(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    with captured(tmp_path) as kept:
        safetensors.save_file(model().state_dict(), "weights.safetensors")
        safetensors.load_file(tmp_path / "weights.safetensors")
    assert kept.taken() == [("saved", "PyTorch", "weights.safetensors"), ("loaded", "PyTorch", "weights.safetensors")]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_folder_of_a_distributed_checkpoint_is_one_model(tmp_path: Path) -> None:
    distributed = pytest.importorskip("torch.distributed.checkpoint")
    state = {"weight": torch.ones(1)}
    with captured(tmp_path) as kept:
        distributed.save(state, checkpoint_id="sharded")
        distributed.load(state, checkpoint_id=tmp_path / "sharded")
    assert kept.taken() == [("saved", "PyTorch", "sharded"), ("loaded", "PyTorch", "sharded")]


def test_what_fails_is_not_reported_and_fails_as_without_us(tmp_path: Path) -> None:
    def attempts() -> list[tuple[type[BaseException], str, list[str]]]:
        found = []
        for attempt in (lambda: torch.load("missing.pt"), lambda: torch.save(lambda: 0, "unsaved.pt")):
            with pytest.raises(Exception) as caught:  # noqa: PT011, B017 - compared below
                attempt()
            names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
            found.append((caught.type, str(caught.value), names))
        return found

    with captured(tmp_path) as kept:
        with_us = attempts()
    assert kept.taken() == []
    assert [each[0] for each in with_us] == [each[0] for each in attempts()]
    assert [each[2] for each in with_us] == [each[2] for each in attempts()]


def test_what_was_swapped_is_put_back_and_a_hook_held_longer_says_nothing(tmp_path: Path) -> None:
    before = torch.save, torch.load, torch.jit.save, torch.jit.load, vars(torch.jit.ScriptModule).get("save")
    with captured(tmp_path) as kept:
        held = torch.save
        assert held is not before[0]
        assert held.__wrapped__ is before[0]
    held(model().state_dict(), "after.pt")
    assert before == (torch.save, torch.load, torch.jit.save, torch.jit.load, vars(torch.jit.ScriptModule).get("save"))
    assert kept.taken() == []


def test_names_imported_before_the_task_began_are_hooked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "save_by_name", torch.save)
    with captured(tmp_path) as kept:
        globals()["save_by_name"](model().state_dict(), "named.pt")
        assert kept.taken() == [("saved", "PyTorch", "named.pt")]
    assert globals()["save_by_name"] is torch.save


def test_a_sink_that_fails_is_noted_and_the_program_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(Kept, "model_saved", fails)
    with captured(tmp_path) as kept:
        torch.save(model().state_dict(), "weights.pt")
    assert [note.splitlines()[0] for note in kept.notes] == ["pytorch: RuntimeError: no room"]
    assert (tmp_path / "weights.pt").is_file()


def test_a_library_without_what_is_hooked_is_noted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "load")
    before = torch.save
    with captured(tmp_path) as kept:
        torch.save(model().state_dict(), "weights.pt")
    assert torch.save is before
    assert [note.partition(":")[0] for note in kept.notes] == ["pytorch"]


def test_what_is_not_wanted_is_not_hooked(tmp_path: Path) -> None:
    before = torch.save
    with captured(tmp_path, {"pytorch": False}) as kept:
        assert torch.save is before
        torch.save(model().state_dict(), "weights.pt")
    assert kept.taken() == []


def test_only_matching_paths_are_reported(tmp_path: Path) -> None:
    with captured(tmp_path, {"pytorch": "*.pt"}) as kept:
        torch.save(model().state_dict(), "weights.pt")
        torch.save(model().state_dict(), "weights.ckpt")
        torch.load("weights.ckpt")
    assert kept.taken() == [("saved", "PyTorch", "weights.pt")]


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(tmp_path, monkeypatch, torch, "load", lambda: torch.save([1], "a.pt"))
    assert [note.split(": ")[:2] for note in noted] == [["pytorch", "AttributeError"]]
    assert torch.load("a.pt") == [1]
