"""How often names resolve, and how often rightly: 200 names labelled one by one, and all names of the shared files.

The sample was drawn at random (seed 20261125) within strata of source and method, and labelled without sight of what
the resolver says. Every label names a public page. `none` is a name of no release of the facts, `ambiguous` one that
may mean several, `copy of X` a packing or copy of a repository that is no release; of `a|b` either is right.
"""

from pathlib import Path

import polars as pl
import pytest

from pipeline.identity.resolve import CERTAIN
from pipeline.identity_tables import read_resolver
from pipeline.settings import Settings
from tests.identity.facts_world import declares, facts_world, repository

LABELLED = Path(__file__).with_name("labelled_names.csv")
HUB = "hub_stats_sample"


@pytest.fixture(scope="module")
def judged():
    """The labelled names with what the resolver says of them."""
    rows = pl.read_csv(LABELLED).to_dicts()
    hub = [row for row in rows if row["source"] == HUB]
    listed = {row["name"]: repository(row["name"], row["parameters"]) for row in hub}
    for row in hub:
        if row["base_parameters"] is not None:
            listed.setdefault(row["base"], repository(row["base"], row["base_parameters"]))
    edges = [declares(row["name"], row["base"], row["base_relation"]) for row in hub if row["base"]]
    with facts_world(listed.values(), edges) as connection:
        resolver = read_resolver(connection)
        repositories = dict(
            connection.execute("SELECT id, (model_id, method, confidence) FROM identity.repositories").fetchall()
        )
    found = []
    for row in rows:
        if row["source"] == HUB:
            model_id, method, confidence = repositories.get(row["name"], (None, "unresolved", None))
        else:
            one = resolver.resolve(row["name"], row["source"], row["repository"])
            model_id, method, confidence = one.model_id, one.method, one.confidence
        said = (model_id or "").replace("hub:", "copy of ")
        found.append(row | {"said": said or None, "method": method, "confidence": confidence,
                            "right": said in row["model_id"].split("|")})  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None)


def test_the_sample_is_whole_and_every_label_has_a_public_source(judged):
    assert judged.height == 200
    assert judged.unique(["source", "name"]).height == 200
    assert judged["label_url"].str.starts_with("https://").all()
    assert judged["basis"].is_not_null().all()
    assert judged["source"].n_unique() == 5


def test_at_least_99_in_100_resolved_names_are_right(judged):
    resolved = judged.filter(pl.col("said").is_not_null())
    wrong = resolved.filter(~pl.col("right"))
    assert resolved.height > 150
    assert resolved["right"].mean() >= 0.99, wrong.select("source", "name", "said", "model_id").to_dicts()


def test_every_method_is_right_as_often_as_it_claims(judged):
    resolved = judged.filter(pl.col("said").is_not_null())
    assert (resolved["confidence"] >= CERTAIN).all()
    for (method,), part in resolved.group_by("method"):
        assert part["right"].mean() >= part["confidence"].min(), method


def test_most_names_that_mean_a_release_are_resolved(judged):
    meant = judged.filter(~pl.col("model_id").is_in(["none", "ambiguous"]))
    assert meant["right"].mean() >= 0.96


def names_of(shared):
    """Source to (name, repository that it says the model is)."""
    read = {
        "closed_baselines": ("closed_baselines/closed_baselines.csv", "model", None),
        "epoch_eci": ("epoch_eci_2026-08/eci_scores.csv", "Model", None),
        "llm_stats": ("llm_stats/scores.csv", "model_id", "hf_repo_id"),
        "models_dev": ("models_dev/models.csv", "id", "hf_repo_id"),
    }
    for source, (file, name, hub_id) in read.items():
        table = pl.read_csv(shared / file, infer_schema_length=0).unique(name)
        hub_ids = table[hub_id] if hub_id else [None] * table.height
        yield source, [(one, None if repo == "None" else repo) for one, repo in zip(table[name], hub_ids, strict=True)]


SHARED = Settings().shared / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the shared files, which are not at {SHARED} (MOAT_SHARED)")
def test_resolution_rate_of_every_source():
    with facts_world() as connection:
        resolver = read_resolver(connection)
    rates = {}
    for source, names in names_of(SHARED):
        found = [resolver.resolve(name, source, repository) for name, repository in names]
        assert all(one.model_id is None or one.confidence >= CERTAIN for one in found)
        rates[source] = (sum(one.model_id is not None for one in found), len(found))
    # What is left in models_dev makes images or speech, or points to whatever is newest.
    assert rates == {
        "closed_baselines": (112, 112),
        "epoch_eci": (222, 222),
        "llm_stats": (158, 164),
        "models_dev": (181, 231),
    }
