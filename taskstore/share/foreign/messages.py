"""Protocol buffer messages, of those fields that are read here: a table of a schema's becomes classes of `protobuf`.

So a format is read without the package that writes it, which is heavy, and moves its modules about; fields that the
table does not name are passed over, as the format has it. The numbers and types of fields are facts of the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.errors import Refused

_KINDS = {
    **{"double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12},
    **{"uint32": 13, "enum": 5},  # an enumeration's numbers
}
_MESSAGE = 11
_OPTIONAL, _REPEATED = 1, 3
_SYNTAX = "proto3"

Table = Mapping[str, Mapping[str, str]]
"""By message: its fields, each `<number> [repeated] <type> [of <oneof>]`; a type is a scalar's or a message's name."""


def classes(package: str, table: Table) -> dict[str, Callable[[bytes], Any]]:
    """Return by message what parses one: it raises ValueError for what is none. Raises Refused without protobuf."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
    except ImportError:
        raise Refused(
            "reading these files needs the package protobuf; `pip install 'taskstore[trackers]'` installs it"
        ) from None
    schema = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax=_SYNTAX)
    for name, fields in table.items():
        _describe(schema.message_type.add(name=name), fields, package)
    pool = descriptor_pool.DescriptorPool()  # of its own: the names are free
    pool.AddSerializedFile(schema.SerializeToString())
    error = message.DecodeError

    def parser(name: str) -> Callable[[bytes], Any]:
        found = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))

        def parse(data: bytes) -> Any:  # noqa: ANN401 - a message
            try:
                return found.FromString(data)
            except error as wrong:
                raise ValueError(f"it is no {name}: {wrong}") from None

        return parse

    return {name: parser(name) for name in table}


def _describe(target: Any, fields: Mapping[str, str], package: str) -> None:  # noqa: ANN401 - a DescriptorProto
    choices: dict[str, int] = {}
    for name, spelled in fields.items():
        words = spelled.split()
        field = target.field.add(name=name, number=int(words.pop(0)), label=_OPTIONAL)
        if words[0] == "repeated":
            field.label = _REPEATED
            words.pop(0)
        kind = words.pop(0)
        if kind in _KINDS:
            field.type = _KINDS[kind]
        else:
            field.type, field.type_name = _MESSAGE, f".{package}.{kind}"
        if words:  # of <oneof>
            if words[1] not in choices:
                choices[words[1]] = len(choices)
                target.oneof_decl.add(name=words[1])
            field.oneof_index = choices[words[1]]
