"""The command line: bad input is one message and exit code 1, never a traceback; the published file stays."""

import json
from datetime import datetime, timedelta

import pytest

from tests.conftest import ROOT, moat, said

TEN = """model,benchmark,score,released_on,access
Closed A,quiz,50,2024-01-01,closed
Closed B,quiz,60,2024-03-01,closed
Closed C,quiz,60,2024-04-01,closed
Closed D,quiz,80,2024-07-01,closed
Closed E,quiz,70,2024-08-01,closed
Open A,quiz,40,2024-02-01,open
Open B,quiz,55,2024-05-01,open
Open C,quiz,62,2024-06-01,open
Open D,quiz,61,2024-09-01,open
Mystery,quiz,99,2024-02-01,unknown
"""
MONTH = 30.4375


def test_ten_models_by_hand(tmp_path):
    """Closed records: A 50, B 60, D 80 (C only equals B, E is below D). Open: A 40, B 55, C 62 (D is below C).

    Open B matches A on 2024-05-01 (121 days), open C matches B on 2024-06-01 (92 days), nobody matches D
    (62 days by 2024-09-01). Closed D is the first closed model above 62, so the backward lag is 62 days.
    """
    file = tmp_path / "ten.csv"
    file.write_text(TEN)
    document = json.loads(moat("gap", "--scores", str(file), "--json", data=tmp_path).stdout)
    assert document["as_of"] == "2024-09-01"
    (series,) = document["series"]
    assert (series["models"], series["open"], series["closed"], series["unknown"]) == (10, 4, 5, 1)
    assert series["frontier"]["open"] == {"model": "Open C", "released_on": "2024-06-01", "score": 62.0}
    assert series["frontier"]["closed"] == {"model": "Closed D", "released_on": "2024-07-01", "score": 80.0}
    assert series["gap"] == {"raw": 18.0, "logit": None, "on": "2024-09-01", "bias": None, "lo": None, "hi": None}
    assert series["lag_months"] == {"backward": pytest.approx(62 / MONTH), "bounded": False, "lo": None, "hi": None}
    events = [(e["closed"], e["open"], e["lag_months"], e["censored"]) for e in series["catch_up"]]
    assert events == [
        ("Closed A", "Open B", pytest.approx(121 / MONTH), False),
        ("Closed B", "Open C", pytest.approx(92 / MONTH), False),
        ("Closed D", None, pytest.approx(62 / MONTH), True),
    ]
    outcome = series["survival"]
    assert (outcome["n"], outcome["censored"]) == (3, 1)
    # 62 days: censored; 92 days: 2 at risk, 1 matched -> 0.5: the median; 121 days -> 0.
    assert outcome["median"] == pytest.approx(92 / MONTH)
    assert outcome["rmst18"] == pytest.approx((92 + 0.5 * 29) / MONTH)
    assert outcome["naive_mean"] == pytest.approx((121 + 92) / 2 / MONTH)
    assert outcome["oldest_unmatched_months"] == pytest.approx(62 / MONTH)
    within_ten = json.loads(
        moat("gap", "--scores", str(file), "--tolerance", "points:10", "--json", data=tmp_path).stdout
    )["series"][0]["catch_up"]
    assert [e["open"] for e in within_ten] == ["Open A", "Open B", None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gap", "--scores", "nowhere.csv"], "nowhere.csv"),
        (["gap", "--as-of", "soon"], "it is no date"),
        (["gap", "--tolerance", "loosely"], "loosely"),
        (["gap", "--open", "sort of"], "sort of"),
        (["gap", "--series", "nothing"], "there is no such series"),
        (["report", "--open", "sort of"], "it is no definition of open"),
        (["run", "--select", "(("], "--select ((: cannot be followed (invalid selection string"),
        (["run", "--select", "nothing"], "no assetsdefinition objects supply these keys"),
        (["run", "--select", "key:evaluate"], "--select key:evaluate: is of nothing that a run makes"),
        (["index", "--anchor", "GPT-5"], "it is not NAME=VALUE"),
        (["index", "--anchor", "Nobody=1", "--anchor", "GPT-5=150"], "Nobody"),
        (["index", "--scores", "nowhere.csv"], "nowhere.csv"),
        (["sql", "SELEKT 1"], "syntax error"),
        (["sql", "DROP TABLE marts.headline"], "read-only"),
        (["sql", "SELECT * FROM read_csv('/etc/passwd')"], "the query"),
        (["run", "--hub", "ftp://x"], "neither `local` nor an address"),
        (["run", "--hub", "http://127.0.0.1:9"], "cannot be reached"),
        (["run", "--as-of", "2024-13-01"], "it is no date"),
    ],
)
def test_bad_input_is_one_message(built, arguments, message):
    file = built / "published" / "openmoat.duckdb"
    before = file.stat().st_mtime_ns
    done = moat(*arguments, data=built, check=False, MOAT_RETRIES="0")
    assert done.returncode == 1
    assert message.lower() in said(done).lower()
    assert "Traceback" not in done.stderr
    assert file.stat().st_mtime_ns == before


def test_usage_is_exit_code_2(tmp_path):
    assert moat("gap", "--nonsense", data=tmp_path, check=False).returncode == 2


@pytest.mark.parametrize("command", ["report", "sources", "gap", "sql"])
def test_reading_before_the_first_run_says_what_to_run(tmp_path, command):
    done = moat(command, *(["SELECT 1"] if command == "sql" else []), data=tmp_path, check=False)
    assert (done.returncode, "Run `moat run`" in said(done)) == (1, True)


def test_every_reading_command_speaks_json(built):
    for arguments in (["report"], ["gap", "--series", "epoch_eci"], ["sources"], ["doctor"]):
        assert json.loads(moat(*arguments, "--json", data=built).stdout)
    listed = json.loads(moat("sql", "SELECT 1 AS one", "--format", "json", data=built).stdout)
    assert listed == [{"one": 1}]
    assert json.loads(moat("facts", "check", "--json", data=built).stdout)["problems"] == []


def test_sources_in_one_line_each_with_when_they_are_due(built):
    head, *lines = moat("sources", data=built).stdout.splitlines()
    assert "asked (UTC)" in head
    found = json.loads(moat("sources", "--json", data=built).stdout)
    assert [line.split()[0] for line in lines] == [*(row["source"] for row in found), "from", "from"]
    assert {row["source"] for row in found if row["state"] == "asked"} >= {"facts", "hub_models", "hub_cards"}
    for row in (row for row in found if row["state"] not in {"not asked", "by hand", "own"}):
        asked, due = (datetime.fromisoformat(row[name]) for name in ("checked_at", "due_at"))
        assert due.hour == 6
        assert timedelta(0) < due - asked <= timedelta(days=1)


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for command in (
        "run",
        "eval",
        "lineage",
        "memo",
        "load",
        "report",
        "gap",
        "index",
        "sql",
        "sources",
        "doctor",
        "picture",
        "site build",
        "facts check",
        "hub serve",
    ):
        assert f"moat {command}" in text
