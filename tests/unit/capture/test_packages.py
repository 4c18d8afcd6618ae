"""Which packages count: made-up projects and libraries, read and run by real interpreters."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent

import pytest

from taskstore.capture import packages

REPOSITORY = Path(__file__).parents[3]

# Runs a script as a launcher would (or only reads it), then prints what counts.
DRIVER = """
import json, runpy, sys
from pathlib import Path
from taskstore.capture import packages
case = json.loads(sys.argv[1])
script, root = (Path(case[key]) if case[key] else None for key in ("script", "root"))
sys.argv[:] = [str(script), *case["argv"]]
sys.path[0] = str(script.parent) if script else ""
notes = []
with packages.watched() as observed:
    if case["run"]:
        runpy.run_path(str(script), run_name="__main__")
source = case["source"].encode() if case["source"] is not None else None
print(json.dumps({
    "imported": packages.imported(
        script, root, source=source, observed=observed, stands=case["stands"], note=notes.append
    ),
    "environment": packages.environment(), "notes": notes, "loaded": sorted(sys.modules),
}))
"""


class World:
    """A project folder, and a folder of libraries that stands on the module search path."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.libraries = folder / "libraries"
        self.project.mkdir()
        self.libraries.mkdir()

    def write(self, name: str, text: str = "") -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def install(
        self, name: str, version: str, files: dict[str, str], *, top_level: str | None = None, record: bool = True
    ) -> Path:
        for file, text in files.items():
            path = self.libraries / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        info = self.libraries / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nLong text\n")
        if record:
            (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
        if top_level is not None:
            (info / "top_level.txt").write_text(top_level)
        return info

    def look(
        self,
        script: str | None,
        *argv: str,
        run: bool = False,
        source: str | None = None,
        root: bool = True,
        stands: dict[str, str] | None = None,
    ) -> dict[str, object]:
        case = {
            "stands": stands,
            "script": str(self.project / script) if script else None,
            "root": str(self.project) if root else None,
            "argv": argv,
            "run": run,
            "source": source,
        }
        return answer(DRIVER, json.dumps(case), world=self)

    def imported(self, script: str | None, *argv: str, run: bool = False, source: str | None = None) -> object:
        return self.look(script, *argv, run=run, source=source)["imported"]


def answer(code: str, *argv: str, world: World) -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(world.libraries), str(REPOSITORY)])}
    done = subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True, text=True, timeout=60, check=False, cwd=world.project, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.install("alpha", "1.0", {"alpha/__init__.py": "import beta\n"})
    world.install("beta", "2.0", {"beta.py": ""})
    world.install("Py_YAML.ish", "6.0.1", {"yamlish/__init__.py": "", "yamlish/_fast.py": ""}, top_level="yamlish\n")
    return world


def test_an_import_counts_under_the_distributions_normalised_name(world: World) -> None:
    world.write("train.py", "import yamlish\nfrom alpha import something\n")
    assert world.imported("train.py") == {"alpha": "1.0", "py-yaml-ish": "6.0.1"}


def test_what_a_library_imports_does_not_count(world: World) -> None:
    world.write("train.py", "import alpha\n")
    found = world.look("train.py", run=True)
    assert "beta" in found["loaded"]  # type: ignore[operator]
    assert found["imported"] == {"alpha": "1.0"}


@pytest.mark.parametrize(
    ("script", "counted"),
    [
        ("import torch", {"torch": "2.13", "tensorboard": "2.21"}),
        ("import torch, tensorboard", {"torch": "2.13", "tensorboard": "2.21"}),
        ("import torch, tensorboardX", {"torch": "2.13", "tensorboardx": "2.6"}),
        ("import json", {}),
    ],
)
def test_the_tensorboard_that_is_installed_goes_with_torch(world: World, script: str, counted: dict[str, str]) -> None:
    world.install("torch", "2.13", {"torch/__init__.py": ""})
    world.install("tensorboard", "2.21", {"tensorboard/__init__.py": ""})
    world.install("tensorboardX", "2.6", {"tensorboardX/__init__.py": ""})
    world.write("train.py", script)
    assert world.imported("train.py") == counted


