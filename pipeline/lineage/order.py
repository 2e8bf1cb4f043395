"""Numbers for repositories by which families lie together: a walk over a family then reads a small part of a file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

Numbers = npt.NDArray[np.int32]


def keys(child: Numbers, parent: Numbers, count: int) -> Numbers:
    """Number repositories so that each stands before those that descend from it first, and these together.

    The tree that is numbered hangs everybody on the parent by which a repository without parents is nearest. Who is on
    a circle, or only below one, comes last.

    Args:
        child: the child of each edge, by its place among all repositories in the order of names.
        parent: the parent of each edge, likewise; each pair once.
        count: of the repositories, all of which are on an edge.

    Returns:
        The number of each repository, from 0 on.
    """
    built = np.zeros(count, dtype=bool)
    built[child[child != parent]] = True
    # One above all: their children are those without parents.
    roots = np.flatnonzero(~built).astype(np.int32)
    rows, columns = np.concatenate([parent, np.full_like(roots, count)]), np.concatenate([child, roots])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count + 1, count + 1)).tocsr()
    graph.sort_indices()
    order, above = breadth_first_order(graph, count)
    key = _preorder(order, above)[:count] - 1
    left = np.flatnonzero(key < 0)
    key[left] = np.arange(count - len(left), count)
    return key


def _preorder(order: Numbers, above: Numbers) -> Numbers:
    """Number the nodes of a tree depth first.

    Args:
        order: nodes, each behind its parent and before all later children of that (breadth first); the root first.
        above: parent by node.

    Returns:
        Number by node, the root's being 0; -1 for nodes that are not in `order`.
    """
    size, first = [1] * len(above), [-1] * len(above)
    nodes, parents = order.tolist(), above.tolist()
    for node in reversed(nodes[1:]):
        size[parents[node]] += size[node]
    free = [1] * len(above)
    """The next number under a node that is not taken yet."""
    first[nodes[0]] = 0
    for node in nodes[1:]:
        parent = parents[node]
        first[node] = free[parent]
        free[parent] += size[node]
        free[node] = first[node] + 1
    return np.array(first, dtype=np.int32)
