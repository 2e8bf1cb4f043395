"""What holds for every page of the site: nobody else is asked, nothing breaks, everybody can read it."""

import csv
import gzip
import shutil
from pathlib import Path
from pprint import pformat
from urllib.parse import quote, unquote

import duckdb
import pytest

from tests.site.conftest import axe, build_site, serve

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
FIRST_PAGE = 500_000
"""Bytes of the first page with all it loads, compressed as servers do."""
# Names as nobody should choose and somebody will: run by a page, by a spreadsheet, by a file system; turned around, or
# with no place to break.
HOSTILE = [
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "'-alert(1)-' onmouseover='window.pwned=1'",
    "</script><svg onload=window.pwned=1>",
    "{{ 7 * 7 }}${window.pwned=1}",
    "=cmd()",
    "x'); DROP TABLE gap; --",
    "../../../etc/passwd",
    "\u202egnp.exe\u202d",
    "W" * 300,
]


def pages(folder, models=None):
    """What to look at: every file, the largest and the smallest of a folder below, and what pages show of a model."""
    found = sorted(folder.glob("*.html"))
    for inner in sorted({file.parent for file in folder.rglob("*.html")} - {folder}):
        files = sorted(inner.glob("*.html"), key=lambda file: (file.stat().st_size, file.name))
        found += [files[0], files[-1]][: len(files)]
    addresses = [str(file.relative_to(folder)) for file in found]
    assert {"index.html", "leaderboard.html", "model.html", "compare.html", "lineage.html", "sql.html"} <= {*addresses}
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as published:
        if models is None:
            models = _texts(published, "SELECT model FROM marts.marts.leaderboard ORDER BY rank_best, model LIMIT 2")
        [base] = _texts(published, "SELECT base FROM marts.marts.derivative_clock ORDER BY children DESC, base LIMIT 1")
    # In a list of names a comma within a name is escaped once more.
    listed = ",".join(name.replace("%", "%25").replace(",", "%2C") for name in models[:4])
    addresses += [f"model.html?id={quote(name, safe='')}" for name in models]
    return [*addresses, f"compare.html?ids={quote(listed, safe='')}", f"lineage.html?model={quote(base, safe='')}"]


def _texts(connection, query):
    return [text for (text,) in connection.execute(query).fetchall()]


def test_no_page_asks_anybody_else_or_complains(page, site, served):
    problems = {}
    for name in pages(site):
        for address in (served + name, f"{site.as_uri()}/{name}"):
            tab = page(address)
            wrong = tab.seen.elsewhere(served) + tab.seen.errors
            if wrong:
                problems[address] = wrong
            tab.close()
    assert not problems, pformat(problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, site, served, scheme):
    problems = {}
    for name in pages(site):
        tab = page(served + name, color_scheme=scheme, bypass_csp=True)
        found = axe(tab)
        if found:
            problems[name] = found
        tab.close()
    assert not problems, pformat(problems)


def test_no_page_is_wider_than_a_phone(page, site, served):
    wide = too_wide(page, site, served)
    assert not wide, pformat(wide)


def too_wide(page, folder, address, models=None):
    widths = {}
    for name in pages(folder, models):
        tab = page(address + name, **PHONE)
        width = tab.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["viewport"]["width"]:
            widths[name] = width, tab.evaluate(WIDEST)
        tab.close()
    return widths


# What stands out, for whoever reads the failure.
WIDEST = """
  [...document.querySelectorAll('body *')]
    .filter(one => Math.max(one.getBoundingClientRect().right, one.scrollWidth) > 390 && !one.closest('.scroll'))
    .slice(0, 5).map(one => one.outerHTML.slice(0, 120))
"""


# Words of charts that leave the screen, were cut short or lie on other words (not on their own halo).
ILLEGIBLE = """
  [...document.querySelectorAll('svg')].filter(one => !one.closest('.scroll')).flatMap(svg => {
    const words = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()])
      .filter(([text, box]) => text.trim() && box.width);
    const cut = words.filter(([text, box]) => box.left < 0 || box.right > innerWidth || text.includes('…'));
    const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    const pairs = words.flatMap(([text, box], at) => words.slice(at + 1)
      .filter(([other, its]) => other !== text && over(box, its)).map(([other]) => `${text} | ${other}`));
    return [...cut.map(([text]) => text), ...pairs];
  })
"""


@pytest.mark.parametrize("screen", [PHONE, {}], ids=["phone", "desktop"])
def test_no_word_of_a_chart_is_cut_off_or_lies_on_another(page, site, served, screen):
    illegible = {}
    for name in pages(site):
        tab = page(served + name, **screen)
        if found := tab.evaluate(ILLEGIBLE):
            illegible[name] = found
        tab.close()
    assert not illegible, pformat(illegible)


