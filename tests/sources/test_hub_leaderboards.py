"""Leaderboards of benchmark datasets: found by their tag; a number counts where the benchmark says what it counts."""

import pytest

from pipeline.localhub.repository import Repository
from pipeline.sources.hub_leaderboards import BOARD
from tests.sources.board_data import benchmark, entry, offering


def read(tmp_path, *datasets):
    with offering(tmp_path, *datasets) as boards:
        asked = boards.fetch(BOARD)
        counts = boards.fold(BOARD)
        return asked, counts, boards.table(query="ORDER BY part, model"), boards.reasons()


def test_every_tagged_dataset_is_found_and_no_other(tmp_path):
    untagged = Repository.new("org/other", {"README.md": b"#"}, leaderboard=[entry(1, "org/a", 99.0)])
    empty = Repository.new("org/empty", {"README.md": b"#"}, tags=["benchmark:official"])
    boards = [benchmark(f"org/b{number}", [entry(1, "org/a", 40.5)]) for number in range(3)]
    (capture, new), [(items, scores)], found, _ = read(tmp_path, untagged, empty, *boards)
    assert (new, capture.manifest.items, items.read, scores.kept) == (True, 3, 3, 3)
    assert found["part"].to_list() == ["org/b0", "org/b1", "org/b2"]


def test_an_entry_keeps_its_source_and_who_ran_it(tmp_path):
    entries = [
        entry(1, "org/a", 71.5, verified=True),
        entry(2, "org/b", 60.0, notes="With tools", pullRequest=3, source="https://example.org/paper"),
        entry(3, "org/c", 50.0, source={"url": "javascript:alert(1)"}),
    ]
    _, _, found, _ = read(tmp_path, benchmark("org/hard", entries))
    rows = found.select("model", "value", "tier", "self_reported", "source_name", "source_url", "note").rows()
    assert rows == [
        ("org/a", 71.5, "C", False, "Log", "https://example.org/log", None),
        ("org/b", 60.0, "D", None, None, "https://example.org/paper", "from a pull request that is open"),
        ("org/c", 50.0, "D", None, None, "https://huggingface.co/org/c", None),
    ]
    # With tools, without, and run by the Hub itself are three series.
    assert found["series_id"].n_unique() == 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.412, "unit not proven: fraction or percent"),
        (101.0, "value outside its scale"),
        (-1, "value outside its scale"),
        (None, "value missing"),
        ("87,3", "value is text"),
        ([71.0], "value is a list"),
        (True, "value is true or false"),
    ],
)
def test_a_value_that_proves_no_unit_is_put_aside(tmp_path, value, reason):
    _, [(_, scores)], found, reasons = read(tmp_path, benchmark("org/hard", [entry(1, "org/a", value)]))
    assert (scores.read, scores.kept, found.height) == (1, 0, 0)
    assert reasons == [("score", "org/a", reason)]


@pytest.mark.parametrize(
    "described",
    [
        None,
        "evaluation_framework: math-arena\ntasks: [{id: x}]",
        "evaluation_framework: inspect-ai\ntasks: [{id: x, scorers: [{name: my_own_scorer}]}]",
        "evaluation_framework: inspect-ai\ntasks: [{id: x, scorers: [{name: choice}], metrics: [eer_percent]}]",
        "evaluation_framework: inspect-ai\ntasks: []",
        "- a list",
        "!!python/object/apply:os.system [true]",
        "a: &x [1]\nb: [*x, *x]",
        "tasks: [" * 100,
        "\x00",
    ],
)
def test_a_benchmark_that_does_not_say_what_it_counts_proves_nothing(tmp_path, described):
    _, [(_, scores)], _, reasons = read(tmp_path, benchmark("org/hard", [entry(1, "org/a", 40.5)], described))
    assert scores.kept == 0
    assert reasons == [("score", "org/a", "unit not proven: the benchmark does not say what it counts")]


def test_entries_of_any_type_are_counted(tmp_path):
    entries = [entry(1, "org/a", 40.0), entry(2, "", 40.0), entry(3, "x" * 201, 40.0), entry(4, "<script>", 30.0)]
    _, [(items, scores)], _, reasons = read(tmp_path, benchmark("org/hard", entries))
    assert (items.read, items.kept, items.quarantined, scores.kept) == (4, 2, 2, 2)
    assert [reason for _, _, reason in reasons] == ["entry without a usable model"] * 2


def test_a_result_that_was_withdrawn_is_superseded(tmp_path):
    entries = [entry(number, f"org/m{number}", 40.0 + number) for number in range(6)]
    with offering(tmp_path, benchmark("org/hard", entries)) as boards:
        boards.fetch(BOARD)
        boards.replace(benchmark("org/hard", entries[1:]))
        assert boards.fetch(BOARD)[1]
        boards.fold(BOARD)
        assert boards.table(query="WHERE gone_at IS NOT NULL")["model"].to_list() == ["org/m0"]
        assert boards.fetch(BOARD)[1] is False


def test_a_benchmark_that_the_facts_know_counts_shares_though_it_does_not_say_so(tmp_path):
    entries = [entry(1, "org/a", 20.9), entry(2, "org/b", 0.412), entry(3, "org/c", "71.2%"), entry(4, "org/d", 1287.0)]
    _, [(_, scores)], found, reasons = read(tmp_path, benchmark("cais/hle", entries, None))
    assert found.select("model", "value").rows() == [("org/a", 20.9), ("org/c", 71.2)]
    assert [reason for _, _, reason in reasons] == [
        "unit not proven: fraction or percent", "value outside its scale",
    ]  # fmt: skip
    assert scores.kept == 2
