"""Errors known in public collections are kept as what they said, and none becomes a fact of the bundled build."""

from datetime import date

import duckdb
import pytest


@pytest.fixture(scope="module")
def published(built):
    with duckdb.connect(str(built / "published" / "openmoat.duckdb"), read_only=True) as connection:
        yield connection


def used(published, model):
    query = "SELECT released_on, access, licence_class, params_total FROM staging.models WHERE model_id = ?"
    [row] = published.execute(query, [model]).fetchall()
    return dict(zip(("released_on", "access", "licence_class", "params_total"), row, strict=True))


# source, model, what it says, what is used
DATES = [
    ("llm_stats", "deepseek_v3_1", date(2025, 1, 10), None),  # published in August 2025
    ("llm_stats", "deepseek_v2_5", date(2024, 5, 8), date(2024, 9, 5)),  # that is the day of V2
    ("llm_stats", "gpt_3_5_turbo_jan_2024", date(2023, 3, 21), date(2023, 6, 13)),
    ("llm_stats", "command_r_plus_apr_2024", date(2024, 8, 30), None),
    ("models_dev", "mistral_large_3", date(2024, 11, 1), None),  # published in December 2025
    ("models_dev", "gpt_4", date(2023, 11, 6), date(2023, 3, 14)),
    ("models_dev", "o3_mini", date(2024, 12, 20), date(2025, 1, 31)),
    ("models_dev", "o3_deep_research", date(2024, 6, 26), None),
    ("models_dev", "sonar", date(2024, 1, 1), None),
    ("models_dev", "claude_opus_4_5", date(2025, 11, 1), date(2025, 11, 24)),
]


@pytest.mark.parametrize(("source", "model", "stated", "expected"), DATES)
def test_a_wrong_date_stays_a_statement(published, source, model, stated, expected):
    query = "SELECT count(*) FROM marts.date_disputes WHERE model_id = ? AND source = ? AND stated_on = ?"
    assert published.execute(query, [model, source, stated]).fetchone() == (1,)
    assert used(published, model)["released_on"] == expected


# source, model, what it says, what is used
ACCESSES = [
    ("llm_stats", "gemini_2_5_flash_lite", "open", "unknown"),  # tagged with a licence for texts
    ("llm_stats", "magistral_medium_jun_2025", "open", "unknown"),  # given the licence of its small sister
    ("llm_stats", "kimi_k2_sep_2025", "closed", {"open", "unknown"}),
    ("llm_stats", "gemma_3n_e4b", "closed", {"open", "unknown"}),
]


@pytest.mark.parametrize(("source", "model", "stated", "expected"), ACCESSES)
def test_a_wrong_access_stays_a_statement(published, source, model, stated, expected):
    query = "SELECT count(*) > 0 FROM marts.access_disputes WHERE model_id = ? AND source = ? AND stated = ?"
    assert published.execute(query, [model, source, stated]).fetchone() == (True,)
    assert used(published, model)["access"] in ({expected} if isinstance(expected, str) else expected)


def test_a_size_copied_from_another_model_is_not_taken_over(published):
    assert used(published, "magistral_medium_jun_2025")["params_total"] is None
    assert used(published, "nemotron_nano_9b_v2")["params_total"] != 88_900_000_000


def test_a_name_that_points_to_the_newest_says_nothing_unless_it_names_a_repository(published):
    query = "SELECT DISTINCT name_as_written, bool_or(field = 'repository') FROM staging.statements" \
            " WHERE name_as_written LIKE '%latest%' GROUP BY 1"  # fmt: skip
    assert published.execute(query).fetchall() == [("mistral/pixtral-large-latest", True)]


def test_a_repository_named_for_another_model_gives_it_no_weights(published):
    """The collection names the repository of R1 for R1-Zero, and that of January for the version of May."""
    query = "SELECT model_id, count(*) FROM (SELECT model_id, unnest(hub_ids) AS id FROM staging.models)" \
            " WHERE id = 'deepseek-ai/DeepSeek-R1' GROUP BY model_id"  # fmt: skip
    assert published.execute(query).fetchall() == [("deepseek_r1", 1)]


def test_both_dates_of_a_model_are_kept(published):
    """o3 was announced in December 2024 and could be used from April 2025; o1 is dated twice in December."""
    query = "SELECT DISTINCT day FROM staging.statements WHERE field = 'released_on' AND model_id = ? ORDER BY 1"
    assert {date(2024, 12, 20), date(2025, 4, 16)} <= {day for (day,) in published.execute(query, ["o3"]).fetchall()}
    assert {date(2024, 12, 5), date(2024, 12, 17)} <= {day for (day,) in published.execute(query, ["o1"]).fetchall()}


def test_versions_dated_as_the_first_of_their_name_are_listed_and_the_effect_is_shown(published):
    """Epoch dates GPT-4o (Aug 2024) in May 2024: its date stays in use, and what another would change is told."""
    query = "SELECT stated_on FROM marts.date_disputes WHERE model = 'GPT-4o (Aug 2024)' AND evidence = 'announcement'"
    assert published.execute(query).fetchall() == [(date(2024, 8, 6),)]
    query = "SELECT redated, catch_up_median FROM marts.date_sensitivity WHERE dating = ?"
    assert published.execute(query, ["as used"]).fetchone() == (0, pytest.approx(7.10, abs=0.15))
    redated, median = published.execute(query, ["as announced"]).fetchone()
    assert redated > 8
    assert median == pytest.approx(6.0, abs=0.15)


def test_unknown_access_is_on_neither_side_and_an_override_has_a_source(published):
    assert used(published, "glm_5_1")["access"] == "open"
    query = "SELECT source_url FROM staging.statements WHERE model_id = 'glm_5_1' AND evidence = 'override'"
    assert all(url.startswith("https://") for (url,) in published.execute(query).fetchall())
    unknown = "SELECT count(*) FROM marts.frontier AS f JOIN staging.models AS m ON f.model_name = m.name" \
              " WHERE m.access = 'unknown'"  # fmt: skip
    assert published.execute(unknown).fetchone() == (0,)


def test_weights_that_came_later_open_a_model_only_then(published):
    query = "SELECT access, from_on, until_on FROM staging.access_history WHERE model_id = 'grok_1' ORDER BY from_on"
    assert published.execute(query).fetchall() == [
        ("closed", date(2023, 11, 4), date(2024, 3, 17)),
        ("open", date(2024, 3, 17), None),
    ]
