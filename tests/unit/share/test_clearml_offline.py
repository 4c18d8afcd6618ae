"""Importing what ClearML's format page says, with no ClearML (tests/frameworks has it)."""

from __future__ import annotations

import json
import pickle
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadName, Damaged, NotFound, ReadOnly, Refused
from taskstore.core.ids import time_of
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter, ScriptRecord
from taskstore.sections.artifacts import Artifacts
from taskstore.sections.clone import reset
from taskstore.sections.models import weights
from taskstore.share import importers
from taskstore.share.importers.base import Imported, Options, only
from taskstore.store import artifacts, configuration, doctor, events, models, places, plots, published, tasks, trash
from taskstore.store.store import Store

from .sessions import BEGAN_MS, ID, Made, packed, whole, write


def run(store: Store, path: Path, **options: object) -> Imported:
    return only(importers.of_path(path).runs(store, path, Options(**options)))  # type: ignore[arg-type]  # as the test says


def paths_of(store: Store, found: Imported) -> TaskPaths:
    return places.locate(store, found.task_id)


def ids(store: Store) -> list[str]:
    return [task_id for _, task_id in places.walk(store)]


def points(paths: TaskPaths) -> dict[str, tuple[list[int], list[float]]]:
    return {f"{item.metric}/{item.variant}": (item.iterations, item.values) for item in events.read_scalars(paths)}


@pytest.fixture
def task(store: Store, tmp_path: Path) -> TaskPaths:
    return paths_of(store, run(store, whole().zip(tmp_path)))


# what is in a session is in the task


def test_the_task_is_what_the_session_says(task: TaskPaths, store: Store) -> None:
    record = tasks.read(task)
    assert places.project_of(store, task.home) == "vision/cats"
    assert (record.name, record.type, record.comment, record.tags) == ("a run", "testing", "why", ["one", "two"])
    assert record.container is not None
    assert (record.container.image, record.container.arguments) == ("python:3.11", "--ipc=host")
    assert (record.runtime, record.host) == ({"progress": "50"}, "laptop")


def test_it_has_completed_and_its_times_are_those_of_its_events(task: TaskPaths) -> None:
    record = tasks.read(task)
    began, ended = (datetime.fromtimestamp(BEGAN_MS / 1000 + s, tz=timezone.utc) for s in (0, 7))
    assert (record.status, record.created, record.started, record.completed) == ("completed", began, began, ended)
    assert record.active_duration == 7.0
    assert time_of(record.id) == began
    assert [change.status for change in record.history] == ["created", "in_progress", "completed"]


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_a_status_that_the_session_has_of_its_own_is_kept(status: str, store: Store, tmp_path: Path) -> None:
    made = Made(document={"status": status, "status_reason": "because", "status_message": "more"})
    record = tasks.read(paths_of(store, run(store, made.folder(tmp_path))))
    assert (record.status, record.status_reason, record.status_message) == (Status(status), "because", "more")


def test_the_record_says_from_where_it_came(task: TaskPaths, tmp_path: Path, clock: FixedClock) -> None:
    (mark,) = tasks.read(task).imported
    assert (mark.kind, mark.id, mark.path) == ("clearml", ID, str(tmp_path / f"{ID}.zip"))
    assert (mark.time, mark.who, mark.notes) == (
        clock.now(),
        tasks.who(),
        ["Args/token looks like a credential, and was masked"],
    )


def test_hyperparameters_have_their_types_and_descriptions(task: TaskPaths) -> None:
    assert tasks.read_params(task).hyperparams == {
        "Args": {"lr": Parameter("0.1", "float", "step"), "n": Parameter("3", "int"), "token": Parameter(MASK, "str")},
        "properties": {"owner": Parameter("me")},
    }


def test_a_dictionary_becomes_yaml_and_a_text_stays(task: TaskPaths) -> None:
    found = configuration.read(task)
    assert {name: (item.type, item.description, item.path.name) for name, item in found.items()} == {
        "net": ("dictionary", "sizes", "net.yaml"),
        "file": ("yaml", "", "file.yaml"),
    }
    assert found["net"].read() == b"a: 1\nb:\n  c:\n  - 1\n  - x\n"
    assert found["file"].read() == b"k: v\n"


