"""Names of benchmarks in the warehouse: one benchmark, many series, each with its protocol, chance and scale."""

import polars as pl
import pytest

from pipeline.facts import tables
from pipeline.sources.board import Part
from pipeline.sources.card_metrics import card_metrics
from pipeline.sources.eval_results import eval_results
from pipeline.sources.open_llm_leaderboard import read as read_board
from tests.warehouse.literal_rows import SEEN, URL, rows, score
from tests.warehouse.worlds import build_world

V1 = "https://huggingface.co/spaces/HuggingFaceH4/open_llm_leaderboard"
V2 = "https://huggingface.co/spaces/open-llm-leaderboard/open_llm_leaderboard?query=org/m"


def card(repo, *results):
    """Rows of raw.card_metrics, as the reader of cards makes them; a result is dataset, title, value and more."""

    def result(dataset, title, value, config=None, metric="accuracy", source=None, shots=None):
        about = {"type": dataset, "name": title, "config": config}
        about |= {} if shots is None else {"args": {"num_few_shot": shots}}
        return {"dataset": about, "metrics": [{"type": metric, "value": value}], "source": {"url": source}}

    kept, _ = card_metrics(repo, [{"name": "m", "results": [result(*one) for one in results]}], trainer_card=False)
    return seen(kept)


def filed(repo, dataset, *values):
    named = {"id": dataset, "task_id": "default"}
    kept, _ = eval_results(repo, [{"data": {"dataset": named, "value": value}} for value in values])
    return seen(kept)


def seen(kept):
    return [row | {"capture_id": "h2", "seen_at": SEEN[1]} for row in kept]


def stated(series, protocol, benchmark="swe_bench_verified", **more):
    return {"source": "board", "series_id": series, "benchmark_id": benchmark, "benchmark_name": benchmark,
            "protocol": protocol, "evaluator": "e", "comparability": "loose", "unit": "percent",
            "direction": "higher", "source_name": "s", "source_url": URL} | more  # fmt: skip


def board_table():
    """The series of the second board, as its reader makes them."""
    part = Part("table", "open_llm_v2", "b1")
    columns = ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
    useful = ("Type", "Merged", "Flagged", "#Params (B)", "Hub License", "Upload To Hub Date")
    row = {"eval_name": "x", "fullname": "org/m"} | dict.fromkeys(columns, 40.0) | dict.fromkeys(useful)
    read_board(part, pl.DataFrame([row]))
    return [series | {"source": "board"} for series in part.frame("board_series").to_dicts()]


