"""Families of four base models on the real sample of the Hub, and fifty of their edges read one by one.

The fifty were drawn at random (seed 20261128) within the four families. Parent and techniques were read from tags,
card, name and, where these did not suffice, public pages, by somebody who did not write the rules.
"""

from pathlib import Path

import polars as pl

from tests.lineage.real_hub import needs_sample, sample_world
from tests.warehouse.literal_rows import rows

LABELLED = pl.read_csv(Path(__file__).with_name("labelled_families.csv"))
BASES = {
    "Llama 2": "meta-llama/Llama-2-(7|13|70)b(-hf)?",
    "Mistral 7B": "mistralai/Mistral-7B-v0.[13]",
    "Llama 3.1": "meta-llama/Llama-3.1-(8|70|405)B",
    "Qwen 2.5": "Qwen/Qwen2.5-[0-9.]+B",
}
FAMILY = """
    WITH RECURSIVE below AS (
        SELECT child, parent FROM staging.lineage_edges WHERE regexp_full_match(parent, $bases)
        UNION
        SELECT e.child, e.parent FROM below AS b INNER JOIN staging.lineage_edges AS e ON b.child = e.parent
    )
    SELECT coalesce(t.kind, 'none'), count(DISTINCT b.child)
    FROM below AS b LEFT JOIN staging.techniques AS t ON b.child = t.id AND t.confidence >= 0.9
    GROUP BY ALL"""


def test_fifty_edges_were_read_and_each_names_its_page():
    assert LABELLED.height == 50
    assert LABELLED["source_url"].str.starts_with("https://").all()
    assert dict(LABELLED.group_by("parent_is_right").len().iter_rows()) == {"yes": 49, "unknown": 1}


@needs_sample
def test_families_by_technique():
    with sample_world(["staging.lineage_edges", "staging.techniques"]) as built:
        found = {name: dict(built.execute(FAMILY, {"bases": bases}).fetchall()) for name, bases in BASES.items()}
    assert found == {
        "Llama 2": {"preference": 9, "none": 2, "multimodal": 1, "instruct": 1},
        "Mistral 7B": {"instruct": 16, "none": 16, "merge": 12, "preference": 7, "distilled": 6, "adapter": 2},
        "Llama 3.1": {"merge": 289, "instruct": 79, "none": 74, "preference": 12, "adapter": 5, "distilled": 2},
        "Qwen 2.5": {"merge": 352, "instruct": 246, "none": 155, "preference": 135, "quantised": 5, "adapter": 2,
                     "distilled": 1},
    }  # fmt: skip


@needs_sample
def test_the_fifty_edges_are_there_and_no_technique_is_wrong():
    with sample_world(["staging.lineage_edges", "staging.techniques"]) as built:
        edges = set(rows(built, "SELECT child, parent FROM staging.lineage_edges"))
        said = dict(rows(built, "SELECT id, list(kind) FROM staging.techniques WHERE confidence >= 0.9 GROUP BY id"))
    labelled = LABELLED.to_dicts()
    assert [row for row in labelled if (row["child"], row["parent"]) not in edges] == []
    kinds = [(set(said.get(row["child"], [])), set((row["kinds"] or "").split())) for row in labelled]
    assert sum(len(ours - read) for ours, read in kinds) == 0
    assert (sum(len(ours) for ours, _ in kinds), sum(len(read) for _, read in kinds)) == (49, 53)
