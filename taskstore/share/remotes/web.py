"""A remote of the web, which is only read: files at https://host/folder/ by their names, by Python's own urllib."""

from __future__ import annotations

import functools
import http.client
import netrc
import os
import socket
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ...core.errors import NotSupported, ReadOnly, RemoteError
from .place import CHUNK_BYTES, Reading
from .steady import Patience, Steady

Response = http.client.HTTPResponse
_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_SUCH_RANGE = 416
_PARTIAL = 206
_NO_HEAD = frozenset({405, 501})


class WebPlace:
    """Files at an address of the web. Proxies are the environment's; logins are in ~/.netrc, or where NETRC says."""

    is_writable = False
    failures: tuple[type[Exception], ...] = (OSError, http.client.HTTPException)

    def __init__(self, address: str, patience: Patience) -> None:
        self.address = address
        self._patience = patience
        self._opener = _opener(patience.answer_s)
        self._was_reached = False

    def is_lost(self, error: Exception) -> bool:
        """Tell whether the connection was lost or the server is busy; one that nobody answers is not tried again."""
        if isinstance(error, urllib.error.HTTPError):
            return error.code in _LATER
        if isinstance(error, http.client.HTTPException):
            return True
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
            error = error.reason
        is_loss = isinstance(error, (ConnectionError, TimeoutError))
        is_unmet = isinstance(error, (ConnectionRefusedError, TimeoutError)) and not self._was_reached
        return is_loss and not is_unmet

    def size(self, name: str) -> int | None:
        """Return what the server says the size is."""
        try:
            with closing(self._asked(name, "HEAD")) as response:
                return _size_of(self.address, name, response)
        except FileNotFoundError:
            return None
        except urllib.error.HTTPError as error:
            if error.code not in _NO_HEAD:
                raise
        with closing(self._asked(name, "GET")) as response:
            return _size_of(self.address, name, response)

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Raise NotSupported."""
        raise NotSupported(f"{self.address}: the web cannot list files; a remote there is read by its manifest")

    def read(self, name: str, offset: int) -> Reading:
        """Ask for a file from an offset on; where the server knows no ranges, what is before it is passed over."""
        try:
            response = self._asked(name, "GET", {"Range": f"bytes={offset}-"} if offset else {})
        except urllib.error.HTTPError as error:
            if error.code != _NO_SUCH_RANGE:
                raise
            return Reading(_stamp(error.headers, _total(error.headers)), _nothing())
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise RemoteError(f"{self.address}: {name} comes compressed, though it was not asked for so")
        is_partial = response.status == _PARTIAL
        if is_partial and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-"):
            response.close()
            raise RemoteError(f"{self.address}: of {name} another part comes than was asked for")
        total = _total(response.headers) if is_partial else response.headers.get("Content-Length", "")
        return Reading(_stamp(response.headers, total), _chunks(response, 0 if is_partial else offset))

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Raise ReadOnly."""
        raise ReadOnly(f"{self.address} can only be read")

    def remove(self, name: str) -> None:
        """Raise ReadOnly."""
        raise ReadOnly(f"{self.address} can only be read")

    def close(self) -> None:
        """Nothing is held: each file has a connection of its own."""

    def _asked(self, name: str, method: str, headers: dict[str, str] | None = None) -> Response:
        url = f"{self.address}/{quote(name, safe='/~')}"
        headers = {"Accept-Encoding": "identity", "Cache-Control": "no-cache", **(headers or {})}
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - http(s) alone comes here
        login = _login(self.address)
        if login:
            request.add_unredirected_header("Authorization", login)
        try:
            response: Response = self._opener.open(request, timeout=self._patience.connect_s)
        except urllib.error.HTTPError as error:
            self._was_reached = True
            error.close()
            if error.code in _GONE:
                raise FileNotFoundError(name) from None
            if error.code in (401, 403):
                raise RemoteError(f"{self.address} ({name}): {error}; a login is read from ~/.netrc") from None
            raise
        self._was_reached = True
        return response


def _opener(answer_s: float) -> urllib.request.OpenerDirector:
    """What follows http and https and nothing else: a server may send one on to anything."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
        _Plain(answer_s),
        _Tls(answer_s),
    ):
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # noqa: ANN401, PLR0913 - urllib's own
        """Follow, but not from what is encrypted to what is not."""
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise RemoteError(f"{req.host} sends on to an address that is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Answering:
    """A connection that is waited for as long as urllib was told, and whose answers may take longer."""

    sock: socket.socket
    answer_s: float

    def connect(self) -> None:
        super().connect()  # type: ignore[misc] # of the connection that this is mixed into
        self.sock.settimeout(self.answer_s)


class _PlainConnection(_Answering, http.client.HTTPConnection):
    def __init__(self, answer_s: float, *given: Any, **more: Any) -> None:  # noqa: ANN401 - urllib's own
        super().__init__(*given, **more)
        self.answer_s = answer_s


class _TlsConnection(_Answering, http.client.HTTPSConnection):
    def __init__(self, answer_s: float, *given: Any, **more: Any) -> None:  # noqa: ANN401 - urllib's own
        super().__init__(*given, **more)
        self.answer_s = answer_s


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, answer_s: float) -> None:
        super().__init__()
        self._connection: Any = functools.partial(_PlainConnection, answer_s)

    def http_open(self, req: urllib.request.Request) -> Response:
        return self.do_open(self._connection, req)


class _Tls(urllib.request.HTTPSHandler):
    def __init__(self, answer_s: float) -> None:
        super().__init__()
        self._connection: Any = functools.partial(_TlsConnection, answer_s)

    def https_open(self, req: urllib.request.Request) -> Response:
        return self.do_open(self._connection, req, context=ssl.create_default_context())


def _login(address: str) -> str:
    """Return what ~/.netrc, or the file that NETRC names, says for the host; empty where it says nothing."""
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return ""
    try:
        found = netrc.netrc(str(path)).authenticators(urlsplit(address).hostname or "")
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as error:
        raise RemoteError(f"{address}: {path} cannot be read: {error}") from None
    if found is None:
        return ""
    return "Basic " + b64encode(f"{found[0]}:{found[2]}".encode()).decode()


def _size_of(address: str, name: str, response: Response) -> int:
    with suppress(ValueError):
        return int(response.headers["Content-Length"] or "")
    raise RemoteError(f"{address} does not say how large {name} is")


def _stamp(headers: Any, total: str) -> str:  # noqa: ANN401 - a message of the standard library's
    return f"{headers.get('ETag', '')} {headers.get('Last-Modified', '')} {total}"


def _total(headers: Any) -> str:  # noqa: ANN401 - a message of the standard library's
    return str(headers.get("Content-Range", "")).rpartition("/")[2]


def _nothing() -> Generator[bytes, None, None]:
    yield from ()


def _chunks(response: Response, passed_over: int) -> Generator[bytes, None, None]:
    length = response.headers.get("Content-Length")
    left = int(length) if length is not None and length.isdigit() else None
    with response:
        while chunk := response.read(CHUNK_BYTES):
            left = None if left is None else left - len(chunk)
            kept = chunk[passed_over:]
            passed_over -= len(chunk) - len(kept)
            if kept:
                yield kept
    if left:  # http.client says nothing of an end before the announced one
        raise ConnectionAbortedError(f"{left} bytes are missing")


class WebRemote(Steady):
    """A remote of the web."""

    def __init__(self, address: str, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        super().__init__(WebPlace(address, patience), patience)
