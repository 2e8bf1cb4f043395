"""A name taken apart: the model, its date, and what only says how it was run or packed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity.model_names import Dated, read_name


@pytest.mark.parametrize(
    ("name", "key", "dated", "variants"),
    [
        ("claude-3-7-sonnet-20250219_16K", "claude 3.7 sonnet", Dated(2, 2025, 19), ("effort 16k",)),
        ("GPT-4o (Aug 2024)", "gpt 4o", Dated(8, 2024), ()),
        ("Gemini 1.5 Pro (Sept 2024)", "gemini 1.5 pro", Dated(9, 2024), ()),
        ("gpt-4o-2024-08-06", "gpt 4o", Dated(8, 2024, 6), ()),
        ("gpt-4-0613", "gpt 4", Dated(6, None, 13), ()),
        ("mistral-large-2407", "mistral large", Dated(7, 2024), ()),
        ("command-r-plus-08-2024", "command r plus", Dated(8, 2024), ()),
        ("Llama-3.1-405B-Instruct-FP8", "llama 3.1 405b instruct", None, ("packing fp8",)),
        ("unsloth/phi-4-unsloth-bnb-4bit", "phi 4", None, ("packing unsloth", "packing bnb", "packing 4bit")),
        ("deepseek/deepseek-r1:free", "deepseek r 1", None, ("host free",)),
        ("o3-mini-2025-01-31_high", "o 3 mini", Dated(1, 2025, 31), ("effort high",)),
        ("claude-sonnet-4-5-20250929-thinking-32k", "claude sonnet 4.5", Dated(9, 2025, 29), ("effort thinking-32k",)),
    ],
)
def test_date_and_variants_are_told_from_the_name(name, key, dated, variants):
    written = read_name(name)
    assert (written.key, written.dated, written.variants) == (key, dated, variants)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude 3.5 Haiku", "claude-3-5-haiku"),
        ("Llama 3-8B", "llama-3-8b"),
        ("Gemini 2.0 Flash", "gemini-2-flash"),
        ("Command R+", "command-r-plus"),
        ("phi-3-mini 3.8B", "Phi-3-mini-3.8B"),
    ],
)
def test_spellings_of_one_name_have_one_key(one, other):
    assert read_name(one).key == read_name(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen2.5-7B", "Qwen2.5-72B"),
        ("Yi-1.5-34B", "Yi-1.5-34B-32K"),  # longer contexts are other weights
        ("mistral-medium", "mistral"),
        ("Phi-4-reasoning", "Phi-4"),
        ("gpt-4.1", "gpt-4"),
        ("Llama-3.2-3B", "Llama-3-2.3B"),
    ],
)
def test_other_models_keep_other_keys(one, other):
    assert read_name(one).loose_key != read_name(other).loose_key


def test_the_order_and_the_maker_do_not_matter_in_the_loose_key():
    assert read_name("Claude Haiku 3.5").loose_key == read_name("claude-3-5-haiku").loose_key
    assert read_name("Nova Pro").loose_key == read_name("Amazon Nova Pro").loose_key


def test_a_pointer_to_the_newest_is_known_as_one():
    assert read_name("mistral-large-latest").moves
    assert not read_name("mistral-large-2407").moves


def test_a_month_alone_is_near_every_day_of_it_and_a_month_around_it():
    assert Dated(7, 2024).near(date(2024, 7, 24))
    assert Dated(7, 2024).near(date(2024, 8, 20))
    assert not Dated(7, 2024).near(date(2024, 11, 18))
    assert Dated(1, None, 25).near(date(2024, 1, 25))
    assert not Dated(5, 2025, 28).near(date(2025, 1, 20))


@given(st.text())
def test_any_text_can_be_read_and_reads_the_same_again(text):
    written = read_name(text)
    assert written == read_name(text)
    assert read_name(text.upper()).tokens == read_name(text.upper()).tokens
