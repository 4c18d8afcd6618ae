"""The installed distributions, on this search path and on made-up ones."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from taskstore.disk.distributions import Distribution, Installed


def _install(folder: Path, name: str, version: str, *, info: str | None = None) -> Path:
    path = folder / (info or f"{name}-{version}.dist-info")
    path.mkdir(parents=True)
    file = "METADATA" if path.suffix == ".dist-info" else "PKG-INFO"
    (path / file).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\n")
    return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the search path."""
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return tmp_path


def _found() -> dict[str, str]:
    return {dist.name: dist.version for dist in Installed().everything()}


def test_versions_are_those_of_the_metadata() -> None:
    found = _found()
    assert "pytest" in found
    assert {name: metadata.version(name) for name in found} == found


def test_names_are_compared_as_in_pep_503(site: Path) -> None:
    _install(site, "Py_YAML..ish", "6.0.1")
    assert _found() == {"py-yaml-ish": "6.0.1"}


def test_what_a_folder_name_cannot_say_is_read(site: Path) -> None:
    _install(site, "odd", "2013-6", info="odd-2013_6.dist-info")
    _install(site, "mine", "7", info="mine.egg-info")
    _install(site, "old-name", "1.1", info="old_name-1.1-py3.9.egg-info")
    _install(site, "egg", "3", info="EGG-INFO")
    (site / "plain-2.3-py3.9.egg-info").write_text("Metadata-Version: 1.1\nName: plain\nVersion: 2.3\n")
    assert _found() == {"odd": "2013-6", "mine": "7", "old-name": "1.1", "egg": "3", "plain": "2.3"}


def test_leftovers_of_an_interrupted_uninstall_are_not_installed(site: Path) -> None:
    _install(site, "alpha", "0.9", info="~lpha-0.9.dist-info")
    (site / "gone-1.0.dist-info").mkdir()
    assert _found() == {}


def test_of_one_name_the_first_on_the_search_path_is_in_use(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(site / "first", "alpha", "1")
    _install(site / "second", "Alpha", "2")
    monkeypatch.setattr("sys.path", [str(site / name) for name in ("absent", "first", "second")])
    assert _found() == {"alpha": "1"}


def test_a_file_belongs_to_whose_record_lists_exactly_it(site: Path) -> None:
    (_install(site, "alpha", "1") / "RECORD").write_text("space/one.py,,\nspace/two.py,,\n")
    (_install(site, "beta", "2") / "RECORD").write_bytes(b"space/three.py,,\r\nother/space/one.py,,\r\n")
    installed = Installed()
    owners = {name: [d.name for d in installed.owners(str(site / "space" / name))] for name in ("one.py", "three.py")}
    assert owners == {"one.py": ["alpha"], "three.py": ["beta"]}
    assert installed.owners(str(site / "space" / "on.py")) == []
    assert installed.owners(str(site.parent / "one.py")) == []


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (
            {"url": "https://me:s3cret@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}},
            "pkg @ git+https://git.example/x.git@abc123",
        ),
        (
            {"url": "ssh://git@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "a"}, "subdirectory": "p"},
            "pkg @ git+ssh://git@git.example/x.git@a#subdirectory=p",
        ),
        (
            {"url": "https://files.example/p.whl?token=s3cret", "archive_info": {"hashes": {"sha256": "ff"}}},
            "pkg @ https://files.example/p.whl#sha256=ff",
        ),
        ({"url": "file:///my%20work/pkg", "dir_info": {"editable": True}}, "-e /my work/pkg  # pkg==1.5"),
        ({"url": "file:///nowhere/at/all", "dir_info": {}}, "pkg==1.5"),
        ({"url": 5}, "pkg==1.5"),
        ([], "pkg==1.5"),
    ],
)
def test_where_it_came_from_is_told_without_credentials(tmp_path: Path, origin: object, line: str) -> None:
    (tmp_path / "direct_url.json").write_text(json.dumps(origin))
    assert Distribution(str(tmp_path), "pkg", "1.5").requirement() == line


def test_a_local_archive_that_is_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "direct_url.json").write_text(json.dumps({"url": tmp_path.as_uri(), "dir_info": {}}))
    assert Distribution(str(tmp_path), "pkg", "1.5").requirement() == f"pkg @ {tmp_path.as_uri()}"


def test_a_damaged_origin_leaves_the_version(tmp_path: Path) -> None:
    (tmp_path / "direct_url.json").write_bytes(b"{\xff")
    assert Distribution(str(tmp_path), "pkg", "1.5").requirement() == "pkg==1.5"
