"""`moat eval` with a model behind a server of completions: the scores that the model gives inside the worker."""

import json
import socket
import subprocess
import time

import httpx2
import pytest
from huggingface_hub import HfApi
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.errors import InputError
from pipeline.evaluate import cells
from pipeline.evaluate.suites import suite
from pipeline.raw import captures_of
from pipeline.settings import Settings
from pipeline.sources.own_evaluations import SOURCE, record_of
from tests.conftest import moat, said
from tests.evaluate import tiny
from tests.evaluate.completions_server import HOST, listening, serving

TASKS = ("copa", "cb")
KEY = "sk-canary0123456789"
"""The key of the server, which must turn up nowhere."""
WITH_KEY = {"MOAT_EVAL_ENV": "OPENAI_API_KEY", "OPENAI_API_KEY": KEY}
BLIND_TO_TORCH = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name == "torch" else find(name, *more)
"""
LOSS = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
tokens = AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2], return_tensors="pt").input_ids
loss = AutoModelForCausalLM.from_pretrained(sys.argv[1])(tokens, labels=tokens).loss.item()
print(json.dumps([loss, *tokens.tolist()]))
"""
WITH_PASSWORD = (
    "http://me:sesame@127.0.0.1:8000/v1/completions",
    "http://me:sesame@[::1/v1/completions",
    "ftp://me:sesame@127.0.0.1/v1/completions",
    "http://me:sesame@/v1/completions",
    "me:sesame@127.0.0.1:8000/v1/completions",
    "http://127.0.0.1:8000/v1/completions?key=sesame",
    "http://127.0.0.1:8000/v1/completions#sesame",
)


class Evaluations:
    """Runs the real command line on the tiny model, each time with a data folder of its own."""

    def __init__(self, hub, root):
        self.hub, self.root = hub, root

    def run(self, name, *arguments, check=True, **environment):
        """Run the smoke suite; gives what the command said and the captures it left."""
        data = self.root / name
        data.mkdir()
        # A cache for all: only the first has to fetch the dataset.
        environment |= {"MOAT_HUB": self.hub.url, "HF_HOME": str(self.root / "hf"), "MOAT_EVAL_RETRIES": "0"}
        asked = ("--suite", "smoke", "--batch-size", "8", *arguments)
        done = moat("eval", tiny.MODEL, *asked, data=data, check=check, **environment)
        return done, captures_of(Settings(data=data, hub=self.hub.url), SOURCE)

    def of_server(self, name, address, *arguments, **options):
        """The same with a server, whose key the worker gets."""
        asked = ("--backend", "local-completions", "--server", address, *arguments)
        return self.run(name, *asked, **WITH_KEY | options)

    def holding(self, name, secret):
        """Files of a data folder in which something is written."""
        files = [path for path in (self.root / name).rglob("*") if path.is_file()]
        return [path for path in files if secret.encode() in path.read_bytes()]


def results(capture):
    """What the harness wrote down of every task."""
    return {task: json.loads(capture.page(f"{task}.json"))["results"][task] for task in TASKS}


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory):
    with tiny.hub() as hub:
        yield Evaluations(hub, tmp_path_factory.mktemp("evaluations"))


@pytest.fixture(scope="module")
def server():
    """Address of the completions of the tiny model, by the name of its repository."""
    with serving(tiny.model_folder(), tiny.MODEL, KEY) as url:
        yield f"{url}/v1/completions"


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory):
    """An interpreter for workers that has everything but torch."""
    folder = tmp_path_factory.mktemp("interpreter")
    (folder / "sitecustomize.py").write_text(BLIND_TO_TORCH)
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {tiny.PYTHON} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def in_worker(evaluations):
    """The smoke suite with the model in the worker: what was said, and the capture."""
    done, (capture,) = evaluations.run("in_worker", "--json")
    return done, capture


@pytest.fixture(scope="module")
def by_server(evaluations, server, without_torch):
    """The same with the server, and a worker that has no torch."""
    done, (capture,) = evaluations.of_server("by_server", server, "--json", MOAT_EVAL_PYTHON=str(without_torch))
    return done, capture


def test_the_server_says_what_the_model_says_however_a_prompt_is_written(server):
    """Its mean log-probability is the loss that transformers itself computes."""
    text = "the man ran because rain fell"
    command = [tiny.PYTHON, "-c", LOSS, tiny.model_folder(), text]
    loss, ids = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for prompt in (text, [text], ids, [ids, ids]):
        asked = {"model": tiny.MODEL, "prompt": prompt, "echo": True, "logprobs": 1, "max_tokens": 0}
        answer = httpx2.post(server, json=asked, headers={"Authorization": f"Bearer {KEY}"}).json()
        for choice in answer["choices"]:
            first, *others = choice["logprobs"]["token_logprobs"]
            assert first is None
            assert -sum(others) / len(others) == pytest.approx(loss, abs=1e-5)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]


