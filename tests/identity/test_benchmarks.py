"""Which benchmark a name is: told by the table of facts or not at all; names that look alike are kept apart."""

import json
from itertools import combinations

import polars as pl
import pytest

from pipeline.facts import tables
from pipeline.identity.benchmarks import Name, benchmark_of, unit_of
from pipeline.identity.normalise import CHOICES
from pipeline.settings import Settings
from pipeline.sources.card_metrics import card_metrics

SHARED = Settings().shared / "data"
GROUP = SHARED / "lm_eval_results" / "2025-10_v0.4.9.1_qwen3-8b_leaderboard_group.json"
CLOSED = SHARED / "closed_baselines" / "closed_baselines.csv"


def announced(name):
    return benchmark_of(Name.of("announcement", name))


def card(dataset, title=None, config=None):
    return benchmark_of(Name.of("card", dataset, title, config))


APART = [
    ("MATH", "MATH-500", "MATH level 5"),
    ("GPQA", "GPQA Diamond"),
    ("MMLU", "MMLU-Pro", "MMLU-Redux", "MMLU-Redux 2.0", "MMMLU"),
    ("AIME 2024", "AIME 2025", "AIME 2026"),
    ("HumanEval", "HumanEval+"),
    ("MBPP", "MBPP+"),
    ("SWE-bench", "SWE-bench Lite", "SWE-bench Verified", "SWE-bench Pro", "SWE-bench Multilingual"),
    ("SimpleQA", "SimpleQA Verified"),
    ("MMMU", "MMMU-Pro"),
    ("ARC-C", "ARC-E", "ARC-AGI-1", "ARC-AGI-2"),
]


@pytest.mark.parametrize(("one", "other"), [pair for names in APART for pair in combinations(names, 2)])
def test_benchmarks_of_like_names_are_kept_apart(one, other):
    by_name = {row["name"].lower(): row["benchmark_id"] for row in tables.load("benchmarks").iter_rows(named=True)}
    found = [announced(name) or by_name.get(name.lower()) for name in (one, other)]
    assert None not in found
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("task", "benchmark"),
    [
        ("hendrycks_math", "math"),
        ("hendrycks_math500", "math_500"),
        ("leaderboard_math_hard", "math_level_5"),
        ("leaderboard_gpqa", "gpqa"),
        ("gpqa_diamond_zeroshot", "gpqa_diamond"),
        ("gpqa_main_n_shot", "gpqa_main"),
        ("aime24", "aime_2024"),
        ("aime25", "aime_2025"),
        ("humaneval_plus", "humaneval_plus"),
        ("mmlu_pro", "mmlu_pro"),
        ("mmlu_astronomy", None),
        ("hendrycksTest-astronomy", None),
        ("leaderboard_bbh_snarks", None),
    ],
)
def test_a_task_of_the_harness_is_a_benchmark_and_a_part_of_one_is_not(task, benchmark):
    assert benchmark_of(Name.of("task", task)) == benchmark


@pytest.mark.parametrize(
    ("names", "benchmark"),
    [
        (("cais/mmlu", "MMLU (5-Shot)", "all"), "mmlu"),
        (("CAIS/MMLU", "mmlu", "None"), "mmlu"),
        (("mmlu_pro", "MMLU Pro (5-Shot)", "MMLU Pro"), "mmlu_pro"),
        (("ai2_arc", "AI2 Reasoning Challenge (25-Shot)", "ARC-Challenge"), "arc_challenge"),
        (("Idavidrein/gpqa", "GPQA (0-shot)"), "gpqa"),
        (("Idavidrein/gpqa", "GPQA", "gpqa_diamond"), "gpqa_diamond"),
        (("openai_humaneval", "HumanEval"), "humaneval"),
        (("human-exams", "MMLU-Pro"), "mmlu_pro"),
        (("mmlu", "MMLU College Biology (5-shot)"), None),  # a subject
        (("OALL/AlGhafa-Arabic-LLM-Benchmark-Translated", "HELLASWAG (Arabic)"), None),  # a translation
        (("somebody/my_mmlu", "MMLU"), None),
        (("openai_humaneval", "HumanEval (Prompted)"), None),
        (("gpqa", "GPQA (Google-Patched Question Answering)"), None),
        (("mteb/arguana", "MTEB ArguAna"), None),
        (("x" * 10_000, {"a": 1}, 3), None),
    ],
)
def test_a_card_names_a_benchmark_by_dataset_title_and_configuration_together(names, benchmark):
    assert card(*names) == benchmark


