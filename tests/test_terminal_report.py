"""`moat report` in a terminal: it fits any width without cutting a number, and its chart is read without colour."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pipeline.report.cells import cells
from pipeline.report.chart import NARROWEST, Lag, draw, score_ticks
from pipeline.report.fitting import Column, fitted, folded
from tests.conftest import MOAT, moat

WIDTHS = (60, 80, 160)
AS_OF = date(2025, 12, 31)
RISING = [
    ("closed", date(2024, 1, 20), 10.0, "C1"),
    ("closed", date(2024, 8, 1), 30.0, "C2"),
    ("closed", date(2025, 6, 1), 60.0, "C3"),
    ("open", date(2024, 3, 1), 5.0, "O1"),
    ("open", date(2025, 4, 1), 25.0, "O2"),
    ("open", date(2025, 10, 1), 32.0, "O3"),
]
DRAWN = """
──●── open   ╌╌■╌╌ closed
╞═╡ lag 7.0 months, since 2025-06-01
60 ┤                               ■╌╌╌╌╌╌╌╌╌╌╌╌╌ closed 60
   │                               ╎
   │                               ╎
   │                               ╎
45 ┤                               ╎
   │                               ╎
   │                               ╎
   │                lag 7.0 months ╞═══════●════╡ open 32
30 ┤             ■╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╯       │
   │             ╎             ●───────────┘
   │             ╎             │
   │             ╎             │
15 ┤             ╎             │
   │ ■╌╌╌╌╌╌╌╌╌╌╌╯             │
   │                           │
   │    ●──────────────────────┘
 0 ┤
   └┬─────────────────────┬──────────────────────
    2024                  2025                    2025-12-31
