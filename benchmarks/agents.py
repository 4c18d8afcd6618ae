"""Twenty agents and two hundred tasks, five of the agents killed in the middle; what an agent costs, busy and idle."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import _harness as harness

AGENTS, TASKS, KILLED = 20, 200, 5
STARTS = 20
IDLE_S = 20.0

FILL = """\
import sys
from pathlib import Path
from taskstore.queues import policy, queue
from taskstore.schema.queue import OnLost
from taskstore.store import tasks
from taskstore.store.store import open_default

store = open_default()
policy.change(store, "default", on_lost=OnLost.REQUEUE)
script = Path(sys.argv[1], "program.py")
script.write_text("import os, sys\\nos.write(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT), b'x')\\n")
for number in range(int(sys.argv[2])):
    paths = tasks.create(store, "benchmarks/agents", f"task {number}")

    def describe(record):
        record.entry_point, record.cwd, record.binary = str(script), sys.argv[1], "python3"
        record.argv = [str(script), f"{sys.argv[1]}/{number}.ran"]

    tasks.edit_script(store, paths.id, describe)
    queue.enqueue(store, paths.id, "default")
"""

RECORD = """\
import subprocess, sys
from pathlib import Path
from taskstore.queues import queue
from taskstore.sections import clone
from taskstore.store import places
from taskstore.store.store import open_default

folder = Path(sys.argv[1], "repository")
folder.mkdir()
for number in range(100):
    (folder / f"module{number}.py").write_text("# " + "x" * 1000)
(folder / "train.py").write_text("from taskstore import Task\\nTask.init('benchmarks/agents', 'recorded').close()\\n")
git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
    subprocess.run([*git, *command], cwd=folder, check=True)
subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)
store = open_default()
((home, task_id),) = places.walk(store)
for number in range(int(sys.argv[2])):
    made = clone.clone(store, places.locate(store, task_id), name=f"again {number}")
    queue.enqueue(store, made.id, "default")
"""

AGENT = """\
from taskstore.agent.options import Options
from taskstore.agent.worker import Worker
from taskstore.store.store import open_default

Worker(open_default(), Options(queues=("default",), once=True, in_place=True), tell=lambda _: None).run()
"""

STATES = """\
import collections, json
from pathlib import Path
from taskstore.disk.layout import TaskPaths
from taskstore.store import doctor, places, tasks, tickets
from taskstore.store.store import open_default

store = open_default()
found = collections.Counter(tasks.read(TaskPaths(Path(f) / i)).status.value for f, i in places.walk(store))
left = tickets.of_queue(store, "default", claimed=True)
print(json.dumps([found["completed"], len(left), [str(finding) for finding in doctor.check(store)]]))
"""

START = """\
import json, shutil, subprocess, sys, time
from pathlib import Path
from taskstore.agent import worker
from taskstore.agent.options import Options
from taskstore.queues import claim
from taskstore.store.store import open_default

original, Popen, moments, cloned = claim.claim, subprocess.Popen, [], []
repository = Path(sys.argv[1])

def clone(folder):
    start = time.perf_counter()
    subprocess.run(["git", "clone", "-q", repository, folder], check=True)
    taken = time.perf_counter() - start
    shutil.rmtree(folder)
    return taken

def timed(*given, **named):
    by_git = clone(Path("plain")) if repository.is_dir() else 0.0
    ticket = original(*given, **named)
    if ticket is not None:
        cloned.append(by_git)
        moments.append(time.perf_counter())
    return ticket

class Timed(Popen):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        if "taskstore.run.child" in given[0]:
            moments.append(time.perf_counter())

claim.claim, subprocess.Popen = timed, Timed
options = Options(queues=("default",), once=True, in_place=not repository.is_dir())
worker.Worker(open_default(), options, tell=lambda _: None).run()
print(json.dumps([[after - before for before, after in zip(moments[::2], moments[1::2])], cloned]))
"""

IDLE = """\
import json, os, sys, threading, time
from taskstore.agent.options import Options
from taskstore.agent.worker import Worker
from taskstore.store.store import open_default

