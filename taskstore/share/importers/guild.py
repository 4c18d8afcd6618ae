"""Guild's runs: a folder a run, with `.guild/attrs/` (YAML documents), output, events, source code and results."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import Damaged, NotFound, TaskstoreError
from ...disk.text import parse_yaml
from ...schema.artifact import INPUT, OUTPUT
from ...schema.record import USER_PROPERTIES, Parameter
from ...store.store import Store
from ..foreign import entering, folders, summaries
from ..foreign import events as files
from ..foreign.draft import Draft, chunks_of, read_text
from ..foreign.logs import moment_of, text_of
from ..foreign.tfrecords import open_plain
from . import base

KIND = "guild"
_OWN = ".guild"
_MAIN = "guild.op_main"
_ID = re.compile(r"[0-9a-f]{32}")
_COMMIT = re.compile(r"git:([0-9a-f]{7,64})")
_INDEX = struct.Struct("!QB")
"""Of each line of the output: when it was printed, in milliseconds since 1970, and 1 for stderr."""
_MAX_ATTRIBUTE = 4 << 20
_MAX_LINE = 1 << 20
_MAX_MANIFEST = 16 << 20
_MICROSECONDS = 1e6


class Guild:
    """Imports the runs of a Guild home."""

    def recognises(self, path: Path) -> bool:
        """Tell whether a run of Guild's is at a path, or a folder of them."""
        with folders.readable(path):
            return bool(_runs_at(path))

    def runs(self, store: Store, path: Path, options: base.Options) -> Iterator[base.Imported | base.LeftOut]:
        """Import the runs at a path. Raises NotFound, Damaged where there are none, Refused, ReadOnly."""
        if not path.exists():
            raise NotFound("file or folder", str(path))
        with folders.readable(path):
            homes = sorted(_runs_at(path.absolute()), key=_began)
        if not homes:
            raise Damaged(path, "it holds no run of Guild's: a folder with .guild/attrs in it")
        found = (_read(home, "" if home == path.absolute() else home.name) for home in homes)
        yield from entering.bring_all(store, found, options, total=len(homes))


def _runs_at(path: Path) -> list[Path]:
    """Return the runs in a run's folder, a folder of runs, a Guild home, or a folder with one."""
    for folder in (path, path / "runs", path / _OWN / "runs"):
        if _is_run(folder):
            return [folder]
        if folder.is_dir():
            found = [each for each in folder.iterdir() if _ID.fullmatch(each.name) and _is_run(each)]
            if found:
                return found
    return []


def _began(home: Path) -> tuple[int, str]:
    started = _attribute(home, "started")
    return (started if type(started) is int else 0, home.name)


def _is_run(path: Path) -> bool:
    return not path.is_symlink() and (path / _OWN / "attrs").is_dir() and not (path / _OWN).is_symlink()


def _attribute(home: Path, name: str) -> Any:  # noqa: ANN401 - whatever YAML has
    """Return one of a run's attributes; None where there is none that can be read."""
    import yaml

    try:
        text = read_text(home / _OWN / "attrs" / name, _MAX_ATTRIBUTE)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return parse_yaml(text.encode(), loader, lambda why: Damaged(home, f"{name}: {why}"))
    except (OSError, Damaged):
        return None


def _read(home: Path, source: str) -> GuildRun | base.LeftOut:
    try:
        with folders.readable(home):
            return _run_of(home, source)
    except TaskstoreError as error:
        return base.LeftOut(source or text_of(str(home)), error)


def _run_of(home: Path, source: str) -> GuildRun | base.LeftOut:
    if type(_attribute(home, "started")) is not int:
        return base.LeftOut(f"{home.name}: it was not started yet")
    return GuildRun(home, source)


