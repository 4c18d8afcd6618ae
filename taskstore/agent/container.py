"""A task's process in a container: which engine starts it, with what options, and how it is ended for certain.

The engine's client (`docker run`) is the process that the agent starts and waits for. It is not the task's: a killed
client leaves its container running. So a container has a name, and is killed and removed by that.
"""

from __future__ import annotations

import contextlib
import csv
import getpass
import io
import json
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ..core.errors import Refused
from ..core.secrets import MASK
from ..run import given, launch
from ..schema.record import Container
from ..store import settings
from ..store.store import ROOT_VARIABLE, Store
from . import ours

ENGINES = ("docker", "podman")
LENT = "/taskstore-of-the-agent"
"""Where a container finds the agent's own taskstore."""
COULD_NOT_START = 125
"""The exit code of an engine that could not start a container."""

CLIENTS_OWN = ("HOME", "USER", "LOGNAME")
"""Variables that the program in the container has by value, because the engine's client needs its own."""

_CONFIG = f"{LENT}/config.yaml"
_WITHIN = f"{LENT}/ours/taskstore/agent/within.py"
_ANSWER_S = 20.0
_END_S = 60.0
# The set-up script is read by the shell that then becomes the program's: what it exports, the program has.
_SHELL = """\
_taskstore_setup=$1 _taskstore_python=$2; shift 2
if [ -s "$_taskstore_setup" ]; then
    trap 'echo "taskstore agent: the set-up script has failed" >&2' EXIT
    set -e; . "$_taskstore_setup"; set +e
    trap - EXIT
fi
for _taskstore_each in "$_taskstore_python" python3 python; do
    _taskstore_found=$(command -v "$_taskstore_each") && exec "$_taskstore_found" "$@"
done
echo "taskstore agent: the image has no Python" >&2
exit 127
"""
_BEGIN = 'command -v bash >/dev/null 2>&1 && exec bash -c "$@"; exec sh -c "$@"'
_RIGHTS = ("privileged", "cap-add", "device", "security-opt", "volume", "v", "mount", "volumes-from", "user", "u")
_SPACES = ("network", "net", "pid", "ipc", "uts", "userns", "cgroupns")


@dataclass(frozen=True)
class Engine:
    """What runs containers here, and what its owner gives every container."""

    command: str
    image: str = ""
    """For tasks that ask for none."""
    arguments: tuple[str, ...] = ()

    @property
    def is_podman(self) -> bool:
        """Whether it understands podman's options rather than docker's."""
        return Path(self.command).name.startswith("podman")


def find(command: str, image: str, arguments: str) -> Engine:
    """Return the engine of that name or path, else docker or podman, whichever answers. Raises Refused."""
    said = []
    for name in [command] if command else ENGINES:
        path = shutil.which(str(Path(name).expanduser()))
        problem = "is not installed" if path is None else _problem_of(path)
        if path is not None and not problem:
            return Engine(path, image, tuple(_split(arguments, "agent.container_arguments")))
        said.append(f"{name} {problem}")
    raise Refused(
        f"no containers can be run here: {'; '.join(said)}; start the agent without --docker, or name another "
        "command with --docker-command"
    )


