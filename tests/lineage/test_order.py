"""Numbers of repositories: depth first, so that families lie together."""

import networkx as nx
import numpy as np
from hypothesis import given

from pipeline.lineage.order import keys
from tests.lineage.test_circles import EDGES


def numbered(*pairs):
    """Names in the order of their numbers."""
    names = sorted({name for pair in pairs for name in pair})
    children, parents = (np.array([names.index(pair[end]) for pair in pairs], dtype=np.int32) for end in (0, 1))
    found = keys(children, parents, len(names))
    return [names[place] for place in np.argsort(found)]


def test_whoever_descends_stands_behind_and_before_the_next_family():
    family = [("a/child", "z/base"), ("b/grandchild", "a/child"), ("c/child", "z/base")]
    assert numbered(*family, ("d/child", "y/base")) == [
        "y/base", "d/child", "z/base", "a/child", "b/grandchild", "c/child",
    ]  # fmt: skip


def test_a_child_of_several_hangs_on_the_parent_nearest_to_a_beginning():
    assert numbered(("merge", "near"), ("merge", "far"), ("far", "base")) == ["base", "far", "near", "merge"]
    assert numbered(("merge", "second"), ("merge", "first"), ("z", "second")) == ["first", "merge", "second", "z"]


def test_circles_and_whoever_is_only_below_one_come_last():
    assert numbered(("b", "a"), ("a", "b"), ("0", "a"), ("self", "self"), ("z/child", "z/base")) == [
        "self", "z/base", "z/child", "0", "a", "b",
    ]  # fmt: skip


def test_no_edges_no_numbers():
    assert not numbered()


@given(EDGES)
def test_numbers_are_those_of_a_preorder_by_networkx(pairs):
    named = [(f"{child:02}", f"{parent:02}") for child, parent in pairs]
    graph = nx.DiGraph((parent, child) for child, parent in named)
    graph.add_node("")
    graph.add_edges_from([("", id_) for id_ in graph if id_ and set(graph.predecessors(id_)) <= {id_}])
    tree = nx.bfs_tree(graph, "", sort_neighbors=sorted)
    order = list(nx.dfs_preorder_nodes(tree, "", sort_neighbors=sorted))[1:]
    order += sorted(set(graph) - set(tree))
    assert numbered(*named) == order
