"""Epoch's files: the index with its interval, the matrix with what each row names as its source."""

from datetime import date

import pytest

from pipeline.errors import SourceError
from pipeline.settings import EPOCH, Settings
from pipeline.sources.board import Part
from pipeline.sources.epoch import BOARD, INDEX, INDEX_COLUMNS, MATRIX, MATRIX_COLUMNS, _index, _matrix
from pipeline.sources.tables import csv
from tests.sources import board_data
from tests.sources.board_data import epoch, offering

SOL = (
    "GPT-5.6 Sol,GPT-5.6 Sol,161.65,159.11,164.85,2026-07-09,OpenAI,United States of America,API access,Closed weights,"
)
KIMI = "Kimi K3,Kimi K3,157.01,154,160,2026-07-20,Moonshot,China,Open weights (restricted use),Open weights,"
GLM = "GLM-5.1,GLM-5.1,150,148,152,2026-04-07,Z.ai,China,Unknown,Other,"
OWN = "m1,b1,0.6,GPQA diamond,2023-11-20,False,Kimi K3,kimi-k3,Kimi K3,Kimi K3,,,2026-07-20,Epoch evaluations"
NAMED = "m2,b2,0.5,Lech Mazur Writing,2025-01-31,False,x,,,GPT-X,,,2024-05-13,lechmazur/writing Github repository"
SILENT = "m2,b2,0.4,Lech Mazur Writing,2025-01-31,False,Only here,,,,,,2024-05-13,"


def test_the_index_comes_with_interval_date_and_access(tmp_path):
    with offering(tmp_path, epoch([SOL, KIMI, GLM], [])) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        found = boards.table(query="ORDER BY model").select("model", "series_id", "value", "ci_lo", "ci_hi", "tier")
        assert found.rows()[1] == ("GPT-5.6 Sol", "epoch_eci", 161.65, 159.11, 164.85, "C")
        models = boards.table("board_models", "ORDER BY model")
        assert models.select("model", "released_on", "access", "licence_class").rows() == [
            ("GLM-5.1", date(2026, 4, 7), "unknown", None),  # "Other" is neither open nor closed
            ("GPT-5.6 Sol", date(2026, 7, 9), "closed", None),
            ("Kimi K3", date(2026, 7, 20), "open", "restricted"),
        ]


def test_a_row_of_the_matrix_says_what_it_names_as_its_source(tmp_path):
    with offering(tmp_path, epoch([KIMI], [OWN, NAMED, SILENT])) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        found = boards.table(query="WHERE part = 'eci_benchmarks.csv' ORDER BY value")
        assert found.select("model", "series_id", "value", "tier", "source_name").rows() == [
            ("Only here", "epoch_lech_mazur_writing", 0.4, "E", None),
            ("GPT-X", "epoch_lech_mazur_writing", 0.5, "E", "lechmazur/writing Github repository"),
            ("Kimi K3", "epoch_gpqa_diamond", 0.6, "C", "Epoch evaluations"),
        ]
        series = boards.table("board_series", "ORDER BY series_id").select("series_id", "evaluator", "comparability")
        assert series.rows() == [
            ("epoch_eci", "Epoch AI", "same_protocol"),
            ("epoch_gpqa_diamond", "Epoch evaluations", "same_evaluator"),
            ("epoch_lech_mazur_writing", "mixed", "loose"),
        ]
        # What the index states of a model counts before what the matrix leaves unknown.
        query = "WHERE model = 'Kimi K3'"
        assert boards.table("board_models", query)["access"].to_list() == ["open"]


def test_rows_that_are_no_scores_are_put_aside(tmp_path):
    bad = [OWN.replace("0.6", value) for value in ("1.2", "-0.1", "NaN", "", "87%")]
    future = KIMI.replace("2026-07-20", "2999-01-01").replace("Kimi K3", "Future")
    with offering(tmp_path, epoch([KIMI, future, ",,,,,,,,,,,"], [OWN, *bad])) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, items.quarantined, scores.kept) == (9, 2, 7, 2)


def test_the_same_files_are_no_new_capture(tmp_path):
    with offering(tmp_path, epoch([SOL], [OWN])) as boards:
        assert boards.fetch(BOARD)[1]
        assert boards.fetch(BOARD)[1] is False


def test_files_that_are_gone_fail_and_files_that_never_were_are_not_offered(tmp_path):
    with offering(tmp_path) as boards:
        assert boards.fetch(BOARD) is None
        boards.put(epoch([SOL], [OWN]))
        boards.fetch(BOARD)
        boards.hub.datasets.delete(board_data.EPOCH)
        with pytest.raises(SourceError, match="MOAT_SKIP=epoch"):
            boards.fetch(BOARD)


def test_epoch_is_asked_with_the_real_hub_or_where_an_address_is_given():
    assert Settings(hub="https://huggingface.co").epoch_address == EPOCH
    assert Settings(hub="local").epoch_address == ""
    assert "epoch" in Settings(hub="local").skipped
    assert Settings(hub="local", epoch="http://127.0.0.1:1/data/").epoch_address == "http://127.0.0.1:1/data"


def test_the_real_files_are_read_whole():
    folder = Settings().shared / "data" / "epoch_eci_2026-08"
    if not folder.exists():
        pytest.skip(f"{folder} is not here; set MOAT_SHARED to the shared folder")
    index, matrix = Part(INDEX, "epoch", "c"), Part(MATRIX, "epoch", "c")
    _index(index, csv((folder / INDEX).read_bytes(), INDEX_COLUMNS))
    _matrix(matrix, csv((folder / MATRIX).read_bytes(), MATRIX_COLUMNS))
    assert (index.frame("board_scores").height, index.refused) == (222, 0)
    assert (matrix.frame("board_scores").height, matrix.refused) == (2249, 0)
    access = index.frame("board_models")["access"].value_counts().rows()
    assert dict(access) == {"open": 94, "closed": 104, "unknown": 24}
    assert matrix.frame("board_scores").filter(tier="C").height == 691
