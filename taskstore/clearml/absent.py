"""What a store of files has not: each says what to do instead."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from .errors import refuse
from .held import Held

_SERVER = "task.data and Task.query_tasks read what a server would be asked for"
_ROUTER = "run a server of your own, such as FastAPI's, in the program"
_UPLOAD = "name the place in task.output_uri, and its credentials where fsspec looks for them (the environment)"
_VIEWS = "hyper-datasets live on ClearML's enterprise server; Dataset keeps files, with versions"


class Absent(Held):
    """Raises NotSupported."""

    @classmethod
    def set_credentials(
        cls,
        api_host: str | None = None,  # noqa: ARG003
        web_host: str | None = None,  # noqa: ARG003
        files_host: str | None = None,  # noqa: ARG003
        key: str | None = None,  # noqa: ARG003
        secret: str | None = None,  # noqa: ARG003
        store_conf_file: bool = False,  # noqa: ARG003
    ) -> None:
        """Do nothing: no server is asked, and no credentials are kept."""

    def get_http_router(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("get_http_router", _ROUTER)

    def request_external_endpoint(
        self,
        port: int,
        protocol: str = "http",
        wait: bool = False,
        wait_interval_seconds: float = 3.0,
        wait_timeout_seconds: float = 90.0,
        static_route: str | None = None,
        endpoint_name: str | None = None,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("request_external_endpoint", _ROUTER)

    def wait_for_external_endpoint(
        self,
        wait_interval_seconds: float = 3.0,
        wait_timeout_seconds: float = 90.0,
        protocol: str | None = "http",
        endpoint_name: str | None = None,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("wait_for_external_endpoint", _ROUTER)

    def list_external_endpoints(self, protocol: str | None = None) -> list[Any]:  # noqa: ARG002
        """Return none."""
        return []

    def setup_aws_upload(
        self,
        bucket: str,
        subdir: str | None = None,
        host: str | None = None,
        key: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        region: str | None = None,
        multipart: bool = True,
        secure: bool = True,
        verify: bool = True,
        profile: str | None = None,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("setup_aws_upload", _UPLOAD)

    def setup_azure_upload(
        self,
        account_name: str,
        account_key: str | None = None,
        container_name: str | None = None,
        use_default_credential: bool = False,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("setup_azure_upload", _UPLOAD)

    def setup_gcp_upload(
        self,
        bucket: str,
        subdir: str = "",
        project: str | None = None,
        credentials_json: str | None = None,
        pool_connections: int | None = None,
        pool_maxsize: int | None = None,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("setup_gcp_upload", _UPLOAD)

    def setup_upload(
        self,
        bucket_name: str,
        host: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        multipart: bool = True,
        https: bool = True,
        region: str | None = None,
        verify: bool = True,
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("setup_upload", _UPLOAD)

    def get_dataviews(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("get_dataviews", _VIEWS)

    def set_dataview(self, dataview: object) -> NoReturn:
        """Raise NotSupported."""
        refuse("set_dataview", _VIEWS)

    def send(
        self, req: object, ignore_errors: bool = False, raise_on_errors: bool = True, async_enable: bool = False
    ) -> NoReturn:
        """Raise NotSupported."""
        refuse("send", _SERVER)

    @property
    def session(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("session", _SERVER)

    @property
    def default_session(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("default_session", _SERVER)

    @property
    def metrics_manager(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("metrics_manager", "task.get_logger() reports")

    @property
    def labels_stats(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("labels_stats", "task.get_labels_enumeration() has the labels")

    @property
    def resource_monitor(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("resource_monitor", "Task.init(auto_resource_monitoring=...) turns it on and off")

    @property
    def report_subprocess_enabled(self) -> bool:
        """True: children of the program report into its task."""
        return True

    @property
    def log(self) -> logging.Logger:
        """A logger of the standard library."""
        return logging.getLogger("clearml")

    @classmethod
    def set_resource_monitor_iteration_timeout(
        cls,
        seconds_from_start: float = 30.0,  # noqa: ARG003
        wait_for_first_iteration_to_start_sec: float = 180.0,  # noqa: ARG003
        max_wait_for_first_iteration_to_start_sec: float = 1800.0,  # noqa: ARG003
    ) -> None:
        """Change nothing: resources are reported against time, and wait for no iteration."""
