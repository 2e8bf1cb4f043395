"""YAML from strangers: what is read, what is refused and why, and that neither takes much memory."""

import resource
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.plain_yaml import MAX_CHARS, MAX_DEPTH, load
from pipeline.sources.quarantine import Unreadable

NINE = ",".join(["x"] * 9)
BOMB = f"a0: &a0 [{NINE}]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
DEEP = f"YAML deeper than {MAX_DEPTH} levels"
REFUSED = {
    "tabs": ("a:\n\tb: 1", "no YAML (ScannerError)"),
    "two colons": ("Foo: bar: baz", "no YAML (ScannerError)"),
    "NUL": ("a: \0", "no YAML (ReaderError)"),
    "control character": ("a: \x07", "no YAML (ReaderError)"),
    "half a character": ("a: \ud800", "no YAML (UnicodeEncodeError)"),
    "half a character, written out": ('a: "\\ud800"', "no YAML (ScannerError)"),
    "quote without end": ('a: "', "no YAML (ScannerError)"),
    "two documents": ("a: 1\n--- \nb: 2", "no YAML (ComposerError)"),
    "Python object": ("a: !!python/object/apply:os.system [echo]", "YAML with tags"),
    "tag of its own": ("a: !foo b", "YAML with tags"),
    "tag that says nothing": ("a: ! b", "YAML with tags"),
    "reference": ("a: &a [x]\nb: *a", "YAML with references"),
    "reference to itself": ("a: &a [*a]", "YAML with references"),
    "alias bomb": (BOMB, "YAML with references"),
    "key given twice": ("a: 1\nb: 2\na: 3", "YAML with a key given twice"),
    "key given twice, deep": ("a: [{b: 1, b: 2}]", "YAML with a key given twice"),
    "number and text as the same key": ("1: a\n'1': b", "YAML with a key given twice"),
    "list as key": ("? [a]\n: b", "no YAML (ConstructorError)"),
    "10,000 levels of lists": ("[" * 10_000, DEEP),
    "10,000 levels of lists, closed": ("[" * 10_000 + "]" * 10_000, DEEP),
    "10,000 levels of mappings": ("{a: " * 10_000, DEEP),
    "10,000 levels of dashes": ("- " * 10_000 + "a", DEEP),
    "10,000 levels of keys": ("? " * 10_000 + "a", DEEP),
    "levels by indentation": ("\n".join(" " * level + "a:" for level in range(MAX_DEPTH + 1)), DEEP),
    "number of 190,000 digits": ("a: " + "9" * 190_000, "no YAML (ValueError)"),
    "50 MB": ("a: " + "x" * 50_000_000, "YAML of more than 200,000 characters"),
}
LONGEST = {
    "list of letters": "[" + "a," * (MAX_CHARS // 2 - 1) + "]",
    "list of lists": "- []\n" * (MAX_CHARS // 5),
    "keys": "".join(f"k{number}: 1\n" for number in range(MAX_CHARS // 11)),
    "words": "a: " + "x y " * (MAX_CHARS // 4 - 1),
    "lines": "a:\n" + " x\n" * (MAX_CHARS // 3 - 1),
    "comments": "#\n" * (MAX_CHARS // 2),
    "colons": "a:" * (MAX_CHARS // 2),
    "escapes": 'a: "' + "\\n" * (MAX_CHARS // 2 - 3) + '"',
    "quote without end": 'a: "' + "x\n" * (MAX_CHARS // 2 - 2),
    "anchors": "".join(f"- &a{number} x\n" for number in range(MAX_CHARS // 12)),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_document_is_refused_with_its_reason(text, reason):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable) as caught:
        load(text)
    assert str(caught.value) == reason
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
def test_the_longest_document_fits_into_256_mb(text):
    assert len(text) <= MAX_CHARS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(Unreadable):
        load(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("# nothing", None), ("~", None), ("null", None), ("a:", {"a": None}),
        ("self: 1", {"self": 1}), ("1: a\n2.5: b\n~: c", {1: "a", 2.5: "b", None: "c"}), ("- a\n- b", ["a", "b"]),
        ("language: no", {"language": False}), ("[yes, On, true]", [True, True, True]), ("[y, n]", ["y", "n"]),
        ("[0, -1, +12, 71.2, .5, 1., -2.5e-3, 1e5, 2E2]", [0, -1, 12, 71.2, 0.5, 1.0, -0.0025, 100000.0, 200.0]),
        ("[.inf, -.Inf]", [float("inf"), float("-inf")]), ("['1', \"2\", 71.2%, '87,3']", ["1", "2", "71.2%", "87,3"]),
        ('"\\0\\x07\\u202e"', "\0\x07\u202e"), ("\ufeffa: 1", {"a": 1}), ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("=cmd(): '=cmd()'", {"=cmd()": "=cmd()"}), ("<script>: ../x", {"<script>": "../x"}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, eval("[" * MAX_DEPTH + "]" * MAX_DEPTH)),  # noqa: S307
    ],
)  # fmt: skip
def test_plain_values_are_read(text, value):
    assert load(text) == value


@pytest.mark.parametrize(
    "text",
    ["017", "089", "1_000", "0x1F", "0b11", "0o17", "1:30", "1:30.5", "0x" + "F" * 100_000, "1" + ":00" * 50_000],
)
def test_numbers_that_versions_of_yaml_read_differently_stay_text(text):
    assert load(f"value: {text}") == {"value": text}


@pytest.mark.parametrize("text", ["2024-02-01", "2024-02-31", "0001-01-01 00:00:00+23:59", "=", "<<"])
def test_dates_and_marks_stay_text_so_that_a_wrong_one_spoils_nothing(text):
    assert load(f"a: {text}\nb: 1") == {"a": text, "b": 1}
    assert load(f"{text}: {{a: 1}}\nb: 1") == {text: {"a": 1}, "b": 1}


def test_a_document_of_the_most_characters_is_read_and_one_more_refused():
    longest = "a" * MAX_CHARS
    assert load(longest) == longest
    with pytest.raises(Unreadable, match="more than 200,000 characters"):
        load(longest + "a")


SYNTAX = st.lists(st.sampled_from([*"abc01.-+:_ \n\t#&*!|>%@`'\"{}[],?~=<\\\0\x85\ufeff\ud800", "\n  ", "- ", ": "]))


@given(st.one_of(st.text(), SYNTAX.map("".join)))
def test_any_text_is_read_or_refused(text):
    with suppress(Unreadable):
        load(text)
