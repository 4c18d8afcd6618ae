"""Guild's runs, written in its layout without it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .event_files import version

ID = "0123456789abcdef0123456789abcdef"
STARTED = 1_700_000_000_000_000


@dataclass
class GuildRun:
    """A run to be written into a folder of runs."""

    runs: Path
    id: str = ID
    opref: str = "guildfile:/home/ada/code/vision/guild.yml 0123 mnist train"
    flags: dict[str, Any] = field(default_factory=lambda: {"lr": 0.5, "layers": [8, 16], "name": "x", "empty": None})
    output: list[tuple[str, str]] = field(default_factory=lambda: [("stdout", "step 1"), ("stderr", "oh")])
    exit_status: int | None = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    manifest: str = ""
    _events: bytes = b""

    def events(self, *parts: bytes) -> None:
        """Add to its event file."""
        self._events += b"".join(parts)

    def write(self) -> Path:
        home = self.runs / self.id
        own = home / ".guild"
        (own / "attrs").mkdir(parents=True)
        (own / "opref").write_text(self.opref)
        said = {
            "id": self.id,
            "started": STARTED,
            "flags": self.flags,
            "host": "lab",
            "user": "ada",
            "label": "lr=0.5",
            "tags": ["one", "two"],
            "cmd": ["/usr/bin/python3.11", "-um", "guild.op_main", "train", "--", "--lr", "0.5"],
            "pip_freeze": ["numpy==2.0", "torch==2.1"],
            "platform": {"python_version": "3.11.7 (main)", "uname": "Linux lab 6.1 "},
            **self.attributes,
        }
        if self.exit_status is not None:
            said |= {"exit_status": self.exit_status, "stopped": STARTED + 90_000_000}
        for name, value in said.items():
            (own / "attrs" / name).write_text(yaml.safe_dump(value))
        (own / "output").write_text("".join(f"{line}\n" for _, line in self.output))
        index = [(STARTED // 1000 + at * 500, int(stream == "stderr")) for at, (stream, _) in enumerate(self.output)]
        (own / "output.index").write_bytes(b"".join(struct.pack("!QB", *entry) for entry in index))
        (own / "manifest").write_text(self.manifest)
        if self._events:
            (own / "events.out.tfevents.1700000000.lab.77.0").write_bytes(version() + self._events)
        for name, data in self.files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(data)
        return home
