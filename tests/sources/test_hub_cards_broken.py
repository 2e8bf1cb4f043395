"""READMEs that are broken or hostile: one row of quarantine with a reason, the card beside it is kept, in no time."""

import json
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.captures import CaptureWriter
from pipeline.sources import hub_cards
from pipeline.sources.hub_cards import BOARD, INDEX, MAX_README_BYTES, parse
from tests.sources.test_hub_cards import ACCURACY, GOOD, card, index, offering, readme

LINES = '- name: m\n  results:\n  - dataset: {type: x}\n    metrics: [{type: f1, value: "\\0\\u202e<script>=cmd()"}]\n'


def captured(folder, lines):
    """A capture of these lines, without a Hub."""
    with CaptureWriter(folder, hub_cards.SOURCE, "hub") as writer:
        writer.add("000000.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        writer.add(INDEX, json.dumps({repo: sha for repo, sha, *_ in lines}).encode())
        return writer.seal(revision="", client="", requests=0, items=len(lines), kind="delta")[0]


BROKEN = {
    "no UTF-8": (GOOD + b"\xff", "card is no UTF-8"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "card is no UTF-8"),
    "no end": (b"---\nlicense: mit\n", "front matter does not end"),
    "no end, nothing else": (b"---", "front matter does not end"),
    "end that is none": (b"---\na: 1\n ---\n----\n--- x\n", "front matter does not end"),
    "a list": (readme("- a\n- b\n"), "front matter is a list"),
    "a text": (b"---\nA text between rules.\n---\n", "front matter is a str"),
    "a number": (readme("1\n"), "front matter is a int"),
    "tabs": (readme("license: mit\n\ttags: x\n"), "no YAML (ScannerError)"),
    "two colons": (readme("Foo: bar: baz\n"), "no YAML (ScannerError)"),
    "NUL": (readme("license: m\0it\n"), "no YAML (ReaderError)"),
    "control character": (readme("license: \x1b[31mred\n"), "no YAML (ReaderError)"),
    "Python object": (readme("license: !!python/object/apply:os.system [echo]\n"), "YAML with tags"),
    "tag of its own": (readme("license: !foo mit\n"), "YAML with tags"),
    "key given twice": (readme("license: mit\nlicense: apache-2.0\n"), "YAML with a key given twice"),
    "alias bomb": (readme("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"), "YAML with references"),
    "10,000 levels": (readme("license: " + "[" * 10_000 + "]" * 10_000 + "\n"), "YAML deeper than 40 levels"),
    "10,000 levels of mappings": (readme("{a: " * 10_000 + "\n"), "YAML deeper than 40 levels"),
    "long": (readme("license: " + "x" * 200_000 + "\n"), "YAML of more than 200,000 characters"),
    "most bytes": (GOOD + b"x" * (MAX_README_BYTES - len(GOOD)) + b"x", "README is over 2,097,152 bytes"),
    "50 MB": (b"---\n" + b"a: b\n" * 10_000_000, "README is over 2,097,152 bytes"),
    "50 MB that begin well": (GOOD + b" " * 50_000_000, "README is over 2,097,152 bytes"),
    "dataset repeated by every metric": (
        card(*({"type": "f1", "value": n / 1000} for n in range(3000)), dataset="x" * 20_000),
        "model-index with a dataset of more than 5,000 characters",
    ),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_readme_is_one_row_of_quarantine_and_the_one_beside_it_is_kept(tmp_path, content, reason):
    with offering(tmp_path, {"org/broken": content, "org/good": GOOD}) as cards:
        cards.fetch()
        [(items, scores)] = cards.fold(BOARD)
        assert cards.standing() == [("org/good", 71.0)]
        assert cards.reasons() == [("part", "org/broken", reason)]
        assert (items.read, items.kept, items.quarantined) == (2, 1, 1)
        assert (scores.read, scores.kept) == (1, 1)


def test_a_value_that_looks_like_a_percentage_stops_nothing(tmp_path):
    odd = [card({"type": "f1", "value": value}) for value in ("71.2%\t", "\u0663%", " % ", "1e999%", "\x1c71%")]
    with offering(tmp_path, {f"org/m{number}": one for number, one in enumerate(odd)} | {"org/good": GOOD}) as cards:
        cards.fetch()
        [(items, _)] = cards.fold(BOARD)
        assert ("org/good", 71.0) in cards.standing()
    assert (items.read, items.add_up) == (6, True)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"a": 1}, "model-index is a dict"), ("text", "model-index is a str"), (None, "model-index is a NoneType"),
        ([None], "model-index entry without results"), ([{"results": [None]}], "result without metrics"),
    ],
)  # fmt: skip
def test_a_place_without_metrics_is_put_aside_and_the_readme_kept(tmp_path, stated, reason):
    with offering(tmp_path, {"org/m": readme({"model-index": stated}), "org/good": GOOD}) as cards:
        cards.fetch()
        [(items, scores)] = cards.fold(BOARD)
        assert cards.reasons() == [("card", "org/m", reason)]
    assert (items.read, items.kept, scores.read, scores.kept) == (2, 2, 1, 1)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (None, "metric is a NoneType"), ({"value": 1.0}, "metric without a name"),
        (ACCURACY | {"value": None}, "value missing"), (ACCURACY | {"value": True}, "value is true or false"),
        (ACCURACY | {"value": "87,3"}, "value is text"), (ACCURACY | {"value": [71.0]}, "value is a list"),
        (ACCURACY | {"value": float("nan")}, "value is not finite"),
        (ACCURACY | {"value": float("inf")}, "value is not finite"),
        (ACCURACY | {"value": -1}, "value outside its scale"), (ACCURACY | {"value": 101}, "value outside its scale"),
        (ACCURACY | {"value": date(2024, 2, 1)}, "value is text"),
        ({"type": "bleu", "value": 20.9}, "unit not proven: scale of the metric unknown"),
        (ACCURACY | {"value": 0.5}, "unit not proven: fraction or percent"),
        (ACCURACY | {"value": 71.0}, "repeats a metric of the same card"),
    ],
)  # fmt: skip
def test_one_broken_metric_is_put_aside_and_the_others_kept(tmp_path, metric, reason):
    # A share of a dataset of its own, so that it says nothing of the unit of the broken one.
    both = index(dataset="other") + index(metric)
    both = both if reason != "repeats a metric of the same card" else index(metric, metric)
    with offering(tmp_path, {"org/m": readme({"model-index": both})}) as cards:
        cards.fetch()
        [(items, scores)] = cards.fold(BOARD)
        assert cards.reasons() == [("score", "org/m", reason)]
        assert cards.standing() == [("org/m", 71.0)]
    assert (items.read, items.kept, scores.read, scores.kept, scores.quarantined) == (1, 1, 2, 1, 1)


