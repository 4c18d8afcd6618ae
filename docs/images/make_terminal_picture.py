"""Make terminal.svg, the README's picture, from a real run: `python docs/images/make_terminal_picture.py`.

It runs examples/iris in a scratch repository and store, and lists and shows the task as a terminal would have it.
Names of the machine and of its user are replaced. POSIX only.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "iris"
COLUMNS = 118
COMMANDS = (["taskstore", "ls"], ["taskstore", "show", "iris/train-slower"])
PREPARE = """
git init -q && git add . && git commit -q -m "Iris classifier"
sed 's/^DECAY = 1.0 /DECAY = 0.995 /' train.py > new && mv new train.py
sed 's|"examples/iris"|"iris"|' train.py > new && mv new train.py
python train.py --epochs 100
taskstore clone iris/train --name train-slower --set Args/lr=0.02 --queue default
taskstore agent start --once --name lab-1
"""


def main() -> None:
    """Run the example, and write the picture."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "ada"
        folder = home / "iris"
        folder.mkdir(parents=True)
        for name in ("train.py", "iris.csv"):
            shutil.copy(EXAMPLE / name, folder)
        environment = _environment(home)
        subprocess.run(["sh", "-ec", PREPARE], cwd=folder, env=environment, check=True, capture_output=True)
        text = "".join(f"$ {' '.join(command)}\n{_shown(command, folder, environment)}\n" for command in COMMANDS)
        text = text.replace(scratch, "/home").replace(sys.prefix, "/home/ada/.venv")
        text = text.replace(f"@{socket.gethostname()}", "@lab")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text))
    picture = console.export_svg(title="taskstore", unique_id="taskstore")
    # rich would have fonts fetched from the network: the reader's own will do.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S).replace("Fira Code, ", "")
    (HERE / "terminal.svg").write_text(picture, "utf-8")


def _environment(home: Path) -> dict[str, str]:
    people = {f"GIT_{role}_{fact}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
    return {
        "HOME": str(home),
        "LOGNAME": "ada",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "main",
        **people,
    }


def _shown(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Return what a command prints in a terminal."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    pieces = []
    while True:
        try:
            data = os.read(mine, 65536)
        except OSError:  # Linux's word for the end
            break
        if not data:
            break
        pieces.append(data)
    process.wait()
    os.close(mine)
    return b"".join(pieces).decode().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