"""

any_score = st.floats(-2000, 2000).map(lambda score: round(score, 3) + 0.0)
any_record = st.tuples(
    st.sampled_from(["open", "closed", "unknown"]),
    st.integers(0, 1500).map(lambda days: AS_OF - timedelta(days=days)),
    any_score,
    st.text(max_size=40),
)
any_records = st.lists(any_record, max_size=25)
any_lag = st.none() | st.builds(Lag, st.floats(0, 80), st.booleans(), clearly=st.booleans())
many = settings(max_examples=150, deadline=None)


def table_of(records):
    return [dict(zip(("side", "released_on", "score", "model_name"), record, strict=True)) for record in records]


def chart(records, width=60, **options):
    return draw(table_of(records), AS_OF, width, **options).plain


def plot(drawn):
    """The rows of the plot, without what stands left of and on its score axis."""
    return [line[at.end() :] for line in drawn.splitlines() if (at := re.match(r"\s*-?[\d.]* [┤│]", line))]


def in_a_terminal(data, **environment):
    """What the command writes to a terminal that is 80 columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS"}}
    env = {**kept, "MOAT_DATA": str(data), "TERM": "xterm-256color", **environment}
    with subprocess.Popen([MOAT, "report"], env=env, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        written = b""
        try:
            while found := os.read(ours, 65536):
                written += found
        except OSError:  # how Linux says that the other side has closed
            pass
        finally:
            os.close(ours)
    assert process.returncode == 0
    return written.decode()


@pytest.fixture(scope="module")
def reports(built):
    return {width: moat("report", data=built, COLUMNS=str(width)).stdout for width in WIDTHS}


@pytest.fixture(scope="module")
def document(built):
    return json.loads(moat("report", "--json", data=built).stdout)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(reports, width):
    assert max(map(cell_len, reports[width].splitlines())) <= width
    assert "…" not in reports[width]
    assert "\x1b" not in reports[width]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_box_is_whole(reports, width):
    lines = reports[width].splitlines()
    top, bottom = (next(at for at, line in enumerate(lines) if line.startswith(corner)) for corner in "╭╰")
    assert (lines[top][-1], lines[bottom][-1]) == ("╮", "╯")
    assert {(line[0], line[-1], len(line)) for line in lines[top + 1 : bottom]} == {("│", "│", width)}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_gap_lag_and_index_stands_in_one_line(reports, document, width):
    lines = reports[width].splitlines()
    shown = document["answers"] + document["slices"]
    shown += [row for row in document["series"] if row["comparability"] != "loose"]
    for row in shown:
        gap, lag, *_ = cells(row)
        assert any(re.search(rf"(^| ){re.escape(gap)}  +{re.escape(lag)}( |$)", line) for line in lines), row
    for row in document["leaderboard"]:
        index = f"{row['index_value']:.1f} ({row['index_lo']:.1f} to {row['index_hi']:.1f})"
        rank = f"{row['rank_best']}-{row['rank_worst']}"
        assert any(line.startswith(f"{rank} ") and row["model"] in line and index in line for line in lines), row


def test_a_narrower_terminal_leaves_whole_columns_out_and_says_which(reports):
    heads = {
        width: next(line for line in reports[width].splitlines() if line.startswith("rank ")).split("  ")
        for width in WIDTHS
    }
    named = {width: {head.strip() for head in heads[width] if head.strip()} for width in WIDTHS}
    assert named[60] == {"rank", "model", "access", "index (90% CI)"}
    assert named[80] - named[60] == {"organisation", "released"}
    assert named[160] - named[80] == {"licence class", "benchmarks", "90% interval"}
    said = {width: " ".join(reports[width].split()).partition("Left out at ")[2] for width in WIDTHS}
    assert "released" in said[60]
    assert "licence class" in said[80]
    assert said[160] == ""


@pytest.mark.parametrize("width", WIDTHS)
def test_the_chart_follows_the_headline_and_names_both_ends_and_the_lag(reports, document, width):
    headline = document["headline"]
    text = reports[width]
    picture = text[text.index(headline["benchmark"] + ":") : text.index("Top 10")]
    assert text.index("╰") < text.index(picture) < text.index("rank ")
    for side in ("open", "closed"):
        assert f" {side} {headline[f'{side}_score']:.5g}" in picture
    assert f"lag {headline['lag_months']:.1f} months" in picture
    ticks = [line.split()[0] for line in picture.splitlines() if "┤" in line]
    assert len(ticks) in {4, 5}
    years = picture.splitlines()[-2 if picture.endswith("\n\n") else -1].split()
    first = min(row["released_on"] for row in document["frontier"])
    assert (years[0], years[-2], years[-1]) == (first[:4], headline["as_of"][:4], headline["as_of"])


def test_json_carries_the_rows_of_chart_and_table(built, document, reports):
    query = "SELECT side, released_on, model_name, score FROM marts.frontier WHERE series = 'epoch_eci' ORDER BY ALL"
    records = json.loads(moat("sql", query, "--format", "json", data=built).stdout)
    assert document["frontier"] == sorted(records, key=lambda row: (row["side"], row["released_on"], row["score"]))
    best = json.loads(moat("sql", "FROM marts.leaderboard LIMIT 10", "--format", "json", data=built).stdout)
    assert document["leaderboard"] == best
    table = reports[160][reports[160].index("Top 10") :].splitlines()[2:12]
    assert [row["model"] in line for row, line in zip(best, table, strict=True)] == [True] * 10


def test_the_chart_is_of_the_open_models_that_were_asked_for(built):
    chosen = json.loads(moat("report", "--open", "unrestricted", "--json", data=built).stdout)
    best = max(row["score"] for row in chosen["frontier"] if row["side"] == "open")
    assert best == pytest.approx(chosen["headline"]["open_score"])


def test_colour_in_a_terminal_and_none_where_it_is_not_wanted(built):
    coloured = in_a_terminal(built)
    assert "\x1b[" in coloured
    plain = in_a_terminal(built, NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert "\x1b" not in moat("report", data=built).stdout


@pytest.mark.parametrize(
    "encoding",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=["asked for", "locale C", "latin-1"],
)
def test_a_terminal_without_box_characters_gets_plain_ones(built, document, encoding):
    env = {**os.environ, "MOAT_DATA": str(built), "COLUMNS": "80", **encoding}
    done = subprocess.run([MOAT, "report"], env=env, capture_output=True, check=True)
    text = done.stdout.decode("latin-1")
    assert text.isascii() or "latin-1" in encoding.values()
    assert "[=] lag" in text
    assert "--o-- open   ..#.. closed" in text
    assert max(map(len, text.splitlines())) <= 80
    told = subprocess.run([MOAT, "report", "--json"], env=env, capture_output=True, check=True)
    assert json.loads(told.stdout) == document


def test_a_chart_of_six_records():
    """Open passes 30 last; closed has been above its 32 since the first of June, seven months before the last day."""
    assert chart(RISING, lag=Lag(7.0)) == DRAWN.strip("\n")


def test_sides_are_told_apart_by_their_characters_alone():
    rows = plot(chart(RISING))
    assert {character for line in rows for character in line} >= set("─│┘●╌╎╯■")
    for side, own in (("open", "─│┘●"), ("closed", "╌╎╯■")):
        alone = plot(chart([record for record in RISING if record[0] == side]))
        assert {character for line in alone for character in line.partition(f" {side} ")[0]} == {*own, " "}


@pytest.mark.parametrize("records", [[], [("unknown", date(2025, 1, 1), 5.0, "X")]])
def test_nothing_to_draw(records):
    assert chart(records) == ""
    assert chart(RISING, width=NARROWEST - 1) == ""


def test_one_record_is_a_line_to_the_last_day():
    (line,) = (row for row in plot(chart([("open", date(2025, 7, 1), 0.5, "O")])) if "●" in row)
    assert re.fullmatch(r" +●─+ open 0\.5", line)


def test_ends_on_one_row_are_labelled_above_each_other_the_better_first():
    level = [("open", date(2025, 1, 1), 50.0, "O"), ("closed", date(2025, 2, 1), 50.1, "C")]
    labels = [row for row in plot(chart([*level, ("open", date(2024, 1, 1), 10.0, "P")])) if re.search("[a-z]", row)]
    assert [row.split()[-2:] for row in labels] == [["closed", "50.1"], ["open", "50"]]


def test_no_rule_where_the_lag_is_undefined():
    assert not set("╞═╡") & set(chart(RISING))


def test_a_lag_that_is_only_bounded_says_so():
    drawn = chart([("closed", date(2024, 1, 5), 60.0, "C"), RISING[3]], width=100, lag=Lag(23.8, bounded=True))
    assert "lag > 23.8 months: closed began ahead of today's best open score" in drawn
    assert "═ lag > 23.8 months ═" in drawn


@pytest.mark.parametrize("name", ["\x1b[2Jwiped", "[red]x[/red]", "two\nlines", "模型" * 20, "a\u202eb"])
def test_a_hostile_name_is_one_label(name):
    drawn = chart([("open", date(2025, 7, 1), 0.5, name)], width=100)
    assert not set("\x1b\u202e") & set(drawn)
    assert len(drawn.splitlines()) == len(chart(RISING, width=100).splitlines())
    assert max(map(cell_len, drawn.splitlines())) <= 100


@given(any_records, st.integers(NARROWEST, 200), any_lag, st.booleans())
@many
def test_any_chart_fits_its_width(records, width, lag, plain):
    drawn = chart(records, width, lag=lag, plain=plain)
    assert all(cell_len(line) <= width for line in drawn.splitlines())
    for side in ("open", "closed"):
        own = [record[2] for record in records if record[0] == side]
        assert not own or f" {side} {max(own):.5g}" in drawn


@given(st.lists(any_record, max_size=12), st.integers(NARROWEST, 120))
@many
def test_ascii_needs_no_other_character(records, width):
    named = [(*record[:3], "A model") for record in records]
    assert chart(named, width, lag=Lag(3.0), plain=True).isascii()


@given(st.lists(any_record, min_size=1, max_size=25), st.integers(NARROWEST, 200), st.sampled_from(["open", "closed"]))
@many
def test_a_frontier_is_one_line_that_never_falls(records, width, side):
    """In every column from the first record on there is a character, none lower than in the column before."""
    drawn = plot(chart([(side, *record[1:]) for record in records], width))
    rows = [line.partition(f" {side} ")[0] for line in drawn]
    tops = {}
    for height, row in enumerate(rows):
        for column, character in enumerate(row):
            if character != " ":
                tops.setdefault(column, []).append(height)
    columns = sorted(tops)
    assert columns == list(range(columns[0], columns[-1] + 1))
    for before, after in pairwise(columns):
        assert min(tops[after]) <= min(tops[before])
        # It starts where the one before ended.
        assert max(tops[after]) == min(tops[before])


@given(any_score, any_score)
@many
def test_four_or_five_even_ticks_span_the_scores(one, other):
    lo, hi = sorted((one, other))
    ticks = score_ticks(lo, hi)
    assert len(ticks) in {4, 5}
    assert ticks[0] <= lo + 1e-6
    assert ticks[-1] >= hi - 1e-6
    assert ticks[1] - ticks[0] == pytest.approx((ticks[-1] - ticks[0]) / (len(ticks) - 1))


@given(st.text(max_size=60), st.integers(2, 30))
@many
def test_folded_text_fits_and_loses_nothing(text, width):
    lines = folded(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_are_wrapped_and_numbers_are_not():
    columns = [Column("name", wrap=6), Column("first"), Column("second", 1), Column("third", 2)]
    rows = [("long_name_of_a_model", "1.23 (0.5 to 2.1)", "45", "6.7")]
    for width, left_out in ((60, []), (40, []), (39, ["third"]), (32, ["second", "third"])):
        table, gone = fitted(columns, rows, width)
        console = Console(width=width)
        with console.capture() as capture:
            console.print(table)
        lines = capture.get().splitlines()
        assert gone == left_out
        assert max(map(cell_len, lines)) <= width
        assert any("1.23 (0.5 to 2.1)" in line for line in lines)