class GuildRun:
    """One run."""

    kind = KIND

    def __init__(self, home: Path, source: str) -> None:
        self.notes = base.Notes()
        self.path = home
        self.source = source
        moment = moment_of(_attribute(home, "started") / _MICROSECONDS)
        if moment is None:
            raise Damaged(home, "it has no time that can be")
        self.began: datetime = moment
        self.source_id = text_of(_attribute(home, "id")) or home.name
        place, model, operation = _operation(home)
        self.project = "/".join(name for name in (place, model) if name) or KIND
        self.name = operation or self.source_id
        sizes = folders.sizes(home)
        self._files = {name: home / name for name in sizes}
        self.size_bytes = sum(sizes.values())
        self.state = hashlib.sha256(json.dumps(sizes).encode("utf-8", "replace")).hexdigest()[:32]

    def fill(self, draft: Draft) -> None:
        """Write what the run's folder holds."""
        for _ in folders.walk(self.path, self.notes.add):
            pass  # what is left out is noted
        exit_status = _attribute(self.path, "exit_status")
        self._facts(draft, exit_status)
        self._parameters(draft)
        self._script(draft)
        self._console(draft, has_ended=exit_status is not None)
        found = {name: path for name, path in self._files.items() if files.is_event_file(path)}
        run = files.EventRun(self.path)
        run.add(files.looked_at(list(found.values()), self.notes.add))
        parts = [(file.path.relative_to(self.path).as_posix(), file) for file in run.files]
        summaries.take(draft, parts, self.path.name)
        self._outputs(draft)

    def _facts(self, draft: Draft, exit_status: object) -> None:
        facts = draft.facts
        if type(exit_status) is not int:
            facts.status, facts.reason = "failed", "no end was recorded"
        elif exit_status < 0:
            facts.status, facts.reason = "stopped", f"signal {-exit_status}"
        elif exit_status:
            facts.status, facts.reason = "failed", f"exit code {exit_status}"
        stopped = _attribute(self.path, "stopped")
        facts.ended = moment_of(stopped / _MICROSECONDS) if type(stopped) is int else None
        facts.tags = [text_of(tag) for tag in _list(_attribute(self.path, "tags")) if isinstance(tag, str)]
        said = [each.get("body") for each in _list(_attribute(self.path, "comments")) if isinstance(each, dict)]
        facts.comment = "\n\n".join(text_of(body) for body in said if body)
        facts.host = text_of(_attribute(self.path, "host"))
        facts.user = text_of(_attribute(self.path, "user"))
        platform = _attribute(self.path, "platform")
        if isinstance(platform, dict):
            facts.runtime = {"os": text_of(platform.get("uname")).strip()}
            draft.script.python = (text_of(platform.get("python_version")).split() or [""])[0]
            draft.script.binary = f"python{'.'.join(draft.script.python.split('.')[:2])}"

    def _parameters(self, draft: Draft) -> None:
        flags = _attribute(self.path, "flags")
        if isinstance(flags, dict):
            draft.parameters("General", {str(name): value for name, value in flags.items()})
        said = {name: _attribute(self.path, name) for name in ("label", "random_seed")}
        properties = {name: Parameter(str(value), type(value).__name__) for name, value in said.items() if value}
        if properties:
            draft.params.hyperparams.setdefault(USER_PROPERTIES, {}).update(properties)

    def _script(self, draft: Draft) -> None:
        script = draft.script
        command = [text_of(part) for part in _list(_attribute(self.path, "cmd")) if isinstance(part, str)]
        script.executable = command[0] if command else ""
        argv = _arguments(command)
        script.entry_point = argv[0] if argv else ""
        script.argv, _ = draft.masker.argv(argv)
        commit = _COMMIT.match(text_of(_attribute(self.path, "vcs_commit")))
        script.version_num = commit[1] if commit else ""
        frozen = [text_of(line) for line in _list(_attribute(self.path, "pip_freeze")) if isinstance(line, str)]
        draft.requirements("\n".join(frozen))

    def _console(self, draft: Draft, *, has_ended: bool) -> None:
        """Write the lines of the output; the index beside it says when each was printed, and to which stream."""
        own = self.path / _OWN
        logs = draft.logs("output")
        with suppress(Damaged), open_plain(own / "output") as output, open_plain(own / "output.index") as index:
            while line := output.readline(_MAX_LINE):
                is_whole = line.endswith(b"\n") or len(line) == _MAX_LINE
                head = index.read(_INDEX.size) if line.endswith(b"\n") or not is_whole else b""
                if not is_whole and not has_ended:
                    break
                stamp, stream = _INDEX.unpack(head) if len(head) == _INDEX.size else (logs.at * 1000, 0)
                logs.at = stamp / 1000 or self.began.timestamp()
                logs.console("stderr" if stream else "stdout", line.decode("utf-8", "replace").rstrip("\r\n"))

    def _outputs(self, draft: Draft) -> None:
        """Keep the program as the script, other source code, what the run was given, and what it made, as artifacts."""
        kinds = self._manifest()
        for name, path in self._files.items():
            if name.startswith(f"{_OWN}/") or files.is_event_file(path):
                continue
            kind = kinds.get(name, "")
            with self.notes.of(f"{name} was left out", Damaged):
                if kind == "s" and name == draft.script.entry_point:
                    target = draft.paths.standalone(PurePosixPath(name).name)
                    draft.script.standalone = draft.keep(target, chunks_of(path))
                elif kind == "s":
                    draft.artifact(f"sourcecode/{name}", path)
                else:
                    draft.artifact(name, path, mode=INPUT if kind == "d" else OUTPUT)

    def _manifest(self) -> dict[str, str]:
        """Return what files were at the start: `s` for source code, `d` for what the operation asks for."""
        found: dict[str, str] = {}
        with suppress(OSError, Damaged):
            for line in read_text(self.path / _OWN / "manifest", _MAX_MANIFEST).splitlines():
                words = _words(line)
                if len(words) > 1 and words[0] in ("s", "d"):
                    found[words[1]] = words[0]
        return found


def _operation(home: Path) -> tuple[str, str, str]:
    """Return the name of the folder that an operation is of, its model's, and its own."""
    try:
        words = _words(read_text(home / _OWN / "opref", _MAX_LINE))
    except (OSError, Damaged):
        return "", "", ""
    if len(words) != 4:
        return "", "", ""
    kind, _, place = words[0].partition(":")
    folder = PurePosixPath(place.replace("\\", "/"))
    return text_of((folder.parent if kind == "guildfile" else folder).name), text_of(words[2]), text_of(words[3])


def _arguments(command: list[str]) -> list[str]:
    """Return the program, as its path below the run, and its arguments: Guild starts it by the name of its module."""
    for at, part in enumerate(command[:-1]):
        if part == _MAIN:
            module = command[at + 1].rpartition(":")[2]
            return [f"{module.replace('.', '/')}.py", *command[at + 2 + (command[at + 2 : at + 3] == ["--"]) :]]
    return command[1:]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


IMPORTER = Guild()
