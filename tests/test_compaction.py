"""Compaction: what lies between the first whole list and the newest keeps what changed, and the state is the same."""

import json
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.captures import CaptureWriter, every
from pipeline.compaction import compact_hub
from pipeline.hub_state import fold
from pipeline.raw import captures_of
from pipeline.settings import Settings
from pipeline.sources.hub_crawl import SOURCE
from pipeline.warehouse import connect_work


def item(number, downloads=1, score=None, **more):
    index = [
        {"name": "m", "results": [{"dataset": {"type": "mmlu"}, "metrics": [{"type": "accuracy", "value": score}]}]}
    ]
    card = {} if score is None else {"cardData": {"model-index": index}}
    return {"id": f"org/m{number}", "downloads": downloads, "tags": ["base_model:org/base"]} | card | more


def capture(data, items, kind="full", verified=True):
    with CaptureWriter(Settings(data=data).captures, SOURCE, "hub") as writer:
        for number in range(0, max(len(items), 1), 2):
            writer.add(f"{number:06d}.json", json.dumps(items[number : number + 2]).encode())
        return writer.seal(revision="", client="c", requests=1, items=len(items), kind=kind, verified=verified)[0]


def captures(data):
    return every(Settings(data=data).captures, SOURCE)


def state(data, known_at=None):
    """The state folded anew, without the counts of visitors and the names of captures."""
    chosen = Settings(data=data, hub="hub", accept_smaller=SOURCE, known_at=known_at)
    chosen.work_file.unlink(missing_ok=True)
    with connect_work(chosen) as connection:
        fold(connection, chosen, captures_of(chosen, SOURCE))
        frames = {
            name: connection.sql(f"FROM raw.{name}").pl() for name in ("hub_models", "lineage_edges", "card_metrics")
        }
        newest = connection.sql("SELECT id, downloads FROM raw.hub_models ORDER BY id").fetchall()
    left_out = ("capture_id", "downloads", "likes")
    return {name: sorted(frame.drop(left_out, strict=False).rows(), key=str) for name, frame in frames.items()} | {
        "downloads": newest
    }


def stored(data):
    return [[one for page in found.pages() for one in json.loads(page[1])] for found in captures(data)]


def test_what_did_not_change_is_dropped_and_downloads_are_no_change(tmp_path):
    capture(tmp_path, [item(1), item(2, score=70.5)])
    capture(tmp_path, [item(1, downloads=5), item(2, downloads=5, score=71.5), item(3)])
    capture(tmp_path, [item(1, downloads=9)], "delta")
    capture(tmp_path, [item(1, downloads=9), item(2, score=71.5), item(3)])
    before = state(tmp_path)
    done = compact_hub(captures(tmp_path))
    assert [len(one.manifest.pages) for one in done] == [3, 1]
    assert stored(tmp_path)[1:3] == [[item(2, downloads=5, score=71.5), item(3)], []]
    assert state(tmp_path) == before
    assert compact_hub(captures(tmp_path)) == []


def test_the_first_and_the_newest_whole_list_stay_as_they_were(tmp_path):
    kept = [capture(tmp_path, [item(1)]), capture(tmp_path, [item(1, downloads=2)]), capture(tmp_path, [item(1, 3)])]
    compact_hub(captures(tmp_path))
    found = captures(tmp_path)
    assert [one.manifest.compacted for one in found] == [False, True, False]
    assert [one.manifest.capture_id for one in found] == [one.manifest.capture_id for one in kept]
    assert found[0] == kept[0]
    assert found[2] == kept[2]


def test_of_a_repository_that_is_gone_everything_is_kept(tmp_path):
    capture(tmp_path, [item(1), item(2)])
    capture(tmp_path, [item(1, downloads=7), item(2, downloads=8)])
    capture(tmp_path, [item(1)])
    before = state(tmp_path)
    compact_hub(captures(tmp_path))
    assert stored(tmp_path)[1] == [item(2, downloads=8)]
    assert state(tmp_path) == before


def test_a_cut_between_writing_and_removing_leaves_one_capture(tmp_path):
    capture(tmp_path, [item(1)])
    middle = capture(tmp_path, [item(1, downloads=2), item(2)])
    capture(tmp_path, [item(1), item(2)])
    saved = {path.name: path.read_bytes() for path in middle.folder.iterdir()}
    compact_hub(captures(tmp_path))
    middle.folder.mkdir()
    for name, content in saved.items():
        (middle.folder / name).write_bytes(content)
    assert [one.manifest.compacted for one in captures(tmp_path)] == [False, True, False]


def test_what_two_unverified_lists_in_a_row_lack_is_gone_since_the_first_of_them(tmp_path):
    made, said = [], []
    for items in ([item(1), item(2)], [item(1)], [item(1, 2)], [item(1), item(2)]):
        made.append(capture(tmp_path, items, verified=False).manifest.finished_at)
        state(tmp_path)
        with connect_work(Settings(data=tmp_path)) as connection:
            said += connection.execute("SELECT gone_at FROM raw.hub_models WHERE id = 'org/m2'").fetchall()
    assert said == [(None,), (None,), (made[1],), (None,)]


STEP = st.tuples(
    st.sampled_from(["full", "unverified", "delta"]),
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.sampled_from([None, 70.5, 71.5])), max_size=6),
    st.booleans(),
)


def prepare(data, steps):
    """A whole list, what follows, and another whole list."""
    capture(data, [item(number) for number in range(1, 5)])
    for number, (kind, told, broken) in enumerate(steps):
        items = [item(*one, marker=number) if kind == "delta" else item(*one) for one in told]
        items += [{"id": "org/m3", "tags": 3}, {"no": "id"}] if broken else []
        capture(data, items or [item(1, number + 9)], "delta" if kind == "delta" else "full", kind == "full")
    capture(data, [item(1), item(2, 4, 71.5), item(9)])


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=6))
def test_any_captures_give_the_same_state_compacted(steps):
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        prepare(data, steps)
        before = state(data)
        compact_hub(captures(data))
        after = state(data)
        assert after == before
        assert pl.DataFrame(after["downloads"], orient="row").equals(pl.DataFrame(before["downloads"], orient="row"))


@settings(max_examples=20, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=6), st.data())
def test_what_was_known_between_two_whole_lists_stays_known_but_for_visitors(steps, drawn):
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        prepare(data, steps)
        known_at = drawn.draw(st.sampled_from(captures(data))).manifest.finished_at
        before = state(data, known_at)
        compact_hub(captures(data))
        after = state(data, known_at)
        assert after | {"downloads": None} == before | {"downloads": None}
        assert [repo for repo, _ in after["downloads"]] == [repo for repo, _ in before["downloads"]]
