"""Importing what MLflow leaves, with no MLflow (tests/frameworks has it): both of its stores say the same."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import Damaged, NotFound, Refused
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ARCHIVED
from taskstore.sections.artifacts import Artifacts
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.store import artifacts, doctor, events, liveness, places, projects, tasks, trash
from taskstore.store.store import Store, open_at

from .mlruns import BEGAN_MS, EXPERIMENT, Made, add, database, folders, run_id, whole, write

Make = Callable[..., Path]
BEGAN = datetime.fromtimestamp(BEGAN_MS / 1000, tz=timezone.utc)


@pytest.fixture(params=["folders", "database"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Write runs into either of MLflow's stores."""
    if request.param == "folders":
        return lambda *runs, **more: folders(tmp_path / "new" / "mlruns", *runs, **more)
    return lambda *runs, **more: database(tmp_path / "new" / "mlflow.db", *runs, **more)


def bring(store: Store, path: Path, **options: object) -> list[Imported | LeftOut]:
    return list(importers.of_path(path).runs(store, path, Options(**options)))  # type: ignore[arg-type]  # as the test says


def one(store: Store, path: Path, **options: object) -> Imported:
    (found,) = [each for each in bring(store, path, **options) if isinstance(each, Imported)]
    return found


def left(store: Store, path: Path, **options: object) -> list[str]:
    found = [each for each in bring(store, path, **options) if isinstance(each, LeftOut)]
    return [f"{each.what}: {each.error}" if each.error else each.what for each in found]


def paths_of(store: Store, found: Imported) -> TaskPaths:
    return places.locate(store, found.task_id)


def points(paths: TaskPaths) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{item.metric}|{item.variant}": list(zip(item.iterations, item.values, strict=True))
        for item in events.read_scalars(paths)
    }


def values(paths: TaskPaths, section: str) -> dict[str, str]:
    return {name: item.value for name, item in tasks.read_params(paths).hyperparams.get(section, {}).items()}


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# what is in a run is in the task


def test_the_task_is_what_the_run_says(make: Make, store: Store) -> None:
    found = one(store, make(whole()))
    paths = paths_of(store, found)
    record = tasks.read(paths)
    assert (found.is_new, found.notes, found.source) == (True, (), f"run {run_id(1)}")
    assert places.project_of(store, paths.home) == "vision/cats"
    assert (record.name, record.user, record.host, record.comment) == ("a run", "ada", "", "why")
    assert (record.status, record.created, record.started) == (Status.COMPLETED, BEGAN, BEGAN)
    assert (record.completed, record.active_duration) == (BEGAN + timedelta(seconds=60), 60.0)
    assert [change.status for change in record.history] == [Status.CREATED, Status.IN_PROGRESS, Status.COMPLETED]
    assert values(paths, "General") == {"lr": "0.1", "opt/name": "adam"}
    assert values(paths, "properties") == {"team": "red"}
    assert (record.imported[0].kind, record.imported[0].id) == ("mlflow", run_id(1))
    assert record.runtime["mlflow.experiment"] == "vision/cats"
    assert doctor.check(store) == []


def test_every_point_comes_with_its_step_and_time(make: Make, store: Store) -> None:
    paths = paths_of(store, one(store, make(whole())))
    assert points(paths) == {"loss|loss": [(0, 1.0), (1, 0.5)], "train/deep|acc": [(0, 0.25), (10, 0.75)]}
    (series,) = events.read_scalars(paths, "loss")
    assert series.timestamps == [BEGAN_MS, BEGAN_MS + 1000]
    summary = events.read_summary(paths)
    assert summary.last_iteration == 10
    assert summary.last_metrics["loss"]["loss"].min_value == 0.5


def test_numbers_that_are_none_come_as_they_were(make: Make, store: Store) -> None:
    made = Made(metrics={"x": [(math.inf, 0), (-math.inf, 1), (math.nan, -2), (1.5, 3)]})
    found = points(paths_of(store, one(store, make(made))))["x|x"]
    assert [(step, str(value)) for step, value in found] == [(0, "inf"), (1, "-inf"), (-2, "nan"), (3, "1.5")]


def test_no_two_metrics_become_one_series(make: Make, store: Store) -> None:
    names = ["a", "b/b", "c/x", "c/d/e", "c_d/e"]
    made = Made(metrics={name: [(float(number), 0)] for number, name in enumerate(names)})
    found = points(paths_of(store, one(store, make(made))))
    assert found == {
        "a|a": [(0, 0.0)],
        "b/b|b/b": [(0, 1.0)],
        "c|x": [(0, 2.0)],
        "c/d|e": [(0, 3.0)],
        "c_d|e": [(0, 4.0)],
    }


