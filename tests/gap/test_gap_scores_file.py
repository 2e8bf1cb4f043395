from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gap import scores_file
from pipeline.gap.lag import parse_tolerance
from pipeline.gap.scores_file import read_scores
from pipeline.gap.series import gap_document

TODAY = date(2026, 1, 1)
HEAD = "model,benchmark,score,released_on,access\n"
GOOD = "a,mmlu,0.5,2025-01-01,open\n"

# Ten models on one benchmark; two repeat nothing, one is of unknown access, one came closed first.
TEN = """model,benchmark,score,released_on,access,weights_on,chance,ceiling,stderr
c-one,quiz,0.40,2024-01-01,closed,,0.2,1.0,0.01
o-one,quiz,0.30,2024-02-01,open,,0.2,1.0,0.01
c-two,quiz,0.60,2024-04-01,closed,,0.2,1.0,0.01
o-two,quiz,0.40,2024-05-01,open,,0.2,1.0,0.01
mystery,quiz,0.99,2024-05-15,,,0.2,1.0,0.01
c-low,quiz,0.55,2024-06-01,closed,,0.2,1.0,0.01
turned,quiz,0.65,2024-07-01,open,2024-10-01,0.2,1.0,0.01
o-three,quiz,0.50,2024-08-01,open,,0.2,1.0,0.01
c-three,quiz,0.84,2024-11-01,closed,,0.2,1.0,0.01
o-four,quiz,0.68,2024-12-31,open,,0.2,1.0,0.01
"""


