"""A real shell at a pseudo-terminal, into which a line and a Tab are typed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_START = {
    "bash": ["--noprofile", "--norc", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
_PROMPT = {
    "bash": "PS1='READY''> '\n",
    "zsh": "autoload -Uz compinit; compinit -u -D; unsetopt beep; PROMPT='READY''> '\n",
    "fish": "function fish_prompt; printf READY'> '; end\n",
}
# A session's leader gets the terminal that it opens for its own, which fish insists on.
_TAKE_TERMINAL = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
_PATIENCE_S = 60.0


def words_after_tab(shell: str, program: str, script: Path, line: str, folder: Path) -> list[str]:
    """Type a line that ends in a Tab, and Enter; return the words that the command `taskstore` then got."""
    tool, got = folder / "bin" / "taskstore", folder / "got"
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(
        f'#!/bin/sh\n[ -n "$_TASKSTORE_COMPLETE" ] && exec "{sys.executable}" -m taskstore_cli.main "$@"\n'
        f"for word in \"$@\"; do printf '%s\\n' \"$word\"; done >'{got}.new'; mv '{got}.new' '{got}'\n"
    )
    tool.chmod(0o700)
    got.unlink(missing_ok=True)
    environ = {**os.environ, "HOME": str(folder), "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, program, *_START[shell]],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environ, "TERM": "xterm"},
        cwd=folder,
        start_new_session=True,
    )
    os.close(slave)
    try:
        os.write(master, f"{_PROMPT[shell]}source '{script}'\n".encode())
        seen = _until(master, lambda text: text.count("READY> ") >= 2)
        os.write(master, f"{line}\r".encode())
        seen += _until(master, lambda _: got.exists())
        assert got.exists(), seen
        return got.read_text().splitlines()
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _until(master: int, is_done: Callable[[str], bool]) -> str:
    seen = ""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and not is_done(seen):
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 4096).decode(errors="replace")
            except OSError:  # the shell has ended
                break
            if "\x1b[c" in seen or "\x1b[0c" in seen:  # fish asks what terminal this is
                os.write(master, b"\x1b[?62c")
                seen = seen.replace("\x1b[c", "").replace("\x1b[0c", "")
    return seen
