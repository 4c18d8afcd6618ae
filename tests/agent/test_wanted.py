"""What is read off a task's requirements and lock: lines for an installer, and what cannot be had elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from taskstore.agent.wanted import Wanted, allows, applies, read
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord

Read = Callable[..., Wanted]


@pytest.fixture
def read_lines(tmp_path: Path) -> Read:
    def read_them(*requirements: str, lock: Sequence[str] = (), record: ScriptRecord | None = None) -> Wanted:
        paths = TaskPaths(tmp_path / "task")
        paths.source.mkdir(parents=True, exist_ok=True)
        if requirements:
            paths.requirements.write_text("# Python 3.11.7 (main)\n\n" + "".join(f"{each}\n" for each in requirements))
        if lock:
            paths.environment.write_text("".join(f"{each}\n" for each in lock))
        return read(paths, record or ScriptRecord(python="3.11.7"))

    return read_them


def lines(wanted: Wanted) -> list[str]:
    return [package.line for package in wanted.packages]


def test_the_file_counts_with_its_extras_and_markers(read_lines: Read) -> None:
    wanted = read_lines("beta==1.0", "Alpha[extra]==2.0 ; python_version > '3'  # why", "# a comment", "gamma>=1,<2")
    assert lines(wanted) == ["Alpha[extra]==2.0 ; python_version > '3'", "beta==1.0", "gamma>=1,<2"]
    assert [(package.name, package.version) for package in wanted.packages] == [
        ("alpha", "2.0"),
        ("beta", "1.0"),
        ("gamma", ""),
    ]
    assert (wanted.python, wanted.notes, wanted.left_out) == ("3.11", (), ())


def test_the_record_counts_where_there_is_no_file(read_lines: Read) -> None:
    record = ScriptRecord(requirements={"alpha": "1.0", "beta": ">=2", "gamma": ""})
    wanted = read_lines(record=record)
    assert lines(wanted) == ["alpha==1.0", "beta>=2", "gamma"]
    assert wanted.python == ""


def test_the_lock_constrains_what_is_not_stated_and_what_it_allows(read_lines: Read) -> None:
    lock = ["alpha==1.0", "beta==1.5", "delta==4.0", "gamma==3.0", "taskstore==0.1"]
    wanted = read_lines("alpha==2.0", "beta>=2", "gamma", lock=lock)
    assert wanted.constraints == ("delta==4.0", "gamma==3.0")
    assert wanted.versions == {"alpha": "2.0", "delta": "4.0", "gamma": "3.0"}


def test_taskstore_itself_is_not_asked_for(read_lines: Read) -> None:
    assert lines(read_lines("taskstore==0.1", lock=["-e /somewhere  # taskstore==0.1"])) == []


def test_a_repository_is_taken_at_the_commit_of_the_lock(read_lines: Read) -> None:
    url = "git+https://example.org/alpha@0123456789abcdef"
    wanted = read_lines("alpha==1.0", lock=[f"alpha @ {url}", "beta @ https://example.org/beta.zip"])
    assert lines(wanted) == [f"alpha @ {url}"]
    assert wanted.packages[0].url == url
    assert wanted.constraints == ("beta @ https://example.org/beta.zip",)
    assert wanted.notes == (f"alpha is installed from where it was: {url}",)


def test_a_development_install_is_taken_from_its_folder_where_that_is_here(read_lines: Read, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    lock = [f"-e {project}  # alpha==1.0", "-e /nowhere/beta  # beta==1.0"]
    wanted = read_lines("alpha==1.0", "beta==1.0", lock=lock)
    assert lines(wanted) == [f"-e {project}"]
    assert [(package.name, package.version) for package in wanted.left_out] == [("beta", "1.0")]
    assert wanted.notes == (
        f"alpha is installed from {project}, as it is now",
        "beta is left out: it was a development install of /nowhere/beta, which is not on this machine",
    )
    assert wanted.constraints == ()


def test_a_version_asked_for_since_is_another_than_that_of_the_development_install(read_lines: Read) -> None:
    assert lines(read_lines("beta==2.0", lock=["-e /nowhere/beta  # beta==1.0"])) == ["beta==2.0"]


def test_an_archive_of_another_machine_is_looked_for_by_its_version(read_lines: Read, tmp_path: Path) -> None:
    here = tmp_path / "gamma-3.0-py3-none-any.whl"
    here.touch()
    lock = [
        "alpha @ file:///nowhere/alpha-1.0-py3-none-any.whl",
        "beta @ file:///nowhere/beta",
        f"gamma @ file://{here}",
    ]
    wanted = read_lines("alpha==1.0", "beta==1.0", "gamma==3.0", lock=lock)
    assert lines(wanted) == ["alpha==1.0", f"gamma @ file://{here}"]
    assert [package.name for package in wanted.left_out] == ["beta"]
    assert any("/nowhere/alpha-1.0-py3-none-any.whl is not on this machine" in note for note in wanted.notes)


@pytest.mark.parametrize(
    "line",
    [
        "alpha==1.0 --global-option=x",
        "alpha @ https://example.org/${SECRET}/alpha.zip",
        "alpha @ https://********@example.org/alpha.zip",
        "--trusted-host example.org",
        "-r other.txt",
        "./alpha",
        "/nowhere/alpha",
        "alpha==1.0\x1b[2J",
    ],
)
def test_what_is_no_plain_requirement_is_left_out_by_name(read_lines: Read, line: str) -> None:
    wanted = read_lines("beta==1.0", line)
    assert lines(wanted) == ["beta==1.0"]
    assert wanted.options == ()
    assert len(wanted.notes) == 1
    assert "is left out" in wanted.notes[0]


@pytest.mark.parametrize(
    ("line", "lock"),
    [
        ("alpha==1.0", "alpha @ https://example.org/${SECRET}/alpha.zip"),
        ("-e git+https://example.org/${SECRET}#egg=alpha", ""),
        ("-e {here}/${{SECRET}}", ""),
        ("-e {here}/with --option", ""),
    ],
)
def test_no_way_leads_around_that(read_lines: Read, tmp_path: Path, line: str, lock: str) -> None:
    for name in ("${SECRET}", "with --option"):
        (tmp_path / name).mkdir()
    wanted = read_lines(line.replace("{here}", str(tmp_path)).replace("{{", "{").replace("}}", "}"), lock=[lock])
    assert lines(wanted) == []
    assert "is left out: it " in wanted.notes[-1]


def test_a_repository_on_this_machine_is_taken_at_its_commit(read_lines: Read, tmp_path: Path) -> None:
    url = f"git+file://{tmp_path}@0123456789abcdef"
    assert lines(read_lines(f"alpha @ {url}", "beta @ git+file:///nowhere/beta@0123456789")) == [f"alpha @ {url}"]


def test_hashes_are_not_asked_for(read_lines: Read) -> None:
    wanted = read_lines("alpha==1.0 \\", "    --hash=sha256:abc \\", "    --hash=sha256:def", "beta==1.0")
    assert lines(wanted) == ["alpha==1.0", "beta==1.0"]


def test_options_that_say_where_packages_are_hold(read_lines: Read) -> None:
    wanted = read_lines("--extra-index-url https://example.org/simple", "-f https://example.org/links", "alpha==1.0")
    assert wanted.options == ("--extra-index-url https://example.org/simple", "-f https://example.org/links")
    assert wanted.notes == ()


def test_a_line_of_the_lock_that_is_no_plain_requirement_constrains_nothing(read_lines: Read) -> None:
    lock = ["alpha==1.0 --option=x", "beta @ file:///nowhere/beta.whl", "gamma==${X}", "delta==4.0"]
    assert read_lines("epsilon", lock=lock).constraints == ("delta==4.0",)


def test_a_version_is_compared_as_the_standard_says() -> None:
    assert allows("alpha>=1.9", "1.10")
    assert allows("alpha==2.1", "2.1.0+cu121")
    assert not allows("alpha<2", "2.0rc1")
    assert not allows("alpha @ https://example.org/alpha.zip", "1.0")
    assert allows("alpha[extra]", "1.0")


def test_a_marker_of_another_platform_does_not_apply() -> None:
    assert applies("alpha==1.0")
    assert applies("alpha==1.0; python_version >= '3'")
    assert not applies("alpha==1.0; python_version < '3'")
