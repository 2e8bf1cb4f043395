"""The Lineage page: what it says is what the marts say, and any family can be found, opened and linked to."""

import gzip
import random
from collections import Counter
from urllib.parse import quote

import duckdb
import polars as pl
import pytest

from pipeline.lineage.claims import judge
from pipeline.report.memo import memo
from pipeline.settings import Settings
from pipeline.site.lineage_data import EVIDENCE, RELATIONS, families
from pipeline.site.text import script_json
from pipeline.warehouse import connect_published
from tests.site.test_every_page import HOSTILE, PHONE

LLAMA = "huggyllama/llama-7b"
OPEN = {"unknown": "open"}
NONE = "\N{EN DASH}"


@pytest.fixture(scope="module")
def published(built):
    with connect_published(Settings(data=built)) as connection:
        yield connection


def family(site, model):
    return (site / "lineage.html").as_uri() + f"?model={quote(model, safe='')}"


def cells(tab, selector):
    return [" ".join(text.split()) for text in tab.locator(selector).all_inner_texts()]


# What the page says


def test_its_answer_is_that_of_the_command(site, built, page):
    tab = page(site / "lineage.html")
    assert tab.locator(".lead").first.inner_text() == memo(Settings(data=built))["answer"]


def test_every_claim_stands_with_both_verdicts_and_its_query(site, published, page):
    tab = page(site / "lineage.html")
    for claim in judge(published):
        row = tab.locator(f"#claim-{claim.claim_id}")
        if claim.why_not:
            assert claim.why_not in row.inner_text()
            continue
        verdicts = [" ".join(text.split()) for text in row.locator(".verdict").all_inner_texts()]
        assert verdicts == [OPEN.get(word, word) for word in (claim.held, claim.holds)]
        assert row.locator(".what").all_inner_texts() == [claim.at_the_time or NONE, claim.today or NONE]
        query = row.locator("xpath=following-sibling::tr[1]").locator("code")
        assert query.text_content() == claim.query
        # A word and a shape, not a colour alone.
        assert row.locator(".verdict svg").count() == 2


def test_vicuna_stands_eleven_days_apart(site, published, page):
    tab = page(site / "lineage.html")
    dates = published.execute(
        "SELECT name, claimed_day, evidenced_day FROM marts.memo_timeline WHERE event_id = 'vicuna'"
    ).fetchall()
    [(name, claimed, evidenced)] = dates
    assert evidenced - claimed == 11
    drawing = tab.locator("#memo-timeline .wide")
    for words in (f"{name}: the memo says day {claimed}", f"{name}: the record says day {evidenced}"):
        assert drawing.locator(f'[aria-label="{words}"]').count() == 1
    assert "memo 11 days early" in drawing.inner_text()


def test_the_table_of_dates_is_the_mart(site, published, page):
    tab = page(site / "lineage.html")
    columns = "name, claimed_on, claimed_day, evidenced_on, evidenced_day, weights_on, weights_day, memo_early_by"
    expected = published.execute(f"SELECT {columns} FROM marts.memo_timeline").fetchall()
    shown = [row.split("\t") for row in tab.locator("#memo-timeline tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].slice(0, 8).map(cell => cell.textContent).join('\t'))")]  # fmt: skip
    assert sorted(shown) == sorted([NONE if value is None else str(value) for value in row] for row in expected)


def test_no_label_of_the_dates_lies_on_another(site, page):
    for options in ({"viewport": {"width": 1280, "height": 900}}, PHONE):
        tab = page(site / "lineage.html", **options)
        drawing = "wide" if "is_mobile" not in options else "narrow"
        boxes = tab.evaluate(
            """kind => [...document.querySelectorAll(`#memo-timeline .${kind} text`)]
               .filter(one => one.textContent.trim()).map(one => one.getBoundingClientRect())
               .map(box => [box.left, box.top, box.right, box.bottom])""",
            drawing,
        )
        assert len(boxes) > 15
        touching = [
            (one, two)
            for place, one in enumerate(boxes)
            for two in boxes[place + 1 :]
            if min(one[2], two[2]) - max(one[0], two[0]) > 1 and min(one[3], two[3]) - max(one[1], two[1]) > 3
        ]
        assert touching == []


def test_a_part_of_the_hub_says_that_its_shares_say_little(site, page):
    tab = page(site / "lineage.html")
    assert "their shares here say little" in tab.locator("#technique-adoption").inner_text()