def test_the_code_is_there(task: TaskPaths) -> None:
    script = tasks.read_script(task)
    assert (script.repository, script.branch, script.version_num) == ("https://example.org/r.git", "main", "abc123")
    assert (script.entry_point, script.working_dir, script.binary) == ("train.py", "src", "python3.11")
    assert task.diff.read_text() == "diff --git a/x b/x\n"
    assert task.requirements.read_text() == "# Python 3.11\nnumpy == 2.1.0\ntqdm>=4\n"
    assert script.requirements == {"numpy": "2.1.0"}


def test_the_diff_of_a_script_outside_git_is_the_script(store: Store, tmp_path: Path) -> None:
    made = Made(document={"script": {"entry_point": "a/train.py", "diff": "print(1)\n", "repository": ""}})
    paths = paths_of(store, run(store, made.folder(tmp_path)))
    script: ScriptRecord = tasks.read_script(paths)
    assert script.diff is None
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == "print(1)\n"
    assert script.standalone.path == "source/script/train.py"


def test_scalars_are_exact_and_summed_up(task: TaskPaths) -> None:
    assert points(task) == {
        "loss/train": ([0, 1, 2], [1.0, 0.5, 1 / 3]),
        "Summary/best": ([-(2**31)], [0.25]),
    }
    assert json.loads(task.summary.read_bytes())["last_metrics"]["loss"]["train"]["min_value"] == 1 / 3


def test_console_lines_have_their_stream_and_time(task: TaskPaths) -> None:
    lines = [(line.stream, line.text, line.time.timestamp() * 1000 - BEGAN_MS) for line in events.read_console(task)]
    assert lines == [("stdout", "hello", 500), ("stdout", "world", 500), ("stderr", "oh no", 1500)]


def test_plots_and_their_pictures_are_there(task: TaskPaths) -> None:
    curve, shown = plots.read_plots(task)
    assert (curve.title, curve.iteration, curve.figure["data"], curve.image) == ("roc", 1, [{"y": [1, 2]}], None)
    assert shown.image is not None
    assert shown.image.read_bytes() == b"a picture"
    assert task.home / shown.figure["layout"]["images"][0]["source"] == shown.image


def test_debug_samples_are_files_or_addresses(task: TaskPaths) -> None:
    near, far = plots.read_samples(task)
    assert (near.title, near.series, near.iteration, near.media_type) == ("cats", "first", 2, "image/jpeg")
    assert near.path is not None
    assert near.path.read_bytes() == b"a cat"
    assert (far.url, far.path) == ("https://example.org/x.png", None)


def test_artifacts_have_file_hash_preview_and_type(task: TaskPaths, store: Store) -> None:
    found = artifacts.read(task).artifacts
    assert list(found) == ["table", "data", "far"]
    assert (found["table"].type, found["table"].type_data.content_type) == ("pandas", "text/csv+gzip")
    assert (found["data"].type_data.preview, found["data"].display_data) == ("look at data", [["rows", "3"]])
    assert found["data"].timestamp == datetime.fromtimestamp(BEGAN_MS / 1000, tz=timezone.utc)
    assert Artifacts(store, task.id)["data"].get() == {"x": 1}
    assert (found["far"].mode, found["far"].uri, found["far"].file) == ("input", "https://example.org/far.csv", None)


def test_models_have_their_weights(task: TaskPaths, store: Store) -> None:
    record = models.read(task)
    assert (record.labels, record.design) == ({"cat": 1}, "d")
    (model,) = record.output.values()
    assert (model.name, model.framework, model.tags, model.iteration) == ("net", "PyTorch", ["t"], 3)
    assert (model.comment, model.source) == ("epoch 3", "/home/someone/w.pt")
    assert weights.local_path(store, task.id, model).read_bytes() == b"weights"


