"""A unit is proven by a rule or the metric is put aside; nothing is silently rescaled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity.units import Metric, direction, prove, prove_in


def one(value, metric="accuracy", suite="", trainer=False):
    return prove([Metric(metric, value, "cais/mmlu", suite)], trainer)[0]


def test_a_share_above_one_can_only_be_percent():
    assert (one(71.2).value, one(71.2).unit) == (71.2, "percent")


def test_a_share_below_one_could_be_either_and_is_put_aside():
    assert one(0.412).unit is None
    assert one(0.412).reason == "unit not proven: fraction or percent"


def test_fraction_beside_percent_in_one_table_stays_unproven():
    proofs = prove([Metric("acc", 0.87, "mmlu", ""), Metric("acc", 87.0, "mmlu", "")], trainer_card=True)
    assert [proof.unit for proof in proofs] == [None, "percent"]


def test_the_trainer_writes_fractions():
    assert one(0.87, trainer=True).unit == "fraction"


def test_a_percent_sign_proves_percent_but_a_decimal_comma_proves_nothing():
    assert (one("71.2%").value, one("71.2%").unit) == (71.2, "percent")
    assert one("87,3").reason == "value is text"
    assert one("171.2%").unit is None


@pytest.mark.parametrize("value", [None, True, float("nan"), float("inf"), 10**400, [1], {"a": 1}, -1, 101])
def test_what_is_no_score_has_a_reason(value):
    proof = one(value)
    assert proof.value is None
    assert proof.reason


def test_boards_and_suites_with_one_writer_prove_their_unit():
    assert one(0.4, suite="open_llm_leaderboard_v2").unit == "percent"
    pearson = [Metric("cos_sim_pearson", -12.5, "mteb/sts12", "mteb"), Metric("map", 40.0, "mteb/x", "mteb")]
    assert [proof.unit for proof in prove(pearson, False)] == ["percent", "percent"]


def test_a_metric_without_an_end_is_its_own_unit_and_an_unknown_one_is_put_aside():
    assert one(7.81, metric="perplexity").unit == "points"
    assert one(7.81, metric="score").reason.endswith("scale of the metric unknown")


def test_errors_are_better_when_lower():
    assert (direction("perplexity"), direction("wer"), direction("accuracy")) == ("lower", "lower", "higher")


def test_a_benchmark_known_to_count_shares_proves_percent_above_one_and_nothing_below():
    assert [prove_in(usual, 20.9).unit for usual in ("percent", "fraction")] == ["percent", "percent"]
    assert [prove_in(usual, 0.412).reason for usual in ("percent", "fraction")] == [
        "unit not proven: fraction or percent"
    ] * 2
    assert prove_in("percent", 101.0).reason == "value outside its scale"


def test_a_rating_and_minutes_are_units_only_of_benchmarks_that_are_scored_in_them():
    assert (prove_in("elo", 1287.0).unit, prove_in("minutes", 0.4).unit) == ("elo", "minutes")
    assert prove_in("minutes", -3).reason == "value outside its scale"
    assert prove_in("percent", 1287.0).unit is None
    assert prove_in(None, 1287.0).unit is None


def test_of_an_unknown_benchmark_only_a_percent_sign_proves_a_unit():
    assert prove_in(None, 20.9).reason == "unit not proven: scale of the metric unknown"
    assert (prove_in(None, "0.9%").value, prove_in(None, "0.9%").unit) == (0.9, "percent")
    assert prove_in("percent", "87,3").reason == "value is text"


ANY = st.one_of(
    st.floats(), st.integers(), st.floats(0, 100).map("{:.2f}%".format), st.text(), st.none(), st.booleans()
)
METRICS = st.sampled_from(["accuracy", "pass@1", "perplexity", "elo", "score", "cos_sim_pearson", ""])
SUITES = st.sampled_from(["", "mteb", "open_llm_leaderboard_v2"])


@given(metrics=st.lists(st.builds(Metric, METRICS, ANY, st.sampled_from(["a", "b"]), SUITES)), trainer=st.booleans())
def test_proving_names_the_unit_and_never_changes_the_number(metrics, trainer):
    for metric, proof in zip(metrics, prove(metrics, trainer), strict=True):
        assert (proof.value is None) == (proof.unit is None)
        assert (proof.value is None) == bool(proof.reason)
        if proof.value is not None:
            assert proof.value == float(str(metric.value).removesuffix("%"))


@given(usual=st.sampled_from([None, "percent", "fraction", "elo", "points", "minutes"]), value=ANY)
def test_nor_does_proving_by_benchmark(usual, value):
    proof = prove_in(usual, value)
    assert (proof.value is None) == (proof.unit is None)
    if proof.value is not None:
        assert proof.value == float(str(value).removesuffix("%"))
        assert proof.unit in {"percent", "elo", "points", "minutes"}