def test_a_model_behind_a_server_has_the_scores_it_has_in_the_worker(in_worker, by_server):
    """To the last digit: a score counts right answers, and both find the same ones."""
    (in_worker_said, in_worker_capture), (by_server_said, by_server_capture) = in_worker, by_server
    assert results(by_server_capture) == results(in_worker_capture)
    (one,), (other,) = json.loads(in_worker_said.stdout), json.loads(by_server_said.stdout)
    assert one["scores"] == other["scores"]
    assert {score["task"] for score in one["scores"]} == set(TASKS)


def test_the_record_says_that_a_server_answered_and_not_which_commit_it_has(evaluations, in_worker, by_server):
    """A server does not say what it serves; of what the worker itself took, the commit is known."""
    ours, theirs = record_of(in_worker[1]), record_of(by_server[1])
    assert (ours["backend"], theirs["backend"]) == ("hf", "local-completions")
    assert ours["model_revision"] == HfApi(evaluations.hub.url).model_info(tiny.MODEL).sha
    assert theirs["model_revision"] is None
    assert theirs["datasets"] == ours["datasets"]


def test_the_commit_that_a_server_has_is_known_where_it_was_stated(evaluations, server):
    commit = HfApi(evaluations.hub.url).model_info(tiny.MODEL).sha
    _, (capture,) = evaluations.of_server("stated", server, "--revision", commit)
    assert record_of(capture)["model_revision"] == commit


def test_a_worker_that_asks_a_server_does_without_torch(by_server, without_torch, tmp_path):
    """`by_server` ran with this interpreter; that it finds no torch is shown here."""
    (tmp_path / "script.py").write_text("import torch")
    found = subprocess.run([without_torch, tmp_path / "script.py"], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in found.stderr
    assert record_of(by_server[1])["tasks"] == list(TASKS)


def test_the_key_of_a_server_is_kept_nowhere(evaluations, by_server):
    """The server answers none but who has it, so the worker had it."""
    done, capture = by_server
    assert KEY not in done.stdout + done.stderr
    assert not evaluations.holding("by_server", KEY)
    # Pages of a capture are compressed.
    assert not [name for name in capture.manifest.pages if KEY.encode() in capture.page(name)]


def failing(evaluations, name, address, *arguments):
    """What the command says of a server that gives no scores; it stops soon, and nothing of it is kept."""
    started = time.monotonic()
    done, captures = evaluations.of_server(name, address, *arguments, check=False)
    assert time.monotonic() - started < 90
    assert (done.returncode, captures) == (1, [])
    assert f"failed: {tiny.MODEL} on smoke: " in said(done)
    assert "Traceback" not in done.stderr
    # Neither in what was said nor in the worker's log, where the harness writes the request that failed.
    assert KEY not in done.stdout + done.stderr
    assert not evaluations.holding(name, KEY)
    return said(done)


def test_a_server_that_fails_fails_the_model(evaluations):
    async def fail(_):
        return PlainTextResponse("out of memory", 500)

    with listening(Starlette(routes=[Route("/v1/completions", fail, methods=["POST"])])) as url:
        message = failing(evaluations, "fails", f"{url}/v1/completions")
    assert "500" in message


def test_a_server_that_is_not_there_fails_the_model(evaluations):
    with socket.create_server((HOST, 0)) as taken:
        address = f"{HOST}:{taken.getsockname()[1]}"
    assert f"Cannot connect to host {address}" in failing(evaluations, "absent", f"http://{address}/v1/completions")


def test_a_server_that_has_another_model_fails_the_model(evaluations, server):
    assert "404" in failing(evaluations, "other", server, "--served-name", "other")


@pytest.mark.parametrize("address", WITH_PASSWORD)
def test_an_address_with_a_password_is_refused_and_not_repeated(address):
    """Whatever else is wrong with it: what is refused is said without it."""
    cell = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options("local-completions", address))
    with pytest.raises(InputError, match="--server") as refused:
        cells.check(Settings(hub="http://127.0.0.1:9"), cell)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("number", [0, 1])
def test_a_password_on_the_command_line_is_in_no_output_and_starts_no_worker(evaluations, number):
    name = f"password{number}"
    done, captures = evaluations.of_server(name, WITH_PASSWORD[number], check=False)
    assert (done.returncode, captures) == (1, [])
    assert "--server: " in said(done)
    assert "Traceback" not in done.stderr
    assert "sesame" not in done.stdout + done.stderr
    assert not evaluations.holding(name, "sesame")
    assert not (evaluations.root / name / "evaluations").exists(), "a worker was started"
