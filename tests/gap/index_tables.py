"""Tables of benchmark scores for the tests of the index."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl

from pipeline.facts import tables
from pipeline.gap.index_design import Table, prepare

ANCHORS = {"m00": 130.0, "m01": 150.0}


def simulated(
    models: int = 12, benchmarks: int = 8, seed: int = 1, noise: float = 0.0, share: float = 1.0
) -> tuple[pl.DataFrame, np.ndarray]:
    """Scores that follow the model, and the capabilities behind them. m00 and m01 lie one apart."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(0, 1, models)
    ability[:2] = (-0.5, 0.5)
    hard, steep = rng.normal(0, 1, benchmarks), rng.uniform(0.7, 2.5, benchmarks)
    steep[0] = 1
    seen = rng.random((models, benchmarks)) < share
    seen[:, : min(4, benchmarks)] = True
    rows = [
        (
            f"m{m:02}",
            "winogrande" if b == 0 else f"b{b:02}",
            float(1 / (1 + np.exp(-steep[b] * (ability[m] - hard[b]))) + noise * rng.normal()),
            date(2024, 1, 1),
        )
        for m in range(models)
        for b in range(benchmarks)
        if seen[m, b]
    ]
    return pl.DataFrame(rows, schema=["model", "benchmark", "performance", "released_on"], orient="row"), ability


@cache
def epoch_rows() -> pl.DataFrame:
    """The bundled matrix behind Epoch's index, by the names of the models."""
    releases = tables.load("releases").select("model_id", "released_on", model="name")
    scores = tables.load("scores_epoch_matrix").select("model_id", benchmark="series_id", performance="value")
    return scores.join(releases, on="model_id").drop("model_id")


@cache
def epoch_table() -> Table:
    return prepare(epoch_rows())
