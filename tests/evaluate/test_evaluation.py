"""Evaluating models: from the Hub through the harness and Dagster to the leaderboard, and what may go wrong."""

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipeline.defs.evaluation import is_gated
from pipeline.errors import InputError
from pipeline.evaluate import cells, launch
from pipeline.evaluate.planning import History, note_failure
from pipeline.evaluate.suites import Entry, suite, suites
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import own_evaluations
from pipeline.sources.hub_client import HubClient
from tests.conftest import CANARY, MOAT, NO_SITE, ROOT, moat, said
from tests.evaluate import tiny
from tests.evaluate.conftest import values
from tests.sources.harness_files import MODEL, V043, changed

SETTINGS = Settings(hub="http://127.0.0.1:9", HF_TOKEN=None)


def captures(data):
    return sorted((data / "captures" / "evaluations").glob("[!.]*/manifest.json"))


def worker_of(data, after=None, within=60):
    """Process id and environment of the worker that writes to a data folder, once it has begun.

    `after` is one that was killed: it is listed a little longer than it lives.
    """
    end = time.monotonic() + within
    while time.monotonic() < end:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:
                continue
            if int(folder.name) != after and b"worker.py" in command and str(data).encode() in environment:
                return int(folder.name), environment.decode()
        time.sleep(0.05)
    raise TimeoutError("no worker began")


def test_a_model_goes_from_the_hub_to_the_leaderboard_and_a_smoke_test_counts_nowhere(evaluate, hub, tmp_path):
    found, done = evaluate(tiny.MODEL, data=tmp_path)
    assert "1 x smoke: about 368 requests" in said(done)
    assert found[0]["new"] is True
    assert set(values(found)[tiny.MODEL]) == {"copa", "cb"}
    assert all(0 <= value <= 1 for value in values(found)[tiny.MODEL].values())

    moat("run", *NO_SITE, data=tmp_path, MOAT_HUB=hub.url)
    with duckdb.connect(str(tmp_path / "published" / "openmoat.duckdb"), read_only=True) as published:

        def ask(query):
            return published.execute(query).fetchall()

        assert ask(
            "SELECT model, benchmarks, smoke_tests, index_value FROM marts.leaderboard WHERE smoke_tests > 0"
        ) == [(tiny.MODEL, 0, 2, None)]
        scored = ask(
            "SELECT e.name, s.value, s.n, s.left_out, s.tier, s.self_reported, s.source_name, s.evaluated_on IS NULL"
            " FROM staging.scores AS s INNER JOIN staging.series AS e USING (series_id) WHERE s.left_out = 'smoke'"
            " ORDER BY 1"
        )
        told = values(found)[tiny.MODEL]
        assert scored == [
            (task, told[task], 40, "smoke", "C", False, "Open Moat evaluations", False) for task in ("cb", "copa")
        ]
        # Nothing that gives the answer knows of it.
        for table, column in (("frontier", "model_name"), ("catch_up", "matched_by"), ("capability_index", "model")):
            assert ask(f"SELECT count(*) FROM marts.{table} WHERE {column} LIKE 'openmoat%'") == [(0,)]
        assert ask("SELECT count(*) FROM staging.gap_inputs WHERE model LIKE '%tiny%'") == [(0,)]
        assert ask("SELECT count(*) FROM marts.coverage WHERE hub_id = 'openmoat/tiny-gpt2'") == [(1,)]
        # Everything that an own score records.
        settled = published.execute("FROM staging.evaluations WHERE task = 'copa'").pl().to_dicts()[0]
        absent = {name for name, value in settled.items() if value is None}
        # Nothing was changed of how answers are written, no template or system prompt was used, nothing was packed.
        assert absent == {"gen_kwargs", "chat_template_sha", "system_instruction_sha", "quantised"}
        assert (settled["shots"], settled["era"], settled["backend"], settled["suite"]) == (0, "0.4.3", "hf", "smoke")
        assert (settled["dataset"], settled["dataset_name"]) == (tiny.DATASET, "copa")
        assert settled["dataset_revision"] == hub.datasets.get(tiny.DATASET).commits[0].sha
        assert settled["model_revision"] == hub.models.get(tiny.MODEL).commits[0].sha

    # Of two models of this Hub without any score the one that was tried is not tried again.
    options = ("--missing", "--limit", "10000", "--suite", "smoke", "--plan", "--json")
    plan = json.loads(moat("eval", *options, data=tmp_path, MOAT_HUB=hub.url).stdout)
    missing = [cell["model"] for cell in plan["cells"]]
    assert tiny.OTHER in missing
    assert tiny.MODEL not in missing
    assert plan["cost"]["cells"] == len(missing)
    assert plan["cost"]["requests"] == 368 * len(missing)


