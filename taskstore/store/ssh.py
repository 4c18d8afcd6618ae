"""A connection to an SSH server, by paramiko: the user's ~/.ssh/config, keys and agent, and known host keys only.

Nothing is asked of the person, and no host key is added: a host that is not known, or has another key than before, is
refused with what to do. What paramiko does by default elsewhere (take any key) would let anybody between listen.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import shlex
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from ..core.errors import Refused, RemoteError

_LOG = "taskstore.ssh"
_PORT = 22
_KEEPALIVE_S = 15
_WAIT_S = 10.0
_NO_SESSION = "No existing session"
"""What paramiko says where a server has not greeted in time."""
_KNOWN_HOSTS = "~/.ssh/known_hosts"
_SYSTEM_HOST_KEYS = Path("/etc/ssh/ssh_known_hosts")

logging.getLogger(_LOG).addHandler(logging.NullHandler())  # or paramiko's thread would print on stderr


class NotConnected(OSError):
    """No connection came about; `is_final` where another attempt at once would not do either."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True)
class Target:
    """Where an address leads: a host as the user's ssh configuration may call it, and a path there."""

    address: str
    host: str
    user: str | None
    port: int | None
    path: str
    """Absolute, or relative to the home folder there (`/~/` in the address)."""

    @classmethod
    def of(cls, address: str) -> Target:
        """Read ssh://user@host:port/path or sftp://…"""
        split = urlsplit(address)
        path = unquote(split.path)
        path = path[3:] if path.startswith("/~/") else "" if path == "/~" else path
        return cls(address, split.hostname or "", unquote(split.username or "") or None, split.port, path)


Client = Any
"""paramiko.SSHClient: the library is imported when it is needed."""


def library() -> ModuleType:
    """Import paramiko. Raises Refused, which says how to install it."""
    try:
        return importlib.import_module("paramiko")
    except ImportError as error:
        raise Refused(f"ssh:// needs paramiko ({error}); `pip install 'taskstore[ssh]'` installs it") from None


def connect(target: Target, timeout_s: float, *, password: str | None = None) -> Client:
    """Return a connected SSHClient; each step (connect, greeting, log in) takes `timeout_s` at most.

    Raises RemoteError for a host key that is not as known and for a login that is refused, and NotConnected.
    """
    host = _Host.of(target)
    client = library().SSHClient()
    client.set_log_channel(_LOG)
    client.set_missing_host_key_policy(_Refusing(target))
    with contextlib.ExitStack() as undone:
        undone.callback(client.close)
        _load_host_keys(client, host)
        if host.command:
            tunnel = _Tunnel.started(host.command)
            undone.callback(tunnel.close)
            client.taskstore_tunnel = tunnel  # ends with the client
        _log_in(client, host, timeout_s, password)
        client.get_transport().set_keepalive(_KEEPALIVE_S)
        if not host.command:
            client.get_transport().sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        undone.pop_all()
    return client


@functools.cache
def file_system_class() -> Any:  # noqa: ANN401 - a class of fsspec's
    """Return fsspec's file system of SSH servers, which connects as `connect` does and not to just any host."""
    library()
    kind = importlib.import_module("fsspec.implementations.sftp").SFTPFileSystem

    def _connect(system: Any) -> None:  # noqa: ANN401 - of the class that is made here
        given = system.ssh_kwargs
        target = Target(f"ssh://{system.host}", system.host, given.get("username"), given.get("port"), "")
        system.client = connect(target, _WAIT_S, password=given.get("password"))
        system.ftp = system.client.open_sftp()

    return type("KnownHostsFileSystem", (kind,), {"_connect": _connect})


def close(client: Client) -> None:
    """Close a connection, and the command that it went through."""
    client.close()
    tunnel = getattr(client, "taskstore_tunnel", None)
    if tunnel is not None:
        tunnel.close()


def has_ended(client: Client) -> bool:
    """Tell whether a connection has ended."""
    transport = client.get_transport()
    return transport is None or not transport.is_active()


@dataclass(frozen=True)
class _Host:
    """What the address and the user's configuration say together; the address comes first."""

    target: Target
    name: str
    port: int
    user: str | None
    keys: list[str]
    is_only_keys: bool
    known_hosts: list[Path]
    command: str
    """What the connection goes through, if anything."""

    @classmethod
    def of(cls, target: Target) -> _Host:
        found = _configured(target)
        name = found.get("hostname", target.host)
        port = target.port or int(found.get("port", _PORT))
        files = (Path(each).expanduser() for each in shlex.split(found.get("userknownhostsfile", _KNOWN_HOSTS)))
        command = found.get("proxycommand") or _jump(found.get("proxyjump", "none"), name, port)
        return cls(
            target,
            name,
            port,
            target.user or found.get("user"),
            [path for path in found.get("identityfile", []) if Path(path).expanduser().is_file()],
            found.get("identitiesonly", "no") == "yes",
            [path for path in (_SYSTEM_HOST_KEYS, *files) if path.is_file()],
            "" if command == "none" else command,
        )

    @property
    def known_as(self) -> str:
        """What it is called in known_hosts."""
        return self.name if self.port == _PORT else f"[{self.name}]:{self.port}"


