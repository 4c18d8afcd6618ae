from __future__ import annotations

import dataclasses
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.agent import container, within
from taskstore.agent.container import Engine
from taskstore.agent.environment import Mode
from taskstore.agent.options import Options
from taskstore.core.clock import SYSTEM
from taskstore.core.errors import BadValue, Refused
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.beacon import is_alive
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.run import create
from taskstore.schema.record import Container, TaskRecord
from taskstore.store import stopping, tasks, tickets
from taskstore.store.store import Store, init

from .test_worker import Background, console, status, wait_until, work

Draft = Callable[..., TaskPaths]
ENGINE = Path(__file__).with_name("engine.py")


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    return init(tmp_path / "store", locks=getattr(request, "param", None), clock=SYSTEM)


@pytest.fixture
def draft(store: Store, tmp_path: Path) -> Draft:
    """Make drafts of a program given as text, in the container that is given, and enqueue them."""

    def make(program: str, *, args: tuple[str, ...] = (), **asked: str) -> TaskPaths:
        script = tmp_path / "program.py"
        script.write_text(program, "utf-8")
        wanted = create.Wanted(
            project_name="examples", task_name="a task", script=str(script), arguments=list(args), packages=False
        )
        paths = create.create(store, wanted)

        def change(record: TaskRecord) -> None:
            record.container = Container(**asked)

        tasks.edit(store, paths.id, change)
        queue.enqueue(store, paths.id, "default")
        return paths

    return make


@pytest.fixture(autouse=True)
def work_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(tmp_path / "work folder"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    folder = tmp_path / "engine"
    folder.mkdir()
    command = folder / "docker"
    command.write_text(f"#!{sys.executable}\n{ENGINE.read_text('utf-8')}", "utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return Engine(str(command), "python:3.12")


def calls(engine: Engine, verb: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in Path(engine.command).with_name("calls").read_text().splitlines()]
    return [call for call in found if call["arguments"][0] == verb]


def command_of(engine: Engine) -> list[str]:
    (call,) = calls(engine, "run")
    return call["arguments"]  # type: ignore[return-value]  # JSON


def contained(store: Store, engine: Engine, **given: object) -> list[str]:
    said = work(store, in_place=False, containers=engine, **given)
    assert not any("Traceback" in line for line in said), "\n".join(said)
    return said


def test_a_task_runs_in_a_container_of_the_image_that_it_asks_for_after_its_set_up_script(
    store: Store, draft: Draft, engine: Engine
) -> None:
    paths = draft(
        "import os, sys\nprint(os.environ['GREETING'], os.environ['IMAGE_HAS'], sys.argv[1:])\n",
        args=("--lr", "a b;c"),
        image="pytorch/pytorch:2.4",
        arguments="--ipc=host",
        setup_shell_script="export GREETING='hello'",
    )
    said = contained(store, engine)
    assert status(store, paths.id) == (Status.COMPLETED, "completed")
    assert "hello this ['--lr', 'a b;c']" in console(store, paths.id)
    command = command_of(engine)
    assert "pytorch/pytorch:2.4" in command
    assert command.index("--ipc=host") < command.index("--rm")
    assert any("started, container taskstore-" in line for line in said)
    assert "taskstore agent: it runs in a container of pytorch/pytorch:2.4" in console(store, paths.id)


_LOOP = "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.05)\n"
_DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _LOOP


def test_nothing_of_the_agents_environment_gets_in_but_what_names_the_task_and_settings(
    store: Store, draft: Draft, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("TASKSTORE_CAPTURE__DIFF_MIB", "7")
    paths = draft("import os\nprint(sorted(os.environ))\nprint(os.environ['TASKSTORE_CAPTURE__DIFF_MIB'])\n")
    contained(store, engine)
    names, setting = console(store, paths.id)[-2:]
    assert "AWS" not in names
    assert setting == "7"
    command = " ".join(command_of(engine))
    assert "hush-hush" not in command
    assert "--env TASKSTORE_CAPTURE__DIFF_MIB --env" in command


def test_what_the_users_own_settings_mask_is_masked_in_a_container_too(
    store: Store, draft: Draft, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("secrets:\n  extra: ['shoe_size']\n")
    monkeypatch.setenv("TASKSTORE_CONFIG", str(config))
    monkeypatch.setenv("TASKSTORE_SECRET_OF_ANOTHER_TASK", "hush")
    paths = draft(
        "import os, taskstore\n"
        "taskstore.Task.current_task().connect({'shoe_size': 'forty-two'})\n"
        "print('TASKSTORE_SECRET_OF_ANOTHER_TASK' in os.environ)\n"
    )
    contained(store, engine)
    assert "forty-two" not in tasks.read_params(paths).hyperparams["General"]["shoe_size"].value
    assert console(store, paths.id)[-1] == "False"


def test_the_store_and_the_rebuilt_code_are_where_they_are_outside_and_the_user_is_the_agents(
    store: Store, draft: Draft, engine: Engine, tmp_path: Path
) -> None:
    paths = draft("print('fine')\n")
    contained(store, engine)
    command = command_of(engine)
    assert f"--mount=type=bind,source={store.root},target={store.root}" in command
    folder = tmp_path / "work folder" / paths.id
    assert f"--mount=type=bind,source={folder},target={folder}" in command
    assert f"--user={os.getuid()}:{os.getgid()}" in command
    assert all("readonly" in word for word in command if f"target={container.LENT}" in word)


def test_what_the_machines_owner_gives_every_container_comes_last_and_so_holds(
    store: Store, draft: Draft, engine: Engine
) -> None:
    draft("pass\n", arguments="--user=0:0 --name mine")
    contained(store, dataclasses.replace(engine, arguments=("--ipc=private",)))
    command = command_of(engine)
    image = command.index("python:3.12")
    assert command[image - 1] == "--ipc=private"
    users = [word for word in command if word.startswith("--user=")]
    assert users[-1] == f"--user={os.getuid()}:{os.getgid()}"
    assert command.index("mine") < next(at for at, word in enumerate(command) if word.startswith("--name=taskstore-"))


def test_arguments_that_open_the_machine_are_told(store: Store, draft: Draft, engine: Engine) -> None:
    paths = draft("pass\n", arguments="--privileged --ipc host")
    contained(store, engine)
    assert "taskstore agent: its container has more rights than most: --privileged --ipc host" in console(
        store, paths.id
    )


@pytest.mark.parametrize(
    ("arguments", "rights"),
    [
        ("--shm-size 8g -e A=b", ""),
        ("-v /:/host --rm", "-v /:/host"),
        ("-v/:/host", "-v/:/host"),
        ("--volume=/data:/data", "--volume=/data:/data"),
        ("--net host --pid=host", "--net host --pid=host"),
        ("--network none", ""),
        ("--cap-add SYS_ADMIN", "--cap-add SYS_ADMIN"),
        ("--device=/dev/kvm", "--device=/dev/kvm"),
        ("-u root", "-u root"),
        ("-e PRIVILEGED=privileged", ""),
    ],
)
def test_it_is_known_which_arguments_give_rights(arguments: str, rights: str) -> None:
    assert " ".join(container.rights_of(arguments.split())) == rights


def test_a_set_up_script_that_fails_fails_the_task_before_its_program_begins(
    store: Store, draft: Draft, engine: Engine
) -> None:
    paths = draft("print('begun')\n", setup_shell_script="echo preparing\nfalse\nexport NEVER=1\n")
    contained(store, engine)
    assert status(store, paths.id) == (Status.FAILED, "exit code 1")
    said = console(store, paths.id)
    assert said[-2:] == ["preparing", "taskstore agent: the set-up script has failed"]
    assert "begun" not in said


def test_an_image_that_is_not_to_be_had_fails_the_task_with_what_the_engine_says(
    store: Store, draft: Draft, engine: Engine
) -> None:
    paths = draft("pass\n", image="missing:latest")
    contained(store, engine)
    assert status(store, paths.id) == (Status.FAILED, "its container could not be started")
    assert "Unable to find image" in tasks.read(paths).status_message


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"image": "--privileged"}, "is no image"),
        ({"arguments": "--env 'A"}, "cannot be read"),
        ({"arguments": f"-e API_KEY={MASK}"}, "set API_KEY in the agent's environment"),
    ],
)
def test_a_container_that_cannot_be_asked_for_fails_the_task(
    store: Store, draft: Draft, engine: Engine, asked: dict[str, str], said: str
) -> None:
    paths = draft("pass\n", **asked)
    contained(store, engine)
    assert status(store, paths.id) == (Status.FAILED, "it could not be started")
    assert said in tasks.read(paths).status_message
    assert not Path(engine.command).with_name("calls").exists()


def test_a_secret_that_the_record_has_masked_is_taken_from_the_agents_environment(
    store: Store, draft: Draft, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "hush-hush")
    paths = draft("import os\nprint(os.environ['API_KEY'][:4])\n", arguments=f"--env API_KEY={MASK}")
    contained(store, engine)
    assert console(store, paths.id)[-1] == "hush"
    assert "hush-hush" not in " ".join(command_of(engine))


