"""The records of a store as typed structs. Field names are ClearML's where its task document has the field."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

import msgspec

from ..core.states import Status

FORMAT = 1
MAX_HISTORY = 100
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
USER_PROPERTIES = "properties"
"""The section of the hyperparameters that stays editable in every status."""

ARCHIVED = "archived"
"""The system tag of a task that was put away."""

PROGRESS = "progress"
"""The key among a task's runtime facts of how far it has come, a number from 0 to 100."""

DEVELOPMENT = "development"
"""The system tag of a task that a run has made; one that is cloned or enqueued has it no more."""


class StoreRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """taskstore.json. `locks` is how every host locks here: flock or lease."""

    format: int
    id: str
    locks: str = "flock"
    created: Moment | None = None


class Change(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One entry of a task's history: the status it took, when, why, and who did it (user@host)."""

    status: Status
    time: Moment
    reason: str = ""
    message: str = ""
    who: str = ""


class Trashed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a deleted task came from, for `restore`."""

    project: str
    time: Moment
    who: str = ""


OWN_KIND = "taskstore"
"""The kind of a mark that says from which store a task came: it holds for the store that it is in."""


class Imported(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where what is in a task comes from, when another program has recorded it: in which format, its id and path there.

    `notes` say what of it was lost or changed on the way in; `without` says what was left out of a bundle. `state` is
    a hash of what there was of a run that may still grow: where it is the same, nothing has come since.
    """

    kind: str
    id: str
    path: str
    time: Moment
    who: str = ""
    notes: list[str] = []
    state: str = ""
    without: list[str] = []


class Container(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The container that a task asks to be run in, and the shell script that prepares it."""

    image: str = ""
    arguments: str = ""
    setup_shell_script: str = ""


class Execution(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a task came to run: the name of the queue that it waits in, or was started from.

    `launch` names the launch that may run it: a process that was launched before the task was given to another finds
    another name here, and does not begin. `requeues` counts how often it was put back because its worker was lost.
    `trusted` is who has said that a program from elsewhere may run.
    """

    queue: str = ""
    launch: str = ""
    requeues: int = 0
    trusted: str = ""


class TaskRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """task.json: identity, status and its history, times, tags, who and where.

    The task's project is where its folder is, and is not repeated here: moving a project of any size is one rename.
    """

    id: str
    rev: int
    name: str
    type: str
    status: Status
    status_reason: str = ""
    status_message: str = ""
    status_changed: Moment | None = None
    enqueue_status: Status | None = None
    created: Moment
    started: Moment | None = None
    completed: Moment | None = None
    last_update: Moment | None = None
    active_duration: float | None = None
    last_worker: str = ""
    user: str = ""
    host: str = ""
    parent: str | None = None
    tags: list[str] = []
    system_tags: list[str] = []
    comment: str = ""
    container: Container | None = None
    execution: Execution | None = None
    runtime: dict[str, str] = {}
    output_destination: str = ""
    history: list[Change] = []
    imported: list[Imported] = []
    trashed: Trashed | None = None


class StopRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """stop.json of a live run: how long it wants to be given before it is ended, who has asked it to stop, its answer.

    `ends_itself` says that nobody sends it a signal; `grace_s` is how long an agent waits after SIGTERM.
    """

    rev: int = 0
    timeout_s: float | None = None
    requested: Moment | None = None
    who: str = ""
    message: str = ""
    ends_itself: bool = False
    grace_s: float | None = None
    answered: Moment | None = None


class Parameter(msgspec.Struct, omit_defaults=True, gc=False):
    """One hyperparameter: its value as text, the type that the text is read back by, and what it means."""

    value: str
    type: str | None = None
    description: str | None = None


class ParamsRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """params.json: hyperparameters by section and name."""

    rev: int = 0
    hyperparams: dict[str, dict[str, Parameter]] = {}


class FileRef(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A file of the task: its path relative to the task's folder, size in bytes and SHA-256 in hex."""

    path: str
    size: int
    hash: str


class Untracked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A file that git did not know. `path` is where it was, relative to the root of its repository or submodule.

    `path_bytes` and `link_bytes` are the same in hex, where they are no UTF-8 and the texts cannot tell.
    """

    path: str
    path_bytes: str = ""
    file: FileRef | None = None
    executable: bool = False
    link: str | None = None
    link_bytes: str = ""

    @property
    def own_path(self) -> str:
        """The path as the filesystem spells it: bytes that are no UTF-8 as surrogate escapes."""
        return _spelled(self.path, self.path_bytes)

    @property
    def own_link(self) -> str:
        """The text of the link, spelled likewise; "" for a file."""
        return _spelled(self.link or "", self.link_bytes)


def _spelled(text: str, in_hex: str) -> str:
    try:
        return os.fsdecode(bytes.fromhex(in_hex)) if in_hex else text
    except ValueError:
        return text


class Missing(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of the uncommitted changes is not recorded: numbers of files, and why; no numbers where git did not tell."""

    changed: int = 0
    untracked: int = 0
    reason: str = ""


class Submodule(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The state of one git submodule, also of one within a submodule. `captured`: what differs in it is recorded here.

    What an earlier taskstore has recorded of a dirty submodule has `captured` false, and holds the commit only.
    """

    path: str
    url: str = ""
    version_num: str = ""
    checked_out: bool = True
    dirty: bool = False
    captured: bool = False
    diff: FileRef | None = None
    bundle: FileRef | None = None
    untracked: list[Untracked] = []
    missing: Missing | None = None


class ScriptRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """script.json: repository, commit, entry point, interpreter and command line; `source/` holds the files."""

    rev: int = 0
    kind: str = "script"
    repository: str = ""
    branch: str = ""
    tag: str = ""
    version_num: str = ""
    working_dir: str = ""
    entry_point: str = ""
    module: str = ""
    root: str = ""
    cwd: str = ""
    binary: str = ""
    executable: str = ""
    python: str = ""
    argv: list[str] = []
    aliases: dict[str, str] = {}
    diff: FileRef | None = None
    bundle: FileRef | None = None
    standalone: FileRef | None = None
    untracked: list[Untracked] = []
    submodules: list[Submodule] = []
    missing: Missing | None = None
    requirements: dict[str, str] = {}
    notes: list[str] = []

    def code_files(self) -> list[tuple[str, FileRef]]:
        """Return the files that hold code a person reads, each with what it is to a person."""
        named = [("script", self.standalone), ("uncommitted changes", self.diff)]
        named += [(f"untracked {item.path}", item.file) for item in self.untracked]
        for module in self.submodules:
            named += [(f"uncommitted changes in {module.path}", module.diff)]
            named += [(f"untracked {module.path}/{item.path}", item.file) for item in module.untracked]
        return [(name, reference) for name, reference in named if reference is not None]

    def captured_files(self) -> list[FileRef]:
        """Return all files of the task that hold its code."""
        bundles = [self.bundle, *(module.bundle for module in self.submodules)]
        return [*(reference for _, reference in self.code_files()), *(each for each in bundles if each is not None)]


Number = float | Annotated[str, msgspec.Meta(pattern=r"^(NaN|-?Infinity)$")]
"""A number; "NaN", "Infinity" and "-Infinity" are spelled as text, because JSON has none of them."""


class Scalar(msgspec.Struct, omit_defaults=True, gc=False):
    """One line of a scalar log. `timestamp` counts milliseconds since 1970."""

    timestamp: float
    iter: int
    metric: str
    variant: str
    value: Number


MONITOR = ":monitor:"
"""What the titles of series of resources begin with: their iterations may be seconds, and are not the program's."""


class LastMetric(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What is known of one series without reading it: NaN counts as a last value, never as min or max."""

    value: Number
    iteration: int = 0
    count: int = 0
    min_value: Number | None = None
    min_value_iteration: int | None = None
    max_value: Number | None = None
    max_value_iteration: int | None = None


class SummaryRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """summary.json: derived from the scalar logs, of which it has read `covered` bytes each."""

    covered: dict[str, int] = {}
    last_iteration: int | None = None
    last_metrics: dict[str, dict[str, LastMetric]] = {}


class ProjectRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """project.yaml: what people say of a project. `name` is its own part of the name.

    `renaming_to` is the name that it is about to have, for the instants of a rename: the folder's name says which of
    the two holds, also where it is abbreviated.
    """

    name: str = ""
    renaming_to: str = ""
    description: str = ""
    tags: list[str] = []
    default_output_destination: str = ""
    created: Moment | None = None


class ManifestRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """manifest.json of a published task: SHA-256 by path, of a record's fields that may no longer change."""

    published: Moment
    files: dict[str, str] = {}
