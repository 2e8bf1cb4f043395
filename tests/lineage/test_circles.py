"""Circles of parents: repositories that declare one another, or themselves, are labelled and not followed."""

import networkx as nx
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lineage.circles import circles
from tests.warehouse.literal_rows import rows
from tests.warehouse.test_lineage import edge, repo, world

EDGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40, unique=True)


def labelled(*pairs):
    return circles(pl.DataFrame(pairs, schema=["child", "parent"], orient="row")).rows()


def test_two_three_and_one_on_a_circle_and_who_hangs_on_it():
    assert labelled(("b", "a"), ("a", "b"), ("c", "b")) == [("a", "b", "a"), ("b", "a", "a")]
    assert labelled(("y", "x"), ("z", "y"), ("x", "z")) == [("x", "z", "x"), ("y", "x", "x"), ("z", "y", "x")]
    assert labelled(("a", "a"), ("b", "a")) == [("a", "a", "a")]
    assert labelled(("b", "a"), ("c", "b")) == []


def test_no_edges_no_circles():
    assert circles(pl.DataFrame(schema={"child": pl.String, "parent": pl.String})).is_empty()


@given(EDGES)
def test_what_is_left_can_be_walked_and_labels_are_those_of_networkx(pairs):
    named = [(f"{child:02}", f"{parent:02}") for child, parent in pairs]
    found = circles(pl.DataFrame(named, schema={"child": pl.String, "parent": pl.String}, orient="row"))
    graph = nx.DiGraph(named)
    label = {id_: min(part) for part in nx.strongly_connected_components(graph) for id_ in part}
    assert found.rows() == sorted((c, p, label[c]) for c, p in named if label[c] == label[p])
    graph.remove_edges_from(found.select("child", "parent").rows())
    assert nx.is_directed_acyclic_graph(graph)


def test_circles_deep_chains_fifty_parents_and_missing_ones_end_and_are_labelled():
    chain = [edge(f"deep/{n:05}", f"deep/{n - 1:05}") for n in range(1, 10_001)]
    crowd = [edge("much/merged", f"part/{n:02}", "merge") for n in range(50)]
    ring = [edge(f"ring/{n}", f"ring/{(n + 1) % 5}") for n in range(5)]
    odd = [edge("self/self", "self/self"), edge("poor/child", "gone/parent"), edge("ring/child", "ring/0")]
    edges = chain + crowd + ring + odd
    hub = [repo(name, 1) for name in {e["child"] for e in edges}]
    with world(["marts.family"], hub, edges) as built:
        found = {row[0]: row[1:] for row in rows(built, "SELECT * EXCLUDE (key) FROM marts.family")}
    names = ("parents", "children", "ancestors", "descendants", "tagged", "declared", "curated", "inferred", "depth",
             "height", "root", "circle", "cut")  # fmt: skip
    said = {name: dict(zip(names, found[name], strict=True)) for name in found}
    assert len(found) == 10_001 + 51 + 5 + 1 + 2 + 1 + 2
    assert said["deep/00000"] | {"descendants": 30, "height": 30, "cut": True} == said["deep/00000"]
    assert said["deep/05000"] | {"ancestors": 30, "depth": 30, "root": "deep/04970", "cut": True} == said["deep/05000"]
    assert said["deep/00020"] | {"ancestors": 20, "depth": 20, "root": "deep/00000"} == said["deep/00020"]
    assert said["much/merged"] | {"parents": 50, "ancestors": 50, "depth": 1, "root": "part/00"} == said["much/merged"]
    assert {said[f"ring/{n}"]["circle"] for n in range(5)} == {"ring/0"}
    assert said["ring/child"] | {"parents": 1, "ancestors": 1, "circle": None} == said["ring/child"]
    assert said["self/self"] | {"parents": 0, "ancestors": 0, "circle": "self/self"} == said["self/self"]
    assert said["poor/child"]["root"] == "gone/parent"