def _problem_of(path: str) -> str:
    """Ask an engine for what it runs; say what is wrong where it does not answer."""
    try:
        tried = subprocess.run(
            [path, "ps", "--quiet"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_S,
            check=False,
        )
    except OSError as error:
        return f"cannot be started ({error.strerror})"
    except subprocess.TimeoutExpired:
        return f"has not answered within {_ANSWER_S:g} s"
    last = tried.stderr.strip().rpartition("\n")[2]
    return f"does not work ({last or f'exit code {tried.returncode}'})" if tried.returncode else ""


@dataclass(frozen=True)
class Box:
    """One container that is to be started: its name, the command that starts it, and what a person should know."""

    engine: Engine
    name: str
    command: tuple[str, ...]
    notes: tuple[str, ...]

    def kill(self) -> None:
        """End all that runs in it, at once."""
        self._ask("kill", self.name)

    def remove(self) -> bool:
        """Remove it, whatever runs in it; tell whether it is certain that nothing of it is left."""
        return self._ask("rm", "--force", self.name) or self._is_unknown()

    def _is_unknown(self) -> bool:
        # What `ps` says rather than an exit code: `rm` of what is not there fails with one engine and not the other.
        try:
            listed = self._run("ps", "--all", "--quiet", "--filter", f"name={self.name}")
        except (OSError, subprocess.TimeoutExpired):
            return False
        return listed.returncode == 0 and not listed.stdout.strip()

    def _ask(self, *words: str) -> bool:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            return self._run(*words).returncode == 0
        return False

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.engine.command, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_END_S,
            check=False,
        )


@dataclass(frozen=True)
class Wanted:
    """What is to be run in a container: the record's wishes, and what the agent has made ready in `folder`."""

    asked: Container
    task_id: str
    folder: Path
    plan: launch.Plan
    python: str
    """The interpreter's recorded name."""
    pythonpath: tuple[Path, ...]
    gpus: str


def box(store: Store, engine: Engine, wanted: Wanted, variables: Mapping[str, str]) -> Box:
    """Return how a task is started in a container; writes its set-up script. Raises Refused, OSError.

    `variables` are those that the program is to have. The client's own environment must hold them: they are named on
    its command line, and their values are not, but for CLIENTS_OWN.
    """
    image = wanted.asked.image or engine.image
    if not image:
        raise Refused(
            f"task {wanted.task_id[:12]} names no image to be run in; give the agent one "
            "(`taskstore agent start --docker IMAGE`), or the task (task.code.set_container)"
        )
    if image.startswith("-"):
        raise Refused(f"task {wanted.task_id[:12]}: {image!r} is no image")
    asked = _split(wanted.asked.arguments, f"the container's arguments of task {wanted.task_id[:12]}")
    asked = _unmasked(asked, wanted.task_id)
    name = f"taskstore-{wanted.task_id[:12]}-{secrets.token_hex(4)}"
    command = [
        *(engine.command, "run", *asked),
        *("--rm", "--init", "--detach=false", f"--name={name}", f"--label=taskstore.task={wanted.task_id}"),
        *_user(engine),
        *_mounts(store, wanted),
        *(part for key in sorted(variables) for part in ("--env", _assignment(key, variables[key]))),
        *_gpus(engine, wanted.gpus),
        *(f"--workdir={wanted.folder}", "--entrypoint=/bin/sh"),
        *engine.arguments,
        image,
        *_program(wanted),
    ]
    return Box(engine, name, tuple(command), tuple(_notes(image, asked)))


def variables_of(store: Store, wanted: Wanted, own: Mapping[str, str]) -> dict[str, str]:
    """Return what the program in the container finds in its environment, besides what its image sets.

    That is what names its task and launch, and taskstore's settings; nothing else of the agent's environment.
    """
    home = wanted.folder / "home"
    home.mkdir(exist_ok=True)
    found = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("TASKSTORE_") and "__" in name and not name.startswith(given.PREFIX)
    }
    if _own_settings() is not None:
        found[settings.CONFIG_VARIABLE] = _CONFIG
    found.update({name: value for name, value in wanted.plan.variables.items() if value is not None})
    found.update(wanted.plan.secrets)  # by their names: a value is in no command line
    found.update({ROOT_VARIABLE: str(store.root), "HOME": str(home), **own})
    with contextlib.suppress(KeyError, ImportError, OSError):  # who runs the agent has no name either
        found["USER"] = found["LOGNAME"] = getpass.getuser()
    return found


def _assignment(name: str, value: str) -> str:
    return f"{name}={value}" if name in CLIENTS_OWN else name


