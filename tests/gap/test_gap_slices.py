"""Slices of the open side: which open models a slice keeps, and that closed ones always stay."""

import polars as pl

from pipeline.gap.slices import CARDS, EVERYTHING, LICENCES, SIZES, restrict, slices

INPUTS = pl.DataFrame(
    {
        "model": ["small", "middle", "large", "unsized", "closed", "unknown"],
        "access": ["open", "open", "open", "open", "closed", "unknown"],
        "params_b": [2.0, 28.0, 70.5, None, 1.0, 1.0],
        "licence_class": ["unrestricted", "restricted", "non_commercial", None, None, None],
        "country": ["France", "China", "China", None, "Peru", "Chad"],
    }
)


def kept(name):
    """Open models of a slice, and its notes; the others must all be there."""
    [part] = [part for part in slices(INPUTS) if part.name == name]
    rows, notes = restrict(INPUTS, part)
    assert rows.filter(pl.col("access") != "open")["model"].to_list() == ["closed", "unknown"]
    return rows.filter(access="open")["model"].to_list(), notes


def test_every_slice_has_a_name_and_words_for_a_sentence():
    names = [part.name for part in slices(INPUTS)]
    assert names == [
        "all",
        "params <= 2B", "params <= 8B", "params <= 14B", "params <= 32B", "params <= 70B",
        "card 24 GB", "card 32 GB",
        "licence unrestricted", "licence restricted", "licence non_commercial",
        "country China", "country France",
    ]  # fmt: skip
    words = {part.name: part.words for part in slices(INPUTS)}
    assert words["all"] == ""
    assert words["params <= 8B"] == "of at most 8 billion parameters"
    assert words["card 24 GB"] == "that fits a 24 GB consumer card (at most 28 billion parameters)"
    assert words["licence restricted"] == "under a licence of class restricted"
    assert words["country China"] == "from China"
    assert (SIZES, CARDS, len(LICENCES)) == ((2, 8, 14, 32, 70), {"24 GB": 28, "32 GB": 40}, 3)


def test_all_keeps_everything_and_counts_nobody():
    assert restrict(INPUTS, EVERYTHING)[0].equals(INPUTS)
    assert kept("all") == (["small", "middle", "large", "unsized"], [])


def test_sizes_include_their_bound_and_count_models_of_unknown_size():
    note = ["1 open models have no params_b and are outside this slice"]
    assert kept("params <= 2B") == (["small"], note)
    assert kept("params <= 70B") == (["small", "middle"], note)
    assert kept("card 24 GB") == (["small", "middle"], note)


def test_licence_and_country_are_those_of_the_open_models():
    assert kept("licence non_commercial")[0] == ["large"]
    assert kept("country China") == (
        ["middle", "large"],
        ["1 open models have no country and are outside this slice"],
    )
    assert "country Peru" not in [part.name for part in slices(INPUTS)]


def test_a_model_counts_once_however_many_series_it_is_in():
    twice = pl.concat([INPUTS, INPUTS])
    [size] = [part for part in slices(twice) if part.name == "params <= 8B"]
    rows, notes = restrict(twice, size)
    assert rows.height == 6
    assert notes == ["1 open models have no params_b and are outside this slice"]


def test_a_model_of_unknown_access_stays_where_access_is_null():
    missing = INPUTS.with_columns(access=pl.when(pl.col("model") != "unknown").then("access"))
    assert (
        "unknown"
        in restrict(missing, next(part for part in slices(INPUTS) if part.name == "country China"))[0][
            "model"
        ].to_list()
    )
