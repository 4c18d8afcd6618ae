"""What is known of the machine, on this one and on made-up ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.capture import host

REPOSITORY = Path(__file__).parents[3]


def test_the_facts_are_plain_and_none_is_empty() -> None:
    facts = host.describe(ask_nvidia_smi=False)
    assert json.loads(json.dumps(facts)) == facts
    assert {"hostname", "user", "os", "python_version", "cpu_cores_logical", "memory_bytes"} <= set(facts)
    assert not [name for name, fact in facts.items() if fact in (None, "", [])]
    memory, cores = facts["memory_bytes"], facts["cpu_cores_logical"]
    assert isinstance(memory, int)
    assert isinstance(cores, int)
    assert memory > 1 << 20
    assert cores >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_describing_a_linux_host_starts_no_process_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom taskstore.capture import host\nstarted = []\n"
        "starts = {'subprocess.Popen', 'os.posix_spawn', 'os.fork', 'os.system', 'os.exec'}\n"
        "sys.addaudithook(lambda event, args: event in starts and started.append(event))\nhost.describe()\n"
        "heavy = {'psutil', 'torch', 'numpy'} & set(sys.modules)\n"
        "sys.exit(str((heavy, started)) if heavy or started else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def _write(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_tightest_limit_on_the_way_to_the_root_holds(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/batch/job/step\n",
            "cgroup/cpu.max": "max 100000\n",
            "cgroup/batch/cpu.max": "400000 100000\n",
            "cgroup/batch/job/cpu.max": "150000 100000\n",
            "cgroup/batch/job/step/cpu.max": "max 100000\n",
            "cgroup/batch/memory.max": "8000000000\n",
            "cgroup/batch/job/memory.max": "max\n",
        },
    )
    assert host.limits_of_cgroup(tmp_path / "proc", tmp_path / "cgroup") == host.Limits(1.5, 8_000_000_000)


def test_limits_of_the_first_version_are_read_and_its_spelling_of_none(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/job\n3:pids:/job\n",
            "cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "200000\n",
            "cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            "cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "cgroup/memory/job/memory.limit_in_bytes": "1073741824\n",
        },
    )
    assert host.limits_of_cgroup(tmp_path / "proc", tmp_path / "cgroup") == host.Limits(2.0, 1 << 30)


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert host.limits_of_cgroup(tmp_path / "proc", tmp_path / "cgroup") == host.Limits()
    _write(tmp_path, {"proc/self/cgroup": "0::/../../else\n\ngarbage\n", "outside/memory.max": "5"})
    assert host.limits_of_cgroup(tmp_path / "proc", tmp_path / "cgroup") == host.Limits()


def test_gpus_are_read_as_nvidia_smi_prints_them() -> None:
    answer = "NVIDIA A100, SXM4, 40536, 535.129.03\nTesla T4, [N/A], 535.129.03\n\nNo devices were found\n"
    assert host.gpus_in(answer) == [
        {"name": "NVIDIA A100, SXM4", "driver": "535.129.03", "memory_bytes": 40536 << 20},
        {"name": "Tesla T4", "driver": "535.129.03"},
    ]


def _nvidia_smi(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = folder / "nvidia-smi"
    command.write_text(f"#!{sys.executable}\n{text}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.skipif(os.name == "nt", reason="a script stands in for the program")
def test_gpus_are_asked_of_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "NVIDIA_SMI_TIMEOUT_S", 60.0)
    _nvidia_smi(tmp_path, "print('GPU, 1024, 1.2')", monkeypatch)
    assert host.describe()["gpus"] == [{"name": "GPU", "driver": "1.2", "memory_bytes": 1 << 30}]
    _nvidia_smi(tmp_path, "raise SystemExit('Failed to initialize NVML')", monkeypatch)
    host.describe()


@pytest.mark.skipif(os.name == "nt", reason="a script stands in for the program")
def test_an_nvidia_smi_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _nvidia_smi(tmp_path, "import threading; threading.Event().wait(60)", monkeypatch)
    monkeypatch.setattr(host, "NVIDIA_SMI_TIMEOUT_S", 0.05)
    assert host.describe()["hostname"]


def test_only_variables_that_are_named_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TASKTEST_A", "TASKTEST_B", "OTHER_TASKTEST"):
        monkeypatch.setenv(name, name.lower())
    assert host.environment_variables([]) == {}
    assert host.environment_variables(["TASKTEST_A", "NOT_THERE"]) == {"TASKTEST_A": "tasktest_a"}
    assert list(host.environment_variables(["TASKTEST_*"])) == ["TASKTEST_A", "TASKTEST_B"]


def test_the_batch_job_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_JWT", "secret")
    facts = host.describe(ask_nvidia_smi=False)
    assert facts["slurm_job_id"] == "4711"
    assert "secret" not in facts.values()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX users")
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert host.describe(ask_nvidia_smi=False)["user"] == f"uid {os.getuid()}"
