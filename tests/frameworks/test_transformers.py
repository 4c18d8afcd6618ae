"""Models and checkpoints of the real transformers, made here and from nothing: nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from taskstore.disk.layout import TaskPaths  # noqa: E402 - after the skip
from taskstore.store import configuration, models, tasks  # noqa: E402 - after the skip

from ..run.programs import only_task, run, write  # noqa: E402 - after the skip
from .saving import captured, noted_without  # noqa: E402 - after the skip

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


def model() -> Any:
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4
    )
    return transformers.BertForSequenceClassification(config)


def trainer(**options: Any) -> Any:
    pytest.importorskip("accelerate")
    row = {"input_ids": [1, 2], "attention_mask": [1, 1], "labels": 0}
    arguments = transformers.TrainingArguments(
        "out",
        max_steps=2,
        save_steps=1,
        per_device_train_batch_size=1,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        **options,
    )
    return transformers.Trainer(model=model(), args=arguments, train_dataset=[row, row])


def test_a_folder_is_one_model_saved_and_loaded(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        model().save_pretrained("tiny")
        transformers.BertForSequenceClassification.from_pretrained("tiny")
        transformers.AutoModel.from_pretrained(tmp_path / "tiny")
    assert kept.taken() == [
        ("saved", "PyTorch", "tiny"),
        ("loaded", "PyTorch", "tiny"),
        ("loaded", "PyTorch", "tiny"),
    ]
    assert kept.keys == {"pytorch"}


def test_a_helper_process_saves_nothing(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        model().save_pretrained("tiny", is_main_process=False)
    assert kept.taken() == []


def test_a_name_of_a_hub_is_no_file_and_fails_as_ever(tmp_path: Path) -> None:
    with captured(tmp_path) as kept, pytest.raises(OSError, match="in the cached files"):
        transformers.AutoModel.from_pretrained("somebody/nothing", local_files_only=True)
    assert kept.taken() == []


def test_each_checkpoint_of_a_trainer_is_one_model(tmp_path: Path) -> None:
    with captured(tmp_path) as kept:
        running = trainer()
        running.train()
        running.save_model("final")
    assert kept.taken() == [
        ("saved", "PyTorch", "out/checkpoint-1"),
        ("saved", "PyTorch", "out/checkpoint-2"),
        ("saved", "PyTorch", "final"),
    ]


def test_a_checkpoint_that_a_training_goes_on_from_is_loaded_once(tmp_path: Path) -> None:
    trainer().train()
    with captured(tmp_path) as kept:
        trainer().train(resume_from_checkpoint="out/checkpoint-1")
    assert kept.taken() == [("loaded", "PyTorch", "out/checkpoint-1"), ("saved", "PyTorch", "out/checkpoint-2")]


def test_what_was_swapped_is_put_back(tmp_path: Path) -> None:
    owners = transformers.PreTrainedModel, transformers.Trainer
    before = [dict(vars(owner)) for owner in owners]
    with captured(tmp_path):
        assert transformers.Trainer.save_model is not before[1]["save_model"]
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_version_without_what_is_hooked_is_noted_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = noted_without(
        tmp_path, monkeypatch, transformers.PreTrainedModel, "from_pretrained", lambda: model().save_pretrained("bert")
    )
    assert [note.split(": ")[:2] for note in noted] == [["transformers", "AttributeError"]]
    assert (tmp_path / "bert" / "config.json").is_file()


def test_the_callback_that_is_for_clearml_reports_to_the_store(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    pytest.importorskip("clearml")  # transformers looks for it before the program's alias is asked
    text = """
        import transformers
        config = transformers.BertConfig(
            vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4
        )
        row = {"input_ids": [1, 2], "attention_mask": [1, 1], "labels": 0}
        arguments = transformers.TrainingArguments(
            "out", max_steps=2, save_steps=1, logging_steps=1, per_device_train_batch_size=1, report_to=["clearml"],
            use_cpu=True, disable_tqdm=True,
        )
        model = transformers.BertForSequenceClassification(config)
        transformers.Trainer(model=model, args=arguments, train_dataset=[row, row]).train()
    """
    env = {"CLEARML_LOG_MODEL": "True", "HF_HUB_OFFLINE": "1"}
    ended = run(tmp_path / "work", ["-m", "taskstore.clearml", str(write(tmp_path / "work", text))], env=env)
    assert ended.code == 0, ended.stderr
    found = only_task(ended)
    paths = TaskPaths(found.home)
    assert (found.record.name, found.record.status) == ("Trainer", "completed")
    section = tasks.read_params(paths).hyperparams["Transformers"]
    assert (section["max_steps"].value, section["max_steps"].type) == ("2", "int")
    assert section["save_strategy"].value == "STEPS"
    assert {("train", "loss"), ("train", "learning_rate"), ("train", "grad_norm")} <= found.points.keys()
    assert len(found.points["train", "loss"]) == 2
    assert list(configuration.read(paths)) == ["Model Configuration"]
    assert [(model.name, model.iteration) for model in models.read(paths).output.values()] == [
        ("checkpoint-1", 1),
        ("checkpoint-2", 2),
    ]
