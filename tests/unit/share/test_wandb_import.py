"""Importing W&B's runs, written here byte by byte (tests/frameworks has those of the real wandb)."""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import Damaged, NotFound
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.share.importers.wandb_offline import datastore
from taskstore.store import artifacts, doctor, events, places, plots, tasks
from taskstore.store.store import Store

from . import wandb_files as made
from .wandb_files import BEGAN, WandbRun
from .wire import message


def run(store: Store, path: Path, **options: Any) -> list[Imported | LeftOut]:
    return list(importers.of_kind("wandb").runs(store, path, Options(**options)))


def one(store: Store, path: Path) -> Imported:
    (found,) = run(store, path)
    assert isinstance(found, Imported), found
    return found


def task_of(store: Store, made_run: WandbRun) -> TaskPaths:
    return places.locate(store, one(store, made_run.write()).task_id)


def points(paths: TaskPaths) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{item.metric}|{item.variant}": list(zip(item.iterations, item.values, strict=True))
        for item in events.read_scalars(paths)
    }


def console(paths: TaskPaths) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in events.read_console(paths)]


def test_the_task_is_what_the_run_says(store: Store, tmp_path: Path) -> None:
    about = [(6, "group a"), (7, "eval"), (9, "why"), (10, "one"), (10, "two"), (12, "sweep1"), (13, "lab")]
    git = message((1, "https://ada:secret@example.org/code.git"), (2, "c" * 40))
    environment = message(
        *((1, "Linux-6.1"), (2, "CPython 3.11.7"), (5, "--lr"), (5, "0.5"), (6, "/home/ada/code/train.py")),
        *((7, "train.py"), (9, git), (11, "/home/ada/code"), (12, "lab"), (13, "ada"), (14, "/usr/bin/python3")),
        *((16, 8), (22, message((3, "EPYC"))), (21, message((1, 1 << 34)))),
    )
    told = WandbRun(tmp_path, entity="team", about=about, records=[message((26, environment)), made.ended()])
    paths = task_of(store, told)
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home)) == ("first", "team/vision")
    assert (record.type, record.comment, record.tags) == ("testing", "why", ["one", "two"])
    assert (record.status, record.status_reason, record.host, record.user) == (
        Status.COMPLETED,
        "completed",
        "lab",
        "ada",
    )
    said = {name: item.value for name, item in tasks.read_params(paths).hyperparams["properties"].items()}
    assert said == {"entity": "team", "group": "group a", "job_type": "eval", "sweep": "sweep1"}
    script = tasks.read_script(paths)
    assert (script.repository, script.version_num) == ("https://example.org/code.git", "c" * 40)
    assert (script.entry_point, script.argv) == ("train.py", ["/home/ada/code/train.py", "--lr", "0.5"])
    assert (script.python, script.binary, script.cwd) == ("3.11.7", "python3.11", "/home/ada/code")
    assert record.runtime == {"os": "Linux-6.1", "cpu_model": "EPYC", "cpu_count": "8", "memory_bytes": str(1 << 34)}
    assert doctor.check(store) == []


def test_config_is_parameters_as_it_was_at_the_end(store: Store, tmp_path: Path) -> None:
    first = made.config(
        **{"lr": 0.1, "model": {"layers": [1, 2], "name": "net"}, "api_key": "hunter2hunter2", "old": 1},
        **{"_wandb": {"t": 1}, "_mine": {"value": 2}},
    )
    change = message((5, message((1, made.item(["model", "name"], "other")), (2, message((1, "old"))))))
    told = WandbRun(tmp_path, records=[first, change, made.config(lr=0.2), made.ended()])
    section = tasks.read_params(task_of(store, told)).hyperparams["General"]
    assert section["lr"] == Parameter("0.2", "float", None)
    assert {name: item.value for name, item in section.items()} == {
        **{"lr": "0.2", "model/layers": "[1, 2]", "model/name": "other", "api_key": MASK},
        "_mine/value": "2",
    }


