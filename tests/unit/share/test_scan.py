"""Secrets are found in all text of a task before it leaves, and what is masked has none left."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.secrets import MASK, Masker, may_hold_one
from taskstore.disk import process
from taskstore.disk.atomic import write_blob
from taskstore.disk.layout import NEW_PREFIX, TaskPaths
from taskstore.schema import codec
from taskstore.schema.artifact import Artifact, ArtifactsRecord
from taskstore.schema.record import FileRef, Parameter, ParamsRecord, ScriptRecord, TaskRecord
from taskstore.share import bundle, detectors, redacting
from taskstore.share import scan as scanning
from taskstore.share.merging import read_state
from taskstore.share.scan import Finding, masked_record, masked_text, scan
from taskstore.share.source import FolderSource
from taskstore.store import artifacts, doctor, places, published, tasks
from taskstore.store.store import Store

AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + "abcdefghijklmnopqrst0123456789abcdef"
DISCORD = "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
HEAD = "2026-01-01T00:00:00.000000Z stdout F "
DIFF = f'+++ b/x.py\n+token = get_token()\n+client = Client("{GITHUB}")\n'


def secretive(store: Store) -> TaskPaths:
    """A task with a secret in each kind of file, of which the first line never has one."""

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.comment = f"use {GITHUB}"
        params = ParamsRecord(rev=1, hyperparams={"Args": {"lr": Parameter("0.1"), "api_key": Parameter("hunter2-x")}})
        paths.params.write_bytes(codec.encode(params))
        paths.source.mkdir()
        digest, size = write_blob(paths.diff, [DIFF.encode()])
        ref = FileRef(path="source/uncommitted.diff", size=size, hash=digest)
        paths.script.write_bytes(codec.encode(ScriptRecord(rev=1, diff=ref)))
        paths.events.mkdir()
        paths.console("a-1-1").write_text(f"{HEAD}epoch 1: loss=0.1\n{HEAD}login with password=hunter2-x\n")
        paths.config.mkdir()
        paths.config_file("net", "yaml").write_text("layers: 3\nclient_secret: hunter2-x\n")
        record_artifacts(paths, {"env": f"A=1\nKEY={AWS}\n".encode(), "weights": b"\0" + AWS.encode()})

    return tasks.create(store, "some/project", "a run", fill=fill)


def record_artifacts(paths: TaskPaths, contents: dict[str, bytes]) -> None:
    record = ArtifactsRecord(rev=1)
    for key, data in contents.items():
        path = paths.artifact_folder(key) / "file"
        path.parent.mkdir(parents=True)
        digest, size = write_blob(path, [data])
        ref = FileRef(path=path.relative_to(paths.home).as_posix(), size=size, hash=digest)
        record.artifacts[key] = Artifact(key=key, type="custom", file=ref)
    paths.artifacts.write_bytes(codec.encode(record))


def found(paths: TaskPaths, masker: Masker | None = None) -> tuple[Finding, ...]:
    return scan(FolderSource(paths.home), masker or Masker()).findings


def line_of(path: Path, text: str) -> int:
    return next(at for at, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_every_kind_of_text_is_looked_through(store: Store) -> None:
    paths = secretive(store)
    assert set(found(paths)) == {
        Finding("task.json", line_of(paths.record, GITHUB), "GitHub token"),
        Finding("params.json", line_of(paths.params, "hunter2"), "value of api_key"),
        Finding("source/uncommitted.diff", 3, "GitHub token"),
        Finding("events/console.a-1-1.log", 2, "value of password"),
        Finding("config/net.yaml", 2, "value of client_secret"),
        Finding("files/artifacts/env/file", 2, "AWS access key"),
    }


def test_what_a_run_records_by_itself_is_no_finding(store: Store) -> None:
    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.runtime = {"cpu_model": "x", "env/PATH": "/usr/bin:/bin"}
        params = {"Args": {name: Parameter(MASK) for name in ("api_key", "token")} | {"tokenizer": Parameter("bert")}}
        paths.params.write_bytes(codec.encode(ParamsRecord(rev=1, hyperparams=params)))
        record_artifacts(paths, {"key": b"max_tokens: 100\n", "a" * 32: hashlib.sha256(b"x").hexdigest().encode()})
        paths.script.write_bytes(codec.encode(ScriptRecord(rev=1, version_num="0" * 40, argv=["x", "--token", MASK])))
        paths.source.mkdir()
        paths.environment.write_text("detect-secrets==1.5.0\nsecretstorage==3.3\n")
        (paths.home / "events").mkdir()
        paths.console("a-1-1").write_text(f"{HEAD}step 3 tokens/s=123.4 pad_token=0 token_loss=0.5 {MASK}\n")

    assert found(tasks.create(store, "some/project", "a run", fill=fill)) == ()


def test_the_version_of_a_package_is_no_secret_whatever_the_package_is_called(store: Store) -> None:
    pinned = {"google-auth": "2.41.0", "private": f"git+https://x:{GITHUB}@example.org/p"}

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        paths.script.write_bytes(codec.encode(ScriptRecord(rev=1, requirements=pinned)))
        section = {"auth": Parameter("hunter2-x")}
        paths.params.write_bytes(codec.encode(ParamsRecord(rev=1, hyperparams={"requirements": section})))

    paths = tasks.create(store, "some/project", "a run", fill=fill)
    assert {(each.file, each.kind) for each in found(paths)} == {
        ("script.json", "URL with a password"),
        ("params.json", "value of auth"),
    }
    with redacting.redacted(store, [paths], lambda _: Masker()) as (_, (copy,)):
        masked = codec.decode(ScriptRecord, copy.script.read_bytes(), copy.script).requirements
    assert masked == pinned | {"private": f"git+https://x:{MASK}@example.org/p"}


def test_forms_that_only_detect_secrets_knows_are_found_and_asked_of_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:  # noqa: ANN401
        raise AssertionError("a secret was sent to somebody")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    paths = tasks.create(store, "some/project", "a run")
    paths.source.mkdir()
    paths.work_tree().diff.write_text(f'+bot = "{DISCORD}"\n')
    assert found(paths) == (Finding("source/uncommitted.diff", 1, "Discord Bot Token"),)
    assert masked_text(f'bot = "{DISCORD}"', "source/x", Masker()) == f'bot = "{MASK}"'


def test_without_detect_secrets_the_own_rules_go_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "_plugins", tuple)
    assert len(found(secretive(store))) == 6


def test_names_that_the_settings_add_count(store: Store) -> None:
    paths = tasks.create(store, "some/project", "a run")
    params = {"Args": {"hub_user": Parameter("ada")}}
    paths.params.write_bytes(codec.encode(ParamsRecord(rev=1, hyperparams=params)))
    assert found(paths) == ()
    (one,) = found(paths, Masker(extra=("hub_user",)))
    assert (one.file, one.kind) == ("params.json", "value of hub_user")


def test_of_a_long_file_the_beginning_is_looked_through_and_that_is_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "MAX_BYTES", 3 << 20)
    paths = tasks.create(store, "some/project", "a run")
    paths.events.mkdir()
    blank = b"-" * ((1 << 20) - 1) + b"\n"
    with paths.console("a-1-1").open("wb") as stream:
        stream.write(f"{HEAD}{AWS}\n".encode())
        stream.writelines([blank] * 3)
        stream.write(f"{HEAD}{AWS}\n".encode())  # behind what is looked at
    done = scan(FolderSource(paths.home), Masker())
    assert [item.line for item in done.findings] == [1]
    assert done.partly == ("events/console.a-1-1.log",)


def test_a_damaged_record_and_a_file_that_is_no_utf8_are_looked_through(store: Store) -> None:
    paths = secretive(store)
    paths.record.write_text(f'{{"comment": "{GITHUB}", ')
    paths.config_file("net", "yaml").write_bytes(b"\xff\xfe\nclient_secret: hunter2-x")
    kinds = {(item.file, item.kind) for item in found(paths)}
    assert ("task.json", "GitHub token") in kinds
    assert ("config/net.yaml", "value of client_secret") in kinds


def test_a_record_that_is_nested_beyond_all_sense_is_looked_through_as_text(store: Store) -> None:
    paths = secretive(store)
    for depth in (150, 980, 100_000):
        paths.record.write_text(f'{{"comment": {"[" * depth}"{GITHUB}"{"]" * depth}}}')
        assert ("task.json", "GitHub token") in {(item.file, item.kind) for item in found(paths)}
        assert GITHUB not in masked_record(paths.record.read_bytes(), Masker()).decode()


def test_a_redacted_store_has_no_findings_and_is_whole(store: Store) -> None:
    paths = secretive(store)
    before = {path: path.read_bytes() for path in paths.home.rglob("*") if path.is_file()}
    with redacting.redacted(store, [paths], lambda _: Masker()) as (masked, (copy,)):
        assert found(copy) == ()
        assert (masked.id, copy.id) == (store.id, paths.id)
        assert places.project_of(masked, copy.home) == "some/project"
        assert tasks.read(copy).comment == f"use {MASK}"
        assert copy.diff.read_text() == f'+++ b/x.py\n+token = get_token()\n+client = Client("{MASK}")\n'
        assert [
            problem for problem in doctor.check(masked) if problem.is_damage
        ] == []  # hashes are those of what is there
        env, weights = artifacts.read(copy).artifacts.values()
        assert env.file is not None
        assert weights.file is not None
        assert env.file.hash == hashlib.sha256((copy.home / env.file.path).read_bytes()).hexdigest()
        assert (copy.home / weights.file.path).samefile(paths.home / weights.file.path)
    assert {path: path.read_bytes() for path in paths.home.rglob("*") if path.is_file()} == before
    assert list(store.paths.cache.iterdir()) == []


def test_a_task_without_secrets_is_copied_byte_by_byte(store: Store) -> None:
    paths = tasks.create(store, "some/project", "a run")
    paths.events.mkdir()
    paths.console("a-1-1").write_bytes(f"{HEAD}all is well \xff\n".encode("latin-1"))
    tasks.transition(store, paths.id, tasks.Status.IN_PROGRESS)
    tasks.transition(store, paths.id, tasks.Status.COMPLETED)
    published.publish(store, paths.id)
    with redacting.redacted(store, [paths], lambda _: Masker()) as (_, (copy,)):
        own = {path.name: path.read_bytes() for path in paths.home.rglob("*") if path.is_file() and path.name[0] != "."}
        assert {path.name: path.read_bytes() for path in copy.home.rglob("*") if path.is_file()} == own
        assert "manifest.json" in own


def replacing_once(paths: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run replace an artifact right after its folder was first listed: the old file is then gone."""
    listed, left = os.walk, ["once"]

    def walk(home: Any) -> Iterator[Any]:  # noqa: ANN401 - as os.walk
        found = list(listed(home))
        if left and Path(home) == paths.home:
            left.clear()
            (paths.artifact_folder("env") / "file").unlink()
            paths.artifact_folder("weights").joinpath("file").unlink()
            paths.artifact_folder("weights").rmdir()
            record_artifacts(paths, {"weights": b"\0 others", "new": f"A=1\nKEY={AWS}\n".encode()})
        yield from found

    monkeypatch.setattr(os, "walk", walk)


