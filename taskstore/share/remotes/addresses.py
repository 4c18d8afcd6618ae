"""Addresses of remotes: a folder, or scheme://host/path. They are kept in a store, so they hold no credentials."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ...core.errors import BadValue, Refused
from ...core.urls import strip_credentials
from ...store import destination

SSH = frozenset({"ssh", "sftp"})
WEB = frozenset({"http", "https"})
S3 = frozenset({"s3", "s3a"})
_WITH_USER = SSH | {"ftp", "smb", "hdfs"}
"""Kinds whose user name is a part of the address; elsewhere it may be a token."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SCP = re.compile(r"[^/\\@]+@[^/\\:@]+:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WHERE = {
    **dict.fromkeys(SSH, "give keys to ssh-agent, or name them in ~/.ssh/config"),
    **dict.fromkeys(S3, "keep them where `aws configure` does, or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    **dict.fromkeys(WEB, "keep them in ~/.netrc, or in the file that NETRC names"),
}
_ELSEWHERE = "keep them where its own library looks, or in ~/.config/fsspec"


def scheme_of(url: str) -> str:
    """Return the scheme of an address in lower case; empty for a folder."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def folder_of(url: str) -> Path | None:
    """Return the folder that an address is; None where it is none of this machine."""
    return Path(url) if not scheme_of(url) else None


def checked(url: str) -> str:
    """Return the form in which an address is kept: a folder is absolute, whatever the store's own place is.

    Raises BadValue for what is none, Refused for one with credentials, which names where to put them instead.
    """
    if not url.strip() or _CONTROL.search(url):
        raise BadValue(f"{url!r} is no address; give a folder, ssh://HOST/FOLDER, s3://BUCKET/FOLDER or https://HOST/")
    scheme = scheme_of(url)
    if scheme == "local" or (not scheme and "://" in url):
        raise BadValue(f"{strip_credentials(url)} is no address; a folder is spelled as its path")
    if not scheme and _SCP.match(url):
        bare = strip_credentials(url)
        host, _, path = bare.partition(":")
        raise BadValue(f"write {bare} as ssh://{host}{path if path.startswith('/') else f'/~/{path}'}")
    if not scheme or scheme == "file":
        return _folder(url)
    return _located(url, scheme)


def _folder(url: str) -> str:
    if scheme_of(url) and urlsplit(url).netloc not in ("", "localhost"):
        raise BadValue(f"{strip_credentials(url)} is of another machine; a folder of this one is file:///folder")
    path = destination.local_path(url)
    if path is None:
        raise BadValue(f"{strip_credentials(url)} is no folder")
    return path.expanduser().absolute().as_posix()


def _located(url: str, scheme: str) -> str:
    bare = strip_credentials(url)
    try:
        split = urlsplit(url)
        has_host = bool(split.hostname) or not split.netloc
        _ = split.port
    except ValueError as error:
        raise BadValue(f"{bare} is no address: {error}") from None
    where = _WHERE.get(scheme, _ELSEWHERE)
    if split.password is not None or ("@" in split.netloc and scheme not in _WITH_USER):
        raise Refused(f"{bare} was given with credentials, which a store does not keep; {where}")
    if split.query or split.fragment or "?" in url or "#" in url:
        plain = f"{scheme}://{split.netloc}{split.path}"
        raise Refused(f"{plain} was given with parameters, which may be credentials and are not kept; {where}")
    is_bare = not split.netloc and (scheme in SSH | WEB | S3 or not split.path.strip("/"))
    if not has_host or is_bare:
        raise BadValue(f"{bare} names no host or bucket")
    if scheme in SSH and not split.path.strip("/"):
        raise BadValue(f"{bare} names no folder; {bare.rstrip('/')}/~/FOLDER is one of your home there")
    return f"{scheme}://{split.netloc}{_path_of(bare, split)}"


def _path_of(bare: str, split: SplitResult) -> str:
    parts = split.path.split("/")
    if ".." in parts or "\\" in split.path:
        raise BadValue(f"{bare}: an address is spelled without '..' and backslashes")
    return split.path.rstrip("/")