def test_history_is_scalars_by_their_steps_and_times(store: Store, tmp_path: Path) -> None:
    rows = [
        made.row(0, BEGAN + 0.5, loss=1.5, **{"train/acc": 0.25}),
        made.row(7, BEGAN + 1, loss=b"NaN", flag=True, nested__a__b=3, text="words", list=[1, 2], none=None),
    ]
    told = WandbRun(tmp_path, records=[*rows, made.ended()])
    found = one(store, told.write())
    paths = places.locate(store, found.task_id)
    seen = points(paths)
    assert {name: values for name, values in seen.items() if name != "loss|loss"} == {
        "train|acc": [(0, 0.25)],
        "flag|flag": [(7, 1.0)],
        "nested/a|b": [(7, 3.0)],
    }
    assert [step for step, _ in seen["loss|loss"]] == [0, 7]
    assert str(seen["loss|loss"][1][1]) == "nan"
    assert events.read_scalars(paths, "loss")[0].timestamps == [1_700_000_000_500, 1_700_000_001_000]
    assert set(found.notes) == {
        "text was left out: it is no number but a text",
        "list was left out: it is no number but a list",
    }


def test_a_metric_has_the_steps_that_were_defined_for_it(store: Store, tmp_path: Path) -> None:
    records = [
        made.metric(glob="val/*", step="epoch"),
        made.metric(name="time", step="seconds"),
        made.row(10, epoch=2, **{"val/loss": 0.5, "train/loss": 0.25}),
        made.row(11, seconds=1.5, time=3.0),
        made.ended(),
    ]
    found = one(store, WandbRun(tmp_path, records=records).write())
    seen = points(places.locate(store, found.task_id))
    assert (seen["val|loss"], seen["train|loss"], seen["time|time"]) == ([(2, 0.5)], [(10, 0.25)], [(11, 3.0)])
    assert found.notes == ("time: where seconds, its step, is no whole number, W&B's own step stands for it",)


def test_summary_is_values_where_it_says_more_than_the_last_row(store: Store, tmp_path: Path) -> None:
    records = [
        made.summary(loss=2.0, _step=0),  # W&B writes it before the row that it is of
        made.row(0, loss=2.0),
        made.summary(loss={"min": 1.0}, other=1.0),
        made.row(1, loss=1.0, other=1.0),
        made.summary(best=0.75, remark="fine"),
        made.ended(),
    ]
    paths = task_of(store, WandbRun(tmp_path, records=records))
    singles = {item.variant: item.values for item in events.read_scalars(paths, "Summary")}
    assert singles == {"loss/min": [1.0], "best": [0.75]}
    assert {step for item in events.read_scalars(paths, "Summary") for step in item.iterations} == {-(2**31)}


def test_console_is_whole_lines_as_they_stood_at_last(store: Store, tmp_path: Path) -> None:
    pieces = [(1, "one "), (0, "warn\n"), (1, "line\nprog 1"), (1, "\rprog 2"), (1, "\rprog 3\r\n"), (1, "the rest")]
    told = WandbRun(tmp_path, records=[*(made.printed(*piece, BEGAN + 1) for piece in pieces), made.ended()])
    assert console(task_of(store, told)) == [
        ("stderr", "warn"),
        ("stdout", "one line"),
        ("stdout", "prog 3"),
        ("stdout", "the rest"),
    ]


def test_without_records_of_it_the_console_is_its_file(store: Store, tmp_path: Path) -> None:
    told = WandbRun(tmp_path, records=[made.ended()], files={"output.log": b"from the file\nagain\n"})
    assert console(task_of(store, told)) == [("stdout", "from the file"), ("stdout", "again")]


def test_resources_are_series_of_the_monitor(store: Store, tmp_path: Path) -> None:
    told = WandbRun(
        tmp_path, records=[made.stats(BEGAN + 30, cpu=5.0, gpu__0__temp=70), made.row(3, x=1), made.ended()]
    )
    paths = task_of(store, told)
    seen = points(paths)
    assert (seen[":monitor:machine|cpu"], seen[":monitor:gpu|gpu.0.temp"]) == ([(30, 5.0)], [(30, 70.0)])
    assert events.read_summary(paths).last_iteration == 3


