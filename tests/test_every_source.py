"""Every source there is, from a local Hub into staging.scores and out again, and nothing twice."""

import json
import shutil

import polars as pl
import pytest

from pipeline.facts.hub_repositories import bundled_repositories
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import own_evaluations
from pipeline.sources.boards import BOARDS
from pipeline.warehouse import connect_published, logical_hash
from tests.conftest import CANARY, NO_SITE, moat
from tests.faults.test_canary import files_with_the_token
from tests.sources import board_data, test_every_eval_ever, test_harness_results, test_open_llm_leaderboard_v1
from tests.sources.board_data import arena, benchmark, contents, entry, epoch, rating, submission

FILED = {"filename": ".eval_results/hard.yaml", "verified": True,
         "data": {"dataset": {"id": "org/hard", "task_id": "accuracy"}, "value": 61.5}}  # fmt: skip
SOL = "GPT-5.6 Sol,,162.5,160,165,2026-07-09,OpenAI,USA,API access,Closed weights,"
NEW = "Newcomer 9,,158.5,155,161,2026-10-01,Lab,France,Open weights (unrestricted),Open weights,"
TABLES = "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
README = """---
model-index:
- name: unstated
  results:
  - dataset: {type: cais/mmlu, name: MMLU}
    metrics:
    - {type: accuracy, value: 71.5}
---
"""


RESULT = test_harness_results.FOLDED
RECORD = {"model": "org/small", "model_revision": "c" * 40, "suite": "smoke", "smoke": True, "harness": "0.4.13",
          "datasets": {}, "backend_versions": {}, "cell": "c1", "device": "cpu", "launcher": "subprocess"}  # fmt: skip


def models():
    found = Repositories.from_frame(bundled_repositories().head(40))
    found.put(Repository.new("org/small", evalResults=[FILED], safetensors={"total": 7_000_000_000}))
    found.put(Repository.new("org/unstated", {"README.md": README.encode()}))
    return found


def datasets():
    return Repositories.of(
        arena([rating("gpt-x", 1400.0), rating("small", 1300.0), rating("gpt-x", 1390.0, "2026-08-01")]),
        contents(submission("org/small", 41.5), submission("org/merge", 55.0, Merged=True)),
        benchmark("org/hard", [entry(1, "org/small", 61.5), entry(2, "org/gone", 50.5)]),
        test_every_eval_ever.dataset({test_every_eval_ever.PATH: test_every_eval_ever.RECORD}),
        test_open_llm_leaderboard_v1.dataset({test_open_llm_leaderboard_v1.PATH: test_open_llm_leaderboard_v1.FILE}),
        test_harness_results.dataset("open-llm-leaderboard/results", {RESULT: test_harness_results.file(0.2)}),
        epoch([SOL, NEW], ["m1,b1,0.6,GPQA diamond,2023-11-20,False,,,Newcomer 9,,,,2026-10-01,Epoch evaluations"]),
    )


@pytest.fixture(scope="module")
def hub():
    with serve(models(), datasets=datasets()) as running:
        yield running


def epoch_address(hub):
    return f"{hub.url}/datasets/{board_data.EPOCH}/resolve/main"


def run(hub, data):
    return moat("run", *NO_SITE, "--hub", hub.url, data=data, MOAT_EPOCH=epoch_address(hub), HF_TOKEN=CANARY)


