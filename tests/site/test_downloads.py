"""What people and programs take away: hashes, the answer, the feed, the schema, how to cite."""

import hashlib
import json
import re
import shutil
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import duckdb
import pytest
import yaml

from pipeline.settings import Settings
from pipeline.site import downloads
from pipeline.site.feed import ATOM, atom, changes_of
from pipeline.warehouse import connect_published

SITE = {
    "sentence": "Open is behind.",
    "as_of": date(2026, 8, 11),
    "built": "2026-08-12 06:00 UTC",
    "hash": "ab" * 32,
    "hub": "https://huggingface.co",
    "attribution": "Open Moat (CC BY 4.0) & others_100%",
    "notices": [],
}
SEEN = datetime(2026, 8, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\x1b[2J]]>&"


def change(**differing):
    row = {
        "built_before": datetime(2026, 8, 11, 6, tzinfo=UTC), "built_after": datetime(2026, 8, 12, 6, tzinfo=UTC),
        "series": "epoch_eci", "open_definition": "downloadable", "metric": "gap", "before": 4.0, "after": 5.0,
        "difference": 1.0, "factor": "new_models", "amount": 1.0, "models": 2, "note": None,
    }  # fmt: skip
    return row | differing


def parsed(feed):
    return ET.fromstring(feed)  # noqa: S314 - written by this project a moment ago


