"""Which repositories belong to a release or to another repository, and which stand for themselves."""

from tests.identity.facts_world import declares, facts_world, repository


def variants(connection):
    return {
        name: (model, method, variant)
        for name, model, method, variant in connection.execute(
            "SELECT id, model_id, method, variant FROM identity.repositories"
        ).fetchall()
    }


def test_packings_and_copies_are_variants_of_what_they_declare():
    repositories = [
        repository("org/Thing-7B"),
        repository("a/Thing-7B-GGUF", params=None),
        repository("b/Thing-7B"),
        repository("c/Thing-7B-GGUF-Q4_K_M"),
    ]
    edges = [
        declares("a/Thing-7B-GGUF", "org/Thing-7B", "quantized"),
        declares("b/Thing-7B", "org/Thing-7B"),
        declares("c/Thing-7B-GGUF-Q4_K_M", "a/Thing-7B-GGUF", "quantized"),
    ]
    with facts_world(repositories, edges) as connection:
        found = variants(connection)
    assert found["a/Thing-7B-GGUF"] == ("hub:org/Thing-7B", "declared", "packing gguf")
    assert found["b/Thing-7B"] == ("hub:org/Thing-7B", "declared", "copy")
    assert found["c/Thing-7B-GGUF-Q4_K_M"][0] == "hub:org/Thing-7B"
    assert "org/Thing-7B" not in found


def test_a_finetune_called_quantized_by_the_hub_stays_a_model_of_its_own():
    names = ["org/Thing-7B", "org/Thing-7B-Instruct", "x/Thing-7B-Dolphin", "x/Thing-7B"]
    repositories = [repository(name) for name in names[:3]] + [repository("x/Thing-7B", params=3_000_000_000)]
    edges = [declares(name, "org/Thing-7B", "quantized") for name in names[1:]]
    with facts_world(repositories, edges) as connection:
        assert not set(names) & set(variants(connection))


def test_circles_missing_parents_and_merges_end_and_resolve_nothing():
    names = ["a/Loop-7B-GGUF", "b/Loop-7B-GGUF", "c/Lost-7B-GGUF", "d/Two-7B-GGUF", "e/Self-7B-GGUF"]
    edges = [
        declares(names[0], names[1], "quantized"),
        declares(names[1], names[0], "quantized"),
        declares(names[2], "nobody/Lost-7B", "quantized"),
        declares(names[3], "x/Two-7B", "merge"),
        declares(names[3], "y/Two-7B", "merge"),
        declares(names[4], names[4], "quantized"),
    ]
    with facts_world([repository(name) for name in names], edges) as connection:
        assert not set(names) & set(variants(connection))


def test_a_packing_of_a_known_release_is_that_release_even_if_the_base_is_not_listed():
    edges = [declares("x/phi-4-GGUF", "microsoft/phi-4", "quantized")]
    with facts_world([repository("x/phi-4-GGUF")], edges) as connection:
        assert variants(connection)["x/phi-4-GGUF"] == ("phi_4", "declared", "packing gguf")


def test_a_renamed_repository_is_the_one_it_is_now():
    renames = [{"asked": "old/Thing-7B", "state": "renamed", "id": "new/Thing-7B", "capture_id": "h1"}]
    listed = [repository("old/Thing-7B"), repository("new/Thing-7B")]
    with facts_world(listed, hub_renames=renames) as connection:
        assert variants(connection)["old/Thing-7B"] == ("hub:new/Thing-7B", "renamed", None)


def test_renames_are_followed_to_their_end_which_must_be_listed():
    pairs = [("a/T-1", "b/T-1"), ("b/T-1", "c/T-1"), ("x/T-2", "y/T-2"), ("y/T-2", "x/T-2"), ("p/T-3", "lost/T-3")]
    renames = [{"asked": old, "state": "renamed", "id": new, "capture_id": "h1"} for old, new in pairs]
    listed = [repository(name) for pair in pairs for name in pair if name != "lost/T-3"]
    with facts_world({one["id"]: one for one in listed}.values(), hub_renames=renames) as connection:
        found = {name: model for name, (model, method, _) in variants(connection).items() if method == "renamed"}
    assert found == {"a/T-1": "hub:c/T-1", "b/T-1": "hub:c/T-1"}


def test_a_packing_of_a_renamed_repository_follows_it():
    renames = [{"asked": "old/T-1", "state": "renamed", "id": "new/T-1", "capture_id": "h1"}]
    listed = [repository(name) for name in ("old/T-1", "new/T-1", "x/T-1-GGUF")]
    with facts_world(listed, [declares("x/T-1-GGUF", "old/T-1", "quantized")], hub_renames=renames) as connection:
        assert variants(connection)["x/T-1-GGUF"] == ("hub:new/T-1", "declared", "packing gguf")


def test_a_board_s_name_is_resolved_or_left_with_what_it_may_mean():
    named = [
        {"source": "arena", "model": "gpt-4o-2024-08-06"},
        {"source": "arena", "model": "gpt-4o"},
        {"source": "arena", "model": "somebody's pet"},
    ]
    with facts_world(board_models=named) as connection:
        query = "SELECT name, model_id, method, len(candidates) FROM identity.names ORDER BY name"
        assert connection.execute(query).fetchall() == [
            ("gpt-4o", None, "unresolved", 3),
            ("gpt-4o-2024-08-06", "gpt_4o_aug_2024", "normalised", 0),
            ("somebody's pet", None, "unresolved", 0),
        ]