def write(tmp_path: Path, content: str | bytes, name: str = "scores.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, *words: str, **options) -> None:
    with pytest.raises(InputError) as caught:
        read_scores(path, today=TODAY, **options)
    for word in (path.name, *words):
        assert word in str(caught.value)


def months(days: int) -> float:
    return pytest.approx(days / 30.4375)


def test_every_number_of_ten_models_by_hand(tmp_path):
    table = read_scores(write(tmp_path, TEN), today=TODAY)
    document = gap_document(table.scores)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    series = document.pop("series")
    assert document == {"as_of": "2024-12-31", "tolerance": "strict", "open": "downloadable"}
    [quiz] = series
    catch_up = quiz.pop("catch_up")
    survival = quiz.pop("survival")
    notes = quiz.pop("notes")
    closing = quiz.pop("closing_rate")
    ends = {name: quiz["gap"].pop(name) for name in ("lo", "bias", "hi")}
    lag_ends = [quiz["lag_months"].pop(name) for name in ("lo", "hi")]
    weibull = survival.pop("weibull")
    assert quiz == {
        "series": "quiz",
        "models": 10,
        "open": 5,
        "closed": 4,
        "unknown": 1,
        "frontier": {
            "open": {"model": "o-four", "released_on": "2024-12-31", "score": 0.68},
            "closed": {"model": "c-three", "released_on": "2024-11-01", "score": 0.84},
        },
        # Scaled 0.8 against 0.6: logit = ln 4 - ln 1.5 = ln(8/3).
        "gap": {
            "raw": pytest.approx(0.16),
            "logit": pytest.approx(0.9808292530117262),
            "on": "2024-12-31",
        },
        # Closed passed 0.68 with c-three on 2024-11-01, 60 days before.
        "lag_months": {"backward": months(60), "bounded": False},
        "saturated": False,
    }

    def event(closed, closed_on, closed_score, opened, open_on, days, censored=False):
        return {
            "closed": closed,
            "closed_on": closed_on,
            "closed_score": closed_score,
            "open": opened,
            "open_on": open_on,
            "lag_months": months(days),
            "censored": censored,
            "already_reached": False,
        }

    assert catch_up == [
        event("c-one", "2024-01-01", 0.4, "o-two", "2024-05-01", 121),
        event("c-two", "2024-04-01", 0.6, "turned", "2024-10-01", 183),
        event("turned", "2024-07-01", 0.65, "turned", "2024-10-01", 92),
        event("c-three", "2024-11-01", 0.84, None, None, 60, censored=True),
    ]
    # Of four: the censoring at 60 days leaves 1, then 2/3 at 92, 1/3 at 121, 0 at 183.
    lo, hi = survival.pop("lo"), survival.pop("hi")
    assert survival.pop("rmst18_lo") < survival.pop("rmst18_hi")
    assert (survival.pop("calibrated_lo"), survival.pop("calibrated_hi")) == (None, None)
    assert survival == {
        "median": months(121),
        "rmst18": months(92 + 29 * 2 / 3 + 62 / 3),
        "n": 4,
        "censored": 1,
        "naive_mean": months(132),
        "oldest_unmatched_months": months(60),
    }
    # Three clusters (o-two, turned twice, c-three), 27 equal draws: the median is 92 days in 7 of them,
    # 121 in 19 and not reached in 1.
    assert lo == months(92)
    assert hi == months(121)
    assert notes == [
        "1 models of unknown access are on neither side",
        "1 models were closed before their weights came",
        "calibrated interval: only 2 open models answer for the records",
        "naive mean: matched records only, biased low",
        "closing rate: fewer than 6 months with both sides in since_2025",
    ]
    # Two models hold the frontiers in nearly every draw: the gap spreads like N(0.16, 0.01 * sqrt 2).
    assert ends["lo"] == pytest.approx(0.16 - 1.881 * 0.01 * 2**0.5, abs=0.003)
    assert ends["hi"] == pytest.approx(0.16 + 1.881 * 0.01 * 2**0.5, abs=0.003)
    assert ends["bias"] == pytest.approx(0, abs=0.003)
    assert lag_ends == [months(60), months(60)]
    assert (weibull["n"], weibull["censored"]) == (4, 1)
    assert 92 < weibull["median"] * 30.4375 < 183
    # Gaps from February to December: .1 .1 .3 .2 .2 .25 .15 .15 0 .19 .19, so sum(x y) = -.24 of 110.
    assert [entry["window"] for entry in closing] == ["12m", "24m", "since_2025", "whole"]
    year = closing[0]
    assert (year["n"], year["from"], year["slope_per_year"]) == (11, "2024-02-01", pytest.approx(-0.24 / 110 * 12))
    assert year["theil_sen"]["slope_per_year"] == pytest.approx(0)
    assert year["lo"] < year["slope_per_year"] < year["hi"]
    assert (closing[2]["n"], closing[2]["slope_per_year"], closing[2]["lag"]) == (0, None, None)


def test_ten_models_within_five_points_of_a_hundredth(tmp_path):
    table = read_scores(write(tmp_path, TEN), today=TODAY)
    [quiz] = gap_document(table.scores, date(2024, 9, 30), parse_tolerance("points:0.1"))["series"]
    # By then `turned` is closed only, and o-four and c-three do not exist.
    assert (quiz["models"], quiz["open"], quiz["closed"], quiz["unknown"]) == (8, 3, 4, 1)
    assert [(e["closed"], e["open"], e["lag_months"], e["censored"]) for e in quiz["catch_up"]] == [
        ("c-one", "o-one", months(31), False),
        ("c-two", "o-three", months(122), False),
        ("turned", None, months(91), True),
    ]
    assert quiz["gap"]["raw"] == pytest.approx(0.15)
    assert quiz["lag_months"] == {"backward": months(91), "bounded": False, "lo": None, "hi": None}


def test_ten_models_are_the_same_from_parquet(tmp_path):
    path = write(tmp_path, TEN)
    typed = pl.read_csv(path, try_parse_dates=True)
    assert typed.schema["released_on"] == pl.Date
    for name, frame in (("d", typed), ("t", typed.with_columns(pl.col("released_on").cast(pl.Datetime)))):
        frame.write_parquet(tmp_path / name)
        assert read_scores(tmp_path / name, today=TODAY).scores.equals(read_scores(path, today=TODAY).scores)


def test_optional_columns_are_read_and_unknown_ones_named(tmp_path):
    text = (
        "\ufeff model ,benchmark,score,released_on,access,unit,direction,licence_class,params_b,evaluated_on,x,y\n"
        ' "a" , mmlu ,5e1,2025-01-01, OPEN ,Percent,higher,restricted,7,2025-02-01,1,2\n'.replace(' "a" ', '"a"')
    )
    found = read_scores(write(tmp_path, text), today=TODAY)
    assert found.ignored_columns == ("x", "y")
    assert found.rows_read == 1
    row = found.scores.row(0, named=True)
    assert (row["model"], row["series"], row["score"], row["access"]) == ("a", "mmlu", 50.0, "open")
    assert (row["unit"], row["direction"], row["licence_class"], row["params_b"]) == (
        "percent",
        "higher",
        "restricted",
        7.0,
    )
    assert row["evaluated_on"] == date(2025, 2, 1)
    assert (row["chance"], row["ceiling"], row["stderr"]) == (None, None, None)


def test_blank_access_is_unknown_and_blank_date_stays_blank(tmp_path):
    found = read_scores(write(tmp_path, HEAD + "a,m,1,,\n"), today=TODAY).scores
    assert (found["access"].item(), found["released_on"].item()) == ("unknown", None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty"]),
        (b" \n\n", ["is empty"]),
        (b"\xef\xbb\xbf", []),
        (HEAD.encode(), ["no rows"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0", ["neither CSV nor Parquet"]),
        (b"PAR1 and then nothing", ["damaged"]),
        ((HEAD + GOOD).encode("utf-16"), ["UTF-16"]),
        (HEAD.encode() + b"caf\xe9,m,1,2025-01-01,open\n", ["line 2", "UTF-8"]),
        (b"model;benchmark;score\na;b;1\n", ["lacks", "model", "comma"]),
        (b"model,benchmark,score\na,b,1\n", ["released_on, access"]),
        (b"model,model,benchmark,score,released_on,access\n", ["'model' twice"]),
        ((HEAD + 'a,"b,1,2025-01-01,open\n').encode(), ["line 2", "quotes"]),
        (b'"model,benchmark\n', ["line 1", "quotes"]),
        (b"\n" + HEAD.encode() + GOOD.encode() + b"caf\xe9,m,1\n", ["line 4", "UTF-8"]),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, words):
    refused(write(tmp_path, content), *words)


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "none.csv", "cannot be read (No such file or directory)")
    refused(tmp_path, "cannot be read (Is a directory)")
    refused(tmp_path / "a\0b.csv", "cannot be read (embedded null byte)")


def test_damaged_parquet(tmp_path):
    buffer = io.BytesIO()
    pl.DataFrame({"model": ["a"] * 50}).write_parquet(buffer)
    refused(write(tmp_path, buffer.getvalue()[:-20]), "damaged")


def test_parquet_of_nested_cells(tmp_path):
    row = {"model": "a", "benchmark": "b", "score": [1.0], "released_on": "2025-01-01", "access": "open"}
    pl.DataFrame([row]).write_parquet(tmp_path / "n.parquet")
    refused(tmp_path / "n.parquet", "line 2", "column score", "not a number")


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",m,1,2025-01-01,open", "model", "blank"),
        ("a, ,1,2025-01-01,open", "benchmark", "blank"),
        ("a,m,,2025-01-01,open", "score", "blank"),
        ("a,m,85%,2025-01-01,open", "score", "'85%' is not a number"),
        ("a,m,NaN,2025-01-01,open", "score", "finite"),
        ("a,m,-inf,2025-01-01,open", "score", "finite"),
        ("a,m,1,2025-02-30,open", "released_on", "'2025-02-30' is not a date"),
        ("a,m,1,01/02/2025,open", "released_on", "YYYY-MM-DD"),
        ("a,m,1,2026-01-02,open", "released_on", "2026-01-02 is after today (2026-01-01)"),
        ("a,m,1,2025-01-01,opened", "access", "'opened' is none of open, closed, unknown"),
        ("a,m,1,2025-01-01", "access", "4 fields where the header has 5"),
        ("a,m,1,2025-01-01,open,7", "access", "6 fields where the header has 5"),
    ],
)
def test_bad_rows_are_named_or_skipped(tmp_path, row, column, reason):
    # A quoted line break and a blank line come before it: the line is that of the file.
    path = write(tmp_path, f'{HEAD}{GOOD}"two\nlines",mmlu,0.5,2025-01-01,open\n\n{row}\n{GOOD}')
    refused(path, "line 6", f"column {column}", reason, "--skip-bad")
    found = read_scores(path, skip_bad=True, today=TODAY)
    assert (found.rows_read, found.rows_skipped, found.scores.height) == (4, 1, 3)
    assert found.skipped[0].startswith(f"line 6, column {column}: ")
    assert reason in found.skipped[0]


