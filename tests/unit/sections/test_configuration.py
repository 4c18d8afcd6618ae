"""Configuration objects: what comes back is what went in, people may edit the files, credentials stay out."""

from __future__ import annotations

import datetime
import enum
import json
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from taskstore.configuration import Configuration
from taskstore.core.errors import BadName, BadValue, ReadOnly, Refused
from taskstore.core.secrets import MASK, Masker
from taskstore.core.states import RECORDING, Status
from taskstore.disk.layout import TaskPaths
from taskstore.run.sink import StoreSink
from taskstore.sections import clone
from taskstore.sections.configuration import masking, text
from taskstore.store import configuration, doctor, places, published, tasks
from taskstore.store.hold import Hold
from taskstore.store.store import Store

_MASKER = Masker()


class Kind(enum.Enum):
    SGD = 1
    ADAM = 2


class Run:
    """A run's configuration, and the run's end."""

    def __init__(self, store: Store, *, of: TaskPaths | None = None, is_rerun: bool = False) -> None:
        self.store = store
        self.paths = of or tasks.create(store, "examples", "a run")
        self.sink = StoreSink(
            store,
            self.paths.id,
            lambda: places.locate(store, self.paths.id),
            _MASKER,
            is_rerun=is_rerun,
        )
        hold = Hold(store, self.paths.id, nullcontext, RECORDING)
        self.configuration = Configuration(hold, lambda: _MASKER, lambda: self.sink)

    def again(self) -> Run:
        return Run(self.store, of=clone.clone(self.store, self.paths, name="again"), is_rerun=True)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.configuration.path(name)
        assert path is not None
        path.write_text(change(path.read_text()))

    @property
    def notes(self) -> list[str]:
        return tasks.read_script(places.locate(self.store, self.paths.id)).notes


EVERYTHING: dict[Any, Any] = {
    "lr": 1e-05,
    "small": 1e-12,
    "on": True,
    "word": "yes",
    "number": "1e5",
    "none": None,
    "shape": (3, (4, 5)),
    "layers": [1, [2, {"a": ()}]],
    "names": {"a", "b"},
    "data": b"\x00x",
    "when": datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone.utc),
    "day": datetime.date(2026, 1, 2),
    1: "an int key",
    (1, 2): "a tuple key",
    "inf": math.inf,
    "empty": {},
    "text": "two\nlines\n",
    "odd": "a\u2028b # no comment",
    "big": 10**40,
}


def test_a_dictionary_comes_back_with_every_type(store: Store) -> None:
    run = Run(store)
    assert run.configuration.connect(EVERYTHING) is EVERYTHING
    found = run.configuration.get_dict("General")
    assert found == EVERYTHING
    assert {key: type(item) for key, item in found.items()} == {key: type(item) for key, item in EVERYTHING.items()}
    assert type(found["layers"][1][1]["a"]) is tuple


def test_a_text_that_no_file_can_hold_is_escaped_and_stays_the_programs_own(store: Store) -> None:
    run = Run(store)
    name = "bad\udcff"  # as Python reads a name that is no UTF-8
    run.configuration.connect({"file": name, "n": 1})
    assert run.configuration.get_dict("General") == {"file": "bad\\udcff", "n": 1}
    again = {"file": name, "n": 5}
    assert run.again().configuration.connect(again) == {"file": name, "n": 1}


def test_a_mark_of_the_byte_order_is_no_part_of_json(store: Store, tmp_path: Path) -> None:
    run = Run(store)
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    run.configuration.connect(str(tmp_path / "a.json"))
    assert run.configuration.get_dict("General") == {"a": 1}


