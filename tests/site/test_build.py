"""The site as one folder: in place at once or not at all, and what a build that was cut off left is swept away."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from pipeline.errors import WarehouseError
from pipeline.settings import Settings
from pipeline.site import build


@pytest.fixture
def data(built, tmp_path):
    """A copy of a published file, whose site may be made anew."""
    (tmp_path / "published").mkdir()
    for name in ("openmoat.duckdb", "marts.duckdb"):
        shutil.copy(built / "published" / name, tmp_path / "published" / name)
    shutil.copytree(built / "published" / "parquet", tmp_path / "published" / "parquet")
    return tmp_path


def test_a_part_that_fails_leaves_the_last_site_and_nothing_else(data, monkeypatch):
    place = data / "published" / "site"
    place.mkdir()
    (place / "index.html").write_text("the last one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "PARTS", {"overview": full})
    with pytest.raises(WarehouseError, match="No space left on device"):
        build.build(Settings(data=data))
    assert (place / "index.html").read_text() == "the last one"
    assert [path.name for path in place.parent.glob(".*")] == []


def test_a_new_site_takes_the_place_of_the_last_one_and_sweeps_what_was_cut_off(data, monkeypatch):
    place = data / "published" / "site"
    for folder, age in ((place, 0), (place.parent / ".site-dead", 2), (place.parent / ".site-alive", 0)):
        folder.mkdir()
        (folder / "old.html").write_text("old")
        then = (datetime.now(UTC) - timedelta(hours=age)).timestamp()
        os.utime(folder, (then, then))
    monkeypatch.setattr(build, "PARTS", {"overview": build.PARTS["overview"]})
    first = build.build(Settings(data=data))
    assert first == place / "index.html"
    assert not (place / "old.html").exists()
    assert "trails the best" in first.read_text(encoding="utf-8").replace("\n", " ")
    assert [path.name for path in place.parent.glob(".*")] == [".site-alive"]


def test_notices_say_what_a_reader_must_know_first():
    now = datetime(2026, 11, 28, tzinfo=UTC)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA marts")
        columns = "(source TEXT, state TEXT, captured_at TIMESTAMPTZ, checked_at TIMESTAMPTZ)"
        connection.execute(f"CREATE TABLE marts.sources {columns}")
        for source, days in (("hub_models", 9), ("facts", 20)):
            row = [source, "asked", None, now - timedelta(days=days)]
            connection.execute("INSERT INTO marts.sources VALUES (?, ?, ?, ?)", row)
        notices = build._notices(connection, "http://127.0.0.1:9", now)
        whole = build._notices(connection, "https://huggingface.co", now - timedelta(days=9))
    assert [notice["kind"] for notice in notices] == ["part", "stale", "bad"]
    assert "facts failed since: last good on 2026-11-08" in notices[2]["text"]
    assert [notice["kind"] for notice in whole] == ["bad"]