def test_what_was_measured_of_the_machine_is_among_the_resources(make: Make, store: Store) -> None:
    metrics = {"system/cpu_utilization_percentage": [(5.0, 900)], "system/gpu_0_power": [(1.0, 0)], "loss": [(1.0, 2)]}
    paths = paths_of(store, one(store, make(Made(metrics=metrics))))
    assert points(paths).keys() == {
        ":monitor:machine|cpu_utilization_percentage",
        ":monitor:gpu|gpu_0_power",
        "loss|loss",
    }
    assert events.read_summary(paths).last_iteration == 2


def test_artifacts_come_under_their_paths(make: Make, store: Store) -> None:
    paths = paths_of(store, one(store, make(whole())))
    kept = Artifacts(store, paths.id)
    assert {key: kept[key].get_local_copy().read_bytes() for key in kept} == {
        "notes.txt": b"hello",
        "plots/a.svg": b"<svg/>",
    }
    assert artifacts.read(paths).artifacts["plots/a.svg"].type_data.content_type == "image/svg+xml"


def test_of_a_crowded_folder_the_whole_is_one_artifact(make: Make, store: Store) -> None:
    files = {f"many/{number}/{name}": b"x" for number in range(1) for name in map(str, range(101))}
    paths = paths_of(store, one(store, make(Made(artifacts={"many/top": b"t", **files}))))
    record = artifacts.read(paths).artifacts
    assert {key: item.type for key, item in record.items()} == {"many/top": "custom", "many/0": "archive"}
    folder = Artifacts(store, paths.id)["many/0"].get_local_copy()
    assert len(list(folder.iterdir())) == 101


def test_the_code_is_what_the_tags_say(make: Make, store: Store) -> None:
    source = "mlflow.source."
    tags = {
        f"{source}name": "/home/ada/src/train.py",
        f"{source}git.commit": "a" * 40,
        f"{source}git.branch": "main",
        f"{source}git.repoURL": "https://ada:secret@example.org/x.git",
        f"{source}git.diff": "diff --git a/x b/x\n",
        f"{source}type": "LOCAL",
        "mlflow.project.entryPoint": "main",
    }
    paths = paths_of(store, one(store, make(Made(tags=tags))))
    script = tasks.read_script(paths)
    assert (script.entry_point, script.cwd, script.version_num) == ("train.py", "/home/ada/src", "a" * 40)
    assert (script.branch, script.repository) == ("main", "https://example.org/x.git")
    assert paths.diff.read_text() == "diff --git a/x b/x\n"
    runtime = tasks.read(paths).runtime
    assert (runtime["mlflow.source.type"], runtime["mlflow.project.entryPoint"]) == ("LOCAL", "main")
    assert doctor.check(store) == []


def test_a_tag_without_a_value_is_a_tag(make: Make, store: Store) -> None:
    paths = paths_of(store, one(store, make(Made(tags={"best": "", "team": "red"}))))
    assert (tasks.read(paths).tags, values(paths, "properties")) == (["best"], {"team": "red"})


def test_what_looks_like_a_credential_is_masked(make: Make, store: Store) -> None:
    found = one(store, make(Made(params={"api_key": "abc"}, tags={"password": "def"})))
    paths = paths_of(store, found)
    assert (values(paths, "General"), values(paths, "properties")) == ({"api_key": MASK}, {"password": MASK})
    assert "General/api_key looks like a credential, and was masked" in found.notes


@pytest.mark.parametrize(
    ("status", "wanted", "reason"),
    [
        ("FINISHED", Status.COMPLETED, "completed"),
        ("FAILED", Status.FAILED, "failed"),
        ("KILLED", Status.STOPPED, "killed"),
        ("SCHEDULED", Status.CREATED, ""),
        ("RUNNING", Status.FAILED, "lost"),  # for years
    ],
)
def test_each_status_has_one_here(make: Make, store: Store, status: str, wanted: Status, reason: str) -> None:
    record = tasks.read(paths_of(store, one(store, make(whole(status=status, ended_ms=None)))))
    assert (record.status, record.status_reason) == (wanted, reason)
    assert record.completed == (None if status == "SCHEDULED" else BEGAN + timedelta(seconds=1))