def test_what_a_model_reported_has_the_models_name_before_its_title(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.model("m1", "net", "w.pt", b"weights")
    made.scalar("acc", "val", 1, 0.5, task="m1", model_event=True)
    assert points(paths_of(store, run(store, made.folder(tmp_path)))) == {"net/acc/val": ([1], [0.5])}


def test_a_store_that_has_imported_is_sound(task: TaskPaths, store: Store) -> None:
    for path in task.events.iterdir():
        import os

        os.utime(path, (0, 0))  # an hour ago at least, so that doctor looks into it
    assert doctor.check(store) == []


def test_a_folder_gives_the_same_as_its_zip(store: Store, tmp_path: Path) -> None:
    first = run(store, whole().zip(tmp_path))
    before = points(paths_of(store, first))
    trash.put(store, first.task_id)
    trash.purge(store, first.task_id)
    second = run(store, whole().folder(tmp_path))
    assert (second.task_id, second.is_new, points(paths_of(store, second))) == (first.task_id, True, before)


def test_a_zip_of_the_folder_itself_is_a_session_too(store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {f"{ID}/{name}": data for name, data in whole().contents().items()})
    paths = paths_of(store, run(store, path))
    assert list(artifacts.read(paths).artifacts) == ["table", "data", "far"]
    assert points(paths)["loss/train"] == ([0, 1, 2], [1.0, 0.5, 1 / 3])


def test_a_session_that_says_no_folder_of_its_own_has_its_files(store: Store, tmp_path: Path) -> None:
    made = whole()
    made.document["offline_folder"] = ""
    for item in made.document["execution"]["artifacts"]:
        item["uri"] = item["uri"].removeprefix(f"{made.home}/")
    found = artifacts.read(paths_of(store, run(store, made.zip(tmp_path)))).artifacts
    assert [item.file is not None for item in found.values()] == [True, True, False]


# once, wherever it is


def test_a_session_comes_in_once(store: Store, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    first = run(store, path)
    before = {file: file.read_bytes() for file in store.root.rglob("*") if file.is_file()}
    again = run(store, path)
    assert (again.task_id, again.is_new, again.notes) == (first.task_id, False, ())
    assert {file: file.read_bytes() for file in store.root.rglob("*") if file.is_file()} == before


def test_it_is_found_where_it_was_moved_renamed_and_reset(store: Store, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    first = run(store, path)
    tasks.move(store, first.task_id, "other")
    tasks.edit(store, first.task_id, lambda record: setattr(record, "name", "another"))
    reset(store, first.task_id)
    assert run(store, path, project="third") == Imported(first.task_id, is_new=False)
    assert [mark.id for mark in tasks.read(paths_of(store, first)).imported] == [ID]


def test_two_sessions_are_two_tasks(store: Store, tmp_path: Path) -> None:
    other = Made(id=ID.replace("0", "f"))
    assert run(store, Made().folder(tmp_path)).task_id != run(store, other.folder(tmp_path)).task_id


def test_a_session_whose_task_is_in_the_trash_is_refused_with_what_to_do(store: Store, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    first = run(store, path)
    trash.put(store, first.task_id)
    with pytest.raises(Refused, match=f"trash restore {first.task_id[:12]}"):
        run(store, path)
    assert ids(store) == []


def test_bytes_that_the_store_has_become_a_link(store: Store, tmp_path: Path) -> None:
    from taskstore.schema.artifact import Artifact
    from taskstore.store import blobs

    data = b"large enough to be shared " * 1000
    draft = tasks.create(store, "examples", "a draft")
    with blobs.staged(store, draft.id, lambda at: at.artifact_folder("k"), lambda out: out.write(data)) as blob:
        kept = artifacts.put(store, draft.id, Artifact(key="k", type="custom"), blob, "k.bin")
    made = Made()
    made.artifact("same", "custom", "same.bin", data)
    paths = paths_of(store, run(store, made.folder(tmp_path)))
    (item,) = artifacts.read(paths).artifacts.values()
    assert item.file is not None
    assert kept.file is not None
    assert (paths.home / item.file.path).samefile(draft.home / kept.file.path)


# going on with a task


def test_it_goes_on_in_a_task_with_its_iterations_moved(store: Store, tmp_path: Path) -> None:
    first = Made(id=ID.replace("0", "f"), name="the first")
    first.scalar("loss", "train", 0, 2.0)
    first.artifact("data", "custom", "data.json", b"old")
    target = run(store, first.folder(tmp_path)).task_id
    before = {file.name for file in places.locate(store, target).artifact_folder("data").rglob("*")}
    found = run(store, whole().zip(tmp_path), task_id=target, iteration_offset=100)
    paths = places.locate(store, target)
    assert (found.task_id, found.is_new, ids(store)) == (target, True, [target])
    assert points(paths)["loss/train"] == ([0, 100, 101, 102], [2.0, 1.0, 0.5, 1 / 3])
    assert points(paths)["Summary/best"] == ([-(2**31)], [0.25])
    record = tasks.read(paths)
    assert (record.name, record.status, [mark.id for mark in record.imported]) == (
        "the first",
        "completed",
        [first.id, ID],
    )
    assert tasks.read_params(paths).hyperparams["Args"]["lr"].value == "0.1"
    assert Artifacts(store, target)["data"].get() == {"x": 1}
    assert before == {"data.json"}
    assert [plot.iteration for plot in plots.read_plots(paths)] == [101, 102]
    assert sorted(configuration.read(paths)) == ["file", "net"]
    assert [model.name for model in models.read(paths).output.values()] == ["net"]
    assert doctor.check(store) == []


def test_models_of_one_name_and_the_same_bytes_have_a_file_each(store: Store, tmp_path: Path) -> None:
    target = run(store, whole().zip(tmp_path)).task_id
    again = whole()
    again.document["id"] = again.id = ID.replace("0", "f")
    run(store, again.folder(tmp_path), task_id=target)
    files = [model.file.path for model in models.read(places.locate(store, target)).output.values() if model.file]
    assert sorted(files) == ["files/models/net/2/w.pt", "files/models/net/w.pt"]


def test_it_goes_on_once(store: Store, tmp_path: Path) -> None:
    target = tasks.create(store, "examples", "a draft")
    assert run(store, whole().zip(tmp_path), task_id=target.id).is_new
    before = points(target)
    assert not run(store, whole().zip(tmp_path), task_id=target.id).is_new
    assert points(target) == before
    assert [name for name in store.paths.projects.iterdir() if name.name.startswith(".new-")] == []


def test_a_published_task_and_a_running_one_are_not_gone_on_with(store: Store, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    public, running = (tasks.create(store, "examples", f"task {n}").id for n in range(2))
    for task_id in (public, running):
        tasks.transition(store, task_id, Status.IN_PROGRESS)
    tasks.transition(store, public, Status.COMPLETED)
    published.publish(store, public)
    with pytest.raises(ReadOnly, match="published"):
        run(store, path, task_id=public)
    with pytest.raises(Refused, match="wait for its end"):
        run(store, path, task_id=running)
    with pytest.raises(NotFound):
        run(store, path, task_id="0" * 32)
    assert points(places.locate(store, running)) == {}


def test_iterations_of_a_new_task_are_moved_too(store: Store, tmp_path: Path) -> None:
    found = run(store, whole().zip(tmp_path), iteration_offset=7, project="laptop")
    assert points(paths_of(store, found))["loss/train"][0] == [7, 8, 9]
    assert places.project_of(store, paths_of(store, found).home) == "laptop"


# what is broken


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"[1]", None])
def test_without_its_task_json_the_rest_is_saved(data: bytes | None, store: Store, tmp_path: Path) -> None:
    made = whole()
    home = made.folder(tmp_path)
    if data is None:
        (home / "task.json").unlink()
    else:
        (home / "task.json").write_bytes(data)
    found = run(store, home)
    paths = paths_of(store, found)
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home), record.imported[0].id) == ("a run", "vision/cats", ID)
    assert points(paths)["loss/train"] == ([0, 1, 2], [1.0, 0.5, 1 / 3])
    kept = artifacts.read(paths).artifacts
    assert {key: (paths.home / item.file.path).read_bytes() for key, item in kept.items() if item.file} == {
        "table": b"csv",
        "data": b'{"x": 1}',
    }
    assert [model.name for model in models.read(paths).output.values()] == ["w.pt"]
    assert "parameters, configuration and code are lost" in found.notes[0]
    assert list(record.imported[0].notes) == list(found.notes)


def test_of_a_task_json_that_breaks_off_the_beginning_is_saved(store: Store, tmp_path: Path) -> None:
    home = whole().folder(tmp_path)
    text = (home / "task.json").read_bytes()
    (home / "task.json").write_bytes(text[: text.index(b'"hyperparams"') + 40])
    found = run(store, home)
    paths = paths_of(store, found)
    assert tasks.read(paths).comment == "why"
    assert sorted(configuration.read(paths)) == ["file", "net"]
    assert "breaks off: what it says of comment, configuration, execution" in found.notes[0]


def test_nothing_but_a_log_is_a_run_too(store: Store, tmp_path: Path) -> None:
    made = whole()
    write(tmp_path / "left", {"log.jsonl": made.contents()["log.jsonl"]})
    paths = paths_of(store, run(store, tmp_path / "left"))
    assert [line.text for line in events.read_console(paths)] == ["hello", "world", "oh no"]
    assert tasks.read(paths).imported[0].id == ID


def test_a_torn_line_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    home = whole().folder(tmp_path)
    log = home / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-30])
    found = run(store, home)
    assert points(paths_of(store, found))["loss/train"] == ([0, 1, 2], [1.0, 0.5, 1 / 3])
    assert "a line of metrics.jsonl cannot be read" in found.notes


