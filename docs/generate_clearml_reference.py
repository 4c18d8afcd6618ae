"""Write docs/reference/clearml.md from the code and ClearML's names: `python docs/generate_clearml_reference.py`.

tests/clearml/test_api.py fails where the page says anything else than the code does.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from taskstore import clearml
from taskstore.clearml.artifact import Artifact

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference" / "clearml.md"
API = ROOT / "tests" / "clearml" / "api.json"
INTRODUCTION = """\
# ClearML's names

<!-- Made by docs/generate_clearml_reference.py: change the code or that program, and run it again. -->

`from taskstore.clearml import Task`, or `taskstore run --as-clearml SCRIPT` for a script that says `from clearml import
Task` and is not to be changed ([how to](../how-to/port-from-clearml.md)). Below is every public name of ClearML's SDK,
and what becomes of it. Everything works on files, with no server; what is *not supported* raises `NotSupported`, whose
message names what to do instead.

Where nothing else is said, names, arguments, defaults and what is returned are ClearML's. What differs everywhere:

- A project's id is its name. `task.data.project` is that, too.
- NaN and infinities are kept as what they are, until `Logger.set_reporting_nan_value` names something else.
- A pickle that was not written by this account on this machine is not loaded.
- Reports and artifacts are on the disk when the call returns: nothing is uploaded in the background.
- What the task's status does not allow is a `ValueError`, as there; it is also one of taskstore's own errors.
- Values that look like credentials are masked before they are stored.

`import clearml` gives all of these modules where taskstore stands for it: `clearml.task`, `logger`, `model`, `storage`,
`datasets`, `config`, `errors`, `task_parameters`, `automation`, `backend_api` and those below them that examples name.
Pipelines, optimizers, schedulers and the server's API can be imported, and raise `NotSupported` when they are used.
Which of ClearML's own examples were run, and with what result: [examples](clearml-examples.md).

It stands for it in that process, in children of multiprocessing, and in the Pythons that it starts, as `torchrun` does:
they find a package of that name by `PYTHONPATH`. One that ignores its environment (`python -I`) is not reached.
A script that begins no task leaves none, also where `taskstore run --as-clearml` runs it.

## Environment and configuration

| ClearML's | becomes |
|---|---|
| `CLEARML_TASK_NO_REUSE` | that no task of an earlier run is used again |
| `CLEARML_SET_ITERATION_OFFSET` | what a continued run adds to iterations |
| `CLEARML_TASK_ID` | the task that the process is launched for |
| `CLEARML_DEFAULT_OUTPUT_URI`, `sdk.development.default_output_uri` | the setting `output.uri` |
| `CLEARML_LOG_ENVIRONMENT`, `sdk.development.log_os_environments` | the setting `capture.environment_variables` |
| `sdk.development.task_reuse_time_window_in_hours` | the setting `reuse.window_hours` |
| `sdk.development.worker.report_start_sec` | the setting `resources.start_after_s` |
| `sdk.development.store_uncommitted_code_diff: false` | `capture.diff_mib` and `capture.untracked_files` of 0 |
| `sdk.metrics.file_history_size` | the setting `reports.sample_history` |
| `CLEARML_CONFIG_FILE`, else `~/clearml.conf` | read where pyhocon is installed, else warned of |
| `CLEARML_OFFLINE_MODE`, and those that name servers and keys | nothing: no server is asked |

The same with `TRAINS_`. The setting `capture.library_arguments` is on. They are heard by `Task.init` of
`taskstore.clearml` only, and what is set for taskstore goes before.
"""
_SAME = "supported"
_KEPT = "differs: the file stays where it is unless auto_delete_file=True is given"
NOTES = {
    "Task.init": "supported; deferred_init changes nothing, for it takes milliseconds; of auto_resource_monitoring as "
    "a dict only the seconds until the first report mean something",
    "Task.clone": "differs: without a name it is called 'Clone Of ...', as ClearML's page calls it",
    "Task.create": "supported; add_task_init_call changes nothing: `taskstore run` records a script without it",
    "Task.create_function_task": "supported; an agent or `taskstore run` runs it, up to the call that made it; what it "
    "returns is the artifact `result`, which `task.functions.result` of taskstore's own task waits for",
    "Task.debug_simulate_remote_task": "supported; what has ended is refused unless it is reset",
    "Task.delete": "differs: it goes to the trash, from which `taskstore trash restore` brings it back",
    "Task.execute_remotely": "supported; `taskstore agent start` runs what waits in a queue",
    "Task.enqueue": "supported; a queue's id is its name. `taskstore agent start` runs what waits",
    "Task.get_executed_queue": "supported; a queue's id is its name",
    "Task.get_num_enqueued_tasks": "supported; a queue's id is its name",
    "Task.get_reported_console_output": "differs: each line is a report",
    "Task.launch_multi_node": "supported; by hand nothing is enqueued or set. Where a node fails or is aborted, all "
    "end; port 0 is any that is free",
    "Task.set_parameters": "differs: user properties stay",
    "Task.update_output_model": _KEPT,
    "Task.get_output_log_web_page": "differs: the address of the task's folder",
    "Task.get_project_id": "differs: the name",
    "Artifact.get": "supported; what was not written here by this account is always refused",
    "Model.project": "differs: it cannot be set: a model is in the project of its task",
    "Model.archived_tag": _SAME,
    "Model.report_scatter2d": "differs: mode is 'lines' where none is given",
    "OutputModel.update_weights": _KEPT,
    "OutputModel.update_weights_package": _KEPT,
    "OutputModel.connect": _SAME,
    "Dataset.version": "differs: it is set when a version is created",
}
"""What is to be said of a name besides what the code says; a default may differ here, and nowhere else."""


def owner(row: dict[str, str]) -> Any:  # noqa: ANN401 - a class
    """Return our class of a row."""
    return Artifact if row["class"] == "Artifact" else getattr(clearml, row["class"])


def verdict(row: dict[str, str]) -> str:
    """Say what becomes of one name, from the code and its docstring."""
    noted = NOTES.get(f"{row['class']}.{row['name']}")
    if noted is not None:
        return noted
    member = inspect.getattr_static(owner(row), row["name"])
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    if not inspect.isfunction(function):
        return _SAME
    reason = _refusal(function)
    if reason:
        return f"not supported: {reason}"
    says = (inspect.getdoc(function) or "").partition("\n")[0]
    is_other = says.startswith(("Do nothing", "Change nothing", "Nothing changes", "Accept", "True:", "Return none"))
    return f"differs: {says[0].lower()}{says[1:].rstrip('.')}" if is_other else _SAME


def _refusal(function: Any) -> str:  # noqa: ANN401 - a function
    """Return what a method says to do instead, where all that it does is to refuse."""
    body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refuse"]
    if not calls:
        return ""
    said = calls[0].args[1]
    text = said.value if isinstance(said, ast.Constant) else function.__globals__[said.id]  # type: ignore[attr-defined]
    return str(text)


def text() -> str:
    """Return the whole page."""
    rows = [row for row in json.loads(API.read_text("utf-8")) if row["name"] != "__init__"]
    lines = [INTRODUCTION]
    for name in dict.fromkeys(row["class"] for row in rows):
        lines += [f"## {name}\n", "| name | |", "|---|---|"]
        for row in rows:
            if row["class"] == name:
                spelled = row["name"] + (f"({row['parameters']})" if "parameters" in row else "")
                lines.append(f"| `{spelled}` | {verdict(row)} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    sys.stdout.write(f"{TARGET}\n")
