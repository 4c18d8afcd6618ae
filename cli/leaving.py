"""What leaves the store is looked through for secrets first; a person says what becomes of those that are there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render, several

if TYPE_CHECKING:
    from pathlib import Path

    from taskstore.core.secrets import Masker
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

_MAX_SHOWN = 20

AllowOption = Annotated[bool, typer.Option("--allow-secrets", help="Let out what looks like a secret, unasked.")]
RedactOption = Annotated[
    bool, typer.Option("--redact", help="Mask what looks like a secret in what leaves; the store keeps it.")
]


@contextmanager
def confirm_leaving(
    store: Store,
    tasks: Sequence[TaskPaths],
    *,
    allow_secrets: bool = False,
    redact: bool = False,
    ask: Callable[[str], bool] | None = None,
    only: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[Store, list[TaskPaths]]]:
    """Yield the store and the tasks that may leave: themselves, or with --redact masked copies of them.

    `ask` gets a question and answers it; without one a person at a terminal is asked. `only` says by its name in the
    task which file is looked through, where not all leave. Raises Refused (exit code 4) where the answer is no, or
    where there is nobody to ask.
    """
    from taskstore.core.errors import Refused
    from taskstore.share import redacting

    if allow_secrets and redact:
        raise typer.BadParameter("--allow-secrets lets secrets out and --redact masks them; give one of them")
    maskers: dict[Path, Masker] = {}  # by project: its settings are read once

    def masker_of(task: TaskPaths) -> Masker:
        if task.home.parent not in maskers:
            maskers[task.home.parent] = several.masker_of(store, task)
        return maskers[task.home.parent]

    count = 0 if allow_secrets else sum(_tell_findings(task, masker_of(task), only) for task in tasks)
    if count and redact:
        with redacting.redacted(store, tasks, masker_of) as masked:
            context.say(f"masked {count} in what leaves the store; the store keeps {'it' if count == 1 else 'them'}")
            yield masked
        return
    if count:
        answer = ask or (_ask if sys.stdin.isatty() and sys.stderr.isatty() else None)
        if answer is None or not answer("Let it out?" if count == 1 else f"Let out all {count}?"):
            raise Refused(
                f"{count} of what would leave the store looks like a secret, and nothing has left it: --redact masks "
                "it, --allow-secrets lets it out"
            )
    yield store, list(tasks)


def freely(store: Store, tasks: list[TaskPaths]) -> AbstractContextManager[tuple[Store, list[TaskPaths]]]:
    """Let tasks leave unasked: none does."""
    return nullcontext((store, tasks))


def _ask(question: str) -> bool:
    return typer.confirm(question, default=False, err=True)


def _tell_findings(task: TaskPaths, masker: Masker, only: Callable[[str], bool]) -> int:
    """Say what looks like a secret in a task, the first of it; return how many places there are."""
    from taskstore.share.scan import MAX_BYTES, scan
    from taskstore.share.source import FolderSource
    from taskstore.store.progress import bar

    source = FolderSource(task.home, passes_links=True)  # none leaves
    with bar(f"look for secrets in {task.id[:12]}", sum(source.sizes().values())) as progress:
        found = scan(source, masker, progress, only=only)
    for finding in found.findings[:_MAX_SHOWN]:
        context.say(f"{task.id[:12]} {render.safe(finding.file)}, line {finding.line}: {render.safe(finding.kind)}")
    if len(found.findings) > _MAX_SHOWN:
        context.say(f"{task.id[:12]}: and {len(found.findings) - _MAX_SHOWN} more")
    for name in found.partly:
        context.say(f"{task.id[:12]} {render.safe(name)}: only its first {MAX_BYTES >> 20} MiB were looked through")
    return len(found.findings)