@pytest.fixture(scope="module")
def data(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("every")
    evaluated = json.dumps(test_harness_results.file(0.3, "org/small")).encode()
    own_evaluations.seal(Settings(data=folder), hub.url, RECORD, {"one": evaluated})
    run(hub, folder)
    return folder


def query(data, sql):
    return pl.DataFrame(json.loads(moat("sql", sql, "--format", "json", data=data).stdout))


def test_the_captures_elsewhere_give_the_same_file(hub, data, tmp_path):
    shutil.copytree(data / "captures", tmp_path / "captures")
    done = moat("rebuild", data=tmp_path, MOAT_HUB=hub.url, MOAT_EPOCH=epoch_address(hub))
    with connect_published(Settings(data=data)) as published:
        digest, tables = logical_hash(published), published.sql(TABLES).fetchall()
    assert done.stdout.split() == [digest, str(Settings(data=tmp_path).published_file)]
    with connect_published(Settings(data=tmp_path)) as rebuilt:
        assert rebuilt.sql(TABLES).fetchall() == tables


def test_every_source_reaches_staging_with_provenance(data):
    found = query(
        data,
        "SELECT c.source, count(*) AS scores, count(*) FILTER (s.source_url LIKE 'http%') AS sourced,"
        " count(m.model_id) AS modelled, count(e.series_id) AS in_series FROM staging.scores AS s"
        " JOIN ops.captures AS c USING (capture_id) LEFT JOIN staging.models AS m USING (model_id)"
        " LEFT JOIN staging.series AS e USING (series_id) WHERE s.superseded_at IS NULL GROUP BY 1 ORDER BY 1",
    )
    asked = [board.source for board in BOARDS if board.load is None]  # the project's own runs among them
    assert found["source"].to_list() == sorted(["facts", "hub_models", *asked])
    scores = dict(zip(found["source"], found["scores"], strict=True))
    assert {name: scores[name] for name in scores if name not in {"facts", "hub_models"}} == {
        "epoch": 3, "evaluations": 1, "every_eval_ever": 1, "harness_results": 1, "hub_cards": 1,
        "hub_leaderboards": 2, "lmarena": 3,
        "open_llm_v1": 6, "open_llm_v2": 12,
    }  # fmt: skip
    for column in ("sourced", "modelled", "in_series"):
        assert found[column].to_list() == found["scores"].to_list()


def test_a_board_s_repository_is_one_of_the_hub_listed_or_not_and_other_names_stay_unresolved(data):
    found = query(data, "SELECT DISTINCT name, model_id, method FROM staging.aliases WHERE source <> 'hub_models'"
                        " AND (name LIKE 'org/%' OR name IN ('gpt-x', 'Newcomer 9', 'GPT-5.6 Sol')) ORDER BY 1, 2"
                  )  # fmt: skip
    assert found.rows() == [
        ("GPT-5.6 Sol", "gpt_5_6_sol", "exact"),
        ("Newcomer 9", "epoch:Newcomer 9", "unresolved"),
        ("gpt-x", "lmarena:gpt-x", "unresolved"),
        ("org/gone", "hub:org/gone", "hub id"),
        ("org/merge", "hub:org/merge", "hub id"),
        ("org/small", "hub:org/small", "hub id"),
        ("org/unstated", "hub:org/unstated", "hub id"),
    ]


def test_a_table_read_live_replaces_the_snapshot_of_it(data):
    found = query(data, "SELECT model, score FROM staging.gap_inputs WHERE series = 'epoch_eci' ORDER BY model")
    assert found.rows() == [("GPT-5.6 Sol", 162.5), ("Newcomer 9", 158.5)]
    head = query(data, "SELECT gap_raw FROM marts.headline WHERE is_headline AND tolerance = 'strict'"
                       " AND open_definition = 'downloadable'")  # fmt: skip
    assert head["gap_raw"].to_list() == [4.0]


def test_sources_say_what_was_asked_and_what_became_of_it(data):
    found = query(data, "FROM marts.sources ORDER BY source")
    assert found.filter(state="by hand")["source"].to_list() == ["open_llm_csv"]
    assert found.filter(state="own")["source"].to_list() == ["evaluations"]
    assert set(found.filter(~pl.col("state").is_in(["by hand", "own"]))["state"]) == {"asked"}
    assert found.filter(pl.col("attribution").is_null() | pl.col("licence").is_null()).is_empty()
    row = found.row(by_predicate=pl.col("source") == "lmarena", named=True)
    assert (row["rows_read"], row["scores"], row["licence"], row["requests"]) == (3, 3, "CC BY 4.0", 3)
    shown = moat("sources", data=data).stdout
    assert all(board.source in shown for board in BOARDS)


def test_nothing_that_any_source_leaves_holds_the_token(data):
    assert len(list((data / "captures").glob("*/*/manifest.json"))) >= 9
    assert files_with_the_token(data) == []


def test_a_second_run_adds_nothing(hub, data):
    facts = query(data, "SELECT count(*) AS n FROM staging.scores")
    before = hub.requests.copy()
    done = run(hub, data)
    assert "(+0); no source had anything new" in done.stderr
    assert query(data, "SELECT count(*) AS n FROM staging.scores").equals(facts)
    # The boards are asked whether they changed, and no file of theirs is read again but those without a commit.
    assert dict(hub.requests - before) == {"list": 2, "dataset list": 1, "leaderboard": 1, "dataset": 5, "file": 4}


def test_a_source_left_out_keeps_what_it_said(hub, data):
    moat("run", *NO_SITE, "--hub", hub.url, data=data, MOAT_SKIP="lmarena,epoch", MOAT_EPOCH="http://127.0.0.1:9")
    found = query(
        data, "SELECT source, state, scores FROM marts.sources WHERE source IN ('lmarena', 'epoch') ORDER BY 1"
    )
    assert found.rows() == [("epoch", "not asked", 0), ("lmarena", "not asked", 3)]


def test_a_repository_that_was_renamed_is_found_under_its_new_name(hub, data):
    hub.models.rename("org/unstated", "new/name")
    run(hub, data)
    found = query(data, "SELECT id, deleted_seen_at IS NULL AS there, renamed_to FROM staging.hub_models"
                        " WHERE id IN ('org/unstated', 'new/name') ORDER BY id")  # fmt: skip
    assert found.rows() == [("new/name", True, None), ("org/unstated", False, "new/name")]
    found = query(data, "SELECT model_id FROM staging.aliases WHERE method = 'renamed' AND name = 'org/unstated'"
                        " AND source = 'hub_models'")  # fmt: skip
    assert found.rows() == [("hub:new/name",)]
