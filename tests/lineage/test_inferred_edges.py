"""Parents that a name tells: by one table of rules, only where nothing is declared, and marked as told by a name."""

import pytest

from tests.lineage.real_hub import rules
from tests.warehouse.literal_rows import rows
from tests.warehouse.test_lineage import edge, repo
from tests.warehouse.worlds import build_world

BASE = repo("lab/Llama-9-8B", 2, params_total=8_000, downloads=900)
KNOWN = [edge("one/x", "lab/Llama-9-8B"), edge("two/y", "lab/Llama-9-8B")]


def told(*hub, edges=KNOWN, table="staging.inferred_edges"):
    """The edges that names tell among the base and some repositories: child, parent, relation, rule."""
    with build_world([table], hub_models=[BASE, *hub], lineage_edges=edges, **rules()) as built:
        return rows(built, "SELECT child, parent, relation, rule_id FROM staging.inferred_edges"
                           " WHERE child NOT LIKE 'org/%' ORDER BY 1")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "relation", "rule"),
    [
        ("lab/Llama-9-8B-Instruct", "finetune", "chat_of_base"),
        ("lab/Llama-9-8B-DPO", "finetune", "preference_of_tuned"),
        ("who/llama_9_8b-abliterated-v2", "finetune", "abliterated"),
        ("who/Llama-9-8B-Medical", "unknown", "tuned_of_known"),
        ("who/Bright-Llama-9-8B-v3", "unknown", "known_in_name"),
    ],
)
def test_a_rule_reads_a_name(name, relation, rule):
    assert told(repo(name, 9, params_total=8_001)) == [(name, "lab/Llama-9-8B", relation, rule)]


def test_a_packing_needs_no_parameters_and_takes_the_longest_name():
    tuned = repo("who/Llama-9-8B-Medical", 5, params_total=8_000)
    packed = repo("pack/Llama-9-8B-Medical-AWQ-4bit", 9, params_total=None)
    edges = [*KNOWN, edge("one/x", tuned["id"]), edge("two/y", tuned["id"])]
    assert told(tuned, packed, edges=edges)[0] == (packed["id"], tuned["id"], "quantized", "packing")


@pytest.mark.parametrize(
    ("why", "child", "edges"),
    [
        ("what is declared is not guessed", repo("who/Llama-9-8B-X", 9, params_total=8_000),
         [*KNOWN, edge("who/Llama-9-8B-X", "far/away")]),
        ("nobody else declares the base", repo("who/Llama-9-8B-X", 9, params_total=8_000), KNOWN[:1]),
        ("another size", repo("who/Llama-9-8B-X", 9, params_total=9_000), KNOWN),
        ("size unknown", repo("who/Llama-9-8B-X", 9, params_total=None), KNOWN),
        ("older than the base", repo("who/Llama-9-8B-X", 9, params_total=8_000, created_at=None) |
         {"created_at": BASE["created_at"].replace(year=2023)}, KNOWN),
        ("a merge has several parents", repo("who/Llama-9-8B-X", 9, params_total=8_000, tags=["merge"]), KNOWN),
        ("a name that speaks of merging", repo("who/Llama-9-8B-slerp-X", 9, params_total=8_000), KNOWN),
        ("not the whole name", repo("who/Llama-9-8Bits-X", 9, params_total=8_000), KNOWN),
        ("one's own next version", repo("lab/Llama-9-8B-v2", 9, params_total=8_000), KNOWN),
    ],
)  # fmt: skip
def test_nothing_is_told_where(why, child, edges):
    assert told(child, edges=edges) == [], why


def test_an_inferred_edge_is_marked_and_no_clock_rests_on_it():
    chat = repo("lab/Llama-9-8B-Instruct", 9, params_total=8_000)
    tables = ["marts.derivative_clock", "marts.lineage_evidence"]
    with build_world(tables, hub_models=[BASE, chat], lineage_edges=KNOWN, **rules()) as built:
        assert rows(
            built,
            "SELECT evidence, rule_id, confidence FROM staging.lineage_edges WHERE child = 'lab/Llama-9-8B-Instruct'",
        ) == [("inferred", "chat_of_base", 0.95)]
        assert rows(
            built,
            "SELECT days_to_first, censored, children, inferred_children FROM marts.derivative_clock"
            " WHERE base = 'lab/Llama-9-8B' AND kind = 'instruct'",
        ) == [(None, True, 0, 1)]
        shares = rows(
            built,
            "SELECT evidence, repositories, of_all FROM marts.lineage_evidence WHERE half_year IS NOT NULL ORDER BY 1",
        )
    assert shares == [("inferred", 1, 2), ("none", 1, 2)]