def test_without_tensorboard_torch_is_alone(world: World) -> None:
    world.install("torch", "2.13", {"torch/__init__.py": ""})
    world.write("train.py", "import torch")
    assert world.imported("train.py") == {"torch": "2.13"}


def test_no_module_of_the_standard_library_counts(world: World) -> None:
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
    world.write("train.py", "".join(f"import {name}\n" for name in names) + "import os.path, xml.dom.minidom\n")
    assert world.imported("train.py") == {}


def test_a_local_module_shadows_the_distribution_and_the_standard_library_of_its_name(world: World) -> None:
    world.write("alpha.py")
    world.write("statistics.py", "import yamlish\n")
    world.write("train.py", "import alpha, statistics\n")
    assert world.imported("train.py", run=True) == {"py-yaml-ish": "6.0.1"}
    assert world.imported("train.py") == {"py-yaml-ish": "6.0.1"}


def test_imports_of_local_modules_are_followed(world: World) -> None:
    world.write("train.py", "import steps.one\n")
    world.write("steps/__init__.py", "from . import two\n")
    world.write("steps/one.py", "from ..nowhere import x\n")
    world.write("steps/two.py", "def late():\n    from .deep.three import y\n")
    world.write("steps/deep/three.py", "import alpha\nimport train\n")
    assert world.imported("train.py") == {"alpha": "1.0"}


def test_a_module_elsewhere_in_the_repository_is_the_programs_own(world: World) -> None:
    world.write("scripts/train.py", "import common, shared\n")
    world.write("common.py", "import alpha\n")
    world.write("src/shared/__init__.py", "import yamlish\n")
    assert world.imported("scripts/train.py") == {"alpha": "1.0", "py-yaml-ish": "6.0.1"}


def test_an_import_in_a_function_a_class_or_a_branch_counts(world: World) -> None:
    world.write(
        "train.py",
        """
        class Model:
            def fit(self):
                with open("x") as f:
                    import alpha
        match 1:
            case 2:
                import yamlish
        """,
    )
    assert world.imported("train.py") == {"alpha": "1.0", "py-yaml-ish": "6.0.1"}


def test_of_a_name_that_stands_for_another_package_both_count_as_far_as_they_are_installed(world: World) -> None:
    world.write("train.py", "from remote.logger import Logger\nimport alpha.sub\n")
    world.install("local", "3.0", {"local/remote.py": ""})
    stands = {"remote": "local.remote", "alpha": "local.alpha"}
    assert world.look("train.py", stands=stands)["imported"] == {"alpha": "1.0", "local": "3.0"}
    world.install("remote", "4.0", {"remote/__init__.py": ""})
    both = {"alpha": "1.0", "local": "3.0", "remote": "4.0"}
    assert world.look("train.py", stands=stands)["imported"] == both
    assert world.look("train.py")["imported"] == {"alpha": "1.0", "remote": "4.0"}


def test_the_stand_in_for_an_installed_package_does_not_count(world: World) -> None:
    text = "try:\n    import {}\nexcept ImportError:\n    import {}\nfinally:\n    import yamlish\n"
    world.write("first.py", text.format("alpha", "beta"))
    world.write("second.py", text.format("missing", "beta"))
    assert world.imported("first.py") == {"alpha": "1.0", "py-yaml-ish": "6.0.1"}
    assert world.imported("second.py") == {"beta": "2.0", "py-yaml-ish": "6.0.1"}


def test_what_only_a_type_checker_imports_does_not_count(world: World) -> None:
    text = "import typing\nif typing.TYPE_CHECKING:\n    import alpha\nelse:\n    import yamlish\n"
    world.write("train.py", text)
    assert world.imported("train.py") == {"py-yaml-ish": "6.0.1"}


def test_a_vendored_copy_is_not_the_distribution(world: World) -> None:
    world.write("train.py", "from _vendored import alpha\nfrom _vendored.yamlish import x\n")
    world.write("_vendored/alpha/__init__.py", "from . import beta\n")
    world.write("_vendored/alpha/beta.py")
    world.write("_vendored/yamlish.py")
    assert world.imported("train.py", run=False) == {}


