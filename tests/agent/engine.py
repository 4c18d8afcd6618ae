#!/usr/bin/env python3
"""A stand-in for docker and podman: it runs a container's command on this machine, in namespaces of its own as root.

It understands what the agent gives it, and nothing else: an option that it does not know is an error, as it is there.
Each call is appended to `calls` beside it. What lies below the lent folder is found at a folder of links instead.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LENT = "/taskstore-of-the-agent"
FLAGS = ("--rm", "--init", "--detach=false", "--privileged")
VALUES = ("--name", "--label", "--user", "--userns", "--workdir", "--entrypoint", "--gpus", "--device", "--ipc")


APART = ("unshare", "--pid", "--uts", "--fork", "--mount", "--mount-proc", "--kill-child")


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[0] == "init":
        return init(arguments[1:])
    with (HERE / "calls").open("a") as stream:
        stream.write(json.dumps({"arguments": arguments, "environment": dict(os.environ)}) + "\n")
    if arguments[0] == "run":
        return run(arguments[1:])
    if arguments[:2] in (["ps", "--quiet"], ["ps", "--all"]):
        name = arguments[-1].partition("name=")[2]
        if (HERE / "is-down").exists():
            sys.stderr.write("Cannot connect to the daemon\n")
            return 1
        if name and running(name):
            sys.stdout.write("0123456789ab\n")
        return 0
    if arguments[0] == "kill" or arguments[:2] == ["rm", "--force"]:
        return kill(arguments[-1])
    raise SystemExit(f"unknown: {arguments}")


def init(command: list[str]) -> int:
    """Be the first process of the namespace, to which a signal without a handler means nothing."""
    process = subprocess.Popen(command, start_new_session=os.getpid() == 1)
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    code = process.wait()
    return code if code >= 0 else 128 - code


def running(name: str) -> list[int]:
    """The init processes of containers of that name."""
    try:
        pid = int((HERE / f"{name}.pid").read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return []
    return [pid]


def kill(name: str) -> int:
    found = running(name)
    for pid in found:
        os.killpg(pid, signal.SIGKILL)
    return 0 if found else 1


def run(arguments: list[str]) -> int:
    given: dict[str, str] = {}
    environment = {"PATH": os.environ["PATH"], "IMAGE_HAS": "this"}
    root = HERE / "root"
    flags = set()
    while arguments[0].startswith("-"):
        option = arguments.pop(0)
        name, _, value = option.partition("=")
        if option in FLAGS:
            flags.add(option)
            continue
        if name == "--env":
            key, separator, text = arguments.pop(0).partition("=")
            environment[key] = (text if separator else os.environ[key]).replace(LENT, str(root))
        elif name == "--mount":
            mount(value, root)
        elif name in VALUES:
            given[name] = value or arguments.pop(0)
        else:
            sys.stderr.write(f"unknown flag: {option}\n")
            return 125
    image, *command = arguments
    if image == "missing:latest":
        sys.stderr.write(f"Unable to find image '{image}' locally\n")
        return 125
    command = [text.replace(LENT, str(root)) for text in command]
    init = [sys.executable, __file__, "init"] if "--init" in flags else []
    process = subprocess.Popen(
        [*(APART if os.getuid() == 0 else ()), *init, given["--entrypoint"], *command],
        cwd=given["--workdir"],
        env=environment,
        start_new_session=True,
    )
    (HERE / f"{given['--name']}.pid").write_text(str(process.pid))

    def hand_on(number: int, frame: object) -> None:
        os.killpg(process.pid, number)

    signal.signal(signal.SIGTERM, hand_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


def mount(text: str, root: Path) -> None:
    fields = dict(field.partition("=")[::2] for field in next(csv.reader([text])))
    source, target = Path(fields["source"]), fields["target"]
    assert fields["type"] == "bind", text
    assert source.exists(), text
    if target.startswith(LENT):
        link = root / target[len(LENT) + 1 :]
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(source)
    else:
        assert str(source) == target, text


if __name__ == "__main__":
    sys.exit(main())
