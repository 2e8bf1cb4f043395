"""The pages of models: every score is in the file where the browser looks for it, with all that its source said."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from pipeline.settings import Settings
from pipeline.site import models
from pipeline.site.text import link
from pipeline.warehouse import connect_published

ASSETS = Path(models.__file__).resolve().parents[2] / "dashboards" / "assets"
NAMES = ["Kimi K3", "org/model-7B", "naïve ☃ 模型", "", "x" * 500, "</script>", "💥"]
SERIES = {
    "series_id": "quiz", "benchmark": "Quiz", "protocol": "5 shots", "protocol_class": "5-shot", "evaluator": "A board",
    "comparability": "same_evaluator", "unit": "percent", "direction": "higher", "chance": 0.0, "ceiling": 100.0,
    "name": None, "part": None,
}  # fmt: skip


def test_python_and_the_browser_look_in_the_same_file():
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    source = (ASSETS / "models.js").read_text()
    body = re.search(r"const shard = \(name\) => \{.*?\n  \};", source, re.DOTALL)[0]
    program = f"const SHARDS = {models.SHARDS}; {body} console.log(JSON.stringify({json.dumps(NAMES)}.map(shard)))"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [models.shard(name) for name in NAMES]
    assert f"SHARDS = {models.SHARDS};" in source


def test_a_model_is_found_by_its_name_its_id_and_its_repositories():
    known = [{"model_id": "m1", "name": "Model One", "hub_ids": ["org/one", "Model Two"]},
             {"model_id": "m2", "name": "Model Two"}]  # fmt: skip
    nothing = pl.DataFrame(schema={"model_id": pl.String})
    held = list(models.shards(known, nothing, pl.DataFrame([SERIES])))
    assert len(held) == models.SHARDS
    assert held[models.shard("Model One")]["models"]["Model One"]["model_id"] == "m1"
    assert {alias: name for shard in held for alias, name in shard["aliases"].items()} == {
        "m1": "Model One",
        "m2": "Model Two",
        "org/one": "Model One",
    }
    assert "m2" in held[models.shard("m2")]["aliases"]


def read_shard(site, name):
    text = (site / "data" / f"scores-{models.shard(name):02}.js").read_text(encoding="utf-8")
    return json.loads(text.split("] = ", 1)[1].rstrip().removesuffix(";"))


def test_every_current_score_is_in_the_files_with_its_provenance(site, built):
    with connect_published(Settings(data=built)) as published:
        rows = published.execute("""
            SELECT m.name, s.value, s.stderr, s.tier, s.source_url, s.capture_id, e.protocol, e.evaluator
            FROM staging.scores AS s JOIN staging.series AS e USING (series_id)
                JOIN staging.models AS m USING (model_id)
            WHERE s.superseded_at IS NULL
                AND (m.released_on IS NULL OR m.released_on <= (SELECT as_of FROM ops.schema_version))""").fetchall()
    found = []
    for file in sorted((site / "data").glob("scores-*.js")):
        shard = json.loads(file.read_text(encoding="utf-8").split("] = ", 1)[1].rstrip().removesuffix(";"))
        for name, model in shard["models"].items():
            scores = model["scores"]
            none = [None] * len(scores["series"])

            def text(at, scores=scores, none=none, shard=shard):
                return [None if one is None else shard["texts"][one] for one in scores.get(at, none)]

            found += zip(
                [name] * len(none), scores["value"], scores.get("stderr", none), text("tier"), text("source_url"),
                text("capture_id"), [shard["series"]["protocol"][one] for one in scores["series"]],
                [shard["series"]["evaluator"][one] for one in scores["series"]], strict=True,
            )  # fmt: skip
    assert len(list((site / "data").glob("scores-*.js"))) == models.SHARDS
    assert sorted(found, key=str) == sorted(rows, key=str)


def test_names_and_aliases_lead_to_a_model(site, built):
    with connect_published(Settings(data=built)) as published:
        [(name, model_id, hub_ids)] = published.execute("""
            SELECT name, model_id, hub_ids FROM staging.models AS m
            WHERE NOT starts_with(model_id, 'hub:') AND len(hub_ids) > 0
                AND EXISTS (FROM staging.scores AS s WHERE s.model_id = m.model_id)
            ORDER BY name LIMIT 1""").fetchall()
    assert read_shard(site, name)["models"][name]["model_id"] == model_id
    for alias in [model_id, *hub_ids]:
        assert read_shard(site, alias)["aliases"][alias] == name


def test_the_page_of_a_closed_model_says_who_matched_it_and_where_each_score_is_from(site, built, page):
    with connect_published(Settings(data=built)) as published:
        [(name, matched_by)] = published.execute("""
            SELECT closed_model, matched_by FROM marts.catch_up
            WHERE series = 'epoch_eci' AND matched_by IS NOT NULL ORDER BY closed_on LIMIT 1""").fetchall()
        [(value, current)] = published.execute(
            "SELECT index_value, (SELECT count(*) FROM staging.scores AS s JOIN staging.models AS m USING (model_id)"
            " WHERE m.name = $name AND s.superseded_at IS NULL) FROM marts.leaderboard WHERE model = $name",
            {"name": name},
        ).fetchall()
    tab = page((site / "model.html").as_uri() + f"?id={name.replace(' ', '%20')}")
    tab.wait_for_selector("#scores")
    assert tab.inner_text("h1") == name
    assert f"{value:g}" in tab.inner_text(".facts")
    assert matched_by in tab.text_content("#records")
    assert tab.locator("#scores tbody tr").count() == min(current, 200)
    # Where each score is from is in sight: the table is no wider than its place.
    assert tab.evaluate("(place => place.scrollWidth <= place.clientWidth)(document.querySelector('.scores'))")
    captures = tab.locator("#scores .capture").all_inner_texts()
    assert all(re.fullmatch(r"\d{8}T\d+Z-[0-9a-f]+", capture) for capture in captures)
    assert tab.seen.errors == []


def test_a_model_with_thousands_of_scores_shows_some_and_finds_the_rest(site, built, page):
    with connect_published(Settings(data=built)) as published:
        [(name, current)] = published.execute("""
            SELECT m.name, count(*) FROM staging.scores AS s JOIN staging.models AS m USING (model_id)
            WHERE s.superseded_at IS NULL GROUP BY ALL ORDER BY 2 DESC LIMIT 1""").fetchall()
    tab = page((site / "model.html").as_uri() + f"?id={name}")
    tab.wait_for_selector("#scores")
    assert current > 200
    assert tab.locator("#scores tbody tr").count() == 200
    last = tab.locator("#scores tbody tr:first-child td:first-child").inner_text().split("\n")[0]
    tab.fill("#scores input", last)
    assert 0 < tab.locator("#scores tbody tr").count() <= 200
    assert f"of {current:,} scores" in tab.inner_text("#scores [role=status]")


def test_an_unknown_model_is_said_to_be_unknown_and_its_name_stays_text(site, page):
    tab = page((site / "model.html").as_uri() + "?id=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    tab.wait_for_selector("h1:has-text('No such model')")
    assert "<img src=x onerror=alert(1)>" in tab.inner_text("#model")
    assert tab.locator("#model img").count() == 0
    tab.click("#model a")
    tab.wait_for_selector("#none", state="visible")
    assert tab.input_value("[name=q]") == "<img src=x onerror=alert(1)>"


def test_a_page_without_a_model_asks_for_one(site, page):
    tab = page(site / "model.html")
    tab.focus("#name")
    tab.keyboard.type("no such thing")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#said:has-text('No model with a score goes by “no such thing”')")
    tab.fill("#name", "kimi k")
    assert "Kimi K3" in [option.get_attribute("value") for option in tab.locator("#names option").all()]
    tab.fill("#name", "kimi k3")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("h1:has-text('Kimi K3')")
    assert tab.seen.errors == []


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString"])
def test_words_of_the_language_are_no_models(site, page, name):
    tab = page((site / "model.html").as_uri() + f"?id={name}")
    tab.wait_for_selector("h1:has-text('No such model')")
    assert tab.seen.errors == []


def test_without_javascript_the_page_names_the_csv(site, page):
    for file in ("model.html", "compare.html"):
        tab = page(site / file, java_script_enabled=False)
        assert tab.get_attribute("noscript a", "href") == "data/leaderboard.csv"
    assert (site / "data" / "leaderboard.csv").is_file()


def test_python_and_the_browser_follow_the_same_addresses(site, page):
    addresses = [
        "https://example.org/a?b=c#d", "http://example.org", "javascript:alert(1)", "https://example.org/ x",
        "https://example.org/\u202eexe", "https://example.org/\x07", " https://example.org", "//example.org", "",
    ]  # fmt: skip
    tab = page(site / "model.html")
    assert tab.evaluate("all => all.map(moat.tools.safe)", addresses) == [link(one) is not None for one in addresses]


def compared(page, site, *names):
    tab = page((site / "compare.html").as_uri() + "?ids=" + ",".join(name.replace(" ", "%20") for name in names))
    tab.wait_for_selector("#comparison > *")
    return tab


@pytest.fixture(scope="module")
def pair(built):
    """The best open and the best closed model by the index, and a model that shares no series with them."""
    with connect_published(Settings(data=built)) as published:
        best = published.execute("""
            SELECT model FROM marts.leaderboard WHERE index_value IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY access ORDER BY index_value DESC) = 1 AND access <> 'unknown'
            ORDER BY access""").fetchall()
        [(stranger,)] = published.execute(
            """
            SELECT m.name FROM staging.models AS m
            WHERE EXISTS (FROM staging.scores AS s WHERE s.model_id = m.model_id AND s.left_out IS NULL)
                AND NOT EXISTS (
                    FROM staging.scores AS s JOIN staging.scores AS o USING (series_id)
                    JOIN staging.models AS t ON o.model_id = t.model_id
                    WHERE s.model_id = m.model_id AND list_contains($best, t.name)
                ) AND NOT contains(m.name, ' ')
            ORDER BY m.name LIMIT 1""",
            {"best": [name for (name,) in best]},
        ).fetchall()
    return [name for (name,) in best], stranger


def test_only_scores_of_one_series_stand_beside_each_other(site, built, page, pair):
    names, _ = pair
    with connect_published(Settings(data=built)) as published:
        [(shared,)] = published.execute(
            """
            SELECT count(*) FROM (
                SELECT s.series_id FROM staging.scores AS s JOIN staging.models AS m USING (model_id)
                WHERE list_contains($names, m.name) AND s.superseded_at IS NULL AND s.left_out IS NULL
                GROUP BY s.series_id HAVING count(DISTINCT s.model_id) = 2)""",
            {"names": names},
        ).fetchall()
    tab = compared(page, site, *names)
    table = tab.locator("[aria-label='Shared scores'] tbody tr")
    assert table.count() == min(shared, 40) > 0
    assert tab.locator("svg.dots").count() == table.count()
    assert tab.locator("svg.dots").first.locator("circle.open, rect.closed").count() == 2
    assert tab.locator("#comparison .notice").count() == 0
    assert tab.seen.errors == []


def test_no_letter_of_a_mark_touches_another(site, page):
    tab = compared(page, site, "Kimi K3", "GPT-5.6 Sol", "Claude Opus 5", "GPT-5.5 Pro")
    touching = tab.evaluate("""() => [...document.querySelectorAll("svg.dots")].filter((drawing) => {
        const boxes = [...drawing.querySelectorAll("g text")].map((text) => text.getBoundingClientRect());
        return boxes.some((one, at) => boxes.slice(at + 1).some((other) => one.left < other.right
            && other.left < one.right && one.top < other.bottom && other.top < one.bottom));
    }).map((drawing) => drawing.getAttribute("aria-label"))""")
    assert tab.locator("svg.dots g text").count() > 40
    assert touching == []


def test_a_page_without_models_offers_the_best_of_both_sides(site, built, page):
    with connect_published(Settings(data=built)) as published:
        [best] = published.execute("""
            SELECT open_model, closed_model FROM marts.headline
            WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'""").fetchall()
    tab = page(site / "compare.html")
    tab.click("#beginnings a >> text=" + " and ".join(best))
    tab.wait_for_selector("[aria-label='Shared scores']")
    chosen = [text.split("\n")[0] for text in tab.locator("#chosen li").all_inner_texts()]
    assert chosen == [f"A {best[0]}", f"B {best[1]}"]
    assert not tab.is_visible("#beginnings")


