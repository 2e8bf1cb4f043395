"""LMArena: one series per edition, open and closed models, the whole history, and nothing about pictures."""

from datetime import date

import polars as pl

from pipeline.sources.lmarena import BOARD, configuration
from tests.sources.board_data import arena, offering, parquet, rating


def test_configurations_that_rate_language_models_are_recognised():
    taken = ("text", "text_style_control", "vision", "search", "document_style_control", "webdev")
    left = ("text_to_image", "image_edit", "text_to_video", "image_to_video", "video_edit")
    assert [configuration(f"{name}/full-00000-of-00001.parquet") for name in taken] == list(taken)
    assert [configuration(f"{name}/full-00000-of-00001.parquet") for name in left] == [None] * len(left)
    assert configuration("text/latest-00000-of-00001.parquet") is None


def test_every_edition_is_a_series_of_its_own(tmp_path):
    history = [
        rating("gpt-x", 1300.0, "2026-08-01"),
        rating("gpt-x", 1310.0),
        rating("gpt-x", 1250.5, category="coding"),
    ]
    with offering(tmp_path, arena(history)) as boards:
        capture, new = boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (new, items.read, items.kept, scores.kept) == (True, 3, 3, 3)
        found = boards.table(query="ORDER BY series_id").select("series_id", "model", "value", "ci_lo", "ci_hi", "n")
        assert found.rows() == [
            ("lmarena_text--coding--2026-09-13", "gpt-x", 1250.5, 1245.5, 1255.5, 1000),
            ("lmarena_text--overall--2026-08-01", "gpt-x", 1300.0, 1295.0, 1305.0, 1000),
            ("lmarena_text--overall--2026-09-13", "gpt-x", 1310.0, 1305.0, 1315.0, 1000),
        ]
        series = boards.table("board_series", "ORDER BY series_id").row(2, named=True)
        assert (series["edition_of"], series["edition_on"]) == ("lmarena_text--overall", date(2026, 9, 13))
        assert (series["unit"], series["comparability"]) == ("elo", "same_evaluator")
        model = boards.table("board_models").row(0, named=True)
        assert (model["licence"], model["organisation"], model["access"]) == ("Proprietary", "Lab", "unknown")
        assert len(capture.manifest.revision) == 40
        assert boards.hub.requests["file"] == 1


def test_the_same_revision_is_not_downloaded_again(tmp_path):
    with offering(tmp_path, arena([rating("m", 1000.0)])) as boards:
        first, _ = boards.fetch(BOARD)
        before = sum(boards.hub.requests.values())
        assert boards.fetch(BOARD) == (first, False)
        assert sum(boards.hub.requests.values()) == before + 1
        assert len(boards.fold(BOARD)) == 1
        assert boards.fold(BOARD) == []


def test_a_new_edition_adds_its_rows_and_a_corrected_one_supersedes(tmp_path):
    with offering(tmp_path, arena([rating("a", 1000.0, "2026-08-01"), rating("b", 900.0, "2026-08-01")])) as boards:
        boards.fetch(BOARD)
        boards.replace(arena([rating("a", 1001.0, "2026-08-01"), rating("b", 900.0, "2026-08-01"), rating("a", 990.0)]))
        boards.fetch(BOARD)
        boards.fold(BOARD)
        found = boards.table(query="ORDER BY value").select("value", pl.col("gone_at").is_null()).rows()
        assert found == [(900.0, True), (990.0, True), (1000.0, False), (1001.0, True)]


def test_rows_that_cannot_be_read_are_put_aside_one_by_one(tmp_path):
    rows = [
        rating("good", 1000.0), rating("", 1000.0), rating("nan", float("nan")), rating("huge", 1e9),
        rating("undated", 1000.0, "soon"), rating("early", 1000.0, "2999-01-01"), rating("<script>", 1000.0),
        rating("uncategorised", 1000.0, category=None),
    ]  # fmt: skip
    with offering(tmp_path, arena(rows)) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, items.quarantined, scores.kept) == (8, 2, 6, 2)
        assert items.add_up
        assert scores.add_up
        assert boards.reasons() == [
            ("row", "None", "row without a usable model"),
            ("row", "early", "day of publication lies in the future"),
            ("row", "huge", "rating is no number of its scale"),
            ("row", "nan", "rating is no number of its scale"),
            ("row", "uncategorised", "row without a category or a day of publication"),
            ("row", "undated", "row without a category or a day of publication"),
        ]


def test_a_configuration_of_another_form_is_put_aside_and_the_rest_is_read(tmp_path):
    agent = parquet(
        [{"model_name": "m", "score": 0.5, "category": "overall", "leaderboard_publish_date": "2026-09-13"}]
    )
    with offering(tmp_path, arena([rating("m", 1000.0)], agent=agent, search=b"no parquet")) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, items.quarantined, scores.kept) == (3, 1, 2, 1)
        assert [reason for _, _, reason in boards.reasons()] == [
            "columns rating are missing", "it cannot be read as Parquet (ArrowInvalid)",
        ]  # fmt: skip
