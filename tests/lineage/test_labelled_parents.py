"""How often a parent that a name tells is right: a labelled sample, and every declaration of the real sample.

125 repositories of the Hub's sample were drawn (seed 20261128) within strata of rule and of whether they declare a
parent, two of an account where there are enough. For those that do, the declaration was hidden from the rule and is
the label; for those that do not, a public page was looked for. 100 have a label with its page; 25 have none that
could be found, and stay in the table as unknown. `right`: the repository descends from that parent, directly or
through others. `weaker`: a page on a sibling, a series or a copy shows it, not one on the repository itself.
"""

from pathlib import Path

import polars as pl

from tests.lineage.real_hub import needs_sample, read_sample, rules, sample_world
from tests.warehouse.literal_rows import rows
from tests.warehouse.test_lineage import edge, repo
from tests.warehouse.worlds import build_world

LABELLED = pl.read_csv(Path(__file__).with_name("labelled_parents.csv"))
DECIDED = LABELLED.filter(pl.col("label") != "unknown")
TOLD = "SELECT child, parent, rule_id FROM staging.inferred_edges WHERE child NOT LIKE 'org/%' ORDER BY 1"


def test_a_hundred_are_labelled_each_with_a_public_page():
    assert (LABELLED.height, DECIDED.height) == (125, 100)
    assert LABELLED["child"].is_unique().all()
    assert DECIDED["label_url"].str.starts_with("https://").all()
    assert DECIDED["basis"].is_not_null().all()
    assert dict(DECIDED.group_by("declares").len().iter_rows()) == {"yes": 56, "no": 44}


def test_at_least_95_in_100_parents_that_names_tell_are_right():
    assert (DECIDED["label"] == "right").mean() == 0.99
    stated = DECIDED.filter(strength="stated")
    assert stated.height == 87
    assert (stated["label"] == "right").mean() >= 0.95


def test_every_rule_is_right_as_often_as_it_claims():
    claimed = {row["rule_id"]: row["confidence"] for row in rules()["facts_parent_rules"]}
    for (rule,), part in DECIDED.group_by("rule_id"):
        assert (part["label"] == "right").mean() >= claimed.pop(rule), rule
    assert not claimed, "every rule has its sample"


def test_the_rules_still_tell_these_parents():
    sizes = dict(LABELLED.select("parent", "parent_parameters").rows()) | dict(
        LABELLED.select("child", "child_parameters").rows()
    )
    hub = [repo(name, 1, params_total=size) for name, size in sizes.items()]
    edges = [edge(f"{who}/{n}", base) for n, base in enumerate(set(LABELLED["parent"])) for who in ("one", "two")]
    with build_world(["staging.inferred_edges"], hub_models=hub, lineage_edges=edges, **rules()) as built:
        told = {child: (parent, rule) for child, parent, rule in rows(built, TOLD)}
    drawn = {row["child"]: (row["parent"], row["rule_id"]) for row in LABELLED.to_dicts()}
    assert {child: told.get(child) for child in drawn} == drawn


@needs_sample
def test_what_names_tell_beside_every_declaration_of_the_real_sample():
    """Hide the declarations of a tenth of the sample at a time, and see what the names alone tell."""
    declared = {}
    for one in read_sample()["lineage_edges"]:
        declared.setdefault(one["child"], set()).add(one["parent"])
    names, found = sorted(declared), []
    for part in range(10):
        hidden = set(names[part::10])
        with sample_world(["staging.inferred_edges"], hidden) as built:
            found += [row for row in rows(built, TOLD) if row[0] in hidden]
    counts = {"parent": 0, "ancestor": 0, "not shown": 0}
    for child, parent, _ in found:
        if parent in declared[child]:
            counts["parent"] += 1
        else:
            counts["ancestor" if parent in _above(child, declared) else "not shown"] += 1
    # Names often leave out the word Instruct, so that they tell an ancestor in place of the parent.
    assert counts == {"parent": 161, "ancestor": 52, "not shown": 59}
    with sample_world(["staging.inferred_edges"]) as built:
        told = {child: parent for child, parent, _ in rows(built, TOLD)}
    drawn = LABELLED.filter(declares="no")
    assert {child: told[child] for child in drawn["child"]} == dict(drawn.select("child", "parent").rows())


def _above(child, declared):
    seen, waiting = set(), [child]
    while waiting:
        new = declared.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen
