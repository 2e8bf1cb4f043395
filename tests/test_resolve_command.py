"""`moat resolve`: what is unresolved, and a person's word on one name."""

import shutil

import pytest

from pipeline.errors import InputError
from pipeline.facts import tables
from pipeline.report.resolve import decide
from tests.conftest import moat, said

PAGE = "https://example.org/models"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(tables.FOLDER, tmp_path / "tables")
    return tmp_path / "tables"


def test_a_decision_is_a_row_of_the_aliases_that_passes_their_check(folder):
    decide('Chat, the "best"', "board", "gpt_5", PAGE, folder)
    assert tables.check(folder) == []
    added = tables.load("aliases", folder).filter(source="board").rows()
    assert added == [('Chat, the "best"', "board", "gpt_5", "manual", PAGE)]
    assert tables.load("aliases", folder).height == tables.load("aliases").height + 1


def test_everything_else_in_the_table_stays_as_it_is(folder):
    before = set(tables.path("aliases").read_text().splitlines())
    decide("x", "board", "gpt_5", PAGE, folder)
    assert before <= set(tables.path("aliases", folder).read_text().splitlines())


@pytest.mark.parametrize(
    ("model_id", "url", "message"),
    [
        ("gpt_55", PAGE, "there is no such release"),
        ("gpt_5", "example.org", "it is no web address"),
        ("gpt_5", "https://example.org/a b", "it is no web address"),
    ],
)
def test_a_decision_without_a_release_or_a_source_is_refused(folder, model_id, url, message):
    with pytest.raises(InputError, match=message):
        decide("x", "board", model_id, url, folder)


def test_a_name_is_decided_once(folder):
    decide("x", "board", "gpt_5", PAGE, folder)
    with pytest.raises(InputError, match="decided already"):
        decide("x", "board", "gpt_4_1", PAGE, folder)


def test_the_command_lists_and_says_what_a_decision_needs(built):
    assert "names stand for no known release" in moat("resolve", data=built).stdout
    assert moat("resolve", "--json", data=built).stdout.startswith("[")
    refused = moat("resolve", "x", data=built, check=False)
    assert refused.returncode == 2
    assert "a decision needs --source, --as and --url" in said(refused)
