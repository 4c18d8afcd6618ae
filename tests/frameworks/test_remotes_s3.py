"""The laws of remotes on an S3 endpoint: moto's server, a process on loopback."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

import botocore.session

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote
from taskstore.share.remotes.filesystems import FsspecRemote
from taskstore.share.remotes.steady import Patience
from tests.contract.remotes.conftest import pauses, put  # noqa: F401 - fixtures
from tests.contract.remotes.cuts import CutLaws
from tests.contract.remotes.laws import BIG, Laws, content
from tests.contract.remotes.servers import UP, Proxy, free_port, wait_for

VERY_BIG = BIG * 7
"""21 MiB: an upload in several parts."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    number = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(number)], stdout=out, stderr=out
        )
    try:
        wait_for(number, process, log)
        yield number
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="module")
def s3(port: int) -> Any:
    session = botocore.session.Session()
    session.set_credentials("testing", "testing-secret")
    return session.create_client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")


@pytest.fixture
def bucket(s3: Any, tmp_path: Path) -> str:
    name = tmp_path.name.replace("_", "-").lower()[:50].strip("-")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def proxy(port: int) -> Iterator[Proxy]:
    made = Proxy(port)
    yield made
    made.close()


@pytest.fixture
def remote(bucket: str, proxy: Proxy, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:  # noqa: F811 - a fixture
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    made = FsspecRemote(f"s3://{bucket}/re mote/x", Patience(sleep=pauses.append))
    made.size("connects-now")
    yield made
    made.close()


@pytest.fixture
def other(bucket: str, port: int, monkeypatch: pytest.MonkeyPatch, remote: Remote) -> Iterator[Remote]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    made = FsspecRemote(f"s3://{bucket}/re mote/x", Patience(attempts=1))
    made.size("connects-now")
    yield made
    made.close()


class TestS3(Laws, CutLaws):
    def test_a_file_of_several_parts_is_written_whole(self, remote: Remote) -> None:
        remote.write("a/x", (VERY_BIG[at : at + 1_000_003] for at in range(0, len(VERY_BIG), 1_000_003)))
        assert content(remote, "a/x") == VERY_BIG
        assert content(remote, "a/x", len(VERY_BIG) - 10) == VERY_BIG[-10:]

    @pytest.mark.parametrize("after", [8_000_000, 17_000_000])
    def test_parts_that_are_cut_are_sent_again_or_taken_back(
        self, remote: Remote, other: Remote, proxy: Proxy, s3: Any, bucket: str, after: int
    ) -> None:
        remote.write("a/x", [b"before"])
        proxy.cut(UP, after)
        remote.write("a/x", [VERY_BIG])
        assert proxy.cuts == 1
        assert content(other, "a/x") == VERY_BIG
        assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []

    def test_an_upload_whose_source_fails_is_taken_back(self, remote: Remote, s3: Any, bucket: str) -> None:
        class Broken:
            def __iter__(self) -> Iterator[bytes]:
                yield VERY_BIG
                raise ValueError("the disk here")

        with pytest.raises(ValueError, match="the disk here"):
            remote.write("a/x", Broken())
        assert remote.names() == {}
        assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []

    def test_thousands_of_files_are_listed(self, remote: Remote, s3: Any, bucket: str) -> None:
        def add(number: int) -> None:
            s3.put_object(Bucket=bucket, Key=f"re mote/x/a/{number % 7}/{number:04}", Body=b"12")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(1050)))
        found = remote.names()
        assert len(found) == 1050
        assert set(found.values()) == {2}
        assert len(remote.names("a/3")) == 150

    @pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a//b", "a\\b", "a/../../up", "C:/x", "a//"])
    def test_a_hostile_key_in_a_listing_is_refused(self, remote: Remote, s3: Any, bucket: str, name: str) -> None:
        s3.put_object(Bucket=bucket, Key=f"re mote/x/{name}", Body=b"x")  # as it is: a bucket has no folders
        with pytest.raises(RemoteError, match="is refused"):
            remote.names()

    def test_what_only_begins_like_the_remote_is_not_in_it(self, remote: Remote, s3: Any, bucket: str) -> None:
        for key in ("re mote/xy", "re mote/x", "re mote/x/", "re mote/x/folder/", "else"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        s3.put_object(Bucket=bucket, Key="re mote/x/a", Body=b"1")
        assert remote.names() == {"a": 1}

    def test_a_bucket_that_is_not_there_is_named(self, remote: Remote) -> None:
        gone = FsspecRemote("s3://no-such-bucket/x", Patience(attempts=1))
        with pytest.raises(RemoteError, match="s3://no-such-bucket/x"):
            gone.write("a", [b"1"])
        with pytest.raises(RemoteError, match="s3://no-such-bucket/x .*bucket does not exist"):
            gone.names("sync")

    def test_an_endpoint_where_nobody_listens_fails_at_once(
        self,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[float],  # noqa: F811 - a fixture
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        gone = FsspecRemote("s3://bucket/x", Patience(sleep=pauses.append))
        with pytest.raises(RemoteError, match="s3://bucket/x"):
            gone.size("a")
        assert pauses == []

    def test_an_endpoint_that_falls_silent_fails_after_some_attempts(
        self,
        bucket: str,
        proxy: Proxy,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[float],  # noqa: F811 - a fixture
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        remote = FsspecRemote(f"s3://{bucket}/x", Patience(connect_s=0.5, answer_s=0.5, sleep=pauses.append))
        remote.write("a", [b"1"])
        proxy.silence()
        with pytest.raises(RemoteError, match=f"s3://{bucket}/x"):
            remote.size("a")
        assert pauses == [0.5, 1.0, 2.0]

    @pytest.mark.parametrize("size", [len(BIG), len(VERY_BIG)])
    def test_an_upload_that_nobody_takes_any_more_fails_after_some_attempts(
        self,
        bucket: str,
        proxy: Proxy,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[float],  # noqa: F811 - a fixture
        size: int,
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        patience = Patience(attempts=2, connect_s=2, answer_s=2, least_bytes_per_s=100 << 20, sleep=pauses.append)
        remote = FsspecRemote(f"s3://{bucket}/x", patience)
        remote.write("a", [b"1"])
        proxy.silence()
        with pytest.raises(RemoteError, match=f"s3://{bucket}/x"):
            remote.write("a", [VERY_BIG[:size]])
        assert pauses == [0.5]

    def test_credentials_are_in_no_message(self, remote: Remote, proxy: Proxy) -> None:
        proxy.cut(UP, 0, times=1000)
        with pytest.raises(RemoteError) as caught:
            remote.write("a", [b"1"])
        assert "testing-secret" not in str(caught.value)

    def test_a_child_by_fork_has_connections_of_its_own(self, remote: Remote) -> None:
        remote.write("a/x", [BIG])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks in processes with threads: that is the point
            child = multiprocessing.get_context("fork").Process(target=_write_in_child, args=(remote,))
            child.start()
        child.join(60)
        assert child.exitcode == 0
        assert content(remote, "a/child") == b"child"


def _write_in_child(remote: Remote) -> None:
    assert content(remote, "a/x") == BIG
    remote.write("a/child", [b"child"])