def test_what_a_run_replaces_while_it_is_looked_through_is_passed_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = secretive(store)
    replacing_once(paths, monkeypatch)
    names = {each.file for each in found(paths)}
    assert "config/net.yaml" in names
    assert "files/artifacts/env/file" not in names

    class Stale(FolderSource):
        def sizes(self) -> dict[str, int]:
            return super().sizes() | {"files/artifacts/env/file": 5}

    assert scan(Stale(paths.home), Masker()).findings == found(paths)


def test_a_masked_copy_of_a_run_that_goes_on_is_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = secretive(store)
    replacing_once(paths, monkeypatch)
    with redacting.redacted(store, [paths], lambda _: Masker()) as (masked, (copy,)):
        assert found(copy) == ()
        assert artifacts.read(copy).artifacts.keys() == {"weights", "new"}
        assert (copy.artifact_folder("new") / "file").read_text() == f"A=1\nKEY={MASK}\n"
        assert [problem for problem in doctor.check(masked) if problem.is_damage] == []


def test_what_a_run_prints_after_its_masked_copy_was_made_is_not_in_that(store: Store) -> None:
    paths = tasks.create(store, "some/project", "a run")
    paths.events.mkdir()
    console = paths.console("a-1-1")
    console.write_text(f"{HEAD}epoch 1\n")
    with redacting.redacted(store, [paths], lambda _: Masker()) as (_, (copy,)):
        with console.open("a") as stream:
            stream.write(f"{HEAD}login with password=hunter2-x\n")
        assert copy.console("a-1-1").read_text() == f"{HEAD}epoch 1\n"


