"""A token in the environment goes to its Hub and nowhere else: no log, capture, database, error or event has it."""

from pipeline.localhub.faults import Fault
from pipeline.localhub.server import serve
from tests.conftest import CANARY, moat
from tests.localhub.test_local_hub import hub_of, row


def files_with_the_token(folder):
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_nothing_that_a_whole_run_leaves_or_says_holds_the_token(built):
    assert len(list(built.rglob("*"))) > 50
    assert files_with_the_token(built) == []


def test_a_run_that_the_hub_refuses_does_not_say_the_token(tmp_path):
    with serve(hub_of(row("a/b")), fault=Fault("unauthorised")) as hub:
        done = moat("run", "--hub", hub.url, data=tmp_path, check=False, HF_TOKEN=CANARY)
    assert done.returncode == 1
    assert "refuses access (401)" in " ".join(done.stderr.split())
    assert CANARY not in done.stdout + done.stderr
    assert files_with_the_token(tmp_path) == []