def test_media_are_plots_and_samples(store: Store, tmp_path: Path) -> None:
    table = json.dumps({"columns": ["a", "b"], "data": [[1, "x"], [2, {"_type": "y"}]]}).encode()
    figure = json.dumps({"data": [{"type": "bar", "y": [1]}], "layout": {}}).encode()
    files = {
        **{"media/images/i.png": b"png", "media/images/j.png": b"second", "media/t.table.json": table},
        **{"media/p.plotly.json": figure, "media/h.html": b"<b>"},
    }
    values = {
        "img": {"_type": "image-file", "path": "media/images/i.png"},
        "two": {"_type": "images/separated", "filenames": ["media/images/i.png", "media/images/j.png"]},
        "val/page": {"_type": "html-file", "path": "media/h.html"},
        "table": {"_type": "table-file", "path": "media/t.table.json"},
        "figure": {"_type": "plotly-file", "path": "media/p.plotly.json"},
        "hist": {"_type": "histogram", "values": [1, 2], "bins": [0, 1, 3]},
        "packed": {"_type": "histogram", "values": [3], "packedBins": {"min": 1, "size": 0.5, "count": 1}},
        "gone": {"_type": "image-file", "path": "media/gone.png"},
    }
    found = one(store, WandbRun(tmp_path, records=[made.row(4, **values), made.ended()], files=files).write())
    paths = places.locate(store, found.task_id)
    samples = {(item.title, item.series): item for item in plots.read_samples(paths)}
    assert samples.keys() == {("img", "img"), ("two", "two_0"), ("two", "two_1"), ("val", "page")}
    second = samples["two", "two_1"].path
    assert second is not None
    assert (second.read_bytes(), samples["two", "two_1"].iteration) == (b"second", 4)
    figures = {item.title: item.figure["data"][0] for item in plots.read_plots(paths)}
    assert figures.keys() == {"table", "figure", "hist", "packed"}
    assert figures["table"]["cells"]["values"] == [[1, 2], ["x", '{"_type": "y"}']]
    assert figures["hist"]["customdata"] == [[0, 1], [1, 3]]
    assert figures["packed"]["customdata"] == [[1.0, 1.5]]
    assert found.notes == ("gone was left out: its file media/gone.png is not in the run's folder",)
    assert artifacts.read(paths).artifacts == {}


def test_files_are_artifacts_code_and_packages(store: Store, tmp_path: Path) -> None:
    kept = tmp_path / "staging"
    kept.write_bytes(b"weights")
    entries = [made.entry("deep/model.bin", kept)]
    files = {
        **{"requirements.txt": b"numpy==2.0\ntorch==2.1\n", "diff.patch": b"a change", "code/train.py": b"print()"},
        **{"config.yaml": b"", "wandb-summary.json": b"{}", "out/result.csv": b"1,2"},
        "wandb-metadata.json": json.dumps(
            {
                **{"program": "train.py", "codePath": "train.py", "args": ["--x"], "python": "3.9.1", "host": "old"},
                "git": {"remote": "git@example.org:code.git", "commit": "d" * 40},
            }
        ).encode(),
    }
    records = [
        made.artifact("net", "model", entries, description="mine", metadata='{"k": 1}'),
        made.artifact("run-abcd1234-table", "run_table", entries),
        made.artifact("data", "dataset", [made.reference("s3", "s3://bucket/data?token=x")]),
        made.ended(3),
    ]
    told = WandbRun(tmp_path, records=records, files=files)
    paths = task_of(store, told)
    found = artifacts.read(paths).artifacts
    assert found.keys() == {"net", "data", "out/result.csv"}
    net = found["net"]
    assert net.file is not None
    assert (paths.home / net.file.path).read_bytes() == b"weights"
    assert ["description", "mine"] in net.display_data
    assert (found["data"].uri, found["data"].file) == ("s3://bucket/data", None)
    script = tasks.read_script(paths)
    assert (script.requirements, script.entry_point) == ({"numpy": "2.0", "torch": "2.1"}, "train.py")
    assert (script.python, script.argv, script.version_num) == ("3.9.1", ["train.py", "--x"], "d" * 40)
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_bytes() == b"print()"
    assert script.diff is not None
    assert (paths.home / script.diff.path).read_bytes() == b"a change"
    assert (tasks.read(paths).status, tasks.read(paths).status_reason) == (Status.FAILED, "exit code 3")
    assert doctor.check(store) == []


