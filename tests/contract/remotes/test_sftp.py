"""The laws of remotes at a real OpenSSH server on loopback."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from taskstore.core.errors import Refused, RemoteError
from taskstore.share.remotes.sftp import SftpRemote
from taskstore.share.remotes.steady import Patience
from taskstore.store import destination, ssh

from .cuts import CutLaws
from .laws import BIG, Laws, content
from .servers import UP, Proxy, Sshd, free_port, make_key, ssh_programs, sshd
from .stranger import stranger


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


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    destination._full.clear()
    destination._down.clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "there" / "re mote"


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
    def test_what_a_cut_left_is_removed_by_the_next_write(self, remote: SftpRemote, root: Path, proxy: Proxy) -> None:
        remote.write("a/x", [b"before"])
        proxy.cut(UP, 500_000)
        remote.write("a/x", [BIG])
        assert [path.name for path in (root / "a").iterdir()] == ["x"]
        proxy.cut(UP, 500_000, times=1000)
        with pytest.raises(RemoteError):
            remote.write("a/y", [BIG])
        proxy.cut(UP, 0, times=0)
        remote.write("b/z", [b"1"])
        assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["x", "z"]

    def test_folders_that_somebody_removed_are_made_again(self, remote: SftpRemote, root: Path) -> None:
        remote.write("a/b/x", [b"1"])
        shutil.rmtree(root)
        remote.write("a/b/x", [b"2"])
        assert (root / "a" / "b" / "x").read_bytes() == b"2"

    def test_more_files_than_one_answer_holds_are_listed(self, remote: SftpRemote, root: Path) -> None:
        for folder in ("a", "b/c"):
            (root / folder).mkdir(parents=True)
            for number in range(600):
                (root / folder / f"{number:04}").write_bytes(b"12")
        found = remote.names()
        assert len(found) == 1200
        assert set(found.values()) == {2}

    @pytest.mark.parametrize("link", ["secret", "a/secret", "folder/secret"])
    def test_a_link_is_refused_with_its_name(self, remote: SftpRemote, root: Path, tmp_path: Path, link: str) -> None:
        remote.write("a/x", [b"1"])
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret").write_text("private")
        target = outside if link == "folder/secret" else outside / "secret"
        (root / (link.split("/")[0] if link == "folder/secret" else link)).symlink_to(target)
        for act in (remote.names, lambda: content(remote, link)):
            with pytest.raises(RemoteError, match="is refused: it is a link") as caught:
                act()
            assert "secret" in str(caught.value) or "folder" in str(caught.value)
        if link == "folder/secret":
            for act in (lambda: remote.write(link, [b"x"]), lambda: remote.remove(link)):
                with pytest.raises(RemoteError, match="is refused: it is a link"):
                    act()
        else:
            remote.write(link, [b"x"])  # takes the link's place
            assert content(remote, link) == b"x"
        assert (outside / "secret").read_text() == "private"

    def test_a_link_to_the_remote_itself_is_followed(self, remote: SftpRemote, root: Path, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        root.parent.mkdir()
        root.symlink_to(tmp_path / "disk")
        remote.write("a/x", [b"1"])
        assert content(remote, "a/x") == b"1"
        assert (tmp_path / "disk" / "a" / "x").exists()

    def test_a_name_that_is_no_utf_8_is_refused(self, remote: SftpRemote, root: Path) -> None:
        root.mkdir(parents=True)
        (root / os.fsdecode(b"latin-\xfc")).write_text("x")
        with pytest.raises(RemoteError, match=re.escape(ascii(os.fsdecode(b"latin-\xfc")))):
            remote.names()

    def test_a_path_below_the_home_folder_there(self, home: Path, server: Sshd, tmp_path: Path) -> None:
        with closing(SftpRemote("ssh://box/~/some/folder")) as remote:
            assert remote.names() == {}
            channels = remote.place._channels  # type: ignore[attr-defined] # the folder is asked for, and not made
            with channels.lent() as channel:
                assert channel.root == f"{channel.sftp.normalize('.')}/some/folder"

    def test_a_user_and_a_port_in_the_address_need_no_configuration(self, home: Path, server: Sshd, root: Path) -> None:
        (home / ".ssh" / "config").unlink()
        shutil.copyfile(server.key, home / ".ssh" / "id_ed25519")
        (home / ".ssh" / "id_ed25519").chmod(0o600)
        address = f"sftp://{server.user}@127.0.0.1:{server.port}{root.parent.as_posix()}"
        with closing(SftpRemote(address)) as remote:
            remote.write("x", [b"1"])
            assert content(remote, "x") == b"1"

    def test_a_connection_goes_through_the_command_that_is_configured(
        self, home: Path, server: Sshd, root: Path, tmp_path: Path
    ) -> None:
        relay = tmp_path / "relay.py"
        relay.write_text(RELAY)
        with (home / ".ssh" / "config").open("a") as config:
            config.write(
                f"\nHost far\nHostName 127.0.0.1\nPort {server.port}\nUser {server.user}\nIdentityFile {server.key}\n"
                f"ProxyCommand {sys.executable} {relay} %h %p\n"
            )
        with closing(SftpRemote(f"ssh://far{root.parent.as_posix()}")) as remote:
            remote.write("x", [BIG])
            assert content(remote, "x") == BIG

    def test_a_child_by_fork_has_connections_of_its_own(self, remote: SftpRemote) -> None:
        remote.write("a/x", [BIG])
        reading = remote.read("a/x")
        begun = next(reading)
        context = multiprocessing.get_context("fork")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks in processes with threads: that is the point
            child = context.Process(target=_write_in_child, args=(remote,))
            child.start()
        child.join(30)
        assert child.exitcode == 0
        assert begun + b"".join(reading) == BIG
        assert content(remote, "a/child") == b"child"
        assert remote.names("a") == {"a/x": len(BIG), "a/child": 5}


def _write_in_child(remote: SftpRemote) -> None:
    assert content(remote, "a/x") == BIG
    remote.write("a/child", [b"child"])


RELAY = """
import socket, sys, threading, os
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def down():
    while data := far.recv(65536):
        while data:
            data = data[os.write(1, data):]
    os._exit(0)
