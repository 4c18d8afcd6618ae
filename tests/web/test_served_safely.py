"""A real server with its own sockets: whom it answers, what leaves it, and that looking changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

pytest.importorskip("nicegui")

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import FileRef, ScriptRecord, Untracked
from taskstore.store import tasks
from taskstore.store.store import Store, init

from . import hostile, reporting

SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
OUTSIDE = "what-is-outside-of-the-store"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safe")


@pytest.fixture(scope="module")
def made(root: Path) -> tuple[Store, hostile.Hostile]:
    store = init(root / "store")
    found = hostile.store_of(store, root)
    outside = root / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(f"{OUTSIDE}\n2026-01-01T00:00:00Z stdout F {OUTSIDE}\n")
    return store, found


@pytest.fixture(scope="module")
def address(made: tuple[Store, hostile.Hostile], root: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "taskstore_cli", "--store", str(made[0].root), "ui", "--no-browser", "--port", "0"]
    log = root / "server.log"
    with log.open("wb") as told, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rstrip("/")
        process.terminate()
    assert "Traceback" not in log.read_text(errors="replace")


async def _handshake(address: str, path: str, headers: dict[str, str]) -> str:
    """Ask for a WebSocket, and return the first line of the answer."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    given = {
        "Host": parts.netloc,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    } | headers
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return answer.decode().split(" ", 2)[1]


@pytest.mark.parametrize("path", [SOCKET, "/_nicegui_ws/", "/anything"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Host": "evil.example"}],
)
def test_no_socket_is_opened_to_another_site(address: str, path: str, headers: dict[str, str]) -> None:
    assert asyncio.run(_handshake(address, path, headers)) == "403"


def test_a_socket_is_opened_to_its_own_page(address: str) -> None:
    assert asyncio.run(_handshake(address, SOCKET, {"Origin": address})) == "101"


@pytest.mark.parametrize("path", ["/", "/api/tasks", "/_nicegui/3/components.js", "/_nicegui_ws/socket.io/", "/none"])
def test_every_path_asks_for_whom_it_is(address: str, path: str) -> None:
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        answer = httpx.get(address + path, headers=headers)
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)


def test_no_address_takes_another_method(address: str) -> None:
    for path in ("/", "/api/tasks", "/api/projects", "/api/columns", "/compare/values.csv", "/queues", "/trash"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert httpx.request(method, address + path).status_code in (404, 405), (method, path)


def _files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "cache" not in path.parts and path.suffix != ".lock"
    }


def addresses(found: hostile.Hostile) -> list[str]:
    evil, nul = quote(hostile.EVIL, safe=""), "%00%2e%2e%2f%ff"
    files = [f"/files/{found.first}/{name}" for name in ("console.txt", "scalars.csv", "packages", "plot.json")]
    odd = [
        f"/{kind}{separator}{value}"
        for kind, separator in (
            ("task", "/"),
            ("files", "/"),
            ("zips", "/"),
            ("compare", "?ids="),
            ("projects", "?name="),
        )
        for value in (evil, nul, "..%2f..%2fetc%2fpasswd", "x" * 3000, "%ed%a0%80", "")
    ]
    api = [
        f"/api/{name}?{key}={value}"
        for name in ("tasks", "tasks/ids", "columns", "projects")
        for key in ("q", "filters", "sort", "column", "id", "project", "text", "start", "end", "zone")
        for value in (evil, nul, "-999999999999999999999", "[" * 2000, "%7B%22a%22:" * 900, "(" * 3000)
    ]
    of_task = [
        f"/files/{found.first}/{name}={value}"
        for name in ("source?path", "configuration?name", "artifact?key", "model?iteration", "model?id", "packages?of")
        for value in (evil, nul, "../../../../etc/passwd", "/etc/passwd", "9" * 40)
    ]
    plots = [f"/files/{found.first}/plot.json?title={evil}&series={evil}&iteration={'9' * 30}"]
    return ["/", "/trash", "/queues", "/models", *files, *odd, *api, *of_task, *plots]


