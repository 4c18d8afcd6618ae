"""`taskstore remote`: other places to share tasks with, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render

if TYPE_CHECKING:
    from pathlib import Path

    from taskstore.share.remotes.names import Known

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A remote of this store.", autocompletion=offers.remote)
]
_HOLDS = {
    "store": "a store is there",
    "tasks": "tasks that were pushed are there",
    "nothing": "nothing of taskstore's is there yet",
}


@app.callback()
def remote() -> None:
    """Name, list, check or forget the places that tasks are shared by.

    Example: taskstore remote ls
    """


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: letters, digits, '_', '-' and '.'.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is.")],
    trusted: Annotated[
        bool, typer.Option("--trusted", help="What comes from there is as good as your own: it is not marked.")
    ] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Give a place a name. Nothing is connected to.

    URL is a folder (a mount, a USB stick), ssh://HOST/FOLDER
    (ssh://HOST/~/FOLDER below your home there), s3://BUCKET/FOLDER,
    https://HOST/FOLDER to read only, or another that fsspec knows. It holds no
    credentials: those are where ssh, AWS or ~/.netrc keep them.

    The same again changes whether it is trusted.

    Example: taskstore remote add lab ssh://lab.example.org/~/runs
    """
    from taskstore.share.remotes import names

    store = context.open_store()
    before = {each.name: each for each in names.listed(store)}.get(name)
    known = names.add(store, name, url, is_trusted=trusted)
    what = "added" if before is None else "it is so already" if before == known else "changed"
    _tell(known, what, as_json=as_json)
    if known.folder is not None and not known.folder.is_dir():
        context.say(_missing(known.folder))


def _missing(folder: Path) -> str:
    if folder.exists():
        return f"{folder} is a file, and a remote is a folder"
    if folder.parent.is_dir():
        return f"there is no folder {folder} yet; the first push makes it"
    return f"there is no folder {folder.parent} now; mount it, or make it with mkdir, before it is used"


@app.command("ls")
def list_remotes(as_json: context.JsonOption = False) -> None:
    """List the remotes of this store.

    Example: taskstore remote ls
    """
    from taskstore.share.remotes import names

    found = names.listed(context.open_store())
    if as_json:
        for known in found:
            render.print_json(_as_object(known))
    else:
        render.table(((known.name, known.url, known.is_trusted) for known in found), ["remote", "url", "trusted"])
    if not found:
        context.say("no remotes yet; `taskstore remote add NAME URL` names one")


@app.command()
def show(name: NameArgument, as_json: context.JsonOption = False) -> None:
    """Show where a remote is, and whether it is trusted. Nothing is connected to.

    Example: taskstore remote show lab
    """
    from taskstore.share.remotes import names

    known = names.get(context.open_store(), name)
    if as_json:
        render.print_json(_as_object(known))
        return
    for label, value in (("name", known.name), ("url", known.url), ("trusted", known.is_trusted)):
        render.line(f"{label:8} {render.cell(value)}")


@app.command()
def check(
    name: Annotated[
        str, typer.Argument(metavar="NAME|URL", help="A remote, or where one would be.", autocompletion=offers.remote)
    ],
    as_json: context.JsonOption = False,
) -> None:
    """Connect to a remote, and say what is there. Nothing is changed.

    Example: taskstore remote check lab
    """
    from taskstore.share.remotes.check import look

    found = look(context.open_store(), name)
    if as_json:
        render.print_json({**_as_object(found.known), "writable": found.is_writable, "holds": found.holds.value})
        return
    only_read = "" if found.is_writable else "; it can only be read"
    render.line(f"{render.safe(found.known.url)} answers: {_HOLDS[found.holds.value]}{only_read}")


@app.command("rm")
def remove(name: NameArgument, as_json: context.JsonOption = False) -> None:
    """Forget a remote. What is there stays.

    Example: taskstore remote rm lab
    """
    from taskstore.share.remotes import names

    _tell(names.remove(context.open_store(), name), "forgotten", as_json=as_json)


def _as_object(known: Known) -> dict[str, object]:
    return {"name": known.name, "url": known.url, "trusted": known.is_trusted}


def _tell(known: Known, what: str, *, as_json: bool) -> None:
    if as_json:
        render.print_json(_as_object(known))
    else:
        trusted = ", trusted" if known.is_trusted else ", not trusted any more" if what == "changed" else ""
        context.say(f"remote {render.safe(known.name)}: {what}: {known.url}{trusted}")
