"""Dated snapshots of the Open LLM Leaderboard: equal at the coarser published precision is not new."""

import json
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from pipeline import board_state, loading, raw
from pipeline.captures import CaptureWriter, every
from pipeline.errors import InputError, SourceError
from pipeline.settings import Settings
from pipeline.sources.board import BY_HAND
from pipeline.sources.open_llm_snapshots import BOARD, MAX_BYTES, SOURCE
from pipeline.warehouse import connect_work
from tests.conftest import moat, said
from tests.warehouse.literal_rows import URL, capture, rated, rows
from tests.warehouse.worlds import build_world

JULY, SEPTEMBER, MARCH = date(2024, 7, 15), date(2024, 9, 20), date(2025, 3, 15)
V1 = ("arc", "hellaswag", "mmlu", "truthfulqa", "winogrande", "gsm8k")
V2 = ("ifeval", "bbh", "math_lvl_5", "gpqa", "musr", "mmlupro")
NEWEST = tuple(f"evaluations_{key}_normalized_score" for key in ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro"))


def first(model, score, **more):
    """A row of the first board."""
    return {"fullname": model, "precision": "float16", "model_sha": "abc", "type": "pretrained", "merged": "TRUE",
            "flagged": "TRUE", "params_b": "7", "hub_license": "mit"} | dict.fromkeys(V1, score) | more  # fmt: skip


def second(model, score, **more):
    """A row of the second board as it was published in 2024."""
    return {"fullname": model, "precision": "float16", "model_sha": "abc", "chat_template": "TRUE",
            "type": "pretrained", "not_merged": "TRUE", "flagged": "TRUE", "params_b": "7", "hub_license": "mit",
            "upload_to_hub_date": "2024-06-01"} | dict.fromkeys(V2, score) | more  # fmt: skip


def newest(model, score, **more):
    """A row of the second board as it was published in 2025."""
    return {"model_name": model, "model_precision": "float16", "model_sha": "abc", "model_has_chat_template": "TRUE",
            "model_type": "pretrained", "features_is_merged": "FALSE", "features_is_flagged": "FALSE",
            "metadata_params_billions": "7.24", "metadata_hub_license": "mit", "metadata_upload_date": "2024-06-01",
            } | dict.fromkeys(NEWEST, score) | more  # fmt: skip


class Snapshots:
    """Snapshots loaded into a folder, and the state folded from them."""

    def __init__(self, folder):
        self.folder, self.settings = folder, Settings(data=folder / "data")

    def load(self, day, *table):
        file = self.folder / "snapshot.csv"
        pl.DataFrame(list(table)).write_csv(file)
        return loading.load(self.settings, SOURCE, file, day)

    def counts(self, day, *table):
        """New, same, finer, rescored and gone of one series."""
        changes = self.load(day, *table).changes
        [counts] = changes.filter(pl.col("series_id").str.ends_with("--bbh")).drop("series_id").rows()
        return counts

    def state(self, query="FROM raw.board_scores WHERE series_id = 'open_llm_v2--bbh' ORDER BY model, value"):
        with connect_work(self.settings) as connection:
            return connection.sql(query).pl()

    def values(self):
        """Model, value and whether it stands, of one series."""
        return self.state().select("model", "value", pl.col("gone_at").is_null()).rows()


@pytest.fixture
def board(tmp_path):
    return Snapshots(tmp_path)


@pytest.mark.parametrize(
    ("before", "now", "equal"),
    [("40.12", "40.12", True), ("40.12", "40.124999", True), ("40.12", "40.125", True), ("40.12", "40.115", True),
     ("40.12", "40.1251", False), ("40.12", "40.1149", False), ("40.12", "40.13", False), ("40.124", "40.12", True),
     ("40.124", "40.13", False)],
)  # fmt: skip
def test_equal_at_the_coarser_of_both_precisions_is_the_same_fact(board, before, now, equal):
    board.load(JULY, second("org/m", before))
    _, same, _, rescored, _ = board.counts(SEPTEMBER, second("org/m", now))
    assert (same, rescored) == ((1, 0) if equal else (0, 1))


@pytest.mark.parametrize("rounding", [ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN])
def test_however_a_board_rounds_its_own_values_are_equal(board, rounding):
    values = [Decimal(number).scaleb(-3) for number in range(40000, 40200)]
    board.load(JULY, *(second(f"org/{value}", str(value.quantize(Decimal("0.01"), rounding))) for value in values))
    finer = (newest(f"org/{value}", f"{value}0000000001") for value in values)
    assert board.counts(MARCH, *finer) == (0, 200, 200, 0, 0)


def test_the_finer_value_is_kept_and_the_fact_stays_the_one_that_was_seen_first(board):
    board.load(JULY, second("org/m", "40.12"))
    [old] = board.state().to_dicts()
    assert (old["value"], old["decimals"], old["observed_on"]) == (40.12, 2, JULY)
    assert board.counts(MARCH, newest("org/m", "40.1234567890123")) == (0, 1, 1, 0, 0)
    [now] = board.state().to_dicts()
    assert (now["value"], now["decimals"], now["observed_on"]) == (40.1234567890123, 13, MARCH)
    assert (now["fact_id"], now["seen_at"], now["gone_at"]) == (old["fact_id"], old["seen_at"], None)


def test_a_coarser_value_that_follows_a_finer_one_leaves_it(board):
    board.load(JULY, newest("org/m", "40.1234567890123"))
    assert board.counts(SEPTEMBER, second("org/m", "40.12")) == (0, 1, 0, 0, 0)
    assert board.values() == [("org/m", 40.1234567890123, True)]


def test_a_number_without_digits_among_numbers_with_two_has_two(board):
    board.load(JULY, second("org/m", "80"), second("org/other", "61.25"))
    assert board.counts(MARCH, newest("org/m", "80.3"), newest("org/other", "61.2512345")) == (0, 1, 1, 1, 0)


def test_a_rescored_value_is_a_new_fact_and_the_old_one_stays_as_history(board):
    board.load(JULY, second("org/m", "40.12"))
    assert board.counts(SEPTEMBER, second("org/m", "35.5")) == (0, 0, 0, 1, 0)
    assert board.values() == [("org/m", 35.5, True), ("org/m", 40.12, False)]


def test_what_is_not_listed_any_more_is_gone_and_stands_again_when_it_is_listed_again(board):
    board.load(JULY, *(second(f"org/m{number}", "40.12") for number in range(5)))
    kept = [second(f"org/m{number}", "40.12") for number in range(4)]
    assert board.counts(SEPTEMBER, *kept) == (0, 4, 0, 0, 1)
    again = [newest(f"org/m{number}", "40.121") for number in range(5)]
    assert board.counts(MARCH, *again) == (1, 4, 4, 0, 0)
    assert board.values() == [(f"org/m{number}", 40.121, True) for number in range(5)]


@pytest.mark.parametrize("more", [{"precision": "4bit"}, {"model_sha": "def"}, {"chat_template": "FALSE"}])
def test_another_precision_commit_or_template_is_another_evaluation(board, more):
    board.load(JULY, second("org/m", "40.12"))
    assert board.counts(SEPTEMBER, second("org/m", "40.12"), second("org/m", "40.12", **more)) == (1, 1, 0, 0, 0)


def test_a_file_that_was_loaded_before_changes_nothing_also_after_a_newer_one(board):
    tables = {JULY: [second("org/m", "40.12")], SEPTEMBER: [second("org/m", "35.5")]}
    for day, table in tables.items():
        assert board.load(day, *table).new
    before = board.state()
    for day, table in tables.items():
        again = board.load(day, *table)
        assert not again.new
        assert again.capture.manifest.revision == day.isoformat()
    assert board.state().equals(before)
    assert len(every(board.settings.captures, SOURCE)) == 2


def test_the_same_file_of_another_day_says_that_nothing_changed_by_then(board):
    board.load(JULY, second("org/m", "40.12"))
    assert board.load(SEPTEMBER, second("org/m", "40.12")).new
    assert board.state()["observed_on"].to_list() == [SEPTEMBER]


def test_an_older_snapshot_that_is_loaded_late_adds_history_alone(board):
    stands = [second("org/m", "35.5"), second("org/new", "50.01"), second("org/same", "20.02")]
    board.load(SEPTEMBER, *stands)
    before = board.state("FROM raw.board_scores WHERE gone_at IS NULL ORDER BY ALL").drop("fact_id")
    late = board.counts(JULY, second("org/m", "40.12"), second("org/same", "20.02"))
    assert late == (2, 0, 0, 0, 0)
    after = board.state("FROM raw.board_scores WHERE gone_at IS NULL ORDER BY ALL").drop("fact_id")
    assert after.sort("model", "series_id").equals(before.sort("model", "series_id"))
    [history] = board.state().filter(pl.col("gone_at").is_not_null()).to_dicts()
    assert (history["value"], history["observed_on"]) == (40.12, JULY)
    # It was never known to stand: it went when it came.
    assert history["seen_at"] == history["gone_at"]
    changes = board.state("SELECT observed_on, new, same, rescored FROM raw.board_changes"
                          " WHERE series_id = 'open_llm_v2--bbh' ORDER BY 1")  # fmt: skip
    assert changes.rows() == [(JULY, 2, 0, 0), (SEPTEMBER, 1, 1, 1)]


def test_what_was_known_after_an_earlier_file_can_be_folded_again(board):
    board.load(JULY, second("org/m", "40.12"))
    then = board.load(SEPTEMBER, second("org/m", "40.12"), second("org/n", "20.5"))
    known = board.state("FROM raw.board_scores ORDER BY ALL")
    board.load(MARCH, newest("org/m", "40.1234567"), newest("org/n", "33.3"))
    past = board.settings.model_copy(update={"known_at": then.capture.manifest.finished_at})
    with connect_work(past) as connection:
        raw.load_board(connection, past, BOARD, "by hand")
        assert connection.sql("FROM raw.board_scores ORDER BY ALL").pl().equals(known)


def test_true_means_no_merge_and_not_flagged_in_the_older_layouts_and_the_opposite_in_the_newest(board):
    board.load(JULY, first("v1/merge", "1", merged="FALSE"), first("v1/flagged", "1", flagged="FALSE"),
               first("v1/plain", "1"))  # fmt: skip
    board.load(SEPTEMBER, second("v2/merge", "1", not_merged="FALSE"), second("v2/flagged", "1", flagged="FALSE"),
               second("v2/plain", "1"), second("v2/typed", "1", type="🤝 base merges and moerges"))  # fmt: skip
    notes = "SELECT DISTINCT model, note, doubtful FROM raw.board_scores WHERE gone_at IS NULL ORDER BY model"
    merge, flagged = ("merge of other models", True), ("flagged by the board", True)
    assert board.state(notes).rows() == [
        ("v1/flagged", *flagged), ("v1/merge", *merge), ("v1/plain", None, False),
        ("v2/flagged", *flagged), ("v2/merge", *merge), ("v2/plain", None, False), ("v2/typed", *merge),
    ]  # fmt: skip
    # A model that is flagged later is marked, though its score is no new one.
    board.load(MARCH, newest("v2/merge", "1", features_is_merged="TRUE"), newest("v2/flagged", "1"),
               newest("v2/plain", "1", features_is_flagged="TRUE"), newest("v2/typed", "1"))  # fmt: skip
    assert board.state(notes).rows()[3:] == [
        ("v2/flagged", None, False), ("v2/merge", *merge), ("v2/plain", *flagged), ("v2/typed", None, False),
    ]  # fmt: skip


def test_the_first_board_is_in_fractions_as_it_is_live_and_ends_nothing_of_the_second(board):
    board.load(JULY, *(second(f"org/m{number}", "40.12") for number in range(10)))
    board.load(SEPTEMBER, first("org/m", "78.5", arc="64.25"))
    assert len(board.values()) == 10
    assert all(stands for _, _, stands in board.values())
    found = board.state("SELECT series_id, variant, value, decimals, evaluated_on FROM raw.board_scores"
                        " WHERE part = 'v1' ORDER BY series_id LIMIT 2")  # fmt: skip
    assert found.rows() == [
        ("open_llm_v1--arc", "org/m_float16_abc", 0.6425, 4, None),
        ("open_llm_v1--gsm8k", "org/m_float16_abc", 0.785, 3, None),
    ]
    units = board.state("SELECT DISTINCT left(series_id, 11), unit FROM raw.board_series ORDER BY 1")
    assert units.rows() == [("open_llm_v1", "fraction"), ("open_llm_v2", "percent")]


@pytest.mark.parametrize(("stated", "read"), [("-1", None), ("0", None), ("", None), ("7.24", 7.24)])
def test_a_model_without_a_size_has_none(board, stated, read):
    board.load(JULY, second("org/m", "40.12", params_b=stated, hub_license="", upload_to_hub_date=""))
    [model] = board.state("FROM raw.board_models").to_dicts()
    assert (model["hub_id"], model["params_b"], model["licence"], model["released_on"]) == ("org/m", read, None, None)


def test_evaluations_are_named_as_the_live_board_names_them(board):
    board.load(JULY, second("org/m", "40.12", model_sha=""), second("org/n", "40.12", chat_template="FALSE"))
    assert board.state()["variant"].to_list() == ["org/m_float16__True", "org/n_float16_abc_False"]


def test_what_is_no_percent_of_no_model_or_stated_twice_is_put_aside(board):
    board.load(JULY, second("org/m", "40.12", gpqa="101"), second("org/m", "50"), second("", "40.12"))
    [counted] = board.state("SELECT rows_read, rows_kept, rows_quarantined, metrics_read, metrics_kept FROM"
                            " raw.captures").rows()  # fmt: skip
    assert counted == (3, 1, 2, 6, 5)
    assert board.state("SELECT reason FROM raw.quarantine ORDER BY 1")["reason"].to_list() == [
        "evaluation that a row above states", "gpqa is no percent", "row without a usable model",
    ]  # fmt: skip


HEADER = ",".join(second("", "")).encode() + b"\n"
ROW = ",".join(second("org/m", "40.12").values()).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"model,score\norg/m,40\n", "its columns are those of no known layout"), (HEADER, "it has no rows"),
     (b"", "it cannot be read as CSV"), (HEADER + ROW + b",one more", "it cannot be read as CSV"),
     (HEADER + ROW.replace(b"org", b"\xff\xfe"), "it cannot be read as CSV"),
     (bytes(MAX_BYTES + 1), "it is over 64 MiB")],
    ids=["layout", "no rows", "empty", "ragged", "no text", "size"],
)  # fmt: skip
def test_a_file_that_is_no_snapshot_is_refused_and_leaves_nothing(tmp_path, content, message):
    file = tmp_path / "snapshot.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        loading.load(Settings(data=tmp_path), SOURCE, file, JULY)
    assert every(tmp_path / "captures", SOURCE) == []