def test_what_is_no_event_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.scalar("loss", "train", 0, 1.0)
    made.scalar("loss", "train", 1, float("nan"))
    made.scalar("loss", "train", 2, "many")
    made.scalar("loss", "train", 10**30, 1.0)
    made.scalar("loss", "train", 3, 1.0, task="of another")
    made.event("unknown", "a", "b", 0)
    made.event("plot", "a", "b", 0, plot_str="no figure")
    made.event("plot", "deep", "b", 0, plot_str='{"data": ' + "[" * 5000 + "]" * 5000 + "}")
    made.metrics.append(["no event"])
    made.log("", msg=None)
    found = run(store, made.folder(tmp_path))
    (series,) = events.read_scalars(paths_of(store, found))
    assert (series.iterations, str(series.values)) == ([0, 1], "[1.0, nan]")
    assert set(found.notes) >= {
        "an event was left out: training_stats_scalar: its value is no number",
        "an event was left out: training_stats_scalar: its iteration is too large",
        "an event of another task was left out",
        "an event of a kind that is not known was left out: unknown",
        "an event was left out: plot: it holds no figure (2 times)",
        "an entry of log.jsonl without a text was left out",
    }


def test_text_that_is_not_utf8_is_shown_as_it_can_be(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.log("bad \ud800 text")
    home = made.folder(tmp_path)
    log = home / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"bad", b"b\xffd"))
    paths = paths_of(store, run(store, home))
    assert [line.text for line in events.read_console(paths)] == ["b\ufffdd \\ud800 text"]