def test_models_that_share_nothing_are_said_to_share_nothing(site, page, pair):
    [one, _], stranger = pair
    tab = compared(page, site, one, stranger)
    assert "share no series" in tab.inner_text("#comparison .notice")
    assert tab.locator("svg.dots").count() == 0


def test_models_are_added_and_removed_by_the_keyboard_and_the_address_says_which(site, page, pair):
    [one, other], _ = pair
    tab = compared(page, site, one)
    tab.focus("#name")
    tab.keyboard.type(other)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[aria-label='Shared scores']")
    again = page(tab.url)
    again.wait_for_selector("[aria-label='Shared scores']")
    assert again.locator("#chosen li").count() == 2
    again.focus(f'[aria-label="Remove {one}"]')
    again.keyboard.press("Enter")
    again.wait_for_selector("text=Add a second model")
    assert other.split(" ")[0] in again.url
    assert again.evaluate("document.activeElement.id") == "name"


def test_there_is_room_for_four(site, page):
    tab = compared(page, site, "Kimi K3", "GPT-5", "o3", "DeepSeek-R1", "Grok 4")
    assert tab.locator("#chosen li").count() == 4
    tab.fill("#name", "Grok 4")
    tab.keyboard.press("Enter")
    assert "remove one first" in tab.inner_text("#said")


def test_a_comma_in_a_name_does_not_split_it(site, page):
    tab = page(site / "compare.html")
    odd = ["a,b", "100%", "%2C", "plain"]
    assert tab.evaluate("names => moat.tools.split(moat.tools.join(names))", odd) == odd
