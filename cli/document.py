"""A task as a person edits it: a YAML text of what may be changed, and back.

Every scalar is text, as in the store: `lr: 0.10` is "0.10", and nothing in it is taken for a number or a date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskstore.core.errors import BadValue
from taskstore.core.names import check_name
from taskstore.core.states import EDITABLE
from taskstore.schema.record import USER_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.nodes import MappingNode, Node

    from taskstore.schema.record import ParamsRecord, TaskRecord

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Document:
    """What may be edited of a task: everything of a draft, otherwise no parameters but user properties."""

    name: str
    comment: str
    tags: list[str]
    sections: Sections = field(default_factory=dict)


def of(record: TaskRecord, params: ParamsRecord) -> Document:
    """Return what may be edited of a task as it is."""
    is_draft = record.status in EDITABLE
    sections = {
        section: {name: item.value for name, item in items.items()}
        for section, items in params.hyperparams.items()
        if items and (is_draft or section == USER_PROPERTIES)
    }
    return Document(record.name, record.comment, list(record.tags), sections)


def format(document: Document, heading: str) -> str:  # noqa: A001 - the opposite of parse
    """Spell a document as YAML below `heading`, whose lines become comments."""
    import yaml
    from yaml.emitter import Emitter
    from yaml.representer import SafeRepresenter
    from yaml.resolver import BaseResolver
    from yaml.serializer import Serializer

    class Dumper(Emitter, Serializer, SafeRepresenter, BaseResolver):
        """Writes every scalar plainly where that can be read back."""

        def __init__(self, stream: Any, **options: Any) -> None:  # noqa: ANN401 - yaml's own
            Emitter.__init__(self, stream, width=2**31, allow_unicode=True)
            Serializer.__init__(self)
            SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
            BaseResolver.__init__(self)

    def represent(dumper: Any, text: str) -> Node:  # noqa: ANN401 - yaml's own
        # yaml takes more characters for line ends than Python does, and folds them
        style = "|" if "\n" in text else None
        style = style if text.replace("\n", "").isprintable() else '"'
        node: Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
        return node

    Dumper.add_representer(str, represent)
    content: dict[str, object] = {"name": document.name, "comment": document.comment, "tags": document.tags}
    content["parameters"] = document.sections or ""  # not {}, below which nobody can write
    body = yaml.dump(content, Dumper=Dumper)
    return "".join(f"# {line}\n" if line else "#\n" for line in heading.splitlines()) + body


def parse(text: str) -> Document:
    """Read a document back. Raises BadValue with the line where it is none, BadName for an unusable name."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadValue(f"{place}not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise BadValue("not YAML: " + " ".join(str(error).split())) from None
    found: dict[str, Any] = {"name": "", "comment": "", "tags": [], "parameters": {}}
    readers: dict[str, Callable[[Node, str], object]] = {
        "name": lambda node, _: _text(node, text),
        "comment": lambda node, _: _text(node, text),
        "tags": lambda node, where: [_text(item, text) for item in _items(node, where)],
        "parameters": lambda node, where: _sections(node, where, text),
    }
    for key, node in _entries(root, "the whole"):
        if key not in readers:
            raise BadValue(f"line {node.start_mark.line + 1}: no field {key!r}; there are {', '.join(readers)}")
        found[key] = readers[key](node, key)
    name = check_name("task", found["name"])
    tags = [tag.strip() for tag in found["tags"] if tag.strip()]
    return Document(name, found["comment"], list(dict.fromkeys(tags)), found["parameters"])


def _sections(node: Node, where: str, text: str) -> Sections:
    sections: Sections = {}
    for section, below in _entries(node, where):
        sections[section] = {name: _text(item, text) for name, item in _entries(below, f"{where}: {section}")}
    return {section: items for section, items in sections.items() if items}


def _entries(node: Node | None, where: str) -> list[tuple[str, Node]]:
    """Return the entries of a mapping; an empty text is an empty one."""
    if node is None or (_kind(node) == "scalar" and not node.value):
        return []
    if _kind(node) != "mapping":
        raise BadValue(f"line {node.start_mark.line + 1}: {where} has to be a mapping, like `lr: 0.1`")
    mapping: MappingNode = node  # type: ignore[assignment]  # its kind says so
    entries: dict[str, Node] = {}
    for key, value in mapping.value:
        if _kind(key) != "scalar" or not key.value:
            raise BadValue(f"line {key.start_mark.line + 1}: a name has to be one word or text")
        if key.value in entries:
            raise BadValue(f"line {key.start_mark.line + 1}: {key.value!r} is there twice")
        entries[key.value] = value
    return list(entries.items())


def _items(node: Node, where: str) -> list[Node]:
    if _kind(node) == "scalar" and not node.value:
        return []
    if _kind(node) != "sequence":
        raise BadValue(f"line {node.start_mark.line + 1}: {where} has to be a list, like [a, b]")
    return list(node.value)


def _kind(node: Node) -> str:
    return str(getattr(node, "id", ""))


def _text(node: Node, text: str) -> str:
    """Return a scalar's text; of a list or mapping in brackets, what the person wrote."""
    if _kind(node) == "scalar":
        return str(node.value)
    if getattr(node, "flow_style", False):
        return text[node.start_mark.index : node.end_mark.index]
    raise BadValue(f"line {node.start_mark.line + 1}: put this value on one line, like [1, 2]")
