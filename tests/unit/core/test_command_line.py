"""A command line without the values that a parser has found to be secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.command_line import without
from taskstore.core.secrets import MASK


class Revealing:
    def get_secret_value(self) -> str:
        return "hunter2x"

    def __str__(self) -> str:
        return "****"


@pytest.mark.parametrize(
    ("args", "secrets", "shown"),
    [
        (["p.py", "-p", "abc", "-tdef", "ghi"], ["abc", "def", "ghi"], ["p.py", "-p", MASK, f"-t{MASK}", MASK]),
        (["--passw", "abc", "--toke=def"], ["abc", "def"], ["--passw", MASK, f"--toke={MASK}"]),
        (["-vphunter2", "u:hunter2@h"], ["hunter2"], [f"-vp{MASK}", f"u:{MASK}@h"]),
        (["-p", "0042", "--lr=0.1", "-x", "421"], [42], ["-p", MASK, "--lr=0.1", "-x", "421"]),
        (["-p", "ABC", "--lr", "0.1"], ["abc"], ["-p", MASK, "--lr", "0.1"]),
        (["-p", "a1", "b2", "c3"], [["a1", "b2"]], ["-p", MASK, MASK, "c3"]),
        (["-p", "hunter2x", "-q", "k"], [Revealing(), {"x": b"k"}], ["-p", MASK, "-q", MASK]),
        (["/secret/file"], [Path("/secret/file")], [MASK]),
        (["--lr=0.1", "-v", "1", "", "--", "x=1"], ["0", ".1", "", None, True, "True"], None),
        (["train.py", "--epochs", "13"], ["1", "3"], None),
    ],
)
def test_known_secrets_are_masked_however_they_are_given(
    args: list[str], secrets: list[object], shown: list[str] | None
) -> None:
    assert without(args, secrets) == (args if shown is None else shown)
