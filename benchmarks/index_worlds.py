"""Simulated tables behind a capability index, in which the index of every model is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.special import expit

from pipeline.gap.index import fit, rescale
from pipeline.gap.index_bootstrap import bootstrap, intervals
from pipeline.gap.index_design import prepare

MODELS, BENCHMARKS, DRAWS = 120, 30, 100
ERRORS = ("error 0.03", "error 0.08")
"""Standard deviation of a measured performance: that of a large benchmark, and that of a small one."""
MANY = 8


@dataclass(frozen=True)
class IndexWorld:
    """Rows as `prepare` takes them, the two anchors, and the true index of every model."""

    rows: pl.DataFrame
    anchors: dict[str, float]
    index: dict[str, float]


def generate(seed: int, error: str) -> IndexWorld:
    """Models of known capability, each measured on four benchmarks and a random number more."""
    rng = np.random.default_rng([seed, ERRORS.index(error)])
    capability = np.sort(rng.normal(0, 1.2, MODELS))
    difficulty, slope = rng.normal(0, 1.2, BENCHMARKS), np.exp(rng.normal(0.3, 0.4, BENCHMARKS))
    names = [f"m{place:03}" for place in range(MODELS)]
    rows = []
    for model, able in zip(names, capability, strict=True):
        taken = rng.choice(BENCHMARKS, min(4 + int(rng.exponential(6)), BENCHMARKS), replace=False)
        measured = expit(slope[taken] * (able - difficulty[taken])) + rng.normal(0, float(error.split()[1]), len(taken))
        rows += [(model, f"b{place:02}", value) for place, value in zip(taken, measured.clip(0, 1), strict=True)]
    table = pl.DataFrame(rows, schema=["model", "benchmark", "performance"], orient="row")
    anchors = {names[MODELS // 2]: 130.0, names[-MODELS // 12]: 150.0}
    true, _, _ = rescale(capability, names, anchors)
    return IndexWorld(table.with_columns(released_on=date(2024, 1, 1)), anchors, dict(zip(names, true, strict=True)))


def estimate(world: IndexWorld) -> dict[str, tuple[float, float]]:
    """The interval of one model with few and of one with many benchmarks, less the truth; anchors have no draws."""
    fitted = fit(prepare(world.rows), anchors=world.anchors)
    found = intervals(fitted, bootstrap(fitted, DRAWS)).filter(spread="draws").sort("model")
    few = pl.col("benchmarks") < MANY
    ends = {}
    for name, part in (("index, few benchmarks", found.filter(few)), ("index, many benchmarks", found.filter(~few))):
        model, lo, hi = part.select("model", "lo", "hi").row(part.height // 2)
        ends[name] = (lo - world.index[model], hi - world.index[model])
    return ends


def counts(world: IndexWorld) -> tuple[int, int]:
    """Scores, none of them censored."""
    return world.rows.height, 0