def test_a_snapshot_that_newer_code_cannot_read_ends_nothing(board):
    board.load(JULY, second("org/m", "40.12"))
    with CaptureWriter(board.settings.captures, SOURCE, BY_HAND) as writer:
        writer.add(f"{SEPTEMBER}.csv", b"model,score\norg/m,40\n")
        writer.seal(revision=SEPTEMBER.isoformat(), client="none", requests=0, items=1, kind="delta")
    assert not board.load(JULY, second("org/m", "40.12")).new
    assert board.values() == [("org/m", 40.12, True)]
    assert board.state("SELECT kind, reason FROM raw.quarantine").rows() == [
        ("part", "its columns are those of no known layout")
    ]


def test_a_day_to_come_and_a_board_that_is_read_live_are_refused(board):
    with pytest.raises(InputError, match=r"--observed-on 2999-01-01: that day is to come"):
        board.load(date(2999, 1, 1), second("org/m", "40.12"))
    with pytest.raises(InputError, match=r"lmarena: it is no source that is loaded by hand. Use open_llm_csv"):
        loading.load(board.settings, "lmarena", board.folder, JULY)


def test_a_snapshot_a_fifth_smaller_than_the_one_before_is_refused_at_once(board):
    board.load(JULY, *(second(f"org/m{number}", "40.12") for number in range(5)))
    with pytest.raises(SourceError, match="it would leave 18 of 30 facts"):
        board.load(SEPTEMBER, *(second(f"org/m{number}", "40.12") for number in range(3)))
    assert len(every(board.settings.captures, SOURCE)) == 1
    assert len(board.values()) == 5


