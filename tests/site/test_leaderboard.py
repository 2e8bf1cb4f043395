"""The leaderboard: what a row says, what is hidden, and that a view can be sent to somebody else."""

import csv
import io
from datetime import date
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from pipeline.settings import Settings
from pipeline.site import leaderboard
from pipeline.warehouse import connect_published

ROWS = "#rows tr"


def model(name, **facts):
    row = {
        "rank_best": None, "rank_worst": None, "model": name, "organisation": "Lab", "access": "open",
        "licence": "mit", "licence_class": "unrestricted", "params_total": None, "params_active": None,
        "released_on": None, "released_on_source": "unknown", "index_value": None, "index_lo": None, "index_hi": None,
        "benchmarks": 5, "reported_by": "independent", "derivation": None, "source_url": None, "model_id": name.lower(),
    }  # fmt: skip
    return row | facts


def cell(model_id, value, **facts):
    row = {
        "model_id": model_id, "key": "quiz", "value": value, "stderr": None, "effort": None, "source_name": "A board",
        "source_url": "https://example.org/board", "dated_on": date(2025, 2, 1), "protocol": "5 shots",
        "fetched_on": date(2026, 1, 1),
    }  # fmt: skip
    return row | facts


def board(models, cells=()):
    column = {
        "key": "quiz", "benchmark": "Quiz", "evaluator": "A board", "setting": "5-shot", "unit": "fraction",
        "models": 2,
    }  # fmt: skip
    schema = {"stderr": pl.Float64, "effort": pl.String}
    return leaderboard.Board(
        pl.DataFrame(models, infer_schema_length=None),
        pl.DataFrame([column]),
        pl.DataFrame([*cells, cell("nobody", 0.1)], schema_overrides=schema, infer_schema_length=None),
    )


def test_a_rank_is_a_range():
    assert leaderboard.rank(1, 4) == "1-4"
    assert leaderboard.rank(2, 2) == "2"
    assert leaderboard.rank(3, None) == "3 or lower"


def test_a_size_that_nobody_disclosed_is_no_zero():
    assert leaderboard.size(None, None) == "n/d"
    assert leaderboard.size(None, 3_000_000_000) == "n/d, 3B active"
    assert leaderboard.size(671_000_000_000, 37_000_000_000) == "671B, 37B active"
    assert leaderboard.size(494_032_768, None) == "0.49B"
    assert leaderboard.size(8_000_000_000, 8_000_000_000) == "8B"


def test_merges_derivatives_and_models_with_few_benchmarks_are_not_among_the_first_rows():
    document = leaderboard.of_board(
        board([model("Plain"), model("Merged", derivation="merge"), model("Tuned", derivation="derivative"),
               model("Little known", benchmarks=3)])
    )  # fmt: skip
    rows, matching, _ = leaderboard.first_rows(document)
    assert [row["model"] for row in rows] == ["Plain"]
    assert matching == 1


def test_a_score_says_where_it_comes_from_and_a_missing_one_is_none():
    document = leaderboard.of_board(board([model("A"), model("B")], [cell("a", 0.625, stderr=0.01, effort="high")]))
    first, second = leaderboard.first_rows(document)[0]
    assert first["cells"] == [
        {
            "text": "62.5",
            "tip": "Quiz: 0.625 (fraction); standard error 0.01; 5 shots, high; source: A board; dated 2025-02-01;"
            " fetched 2026-01-01",
            "link": "https://example.org/board",
        }
    ]
    assert second["cells"] == [None]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://example.org", "https://example.org/ x", None])
def test_only_https_is_linked_to(address):
    document = leaderboard.of_board(board([model("A")], [cell("a", 0.5, source_url=address)]))
    assert leaderboard.first_rows(document)[0][0]["cells"][0]["link"] is None


def test_the_axis_of_the_intervals_holds_all_that_is_shown():
    document = leaderboard.of_board(
        board([model("A", index_value=120.0, index_lo=110.5, index_hi=130.2), model("B", index_value=90.0)])
    )
    rows, _, axis = leaderboard.first_rows(document)
    assert axis == (89.0, 131.0)
    assert all(4 <= end <= 116 for row in rows for end in row["ends"] if end is not None)


def test_the_csv_holds_every_model_as_published_and_no_formula():
    table = leaderboard.table(board([model("=cmd()"), model("B", derivation="merge")], [cell("b", 0.625)]))
    assert table["Quiz, A board (fraction)"].to_list() == [None, 0.625]
    assert leaderboard.csv_text(table).splitlines()[1].split(",")[2] == "'=cmd()"


def test_every_model_of_the_mart_stands_in_it_once_beside_merges_that_count_nowhere(built):
    with connect_published(Settings(data=built)) as published:
        found = leaderboard.read(published)
        names = {name for (name,) in published.execute("SELECT model FROM marts.leaderboard").fetchall()}
        # One score a cell.
        assert found.cells.select("model_id", "key").is_unique().all()
    assert found.models["model"].is_unique().all()
    assert names <= set(found.models["model"])
    rest = found.models.filter(~pl.col("model").is_in(names))
    assert set(rest["derivation"]) <= {"merge", "copy", "derivative"}
    assert rest["index_value"].is_null().all()
    assert found.benchmarks.height == leaderboard.COLUMNS
    top = found.models.filter(pl.col("index_value").is_not_null()).head(20)["model_id"]
    assert top.is_in(found.cells["model_id"].to_list()).mean() > 0.8


