"""The laws of remotes on a folder, and what is the folder's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote
from taskstore.share.remotes.folder import FolderRemote

from .laws import Laws, content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "remote"
    folder.mkdir()
    return folder


@pytest.fixture
def remote(root: Path) -> Remote:
    return FolderRemote(root)


@pytest.fixture
def other(root: Path) -> Remote:
    return FolderRemote(root)


class TestFolder(Laws):
    def test_a_folder_that_is_not_there_is_no_empty_one_and_is_not_made(self, tmp_path: Path) -> None:
        gone = FolderRemote(tmp_path / "stick")
        for act in (gone.names, lambda: gone.size("x"), lambda: content(gone, "x"), lambda: gone.write("x", [b""])):
            with pytest.raises(RemoteError, match="stick: there is no such folder; mount it"):
                act()
        assert not (tmp_path / "stick").exists()

    @pytest.mark.parametrize("link", ["secret", "a/secret", "folder/secret"])
    def test_a_link_is_refused_with_its_name(self, remote: Remote, root: Path, tmp_path: Path, link: str) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret").write_text("private")
        if link == "folder/secret":
            (root / "folder").symlink_to(outside)
        else:
            (root / link).parent.mkdir(exist_ok=True)
            (root / link).symlink_to(outside / "secret")
        shown = link.split("/")[0] if link == "folder/secret" else link
        for act in (remote.names, lambda: content(remote, link), lambda: remote.write(link, [b"x"])):
            with pytest.raises(RemoteError, match=f"'{shown}' is refused: it is a link"):
                act()
        assert (outside / "secret").read_text() == "private"

    def test_a_pipe_is_refused(self, remote: Remote, root: Path) -> None:
        os.mkfifo(root / "pipe")
        for act in (remote.names, lambda: content(remote, "pipe")):
            with pytest.raises(RemoteError, match="'pipe' is refused"):
                act()

    @pytest.mark.parametrize("name", [b"a\\b", b"line\nend", b"latin-\xfc"])
    def test_a_hostile_name_in_the_folder_is_refused(self, remote: Remote, root: Path, name: bytes) -> None:
        (root / os.fsdecode(name)).write_text("x")
        with pytest.raises(RemoteError, match="is refused") as caught:
            remote.names()
        assert ascii(os.fsdecode(name)) in str(caught.value)

    def test_what_is_being_written_is_not_listed(self, remote: Remote, root: Path) -> None:
        (root / ".x.0000-1-ab.tmp").write_text("half")
        (root / ".new-1234-abcd").mkdir()
        (root / ".new-1234-abcd" / "task.json").write_text("half")
        assert remote.names() == {}

    def test_what_the_system_refuses_is_named(self, plain_user: Path) -> None:
        closed = plain_user / "closed"
        closed.mkdir()
        (closed / "x").write_text("x")
        (closed / "x").chmod(0)
        with pytest.raises(RemoteError, match=r"closed \(x\): PermissionError"):
            content(FolderRemote(closed), "x")
