"""A capture is whole or absent, and equal content is captured once."""

import os
from datetime import timedelta

import pytest

from pipeline import captures
from pipeline.captures import CaptureWriter, Manifest, checked_at, every, latest
from pipeline.errors import SourceError


def capture(root, content=b"[]", origin="hub"):
    with CaptureWriter(root, "source", origin) as writer:
        writer.add("000.json", content)
        return writer.seal(revision="r", client="c", requests=1, items=1)


def test_a_sealed_capture_reads_back_what_was_received(tmp_path):
    sealed, new = capture(tmp_path, b'[{"id": 1}]')
    assert new
    assert list(sealed.pages()) == [("000.json", b'[{"id": 1}]')]
    assert Manifest.from_json((sealed.folder / "manifest.json").read_text()) == sealed.manifest
    assert latest(tmp_path, "source") == sealed


def test_equal_content_of_the_same_origin_is_one_capture_but_the_look_is_noted(tmp_path):
    first, _ = capture(tmp_path)
    noted = checked_at(tmp_path, "source")
    second, new = capture(tmp_path)
    assert (second, new) == (first, False)
    assert checked_at(tmp_path, "source") > noted
    assert capture(tmp_path, origin="another hub")[1]
    assert len(every(tmp_path, "source")) == 2


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    def crash():
        with CaptureWriter(tmp_path, "source", "hub") as writer:
            writer.add("000.json", b"[]")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert every(tmp_path, "source") == []
    assert list((tmp_path / "source").iterdir()) == []


def begun(root, question="all", pages=2):
    """A capture that is cut off after some pages, as by a kill: nothing of the writer runs any more."""
    writer = CaptureWriter(root, "source", "hub", resume=question).__enter__()
    for number in range(len(writer.kept), pages):
        writer.add(f"{number}.json", b"[%d]" % number, note=f"next {number + 1}")
    return writer


def test_a_capture_that_was_cut_off_is_continued_after_its_last_whole_page(tmp_path):
    cut = begun(tmp_path)
    with (cut.folder / "pages.jsonl").open("ab") as file:
        file.write(b'{"name": "2.json", "sha')
    (cut.folder / "2.json.zst").write_bytes(b"half a page")
    with CaptureWriter(tmp_path, "source", "hub", resume="all") as writer:
        assert [(page.name, page.note) for page in writer.kept] == [("0.json", "next 1"), ("1.json", "next 2")]
        assert writer.started_at == cut.kept[0].at
        writer.remember("seen, nothing new")
        writer.add("2.json", b"[2]")
        sealed, new = writer.seal(revision="r", client="c", requests=4, items=3)
    assert new
    assert list(sealed.pages()) == [("0.json", b"[0]"), ("1.json", b"[1]"), ("2.json", b"[2]")]
    assert sorted(path.name for path in sealed.folder.iterdir()) == [
        "0.json.zst", "1.json.zst", "2.json.zst", "manifest.json",
    ]  # fmt: skip


def test_another_question_or_an_old_answer_or_an_abandoned_one_is_not_continued(tmp_path, monkeypatch):
    begun(tmp_path)
    assert begun(tmp_path, "changed since yesterday", pages=0).kept == ()
    monkeypatch.setattr(captures, "RESUME_WITHIN", timedelta(0))
    with CaptureWriter(tmp_path, "source", "hub", resume="all") as writer:
        assert writer.kept == ()
        writer.add("0.json", b"[]")
        writer.abandon()
    assert not writer.folder.exists()


def test_what_a_crash_left_long_ago_is_removed(tmp_path):
    old, young = (tmp_path / "source" / name for name in (".partial-old", ".tmp-young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    capture(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_manifest_of_an_earlier_version_is_named(tmp_path):
    sealed, _ = capture(tmp_path)
    (sealed.folder / "manifest.json").write_text('{"rows": {"read": 1}}')
    with pytest.raises(SourceError, match="damaged or of an earlier version"):
        every(tmp_path, "source")


def test_flipped_bytes_are_detected(tmp_path):
    sealed, _ = capture(tmp_path, b"[1, 2, 3]" * 100)
    page = sealed.folder / "000.json.zst"
    damaged = bytearray(page.read_bytes())
    damaged[-3] ^= 0xFF
    page.write_bytes(damaged)
    with pytest.raises(SourceError, match="run again"):
        list(sealed.pages())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "source").write_text("a file in the way")
    with pytest.raises(SourceError, match="cannot be written"):
        capture(tmp_path)
