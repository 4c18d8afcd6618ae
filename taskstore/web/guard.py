"""Who may talk to the server: names of this machine only, pages of its own only, and with a token where one is set.

A page of another site can make a browser send requests to a server on this machine, or resolve its own name to it
(DNS rebinding). So the Host header must name us, and what has an Origin must come from the same. What the pages may
load is said in a Content-Security-Policy: nothing from another host.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
COOKIE = "taskstore_token"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # templates are compiled in the browser
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


class Guard:
    """An ASGI application before the real one. `hosts` are names without a port; None, with a token, admits any."""

    def __init__(self, app: App, *, hosts: Iterable[str] | None, token: str | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts) | LOOPBACK
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        problem = self._problem(scope, headers)
        if problem:
            await _refuse(scope, receive, send, 403, problem)
        elif self._token is None or self._has_token(headers):
            await self._app(scope, receive, _with_headers(send))
        else:
            await self._ask(scope, receive, send)

    def _problem(self, scope: Scope, headers: dict[str, str]) -> str:
        host = headers.get("host", "")
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return f"this server answers to {', '.join(sorted(self._hosts))}, and not to {ascii(host)}"
        foreign = "a page of another site has sent this"
        if "origin" in headers:
            return "" if _netloc(headers["origin"]) == host.lower() else foreign
        # Without an Origin come links, which may be followed from anywhere, and what another page would embed.
        is_embedded = headers.get("sec-fetch-dest", "document") != "document"
        return foreign if is_embedded and headers.get("sec-fetch-site") in ("cross-site", "same-site") else ""

    def _has_token(self, headers: dict[str, str]) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and self._is_right(found.value)

    def _is_right(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), (self._token or "").encode())

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A link that holds the token gives the browser a cookie, and goes on without it in the address."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == "token"), None)
        if scope["type"] != "http" or scope["method"] != "GET" or given is None or not self._is_right(given):
            await _refuse(
                scope, receive, send, 401, "open the address that `taskstore ui` has printed: it holds the token"
            )
            return
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        path = "/" + quote(scope["path"].lstrip("/\\"))  # never another host's, and never a header of its own
        cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [
            (b"location", (path + (f"?{rest}" if rest else "")).encode("ascii")),
            (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
            *_HEADERS,
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", ())}
            added = [pair for pair in _HEADERS if pair[0] not in own]  # a file has a stricter policy of its own
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": text[:100]})
        return
    body = f"taskstore: {text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
