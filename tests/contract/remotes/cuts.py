"""The laws of connections that are cut in the middle: a torn file is never seen, and what can be tried again is."""

from __future__ import annotations

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote

from .laws import BIG, Put, content
from .servers import DOWN, UP, Proxy

AFTER = (0, 10, 5_000, 300_000, 1_500_000)


class ReadCutLaws:
    """Needs the fixtures `remote` (of four attempts, through `proxy`), `put`, which is not."""

    @pytest.mark.parametrize("after", AFTER)
    def test_a_read_that_is_cut_goes_on_where_it_was(self, remote: Remote, put: Put, proxy: Proxy, after: int) -> None:
        put("a/x", BIG)
        proxy.cut(DOWN, after)
        assert content(remote, "a/x") == BIG
        assert proxy.cuts == 1
        assert content(remote, "a/x", 1000) == BIG[1000:]

    def test_a_read_that_is_always_cut_fails_and_says_where(self, remote: Remote, put: Put, proxy: Proxy) -> None:
        put("a/x", BIG)
        proxy.cut(DOWN, 10, times=1000)
        with pytest.raises(RemoteError) as caught:
            content(remote, "a/x")
        assert str(caught.value).startswith(remote.address)
        assert "a/x" in str(caught.value)
        proxy.cut(DOWN, 0, times=0)
        assert content(remote, "a/x") == BIG

    def test_what_is_replaced_between_the_two_halves_of_a_read_is_told_apart(
        self, remote: Remote, put: Put, proxy: Proxy
    ) -> None:
        put("a/x", BIG)
        reading = remote.read("a/x")
        begun = next(reading)
        assert BIG.startswith(begun)
        put("a/x", BIG[::-1] + b".")
        proxy.cut(DOWN, 0)
        try:
            rest = b"".join(reading)
        except RemoteError as error:
            assert "has changed while it was read" in str(error)  # noqa: PT017 - or all was here before the cut
        else:
            assert begun + rest == BIG


class CutLaws(ReadCutLaws):
    """Needs the fixture `other` too: the same remote, not through the proxy."""

    @pytest.mark.parametrize("after", AFTER)
    def test_a_write_that_is_cut_once_is_made_whole(
        self, remote: Remote, other: Remote, proxy: Proxy, after: int
    ) -> None:
        remote.write("a/x", [b"before"])
        proxy.cut(UP, after)
        remote.write("a/x", [BIG])
        assert proxy.cuts == 1
        assert content(other, "a/x") == BIG
        assert other.names() == {"a/x": len(BIG)}

    @pytest.mark.parametrize("after", AFTER)
    def test_a_write_that_is_always_cut_leaves_the_file_before(
        self, remote: Remote, other: Remote, proxy: Proxy, after: int
    ) -> None:
        remote.write("a/x", [b"before"])
        proxy.cut(UP, after, times=1000)
        with pytest.raises(RemoteError) as caught:
            remote.write("a/x", [BIG])
        assert str(caught.value).startswith(remote.address)
        assert content(other, "a/x") == b"before"
        assert other.names() == {"a/x": 6}
        proxy.cut(UP, 0, times=0)
        remote.write("a/x", [BIG])
        assert content(other, "a/x") == BIG
        assert other.names() == {"a/x": len(BIG)}

    @pytest.mark.parametrize("after", [0, 10, 200])
    def test_a_write_whose_answer_is_cut_is_made_whole(
        self, remote: Remote, other: Remote, proxy: Proxy, after: int
    ) -> None:
        remote.write("a/x", [b"before"])
        proxy.cut(DOWN, after)
        remote.write("a/x", [BIG])
        assert proxy.cuts == 1
        assert content(other, "a/x") == BIG
        assert other.names() == {"a/x": len(BIG)}

    def test_a_listing_and_a_size_that_are_cut_are_asked_for_again(self, remote: Remote, proxy: Proxy) -> None:
        remote.write("a/x", [b"1"])
        for direction in (UP, DOWN):
            proxy.cut(direction, 5)
            assert remote.names() == {"a/x": 1}
            assert proxy.cuts == 1
            proxy.cut(direction, 5)
            assert remote.size("a/x") == 1
            assert proxy.cuts == 1
            proxy.cut(direction, 5)
            remote.remove("a/x")
            assert remote.names() == {}
            remote.write("a/x", [b"1"])