def test_a_dictionary_is_a_file_that_a_person_can_read(store: Store) -> None:
    run = Run(store)
    run.configuration.connect({"lr": 0.1, "net": {"layers": [1, 2]}}, "model", "what is trained")
    assert (run.paths.home / "config" / "model.yaml").read_text() == "lr: 0.1\nnet:\n  layers:\n  - 1\n  - 2\n"
    stored = configuration.read(run.paths)["model"]
    assert (stored.type, stored.description) == ("dictionary", "what is trained")
    assert json.loads(run.paths.configuration.read_text()) == {
        "rev": 1,
        "configuration": {
            "model": {
                "name": "model",
                "type": "dictionary",
                "description": "what is trained",
                "file": "model.yaml",
            }
        },
    }


def test_an_edited_dictionary_replaces_the_programs_in_place(store: Store) -> None:
    first = Run(store)
    first.configuration.connect({"lr": 0.1, "kind": Kind.SGD, "shape": (1, 2), "path": Path("a"), "gone": 1}, "model")
    again = first.again()
    again.edit("model", lambda _: "lr: 1e-4\nkind: ADAM\nshape: [3]\npath: b\nadded: [x]\n")
    own: dict[str, Any] = {"lr": 0.1, "kind": Kind.SGD, "shape": (1, 2), "path": Path("a"), "gone": 1}
    assert again.configuration.connect(own, "model") is own
    assert own == {"lr": 1e-4, "kind": Kind.ADAM, "shape": (3,), "path": Path("b"), "added": ["x"]}
    own_list = [1]
    first.configuration.connect([1, 2], "list")
    assert first.again().configuration.connect(own_list, "list") is own_list
    assert own_list == [1, 2]


def test_what_cannot_be_read_or_is_another_kind_is_noted_and_the_programs_recorded(store: Store) -> None:
    first = Run(store)
    first.configuration.connect({"lr": 1}, "a")
    first.configuration.connect({"lr": 1}, "b")
    again = first.again()
    again.edit("a", lambda _: "lr: [")
    again.edit("b", lambda _: "- 1\n")
    assert again.configuration.connect({"lr": 2}, "a") == {"lr": 2}
    assert again.configuration.connect({"lr": 2}, "b") == {"lr": 2}
    assert again.configuration.all() == {"a": "lr: 2\n", "b": "lr: 2\n"}
    assert ["configuration a is not YAML" in again.notes[0], "b is no dictionary" in again.notes[1]] == [True, True]