def _configured(target: Target) -> dict[str, Any]:
    paramiko = library()
    path = Path("~/.ssh/config").expanduser()
    if not path.is_file():
        return {}
    try:
        return dict(paramiko.SSHConfig.from_path(str(path)).lookup(target.host))
    except (paramiko.SSHException, OSError, ValueError) as error:
        raise RemoteError(f"{target.address}: {path} cannot be read: {error}") from None


def _jump(hosts: str, name: str, port: int) -> str:
    """Spell ProxyJump as the command that does it."""
    if hosts == "none":
        return ""
    *before, last = hosts.split(",")
    through = ["-J", ",".join(before)] if before else []
    return shlex.join(["ssh", "-o", "BatchMode=yes", *through, "-W", f"[{name}]:{port}", "--", last])


def _load_host_keys(client: Client, host: _Host) -> None:
    """Read the known keys. Lines that paramiko has no words for are passed over; a revoked key is not known.

    paramiko's own reader gives up at the first such line.
    """
    kinds = library().hostkeys
    keys = client.get_host_keys()
    lines = []
    for path in host.known_hosts:
        try:
            lines += path.read_text("utf-8", "replace").splitlines()
        except OSError as error:
            raise RemoteError(f"{host.target.address}: {path} cannot be read: {error.strerror}") from None
    revoked = {line.split()[3] for line in lines if line.startswith("@revoked") and len(line.split()) > 3}
    for line in lines:
        try:
            entry = kinds.HostKeyEntry.from_line(line.strip()) if line.strip()[:1] not in ("@", "#", "") else None
        except (kinds.InvalidHostKey, library().SSHException, ValueError):
            continue
        if entry is not None and entry.key.get_base64() not in revoked:
            for name in entry.hostnames:
                keys.add(name, entry.key.get_name(), entry.key)


def _log_in(client: Client, host: _Host, timeout_s: float, password: str | None) -> None:
    paramiko = library()
    try:
        client.connect(
            host.name,
            port=host.port,
            username=host.user,
            password=password,
            key_filename=host.keys or None,
            look_for_keys=not host.is_only_keys,
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=timeout_s,
            channel_timeout=timeout_s,
            sock=client.taskstore_tunnel.socket if host.command else None,
        )
    except paramiko.BadHostKeyException as error:
        raise RemoteError(
            f"{host.target.address}: the key of {host.known_as} ({_spelled(error.key)}) is another one than is "
            "known of it: it was installed anew, or somebody is in between. Ask who runs it; if the new key is right, "
            f"`ssh-keygen -R '{host.known_as}'` forgets the old one"
        ) from error
    except paramiko.AuthenticationException as error:
        raise RemoteError(
            f"{host.target.address}: the login was refused: {error}; "
            "give a key to ssh-agent, or name one in ~/.ssh/config"
        ) from error
    except (socket.gaierror, ConnectionRefusedError, paramiko.ssh_exception.NoValidConnectionsError) as error:
        raise NotConnected(str(error), is_final=True) from error
    except TimeoutError as error:
        raise NotConnected(f"no answer within {timeout_s:g} s", is_final=True) from error
    except (OSError, EOFError, paramiko.SSHException) as error:
        reason = str(error) or type(error).__name__
        if reason == _NO_SESSION:
            reason = f"no greeting within {timeout_s:g} s"
        raise NotConnected(reason, is_final=False) from error


def _spelled(key: Any) -> str:  # noqa: ANN401 - paramiko.PKey
    return f"{key.get_name()} {key.fingerprint}"


class _Refusing:
    """What is done about a host whose key is not known: nothing is sent to it."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def missing_host_key(self, client: object, hostname: str, key: Any) -> NoReturn:  # noqa: ANN401 - paramiko.PKey
        """Raise RemoteError."""
        target = self._target
        port = f" -p {target.port}" if target.port else ""
        user = f"{target.user}@" if target.user else ""
        raise RemoteError(
            f"{target.address}: the key of {hostname} ({_spelled(key)}) is in no known_hosts file; "
            f"`ssh{port} {user}{target.host}` once shows it, asks, and notes it there"
        )


class _Tunnel:
    """A command that the user's configuration has connections go through; this process talks to it by a socket."""

    def __init__(self, command: list[str]) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())

    @classmethod
    def started(cls, command: str) -> _Tunnel:
        """Start a command, without a shell."""
        try:
            return cls(shlex.split(command))
        except (OSError, ValueError) as error:
            raise NotConnected(f"{command}: {error}", is_final=True) from error

    def close(self) -> None:
        """End the command."""
        self.socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
