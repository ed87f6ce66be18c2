"""Groups: who belongs together, by what links pairs of them (connected components, as union-find gives them)."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fairshot.algorithms.arguments import Ints


def smallest_of_group(left: ArrayLike, right: ArrayLike) -> tuple[Ints, Ints]:
    """The nodes that links join, and for each the smallest node of its group.

    Formula: groups are the connected components of the graph whose edges are (left[i], right[i]); the answer does
    not depend on their order or direction.
    Shapes: left and right integers [m]; returns (nodes, smallest), each int64 [k], nodes ascending.
    Errors: ValueError where they are not integers of one length.
    Source: Galler and Fischer, "An improved equivalence algorithm", 1964 (the relation, not the structure).

    >>> smallest_of_group([5, 2, 9], [7, 7, 8])
    (array([2, 5, 7, 8, 9]), array([2, 2, 2, 8, 8]))
    """
    one, other = np.asarray(left), np.asarray(right)
    if one.ndim != 1 or one.shape != other.shape or (one.size and {one.dtype.kind, other.dtype.kind} - set("iu")):
        raise ValueError(f"left and right must be integers of one length, shapes {one.shape} and {other.shape}")
    both = np.concatenate([one, other]).astype(np.int64)
    nodes, index = np.unique(both, return_inverse=True)
    edges = (np.ones(len(one), np.int8), (index[: len(one)], index[len(one) :]))
    _, group = connected_components(coo_array(edges, shape=(len(nodes), len(nodes))), directed=False)
    # Nodes ascend, so the first of a group is its smallest.
    _, first = np.unique(group, return_index=True)
    return nodes, nodes[first[group]] if len(nodes) else nodes
