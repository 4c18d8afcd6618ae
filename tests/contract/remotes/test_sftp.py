"""The laws of remotes at a real OpenSSH server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("paramiko")

from taskstore.share.remotes.sftp import SftpRemote
from taskstore.share.remotes.steady import Patience

from .cuts import CutLaws
from .laws import Laws
from .servers import Proxy, Sshd, sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def proxy(server: Sshd) -> Iterator[Proxy]:
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, server: Sshd, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    (folder / ".ssh" / "known_hosts").write_text(
        f"[127.0.0.1]:{proxy.port} {server.host_key}\n[127.0.0.1]:{server.port} {server.host_key}\n"
    )
    common = f"HostName 127.0.0.1\nUser {server.user}\nIdentityFile {server.key}\nIdentitiesOnly yes\n"
    (folder / ".ssh" / "config").write_text(
        f"Host cut-box\nPort {proxy.port}\n{common}\nHost box\nPort {server.port}\n{common}"
    )
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "there" / "re mote"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def remote(home: Path, root: Path, pauses: list[float]) -> Iterator[SftpRemote]:
    made = SftpRemote(f"ssh://cut-box{root.as_posix().replace(' ', '%20')}", Patience(sleep=pauses.append))
    yield made
    made.close()


@pytest.fixture
def other(home: Path, root: Path) -> Iterator[SftpRemote]:
    made = SftpRemote(f"ssh://box{root.as_posix().replace(' ', '%20')}", Patience())
    yield made
    made.close()


class TestSftp(Laws, CutLaws):
    pass