# how it ends, once, and what has come since


def test_a_run_without_an_end_has_failed_until_there_is_more(store: Store, tmp_path: Path) -> None:
    told = WandbRun(tmp_path, records=[made.row(0, BEGAN + 2, x=1), made.printed(1, "a line\nhalf a")])
    first = one(store, told.write())
    paths = places.locate(store, first.task_id)
    record = tasks.read(paths)
    assert (record.status, record.status_reason, record.active_duration) == (Status.FAILED, "no end was recorded", 2)
    told.records += [made.printed(1, " line\n"), made.row(1, BEGAN + 4, x=2), made.config(late=1), made.ended()]
    again = one(store, told.write())
    assert (again.task_id, again.is_new, again.has_grown) == (first.task_id, False, True)
    record = tasks.read(paths)
    assert (record.status, record.status_reason, record.active_duration) == (Status.COMPLETED, "completed", 4)
    assert [each.status for each in record.history] == [Status.CREATED, Status.IN_PROGRESS, Status.COMPLETED]
    assert points(paths) == {"x|x": [(0, 1.0), (1, 2.0)]}
    assert [text for _, text in console(paths)] == ["a line", "half a line"]
    assert tasks.read_params(paths).hyperparams["General"]["late"].value == "1"
    assert one(store, told.write()).has_grown is False


def test_addresses_and_files_that_come_later_are_added(store: Store, tmp_path: Path) -> None:
    told = WandbRun(tmp_path, records=[made.row(0, x=1)])
    one(store, told.write())
    told.records.append(made.artifact("data", "dataset", [made.reference("s3", "s3://bucket/data")]))
    told.files = {"late.txt": b"late", "requirements.txt": b"numpy==2.0"}
    found = one(store, told.write())
    paths = places.locate(store, found.task_id)
    kept = artifacts.read(paths).artifacts
    assert (found.has_grown, kept.keys(), kept["data"].uri) == (True, {"data", "late.txt"}, "s3://bucket/data")
    assert tasks.read_script(paths).requirements == {"numpy": "2.0"}
    assert doctor.check(store) == []


def test_a_file_is_read_to_its_last_whole_record_wherever_it_was_cut(store: Store, tmp_path: Path) -> None:
    large = made.row(2, x=3, note="n" * 70_000)  # in three blocks
    told = WandbRun(tmp_path, records=[made.row(0, x=1), made.row(1, x=2), large, made.ended()])
    data = told.data()
    path = told.write() / "run-abcd1234.wandb"
    complete = len(made.framed([])) + len(WandbRun(tmp_path).data()) - len(made.HEADER)
    cuts = range(complete + 1, len(data), 997)
    seen = set()
    for cut in (*cuts, len(data) - 1):
        path.write_bytes(data[:cut])
        found = one(store, path)
        seen.add(tuple(points(places.locate(store, found.task_id)).get("x|x", [])))
    assert seen == {(), ((0, 1.0), (1, 2.0)), ((0, 1.0), (1, 2.0), (2, 3.0))}
    path.write_bytes(data)
    found = one(store, path)
    assert tasks.read(places.locate(store, found.task_id)).status is Status.COMPLETED