def test_without_scripts_the_largest_families_are_a_table(site, published, page):
    tab = page(site / "lineage.html", java_script_enabled=False)
    assert not tab.locator("#explorer").is_visible()
    largest = published.execute(
        "SELECT id FROM marts.family WHERE parents = 0 ORDER BY descendants DESC, id LIMIT 20"
    ).fetchall()
    assert cells(tab, "#largest tbody th") == [name for (name,) in largest]


# The families


def test_a_base_shows_its_children_the_most_downloaded_first(site, published, page):
    tab = page(family(site, LLAMA))
    children = published.execute(
        """SELECT e.child FROM staging.lineage_edges AS e LEFT JOIN staging.hub_models AS h ON e.child = h.id
           WHERE e.parent = ? ORDER BY h.downloads DESC NULLS LAST, e.child""",
        [LLAMA],
    ).fetchall()
    while tab.locator(".tree .more").count():
        tab.locator(".tree .more").first.click()
    assert cells(tab, ".tree > li > .member > a") == [name for (name,) in children]
    assert tab.locator("#family-title").inner_text() == LLAMA
    assert set(cells(tab, ".tree > li > .member .badge:nth-child(2)")) <= set(EVIDENCE)


def test_its_clocks_are_those_of_the_mart(site, published, page):
    tab = page(family(site, LLAMA))
    shown = {row.split()[0]: row for row in cells(tab, '[aria-label="Days until the first derivative"] tbody tr')}
    clocks = published.execute(
        "SELECT kind, days_to_first, first_child, observed_days FROM marts.derivative_clock WHERE base = ?", [LLAMA]
    ).fetchall()
    assert set(shown) == {kind for kind, *_ in clocks}
    for kind, days, first, observed in clocks:
        expected = f"{kind} > {observed:,} {NONE}" if days is None else f"{kind} {days} {first}"
        assert shown[kind].startswith(expected)


def test_the_tree_opens_by_keyboard(site, published, page):
    tab = page(site / "lineage.html")
    [(model, child)] = published.execute(
        """SELECT e.parent, e.child FROM staging.lineage_edges AS e INNER JOIN marts.family AS f ON e.child = f.id
           INNER JOIN marts.family AS b ON e.parent = b.id WHERE b.children = 1 AND f.children > 0 AND f.circle IS NULL
           ORDER BY ALL LIMIT 1"""
    ).fetchall()
    tab.focus("#family-name")
    tab.keyboard.press("Control+A")
    tab.keyboard.type(model)
    tab.keyboard.press("Enter")
    assert tab.locator("#family-title").inner_text() == model
    assert tab.evaluate("document.activeElement.id") == "family-title"
    button = tab.get_by_role("button", name=f"What was built on {child}")
    button.focus()
    tab.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    opened = tab.locator("#" + button.get_attribute("aria-controls"))
    assert opened.locator("li").count() > 0
    tab.keyboard.press("Space")
    assert button.get_attribute("aria-expanded") == "false"
    assert opened.count() == 0


def test_an_address_shows_the_same_family_again(site, page):
    tab = page(site / "lineage.html")
    tab.click(f'#explorer .picks a[data-model="{LLAMA}"]')
    assert "model=" in tab.url
    before = tab.locator("#family-view").inner_text()
    again = page(tab.url)
    assert again.locator("#family-view").inner_text() == before
    tab.go_back()
    assert tab.locator("#family-view").inner_text() != before


def test_an_unknown_model_leads_back(site, page):
    tab = page(family(site, "nobody/nothing-of-the-kind"))
    assert tab.locator("#family-title").inner_text() == "Nothing found"
    tab.locator("#family-view a").first.click()
    assert tab.locator("#family-title").inner_text() == tab.locator("#explorer").get_attribute("data-first")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_in_the_address_is_only_text(site, page, name):
    tab = page(family(site, name), viewport={"width": 390, "height": 844})
    assert tab.evaluate("window.pwned") is None
    assert tab.seen.errors == []
    assert tab.locator("#family-view img, #family-view script, #family-view svg").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_names_of_repositories_are_only_text(site, page, tmp_path):
    """The page with data in which every name was chosen to do harm."""
    folder = tmp_path / "site"
    (folder / "data").mkdir(parents=True)
    (folder / "assets").symlink_to(site / "assets")
    (folder / "lineage.html").write_text((site / "lineage.html").read_text())
    found = families(hub([(HOSTILE[0], name) for name in HOSTILE[1:]]))
    (folder / "data" / "lineage.js").write_text(f"window.moat={{}};window.moat.lineage={script_json(found)};")
    tab = page(family(folder, HOSTILE[0]), viewport={"width": 390, "height": 844})
    while tab.locator(".tree .more").count():
        tab.locator(".tree .more").first.click()
    assert sorted(tab.locator(".tree a").all_text_contents()) == sorted(HOSTILE[1:])
    assert tab.evaluate("window.pwned") is None
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert "huggingface.co" not in tab.locator("#family-view").inner_html()


