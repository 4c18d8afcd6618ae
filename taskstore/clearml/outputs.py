"""Artifacts and models of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .artifact import Artifact, ArtifactsView
from .errors import as_value_error, refuse
from .held import Held, attempt


class Producing(Held):
    """Keeps artifacts and models, and finds them again."""

    def upload_artifact(
        self,
        name: str,
        artifact_object: Any,  # noqa: ANN401 - whatever is to be kept
        metadata: Mapping[str, object] | None = None,
        delete_after_upload: bool = False,
        auto_pickle: bool | None = None,
        preview: Any = None,  # noqa: ANN401 - a text, or what becomes one
        wait_on_upload: bool = False,  # noqa: ARG002 - it is there when this returns
        extension_name: str | None = None,
        serialization_function: Callable[[Any], bytes | bytearray] | None = None,
        retries: int = 0,  # noqa: ARG002 - nothing is sent
        sort_keys: bool = True,  # noqa: ARG002 - the order is the dictionary's own
    ) -> bool:
        """Keep an object or a file by a name; what had that name is replaced."""
        with as_value_error():
            is_kept = self._task.upload_artifact(
                name,
                artifact_object,
                metadata=metadata,
                preview=preview,
                extension_name=extension_name,
                auto_pickle=auto_pickle is not False,
                serialization_function=serialization_function,
            )
        return is_kept and _done_with(artifact_object, delete_after_upload)

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """The artifacts by name."""
        return ArtifactsView(self._task.artifacts)

    def delete_artifacts(
        self,
        artifact_names: Sequence[str],
        raise_on_errors: bool = True,
        delete_from_storage: bool = True,  # noqa: ARG002 - they lie in the task
        silent_on_errors: bool = False,  # noqa: ARG002
    ) -> bool:
        """Delete artifacts, files included."""
        return attempt(lambda: self._task.artifacts.delete(*artifact_names), ignore_errors=not raise_on_errors)

    def register_artifact(
        self,
        name: str,
        artifact: Any,  # noqa: ANN401 - a DataFrame
        metadata: Mapping[str, object] | None = None,
        uniqueness_columns: bool | Sequence[str] = True,
    ) -> None:
        """Keep a DataFrame, and keep it again whenever it has changed."""
        self._task.artifacts.register(name, artifact, metadata=metadata, uniqueness_columns=uniqueness_columns)

    def unregister_artifact(self, name: str) -> None:
        """Watch a registered DataFrame no longer; what is kept stays."""
        self._task.artifacts.unregister(name)

    def get_registered_artifacts(self) -> dict[str, Any]:
        """Return the registered DataFrames by name."""
        return self._task.artifacts.registered()

    def set_artifacts(self, artifacts_list: object = None) -> None:  # noqa: ARG002
        """Raise NotSupported."""
        refuse("set_artifacts", "Task.upload_artifact keeps an object by a name")


def _done_with(source: object, is_unwanted: bool) -> bool:
    if is_unwanted and isinstance(source, (str, Path)) and Path(source).is_file():
        Path(source).unlink()
    return True
