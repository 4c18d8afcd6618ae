"""What ClearML's own `Task.import_offline_session` sends to a server, which is a stub here, of an exported task."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.share import exporters
from taskstore.share.exporters.base import Options
from taskstore.store import artifacts, events, models, places, plots, tasks
from taskstore.store.store import Store, open_at

from .clearml_server import Server, environment, plain, serving

pytest.importorskip("clearml")

PROGRAM = """
import sys
from pathlib import Path
from taskstore.clearml import OutputModel, Task
task = Task.init(project_name="vision/cats & dogs", task_name="naïve run: a/b?", task_type="testing", tags=["one", "ü"],
                 auto_connect_frameworks=False, auto_resource_monitoring=False)
print("to stdout, 日本")
print("to stderr", file=sys.stderr)
print("two\\n\\nparagraphs")
task.set_comment("why: äöü")
task.connect({"lr": 0.1, "n": 3, "names": ["a", "b"], "deep": {"x": True, "none": None}, "api_key": "hunter2hunter2"})
task.connect_configuration({"a": 1, "b": {"c": [1, 2.5, None, True, (1, 2)]}, "s": 'say "$hi"', "e": 1e-4}, name="net")
Path("net.yaml").write_text("k: v\\n")
task.connect_configuration("net.yaml", name="file")
task.set_user_properties(owner="me")
task.set_base_docker("python:3.11", docker_arguments="--ipc=host")
logger = task.get_logger()
for step in range(1200):
    logger.report_scalar("loss", "train", 1 / (step + 1), step)
logger.report_scalar("loss", "broken", float("nan"), 3)
logger.report_scalar("loss", "broken", 4.0, 4)
logger.report_single_value("best", 0.2)
logger.report_histogram("bars/a", "s", [1, float("nan"), 3], iteration=1)
picture = [[x * 16 for x in range(16)] for _ in range(8)]
logger.report_image("cats", "first", iteration=2, image=picture)
logger.report_image("cats", "far", iteration=2, url="https://example.org/data/x.png?y=1")
task.upload_artifact("dict", {"x": 1}, metadata={"k": "v"})
task.upload_artifact("obj", {1, 2, 3})
Path("a b%20#.bin").write_bytes(bytes(range(256)) * 5000)
task.upload_artifact("file & more", "a b%20#.bin")
task.upload_artifact("far", "https://example.org/data/data.csv")
for name in ("net", "other net"):
    model = OutputModel(name=name, framework="PyTorch", label_enumeration={"cat": 1}, tags=["t"], comment="c")
    Path("w.pt").write_text(f"the weights of {name}")
    model.update_weights("w.pt", iteration=7)
