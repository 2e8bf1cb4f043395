"""Names to releases: what resolves, by which method, and what is left to a person."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity.resolve import CERTAIN, CONFIDENCE, Alias, Release, Resolver

RELEASES = [
    Release("sonnet", "Claude 3.5 Sonnet", "Anthropic", date(2024, 6, 20), is_open=False),
    Release("sonnet_oct", "Claude 3.5 Sonnet (October 2024)", "Anthropic", date(2024, 10, 22), is_open=False),
    Release("gpt4o_may", "GPT-4o (May 2024)", "OpenAI", date(2024, 5, 13), is_open=False),
    Release("gpt4o_aug", "GPT-4o (Aug 2024)", "OpenAI", date(2024, 8, 6), is_open=False),
    Release("gpt5", "GPT-5", "OpenAI", date(2025, 8, 7), is_open=False),
    Release("r1", "DeepSeek-R1", "DeepSeek", date(2025, 1, 20), True, ("deepseek-ai/DeepSeek-R1",)),
    Release("r1_may", "DeepSeek-R1 (May 2025)", "DeepSeek", date(2025, 5, 28), is_open=True),
    Release("llama", "Llama 3.1-8B", "Meta AI", date(2024, 7, 23), True, ("meta-llama/Llama-3.1-8B",)),
    Release("phi4", "Phi-4", "Microsoft", date(2024, 12, 12), True, ("microsoft/phi-4",)),
    Release("mistral", "Mistral Large", "Mistral AI", date(2024, 2, 26), is_open=False),
]
ALIASES = [Alias("Sonnet, new", "board", "sonnet_oct", manual=True), Alias("gpt5-api", "vendor", "gpt5")]
resolver = Resolver(RELEASES, ALIASES)


@pytest.mark.parametrize(
    ("name", "model", "method"),
    [
        ("Claude 3.5 Sonnet", "sonnet", "exact"),
        ("claude-3-5-sonnet-20240620", "sonnet", "normalised"),  # its own date says so
        ("claude-3-5-sonnet-20241022", "sonnet_oct", "normalised"),
        ("gpt-4o-2024-08-06", "gpt4o_aug", "normalised"),
        ("gpt5-api", "gpt5", "registry"),
        ("openai/gpt-5", "gpt5", "normalised"),
        ("gpt-5-2025-08-07_high", "gpt5", "variant"),
        ("deepseek-ai/DeepSeek-R1", "r1", "hub id"),
        ("chutes/DeepSeek-R1-0528", "r1_may", "normalised"),  # a host serves it
        ("meta-llama/Llama-3.1-8B-Instruct", "llama", "variant"),  # base and instruct are one release
        ("Llama-3.1-8B-Instruct-FP8", "llama", "variant"),
    ],
)
def test_what_resolves(name, model, method):
    found = resolver.resolve(name)
    assert (found.model_id, found.method) == (model, method)
    assert found.confidence == CONFIDENCE[method] >= CERTAIN


@pytest.mark.parametrize(
    ("name", "candidates", "reason"),
    [
        ("gpt-4o", ("gpt4o_aug", "gpt4o_may"), "it does not say which version"),
        ("gpt-4o-2024-11-20", ("gpt4o_aug", "gpt4o_may"), "no release of this name is of that date"),
        ("mistral-large-2407", ("mistral",), "no release of this name is of that date"),
        ("mistral-large-latest", ("mistral",), "it points to whatever is newest"),
        ("somebody/Llama-3.1-8B-Instruct", ("llama",), "somebody is not known to publish it"),
        ("gpt-5-chat", ("gpt5",), "no release has this name"),  # chat names another model where weights are closed
        ("phi-4-reasoning", (), "no release has this name"),
        ("", (), "no release has this name"),
    ],
)
def test_what_is_left_to_a_person(name, candidates, reason):
    found = resolver.resolve(name)
    assert (found.model_id, found.method, found.candidates, found.reason) == (None, "unresolved", candidates, reason)


def test_what_one_source_is_known_to_mean_holds_for_that_source_alone():
    assert resolver.resolve("Sonnet, new", "board").method == "manual"
    assert resolver.resolve("Sonnet, new", "other").model_id is None


def test_a_named_repository_is_believed_where_its_own_name_agrees():
    assert resolver.resolve("deepseek-r1", hub_id="deepseek-ai/DeepSeek-R1").model_id == "r1"
    # The repository of January for the version of May.
    assert resolver.resolve("deepseek-r1-0528", hub_id="deepseek-ai/DeepSeek-R1").model_id == "r1_may"
    wrong = resolver.resolve("deepseek-r1-zero", hub_id="deepseek-ai/DeepSeek-R1")
    assert (wrong.model_id, wrong.candidates) == (None, ("r1",))


def test_a_repository_is_its_makers_release_or_nobodys():
    assert resolver.resolve_repository("microsoft/phi-4-gguf").model_id == "phi4"
    assert resolver.resolve_repository("somebody/phi-4-gguf").model_id is None
    assert resolver.resolve_repository("meta-llama/phi-4").model_id is None


@given(st.text(max_size=40), st.sampled_from(["", "board", "vendor"]))
def test_no_name_resolves_below_the_stated_confidence(name, source):
    found = resolver.resolve(name, source)
    assert (found.model_id is None) == (found.method == "unresolved")
    assert found.model_id is None or (found.confidence or 0) >= CERTAIN


@given(
    st.permutations(RELEASES), st.sampled_from([release.name for release in RELEASES] + ["gpt-4o", "llama-3.1-8b-it"])
)
def test_the_order_of_the_releases_does_not_matter(releases, name):
    assert Resolver(releases, ALIASES).resolve(name) == resolver.resolve(name)
