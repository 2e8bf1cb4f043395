"""The SQL page: the same rows as DuckDB gives anywhere else, from this site alone, loaded when somebody asks."""

import csv
from urllib.parse import parse_qs, quote, urlsplit

import duckdb
import polars as pl
import pytest

from pipeline.settings import Settings
from pipeline.site import sql_page
from pipeline.site.text import csv_text
from pipeline.warehouse import connect_published
from tests.site.conftest import axe

PIVOT = "PIVOT marts.gap ON year(day) USING count(*) AS days, max(gap_raw) AS most GROUP BY series ORDER BY series"
KINDS = """
SELECT 1::HUGEINT AS huge, -12.345::DECIMAL(30, 3) AS decimal, 9007199254740993 AS big, 2.5e0 AS double, true AS yes,
  DATE '1969-12-31' AS day, TIMESTAMP '2024-02-03 04:05:06.789123' AS fine, TIMESTAMP '1960-02-03 04:05:06' AS early,
  TIMESTAMPTZ '2024-01-01 00:00:00+00' AS zoned, TIME '01:02:03.5' AS clock, [1, 2, NULL] AS list,
  {'a': 1, 'b': 'x'} AS struct, MAP {'k': 1} AS map, 'a''\\x00b'::BLOB AS blob, 'x'::ENUM ('x', 'y') AS one_of,
  '' AS empty
"""


