"""A session that ClearML's own SDK has recorded is imported as what its program did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.core.errors import Refused
from taskstore.disk.layout import TaskPaths
from taskstore.sections.artifacts import Artifacts
from taskstore.share import importers
from taskstore.share.importers.base import Options, only
from taskstore.store import artifacts, configuration, doctor, events, models, places, plots, tasks
from taskstore.store.store import Store, init

pytest.importorskip("clearml")
pytest.importorskip("numpy")
pytest.importorskip("pandas")

PROGRAM = """
import sys
from pathlib import Path
import numpy, pandas
from clearml import Task
Task.set_offline(True)
task = Task.init("vision/cats", "first run: a/b", "testing", tags=["one"], auto_connect_frameworks=False,
                 auto_resource_monitoring=False)
print("to stdout")
print("to stderr", file=sys.stderr)
task.set_comment("why")
task.connect({"lr": 0.1, "n": 3, "names": ["a", "b"], "deep": {"x": True, "none": None}})
task.connect_configuration({"a": 1, "b": {"c": [1, 2.5, None, True]}, "s": 'say "hi"', "t": "1"}, name="net")
Path("net.yaml").write_text("k: v\\n")
task.connect_configuration("net.yaml", name="file")
task.set_user_properties(owner="me")
task.set_base_docker("python:3.11", docker_arguments="--ipc=host")
logger = task.get_logger()
for step in range(5):
    logger.report_scalar("loss", "train", 1 / (step + 1), step)
logger.report_single_value("best", 0.2)
logger.report_histogram("bars", "s", iteration=1, values=[1, 2, 3])
logger.report_image("cats", "first", iteration=2, image=numpy.zeros((8, 8, 3), numpy.uint8))
logger.report_image("cats", "far", iteration=2, url="https://example.org/x.png")
task.upload_artifact("arr", numpy.arange(4), wait_on_upload=True)
task.upload_artifact("df", pandas.DataFrame({"a": [1, 2]}), metadata={"k": "v"}, wait_on_upload=True)
task.upload_artifact("dict", {"x": 1}, wait_on_upload=True)
task.upload_artifact("text", "some words", wait_on_upload=True)
task.upload_artifact("file", "net.yaml", wait_on_upload=True)
task.upload_artifact("obj", {1, 2, 3}, wait_on_upload=True)
task.upload_artifact("far", "https://example.org/data.csv", wait_on_upload=True)
task.set_model_label_enumeration({"cat": 1})
task.close()
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of a session; its folder is beside it."""
    work = tmp_path_factory.mktemp("clearml")
    (work / "train.py").write_text(PROGRAM)
    environ = {**os.environ, "HOME": str(work), "CLEARML_CACHE_DIR": str(work / "cache")}
    for name in [name for name in environ if name.startswith(("TASKSTORE_", "COVERAGE_"))]:
        del environ[name]
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=work, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (path,) = (work / "cache" / "offline").glob("*.zip")
    return path


@pytest.fixture(scope="module", params=["zip", "folder"])
def imported(
    request: pytest.FixtureRequest, session: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, TaskPaths]:
    store = init(tmp_path_factory.mktemp(request.param) / "store")
    path = session if request.param == "zip" else session.with_suffix("")
    found = only(importers.of_path(path).runs(store, path, Options()))
    assert (found.is_new, found.notes) == (True, ())
    again = only(importers.of_path(session).runs(store, session, Options()))
    assert (again.task_id, again.is_new) == (found.task_id, False)
    return store, places.locate(store, found.task_id)


Both = tuple[Store, TaskPaths]


def test_the_task_is_what_the_program_said(imported: Both) -> None:
    store, paths = imported
    record = tasks.read(paths)
    assert places.project_of(store, paths.home) == "vision/cats"
    assert (record.name, record.type, record.tags, record.comment) == ("first run: a/b", "testing", ["one"], "why")
    assert (record.status, record.imported[0].kind) == ("completed", "clearml")
    assert record.container is not None
    assert (record.container.image, record.container.arguments) == ("python:3.11", "--ipc=host")
    script = tasks.read_script(paths)
    assert script.entry_point == "train.py"
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == PROGRAM
    assert "numpy" in script.requirements


def test_parameters_and_configuration_are_exact(imported: Both) -> None:
    _, paths = imported
    found = {
        f"{section}/{name}": (item.value, item.type)
        for section, items in tasks.read_params(paths).hyperparams.items()
        for name, item in items.items()
    }
    assert found == {
        "General/lr": ("0.1", "float"),
        "General/n": ("3", "int"),
        "General/names": ('["a", "b"]', "list/str"),
        "General/deep/x": ("True", "bool"),
        "General/deep/none": ("", None),
        "properties/owner": ("me", None),
    }
    kept = configuration.read(paths)
    assert kept["net"].read() == b"a: 1\nb:\n  c:\n  - 1\n  - 2.5\n  - null\n  - true\ns: say \"hi\"\nt: '1'\n"
    assert kept["file"].read() == b"k: v\n"


def test_reports_are_exact(imported: Both) -> None:
    _, paths = imported
    found = {f"{item.metric}/{item.variant}": (item.iterations, item.values) for item in events.read_scalars(paths)}
    assert found == {
        "loss/train": ([0, 1, 2, 3, 4], [1.0, 0.5, 1 / 3, 0.25, 0.2]),
        "Summary/best": ([-(2**31)], [0.2]),
    }
    (bars,) = plots.read_plots(paths)
    assert (bars.title, bars.iteration, bars.figure["data"][0]["y"]) == ("bars", 1, [1, 2, 3])
    near, far = plots.read_samples(paths)
    assert near.path is not None
    assert near.path.read_bytes()[:2] == b"\xff\xd8"
    assert (near.title, near.iteration, far.url) == ("cats", 2, "https://example.org/x.png")
    lines = [(line.stream, line.text) for line in events.read_console(paths)]
    assert ("stdout", "to stdout") in lines
    assert ("stderr", "to stderr") in lines


def test_artifacts_come_back_as_what_they_were(imported: Both) -> None:
    store, paths = imported
    found = Artifacts(store, paths.id)
    assert sorted(artifacts.read(paths).artifacts) == ["arr", "df", "dict", "far", "file", "obj", "text"]
    assert found["arr"].get().tolist() == [0, 1, 2, 3]
    assert found["df"].get().to_dict("list") == {"a": [1, 2]}
    assert found["df"].metadata == {"k": "v"}
    assert found["dict"].get() == {"x": 1}
    assert found["text"].get() == "some words"
    assert found["file"].get().read_text() == "k: v\n"
    assert found["far"].url == "https://example.org/data.csv"
    with pytest.raises(Refused, match="was not written here"):
        found["obj"].get()
    assert found["obj"].get(trust=True) == {1, 2, 3}
    assert models.read(paths).labels == {"cat": 1}
    assert doctor.check(store) == []
