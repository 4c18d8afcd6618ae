from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from taskstore.core.ids import new_id
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.model import Model, ModelInput
from taskstore.sections import models as section
from taskstore.sections.artifacts import Artifacts
from taskstore.store import destination, models, tasks

from .conftest import Cli, Workshop
from .test_completion import complete


@pytest.fixture(autouse=True)
def _in_an_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def keep(workshop: Workshop, paths: TaskPaths, name: str, data: bytes, *, file_name: str = "Net.pt") -> Model:
    source = workshop.store.root.parent / file_name
    source.write_bytes(data)
    model = models.add(workshop.store, paths.id, Model(id=new_id(), name=f"the {name}", slot=name, framework="PyTorch"))
    assert model is not None
    kept = section.keep(workshop.store, paths.id, model.id, section.Kept(path=source, name=source.name, iteration=7))
    assert kept is not None
    return kept


@pytest.fixture
def paths(workshop: Workshop) -> TaskPaths:
    made = workshop.task(status=Status.CREATED)
    kept = Artifacts(workshop.store, made.id)
    kept.upload("scores", {"accuracy": 0.5})
    folder = workshop.store.root.parent / "given"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("A")
    kept.upload("data", folder)
    keep(workshop, made, "net", b"weights" * 10)
    return made


def test_an_artifact_is_copied_here_and_its_path_printed(paths: TaskPaths, cli: Cli) -> None:
    done = cli("get", paths.id, "scores")
    assert (done.code, done.out) == (0, "scores.json\n")
    assert json.loads(Path("scores.json").read_text()) == {"accuracy": 0.5}
    assert os.access("scores.json", os.W_OK)


def test_weights_are_copied_under_their_own_name_by_slot_or_by_name(paths: TaskPaths, cli: Cli) -> None:
    assert cli("get", paths.id, "net").out == "Net.pt\n"
    assert Path("Net.pt").read_bytes() == b"weights" * 10
    assert cli("get", paths.id, "the net", "-o", "other.pt").out == "other.pt\n"
    assert Path("other.pt").read_bytes() == b"weights" * 10


def test_a_folder_that_is_there_takes_the_copy_in(paths: TaskPaths, cli: Cli) -> None:
    Path("there").mkdir()
    assert cli("get", paths.id, "net", "-o", "there").out == "there/Net.pt\n"
    assert cli("get", paths.id, "net", "-o", "new/name").out == "new/name\n"
    assert Path("new/name").is_file()


def test_a_folder_comes_back_as_one_or_packed(paths: TaskPaths, cli: Cli) -> None:
    assert cli("get", paths.id, "data").out == "given\n"
    assert Path("given/deep/a.txt").read_text() == "A"
    assert cli("get", paths.id, "data", "--packed").out == "given.zip\n"


def test_nothing_is_overwritten(paths: TaskPaths, cli: Cli) -> None:
    Path("Net.pt").write_text("mine")
    done = cli("get", paths.id, "net")
    assert (done.code, done.out) == (4, "")
    assert Path("Net.pt").read_text() == "mine"


def test_an_unknown_name_is_3_and_names_those_that_there_are(paths: TaskPaths, cli: Cli) -> None:
    done = cli("get", paths.id, "nothing")
    assert done.code == 3
    assert "scores, data, net" in done.err
    done = cli("get", paths.id, "scores", "--model")
    assert done.code == 3
    assert "the task has net" in done.err


def test_of_one_name_the_artifact_is_meant_unless_the_model_is_said(
    paths: TaskPaths, workshop: Workshop, cli: Cli
) -> None:
    keep(workshop, paths, "scores", b"w", file_name="w.pt")
    assert cli("get", paths.id, "scores").out == "scores.json\n"
    assert cli("get", paths.id, "scores", "--model").out == "w.pt\n"


def test_the_list_has_artifacts_and_models(paths: TaskPaths, workshop: Workshop, cli: Cli) -> None:
    other = workshop.task("other run", status=Status.CREATED)
    given = keep(workshop, other, "base", b"base")
    models.give(workshop.store, paths.id, ModelInput(slot="base", model=given.id, task=other.id))
    assert [row[:3] for row in cli("get", paths.id, "--list").rows[1:]] == [
        ["artifact", "scores", "dict"],
        ["artifact", "data", "archive"],
        ["model", "net", "PyTorch"],
        ["input model", "base", ""],
    ]
    assert cli("get", paths.id, "--list", "--json").objects[2] == {
        "kind": "model",
        "name": "net",
        "type": "PyTorch",
        "size": 70,
    }
    assert cli("get", paths.id, "base").out == "Net.pt\n"
    assert Path("Net.pt").read_bytes() == b"base"


def test_json_has_name_and_path(paths: TaskPaths, cli: Cli) -> None:
    assert cli("get", paths.id, "net", "--json").objects == [{"name": "net", "path": "Net.pt"}]


@pytest.mark.parametrize("words", [[], ["net", "--list"]])
def test_a_name_or_the_list_is_asked_for(paths: TaskPaths, cli: Cli, words: list[str]) -> None:
    assert cli("get", paths.id, *words).code == 2


def test_what_is_elsewhere_only_is_fetched_and_checked(workshop: Workshop, tmp_path: Path, cli: Cli) -> None:
    workshop.store.paths.config.write_text("output:\n  keep_local: false\n")
    paths = workshop.task(status=Status.CREATED)
    place = destination.recorded(str(tmp_path / "elsewhere"))
    tasks.edit(workshop.store, paths.id, lambda record: setattr(record, "output_destination", place))
    Artifacts(workshop.store, paths.id).upload("scores", {"a": 1})
    assert not paths.artifact_files.exists() or not any(path.is_file() for path in paths.artifact_files.rglob("*"))
    assert cli("get", paths.id, "scores").code == 0
    assert json.loads(Path("scores.json").read_text()) == {"a": 1}
    (there,) = (tmp_path / "elsewhere").rglob("scores.json")
    there.write_text("{}")
    assert cli("get", paths.id, "scores", "-o", "again.json").code == 6


def test_show_has_the_models(paths: TaskPaths, cli: Cli) -> None:
    shown = cli("show", paths.id).out
    assert "Models\n" in shown
    row = next(line for line in shown.splitlines() if "the net" in line)
    assert row.split()[:6] == ["the", "net", "PyTorch", "7", "70", "B"]
    (model,) = cli("show", paths.id, "--json").objects[0]["models"]["output"].values()
    assert (model["slot"], model["iteration"], model["file"]["size"]) == ("net", 7, 70)


def test_names_of_what_the_task_has_are_completed(paths: TaskPaths, workshop: Workshop) -> None:
    assert complete(f"taskstore get {paths.id} n") == ["net"]
    assert complete(f"taskstore get {paths.id} ") == ["scores", "data", "net"]