def names(page):
    return page.locator(f"{ROWS} th[scope=row] a").all_inner_texts()


def count(page):
    return int(page.inner_text("#count").split(" of ")[0].replace(",", ""))


def test_the_first_rows_can_be_read_without_javascript_and_are_the_same_with_it(site, page):
    plain = page(site / "leaderboard.html", java_script_enabled=False)
    scripted = page(site / "leaderboard.html")
    assert len(names(plain)) == 50
    assert names(plain) == names(scripted)
    for cells in (f"{ROWS} td:not(.pin)", "thead small"):
        assert plain.locator(cells).all_inner_texts() == scripted.locator(cells).all_inner_texts()
    tips = "all => all.map((one) => one.dataset.tip)"
    told = f"{ROWS} td [data-tip]"
    assert plain.locator(told).evaluate_all(tips) == scripted.locator(told).evaluate_all(tips)
    assert plain.inner_text("#count") == scripted.inner_text("#count")
    assert not plain.is_visible("#filters")
    assert scripted.seen.errors == []


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_what_is_unknown_comes_last_whichever_way_one_sorts(site, page, direction):
    tab = page(f"{site.as_uri()}/leaderboard.html?derived=show&min=0&n=5000&sort=size&dir={direction}")
    column = tab.locator("thead th").evaluate_all("heads => heads.map((head) => head.dataset.sort)").index("size")
    sizes = tab.locator(f"{ROWS} > :nth-child({column + 1})").all_inner_texts()
    known = [size for size in sizes if not size.startswith("n/d")]
    assert 0 < len(known) < len(sizes)
    assert sizes[: len(known)] == known


def test_the_heads_of_columns_sort_and_say_how(site, page):
    tab = page(site / "leaderboard.html")
    for expected in ("descending", "ascending", "descending"):
        tab.click("th[data-sort=benchmarks] button")
        assert tab.get_attribute("th[data-sort=benchmarks]", "aria-sort") == expected
    assert tab.locator("th[aria-sort]").count() == 1


def test_a_link_to_a_view_shows_the_same_view(site, page):
    tab = page(site / "leaderboard.html")
    tab.fill("[name=q]", "qwen")
    tab.select_option("[name=access]", "open")
    tab.select_option("[name=licence]", "unrestricted")
    tab.select_option("[name=size]", "32")
    tab.fill("[name=from]", "2024-01-01")
    tab.fill("[name=min]", "2")
    tab.uncheck("[name=hide]")
    tab.click("th[data-sort=released] button")
    tab.check(f"{ROWS}:nth-child(2) input")
    asked = parse_qs(urlsplit(tab.url).query)
    assert set(asked) == {"q", "access", "licence", "size", "from", "min", "derived", "sort", "pin"}
    again = page(tab.url)
    assert names(again) == names(tab)
    assert len(names(again)) > 2
    assert again.inner_text("#count") == tab.inner_text("#count")
    assert again.input_value("[name=q]") == "qwen"
    again.click("button[type=reset]")
    again.wait_for_function("location.search === ''")
    assert names(again) == names(page(site / "leaderboard.html"))


def test_an_address_with_nonsense_shows_what_it_would_without(site, page):
    tab = page(
        f"{site.as_uri()}/leaderboard.html?sort=constructor&dir=up&size=huge&from=yesterday&n=-3&pin=Nobody&min=x"
    )
    assert names(tab) == names(page(site / "leaderboard.html"))
    assert tab.seen.errors == []


def test_the_download_has_as_many_rows_as_the_page_counts(site, page):
    tab = page(f"{site.as_uri()}/leaderboard.html?q=llama&derived=show&min=0", accept_downloads=True)
    with tab.expect_download() as caught:
        tab.click("#download")
    rows = list(csv.DictReader(io.StringIO(caught.value.path().read_text(encoding="utf-8"))))
    assert len(rows) == count(tab) > 50
    assert [row["model"] for row in rows[:50]] == names(tab)


def test_pinned_models_stay_on_top_and_go_to_the_comparison(site, page):
    tab = page(site / "leaderboard.html")
    first, second, third = names(tab)[:3]
    assert tab.is_disabled("#compare")
    tab.check(f'[aria-label="Pin {third}"]')
    assert tab.evaluate("document.activeElement.ariaLabel") == f"Pin {third}"
    tab.check(f'[aria-label="Pin {second}"]')
    assert names(tab)[:3] == [third, second, first]
    tab.fill("[name=q]", "no model is called so")
    assert names(tab) == [third, second]
    assert count(tab) == 2
    tab.click("#compare")
    tab.wait_for_selector("#comparison h2")
    chosen = tab.locator("#chosen li").evaluate_all("items => items.map((item) => item.firstChild.textContent)")
    assert chosen == [f"A {third}", f"B {second}"]


def test_when_nothing_matches_the_page_says_so_and_offers_a_way_back(site, page):
    tab = page(f"{site.as_uri()}/leaderboard.html?q=no+model+is+called+so")
    assert tab.is_visible("#none")
    assert not tab.is_visible("#board")
    tab.click("#again")
    tab.wait_for_selector("#board", state="visible")
    assert count(tab) > 50


def test_more_rows_come_by_two_hundred(site, page):
    tab = page(f"{site.as_uri()}/leaderboard.html?derived=show&min=0")
    tab.click("#more")
    assert len(names(tab)) == 250
    assert len(names(page(tab.url))) == 250