def test_a_vendored_copy_within_a_library_counts_as_that_library(world: World) -> None:
    world.install("pippy", "3", {"pippy/__init__.py": "", "pippy/_vendor/alpha/__init__.py": ""})
    world.write("train.py", "from pippy._vendor import alpha\n")
    assert world.imported("train.py", run=True) == {"pippy": "3"}


def test_of_a_namespace_only_the_imported_part_counts(world: World) -> None:
    world.install("spaces-store", "1.1", {"spaces/cloud/store/__init__.py": ""}, top_level="spaces")
    world.install("spaces-query", "1.2", {"spaces/cloud/query.py": ""}, top_level="spaces")
    world.install("spaces-other", "1.3", {"spaces/other.py": ""}, top_level="spaces")
    world.write("train.py", "from spaces.cloud import store\nimport spaces.other\n")
    assert world.imported("train.py") == {"spaces-other": "1.3", "spaces-store": "1.1"}
    assert world.imported("train.py", run=True) == {"spaces-other": "1.3", "spaces-store": "1.1"}


def test_one_distribution_counts_once_for_its_many_modules(world: World) -> None:
    world.install("tools", "5", {"hammer.py": "", "saw/__init__.py": "", "_nail.py": ""})
    world.write("train.py", "import hammer, saw\nimport _nail\n")
    assert world.imported("train.py") == {"tools": "5"}


def test_of_two_distributions_with_one_module_both_count(world: World) -> None:
    world.install("vision", "4.1", {"cv/__init__.py": ""})
    world.install("vision-headless", "4.2", {"cv/__init__.py": ""})
    world.write("train.py", "import cv\n")
    assert world.imported("train.py") == {"vision": "4.1", "vision-headless": "4.2"}


def test_a_distribution_without_a_record_is_known_by_its_top_level(world: World) -> None:
    world.install("Sys_Tem", "0.9", {"systematic.py": ""}, top_level="systematic\n", record=False)
    (world.libraries / "plain.py").write_text("")
    (world.libraries / "plain-2.3-py3.9.egg-info").write_text("Metadata-Version: 1.1\nName: plain\nVersion: 2.3\n")
    world.write("train.py", "import systematic, plain\n")
    assert world.imported("train.py") == {"plain": "2.3", "sys-tem": "0.9"}


def _editable(world: World, name: str, folder: Path) -> None:
    info = world.install(name, "0.1.dev3", {f"{name}.pth": ""})
    (info / "direct_url.json").write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))


def test_an_editable_installation_elsewhere_counts_and_is_not_followed(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "gamma").mkdir(parents=True)
    (elsewhere / "gamma" / "__init__.py").write_text("import alpha\n")
    _editable(world, "gamma", elsewhere)
    world.write("train.py", f"import sys\nsys.path.append({str(elsewhere)!r})\nimport gamma\n")
    found = world.look("train.py", run=True)
    assert found["imported"] == {"gamma": "0.1.dev3"}
    assert f"-e {elsewhere}  # gamma==0.1.dev3" in found["environment"]  # type: ignore[operator]


def test_the_programs_own_editable_installation_is_followed_and_does_not_count(world: World) -> None:
    world.write("src/mine/__init__.py", "import alpha\n")
    _editable(world, "mine", world.project)
    world.write("train.py", "import mine\n")
    assert world.imported("train.py") == {"alpha": "1.0"}


def test_a_development_installation_of_the_project_does_not_count(world: World) -> None:
    world.write("mine.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: mine\nVersion: 7\n")
    world.write("mine.egg-info/top_level.txt", "mine\n")
    world.write("mine/__init__.py", "import alpha\n")
    world.write("train.py", "import mine\n")
    assert world.imported("train.py") == {"alpha": "1.0"}


def test_a_virtual_environment_in_the_project_is_not_the_program(world: World) -> None:
    site = world.write("venv/lib/site-packages/inner/__init__.py", "import alpha\n").parents[1]
    world.write("venv/lib/site-packages/inner-8.dist-info/METADATA", "Name: inner\nVersion: 8\n")
    world.write("venv/lib/site-packages/inner-8.dist-info/RECORD", "inner/__init__.py,,\n")
    world.write("venv/lib/site-packages/stray.py", "import alpha\n")
    world.write("train.py", f"import sys\nsys.path.append({str(site)!r})\nimport inner, stray\n")
    assert world.imported("train.py", run=True) == {"inner": "8"}