def test_the_programs_own_can_be_kept_and_is_recorded(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    first = Run(store)
    first.configuration.connect({"lr": 1}, "a")
    first.configuration.connect(file, "b")
    again = first.again()
    file.write_text("[]")
    assert again.configuration.connect({"lr": 2}, "a", ignore_remote_overrides=True) == {"lr": 2}
    assert again.configuration.connect(file, "b", ignore_remote_overrides=True) == file
    assert again.configuration.all() == {"a": "lr: 2\n", "b": "[]"}


def test_a_dictionary_that_has_changed_is_recorded_again_at_the_end(store: Store) -> None:
    run = Run(store)
    own: dict[str, Any] = {"layers": [1]}
    run.configuration.connect(own)
    own["layers"].append(2)
    run.sink.finish()
    assert run.configuration.get_dict("General") == {"layers": [1, 2]}


def test_one_that_has_not_changed_is_not_spelled_again_at_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(store)
    run.configuration.connect({"a": {"b": [1, "x"]}})
    monkeypatch.setattr(text, "dumps", lambda value: pytest.fail("it is spelled again"))
    run.sink.finish()
    assert run.notes == []


@pytest.mark.parametrize("name", ["plain.ini", "data.bin", "noext", "x.yaml"])
def test_a_file_is_kept_byte_for_byte_and_its_own_path_comes_back(store: Store, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    data = b"\xff\x00\x01\r\n" if name == "data.bin" else b"[a]\r\nb = 1  ; why\r\n"
    file.write_bytes(data)
    run = Run(store)
    assert run.configuration.connect(file, "it") == file
    assert run.configuration.connect(str(file), "other") == str(file)
    path = run.configuration.path("it")
    assert path is not None
    assert path.read_bytes() == data
    assert path.suffix == file.suffix
    assert configuration.read(run.paths)["it"].type == (file.suffix[1:] or "file")
    again = run.again()
    assert again.configuration.connect(file, "it") == file


def test_an_edited_file_is_handed_back_as_a_temporary_one_until_the_end(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "train.ini"
    file.write_text("[a]\nb = 1\n")
    run = Run(store)
    run.configuration.connect(file, "ini")
    again = run.again()
    again.edit("ini", lambda text: text.replace("1", "2"))
    found = again.configuration.connect(str(file), "ini")
    assert isinstance(found, str)
    assert Path(found).name == "train.ini"
    assert Path(found).read_text() == "[a]\nb = 2\n"
    file.unlink()
    assert again.configuration.connect(file, "ini").read_text() == "[a]\nb = 2\n"
    again.sink.finish()
    assert not Path(found).parent.exists()


@pytest.mark.parametrize("value", [3, (1,), b"x", None, object()])
def test_what_is_no_configuration_is_refused(store: Store, value: object) -> None:
    with pytest.raises(BadValue, match="a dict, a list, or the path of a file"):
        Run(store).configuration.connect(value)


def test_a_file_that_is_not_there_is_refused(store: Store, tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(BadValue, match="cannot be read"):
            Run(store).configuration.connect(path)
    with pytest.raises(BadName):
        Run(store).configuration.connect({}, "x" * 5000)


def test_objects_are_set_read_and_deleted_by_name(store: Store) -> None:
    objects = Run(store).configuration
    objects.set("a/b: c", "x = 1\n", config_type="ini", description="why")
    objects.set("dict", config_dict={"a": [1]})
    objects.set("plain", "just text")
    assert objects.names() == ["a/b: c", "dict", "plain"]
    assert objects.all() == {"a/b: c": "x = 1\n", "dict": "a:\n- 1\n", "plain": "just text"}
    assert objects.get_dict("dict") == {"a": [1]}
    assert (objects.get("none"), objects.get_dict("none"), objects.path("none")) == (None, None, None)
    with pytest.raises(BadValue, match="no dictionary"):
        objects.get_dict("plain")
    for more in ({}, {"config_text": "a", "config_dict": {}}):
        with pytest.raises(BadValue, match="either"):
            objects.set("x", **more)  # type: ignore[arg-type]
    assert objects.delete("dict")
    assert not objects.delete("dict")
    assert objects.names() == ["a/b: c", "plain"]


def test_a_name_may_change_its_kind_and_no_old_file_is_left(store: Store) -> None:
    run = Run(store)
    run.configuration.set("a", "{}", config_type="json", description="kept")
    run.configuration.set("a", "a: 1", config_type="yaml")
    assert sorted(path.name for path in run.paths.config.iterdir()) == ["a.yaml"]
    assert configuration.read(run.paths)["a"].description == "kept"


def test_names_never_meet_in_one_file(store: Store) -> None:
    run = Run(store)
    names = ["a", "a.yaml", "A", "a.", "con", "../x", "x" * 300, "a.file"]
    for name in names:
        run.configuration.set(name, name, config_type="file")
        run.configuration.set(f"{name}2", name, config_type="yaml")
    assert {name: run.configuration.get(name) for name in names} == {name: name for name in names}
    assert len(list(run.paths.config.iterdir())) == 2 * len(names)


def test_a_file_that_somebody_put_there_is_an_object_and_one_that_is_gone_is_none(store: Store) -> None:
    run = Run(store)
    run.configuration.set("a", "1")
    run.configuration.set("b", "2")
    (run.paths.config / "mine.yaml").write_text("x: 1\n")
    next(run.paths.config.glob("a*")).unlink()
    assert run.configuration.all() == {"b": "2", "mine": "x: 1\n"}
    assert run.configuration.get_dict("mine") == {"x": 1}
    assert [finding.message for finding in doctor.check(store)] == [
        "config.json names it as configuration 'a', and it is missing"
    ]


def test_a_broken_record_is_repaired_and_the_files_are_all_there(store: Store) -> None:
    run = Run(store)
    run.configuration.set("a", "1", config_type="ini")
    run.paths.configuration.write_text('{"rev": 1, "configuration": {"a": ')
    assert [finding.kind.value for finding in doctor.check(store)] == ["record"]
    assert all(finding.is_repaired for finding in doctor.repair(store))
    assert doctor.check(store) == []
    assert run.configuration.all() == {"a": "1"}
    assert configuration.read(run.paths)["a"].type == "ini"


def test_a_record_that_names_a_file_elsewhere_names_nothing(store: Store, tmp_path: Path) -> None:
    run = Run(store)
    run.configuration.set("a", "1")
    (tmp_path / "secret").write_text("secret")
    (run.paths.config / "link.txt").symlink_to(tmp_path / "secret")
    for file in ("../task.json", "/etc/passwd", "link.txt", "..", "", "a\0b"):
        run.paths.configuration.write_text(
            json.dumps({"rev": 1, "configuration": {"a": {"name": "a", "type": "txt", "file": file}}})
        )
        assert run.configuration.names() == ["a"]
        assert run.configuration.get("a") == "1"
        assert not any("secret" in text for text in run.configuration.all().values())


def test_a_task_that_has_ended_keeps_its_configuration(store: Store) -> None:
    run = Run(store)
    run.configuration.set("a", "1")
    tasks.transition(store, run.paths.id, Status.IN_PROGRESS)
    tasks.transition(store, run.paths.id, Status.COMPLETED)
    with pytest.raises(ReadOnly, match="configuration"):
        run.configuration.set("a", "2")
    with pytest.raises(ReadOnly):
        run.configuration.delete("a")
    clone.reset(store, run.paths.id)
    assert run.configuration.get("a") == "1"
    copy = run.again()
    assert copy.configuration.get("a") == "1"
    assert configuration.read_record(copy.paths).configuration["a"].type == "txt"


def test_a_published_tasks_manifest_tells_of_a_changed_configuration(store: Store) -> None:
    run = Run(store)
    run.configuration.set("a", "1")
    tasks.transition(store, run.paths.id, Status.IN_PROGRESS)
    tasks.transition(store, run.paths.id, Status.COMPLETED)
    published.publish(store, run.paths.id)
    assert published.verify(run.paths) == []
    path = run.configuration.path("a")
    assert path is not None
    path.chmod(0o600)
    path.write_text("2")
    assert published.verify(run.paths) == ["changed: config/a.txt"]


def test_credentials_of_a_dictionary_are_masked_and_stay_the_programs_own(store: Store) -> None:
    own: dict[str, Any] = {"db": {"password": "hunter2", "url": "postgres://u:pw@h/x"}, "keys": [{"api_key": "k1"}]}
    first = Run(store)
    first.configuration.connect(own, "db")
    on_disk = first.configuration.get("db") or ""
    assert not any(secret in on_disk for secret in ("hunter2", "pw@", "k1"))
    assert own["db"]["password"] == "hunter2"  # noqa: S105 - no credential of anybody's
    again = first.again()
    again.edit("db", lambda text: text + "added: 1\n")
    mine = {"db": {"password": "other", "url": "postgres://u:pw@h/x"}, "keys": [{"api_key": "k1"}]}
    assert again.configuration.connect(mine, "db") == {**mine, "added": 1}
    assert mine["db"]["password"] == "other"  # type: ignore[call-overload,index]  # noqa: S105 - nobody's


YAML = """\
# a comment: é
db: {user: ada, password: hunter2, port: 1}
api_key: 'sk-é'   # why
url: https://u:pw@host/x
secrets:
  - first
block_token: |
  abc
  def
max_tokens: 7
"""


def test_credentials_of_a_yaml_file_are_masked_and_all_else_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(YAML)
    run = Run(store)
    assert run.configuration.connect(file, "x") == file
    assert file.read_text() == YAML
    assert run.configuration.get("x") == (
        "# a comment: é\n"
        f'db: {{user: ada, password: "{MASK}", port: 1}}\n'
        f'api_key: "{MASK}"   # why\n'
        f'url: "https://u:{MASK}@host/x"\n'
        f'secrets:\n  - "{MASK}"\n'
        f'block_token: "{MASK}"\n'
        "max_tokens: 7\n"
    )
    assert "db/password, api_key" in run.notes[0]
    assert "hunter2" not in run.notes[0]
    again = run.again()
    assert again.configuration.connect(file, "x") == file
    again.edit("x", lambda text: text.replace("port: 1", "port: 2"))
    assert again.configuration.connect(file, "x").read_text() == YAML.replace("port: 1", "port: 2")


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("json", '{"token": "abc", "n": 1}', '{"token": "********", "n": 1}'),
        ("ini", "[db]\npassword = hunter2 ; x\nuser=ada\n", "[db]\npassword = ******** ; x\nuser=ada\n"),
        ("toml", 'api_key = "abc"\nlr = 1e-4\n', 'api_key = "********"\nlr = 1e-4\n'),
        ("env", "export HF_TOKEN=abc\nN=1\n", "export HF_TOKEN=********\nN=1\n"),
        ("txt", "see https://u:pw@host\n", "see https://u:********@host\n"),
        ("py", "token = get_token()\n", "token = get_token()\n"),
        ("py", "api_key = 'abc'\n", "api_key = '********'\n"),
        ("yaml", "a: {b", "a: {b"),
        ("yaml", "password: true\ntoken:\n", "password: true\ntoken:\n"),
    ],
)
def test_what_is_masked_in_a_text_of_a_kind(kind: str, before: str, after: str) -> None:
    shown, names = masking.masked(before, kind, _MASKER)
    assert shown == after
    assert bool(names) == (before != after)
    assert masking.masked(after, kind, _MASKER)[0] == after
    assert masking.restored(after, before, kind, _MASKER) == (before, [])


def test_a_mask_that_the_program_has_no_value_for_is_noted(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("token: abc\n")
    run = Run(store)
    run.configuration.connect(file, "x")
    again = run.again()
    file.write_text("n: 1\n")
    assert again.configuration.connect(file, "x").read_text() == f'token: "{MASK}"\n'
    assert "not in the program's: token" in again.notes[-1]


def test_a_captures_configuration_is_overridden_by_the_stored_text(store: Store) -> None:
    run = Run(store)
    assert run.sink.configuration("OmegaConf", "db:\n  password: x\nn: 1\n", "OmegaConf YAML") is None
    item = configuration.read(run.paths)["OmegaConf"]
    assert (item.type, item.path.suffix) == ("OmegaConf YAML", ".yaml")
    assert item.path.read_text() == f'db:\n  password: "{MASK}"\nn: 1\n'
    run.sink.configuration("plain", "token: x\nn: 1\n")
    again = run.again()
    again.edit("plain", lambda text: text.replace("n: 1", "n: 2"))
    assert again.sink.configuration("plain", "token: mine\nn: 1\n") == "token: mine\nn: 2\n"
    assert again.sink.configuration("new", "a: 1\n") is None


def test_connecting_needs_an_open_run(store: Store) -> None:
    def closed() -> StoreSink:
        raise Refused("not open")

    paths = tasks.create(store, "examples", "a run")
    with pytest.raises(Refused):
        Configuration(Hold(store, paths.id), lambda: _MASKER, closed).connect({})


@pytest.mark.parametrize("bad", ["a: " + "[" * 100 + "]" * 100, "!!python/object/apply:os.system ['true']", "a: b: c"])
def test_a_text_that_is_no_safe_yaml_is_refused(bad: str) -> None:
    with pytest.raises(BadValue):
        text.loads(bad)


def test_what_is_nested_too_deep_to_be_read_back_is_refused() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(BadValue, match="nested"):
        text.dumps({"a": deep})
