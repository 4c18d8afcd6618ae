"""From the table to a clone that an agent runs while its page is open; and the picture of the README."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.store import query
from taskstore.store.store import Store, init

from .conftest import Site

Serve = Callable[..., Site]
ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "docs" / "images" / "page.png"
TABS = (
    "execution",
    "configuration",
    "artifacts",
    "info",
    "console",
    "scalars",
    "plots",
    "samples",
    "resources",
    "history",
)
_HIDE = """() => {
  document.querySelector('.ts-store').textContent = '~/.taskstore';
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (/^\\S+@\\S+$/.test(node.textContent.trim())) node.textContent = 'ada@lab';
}"""
"""The picture is of any machine, and says neither who made it nor where."""
PROGRAM = """\
import argparse, math
from taskstore import Task

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--name", default="baseline")
given = parser.parse_args()
task = Task.init("vision/digits", given.name, tags=["digits"])
for step in range(120):
    wave = math.sin(step * given.lr) * 0.04
    loss = math.exp(-step * given.lr / 10)
    task.get_logger().report_scalar("loss", "train", loss + wave / 2, step)
    task.get_logger().report_scalar("loss", "validation", loss * 1.1 + 0.08 + wave, step)
    task.get_logger().report_scalar("accuracy", "validation", 1 - loss * 0.9 - abs(wave), step)
    if step % 30 == 0:
        print(f"step {step}: loss {loss:.4f}")
task.close()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TASKSTORE_ROOT": str(tmp_path / "store")}


@pytest.fixture
def recorded(tmp_path: Path, environment: dict[str, str]) -> Store:
    """A store with three runs of a program, which is in a folder that is still there."""
    store = init(tmp_path / "store")
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM)
    for lr, name in ((0.1, "baseline"), (0.3, "larger steps"), (0.9, "too large")):
        command = [sys.executable, "train.py", "--lr", str(lr), "--name", name]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
    return store


def test_from_the_table_to_a_clone_that_an_agent_runs(
    recorded: Store, serve: Serve, environment: dict[str, str]
) -> None:
    site = serve(recorded.root)
    page = site.open()
    page.get_by_text("3 tasks").wait_for()
    site.by_id("filter").fill("lr < 0.5")
    page.get_by_text("2 of 3 tasks").or_(page.get_by_text("2 tasks")).first.wait_for()
    page.get_by_role("link", name="larger steps").click()
    page.wait_for_url("**/task/*")
    for tab in (*TABS[1:], TABS[0]):
        site.by_id(f"tab-{tab}").click()
        page.wait_for_url(f"**tab={tab}**")
        page.locator("[data-testid=panel]").get_by_text("This cannot be shown").wait_for(state="detached")
        page.wait_for_load_state("networkidle")
        site.shoot(f"tab-{tab}")
    source = page.url.partition("/task/")[2][:32]
    others = [row.id for row in query.find(recorded).rows if row.id != source]
    site.open(f"/compare?ids={','.join([source, *others])}")
    page.get_by_text("Args/lr").first.wait_for()
    site.shoot("compare")
    site.open(f"/task/{source}?tab=configuration")
    site.by_id("do-clone").click()
    site.by_id("clone-Args/lr").fill("0.5")
    site.by_id("clone-name").fill("in between")
    site.by_id("clone-queue").click()
    page.get_by_role("option", name="Enqueue in default").click()
    site.by_id("dialog-do").click()
    page.get_by_role("heading", name="in between").wait_for()
    site.by_id("status").get_by_text("Pending").wait_for()
    agent = [sys.executable, "-m", "taskstore_cli", "agent", "start", "--queue", "default", "--once"]
    subprocess.run([*agent, "--env", "inherit"], env=environment, check=True, capture_output=True, timeout=120)
    site.by_id("status").get_by_text("Completed").wait_for()
    site.by_id("tab-scalars").click()
    page.locator(".js-plotly-plot").first.wait_for()
    site.shoot("ran")
    made = query.find(recorded).rows[0]
    assert (made.task.name, made.task.parent, made.task.status.label) == ("in between", source, "Completed")
    assert made.hyperparams["Args"]["lr"].value == "0.5"
    site.open("/")
    page.get_by_text("4 tasks").wait_for()


def test_the_picture_of_the_readme_is_of_this_page(recorded: Store, serve: Serve) -> None:
    """It is made anew by UPDATE_PICTURES=1; its size tells a picture that is empty from one of charts."""
    site = serve(recorded.root)
    task = next(row for row in query.find(recorded).rows if row.task.name == "larger steps")
    page = site.open(f"/task/{task.id}?tab=scalars")
    for _ in range(2):
        page.locator(".js-plotly-plot .scatterlayer path").nth(1).wait_for()
    page.wait_for_timeout(500)  # fonts and the last redraw of the charts
    page.evaluate(_HIDE)
    shot = site.shoot("page")
    assert shot.stat().st_size > 30_000
    if os.environ.get("UPDATE_PICTURES"):
        shutil.copyfile(shot, PICTURE)
    assert PICTURE.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert PICTURE.stat().st_size > 30_000
    assert "docs/images/page.png" in (ROOT / "README.md").read_text("utf-8")
