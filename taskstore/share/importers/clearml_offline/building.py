"""Builds what a session holds below a folder that nobody sees yet; the records that name it are returned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ....core.secrets import Masker
from ....disk.layout import TaskPaths
from ....schema.artifact import ArtifactsRecord
from ....schema.configuration import ConfigurationRecord
from ....schema.model import ModelsRecord
from ....schema.record import Imported, ParamsRecord, ScriptRecord
from ....store.store import Store
from .. import base
from . import content
from .blobs import Taken
from .reports import Reports
from .session import Session

KIND = "clearml"


@dataclass(frozen=True)
class Built:
    """What was built: the logs' times, and the records, none of which is written yet."""

    reports: Reports
    params: ParamsRecord
    script: ScriptRecord
    configuration: ConfigurationRecord
    artifacts: ArtifactsRecord
    models: ModelsRecord

    @property
    def records(self) -> tuple[ParamsRecord, ScriptRecord, ConfigurationRecord, ArtifactsRecord, ModelsRecord]:
        """All records, in the order in which they are written."""
        return self.params, self.script, self.configuration, self.artifacts, self.models


@dataclass(frozen=True)
class Build:
    """What one import works with."""

    store: Store
    session: Session
    masker: Masker
    iteration_offset: int
    progress: Callable[[int], None]

    @property
    def writer(self) -> str:
        """Who the logs are by: the same at each import of a session, so that one that is done again replaces them."""
        return f"imported-0-{hashlib.sha256(self.session.id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

    def below(self, paths: TaskPaths, beside: Path | None = None) -> Built:
        """Write logs and files below `paths`, under names that nothing in the folder `beside` has."""
        taken = Taken(self.store, self.session, paths, beside, self.progress)
        reports = Reports(self.session, taken, paths, self.writer, self.iteration_offset)
        reports.write()
        ended: datetime = reports.ended or self.store.clock.now()
        return Built(
            reports=reports,
            params=content.params(self.session, self.masker),
            script=content.script(self.session, paths),
            configuration=content.configuration(self.session, paths, self.masker),
            artifacts=content.artifacts(self.session, taken, paths),
            models=content.models(self.session, taken, paths, ended),
        )

    def mark(self) -> Imported:
        """Return what the task's record says of where it comes from."""
        return base.mark(self.store, KIND, self.session.id, self.session.members.path, self.session.notes)