def test_what_was_evaluated_is_left_alone_until_it_is_asked_for_again(evaluate, hub, tmp_path):
    first, _ = evaluate(tiny.MODEL, data=tmp_path)
    second, done = evaluate(tiny.MODEL, data=tmp_path)
    assert "nothing to run: nothing is missing, or it was run before" in said(done)
    assert (first[0]["new"], second[0]["new"]) == (True, False)
    assert values(first) == values(second)
    assert len(captures(tmp_path)) == 1
    # Offline everything comes from the cache, at the same commits.
    third, _ = evaluate(tiny.MODEL, "--again", data=tmp_path, HF_HUB_OFFLINE="1")
    assert third[0]["new"] is True
    assert values(third) == values(first)
    before, after = History(Settings(data=tmp_path, hub=hub.url)).records
    assert before["model_revision"] == after["model_revision"]
    assert before["datasets"] == after["datasets"]


def test_offline_a_model_that_is_not_in_the_cache_is_refused(evaluate, tmp_path):
    found, done = evaluate(tiny.MODEL, data=tmp_path, check=False, HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert f"model {tiny.MODEL} is not in the cache, and HF_HUB_OFFLINE is set" in found[0]["error"]


def test_a_cell_that_fails_spoils_no_other(evaluate, tmp_path):
    found, done = evaluate("openmoat/none", tiny.OTHER, "--parallel", "2", data=tmp_path, check=False)
    assert done.returncode == 1
    assert found[0]["error"].startswith(
        "openmoat/none on smoke: model openmoat/none is not there at this revision, or needs permission (HF_TOKEN)"
    )
    assert found[1]["error"] is None
    assert len(captures(tmp_path)) == 1


def test_a_worker_that_takes_too_long_is_ended_and_tried_again(evaluate, tmp_path):
    found, done = evaluate(tiny.MODEL, data=tmp_path, check=False, MOAT_EVAL_TIMEOUT_S="0.5")
    assert done.returncode == 1
    assert found[0]["error"].startswith(f"{tiny.MODEL} on smoke: it ran longer than 0.5 s; see ")
    assert captures(tmp_path) == []


def test_a_worker_gets_no_secret_and_one_that_is_killed_is_started_again(hub, tmp_path):
    """It is started with a token, a cloud key and a home folder in which somebody is logged in."""
    (tmp_path / "dagster").mkdir()
    environment = {
        **os.environ, "MOAT_DATA": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster"), "MOAT_HUB": hub.url,
        "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY, "MOAT_EVAL_RETRIES": "2",
    }  # fmt: skip
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text(CANARY)
    command = [MOAT, "eval", tiny.MODEL, "--suite", "smoke", "--device", "cpu", "--json"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    killed, given = worker_of(tmp_path)
    os.kill(killed, signal.SIGKILL)
    worker_of(tmp_path, after=killed)
    answer, remarks = running.communicate(timeout=180)
    assert running.returncode == 0, remarks
    assert set(values(json.loads(answer))[tiny.MODEL]) == {"copa", "cb"}
    assert CANARY not in given
    assert {entry.partition("=")[0] for entry in given.split("\0")} <= {
        "", "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HF_HOME",
        "OMP_NUM_THREADS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HF_ENDPOINT", "HF_HUB_DISABLE_TELEMETRY",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_TOKEN_PATH", "TOKENIZERS_PARALLELISM", "PYTHONUNBUFFERED",
        "DAGSTER_PIPES_CONTEXT", "DAGSTER_PIPES_MESSAGES",
    }  # fmt: skip
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "token"]
    assert not [path for path in left if CANARY.encode() in path.read_bytes()]
    assert CANARY not in answer + remarks


def test_a_worker_goes_on_where_the_one_before_it_ended(hub, tmp_path):
    first = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options(device="cpu"))
    settings = Settings(data=tmp_path, hub=hub.url, eval_timeout_s=120)
    told = first.to_worker(settings)
    half = told | {"suite": told["suite"] | {"tasks": told["suite"]["tasks"][:1]}}
    run_worker(half, hub, tmp_path)
    output = Path(told["output"])
    done_at = (output / "copa.json").stat().st_mtime_ns
    run_worker(told, hub, tmp_path)
    assert (output / "copa.json").stat().st_mtime_ns == done_at
    assert (output / "cb.json").exists()
    # What another commit of the model did is no beginning of this cell.
    state = json.loads((output / "state.json").read_text())
    (output / "state.json").write_text(json.dumps(state | {"model_revision": "0" * 40}))
    run_worker(told, hub, tmp_path)
    assert (output / "copa.json").stat().st_mtime_ns != done_at


