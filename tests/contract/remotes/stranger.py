"""An SFTP server of paramiko's, in this process: it says what a test wants it to, and has no posix-rename."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko


class _AnyKey(paramiko.ServerInterface):
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class Files(paramiko.SFTPServerInterface):
    """Serves a folder; `extra` is what listings hold besides, and what files claim to be larger than they are."""

    root: Path
    extra: list[str]

    def _path(self, path: str) -> Path:
        return Path(path)

    def canonicalize(self, path: str) -> str:
        return str(self.root) if path == "." else os.path.normpath(path)

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            found = [paramiko.SFTPAttributes.from_stat(os.stat(each), each.name) for each in os.scandir(path)]  # noqa: PTH116
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        for name in self.extra:
            entry = paramiko.SFTPAttributes.from_stat(os.stat(self.root), name)  # noqa: PTH116
            entry.st_mode = 0o100644
            found.append(entry)
        return found

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(os.stat(path))  # noqa: PTH116
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle | int:
        try:
            descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = _Handle(flags)
        handle.readfile = handle.writefile = os.fdopen(descriptor, "r+b" if flags & (os.O_RDWR | os.O_WRONLY) else "rb")
        return handle

    def _done(self, act: object, *given: str) -> int:
        try:
            act(*given)  # type: ignore[operator]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK

    def remove(self, path: str) -> int:
        return self._done(os.remove, path)

    def mkdir(self, path: str, attr: object) -> int:
        return self._done(os.mkdir, path)

    def rename(self, old: str, new: str) -> int:
        return paramiko.SFTP_FAILURE if Path(new).exists() else self._done(os.rename, old, new)


@contextlib.contextmanager
def stranger(root: Path, *extra: str) -> Iterator[tuple[int, str]]:
    """Serve a folder; yield the port, and the host key as known_hosts has it."""
    key = paramiko.ECDSAKey.generate()
    files = type("_Files", (Files,), {"root": root, "extra": list(extra)})
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
            transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=_AnyKey())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], f"{key.get_name()} {key.get_base64()}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for transport in transports:
            transport.close()
        thread.join(5)
