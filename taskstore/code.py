"""What runs in a task: repository and script, requirements, container; `task.code`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .capture.packages import requirements_text
from .core.states import RECORDING
from .core.urls import strip_credentials
from .disk.atomic import make_folders, replace_record
from .run import requirements
from .schema.record import Container, ScriptRecord
from .sections import document
from .store import tasks
from .store.hold import Hold


class Code:
    """Reads and changes what would be run: of a draft, or of the running program's own task. Raises ReadOnly else."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    def get(self) -> dict[str, str]:
        """Read repository, branch, commit (`version_num`), entry point, working directory, interpreter and diff."""
        paths = self._hold.paths
        script = tasks.read_script(paths)
        return {
            "repository": script.repository,
            "branch": script.branch,
            "version_num": script.version_num,
            "working_dir": script.working_dir,
            "entry_point": script.entry_point,
            "binary": script.binary,
            "diff": document.diff_of(paths, script),
        }

    def set(
        self,
        *,
        repository: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        working_dir: str | None = None,
        entry_point: str | None = None,
        binary: str | None = None,
        diff: str | None = None,
    ) -> None:
        """Set what is given, and leave the rest; an address loses its credentials."""
        given = {
            "repository": None if repository is None else strip_credentials(repository),
            "branch": branch,
            "version_num": commit,
            "working_dir": working_dir,
            "entry_point": entry_point,
            "binary": binary,
        }

        def change(script: ScriptRecord) -> None:
            for name, value in given.items():
                if value is not None:
                    setattr(script, name, value)
            if diff is not None:
                script.diff = document.keep_diff(self._hold.paths, diff)

        self._edit(change)

    def get_requirements(self) -> dict[str, str]:
        """Read {package: version} of what the program needs."""
        return dict(tasks.read_script(self._hold.paths).requirements)

    def set_requirements(self, packages: str | Path | Sequence[str]) -> None:
        """Replace the requirements: a requirements file, or lines of one. Raises BadValue, NotFound."""
        lines = requirements.read_file(packages) if isinstance(packages, (str, Path)) else packages
        found = requirements.parse(lines)
        if self._hold.editable is RECORDING:
            requirements.replace(self._hold.task_id, found)

        def change(script: ScriptRecord) -> None:
            script.requirements = found
            paths = self._hold.paths
            make_folders(paths.source, until=paths.home)
            replace_record(paths.requirements, requirements_text(found).encode())

        self._edit(change)

    def get_container(self) -> dict[str, str]:
        """Read the container that the task asks for: image, arguments, setup_shell_script; empty where it asks none."""
        asked = self._hold.read().container or Container()
        return {
            "image": asked.image,
            "arguments": asked.arguments,
            "setup_shell_script": asked.setup_shell_script,
        }

    def set_container(self, *, image: str = "", arguments: str = "", setup_shell_script: str = "") -> None:
        """Ask for a container to be run in."""
        asked = Container(image=image, arguments=arguments, setup_shell_script=setup_shell_script)
        self._hold.edit(lambda record: setattr(record, "container", asked))

    def _edit(self, change: Callable[[ScriptRecord], None]) -> None:
        with self._hold.guard():
            tasks.edit_script(self._hold.store, self._hold.task_id, change, allowed=self._hold.editable)
