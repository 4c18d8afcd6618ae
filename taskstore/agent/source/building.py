"""How git is run to rebuild code: it writes, and may ask a remote; it asks no person, and runs no hook or template."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...capture.vcs.command import OPTIONS, Answer, Git, environment, find_git
from ...core.errors import Refused

LOCAL = "file"
REMOTE = "file:git:http:https:ssh"
"""The protocols that are asked: those of git itself. A remote helper, such as `ext::`, may be any program."""

_LEFT_OUT = frozenset({"credential.helper="})
"""Of the options of a capture: who may fetch without being asked is the user's business."""
_MORE = (
    *("-c", "advice.detachedHead=false"),
    *("-c", "protocol.version=2"),  # in which a commit can be asked for by its name
    *("-c", "submodule.recurse=false"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "fetch.prune=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "core.sparseCheckout=false"),
    *("-c", "clone.defaultRemoteName=origin"),
    *("-c", "core.fsync=none"),  # what is rebuilt is rebuilt again after a power cut
    *("-c", "http.lowSpeedLimit=1000"),
    *("-c", "http.lowSpeedTime=30"),
)
_SAID = ("fatal:", "error:", "ssh:", "remote:", "kex_exchange_identification:", "host key")
_MAX_SAID = 4


@dataclass(frozen=True)
class Limits:
    """How long rebuilding may take: a git command that stays on this machine, one that asks a remote, all together."""

    local_s: float = 300.0
    remote_s: float = 900.0
    total_s: float = 3600.0


def _options() -> tuple[str, ...]:
    pairs = zip(OPTIONS, (*OPTIONS[1:], ""), strict=True)
    left_out = {at for at, (_, following) in enumerate(pairs) if following in _LEFT_OUT}
    return (*(o for at, o in enumerate(OPTIONS) if at not in left_out and at - 1 not in left_out), *_MORE)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return `given` with nobody to ask: neither git nor ssh nor a credential helper finds a terminal or a window."""
    env = environment(given)
    env.pop("GIT_TEMPLATE_DIR", None)
    env |= {"SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never", "GIT_MERGE_AUTOEDIT": "no"}
    if "GIT_SSH" not in env and "GIT_SSH_VARIANT" not in env:
        command = env.get("GIT_SSH_COMMAND", "ssh")
        if Path(command.partition(" ")[0]).name in ("ssh", "ssh.exe"):
            env["GIT_SSH_COMMAND"] = f"{command} -oBatchMode=yes -oConnectTimeout=30"
    return env


class Builder:
    """Runs git for one rebuilding, within one budget of time."""

    def __init__(self, limits: Limits) -> None:
        executable = find_git()
        if executable is None:
            raise Refused("the code of the task is in a git repository, and git is not on the PATH; install it")
        env = _environment(os.environ)
        self._local = Git(executable, Path(), env, timeout_s=limits.local_s, total_s=limits.total_s, options=_options())
        self._remote = Git(
            executable,
            Path(),
            {**env, "GIT_ALLOW_PROTOCOL": REMOTE},
            timeout_s=limits.remote_s,
            total_s=limits.total_s,
            options=_options(),
        )

    def at(self, folder: Path) -> Git:
        """Return what runs git in a folder, and asks nobody outside of this machine's disks."""
        return self._local.inside(folder).given(GIT_ALLOW_PROTOCOL=LOCAL)

    def remote_at(self, folder: Path) -> Git:
        """Return what runs git in a folder, and may ask a remote."""
        return self._remote.inside(folder)


def said(answer: Answer) -> str:
    """Return what git said when it failed, in one line: of a remote that is not reached the reason comes before."""
    if answer.stopped:
        return answer.problem
    lines = [line.strip() for line in answer.stderr.splitlines()]
    found = [line for line in lines if line.lower().startswith(_SAID)]
    shown = list(dict.fromkeys(line.removeprefix("fatal:").removeprefix("error:").strip() for line in found))
    return "; ".join(filter(None, shown[:_MAX_SAID])) or answer.problem


def text(answer: Answer) -> str:
    """Return the one line that git answered."""
    return os.fsdecode(answer.stdout).rstrip("\n")