def test_a_file_loaded_by_hand_counts_whatever_hub_is_asked(board):
    board.load(JULY, second("org/m", "40.12"))
    for hub in ("local", "https://huggingface.co"):
        assert len(raw.captures_of(board.settings.model_copy(update={"hub": hub}), SOURCE)) == 1


def test_a_board_read_live_supersedes_its_snapshots_in_the_series_it_states():
    live = datetime(2026, 1, 1, tzinfo=UTC)
    old = {"source": SOURCE, "capture_id": "o1", "observed_on": JULY}
    about = {"benchmark_id": "votes", "benchmark_name": "Votes", "unit": "percent", "direction": "higher",
             "protocol": "p", "evaluator": "e", "comparability": "same_evaluator", "source_name": "s",
             "source_url": URL}  # fmt: skip
    both = [(SOURCE, "shared"), ("board", "shared"), (SOURCE, "alone")]
    with build_world(
        board_scores=[rated("old", "shared", 8.0), rated("old", "shared", 7.0, fact_id="1", **old),
                      rated("old", "alone", 6.0, fact_id="2", **old)],
        board_series=[about | {"source": source, "series_id": series} for source, series in both],
        board_models=[{"source": SOURCE, "model": "old", "access": "unknown"}],
        captures=[capture(SOURCE, 1)],
        sources=[{"source": SOURCE, "state": "by hand", "attribution": "O", "url": URL, "checked_at": live}],
        board_changes=[{"source": SOURCE, "capture_id": "o1", "observed_on": JULY, "series_id": "alone", "new": 1}],
    ) as world:  # fmt: skip
        assert rows(world, "SELECT series_id, value, superseded_at FROM staging.scores"
                           " WHERE series_id IN ('shared', 'alone') ORDER BY value") == [
            ("alone", 6.0, None), ("shared", 7.0, live), ("shared", 8.0, None),
        ]  # fmt: skip
        assert rows(world, "SELECT count(*) FROM staging.series WHERE series_id = 'shared'") == [(1,)]
        assert rows(world, f"SELECT state, due_at FROM marts.sources WHERE source = '{SOURCE}'") == [("by hand", None)]
        assert rows(world, "SELECT observed_on, series_id, new FROM ops.board_changes") == [(JULY, "alone", 1)]