CARDS = [
    *card("org/plain", ("cais/mmlu", "MMLU (5-Shot)", 62.5, "all", "accuracy", None, 5)),
    *card("org/subject", ("mmlu", "MMLU Astronomy (5-shot)", 40.0)),
    *card(
        "org/ranked",
        ("TIGER-Lab/MMLU-Pro", "MMLU-PRO (5-shot)", 32.17, "main", "acc", V2, 5),
        ("hendrycks/competition_math", "MATH Lvl 5 (4-Shot)", 11.5, None, "exact_match", V2, 4),
        ("Idavidrein/gpqa", "GPQA (0-shot)", 4.7, None, "acc_norm", V2, 0),
        ("cais/mmlu", "MMLU (5-Shot)", 62.0, "all", "acc", V1, 5),
        ("hellaswag", "HellaSwag (10-Shot)", 81.5, None, "acc_norm", V1, 10),
    ),
    *card("org/copied", ("Idavidrein/gpqa", "GPQA (0-shot)", 2.91, None, "acc_norm", None, 0)),
    *card(
        "org/embeds",
        ("mteb/sts12-sts", "MTEB STS12", -12.5, None, "cos_sim_pearson"),
        ("mteb/banking77", "MTEB Banking77Classification", 81.5),
    ),
    *filed("org/filed", "cais/hle", 20.90, 0.412),
    *card("org/listed", ("boolq", None, 75.0)),
]
HUB = {
    "card_metrics": CARDS,
    "hub_models": [{"id": repo, "author": "org", "tags": [], "params_total": 7, "capture_id": "h2"}
                   for repo in sorted({row["repo_id"] for row in CARDS})],
}  # fmt: skip
MEASURED = score("a", 0.4, "f2", series_id="matrix", unit="fraction")
README = stated(CARDS[-1]["series_id"], "p", "card_boolq", name_kind="card", name="boolq")
PROTOCOLS = {
    "not stated": "not stated",
    "shots 5, metric acc, dataset MMLU (5-Shot)": "5-shot",
    "zero-shot chain-of-thought": "0-shot, CoT",
    "5-shot CoT (Gemini 0-shot)": "shots mixed, CoT",
    "metric Accuracy, n shot 5, library lm_eval 0.4.9": "5-shot, harness 0.4.3",
    "no tools, effort xhigh": "effort xhigh, no tools",
    "ARC Prize semi-private, GPT-5.2 (X-High)": "effort xhigh, semi-private",
    "ARC Prize semi-private, Claude Opus 4.6 (High, 120k thinking)": "thinking, effort high, budget 120k, semi-private",
    "ARC Prize semi-private, Claude 3.7 (16K)": "budget 16k, semi-private",
    "semi-private, 6 samples (high efficiency)": "6 samples, semi-private",
    "thinking 64k/64k/100k": "thinking, budget mixed",
    "full set, claude-opus-4-6 (Non-Thinking)": "non-thinking",
    "pro, GPT-5 w/o thinking": "non-thinking",
    "avg@64, non-thinking": "non-thinking, avg@64",
    "Maj1@32": "maj@32",
    "metric Pass@100": "pass@100",
    "metric pass@1": "pass@1",
    "agentic, single attempt": "pass@1",
    "search + Python, effort high": "effort high, tools, search",
    "search (blocklist) + code": "tools, search",
    "With tools": "tools",
    "thinking + parallel compute": "thinking, parallel",
    "v6 (Aug 2024 - May 2025), pass@1, non-thinking": "non-thinking, pass@1, v6",
    "val, GPT-5 w/ thinking": "thinking, val",
    "Epoch run, 484 tasks, setting high": "effort high, 484 tasks",
    "OpenAI internal, scaffold of the post, about 23 tasks omitted": "23 tasks omitted",
    "text only": "text only",
    "0-shot, mc2": "0-shot, mc2",
    "prompt strict": "prompt strict",
}  # fmt: skip
SCAFFOLDS = {
    "bash-only, mini-SWE-agent 1.17.2": "bash-only v1",
    "bash-only, mini-SWE-agent 2.0.0": "bash-only v2",
    "bash-only": "bash-only",
    "resolved": "not stated",
}
ERAS = {
    "library lm_eval 0.3.0": "harness 0.3",
    "library lm-evaluation-harness 0.4.2": "harness 0.4.0",
    "library lm_eval v0.4.3": "harness 0.4.3",
}


@pytest.fixture(scope="module")
def known():
    """What the tables of facts know, over the cards and boards of this file."""
    facts = {f"facts_{name}": [row | {"capture_id": "f2"} for row in tables.load(name).iter_rows(named=True)]
             for name in ("benchmarks", "benchmark_names")}  # fmt: skip
    matrix = stated("matrix", "performance between chance (0) and ceiling (1)", "gpqa_diamond", unit="fraction",
                    chance=0.0, ceiling=1.0)  # fmt: skip
    protocols = [stated(protocol, protocol) for protocol in PROTOCOLS | SCAFFOLDS | ERAS]
    board = [*board_table(), README, matrix, stated("odd", "p", "odd"), *protocols]
    with build_world(**facts, **HUB, board_series=board, facts_scores_closed=[MEASURED]) as world:
        yield world


def of(connection, repo, columns):
    query = (
        "SELECT {} FROM staging.scores AS s JOIN staging.series AS e USING (series_id) WHERE s.model_id = ? ORDER BY 1"
    )
    return connection.execute(query.format(columns), [f"hub:{repo}"]).fetchall()


def test_a_known_name_is_its_benchmark_with_chance_and_ceiling_in_the_unit_of_the_series(known):
    assert of(known, "org/plain", "benchmark_id, e.unit, chance, ceiling, protocol_class") == [
        ("mmlu", "percent", 25.0, 100.0, "5-shot")
    ]
    assert of(known, "org/plain", "value, s.unit, value_scaled, value_normalised") == [(62.5, "percent", 0.625, 0.5)]
    assert rows(known, "SELECT count(*) FROM staging.benchmarks WHERE benchmark_id = 'card_cais_mmlu'") == [(0,)]


def test_series_ids_do_not_depend_on_what_is_known(known):
    with build_world(**HUB) as unknown:
        for repo in ("org/plain", "org/subject", "org/ranked"):
            assert of(known, repo, "series_id") == of(unknown, repo, "series_id")
        assert of(unknown, "org/plain", "benchmark_id, chance") == [("card_cais_mmlu", None)]


