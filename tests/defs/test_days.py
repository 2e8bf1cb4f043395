"""Daily partitions of the sources: today's asks, a past one is read from what was captured on that day or fails."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from pipeline.definitions import build_defs
from pipeline.defs.days import DAILY, today
from pipeline.defs.resources import Warehouse
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.sources.boards import BOARDS
from tests.sources.board_data import arena, rating


@pytest.fixture
def hub():
    with serve(Repositories.of(), datasets=Repositories.of(arena([rating("m", 1000.0)]))) as running:
        yield running


def materialize(hub, data, source, day):
    definitions = build_defs(Warehouse(data=str(data), hub=hub.url))
    job = dg.define_asset_job("one", selection=[source])
    resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("one")
    with dg.DagsterInstance.ephemeral() as instance:
        return resolved.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)


def move_to(data, source, day):
    """As if the source had been captured on another day."""
    [manifest] = (data / "captures" / source).glob("*/manifest.json")
    manifest.write_text(manifest.read_text().replace(today(), day))


def metadata(result):
    [event] = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_every_source_has_a_partition_a_day(hub):
    graph = build_defs().get_repository_def().asset_graph
    sources = {key for key in graph.get_all_asset_keys() if graph.get(key).group_name == "1_sources"}
    unasked = {dg.AssetKey(board.source) for board in BOARDS if board.unasked}
    assert {graph.get(key).partitions_def for key in sources - unasked} == {DAILY}
    assert len(sources) >= 8
    assert DAILY.get_last_partition_key() == today()


def test_the_schedule_asks_for_the_partition_of_its_day():
    definitions = build_defs()
    moment = datetime(2026, 11, 25, 6, tzinfo=UTC)
    repository = definitions.get_repository_def()
    with dg.build_schedule_context(scheduled_execution_time=moment, repository_def=repository) as context:
        [request] = repository.get_schedule_def("daily").evaluate_tick(context).run_requests
    assert (request.partition_key, request.job_name) == ("2026-11-25", "refresh")


def test_today_is_asked(hub, tmp_path):
    result = materialize(hub, tmp_path, "lmarena", today())
    assert result.success
    found = metadata(result)
    assert (found["state"], found["new_capture"], found["dagster/row_count"], found["requests"]) == (
        "asked",
        True,
        1,
        3,
    )


def test_a_past_day_is_read_from_its_capture_without_a_request(hub, tmp_path):
    materialize(hub, tmp_path, "lmarena", today())
    move_to(tmp_path, "lmarena", "2026-11-02")
    before = sum(hub.requests.values())
    found = metadata(materialize(hub, tmp_path, "lmarena", "2026-11-02"))
    assert (found["dagster/row_count"], found["requests"], found["new_capture"]) == (1, 0, False)
    assert sum(hub.requests.values()) == before


def test_a_past_day_on_which_nothing_was_captured_fails_and_says_why(hub, tmp_path):
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    result = materialize(hub, tmp_path, "lmarena", yesterday)
    [event] = result.get_step_failure_events()
    assert f"lmarena holds nothing that was captured on {yesterday}" in event.step_failure_data.error.to_string()
    assert sum(hub.requests.values()) == 0
