"""The one resource: where the data lives, which Hub is asked, and the date of the world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from pipeline.liveness import alive
from pipeline.settings import Settings


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """Settings of a run; empty fields are taken from the environment (MOAT_*)."""

    data: str = ""
    hub: str = ""
    as_of: str = ""

    @property
    def settings(self) -> Settings:
        """The settings with this resource's own fields on top."""
        own: dict[str, object] = {}
        if self.data:
            own["data"] = Path(self.data)
        if self.hub:
            own["hub"] = self.hub
        return Settings.model_validate(Settings().model_dump(exclude=set(own)) | own)

    @property
    def date(self) -> date:
        """The date of the world that is asked for; today (UTC) by default."""
        return date.fromisoformat(self.as_of) if self.as_of else datetime.now(UTC).date()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """For a whole run, as its steps share one process: the lock that says that it lives."""
        with alive(self.settings, context.run.run_id) if context.run else nullcontext():
            yield self