def _split(text: str, what: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Refused(f"{what} cannot be read: {error} in {text!r}") from None


def _unmasked(arguments: list[str], task_id: str) -> list[str]:
    """Have secrets that the record has masked be taken from the agent's environment."""
    found = []
    for argument in arguments:
        if MASK in argument:
            head, _, _ = argument.partition(f"={MASK}")
            name = head.rpartition("=")[2]
            if not argument.endswith(f"={MASK}") or name not in os.environ:
                raise Refused(
                    f"the container's arguments of task {task_id[:12]} have a masked secret ({argument}); "
                    f"set {name} in the agent's environment, or give other arguments (task.code.set_container)"
                )
            argument = head
        found.append(argument)
    return found


def _user(engine: Engine) -> Iterator[str]:
    """Keep the agent's user: what the program writes is to be that one's, and no more than that is to be its right."""
    if os.name != "posix":
        return
    yield f"--user={os.getuid()}:{os.getgid()}"
    if engine.is_podman and os.getuid() != 0:
        yield "--userns=keep-id"
    if Path("/sys/fs/selinux/enforce").exists():
        yield "--security-opt=label=disable"  # else it cannot read the store, or the user's files would be relabelled


def _mounts(store: Store, wanted: Wanted) -> Iterator[str]:
    yield from (_mount(place, str(place)) for place in (store.root, wanted.folder))
    own = _own_settings()
    if own is not None:
        yield _mount(own, _CONFIG, "readonly")
    for part, names in (("ours", ours.packages()), ("needed", ours.dependencies())):
        for name, place in sorted(names.items()):
            yield _mount(place, f"{LENT}/{part}/{name}", "readonly")


def _own_settings() -> Path | None:
    """Return the file with the user's own settings: what they mask is to be masked in a container, too."""
    found = settings.user_file()
    return found.absolute() if found is not None and found.is_file() else None


def _mount(source: Path, target: str, *more: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["type=bind", f"source={source}", f"target={target}", *more])
    return f"--mount={text.getvalue()}"


def _gpus(engine: Engine, gpus: str) -> Iterator[str]:
    if gpus and engine.is_podman:
        yield from (f"--device=nvidia.com/gpu={gpu}" for gpu in gpus.split(","))
    elif gpus:
        yield f"--gpus={gpus}" if gpus == "all" else f'--gpus="device={gpus}"'


def _program(wanted: Wanted) -> Iterator[str]:
    setup = wanted.folder / "setup.sh"
    setup.write_text(wanted.asked.setup_shell_script, encoding="utf-8")
    yield from ("-c", _BEGIN, "taskstore", _SHELL, "taskstore", str(setup))
    yield wanted.python or "python3"
    facts = {
        "cwd": str(wanted.plan.cwd),
        "pythonpath": [str(path) for path in wanted.pythonpath],
        "ours": f"{LENT}/ours",
        "needed": f"{LENT}/needed",
        "links": str(wanted.folder / "needed"),
    }
    yield from (_WITHIN, json.dumps(facts), *launch.command_of(wanted.plan)[1:])


def _notes(image: str, asked: list[str]) -> Iterator[str]:
    yield f"it runs in a container of {image}"
    rights = rights_of(asked)
    if rights:
        yield f"its container has more rights than most: {shlex.join(rights)}"


def rights_of(arguments: list[str]) -> list[str]:
    """Return the arguments by which a container gets at more of this machine than one without them."""
    found = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        name, _, value = argument.lstrip("-").partition("=")
        short = not argument.startswith("--") and argument[:2] in ("-v", "-u")
        if not argument.startswith("-"):
            continue
        value = value or following
        if name in _RIGHTS or short or (name in _SPACES and value.partition(":")[0] in ("host", "container")):
            has_own_value = "=" in argument or name == "privileged" or (short and len(argument) > len("-v"))
            found += [argument] if has_own_value else [argument, following]
    return found