def test_a_secret_of_the_command_line_is_given_again_by_name_only(
    store: Store, draft: Draft, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", "s3cr3t-value")
    monkeypatch.setenv("TASKSTORE_SECRET_OTHER", "another-value")
    heard = tmp_path / "heard"
    program = (
        f"import os, sys\nopen({str(heard)!r}, 'w').write(sys.argv[1] + str('TASKSTORE_SECRET_OTHER' in os.environ))"
    )
    paths = draft(program, args=("--token=s3cr3t-value",), image="python:3")
    assert MASK in tasks.read_script(paths).argv[1]
    contained(store, engine)
    assert status(store, paths.id)[0] is Status.COMPLETED
    assert heard.read_text() == "--token=s3cr3t-valueFalse"
    assert "s3cr3t-value" not in " ".join(command_of(engine))


def test_a_task_without_an_image_needs_one_of_the_agents(store: Store, draft: Draft, engine: Engine) -> None:
    paths = draft("pass\n")
    contained(store, Engine(engine.command))
    assert "agent start --docker IMAGE" in tasks.read(paths).status_message


def test_without_containers_a_task_that_asks_for_one_is_run_and_that_is_said(store: Store, draft: Draft) -> None:
    paths = draft("pass\n", image="python:3.12")
    work(store, in_place=False, env=Mode.INHERIT)
    assert status(store, paths.id)[0] is Status.COMPLETED
    assert any("asks for a container of python:3.12" in line for line in console(store, paths.id))


@pytest.mark.parametrize("store", ["flock", "lease"], indirect=True)
@pytest.mark.parametrize(
    ("program", "reason"), [(_LOOP, "aborted"), (_DEAF, "aborted (SIGKILL)")], ids=["heeds SIGTERM", "is deaf"]
)
def test_a_contained_run_lives_for_those_outside_and_is_stopped_and_removed(
    store: Store, draft: Draft, engine: Engine, program: str, reason: str
) -> None:
    paths = draft(program)
    with Background(store, in_place=False, containers=engine, grace_s=0.5):
        wait_until(lambda: "begun" in console(store, paths.id))
        assert is_alive(paths.beacon, store.locks)
        stopping.ask(store, paths.id, "", ends_itself=False)
        wait_until(lambda: status(store, paths.id)[0] is not Status.IN_PROGRESS)
        wait_until(lambda: not tickets.of_queue(store, "default", claimed=True))
    assert status(store, paths.id) == (Status.STOPPED, reason)
    assert not is_alive(paths.beacon, store.locks)
    assert calls(engine, "rm")


@pytest.mark.parametrize("store", ["flock", "lease"], indirect=True)
def test_a_killed_container_is_a_killed_run_at_once_though_its_pid_means_nothing_here(
    store: Store, draft: Draft, engine: Engine
) -> None:
    # Not in a change of its record: nobody outside could call its lease void for half a minute (see test_lock.py).
    program = f"import glob, os, signal, time\nwhile glob.glob({str(store.paths.leases / '*')!r}): time.sleep(0.01)\n"
    paths = draft(f"{program}os.kill(os.getpid(), signal.SIGKILL)\n")
    contained(store, engine)
    assert status(store, paths.id) == (Status.FAILED, "killed (SIGKILL)")


def test_what_stops_its_worker_puts_a_contained_task_back(store: Store, draft: Draft, engine: Engine) -> None:
    paths = draft(_LOOP)
    with Background(store, in_place=False, containers=engine, grace_s=0.5) as background:
        wait_until(lambda: "begun" in console(store, paths.id))
        background.worker.stop()
        background.worker.stop()
        wait_until(lambda: status(store, paths.id)[0] is Status.QUEUED)
    assert len(tickets.of_queue(store, "default")) == 1


def test_gpus_are_the_containers_and_not_a_variables(store: Store, draft: Draft, engine: Engine) -> None:
    paths = draft("import os\nprint(os.environ.get('CUDA_VISIBLE_DEVICES'))\n")
    contained(store, engine, gpus=("0,1",))
    assert console(store, paths.id)[-1] == "None"
    assert '--gpus="device=0,1"' in command_of(engine)


def test_podman_names_gpus_by_devices(store: Store, draft: Draft, engine: Engine) -> None:
    podman = Path(engine.command).with_name("podman")
    Path(engine.command).rename(podman)
    draft("pass\n")
    contained(store, Engine(str(podman), "python:3.12"), gpus=("0,1",))
    assert [word for word in command_of(engine) if "nvidia" in word] == [
        "--device=nvidia.com/gpu=0",
        "--device=nvidia.com/gpu=1",
    ]


def test_what_the_image_lacks_of_taskstores_needs_is_lent_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed, links = tmp_path / "needed", tmp_path / "links"
    for name in ("json", "lacking", "lacking-1.0.dist-info", "pytest-1.0.dist-info"):
        (needed / name).mkdir(parents=True)
    (needed / "alone.py").touch()
    for _ in range(2):
        within._lend(needed, links)
        assert sorted(path.name for path in links.iterdir()) == ["alone.py", "lacking", "lacking-1.0.dist-info"]


def test_an_engine_is_found_on_the_path_or_by_name_and_asked_whether_it_works(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(engine.command).parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert container.find("", "image", "--ipc=host").command == engine.command
    assert container.find(engine.command, "image", "--ipc 'a b'").arguments == ("--ipc", "a b")
    (folder / "is-down").touch()
    with pytest.raises(Refused, match="docker does not work .Cannot connect to the daemon."):
        container.find("docker", "", "")
    monkeypatch.setenv("PATH", str(folder.parent))
    with pytest.raises(Refused, match="docker is not installed; podman is not installed"):
        container.find("", "", "")


@pytest.mark.parametrize("given", [{"in_place": True}, {"env": Mode.VENV}])
def test_options_that_contradict_containers_are_refused(engine: Engine, given: dict[str, object]) -> None:
    with pytest.raises(BadValue, match="--docker goes with neither"):
        Options(("default",), containers=engine, **given)  # type: ignore[arg-type]  # as the parameters say
