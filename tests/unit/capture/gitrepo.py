"""Real repositories for the tests of the git capture, out of reach of the user's own git settings."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskstore.capture.git import Limits, Snapshot, snapshot, write_bundle

Tree = dict[str, tuple[str, bytes, bool]]


def isolate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point git at settings of the test's own."""
    settings = tmp_path / "home" / "gitconfig"
    settings.parent.mkdir()
    settings.write_text(
        "[user]\n\tname = T\n\temail = t@example.org\n[init]\n\tdefaultBranch = main\n"
        '[protocol "file"]\n\tallow = always\n[commit]\n\tgpgSign = false\n'
    )
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(settings.parent))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings.parent / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def git(folder: Path, *arguments: str | Path, given: bytes | None = None) -> str:
    """Run git in a test and insist that it succeeds."""
    done = subprocess.run(["git", *map(str, arguments)], cwd=folder, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return os.fsdecode(done.stdout).strip()


def link(path: Path, text: str) -> None:
    """Make a symbolic link that holds exactly this text."""
    os.symlink(text, path)  # noqa: PTH211 - a Path tidies the text


@dataclass
class GitRepo:
    """A work tree with a few verbs."""

    root: Path

    @classmethod
    def create(cls, root: Path, *arguments: str) -> GitRepo:
        root.mkdir(parents=True)
        git(root, "init", "-q", *arguments)
        return cls(root)

    def git(self, *arguments: str | Path) -> str:
        return git(self.root, *arguments)

    def write(self, path: str, content: bytes | str = b"x\n", *, mode: int = 0o644) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        return target

    def link(self, path: str, text: str) -> None:
        link(self.root / path, text)

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def publish(self, remote: Path) -> Path:
        """Push to a new bare repository at `remote`, as `origin`."""
        git(self.root, "init", "-q", "--bare", str(remote))
        self.git("remote", "add", "origin", str(remote))
        self.git("push", "-q", "-u", "origin", "HEAD")
        return remote

    def snapshot(
        self, limits: Limits | None = None, *, script: Path | None = None, cwd: Path | None = None
    ) -> Snapshot:
        found = snapshot(script, cwd or self.root, limits=limits or Limits())
        assert found is not None
        return found


def tree(root: Path) -> Tree:
    """Every file and link below `root`, byte for byte, without git's own."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not (Path(folder) / name).is_symlink()]
        links = [path.name for path in Path(folder).iterdir() if path.is_symlink()]
        for name in {*files, *links} - {".git"}:
            path = Path(folder, name)
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[key] = ("link", os.fsencode(os.readlink(path)), False)  # noqa: PTH115 - a Path tidies the text
            else:
                found[key] = ("file", path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def rebuild(taken: Snapshot, target: Path, *, remote: Path | None = None) -> Path:
    """Follow the recipe in `Snapshot`'s docstring: clone, fetch the bundle, check out, apply, copy over."""
    bundle = target.with_suffix(".bundle")
    assert write_bundle(taken, bundle) is None
    if remote is None and taken.unpushed:
        git(target.parent, "clone", "-q", bundle, target)
    elif remote is None:
        git(target.parent, "init", "-q", target)
    else:
        git(target.parent, "clone", "-q", "--no-checkout", remote, target)
        if bundle.exists():
            git(target, "fetch", "-q", bundle, "HEAD")
    if taken.version_num:
        git(target, "checkout", "-q", "--detach", taken.version_num)
    if taken.diff:
        git(target, "apply", "--index", "--whitespace=nowarn", given=taken.diff)
    for file in taken.untracked:
        copy = target / file.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.link_target is not None:
            link(copy, file.link_target)
        else:
            copy.write_bytes(file.source.read_bytes())
            copy.chmod(0o755 if file.is_executable else 0o644)
    return target