def test_a_module_on_the_search_path_that_nobody_installed_is_followed(world: World) -> None:
    (world.libraries / "helpers.py").write_text("import alpha\n")
    world.write("train.py", "import helpers\n")
    assert world.imported("train.py") == {"alpha": "1.0"}


def test_importlib_with_a_name_in_the_text_counts_unrun(world: World) -> None:
    world.write("train.py", "import importlib as i\ndef f(): return [i.import_module('alpha'), __import__('beta')]\n")
    assert world.imported("train.py") == {"alpha": "1.0", "beta": "2.0"}


def test_importlib_with_a_computed_name_counts_when_run(world: World) -> None:
    world.write("train.py", "import sys, plugins\nplugins.load(sys.argv[1])\n")
    world.write("plugins.py", "import importlib\ndef load(name):\n    return importlib.import_module(name)\n")
    assert world.imported("train.py", "alpha") == {}
    assert world.imported("train.py", "alpha", run=True) == {"alpha": "1.0"}


def test_a_local_module_loaded_by_a_computed_name_is_read(world: World) -> None:
    world.write("train.py", "import importlib, sys\nimportlib.import_module(sys.argv[1])\n")
    world.write("models/net.py", "def fit():\n    import yamlish\n")
    assert world.imported("train.py", "models.net", run=True) == {"py-yaml-ish": "6.0.1"}


def test_a_tool_in_a_hidden_folder_of_the_project_is_not_the_program(world: World) -> None:
    tool = world.write(".tool/debugger.py", "import alpha\n").parent
    world.install("loader", "1", {"loader.py": f"import sys\nsys.path.append({str(tool)!r})\nimport debugger\n"})
    world.write("train.py", "import loader\n")
    found = world.look("train.py", run=True)
    assert "debugger" in found["loaded"]  # type: ignore[operator]
    assert found["imported"] == {"loader": "1"}


def test_a_lazy_module_is_not_woken(world: World) -> None:
    world.write("heavy.py", "raise SystemExit('woken')\n")
    text = """
        import importlib.util, sys
        spec = importlib.util.find_spec("heavy")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["heavy"] = module
        spec.loader.exec_module(module)
        import alpha
        """
    world.write("train.py", text)
    assert world.imported("train.py", run=True) == {"alpha": "1.0"}


def test_no_package_is_run_by_looking_for_it(world: World) -> None:
    world.install("bomb", "1", {"bomb/__init__.py": "raise SystemExit('run')", "bomb/sub/__init__.py": ""})
    world.write("train.py", "import bomb.sub\nfrom bomb.sub import x\n")
    assert world.imported("train.py") == {"bomb": "1"}


def test_taskstore_counts_when_imported_even_from_its_own_tree(world: World) -> None:
    world.install("taskstore", "9.9", {})
    world.write("train.py", "from taskstore import Task\nimport alpha\n")
    assert world.imported("train.py") == {"alpha": "1.0", "taskstore": "9.9"}


def test_a_notebooks_source_counts_without_a_script(world: World) -> None:
    assert world.imported(None, source="# %pip install beta\nimport alpha\n") == {"alpha": "1.0"}


def test_at_a_prompt_the_variables_tell(world: World) -> None:
    world.install("delta", "4", {"delta.py": "def f(): pass\n"})
    program = "import alpha, json\nfrom delta import f\nfrom taskstore.capture import packages\n"
    found = answer(program + "print(json.dumps(packages.imported(None, None)))", world=world)
    assert {name: found.get(name) for name in ("alpha", "beta", "delta")} == {
        "alpha": "1.0",
        "beta": None,
        "delta": "4",
    }


def test_a_console_script_leads_to_its_distribution(world: World) -> None:
    world.write("bin/run-alpha", "#!/usr/bin/python\nimport sys\nfrom alpha import main\nsys.exit(main())\n")
    assert world.imported("bin/run-alpha") == {"alpha": "1.0"}


