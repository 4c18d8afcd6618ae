"""The laws that hold for every remote. A test module gives the fixture `remote`, and imports the class of laws."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote

BIG = bytes(range(256)) * (12 << 10)
"""3 MiB: more than one piece."""
NAMES = ("task.json", "projects/a b/c%2Fd/e#f.json", "events/scalars.h-1.jsonl", "ü/[x]+~&;='@,.txt", "a/.hidden")
HOSTILE = ("/etc/passwd", "../up", "a/../../up", "a//b", "a/.", "", "a\\b", "C:/x", "nul\0byte", "line\nend", "\udcff")

Put = Callable[[str, bytes], None]


def content(remote: Remote, name: str, offset: int = 0) -> bytes:
    return b"".join(remote.read(name, offset))


class ReadLaws:
    """Needs the fixtures `remote`, and `put`, which has a file be there without that."""

    def test_what_is_not_there_has_no_size_and_no_content(self, remote: Remote) -> None:
        assert remote.size("task.json") is None
        assert remote.size("projects/a/task.json") is None
        for name in ("task.json", "projects/a/task.json"):
            with pytest.raises(FileNotFoundError):
                content(remote, name)

    @pytest.mark.parametrize("name", NAMES)
    def test_what_is_there_is_read(self, remote: Remote, put: Put, name: str) -> None:
        put(name, b"first second")
        assert content(remote, name) == b"first second"
        assert remote.size(name) == 12

    def test_a_large_file_is_read_whole_and_from_any_offset(self, remote: Remote, put: Put) -> None:
        put("files/big.bin", BIG)
        assert remote.size("files/big.bin") == len(BIG)
        assert content(remote, "files/big.bin") == BIG
        for offset in (1, 1 << 20, len(BIG) - 1, len(BIG), len(BIG) + 5):
            assert content(remote, "files/big.bin", offset) == BIG[offset:]

    def test_an_empty_file_is_a_file(self, remote: Remote, put: Put) -> None:
        put("empty", b"")
        assert remote.size("empty") == 0
        assert content(remote, "empty") == b""
        assert content(remote, "empty", 3) == b""

    def test_what_others_have_put_since_is_seen(self, remote: Remote, put: Put) -> None:
        assert remote.size("a/x") is None
        put("a/x", b"1")
        assert (remote.size("a/x"), content(remote, "a/x")) == (1, b"1")
        put("a/x", b"22")
        assert (remote.size("a/x"), content(remote, "a/x")) == (2, b"22")

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_asked(self, remote: Remote, name: str) -> None:
        for act in (
            lambda: remote.size(name),
            lambda: content(remote, name),
            lambda: remote.write(name, [b"x"]),
            lambda: remote.remove(name),
        ):
            with pytest.raises(RemoteError, match="refused") as caught:
                act()
            assert ascii(name) in str(caught.value)
            assert remote.address in str(caught.value)

    def test_files_that_are_read_side_by_side_do_not_mix(self, remote: Remote, put: Put) -> None:
        put("one", BIG)
        put("two", BIG[::-1])
        pairs = list(itertools.zip_longest(remote.read("one"), remote.read("two"), fillvalue=b""))
        assert b"".join(one for one, _ in pairs) == BIG
        assert b"".join(two for _, two in pairs) == BIG[::-1]

    def test_a_read_that_is_given_up_harms_no_later_one(self, remote: Remote, put: Put) -> None:
        put("one", BIG)
        for _ in range(3):
            reading = remote.read("one")
            assert next(reading)
            reading.close()
        assert content(remote, "one") == BIG

    def test_many_threads_read_at_once(self, remote: Remote, put: Put) -> None:
        for number in range(12):
            put(f"t/{number}", BIG[: 200_000 + number])
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(lambda number: content(remote, f"t/{number}"), range(12)))
        assert found == [BIG[: 200_000 + number] for number in range(12)]

    def test_a_closed_remote_opens_again(self, remote: Remote, put: Put) -> None:
        put("one", b"1")
        assert content(remote, "one") == b"1"
        remote.close()
        assert content(remote, "one") == b"1"


class Laws(ReadLaws):
    """Needs the fixture `other` too: the same remote by another connection."""

    def test_an_empty_remote_holds_nothing(self, remote: Remote) -> None:
        assert remote.names() == {}
        assert remote.names("projects/a") == {}
        assert remote.size("task.json") is None
        with pytest.raises(FileNotFoundError):
            content(remote, "task.json")
        remote.remove("task.json")
        remote.remove("no/such/folder/task.json")

    @pytest.mark.parametrize("name", NAMES)
    def test_what_is_written_is_read_back(self, remote: Remote, name: str) -> None:
        remote.write(name, [b"first ", b"", b"second"])
        assert content(remote, name) == b"first second"
        assert remote.size(name) == 12
        assert remote.names() == {name: 12}
        remote.remove(name)
        assert remote.names() == {}
        assert remote.size(name) is None

    def test_a_large_file_is_written_whole(self, remote: Remote) -> None:
        remote.write("files/big.bin", (BIG[at : at + 100_001] for at in range(0, len(BIG), 100_001)))
        assert remote.names() == {"files/big.bin": len(BIG)}
        assert content(remote, "files/big.bin") == BIG

    def test_an_empty_file_is_written(self, remote: Remote) -> None:
        remote.write("empty", [])
        assert remote.names() == {"empty": 0}

    def test_a_write_replaces_what_was_there(self, remote: Remote) -> None:
        remote.write("a/x", [BIG])
        remote.write("a/x", [b"short"])
        assert content(remote, "a/x") == b"short"
        assert remote.names() == {"a/x": 5}

    def test_what_another_connection_does_is_seen_at_once(self, remote: Remote, other: Remote) -> None:
        assert remote.names() == {}
        other.write("a/x", [b"1"])
        assert (remote.names(), remote.size("a/x"), content(remote, "a/x")) == ({"a/x": 1}, 1, b"1")
        other.write("a/x", [b"22"])
        other.write("a/y", [b"3"])
        assert (remote.names("a"), content(remote, "a/x")) == ({"a/x": 2, "a/y": 1}, b"22")
        other.remove("a/x")
        assert (remote.names(), remote.size("a/x")) == ({"a/y": 1}, None)

    def test_a_folder_is_listed_by_whole_parts_of_its_name(self, remote: Remote) -> None:
        for name in ("sync/a", "sync/b/c", "synced/d", "sync.json"):
            remote.write(name, [b"x"])
        assert remote.names("sync") == {"sync/a": 1, "sync/b/c": 1}
        assert remote.names("sync/b") == {"sync/b/c": 1}
        assert remote.names("sync/a") == {} or remote.names("sync/a") == {"sync/a": 1}
        assert len(remote.names()) == 4
        assert remote.size("sync") is None

    def test_what_the_source_raises_goes_through_and_leaves_the_file_before(self, remote: Remote) -> None:
        def broken() -> Iterator[bytes]:
            yield BIG
            raise ConnectionResetError("the disk here, not the remote")

        class Repeatable:
            def __iter__(self) -> Iterator[bytes]:
                return broken()

        remote.write("a/x", [b"before"])
        for name, given in (("a/x", broken()), ("a/x", Repeatable()), ("a/new", broken()), ("a/new", Repeatable())):
            with pytest.raises(ConnectionResetError, match="the disk here"):
                remote.write(name, given)
        assert remote.names() == {"a/x": 6}
        assert content(remote, "a/x") == b"before"
        remote.write("a/x", [b"after"])
        assert content(remote, "a/x") == b"after"

    def test_a_reader_sees_the_file_before_or_the_new_one_and_nothing_between(
        self, remote: Remote, other: Remote
    ) -> None:
        one, two = BIG, BIG[::-1]
        remote.write("a/x", [one])
        done = threading.Event()
        seen: list[bytes] = []

        def look() -> None:
            while not done.is_set():
                assert set(other.names()) == {"a/x"}
                try:
                    seen.append(content(other, "a/x"))
                except RemoteError as error:
                    assert "changed while it was read" in str(error)  # noqa: PT017 - the other outcome is as good

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            try:
                for data in itertools.islice(itertools.cycle((two, one)), 6):
                    remote.write("a/x", [data[at : at + (256 << 10)] for at in range(0, len(data), 256 << 10)])
            finally:
                done.set()
            looking.result()
        assert seen
        assert all(each in (one, two) for each in seen)

    def test_many_threads_use_one_remote_at_once(self, remote: Remote) -> None:
        def use(number: int) -> bytes:
            name = f"t/{number}"
            data = BIG[: 200_000 + number]
            remote.write(name, (data[at : at + 65_536] for at in range(0, len(data), 65_536)))
            assert remote.size(name) == len(data)
            assert name in remote.names("t")
            return content(remote, name)

        with ThreadPoolExecutor(12) as pool:
            results = list(pool.map(use, range(24)))
        assert [len(each) for each in results] == [200_000 + number for number in range(24)]
        assert all(BIG.startswith(each) for each in results)
