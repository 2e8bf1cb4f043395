"""A capture is whole or absent, and equal content is captured once."""

import pytest

from pipeline.captures import CaptureWriter, Counts, Manifest, checked_at, every, latest
from pipeline.errors import SourceError


def capture(root, content=b"[]", origin="hub"):
    with CaptureWriter(root, "source", origin) as writer:
        writer.add("000.json", content)
        return writer.seal(revision="r", client="c", requests=1, rows=Counts(1, 1), metrics=Counts())


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