class Page(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_figures_for_papers_are_as_wide_as_a_journal_has_them(site):
    for mm in (170, 85):
        figures = sorted((site / "charts").glob(f"*-{mm}mm.pdf"))
        assert len(figures) > 5
        for figure in figures:
            width = re.search(rb"/MediaBox *\[0 0 ([0-9.]+) ", figure.read_bytes())
            assert float(width[1]) / 72 * 25.4 == pytest.approx(mm, abs=0.1), figure.name


def test_the_manifest_lists_every_file_with_its_hash(site):
    listed = {one["path"]: one for one in json.loads((site / "manifest.json").read_text())["files"]}
    there = {file.relative_to(site).as_posix(): file for file in site.rglob("*") if file.is_file()}
    assert listed.keys() == there.keys() - {"manifest.json"}
    for path, file in there.items():
        if path != "manifest.json":
            content = file.read_bytes()
            assert listed[path]["bytes"] == len(content), path
            assert listed[path]["sha256"] == hashlib.sha256(content).hexdigest(), path


def test_hashes_on_the_page_are_those_of_the_files(site):
    page = (site / "data.html").read_text()
    for name in ("marts.duckdb", "latest.json", "changes.xml", "CITATION.cff", "CITATION.bib", "parquet/gap.parquet"):
        assert hashlib.sha256((site / name).read_bytes()).hexdigest() in page, name


def test_latest_is_the_headline(built, site):
    latest = json.loads((site / "latest.json").read_text())
    with connect_published(Settings(data=built)) as connection:
        rows = connection.execute("SELECT * EXCLUDE (notes) FROM marts.headline WHERE is_headline").pl().to_dicts()
    plain = {
        (row["open_definition"], row["tolerance"]): json.loads(json.dumps(row, default=lambda day: day.isoformat()))
        for row in rows
    }
    assert latest["headline"] == plain["downloadable", "strict"]
    assert len(latest["answers"]) == len(plain)
    assert all(answer == plain[answer["open_definition"], answer["tolerance"]] for answer in latest["answers"])
    assert {"schema", "as_of", "built", "hash", "hub", "attribution", "licence", "sentence"} <= latest.keys()


def test_marts_and_parquet_are_the_published_ones(built, site):
    published = built / "published"
    assert (site / "marts.duckdb").read_bytes() == (published / "marts.duckdb").read_bytes()
    with duckdb.connect(str(site / "marts.duckdb"), read_only=True) as marts:
        names = {name for (name,) in marts.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert {file.stem for file in (site / "parquet").iterdir()} == names


def test_the_schema_names_every_column_with_its_meaning(built, site):
    with connect_published(Settings(data=built)) as connection:
        described = downloads.schema(connection)
        columns = connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'marts'")
        expected = sorted(columns.fetchall())
    assert sorted((it["name"], name) for it in described for name, _, _ in it["columns"]) == expected
    assert all(meaning for it in described for *_, meaning in it["columns"])
    assert all(it["meaning"] for it in described)
    page = (site / "data.html").read_text()
    assert all(f"<code>{name}</code>" in page for _, name in expected)
    assert all(f"<code>marts.{it['name']}</code>" in page for it in described)


def test_the_feed_has_what_atom_requires(site):
    feed = parsed((site / "changes.xml").read_bytes())
    assert feed.tag == f"{{{ATOM}}}feed"
    entries = feed.findall(f"{{{ATOM}}}entry")
    assert entries
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{{{ATOM}}}{name}")) == 1
        assert datetime.fromisoformat(element.findtext(f"{{{ATOM}}}updated")).tzinfo is not None
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", element.findtext(f"{{{ATOM}}}id"))
    assert feed.findtext(f"{{{ATOM}}}author/{{{ATOM}}}name")
    assert feed.find(f"{{{ATOM}}}link[@rel='self']") is not None
    ids = [entry.findtext(f"{{{ATOM}}}id") for entry in entries]
    assert len(set(ids)) == len(ids)


def test_the_same_build_has_the_same_entry_whenever_the_site_is_made():
    later = SITE | {"built": "2026-09-01 06:00 UTC"}
    assert atom(SITE, SEEN, []) == atom(later, SEEN, [])
    assert atom(SITE, SEEN, []) != atom(SITE | {"hash": "cd" * 32}, SEEN, [])


def test_changes_become_entries_newest_first_and_small_ones_none():
    later = datetime(2026, 8, 13, 6, tzinfo=UTC)
    changes = changes_of([change(), change(built_after=later), change(series="capability_index", amount=0.001)])
    assert [(one["built_after"], one["series"]) for one in changes] == [
        (later, "epoch_eci"), (datetime(2026, 8, 12, 6, tzinfo=UTC), "epoch_eci"),
    ]  # fmt: skip
    feed = parsed(atom(SITE, SEEN, changes))
    assert len(feed.findall(f"{{{ATOM}}}entry")) == 3
    assert feed.findtext(f"{{{ATOM}}}updated") == "2026-08-13T06:00:00+00:00"


def test_hostile_text_in_the_feed_is_text():
    feed = parsed(atom(SITE | {"sentence": HOSTILE}, SEEN, []))
    content = feed.findtext(f"{{{ATOM}}}entry/{{{ATOM}}}content")
    assert content.startswith("<script>alert(1)</script>")
    assert "\x1b" not in content


@pytest.fixture
def hostile(built, tmp_path):
    """A published folder whose sources have names that want to do harm."""
    published = tmp_path / "published"
    published.mkdir()
    for name in ("openmoat.duckdb", "marts.duckdb"):
        shutil.copy(built / "published" / name, published)
    shutil.copytree(built / "published" / "parquet", published / "parquet")
    with duckdb.connect(str(published / "openmoat.duckdb")) as connection:
        connection.execute("UPDATE marts.sources SET source = $x, attribution = $x, licence = $x", {"x": HOSTILE})
        connection.execute("UPDATE marts.sources SET url = 'javascript:alert(1)'")
        connection.execute("UPDATE ops.quarantine SET source = $x, reason = $x", {"x": HOSTILE})
    return Settings(data=tmp_path)


def test_hostile_names_of_sources_stay_inert(hostile, tmp_path):
    folder = tmp_path / "site"
    with connect_published(hostile) as connection:
        downloads.write(connection, SITE, folder)
    text = (folder / "data.html").read_text()
    assert "&lt;script&gt;alert(1)" in text
    tags = Page(text).tags
    assert [attributes for tag, attributes in tags if tag == "script"] == [{"src": "assets/site.js"}]
    assert not [attributes for _, attributes in tags if (attributes.get("href") or "").startswith("javascript:")]


def test_a_citation_names_the_build_and_escapes_what_tex_reads():
    text, cff, bibtex = downloads.citation(SITE)
    assert "as of 2026-08-11, build abababababab" in text
    assert r"\& others\_100\%" in bibtex
    read = yaml.safe_load(cff)
    assert read["identifiers"][0]["value"] == "sha256:" + SITE["hash"]
    assert {"cff-version", "message", "title", "authors"} <= read.keys()


@pytest.mark.parametrize(
    ("bytes_", "words"), [(999, "999 B"), (1000, "1 kB"), (999_499, "999 kB"), (11_546_624, "11.5 MB")]
)
def test_sizes_in_words(bytes_, words):
    assert downloads.size(bytes_) == words
