from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.schema.model import Model, ModelInput
from taskstore.sections.artifacts import Artifacts
from taskstore.store import models, places, tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from . import by_id
from .conftest import Opening

pytestmark = pytest.mark.anyio


async def previewed(store: Store, opening: Opening, task_id: str, key: str) -> str:
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=artifacts")
        await by_id.click(user, f"preview-{key}")
        await by_id.until(lambda: by_id.all_of(user, "preview"))
        return by_id.text(user, "preview")


async def test_what_is_previewed_is_the_files_own(store: Store, opening: Opening, tmp_path: Path) -> None:
    made = tasks.create(store, "vision", "train")
    table = tmp_path / "scores.csv"
    table.write_text("name,score\ncat,0.5\n<b>dog</b>,0.25\n")
    artifacts = Artifacts(store, made.id)
    artifacts.upload("stats", {"accuracy": 0.9})
    artifacts.upload("scores", table)
    assert '"accuracy": 0.9' in await previewed(store, opening, made.id, "stats")
    assert "<b>dog</b>" in await previewed(store, opening, made.id, "scores")


async def test_a_pickle_is_shown_by_what_was_noted_and_never_loaded(
    store: Store, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    made = tasks.create(store, "vision", "train")
    Artifacts(store, made.id).upload("object", {1, 2, 3})

    def loaded(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(pickle, "load", loaded)
    monkeypatch.setattr(pickle, "loads", loaded)
    assert "{1, 2, 3}" in await previewed(store, opening, made.id, "object")


async def test_a_page_is_framed_without_any_right(store: Store, opening: Opening, tmp_path: Path) -> None:
    made = tasks.create(store, "vision", "train")
    page = tmp_path / "page.html"
    page.write_text("<script>parent.hacked = 1</script>")
    Artifacts(store, made.id).upload("page", page)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=artifacts")
        await by_id.click(user, "preview-page")
        await by_id.until(lambda: by_id.all_of(user, "preview"))
        (frame,) = [each for each in by_id.all_of(user, "preview")[0].descendants() if each.tag == "iframe"]
        assert frame.props["sandbox"] == ""
        answer = await user.http_client.get(frame.props["src"])
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.text == "<script>parent.hacked = 1</script>"


async def test_files_are_saved_under_their_names_and_nothing_else_of_the_store_is(
    store: Store, opening: Opening, tmp_path: Path
) -> None:
    made = tasks.create(store, "vision", "train")
    folder = tmp_path / "plots"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    Artifacts(store, made.id).upload("plots", folder)
    async with opening(Desk(store)) as user:
        get = user.http_client.get
        await by_id.open_task(user, f"/task/{made.id}?tab=artifacts")
        answer = await get(f"/files/{made.id}/artifact?key=plots")
        assert answer.content.startswith(b"PK")
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''plots.zip"
        for path in (
            f"/files/{made.id}/artifact?key=nothing",
            f"/files/{'0' * 32}/artifact?key=plots",
            f"/files/{made.id}/source?path=task.json",
            f"/files/{made.id}/source?path=../../../taskstore.json",
            f"/files/{made.id}/configuration?name=..%2Ftask",
            f"/files/{made.id}/model?id=x",
            f"/files/{made.id}/packages?of=program",
        ):
            answer = await get(path)
            assert answer.status_code == 404, path
            assert answer.text.startswith("taskstore: "), path


async def test_a_record_that_names_a_file_outside_is_not_followed(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    Artifacts(store, made.id).upload("stats", {"a": 1})
    record = made.artifacts.read_text().replace("files/artifacts/stats/stats.json", "../../../taskstore.json")
    assert "taskstore.json" in record
    made.artifacts.write_text(record)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=artifacts")
        answer = await user.http_client.get(f"/files/{made.id}/artifact?key=stats")
    assert answer.status_code == 500
    assert "outside of its task" in answer.text


async def test_models_tell_who_made_them_and_who_uses_them(store: Store, opening: Opening) -> None:
    maker, user_of = tasks.create(store, "vision", "maker"), tasks.create(store, "vision", "fine-tuned")
    model = models.add(store, maker.id, Model(id="b" * 32, name="net", uri="https://example.org/net.pt"))
    models.give(store, user_of.id, ModelInput(slot="base", model=model.id, task=maker.id))
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{maker.id}?tab=artifacts")
        assert "fine-tuned" in by_id.text(user, "used-by")
        await by_id.open_task(user, f"/task/{user_of.id}?tab=artifacts")
        assert "maker" in by_id.text(user, "input-models")


async def test_without_any_it_is_said_how_to_keep_some(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=artifacts")
        await user.should_see("It has no artifacts and no models.")


async def test_what_comes_while_one_looks_is_shown(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=artifacts")
        Artifacts(store, made.id).upload("stats", {"a": 1})
        await by_id.until(lambda: "stats" in by_id.text(user, "artifacts"))
    assert places.locate(store, made.id)