worker = Worker(open_default(), Options(queues=("default",), in_place=True), tell=lambda _: None)
seen = []

def watch():
    time.sleep(3)
    before = time.process_time()
    time.sleep(float(sys.argv[1]))
    seen.append(time.process_time() - before)
    worker.stop()

threading.Thread(target=watch).start()
worker.run()
print(json.dumps([seen[0] / float(sys.argv[1])]))
"""


def measure() -> list[harness.Row]:
    return [*_once_each(), *_starts(), _idle()]


def _once_each() -> list[harness.Row]:
    with harness.scratch() as room:
        _fill(room, TASKS)
        agent = room.script("agent.py", AGENT)
        start = time.perf_counter()
        agents = [_start(room, agent) for _ in range(AGENTS)]
        for number, doomed in enumerate(agents[:KILLED]):
            _wait_for(room.folder, (number + 1) * TASKS // (2 * KILLED))
            doomed.send_signal(signal.SIGKILL)
        for each in agents:
            each.wait()
        room.run([sys.executable, agent])  # what the last to be killed had taken
        taken = time.perf_counter() - start
        completed, left, findings = room.answer(room.script("states.py", STATES))
        ran = [path.stat().st_size for path in room.folder.glob("*.ran")]
    if left or findings:
        print(left, findings, file=sys.stderr)
    what = f"{AGENTS} agents, {KILLED} of them killed: tasks"
    return [
        harness.count_row(f"{what} run once", sum(count == 1 for count in ran), TASKS, note=f" in {taken:.0f} s"),
        harness.count_row(f"{what} run twice", sum(count > 1 for count in ran), 0),
        harness.count_row(f"{what} completed", completed, TASKS),
        harness.count_row("tickets and findings of doctor left", left + len(findings), 0),
    ]


def _starts() -> list[harness.Row]:
    with harness.scratch() as room:
        _fill(room, STARTS)
        times, _ = room.answer(room.script("start.py", START), room.folder / "repository")
    with harness.scratch() as room:
        room.run([sys.executable, room.script("record.py", RECORD), room.folder, str(STARTS)])
        rebuilt, cloned = room.answer(room.script("start.py", START), room.folder / "repository")
    what = "agent: from claim to the start of the child"
    return [
        harness.seconds_row(what, harness.Timing(tuple(times)), at_most=0.05),
        harness.seconds_row(f"{what}, 100 files rebuilt", harness.Timing(tuple(rebuilt)), at_most=0.05),
        _beyond_git(
            "as before, beyond git's own clone of them", harness.Timing(tuple(rebuilt)), harness.Timing(tuple(cloned))
        ),
    ]


def _beyond_git(what: str, rebuilt: harness.Timing, cloned: harness.Timing) -> harness.Row:
    """A row on what the agent adds: how fast a disk takes a hundred new files is no agent's doing."""
    beyond = rebuilt.median - cloned.median
    bar = f"<= {harness.spelled(cloned.median)} of git clone + 50 ms"
    return harness.Row(what, str(rebuilt), bar, beyond <= 0.05, rebuilt.median / cloned.median)


def _idle() -> harness.Row:
    with harness.scratch() as room:
        room.run([sys.executable, "-c", "from taskstore.store import store; store.open_default()"])
        (share,) = room.answer(room.script("idle.py", IDLE), str(IDLE_S))
    return harness.Row("an idle agent, of one core", f"{share:.2%}", "<= 0.50%", is_met=share <= 0.005)


def _fill(room: harness.Scratch, count: int) -> None:
    room.run([sys.executable, "-c", "from taskstore.store import store; store.open_default()"])
    room.run([sys.executable, room.script("fill.py", FILL), room.folder, str(count)])


def _start(room: harness.Scratch, agent: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, agent],
        cwd=room.folder,
        env=room.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _wait_for(folder: Path, count: int) -> None:
    while sum(1 for _ in folder.glob("*.ran")) < count:
        time.sleep(0.01)


if __name__ == "__main__":
    harness.main(measure)
