"""What the installed lm-evaluation-harness says of its tasks, read without a network and without its heavy parts."""

import json
import subprocess
import sys

import polars as pl
import pytest

from pipeline.errors import InputError
from pipeline.evaluate import registry
from pipeline.facts import tables
from pipeline.identity.normalise import CHOICES
from pipeline.sources.harness import V2_METRICS, V2_SHOTS

# Not a task of any version of the registry: what all subjects of MMLU before 0.4 begin with.
PREFIXES = {"hendrycksTest"}
FACTS = tables.load("benchmark_names").filter(pl.col("kind") == "task")


def names(*asked):
    return [task.name for task in registry.tasks(asked)]


def only(name):
    [task] = registry.tasks([name])
    return task


def test_a_task_says_how_it_asks_and_what_it_counts():
    assert only("boolq") == registry.Task(
        name="boolq", folder="super_glue", output_type="multiple_choice", shots=None, metrics={"acc": None}, choices=2,
        version="2.0", dataset="aps/super_glue", subset="boolq", unsafe=False,
    )  # fmt: skip
    gsm8k = only("gsm8k")
    assert (gsm8k.output_type, gsm8k.shots, dict(gsm8k.metrics), gsm8k.choices) == (
        "generate_until", 5, {"exact_match": True}, None)  # fmt: skip
    assert only("wikitext").metrics.keys() == {"word_perplexity", "byte_perplexity", "bits_per_byte"}


def test_the_chance_is_one_answer_in_so_many_where_a_task_names_its_answers():
    assert (only("boolq").chance, only("cb").chance, only("mmlu_anatomy").chance) == (1 / 2, 1 / 3, 1 / 4)
    # Answers that differ from question to question, and an answer that is written.
    assert (only("copa").chance, only("hellaswag").chance, only("gsm8k").chance) == (None, None, None)


def test_a_group_is_opened_to_its_tasks_and_so_are_the_groups_in_it():
    assert names("leaderboard_musr") == [
        "leaderboard_musr_murder_mysteries", "leaderboard_musr_object_placements", "leaderboard_musr_team_allocation",
    ]  # fmt: skip
    mmlu = registry.tasks(["mmlu"])
    assert (len(mmlu), {task.choices for task in mmlu}, {task.folder for task in mmlu}) == (57, {4}, {"mmlu"})
    assert len(names("leaderboard")) == 24 + 3 + 3 + 7 + 2


def test_a_tag_is_opened_to_its_tasks_wherever_they_lie():
    assert names("glue") == ["cola", "mnli", "mnli_mismatch", "mrpc", "qnli", "qqp", "rte", "sst2", "wnli"]
    assert names("mmlu_stem_tasks")[:2] == ["mmlu_abstract_algebra", "mmlu_anatomy"]
    assert names("multiple_choice") == ["darijahellaswag", "egyhellaswag", "hellaswag"]
    assert {task.folder for task in registry.tasks(["math_word_problems"])} >= {"aime", "gsm8k", "minerva_math"}


def test_a_group_may_hold_tasks_of_other_folders():
    found = {task.name: task.folder for task in registry.tasks(["multimedqa"])}
    assert (found["mmlu_anatomy"], found["pubmedqa"]) == ("mmlu", "pubmedqa")


def test_names_come_in_the_order_asked_for_and_none_twice():
    assert names("winogrande", "leaderboard_musr", "leaderboard_musr_team_allocation", "winogrande") == [
        "winogrande", *names("leaderboard_musr")]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("humaneval", "pass_at_k"),
        ("humaneval_instruct", "pass_at_k"),
        ("mbpp", "pass_at_1"),
        ("mbpp_plus", "pass_at_1"),
    ],
)
def test_tasks_that_run_code_a_model_wrote_are_marked(task, metric):
    assert (only(task).unsafe, list(only(task).metrics)) == (True, [metric])
    assert not any(task.unsafe for task in registry.tasks(["mmlu", "leaderboard", "gsm8k", "glue"]))