@pytest.fixture(scope="module")
def here(site):
    """The same file in Python's DuckDB."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{site / 'marts.duckdb'}' AS openmoat (READ_ONLY)")
        connection.execute("USE openmoat")
        yield connection


def ask(tab, query):
    """Type a query, press Run, wait for the end."""
    tab.get_by_label("Query in SQL").fill(query)
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.locator("#run:not([disabled])").wait_for(timeout=120_000)


def rows(tab):
    """The cells of the result; null is None, and not the word."""
    return tab.locator("#result tbody tr").evaluate_all(
        "lines => lines.map(l => [...l.cells].map(c => c.classList.contains('null') ? null : c.textContent))"
    )


def same(shown, expected):
    """Whether cells are what Python has: numbers as numbers, all else as text."""

    def alike(cell, value):
        if cell is None or value is None:
            return cell is None and value is None
        return float(cell) == value if isinstance(value, float) else cell == str(value)

    return len(shown) == len(expected) and all(
        len(line) == len(values) and all(map(alike, line, values))
        for line, values in zip(shown, expected, strict=True)
    )  # fmt: skip


def test_a_pivot_gives_the_rows_that_duckdb_gives_in_python(page, served, here):
    tab = page(served + "sql.html")
    assert not [address for address in tab.seen.requests if "duckdb" in address], "loaded before anybody asked"
    ask(tab, PIVOT)
    expected = here.sql(PIVOT)
    names = tab.locator("#result thead th").all_text_contents()
    assert names == expected.columns
    assert same(rows(tab), expected.fetchall())
    assert tab.locator("#status").text_content().startswith(f"{len(expected)} rows in ")
    assert tab.seen.elsewhere(served) == []
    assert tab.seen.errors == []


def test_every_example_gives_the_rows_that_duckdb_gives(page, served, here):
    tab = page(served + "sql.html")
    for name, query in sql_page.EXAMPLES.items():
        tab.get_by_role("button", name=name).click()
        ask(tab, tab.get_by_label("Query in SQL").input_value())
        assert tab.locator("#error").is_hidden(), (name, tab.locator("#error").text_content())
        expected = here.sql(f"SELECT COLUMNS(*)::VARCHAR FROM ({query})").fetchall()
        kinds = here.sql(query).dtypes
        numbers = {at for at, kind in enumerate(kinds) if kind == "DOUBLE"}
        wanted = [
            [float(v) if v is not None and at in numbers else v for at, v in enumerate(line)] for line in expected
        ]
        assert same(rows(tab), wanted), name


def test_every_table_is_listed_with_its_meaning_and_can_be_asked(page, served, here):
    tab = page(served + "sql.html")
    meanings = here.sql("SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'openmoat'").fetchall()
    for name, meaning in meanings:
        assert meaning in tab.locator(f"#table-{name}").text_content()
    tab.locator("#table-gap summary").click()
    tab.locator("#table-gap").get_by_text("Ask for its first rows").click()
    ask(tab, tab.get_by_label("Query in SQL").input_value())
    assert tab.locator("#result tbody tr").count() == 100
    tab.get_by_label("Find a table or column").fill("gap_logit")
    found = tab.locator(".sql-table:visible summary code").all_text_contents()
    assert "gap" in found
    assert "sources" not in found


def test_values_of_every_kind_are_written_as_duckdb_writes_them(page, served, here):
    tab = page(served + "sql.html")
    ask(tab, KINDS)
    [expected] = here.sql(f"SELECT COLUMNS(*)::VARCHAR FROM ({KINDS})").fetchall()
    assert rows(tab) == [list(expected)]
    ask(tab, "SELECT INTERVAL '1 month 2 days' AS span")
    assert tab.locator("#error").text_content().endswith("span cannot be shown here: cast the column to VARCHAR.")


def test_a_wrong_query_shows_what_is_wrong_and_the_next_one_works(page, served):
    tab = page(served + "sql.html")
    ask(tab, "SELECT nothing FROM marts.gap")
    assert 'Referenced column "nothing" not found' in tab.get_by_role("alert").text_content()
    assert tab.locator("#result").is_hidden()
    ask(tab, "SELECT 42 AS answer, NULL AS nothing, 'null' AS word")
    assert rows(tab) == [["42", None, "null"]]
    assert tab.locator("#error").is_hidden()


@pytest.mark.parametrize(
    "query",
    [
        "FROM 'https://example.com/a.csv'",
        "ATTACH 'https://example.com/a.duckdb'",
        "LOAD httpfs",
        "FROM read_json('https://example.com/a.json')",
        "COPY (SELECT 1) TO 'https://example.com/a.csv'",
        "SET enable_external_access = true",
        "SET custom_extension_repository = 'https://example.com'",
        "DELETE FROM marts.gap",
    ],
)
def test_no_query_reaches_another_host_or_changes_the_data(page, served, query):
    tab = page(served + "sql.html")
    ask(tab, query)
    assert tab.locator("#error").is_visible()
    assert tab.seen.elsewhere(served) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_result_an_error_and_the_list_of_columns(page, served, scheme):
    tab = page(served + "sql.html", color_scheme=scheme, bypass_csp=True)
    tab.locator("#table-gap summary").click()
    for query in ("SELECT *, NULL AS nothing FROM marts.gap", "SELECT nothing"):
        ask(tab, query)
        assert axe(tab) == []


def test_the_query_lives_in_the_address_and_waits_for_the_reader(page, served):
    tab = page(served + "sql.html")
    ask(tab, "SELECT 'a&b #1' AS text")
    assert parse_qs(urlsplit(tab.url).query)["q"] == ["SELECT 'a&b #1' AS text"]
    again = page(tab.url)
    assert again.get_by_label("Query in SQL").input_value() == "SELECT 'a&b #1' AS text"
    assert not [address for address in again.seen.requests if "duckdb" in address], "a link runs nothing"
    again.get_by_label("Query in SQL").press("Control+Enter")
    again.locator("#result").wait_for(timeout=120_000)
    assert rows(again) == [["a&b #1"]]


def test_the_field_lets_the_keyboard_go(page, served):
    tab = page(served + "sql.html")
    tab.get_by_label("Query in SQL").focus()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "run"


def test_text_that_would_run_stays_text_on_the_page_and_in_the_file(page, served):
    texts = ["<img src=x onerror=window.pwned=1>", "=cmd()", "-1+1", 'a,"b"\nc', ""]
    tab = page(served + "sql.html")
    ask(tab, "SELECT unnest([" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + ']) AS "=name"')
    assert rows(tab) == [[text] for text in texts]
    assert tab.evaluate("window.pwned") is None
    with tab.expect_download() as started:
        tab.get_by_role("button", name="Download CSV").click()
    lines = list(csv.reader(started.value.path().read_text().splitlines(keepends=True)))
    assert lines == [["'=name"], [texts[0]], ["'=cmd()"], ["'-1+1"], [texts[3]], [""]]


def test_the_file_has_all_rows_where_the_page_shows_the_first_thousand(page, served, here):
    tab = page(served + "sql.html")
    query = "SELECT * FROM marts.gap_by_open ORDER BY ALL LIMIT 1200"
    ask(tab, query)
    expected = here.sql(query).pl()
    assert expected.height == 1200
    assert tab.locator("#result tbody tr").count() == 1000
    assert tab.get_by_text("The first 1,000 of 1,200 rows; the file has all.").is_visible()
    with tab.expect_download() as started:
        tab.get_by_role("button", name="Download CSV").click()
    in_file = pl.read_csv(started.value.path(), schema=expected.schema)
    assert in_file.equals(pl.read_csv(csv_text(expected).encode(), schema=expected.schema))


def test_a_run_can_be_stopped_and_the_next_one_starts_anew(page, served):
    tab = page(served + "sql.html")
    ask(tab, "SELECT 1")
    tab.get_by_label("Query in SQL").fill(
        "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range % 7 = b.range"
    )
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.get_by_role("button", name="Stop").click()
    assert tab.locator("#status").text_content().startswith("Stopped.")
    ask(tab, "SELECT 2")
    assert rows(tab) == [["2"]]


def test_from_a_file_the_page_says_what_it_needs(page, site):
    tab = page(site / "sql.html")
    assert tab.get_by_text("the SQL page needs a web server").is_visible()
    assert tab.get_by_text("make site").is_visible()
    assert tab.get_by_text("moat sql").is_visible()
    assert tab.get_by_role("button", name="Run", exact=True).is_disabled()
    assert tab.seen.errors == []


def test_data_that_do_not_come_are_named(page, served):
    tab = page(served + "sql.html?q=" + quote("SELECT 1"))
    tab.route("**/marts.duckdb", lambda route: route.fulfill(status=404))
    ask(tab, "SELECT 1")
    assert tab.get_by_role("alert").text_content() == "The data could not be loaded: the server answered 404."
    tab.unroute("**/marts.duckdb")
    ask(tab, "SELECT 1")
    assert rows(tab) == [["1"]]


def test_a_site_without_the_engine_says_so(built, tmp_path, monkeypatch, page):
    monkeypatch.setattr(sql_page, "MODULES", tmp_path / "none")
    about = {"sentence": "", "as_of": "", "built": "", "hash": "0" * 64, "attribution": "", "notices": []}
    with connect_published(Settings(data=built)) as connection:
        sql_page.write(connection, about, tmp_path)
    assert not (tmp_path / "assets").exists()
    said = (tmp_path / "sql.html").read_text()
    assert "This site was built without the SQL engine: run <code>npm ci</code> in <code>dashboards</code>" in said