def run_worker(told, hub, folder):
    """The worker's own work, without Pipes."""
    code = (
        "import json, sys; from pipeline.evaluate import worker; cell = json.load(sys.stdin);"
        " worker.evaluate(cell, worker.Output(cell['output']))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [tiny.PYTHON, "-c", code], input=json.dumps(told), env=environment, text=True, capture_output=True, timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_task_that_runs_a_models_code_is_refused_unless_it_is_named():
    risky = suite("smoke").model_copy(update={"tasks": (Entry(task="humaneval", documents=164, answers=1),)})
    cell = cells.Cell(tiny.MODEL, risky, cells.Options())
    with pytest.raises(InputError, match="task humaneval: it runs code that a model wrote"):
        cells.check(SETTINGS, cell)
    named = replace(cell, options=cells.Options(unsafe=("humaneval",)))
    cells.check(SETTINGS, named)
    # Not where what the model wrote could read a token.
    with pytest.raises(InputError, match="could read a token"):
        cells.check(SETTINGS.model_copy(update={"eval_env": "SECRET"}), named)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"model": "../../etc/passwd"}, "it is no name of a repository"),
        ({"model": "a/b..c"}, "it is no name of a repository"),
        ({"suite": suite("open_llm_v2")}, "Idavidrein/gpqa: it needs permission"),
        ({"gated": True}, "openmoat/tiny-gpt2: it needs permission"),
        ({"revision": "main; rm -rf"}, "it is no revision"),
        ({"options": cells.Options(backend="local-completions")}, "it is no address"),
        ({"options": cells.Options(backend="local-completions", server="http://u:p@host/v1")}, "it may hold a secret"),
        ({"options": cells.Options(backend="vllm")}, "it needs vllm, which is not installed"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_started(change, wrong):
    cell = replace(cells.Cell(tiny.MODEL, suite("smoke"), cells.Options()), **change)
    with pytest.raises(InputError, match=wrong):
        cells.check(SETTINGS, cell)


def test_code_of_a_repository_is_never_run_and_no_folder_but_the_harness_s_own_is_read():
    told = cells.Cell(tiny.MODEL, suite("open_llm_v2"), cells.Options()).to_worker(Settings())
    assert told["folders"] == ["leaderboard"]
    assert not {"trust_remote_code", "include_path"} & set(told["arguments"])


def test_time_is_estimated_from_cells_of_the_same_backend_and_unknown_without_one(tmp_path):
    one = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options(), params_b=7.0)
    cost = History(Settings(data=tmp_path)).estimate([one, replace(one, model="a/b", params_b=None)])
    assert cost == {
        "cells": 2, "requests": 736, "weights_gb": 14.0, "of_unknown_size": 1, "hours": None, "of_unknown_time": 2,
    }  # fmt: skip


def test_the_bundled_hub_has_no_weights_and_another_hub_s_file_names_no_models(built, hub):
    done = moat("eval", tiny.MODEL, "--plan", data=built, check=False)
    assert "the bundled Hub has no weights. Use --hub https://huggingface.co" in said(done)
    done = moat("eval", "--missing", "--hub", hub.url, data=built, check=False)
    assert "the published file is of another Hub (bundled Hub (facts of the project))" in said(done)


def test_the_same_model_asked_in_another_way_is_another_cell_and_wording_makes_none():
    plain = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options())
    other_ways = [cells.Options(chat_template=True), cells.Options(dtype="float16"), cells.Options(max_length=512)]
    ids = {replace(plain, options=options).id for options in other_ways} | {plain.id, replace(plain, revision="v1").id}
    assert len(ids) == 5
    reworded = suite("smoke").model_copy(update={"title": "Another title", "source_url": "https://example.org"})
    assert replace(plain, suite=reworded).id == plain.id
    # The order of what is allowed, the size of a batch and the server's address change no score.
    for options in (cells.Options(batch_size=64), cells.Options(server="http://127.0.0.1:1/v1")):
        assert replace(plain, options=options).id == plain.id