def test_the_command_says_what_a_snapshot_changes(tmp_path):
    file = tmp_path / "snapshot.csv"
    pl.DataFrame([second("org/m", "40.12")]).write_csv(file)
    done = moat("load", SOURCE, str(file), "--observed-on", "2024-07-15", "--json", data=tmp_path)
    document = json.loads(done.stdout)
    assert document["new"]
    assert document["changes"][0] == {
        "series_id": "open_llm_v2--bbh", "new": 1, "same": 0, "finer": 0, "rescored": 0, "gone": 0,
    }  # fmt: skip
    done = moat("load", SOURCE, str(file), "--observed-on", "July", data=tmp_path, check=False)
    assert (done.returncode, "--observed-on July: it is no date" in said(done)) == (1, True)


REAL = {"v1_final_2024-06": date(2024, 6, 15), "v2_2024-07-15": JULY, "v2_2024-09-20": SEPTEMBER,
        "v2_final_2025-03": MARCH}  # fmt: skip
MEASURED = {
    # Evaluations of each board: listed for the first time, same, of these finer, rescored, gone.
    "v1_final_2024-06": dict.fromkeys(["arc", "gsm8k", "hellaswag", "mmlu", "truthfulqa", "winogrande"],
                                      (7169, 0, 0, 0, 0)),
    "v2_2024-07-15": dict.fromkeys(["bbh", "gpqa", "ifeval", "math_lvl_5", "mmlu_pro", "musr"], (238, 0, 0, 0, 0)),
    "v2_2024-09-20": {"bbh": (843, 212, 0, 25, 1), "gpqa": (843, 221, 0, 16, 1), "ifeval": (843, 215, 0, 22, 1),
                      "math_lvl_5": (843, 221, 0, 16, 1), "mmlu_pro": (843, 219, 0, 18, 1),
                      "musr": (843, 224, 0, 13, 1)},
    # MATH was scored anew for nearly all; 10 models are gone and 9 evaluations came back with another chat template.
    "v2_final_2025-03": {"bbh": (3515, 1042, 1042, 19, 19), "gpqa": (3515, 1046, 1046, 15, 19),
                         "ifeval": (3515, 1043, 1043, 18, 19), "math_lvl_5": (3515, 66, 66, 995, 19),
                         "mmlu_pro": (3515, 1044, 1044, 17, 19), "musr": (3515, 1047, 1047, 14, 19)},
}  # fmt: skip


