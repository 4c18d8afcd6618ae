"""The laws of reading on remotes of the web: servers on loopback, one that knows ranges and one that does not."""

from __future__ import annotations

import base64
import http.server
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import NotSupported, ReadOnly, RemoteError
from taskstore.share.remotes.steady import Patience
from taskstore.share.remotes.web import WebRemote

from .cuts import ReadCutLaws
from .laws import BIG, Put, ReadLaws, content
from .servers import Proxy, free_port


class Plain(http.server.SimpleHTTPRequestHandler):
    """Python's own: no ranges."""

    def log_message(self, *given: object) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        try:
            super().copyfile(source, outputfile)
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        answer = self.server.answers.pop(0) if self.server.answers else 200  # type: ignore[attr-defined]
        self.server.asked.append(dict(self.headers))  # type: ignore[attr-defined]
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.end_headers()
        elif answer == 200:
            super().do_GET()
        else:
            self.send_error(answer)


class Ranging(Plain):
    """One that gives a part of a file, as most do."""

    def send_head(self) -> Any:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return super().send_head() if found is None else self._part(int(found[1]) + self.server.shift)

    def _part(self, start: int) -> Any:
        try:
            stream = Path(self.translate_path(self.path)).open("rb")  # noqa: SIM115 - the caller closes it
        except OSError:
            self.send_error(404)
            return None
        facts = os.fstat(stream.fileno())
        is_within = start < facts.st_size
        self.send_response(206 if is_within else 416)
        part = f"{start}-{facts.st_size - 1}" if is_within else "*"
        self.send_header("Content-Range", f"bytes {part}/{facts.st_size}")
        self.send_header("Content-Length", str(facts.st_size - start if is_within else 0))
        self.send_header("Last-Modified", self.date_time_string(facts.st_mtime))
        self.end_headers()
        stream.seek(start)
        return stream


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "site" / "re mote"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(params=[Plain, Ranging])
def server(request: pytest.FixtureRequest, root: Path) -> Iterator[Any]:
    class Handler(request.param):  # type: ignore[misc,name-defined]
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(root.parent))

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *given: object) -> None:
            pass

    running: Any = Server(("127.0.0.1", 0), Handler)
    running.asked, running.answers, running.shift = [], [], 0
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def proxy(server: Any) -> Iterator[Proxy]:
    made = Proxy(server.server_port)
    yield made
    made.close()


@pytest.fixture
def remote(proxy: Proxy, pauses: list[float]) -> WebRemote:
    return WebRemote(f"http://127.0.0.1:{proxy.port}/re%20mote", Patience(sleep=pauses.append))


@pytest.fixture
def put(root: Path) -> Put:
    def put_file(name: str, data: bytes) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(path.name + ".tmp")
        aside.write_bytes(data)
        aside.replace(path)

    return put_file


class TestWeb(ReadLaws, ReadCutLaws):
    def test_it_is_only_read(self, remote: WebRemote, put: Put, root: Path) -> None:
        put("a/x", b"1")
        assert remote.is_writable is False
        for act in (lambda: remote.write("a/x", [b"2"]), lambda: remote.remove("a/x")):
            with pytest.raises(ReadOnly, match="can only be read"):
                act()
        with pytest.raises(NotSupported, match="cannot list files"):
            remote.names()
        assert (root / "a" / "x").read_bytes() == b"1"

    @pytest.mark.parametrize("code", [500, 503, 429])
    def test_a_busy_server_is_asked_again(
        self, remote: WebRemote, put: Put, server: Any, pauses: list[float], code: int
    ) -> None:
        put("x", b"1")
        server.answers = [code, code]
        assert content(remote, "x") == b"1"
        assert pauses == [0.5, 1.0]
        server.answers = [code] * 9
        with pytest.raises(RemoteError, match=rf"{remote.address} \(x\): HTTPError: HTTP Error {code}"):
            content(remote, "x")
        assert len(server.answers) == 5

    @pytest.mark.parametrize("code", [401, 403])
    def test_a_refusal_names_where_a_login_is_read(self, remote: WebRemote, server: Any, code: int) -> None:
        server.answers = [code] * 9
        with pytest.raises(RemoteError, match=rf"HTTP Error {code}.*~/.netrc"):
            content(remote, "x")
        assert len(server.answers) == 8

    def test_another_part_than_was_asked_for_is_not_taken(self, remote: WebRemote, put: Put, server: Any) -> None:
        put("x", BIG)
        server.shift = 1
        if server.RequestHandlerClass.__base__ is Plain:  # which gives the whole, of which the beginning is passed over
            assert content(remote, "x", 10) == BIG[10:]
            return
        with pytest.raises(RemoteError, match="of x another part comes than was asked for"):
            content(remote, "x", 10)

    def test_a_login_goes_to_its_host_alone(
        self, remote: WebRemote, put: Put, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("x", b"1")
        login = tmp_path / "login"
        login.write_text("machine 127.0.0.1 login ada password lovelace\n")
        monkeypatch.setenv("NETRC", str(login))
        server.answers = [f"http://localhost:{server.server_port}/re%20mote/x"]
        assert content(remote, "x") == b"1"
        first, second = server.asked
        assert first["Authorization"] == "Basic " + base64.b64encode(b"ada:lovelace").decode()
        assert "Authorization" not in second

    @pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
    def test_it_is_led_to_nothing_but_the_web(self, remote: WebRemote, server: Any, where: str) -> None:
        server.answers = [where]
        with pytest.raises(RemoteError):
            content(remote, "x")

    def test_a_login_file_that_cannot_be_read_is_named(
        self, remote: WebRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "login").write_text("machine\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "login"))
        with pytest.raises(RemoteError, match="login cannot be read"):
            content(remote, "x")

    def test_a_server_that_falls_silent_fails_after_some_attempts(self, proxy: Proxy, pauses: list[float]) -> None:
        remote = WebRemote(f"http://127.0.0.1:{proxy.port}/x", Patience(answer_s=0.2, sleep=pauses.append))
        assert remote.size("x") is None
        proxy.silence()
        with pytest.raises(RemoteError, match="timed out"):
            remote.size("x")
        assert pauses == [0.5, 1.0, 2.0]

    def test_of_a_file_that_was_replaced_the_rest_is_not_taken(self, remote: WebRemote, put: Put, proxy: Proxy) -> None:
        put("a/x", BIG * 4)
        reading = remote.read("a/x")
        next(reading)
        put("a/x", (BIG * 4)[::-1] + b".")
        proxy.cut("down", 0)
        with pytest.raises(RemoteError, match="has changed while it was read"):
            b"".join(reading)


def test_a_port_where_nobody_listens_fails_at_once(pauses: list[float]) -> None:
    remote = WebRemote(f"http://127.0.0.1:{free_port()}/x", Patience(sleep=pauses.append))
    with pytest.raises(RemoteError, match="refused"):
        remote.size("x")
    assert pauses == []


def test_a_host_that_does_not_answer_fails_in_the_time_that_is_set(pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        remote = WebRemote(f"http://127.0.0.1:{port}/x", Patience(connect_s=0.2, answer_s=0.2, sleep=pauses.append))
        with pytest.raises(RemoteError, match="timed out"):
            remote.size("x")
    assert pauses == []
