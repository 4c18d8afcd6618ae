"""SFTP channels for any number of threads: each is lent to one user at a time, and more are made as they are needed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...core.errors import RemoteError
from ...store import ssh

_PER_CONNECTION = 8
"""OpenSSH allows ten sessions in one connection unless told."""
_INHERITED: list[object] = []
"""Connections of the process that this one was forked from: closing them would write into that one's stream."""

Sftp = Any
"""paramiko.SFTPClient: the library is imported when it is needed."""


@dataclass(eq=False)
class _Connection:
    client: ssh.Client
    channels: int = 0


@dataclass(eq=False)
class Channel:
    """One SFTP channel; `root` is the remote's folder there, links in it resolved."""

    sftp: Sftp
    connection: _Connection
    root: str

    @property
    def is_open(self) -> bool:
        """Tell whether it can be used, as far as is known."""
        return not self.sftp.get_channel().closed and not ssh.has_ended(self.connection.client)


class Channels:
    """The channels to one target. Whoever waits for an answer longer than `answer_s` gets a TimeoutError."""

    def __init__(self, target: ssh.Target, *, connect_s: float, answer_s: float) -> None:
        self.target = target
        self.was_connected = False
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._losses = (EOFError, TimeoutError, ssh.library().SSHException)
        self._idle: list[Channel] = []
        self._connections: list[_Connection] = []
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._pid = os.getpid()

    @contextlib.contextmanager
    def lent(self) -> Iterator[Channel]:
        """Lend a channel. One that has failed is not lent again, and its loss is a ConnectionError."""
        channel = self._take()
        try:
            yield channel
        except (FileNotFoundError, GeneratorExit, RemoteError):
            self._give_back(channel)
            raise
        except BaseException as error:
            is_lost = isinstance(error, self._losses) or not channel.is_open
            self._drop(channel, is_lost=is_lost)
            if is_lost and isinstance(error, (OSError, *self._losses)):
                raise ConnectionAbortedError(str(error) or "the connection was lost") from error
            raise
        self._give_back(channel)

    @contextlib.contextmanager
    def opened(self, channel: Channel, path: str, mode: str) -> Iterator[Any]:
        """Open a file of a channel; after a loss there is no waiting for an answer to its being closed."""
        stream = channel.sftp.open(path, mode)
        try:
            yield stream
        except self._losses:
            channel.sftp.close()
            raise
        finally:
            stream.close()

    def close(self) -> None:
        """Close every connection; whoever has a channel of one finds it lost."""
        self._leave_inherited()
        with self._lock:
            for connection in self._connections:
                ssh.close(connection.client)
            self._connections, self._idle = [], []

    def _take(self) -> Channel:
        self._leave_inherited()
        failure = self._failure
        with self._lock:
            while self._idle:
                channel = self._idle.pop()
                if channel.is_open and channel.connection in self._connections:
                    return channel
                self._forget(channel)
            if self._failure is not failure:  # another thread has waited in vain while this one waited for it
                raise _again(self._failure)
            try:
                return self._made()
            except (ssh.NotConnected, RemoteError) as error:
                self._failure = error
                raise

    def _made(self) -> Channel:
        connection = next((each for each in self._connections if each.channels < _PER_CONNECTION), None)
        if connection is None:
            connection = _Connection(ssh.connect(self.target, self._connect_s))
            self._connections.append(connection)
        try:
            sftp = connection.client.open_sftp()
            sftp.get_channel().settimeout(self._answer_s)
            root = _root(sftp, self.target.path)
        except (OSError, *self._losses) as error:
            self._retire(connection)
            raise ssh.NotConnected(f"no SFTP: {error}", is_final=False) from error
        connection.channels += 1
        self.was_connected = True
        return Channel(sftp, connection, root)

    def _give_back(self, channel: Channel) -> None:
        with self._lock:
            self._idle.append(channel)

    def _drop(self, channel: Channel, *, is_lost: bool) -> None:
        with self._lock:
            self._forget(channel)
            if is_lost:
                self._retire(channel.connection)

    def _forget(self, channel: Channel) -> None:
        channel.sftp.close()
        channel.connection.channels -= 1
        if channel.connection not in self._connections:
            self._retire(channel.connection)

    def _retire(self, connection: _Connection) -> None:
        """Make no more channels of a connection; with its last one it is closed."""
        if connection in self._connections:
            self._connections.remove(connection)
        if connection.channels <= 0:
            ssh.close(connection.client)

    def _leave_inherited(self) -> None:
        """In a child by fork, begin anew: the connections are its parent's, and a thread of that may hold the lock."""
        if self._pid != os.getpid():
            _INHERITED.extend([*self._connections, *self._idle])
            self._connections, self._idle, self._lock, self._pid = [], [], threading.Lock(), os.getpid()


def _root(sftp: Sftp, path: str) -> str:
    if not path.startswith("/"):
        path = f"{sftp.normalize('.').rstrip('/')}/{path}"
    return _resolved(sftp, path.rstrip("/"))


def _resolved(sftp: Sftp, path: str) -> str:
    """Resolve the links in a path, of which the end may not be there yet."""
    try:
        return str(sftp.normalize(path or "/")).rstrip("/")
    except FileNotFoundError:
        above, _, own = path.rpartition("/")
        return f"{_resolved(sftp, above)}/{own}"


def _again(error: Exception | None) -> Exception:
    if isinstance(error, ssh.NotConnected):
        return ssh.NotConnected(str(error), is_final=error.is_final)
    return RemoteError(str(error))