def test_no_address_changes_anything_fails_or_tells_of_the_program(
    address: str, made: tuple[Store, hostile.Hostile]
) -> None:
    store, found = made
    before = _files(store.root)
    bad = []
    with httpx.Client(timeout=30) as http:
        for path in addresses(found):
            try:
                answer = http.get(address + path)
            except httpx.TransportError as error:
                bad.append((path[:60] + "…" + path[-20:], 0, repr(error), [len(path)]))
                continue
            told = [word for word in ("Traceback", 'File "', "site-packages", "root:x:") if word in answer.text]
            if told or (answer.status_code >= 500 and not answer.text.startswith("taskstore: ")):
                bad.append((path[:60], answer.status_code, answer.text[:200], told))
    assert bad == []
    assert _files(store.root) == before


def _linked(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _that_leads_out(store: Store, secret: Path) -> TaskPaths:
    paths = tasks.create(store, "examples", "leads out")
    _linked(paths.home / "files" / "media" / "x.txt", secret)
    _linked(paths.home / "files" / "media" / "folder", secret.parent)
    _linked(paths.requirements, secret)
    _linked(paths.environment, secret)
    _linked(paths.events / f"console.{reporting.WRITER}.log", secret)
    _linked(paths.untracked("x.py"), secret)
    ref = FileRef(path=paths.untracked("x.py").relative_to(paths.home).as_posix(), size=1, hash="")
    absolute = FileRef(path=str(secret), size=1, hash="")

    def script(record: ScriptRecord) -> None:
        record.untracked = [Untracked(path="x.py", file=ref), Untracked(path="y.py", file=absolute)]

    tasks.edit_script(store, paths.id, script)
    return paths


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_nothing_outside_of_the_store_is_sent(address: str, made: tuple[Store, hostile.Hostile], root: Path) -> None:
    paths = _that_leads_out(made[0], root / "outside" / "secret.txt")
    for name in (
        *("media/x.txt", "media/folder/secret.txt", "media/%2e%2e/%2e%2e/record.json", "media//etc/passwd"),
        *("packages", "packages?of=environment", "source?path=x.py", "source?path=y.py", "console.txt"),
    ):
        answer = httpx.get(f"{address}/files/{paths.id}/{name}")
        assert OUTSIDE not in answer.text, name


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_in_place_of_a_file_holds_nobody(address: str, made: tuple[Store, hostile.Hostile]) -> None:
    paths = tasks.create(made[0], "examples", "pipes")
    for path in (paths.events / f"console.{reporting.WRITER}.log", paths.params, paths.models, paths.requirements):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for path in (f"/files/{paths.id}/console.txt", f"/files/{paths.id}/packages", f"/task/{paths.id}?tab=artifacts"):
        assert httpx.get(address + path, timeout=10).status_code in (200, 404)


def test_a_console_is_sent_in_parts_as_it_is(address: str, made: tuple[Store, hostile.Hostile]) -> None:
    paths = tasks.create(made[0], "examples", "long")
    lines = [f"line {number}" for number in range(5000)]
    reporting.console(paths, lines)
    with httpx.stream("GET", f"{address}/files/{paths.id}/console.txt") as answer:
        assert answer.headers.get("transfer-encoding") == "chunked"
        assert answer.read().decode() == "".join(f"{line}\n" for line in lines)


def test_a_name_is_no_formula_in_a_table(address: str, made: tuple[Store, hostile.Hostile]) -> None:
    paths = tasks.create(made[0], "examples", "formulas")
    reporting.scalars(paths, "=cmd|' /C calc'!A0", "@x", [1.0])
    text = httpx.get(f"{address}/files/{paths.id}/scalars.csv").text
    assert "\n'=cmd|' /C calc'!A0,'@x,0,1.0," in text.replace("\r", "")
