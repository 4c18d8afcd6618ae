"""Who the server answers to, without NiceGUI behind it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from taskstore.web.guard import COOKIE, Guard

pytestmark = pytest.mark.anyio
TOKEN, SHORT = "secret-of-this-run", "t"


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def client(*, hosts: set[str] | None = frozenset(), token: str | None = None, at: str = "127.0.0.1:8787") -> Any:
    application = Guard(_answer, hosts=hosts, token=token)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=f"http://{at}")


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "localhost", "[::1]:8787", "LOCALHOST:1"])
async def test_names_of_this_machine_are_answered(host: str) -> None:
    async with client() as http:
        answer = await http.get("/x", headers={"host": host})
    assert (answer.status_code, answer.text) == (200, "/x")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "", "localhost@evil"])
async def test_another_name_is_refused_and_named(host: str) -> None:
    async with client() as http:
        answer = await http.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert repr(host) in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://localhost:8787"])
async def test_what_a_page_of_another_site_sends_is_refused(origin: str) -> None:
    async with client() as http:
        answer = await http.post("/", headers={"origin": origin})
        assert answer.status_code == 403
        own = await http.post("/", headers={"origin": "http://127.0.0.1:8787"})
        assert own.status_code == 200


async def test_a_socket_of_another_site_is_closed_before_it_is_open() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8787"), (b"origin", b"http://evil.example")]
    await Guard(_answer, hosts=(), token=None)({"type": "websocket", "headers": headers}, receive, send)
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


async def test_without_the_token_nothing_is_shown_and_with_it_a_cookie_is_given() -> None:
    async with client(token=TOKEN) as http:
        for address in ("/x", "/x?token=", "/x?token=wrong", "/x?token=secret-of-this-ru"):
            answer = await http.get(address)
            assert answer.status_code == 401
            assert "secret" not in answer.text
        answer = await http.get("/x?tab=a%20b&token=secret-of-this-run")
        assert (answer.status_code, answer.headers["location"]) == (303, "/x?tab=a+b")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=secret-of-this-run")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await http.get("/x")).status_code == 200
        http.cookies.clear()
        assert (await http.post("/x?token=secret-of-this-run")).status_code == 401


async def test_the_way_on_never_leads_to_another_host() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "//evil.example/", "query_string": b"token=t"}
    await Guard(_answer, hosts=(), token=SHORT)(scope | {"headers": [(b"host", b"localhost")]}, None, send)  # type: ignore[arg-type]  # nothing is received
    assert dict(sent[0]["headers"])[b"location"] == b"/evil.example/"


async def test_every_answer_says_that_nothing_may_come_from_elsewhere() -> None:
    async with client() as http:
        policy = (await http.get("/")).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http:" not in policy
        assert "*" not in policy


async def test_any_name_is_answered_where_a_token_is_asked_for() -> None:
    async with client(hosts=None, token=SHORT, at="lab-server:8787") as http:
        assert (await http.get("/?token=t")).status_code == 303


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "http://127.0.0.1:9999", ""])
async def test_a_page_of_another_site_reads_nothing_either(origin: str) -> None:
    async with client() as http:
        for path in ("/", "/_nicegui_ws/socket.io/?transport=polling&EIO=4", "/api/tasks"):
            assert (await http.get(path, headers={"origin": origin})).status_code == 403


@pytest.mark.parametrize(
    ("site", "destination", "status"),
    [
        ("cross-site", "image", 403),
        ("cross-site", "iframe", 403),
        ("same-site", "script", 403),
        ("same-site", "empty", 403),
        ("cross-site", "document", 200),
        ("same-origin", "image", 200),
        ("same-origin", "iframe", 200),
        ("none", "document", 200),
    ],
)
async def test_another_site_may_link_to_a_page_and_embed_nothing(site: str, destination: str, status: int) -> None:
    async with client() as http:
        answer = await http.get("/x", headers={"sec-fetch-site": site, "sec-fetch-dest": destination})
    assert answer.status_code == status


async def test_the_way_on_holds_no_header_of_its_own() -> None:
    async with client(token=SHORT) as http:
        answer = await http.get("/a%0d%0aset-cookie:%20x=1/%C3%A4?token=t")
    assert answer.headers["location"] == "/a%0D%0Aset-cookie%3A%20x%3D1/%C3%A4"


async def test_an_address_of_version_six_is_a_name_too() -> None:
    async with client(hosts={"[fe80::1]"}, at="[fe80::1]:8787") as http:
        assert (await http.get("/x")).status_code == 200
