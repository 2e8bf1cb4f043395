"""One typed settings object; every field can be set by an environment variable with the prefix MOAT_."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
REAL_HUB = "https://huggingface.co"
EPOCH = "https://epoch.ai/data"


class Settings(BaseSettings):
    """Where data lives and which Hub is asked.

    `hub` is `local` (the bundled Hub, started on loopback for the run) or a URL such as
    https://huggingface.co. There is no fallback from one to the other. `follow_ups` is how many single
    repositories a run may ask for, of each kind. `skip` names sources that are not asked,
    `accept_smaller` those that may shrink by more than a fifth (commas between). `epoch` is the address of the folder
    with Epoch's files; empty means its own with the real Hub, and none with any other. `harness_results` names datasets
    with result files of lm-evaluation-harness (commas between). `bulk_start` names a dataset whose table of all models
    spares the first crawl of a Hub, such as cfahlgren1/hub-stats; empty means none. `known_at` leaves out what was
    captured later: a build of what was known by then (UTC). `history` names a build in data/history that is written
    and read in place of today's files. `memory` is how much DuckDB holds of the work file before it writes to disk.

    Evaluations: `eval_launcher` is `subprocess` or `ray`, `eval_ray` the address of the cluster's dashboard.
    `eval_python` is the interpreter that has what a backend needs; empty means that of `make eval`, or else this one.
    `eval_output` is a folder or an address of fsspec that workers write to and this program reads; empty means
    data/evaluations. `eval_env` names variables of this environment that workers get besides the few they need (commas
    between).
    """

    model_config = SettingsConfigDict(env_prefix="MOAT_", populate_by_name=True)

    data: Path = ROOT / "data"
    hub: str = "local"
    hub_token: SecretStr | None = Field(default=None, validation_alias="HF_TOKEN")
    shared: Path = ROOT.parent / "shared"
    memory: str = Field(default="3GB", pattern=r"^[0-9]+(\.[0-9]+)? ?[KMGT]i?B$")
    page_size: int = Field(default=1000, ge=1, le=1000)
    timeout_s: float = Field(default=30.0, gt=0)
    retries: int = Field(default=5, ge=0, le=10)
    backoff_s: float = Field(default=1.0, gt=0)
    full_crawl_days: float = Field(default=7.0, ge=0)
    follow_ups: int = Field(default=200, ge=0)
    skip: str = ""
    accept_smaller: str = ""
    epoch: str = ""
    harness_results: str = "open-llm-leaderboard/results"
    bulk_start: str = ""
    known_at: datetime | None = None
    history: str = ""
    eval_launcher: Literal["subprocess", "ray"] = "subprocess"
    eval_ray: str = "http://127.0.0.1:8265"
    eval_ray_token: SecretStr | None = Field(default=None, validation_alias="RAY_AUTH_TOKEN")
    eval_python: str = ""
    eval_output: str = ""
    eval_env: str = ""
    eval_timeout_s: float = Field(default=6 * 3600.0, gt=0)
    eval_retries: int = Field(default=2, ge=0, le=10)

    @field_validator("known_at")
    @classmethod
    def _in_utc(cls, time: datetime | None) -> datetime | None:
        return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time

    @property
    def skipped(self) -> frozenset[str]:
        """Sources that are not asked; what they said before stays in use."""
        return _names(self.skip) | (frozenset() if self.epoch_address else {"epoch"})

    @property
    def result_repositories(self) -> tuple[str, ...]:
        """Datasets with result files of lm-evaluation-harness, in order."""
        return tuple(sorted(_names(self.harness_results)))

    @property
    def may_shrink(self) -> frozenset[str]:
        """Sources of which much less than before is believed."""
        return _names(self.accept_smaller)

    @property
    def epoch_address(self) -> str:
        """Where Epoch's files are asked for; empty where they are not."""
        return (self.epoch or (EPOCH if self.hub.rstrip("/") == REAL_HUB else "")).rstrip("/")

    @property
    def evaluations(self) -> str:
        """Where workers of evaluations write what they have so far: a folder, or an address with ://."""
        if "://" in self.eval_output:
            return self.eval_output.rstrip("/")
        return str(Path(self.eval_output).resolve() if self.eval_output else self.data.resolve() / "evaluations")

    @property
    def passed_on(self) -> tuple[str, ...]:
        """Variables of this environment that workers get besides the few they need."""
        return tuple(sorted(_names(self.eval_env)))

    @property
    def worker_python(self) -> str:
        """Interpreter of the workers: the one that is named, the one that `make eval` made, or this one."""
        made = ROOT / ".venv-eval" / "bin" / "python"
        return self.eval_python or str(made if made.exists() else sys.executable)

    @property
    def captures(self) -> Path:
        """Folder of the immutable captures."""
        return self.data.resolve() / "captures"

    @property
    def cache(self) -> Path:
        """Folder of what is dear to compute and depends on its input alone; safe to delete."""
        return self.data.resolve() / "cache"

    @property
    def histories(self) -> Path:
        """Folder of the builds of past states; safe to delete."""
        return self.data.resolve() / "history"

    @property
    def built(self) -> Path:
        """Folder of what is made from captures: that of the past state named by `history`, else of today's."""
        return self.histories / self.history if self.history else self.data.resolve()

    @property
    def work_file(self) -> Path:
        """The private database that a run writes; nobody else opens it."""
        return self.built / "work" / "openmoat.duckdb"

    @property
    def published(self) -> Path:
        """Folder of what people read."""
        return self.built / "published"

    @property
    def published_file(self) -> Path:
        """The database that people, notebooks and dashboards open read-only."""
        return self.published / "openmoat.duckdb"


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())
