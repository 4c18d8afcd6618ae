"""A remote at an SSH server, by SFTP."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from ...core.errors import RemoteError
from ...store import ssh
from .channels import Channel, Channels, Sftp
from .filenames import parent_of, unfinished_beside
from .place import CHUNK_BYTES, Reading, regrouped
from .steady import Patience, Steady

_READ_BYTES = 255 << 10
"""One request; OpenSSH gives up to that, and a server that gives less is asked again."""
_MAX_DEPTH = 100


class SftpPlace:
    """Files below a folder of an SSH server. A link below it is refused, as it is in a folder here.

    A write goes into a file beside, which is renamed over the target (posix-rename@openssh.com). A server that has no
    such rename makes new files the same way; to replace one, the old one is removed first.
    """

    is_writable = True

    def __init__(self, address: str, patience: Patience) -> None:
        paramiko = ssh.library()
        self.address = address
        self.failures: tuple[type[Exception], ...] = (OSError, EOFError, paramiko.SSHException)
        self._channels = Channels(ssh.Target.of(address), connect_s=patience.connect_s, answer_s=patience.answer_s)
        self._folders: set[str] = set()
        """Folders that are there and no links: they are not asked for again."""
        self._left: set[str] = set()
        """What lost connections have left unfinished."""

    def is_lost(self, error: Exception) -> bool:
        """Tell whether the connection was lost; the first one, where nobody answers, is not tried again."""
        if isinstance(error, ssh.NotConnected):
            return self._channels.was_connected or not error.is_final
        return isinstance(error, ConnectionError)

    def size(self, name: str) -> int | None:
        """Return a file's size."""
        with self._channels.lent() as channel:
            try:
                facts = channel.sftp.lstat(_path(channel, name))
            except FileNotFoundError:
                return None
        mode = facts.st_mode or 0
        if stat.S_ISLNK(mode):
            raise self._foreign(name)
        return int(facts.st_size or 0) if stat.S_ISREG(mode) else None

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder."""
        with self._channels.lent() as channel:
            if folder and not self._is_folder(channel, folder):
                return
            yield from self._walk(channel, folder, 0)

    def _is_folder(self, channel: Channel, folder: str) -> bool:
        try:
            self._check_no_link(channel, folder)
            return stat.S_ISDIR(channel.sftp.lstat(_path(channel, folder)).st_mode or 0)
        except FileNotFoundError:
            return False

    def _walk(self, channel: Channel, folder: str, depth: int) -> Iterator[tuple[str, int]]:
        if depth > _MAX_DEPTH:
            raise RemoteError(f"{self.address}: {ascii(folder)} is refused: folders in it are too deep")
        for entry in sorted(self._entries(channel, folder), key=lambda each: str(each.filename)):
            if "/" in entry.filename:
                raise RemoteError(f"{self.address}: the name {ascii(entry.filename)} is refused: it leads elsewhere")
            name = f"{folder}/{entry.filename}" if folder else entry.filename
            mode = entry.st_mode or 0
            if stat.S_ISREG(mode):
                yield name, int(entry.st_size or 0)
            elif stat.S_ISDIR(mode):
                yield from self._walk(channel, name, depth + 1)
            else:
                raise self._foreign(name)

    def _entries(self, channel: Channel, folder: str) -> list[Any]:
        try:
            return list(channel.sftp.listdir_attr(_path(channel, folder)))
        except FileNotFoundError:
            return []  # removed since, or the remote is not there yet
        except UnicodeDecodeError as error:
            name = error.object.decode("utf-8", "surrogateescape")
            raise RemoteError(f"{self.address}: the name {ascii(name)} is refused: it is not UTF-8") from None

    def read(self, name: str, offset: int) -> Reading:
        """Open a file; the channel is lent until all is read or the reader is closed."""
        chunks = self._reading(name, offset)
        return Reading(next(chunks).decode(), chunks)

    def _reading(self, name: str, offset: int) -> Generator[bytes, None, None]:
        """Yield the stamp once the file is open, and then what is in it."""
        with self._channels.lent() as channel:
            self._check_no_link(channel, name)
            with self._channels.opened(channel, _path(channel, name), "r") as stream:
                facts = stream.stat()
                if not stat.S_ISREG(facts.st_mode or 0):
                    raise self._foreign(name)
                yield f"{facts.st_size}-{facts.st_mtime}".encode()
                stream.MAX_REQUEST_SIZE = _READ_BYTES
                stream.seek(offset)
                left = max(0, int(facts.st_size or 0) - offset)
                while left:
                    chunk = stream.read(min(CHUNK_BYTES, left))
                    if not chunk:
                        raise RemoteError(f"{self.address}: {name} has changed while it was read; try again")
                    left -= len(chunk)
                    yield chunk

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write beside, and rename."""
        with self._channels.lent() as channel:
            self._clean(channel)
            try:
                self._write(channel, name, chunks)
            except FileNotFoundError:
                self._folders.clear()  # somebody has removed one since
                self._write(channel, name, chunks)

    def _write(self, channel: Channel, name: str, chunks: Iterable[bytes]) -> None:
        self._make_folders(channel, parent_of(name))
        beside = unfinished_beside(name)
        try:
            self._put(channel, _path(channel, beside), chunks)
            self._rename(channel, _path(channel, beside), _path(channel, name))
        except BaseException:
            self._left.add(beside)
            if channel.is_open:
                with contextlib.suppress(*self.failures):
                    self._clean(channel)
            raise

    def _put(self, channel: Channel, path: str, chunks: Iterable[bytes]) -> None:
        size_bytes = 0
        with self._channels.opened(channel, path, "wx") as stream:
            for chunk in regrouped(chunks):
                # The server's answers are waited for once in each piece; all of them are looked at.
                stream.set_pipelined(True)
                stream.write(chunk[:-1])
                stream.set_pipelined(False)
                stream.write(chunk[-1:])
                size_bytes += len(chunk)
        found = channel.sftp.lstat(path).st_size
        if found != size_bytes:
            raise OSError(f"{found} bytes are there, and {size_bytes} were sent; is the disk full?")

    def _rename(self, channel: Channel, beside: str, path: str) -> None:
        try:
            channel.sftp.posix_rename(beside, path)
        except OSError as error:
            if error.errno is not None or "unsupported" not in str(error).lower():
                raise
            with contextlib.suppress(FileNotFoundError):
                channel.sftp.remove(path)
            channel.sftp.rename(beside, path)

    def _clean(self, channel: Channel) -> None:
        """Remove what was left unfinished."""
        for name in list(self._left):
            with contextlib.suppress(FileNotFoundError):
                channel.sftp.remove(_path(channel, name))
            self._left.discard(name)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self._channels.lent() as channel:
            self._check_no_link(channel, name)
            channel.sftp.remove(_path(channel, name))

    def close(self) -> None:
        """Let the connections go."""
        self._channels.close()

    def _make_folders(self, channel: Channel, folder: str) -> None:
        """Make a folder and those above it, the remote's own too; none of those below it is a link."""
        if folder in self._folders:
            return
        path = _path(channel, folder)
        try:
            facts = channel.sftp.lstat(path) if folder else channel.sftp.stat(path)
        except FileNotFoundError:
            facts = None
        if folder:
            self._make_folders(channel, parent_of(folder))
        elif facts is None:
            _make_root(channel.sftp, path)
        if folder and facts is None:
            _make_folder(channel.sftp, path)
        elif facts is not None and not stat.S_ISDIR(facts.st_mode or 0):
            raise self._foreign(folder or self.address)
        self._folders.add(folder)

    def _check_no_link(self, channel: Channel, name: str) -> None:
        """Refuse a name below which, or at which, there is a link. Raises FileNotFoundError."""
        path = _path(channel, name)
        if channel.sftp.normalize(path) != path:
            raise self._foreign(name)

    def _foreign(self, name: str) -> RemoteError:
        return RemoteError(f"{self.address}: {ascii(name)} is refused: it is a link or a device, and no file")


def _path(channel: Channel, name: str) -> str:
    return f"{channel.root}/{name}" if name else channel.root or "/"


def _make_folder(sftp: Sftp, path: str) -> None:
    try:
        sftp.mkdir(path)
    except OSError:
        if not stat.S_ISDIR(sftp.lstat(path).st_mode or 0):  # another thread or process may have been first
            raise


def _make_root(sftp: Sftp, path: str) -> None:
    above = path.rpartition("/")[0]
    try:
        sftp.stat(path)
    except FileNotFoundError:
        if above:
            _make_root(sftp, above)
        _make_folder(sftp, path)


class SftpRemote(Steady):
    """A remote at an SSH server: ssh://user@host:port/folder, or ssh://host/~/folder below the home folder there."""

    def __init__(self, address: str, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        super().__init__(SftpPlace(address, patience), patience)