def test_the_folder_the_folders_and_the_file_are_known_and_each_run_comes_in_once(store: Store, tmp_path: Path) -> None:
    first = WandbRun(tmp_path, records=[made.ended()]).write()
    WandbRun(tmp_path, id="wxyz9876", name="second", records=[made.ended()]).write()
    if os.name != "nt":
        (tmp_path / "wandb" / "latest-run").symlink_to(first)
    for path in (tmp_path, tmp_path / "wandb", first, first / "run-abcd1234.wandb"):
        assert importers.of_path(path) is importers.of_kind("wandb")
    found = run(store, tmp_path)
    assert [each.source for each in found if isinstance(each, Imported)] == [
        "offline-run-20231114_221320-abcd1234",
        "offline-run-20231114_221320-wxyz9876",
    ]
    again = [*run(store, tmp_path / "wandb"), one(store, first), one(store, first / "run-abcd1234.wandb")]
    assert [each.is_new for each in again if isinstance(each, Imported)] == [False] * 4


# what is damaged or hostile


def test_what_is_damaged_within_is_lost_and_what_follows_is_read(store: Store, tmp_path: Path) -> None:
    told = WandbRun(tmp_path, records=[made.row(step, x=step) for step in range(3)] + [made.ended()])
    path = told.write() / "run-abcd1234.wandb"
    data = bytearray(path.read_bytes())
    at = data.index(made.row(1, x=1))
    data[at + 5] ^= 1
    path.write_bytes(data)
    found = one(store, path)
    paths = places.locate(store, found.task_id)
    assert points(paths) == {"x|x": [(0, 0.0), (2, 2.0)]}
    assert found.notes == ("run-abcd1234.wandb: a record is damaged, and was left out",)


def test_a_block_of_zeros_is_passed_over(store: Store, tmp_path: Path) -> None:
    told = WandbRun(tmp_path, records=[made.row(0, x=1)])
    path = told.write() / "run-abcd1234.wandb"
    rest = made.framed([b"\0" * (made.BLOCK - 14), message((18, b""))])[made.BLOCK :]
    head = path.read_bytes()
    path.write_bytes(head + bytes(made.BLOCK - len(head)) + rest)
    found = one(store, path)
    assert tasks.read(places.locate(store, found.task_id)).status is Status.COMPLETED
    assert "what follows in that block of 32 KiB is lost" in found.notes[0]


@pytest.mark.parametrize(
    "data",
    [
        *(b"", made.HEADER[:5], made.HEADER, b"no such file", made.HEADER + b"\xff" * 100),
        b":W&B" + struct.pack("<HB", 0xBEE1, 9) + made.framed([message((17, message((1, "id"))))])[7:],
        made.framed([message((18, message((1, 0))))]),
        made.framed([b"\xff\xff\xff"]),
    ],
)
def test_a_file_that_names_no_run_becomes_none(store: Store, tmp_path: Path, data: bytes) -> None:
    path = WandbRun(tmp_path).write() / "run-abcd1234.wandb"
    path.write_bytes(data)
    (left,) = run(store, path)
    assert isinstance(left, LeftOut)
    assert isinstance(left.error, Damaged)
    assert list(places.walk(store)) == []


def test_a_record_of_many_pieces_is_bounded(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datastore, "MAX_RECORD_BYTES", 100_000)
    told = WandbRun(tmp_path, records=[made.row(0, note="n" * 200_000), made.row(1, x=1), made.ended()])
    assert points(task_of(store, told)) == {"x|x": [(1, 1.0)]}


