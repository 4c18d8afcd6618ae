"""A stub of the endpoints of ClearML's server that importing a session asks, on loopback; it remembers what arrived."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

_TOKEN_LIFE_S = 10**10
_EMPTY: dict[str, Any] = {
    "status": "created",
    "execution": {},
    "output": {},
    "models": {"input": [], "output": []},
    "last_iteration": 0,
}
"""What the server says of a new task besides what it was given."""


def _token() -> str:
    """A web token of which the SDK reads only how long it lives."""
    parts = (
        {"alg": "none"},
        {
            "exp": _TOKEN_LIFE_S,
            "api_version": "2.30",
            "server_version": "1.16.0",
            "identity": {"user": "u", "company": "c"},
            "env": "test",
        },
    )
    spelled = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*spelled, "c2ln"])


@dataclass
class Server:
    """What arrived: calls in their order, tasks and models as they stand now, events, and files by their paths."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def call(self, name: str, said: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((name, said))
        service, _, action = name.partition(".")
        handler = getattr(self, f"{service}_{action}", None)
        if handler is None:
            self.unknown.add(name)
            return {}
        found: dict[str, Any] = handler(said)
        return found

    def auth_login(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"token": _token()}

    def projects_get_all(self, said: dict[str, Any]) -> dict[str, Any]:
        wanted = set(said.get("id") or [])
        return {
            "projects": [
                {"id": key, "name": name} for name, key in self.projects.items() if not wanted or key in wanted
            ]
        }

    projects_get_all_ex = projects_get_all

    def projects_create(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"id": self.projects.setdefault(said["name"], f"{len(self.projects) + 1:032x}")}

    def projects_get_by_id(self, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "project": {
                "id": said["project"],
                "name": next(n for n, k in self.projects.items() if k == said["project"]),
            }
        }

    def tasks_create(self, said: dict[str, Any]) -> dict[str, Any]:
        key = f"{len(self.tasks) + 0xA0:032x}"
        self.tasks[key] = {"id": key, **_EMPTY, **said}
        return {"id": key}

    def tasks_edit(self, said: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks[said["task"]]
        task.update({name: value for name, value in said.items() if name not in ("task", "force")})
        return {"updated": 1, "fields": {}}

    tasks_update = tasks_edit

    def tasks_get_by_id(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"task": self.tasks[said["task"]]}

    def tasks_get_all(self, said: dict[str, Any]) -> dict[str, Any]:
        wanted = said.get("id") or []
        return {"tasks": [task for key, task in self.tasks.items() if not wanted or key in wanted]}

    tasks_get_all_ex = tasks_get_all

    def _status(self, said: dict[str, Any], status: str) -> dict[str, Any]:
        self.tasks[said["task"]]["status"] = status
        return {"updated": 1, "fields": {"status": status}}

    def tasks_started(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._status(said, "in_progress")

    def tasks_completed(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._status(said, "completed")

    def tasks_stopped(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._status(said, "stopped")

    def models_create(self, said: dict[str, Any]) -> dict[str, Any]:
        key = f"{len(self.models) + 0xB0:032x}"
        self.models[key] = {"id": key, **said}
        return {"id": key, "created": True}

    def models_edit(self, said: dict[str, Any]) -> dict[str, Any]:
        self.models[said["model"]].update({name: value for name, value in said.items() if name != "model"})
        return {"updated": 1, "fields": {}}

    models_update = models_edit

    def models_get_by_id(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"model": self.models[said["model"]]}

    def models_get_all(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"models": [model for key, model in self.models.items() if key in (said.get("id") or [key])]}

    models_get_all_ex = models_get_all

    def models_update_for_task(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"id": said.get("override_model_id", ""), "created": False, "updated": 1}

    def tasks_add_or_update_model(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"updated": 1}

    def events_add_batch(self, said: dict[str, Any]) -> dict[str, Any]:
        found = said["requests"]
        self.events += found
        return {"added": len(found), "errors": 0}


def plain(path: str) -> str:
    """Return a path without escapes: the SDK escapes that of a model twice."""
    shorter = unquote(path)
    return path if shorter == path else plain(shorter)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, data: dict[str, Any] | bytes) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        data, kind = self._read(), self.headers.get("Content-Type", "")
        path = unquote(self.path.partition("?")[0]).strip("/")
        if kind.startswith("multipart/"):
            self._upload(path, kind, data)
            return
        self._api(path, data, kind)

    do_PUT = do_POST
    do_GET = do_POST

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _upload(self, path: str, kind: str, data: bytes) -> None:
        boundary = kind.partition("boundary=")[2].strip('"').encode()
        with self.server.lock:
            for part in data.split(b"--" + boundary)[1:-1]:
                head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
                name = plain(head.decode().partition(' name="')[2].partition('"')[0])
                self.server.state.files[f"{path}/{name}".strip("/")] = content.removesuffix(b"\r\n")
        self._answer({"ok": True})

    def _api(self, path: str, data: bytes, kind: str) -> None:
        name = next((part for part in reversed(path.split("/")) if "." in part and not part.startswith("v")), path)
        with self.server.lock:
            if name.endswith("add_batch"):
                lines = [json.loads(line) for line in data.splitlines() if line.strip()]
                said: dict[str, Any] = {
                    "requests": [one for line in lines for one in (line if isinstance(line, list) else [line])]
                }
            else:
                said = json.loads(data) if data.strip() else {}
            found = self.server.state.call(name, said)
        endpoint = {"name": name, "requested_version": "2.30", "actual_version": "2.30"}
        meta = {"id": "0", "trx": "0", "endpoint": endpoint, "result_code": 200, "result_subcode": 0}
        meta |= {"result_msg": "OK", "error_stack": ""}
        self._answer({"meta": meta, "data": found})


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.lock = threading.Lock()


@contextmanager
def serving() -> Iterator[Server]:
    """Serve on a free port of loopback while the block runs."""
    state = Server()
    http = _Http(state)
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def environment(url: str, home: str) -> dict[str, str]:
    """What points ClearML's SDK at the stub, and away from the real home."""
    hosts = {f"CLEARML_{name}_HOST": url for name in ("API", "WEB", "FILES")}
    return {
        **hosts,
        "CLEARML_API_ACCESS_KEY": "key",
        "CLEARML_API_SECRET_KEY": "secret",
        "CLEARML_CONFIG_FILE": f"{home}/clearml.conf",
        "CLEARML_CACHE_DIR": f"{home}/cache",
        "HOME": home,
        "USERPROFILE": home,
    }
