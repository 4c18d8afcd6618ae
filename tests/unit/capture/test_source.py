"""What the running program is: every way of starting one, by real interpreters."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]

# The program under test: it tells what it takes itself for.
TELL = """
import json
from taskstore.capture import source
e, notes = source.entry(), []
text = source.code(e, note=notes.append)
print(json.dumps({
    "kind": e.kind, "path": str(e.path) if e.path else None, "module": e.module, "argv": e.argv, "options": e.options,
    "binary": e.binary, "executable": e.executable, "cwd": str(e.working_directory), "notes": notes,
    "code": None if text is None else text.decode(),
}))
"""

# Stands in for the library: a kernel with a history, as `import IPython` finds it.
IPYTHON = """
import json, os
class Shell: pass
shell = Shell()
shell.kernel = object() if os.environ["KERNEL"] == "1" else None
shell.user_ns = json.loads(os.environ["NAMESPACE"])
def get_ipython(): return shell
"""


def run(folder: Path, *words: str, stdin: str = "", redirected: Path | None = None, **variables: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "libraries"), str(REPOSITORY)])}
    with redirected.open() if redirected else contextlib.nullcontext() as file:
        given: dict[str, Any] = {"stdin": file} if file else {"input": stdin}
        done = subprocess.run(
            [sys.executable, *words],
            **given, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, cwd=folder,
            env={**environment, "PYTHONIOENCODING": "utf-8", **variables},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
    assert isinstance(found, dict)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path.resolve()
    (home / "train.py").write_text(TELL)
    return home


def test_a_script_is_known_by_its_path_arguments_and_options(folder: Path) -> None:
    found = run(folder, "-u", "-X", "utf8", "-Wignore", "train.py", "--lr", "0.1")
    assert found["kind"] == "script"
    assert found["path"] == str(folder / "train.py")
    assert found["argv"] == ["train.py", "--lr", "0.1"]
    assert found["options"] == ["-u", "-X", "utf8", "-Wignore"]
    assert found["module"] is None
    assert found["code"] == TELL
    assert found["cwd"] == str(folder)
    assert found["executable"] == sys.executable
    assert found["binary"] == f"python{sys.version_info.major}.{sys.version_info.minor}"


def test_a_module_is_known_by_its_name(folder: Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").write_text("")
    (folder / "pkg" / "fit.py").write_text(TELL)
    found = run(folder, "-um", "pkg.fit", "-c", "x")
    assert (found["kind"], found["module"]) == ("module", "pkg.fit")
    assert found["path"] == str(folder / "pkg" / "fit.py")
    assert found["options"] == ["-u"]
    assert found["argv"][1:] == ["-c", "x"]
    assert found["code"] == TELL


def test_a_package_run_as_a_module_goes_by_the_packages_name(folder: Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__main__.py").write_text(TELL)
    found = run(folder, "-m", "pkg")
    assert (found["kind"], found["module"]) == ("module", "pkg")
    assert found["path"] == str(folder / "pkg" / "__main__.py")


def test_a_folder_run_as_a_script_is_its_main_file(folder: Path) -> None:
    (folder / "app").mkdir()
    (folder / "app" / "__main__.py").write_text(TELL)
    found = run(folder, "app")
    assert (found["kind"], found["path"]) == ("script", str(folder / "app" / "__main__.py"))


def test_a_command_is_known_by_its_text(folder: Path) -> None:
    for words in (["-c", TELL], ["-uc" + TELL]):
        found = run(folder, *words, "--lr", "1")
        assert (found["kind"], found["path"], found["code"]) == ("command", None, TELL)
        assert found["argv"] == ["-c", "--lr", "1"]


def test_a_program_from_a_pipe_has_no_source_and_says_so(folder: Path) -> None:
    for words in ([], ["-"]):
        found = run(folder, *words, stdin=TELL)
        assert (found["kind"], found["path"], found["code"]) == ("interactive", None, None)
        assert len(found["notes"]) == 1


@pytest.mark.skipif(not hasattr(os, "pread"), reason="reading without moving the place of the file")
def test_a_program_from_a_redirected_file_is_read_again(folder: Path) -> None:
    for words in ([], ["-"], ["-u", "-"]):
        found = run(folder, *words, redirected=folder / "train.py")
        assert (found["kind"], found["path"], found["code"]) == ("interactive", None, TELL)
        assert found["notes"] == []


def test_data_on_standard_input_is_no_source(folder: Path) -> None:
    (folder / "data.csv").write_text("1,2")
    found = run(folder, "-c", TELL, redirected=folder / "data.csv")
    assert (found["kind"], found["code"]) == ("command", TELL)


@pytest.mark.parametrize("launcher", [("cProfile",), ("trace", "--listfuncs"), ("runpy",)])
def test_a_script_under_a_launcher_of_the_standard_library_is_that_script(
    folder: Path, launcher: tuple[str, ...]
) -> None:
    target = "train" if launcher == ("runpy",) else "train.py"
    found = run(folder, "-m", *launcher, target, "--lr", "1")
    assert found["path"] == str(folder / "train.py")
    assert found["argv"][1:] == ["--lr", "1"]
    assert found["code"] == TELL


def test_a_script_under_a_bootstrap_that_replaces_main_is_that_script(folder: Path) -> None:
    text = "import runpy, sys\nsys.argv[:] = ['train.py', 'a']\nrunpy.run_path('train.py', run_name='__main__')\n"
    (folder / "boot.py").write_text(text)
    found = run(folder, "boot.py", "train.py", "a")
    assert (found["kind"], found["path"]) == ("script", str(folder / "train.py"))
    assert found["argv"] == ["train.py", "a"]


def test_a_console_script_names_the_module_that_it_calls(folder: Path) -> None:
    (folder / "libraries").mkdir()
    (folder / "libraries" / "tool.py").write_text(f"def main():\n    exec({TELL!r}, {{}})\n")
    wrapper = folder / "tool"
    wrapper.write_text("#!/usr/bin/python\nimport sys\nfrom tool import main\nif 1:\n    sys.exit(main())\n")
    found = run(folder, "tool", "x")
    assert (found["kind"], found["path"], found["module"]) == ("script", str(wrapper), "tool")


def test_a_script_whose_name_was_removed_from_main_is_found_by_its_argument(folder: Path) -> None:
    (folder / "odd.py").write_text("del __file__\n" + TELL)
    assert run(folder, "odd.py")["path"] == str(folder / "odd.py")


def test_a_script_that_is_gone_is_no_error(folder: Path) -> None:
    (folder / "gone.py").write_text("import os\nos.unlink(__file__)\n" + TELL)
    found = run(folder, "gone.py")
    assert found["code"] is None


def test_a_source_over_the_limit_is_left_out_and_said(folder: Path) -> None:
    (folder / "big.py").write_text(TELL.replace("text =", "source.MAX_SOURCE_BYTES = 20; text ="))
    found = run(folder, "big.py")
    assert found["code"] is None
    assert "20" in found["notes"][0]


def test_ipython_is_never_imported(folder: Path) -> None:
    (folder / "libraries").mkdir()
    (folder / "libraries" / "IPython.py").write_text("raise SystemExit('imported')")
    assert run(folder, "train.py")["kind"] == "script"


def _kernel(folder: Path, history: list[str], kernel: str = "1", **namespace: str) -> dict[str, Any]:
    (folder / "libraries").mkdir(exist_ok=True)
    (folder / "libraries" / "IPython.py").write_text(IPYTHON)
    # A kernel's launcher is the file that was started, and its `__main__` is the user's, without a file.
    launcher = folder / "launcher.py"
    main = "import sys, types, IPython\nmain = sys.modules['__main__'] = types.ModuleType('__main__')\n"
    launcher.write_text(main + f"exec({TELL!r}, vars(main))\n")
    return run(folder, "launcher.py", KERNEL=kernel, NAMESPACE=json.dumps({"In": ["", *history], **namespace}))


def _notebook(folder: Path, *cells: str | list[str]) -> Path:
    path = folder / "study.ipynb"
    saved = [{"cell_type": "code", "source": cell} for cell in cells]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Title"}, *saved], "nbformat": 4}))
    return path


def test_a_notebook_without_a_file_gives_what_was_run(folder: Path) -> None:
    found = _kernel(folder, ["x = 1", "print(x)\n"])
    assert (found["kind"], found["path"]) == ("notebook", None)
    assert found["code"] == "# %%\nx = 1\n\n# %%\nprint(x)\n"


def test_a_notebooks_file_gives_all_of_its_cells(folder: Path) -> None:
    path = _notebook(folder, ["x = 1\n", "y = 2"], "print(x)", "")
    found = _kernel(folder, ["x = 1\ny = 2"], __vsc_ipynb_file__=str(path))
    assert (found["kind"], found["path"]) == ("notebook", str(path))
    assert found["code"] == "# %%\nx = 1\ny = 2\n\n# %%\nprint(x)\n"


def test_a_notebooks_file_that_lacks_a_cell_that_was_run_gives_way_to_the_history(folder: Path) -> None:
    path = _notebook(folder, "x = 1")
    found = _kernel(folder, ["x = 2"], __vsc_ipynb_file__=str(path))
    assert found["code"] == "# %%\nx = 2\n"


def test_a_jupyter_servers_session_names_the_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _notebook(folder, "x = 1")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert _kernel(folder, [])["path"] == str(path)


def test_a_damaged_notebook_file_gives_way_to_the_history(folder: Path) -> None:
    path = folder / "study.ipynb"
    for text in ("{", "[]", '{"cells": 5}', '{"cells": [{"cell_type": "code"}]}'):
        path.write_text(text)
        assert _kernel(folder, ["x = 1"], __vsc_ipynb_file__=str(path))["code"] == "# %%\nx = 1\n"


def test_magics_become_comments_and_the_rest_stays_python(folder: Path) -> None:
    cells = [
        "%matplotlib inline\nimport a\n!pip install b\nfiles = !ls\na.fit?",
        "%%time\nimport c",
        "%%bash\nrm x",
        "if x:\n    %run y\nz = (1\n  % 2)",
    ]
    text = _kernel(folder, cells)["code"]
    compile(text, "notebook", "exec")
    statements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert statements == ["import a", "import c", "if x:", "    pass  # %run y", "z = (1", "  % 2)"]


def test_a_prompt_of_ipython_is_interactive_and_gives_what_was_run(folder: Path) -> None:
    found = _kernel(folder, ["x = 1"], kernel="0")
    assert (found["kind"], found["code"]) == ("interactive", "# %%\nx = 1\n")


def test_a_frozen_program_is_its_executable(folder: Path) -> None:
    (folder / "frozen.py").write_text("import sys\nsys.frozen = True\n" + TELL)
    found = run(folder, "frozen.py")
    assert (found["kind"], found["path"], found["code"]) == ("frozen", sys.executable, None)