elsewhere = OutputModel(name="elsewhere", framework="Own")
elsewhere.update_weights(register_uri="https://example.org/w.bin")
task.close()
"""
IMPORT = "import sys; from clearml import Task; print('imported as', Task.import_offline_session(sys.argv[1]))"


@dataclass
class Sent:
    """One import: the task that was exported, and what the stub has got."""

    store: Store
    paths: TaskPaths
    server: Server
    notes: tuple[str, ...]
    output: str
    task: dict[str, Any] = field(default_factory=dict)


def run(work: Path, environ: dict[str, str], *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "PYTHON", "SYSTEM", "TEMP"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=work,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, TaskPaths]:
    work = tmp_path_factory.mktemp("recorded")
    (work / "train.py").write_text(PROGRAM)
    run(work, {"HOME": str(work), "TASKSTORE_ROOT": str(work / "store"), "PYTHONUTF8": "1"}, "train.py")
    store = open_at(work / "store")
    ((_, task_id),) = places.walk(store, [])
    paths = places.locate(store, task_id)
    add_picture(paths)
    return store, paths


def add_picture(paths: TaskPaths) -> None:
    """Add a plot that is a picture, as a capture of matplotlib leaves it."""
    picture = paths.sample("shown", "s", "00000002-9.x.png")
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    ref = {
        "path": picture.relative_to(paths.home).as_posix(),
        "size": 9,
        "hash": hashlib.sha256(b"a picture").hexdigest(),
    }
    figure = {"data": [], "layout": {"images": [{"source": ref["path"]}]}}
    line = {"timestamp": 1.7e12, "iter": 2, "metric": "shown", "variant": "s", "file": ref, "plot": figure}
    paths.plots("other-1-1").write_text(json.dumps(line) + "\n")


@pytest.fixture(scope="module", params=["zip", "folder"])
def sent(
    request: pytest.FixtureRequest, recorded: tuple[Store, TaskPaths], tmp_path_factory: pytest.TempPathFactory
) -> Sent:
    work = tmp_path_factory.mktemp("sent")
    store, paths = recorded
    with serving() as server:
        is_unpacked = request.param == "folder"
        options = Options(output=work / "out", is_unpacked=is_unpacked, output_uri=server.url if is_unpacked else "")
        done = exporters.of_kind("clearml").run(store, [paths], options)
        output = run(work, environment(server.url, str(work)), "-c", IMPORT, *map(str, done.paths))
    (task,) = server.tasks.values()
    return Sent(store, paths, server, done.notes, output, task)


def test_the_reader_was_content(sent: Sent) -> None:
    assert f"imported as {sent.task['id']}" in sent.output
    assert "Failed" not in sent.output
    assert sent.server.unknown == set()


def test_the_task_arrives_with_its_record(sent: Sent) -> None:
    record, task = tasks.read(sent.paths), sent.task
    assert sent.server.projects == {"vision/cats & dogs": task["project"]}
    own = ("name", "type", "tags", "system_tags", "comment", "runtime")
    assert {name: task[name] for name in own} == {name: getattr(record, name) for name in own}
    assert task["container"] == {"image": "python:3.11", "arguments": "--ipc=host"}
    assert (task["name"], task["tags"], task["status"]) == ("naïve run: a/b?", ["one", "ü"], "completed")


def test_parameters_arrive_with_their_types_and_masked_ones_masked(sent: Sent) -> None:
    found = {
        f"{section}/{name}": (item["value"], item.get("type"))
        for section, items in sent.task["hyperparams"].items()
        for name, item in items.items()
    }
    assert found == {
        "General/lr": ("0.1", "float"),
        "General/n": ("3", "int"),
        "General/names": ('["a", "b"]', "list/str"),
        "General/deep/x": ("True", "bool"),
        "General/deep/none": ("", None),
        "General/api_key": ("********", "str"),
        "properties/owner": ("me", "str"),
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ClearML's own parser
def test_configuration_arrives_as_what_clearml_parses(sent: Sent) -> None:
    from clearml.utilities.pyhocon import ConfigFactory

    net, file = sent.task["configuration"]["net"], sent.task["configuration"]["file"]
    parsed = ConfigFactory.parse_string(net["value"]).as_plain_ordered_dict()
    assert parsed == {"a": 1, "b": {"c": [1, 2.5, None, True, [1, 2]]}, "s": 'say "$hi"', "e": 1e-4}
    assert (net["type"], file["type"], file["value"]) == ("dictionary", "yaml", "k: v\n")


def test_the_code_arrives(sent: Sent) -> None:
    script = sent.task["script"]
    assert script["diff"] == PROGRAM  # outside of a repository it is the script
    assert Path(script["entry_point"]).name == "train.py"
    assert script["binary"].startswith("python3")


def test_every_point_arrives_but_those_that_json_cannot_spell(sent: Sent) -> None:
    stored = [
        (one.metric, one.variant, step, value)
        for one in events.read_scalars(sent.paths)
        for step, value in zip(one.iterations, one.values, strict=True)
        if value == value
    ]
    arrived = [
        (one["metric"], one["variant"], one["iter"], one["value"])
        for one in sent.server.of_type("training_stats_scalar")
    ]
    assert len(arrived) == 1202
    assert sorted(arrived) == sorted(stored)
    assert "points of loss/broken that are nan are left out" in sent.notes
    assert {one["task"] for one in sent.server.events} == {sent.task["id"]}


def test_every_console_line_arrives(sent: Sent) -> None:
    stored = [(line.stream == "stderr", line.text) for line in events.read_console(sent.paths)]
    arrived = [(one["level"] == "error", text) for one in sent.server.of_type("log") for text in one["msg"].split("\n")]
    assert (False, "to stdout, 日本") in arrived
    assert [text for is_error, text in arrived if not is_error][-3:] == ["two", "", "paragraphs"]
    assert arrived == stored


def test_plots_arrive_with_their_pictures(sent: Sent) -> None:
    bars, shown = sorted(sent.server.of_type("plot"), key=lambda event: str(event["metric"]))
    assert (bars["metric"], bars["iter"]) == ("bars/a", 1)
    assert json.loads(bars["plot_str"])["data"][0]["y"] == [1, None, 3]
    (image,) = json.loads(shown["plot_str"])["layout"]["images"]
    assert sent.server.files[own_path(sent, image["source"])] == b"a picture"


def test_debug_samples_arrive(sent: Sent) -> None:
    near, far = sorted(sent.server.of_type("training_debug_image"), key=lambda event: "example.org" in event["url"])
    (stored, _) = sorted(plots.read_samples(sent.paths), key=lambda sample: sample.path is None)
    assert stored.path is not None
    assert sent.server.files[own_path(sent, near["url"])] == stored.path.read_bytes()
    assert (near["metric"], near["variant"], near["iter"]) == ("cats", "first", 2)
    assert far["url"] == "https://example.org/data/x.png?y=1"


def test_artifacts_arrive_with_their_bytes(sent: Sent) -> None:
    arrived = {item["key"]: item for item in sent.task["execution"]["artifacts"]}
    stored = artifacts.read(sent.paths).artifacts
    assert set(arrived) == {*stored, "model net", "model other net"}
    for key, item in stored.items():
        assert (arrived[key]["type"], arrived[key]["hash"] if item.file else "") == (item.type, item.hash)
        if item.file is not None:
            data = sent.server.files[own_path(sent, arrived[key]["uri"])]
            assert data == (sent.paths.home / item.file.path).read_bytes()
    assert arrived["far"]["uri"] == "https://example.org/data/data.csv"
    assert arrived["dict"]["display_data"] == [["k", "v"]]
    assert arrived["obj"]["type_data"]["content_type"] == "application/pickle"


def test_models_arrive_with_their_weights(sent: Sent) -> None:
    stored = models.read(sent.paths).output.values()
    arrived = {model["name"]: model for model in sent.server.models.values()}
    assert set(arrived) == {model.name for model in stored} == {"net", "other net", "elsewhere"}
    by_key = {item["key"]: item for item in sent.task["execution"]["artifacts"]}
    for name in ("net", "other net"):
        model, weights = arrived[name], f"the weights of {name}".encode()
        assert (model["framework"], model["labels"], model["tags"]) == ("PyTorch", {"cat": 1}, ["t"])
        assert sent.server.files[own_path(sent, by_key[f"model {name}"]["uri"])] == weights
        if model["uri"].startswith(sent.server.url):
            assert sent.server.files[own_path(sent, model["uri"])] == weights
    is_zip = any("which it does not find in a zip" in note for note in sent.notes)
    assert arrived["net"]["uri"].startswith("file://" if is_zip else sent.server.url)
    assert arrived["elsewhere"]["uri"] == "https://example.org/w.bin"


def own_path(sent: Sent, address: str) -> str:
    """Return the path of a file on the stub's server; its address has the new task's id, and not the session's."""
    assert address.startswith(f"{sent.server.url}/")
    assert sent.task["id"] in address
    assert sent.paths.id not in address
    return plain(address.removeprefix(f"{sent.server.url}/"))