threading.Thread(target=down, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""


class TestHostKeys:
    def test_a_host_that_is_not_known_is_refused_and_not_added(self, remote: SftpRemote, home: Path) -> None:
        known = home / ".ssh" / "known_hosts"
        known.write_text("")
        with pytest.raises(RemoteError) as caught:
            remote.names()
        text = str(caught.value)
        assert text.startswith("ssh://cut-box/")
        assert "is in no known_hosts file; `ssh cut-box` once" in text
        assert "ssh-ed25519 SHA256:" in text
        assert known.read_text() == ""

    def test_a_key_that_has_changed_is_refused(
        self, remote: SftpRemote, home: Path, proxy: Proxy, server: Sshd
    ) -> None:
        other_key = make_key(ssh_programs()[1], home / "other")
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{proxy.port} {other_key}\n")
        with pytest.raises(RemoteError, match="is another one than is known of it") as caught:
            remote.write("x", [b"1"])
        assert f"ssh-keygen -R '[127.0.0.1]:{proxy.port}'" in str(caught.value)

    def test_lines_for_other_programs_are_passed_over(self, remote: SftpRemote, home: Path) -> None:
        known = home / ".ssh" / "known_hosts"
        subprocess.run([ssh_programs()[1], "-q", "-H", "-f", str(known)], check=True, capture_output=True)
        assert "127.0.0.1" not in known.read_text()
        known.write_text(
            "# a comment\n\n@cert-authority *.example.org ssh-rsa AAAA\nnonsense\nhost ssh-ed25519 A\n"
            "host ssh-later AAAAC3NzaC1lZDI1NTE5\n" + known.read_text()
        )
        assert remote.names() == {}

    def test_a_revoked_key_is_not_known(self, remote: SftpRemote, home: Path, server: Sshd) -> None:
        with (home / ".ssh" / "known_hosts").open("a") as known:
            known.write(f"@revoked * {server.host_key}\n")
        with pytest.raises(RemoteError, match="is in no known_hosts file"):
            remote.names()

    def test_a_login_that_is_refused_is_not_tried_again(
        self, remote: SftpRemote, home: Path, pauses: list[float]
    ) -> None:
        make_key(ssh_programs()[1], home / "stranger")
        config = home / ".ssh" / "config"
        config.write_text(re.sub(r"IdentityFile .*", f"IdentityFile {home / 'stranger'}", config.read_text()))
        with pytest.raises(RemoteError, match="the login was refused: .*ssh-agent"):
            remote.names()
        assert pauses == []

    def test_a_configuration_that_cannot_be_read_is_named(self, remote: SftpRemote, home: Path) -> None:
        (home / ".ssh" / "config").write_text("Host\x20\n= = =\nMatch nonsense\n")
        with pytest.raises(RemoteError, match="config cannot be read"):
            remote.names()


class TestDestination:
    """Where a run's artifacts go (`output_uri`) is connected to in the same way."""

    def test_files_go_to_a_host_that_is_known(self, home: Path, server: Sshd, tmp_path: Path, root: Path) -> None:
        (tmp_path / "w.pt").write_bytes(b"weights")
        where = destination.recorded(f"sftp://box{tmp_path.as_posix()}/out")
        assert destination.put(where, ("a", "w.pt"), tmp_path / "w.pt") == f"{where}/a/w.pt"
        assert (tmp_path / "out" / "a" / "w.pt").read_bytes() == b"weights"

    def test_files_go_to_no_host_that_is_not_known(self, home: Path, server: Sshd, tmp_path: Path) -> None:
        (home / ".ssh" / "known_hosts").write_text("")
        (tmp_path / "w.pt").write_bytes(b"weights")
        where = destination.recorded(f"ssh://{server.user}@127.0.0.1:{server.port}{tmp_path.as_posix()}/out")
        with pytest.raises(RemoteError, match="is in no known_hosts file"):
            destination.put(where, ("a", "w.pt"), tmp_path / "w.pt")
        assert not (tmp_path / "out").exists()


class TestNobodyAnswers:
    def test_a_port_where_nobody_listens_fails_at_once(self, home: Path, pauses: list[float]) -> None:
        remote = SftpRemote(f"ssh://127.0.0.1:{free_port()}/x", Patience(sleep=pauses.append))
        with pytest.raises(RemoteError, match=r"ssh://127.0.0.1:\d+/x: NotConnected: .*Unable to connect"):
            remote.names()
        assert pauses == []

    def test_a_host_that_does_not_answer_fails_in_the_time_that_is_set(self, home: Path, pauses: list[float]) -> None:
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(4):  # nobody accepts: the system answers no more
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
            remote = SftpRemote(f"ssh://127.0.0.1:{port}/x", Patience(connect_s=0.2, sleep=pauses.append))
            with pytest.raises(RemoteError, match=r"no answer within 0.2 s"):
                remote.names()
        assert pauses == []

    def test_a_server_that_falls_silent_fails_after_some_attempts(
        self, home: Path, root: Path, proxy: Proxy, pauses: list[float]
    ) -> None:
        patience = Patience(connect_s=0.5, answer_s=0.3, sleep=pauses.append)
        with closing(SftpRemote(f"ssh://cut-box{root.parent.as_posix()}", patience)) as remote:
            remote.write("x", [b"1"])
            proxy.silence()
            with pytest.raises(RemoteError, match="ssh://cut-box"):
                remote.write("x", [BIG])
        assert pauses == [0.5, 1.0, 2.0]

    def test_a_server_without_sftp_is_said_to_have_none(
        self, home: Path, tmp_path: Path, root: Path, pauses: list[float]
    ) -> None:
        (tmp_path / "sshd").mkdir()
        with sshd(tmp_path / "sshd", "Subsystem other /bin/false") as server:
            (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
            config = home / ".ssh" / "config"
            config.write_text(f"Host box\nHostName 127.0.0.1\nPort {server.port}\nIdentityFile {server.key}\n")
            remote = SftpRemote("ssh://box/x", Patience(attempts=2, sleep=pauses.append))
            with pytest.raises(RemoteError, match="ssh://box/x: NotConnected: no SFTP: "):
                remote.names()
        assert pauses == [0.5]

    def test_threads_that_wait_for_the_same_host_fail_with_the_first(self, home: Path) -> None:
        met: list[socket.socket] = []
        begin = threading.Barrier(8)
        with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
            port = listener.getsockname()[1]
            remote = SftpRemote(f"ssh://127.0.0.1:{port}/x", Patience(attempts=1, connect_s=0.5))

            def ask(_: int) -> None:
                begin.wait()
                with pytest.raises(RemoteError, match="NotConnected: .*(banner|no greeting within)"):
                    remote.names()

            with ThreadPoolExecutor(8) as pool:
                list(pool.map(ask, range(8)))
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    met.append(listener.accept()[0])
        for connection in met:
            connection.close()
        assert len(met) == 1


class TestStranger:
    """A server that is not OpenSSH, or means no good."""

    @pytest.fixture
    def serving(self, home: Path, server: Sshd, tmp_path: Path) -> Callable[..., AbstractContextManager[SftpRemote]]:
        (tmp_path / "files").mkdir()

        @contextlib.contextmanager
        def serve(*extra: str) -> Iterator[SftpRemote]:
            with stranger(tmp_path / "files", *extra) as (port, key):
                (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}\n")
                shutil.copyfile(server.key, home / ".ssh" / "id_ed25519")
                with closing(SftpRemote(f"ssh://me@127.0.0.1:{port}{tmp_path.as_posix()}/files")) as remote:
                    yield remote

        return serve

    @pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a\\b", "nul\0byte", "line\nend", "C:x", "a/b"])
    def test_a_hostile_name_in_a_listing_is_refused(
        self, serving: Callable[..., AbstractContextManager[SftpRemote]], name: str
    ) -> None:
        with serving(name) as remote, pytest.raises(RemoteError, match="is refused") as caught:
            remote.names()
        assert ascii(name) in str(caught.value)

    def test_a_server_without_posix_rename_replaces_files_too(
        self, serving: Callable[..., AbstractContextManager[SftpRemote]]
    ) -> None:
        with serving() as remote:
            remote.write("a/x", [b"before"])
            remote.write("a/x", [b"after"])
            assert content(remote, "a/x") == b"after"
            assert remote.names() == {"a/x": 5}


def test_without_paramiko_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(Refused, match=r"pip install 'taskstore\[ssh\]'"):
        SftpRemote("ssh://box/x")


@pytest.mark.parametrize(
    ("jump", "command"),
    [
        ("none", ""),
        ("gate", "ssh -o BatchMode=yes -W '[box.lan]:2222' -- gate"),
        ("a,b@c:22", "ssh -o BatchMode=yes -J a -W '[box.lan]:2222' -- b@c:22"),
    ],
)
def test_a_jump_host_is_spelled_as_a_command(home: Path, jump: str, command: str) -> None:
    (home / ".ssh" / "config").write_text(f"Host far\nHostName box.lan\nPort 2222\nProxyJump {jump}\n")
    assert ssh._Host.of(ssh.Target.of("ssh://far/x")).command == command
