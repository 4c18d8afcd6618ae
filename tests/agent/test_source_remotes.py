"""A remote is asked without asking a person, for as long as it may take, and what it said is told."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from taskstore.agent.source import rebuild
from taskstore.agent.source.building import Limits
from taskstore.core.errors import CodeNotFound
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry
from tests.unit.capture.gitrepo import GitRepo, git

Made = tuple[TaskPaths, ScriptRecord]


def test_a_commit_that_nobody_has_is_refused_with_what_each_place_said(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    script.version_num = "1" * 40
    script.notes = ["unpushed commits left out: the clone is shallow, and their beginning is not in it"]
    with pytest.raises(CodeNotFound) as caught:
        built((paths, script), tmp_path / "again")
    tried = dict(caught.value.tried)
    assert tried[str(repo.root)] == "commit 111111111111 is not there"
    assert "not our ref" in tried[str(pushed)]
    assert tried["the task"] == script.notes[0]
    assert str(caught.value).startswith(f"commit 111111111111 of {pushed} is not to be had\n")


def test_without_a_network_the_remote_says_so(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    script.bundle = None
    for url in ("https://127.0.0.1:1/project.git", "ssh://git@127.0.0.1:1/project.git", "git@host.invalid:project"):
        script.repository = url
        with pytest.raises(CodeNotFound) as caught:
            built((paths, script), tmp_path / url.partition(":")[0])
        tried = dict(caught.value.tried)
        assert set(tried) == {str(repo.root), url}
        assert tried[str(repo.root)] == "it is gone"
        assert any(word in tried[url].lower() for word in ("connect", "resolve", "ssh")), tried[url]


class _Locked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="a team"')
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_remote_that_wants_a_password_is_told_none_and_nobody_is_asked(
    repo: GitRepo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    helper = GitRepo(tmp_path).write("ask", f"#!/bin/sh\necho x >> '{asked}'\necho secret\n", mode=0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(helper))
    monkeypatch.setenv("SSH_ASKPASS", str(helper))
    git(tmp_path, "config", "--global", "core.askPass", str(helper))
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    with HTTPServer(("127.0.0.1", 0), _Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script.repository, script.bundle = f"http://127.0.0.1:{server.server_port}/project.git", None
        with pytest.raises(CodeNotFound, match="could not read Username.*terminal prompts disabled"):
            built((paths, script), tmp_path / "again")
        server.shutdown()
    assert not asked.exists()


def test_credentials_that_git_has_anyway_are_used(
    repo: GitRepo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    git(tmp_path, "config", "--global", "credential.helper", f"!f() {{ echo $1 >> '{asked}'; }}; f")
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    with HTTPServer(("127.0.0.1", 0), _Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script.repository, script.bundle = f"http://127.0.0.1:{server.server_port}/project.git", None
        with pytest.raises(CodeNotFound):
            built((paths, script), tmp_path / "again")
        server.shutdown()
    assert asked.read_text().split() == ["get"]


def test_a_remote_that_never_answers_is_given_up(
    repo: GitRepo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = GitRepo(tmp_path).write("ssh", "#!/bin/sh\nsleep 600\n", mode=0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(command))
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    script.repository, script.bundle = "ssh://git@example.org/project", None
    with pytest.raises(CodeNotFound, match=r"ssh://git@example.org/project: no answer within 0\.5 s"):
        rebuild(paths, script, tmp_path / "again", tell=lambda text: None, limits=Limits(remote_s=0.5))


def test_a_remote_that_is_a_program_is_not_run(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    script.repository, script.bundle = f"ext::sh -c touch% {tmp_path}/run", None
    git(tmp_path, "config", "--global", "protocol.ext.allow", "always")
    with pytest.raises(CodeNotFound, match="transport 'ext' not allowed"):
        built((paths, script), tmp_path / "again")
    script.repository = "--upload-pack=touch run"
    with pytest.raises(CodeNotFound):
        built((paths, script), tmp_path / "once more")
    assert not list(tmp_path.rglob("run"))


def test_a_draft_of_a_branch_is_at_its_tip(pushed: Path, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.git("checkout", "-q", "-b", "side/line")
    repo.write("main.py", "print('side')\n")
    tip = repo.commit()
    repo.git("tag", "v1")
    repo.git("push", "-q", "origin", "HEAD", "--tags")
    repo.git("checkout", "-q", "main")
    for number, (branch, commit) in enumerate([("side/line", ""), ("", tip[:10]), ("", "v1"), ("", "side/line")]):
        script = ScriptRecord(repository=str(pushed), branch=branch, version_num=commit, entry_point="main.py")
        paths, _ = captured(store, entry(repo.root / "main.py", repo.root))
        found = built((paths, script), tmp_path / str(number))
        assert (found.root / "main.py").read_text() == "print('side')\n"
        assert git(found.root, "rev-parse", "HEAD") == tip
        assert any(tip in note for note in found.notes)
        script.root = str(repo.root)
        assert git(built((paths, script), tmp_path / f"{number} local").root, "rev-parse", "HEAD") == tip


def test_a_draft_of_a_branch_may_have_a_diff(pushed: Path, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("main.py", "print('edited')\n")
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    draft = ScriptRecord(repository=str(pushed), branch="main", entry_point="main.py", diff=script.diff)
    assert (built((paths, draft), tmp_path / "again").root / "main.py").read_text() == "print('edited')\n"


def test_a_branch_that_is_not_there_is_refused(pushed: Path, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, _ = captured(store, entry(repo.root / "main.py", repo.root))
    script = ScriptRecord(repository=str(pushed), branch="nowhere", entry_point="main.py")
    with pytest.raises(CodeNotFound, match="branch nowhere of .* is not to be had"):
        built((paths, script), tmp_path / "again")