def test_the_real_snapshots_in_order_and_again(board):
    folder = board.settings.shared / "data" / "open_llm_leaderboard"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; set MOAT_SHARED to the shared folder")
    states = []
    for name, day in REAL.items():
        found = loading.load(board.settings, SOURCE, folder / f"{name}.csv", day)
        counts = {row[0].partition("--")[2]: row[1:] for row in found.changes.iter_rows()}
        assert (found.new, counts) == (True, MEASURED[name])
        states.append(board.state("FROM raw.board_scores ORDER BY ALL"))
    standing = states[-1].filter(pl.col("gone_at").is_null())
    assert dict(standing.group_by("part").len().iter_rows()) == {"v1": 6 * 7169, "v2": 6 * 4576}
    assert board.state("FROM raw.quarantine").is_empty()
    for name, day in reversed(REAL.items()):
        assert not loading.load(board.settings, SOURCE, folder / f"{name}.csv", day).new
        assert board.state("FROM raw.board_scores ORDER BY ALL").equals(states[-1])
    board.settings.work_file.unlink()
    with connect_work(board.settings) as connection:
        board_state.fold(connection, board.settings, BOARD, every(board.settings.captures, SOURCE)[:2])
        assert connection.sql("FROM raw.board_scores ORDER BY ALL").pl().equals(states[1])
