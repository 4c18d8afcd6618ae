from __future__ import annotations

import pytest

from taskstore.core.states import Status
from taskstore.schema.record import Imported, Parameter, ParamsRecord, TaskRecord
from taskstore.store import configuration, places, query, tasks
from taskstore.store.configuration import Content
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from . import by_id
from .conftest import Opening

pytestmark = pytest.mark.anyio
MASKED = "********cdef"


def draft(store: Store, **more: str) -> str:
    made = tasks.create(store, "vision", "train")

    def change(params: ParamsRecord) -> None:
        params.hyperparams = {
            "Args": {
                "lr": Parameter("0.1", "float", "step size"),
                "a=b": Parameter("1", "int"),
                "key": Parameter(MASKED, "str"),
                **{name: Parameter(value) for name, value in more.items()},
            },
            "properties": {"owner": Parameter("me")},
        }

    tasks.edit_params(store, made.id, change)
    return made.id


def values(store: Store, task_id: str, section: str = "Args") -> dict[str, str]:
    params = tasks.read_params(places.locate(store, task_id))
    return {name: item.value for name, item in params.hyperparams.get(section, {}).items()}


async def test_a_parameter_of_a_draft_is_changed_added_and_removed(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        await by_id.click(user, "change-Args/lr")
        by_id.one(user, "parameter-value").clear().type("0.5")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: values(store, task_id)["lr"] == "0.5")
        await by_id.until(lambda: "0.5" in by_id.text(user, "parameters"))
        await by_id.until(lambda: not by_id.all_of(user, "parameter-value"))
        await by_id.click(user, "add-parameter")
        by_id.one(user, "parameter-name").type("Args/depth")
        by_id.one(user, "parameter-value").type("3")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: values(store, task_id).get("depth") == "3")
        await by_id.until(lambda: by_id.all_of(user, "remove-Args/depth"))
        await by_id.click(user, "remove-Args/depth")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: "depth" not in values(store, task_id))


async def test_a_name_may_hold_an_equals_sign(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        await by_id.click(user, "change-Args/a=b")
        by_id.one(user, "parameter-value").clear().type("2")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: values(store, task_id)["a=b"] == "2")
        assert "a" not in values(store, task_id)


async def test_a_text_that_is_none_of_its_type_is_warned_of_and_stored(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        await by_id.click(user, "change-Args/lr")
        field = by_id.all_of(user, "parameter-value")[0]
        by_id.one(user, "parameter-value").clear().type("much")
        assert "it would be stored as it is" in field.error
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: values(store, task_id)["lr"] == "much")
        await by_id.until(lambda: "it is stored as it is" in by_id.text(user, "feedback"))


async def test_a_secret_stays_masked_and_has_no_button_to_change_it(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        assert MASKED in by_id.text(user, "parameters")
        assert not by_id.all_of(user, "change-Args/key")
        assert by_id.all_of(user, "remove-Args/key")


async def test_of_an_ended_task_only_user_properties_change(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    tasks.transition(store, task_id, Status.IN_PROGRESS)
    tasks.transition(store, task_id, Status.COMPLETED)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        assert not by_id.all_of(user, "change-Args/lr")
        assert not by_id.all_of(user, "add-parameter")
        await by_id.click(user, "change-properties/owner")
        by_id.one(user, "parameter-value").clear().type("you")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: values(store, task_id, "properties") == {"owner": "you"})


async def test_search_is_kept_in_the_address(store: Store, opening: Opening) -> None:
    task_id = draft(store, **{f"p{number}": str(number) for number in range(10)})
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration&find=p7")
        assert "p7" in by_id.text(user, "parameters")
        assert "p6" not in by_id.text(user, "parameters")
        by_id.one(user, "search-parameters").clear().type("STEP")
        await by_id.until(lambda: "lr" in by_id.text(user, "parameters"))
        assert "p7" not in by_id.text(user, "parameters")


async def test_a_configuration_object_is_edited_but_not_over_anothers_change(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    configuration.put(store, task_id, "net", Content(b"width: 64\n", "yaml", "yaml"))
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}?tab=configuration")
        assert "width: 64" in by_id.text(user, "object")
        await by_id.click(user, "edit-object-net")
        by_id.one(user, "object-text").clear().type("width: 128\npassword: hunter2hunter2\n")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: "stored masked: password" in by_id.text(user, "feedback"))
        await by_id.until(lambda: "width: 128" in by_id.text(user, "object"))
        assert "hunter2" not in by_id.text(user, "object")
        await by_id.click(user, "edit-object-net")
        configuration.put(store, task_id, "net", Content(b"width: 1\n", "yaml", "yaml"))
        by_id.one(user, "object-text").clear().type("width: 2\n")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: "somebody has changed" in by_id.text(user, "feedback"))
        assert by_id.value(user, "object-text") == "width: 2\n"
    assert configuration.read(places.locate(store, task_id))["net"].read() == b"width: 1\n"


async def test_clone_edit_and_enqueue_in_one_dialog(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}")
        await by_id.click(user, "do-clone")
        await by_id.until(lambda: by_id.all_of(user, "clone-Args/lr"))
        by_id.one(user, "clone-name").clear().type("larger steps")
        by_id.one(user, "clone-project").clear().type("vision/steps")
        by_id.one(user, "clone-comment").type("why not")
        by_id.one(user, "clone-Args/lr").clear().type("0.9")
        by_id.one(user, "clone-new-name").type("Args/depth")
        by_id.one(user, "clone-new-value").type("4")
        by_id.all_of(user, "clone-queue")[0].set_value("default")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: len(query.find(store).rows) == 2)
        await user.should_see("Args/depth was not among the recorded parameters")
        await by_id.click(user, "clone-go")
        await by_id.until(lambda: by_id.text(user, "name") == "larger steps")
    made = query.find(store).rows[0]
    assert (made.project, made.task.comment, made.task.status) == ("vision/steps", "why not", Status.QUEUED)
    assert values(store, made.id) == {"lr": "0.9", "a=b": "1", "key": MASKED, "depth": "4"}
    assert values(store, task_id)["lr"] == "0.1"


async def test_a_clone_is_left_a_draft_and_its_page_opens(store: Store, opening: Opening) -> None:
    task_id = draft(store)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{task_id}")
        await by_id.click(user, "do-clone")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: by_id.text(user, "name") == "Clone Of train")
    assert query.find(store).rows[0].task.status is Status.CREATED


async def test_a_clone_from_elsewhere_is_enqueued_on_a_persons_word_only(store: Store, opening: Opening) -> None:
    def elsewhere(paths: object, record: TaskRecord) -> None:
        record.imported = [Imported(kind="mlflow", id="7", path="runs/7", time=store.clock.now())]

    made = tasks.create(store, "vision", "train", fill=elsewhere)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        await by_id.click(user, "do-clone")
        await by_id.until(lambda: by_id.all_of(user, "clone-queue"))
        assert not by_id.all_of(user, "trust")
        by_id.all_of(user, "clone-queue")[0].set_value("default")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: "say first" in by_id.text(user, "feedback"))
        assert len(query.find(store).rows) == 1
        await by_id.click(user, "trust")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: by_id.text(user, "name") == "Clone Of train")
    assert query.find(store).rows[0].task.status is Status.QUEUED