def test_no_page_runs_a_script_that_got_into_it(page, site, served):
    for name in pages(site):
        tab = page(served + name)
        tab.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'window.pwned = 1';
              document.body.append(script);
              const image = document.createElement('div');
              image.innerHTML = '<img src="nothing" onerror="window.pwned = 1">';
              document.body.append(image);
            }"""
        )
        tab.wait_for_load_state("networkidle")
        assert tab.evaluate("window.pwned") is None, name
        policy = tab.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        assert policy.startswith("default-src 'none';"), name
        assert "unsafe" not in policy, name
        tab.close()


def test_the_first_page_is_light(page, site, served):
    tab = page(served + "index.html")
    files = {request.removeprefix(served).split("?")[0] for request in tab.seen.requests if request.startswith(served)}
    weights = {file: len(gzip.compress((site / file).read_bytes())) for file in files}
    assert sum(weights.values()) <= FIRST_PAGE, weights


def test_the_answer_and_fifty_rows_are_there_without_scripts(page, site):
    with duckdb.connect(str(site.parent / "openmoat.duckdb"), read_only=True) as published:
        [(lag, open_model, closed_model)] = published.execute(
            "SELECT lag_months, open_model, closed_model FROM marts.headline"
            " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'"
        ).fetchall()
    first = page(site / "index.html", java_script_enabled=False)
    heading = first.get_by_role("heading", level=1)
    assert heading.is_visible()
    assert f"about {lag:.1f} months" in heading.text_content()
    for model in (open_model, closed_model):
        assert first.get_by_role("main").get_by_text(model).locator("visible=true").count() > 0
    board = page(site / "leaderboard.html", java_script_enabled=False)
    assert board.locator("tbody tr:visible").count() >= 50


@pytest.fixture(scope="session")
def hostile(built, tmp_path_factory):
    """Folder of a site whose models, organisations and repositories have the names above."""
    data = tmp_path_factory.mktemp("hostile")
    shutil.copytree(built / "published", data / "published", ignore=shutil.ignore_patterns("site", "vintages"))
    rename(data / "published" / "openmoat.duckdb")
    rename(data / "published" / "marts.duckdb", schemas=("marts",))
    return build_site(data)


def rename(file: Path, schemas=("marts", "staging")):
    """Give every model, organisation and repository another name wherever a column holds it, and links that run."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS world")
        connection.execute("USE world")
        connection.execute(
            """CREATE TEMP TABLE names AS SELECT old, $hostile[1 + (n - 1) % len($hostile)] || ' ' || n AS new FROM (
                 SELECT old, row_number() OVER (ORDER BY old) AS n FROM (
                   SELECT DISTINCT model AS old FROM marts.leaderboard UNION SELECT DISTINCT organisation
                   FROM marts.leaderboard UNION SELECT id FROM marts.family) WHERE old IS NOT NULL)""",
            {"hostile": HOSTILE},
        )
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE database_name = 'world'"
            " AND data_type = 'VARCHAR' AND list_contains($schemas, schema_name)",
            {"schemas": list(schemas)},
        ).fetchall()
        for schema, table, column in columns:
            place = f'{schema}."{table}"'
            if column.endswith("url"):
                connection.execute(f"UPDATE {place} SET \"{column}\" = 'javascript:window.pwned=1'")
                continue
            connection.execute(f'UPDATE {place} SET "{column}" = new FROM names WHERE "{column}" = old')
        connection.execute(
            "UPDATE marts.headline SET sentence = replace(replace(sentence, o.old, open_model), c.old, closed_model)"
            " FROM names o, names c WHERE o.new = open_model AND c.new = closed_model"
        )


def test_hostile_names_run_nowhere_and_break_no_page(page, hostile):
    problems = {}
    with duckdb.connect(str(hostile / "marts.duckdb"), read_only=True) as published:
        every = _texts(published, "SELECT model FROM marts.marts.leaderboard ORDER BY rank_best, model")
    models = [next(name for name in every if name.startswith(start)) for start in HOSTILE]
    with serve(hostile) as address:
        for name in pages(hostile, models):
            tab = page(address + name)
            ran = tab.evaluate("window.pwned")
            if name.startswith("model.html?"):
                assert unquote(name.partition("=")[2]) in tab.get_by_role("heading", level=1).text_content()
            links = tab.locator("a[href^='javascript' i]").count()
            wrong = tab.seen.elsewhere(address) + tab.seen.errors
            if ran is not None or links or wrong:
                problems[name] = ran, links, wrong
            tab.close()
        assert not problems, pformat(problems)
        wide = too_wide(page, hostile, address, models)
        assert not wide, pformat(wide)


def test_hostile_names_are_harmless_in_the_files_for_spreadsheets(hostile):
    files = sorted(hostile.rglob("*.csv"))
    assert files
    for file in files:
        with file.open(newline="") as lines:
            cells = [cell for line in csv.reader(lines) for cell in line]
        # A number may start with a minus; a name may not.
        assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r"))], file
