"""From one run to the next on another path: what ran comes back, though the place where it ran is gone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from taskstore.agent.source import rebuild
from taskstore.core.states import Status
from taskstore.run.launch import Plan, run_task
from taskstore.sections import clone
from taskstore.store import places, tasks
from tests.agent.making import tree_hash
from tests.run.programs import only_task, run
from tests.unit.capture.gitrepo import GitRepo, isolate

PROGRAM = """\
import os, sys
import helper
TASK
sys.path.insert(0, {tests!r})
from tests.agent.making import tree_hash
from pathlib import Path
Path({result!r}).write_text(tree_hash(Path(__file__).parent) + " " + helper.NAME + " " + " ".join(sys.argv[1:]))
"""


def test_a_run_with_changes_of_every_kind_is_run_again_elsewhere_with_its_folder_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path, monkeypatch)
    result = tmp_path / "result"
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    library = GitRepo.create(tmp_path / "library")
    library.write("lib.py", "one\n")
    library.commit()
    repo = GitRepo.create(tmp_path / "work")
    for name in ("staged.py", "unstaged.py", "helper.py", "gone.py", "moved.py"):
        repo.write(name, f"NAME = '{name}'\n" * 20)
    repo.git("submodule", "--quiet", "add", str(library.root), "lib")
    repo.commit()
    repo.publish(tmp_path / "remote.git")
    repo.write("unpushed.py", "unpushed\n")
    repo.commit()
    repo.write("staged.py", "staged\n")
    repo.git("mv", "moved.py", "moved here.py")
    repo.git("rm", "-q", "gone.py")
    repo.git("add", "-A")
    repo.write("unstaged.py", "unstaged\n")
    repo.write("helper.py", "NAME = 'changed'\n")
    repo.write("untracked/tool.sh", "#!/bin/sh\n", mode=0o755)
    repo.link("untracked/link", "tool.sh")
    module = GitRepo(repo.root / "lib")
    module.write("unpushed.py", "only here\n")
    module.commit()
    module.write("lib.py", "changed\n")
    module.write("untracked ☃", "new\n")

    text = PROGRAM.format(tests=str(Path(__file__).parents[2]), result=str(result))
    ended = run(repo.root, text, "--epochs", "3")
    assert (ended.code, ended.told) == (0, [])
    first = result.read_text()
    assert first == f"{tree_hash(repo.root)} changed --epochs 3"
    result.unlink()
    ran = only_task(ended)
    draft = clone.clone(ran.store, places.locate(ran.store, ran.record.id))
    script = tasks.read_script(draft)
    shutil.rmtree(repo.root)

    found = rebuild(draft, script, tmp_path / "elsewhere", tell=lambda text: None)
    assert found.notes == ()
    planned = Plan((*found.target, *script.argv[1:]), found.cwd)
    assert run_task(ran.store, draft.id, planned) == 0
    assert result.read_text() == first
    again = places.locate(ran.store, draft.id)
    assert tasks.read(again).status is Status.COMPLETED
    shutil.rmtree(tmp_path / "elsewhere")

    # What the second run has recorded of itself is as good as the first record.
    recorded = tasks.read_script(again)
    for name in ("repository", "branch", "version_num", "working_dir", "entry_point", "diff", "untracked", "missing"):
        assert getattr(recorded, name) == getattr(script, name), name
    assert [(each.path, each.version_num, each.diff) for each in recorded.submodules] == [
        (each.path, each.version_num, each.diff) for each in script.submodules
    ]
    third = rebuild(again, recorded, tmp_path / "a third place", tell=lambda text: None)
    assert tree_hash(third.root) == first.split()[0]
    assert subprocess.run(["git", "status", "--porcelain"], cwd=third.root, check=True, capture_output=True).stdout
