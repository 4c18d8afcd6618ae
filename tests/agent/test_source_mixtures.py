"""Random mixtures of changes, in a repository, a submodule of it and a submodule of that, come back as they were."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, facts_of, tree_hash
from tests.unit.capture.gitrepo import GitRepo, isolate

SEEDS = range(int(os.environ.get("TASKSTORE_TEST_MIXTURES", "6")))
NAMES = [
    *("a.py", "b.txt", "folder/c.py", "folder/deep/d.bin", "with space.md", "ünï ☃.py", "new\nline", 'quo"te'),
    *("tab\tname", "back\\slash", "-dash", "*.star", os.fsdecode(b"latin\xe9"), "UPPER", "upper", "folder/e/f/g.sh"),
]


class Mixture:
    """Changes to one work tree, drawn from one source of chance."""

    def __init__(self, repo: GitRepo, chance: random.Random) -> None:
        self.repo = repo
        self.chance = chance

    def content(self) -> bytes:
        kind = self.chance.randrange(6)
        lines = [f"line {self.chance.randrange(9)}" for _ in range(self.chance.randrange(1, 40))]
        if kind == 0:
            return self.chance.randbytes(self.chance.randrange(2_000))
        end = b"\r\n" if kind == 1 else b"\n"
        return end.join(line.encode() for line in lines) + (b"" if kind == 2 else end)

    def files(self) -> list[str]:
        tracked = self.repo.git("ls-files", "-z").split("\0")
        here = self.repo.root
        return [name for name in tracked if name and os.path.lexists(here / name) and not (here / name).is_dir()]

    def pick(self) -> Path | None:
        files = [name for name in self.files() if name not in (".gitmodules", "main.py")]
        return self.repo.root / self.chance.choice(files) if files else None

    def write(self) -> None:
        path = self.repo.root / self.chance.choice(NAMES)
        if any(os.path.lexists(above) and not _is_folder(above) for above in _between(self.repo.root, path)):
            return
        if _is_folder(path):
            return
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.chance.random() < 0.15:
            os.symlink(self.chance.choice(NAMES), path)  # noqa: PTH211 - a Path tidies the text
            return
        path.write_bytes(self.content())
        path.chmod(self.chance.choice([0o644, 0o644, 0o755]))

    def edit(self) -> None:
        path = self.pick()
        if path is not None and not path.is_symlink():
            path.write_bytes(path.read_bytes() + self.content())

    def delete(self) -> None:
        path = self.pick()
        if path is not None:
            path.unlink()

    def rename(self) -> None:
        path = self.pick()
        target = self.repo.root / f"renamed {self.chance.randrange(5)}"
        if path is not None and not os.path.lexists(target):
            path.rename(target)

    def chmod(self) -> None:
        path = self.pick()
        if path is not None and not path.is_symlink():
            path.chmod(self.chance.choice([0o644, 0o755]))

    def to_folder(self) -> None:
        path = self.pick()
        if path is not None:
            path.unlink()
            path.mkdir()
            (path / "inside").write_bytes(self.content())

    def forget(self) -> None:
        path = self.pick()
        if path is not None:
            self.repo.git("rm", "-q", "--force", "--cached", "--", path.relative_to(self.repo.root))

    def stage_all(self) -> None:
        self.repo.git("add", "-A")

    def commit(self) -> None:
        self.repo.git("commit", "-q", "--allow-empty", "-m", "mixed")

    def change(self, count: int) -> None:
        steps = [self.write] * 6 + [self.edit] * 4 + [self.delete, self.rename, self.chmod, self.to_folder]
        steps += [self.forget, self.stage_all, self.stage_all, self.commit]
        for _ in range(count):
            self.chance.choice(steps)()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _between(root: Path, path: Path) -> list[Path]:
    return [above for above in path.parents if above != root and above.is_relative_to(root)]


def _made(folder: Path, chance: random.Random) -> GitRepo:
    repo = GitRepo.create(folder)
    repo.write("main.py", "print('hello')\n")
    Mixture(repo, chance).change(12)
    repo.commit()
    return repo


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mixture_of_changes_comes_back(
    seed: int, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path, monkeypatch)
    chance = random.Random(seed)
    inner, library = _made(tmp_path / "inner", chance), _made(tmp_path / "library", chance)
    library.git("submodule", "--quiet", "add", str(inner.root), "in")
    library.commit()
    repo = _made(tmp_path / "work/project", chance)
    repo.git("submodule", "--quiet", "add", str(library.root), "lib")
    repo.git("submodule", "--quiet", "update", "--init", "--recursive")
    repo.commit()
    if chance.random() < 0.5:
        repo.publish(tmp_path / "remote.git")
    for root in ("lib/in", "lib", "."):
        Mixture(GitRepo(repo.root / root), chance).change(chance.randrange(15))
    made = captured(store, entry(repo.root / "main.py", repo.root))
    expected, facts = tree_hash(repo.root), facts_of(repo.snapshot())
    assert tree_hash(built(made, tmp_path / "beside").root) == expected
    shutil.rmtree(repo.root)
    found = built(made, tmp_path / "again")
    assert tree_hash(found.root) == expected
    assert facts_of(GitRepo(found.root).snapshot()) == facts
