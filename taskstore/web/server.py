"""The server of the page: where it listens, how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import ipaddress
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..core.errors import BadValue, Refused
from ..store.store import Store

if TYPE_CHECKING:
    from .guard import App

PORT = 8787
_MORE_PORTS = 20
_LAST_PORT = 65535
_BIND_S = 1.0
"""How often values that are no element's own are looked at; those of elements are bound without looking."""
_AWAY_S = 30.0
"""A browser that draws many charts on a busy machine answers late; within this it goes on where it was."""


@dataclass(frozen=True)
class Options:
    """Where the page is served; `port` None takes the first free one from 8787 on."""

    host: str = "127.0.0.1"
    port: int | None = None
    is_read_only: bool = False
    with_token: bool = False
    """A token is asked for beyond this machine always, and on it too where this is set."""


def serve(store: Store, options: Options, *, tell: Callable[[str], None], opened: Callable[[str], None]) -> None:
    """Serve the page until SIGINT or SIGTERM. `opened` is given the address once it answers.

    Raises Refused where nobody may listen there, or without the extra, BadValue for an impossible host.
    """
    # NiceGUI keeps files of its own beside the program; it is given a place where none of them matters.
    with tempfile.TemporaryDirectory(prefix="taskstore-ui-") as folder, listening(options) as listener:
        os.environ.setdefault("NICEGUI_STORAGE_PATH", folder)
        uvicorn = _uvicorn()
        from . import guard

        host = options.host
        token = guard.new_token() if options.with_token or not is_loopback(host) else None
        port = listener.getsockname()[1]
        application = build(store, options, token=token)
        address = address_of(host, port, token)
        config = uvicorn.Config(
            application, log_level="warning", lifespan="on", access_log=False, timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)

        def started() -> None:
            tell(address)
            opened(address)

        asyncio.run(_until_the_end(server, listener, started))


async def _until_the_end(server: Any, listener: socket.socket, started: Callable[[], None]) -> None:  # noqa: ANN401 - uvicorn's
    # Not uvicorn's way, which sends the signal to itself again when all is over: Ctrl-C is how this ends.
    server.capture_signals = contextlib.nullcontext
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if not serving.done():
        started()
    await serving


def build(store: Store, options: Options, *, token: str | None) -> App:
    """Return the whole application, to be served once in a process: NiceGUI has its pages in global variables."""
    from fastapi import FastAPI
    from nicegui import ui
    from starlette.middleware.gzip import GZipMiddleware

    from . import files, guard, pages
    from .desk import Desk

    desk = Desk(store, is_read_only=options.is_read_only)

    @contextlib.asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        async with desk.following():
            yield

    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=living)
    application.include_router(files.router(desk))
    pages.register(desk, application)
    icon = Path(__file__).parent / "static" / "icon.svg"
    ui.run_with(
        application,
        title="taskstore",
        favicon=icon,
        language="en-US",
        show_welcome_message=False,
        reconnect_timeout=_AWAY_S,
        binding_refresh_interval=_BIND_S,
        tailwind=False,  # its compiler runs in the browser at each change; the few classes that we use are in page.css
        gzip_middleware_factory=None if is_loopback(options.host) else GZipMiddleware,
    )
    gc.freeze()  # ten thousand rows that stay: to look through them again and again is what an idle page would cost
    hosts = None if _is_any(options.host) else {f"[{options.host}]" if ":" in options.host else options.host}
    return guard.Guard(application, hosts=hosts, token=token)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a server there."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _is_any(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


def address_of(host: str, port: int, token: str | None) -> str:
    """Return what to open in a browser."""
    name = socket.gethostname() if _is_any(host) else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + (f"?token={quote(token)}" if token else "")


@contextlib.contextmanager
def listening(options: Options) -> Iterator[socket.socket]:
    """Listen where the options say. Raises Refused where that cannot be, and names what to do."""
    ports = [options.port] if options.port is not None else [*range(PORT, PORT + _MORE_PORTS), 0]
    for port in ports:
        try:
            listener = _bound(options.host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port != ports[-1]:
                continue
            if error.errno == errno.EADDRINUSE:
                raise Refused(f"port {port} of {options.host} is in use; `--port 0` takes a free one") from None
            raise Refused(f"cannot listen at {options.host}, port {port}: {error.strerror or error}") from None
        with listener:
            yield listener
        return


def _bound(host: str, port: int) -> socket.socket:
    if port > _LAST_PORT:
        raise BadValue(f"--port {port} is none; ports go from 0 to {_LAST_PORT}")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise BadValue(f"--host {host!r}, port {port} is no address of this machine: {error}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two of us have the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _uvicorn() -> Any:  # noqa: ANN401 - imported late
    try:
        import nicegui  # noqa: F401 - whether it is there
        import uvicorn
    except ImportError as error:
        raise Refused(f"the page needs {error.name}; `pip install 'taskstore[ui]'` installs it") from None
    return uvicorn