def test_a_run_that_logged_lately_runs(make: Make, store: Store) -> None:
    clock = FixedClock(BEGAN + timedelta(hours=1))
    store = open_at(store.root, clock=clock)
    paths = paths_of(store, one(store, make(whole(status="RUNNING", ended_ms=None))))
    record = tasks.read(paths)
    assert (record.status, record.completed) == (Status.IN_PROGRESS, None)
    assert liveness.is_running(store, paths, record)
    clock.advance(7200)
    assert not liveness.is_running(store, paths, record)


def test_a_nested_run_has_the_other_as_its_parent(make: Make, store: Store) -> None:
    child = Made(id=run_id(1), name="child", tags={"mlflow.parentRunId": run_id(2)})
    found = bring(store, make(child, Made(id=run_id(2), name="outer", began_ms=BEGAN_MS + 5)))
    ids = {tasks.read(paths_of(store, each)).name: each.task_id for each in found if isinstance(each, Imported)}
    assert tasks.read(places.locate(store, ids["child"])).parent == ids["outer"]


@pytest.mark.parametrize("others", [[], [Made(id=run_id(9), stage="deleted")]], ids=["is not there", "was deleted"])
def test_of_a_parent_that_is_no_task_it_is_said(make: Make, store: Store, others: list[Made]) -> None:
    found = one(store, make(Made(tags={"mlflow.parentRunId": run_id(9)}), *others))
    assert tasks.read(paths_of(store, found)).parent is None
    assert found.notes == (f"the run that it is nested in is not here: {run_id(9)}",)


def test_what_was_deleted_stays_away_unless_it_is_wanted(make: Make, store: Store) -> None:
    path = make(whole(), Made(id=run_id(2), stage="deleted"), Made(id=run_id(3), stage="deleted"))
    assert left(store, path) == ["2 deleted runs were left out; --with-deleted takes them along"]
    assert len(list(places.walk(store))) == 1
    found = [each for each in bring(store, path, with_deleted=True) if isinstance(each, Imported)]
    tags = [tasks.read(paths_of(store, each)).system_tags for each in found]
    assert sorted(tags) == [[], [ARCHIVED], [ARCHIVED]]


def test_remote_artifacts_are_an_address(make: Make, store: Store) -> None:
    uri = f"s3://key:secret@bucket/1/{run_id(1)}/artifacts"
    found = one(store, make(Made(artifact_uri=uri)))
    (item,) = artifacts.read(paths_of(store, found)).artifacts.values()
    assert (item.key, item.uri, item.file) == ("artifacts", f"s3://bucket/1/{run_id(1)}/artifacts", None)
    assert "its artifacts are not here" in found.notes[0]


def test_into_names_the_project(make: Make, store: Store) -> None:
    assert places.project_of(store, paths_of(store, one(store, make(whole()), project="old/ones")).home) == "old/ones"


@pytest.mark.parametrize(
    ("name", "wanted"), [("/Users/a@b/exp", "Users/a@b/exp"), ("ab", "experiment ab"), ("a//b:?*", "a/b:?*")]
)
def test_any_name_of_an_experiment_becomes_one_of_a_project(make: Make, store: Store, name: str, wanted: str) -> None:
    assert places.project_of(store, paths_of(store, one(store, make(whole(), name=name))).home) == wanted


def test_a_short_name_is_made_longer(make: Make, store: Store) -> None:
    assert tasks.read(paths_of(store, one(store, make(Made(name="x"))))).name == "run x"


def test_the_source_is_as_it_was(make: Make, store: Store, tmp_path: Path) -> None:
    path = make(whole(), whole(id=run_id(2)))
    before = tree(tmp_path / "new")
    bring(store, path)
    assert tree(tmp_path / "new") == before


# once


def test_imported_again_nothing_is_done(make: Make, store: Store) -> None:
    path = make(whole(), Made(id=run_id(2)))
    bring(store, path)
    before = tree(store.root)
    again = bring(store, path)
    assert [(each.is_new, each.has_grown) for each in again if isinstance(each, Imported)] == [(False, False)] * 2
    assert tree(store.root) == before


def test_from_another_place_it_is_the_same_task(make: Make, store: Store, tmp_path: Path) -> None:
    first = one(store, make(whole()))
    shutil.copytree(tmp_path / "new", tmp_path / "moved")
    again = one(store, tmp_path / "moved")
    assert (again.task_id, again.is_new, again.has_grown) == (first.task_id, False, False)