def test_thousands_of_metrics_are_counted_one_by_one(tmp_path):
    many = readme({"model-index": index(*({"type": "f1", "value": 2 + n / 1000} for n in range(3000)))})
    broken = readme("model-index: [{results: [{metrics: [" + "{}," * 60_000 + "]}]}]\n")
    with offering(tmp_path, {"org/many": many, "org/broken": broken}) as cards:
        cards.fetch()
        [(items, scores)] = cards.fold(BOARD)
    assert (items.read, items.kept, scores.kept, scores.quarantined) == (2, 2, 3000, 60_000)


def test_hostile_text_is_escaped_where_it_is_put_aside_and_kept_as_text_elsewhere(tmp_path):
    names = {"org/m": readme("model-index:\n" + LINES), "org/n": card(dataset="<script>=cmd()\u202e", name="{{ 7*7 }}")}
    with offering(tmp_path, names) as cards:
        cards.fetch()
        cards.fold(BOARD)
        [payload] = cards.table("quarantine")["payload"]
        assert cards.table()["variant"].to_list() == ["{{ 7*7 }}"]
        assert cards.table("board_series")["benchmark_name"].to_list() == ["<script>=cmd()\u202e"]
    assert payload.isascii()
    assert payload.isprintable()


YAML = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("71.2%")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


def like(**known):
    """Mappings with these keys, some of them missing, and values that may be anything."""
    return st.fixed_dictionaries({}, optional={key: st.one_of(value, YAML) for key, value in known.items()})


METRICS = st.lists(
    st.one_of(like(type=st.sampled_from(["f1", "wer", "x"]), value=st.floats(), name=YAML), YAML), max_size=3
)
RESULTS = st.lists(
    like(dataset=like(type=YAML, config=YAML, args=like(num_few_shot=YAML)), metrics=METRICS, source=YAML)
)
INDEXES = st.lists(like(name=YAML, results=RESULTS), max_size=3)
FRONTS = like(**{"model-index": INDEXES, "tags": st.just(["generated_from_trainer"])}).map(readme)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(), st.binary().map(lambda some: b"---\n" + some + b"\n---\n"), FRONTS), max_size=3))
def test_any_bytes_are_a_part_that_adds_up(contents):
    lines = [[f"org/m{n}", "sha", "read", one.decode("utf-8", "surrogateescape")] for n, one in enumerate(contents)]
    with tempfile.TemporaryDirectory() as folder:
        parts = list(parse(captured(Path(folder), lines)))
    assert [part.name for part in parts] == [line[0] for line in lines]
    for part in parts:
        kinds = part.frame("quarantine")["kind"].to_list()
        assert (part.read, part.refused) == (1, kinds.count("part"))
        assert (part.unreadable, part.scores_refused) == ("part" in kinds, kinds.count("score"))
        assert not (part.unreadable and part.frame("board_scores").height)
        assert part.frame("board_scores")["value"].is_finite().all()
