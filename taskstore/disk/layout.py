"""Where everything is: every file name of a store is spelled here and nowhere else (docs/reference/format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.names import encode

STORE = "taskstore.json"
BUNDLE = "taskstore-bundle.json"
PROJECTS = "projects"
TRASH = "trash"
QUEUES = "queues"
SETTINGS = "config.yaml"
IGNORE = ".gitignore"
RECORD = "task.json"
PARAMS = "params.json"
SCRIPT = "script.json"
ARTIFACTS = "artifacts.json"
MODELS = "models.json"
CONFIGURATION = "config.json"
CONFIG_FOLDER = "config"
SOURCE_FOLDER = "source"
ARTIFACT_FILES = "files/artifacts"
MODEL_FILES = "files/models"
SAMPLES = "files/media"
SUMMARY = "summary.json"
EVENTS = "events"
FILES = "files"
MANIFEST = "manifest.json"
STOP = "stop.json"
REMOTES = "remotes.json"
VIEWS = "views.json"
ANCESTRY = "ancestry.json"
CONFLICTS = "conflicts"
LOCK = ".lock"
VIEW = ".taskstore-view.json"
VIEW_LOCK = ".taskstore-view.lock"
BEACON = ".alive"
PROJECT = "project.yaml"
QUEUE = "queue.json"
WAITING = "waiting"
CLAIMED = "claimed"
TEMPORARY_SUFFIX = ".tmp"
NEW_PREFIX = ".new-"
PURGE_PREFIX = ".purge-"


@dataclass(frozen=True)
class TreePaths:
    """Where what was captured of one work tree is: that of the repository, or that of a submodule."""

    home: Path

    @property
    def diff(self) -> Path:
        """Changes that were not committed, as git apply takes them."""
        return self.home / "uncommitted.diff"

    @property
    def bundle(self) -> Path:
        """Commits that no remote had, as a git bundle."""
        return self.home / "unpushed.bundle"

    def untracked(self, path: str) -> Path:
        """Where the copy of an untracked file goes; `path` is posix, relative to the work tree's root."""
        return self.home.joinpath("untracked", *(encode(part) for part in path.split("/")))


