"""Result files of lm-evaluation-harness of every era, as tests change and read them."""

from pipeline.sources import harness
from pipeline.sources.board import Part
from pipeline.sources.hub_files import Document
from tests.sources import board_data
from tests.sources.test_open_llm_leaderboard_v1 import write

SHA = "84430552036c85cc6a16722b26496df4d93f3afe"
CHAT = "ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122"
MODEL = "maker/small-7b"
NOON = 1717372800  # 2024-06-03, in UTC
PATH = "maker/small-7b/results_2024-06-03T12-00-00.123456.json"

# Before 0.4: metrics without a filter, one number of shots for all tasks, no date.
V03 = {
    "results": {
        "arc_challenge": {"acc": 0.4, "acc_stderr": 0.014, "acc_norm": 0.42, "acc_norm_stderr": 0.015},
        "boolq": {"acc": 0.7, "acc_stderr": 0.008},
    },
    "versions": {"arc_challenge": 0, "boolq": 1},
    "config": {"model": "hf-causal-experimental", "model_args": f"pretrained={MODEL},dtype=bfloat16",
               "num_fewshot": 5, "batch_size": "auto", "device": "cuda", "no_cache": True, "limit": None,
               "bootstrap_iters": 100000, "description_dict": {}},
}  # fmt: skip
# The first Open LLM Leaderboard: its own writer, tasks with their shots, a mean over everything.
LIGHTEVAL = {
    "config_general": {"lighteval_sha": "494ee122", "num_fewshot_seeds": 1, "override_batch_size": 1,
                       "max_samples": None, "job_id": "", "model_name": MODEL, "model_sha": SHA,
                       "model_dtype": "torch.bfloat16", "model_size": "13.99 GB"},
    "results": {
        "harness|arc:challenge|25": {"acc": 0.5, "acc_stderr": 0.014, "acc_norm": 0.55, "acc_norm_stderr": 0.015},
        "harness|truthfulqa:mc|0": {"mc1": 0.29, "mc1_stderr": 0.016, "mc2": 0.43, "mc2_stderr": 0.015},
        "all": {"acc": 0.5, "acc_norm": 0.55, "mc1": 0.29, "mc2": 0.43},
    },
    "versions": {"harness|arc:challenge|25": 0, "harness|truthfulqa:mc|0": 1, "all": 0},
    "config_tasks": {"harness|arc:challenge": "LM Harness task"},
    "summary_tasks": {}, "summary_general": {},
}  # fmt: skip
# 0.4.0 to 0.4.2: a metric and its filter, groups, settings by task.
V040 = {
    "results": {
        "pair": {"acc,none": 0.3, "acc_stderr,none": 0.01, "alias": "pair"},
        "one": {"acc,none": 0.2, "acc_stderr,none": 0.02, "alias": " - one"},
        "two": {"acc,none": 0.4, "acc_stderr,none": 0.03, "alias": " - two"},
    },
    "groups": {"pair": {"acc,none": 0.3, "acc_stderr,none": 0.01, "alias": "pair"}},
    "group_subtasks": {"pair": ["two", "one"]},
    "configs": {
        name: {"task": name, "dataset_path": f"org/{name}", "output_type": "multiple_choice",
               "doc_to_choice": ["A", "B", "C", "D"], "num_fewshot": 5,
               "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]}
        for name in ("one", "two")
    },
    "versions": {"one": 1.0, "two": 1.0},
    "n-shot": {"pair": 5, "one": 5, "two": 5},
    "config": {"model": "hf", "model_args": f"pretrained={MODEL},dtype=bfloat16", "batch_size": 8, "batch_sizes": [],
               "device": "cuda", "use_cache": None, "limit": None, "bootstrap_iters": 100000, "gen_kwargs": None},
    "git_hash": "4a1e48ce", "date": NOON, "pretty_env_info": "", "transformers_version": "4.38.2",
    "upper_git_hash": None,
}  # fmt: skip
BETWEEN = V040 | {
    "higher_is_better": {"pair": {"acc": True}, "one": {"acc": True}, "two": {"acc": True}},
    "n-samples": {"one": {"original": 100, "effective": 100}, "two": {"original": 300, "effective": 300}},
    "task_hashes": {"one": "11aa", "two": "22bb"}, "model_source": "hf", "model_name": MODEL,
    "config": V040["config"] | {"model_sha": SHA, "model_dtype": "torch.bfloat16", "model_revision": "main",
                                "model_num_parameters": 7_000_000_000},
}  # fmt: skip
V043 = BETWEEN | {
    "chat_template": None, "chat_template_sha": None, "system_instruction": None, "system_instruction_sha": None,
    "fewshot_as_multiturn": False, "max_length": 4096,
}  # fmt: skip
V049 = V043 | {
    "lm_eval_version": "0.4.9.2",
    "config": BETWEEN["config"] | {"model_args": {"pretrained": MODEL, "dtype": "bfloat16"}},
}
V0412 = V049 | {
    "lm_eval_version": "0.4.13.dev0",
    "results": {
        "one": {"name": "one", "alias": "one", "sample_len": 100, "acc,none": 0.2, "acc_stderr,none": 0.02},
        "two": {"name": "two", "alias": "two", "sample_len": 300, "acc,none": 0.4, "acc_stderr,none": 0.03},
        "pair": {"name": "pair", "alias": "pair", "sample_len": 400, "acc,none": 0.3, "acc_stderr,none": 0.01,
                 "sample_count": {"acc,none": 400}},
    },
}  # fmt: skip

URL = f"https://huggingface.co/datasets/testers/results/blob/main/{PATH}"
WRITTEN = harness.Written("Testers", "testers", "testers/results", URL)
# Why numbers are put aside.
LIMITED = "only some questions were asked: the run had a limit"
OWN_CODE = "unit not proven: the task works the metric out by code of its own"
NAMELESS = "result without a usable name of its task, metric, filter or version"
OUTSIDE, UNKNOWN = "value outside its scale", "unit not proven: scale of the metric unknown"


def changed(file, **changes):
    """A copy with other values at places, in which `n_shot` and `n_samples` are written as files write them."""
    written = {"n_shot": "n-shot", "n_samples": "n-samples"}
    places = {"__".join(written.get(key, key) for key in place.split("__")): value for place, value in changes.items()}
    return board_data.changed(file, **places)


def arguments(file, **stated):
    """The same run of a model with other arguments."""
    return changed(file, config__model_args=",".join(f"{name}={value}" for name, value in stated.items()))


def read(file, written=WRITTEN, path=PATH):
    part = Part(path, "harness_results", "capture")
    harness.read(part, Document(path, write(file)), written)
    return part


def rows(part, table="board_scores"):
    return [{name: value for name, value in row.items() if value is not None} for row in part.frame(table).to_dicts()]


def reasons(part):
    return [row["reason"] for row in rows(part, "quarantine")]


def pairs(file, written=WRITTEN):
    part = read(file, written)
    return list(zip(rows(part), rows(part, "board_series"), strict=True))


def of(name, file, written=WRITTEN):
    """The score and the series of one benchmark of a file."""
    [found] = [(score, series) for score, series in pairs(file, written) if series["benchmark_name"] == name]
    return found


def series_id(file, written=WRITTEN, name="one"):
    return of(name, file, written)[1]["series_id"]


def metrics(**said):
    """A file with one row of these metrics, with `__` for the comma before a filter."""
    return changed(V043, results={"one": {name.replace("__", ","): value for name, value in said.items()}})
