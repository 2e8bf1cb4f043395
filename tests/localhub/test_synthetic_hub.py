"""The synthetic Hub: a table in hub-stats form, the same for the same seed, and a copy with some rows changed."""

import json

import polars as pl
import pytest

from benchmarks.synthetic_hub import write, write_changed

ROWS = 4000


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("synthetic") / "models.parquet"
    write(path, ROWS)
    return path


def test_the_same_seed_gives_the_same_rows_and_another_one_gives_others(written, tmp_path):
    write(tmp_path / "again.parquet", ROWS)
    assert pl.read_parquet(tmp_path / "again.parquet").equals(pl.read_parquet(written))
    write(tmp_path / "other.parquet", ROWS, seed=7)
    assert not pl.read_parquet(tmp_path / "other.parquet").equals(pl.read_parquet(written))


def test_ids_are_unique_parents_are_earlier_repositories_and_times_are_in_order(written):
    frame = pl.read_parquet(written)
    assert frame["id"].n_unique() == ROWS
    assert (frame["lastModified"] >= frame["createdAt"]).all()
    parents = frame["baseModels"].drop_nulls().struct.field("models").explode().struct.field("id")
    assert set(parents) <= set(frame["id"])
    assert 0.3 < len(parents) / ROWS < 0.4
    assert 0.55 < frame["safetensors"].count() / ROWS < 0.65


def test_every_card_is_json_that_agrees_with_the_tags_and_some_hold_a_model_index(written):
    indexed = 0
    for card, tags in pl.read_parquet(written).select("cardData", "tags").iter_rows():
        stated = json.loads(card)
        assert f"license:{stated['license']}" in tags
        assert all(f"base_model:{parent}" in tags for parent in stated.get("base_model", []))
        indexed += "model-index" in stated
    assert 0.02 < indexed / ROWS < 0.04


def test_the_copy_differs_in_the_chosen_rows_alone_and_these_come_last(written, tmp_path):
    write_changed(written, tmp_path / "changed.parquet", changed=50)
    before, after = pl.read_parquet(written), pl.read_parquet(tmp_path / "changed.parquet")
    assert after["id"].equals(before["id"])
    changed = before["lastModified"] != after["lastModified"]
    assert changed.sum() == 50
    assert after.filter(~changed).equals(before.filter(~changed))
    chosen, was = after.filter(changed), before.filter(changed)
    assert chosen["lastModified"].min() > before["lastModified"].max()
    assert (chosen["downloads"] > was["downloads"]).all()
    assert all("revised" in json.loads(card) for card in chosen["cardData"])
