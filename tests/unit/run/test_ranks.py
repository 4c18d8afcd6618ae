from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.process import identity, started_at
from taskstore.run import ranks
from taskstore.run.mode import Group, Mode, Role, decide, group_of
from taskstore.run.ranks import Claim, joined_already, meet
from taskstore.schema import codec
from taskstore.store import places, tasks
from taskstore.store.store import Store

ID = "0123456789abcdef0123456789abcdef"
_TORCH = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_begun", 0)


def _role(rank: int, key: str = "run", **more: bool) -> Role:
    return Role(Mode.FRESH, group=Group(key, rank, **more))


def _meet(store: Store, rank: int, key: str = "run", **more: object) -> tuple[Role, Claim | None]:
    """Meet as a process of its own would, which has begun nothing before."""
    ranks._begun = 0
    return meet(_role(rank, key), lambda: store, sleep=more.get("sleep", lambda _: pytest.fail("waited")))  # type: ignore[arg-type]


def _begun(store: Store, claim: Claim | None) -> str:
    assert claim is not None
    made = tasks.create(store, "examples", "a run")
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    claim.settle(made.id)
    return made.id


def _free(claim: Claim | None) -> bool:
    """Give back what was claimed; tell whether there was a claim."""
    if claim is not None:
        claim.settle(None)
    return claim is not None