@pytest.mark.parametrize("name", ["no_such_task", "", "../leaderboard", "null", "scrolls"])
def test_a_name_that_stands_for_nothing_is_refused(name):
    with pytest.raises(InputError, match=f"task {name}: .*lm_eval ls tasks"):
        registry.tasks([name])


def test_a_group_that_defines_its_tasks_within_itself_is_refused_and_not_taken_for_empty():
    with pytest.raises(InputError, match="group flan_held_in: it defines tasks within itself"):
        registry.tasks(["flan_held_in"])


@pytest.mark.parametrize(
    "folder",
    # Names with and without quotes, tags in a line, in brackets, below each other and in a file that others include.
    ["acpbench", "afrixnli", "arc", "arithmetic", "darijammlu", "glue", "gpqa", "leaderboard", "mgsm", "mmlu",
     "super_glue", "wmdp"],
)  # fmt: skip
def test_every_name_that_the_harness_knows_of_a_folder_is_found_in_it(folder):
    known = registry._index(folder)
    assert known
    assert [name for name in known if folder not in registry._written().get(name, ())] == []


ALONE = """
import json, sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "subprocess.Popen"}:
        raise RuntimeError(event)

sys.addaudithook(watch)
from pipeline.evaluate import registry
found = [task.name for task in registry.tasks(["leaderboard", "humaneval", "mmlu"])]
heavy = [name for name in ("torch", "transformers", "tensorflow", "jax", "vllm") if name in sys.modules]
print(json.dumps([len(found), heavy]))
"""


def test_nothing_is_downloaded_and_neither_torch_nor_transformers_is_imported():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, json.loads(done.stdout or "null")) == (0, [39 + 1 + 57, []]), done.stderr


def test_numbers_of_answers_that_figures_are_made_with_are_those_of_the_registry():
    stated = {task.name: task.choices for task in registry.tasks(CHOICES["bbh"])}
    assert stated == CHOICES["bbh"]
    assert {task.choices for task in registry.tasks(["leaderboard_gpqa"])} == {CHOICES["gpqa"]["leaderboard_gpqa"]}
    # Of the others the registry only says where a question has its answers.
    for benchmark in ("musr", "mmlu_pro"):
        assert {task.choices for task in registry.tasks(CHOICES[benchmark])} == {None}


@pytest.mark.parametrize("benchmark", V2_METRICS)
def test_shots_and_metrics_of_the_second_leaderboard_are_those_of_its_tasks(benchmark):
    found = registry.tasks(CHOICES[benchmark])
    # A task that states none is asked without examples.
    assert {task.shots or 0 for task in found} == {V2_SHOTS[benchmark]}
    assert all(V2_METRICS[benchmark] in task.metrics for task in found)


def test_tasks_that_the_tables_of_facts_name_are_in_the_registry():
    # mgsm_direct and mgsm_cot_native were groups with a score of their own in earlier versions, and are tags today.
    unknown = [name for name in FACTS["name"] if name not in registry._written()]
    assert set(unknown) <= PREFIXES


def test_where_the_registry_knows_the_chance_the_tables_of_facts_say_the_same_or_nothing():
    chances = dict(tables.load("benchmarks").select("benchmark_id", "chance").iter_rows())
    compared = {}
    for name, benchmark in FACTS.filter(~pl.col("name").is_in(PREFIXES)).select("name", "benchmark_id").iter_rows():
        guessed = {task.chance for task in registry.tasks([name])}
        # A group whose tasks are guessed at different rates has no chance of its own.
        if len(guessed) == 1 and guessed != {None}:
            compared[name] = (guessed.pop(), chances[benchmark])
    assert {name: pair for name, pair in compared.items() if pair[1] not in {None, pair[0]}} == {}
    assert compared.keys() >= {"boolq", "gpqa_diamond_zeroshot", "leaderboard_gpqa", "leaderboard_gpqa_diamond", "mmlu"}
