"""`taskstore doctor`: every law of the store checked, and what can be repaired repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render

if TYPE_CHECKING:
    from pathlib import Path

    from taskstore.store.doctor import Finding

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_EXIT_DAMAGED = 6
# By whether it is repaired, and whether it could be.
_WORDS = {
    (True, True): ("repaired", "green"),
    (True, False): ("repaired", "green"),
    (False, True): ("found", "yellow"),
    (False, False): ("stays", "red"),
}


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Check the store; with --fix repair it.

    It reads every file. Nothing is lost by a repair: what is taken out goes to the store's quarantine folder, with
    a note of where it was. The exit code is 6 where something is left to be repaired, or cannot be.

    Example: taskstore doctor --fix
    """
    findings = _findings(_root(), fix=fix)
    left = [finding for finding in findings if not finding.is_repaired]
    if as_json:
        for finding in findings:
            render.print_json(_as_object(finding))
    else:
        _print(findings)
    context.say(_verdict(findings, left))
    if left:
        raise typer.Exit(_EXIT_DAMAGED)


def _root() -> Path:
    """Where the store is: it may be too damaged to be opened, and none is made here."""
    import os
    from pathlib import Path

    from taskstore.store.store import find_root

    return find_root(context.store_option, environ=os.environ, cwd=Path.cwd(), home=Path.home())


def _findings(root: Path, *, fix: bool) -> list[Finding]:
    from taskstore.store import doctor as doctors
    from taskstore.store.store import check_writable, open_at

    # The store's own record comes first: without it nothing opens.
    first = doctors.repair_record(root) if fix else doctors.check_record(root)
    if first and not fix:
        return first
    store = open_at(root)
    if fix:
        check_writable(store)
        from taskstore.agent import recovery

        recovery.recover(store, tell=context.say)
    return [*first, *(doctors.repair(store) if fix else doctors.check(store))]


def _as_object(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind.value,
        "path": str(finding.path),
        "message": finding.message,
        "repair": finding.repair,
        "is_repaired": finding.is_repaired,
    }


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        word, style = _WORDS[finding.is_repaired, finding.repair is not None]
        render.styled(
            (f"{word:9}", style),
            f"{finding.kind.value}: {render.safe(str(finding.path))}: {render.safe(finding.message)}",
        )
        if finding.repair and not finding.is_repaired:
            render.styled((f"{'':9}--fix: {render.safe(finding.repair)}", "dim"))


def _verdict(findings: Sequence[Finding], left: Sequence[Finding]) -> str:
    if not findings:
        return "all is well"
    if not left:
        return f"{render.count(len(findings), 'repair')} made; nothing is left"
    fixable = sum(1 for finding in left if finding.repair)
    repaired = len(findings) - len(left)
    text = f"{render.count(len(left), 'finding')}"
    text += f", {render.count(repaired, 'repair')} made" if repaired else ""
    return text + (f"; `taskstore doctor --fix` repairs {fixable}" if fixable and not repaired else "")
