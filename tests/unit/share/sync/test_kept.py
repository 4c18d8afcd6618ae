from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.sync.kept import Transfer
from taskstore.store.store import Store

DATA = bytes(range(256)) * 20_000
DIGEST = hashlib.sha256(DATA).hexdigest()


class Far:
    """A file elsewhere, which is cut off after some bytes; it counts what was read of it."""

    def __init__(self, data: bytes = DATA, cut_after: int = sys.maxsize) -> None:
        self.data = data
        self.left = cut_after
        self.offsets: list[int] = []
        self.count = 0

    def fetch(self, offset: int) -> Iterator[bytes]:
        self.offsets.append(offset)
        for at in range(offset, len(self.data), 100_000):
            piece = self.data[at : at + 100_000]
            if self.left < len(piece):
                raise RemoteError("cut")
            self.left -= len(piece)
            self.count += len(piece)
            yield piece


def transfer(store: Store) -> Transfer:
    return Transfer(store, "ssh://host/there")


def test_half_a_file_is_gone_on_with(store: Store) -> None:
    cut = Far(cut_after=len(DATA) // 2)
    with pytest.raises(RemoteError, match="cut"):
        transfer(store).receive(DIGEST, len(DATA), DIGEST, cut.fetch)
    again = Far()
    assert transfer(store).receive(DIGEST, len(DATA), DIGEST, again.fetch).read_bytes() == DATA
    assert again.offsets == [cut.count]
    assert cut.count + again.count == len(DATA)
    assert transfer(store).receive(DIGEST, len(DATA), DIGEST, lambda _: pytest.fail("it is there")).read_bytes() == DATA


@pytest.mark.parametrize("held", [DATA[:1234], DATA, b"something else", DATA + b"and more", b""])
def test_whatever_half_a_file_holds_the_whole_one_is_right(store: Store, held: bytes) -> None:
    moves = transfer(store)
    moves.folder.mkdir(parents=True)
    (moves.folder / f"{DIGEST}.part").write_bytes(held)
    assert moves.receive(DIGEST, len(DATA), DIGEST, Far().fetch).read_bytes() == DATA
    assert os.listdir(moves.folder) == [DIGEST]  # noqa: PTH208 - names only


def test_of_a_log_that_has_grown_the_rest_is_fetched(store: Store) -> None:
    seed = store.root / "older.log"
    seed.write_bytes(DATA[:-1000])
    far = Far(DATA + b"lines that came since")
    assert transfer(store).receive(DIGEST, len(DATA), DIGEST, far.fetch, seed=seed).read_bytes() == DATA
    assert far.offsets == [len(DATA) - 1000]
    seed.write_bytes(b"not its beginning" * 1000)
    transfer(store).clear()
    assert transfer(store).receive(DIGEST, len(DATA), DIGEST, far.fetch, seed=seed).read_bytes() == DATA


@pytest.mark.parametrize("data", [DATA[:-1], b"x" + DATA[1:], b""])
def test_a_file_that_is_something_else_is_refused_and_not_kept(store: Store, data: bytes) -> None:
    moves = transfer(store)
    with pytest.raises(RemoteError, match="SHA-256"):
        moves.receive(DIGEST, len(DATA), DIGEST, Far(data).fetch)
    assert list(moves.folder.iterdir()) == []


def test_what_arrived_is_known_until_it_is_forgotten(store: Store) -> None:
    moves = transfer(store)
    moves.note_sent("a/b", 3, DIGEST)
    moves.note_sent("a/b", 4, DIGEST)
    with moves._log.open("ab") as stream:
        stream.write(b'{"torn')
    again = transfer(store)
    assert again.has_sent("a/b", 4, DIGEST)
    assert not again.has_sent("a/b", 3, DIGEST)
    assert not again.has_sent("a/c", 4, DIGEST)
    assert not Transfer(store, "another place").has_sent("a/b", 4, DIGEST)
    again.clear()
    assert not transfer(store).has_sent("a/b", 4, DIGEST)
    assert not again.has_sent("a/b", 4, DIGEST)
    assert not moves.folder.exists()


def test_what_nobody_has_hashed_is_kept_by_another_key(store: Store) -> None:
    assert transfer(store).receive("key", len(DATA), "", Far().fetch).read_bytes() == DATA
    with pytest.raises(RemoteError, match="its size"):
        transfer(store).receive("other", len(DATA) + 1, "", Far().fetch)
    transfer(store).drop(["key", "never there"])
    assert list(transfer(store).folder.iterdir()) == []
