"""The facade that users hold: `Task`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import asked
from .code import Code
from .core import checks
from .core.errors import BadValue, ReadOnly, Refused, TaskstoreError
from .core.states import RECORDING
from .details import Details
from .disk.layout import TaskPaths
from .finding import Finding, default_store
from .lifecycle import Lifecycle
from .logger import Logger
from .parameters import Parameters
from .reports import Reports
from .run import session as sessions
from .run.ending import COMPLETED
from .run.session import Session, Wanted
from .run.sink import warn
from .schema.record import TaskRecord
from .sections import clone as cloning
from .sections import parameters as connecting
from .sections.reports import Writer
from .store import places, settings
from .store.hold import Hold
from .store.store import Store

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from .configuration import Configuration
    from .core.secrets import Masker
    from .functions import Functions
    from .models import Models
    from .nodes import Nodes
    from .sections.artifacts import Artifacts, Watch


class Task(Finding):
    """One execution of code: what ran, with what, and what came of it. Get one by `Task.init` or `Task.get_task`."""

    def __init__(self, store: Store, task_id: str, session: Session | None = None) -> None:
        self._store = store
        self._id = task_id
        self._session = session
        self._logger: Logger | None = None
        self._watch: Watch | None = None
        self._hold = Hold(store, task_id, session.guarded, RECORDING) if session is not None else Hold(store, task_id)

    @classmethod
    def init(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        *,
        task_type: str = "training",
        tags: Sequence[str] = (),
        output_uri: str | bool | None = None,
        reuse_last_task_id: bool | str | None = None,
        continue_last_task: bool | str | int = False,
        auto_connect_arg_parser: bool | Mapping[str, object] = True,
        auto_connect_frameworks: bool | Mapping[str, object] = True,
        auto_connect_streams: bool | Mapping[str, object] = True,
        auto_resource_monitoring: bool | Mapping[str, float] = True,
    ) -> Task:
        """Begin this process's task, and capture code, packages, arguments and console from here on.

        Afterwards the task's directory stands in the store with status in_progress, and the end of the process sets
        its final status. A second call returns the same task, and in a process that was launched for a task it is
        that one. A child of the run joins its parent's task; a program that it starts and that names another task has
        one of its own, whose parent that is. Missing, the project is the repository's name or "Untitled", and the
        task's the script's.

        Artifacts and weights of models go to `output_uri` too (a folder, or an address that fsspec understands); None
        and True are what the project or the settings say, False is nowhere else.

        Of an earlier run's task, `reuse_last_task_id` deletes what it has made and uses it again where that is worth
        nothing any more, and `continue_last_task` goes on with it (docs/reference/api.md). Both are True, or an id; a
        number is an offset of iterations.

        Of `auto_connect_streams` a dict names what is captured (stdout, stderr, logging), of `auto_resource_monitoring`
        one says start_after_s and interval_s for this run.

        Raises BadName for a name under 3 characters, BadValue for an unknown type or kind of output_uri, Refused where
        another task is open in this process, or a package for the output_uri is missing. A store that cannot be written
        warns, once, and the program goes on unrecorded.
        """
        wanted = asked.wanted(
            project_name=project_name,
            task_name=task_name,
            task_type=task_type,
            tags=tags,
            output_uri=output_uri,
            reuse_last_task_id=reuse_last_task_id,
            continue_last_task=continue_last_task,
            auto_connect_arg_parser=auto_connect_arg_parser,
            auto_connect_frameworks=auto_connect_frameworks,
            auto_connect_streams=auto_connect_streams,
            auto_resource_monitoring=auto_resource_monitoring,
        )
        with sessions.one_at_a_time():
            session = sessions.opened()
            if session is not None:
                return _of_open(session, wanted)
            session = sessions.begin(wanted)
            task = _of(session)
        if isinstance(wanted.output_uri, str) and session.is_rerun and session.is_recording:
            task.details.set_output_uri(task.details.get_output_uri() or wanted.output_uri)
        if session.is_recording and session.is_owner:
            sessions.announce(session)
        return task

    @classmethod
    def current_task(cls) -> Task | None:
        """Return this process's task, or the one of the run whose child this process is; None where there is none."""
        session = sessions.current()
        return _of(session) if session is not None and session.is_open else None

    @classmethod
    def clone(
        cls,
        source_task: Task | str,
        *,
        name: str | None = None,
        comment: str | None = None,
        parent: Task | str | None = None,
        project: str | None = None,
    ) -> Task:
        """Make a draft with everything that a task was given, and nothing that it produced.

        It is in the same project and named 'Clone Of …' unless said otherwise; its parent is that of the source, or
        else the source. Raises NotFound, BadName.
        """
        if source_task is None:
            raise BadValue("which task? give source_task")
        checks.kinds(Task, str, source_task=source_task, parent=parent)
        checks.texts(name=name, comment=comment, project=project)
        source = source_task if isinstance(source_task, Task) else cls._found(source_task)
        above = parent._id if isinstance(parent, Task) else parent and places.id_of(source._store, parent)
        made = cloning.clone(source._store, source._paths(), name=name, project=project, comment=comment, parent=above)
        return cls(source._store, made.id)

    @classmethod
    def create(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        *,
        task_type: str | None = None,
        tags: Sequence[str] = (),
        repo: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        script: str | None = None,
        module: str | None = None,
        arguments: Sequence[str] = (),
        working_directory: str | None = None,
        packages: bool | Sequence[str] | None = None,
        requirements_file: str | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        argparse_args: Sequence[tuple[str, str]] = (),
        base_task_id: str | None = None,
        force_single_script_file: bool = False,
        binary: str | None = None,
        detect_repository: bool = True,
    ) -> Task:
        """Make a draft from a script, a module, a repository or another task; nothing is run, and nothing fetched.

        `taskstore run` runs it. Raises BadValue, BadName, NotFound and Refused, and then no task was made.
        """
        wanted = dict(locals())
        del wanted["cls"]
        wanted.update({name: () for name in ("tags", "arguments", "argparse_args") if wanted[name] is None})
        from .run import create  # a run has no use for it

        store = default_store()
        return cls(store, create.create(store, create.Wanted(**wanted)).id)

    @property
    def id(self) -> str:
        """The task's id: 32 hex digits."""
        return self._id

    def __repr__(self) -> str:
        return f"Task({self._id!r})"

    @property
    def lifecycle(self) -> Lifecycle:
        """What becomes of the task: mark_completed, reset, publish, delete, wait_for_status and the like."""
        session = self._session
        return Lifecycle(self._hold, session.stopping if session is not None and session.is_open else None)

    @property
    def code(self) -> Code:
        """What runs: repository, script, requirements, container."""
        return Code(self._hold)

    @property
    def details(self) -> Details:
        """What is said of the task: rename, add_tags, set_comment, set_progress, set_archived and the like."""
        return Details(self._hold)

    def path(self) -> Path:
        """Return the task's directory, wherever it is now. Raises NotFound."""
        return self._paths().home

    def get_name(self) -> str:
        """Read the task's name."""
        return self._record().name

    def get_project_name(self) -> str:
        """Read the name of the task's project."""
        return places.project_of(self._store, self._paths().home)

    def get_status(self) -> str:
        """Read the task's status, as stored: created, queued, in_progress, completed, failed, stopped, published.

        A run that is found dead is failed from then on.
        """
        return self._hold.settled().status.value

    def get_tags(self) -> list[str]:
        """Read the task's tags."""
        return list(self._record().tags)

    def get_logger(self) -> Logger:
        """Return what reports into this task. Raises ReadOnly where the task has ended."""
        if self._logger is None:
            self._logger = self._make_logger()
        return self._logger

    def _make_logger(self) -> Logger:
        if self._session is not None:
            return Logger(self._session.sink.writer)
        record = self._record()
        if record.status not in RECORDING:
            raise ReadOnly(f"task {self._id[:12]} is {record.status.label}; only a running one is reported into")
        return Logger(Writer(self._paths, _raise))

    def connect(
        self,
        mutable: Any,  # noqa: ANN401 - whatever holds settings
        name: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> Any:  # noqa: ANN401 - what comes in goes out
        """Record parameters, and in a task that is run again replace their values by the stored ones.

        A dict comes back as a dict whose later changes are recorded too; a class, or an object with attributes of
        whatever kind, comes back as it is (a frozen one as one like it), and is looked at again at the end. An argparse
        parser or namespace goes to section "Args" unless `name` says otherwise, all else to "General". Credentials are
        masked. With `ignore_remote_overrides` the program's values are kept, and recorded. An InputModel or OutputModel
        is connected as its own `connect` says. Raises BadValue.
        """
        session = self._open_session()
        if _is_model(mutable):
            mutable.connect(self, name, ignore_remote_overrides=ignore_remote_overrides)
            return mutable
        is_argparse = type(mutable).__module__ == "argparse" or hasattr(mutable, "_actions")
        if is_argparse and hasattr(mutable, "parse_args"):
            return self._connect_parser(mutable, name or "Args", keeps_own=ignore_remote_overrides)
        return connecting.connect(
            mutable,
            name or ("Args" if is_argparse else connecting.GENERAL),
            session.sink,
            lambda: session.is_open,
            keeps_own=ignore_remote_overrides,
        )

    def _connect_parser(self, source: ArgumentParser, section: str, *, keeps_own: bool) -> ArgumentParser:
        from .capture import arguments

        sink = self._open_session().sink
        found = arguments.record(source)
        if keeps_own:
            sink.correct(section, found)
        else:
            sink.parameters(section, found)
        return source

    def get_parameters(self, *, cast: bool = False) -> dict[str, Any]:
        """Read the hyperparameters, flat: {'Section/name': text}, or with `cast` values of their stored types."""
        return self.parameters.get(cast=cast)

    @property
    def parameters(self) -> Parameters:
        """What reads and sets the parameters and user properties: get, update, set_one, set_user_properties."""
        return Parameters(self._hold, self._masker)

    @property
    def configuration(self) -> Configuration:
        """What records and reads configuration objects: dictionaries, lists, and files of any kind."""
        from .configuration import Configuration  # most runs have none

        return Configuration(self._hold, self._masker, lambda: self._open_session().sink)

    @property
    def reports(self) -> Reports:
        """What reads back everything that was reported: scalars, plots, debug samples, console output."""
        return Reports(self._paths)

    @property
    def artifacts(self) -> Artifacts:
        """The task's artifacts by name: `task.artifacts["model"].get()`. Looking one up reads the disk."""
        from .sections.artifacts import Artifacts, Watch  # its table is not needed by most runs

        session = self._session
        if session is None:
            return Artifacts(self._store, self._id, warn=warn)
        if self._watch is None:
            self._watch = Watch()
            session.chores["registered artifacts"] = self._watch.check
        watch = self._watch if session.is_open else None
        return Artifacts(self._store, self._id, self._warn, watch)

    def _warn(self, message: str) -> None:
        if self._session is not None and self._session.is_open:
            self._session.sink.note("output", message)
        else:
            warn(message)

    @property
    def functions(self) -> Functions[Task]:
        """Functions of the program that run as tasks of their own, and what they return."""
        from .functions import Functions  # most runs have none

        return Functions(
            self._hold,
            masker=self._masker,
            artifacts=lambda: self.artifacts,
            task_of=lambda task_id: Task(self._store, task_id),
        )

    @property
    def nodes(self) -> Nodes:
        """The nodes that run the program together: task.nodes.launch(4)."""
        from .nodes import Nodes  # most runs have one

        return Nodes(self._id, self._session)

    @property
    def models(self) -> Models:
        """The models that the task was given and made: `task.models["output"][-1]`. Looking them up reads the disk."""
        from .models.noun import Models  # not needed by most runs
        from .models.owner import Owner

        return Models(Owner(self._store, self._id, self._session))

    def upload_artifact(
        self,
        name: str,
        artifact_object: Any,  # noqa: ANN401 - whatever is to be kept
        metadata: Mapping[str, object] | None = None,
        preview: object = None,
        *,
        extension_name: str | None = None,
        auto_pickle: bool = True,
        serialization_function: Callable[[Any], bytes | bytearray] | None = None,
    ) -> bool:
        """Keep an object or a file by a name, whole and durable when this returns; what had that name is replaced.

        In a run, False and a warning where the store cannot be written; elsewhere that raises. Raises BadValue for what
        cannot be kept, ReadOnly for a task that has ended, and what the object's own library raises.
        """
        session = self._session
        if session is not None and session.is_open and not session.is_recording:
            return False
        try:
            self.artifacts.upload(
                name,
                artifact_object,
                metadata=metadata,
                preview=preview,
                extension_name=extension_name,
                auto_pickle=auto_pickle,
                serialization_function=serialization_function,
            )
        except (OSError, TaskstoreError) as error:
            if session is None or not session.is_open or isinstance(error, BadValue):
                raise
            session.sink.cannot_write(error)
            return False
        return True

    def close(self) -> None:
        """End the task: it is completed, and this process may begin another."""
        if self._session is None:
            return
        self._session.close(COMPLETED)
        if self._session.is_owner:
            self._session.sink.writer.refuse(
                ReadOnly(f"task {self._id[:12]} was closed by task.close(); Task.init begins another to report into")
            )

    def _open_session(self) -> Session:
        if self._session is None or not self._session.is_open:
            raise Refused(f"task {self._id[:12]} is not this process's open task; Task.init begins one")
        return self._session

    def _masker(self) -> Masker:
        if self._session is not None:
            return self._session.masker
        return settings.masker(self._store, project=self._paths().home.parent)

    def _paths(self) -> TaskPaths:
        return places.locate(self._store, self._id)

    def _record(self) -> TaskRecord:
        return self._hold.read()


def _is_model(given: object) -> bool:
    """Tell whether that is a model to be connected; where none was made, that file has not been loaded either."""
    facts = sys.modules.get(f"{__package__}.models.facts")
    return facts is not None and isinstance(given, facts.Facts)


def _of(session: Session) -> Task:
    if session.task is None:
        session.task = Task(session.store, session.task_id, session)
    task: Task = session.task
    return task


def _of_open(session: Session, wanted: Wanted) -> Task:
    """Return the open task where it is the one asked for. Raises Refused, as ClearML's second init does."""
    task = _of(session)
    if session.is_adoptable:
        session.adopt(wanted)
        return task
    if not session.is_owner or session.is_rerun or not session.is_recording:
        return task
    try:
        record, project = task._record(), task.get_project_name()
    except (OSError, TaskstoreError):
        return task  # deleted, or not to be read: the program goes on
    if not wanted.fits(project, record.name) or wanted.type != record.type:
        raise Refused(
            f"task '{project}/{record.name}' is open in this process; "
            "close it with task.close() before Task.init begins another"
        )
    return task


def _raise(error: BaseException) -> None:
    raise error
