r"""Names: what may be one, and the one place where a name becomes a path component and turns back.

`encode` is injective on every filesystem, also those that fold case (macOS, Windows, FAT) or normalise
Unicode (HFS+): two different names never meet in one component. What a stranger sees stays close to the name:

    image net          image net             nothing to do
    MNIST              MNIST%~1f             the hex mask says which characters were upper case
    a/b: c?            a%2Fb%3A c%3F         forbidden characters, as percent-encoded UTF-8
    con.txt            %63on.txt             reserved device names
    v1.                v1%2E                 a trailing dot or space, a leading dot
    00…0 (32 hex)      %300…0                what would look like a task id
    a very long one    first part%+<sha256>  abbreviated; the record in that folder keeps the whole name
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from .errors import BadName

MIN_LENGTH = 3
MAX_LENGTH = 4096
TAG_OPERATOR = "__$"
"""What an operator in a list of tags begins with."""

_FORBIDDEN = frozenset('<>:"/\\|?*%')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|\Z)", re.IGNORECASE)
_TASK_ID = re.compile(r"[0-9a-f]{32}\Z", re.IGNORECASE)
_RECORD_FILE = re.compile(r"project\.yaml\Z", re.IGNORECASE)
_ABBREVIATED = re.compile(r"%\+[0-9a-f]{32}\Z")
_CASED = re.compile(r"%~([1-9a-f][0-9a-f]*)\Z")
_NEVER_SHOWN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_MAX_BYTES = 150  # ext4 and NTFS allow 255; tools add suffixes, and eCryptfs allows 143 to 150
_KEPT_BYTES = 100


def encode(name: str) -> str:
    """Turn any non-empty name into one path component; see the table above."""
    if not name:
        raise BadName("file", name, "it is empty")
    lowered, mask = _lower(name)
    body = "".join(_escape(char) for char in lowered)
    body = _guard(body)
    component = f"{body}%~{mask:x}" if mask else body
    if len(component.encode("utf-8")) > _MAX_BYTES:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        kept = body.encode("utf-8")[:_KEPT_BYTES].decode("utf-8", "ignore")
        kept = re.sub(r"%[0-9A-F]?\Z", "", kept)  # no half escape
        return f"{kept}%+{digest}"
    return _restore_case(body, mask) if mask else body


def decode(component: str) -> str | None:
    """Turn a component back into its name; None where it is abbreviated, or is not one that `encode` makes."""
    component = unicodedata.normalize("NFC", component)
    if _ABBREVIATED.search(component):
        return None
    mask = 0
    cased = _CASED.search(component)
    if cased:
        mask = int(cased[1], 16)
        component = component[: cased.start()].lower()
    lowered = _unescape(component)
    if not lowered:
        return None
    name = _raise_case(lowered, mask)
    return name if name is not None and encode(name).lower() == _with_mask(component, mask).lower() else None


def _with_mask(body: str, mask: int) -> str:
    return f"{body}%~{mask:x}" if mask else body


def _is_plain_upper(char: str) -> bool:
    """Tell whether a character is upper case with a lower case that leads back to it, and to nothing else."""
    low = char.lower()
    if not char.isascii() and "Cn" in (_category(char), _category(low[0])):
        return False
    return low != char and len(low) == 1 and low.upper() == char and low.casefold() == low and low.lower() == low


def _lower(name: str) -> tuple[str, int]:
    mask = 0
    out = []
    for position, char in enumerate(name):
        if _is_plain_upper(char):
            mask |= 1 << position
            char = char.lower()
        out.append(char)
    return "".join(out), mask


def _raise_case(lowered: str, mask: int) -> str | None:
    if mask >> len(lowered):
        return None
    return "".join(char.upper() if mask >> position & 1 else char for position, char in enumerate(lowered))


def _restore_case(body: str, mask: int) -> str:
    """Show upper case in the component as the person wrote it; the mask, not the letters, is what counts."""
    out = []
    position = index = 0
    while index < len(body):
        run = re.match(r"(%[0-9A-F]{2})+", body[index:])
        if run:
            text = run[0]
            position += len(bytes.fromhex(text.replace("%", "")).decode("utf-8", "surrogatepass"))
            index += len(text)
            continue
        out_char = body[index].upper() if mask >> position & 1 else body[index]
        out.append((index, out_char))
        position += 1
        index += 1
    shown = list(body)
    for index, char in out:
        shown[index] = char
    return f"{''.join(shown)}%~{mask:x}"


def _escape(char: str) -> str:
    if char in _FORBIDDEN or _is_unsafe(char):
        return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return char


def _is_unsafe(char: str) -> bool:
    if char.isascii():
        return not char.isprintable()
    if _category(char) in _NEVER_SHOWN or unicodedata.category(char) in _NEVER_SHOWN:
        return True
    if unicodedata.normalize("NFC", char) != char or unicodedata.combining(char):
        return True
    folded = char.casefold()
    return folded != char or len(char.upper()) != 1 or char.upper().lower() != char or _composes(char)


def _category(char: str) -> str:
    """Return the Unicode category, the same in every Python, or a store would hold two folders of one name.

    What Unicode has added since 3.2 is unassigned (Cn) here, but for two blocks of emoji that are full.
    """
    if 0x1F300 <= ord(char) <= 0x1F64F or 0x1F680 <= ord(char) <= 0x1F6C5:
        return "So"
    return unicodedata.ucd_3_2_0.category(char)


def _composes(char: str) -> bool:
    """Hangul vowels and finals join the syllable before them under NFC."""
    return 0x1100 <= ord(char) <= 0x11FF or unicodedata.category(char).startswith("M")


def _unescape(body: str) -> str:
    def bytes_of(run: re.Match[str]) -> str:
        raw = bytes.fromhex(run[0].replace("%", ""))
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return ""

    return re.sub(r"(?:%[0-9A-Fa-f]{2})+", bytes_of, body)


def _guard(body: str) -> str:
    """Escape what is legal in itself and special by position."""
    if body[0] == "." or _RESERVED.match(body) or _TASK_ID.match(body) or _RECORD_FILE.match(body):
        body = f"%{ord(body[0]):02X}{body[1:]}"
    elif body[0] == " ":
        body = f"%20{body[1:]}"
    if body[-1] in ". ":
        body = f"{body[:-1]}%{ord(body[-1]):02X}"
    return body


def is_reserved(component: str) -> bool:
    """Tell whether Windows takes a file of this name for a device: CON, nul.txt."""
    return _RESERVED.match(component) is not None


def check_name(kind: str, name: str) -> str:
    """Return the name stripped, or raise BadName; `kind` is the word for it in the message (task, project).

    ClearML's rule: at least 3 characters.
    """
    if not isinstance(name, str):
        raise BadName(kind, repr(name), f"it is no text but {type(name).__name__}")
    stripped = name.strip()
    if len(stripped) < MIN_LENGTH:
        raise BadName(kind, name, f"a {kind} name has at least {MIN_LENGTH} characters")
    if len(stripped) > MAX_LENGTH:
        raise BadName(kind, stripped[:40] + "…", f"a {kind} name has at most {MAX_LENGTH} characters")
    if any("\ud800" <= char <= "\udfff" for char in stripped):
        raise BadName(kind, stripped, "it is not text: it holds bytes that are not UTF-8")
    return stripped


def split_project(name: str) -> tuple[str, ...]:
    """Check the name of a project to be made, and return its parts: 'vision/cats' is project cats within vision.

    As in ClearML it is the whole name that has 3 characters: 'a/b' makes a project a, which `project_parts` finds.
    """
    return project_parts(check_name("project", name))


def project_parts(name: str) -> tuple[str, ...]:
    """Return the parts of the name of a project that may be there, however short. Raises BadName for an empty part."""
    parts = tuple(part.strip() for part in name.split("/"))
    if not all(parts):
        raise BadName("project", name, "it has an empty part; write it like 'vision/cats'")
    return parts


def check_tag(text: str) -> str:
    """Return a tag as it is stored, or raise BadName saying why it cannot be one."""
    if not isinstance(text, str):
        raise BadName("tag", repr(text), f"it is no text but {type(text).__name__}")
    stripped = text.strip()
    if not stripped:
        raise BadName("tag", text, "it is empty")
    if stripped.startswith(TAG_OPERATOR):
        raise BadName("tag", text, f"'{TAG_OPERATOR}' begins an operator of tag filters")
    return stripped
