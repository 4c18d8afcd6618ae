"""StorageManager: local folders, file addresses, the web, fsspec's places, and archives that may be hostile."""

from __future__ import annotations

import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from taskstore import storage
from taskstore.clearml import StorageManager
from taskstore.core.errors import Damaged, NotSupported
from taskstore.store.store import Store


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "served")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "sub" / "b.bin").write_bytes(b"bb")
    return made


def test_a_local_file_is_its_own_copy(folder: Path) -> None:
    for url in (str(folder / "a.txt"), (folder / "a.txt").as_uri()):
        assert StorageManager.get_local_copy(url) == str(folder / "a.txt")
    assert StorageManager.get_local_copy(str(folder / "none.txt")) is None


def test_a_file_of_the_web_is_fetched_once(served: str, tmp_path: Path) -> None:
    source = tmp_path / "served" / "x.txt"
    source.write_text("one")
    first = StorageManager.get_local_copy(f"{served}/x.txt")
    assert Path(first).read_text() == "one"
    source.write_text("two")
    assert StorageManager.get_local_copy(f"{served}/x.txt") == first
    assert Path(first).read_text() == "one"
    assert Path(StorageManager.get_local_copy(f"{served}/x.txt", force_download=True)).read_text() == "two"
    assert StorageManager.get_local_copy(f"{served}/none.txt") is None


def test_the_cache_holds_so_many_files_and_not_more(served: str, tmp_path: Path, store: Store, monkeypatch) -> None:
    monkeypatch.setattr(storage, "_limit", [storage.DEFAULT_LIMIT])
    for number in range(4):
        (tmp_path / "served" / f"{number}.txt").write_text(str(number))
    assert StorageManager.set_cache_file_limit(2) == 2
    kept = [StorageManager.get_local_copy(f"{served}/{number}.txt") for number in range(4)]
    assert len([path for path in store.paths.fetched("x").parent.iterdir() if path.is_dir()]) == 2
    assert Path(kept[-1]).is_file()
    with pytest.raises(ValueError, match="cache_file_limit"):
        StorageManager.set_cache_file_limit(0)


def test_archives_are_unpacked(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as packed:
        packed.write(folder / "a.txt", "in/a.txt")
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as bundle:
        bundle.add(folder, "in")
    for name in ("d.zip", "d.tar.gz"):
        found = StorageManager.get_local_copy(str(tmp_path / name))
        assert (Path(found) / "in" / "a.txt").read_text() == "a"
        assert StorageManager.get_local_copy(str(tmp_path / name), extract_archive=False) == str(tmp_path / name)


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as bundle:
        member = tarfile.TarInfo(name)
        member.size = 1
        bundle.addfile(member, io.BytesIO(b"x"))
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr(name, "x")
    for archive in ("evil.tar", "evil.zip"):
        with pytest.raises(Damaged):
            storage.get_local_copy(str(tmp_path / archive))
        assert StorageManager.get_local_copy(str(tmp_path / archive)) is None


def test_a_tar_with_a_link_or_a_device_is_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "evil.tar", "w") as bundle:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = kind, "/etc/passwd"
            bundle.addfile(member)
        with pytest.raises(Damaged, match="no file within itself"):
            storage.get_local_copy(str(tmp_path / "evil.tar"))


def test_files_and_folders_go_to_a_place_and_come_back(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert StorageManager.upload_file(str(folder / "a.txt"), str(place / "one.txt")) == str(place / "one.txt")
    assert (place / "one.txt").read_text() == "a"
    assert StorageManager.upload_folder(str(folder), (place / "all").as_uri())
    assert StorageManager.list(str(place / "all")) == ["a.txt", "sub/b.bin"]
    assert StorageManager.list(str(place / "all"), with_metadata=True)[1] == {"name": "sub/b.bin", "size": 2}
    assert StorageManager.list(str(place / "none")) is None
    back = tmp_path / "back"
    assert StorageManager.download_folder(str(place / "all"), str(back), match_wildcard="*.bin") == str(back)
    assert [path.name for path in back.rglob("*") if path.is_file()] == ["b.bin"]
    assert StorageManager.download_file(str(place / "one.txt"), str(back)) == str(back / "one.txt")
    (place / "one.txt").write_text("new")
    StorageManager.download_file(str(place / "one.txt"), str(back))
    assert (back / "one.txt").read_text() == "a"
    StorageManager.download_file(str(place / "one.txt"), str(back), overwrite=True)
    assert (back / "one.txt").read_text() == "new"
    with pytest.raises(ValueError, match="no file"):
        StorageManager.upload_file(str(folder / "none"), str(place / "x"))
    assert StorageManager.download_folder(str(tmp_path / "none"), str(back)) is None


def test_files_are_measured(folder: Path) -> None:
    assert StorageManager.exists_file(str(folder / "a.txt"))
    assert not StorageManager.exists_file(str(folder))
    assert StorageManager.get_file_size_bytes(str(folder / "sub" / "b.bin")) == 2
    assert StorageManager.get_file_size_bytes(str(folder / "none")) is None
    assert StorageManager.get_metadata(str(folder / "a.txt")) == {"name": "a.txt", "size": 1}
    assert list(StorageManager.get_stream(str(folder / "sub" / "b.bin"), chunk_size=1)) == [b"b", b"b"]
    StorageManager.set_report_download_chunk_size(5)
    StorageManager.set_report_upload_chunk_size(5)
    with pytest.raises(NotSupported):
        StorageManager.get_files_server()


def test_places_of_fsspec_work_alike(folder: Path, tmp_path: Path) -> None:
    StorageManager.upload_folder(str(folder), "memory://bucket/all")
    assert StorageManager.list("memory://bucket/all") == ["a.txt", "sub/b.bin"]
    assert StorageManager.exists_file("memory://bucket/all/a.txt")
    assert StorageManager.get_file_size_bytes("memory://bucket/all/sub/b.bin") == 2
    StorageManager.download_folder("memory://bucket/all", str(tmp_path / "back"))
    assert (tmp_path / "back" / "sub" / "b.bin").read_bytes() == b"bb"
    assert Path(StorageManager.get_local_copy("memory://bucket/all/a.txt")).read_text() == "a"
