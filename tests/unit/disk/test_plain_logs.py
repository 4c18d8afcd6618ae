"""Which files of a folder are read as logs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from taskstore.core.errors import Damaged
from taskstore.disk.log import plain_logs, read_blocks
from taskstore.disk.text import read_bytes


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_links_and_pipes_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "b.log").touch()
    (tmp_path / "a.log").touch()
    (tmp_path / "c.log").mkdir()
    (tmp_path / "link.log").symlink_to(tmp_path / "a.log")
    os.mkfifo(tmp_path / "pipe.log")
    assert [log.name for log in plain_logs(tmp_path, "*.log")] == ["a.log", "b.log", "c.log"]
    assert plain_logs(tmp_path / "none", "*.log") == []


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_in_place_of_a_record_is_empty_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "record.json")
    assert read_bytes(tmp_path / "record.json") == b""
    with pytest.raises(Damaged):
        read_bytes(tmp_path)


def test_a_line_longer_than_many_blocks_is_read_in_time_that_grows_with_its_length(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * (16 << 20) + b"\ny\nrest")
    began = time.process_time()
    assert list(map(len, read_blocks(log, 1 << 10))) == [(16 << 20) + 3]
    assert time.process_time() - began < 3  # 16,000 blocks: 130 GB were copied
