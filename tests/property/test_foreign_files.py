"""Whatever is changed in other trackers' files: an import says what it could not read, and nothing else happens."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import Damaged
from taskstore.share.importers import of_kind
from taskstore.share.importers.base import Imported, LeftOut, Notes, Options
from taskstore.store import doctor, events, places, plots
from taskstore.store.store import init

from ..unit.share import event_files
from ..unit.share import wandb_files as wandb

EVENTS = b"".join(
    [
        event_files.version(),
        event_files.event(event_files.scalar("loss/train", 0.5), event_files.tensor_scalar("lr", 0.5), step=1),
        event_files.event(event_files.image("a/b", b"\x89PNG picture"), event_files.text("note", "hello"), step=2),
        event_files.event(event_files.histogram("weights"), event_files.curve("pr"), step=3),
        event_files.event(event_files.hparams(lr=0.5, name="x", on=True), event_files.session_end(2), step=4),
        event_files.event(event_files.scalar("loss/train", 0.25), step=5),
    ]
)
RECORDS = [
    wandb.config(lr=0.1, model={"layers": [1, 2]}),
    wandb.row(0, loss=0.5, hist={"_type": "histogram", "values": [1, 2], "bins": [0, 1, 2]}),
    wandb.printed(1, "a line\nand half"),
    wandb.stats(wandb.BEGAN + 1, cpu=1.0),
    wandb.artifact("net", "model", [wandb.reference("x", "s3://bucket/x")]),
    wandb.summary(best=1.0),
    wandb.row(1, note="n" * 40_000, img={"_type": "image-file", "path": "media/i.png"}),
    wandb.ended(),
]
EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)


def changed(data: bytes, edits: list[tuple[float, int]], cut: float) -> bytes:
    found = bytearray(data)
    for where, byte in edits:
        found[int(where * len(found))] = byte
    return bytes(found[: int(cut * len(found))])


def import_twice(kind: str, path: Path, whole: bytes, broken: bytes) -> None:
    """Import a file when it is broken, and again when it is whole; whatever became a task can be read."""
    with tempfile.TemporaryDirectory() as folder:
        store = init(Path(folder) / "store")
        for data in (broken, whole):
            path.write_bytes(data)
            try:
                found: list[Imported | LeftOut] = list(of_kind(kind).runs(store, path, Options()))
            except Damaged:
                continue
            for each in found:
                if isinstance(each, Imported):
                    paths = places.locate(store, each.task_id)
                    events.read_scalars(paths)
                    plots.read_plots(paths)
                    plots.read_samples(paths)
                    list(events.read_console(paths))
        assert doctor.check(store) == []


@given(edits=EDITS, cut=st.floats(0, 1))
def test_event_files(edits: list[tuple[float, int]], cut: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1700000000.lab.77.0"
        import_twice("tensorboard", path, EVENTS, changed(EVENTS, edits, cut))


@given(edits=EDITS, cut=st.floats(0, 1))
def test_runs_of_wandb(edits: list[tuple[float, int]], cut: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = wandb.WandbRun(Path(folder), records=RECORDS, files={"media/i.png": b"png", "out.txt": b"out"})
        path = run.write() / f"run-{run.id}.wandb"
        import_twice("wandb", path, run.data(), changed(run.data(), edits, cut))


@given(data=st.binary(max_size=200))
def test_messages_of_any_bytes_in_sound_frames(data: bytes) -> None:
    """The checksums are right, and what they are of is not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1700000000.lab.77.0"
        whole = event_files.version() + event_files.record(data)
        import_twice("tensorboard", path, whole, event_files.version() + event_files.event(data))
        run = wandb.WandbRun(Path(folder), records=[data, wandb.ended()])
        import_twice("wandb", run.write() / f"run-{run.id}.wandb", run.data(), wandb.framed([data]))


def test_notes_are_bounded_whatever_there_is_to_note() -> None:
    notes = Notes()
    for number in range(5000):
        notes.add(f"note {number}")
    assert len(notes.texts()) == 51
    assert notes.texts()[-1] == "and 4950 more"
