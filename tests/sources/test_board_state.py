"""What stays, ends or is refused when a board is captured again."""

import hashlib

import pytest

from pipeline import hub_state
from pipeline.errors import SourceError
from pipeline.sources import boards as registry
from pipeline.sources.lmarena import BOARD
from pipeline.warehouse import connect_work
from tests.sources.board_data import ARENA, arena, offering, parquet, rating

FIVE = [rating(f"m{number}", 1000.0 + number) for number in range(5)]


def standing(boards):
    return sorted(boards.table(query="WHERE gone_at IS NULL")["model"].to_list())


def test_what_a_board_no_longer_states_is_dated_and_stays(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.replace(arena(FIVE[1:]))
        second, _ = boards.fetch(BOARD)
        boards.fold(BOARD)
        [gone] = boards.table(query="WHERE gone_at IS NOT NULL").iter_rows(named=True)
        assert (gone["model"], gone["gone_at"]) == ("m0", second.manifest.finished_at)
        assert len(standing(boards)) == 4


def test_a_file_that_became_unreadable_ends_nothing(tmp_path):
    with offering(tmp_path, arena(FIVE, vision=parquet(FIVE[:1]))) as boards:
        boards.fetch(BOARD)
        boards.replace(arena(FIVE, vision=b"broken"))
        boards.fetch(BOARD)
        boards.fold(BOARD)
        assert len(standing(boards)) == 6


def test_a_file_that_is_gone_ends_its_scores(tmp_path):
    with offering(tmp_path, arena(FIVE, vision=parquet(FIVE[:1]))) as boards:
        boards.fetch(BOARD)
        boards.replace(arena(FIVE))
        boards.fetch(BOARD)
        boards.fold(BOARD)
        assert len(standing(boards)) == 5


def test_a_state_a_fifth_smaller_fails_and_the_last_good_capture_stays_in_use(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        boards.replace(arena(FIVE[:3]))
        boards.fetch(BOARD)
        with pytest.raises(SourceError, match=r"lmarena.*it would leave 3 of 5 facts"):
            boards.fold(BOARD)
        assert len(standing(boards)) == 5
        # The next run asks again, and the board is well again.
        boards.replace(arena([*FIVE, rating("new", 1500.0)]))
        assert boards.fetch(BOARD)[1]
        boards.fold(BOARD)
        assert len(standing(boards)) == 6


def test_a_smaller_state_is_taken_on_demand_and_stays_taken(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        boards.replace(arena(FIVE[:1]))
        boards.fetch(BOARD)
        boards.fold(BOARD, accept_smaller="lmarena")
        assert standing(boards) == ["m0"]
        # A rebuild does not ask again.
        boards.settings.work_file.unlink()
        assert len(boards.fold(BOARD)) == 2
        assert standing(boards) == ["m0"]


def test_two_bad_captures_that_are_read_together_are_no_better_than_one(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        for rows in (FIVE[:2], FIVE[:1]):
            boards.replace(arena(rows))
            boards.fetch(BOARD)
        for left in (2, 1):
            with pytest.raises(SourceError, match=f"it would leave {left} of 5 facts"):
                boards.fold(BOARD)
        assert len(standing(boards)) == 5


def test_a_fact_that_is_stated_again_stands_again(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        for rows in (FIVE[1:], FIVE):
            boards.replace(arena(rows))
            boards.fetch(BOARD)
        boards.fold(BOARD)
        assert len(standing(boards)) == 5
        assert boards.table().height == 5


def test_captures_folded_in_steps_or_at_once_give_the_same(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        for rows in (FIVE[1:], [*FIVE, rating("new", 1500.0)]):
            boards.fetch(BOARD)
            boards.fold(BOARD)
            boards.replace(arena(rows))
        boards.fetch(BOARD)
        boards.fold(BOARD)
        in_steps = boards.table(query="ORDER BY fact_id")
        boards.settings.work_file.unlink()
        boards.fold(BOARD)
        assert boards.table(query="ORDER BY fact_id").equals(in_steps)


def test_a_row_given_twice_is_one_fact_and_counted(tmp_path):
    with offering(tmp_path, arena([FIVE[0], FIVE[0]])) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.read, items.kept, scores.read, scores.kept, scores.duplicate) == (2, 2, 2, 1, 1)


@pytest.mark.parametrize("board", [one for one in registry.BOARDS if one.fetch is not None], ids=lambda one: one.source)
def test_a_hub_without_the_dataset_does_not_offer_it(tmp_path, board):
    with offering(tmp_path) as boards:
        assert boards.fetch(board) is None


def test_a_board_that_is_gone_fails_and_is_named(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.hub.datasets.delete(ARENA)
        with pytest.raises(SourceError, match=r"dataset lmarena-ai/leaderboard-dataset is gone.*MOAT_SKIP=lmarena"):
            boards.fetch(BOARD)


def test_a_file_of_many_rows_arrives_whole(tmp_path):
    # More than DuckDB holds in one group of rows: those it writes ahead, and has lost in tables made of no rows.
    many = [rating(f"m{number}", 1000.0) for number in range(300_000)]
    with offering(tmp_path, arena(many)) as boards:
        boards.fetch(BOARD)
        [(items, scores)] = boards.fold(BOARD)
        assert (items.kept, scores.kept, boards.table().height) == (300_000, 300_000, 300_000)


def test_a_source_that_is_new_makes_no_other_one_be_read_again_and_a_table_of_other_columns_does(tmp_path):
    with offering(tmp_path, arena(FIVE)) as boards:
        boards.fetch(BOARD)
        boards.fold(BOARD)
        with connect_work(boards.settings) as connection:
            hub_state.fold(connection, boards.settings, [])
        assert boards.fold(BOARD) == []
        with connect_work(boards.settings) as connection:
            connection.execute("ALTER TABLE raw.board_models ADD COLUMN of_an_earlier_version VARCHAR")
        assert len(boards.fold(BOARD)) == 1
        assert len(standing(boards)) == 5


def test_the_fact_of_a_board_that_does_not_round_is_what_it_states_to_the_last_digit(tmp_path):
    with offering(tmp_path, arena([rating("m", 1000.0)])) as boards:
        boards.fetch(BOARD)
        boards.replace(arena([rating("m", 1000.0000000000001)]))
        boards.fetch(BOARD)
        boards.fold(BOARD)
        old, new = boards.table(query="ORDER BY value").to_dicts()
        assert (old["gone_at"] is None, new["gone_at"] is None) == (False, True)
        stated = ["lmarena", "m", old["series_id"], old["variant"] or "", "1000.0", "995.0", "1005.0", ""]
        assert old["fact_id"] == hashlib.md5(chr(31).join(stated).encode(), usedforsecurity=False).hexdigest()
        assert boards.table("board_changes").is_empty()
