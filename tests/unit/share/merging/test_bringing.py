"""What becomes of a task that several stores have."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import Conflict, Damaged, Refused
from taskstore.core.states import RECORDING, Status
from taskstore.disk.beacon import hold_beacon
from taskstore.queues import queue
from taskstore.run import abort, trust
from taskstore.schema.record import Execution, Parameter, ParamsRecord
from taskstore.sections import clone
from taskstore.share import merging
from taskstore.share.merging import Origin, Unit, Version, bring_in, bringing, planning, read_state, shown
from taskstore.share.source import FolderSource
from taskstore.store import ancestry, doctor, entering, events, liveness, places, published, query, tasks, trash
from taskstore.store.store import init

from .world import TASK, Person, merge_all


@pytest.fixture
def anna(tmp_path: Path, clock: FixedClock) -> Person:
    person = Person(tmp_path, clock, "anna")
    person.make()
    return person


@pytest.fixture
def ben(tmp_path: Path, clock: FixedClock) -> Person:
    return Person(tmp_path, clock, "ben")


def kind_of(outcome: merging.Outcome | None) -> str:
    assert outcome is not None
    return outcome.kind


def findings(person: Person) -> list[str]:
    return [str(found) for found in doctor.check(person.store)]


def run(person: Person, *iterations: int) -> None:
    person.do("begin")
    for iteration in iterations:
        person.do("report", iteration)


def points(person: Person) -> list[tuple[int, float]]:
    series = events.read_scalars(person.paths)
    return sorted((at, value) for each in series for at, value in zip(each.iterations, each.values, strict=True))


def test_a_task_keeps_its_id_project_and_content_and_comes_in_once(anna: Person, ben: Person) -> None:
    run(anna, 1, 2)
    anna.do("keep", "table", "a,b")
    anna.do("configure", "model", "deep: 3")
    anna.do("set", "lr", "0.1")
    anna.do("end")
    assert kind_of(ben.take_from(anna)) == merging.NEW
    assert ben.shared() == anna.shared()
    assert ben.project == "vision/cats"
    assert (ben.paths.artifact_folder("table") / "table.txt").read_text() == "a,b"
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED
    assert findings(ben) == []


def test_what_only_one_has_changed_is_taken_over(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    ben.do("rename", "second")
    ben.do("rename", "third")
    assert kind_of(anna.take_from(ben)) == merging.MERGED
    assert anna.record.name == "third"
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED


def test_edits_of_different_fields_are_both_kept(anna: Person, ben: Person) -> None:
    anna.do("set", "lr", "0.1")
    anna.do("set", "depth", "3")
    ben.take_from(anna)
    anna.do("set", "lr", "0.2")
    anna.do("rename", "anna's")
    ben.do("set", "depth", "4")
    ben.do("tag", "good")
    merge_all(anna, ben)
    for person in (anna, ben):
        args = tasks.read_params(person.paths).hyperparams["Args"]
        assert {name: item.value for name, item in args.items()} == {"lr": "0.2", "depth": "4"}
        assert (person.record.name, person.record.tags) == ("anna's", ["good"])
        state = person.state()
        assert state is not None
        assert merging.conflicts(state) == {}


def test_edits_of_one_field_are_a_conflict_that_keeps_both(anna: Person, ben: Person) -> None:
    anna.do("rename", "common")
    ben.take_from(anna)
    anna.do("rename", "anna's")
    ben.do("rename", "ben's")
    outcome = ben.take_from(anna)
    assert outcome is not None
    assert outcome.conflicts == ("name",)
    merge_all(anna, ben)
    for person in (anna, ben):
        state = person.state()
        assert state is not None
        unit = merging.conflicts(state)["name"]
        assert {version.value for version in unit.heads} == {"anna's", "ben's"}
        assert person.record.name == "ben's"  # the later one


def test_a_first_value_of_a_field_on_both_sides_is_a_conflict(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    anna.do("comment", "good")
    ben.do("comment", "bad")
    merge_all(anna, ben)
    state = anna.state()
    assert state is not None
    assert list(merging.conflicts(state)) == ["comment"]


def test_a_field_that_was_emptied_stays_empty(anna: Person, ben: Person) -> None:
    anna.do("tag", "old")
    ben.take_from(anna)
    anna.do("tag")
    merge_all(anna, ben)
    assert ben.record.tags == []


def test_what_was_changed_by_hand_since_it_was_shared_is_a_change(anna: Person, ben: Person) -> None:
    anna.do("configure", "model", "deep: 3")
    anna.do("stamp")
    ben.take_from(anna)
    anna.do("rename_by_hand", "by hand")
    anna.do("edit_file_by_hand", "config/model.txt", "deep: 4")
    assert kind_of(ben.take_from(anna)) == merging.MERGED
    assert ben.record.name == "by hand"
    assert (ben.paths.config / "model.txt").read_text() == "deep: 4"
    state = ben.state()
    assert state is not None
    assert merging.conflicts(state) == {}


def test_a_stamp_writes_nothing_where_nothing_has_changed(anna: Person) -> None:
    anna.do("stamp")
    before = anna.paths.ancestry.stat()
    anna.do("stamp")
    assert anna.paths.ancestry.stat() == before


def test_rival_files_are_kept_both(anna: Person, ben: Person) -> None:
    anna.do("configure", "model", "deep: 3")
    ben.take_from(anna)
    anna.do("configure", "model", "deep: 4")
    ben.do("configure", "model", "deep: 5")
    merge_all(anna, ben)
    for person in (anna, ben):
        assert (person.paths.config / "model.txt").read_text() == "deep: 5"
        assert [path.read_text() for path in person.paths.conflicts.iterdir()] == ["deep: 4"]
        found = doctor.check(person.store)
        assert [each.kind for each in found] == [doctor.Kind.CONFLICT]


def test_logs_are_unions_and_only_the_missing_tail_moves(anna: Person, ben: Person) -> None:
    run(anna, 1, 2)
    ben.take_from(anna)
    anna.do("report", 3)
    state = anna.state()
    assert state is not None
    source = _Counting(anna.paths.home)
    bring_in(ben.store, state, source, Origin(store_id="", address="", is_trusted=True))
    assert points(ben) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    read = [offset for name, offset in source.read if name.startswith("events/")]
    assert read == [ben.paths.scalars("anna-4194305-00000000").stat().st_size // 3 * 2]


class _Counting(FolderSource):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.read: list[tuple[str, int]] = []

    def chunks(self, name: str, offset: int = 0):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as its parent
        self.read.append((name, offset))
        return super().chunks(name, offset)


def test_a_torn_end_is_continued(anna: Person, ben: Person) -> None:
    run(anna, 1, 2)
    log = anna.paths.scalars("anna-4194305-00000000")
    whole = log.read_bytes()
    log.write_bytes(whole[:-7])
    ben.take_from(anna)
    log.write_bytes(whole)
    ben.take_from(anna)
    assert points(ben) == [(1, 1.0), (2, 2.0)]
    assert kind_of(anna.take_from(ben)) == merging.UNCHANGED


def test_a_log_that_is_ahead_stays_so(anna: Person, ben: Person) -> None:
    run(anna, 1, 2)
    ben.take_from(anna)
    anna.do("end")
    ben.take_from(anna)
    log = anna.paths.scalars("anna-4194305-00000000")
    log.write_bytes(log.read_bytes()[:50])
    anna.take_from(ben)
    assert points(anna) == [(1, 1.0), (2, 2.0)]


def test_of_logs_of_one_name_that_differ_no_point_is_lost(anna: Person, ben: Person) -> None:
    run(anna, 1)
    ben.take_from(anna)
    anna.do("report", 2)
    with ben.paths.scalars("anna-4194305-00000000").open("a") as log:
        log.write('{"timestamp":9,"iter":9,"metric":"loss","variant":"anna","value":9}\n')
    merge_all(anna, ben)
    for person in (anna, ben):
        assert {(2, 2.0), (9, 9.0)} <= set(points(person))
        assert len(list(person.paths.events.iterdir())) == 2
    assert anna.digest() == ben.digest()


def test_a_reset_elsewhere_drops_what_the_run_has_produced(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    anna.do("end")
    ben.take_from(anna)
    ben.do("reset")
    run(ben, 7)
    ben.do("end", "failed")
    merge_all(anna, ben)
    for person in (anna, ben):
        assert points(person) == [(7, 7.0)]
        assert not list(person.paths.files.rglob("table.txt"))
        assert findings(person) == []


def test_a_replaced_artifact_replaces_the_older_one(anna: Person, ben: Person) -> None:
    run(anna)
    anna.do("keep", "table", "one")
    ben.take_from(anna)
    anna.do("keep", "table", "two")
    anna.do("keep", "table", "three")
    ben.take_from(anna)
    texts = [path.read_text() for path in ben.paths.files.rglob("table.txt")]
    assert texts == ["three"]
    assert kind_of(anna.take_from(ben)) == merging.UNCHANGED
    anna.do("end")
    ben.take_from(anna)
    assert findings(ben) == []


def test_a_task_that_moved_moves_everywhere(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    ben.do("move", "audio/birds")
    anna.take_from(ben)
    assert anna.project == "audio/birds"


def test_a_deletion_travels_and_can_be_undone_on_either_side(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    anna.do("throw_away")
    assert kind_of(ben.take_from(anna)) == merging.DELETED
    assert [paths.id for paths in trash.listed(ben.store)] == [TASK]
    ben.do("restore")
    assert kind_of(anna.take_from(ben)) == merging.MERGED
    assert anna.project == "vision/cats"
    assert trash.listed(anna.store) == []
    assert findings(anna) == findings(ben) == []


def test_a_purged_task_does_not_come_back_from_a_copy(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    anna.do("throw_away")
    anna.do("purge")
    assert anna.store.paths.tombstone(TASK).is_file()
    assert kind_of(anna.take_from(ben)) == merging.UNCHANGED
    assert list(places.walk(anna.store)) == []
    assert kind_of(ben.take_from(anna)) == merging.DELETED
    assert [paths.id for paths in trash.listed(ben.store)] == [TASK]
    assert anna.digest() == ben.digest()
    assert findings(anna) == findings(ben) == []


def test_a_restoration_wins_over_the_deletion_before_it(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    anna.do("throw_away")
    ben.take_from(anna)
    anna.do("purge")
    ben.do("restore")
    assert kind_of(anna.take_from(ben)) == merging.NEW
    assert anna.project == "vision/cats"
    assert not anna.store.paths.tombstone(TASK).exists()
    assert findings(anna) == []


def test_a_deleted_task_that_one_never_had_is_known_and_not_fetched(anna: Person, ben: Person) -> None:
    anna.do("throw_away")
    assert kind_of(ben.take_from(anna)) == merging.DELETED
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED
    assert list(places.walk(ben.store)) == []
    assert set(merging.known_ids(ben.store)) == {TASK}


def test_a_run_that_goes_on_here_is_not_disturbed(anna: Person, ben: Person) -> None:
    run(anna, 1)
    ben.take_from(anna)
    ben.do("tag", "from afar")
    beacon = hold_beacon(anna.paths.beacon, anna.store.locks)
    try:
        before = {
            path: path.read_bytes() for path in anna.paths.home.rglob("*") if path.is_file() and path.name != ".alive"
        }
        outcome = anna.take_from(ben)
        assert outcome is not None
        assert (outcome.kind, outcome.reason) == (
            merging.SKIPPED,
            "it is running here, and is merged when it has ended",
        )
        assert {path: path.read_bytes() for path in before} == before
    finally:
        beacon.release()
    anna.do("end")
    anna.take_from(ben)
    assert anna.record.tags == ["from afar"]


def test_a_copy_of_a_running_task_is_never_called_dead(anna: Person, ben: Person, clock: FixedClock) -> None:
    run(anna, 1)
    ben.take_from(anna)
    clock.advance(1_000_000)
    assert liveness.settle(ben.store, ben.paths, ben.record).status is Status.IN_PROGRESS
    assert findings(ben) == []
    anna.do("end")
    ben.take_from(anna)
    assert ben.record.status is Status.COMPLETED
    assert not ancestry.is_elsewhere(ben.paths, ben.record)


def test_a_task_that_runs_elsewhere_is_neither_aborted_nor_reset_nor_thrown_away_here(
    anna: Person, ben: Person
) -> None:
    run(anna, 1)
    ben.take_from(anna)
    for action in (abort.abort, clone.reset):
        with pytest.raises(Refused, match="in the store that it was copied from"):
            action(ben.store, TASK)
    with pytest.raises(Refused, match="running"):
        trash.put(ben.store, TASK)
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED


def test_a_task_that_runs_here_is_not_taken_for_one_that_runs_elsewhere(
    anna: Person, ben: Person, clock: FixedClock
) -> None:
    run(anna, 1)
    ben.take_from(anna)
    ben.do("tag", "seen")
    anna.take_from(ben)
    clock.advance(1_000_000)
    assert liveness.settle(anna.store, anna.paths, anna.record).status is Status.FAILED


def test_a_published_task_comes_in_as_it_was_published(anna: Person, ben: Person) -> None:
    anna.do("set", "lr", "0.1")
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    ben.take_from(anna)
    anna.do("end")
    anna.do("publish")
    assert kind_of(ben.take_from(anna)) == merging.MERGED
    assert published.verify(ben.paths) == []
    assert not published.has_write_bits(ben.paths)
    anna.do("tag", "later")
    ben.take_from(anna)
    assert ben.record.tags == ["later"]
    assert published.verify(ben.paths) == []
    assert not published.has_write_bits(ben.paths)
    assert findings(ben) == []


def test_a_new_published_task_is_verified_and_read_only(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    anna.do("end")
    anna.do("publish")
    assert kind_of(ben.take_from(anna)) == merging.NEW
    assert published.verify(ben.paths) == []
    assert not published.has_write_bits(ben.paths)


def test_a_published_task_that_is_not_as_published_does_not_come_in(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("set", "lr", "0.1", "properties")
    anna.do("end")
    anna.do("publish")
    path = anna.paths.record
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"training"', '"testing"'))
    with pytest.raises(Damaged, match=r"task\.json: it is published, and not as it was when it was"):
        ben.take_from(anna)
    assert list(places.walk(ben.store)) == []


def test_a_published_task_is_never_overwritten(anna: Person, ben: Person) -> None:
    run(anna, 1)
    ben.take_from(anna)
    anna.do("end")
    anna.do("publish")
    ben.do("end", "failed")
    before = ben.shared()
    with pytest.raises(Conflict, match="published there"):
        ben.take_from(anna)
    assert ben.shared() == before
    with pytest.raises(Conflict, match="published here"):
        anna.take_from(ben)
    assert published.verify(anna.paths) == []


def test_a_task_from_an_untrusted_store_is_marked_and_a_trusted_one_is_not(
    anna: Person, ben: Person, tmp_path: Path
) -> None:
    ben.take_from(anna, is_trusted=False)
    assert [(mark.kind, mark.id, mark.path) for mark in ben.record.imported] == [
        ("taskstore", anna.store.id, str(anna.store.root))
    ]
    assert kind_of(anna.take_from(ben)) == merging.UNCHANGED
    assert anna.record.imported == []
    cleo = Person(tmp_path, anna.clock, "cleo")
    cleo.take_from(anna)
    assert cleo.record.imported == []


def test_trust_never_travels_and_ends_with_another_program(anna: Person, ben: Person) -> None:
    ben.take_from(anna, is_trusted=False)

    def trust(record):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a record
        record.execution = Execution(trusted="ben@here")

    tasks.edit(ben.store, TASK, trust)
    anna.take_from(ben)
    assert anna.record.execution is None
    anna.do("rename", "another name")
    ben.take_from(anna, is_trusted=False)
    assert ben.record.execution == Execution(trusted="ben@here")
    tasks.edit_script(anna.store, TASK, lambda script: setattr(script, "entry_point", "evil.py"))
    anna.clock.advance(1)
    anna.do("comment", "a change that has a time")
    ben.take_from(anna, is_trusted=False)
    assert tasks.read_script(ben.paths).entry_point == "evil.py"
    assert ben.record.execution is None or not ben.record.execution.trusted


def test_a_file_with_another_hash_leaves_everything_as_it_was(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    path = next(anna.paths.files.rglob("table.txt"))
    path.chmod(0o644)
    path.write_text("x,y")
    with pytest.raises(Damaged, match="SHA-256"):
        ben.take_from(anna)
    assert list(places.walk(ben.store)) == []
    assert [path.name for path in ben.store.paths.projects.iterdir()] == []


def test_a_file_that_the_source_has_not_is_named(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    next(anna.paths.files.rglob("table.txt")).unlink()
    outcome = ben.take_from(anna)
    assert outcome is not None
    assert outcome.missing == ("files/artifacts/table/table.txt",)
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED


def test_a_file_that_was_left_out_comes_in_when_a_source_has_it(anna: Person, ben: Person) -> None:
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    sample(anna, "00000001-0", b"cat 1", [])
    kept = [next(anna.paths.files.rglob(name)) for name in ("table.txt", "*.png")]
    texts = [path.read_bytes() for path in kept]
    for path in kept:
        path.unlink()
    ben.take_from(anna)
    for path, text in zip(kept, texts, strict=True):
        path.write_bytes(text)
    assert kind_of(ben.take_from(anna)) == merging.MERGED
    assert ben.shared() == anna.shared()
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED


def test_a_file_that_goes_while_it_is_fetched_is_named(anna: Person, ben: Person) -> None:
    run(anna, 1)
    state = anna.state()
    assert state is not None
    source = FolderSource(anna.paths.home)
    anna.paths.scalars("anna-4194305-00000000").unlink()
    with pytest.raises(Damaged, match="it was there, and is not any more"):
        bring_in(ben.store, state, source, Origin(store_id="", address=""))


def test_keys_that_this_program_does_not_know_travel(anna: Person, ben: Person) -> None:
    record = json.loads(anna.paths.record.read_text())
    anna.paths.record.write_text(json.dumps(record | {"mood": {"today": "good"}}))
    ben.take_from(anna)
    assert json.loads(ben.paths.record.read_text())["mood"] == {"today": "good"}


def test_a_task_with_the_id_of_another_is_refused(anna: Person, tmp_path: Path) -> None:
    other = tmp_path / ("f" * 32)
    os.rename(anna.paths.home, other)  # noqa: PTH104 - a folder
    with pytest.raises(Damaged, match="it is the record of task"):
        read_state(FolderSource(other), other.name, "vision")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "artifacts.json",
            {"artifacts": {"a": {"key": "a", "type": "x", "file": {"path": "../x", "size": 1, "hash": "0" * 64}}}},
        ),
        (
            "artifacts.json",
            {"artifacts": {"a": {"key": "a", "type": "x", "file": {"path": "task.json", "size": 1, "hash": "0" * 64}}}},
        ),
        (
            "artifacts.json",
            {"artifacts": {"a": {"key": "a", "type": "x", "file": {"path": "files/x", "size": 1, "hash": "../x"}}}},
        ),
        ("params.json", {"hyperparams": []}),
        ("ancestry.json", {"units": {"name": {"past": 3}}}),
    ],
)
def test_records_that_lead_elsewhere_are_refused(anna: Person, name: str, value: object) -> None:
    (anna.paths.home / name).write_text(json.dumps(value))
    with pytest.raises(Damaged):
        read_state(FolderSource(anna.paths.home), TASK, "vision")


def test_a_state_survives_json_and_a_bad_one_is_refused(anna: Person) -> None:
    run(anna, 1)
    state = anna.state()
    assert state is not None
    assert merging.decode_state(merging.encode_state(state), Path("x")) == state
    whole = json.loads(merging.encode_state(state))
    for change in (
        {"id": "x"},
        {"units": {}},
        {"logs": {"../x": {"size": 1, "hash": "0" * 64}}},
        {"units": whole["units"] | {"file/../x": {"heads": [{"id": "a", "value": {"size": 1, "hash": "0" * 64}}]}}},
        {
            "units": whole["units"]
            | {"file/task.json": {"heads": [{"id": "a", "value": {"size": 1, "hash": "0" * 64}}]}}
        },
        {"units": whole["units"] | {"name": {"heads": [{"id": "a", "value": 3}]}}},
        {"units": whole["units"] | {"name": {"past": ["a"]}}},
    ):
        with pytest.raises(Damaged):
            merging.decode_state(json.dumps(whole | change).encode(), Path("x"))


def test_a_listing_shows_what_was_merged(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    assert [row.task.name for row in query.find(ben.store).rows] == ["first"]
    anna.do("rename", "second")
    ben.take_from(anna)
    assert [row.task.name for row in query.find(ben.store).rows] == ["second"]


def test_a_summary_comes_along_so_that_nobody_reads_the_points(
    anna: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(anna, 1, 2, 3)
    events.refresh_summary(anna.paths)
    anna.do("report", 4)
    read: list[bytes] = []
    decode = events.decode_scalars
    monkeypatch.setattr(events, "decode_scalars", lambda data: read.append(data) or decode(data))
    ben.take_from(anna)
    assert b"".join(read).count(b"\n") == 1  # the one that the summary had not seen
    monkeypatch.undo()
    assert events.read_summary(ben.paths) == events.rebuild_summary(ben.paths)


@pytest.mark.parametrize(
    "summary", ["{}", "no json", '{"covered":{"scalars.anna-4194305-00000000.jsonl":-5}}', '{"covered":{"x":1}}']
)
def test_a_summary_that_does_not_fit_the_logs_is_made_again(anna: Person, ben: Person, summary: str) -> None:
    run(anna, 1, 2, 3)
    anna.paths.summary.write_text(summary)
    ben.take_from(anna)
    assert events.read_summary(ben.paths) == events.rebuild_summary(ben.paths)


def test_a_run_that_was_never_shared_notes_nothing_and_one_that_was_does(anna: Person, ben: Person) -> None:
    anna.do("begin")

    def set_lr(value: str) -> None:
        def change(record: ParamsRecord) -> None:
            record.hyperparams.setdefault("Args", {})["lr"] = Parameter(value)

        tasks.edit_params(anna.store, TASK, change, allowed=RECORDING, is_durable=False)

    set_lr("0.1")
    set_lr("0.2")
    assert not anna.paths.ancestry.exists()
    anna.do("stamp")
    ben.take_from(anna)
    set_lr("0.3")
    assert kind_of(ben.take_from(anna)) == merging.MERGED
    assert tasks.read_params(ben.paths).hyperparams["Args"]["lr"].value == "0.3"


def test_nobody_can_send_the_word_that_a_program_may_run(anna: Person, ben: Person) -> None:
    state = anna.state()
    assert state is not None
    status = shown(state.units["status"])
    sent = Version(id=status.id, value={**status.value, "execution": {"trusted": "eve@there"}}, time=status.time)
    trusted = Unit(heads=[Version(id="a", value={"trusted": "eve@there"})])
    units = {**state.units, "status": Unit(heads=[sent]), "execution": trusted, "task/execution": trusted}
    origin = Origin(store_id="f" * 32, address="there")
    bring_in(ben.store, msgspec.structs.replace(state, units=units), FolderSource(anna.paths.home), origin)
    assert trust.is_needed(ben.record)
    assert ben.record.execution is None


def test_a_file_where_another_has_a_folder_is_refused(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    anna.do("edit_file_by_hand", "notes/one.txt", "a file in a folder")
    ben.do("edit_file_by_hand", "notes", "a file")
    with pytest.raises(Conflict, match="a file and a folder of one name"):
        ben.take_from(anna)
    assert (ben.paths.home / "notes").read_text() == "a file"


def test_a_task_that_waits_elsewhere_waits_there(anna: Person, ben: Person) -> None:
    queue.enqueue(anna.store, TASK, "default")
    ben.take_from(anna)
    assert ben.record.status is Status.QUEUED
    assert findings(ben) == []
    assert queue.show(ben.store, "default") == []
    with pytest.raises(Refused, match="Pending in the store that it was copied from"):
        abort.abort(ben.store, TASK)


def test_a_task_that_waits_here_and_went_on_elsewhere_waits_no_longer(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    queue.enqueue(anna.store, TASK, "default")
    anna.do("stamp")
    ben.take_from(anna)
    ben.clock.advance(1)
    tasks.transition(ben.store, TASK, Status.CREATED)
    anna.take_from(ben)
    assert anna.record.status is Status.CREATED
    assert queue.show(anna.store, "default") == []
    assert findings(anna) == []


def test_doctor_knows_what_a_merge_leaves_and_what_is_none(anna: Person, ben: Person) -> None:
    anna.do("configure", "model", "deep: 3")
    ben.take_from(anna)
    anna.do("configure", "model", "deep: 4")
    ben.do("configure", "model", "deep: 5")
    merge_all(anna, ben)
    rival = next(anna.paths.conflicts.iterdir())
    rival.chmod(0o644)
    rival.write_text("deep: 9")
    anna.paths.ancestry.write_text(anna.paths.ancestry.read_text()[:-40])
    anna.store.paths.trash.joinpath(f"{'e' * 32}.json").write_text("{}")
    kinds = {str(found.kind) for found in doctor.check(anna.store)}
    assert kinds == {"blob", "record", "stray"}
    doctor.repair(anna.store)
    assert {str(found.kind) for found in doctor.check(anna.store)} <= {"blob", "conflict"}


def test_of_two_who_bring_in_a_task_at_once_the_second_merges(
    anna: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(anna, 1)
    real = entering.adopt

    def outrun(*arguments: object) -> object:
        monkeypatch.setattr(bringing, "adopt", real)
        assert kind_of(ben.take_from(anna)) == merging.NEW
        return real(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(bringing, "adopt", outrun)
    assert kind_of(ben.take_from(anna)) == merging.UNCHANGED
    assert ben.shared() == anna.shared()
    assert findings(ben) == []


def test_a_change_while_files_are_fetched_is_merged_too(
    anna: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben.take_from(anna)
    anna.do("rename", "second")
    planned = planning.Planner.plan

    def slow(*arguments: object) -> object:
        monkeypatch.setattr(planning.Planner, "plan", planned)
        ben.do("tag", "meanwhile")
        return planned(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(planning.Planner, "plan", slow)
    assert kind_of(ben.take_from(anna)) == merging.MERGED
    assert (ben.record.name, ben.record.tags) == ("second", ["meanwhile"])


def test_a_rival_that_its_own_store_shows_is_kept_too(anna: Person, ben: Person) -> None:
    ben.take_from(anna)
    for person, text in ((anna, "one"), (ben, "two")):
        person.do("edit_file_by_hand", "config/a.txt", text)
    before = anna.copied(anna.store.root.parent / "copy")
    anna.take_from(ben)
    ben.take_from(before)
    for person in (anna, ben):
        kept = {path.read_text() for path in (*person.paths.config.iterdir(), *person.paths.conflicts.iterdir())}
        assert kept == {"one", "two"}


def test_files_of_one_content_come_in_under_each_name(anna: Person, ben: Person) -> None:
    run(anna, 1)
    for key in ("one", "two"):
        anna.do("keep", key, "the same" * 4000)
    for name in ("a.txt", "b.txt"):
        anna.do("edit_file_by_hand", name, "the same")
    ben.take_from(anna)
    assert ben.shared() == anna.shared()
    anna.do("keep", "three", "the same, later" * 4000)
    anna.do("keep", "four", "the same, later" * 4000)
    ben.take_from(anna)
    assert ben.shared() == anna.shared()


def sample(person: Person, name: str, data: bytes, replaces: list[str]) -> str:
    path = person.paths.sample("images", "cat", f"{name}.anna-4194305-00000000.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    inside = path.relative_to(person.paths.home).as_posix()
    reference = {"path": inside, "size": len(data), "hash": hashlib.sha256(data).hexdigest()}
    line = {"timestamp": 1, "iter": 1, "metric": "images", "variant": "cat", "file": reference, "replaces": replaces}
    person.paths.events.mkdir(exist_ok=True)
    with person.paths.media("anna-4194305-00000000").open("a") as log:
        log.write(json.dumps(line) + "\n")
    return inside


def test_debug_samples_come_along_and_those_that_were_replaced_do_not(anna: Person, ben: Person) -> None:
    run(anna, 1)
    first = sample(anna, "00000001-0", b"cat 1", [])
    sample(anna, "00000002-1", b"cat 2", [])
    ben.take_from(anna)
    assert {path.read_bytes() for path in ben.paths.samples.rglob("*.png")} == {b"cat 1", b"cat 2"}
    sample(anna, "00000003-2", b"cat 3", [first])
    (anna.paths.home / first).unlink()
    anna.take_from(ben)
    assert {path.read_bytes() for path in anna.paths.samples.rglob("*.png")} == {b"cat 2", b"cat 3"}
    ben.take_from(anna)
    assert {path.read_bytes() for path in ben.paths.samples.rglob("*.png")} == {b"cat 2", b"cat 3"}
    anna.do("end")
    ben.take_from(anna)
    assert findings(ben) == []


def test_a_debug_sample_of_a_published_task_is_checked_too(anna: Person, ben: Person) -> None:
    run(anna, 1)
    inside = sample(anna, "00000001-0", b"cat 1", [])
    anna.do("end")
    anna.do("publish")
    path = anna.paths.home / inside
    path.chmod(0o644)
    path.write_bytes(b"dog 1")
    with pytest.raises(Damaged, match="it is published, and not as it was"):
        ben.take_from(anna)
    assert list(places.walk(ben.store)) == []


def test_a_task_that_waits_and_is_deleted_elsewhere_waits_no_longer(anna: Person, ben: Person) -> None:
    queue.enqueue(anna.store, TASK, "default")
    anna.do("stamp")
    ben.take_from(anna)
    ben.do("throw_away")
    anna.take_from(ben)
    assert queue.show(anna.store, "default") == []
    anna.do("restore")
    assert anna.record.status is Status.CREATED
    assert findings(anna) == []


def test_stores_that_lock_by_lease_merge_as_well(anna: Person, tmp_path: Path, clock: FixedClock) -> None:
    init(tmp_path / "leased", locks="lease", clock=clock)
    leased = Person(tmp_path, clock, "leased")
    leased.take_from(anna)
    anna.do("rename", "second")
    assert kind_of(leased.take_from(anna)) == merging.MERGED
    anna.do("throw_away")
    assert kind_of(leased.take_from(anna)) == merging.DELETED
    anna.do("restore")
    assert kind_of(leased.take_from(anna)) == merging.MERGED
    assert leased.record.name == "second"
    assert findings(leased) == []


def test_a_published_task_merges_where_permissions_bind(plain_user: Path, clock: FixedClock) -> None:
    anna, ben = Person(plain_user, clock, "anna"), Person(plain_user, clock, "ben")
    anna.make()
    run(anna, 1)
    anna.do("keep", "table", "a,b")
    ben.take_from(anna)
    anna.do("end")
    anna.do("publish")
    anna.do("stamp")
    ben.take_from(anna)
    for person, name in ((anna, "anna's"), (ben, "ben's")):
        assert person.do("rename", name)
        assert person.do("set", "note", name, "properties")
    merge_all(anna, ben)
    assert ben.do("resolve", 1)
    merge_all(anna, ben)
    assert anna.do("move", "audio/birds")
    merge_all(anna, ben)
    trash.put(anna.store, TASK, force=True)
    assert kind_of(ben.take_from(anna)) == merging.DELETED
    assert ben.do("restore")
    merge_all(anna, ben)
    for person in (anna, ben):
        assert person.project == "audio/birds"
        assert published.verify(person.paths) == []
        assert not published.has_write_bits(person.paths)
    assert anna.shared() == ben.shared()