@pytest.mark.parametrize(
    ("columns", "values", "column", "reason"),
    [
        ("stderr", "-0.1", "stderr", "below 0"),
        ("stderr", "few", "stderr", "'few' is not a number"),
        ("weights_on", "soon", "weights_on", "'soon'"),
        ("evaluated_on", "2027-01-01", "evaluated_on", "after today"),
        ("unit", "stars", "unit", "'stars'"),
        ("direction", "up", "direction", "'up'"),
        ("licence_class", "free", "licence_class", "'free'"),
        ("chance,ceiling", "1,1", "ceiling", "equals chance"),
        ("unit", "fraction", "score", "2 is no fraction"),
    ],
)
def test_bad_optional_cells(tmp_path, columns, values, column, reason):
    text = f"{HEAD.strip()},{columns}\na,m,2,2025-01-01,open,{values}\n"
    refused(write(tmp_path, text), "line 2", f"column {column}", reason)


def test_a_fraction_may_be_0_or_1_and_nothing_outside(tmp_path):
    head = HEAD.strip() + ",unit\n"
    assert read_scores(write(tmp_path, f"{head}a,m,0,2025-01-01,open,fraction\nb,m,1,2025-01-01,open,fraction\n"))
    refused(write(tmp_path, f"{head}a,m,-0.1,2025-01-01,open,fraction\n"), "-0.1 is no fraction (0 to 1)")