# The data behind them


def hub(edges, downloads=None):
    """A database with the columns that are read, of parent and child."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA staging; CREATE SCHEMA marts;")
    names = sorted({name for edge in edges for name in edge})
    connection.execute("""
        CREATE TABLE staging.lineage_edges (parent VARCHAR, child VARCHAR, relation VARCHAR, evidence VARCHAR);
        CREATE TABLE staging.hub_models (id VARCHAR, downloads BIGINT, deleted_seen_at TIMESTAMPTZ);
        CREATE TABLE staging.techniques (id VARCHAR, kind VARCHAR, confidence DOUBLE);
        CREATE TABLE staging.benchmarks (benchmark_id VARCHAR, name VARCHAR);
        CREATE TABLE marts.family (id VARCHAR, parents INT, children INT, ancestors INT, descendants INT,
            inferred_descendants INT, height INT, circle VARCHAR);
        CREATE TABLE marts.derivative_clock (base VARCHAR, kind VARCHAR, started_on DATE, started_from VARCHAR,
            observed_days INT, older_children INT, days_to_first INT, first_child VARCHAR, first_evidence VARCHAR,
            days_to_first_outside INT, days_to_first_used INT, children INT, inferred_children INT);
        CREATE TABLE marts.derivatives_over_time (base VARCHAR, days INT, derivatives INT, authors INT,
            outside_authors INT, of_them_inferred INT, complete BOOLEAN);
        CREATE TABLE marts.retention (base VARCHAR, child VARCHAR, benchmark_id VARCHAR, series_id VARCHAR,
            base_score DOUBLE, child_score DOUBLE, unit VARCHAR, retention DOUBLE);""")
    below, above = Counter(parent for parent, _ in edges), Counter(child for _, child in edges)
    frame = pl.DataFrame({"id": names, "parents": [above[name] for name in names],
                          "children": [below[name] for name in names],
                          "downloads": [(downloads or {}).get(name, 0) for name in names]})  # fmt: skip
    pairs = pl.DataFrame(edges, schema=["parent", "child"], orient="row")
    connection.register("frame", frame)
    connection.register("pairs", pairs)
    connection.execute("""
        INSERT INTO staging.lineage_edges SELECT parent, child, 'finetune', 'tag' FROM pairs;
        INSERT INTO staging.hub_models SELECT id, downloads, NULL FROM frame;
        INSERT INTO marts.family SELECT id, parents, children, parents, children, 0, 1, NULL FROM frame;""")
    return connection


def edges_of(found):
    names, numbers = found["names"], found["edges"]
    return [
        (names[parent], names[child], RELATIONS[code >> 3], EVIDENCE[code & 7])
        for parent, child, code in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    ]


def test_the_browser_gets_every_edge(published):
    expected = published.execute("SELECT parent, child, relation, evidence FROM staging.lineage_edges").fetchall()
    assert sorted(edges_of(families(published))) == sorted(expected)
    assert families(published)["part"] is None


def test_of_a_large_hub_the_largest_families_are_given_by_their_most_downloaded_members(monkeypatch):
    monkeypatch.setattr("pipeline.site.lineage_data.FAMILIES", 1)
    monkeypatch.setattr("pipeline.site.lineage_data.MEMBERS", 2)
    edges = [("a/base", "b/one"), ("a/base", "b/two"), ("a/base", "b/three"), ("b/two", "c/deep"), ("z/base", "z/one")]
    found = families(hub(edges, {"b/two": 50, "c/deep": 40, "b/one": 5, "z/one": 1000}), edges_at_most=4)
    assert found["names"] == ["a/base", "b/two", "c/deep"]
    assert found["nodes"]["children"] == [3, 1, 0]  # those that the page does not hold are counted
    assert found["part"]["families"] == 1


def test_twenty_thousand_edges_weigh_less_than_a_megabyte():
    picked = random.Random(7)  # noqa: S311 - names, no secrets
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    accounts = ["".join(picked.choices(letters, k=10)) for _ in range(3000)]
    bases = [f"{picked.choice(accounts)}/{''.join(picked.choices(letters, k=14))}-7B" for _ in range(400)]
    edges = [
        (picked.choice(bases), f"{picked.choice(accounts)}/{''.join(picked.choices(letters, k=18))}-7B")
        for _ in range(20_000)
    ]
    found = families(hub(edges))
    assert len(found["edges"]) == 3 * 20_000
    assert len(gzip.compress(script_json(found).encode())) < 1_000_000