def test_names_that_are_too_short_are_made_longer(store: Store, tmp_path: Path) -> None:
    found = run(store, Made(project="p", name="a").folder(tmp_path))
    paths = paths_of(store, found)
    assert (places.project_of(store, paths.home), tasks.read(paths).name) == ("project p", "run a")
    assert len(found.notes) == 2
    with pytest.raises(BadName):
        run(store, Made(id=ID.replace("0", "f")).folder(tmp_path), project="x")


def test_an_artifact_whose_file_is_gone_or_changed_is_said(store: Store, tmp_path: Path) -> None:
    made = whole()
    del made.files[f"{made.data}/artifacts/table/table.csv.gz"]
    made.files[f"{made.data}/artifacts/data/data.json"] = b'{"x": 2}'
    found = run(store, made.folder(tmp_path))
    assert "artifact 'table' is lost: its file is not in the session" in found.notes
    assert any(note.startswith("artifact 'data' is not what it was") for note in found.notes)
    assert doctor.check(store) == []


def test_a_file_of_a_damaged_zip_is_lost_and_the_rest_is_saved(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.artifact("good", "custom", "good.bin", b"good" * 100)
    made.artifact("bad", "custom", "bad.bin", bytes(range(256)) * 40)
    path = made.zip(tmp_path)
    import zipfile

    with zipfile.ZipFile(path) as found:
        info = found.getinfo(f"{made.data}/artifacts/bad/bad.bin")
    data = bytearray(path.read_bytes())
    at = info.header_offset + 30 + len(info.filename) + 20
    data[at : at + 40] = b"\0" * 40
    path.write_bytes(data)
    imported = run(store, path)
    kept = artifacts.read(paths_of(store, imported)).artifacts
    assert [item.file is not None for item in kept.values()] == [True, False]
    assert any(note.startswith("artifact 'bad' is lost: it cannot be read") for note in imported.notes)


# what is hostile


def test_a_session_names_no_file_of_this_machine(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2hunter2")
    made = Made(home=str(tmp_path))
    for uri in (str(secret), secret.as_uri(), f"{tmp_path}/data/../secret.txt", "data/../../secret.txt"):
        item = {"key": uri[-15:], "type": "custom", "mode": "output", "uri": uri}
        made.document.setdefault("execution", {}).setdefault("artifacts", []).append(item)
    made.model("m1", "net", str(secret), None)
    made.event("training_debug_image", "a", "b", 0, key="../secret.txt", url=str(secret))
    figure = {"data": [], "layout": {"images": [{"source": str(secret)}]}}
    made.event("plot", "a", "b", 0, plot_str=json.dumps(figure))
    paths = paths_of(store, run(store, made.folder(tmp_path / "from")))
    assert not [file for file in paths.home.rglob("*") if file.is_file() and b"hunter2" in file.read_bytes()]


def test_a_pickle_from_a_session_is_loaded_by_whoever_trusts_it_only(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.artifact("obj", "pickle", "obj.pkl", pickle.dumps({1, 2}), "application/pickle")
    made.document["execution"]["artifacts"][0]["type_data"]["seal"] = "f" * 64
    found = Artifacts(store, run(store, made.folder(tmp_path)).task_id)["obj"]
    with pytest.raises(Refused, match="was not written here"):
        found.get()
    assert found.get(trust=True) == {1, 2}


def test_the_file_of_an_artifact_keeps_to_its_folder_whatever_it_is_called(store: Store, tmp_path: Path) -> None:
    made = Made()
    made.artifact("con", "custom", "aux.txt", b"1")
    made.artifact("CON", "custom", "AUX.txt", b"2")
    paths = paths_of(store, run(store, made.zip(tmp_path)))
    kept = artifacts.read(paths).artifacts
    assert {key: (paths.home / item.file.path).read_bytes() for key, item in kept.items() if item.file} == {
        "con": b"1",
        "CON": b"2",
    }
    names = [item.file.path.lower() for item in kept.values() if item.file]
    assert len(set(names)) == 2


def test_nothing_is_left_where_the_import_fails(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskstore.share.importers.clearml_offline import content

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(content, "models", fail)
    with pytest.raises(OSError, match="No space"):
        run(store, whole().zip(tmp_path))
    assert list(store.paths.projects.iterdir()) == []


def test_what_holds_more_than_there_is_room_for_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    target = tasks.create(store, "examples", "a draft").id
    for options in ({}, {"task_id": target}):
        with pytest.raises(Refused, match="more than is free"):
            run(store, whole().zip(tmp_path), **options)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all"])
def test_what_is_no_session_is_refused(data: bytes, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(Refused, match="nothing that can be imported|no zip that can be read"):
        run(store, path)
    with pytest.raises(Damaged):
        only(importers.of_kind("clearml").runs(store, path, Options()))
    (tmp_path / "empty").mkdir()
    with pytest.raises(Damaged, match="no session of ClearML"):
        only(importers.of_kind("clearml").runs(store, tmp_path / "empty", Options()))
    with pytest.raises(NotFound):
        run(store, tmp_path / "nothing")
