"""ClearML's variables and its configuration file, in taskstore's terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.clearml import environment

ALWAYS = {"TASKSTORE_CAPTURE__LIBRARY_ARGUMENTS": "true"}
CONF = """
# a comment
sdk {
    development {
        task_reuse_time_window_in_hours: 5, default_output_uri: "/data/out", log_os_environments: ["A*"]
        store_uncommitted_code_diff: false, worker.report_start_sec: 3
    }
    metrics.file_history_size: 7
}
"""


@pytest.mark.parametrize("prefix", environment.PREFIXES)
def test_variables_are_translated(prefix: str) -> None:
    environ = {
        f"{prefix}TASK_NO_REUSE": "1",
        f"{prefix}SET_ITERATION_OFFSET": "5",
        f"{prefix}TASK_ID": "abc",
        f"{prefix}DEFAULT_OUTPUT_URI": "/data",
        f"{prefix}LOG_ENVIRONMENT": "CUDA*, SLURM_*",
    }
    environment.apply(environ)
    assert {name: text for name, text in environ.items() if name.startswith("TASKSTORE_")} == {
        "TASKSTORE_TASK_NO_REUSE": "1",
        "TASKSTORE_SET_ITERATION_OFFSET": "5",
        "TASKSTORE_TASK_ID": "abc",
        "TASKSTORE_OUTPUT__URI": "/data",
        "TASKSTORE_CAPTURE__ENVIRONMENT_VARIABLES": "CUDA*, SLURM_*",
        **ALWAYS,
    }
    assert f"{prefix}TASK_ID" not in environ


def test_taskstores_own_variables_go_before_clearmls() -> None:
    environ = {"CLEARML_DEFAULT_OUTPUT_URI": "/theirs", "TASKSTORE_OUTPUT__URI": "/ours"}
    environment.apply(environ)
    assert environ["TASKSTORE_OUTPUT__URI"] == "/ours"


def test_a_child_of_a_run_is_not_launched_for_the_task_of_its_parent() -> None:
    environ = {"CLEARML_TASK_ID": "abc", "TASKSTORE_PROC_MASTER_ID": "1:def:/store"}
    environment.apply(environ)
    assert "TASKSTORE_TASK_ID" not in environ


def test_the_configuration_file_is_read_where_pyhocon_is_installed(tmp_path: Path) -> None:
    (tmp_path / "clearml.conf").write_text(CONF)
    for environ in ({"HOME": str(tmp_path)}, {"CLEARML_CONFIG_FILE": str(tmp_path / "clearml.conf"), "HOME": "/none"}):
        environment.apply(environ)
        found = {name: text for name, text in environ.items() if name.startswith("TASKSTORE_")}
        assert found == {
            "TASKSTORE_REUSE__WINDOW_HOURS": "5",
            "TASKSTORE_OUTPUT__URI": "/data/out",
            "TASKSTORE_CAPTURE__ENVIRONMENT_VARIABLES": "A*",
            "TASKSTORE_REPORTS__SAMPLE_HISTORY": "7",
            "TASKSTORE_RESOURCES__START_AFTER_S": "3",
            "TASKSTORE_CAPTURE__DIFF_MIB": "0",
            "TASKSTORE_CAPTURE__UNTRACKED_FILES": "0",
            **ALWAYS,
        }


def test_the_configuration_file_is_read_as_clearml_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEST_DISK", "/fast")
    (tmp_path / "shared.conf").write_text("sdk.metrics.file_history_size: 9\n")
    (tmp_path / "clearml.conf").write_text(
        'include "shared.conf"\n'
        "hours = 4\n"
        "sdk { development { default_output_uri: ${BEST_DISK}/out, task_reuse_time_window_in_hours: ${hours} } }\n"
        'api { web_server: ${?NO_SUCH}, credentials { "access_key" = "of no one" } }\n'
    )
    environ = {"CLEARML_CONFIG_FILE": str(tmp_path / "clearml.conf"), "HOME": "/none", "TASKSTORE_OUTPUT__URI": "/ours"}
    environment.apply(environ)
    assert environ["TASKSTORE_REPORTS__SAMPLE_HISTORY"] == "9"
    assert environ["TASKSTORE_REUSE__WINDOW_HOURS"] == "4"
    assert environ["TASKSTORE_OUTPUT__URI"] == "/ours"
    del environ["TASKSTORE_OUTPUT__URI"]
    environment.apply(environ)
    assert environ["TASKSTORE_OUTPUT__URI"] == "/fast/out"


@pytest.mark.parametrize(
    "text",
    [
        "sdk {",
        "sdk.development = [\n",
        'include required("none.conf")\n',
        "sdk.development.default_output_uri: ${NO_SUCH_VARIABLE}",
    ],
)
def test_a_configuration_file_that_cannot_be_read_is_warned_of(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clearml.conf").write_text(text, "utf-8")
    told: list[str] = []
    monkeypatch.setattr(environment, "warn", told.append)
    environ = {"HOME": str(tmp_path)}
    environment.apply(environ)
    assert environ == {"HOME": str(tmp_path), "TASKSTORE_CAPTURE__LIBRARY_ARGUMENTS": "true"}
    assert len(told) == 1
    assert "clearml.conf is not read: " in told[0]


def test_without_pyhocon_a_configuration_file_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clearml.conf").write_text(CONF)
    told: list[str] = []
    monkeypatch.setattr(environment, "warn", told.append)
    monkeypatch.setitem(__import__("sys").modules, "pyhocon", None)
    environ = {"HOME": str(tmp_path)}
    environment.apply(environ)
    assert environ == {"HOME": str(tmp_path), **ALWAYS}
    assert len(told) == 1
    assert "taskstore[clearml]" in told[0]
