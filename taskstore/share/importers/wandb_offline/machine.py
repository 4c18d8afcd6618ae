"""Where and by what a run was started: from its record of the environment, or the file that older versions wrote."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ....core.urls import strip_credentials
from ...foreign.draft import Draft
from ...foreign.logs import text_of


class Machine:
    """Sets the script and the facts of the machine."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.is_known = False

    def environment(self, found: Any) -> None:  # noqa: ANN401 - an Environment
        """Take a record of it, or of a part of it."""
        memory = str(found.memory.total) if found.memory.total else ""
        self._take(
            **{"os": found.os, "python": found.python, "program": found.program, "code_path": found.code_path},
            **{"root": found.root, "host": found.host, "username": found.username, "executable": found.executable},
            **{"args": list(found.args), "docker": found.docker, "gpu": found.gpu_type, "memory": memory},
            **{"cpu_model": found.cpu.model, "cpu_count": str(found.cpu_count or ""), "cuda": found.cuda_version},
        )
        self.repository(found.git)

    def metadata(self, found: dict[str, Any]) -> None:
        """Take `wandb-metadata.json`."""
        git = found.get("git")
        args = found.get("args")
        self._take(
            **{name: found.get(name) for name in ("os", "python", "program", "root", "host", "username", "executable")},
            **{"code_path": found.get("codePath"), "args": args if isinstance(args, list) else []},
            **{"docker": found.get("docker"), "gpu": found.get("gpu"), "cpu_count": str(found.get("cpu_count") or "")},
            **{"memory": "", "cpu_model": "", "cuda": found.get("cudaVersion") or found.get("cuda")},
        )
        if isinstance(git, dict):
            self._place(text_of(git.get("remote")), text_of(git.get("commit")))

    def repository(self, git: Any) -> None:  # noqa: ANN401 - a Git
        """Take the commit, where it was in git."""
        self._place(git.remote_url, git.commit)

    def _place(self, remote: str, commit: str) -> None:
        script = self._draft.script
        script.repository = strip_credentials(text_of(remote)) or script.repository
        script.version_num = text_of(commit) or script.version_num

    def _take(self, **found: Any) -> None:  # noqa: ANN401
        facts, script = self._draft.facts, self._draft.script
        said = {name: text_of(value) for name, value in found.items() if name != "args"}
        if said["program"]:
            self.is_known = True
            masked, _ = self._draft.masker.argv([said["program"], *map(text_of, found["args"])])
            script.argv = masked
            script.entry_point = said["code_path"] or PurePosixPath(said["program"].replace("\\", "/")).name
        script.python = said["python"].removeprefix("CPython ") or script.python
        script.binary = f"python{'.'.join(script.python.split('.')[:2])}" if script.python else ""
        script.executable = said["executable"] or script.executable
        script.root = script.cwd = said["root"] or script.root
        facts.host, facts.user = said["host"] or facts.host, said["username"] or facts.user
        names = {"os": "os", "gpu": "gpu", "cuda": "cuda", "cpu_model": "cpu_model", "cpu_count": "cpu_count"}
        facts.runtime |= {to: said[name] for name, to in names.items() if said[name]}
        if said["memory"]:
            facts.runtime["memory_bytes"] = said["memory"]
