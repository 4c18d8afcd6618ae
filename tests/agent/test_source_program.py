"""What python is given, and where it starts: what runs is the rebuilt code, and prints what the original prints."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.agent.source import Tree
from taskstore.core.errors import CodeDiffers, CodeNotFound, Refused
from taskstore.run.code import PENDING
from taskstore.schema.record import FileRef, ScriptRecord
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, tree_hash
from tests.unit.capture.gitrepo import GitRepo

SHOW = "import os, sys\nimport helper\nprint(helper.NAME, os.path.basename(os.getcwd()), *sys.argv[1:])\n"


def run(tree: Tree, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, tree.pythonpath))}
    command = [sys.executable, *tree.target, *arguments]
    return subprocess.run(command, cwd=tree.cwd, env=env, check=True, capture_output=True, text=True).stdout.strip()


def test_a_script_starts_in_the_folder_below_the_root_that_it_was_started_in(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("tools/show.py", SHOW)
    repo.write("tools/helper.py", "NAME = 'helper'\n")
    (repo.root / "runs/today").mkdir(parents=True)
    paths, script = captured(store, entry(repo.root / "tools/show.py", repo.root / "runs/today"))
    assert (script.working_dir, script.entry_point) == ("runs/today", "../../tools/show.py")
    found = built((paths, script), tmp_path / "again")
    assert found.cwd == found.root / "runs/today"
    assert found.target == (str(found.root / "tools/show.py"),)
    assert run(found, "a b") == "helper today a b"


def test_a_script_started_outside_of_its_repository_starts_in_the_root_and_that_is_told(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    found = built(captured(store, entry(repo.root / "main.py", tmp_path)), tmp_path / "again")
    assert found.cwd == found.root
    assert found.notes == (
        f"it was started in {tmp_path}, outside of its repository, and is started in the repository's root",
    )


@pytest.mark.parametrize(("module", "file"), [("pkg.show", "pkg/show.py"), ("pkg", "pkg/__main__.py")])
@pytest.mark.parametrize("folder", ["", "src/"])
def test_a_module_is_run_as_one_also_where_it_lay_in_another_folder(
    module: str, file: str, folder: str, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write(f"{folder}pkg/__init__.py", "")
    repo.write(f"{folder}pkg/helper.py", "NAME = 'relative'\n")
    repo.write(f"{folder}{file}", SHOW.replace("import helper", "from . import helper"))
    program = entry(repo.root / folder / file, repo.root, kind="module", module=module)
    found = built(captured(store, program), tmp_path / "again")
    assert found.target == ("-m", module)
    assert found.pythonpath == ((found.root / "src",) if folder else ())
    assert run(found, "x") == "relative project x"


@pytest.mark.parametrize("folder", ["", "src/"])
def test_a_draft_of_a_module_has_its_name_only(folder: str, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write(f"{folder}pkg/show.py", "print('a draft')\n")
    repo.commit()
    paths, _ = captured(store, entry(repo.root / "main.py", repo.root))
    draft = ScriptRecord(repository=str(repo.root), branch="main", kind="module", module="pkg.show")
    found = built((paths, draft), tmp_path / "again")
    assert (found.target, run(found)) == (("-m", "pkg.show"), "a draft")
    assert [note for note in found.notes if "environment" in note] == []


def test_an_installed_module_is_left_to_the_environment(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    program = entry(Path(json.__file__).parent / "tool.py", repo.root, kind="module", module="json.tool")
    found = built(captured(store, program), tmp_path / "again")
    assert (found.target, found.cwd) == (("-m", "json.tool"), found.root)
    assert "taken from the environment" in found.notes[0]


@pytest.mark.parametrize("name", ["train.py", "Ünï code (1).py", "ALL CAPS.PY", "x" * 120 + ".py"])
def test_a_script_of_no_repository_is_written_out_under_its_own_name(
    name: str, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    folder = GitRepo(tmp_path / "plain")
    script = folder.write(name, "import sys\nprint(sys.argv[1:])\n")
    found = built(captured(store, entry(script, folder.root)), tmp_path / "again")
    shutil.rmtree(folder.root)
    assert (found.root, found.cwd) == (tmp_path / "again/script", tmp_path / "again/script")
    assert found.target == (str(found.root / name),)
    assert run(found, "1") == "['1']"


def test_a_script_outside_of_the_repository_that_it_ran_in_has_both(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    script = GitRepo(tmp_path / "plain").write("show.py", "import os\nprint(sorted(os.listdir()))\n")
    repo.write("helper.py")
    found = built(captured(store, entry(script, repo.root)), tmp_path / "again")
    assert (found.root.name, found.cwd, Path(found.target[0]).name) == ("project", found.root, "show.py")
    assert "'helper.py'" in run(found)
    assert tree_hash(found.root) == tree_hash(repo.root)


def test_an_ignored_script_comes_back_in_its_place(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write(".gitignore", "scratch/\n")
    repo.write("helper.py")
    script = repo.write("scratch/show.py", "import os, sys\nprint(os.path.relpath(sys.path[0], os.getcwd()))\n")
    found = built(captured(store, entry(script, repo.root)), tmp_path / "again")
    assert found.target == (str(found.root / "scratch/show.py"),)
    assert run(found) == "scratch"


def test_a_script_that_git_would_not_take_along_comes_back_in_its_place(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    script = repo.write("tools/credentials", "print('hello')\n")
    made = captured(store, entry(script, repo.root))
    assert made[1].standalone is not None
    found = built(made, tmp_path / "again")
    assert found.target == (str(found.root / "tools/credentials"),)
    assert run(found) == "hello"


def test_a_module_that_was_captured_without_its_package_is_refused(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    plain = GitRepo(tmp_path / "plain")
    file = plain.write("pkg/show.py", "from . import helper\n")
    with pytest.raises(CodeNotFound, match="imports from its package"):
        built(captured(store, entry(file, plain.root, kind="module", module="pkg.show")), tmp_path / "again")
    file = plain.write("pkg/show.py", "print('alone')\n")
    found = built(captured(store, entry(file, plain.root, kind="module", module="pkg.show")), tmp_path / "once more")
    assert (run(found), found.notes) == ("alone", ("pkg.show was captured by itself, and is run as a script",))


def test_a_notebook_is_run_as_python_in_the_folder_that_it_was_in(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": ["import helper\n", "%matplotlib inline\n", "print(helper.NAME)"]}]
    notebook = repo.write("notes/look.ipynb", json.dumps({"cells": cells}))
    repo.write("notes/helper.py", "NAME = 'helper'\n")
    paths, script = captured(store, entry(notebook, repo.root / "notes", kind="notebook"))
    assert script.standalone is None
    found = built((paths, script), tmp_path / "again")
    assert found.target == (str(tmp_path / "again/script/look.py"),)
    assert run(found) == "helper"


@pytest.mark.parametrize(
    ("kind", "name", "point"), [("command", "command.py", ""), ("notebook", "notebook.py", "look.ipynb")]
)
def test_what_was_typed_is_run_from_its_copy_and_imports_as_it_did(
    kind: str, name: str, point: str, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("notes/helper.py", "NAME = 'helper'\n")
    repo.write("notes/look.ipynb", "{}")
    paths, script = captured(store, entry(None, repo.root / "notes", kind=kind))
    text = b"import helper, os\nprint(helper.NAME, os.path.basename(os.getcwd()))\n"
    copy = paths.standalone(name)
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(text)
    script.standalone = FileRef(
        path=copy.relative_to(paths.home).as_posix(), size=len(text), hash=hashlib.sha256(text).hexdigest()
    )
    script.entry_point = point
    found = built((paths, script), tmp_path / "again")
    assert found.target == (str(tmp_path / "again/script" / name),)
    assert run(found) == "helper notes"


def test_a_record_without_a_program_is_refused(store: Store, repo: GitRepo, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    with pytest.raises(Refused, match="records no program"):
        built((paths, ScriptRecord()), tmp_path / "none")
    script.entry_point = "gone.py"
    with pytest.raises(CodeNotFound, match=r"gone\.py, is not in its code"):
        built((paths, script), tmp_path / "gone")


def test_code_whose_capture_did_not_come_to_its_end_is_refused(store: Store, tmp_path: Path, repo: GitRepo) -> None:
    paths, _ = captured(store, entry(repo.root / "main.py", repo.root))
    with pytest.raises(CodeNotFound, match="was not captured"):
        built((paths, ScriptRecord(entry_point="/x.py", notes=[PENDING])), tmp_path / "again")


def test_a_changed_copy_of_a_script_is_refused(store: Store, tmp_path: Path, repo: GitRepo) -> None:
    script = GitRepo(tmp_path / "plain").write("show.py", "print('hello')\n")
    paths, record = captured(store, entry(script, script.parent))
    assert record.standalone is not None
    copy = paths.home / record.standalone.path
    copy.write_text("print('HELLO')\n")
    with pytest.raises(CodeDiffers) as caught:
        built((paths, record), tmp_path / "again")
    assert caught.value.files == ((record.standalone.path, "its SHA-256 is another"),)
    copy.unlink()
    with pytest.raises(CodeDiffers, match=r"show\.py: No such file"):
        built((paths, record), tmp_path / "gone")
