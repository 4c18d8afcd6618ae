"""`taskstore edit`: a task in the person's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import BadName, BadValue, Conflict, Refused, TaskstoreError

from . import configuration, context, document, several

if TYPE_CHECKING:
    from taskstore.core.secrets import Masker
    from taskstore.schema.record import ParamsRecord, TaskRecord
    from taskstore.store.store import Store

    from .document import Document

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_MARK = "!!"
_MAX_ATTEMPTS = 10  # an editor that is a program would go on for ever
_EDITORS = ("sensible-editor", "nano", "vim", "vi", "notepad")


@app.command()
def edit(
    task: context.TaskArgument,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="NAME", help="A configuration object of a draft.", show_default=False),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Edit a task's name, comment and tags, and a draft's parameters, in your editor ($VISUAL, $EDITOR).

    All that you change is applied when you leave the editor, or nothing. Where the text cannot be read it is opened
    again, with what is wrong as its first line. Where there is no terminal, one of the two variables has to be set.

    Example: EDITOR=nano taskstore edit @last
    """
    from taskstore.store import tasks
    from taskstore.store.store import check_writable

    store = context.open_store()
    check_writable(store)
    paths = context.resolve(store, task)
    if config is not None:
        is_changed = configuration.edit(store, paths, config, _open_editor)
        several.tell(store, paths, "changed" if is_changed else "nothing changed", as_json=as_json)
        return
    record = tasks.read(paths)
    shown = document.of(record, tasks.read_params(paths))
    handle, name = tempfile.mkstemp(prefix=f"taskstore-{paths.id[:12]}-", suffix=".yaml")
    os.close(handle)
    file = Path(name)
    text = document.format(shown, _heading(record))
    file.write_text(text, "utf-8")
    try:
        wanted = _edited(file, text) or shown
        if wanted != shown:
            apply(store, paths.id, shown, wanted)
    except TaskstoreError:
        if file.read_bytes() not in (b"", text.encode()):
            context.say(f"your text is kept in {file}")
        else:
            file.unlink()
        raise
    file.unlink()
    several.tell(store, paths, "nothing changed" if wanted == shown else "changed", as_json=as_json)


def _heading(record: TaskRecord) -> str:
    text = f"Task {record.id}, {record.status.label}. What you change here is changed in the task when you leave.\n"
    if record.status.label != "Draft":
        text += "It is no draft: of its parameters only the section 'properties' can be changed.\n"
    return text + "A parameter whose line you take out is removed; a new line adds one."


def _edited(file: Path, text: str) -> Document | None:
    """Let the person edit until the text can be read, None where they have emptied it; raise the error where it stays.

    What cannot be read is opened again, with the reason in its first line.
    """
    for attempt in range(_MAX_ATTEMPTS):
        _open_editor(file)
        before, text = text, _read(file)
        if not text.strip():
            return None
        try:
            return document.parse(text)
        except (BadValue, BadName) as error:
            if text == before or attempt == _MAX_ATTEMPTS - 1:
                raise
            context.say(f"{error}; opening it again")
            # In place of the first line, so that the others keep their numbers.
            first, _, rest = text.partition("\n")
            text = f"# {_MARK} {error}\n{rest if first.startswith('#') else text}"
            file.write_text(text, "utf-8")
    raise AssertionError  # the last attempt returns or raises


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"the text is not UTF-8 ({error.reason}); nothing was changed") from None


def _open_editor(file: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command and not _is_at_a_terminal():
        raise Refused("no terminal to open an editor in; say which with EDITOR=PROGRAM, or use `taskstore set`")
    command = command or next(filter(shutil.which, _EDITORS), "")
    if not command:
        raise Refused("no editor found; say which with EDITOR=nano, or use `taskstore set`")
    try:
        code = subprocess.call([*shlex.split(command), str(file)])
    except (OSError, ValueError) as error:
        raise Refused(f"the editor {command!r} could not be started ({error}); say another with EDITOR=nano") from None
    if code:
        raise Refused(f"the editor {command!r} ended with exit code {code}; nothing was changed")


def _is_at_a_terminal() -> bool:
    """Tell whether there is a person for an editor: without one it waits for ever."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def apply(store: Store, task_id: str, shown: Document, wanted: Document) -> None:
    """Make of the task what the person made of what was shown.

    What they left alone stays as it is by now. Raises Conflict where somebody else has changed the same meanwhile,
    ReadOnly where the task is no draft any more; nothing is changed then.
    """
    from taskstore.store import places, tasks

    masker = several.masker_of(store, places.locate(store, task_id))

    def change_params(params: ParamsRecord) -> None:
        _merge_sections(params, shown, wanted, masker)

    def change(record: TaskRecord) -> None:
        for field in ("name", "comment", "tags"):
            before, after = getattr(shown, field), getattr(wanted, field)
            if before != after:
                if getattr(record, field) not in (before, after):
                    raise Conflict(f"somebody has changed the {field} of task {task_id[:12]} meanwhile; edit it again")
                setattr(record, field, after)

    change(tasks.read(context.resolve(store, task_id)))  # a conflict here must not find the parameters changed
    if shown.sections != wanted.sections:
        tasks.edit_params(store, task_id, change_params)
    tasks.edit(store, task_id, change)


def _merge_sections(params: ParamsRecord, shown: Document, wanted: Document, masker: Masker) -> None:
    from taskstore.sections import parameters

    names = {(section, name) for sections in (shown.sections, wanted.sections) for section in sections
             for name in sections[section]}  # fmt: skip
    for section, name in sorted(names):
        before = shown.sections.get(section, {}).get(name)
        after = wanted.sections.get(section, {}).get(name)
        if before == after:
            continue
        item = params.hyperparams.get(section, {}).get(name)
        now = item.value if item else None
        if now not in (before, after):
            raise Conflict(f"somebody has changed {section}/{name} meanwhile; edit it again")
        if after is None and now is not None:
            parameters.remove(params, section, name)
        elif after is not None:
            for warning in parameters.assign(params, section, name, after, masker=masker):
                context.say(warning)
