"""A task that was exported as a session of ClearML, read by what imports such sessions, is the same task."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock, to_text
from taskstore.core.errors import BadValue, Conflict, Refused
from taskstore.core.names import encode
from taskstore.core.secrets import Masker
from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record, write_blob
from taskstore.disk.layout import TaskPaths
from taskstore.disk.text import format_yaml
from taskstore.schema import codec
from taskstore.schema.artifact import Artifact, ArtifactsRecord
from taskstore.schema.configuration import DICTIONARY, ConfigurationItem, ConfigurationRecord
from taskstore.schema.record import (
    FileRef,
    Parameter,
    ParamsRecord,
    Scalar,
    ScriptRecord,
    TaskRecord,
    Untracked,
)
from taskstore.share import exporters, importers
from taskstore.share.exporters.base import Exported, Options
from taskstore.share.exporters.clearml_offline import reports
from taskstore.share.exporters.clearml_offline.sink import component
from taskstore.share.importers.base import Options as In
from taskstore.share.importers.base import only
from taskstore.store import artifacts, configuration, events, models, places, plots, tasks
from taskstore.store.store import Store, init

from .sessions import BEGAN_MS, whole


def exported(store: Store, task: TaskPaths, output: Path, **options: Any) -> Exported:
    return exporters.of_kind("clearml").run(store, [task], Options(output=output, **options))


def imported(store: Store, path: Path) -> TaskPaths:
    return places.locate(store, only(importers.of_kind("clearml").runs(store, path, In())).task_id)


@pytest.fixture
def task(store: Store, tmp_path: Path) -> TaskPaths:
    return imported(store, whole().zip(tmp_path))


@pytest.fixture
def other(tmp_path: Path, clock: FixedClock) -> Store:
    return init(tmp_path / "other", clock=clock)


def seen(paths: TaskPaths) -> dict[str, Any]:
    """What a task holds, without what an import decides: ids, paths, and who brought it in."""
    record = tasks.read(paths)
    own = {name: getattr(record, name) for name in ("name", "type", "status", "tags", "comment", "runtime", "host")}
    script = tasks.read_script(paths)
    return own | {
        "container": record.container,
        "params": tasks.read_params(paths).hyperparams,
        "scalars": [
            (one.metric, one.variant, one.iterations, list(map(repr, one.values)), one.timestamps)
            for one in events.read_scalars(paths)
        ],
        "console": [(line.time, line.stream, line.text) for line in events.read_console(paths)],
        "plots": [
            (one.title, one.series, one.iteration, one.timestamp, without_sources(one.figure), bytes_of(one.image))
            for one in plots.read_plots(paths)
        ],
        "samples": [
            (one.title, one.series, one.iteration, one.media_type, one.url, bytes_of(one.path))
            for one in plots.read_samples(paths)
        ],
        "artifacts": {
            key: (item.type, item.mode, item.uri, item.hash, item.content_size, item.timestamp, item.type_data.preview,
                  item.type_data.content_type, item.display_data, item.file and Path(item.file.path).name)
            for key, item in artifacts.read(paths).artifacts.items()
        },
        "models": [
            (item.name, item.framework, item.labels, item.design, item.tags, item.comment, item.hash, item.iteration)
            for item in models.read(paths).output.values()
        ],
        "labels": models.read(paths).labels,
        "design": models.read(paths).design,
        "configuration": {
            name: (item.type, item.description, item.read()) for name, item in configuration.read(paths).items()
        },
        "script": (script.repository, script.branch, script.version_num, script.entry_point, script.working_dir,
                   script.binary, script.requirements, paths.diff.read_text() if script.diff else ""),
    }  # fmt: skip


def without_sources(figure: dict[str, Any]) -> dict[str, Any]:
    for image in figure.get("layout", {}).get("images", []):
        image.pop("source")
    return figure


def bytes_of(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None


@pytest.mark.parametrize("is_unpacked", [False, True])
def test_a_session_that_is_read_back_is_the_same_task(
    store: Store, task: TaskPaths, other: Store, tmp_path: Path, is_unpacked: bool
) -> None:
    done = exported(store, task, tmp_path / "out", is_unpacked=is_unpacked)
    assert done.counts == {
        "scalars": 4, "plots": 2, "debug_samples": 2, "console_lines": 3, "artifacts": 3, "models": 1
    }  # fmt: skip
    assert seen(imported(other, *done.paths)) == seen(task)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=20)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=3, max_size=30).filter(
    lambda text: text.strip()
)
SECTION = st.dictionaries(TEXT, st.tuples(TEXT, st.none() | TEXT), min_size=1, max_size=5)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(bool), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def made(draw: st.DrawFn) -> dict[str, Any]:
    points = st.tuples(TEXT, TEXT, st.integers(-5, 10**9), st.floats(allow_nan=False, allow_infinity=False))
    return {
        "name": draw(NAME),
        "params": draw(st.dictionaries(TEXT, SECTION, max_size=3)),
        "points": draw(st.lists(points, max_size=30)),
        "lines": draw(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), TEXT, st.integers(0, 2)), max_size=30)),
        "config": draw(st.dictionaries(NAME, st.dictionaries(TEXT.filter(bool), VALUE, min_size=1), max_size=2)),
        "files": draw(st.dictionaries(TEXT.filter(bool), st.binary(max_size=50), max_size=3)),
    }


def build(store: Store, said: dict[str, Any]) -> TaskPaths:
    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.status = Status.COMPLETED
        record.output_destination = said.get("destination", "")
        paths.events.mkdir()
        lines = [
            codec_line(Scalar(BEGAN_MS + at, step, metric, variant, value))
            for at, (metric, variant, step, value) in enumerate(said["points"])
        ]
        paths.scalars("a-1-1").write_bytes(b"".join(lines))
        stamps = itertools.accumulate((step for _, _, step in said["lines"]), initial=0)
        moments = (datetime.fromtimestamp(BEGAN_MS / 1000 + stamp, timezone.utc) for stamp in stamps)
        console = [
            f"{to_text(moment)} {stream} F {text}\n"
            for moment, (stream, text, _) in zip(moments, said["lines"])  # noqa: B905 - one moment is left
        ]
        paths.console("a-1-1").write_bytes("".join(console).encode())
        params = {
            section: {name: Parameter(value, kind or None) for name, (value, kind) in items.items()}
            for section, items in said["params"].items()
        }
        replace_record(paths.params, codec.encode(ParamsRecord(rev=1, hyperparams=params)))
        config = ConfigurationRecord(rev=1)
        for name, value in said["config"].items():
            path = paths.config_file(name, "yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(format_yaml(value))
            config.configuration[name] = ConfigurationItem(name=name, type=DICTIONARY, file=path.name)
        replace_record(paths.configuration, codec.encode(config))
        kept = ArtifactsRecord(rev=1)
        for key, data in said["files"].items():
            path = paths.artifact_folder(key) / encode(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            digest, size = write_blob(path, [data])
            ref = FileRef(path=path.relative_to(paths.home).as_posix(), size=size, hash=digest)
            kept.artifacts[key] = Artifact(key=key, type="custom", file=ref)
        replace_record(paths.artifacts, codec.encode(kept))

    return tasks.create(store, "some/project", said["name"], fill=fill)


def codec_line(point: Scalar) -> bytes:
    return msgspec.json.encode(point) + b"\n"


@given(made())
def test_whatever_a_task_holds_comes_back(tmp_path_factory: pytest.TempPathFactory, said: dict[str, Any]) -> None:
    home = tmp_path_factory.mktemp("round")
    store, other = init(home / "store"), init(home / "other")
    task = build(store, said)
    back = imported(other, *exported(store, task, home / "x.zip").paths)
    found, wanted = seen(back), seen(task)
    for items in wanted["params"].values():  # what looks like a credential is masked on the way in
        for name, item in items.items():
            item.value = Masker().value(name, item.value)
    for name in ("name", "params", "scalars", "console", "models"):
        assert found[name] == wanted[name], name
    assert parsed(back) == {name: Masker().mapping(value)[0] for name, value in said["config"].items()}
    assert {key: item.hash for key, item in artifacts.read(back).artifacts.items()} == {
        key: hashlib.sha256(data).hexdigest() for key, data in said["files"].items()
    }


def test_a_text_that_looks_like_a_number_stays_a_text(store: Store, other: Store, tmp_path: Path) -> None:
    said = {"name": "a run", "params": {}, "points": [], "lines": [], "files": {}, "config": {"net": {"lr": "1e-4"}}}
    back = imported(other, *exported(store, build(store, said), tmp_path / "x.zip").paths)
    assert configuration.read(back)["net"].read() == b"lr: '1e-4'\n"


def parsed(paths: TaskPaths) -> dict[str, Any]:
    return {name: yaml.safe_load(item.read()) for name, item in configuration.read(paths).items()}


def test_the_same_task_gives_the_same_bytes(store: Store, task: TaskPaths, tmp_path: Path) -> None:
    first, second = (exported(store, task, tmp_path / name).paths[0] for name in ("1.zip", "2.zip"))
    assert first.read_bytes() == second.read_bytes()


def test_a_zip_is_called_as_clearml_calls_it_where_it_has_no_name(
    store: Store, task: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = exporters.of_kind("clearml").run(store, [task], Options())
    assert done.paths == (Path(f"offline-{task.id}.zip"),)
    with zipfile.ZipFile(done.paths[0]) as opened:
        assert opened.testzip() is None
        assert {"task.json", "metrics.jsonl", "log.jsonl"} < set(opened.namelist())


def test_nothing_is_overwritten_without_force(store: Store, task: TaskPaths, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_text("mine")
    with pytest.raises(Conflict, match="--force replaces it"):
        exported(store, task, path)
    assert path.read_text() == "mine"
    exported(store, task, path, is_forced=True)
    assert zipfile.is_zipfile(path)
    assert sorted(tmp_path.glob(".*")) == []


def test_a_folder_is_replaced_only_by_force_and_no_file_takes_its_place(
    store: Store, task: TaskPaths, tmp_path: Path
) -> None:
    (home,) = exported(store, task, tmp_path / "out", is_unpacked=True).paths
    (home / "old").write_text("old")
    with pytest.raises(Conflict):
        exported(store, task, tmp_path / "out", is_unpacked=True)
    exported(store, task, tmp_path / "out", is_unpacked=True, is_forced=True)
    assert not (home / "old").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [home.name]
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written"):
        exported(store, task, tmp_path / "file")


def test_an_export_that_fails_leaves_nothing(
    store: Store, task: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:  # noqa: ANN401
        raise OSError(28, "No space left on device")
        yield b""

    monkeypatch.setattr(reports.Reports, "metrics", full)
    for is_unpacked in (False, True):
        with pytest.raises(OSError, match="No space left"):
            exported(store, task, tmp_path / "out", is_unpacked=is_unpacked)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_an_export_that_is_killed_leaves_no_zip_and_the_next_one_clears_up(
    store: Store, task: TaskPaths, tmp_path: Path
) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from taskstore.share import exporters\n"
        "from taskstore.share.exporters.base import Options; from taskstore.store import places\n"
        "from taskstore.share.exporters.clearml_offline import reports; from taskstore.store.store import open_at\n"
        "reports.Reports.metrics = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store = open_at(sys.argv[1])\n"
        "exporters.of_kind('clearml').run(store, [places.resolve(store, '@last')], Options(output=Path(sys.argv[2])))\n"
    )
    out = tmp_path / "out"
    killed = subprocess.run([sys.executable, "-c", program, str(store.root), str(out / "x.zip")], check=False)
    assert killed.returncode == -9
    (left,) = out.iterdir()
    assert left.name.startswith(".x.zip.")
    exported(store, task, out / "x.zip")
    assert [path.name for path in out.iterdir()] == ["x.zip"]


def test_what_cannot_be_expressed_is_told(store: Store, tmp_path: Path) -> None:
    said = {"name": "a run", "params": {}, "points": [], "lines": [], "config": {}, "files": {"gone": b"x"}}
    said["destination"] = "s3://bucket"
    task = build(store, said)
    (task.home / artifacts.read(task).artifacts["gone"].file.path).unlink()  # type: ignore[union-attr]  # it has one
    nan = Scalar(1.0, 1, "loss", "x", "NaN")
    task.scalars("b-1-1").write_bytes(codec_line(nan) * 2)
    script = ScriptRecord(rev=1, repository="https://example.org/r", untracked=[Untracked(path="new.py")])
    replace_record(task.script, codec.encode(script))
    done = exported(store, task, tmp_path / "x.zip")
    assert done.notes == (
        "the untracked file new.py is left out",
        "the output destination is left out: ClearML's reader stops at one that it cannot write to",
        "artifact 'gone' is left out: no artifact file "
        f"'{task.home / 'files/artifacts/gone/gone'}'; `taskstore doctor` says what else is missing",
        "artifact 'gone' is left out: its file is not there",
        "points of loss/x that are nan are left out (2 times)",
    )


def test_a_task_from_elsewhere_exports_no_file_of_this_machine(store: Store, tmp_path: Path) -> None:
    said = {"name": "a run", "params": {}, "points": [], "lines": [], "config": {}, "files": {"a": b"x"}}
    task = build(store, said)
    (tmp_path / "secret").write_text("hunter2")
    record = task.artifacts.read_text().replace("files/artifacts/a/a", "../../../../../secret")
    task.artifacts.write_text(record)
    done = exported(store, task, tmp_path / "x.zip")
    with zipfile.ZipFile(done.paths[0]) as opened:
        assert opened.namelist() == ["task.json"]
    assert "a file outside of its task" in done.notes[0]


def test_several_tasks_do_not_go_into_one_zip(tmp_path: Path) -> None:
    exporter = exporters.of_kind("clearml")
    exporter.check(1, Options(output=tmp_path / "x.zip"))
    exporter.check(2, Options(output=tmp_path / "folder"))
    with pytest.raises(BadValue, match="takes one task, and there are 2"):
        exporter.check(2, Options(output=tmp_path / "x.zip"))
    with pytest.raises(BadValue, match="--unpacked makes a folder"):
        exporter.check(1, Options(output=tmp_path / "x.zip", is_unpacked=True))
    with pytest.raises(BadValue, match="nothing is exported to 'wandb'; there is clearml"):
        exporters.of_kind("wandb")


@given(st.lists(st.text(max_size=300), unique=True, max_size=5))
def test_names_become_parts_of_a_path_that_goes_into_an_address(names: list[str]) -> None:
    parts = [component(name) for name in names]
    assert len(set(parts)) == len(parts)
    for part in parts:
        assert part not in ("", ".", "..")
        assert len(part.encode()) <= 120
        assert not set(part) & set("/\\%?#&:*\"<>|'\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read as Linux says it")
def test_memory_does_not_grow_with_the_logs(store: Store, tmp_path: Path) -> None:
    said = {"name": "a run", "params": {}, "points": [], "lines": [], "config": {}, "files": {}}
    task = build(store, said)
    with task.scalars("b-1-1").open("wb") as stream:
        for step in range(300_000):
            stream.write(b'{"timestamp":%d,"iter":%d,"metric":"loss","variant":"train","value":0.25}\n' % (step, step))
    with task.console("b-1-1").open("wb") as stream:
        for step in range(300_000):
            stream.write(
                b"2026-01-01T00:%02d:%02d.000000Z stdout F a line of the console\n" % (step // 60 % 60, step % 60)
            )
    program = (
        "import sys; from pathlib import Path; from taskstore.share import exporters\n"
        "from taskstore.share.exporters.base import Options; from taskstore.store import places\n"
        "from taskstore.store.store import open_at; store = open_at(sys.argv[1])\n"
        "exporters.of_kind('clearml').run(store, [places.resolve(store, '@last')], Options(output=Path(sys.argv[2])))\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith('VmHWM')))\n"
    )
    out = tmp_path / "x.zip"
    done = subprocess.run(
        [sys.executable, "-c", program, str(store.root), str(out)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60  # MiB, of which Python and the imports are 30; the logs are 42, and in memory far more
