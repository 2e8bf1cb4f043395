"""`moat explain` and `moat gap --policy`: a reader without help understands why one number is used."""

import io
import json

import pytest

from pipeline.report.console import PlainConsole
from pipeline.report.explain import explain, show
from pipeline.settings import Settings
from tests.conftest import moat, said


@pytest.fixture
def published(built, monkeypatch):
    monkeypatch.setenv("MOAT_DATA", str(built))
    return Settings()


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize("width", ["80", "160"])
def test_the_number_its_source_and_the_reason_come_first(built, width):
    text = words(moat("explain", "o1", "GPQA Diamond", data=built, COLUMNS=width).stdout)
    assert text.startswith(
        "o1 on GPQA diamond: 76.8% (published as 0.69 of the way from chance to the ceiling) is used, from Epoch"
        " evaluations (independent run or official board), because of 4 scores its evidence is the strongest (1 weaker)"
        " and its protocol is the one that more models of the benchmark share (2 by another)."
    )
    assert "the vendor's own" in text
    assert "closed" in text
    assert "2024-12-05" in text


def test_every_score_of_the_cell_is_there_with_why_it_is_not_used(published):
    document = explain(published, "o1", "GPQA Diamond")
    assert [score["used"] for score in document["scores"]] == [True, False, False, False]
    assert document["scores"][0]["picked_by"][0] == "default"
    assert {score["shown"]: score["why"] for score in document["scores"][1:]} == {
        "75.7%": "not used: stronger evidence comes first",
        "75.76%": "not used: the protocol that more models of the benchmark share comes first",
        "76.77%": "not used: the protocol that more models of the benchmark share comes first",
    }
    vendor = explain(published, "o1", "GPQA Diamond", "vendor")
    assert vendor["sentence"].startswith("o1 on GPQA diamond: 75.7% is used, from OpenAI simple-evals benchmark table")


def test_what_it_prints_as_sql_gives_the_same_scores(built):
    document = json.loads(moat("explain", "O3", "aime-2024", "--json", data=built).stdout)
    listed = json.loads(moat("sql", document["sql"], "--format", "json", data=built).stdout)
    assert {row["score_id"] for row in listed} == {score["score_id"] for score in document["scores"]}
    assert "marked doubtful until it is checked at its source" in document["scores"][1]["why"]


@pytest.mark.parametrize("model", ["O1", "o1", " o1 ", "o-1"])
def test_case_and_punctuation_do_not_matter(published, model):
    for benchmark in ("gpqa_diamond", "GPQA-Diamond", "gpqa diamond"):
        document = explain(published, model, benchmark)
        assert (document["model_id"], document["benchmark_id"]) == ("o1", "gpqa_diamond")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["o1", "GPQA dimond"], "The nearest: GPQA diamond"),
        (["o11", "GPQA diamond"], "The nearest: o1"),
        (["gpt 4o", "GPQA diamond"], "GPT-4o ("),
        (["claude 3.7 sonnet", "winogrande"], "no source states a score. It has scores on:"),
        (["o1", "GPQA diamond", "--policy", "best"], "it is no policy"),
        (["", "GPQA diamond"], "there is none of this name"),
        (["\x1b[2Jo1", "GPQA diamond\x1b[2J"], "none of this name"),
    ],
)
def test_an_unknown_name_is_one_message_with_the_nearest(built, arguments, message):
    done = moat("explain", *arguments, data=built, check=False)
    assert done.returncode == 1
    assert message in said(done)
    assert "Traceback" not in done.stderr
    assert "\x1b[2J" not in done.stderr


def test_foreign_names_cannot_play_with_the_terminal(published):
    document = explain(published, "o1", "GPQA Diamond")
    evil = "\x1b[2J[bold]evil[/bold]\u202e"
    document["sentence"] += evil
    document["sql"] += evil
    document["model"]["organisation"] = evil
    for score in document["scores"]:
        score |= {"protocol": evil, "effort": evil, "source_name": evil, "why": evil, "shown": evil, "source_url": evil}
    console = PlainConsole()
    console.file = io.StringIO()
    show(document, console)
    printed = console.file.getvalue()
    assert "[bold]evil[/bold]" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_a_cell_of_hundreds_of_measures_is_cut_short(built):
    text = moat("explain", "BAAI/bge-multilingual-gemma2", "clarin-knext/nfcorpus-pl", data=built).stdout
    assert "and 111 more, none of them used: --json shows all" in words(text)


def test_the_effect_of_a_policy_on_the_headline_is_shown(built):
    document = json.loads(moat("gap", "--policy", "independent", "--json", data=built).stdout)
    gaps = {(row["series"], row["policy"]): row["gap"] for row in document["headline"]}
    assert gaps["epoch_eci", "default"] == gaps["epoch_eci", "independent"] == pytest.approx(4.64, abs=0.05)
    assert gaps["capability_index", "default"] == pytest.approx(4.64, abs=0.05)
    assert gaps["capability_index", "independent"] == pytest.approx(4.85, abs=0.05)
    assert "every policy gives the same figure" in document["headline"][0]["notes"][0]
    for entry in document["series"]:
        pairs = [entry["comparability"], *(event["comparability"] for event in entry["catch_up"])]
        assert entry["loose"] == ("loose" in pairs)
        assert [event["comparability"] is None for event in entry["catch_up"]] == [
            event["censored"] for event in entry["catch_up"]
        ]
    text = moat("gap", "--policy", "independent", data=built).stdout
    assert "What it does to the headline" in text
    assert "never in a headline" in text


def test_a_policy_goes_with_a_date_and_one_benchmark_but_not_with_a_file(built, tmp_path):
    arguments = ["gap", "--policy", "default", "--as-of", "2025-01-01", "--series", "gpqa_diamond", "--json"]
    document = json.loads(moat(*arguments, data=built).stdout)
    assert (document["as_of"], [entry["series"] for entry in document["series"]]) == (
        "2025-01-01", ["cell:gpqa_diamond"],
    )  # fmt: skip
    assert document["series"][0]["frontier"]["closed"]["released_on"] <= "2025-01-01"
    file = tmp_path / "scores.csv"
    file.write_text("model,benchmark,score,released_on,access\nA,quiz,1,2024-01-01,open\n")
    done = moat("gap", "--policy", "default", "--scores", str(file), data=built, check=False)
    assert (done.returncode, "Leave one of them out" in said(done)) == (1, True)


def test_the_published_table_says_what_the_command_says(built):
    query = ("SELECT policy, gap FROM marts.policy_effects WHERE series = 'cell:gpqa_diamond'"
             " AND policy IN ('default', 'same_protocol') ORDER BY policy")  # fmt: skip
    published = json.loads(moat("sql", query, "--format", "json", data=built).stdout)
    for row in published:
        arguments = ["gap", "--policy", row["policy"], "--series", "gpqa_diamond", "--json"]
        (entry,) = json.loads(moat(*arguments, data=built).stdout)["series"]
        assert entry["gap"]["raw"] == pytest.approx(row["gap"], abs=1e-6)