def test_a_task_of_a_dataset_says_which_of_its_benchmarks():
    tasks = ["diamond", "gpqa_main", "gpqa_extended", "somebody's"]
    found = [benchmark_of(Name.of("dataset", "Idavidrein/gpqa", part=task)) for task in tasks]
    assert found == ["gpqa_diamond", "gpqa_main", "gpqa_extended", None]
    assert benchmark_of(Name.of("dataset", "cais/hle", part="default")) == "hle"
    assert (unit_of(Name.of("dataset", "cais/hle", part="hle")), unit_of(Name.of("dataset", "a/quiz"))) == (
        "fraction", None,
    )  # fmt: skip


def test_the_same_title_on_a_card_is_another_name_where_the_number_is_a_board_s():
    def read(url):
        dataset = {"type": "TIGER-Lab/MMLU-Pro", "name": "MMLU-PRO (5-shot)", "config": "main"}
        result = {"dataset": dataset, "metrics": [{"type": "acc", "value": 32.17}], "source": {"url": url}}
        [row], _ = card_metrics("org/m", [{"name": "m", "results": [result]}], trainer_card=False)
        return row["name_kind"], row["name"], row["title"], row["part"]

    board = "https://huggingface.co/spaces/open-llm-leaderboard/open_llm_leaderboard?query=org/m"
    assert read(board) == ("board", "Open LLM Leaderboard v2", None, "MMLU-PRO")
    assert read("https://example.org") == ("card", "TIGER-Lab/MMLU-Pro", None, "main")


def test_every_name_in_the_table_is_in_the_form_in_which_names_are_looked_up_and_is_there_once():
    names = tables.load("benchmark_names")
    columns = names.select("kind", "name", "title", "part").rows()
    assert [Name.of(*row) for row in columns] == [Name(*row) for row in columns]
    assert names.height == len({Name(*row).key for row in columns}) >= 250


def test_names_of_the_bundled_cards_are_mapped_where_they_are_no_embeddings():
    metrics = tables.load("hub_card_scores").with_columns(
        key=pl.coalesce("dataset_type", "dataset_name"),
        board=pl.col("result_url").fill_null("").str.contains("open_llm_leaderboard"),
    )
    embeddings = pl.any_horizontal(pl.col("key", "dataset_name").fill_null("").str.contains("(?i)mteb"))
    chat = metrics.filter(~embeddings & ~pl.col("board") & pl.col("key").is_not_null())
    known = [card(*row) is not None for row in chat.select("key", "dataset_name", "dataset_config").iter_rows()]
    assert sum(known) >= 200


@pytest.mark.skipif(not GROUP.is_file(), reason="needs lm_eval_results of the shared folder: set MOAT_SHARED")
def test_tasks_of_real_result_files():
    tasks = json.loads(GROUP.read_text())["results"]
    found = {benchmark_of(Name.of("task", task)) for task in tasks} - {None}
    assert found == {*CHOICES, "gpqa_diamond", "gpqa_main", "gpqa_extended"}


@pytest.mark.skipif(not CLOSED.is_file(), reason="needs closed_baselines of the shared folder: set MOAT_SHARED")
def test_names_of_announcements_are_the_benchmarks_that_the_series_of_the_facts_have():
    names = {announced(name) for name in pl.read_csv(CLOSED, infer_schema=False)["benchmark"].unique()}
    scores = tables.load("scores_closed").join(tables.load("series"), on="series_id")
    assert names == set(scores["benchmark_id"])
