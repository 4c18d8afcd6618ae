from __future__ import annotations

from taskstore.store import tasks
from taskstore.store.follow import ConsoleFollower
from taskstore.store.store import Store


def test_of_a_long_log_the_end_is_read_by_whole_lines_and_then_what_comes(store: Store) -> None:
    paths = tasks.create(store, "examples", "talks")
    paths.events.mkdir()
    log = paths.events / "console.a.log"
    lines = [f"2026-01-01T00:00:{number:02}.000000Z stdout F line {number}\n" for number in range(50)]
    log.write_text("".join(lines[:40]))
    follower = ConsoleFollower(most_bytes=len("".join(lines[30:40])) + 5)
    assert [line.text for line in follower.read(paths)] == [f"line {number}" for number in range(30, 40)]
    assert follower.is_cut
    with log.open("a") as stream:
        stream.write("".join(lines[40:]))
    assert [line.text for line in follower.read(paths)] == [f"line {number}" for number in range(40, 50)]
    assert follower.read(paths) == []


def test_a_log_that_is_no_longer_than_that_is_read_from_its_start(store: Store) -> None:
    paths = tasks.create(store, "examples", "talks")
    paths.events.mkdir()
    text = "2026-01-01T00:00:00.000000Z stdout F whole\n"
    (paths.events / "console.a.log").write_text(text)
    follower = ConsoleFollower(most_bytes=len(text))
    assert [line.text for line in follower.read(paths)] == ["whole"]
    assert not follower.is_cut
