"""Packages made up here, which are all that installers are told of; environments in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord
from taskstore.store import settings, tasks
from taskstore.store.store import Store

UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
MakeTask = Callable[..., TaskPaths]


def make_wheel(folder: Path, name: str, version: str, requires: Sequence[str] = (), *, tag: str = "py3") -> Path:
    """Write the smallest wheel that pip and uv take: a module that knows its version."""
    path = folder / f"{name}-{version}-{tag}-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        f"{name}.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{member},,\n" for member in (*files, f"{info}/RECORD")))
    return path


class _Index(BaseHTTPRequestHandler):
    """A package index over a folder of wheels; its answers are out of date at once."""

    folder: Path

    def do_GET(self) -> None:
        kind, name = [part for part in self.path.split("/") if part][1:3]
        if kind == "files":
            self._answer((self.folder / name).read_bytes(), "application/octet-stream")
            return
        found = [path.name for path in sorted(self.folder.glob(f"{name}-*.whl"))]
        links = "".join(f'<a href="../../files/{each}">{each}</a>' for each in found)
        self._answer(links.encode(), "text/html")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=0" if kind == "text/html" else "max-age=1000")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder of wheels as an index, at the address that is yielded."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Index", (_Index,), {"folder": folder}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index/simple/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(params=["pip", pytest.param("uv", marks=pytest.mark.skipif(UV is None, reason="uv is not installed"))])
def installer(request: pytest.FixtureRequest) -> str:
    """Each of the two that may be here."""
    return str(request.param)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for an index: alpha 1.0 needs any beta, of which there are 1.0 and 2.0; gamma 3.0+cpu."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "alpha", "1.0", ["beta"])
    make_wheel(folder, "beta", "1.0")
    make_wheel(folder, "beta", "2.0")
    make_wheel(folder, "gamma", "3.0")
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    uv_settings = tmp_path / "uv.toml"
    uv_settings.write_text("no-index = true\n")
    alone = {"PIP_FIND_LINKS": folder, "UV_FIND_LINKS": folder, "PIP_NO_INDEX": 1, "UV_CONFIG_FILE": uv_settings}
    alone |= {"PIP_CONFIG_FILE": os.devnull}
    alone |= {"PIP_CACHE_DIR": tmp_path / "pip-cache", "UV_CACHE_DIR": tmp_path / "uv-cache"}
    for name, value in alone.items():
        monkeypatch.setenv(name, str(value))
    return folder


@pytest.fixture
def agent(tmp_path: Path, wheels: Path, installer: str) -> settings.Agent:
    return settings.Agent(environments=str(tmp_path / "environments"), installer=installer)


@pytest.fixture
def quick_agent(tmp_path: Path, wheels: Path) -> settings.Agent:
    """For tests that do not depend on the installer."""
    return settings.Agent(environments=str(tmp_path / "environments"))


@pytest.fixture
def make_task(store: Store) -> MakeTask:
    """Make a task with these lines as its requirements, and as its lock; its Python is this one."""

    def make(*requirements: str, lock: Sequence[str] = (), python: str = "") -> TaskPaths:
        paths = tasks.create(store, "examples", "a task")
        paths.source.mkdir()
        paths.requirements.write_text("".join(f"{line}\n" for line in ("# Python", "", *requirements)))
        paths.environment.write_text("".join(f"{line}\n" for line in lock))

        def change(script: ScriptRecord) -> None:
            script.python = python or ".".join(map(str, sys.version_info[:3]))

        tasks.edit_script(store, paths.id, change)
        return paths

    return make