@dataclass(frozen=True)
class TaskPaths:
    """The files of one task; `home` is its directory, wherever that is at the moment."""

    home: Path

    @property
    def id(self) -> str:
        """The task's id, which is the directory's name."""
        return self.home.name

    @property
    def record(self) -> Path:
        """Identity, status and history."""
        return self.home / RECORD

    @property
    def params(self) -> Path:
        """Hyperparameters by section."""
        return self.home / PARAMS

    @property
    def script(self) -> Path:
        """What ran, with which code."""
        return self.home / SCRIPT

    @property
    def artifacts(self) -> Path:
        """Artifacts by key."""
        return self.home / ARTIFACTS

    @property
    def models(self) -> Path:
        """Models that the task made, and those that it was given."""
        return self.home / MODELS

    @property
    def configuration(self) -> Path:
        """What is said of the configuration objects."""
        return self.home / CONFIGURATION

    @property
    def config(self) -> Path:
        """The folder of configuration objects: people edit them."""
        return self.home / CONFIG_FOLDER

    def config_file(self, name: str, suffix: str) -> Path:
        """One configuration object; `suffix` has no dot, and may be empty."""
        last = suffix or ("file" if "." in name else "")  # what is before the last dot is the name
        return self.config / (f"{encode(name)}.{last}" if last else encode(name))

    @property
    def summary(self) -> Path:
        """Last, min and max of each series; derived from the logs."""
        return self.home / SUMMARY

    @property
    def manifest(self) -> Path:
        """SHA-256 of every file of a published task."""
        return self.home / MANIFEST

    @property
    def ancestry(self) -> Path:
        """What is known of versions of the task other than the present one."""
        return self.home / ANCESTRY

    @property
    def conflicts(self) -> Path:
        """The folder of files that only rivals of what is shown name, each by its SHA-256."""
        return self.home / CONFLICTS

    @property
    def stop(self) -> Path:
        """What asks the run to stop; of a live run only."""
        return self.home / STOP

    @property
    def lock(self) -> Path:
        """The edit lock."""
        return self.home / LOCK

    @property
    def beacon(self) -> Path:
        """What a live run holds locked."""
        return self.home / BEACON

    @property
    def source(self) -> Path:
        """The folder of captured code."""
        return self.home / SOURCE_FOLDER

    def work_tree(self, submodule: str = "") -> TreePaths:
        """What was captured of the repository's work tree, or of a submodule's, by its path below the repository."""
        return TreePaths(self.source / "submodules" / encode(submodule) if submodule else self.source)

    @property
    def diff(self) -> Path:
        """Changes that were not committed, as git apply takes them."""
        return self.work_tree().diff

    @property
    def bundle(self) -> Path:
        """Commits that no remote had, as a git bundle."""
        return self.work_tree().bundle

    @property
    def requirements(self) -> Path:
        """The packages that the program imports."""
        return self.source / "requirements.txt"

    @property
    def environment(self) -> Path:
        """Every package that was installed."""
        return self.source / "environment.txt"

    def untracked(self, path: str) -> Path:
        """Where the copy of an untracked file goes; `path` is posix, relative to the repository's root."""
        return self.work_tree().untracked(path)

    def standalone(self, name: str) -> Path:
        """Where the source of a script outside git goes."""
        return self.source / "script" / encode(name)

    @property
    def events(self) -> Path:
        """The folder of logs."""
        return self.home / EVENTS

    def scalars(self, writer: str) -> Path:
        """One writer's scalars."""
        return self.events / f"scalars.{writer}.jsonl"

    def plots(self, writer: str) -> Path:
        """One writer's plots."""
        return self.events / f"plots.{writer}.jsonl"

    def media(self, writer: str) -> Path:
        """One writer's debug samples: the log that names their blobs."""
        return self.events / f"media.{writer}.jsonl"

    def console(self, writer: str) -> Path:
        """One writer's console output."""
        return self.events / f"console.{writer}.log"

    @property
    def files(self) -> Path:
        """The folder of blobs."""
        return self.home / FILES

    @property
    def artifact_files(self) -> Path:
        """The folder of the artifacts' blobs, a folder a key."""
        return self.home / ARTIFACT_FILES

    def artifact_folder(self, key: str) -> Path:
        """Where one artifact's blob is."""
        return self.artifact_files / encode(key)

    @property
    def model_files(self) -> Path:
        """The folder of the models' weights, a folder a name."""
        return self.home / MODEL_FILES

    def model_folder(self, name: str) -> Path:
        """Where one model's weights are."""
        return self.model_files / encode(name)

    @property
    def samples(self) -> Path:
        """The folder of debug samples, and of pictures that are plots."""
        return self.home / SAMPLES

    def sample(self, title: str, series: str, name: str) -> Path:
        """One debug sample's blob. No title is no path component: it is `%`, which stands for none."""
        return self.samples.joinpath(*(encode(part) if part else "%" for part in (title, series)), name)


@dataclass(frozen=True)
class QueuePaths:
    """The files of one queue."""

    home: Path

    @property
    def record(self) -> Path:
        """Its name, and when it was made."""
        return self.home / QUEUE

    @property
    def waiting(self) -> Path:
        """The folder of tickets that nobody has taken; where it is, there is the queue."""
        return self.home / WAITING

    @property
    def claimed(self) -> Path:
        """The folder of tickets that a worker has taken and not yet done with."""
        return self.home / CLAIMED


@dataclass(frozen=True)
class WorkerPaths:
    """The files of one worker."""

    folder: Path
    stem: str

    @property
    def record(self) -> Path:
        """What it is, and what it runs."""
        return self.folder / f"{self.stem}.json"

    @property
    def beacon(self) -> Path:
        """What it holds while it lives."""
        return self.folder / f"{self.stem}.alive"