def test_a_record_cannot_bring_in_a_file_of_this_machine(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("what only its owner knows")
    guess = b"what only its owner know?"
    entries = [
        made.entry("a.txt", secret, data=guess),
        message((1, "b.txt"), (4, secret.stat().st_size), (6, str(secret))),
        message((1, "c.txt"), (2, "x" * 24), (4, 3), (6, "../../secret.txt")),
        message((1, "d.txt"), (2, "x" * 24), (4, 3), (6, "/dev/zero")),
        message((1, "e.txt"), (2, "x" * 24), (4, 3), (6, "\0")),
    ]
    images = {
        f"i{at}": {"_type": "image-file", "path": path} for at, path in enumerate((str(secret), "../../../secret.txt"))
    }
    found = one(store, WandbRun(tmp_path, records=[made.artifact("a", "any", entries), made.row(0, **images)]).write())
    paths = places.locate(store, found.task_id)
    assert artifacts.read(paths).artifacts == {}
    assert plots.read_samples(paths) == []
    assert sum("is lost: its file is not there any more, or is another one" in note for note in found.notes) == 5
    assert sum("is not in the run's folder" in note for note in found.notes) == 2


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_links_in_the_folder_are_not_followed(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("secret")
    told = WandbRun(
        tmp_path, records=[made.row(0, i={"_type": "image-file", "path": "media/secret.txt"}), made.ended()]
    )
    home = told.write()
    (home / "files" / "media").symlink_to(secret.parent)
    (home / "files" / "kept.txt").symlink_to(secret)
    (home / "files" / "requirements.txt").symlink_to(secret)
    os.mkfifo(home / "files" / "pipe")
    found = one(store, home)
    paths = places.locate(store, found.task_id)
    assert artifacts.read(paths).artifacts == {}
    assert plots.read_samples(paths) == []
    assert f"kept.txt is a link to {secret}, and was not followed" in found.notes
    assert b"secret" not in b"".join(
        path.read_bytes() for path in paths.home.rglob("*") if path.is_file() and path.name != "task.json"
    )


def test_values_of_any_shape_harm_nothing(store: Store, tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep}
    odd = [
        message((2, message((1, made.item(["k"] * 100, 1)), (1, made.item("", 1)), (1, message()))))
        if at
        else made.row(
            0, deep=deep, big=10**400, step2=b"{not json", h={"_type": "histogram", "values": "x"}, t={"_type": 3}
        )
        for at in range(2)
    ]
    huge = message((2, message((1, made.item("x", 1)), (2, message((1, (1 << 63) - 1))))))
    told = WandbRun(
        tmp_path, records=[*odd, huge, made.config(**{"a/b": 1, "a": {"b": 2}}), made.row(1, y=1), made.ended()]
    )
    assert points(task_of(store, told))["y|y"] == [(1, 1.0)]


def test_texts_and_names_that_are_no_utf_8_harm_nothing(store: Store, tmp_path: Path) -> None:
    odd = '{"a\\ud800": "text", "n\\ud800": 1, "_type\\ud800": {"b": [1]}}'
    rows = [message((2, message((1, made.item("odd", odd.encode())), (2, message((1, 1))))))]
    told = WandbRun(tmp_path, records=[*rows, made.config(odd={"k": "\ud800"}), made.row(2, x=1), made.ended()])
    home = told.write()
    if sys.platform == "linux":
        for name in (b"\xff.txt", b"link-\xff"):
            path = home / "files" / os.fsdecode(name)
            if name.startswith(b"link"):
                path.symlink_to(os.fsdecode(b"\xff"))
            else:
                path.write_text("odd")
        home = home.rename(os.fsdecode(os.fsencode(home) + b"\xff"))
    paths = places.locate(store, one(store, home).task_id)
    assert points(paths)["x|x"] == [(2, 1.0)]
    assert doctor.check(store) == []


def test_a_run_without_any_files_lacks_nothing(store: Store, tmp_path: Path) -> None:
    home = WandbRun(tmp_path, records=[made.row(0, x=1), made.ended()]).write()
    (home / "files").rmdir()
    assert one(store, home).notes == ()


def test_a_summary_that_is_nan_is_said_once(store: Store, tmp_path: Path) -> None:
    summaries = [made.summary(best=b"NaN"), made.stats(BEGAN, cpu=1), made.summary(best=b"NaN"), made.ended()]
    paths = task_of(store, WandbRun(tmp_path, records=summaries))
    assert [len(item.values) for item in events.read_scalars(paths, "Summary")] == [1]


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run(store, tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Damaged, match="it holds no run of W&B's"):
        run(store, tmp_path / "empty")


def test_the_writer_here_frames_as_the_format_says() -> None:
    data = made.framed([b"abc"])
    assert data[:7] == b":W&B\xe1\xbe\x00"
    assert data[7:] == struct.pack("<IHB", zlib.crc32(b"\x01abc"), 3, 1) + b"abc"