def test_an_unknown_name_stays_a_benchmark_of_its_own_and_is_listed_with_what_to_do(known):
    query = ("SELECT benchmark_id, found_in, name, title, part, series, scores, models, split_part(what_to_do, '/', 4)"
             " FROM marts.unmapped_names WHERE benchmark_id IN ('card_mmlu', 'odd') ORDER BY 1")  # fmt: skip
    assert rows(known, query) == [
        ("card_mmlu", "card", "mmlu", "MMLU Astronomy", None, 1, 1, 1, "benchmark_names.csv"),
        ("odd", None, "odd", None, None, 1, 0, 0, "benchmarks.csv"),
    ]
    assert rows(known, "SELECT count(*) FROM marts.unmapped_names WHERE name = 'cais/mmlu'") == [(0,)]


def test_the_second_board_publishes_normalised_percent_and_the_first_plain_percent(known):
    assert of(known, "org/ranked", "benchmark_id, evaluator, chance, ceiling, protocol_class") == [
        ("gpqa", "Open LLM Leaderboard v2", 0.0, 100.0, "0-shot, acc_norm, normalised"),
        ("hellaswag", "Open LLM Leaderboard v1", 25.0, 100.0, "10-shot, acc_norm"),
        ("math_level_5", "Open LLM Leaderboard v2", 0.0, 100.0, "4-shot, normalised"),
        ("mmlu", "Open LLM Leaderboard v1", 25.0, 100.0, "5-shot"),
        ("mmlu_pro", "Open LLM Leaderboard v2", 0.0, 100.0, "5-shot, normalised"),
    ]


def test_one_benchmark_on_both_boards_or_by_an_author_is_three_series(known):
    ids = (
        of(known, "org/ranked", "series_id")
        + of(known, "org/plain", "series_id")
        + of(known, "org/copied", "series_id")
    )
    assert len(set(ids)) == len(ids) == 7


def test_a_card_that_copies_the_second_board_without_saying_so_has_no_known_chance(known):
    assert of(known, "org/copied", "benchmark_id, chance, ceiling, value_normalised") == [("gpqa", None, 100.0, None)]


def test_the_board_s_own_table_names_the_same_benchmarks(known):
    query = "SELECT benchmark_id, chance, ceiling FROM staging.series WHERE series_id LIKE 'open_llm_v2--%' ORDER BY 1"
    assert rows(known, query) == [
        (benchmark, 0.0, 100.0) for benchmark in ("bbh", "gpqa", "ifeval", "math_level_5", "mmlu_pro", "musr")
    ]


def test_percent_of_embeddings_is_no_benchmark_of_the_facts_and_has_no_chance(known):
    assert of(known, "org/embeds", "value, s.unit, value_scaled, value_normalised") == [
        (-12.5, "percent", -0.125, None),
        (81.5, "percent", 0.815, None),
    ]


def test_performance_as_epoch_publishes_it_is_never_scaled_again(known):
    query = ("SELECT benchmark_id, value_scaled, value_normalised, protocol_class FROM staging.scores"
             " JOIN staging.series USING (series_id) WHERE series_id = 'matrix'")  # fmt: skip
    assert rows(known, query) == [("gpqa_diamond", 0.4, 0.4, "normalised")]


def test_20_90_beside_0_412_is_one_score_and_one_put_aside(known):
    assert of(known, "org/filed", "benchmark_id, value, s.unit, value_normalised") == [
        ("hle", 20.9, "percent", pytest.approx(0.209))
    ]


def test_a_rating_is_not_normalised(known):
    assert set(rows(known, "SELECT value_scaled, value_normalised FROM staging.scores WHERE unit = 'elo'")) == {
        (None, None)
    }


def test_a_series_of_a_readme_that_the_list_states_too_is_one_series(known):
    assert of(known, "org/listed", "benchmark_id, protocol") == [("boolq", "metric accuracy")]
    query = "SELECT count(*) FROM staging.series WHERE series_id = ?"
    assert known.execute(query, [README["series_id"]]).fetchall() == [(1,)]


def classes(connection, protocols):
    query = "SELECT protocol, protocol_class FROM staging.series WHERE protocol = series_id"
    return {protocol: said for protocol, said in rows(connection, query) if protocol in protocols}


def test_the_words_of_a_protocol_are_put_in_one_order(known):
    assert classes(known, PROTOCOLS) == PROTOCOLS


def test_swe_bench_verified_by_bash_alone_is_told_apart_by_version_and_from_other_scaffolds(known):
    assert classes(known, SCAFFOLDS) == SCAFFOLDS
    assert rows(known, "SELECT DISTINCT benchmark_id FROM staging.series WHERE protocol LIKE 'bash-only%'") == [
        ("swe_bench_verified",)
    ]


def test_eras_of_the_harness_whose_prompts_differ_are_told_apart(known):
    assert classes(known, ERAS) == ERAS
