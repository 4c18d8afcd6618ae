"""What is built for a task, by each installer that is here; what its own environment is used for; what is told."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from taskstore.agent.environment import Environment, Mode, prepared
from taskstore.core.errors import BadValue, RemoteError
from taskstore.disk.layout import TaskPaths
from taskstore.run.mode import TASK_VARIABLE
from taskstore.store import settings, tasks
from taskstore.store.store import Store

from .conftest import UV, MakeTask, make_wheel, serving

pytestmark = pytest.mark.slow
Prepare = Callable[..., AbstractContextManager[Environment]]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def prepare(agent: settings.Agent, told: list[str]) -> Prepare:
    return _preparing(agent, told)


@pytest.fixture
def prepare_quickly(quick_agent: settings.Agent, told: list[str]) -> Prepare:
    """For what does not depend on the installer."""
    return _preparing(quick_agent, told)


def _preparing(agent: settings.Agent, told: list[str]) -> Prepare:
    def begin(paths: TaskPaths, mode: Mode = Mode.VENV) -> AbstractContextManager[Environment]:
        return prepared(paths, tasks.read_script(paths), mode, agent, tell=told.append)

    return begin


def says(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_lock_decides_what_the_packages_need_themselves(make_task: MakeTask, prepare: Prepare) -> None:
    paths = make_task("alpha==1.0", lock=["alpha==1.0", "beta==1.0", "unused==9.9"])
    with prepare(paths) as environment:
        assert says(environment.python, "import alpha, beta; print(beta.__version__)") == "1.0"
        assert environment.installed == ("alpha==1.0", "beta==1.0")
        assert environment.mode is Mode.VENV
        assert environment.notes == ()


def test_variables_of_the_agent_send_it_nowhere_else(
    make_task: MakeTask, prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_REQUIRE_HASHES": "1", "PIP_USER": "1"}
    elsewhere |= {"UV_REQUIRE_HASHES": "1", "UV_SYSTEM_PYTHON": "1", "UV_WORKING_DIR": str(tmp_path)}
    for name, value in {**elsewhere, "PYTHONPATH": str(tmp_path), "VIRTUAL_ENV": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with prepare(make_task("beta==1.0")) as environment:
        assert environment.installed == ("beta==1.0",)
    assert not (tmp_path / "elsewhere").exists()


def test_taskstore_works_in_it_and_nothing_else_of_the_agents_does(
    make_task: MakeTask, prepare: Prepare, wheels: Path
) -> None:
    make_wheel(wheels, "rich", "99.0")
    with prepare(make_task("rich==99.0")) as environment:
        where = says(environment.python, "import taskstore_cli, msgspec, taskstore; print(taskstore.__file__)")
        assert where.startswith(str(environment.python.parents[2]))
        foreign = "import importlib.util as u; print([n for n in ('pytest', 'mypy', 'hypothesis') if u.find_spec(n)])"
        assert says(environment.python, foreign) == "[]"
        assert says(environment.python, "import rich; print(rich.__version__)") == "99.0"


def test_a_pip_that_a_program_runs_in_it_takes_nothing_from_taskstore(
    make_task: MakeTask, prepare_quickly: Prepare, wheels: Path
) -> None:
    make_wheel(wheels, "typing_extensions", "99.0")
    pip = [sys.executable, "-m", "pip", "--python"]
    with prepare_quickly(make_task("beta==1.0")) as environment:
        uninstall = [*pip, str(environment.python), "uninstall", "-y", "rich", "typing-extensions"]
        subprocess.run(uninstall, capture_output=True, check=False)
        assert says(environment.python, "import rich, typing_extensions as t; print(t.__name__)") == "typing_extensions"
        subprocess.run(
            [*pip, str(environment.python), "install", "typing-extensions==99.0"], capture_output=True, check=True
        )
        assert says(environment.python, "import typing_extensions as t; print(t.__version__)") == "99.0"
    assert importlib.util.find_spec("typing_extensions") is not None


def test_a_run_in_it_records_what_is_installed_there(
    make_task: MakeTask, prepare_quickly: Prepare, store: Store, tmp_path: Path
) -> None:
    paths = make_task("alpha==1.0", lock=["alpha==1.0", "beta==1.0", "elsewhere==7.0"])
    script = tmp_path / "program" / "train.py"
    script.parent.mkdir()
    script.write_text("import alpha\nprint(alpha.__version__)\n")
    with prepare_quickly(paths) as environment:
        command = [str(environment.python), "-m", "taskstore.run.child", "--", str(script)]
        variables = {**os.environ, "TASKSTORE_ROOT": str(store.root), TASK_VARIABLE: paths.id}
        done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    recorded = paths.environment.read_text().splitlines()
    assert {"alpha==1.0", "beta==1.0"} <= set(recorded)
    assert not [line for line in recorded if line.startswith(("elsewhere", "pytest", "alpha==2"))]
    assert tasks.read_script(paths).requirements == {"alpha": "1.0"}


def test_the_second_time_nothing_is_built(make_task: MakeTask, prepare_quickly: Prepare, told: list[str]) -> None:
    with prepare_quickly(make_task("beta==1.0")) as first:
        pass
    with prepare_quickly(make_task("beta==1.0")) as second:
        assert second == first
    assert len([text for text in told if text.startswith("builds")]) == 1


def test_after_the_machine_was_started_anew_it_is_still_there(
    make_task: MakeTask, prepare_quickly: Prepare, quick_agent: settings.Agent, told: list[str]
) -> None:
    with prepare_quickly(make_task("beta==1.0")) as first:
        says(first.python, "import beta")  # which leaves bytecode
    marker = next(Path(quick_agent.environments).glob("*-*/complete.json"))
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "boot": "an earlier one"}))
    with prepare_quickly(make_task("beta==1.0")) as second:
        assert second == first
    assert len(told) == 1


def test_other_versions_are_another_environment(make_task: MakeTask, prepare_quickly: Prepare) -> None:
    with prepare_quickly(make_task("beta==1.0")) as first, prepare_quickly(make_task("beta==2.0")) as second:
        assert [says(each.python, "import beta; print(beta.__version__)") for each in (first, second)] == ["1.0", "2.0"]


def test_a_changed_one_is_given_to_nobody_and_goes_when_its_user_has(
    make_task: MakeTask, prepare_quickly: Prepare, told: list[str]
) -> None:
    paths = make_task("beta==1.0")
    with prepare_quickly(paths) as first:
        site = Path(says(first.python, "import beta; print(beta.__file__)")).parent
        (site / "beta-1.0.dist-info").rename(site / "beta-2.0.dist-info")
        with prepare_quickly(paths) as second:
            assert second.python != first.python
            assert says(first.python, "print('it still works')") == "it still works"
    with prepare_quickly(paths) as third:
        assert third.python == second.python
    assert not first.python.exists()
    assert len([text for text in told if text.startswith("builds")]) == 2


def test_every_package_that_is_not_to_be_had_is_named(
    make_task: MakeTask, prepare: Prepare, agent: settings.Agent
) -> None:
    paths = make_task("alpha==9.0", "beta==1.0", "nowhere==1.0", lock=["beta==1.0"])
    with pytest.raises(RemoteError) as caught, prepare(paths):
        pass
    message = str(caught.value)
    assert "not to be had: alpha==9.0, nowhere==1.0." in message
    assert "as recorded" in message
    assert "--env inherit" in message
    assert [path.name for path in Path(agent.environments).glob("*-*")] == []


def test_a_local_part_of_a_version_that_is_nowhere_is_given_up_with_a_note(
    make_task: MakeTask, prepare: Prepare
) -> None:
    with prepare(make_task("gamma==3.0+cu121", lock=["gamma==3.0+cu121"])) as environment:
        assert environment.installed == ("gamma==3.0",)
        assert environment.notes == (
            "installed without the local part of versions, such as +cu121",
            "gamma==3.0+cu121 is recorded, and 3.0 was installed",
        )


def test_a_lock_that_cannot_be_met_is_given_up_with_a_note(make_task: MakeTask, prepare: Prepare) -> None:
    with prepare(make_task("alpha==1.0", lock=["alpha==1.0", "beta==1.5"])) as environment:
        assert environment.installed == ("alpha==1.0", "beta==2.0")
        assert environment.notes[-1] == "beta==1.5 is recorded, and 2.0 was installed"


def test_without_a_network_what_is_on_the_machine_will_do(
    make_task: MakeTask,
    prepare: Prepare,
    agent: settings.Agent,
    told: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deaf = "http://127.0.0.1:9/simple"
    (tmp_path / "uv.toml").write_text("")
    monkeypatch.delenv("PIP_NO_INDEX")
    for name, value in {
        "PIP_INDEX_URL": deaf,
        "PIP_RETRIES": "0",
        "UV_INDEX_URL": deaf,
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with prepare(make_task("alpha==1.0", lock=["beta==1.0"])) as environment:
        assert environment.installed == ("alpha==1.0", "beta==1.0")
    asked = [text for text in told if "gets no answer" in text]
    assert len(asked) == (1 if agent.installer == "uv" else 0)  # pip goes on by itself


@pytest.mark.skipif(UV is None, reason="uv is not installed; pip cannot install from its cache alone")
def test_without_a_network_what_uv_has_in_its_cache_will_do(
    make_task: MakeTask, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv.toml").write_text("")
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    told: list[str] = []
    paths = make_task("alpha==1.0", lock=["beta==1.0"])
    with serving(wheels) as address:
        monkeypatch.setenv("UV_INDEX_URL", address)
        one = settings.Agent(environments=str(tmp_path / "one"), installer="uv")
        with prepared(paths, tasks.read_script(paths), Mode.VENV, one, tell=told.append):
            pass
    assert told == ["builds an environment of 1 package with uv"]
    # The index may be asked again: what is known of it is out of date at once.
    another = settings.Agent(environments=str(tmp_path / "another"), installer="uv")
    with prepared(paths, tasks.read_script(paths), Mode.VENV, another, tell=told.append) as environment:
        assert environment.installed == ("alpha==1.0", "beta==1.0")
    assert told[-1] == "uv gets no answer; what is on this machine is looked at"
    with (
        pytest.raises(RemoteError, match=r"not to be had: gamma==3\.0\."),
        prepared(make_task("alpha==1.0", "gamma==3.0"), tasks.read_script(paths), Mode.VENV, another, tell=told.append),
    ):
        pass


def test_where_nothing_can_be_built_an_own_environment_that_has_it_all_is_used(
    make_task: MakeTask, prepare_quickly: Prepare, told: list[str], wheels: Path
) -> None:
    with prepare_quickly(make_task(f"pytest=={pytest.__version__}")) as environment:
        assert (environment.python, environment.mode) == (Path(sys.executable), Mode.REUSE)
        assert "pytest" in environment.notes[-1]
    assert "this one has what the task needs" in told[-1]


def test_the_own_environment_is_reused_where_it_has_what_is_recorded(
    make_task: MakeTask, prepare_quickly: Prepare, told: list[str]
) -> None:
    with prepare_quickly(make_task(f"pytest=={pytest.__version__}", lock=["beta==1.0"]), Mode.REUSE) as environment:
        assert (environment.python, environment.mode) == (Path(sys.executable), Mode.REUSE)
        assert f"pytest=={pytest.__version__}" in environment.installed
        assert environment.notes == ()
    assert told == []


def test_one_of_another_python_is_reused_only_where_the_recorded_one_is_not_to_be_had(
    make_task: MakeTask, prepare_quickly: Prepare
) -> None:
    paths = make_task(f"pytest=={pytest.__version__}", python="3.2.1")
    with prepare_quickly(paths, Mode.REUSE) as environment:
        assert environment.mode is Mode.REUSE
        assert environment.notes[0].startswith("Python 3.2 is recorded, and is not to be had here")


@pytest.mark.parametrize("lines", [["beta==1.0"], ["beta==1.0", "pytest==1.0"]], ids=["missing", "another"])
def test_one_that_lacks_something_is_not_reused(
    make_task: MakeTask, prepare_quickly: Prepare, lines: list[str], wheels: Path
) -> None:
    make_wheel(wheels, "pytest", "1.0")
    with prepare_quickly(make_task(*lines), Mode.REUSE) as environment:
        assert environment.mode is Mode.VENV
        assert [line for line in environment.installed if line in lines] == sorted(lines)


def test_one_that_is_inherited_says_where_it_differs(make_task: MakeTask, prepare_quickly: Prepare) -> None:
    with prepare_quickly(make_task("pytest==1.0", "beta==1.0", python="3.2.1"), Mode.INHERIT) as environment:
        assert (environment.python, environment.mode) == (Path(sys.executable), Mode.INHERIT)
        own = f"{sys.version_info[0]}.{sys.version_info[1]}"
        assert environment.notes == (
            f"Python 3.2 is recorded, and this is {own}",
            "beta is not installed here",
            f"pytest==1.0 is recorded, and {pytest.__version__} is here",
        )


def test_a_python_that_is_not_to_be_had_is_named(make_task: MakeTask, prepare_quickly: Prepare) -> None:
    with prepare_quickly(make_task("beta==1.0", python="3.2.1")) as environment:
        assert environment.notes[0].startswith("Python 3.2 is recorded, and is not to be had here")


def test_an_installer_that_is_none_is_refused(make_task: MakeTask, quick_agent: settings.Agent) -> None:
    paths = make_task("beta==1.0")
    wrong = settings.Agent(environments=quick_agent.environments, installer="conda")
    with (
        pytest.raises(BadValue, match="must be auto, uv or pip"),
        prepared(paths, tasks.read_script(paths), Mode.VENV, wrong, tell=print),
    ):
        pass
