from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.store import tasks, trash

from .conftest import Cli, Workshop
from .test_completion import offered

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links need a privilege there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs by name"


def links(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink())


def test_a_view_is_made_and_its_place_printed(cli: Cli, workshop: Workshop, folder: Path) -> None:
    task = workshop.task("a run", "vision/cats")
    result = cli("view", folder)
    assert (result.code, result.out) == (0, f"{folder}\n")
    assert result.err == "taskstore: 1 link: 1 made, 0 removed\n"
    assert links(folder) == [f"vision/cats/a run-{task.id[:8]}"]
    assert (folder / links(folder)[0] / "task.json").is_file()


def test_again_it_follows_the_store(cli: Cli, workshop: Workshop, folder: Path) -> None:
    kept, gone, renamed = (workshop.task(name) for name in ("it stays", "it goes", "its name"))
    assert cli("view", folder).code == 0
    assert cli("rm", gone.id).code == 0
    assert cli("rename", renamed.id, "another name").code == 0
    assert cli("mv", renamed.id, "vision/cats").code == 0
    assert cli("view", folder).err == "taskstore: 2 links: 1 made, 2 removed\n"
    assert links(folder) == [f"examples/it stays-{kept.id[:8]}", f"vision/cats/another name-{renamed.id[:8]}"]


def test_only_what_is_asked_for_is_in_it(cli: Cli, workshop: Workshop, folder: Path) -> None:
    good = workshop.task("good", "vision/cats", scalars={"loss/train": [0.1]})
    workshop.task("bad", "vision/cats", scalars={"loss/train": [0.9]})
    workshop.task("other", "audio", scalars={"loss/train": [0.1]})
    failed = workshop.task("failed", "vision", status=Status.FAILED)
    cli("view", folder, "--project", "vision", "--where", "loss/train < 0.5")
    assert links(folder) == [f"vision/cats/good-{good.id[:8]}"]
    cli("view", folder, "-w", "status = failed")
    assert links(folder) == [f"vision/failed-{failed.id[:8]}"]


def test_a_project_that_is_none_takes_nothing_out_of_a_view(cli: Cli, workshop: Workshop, folder: Path) -> None:
    workshop.task("a run", "vision/cats")
    cli("view", folder)
    result = cli("view", folder, "--project", "visoin")
    assert (result.code, result.err) == (3, "taskstore: no project 'visoin'; `taskstore project ls` lists them\n")
    assert len(links(folder)) == 1


def test_json_says_what_became_of_each_link(cli: Cli, workshop: Workshop, folder: Path) -> None:
    kept, gone = workshop.task("it stays"), workshop.task("it goes")
    cli("view", folder)
    trash.put(workshop.store, gone.id)
    new = workshop.task("it is new")
    place = f"{folder}/examples/"
    found = sorted(cli("view", folder, "--json").objects, key=lambda item: item["change"])
    assert found == [
        {"id": kept.id, "path": f"{place}it stays-{kept.id[:8]}", "change": "kept"},
        {"id": new.id, "path": f"{place}it is new-{new.id[:8]}", "change": "made"},
        {"id": None, "path": f"{place}it goes-{gone.id[:8]}", "change": "removed"},
    ]


def test_hostile_names_lead_nowhere(cli: Cli, workshop: Workshop, folder: Path) -> None:
    for name in ("../../../out", "/etc/passwd", "..\\..\\out", "\x1b[2Jcleared", "-rf ."):
        workshop.task(name, "demo")
    assert cli("view", folder).code == 0
    assert len(links(folder)) == 5
    assert {name.count("/") for name in links(folder)} == {1}
    assert [path.name for path in folder.parent.iterdir() if "out" in path.name] == []
    assert all(name.isprintable() for name in links(folder))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{store}", "is in the store itself"),
        ("{store}/projects/demo", "is in the store itself"),
        ("{store}/..", "that the store lies in"),
        ("{folder}/full", "is no view, and holds 'thesis.tex'"),
        ("{folder}/full/thesis.tex", "is a file"),
    ],
)
def test_a_place_that_is_no_views_is_refused(place: str, said: str, cli: Cli, workshop: Workshop, folder: Path) -> None:
    workshop.task()
    (folder / "full").mkdir(parents=True)
    (folder / "full" / "thesis.tex").write_text("mine")
    result = cli("view", place.format(store=workshop.store.root, folder=folder))
    assert (result.code, said in result.err) == (4, True)
    assert [path.name for path in folder.rglob("*")] == ["full", "thesis.tex"]


def test_what_is_in_the_way_stays_and_is_named(cli: Cli, workshop: Workshop, folder: Path) -> None:
    task = workshop.task("a run")
    cli("view", folder)
    place = folder / f"examples/a run-{task.id[:8]}"
    place.unlink()
    place.write_text("mine")
    result = cli("view", folder)
    assert result.code == 0
    assert f"{place} is not of this view, and stays" in result.err
    assert place.read_text() == "mine"


def test_a_damaged_task_is_named_and_the_others_have_links(cli: Cli, workshop: Workshop, folder: Path) -> None:
    sound, damaged = workshop.task("sound"), workshop.task("damaged")
    damaged.record.write_text("{")
    result = cli("view", folder)
    assert result.code == 6
    assert f"damaged file {damaged.record}" in result.err
    assert links(folder) == [f"examples/sound-{sound.id[:8]}"]


def test_a_condition_that_cannot_be_read_makes_nothing(cli: Cli, workshop: Workshop, folder: Path) -> None:
    assert cli("view", folder, "--where", "loss <").code == 4
    assert not folder.exists()


def test_projects_are_offered(workshop: Workshop) -> None:
    workshop.task("a run", "vision/cats")
    assert "vision/cats" in offered("taskstore view x --project vis")


def test_what_was_put_away_is_not_in_it(cli: Cli, workshop: Workshop, folder: Path) -> None:
    task = workshop.task("a run")
    cli("view", folder)
    cli("archive", task.id)
    cli("view", folder)
    assert links(folder) == []
    assert tasks.read(task).name == "a run"
