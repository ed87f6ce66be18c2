"""Groups are connected components, named by their smallest node, whatever the order of links."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms.groups import smallest_of_group


@given(st.lists(st.tuples(st.integers(-5, 9), st.integers(-5, 9)), max_size=15))
def test_groups_are_those_of_a_search(links: list[tuple[int, int]]) -> None:
    nodes, smallest = smallest_of_group(
        [a for a, _ in links] or np.empty(0, int), [b for _, b in links] or np.empty(0, int)
    )
    expected = {node: node for link in links for node in link}
    for _ in links:
        for a, b in links:
            expected[a] = expected[b] = min(expected[a], expected[b])
    assert dict(zip(nodes.tolist(), smallest.tolist(), strict=True)) == expected
    back = smallest_of_group(
        [b for _, b in links[::-1]] or np.empty(0, int), [a for a, _ in links[::-1]] or np.empty(0, int)
    )
    np.testing.assert_array_equal(back, (nodes, smallest))


def test_bad_links_are_named() -> None:
    with pytest.raises(ValueError, match="left and right"):
        smallest_of_group([1, 2], [1])
    with pytest.raises(ValueError, match="left and right"):
        smallest_of_group([1.5], [1.0])
