"""Nothing that looks like a credential reaches the store, except what the program itself prints, or has in its code.

The console is the program's own word and is kept as it is (docs/explanation); so are the diff and the files of the
code. Everything else that a run leaves is searched here, byte by byte.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks

from .programs import Ended, only_task, run, write

SECRET = "5ekr1tValue"  # noqa: S105 - none
TEXT = """
    import argparse, os, sys
    TASK
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", help="default: %(default)s")
    parser.add_argument("--url")
    parser.add_argument("--my-pin")
    parser.add_argument("--lr", type=float)
    args = parser.parse_args()
    secret = "".join(("5ekr1t", "Value"))
    config = {
        "api_key": secret,
        "db": {"password": secret, "host": "h"},
        "dsn": f"postgres://user:{secret}@host/db",
        "list": [f"https://user:{secret}@host/"],
        "my_pin": secret,
    }
    live = task.connect(config, name="Config")
    live["db"]["password"] = secret + "2"
    live["client_secret"] = secret + "3"
    class Odd:
        def __repr__(self):
            return f"https://user:{secret}@host"
    live["odd"] = Odd()
    raise ValueError(f"cannot log in at https://user:{secret}@host/path")
"""


def _run(tmp_path: Path) -> Ended:
    folder = tmp_path / "work"
    folder.mkdir(parents=True)
    remote = f"https://user:{SECRET}@example.com/repository.git"
    for words in (["init", "-q"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    root = tmp_path / "store"
    root.mkdir()
    settings = {
        "secrets": {"extra": ["my_pin", "MY_PIN"]},
        "capture": {"environment_variables": ["LISTED_*", "HF_TOKEN", "DATABASE", "MYPAT"]},
    }
    write(root, json.dumps(settings), "config.yaml")
    environ = {
        "LISTED_ONE": "harmless",
        "HF_TOKEN": SECRET,
        "DATABASE": f"mysql://root:{SECRET}@host/db",
        "LISTED_FLAGS": f"-v --password {SECRET}",
        "MYPAT": SECRET,
        "NOT_LISTED": SECRET,
        "PASSWORD": SECRET,
    }
    arguments = ["--token", SECRET, f"--url=https://user:{SECRET}@host/", "--my-pin", SECRET, "--lr", "0.1"]
    return run(folder, TEXT, *arguments, root=root, env=environ)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("TASKSTORE_TASK_ID", raising=False)
        return _run(tmp_path_factory.mktemp("secrets"))


def test_no_file_but_the_console_holds_a_secret(ended: Ended) -> None:
    assert ended.code == 1
    files = [path for path in ended.root.rglob("*") if path.is_file()]
    assert {"task.json", "params.json", "script.json", ".alive"} <= {path.name for path in files}
    holding = [path for path in files if SECRET.encode() in path.read_bytes()]
    assert [path.name for path in holding if not path.name.startswith("console.")] == []


def test_what_was_masked_is_noted_and_what_is_harmless_is_kept(ended: Ended) -> None:
    found = only_task(ended)
    paths = TaskPaths(found.home)
    script = tasks.read_script(paths)
    assert script.argv[1:3] == ["--token", "********"]
    assert script.argv[-2:] == ["--lr", "0.1"]
    assert any("masked" in note and "token" in note and "my-pin" in note for note in script.notes), script.notes
    assert "example.com/repository" in script.repository
    params = tasks.read_params(paths).hyperparams
    assert params["Args"]["token"].value == params["Config"]["my_pin"].value == "********"
    assert params["Args"]["lr"].value == "0.1"
    assert params["Config"]["db/host"].value == "h"
    assert "host/path" in found.record.status_message
    assert found.record.status_reason.startswith("ValueError: cannot log in at https://")


def test_environment_variables_are_recorded_only_where_they_are_listed(ended: Ended) -> None:
    runtime = only_task(ended).record.runtime
    recorded = {name: value for name, value in runtime.items() if name.startswith("env/")}
    assert recorded["env/LISTED_ONE"] == "harmless"
    assert set(recorded) == {f"env/{name}" for name in ("LISTED_ONE", "LISTED_FLAGS", "HF_TOKEN", "DATABASE", "MYPAT")}
    assert recorded["env/LISTED_FLAGS"] == "-v --password ********"


SHORT = """
    import argparse, sys
    TASK
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--password")
    parser.add_argument("-t", dest="api_token")
    parser.add_argument("--access-token", dest="plain")
    parser.add_argument("--lr", type=float)
    parser.add_argument("secret", nargs="?")
    print(len(str(parser.parse_args())) > 0)
"""


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(
    "options", ["", ", auto_connect_arg_parser=False", ", auto_connect_arg_parser={'lr': True, '*': False}"]
)
def test_what_a_parser_knows_to_be_a_secret_is_masked_in_the_command_line_too(
    options: str, before: bool, tmp_path: Path
) -> None:
    init = f"from taskstore import Task; task = Task.init('examples', 'a run'{options})"
    text = SHORT.replace("TASK", "import taskstore" if before else init)
    text += f"    {init}\n" if before else ""
    words = ["-p", "LEAK1", "-tLEAK2", "--access=LEAK3", "--lr", "0.1", "LEAK4"]
    ended = run(tmp_path / "work", text, *words, with_task=False, root=tmp_path / "store")
    assert (ended.code, ended.own_stderr) == (0, "")
    found = only_task(ended)
    script = tasks.read_script(TaskPaths(found.home))
    assert script.argv[1:] == ["-p", "********", "-t********", "--access=********", "--lr", "0.1", "********"]
    assert any("masked" in note and "api_token" in note and "secret" in note for note in script.notes), script.notes
    for path in found.home.rglob("*"):
        assert not path.is_file() or b"LEAK" not in path.read_bytes(), path
