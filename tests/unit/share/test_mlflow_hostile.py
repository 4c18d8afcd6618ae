"""What MLflow's stores hold may be broken, odd, or made to harm: what can be read comes in, no other file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from taskstore.core.errors import Damaged
from taskstore.core.states import Status
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.store import artifacts, doctor, models, places, tasks
from taskstore.store.store import Store, init

from .mlruns import BEGAN_MS, EXPERIMENT, SCHEMA, Made, add, database, folders, run_id, whole, write
from .test_mlflow import bring, left, one, paths_of, points, tree, values

HOME = f"{EXPERIMENT}/{run_id(1)}"
OTHER = run_id(2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return folders(tmp_path / "mlruns", whole())


# broken


@pytest.mark.parametrize("text", [None, "", "[1, 2]", "a: [", "name: !!python/object:os.system x\n", "\0"])
def test_an_experiment_whose_record_is_broken_is_named_by_its_id(store: Store, root: Path, text: str | None) -> None:
    meta = root / EXPERIMENT / "meta.yaml"
    meta.unlink() if text is None else meta.write_text(text)
    found = bring(store, root)
    assert isinstance(found[0], Imported)
    assert places.project_of(store, paths_of(store, found[0]).home) == EXPERIMENT
    assert any("its id became its name" in each.what for each in found if isinstance(each, LeftOut)) == (text != "")


@pytest.mark.parametrize("text", [None, "a: [", "x" * (2 << 20)])
def test_a_run_whose_record_is_broken_keeps_what_else_there_is(store: Store, root: Path, text: str | None) -> None:
    meta = root / HOME / "meta.yaml"
    meta.unlink() if text is None else meta.write_text(text)
    found = one(store, root)
    paths = paths_of(store, found)
    assert points(paths)["loss|loss"] == [(0, 1.0), (1, 0.5)]
    assert values(paths, "General")["lr"] == "0.1"
    assert artifacts.read(paths).artifacts.keys() == {"notes.txt", "plots/a.svg"}
    assert tasks.read(paths).status is Status.STOPPED
    assert "status and times are lost" in found.notes[0]
    assert tasks.read(paths).imported[0].id == run_id(1)
    assert not one(store, root).is_new


def test_broken_lines_of_a_metric_are_passed_over_and_counted(store: Store, root: Path) -> None:
    lines = [
        f"{BEGAN_MS} 1 0",
        "x 2 1",
        f"{BEGAN_MS} nope 1",
        f"{BEGAN_MS} 2",
        "",
        f"{BEGAN_MS} 3 4 data abc",
        "9" * 9000,
    ]
    lines += [f"{BEGAN_MS} 1 {2**63}", f"{'9' * 400} 1 1", f"{BEGAN_MS} 4 5 6", f"{BEGAN_MS} 5 6", f"{BEGAN_MS} 6"]
    (root / HOME / "metrics" / "loss").write_text("\n".join(lines))
    found = one(store, root)
    assert points(paths_of(store, found))["loss|loss"] == [(0, 1.0), (0, 2.0), (4, 3.0), (6, 5.0)]
    assert found.notes == ("a line of metric 'loss' cannot be read (8 times)",)


def test_a_metric_that_is_no_text_harms_no_other(store: Store, root: Path) -> None:
    (root / HOME / "metrics" / "bad").write_bytes(b"\xff\xfe\0\n" * 3)
    found = one(store, root)
    assert points(paths_of(store, found)).keys() == {"loss|loss", "train/deep|acc"}


def test_texts_that_are_no_utf8_come_spelled_out(store: Store, root: Path) -> None:
    (root / HOME / "params" / "odd").write_bytes(b"a\xffb")
    assert values(paths_of(store, one(store, root)), "General")["odd"] == "a\\xffb"


def test_a_value_that_is_too_large_is_left_out_by_name(store: Store, root: Path) -> None:
    (root / HOME / "params" / "huge").write_bytes(b"x" * ((1 << 20) + 1))
    found = one(store, root)
    assert "huge" not in values(paths_of(store, found), "General")
    assert "params 'huge' is lost: it is larger than 1,048,576 bytes" in found.notes


@pytest.mark.parametrize("began", ["null", "soon", "-5", str(10**30), ".nan", "true", "[1]"])
def test_a_run_without_a_time_has_that_of_its_folder(store: Store, root: Path, began: str) -> None:
    meta = root / HOME / "meta.yaml"
    meta.write_text(meta.read_text().replace(f"start_time: {BEGAN_MS}", f"start_time: {began}"))
    os.utime(root / HOME, (1_500_000_000, 1_500_000_000))
    record = tasks.read(paths_of(store, one(store, root)))
    assert record.created == datetime.fromtimestamp(1_500_000_000, tz=timezone.utc)


def test_a_run_that_was_copied_within_the_store_comes_once(store: Store, root: Path) -> None:
    folders(root, whole(), experiment="7")
    assert left(store, root) == [f"run {run_id(1)} is there twice, and the second was left out"]
    assert len(list(places.walk(store))) == 1


def test_empty_folders_that_a_packer_has_left_out_are_not_missed(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", Made())
    for name in ("params", "metrics", "tags", "artifacts"):
        (root / HOME / name).rmdir()
    assert tasks.read(paths_of(store, one(store, root))).name == "a run"


def test_one_run_that_fails_stops_no_other(store: Store, root: Path) -> None:
    add(root / EXPERIMENT, Made(id=OTHER))
    meta = root / HOME / "meta.yaml"
    meta.write_text(meta.read_text().replace(run_id(1), "../../x"))
    found = bring(store, root)
    (bad,) = [each for each in found if isinstance(each, LeftOut)]
    assert bad.what == f"run {run_id(1)}"
    assert isinstance(bad.error, Damaged)
    assert [each.source for each in found if isinstance(each, Imported)] == [f"run {OTHER}"]


def test_a_bomb_of_aliases_in_a_model_does_not_go_off(store: Store, root: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one_, other in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f"{one_}: &{one_} [{', '.join([f'*{other}'] * 9)}]\n"
    write(
        root / HOME / "artifacts" / "m" / "MLmodel", f"{bomb}signature: {{inputs: *j}}\nflavors: *j\nmodel_uuid: *j\n"
    )
    (model,) = models.read(paths_of(store, one(store, root))).output.values()
    assert model.metadata["signature"].value == "{}"


# names


@pytest.mark.parametrize("name", ["CON", "a:b c.d", "x" * 200, "ünï/ço", "%2e%2e", ".hidden", "trailing."])
def test_any_name_of_a_file_is_kept(store: Store, tmp_path: Path, name: str) -> None:
    made = Made(params={name: "1"}, metrics={name: [(1.0, 0)]}, artifacts={name: b"x"})
    paths = paths_of(store, one(store, folders(tmp_path / "mlruns", made)))
    assert values(paths, "General") == {name: "1"}
    assert len(points(paths)) == 1
    assert artifacts.read(paths).artifacts.keys() == {name}
    assert doctor.check(store) == []


def test_a_name_that_is_no_utf8_is_spelled_out(store: Store, root: Path) -> None:
    with open(os.fsencode(root / HOME / "artifacts") + b"/a\xff", "wb") as stream:  # noqa: PTH123 - bytes
        stream.write(b"x")
    assert "a\\xff" in artifacts.read(paths_of(store, one(store, root))).artifacts


# what leads outside


def test_links_are_followed_nowhere(store: Store, root: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret" / "key", "private")
    (root / HOME / "artifacts" / "file").symlink_to(secret)
    (root / HOME / "artifacts" / "folder").symlink_to(secret.parent)
    (root / HOME / "params" / "p").symlink_to(secret)
    (root / HOME / "metrics" / "m").symlink_to(secret)
    (root / EXPERIMENT / OTHER).symlink_to(tmp_path / "secret")
    (root / "9").symlink_to(tmp_path / "secret")
    found = bring(store, root)
    assert isinstance(found[0], Imported)
    assert {"'file' is a link or a device, and was left out", "'folder' is a link or a device, and was left out"} < set(
        found[0].notes
    )
    assert "params 'p' is lost: it cannot be read: it is a link" in " ".join(found[0].notes)
    said = [each.what for each in found if isinstance(each, LeftOut)]
    assert said == ["9 is a link, and was not followed", f"{OTHER} is a link, and was not followed"]
    assert not any(b"private" in data for data in tree(store.root).values())


@pytest.mark.parametrize("part", ["artifacts", "metrics", "params"])
def test_a_folder_of_a_run_that_is_a_link_is_not_followed(store: Store, root: Path, tmp_path: Path, part: str) -> None:
    (tmp_path / "away").mkdir()
    (root / HOME / part).rename(tmp_path / "away" / part)
    (root / HOME / part).symlink_to(tmp_path / "away" / part)
    paths = paths_of(store, one(store, root))
    assert {"artifacts": artifacts.read(paths).artifacts, "metrics": points(paths), "params": values(paths, "General")}[
        part
    ] == {}


def test_a_pipe_is_not_waited_for(store: Store, root: Path) -> None:
    os.mkfifo(root / HOME / "params" / "pipe")
    os.mkfifo(root / HOME / "metrics" / "pipe")
    os.mkfifo(root / HOME / "artifacts" / "pipe")
    assert "params 'pipe' is lost: it is no file" in " ".join(one(store, root).notes)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc",
        "/etc",
        "../secret",
        f"file:///x/{run_id(1)}/../../secret",
        f"/x/{run_id(1)}/%2e%2e/%2e%2e/secret",
        "secret",
        f"file:///x/secret/{run_id(1)}",
    ],
)
def test_an_address_names_no_file_that_is_not_the_runs(store: Store, tmp_path: Path, uri: str) -> None:
    write(tmp_path / "new" / "secret" / "key", "private")
    path = database(tmp_path / "new" / "mlflow.db", Made(artifact_uri=uri))
    assert artifacts.read(paths_of(store, one(store, path))).artifacts == {}


def test_the_id_of_a_run_names_no_folder(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "new" / "secret" / "key", "private")
    path = database(tmp_path / "new" / "mlflow.db", Made(id="secret", artifact_uri="/x/secret"))
    assert artifacts.read(paths_of(store, one(store, path))).artifacts == {}


def test_a_folder_of_artifacts_that_is_a_link_is_not_found(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "new" / "mlflow.db", whole())
    (tmp_path / "new" / "mlartifacts").rename(tmp_path / "away")
    (tmp_path / "new" / "mlartifacts").symlink_to(tmp_path / "away")
    (tmp_path / "new" / "1").symlink_to(tmp_path / "away" / "1")
    assert artifacts.read(paths_of(store, one(store, path))).artifacts.keys() <= {"notes.txt", "plots/a.svg"}


# databases


def test_a_table_that_computes_is_not_asked(store: Store, tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    more = f"DROP TABLE runs; CREATE VIEW runs AS {endless};"
    path = database(tmp_path / "mlflow.db", more=more)
    with pytest.raises(Damaged, match="no tables of runs"):
        list(importers.of_kind("mlflow").runs(store, path, Options()))


def test_values_of_the_wrong_kind_harm_nothing(store: Store, tmp_path: Path) -> None:
    rows = [
        f"('loss', 'abc', {BEGAN_MS}, '{run_id(1)}', 0, 0)",
        f"('loss', 1, 'now', '{run_id(1)}', 0, 0)",
        f"(x'ff', 1, {BEGAN_MS}, '{run_id(1)}', 0, 0)",
        f"('loss', NULL, {BEGAN_MS}, '{run_id(1)}', 9223372036854775807, 0)",
        f"('good', 2, {BEGAN_MS}, '{run_id(1)}', 3, NULL)",
    ]
    more = f"INSERT INTO metrics VALUES {', '.join(rows)}; INSERT INTO params VALUES (NULL, x'00ff', '{run_id(1)}');"  # noqa: S608 - a test's own
    more += "UPDATE runs SET name = x'ff', user_id = 5, source_name = CAST(x'61ff' AS TEXT), experiment_id = 'x';"
    found = one(store, database(tmp_path / "mlflow.db", Made(), more=more))
    assert points(paths_of(store, found)) == {"good|good": [(3, 2.0)]}
    assert tasks.read_script(paths_of(store, found)).entry_point == "a\\xff"


def test_a_database_that_breaks_off_gives_what_is_before(store: Store, tmp_path: Path) -> None:
    made = [Made(id=run_id(number), params={f"p{key}": "x" * 500 for key in range(20)}) for number in range(1, 40)]
    path = database(tmp_path / "mlflow.db", *made)
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3 :] = b"\xff" * (len(data) - len(data) * 2 // 3)
    path.write_bytes(data)
    found = bring(store, path)
    errors = [each.error for each in found if isinstance(each, LeftOut)]
    assert errors
    assert all(isinstance(error, Damaged) for error in errors)


def test_a_database_whose_schema_is_no_text_is_damaged(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", Made())
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE runs", b"CREATE \x89ABLE runs"))
    with pytest.raises(Damaged, match="its schema is damaged"):
        bring(store, path)


def test_a_store_without_a_run_is_said_to_have_none(store: Store, tmp_path: Path) -> None:
    found = bring(store, folders(tmp_path / "mlruns"))
    assert found == [LeftOut("there is no run in it")]


def test_an_early_database_without_indexes_is_read_by_a_copy_of_its_rows(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", whole(), whole(id=OTHER))  # its schema has no index by run
    assert "run_uuid VARCHAR(32), step" in SCHEMA
    before = path.read_bytes()
    found = [each for each in bring(store, path) if isinstance(each, Imported)]
    assert [len(points(paths_of(store, each))) for each in found] == [2, 2]
    assert path.read_bytes() == before


def test_a_writer_is_not_kept_waiting(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", *(Made(id=run_id(number)) for number in range(1, 41)))
    steps = importers.of_kind("mlflow").runs(store, path, Options())
    next(steps)
    with closing(sqlite3.connect(path)) as connection, connection:  # the import stands still, and is not done
        connection.execute("UPDATE runs SET name = 'renamed'")
    last = [found for found in steps if isinstance(found, Imported)][-1]
    assert tasks.read(paths_of(store, last)).name == "renamed"


def test_what_may_not_be_read_is_said_by_name(plain_user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(plain_user))
    root = folders(plain_user / "mlruns", whole(), whole(id=OTHER))
    store = init(plain_user / "store")
    for name in ("params/lr", "metrics/loss", "artifacts/notes.txt", "artifacts/plots"):
        (root / HOME / name).chmod(0)
    try:
        found = [each for each in bring(store, root) if isinstance(each, Imported)]
    finally:
        (root / HOME / "artifacts" / "plots").chmod(0o755)
    assert len(found) == 2
    said = " ".join(found[0].notes)
    for text in (
        "params 'lr' is lost",
        "metric 'loss' is lost",
        "artifact 'notes.txt' is lost",
        "plots/ cannot be read",
    ):
        assert text in said
    paths = paths_of(store, found[0])
    assert points(paths).keys() == {"train/deep|acc"}
    assert artifacts.read(paths).artifacts == {}


def test_a_database_that_may_not_be_read_is_said(plain_user: Path) -> None:
    path = database(plain_user / "mlflow.db", whole())
    path.chmod(0)
    with pytest.raises(Damaged, match="Permission denied"):
        importers.of_path(path)


def _wal(folder: Path) -> tuple[Path, sqlite3.Connection]:
    """Return a database of which a run is in the write-ahead log only, and the connection that keeps it there."""
    path = database(folder / "mlflow.db", whole())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    with connection:
        connection.execute("INSERT INTO params VALUES ('late', '1', ?)", (run_id(1),))
    return path, connection


def test_what_is_in_the_write_ahead_log_comes_too(store: Store, tmp_path: Path) -> None:
    path, connection = _wal(tmp_path / "new")
    with closing(connection):
        assert values(paths_of(store, one(store, path)), "General")["late"] == "1"


@pytest.mark.parametrize("has_log", [False, True])
def test_a_database_that_cannot_be_written_is_read_with_its_log(
    plain_user: Path, monkeypatch: pytest.MonkeyPatch, has_log: bool
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(plain_user))
    path, connection = _wal(plain_user / "new")
    with closing(connection):
        folder = plain_user / "read-only"
        folder.mkdir()
        for name in ("mlflow.db", "mlflow.db-wal"):
            (folder / name).write_bytes((path.parent / name).read_bytes())
    if not has_log:
        (folder / "mlflow.db-wal").unlink()
    folder.chmod(0o555)
    store = init(plain_user / "store")
    try:
        found = values(paths_of(store, one(store, folder / "mlflow.db")), "General")
    finally:
        folder.chmod(0o755)
    assert ("late" in found) == has_log
    assert found["lr"] == "0.1"
    assert sorted(path.name for path in folder.iterdir()) == ["mlflow.db", *(["mlflow.db-wal"] if has_log else [])]