def test_both_stores_give_one_task(store: Store, tmp_path: Path) -> None:
    first = one(store, folders(tmp_path / "mlruns", whole()))
    again = one(store, database(tmp_path / "mlflow.db", whole()))
    assert (again.task_id, again.is_new) == (first.task_id, False)


def test_a_folder_that_holds_both_gives_both(store: Store, tmp_path: Path) -> None:
    folders(tmp_path / "x" / "mlruns", whole())
    database(tmp_path / "x" / "mlflow.db", whole(id=run_id(2)))
    assert len([each for each in bring(store, tmp_path / "x") if isinstance(each, Imported)]) == 2


def test_of_a_task_in_the_trash_it_is_said(make: Make, store: Store) -> None:
    path = make(whole())
    trash.put(store, one(store, path).task_id)
    (text,) = left(store, path)
    assert "which is in the trash: `taskstore trash restore" in text
    assert list(places.walk(store)) == []


# what of a path is taken


def test_one_experiment_or_one_run_can_be_named(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole(), whole(id=run_id(2)))
    folders(root, whole(id=run_id(3)), name="other", experiment="7")
    run = one(store, root / EXPERIMENT / run_id(1))
    assert places.project_of(store, paths_of(store, run).home) == "vision/cats"
    assert len(artifacts.read(paths_of(store, run)).artifacts) == 2
    found = [each.is_new for each in bring(store, root / EXPERIMENT) if isinstance(each, Imported)]
    assert found == [False, True]
    assert [each.is_new for each in bring(store, root) if isinstance(each, Imported)] == [False, False, True]


def test_what_is_no_store_of_mlflows_is_not_taken_for_one(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "x" / "meta.yaml", "title: a book\n")
    write(tmp_path / "x" / "metrics" / "a", "1 2 3\n")
    write(tmp_path / "y.db", b"SQLite format 3\0 and no more")
    mlflow = importers.of_kind("mlflow")
    assert not mlflow.recognises(tmp_path / "x")
    with pytest.raises(Damaged, match="there is no mlruns"):
        list(mlflow.runs(store, tmp_path / "x", Options()))
    with pytest.raises(Damaged, match="it cannot be read"):
        list(mlflow.runs(store, tmp_path / "y.db", Options()))
    with pytest.raises(NotFound):
        list(mlflow.runs(store, tmp_path / "z", Options()))
    with pytest.raises(Refused, match="no other task"):
        list(mlflow.runs(store, folders(tmp_path / "mlruns", whole()), Options(task_id="1" * 32)))


def test_the_description_of_an_experiment_becomes_the_projects(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    write(root / EXPERIMENT / "tags" / "mlflow.note.content", "all about cats")
    one(store, root)
    assert projects.read(projects.find(store, "vision/cats")).description == "all about cats"


# files elsewhere


def test_artifacts_of_a_database_elsewhere_are_found_where_it_is_said(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "new" / "mlflow.db", whole())
    (tmp_path / "new" / "mlartifacts").rename(tmp_path / "files")
    (text,) = left(store, path)
    assert text.startswith("of experiment 'vision/cats' no artifacts were found: MLflow has them at /old/place")
    found = one(store, path, files=tmp_path / "files")
    assert found.has_grown
    assert artifacts.read(paths_of(store, found)).artifacts.keys() == {"notes.txt", "plots/a.svg"}


@pytest.mark.parametrize(
    "uri", [f"file:///C:/old%20place/mlartifacts/1/{run_id(1)}/artifacts", f"C:\\old\\1\\{run_id(1)}\\artifacts"]
)
def test_an_address_of_another_system_is_understood(store: Store, tmp_path: Path, uri: str) -> None:
    made = whole(artifact_uri=uri)
    found = one(store, database(tmp_path / "mlflow.db", made))
    assert len(artifacts.read(paths_of(store, found)).artifacts) == 2


def test_what_does_not_come_along_is_counted(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    write(root / "models" / "registered" / "meta.yaml", "name: registered\n")
    write(root / EXPERIMENT / "models" / f"m-{run_id(8)}" / "meta.yaml", "name: nobody's\n")
    write(root / EXPERIMENT / "traces" / "tr-1" / "trace_info.yaml", "x: 1\n")
    assert left(store, root) == [
        "1 models that no run here has logged are not imported",
        "1 traces are not imported",
        "1 registered models are not imported",
    ]
    assert add(root / EXPERIMENT, whole(id=run_id(2))).is_dir()
