"""Circles among repositories that declare one another, or themselves, as parents: labelled, and followed by nobody."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SCHEMA = {"child": pl.String, "parent": pl.String, "circle": pl.String}


def circles(edges: pl.DataFrame) -> pl.DataFrame:
    """Edges that lie on a circle: from either end the other can be reached (strongly connected components, by SciPy).

    Args:
        edges: child, parent; each pair once. What is its own parent is a circle of one.

    Returns:
        child, parent, circle: those edges, with the first id of the repositories on their circle as its label.
    """
    if edges.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    ids = pl.concat([edges["child"], edges["parent"]]).unique().sort()
    place = pl.DataFrame({"id": ids}).with_row_index("place")
    child, parent = (
        edges.select(pl.col(name).replace_strict(place["id"], place["place"]))[name].to_numpy()
        for name in ("child", "parent")
    )
    graph = coo_array((np.ones(len(child), dtype=bool), (child, parent)), shape=(len(ids), len(ids)))
    _, component = connected_components(graph.tocsr(), connection="strong")
    # Ids are sorted, so the first of a component is its least.
    first = np.unique(component, return_index=True)[1][component]
    on_one = component[child] == component[parent]
    labels = ids.gather(first[child[on_one]])
    return edges.select("child", "parent").filter(on_one).with_columns(circle=labels).sort("child", "parent")
