"""Servers on loopback, and a way to them that cuts connections in the middle."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

UP, DOWN = "up", "down"
_START_S = 20.0


@dataclass
class Proxy:
    """Passes connections on to a port of this machine; `cut` has the next ones end after so many bytes."""

    target: int
    passed: dict[str, int] = field(default_factory=lambda: {UP: 0, DOWN: 0})
    cuts: int = 0
    _wanted: list[tuple[str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_silent = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, direction: str, after: int, times: int = 1) -> None:
        """From now on, `times` times: after so many more bytes in a direction, that connection is reset."""
        with self._lock:
            self.passed = {UP: 0, DOWN: 0}
            self.cuts = 0
            self._wanted = [(direction, after)] * times

    def silence(self) -> None:
        """Pass nothing on any more, and keep every connection open."""
        self._is_silent.set()

    def close(self) -> None:
        self._listener.close()
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append((near, far))
            for direction, source, sink in ((UP, near, far), (DOWN, far, near)):
                threading.Thread(target=self._pass, args=(direction, source, sink), daemon=True).start()

    def _pass(self, direction: str, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(16384):
                if self._is_silent.is_set():
                    return
                allowed = self._allowed(direction, len(data))
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    for end in (source, sink):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RDWR)
                    for end in (source, sink):  # or the sender's next bytes would be taken, and never be answered
                        end.close()
                    return
            sink.shutdown(socket.SHUT_WR)

    def _allowed(self, direction: str, size: int) -> int:
        with self._lock:
            before = self.passed[direction]
            self.passed[direction] += size
            if self._wanted and self._wanted[0][0] == direction and before + size > self._wanted[0][1]:
                allowed = max(0, self._wanted.pop(0)[1] - before)
                self.passed = {UP: 0, DOWN: 0}
                self.cuts += 1
                return allowed
            return size


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until somebody listens. Fails with what the process has said."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)  # another program's start has no clock to inject
    pytest.fail(f"no server at port {port}: {log.read_text(errors='replace')[-2000:]}")


@dataclass(frozen=True)
class Sshd:
    """A running OpenSSH server that lets the current user in with one key."""

    port: int
    user: str
    key: Path
    host_key: str
    """As known_hosts has it, without the host."""


def ssh_programs() -> tuple[str, str]:
    """Return where sshd and ssh-keygen are, or skip the test."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    server, keygen = shutil.which("sshd", path=places), shutil.which("ssh-keygen", path=places)
    if server is None or keygen is None:
        pytest.skip("no OpenSSH server here (Debian: openssh-server)")
    return server, keygen


def make_key(keygen: str, path: Path) -> str:
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


@contextlib.contextmanager
def sshd(folder: Path, *settings: str) -> Iterator[Sshd]:
    server, keygen = ssh_programs()
    host_key = make_key(keygen, folder / "host")
    (folder / "authorized").write_text(make_key(keygen, folder / "user") + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as root it starts only where this is: its service makes it
    port = free_port()
    configuration = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {folder / 'authorized'}",
        "StrictModes no",
        "UsePAM no",
        "PidFile none",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 100",
        *(settings or ("Subsystem sftp internal-sftp",)),
    ]
    (folder / "sshd_config").write_text("\n".join(configuration) + "\n")
    log = folder / "log"
    with log.open("wb") as out:
        command = [server, "-D", "-e", "-f", str(folder / "sshd_config")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_for(port, process, log)
        yield Sshd(port, getpass.getuser(), folder / "user", host_key)
    finally:
        process.terminate()
        process.wait(20)