def test_two_cells_of_one_model_and_suite_keep_their_scores_side_by_side(tmp_path):
    settings, file = Settings(data=tmp_path, hub="http://hub"), json.dumps(changed(V043)).encode()
    for cell in ("plain", "chat"):
        record = {"cell": cell, "model": MODEL, "model_revision": None, "suite": "smoke", "smoke": False,
                  "datasets": {}, "harness": "0.4.13", "backend_versions": {}, "device": "cpu",
                  "launcher": "subprocess"}  # fmt: skip
        own_evaluations.seal(settings, settings.hub, record, {"one": file})
    parts = [part.name for one in History(settings).captures.values() for part in own_evaluations.parse(one)]
    assert parts == [f"{MODEL}/smoke/plain/one.json", f"{MODEL}/smoke/chat/one.json"]


def test_models_that_failed_are_not_missing_until_they_were_run(tmp_path):
    settings = Settings(data=tmp_path, hub="http://hub")
    cell = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options())
    note_failure(settings, cell, "out of memory")
    assert History(settings).failed == {(tiny.MODEL, "smoke")}
    assert History(settings.model_copy(update={"hub": "http://other"})).failed == set()


def test_a_token_goes_along_only_where_it_is_needed(monkeypatch):
    """And never what a model wrote; see above."""
    monkeypatch.setenv("HF_TOKEN", CANARY)
    monkeypatch.setenv("ONE_MORE", "s")
    settings, plain = Settings(hub="http://hub"), cells.Cell(tiny.MODEL, suite("smoke"), cells.Options())
    given = launch.variables(settings, plain, "http://hub")
    assert (CANARY in given.values(), given["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) == (False, "1")
    for cell in (replace(plain, gated=True), replace(plain, suite=suite("open_llm_v2"))):
        given = launch.variables(settings, cell, "http://hub")
        assert (given["HF_TOKEN"], given["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) == (CANARY, "0")
    named = settings.model_copy(update={"eval_env": "ONE_MORE, ABSENT"})
    assert launch.variables(named, plain, "http://hub")["ONE_MORE"] == "s"
    # A node of a cluster has places of its own; that it is to stay offline it must be told.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    there = launch.variables(settings.model_copy(update={"eval_launcher": "ray"}), plain, "http://hub")
    assert ("PATH" in there, there["HF_HUB_OFFLINE"]) == (False, "1")


def test_whether_a_model_is_gated_is_asked_where_nothing_published_knows_it(tmp_path):
    models = Repositories.of(Repository.new("org/open"), Repository.new("org/gated", gated="manual"))
    with serve(models) as running:
        client = HubClient(Settings(data=tmp_path, hub=running.url, retries=0), running.url)
        assert [is_gated(client, name) for name in ("org/open", "org/gated", "org/none")] == [False, True, False]


def test_the_tasks_of_every_suite_can_be_loaded_where_workers_run():
    """Code of tasks is imported when they are loaded, and may want packages of its own; nothing is downloaded here."""
    told = [cells.Cell(tiny.MODEL, one, cells.Options()).to_worker(Settings()) for one in suites().values()]
    asked = [[cell["folders"], [entry["task"] for entry in cell["suite"]["tasks"]]] for cell in told]
    done = subprocess.run(
        [tiny.PYTHON, "-c", LOAD, json.dumps(asked)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[-1]) > 100


LOAD = """
import json, sys
from pathlib import Path
import nltk
nltk.download = lambda *_, **__: True  # a list of words from the web, which IFEval fetches when it is imported
import lm_eval
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

loaded, base = 0, Path(lm_eval.__file__).parent / "tasks"
for folders, names in json.loads(sys.argv[1]):
    index = TaskManager(include_defaults=False, include_path=[str(base / name) for name in folders]).task_index
    waiting = list(names)
    while waiting:
        entry = index[waiting.pop()]
        if entry.kind.name == "TAG":
            waiting += entry.tags
            continue
        load_yaml(entry.yaml_path, resolve_func=True)
        loaded += 1
        waiting += entry.cfg["task"] if entry.kind.name == "GROUP" else []
print(loaded)
"""