@dataclass(frozen=True)
class StorePaths:
    """The files of a store."""

    root: Path

    @property
    def record(self) -> Path:
        """Format number, store id, lock kind."""
        return self.root / STORE

    @property
    def ignore(self) -> Path:
        """What keeps the store out of the git repository that it may lie in."""
        return self.root / IGNORE

    @property
    def projects(self) -> Path:
        """The tree of projects."""
        return self.root / PROJECTS

    @property
    def trash(self) -> Path:
        """Deleted tasks, until they are purged."""
        return self.root / TRASH

    @property
    def cache(self) -> Path:
        """Derived and disposable."""
        return self.root / "cache"

    @property
    def index(self) -> Path:
        """What a listing remembers of the records it has read."""
        return self.cache / "index.msgpack"

    @property
    def shared_manifest(self) -> Path:
        """What is remembered of every task for its comparison with other stores."""
        return self.cache / "manifest.msgpack"

    def transfers(self, address: str) -> Path:
        """The folder of what is known of a transfer to or from a place that was cut off, by the place's hash."""
        return self.cache / "transfers" / address

    @property
    def bundles(self) -> Path:
        """The last bundle of unpushed commits of each repository that runs came from."""
        return self.cache / "bundles"

    @property
    def blobs(self) -> Path:
        """Hints: by SHA-256, where in the store a blob of it was put last."""
        return self.cache / "blobs"

    def blob_hint(self, digest: str) -> Path:
        """The hint for one SHA-256: a file that holds the blob's path relative to the store."""
        return self.blobs / digest[:2] / digest

    def extracted(self, digest: str) -> Path:
        """The files of an archive that was read, by its SHA-256."""
        return self.cache / "extracted" / digest

    def fetched(self, digest: str) -> Path:
        """The folder of a file that was fetched from elsewhere, by its SHA-256 (or that of its address)."""
        return self.cache / "fetched" / digest

    @property
    def fetched_lock(self) -> Path:
        """The lock for what was fetched."""
        return self.cache / "fetched" / LOCK

    def dataset(self, task_id: str) -> Path:
        """The files of a dataset that was read, by its task's id."""
        return self.cache / "datasets" / task_id

    @property
    def quarantine(self) -> Path:
        """Where doctor puts what it takes out."""
        return self.root / "quarantine"

    @property
    def config(self) -> Path:
        """Settings of this store: people edit it."""
        return self.root / SETTINGS

    @property
    def remotes(self) -> Path:
        """The remotes that the store knows by name."""
        return self.root / REMOTES

    @property
    def views(self) -> Path:
        """The views of the table of tasks that people have kept."""
        return self.root / VIEWS

    @property
    def lock(self) -> Path:
        """The lock for changes to the tree of projects."""
        return self.root / LOCK

    @property
    def leases(self) -> Path:
        """Markers of edit locks, where the store locks by lease."""
        return self.root / "locks"

    def lease(self, owner: str) -> Path:
        """One marker; `owner` is a task's id, or what else there is one lock for."""
        return self.leases / f"{owner}.lease"

    @property
    def ranks(self) -> Path:
        """Where the ranks of distributed runs meet."""
        return self.root / "ranks"

    def meeting(self, key: str) -> Path:
        """The file by which the ranks of one run find their task."""
        return self.ranks / f"{key}.json"

    @property
    def queues(self) -> Path:
        """The folder of queues."""
        return self.root / QUEUES

    @property
    def workers(self) -> Path:
        """The folder of workers: what each agent is doing."""
        return self.root / "workers"

    def worker(self, name: str) -> WorkerPaths:
        """The files of one worker."""
        return WorkerPaths(self.workers, encode(name))

    def queue(self, name: str) -> QueuePaths:
        """Where the queue of that name is."""
        return QueuePaths(self.queues / encode(name))

    def project(self, parts: Sequence[str]) -> Path:
        """A project's folder, by the parts of its name."""
        return self.projects.joinpath(*(encode(part) for part in parts))

    def quarantined(self, name: str) -> Path:
        """One thing that doctor took out, with a note of where it came from."""
        return self.quarantine / name

    def trashed(self, task_id: str) -> TaskPaths:
        """Where a deleted task is."""
        return TaskPaths(self.trash / task_id)

    def tombstone(self, task_id: str) -> Path:
        """What is left of a task that was removed for good."""
        return self.trash / f"{task_id}.json"
