"""The second Open LLM Leaderboard: percent between guessing and the best, merges and flagged models marked."""

from datetime import date

import polars as pl
import pytest

from pipeline.settings import Settings
from pipeline.sources.board import Part
from pipeline.sources.open_llm_leaderboard import BENCHMARKS, BOARD, SOURCE, read
from tests.sources.board_data import contents, offering, submission


def test_a_model_is_scored_on_six_benchmarks(tmp_path):
    with offering(tmp_path, contents(submission("org/m", 41.5))) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, scores.kept) == (1, 1, 6)
        found = boards.table(query="ORDER BY series_id")
        assert found["series_id"].to_list() == [f"open_llm_v2--{key}" for key in sorted(BENCHMARKS.values())]
        row = found.row(0, named=True)
        assert (row["value"], row["tier"], row["doubtful"], row["self_reported"]) == (41.5, "C", False, False)
        model = boards.table("board_models").row(0, named=True)
        assert (model["hub_id"], model["params_b"], model["licence"]) == ("org/m", 7.2, "apache-2.0")
        assert (model["released_on"], model["released_on_source"]) == (date(2024, 6, 1), "hub_created")


def test_merges_and_flagged_models_are_kept_and_doubtful(tmp_path):
    rows = (
        submission("org/merge", 60.0, Merged=True),
        submission("org/typed", 60.0, Type="🤝 base merges and moerges"),
        submission("org/flagged", 70.0, Flagged=True),
        submission("org/plain", 50.0),
    )
    with offering(tmp_path, contents(*rows)) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        found = boards.table(query="WHERE series_id = 'open_llm_v2--bbh' ORDER BY model")
        assert found.select("model", "doubtful", "note").rows() == [
            ("org/flagged", True, "flagged by the board"), ("org/merge", True, "merge of other models"),
            ("org/plain", False, None), ("org/typed", True, "merge of other models"),
        ]  # fmt: skip


def test_one_model_in_two_precisions_is_two_facts(tmp_path):
    twice = (submission("org/m", 40.0), submission("org/m", 40.0, eval_name="org/m_float16"))
    with offering(tmp_path, contents(*twice)) as boards:
        boards.fetch(BOARD)
        [(_, scores)] = boards.fold(BOARD)
        assert (scores.kept, scores.duplicate) == (12, 0)


def test_what_is_no_percent_or_of_no_model_is_put_aside(tmp_path):
    rows = (submission("org/m", 40.0) | {"BBH": 101.0, "GPQA": float("nan")}, submission(None, 40.0))
    with offering(tmp_path, contents(*rows)) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, items.quarantined) == (2, 1, 1)
        assert (scores.read, scores.kept, scores.quarantined) == (6, 4, 2)
        assert boards.reasons() == [
            ("row", "None", "row without a usable model"),
            ("score", "org/m", "BBH is no percent"),
            ("score", "org/m", "GPQA is no percent"),
        ]


def test_the_real_table_is_read_whole():
    file = Settings().shared / "data" / "open_llm_leaderboard" / "v2_final_2025-03.csv"
    if not file.exists():
        pytest.skip(f"{file} is not here; set MOAT_SHARED to the shared folder")
    real = pl.read_csv(file, infer_schema_length=None)
    names = {"IFEval": "ifeval", "BBH": "bbh", "MATH Lvl 5": "math", "GPQA": "gpqa", "MUSR": "musr",
             "MMLU-PRO": "mmlu_pro"}  # fmt: skip
    # The columns that the board's interface names otherwise than its dataset.
    table = real.select(
        eval_name="id", fullname="model_name", Type="model_type", Merged="features_is_merged",
        Flagged="features_is_flagged",
        **{"#Params (B)": "metadata_params_billions", "Hub License": "metadata_hub_license",
           "Upload To Hub Date": "metadata_upload_date"},
        **{name: f"evaluations_{key}_normalized_score" for name, key in names.items()},
    )  # fmt: skip
    part = Part("real", SOURCE, "capture")
    read(part, table)
    scores = part.frame("board_scores")
    assert (part.read, part.refused, scores.height) == (4576, 0, 27456)
    assert part.frame("board_models").height == 4497
    best = scores.filter(~pl.col("doubtful") & (pl.col("series_id") == "open_llm_v2--mmlu_pro")).sort("value").row(-1)
    everything = real["evaluations_mmlu_pro_normalized_score"].max()
    assert best[scores.columns.index("value")] <= everything
