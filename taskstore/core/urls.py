"""Addresses without the secrets that people put into them.

The address stays usable wherever that is possible: the user name of an ssh address is kept (`git@host` needs it),
the user part of every other scheme goes whole, because for `https://TOKEN@host` it is the secret.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(
    r"(?P<helper>(?:[A-Za-z0-9][A-Za-z0-9+.-]*::)*)(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.S
)
_SCP_WITH_PASSWORD = re.compile(r"(?P<user>[^/\\:@\s]{2,}):[^/\\]*@(?P<rest>[^/\\@]+:.*)", re.S)
_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|pwd|signature|credential|auth|jwt|session|(api|access|private|account|shared)[-_.]?key"
    r"|(^|[-_.])(sig|key|pat|pass)$",
    re.I,
)


def strip_credentials(url: str) -> str:
    """Return `url` without user, password and secret query parameters; a plain file path comes back as it is.

    Understood are `scheme://…` (remote-helper prefixes such as `ext::` too), git's `user@host:path`, POSIX and
    Windows paths. An authority with an unescaped `/` or `@` in its password loses the whole of it.
    """
    found = _SCHEME.fullmatch(url)
    if found is None:
        scp = _SCP_WITH_PASSWORD.fullmatch(url)
        return f"{scp['user']}@{scp['rest']}" if scp else url
    rest = _without_user(found["rest"], is_ssh="ssh" in re.split(r"[+.-]", found["scheme"].lower()))
    return f"{found['helper']}{found['scheme']}://{_without_secret_parameters(rest)}"


def _without_user(rest: str, *, is_ssh: bool) -> str:
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    end = authority.rfind("@")
    if end < 0 and "@" in rest and _has_broken_port(authority):
        end = rest.rfind("@")  # the password holds a character that ends an authority
    if end < 0:
        return rest
    user = re.split(r"[:/\\?#@]", rest[:end], maxsplit=1)[0]
    return (f"{user}@" if is_ssh and user else "") + rest[end + 1 :]


def _has_broken_port(authority: str) -> bool:
    if authority.startswith("["):  # an IPv6 address
        return False
    _, colon, port = authority.partition(":")
    return bool(colon) and bool(port) and not port.isdigit()


def _without_secret_parameters(rest: str) -> str:
    address, mark, fragment = rest.partition("#")
    address, question, query = address.partition("?")
    kept_query = _kept(query)
    kept_fragment = _kept(fragment) if "=" in fragment else fragment
    address += question + kept_query if kept_query else ""
    return address + (mark + kept_fragment if kept_fragment else "")


def _kept(parameters: str) -> str:
    """The `name=value` pairs whose name does not look like a secret's, in their own spelling."""
    if not parameters:
        return ""
    from urllib.parse import unquote_plus

    parts = re.split(r"([&;])", parameters)
    kept = [
        (separator, pair)
        for separator, pair in zip(["", *parts[1::2]], parts[0::2], strict=True)
        if not _SECRET_NAME.search(unquote_plus(pair.partition("=")[0]))
    ]
    return "".join(separator + pair for separator, pair in kept).lstrip("&;")