def test_what_a_killed_one_has_left_goes_and_what_another_is_at_stays(store: Store) -> None:
    paths = secretive(store)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    place = process.owner_tag().partition("-")[0]
    killed = store.paths.cache / f"{NEW_PREFIX}{place}-{ended.pid}-000000000000"
    (killed / "projects").mkdir(parents=True)
    with redacting.redacted(store, [paths], lambda _: Masker()) as (first, _):
        assert not killed.exists()
        with redacting.redacted(store, [paths], lambda _: Masker()):
            assert first.root.exists()


def test_text_without_a_word_of_secrets_is_spared_the_long_look() -> None:
    text = "line with words=1 and epoch: 3 loss=0.25\n" * 8000

    def took_s(action: Callable[[], object]) -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    masked = min(took_s(lambda: masked_text(text, "events/console.a.log", Masker())) for _ in range(3))
    full = min(took_s(lambda: Masker().text(text)) for _ in range(3))
    assert masked < full / 2


def test_a_hidden_file_that_leaves_is_looked_through_and_a_lock_is_not(store: Store) -> None:
    paths = secretive(store)
    (paths.home / ".env").write_text(f"KEY={AWS}\n")
    (paths.home / ".lock").write_text(f"KEY={AWS}\n")
    hidden = {each.file for each in found(paths) if each.file.startswith(".")}
    assert hidden == {".env"}


