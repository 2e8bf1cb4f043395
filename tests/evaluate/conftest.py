"""A Hub with tiny models, and the real command line that evaluates them."""

import json

import pytest

from tests.conftest import moat
from tests.evaluate import tiny


@pytest.fixture(scope="session")
def hub():
    """The Hub, for tests that only read it."""
    with tiny.hub() as server:
        yield server


@pytest.fixture
def evaluate(hub):
    """Run `moat eval` in a data folder; gives what it printed as JSON and the whole outcome."""

    def run(*arguments, data, check=True, **environment):
        data.mkdir(parents=True, exist_ok=True)
        options = ("--suite", "smoke", "--batch-size", "8", "--device", "cpu", "--json")
        named = {"MOAT_HUB": hub.url, "HF_HOME": str(data / "hf"), "MOAT_EVAL_RETRIES": "1", **environment}
        done = moat("eval", *arguments, *options, data=data, check=check, **named)
        return json.loads(done.stdout) if done.stdout else None, done

    return run


def values(cells):
    """Scores of each model by task."""
    return {cell["model"]: {score["task"]: score["value"] for score in cell["scores"]} for cell in cells}
