"""Boards of scores in the form in which their sources publish them, served by the local Hub."""

import copy
import io
from contextlib import contextmanager
from dataclasses import replace

import polars as pl

from pipeline import board_state
from pipeline.captures import every
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.warehouse import connect_work

ARENA, CONTENTS, EPOCH = "lmarena-ai/leaderboard-dataset", "open-llm-leaderboard/contents", "epoch/data"
DESCRIBED = """
name: Hard questions
evaluation_framework: inspect-ai
tasks:
  - id: hard
    scorers: [{name: choice}]
"""


def parquet(rows):
    file = io.BytesIO()
    (rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)).write_parquet(file)
    return file.getvalue()


def rating(model, value, day="2026-09-13", **more):
    return {
        "model_name": model, "organization": "Lab", "license": "Proprietary", "rating": value,
        "rating_lower": value - 5, "rating_upper": value + 5, "variance": 2.5, "vote_count": 1000, "rank": 1,
        "category": "overall", "leaderboard_publish_date": day,
    } | more  # fmt: skip


def arena(rows, **others):
    """The dataset with the history of `text`, and further files by configuration."""
    files = {"text": parquet(rows), "text_to_image": b"not asked for"} | others
    return Repository.new(ARENA, {f"{name}/full-00000-of-00001.parquet": content for name, content in files.items()})


def submission(model, score, **more):
    return {
        "eval_name": f"{model}_bfloat16_sha", "Type": "pretrained", "fullname": model, "Merged": False,
        "Flagged": False, "#Params (B)": 7.2, "Hub License": "apache-2.0", "Upload To Hub Date": "2024-06-01",
        "IFEval": score, "BBH": score, "MATH Lvl 5": score, "GPQA": score, "MUSR": score, "MMLU-PRO": score,
    } | more  # fmt: skip


def contents(*rows):
    return Repository.new(CONTENTS, {"data/train-00000-of-00001.parquet": parquet(list(rows)), "README.md": b"#"})


def entry(rank, model, value, **more):
    return {"rank": rank, "modelId": model, "value": value, "filename": ".eval_results/hard.yaml", "verified": False,
            "source": {"url": "https://example.org/log", "name": "Log"}} | more  # fmt: skip


def benchmark(name, entries, described=DESCRIBED):
    files = {"README.md": b"#"} | ({} if described is None else {"eval.yaml": described.encode()})
    return Repository.new(name, files, leaderboard=entries, tags=["benchmark:official"])


INDEX_HEADER = ("Model,Display name,eci,eci_ci_low,eci_ci_high,date,Organization,Country (of organization),"
                "Model accessibility,Accessibility group,model_versions")  # fmt: skip
MATRIX_HEADER = ("model_id,benchmark_id,performance,benchmark,benchmark_release_date,optimized,model,model_version,"
                 "Model,model_group,Model aggregation,Model Aggregation Date,date,source")  # fmt: skip


def epoch(index, matrix):
    """A dataset in place of Epoch's folder of files."""
    files = {
        "eci_scores.csv": [INDEX_HEADER, *index],
        "eci_benchmarks.csv": [MATRIX_HEADER, *matrix],
        "edi_scores.csv": ["benchmark_name,is_anchor,benchmark_release_date,edi,estimated_slope_scaled"],
    }
    return Repository.new(EPOCH, {name: "\n".join(lines).encode() for name, lines in files.items()})


class Boards:
    """A local Hub that offers datasets, and what was captured of it."""

    def __init__(self, data, hub):
        self.hub = hub
        self.settings = Settings(data=data, backoff_s=0.01, retries=2, epoch=f"{hub.url}/datasets/{EPOCH}/resolve/main")

    def put(self, dataset):
        self.hub.datasets.put(dataset)

    def replace(self, dataset):
        """The dataset with other files, as its next commit."""
        old = self.hub.datasets.get(dataset.id)
        files = {path: file.content for path, file in dataset.commits[0].files.items()}
        gone = {path: None for path in old.commits[0].files if path not in files}
        self.put(replace(old.commit(files | gone), leaderboard=dataset.leaderboard))

    def fetch(self, board):
        return board.fetch(self.settings, self.hub.url, "hub")

    def fold(self, board, **more):
        """Items and scores read by capture folded now."""
        settings = self.settings.model_copy(update=more)
        with connect_work(settings) as connection:
            return list(board_state.fold(connection, settings, board, every(settings.captures, board.source)).values())

    def table(self, name="board_scores", query=""):
        with connect_work(self.settings) as connection:
            return connection.sql(f"FROM raw.{name} {query}").pl()

    def reasons(self):
        frame = self.table("quarantine", "ORDER BY kind, key, reason")
        return list(frame.select("kind", "key", "reason").iter_rows())


@contextmanager
def offering(data, *datasets):
    with serve(Repositories.of(), datasets=Repositories.of(*datasets)) as hub:
        yield Boards(data, hub)


def changed(thing, **changes):
    """A copy with other values at dotted places (two underscores for a dot); `...` takes a place away."""
    thing = copy.deepcopy(thing)
    for place, value in changes.items():
        *holders, last = place.split("__")
        at = thing
        for key in holders:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return thing