class TestMeeting:
    def test_rank_0_begins_at_once_and_the_others_join(self, store: Store) -> None:
        role, claim = _meet(store, 0)
        assert role == _role(0)
        task_id = _begun(store, claim)
        for rank in (1, 2):
            role, claim = _meet(store, rank)
            assert (role.mode, role.task_id, role.root, role.is_rank) == (Mode.HELPER, task_id, str(store.root), True)
            assert claim is None

    def test_the_others_wait_for_rank_0(self, store: Store) -> None:
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                _, claim = ranks.meet(_role(0), lambda: store)
                ranks._begun = 0
                claims.append(claim)
            if len(waits) == 6:
                _begun(store, claims[0])

        claims: list[Claim | None] = []
        role, _ = _meet(store, 1, sleep=sleep)
        assert role.mode is Mode.HELPER
        assert len(waits) == 6

    def test_without_rank_0_one_of_the_others_begins_and_rank_0_joins_that(
        self, store: Store, capfd: pytest.CaptureFixture[str]
    ) -> None:
        store.paths.config.write_text("distributed: {wait_s: 1}")
        waits: list[float] = []
        role, claim = _meet(store, 2, sleep=waits.append)
        assert role.mode is Mode.FRESH
        assert sum(waits) == pytest.approx(1, abs=0.1)
        task_id = _begun(store, claim)
        assert [_meet(store, rank)[0].task_id for rank in (0, 1)] == [task_id] * 2

    def test_a_claimant_that_begins_nothing_is_passed_over(self, store: Store) -> None:
        store.paths.config.write_text("distributed: {wait_s: 1}")
        _, first = _meet(store, 0)
        assert first is not None
        waits: list[float] = []
        _, second = _meet(store, 1, sleep=waits.append)
        assert second is not None
        assert sum(waits) >= 0.9

    def test_a_claim_is_given_back_where_the_task_could_not_be_begun(self, store: Store) -> None:
        _, claim = _meet(store, 0)
        assert claim is not None
        claim.settle(None)
        assert not claim.path.exists()
        assert _meet(store, 0)[1] is not None

    def test_the_second_task_of_a_program_is_another_meeting(self, store: Store) -> None:
        first = _begun(store, _meet(store, 0)[1])
        second = _begun(store, ranks.meet(_role(0), lambda: store)[1])
        assert first != second
        assert _meet(store, 1)[0].task_id == first
        assert ranks.meet(_role(1), lambda: store)[0].task_id == second

    def test_runs_of_other_keys_do_not_meet(self, store: Store) -> None:
        first = _begun(store, _meet(store, 0)[1])
        assert _begun(store, _meet(store, 0, "another")[1]) != first
        assert {_meet(store, 1)[0].task_id, _meet(store, 1, "another")[0].task_id} > {first}

    def test_a_setting_keeps_each_rank_to_itself(self, store: Store) -> None:
        store.paths.config.write_text("distributed: {join: false}")
        assert _meet(store, 1) == (_role(1), None)
        assert not store.paths.ranks.exists()

    def test_who_is_no_rank_or_has_a_task_meets_nobody(self, store: Store) -> None:
        for role in (Role(Mode.FRESH), Role(Mode.HELPER, ID, "/x", Group("run", 1))):
            assert meet(role, lambda: pytest.fail("the store was opened")) == (role, None)

    def test_a_store_that_cannot_be_used_leaves_the_role_as_it_is(self, store: Store) -> None:
        def find() -> Store:
            raise PermissionError(13, "not yours")

        assert meet(_role(1), find) == (_role(1), None)

    def test_current_task_finds_the_runs_task_without_waiting(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environ = {"TASKSTORE_ROOT": str(store.root)}
        assert joined_already(_role(1), environ) == _role(1)
        task_id = _begun(store, _meet(store, 0)[1])
        ranks._begun = 0
        assert joined_already(_role(1), environ).task_id == task_id


class TestEarlierRuns:
    """What an earlier run with the same address and port has left is not met."""

    @pytest.fixture
    def left(self, store: Store) -> Callable[..., str]:
        """Leave a meeting of a process that has ended."""

        def leave(**changes: object) -> str:
            _, claim = _meet(store, 0)
            task_id = _begun(store, claim)
            assert claim is not None
            child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            gone = identity(child.pid)
            child.communicate(b"\n")
            meeting = msgspec.structs.replace(claim.meeting, task=task_id, process=gone)
            meeting = msgspec.structs.replace(meeting, **changes)
            claim.path.write_bytes(codec.encode(meeting))
            return task_id

        return leave

    def _shown(self, store: Store, task_id: str, before_s: float) -> None:
        """Let a task's process have shown that it lives so long before this one started."""
        beacon = places.locate(store, task_id).beacon
        beacon.touch()
        os.utime(beacon, (0, started_at() - before_s))

    def test_what_had_ended_when_this_rank_started_is_of_an_earlier_run(
        self, store: Store, left: Callable[..., str]
    ) -> None:
        assert left()
        assert _free(_meet(store, 0)[1])
        self._shown(store, left(), 0.1)
        assert _free(_meet(store, 0)[1])

    def test_what_ended_since_is_of_this_run(self, store: Store, left: Callable[..., str]) -> None:
        task_id = left()
        self._shown(store, task_id, -0.1)
        assert _meet(store, 1)[0].task_id == task_id

    def test_of_another_host_a_late_sign_of_life_is_one(self, store: Store, left: Callable[..., str]) -> None:
        elsewhere = msgspec.structs.replace(identity(), host="node-2", boot_id="another")
        task_id = left(process=elsewhere)
        self._shown(store, task_id, 10)
        assert _meet(store, 1)[0].task_id == task_id
        self._shown(store, task_id, 100)
        assert _free(_meet(store, 0)[1])

    def test_of_another_host_a_claim_counts_when_it_is_as_young(
        self, store: Store, left: Callable[..., str], clock: FixedClock
    ) -> None:
        elsewhere = msgspec.structs.replace(identity(), host="node-2", boot_id="another")
        moment = datetime.fromtimestamp(started_at() - 10, timezone.utc)
        left(process=elsewhere, task="", claimed=moment)
        with pytest.raises(pytest.fail.Exception, match="waited"):
            _meet(store, 0)
        store.paths.config.write_text("distributed: {wait_s: 0}")
        assert _free(_meet(store, 0)[1])
        left(process=elsewhere, task="", claimed=moment - timedelta(hours=1))
        assert _free(_meet(store, 0)[1])

    def test_old_meetings_are_forgotten(self, store: Store, left: Callable[..., str], clock: FixedClock) -> None:
        left()
        clock.advance(timedelta(days=3650).total_seconds())
        _meet(store, 0, "another")
        assert [path.stem for path in store.paths.ranks.glob("*.json")] == [
            hashlib.sha256(b"another\n\n0").hexdigest()[:32]
        ]


class TestEnvironment:
    def test_torchrun_tells_its_ranks_of_each_other(self) -> None:
        environ = {**_TORCH, "TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2"}
        group = decide(environ).group
        assert group is not None
        assert (group.rank, group.is_one_program, group.is_on_one_host) == (1, True, True)
        zero = group_of({**environ, "RANK": "0"})
        assert zero is not None
        assert (zero.key, zero.rank) == (group.key, 0)
        for name, value in (
            ("MASTER_PORT", "29501"),
            ("TORCHELASTIC_RUN_ID", "x"),
            ("TORCHELASTIC_RESTART_COUNT", "1"),
        ):
            other = group_of({**environ, name: value})
            assert other is not None
            assert other.key != group.key

    def test_lightnings_ranks_have_a_local_rank_only(self) -> None:
        environ = {name: value for name, value in _TORCH.items() if name != "RANK"}
        group = group_of({**environ, "LOCAL_RANK": "1", "NODE_RANK": "0"})
        assert group is not None
        assert group.rank == 1
        assert group_of({**environ, "LOCAL_RANK": "1", "NODE_RANK": "1"}) is None

    def test_steps_of_slurm_are_ranks_and_its_batch_scripts_are_not(self) -> None:
        batch = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}
        assert group_of(batch) is None
        group = group_of({**batch, "SLURM_PROCID": "3", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"})
        assert group is not None
        assert (group.rank, group.is_one_program) == (3, False)
        assert group_of({**batch, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}) is None

    def test_processes_of_open_mpi_are_ranks(self) -> None:
        environ = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "prterun-1@1"}
        group = group_of(environ)
        assert group is not None
        assert group.rank == 1
        assert group_of({**environ, "PMIX_NAMESPACE": ""}) is None

    @pytest.mark.parametrize(
        "changes", [{"WORLD_SIZE": "1"}, {"RANK": ""}, {"RANK": "x"}, {"MASTER_PORT": ""}, {"WORLD_SIZE": "-2"}]
    )
    def test_one_process_or_half_a_word_is_no_group(self, changes: dict[str, str]) -> None:
        assert group_of({**_TORCH, **changes}) is None

    def test_of_ranks_that_are_launched_for_a_task_the_first_runs_it(self) -> None:
        environ = {**_TORCH, "TASKSTORE_TASK_ID": ID, "TASKSTORE_ROOT": "/store"}
        assert decide({**environ, "RANK": "0"}).mode is Mode.ATTACHED
        role = decide(environ)
        assert (role.mode, role.task_id, role.root) == (Mode.HELPER, ID, "/store")

    def test_a_rank_that_a_run_has_started_helps_that(self) -> None:
        role = decide({**_TORCH, "TASKSTORE_PROC_MASTER_ID": f"1:{ID}:/store"}, pid=2)
        assert (role.mode, role.task_id, role.is_rank) == (Mode.HELPER, ID, True)