def test_broken_and_strange_files_are_tolerated(world: World) -> None:
    world.write("train.py", "import broken, nul, latin, gone, alpha\nimport native\n")
    world.write("broken.py", "import yamlish\ndef (:\n")
    (world.project / "nul.py").write_bytes(b"import yamlish\0\n")
    (world.project / "latin.py").write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\nimport beta\n".encode("latin-1"))
    world.write("native.pyd", "MZ")
    assert world.imported("train.py") == {"alpha": "1.0", "beta": "2.0"}


def test_an_invalid_escape_in_the_program_raises_no_warning(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("import re\nre.compile('\\d')\n")
    assert packages.imported(script, tmp_path) == {}


def test_a_file_over_the_limit_is_left_out_and_said(world: World) -> None:
    world.write("train.py", "import big, alpha\n")
    world.write("big.py", "import beta\n" + "#" * packages.MAX_FILE_BYTES)
    found = world.look("train.py")
    assert found["imported"] == {"alpha": "1.0"}
    assert [note for note in found["notes"] if "big.py" in note]  # type: ignore[attr-defined]


def test_files_beyond_the_limit_are_left_out_and_said_once(tmp_path: Path) -> None:
    count = packages.MAX_FILES + 20
    script = tmp_path / "train.py"
    script.write_text("from parts import " + ", ".join(f"m{i}" for i in range(count)))
    (tmp_path / "parts").mkdir()
    for i in range(count):
        (tmp_path / "parts" / f"m{i}.py").write_text("")
    notes: list[str] = []
    packages.imported(script, tmp_path, note=notes.append)
    assert len(notes) == 1
    assert str(packages.MAX_FILES) in notes[0]


def test_the_finder_is_gone_after_watching() -> None:
    before = list(sys.meta_path)
    with packages.watched():
        assert len(sys.meta_path) == len(before) + 1
    assert sys.meta_path == before


def test_the_environment_lists_every_distribution_once_in_order(world: World) -> None:
    world.write("train.py")
    lines = world.look("train.py")["environment"]
    assert isinstance(lines, list)
    names = [line.split("# ")[-1].split("==")[0].split(" @")[0] for line in lines]
    assert names == sorted(set(names))
    assert {"alpha==1.0", "beta==2.0", "py-yaml-ish==6.0.1"} <= set(lines)


def test_requirements_begin_with_the_interpreter() -> None:
    text = packages.requirements_text({"b": "2", "a": "1"})
    assert text.startswith(f"# Python {sys.version.split()[0]} ")
    assert text.splitlines()[1:] == ["", "a==1", "b==2"]


def test_import_of_the_module_is_light(world: World) -> None:
    code = (
        "import sys, json\nfrom taskstore.capture import packages\nprint(json.dumps({'loaded': sorted(sys.modules)}))"
    )
    loaded = answer(code, world=world)["loaded"]
    assert isinstance(loaded, list)
    assert not {"importlib.metadata", "email", "urllib.request", "psutil", "yaml"} & set(loaded)


def test_reading_imports_leaves_warnings_to_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "train.py"
    script.write_text("import msgspec\nx = '\\d'\n")
    rule = ("ignore", None, ResourceWarning, None, 12345)
    parse = ast.parse

    def parse_while_a_thread_sets_a_filter(*args: str, **kwargs: str) -> ast.Module:
        warnings.filters.append(rule)  # type: ignore[attr-defined]  # a list, which typeshed does not say
        return parse(*args, **kwargs)

    monkeypatch.setattr(ast, "parse", parse_while_a_thread_sets_a_filter)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        assert "msgspec" in packages.imported(script, None)
        assert list(warnings.filters) == [*before, rule]


def test_reading_imports_uses_up_no_finder_that_waits_for_the_programs_import(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("def main():\n    import argparse\n")
    code = (
        "import sys; from pathlib import Path; import taskstore; from taskstore.capture import early, packages; "
        "assert 'argparse' not in sys.modules; packages.imported(Path(sys.argv[1]), None); "
        "import argparse; assert early._originals"
    )
    subprocess.run([sys.executable, "-c", code, str(script)], check=True)
