"""A large table of scores, the same for every method that is measured."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipeline.gap.sides import SCORE_SCHEMA

FIRST_DAY = date(2022, 7, 1)
AS_OF = date(2026, 6, 30)
MODELS = 20_000
_DAYS = (AS_OF - FIRST_DAY).days
_REPEATED = 0.10  # share of the rows that repeat a model of a series


def world(scores: int, series: int, seed: int = 20260630) -> pl.DataFrame:
    """Scores in random order: each model in many series, better with time, open ones some months behind.

    A fifth of the models is closed, a twentieth of unknown access; a tenth of the open ones was closed
    first. A repeated row differs in its score alone, as a second run of an evaluation does, so that the
    first and the best row of a model name the same dates.
    """
    random = np.random.default_rng(seed)
    models = min(MODELS, max(1, scores // series * 4))
    released = random.integers(0, _DAYS + 1, models)
    access = random.choice(["open", "closed", "unknown"], models, p=[0.75, 0.2, 0.05])
    delay = np.where((access == "open") & (random.random(models) < 0.1), random.integers(1, 200, models), 0)
    skill = released / _DAYS * 4 + random.normal(0, 0.7, models) - np.where(access == "open", 0.8, 0.0)
    facts = pl.DataFrame(
        {
            "model": [f"organisation-{m % 400:03}/model-{m:05}-instruct" for m in range(models)],
            "released_on": released,
            "weights_on": np.where(access == "open", released + delay, -1),
            "access": access,
            "licence_class": np.where(
                access == "open", random.choice(["unrestricted", "restricted", "non_commercial"], models), "unknown"
            ),
        }
    ).with_columns(
        released_on=pl.lit(FIRST_DAY) + pl.duration(days="released_on"),
        weights_on=pl.when(pl.col("weights_on") >= 0).then(pl.lit(FIRST_DAY) + pl.duration(days="weights_on")),
    )
    distinct = min(round(scores * (1 - _REPEATED)), models * series)
    cells = random.choice(models * series, distinct, replace=False, shuffle=False)
    cells = random.permutation(np.concatenate([cells, random.choice(cells, scores - distinct)]))
    model, place = cells % models, cells // models
    logit = skill[model] - random.normal(2, 1, series)[place] + random.normal(0, 0.5, scores)
    score = 0.25 + 0.75 / (1 + np.exp(-logit))
    names = pl.Series([f"benchmark-{s:03} | 5-shot | evaluator" for s in range(series)])
    filled = facts[model].with_columns(
        series=names.gather(place),
        score=pl.Series(np.round(score, 4)),
        stderr=pl.Series(np.where(place % 2 == 0, np.round(np.sqrt(score * (1 - score) / 1000), 4), np.nan)).fill_nan(
            None
        ),
        evaluated_on=pl.lit(None, dtype=pl.Date),
        params_b=pl.lit(None, dtype=pl.Float64),
        chance=pl.lit(0.25),
        ceiling=pl.lit(1.0),
        direction=pl.lit("higher"),
        unit=pl.lit("fraction"),
    )
    return filled.select(pl.col(name).cast(kind) for name, kind in SCORE_SCHEMA.items())
