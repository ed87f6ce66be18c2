"""Small sets of rows: the same as NumPy finds, by sorting alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.arrays import counted, distinct, first_places

rows = st.lists(st.integers(-1, 12), max_size=30).map(lambda found: np.array(found, np.int32))


@given(rows)
def test_sets_and_counts_and_first_places_are_those_of_numpy(given_rows):
    values, first, counts = np.unique(given_rows, return_index=True, return_counts=True)
    assert distinct(given_rows).tolist() == values.tolist()
    assert [part.tolist() for part in counted(given_rows)] == [values.tolist(), counts.tolist()]
    assert first_places(given_rows).tolist() == sorted(first.tolist())