def test_several_bad_rows_count_once_each(tmp_path):
    path = write(tmp_path, f"{HEAD}{GOOD},,x,y,z\na,m,1,2025-01-01,q\n")
    refused(path, "line 3", "2 bad rows")
    assert read_scores(path, skip_bad=True, today=TODAY).rows_skipped == 2
    refused(write(tmp_path, f"{HEAD},,x,y,z\n"), "no usable row", skip_bad=True)


def test_future_is_after_today_only(tmp_path):
    assert read_scores(write(tmp_path, HEAD + "a,m,1,2026-01-01,open\n"), today=TODAY).rows_skipped == 0


def test_mixed_units_or_directions_name_the_rows(tmp_path):
    head = HEAD.strip() + ",unit\n"
    rows = "a,m,50,2025-01-01,open,percent\nb,m,0.5,2025-01-01,open,fraction\nc,m,60,2025-01-01,open,percent\n"
    path = write(tmp_path, head + rows)
    words = ("'m'", "percent on lines 2, 4", "fraction on line 3")
    refused(path, *words)
    refused(path, *words, skip_bad=True)
    apart = rows.replace("b,m", "b,n")
    assert read_scores(write(tmp_path, head + apart), today=TODAY).scores.height == 3
    both = HEAD.strip() + ",direction\na,m,1,2025-01-01,open,lower\nb,m,1,2025-01-01,open,higher\n"
    refused(write(tmp_path, both), "lower on line 2", "higher on line 3")
    # Also where another column is blank, and where the unit is one and the same.
    all_columns = HEAD.strip() + ",unit,direction,stderr\n"
    torn = "a,m,1,2025-01-01,open,percent,lower,\nb,m,1,2025-01-01,open,percent,higher,\n"
    refused(write(tmp_path, all_columns + torn), "column direction", "'m'", "lower on line 2", "higher on line 3")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_one_bad_cell_among_100_000_rows_is_named_with_its_line(tmp_path, ending):
    rows = [f"m{i},quiz,0.5,2025-01-01,open" for i in range(100_000)]
    rows[77_776] = "m,quiz,half,2025-01-01,open"
    path = write(tmp_path, ending.join([HEAD.strip(), *rows, ""]))
    refused(path, "line 77778, column score: 'half' is not a number.")
    found = read_scores(path, skip_bad=True, today=TODAY)
    assert (found.rows_read, found.skipped) == (100_000, ("line 77778, column score: 'half' is not a number",))


@pytest.mark.parametrize("body", ["1,2\n", "1,2", "1,2\n3,4\n5,6\n", "1,2\r\n3,4\r\n", "1,\n ,4\n", "a b,#c\n"])
def test_a_plain_file_is_read_all_at_once(body):
    table = scores_file._plain_csv("x , y\n" + body)
    assert table.frame.columns == ["x", "y"]
    assert [[cell or "" for cell in row] for row in table.frame.rows()] == [
        line.split(",") for line in body.splitlines()
    ]
    assert table.lines == list(range(2, 2 + len(body.splitlines())))


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n", "x\n1\n", "x,x\n1,2\n", 'x,y\n"1",2\n', "x,y\n1\r,2\n", "x,y\n1,2,3\n", "x,y\n1\n",
        "x,y\n1,2,\n3\n", "x,y\n , \n1,2\n",
    ],
)  # fmt: skip
def test_any_other_file_is_read_row_by_row(text):
    assert scores_file._plain_csv(text) is None


def test_a_quoted_file_keeps_line_breaks_within_cells_and_its_rows_apart_from_its_columns(tmp_path):
    # As many rows as columns: neither is taken for the other.
    rows = [f'"m\r\n{i}","q",{i},2025-01-0{i},open' for i in range(1, 6)]
    found = read_scores(write(tmp_path, HEAD + "\r\n".join(rows)), today=TODAY).scores
    assert found["model"].to_list() == [f"m\r\n{i}" for i in range(1, 6)]
    assert found["score"].to_list() == [1, 2, 3, 4, 5]


CELLS = st.text(alphabet='ab7 ,,,\n\n\r"#;\u00e9\u00a0', max_size=24)


@given(CELLS)
@example("1,2,\n3\n")  # a trailing empty field and a short row
@example("1\n2,3,4")
@example(" , \n1,2")
@example("1,2\n\n")
def test_reading_all_at_once_equals_reading_row_by_row(body):
    text = "x,y\n" + body
    quick = scores_file._plain_csv(text)
    if quick is None:
        return
    rows = [(line, row) for line, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1) if row][1:]
    assert [
        (line, [cell or "" for cell in row]) for line, row in zip(quick.lines, quick.frame.rows(), strict=True)
    ] == rows
