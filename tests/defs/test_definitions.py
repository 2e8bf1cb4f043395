"""What Dagster shows: a snapshot of keys, jobs and schedules, so that no change of them goes unseen."""

import json

import dagster as dg
import duckdb
import pytest

from pipeline.definitions import build_defs
from pipeline.defs.automation import run_failed
from pipeline.defs.days import today
from pipeline.defs.resources import Warehouse
from pipeline.defs.tables import NUMBERS, _numbers, sql_checks
from pipeline.sources.boards import BOARDS

KEYS = sorted(
    [
        "epoch",
        "evaluate",
        "evaluations",
        "every_eval_ever",
        "facts",
        "gap/dates",
        "gap/forecast",
        "gap/index",
        "gap/policies",
        "gap/tables",
        "gap/vintages",
        "harness_results",
        "hub_cards",
        "hub_leaderboards",
        "hub_models",
        "hub_renames",
        "identity/names",
        "lineage/circles",
        "lineage/keys",
        "lineage/names",
        "lmarena",
        "marts/access_disputes",
        "marts/backtest",
        "marts/capability_index",
        "marts/catch_up",
        "marts/catch_up_by_open",
        "marts/closing_rate",
        "marts/coverage",
        "marts/date_disputes",
        "marts/date_sensitivity",
        "marts/derivative_clock",
        "marts/derivatives_over_time",
        "marts/family",
        "marts/family_steps",
        "marts/family_steps_up",
        "marts/forecast",
        "marts/frontier",
        "marts/frontier_by_open",
        "marts/gap",
        "marts/gap_by_open",
        "marts/headline",
        "marts/index_benchmarks",
        "marts/leaderboard",
        "marts/left_out",
        "marts/licence_disputes",
        "marts/lineage_evidence",
        "marts/memo_timeline",
        "marts/other_figures",
        "marts/parity",
        "marts/parity_line",
        "marts/policy_effects",
        "marts/pooled_lag",
        "marts/retention",
        "marts/score_conflicts",
        "marts/sources",
        "marts/survival",
        "marts/technique_adoption",
        "marts/unmapped_names",
        "marts/unresolved",
        "marts/uptake",
        "marts/vintage_changes",
        "open_llm_csv",
        "open_llm_v1",
        "open_llm_v2",
        "ops/board_changes",
        "ops/captures",
        "ops/quarantine",
        "ops/schema_version",
        "published",
        "site",
        "staging/access_history",
        "staging/aliases",
        "staging/benchmarks",
        "staging/board_models",
        "staging/decisions",
        "staging/evaluations",
        "staging/gap_inputs",
        "staging/hub_models",
        "staging/hub_tombstones",
        "staging/index_inputs",
        "staging/inferred_edges",
        "staging/lineage_edges",
        "staging/models",
        "staging/scores",
        "staging/series",
        "staging/statements",
        "staging/techniques",
    ]
)


@pytest.fixture(scope="module")
def definitions():
    return build_defs()


def graph(definitions):
    return definitions.get_repository_def().asset_graph


def test_asset_keys(definitions):
    assert sorted(key.to_user_string() for key in graph(definitions).get_all_asset_keys()) == KEYS


def test_names_are_short_and_described(definitions):
    # Two marts have names that others were promised.
    promised = {"derivatives_over_time", "technique_adoption"}
    for key in graph(definitions).get_all_asset_keys():
        assert len(key.path[-1]) <= 16 or key.path[-1] in promised
        description = graph(definitions).get(key).description
        assert "|" not in description[:60]
        assert len(description) > 20


def test_groups_read_left_to_right(definitions):
    groups = {graph(definitions).get(key).group_name for key in graph(definitions).get_all_asset_keys()}
    assert sorted(groups) == ["0_evaluate", "1_sources", "2_staging", "3_gap", "4_marts", "5_ops", "6_publish"]


def test_checks_block_and_warnings_do_not(definitions):
    specs = [spec for check in sql_checks for spec in check.check_specs]
    assert {spec.key for spec in specs} == set(graph(definitions).asset_check_keys)
    assert sum(spec.blocking for spec in specs) == 18
    assert {spec.name for spec in specs if not spec.blocking} == {
        "fresh", "interval_holds", "licence_known", "scored", "sources_agree",
    }  # fmt: skip


def test_jobs_schedules_and_sensors(definitions):
    repository = definitions.get_repository_def()
    assert [schedule.name for schedule in repository.schedule_defs] == ["daily"]
    assert repository.schedule_defs[0].cron_schedule == "0 6 * * *"
    assert sorted(sensor.name for sensor in repository.sensor_defs) == ["run_cut_off", "run_failed"]
    assert "refresh" in {job.name for job in repository.get_all_jobs()}


def test_a_failed_run_is_noted_and_a_failed_check_stops_what_follows(tmp_path, monkeypatch):
    monkeypatch.setenv("MOAT_DATA", str(tmp_path))
    job = build_defs(Warehouse(data=str(tmp_path), hub="http://127.0.0.1:9")).resolve_job_def("refresh")
    monkeypatch.setenv("MOAT_RETRIES", "0")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, partition_key=today(), raise_on_error=False)
        assert not result.success
        on_the_hub = {"hub_models", *(board.source for board in BOARDS if board.fetch is not None)} - {"epoch"}
        assert {event.step_key for event in result.get_step_failure_events()} == on_the_hub
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failed",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        run_failed(context)
    note = json.loads((tmp_path / "failures.jsonl").read_text())
    assert note["run"] == result.run_id
    assert not (tmp_path / "published" / "openmoat.duckdb").exists()


def test_assets_show_the_numbers_of_their_tables(built):
    """Each query of a table's numbers answers in one row of numbers, and one sentence, which Dagster plots."""
    with duckdb.connect(str(built / "published" / "openmoat.duckdb"), read_only=True) as connection:
        found = {table: _numbers(connection, table) for table in NUMBERS}
    assert set(found["marts.family"]) == {"roots", "deepest", "largest", "on_circles", "cut"}
    assert found["marts.lineage_evidence"]["unknown_share"] == pytest.approx(0.1, abs=0.02)
    headline = found["marts.headline"]
    assert headline["answer"].startswith("As of")
    assert headline["lag_lo"] < headline["lag_months"] < headline["lag_hi"]
    assert found["marts.unresolved"].keys() == {"unmatched_models"}
    assert all(isinstance(value, int | float | str) for numbers in found.values() for value in numbers.values())