def test_a_published_task_that_is_masked_leaves_its_manifest_behind(store: Store) -> None:
    paths = secretive(store)
    tasks.transition(store, paths.id, tasks.Status.IN_PROGRESS)
    tasks.transition(store, paths.id, tasks.Status.COMPLETED)
    published.publish(store, paths.id)
    with redacting.redacted(store, [paths], lambda _: Masker()) as (_, (copy,)):
        assert not copy.manifest.exists()
        assert json.loads(copy.record.read_text())["status"] == "published"


def test_a_masked_copy_does_not_count_as_later_than_what_it_masks(store: Store, tmp_path: Path) -> None:
    paths = secretive(store)
    with redacting.redacted(store, [paths], lambda _: Masker()) as (masked, (copy,)):
        written = bundle.write(masked, [copy.id], tmp_path / "masked.zip")
    before = tasks.read(paths).comment
    assert GITHUB in before
    ((brought),) = bundle.read(store, written.path)
    assert brought.outcome is not None
    assert "comment" in brought.outcome.conflicts
    known = read_state(FolderSource(paths.home), paths.id, "some/project").units["comment"]
    assert {version.value for version in known.heads} == {before, f"use {MASK}"}


@pytest.mark.parametrize(
    "line",
    [
        f"key {AWS}",
        f"x {GITHUB}",
        "glpat-" + "abcdefghij0123456789",
        "hf_" + "abcdefghijklmnopqrst",
        "xoxb-" + "123456789-abcdefgh",
        "AIza" + "a" * 35,
        "pypi-Ag" + "a" * 20,
        "sk_live_" + "a1" * 8,
        "sk-" + "proj-abc12345678abcdefg",
        "eyJhbGciOi.eyJzdWIiOi.abc",
        "hooks.slack.com/services/T000/B000/abc",
        "Authorization: Basic " + "YWRhOmh1bnRlcjI=",
        "Bearer " + "abcdefghijklmnop1234",
        "https://ada:hunter2@example.org",
        "https://host/x?X-Amz-Signature=0123456789abcdef",
        "https://host/x?sig=0123456789abcdef",
        'DB_PASSWORD = "hunter2-x"',
        "--api-key hunter2-x",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEabcdefgh\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_has_a_finding_passes_the_quick_look_and_is_masked_without_a_trace(line: str) -> None:
    assert Masker().findings(line, is_code=False) != []
    assert may_hold_one(line.partition("\n")[0])
    assert Masker().findings(masked_text(line, "events/console.x.log", Masker()), is_code=False) == []
