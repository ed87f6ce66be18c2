"""Vocabularies: rows are handed out in order, and never change."""

from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.ids import SIDES, Ids, Sizes, Vocabulary

sizes = st.builds(Sizes, *[st.integers(0, 9)] * 4)


@given(st.lists(st.text(), unique=True), st.lists(st.text(), unique=True))
def test_a_vocabulary_is_a_bijection_that_only_grows(first, more):
    vocabulary = Vocabulary(first)
    before = {name: vocabulary.row(name) for name in first}
    vocabulary.extend([name for name in more if name not in before])
    assert all(vocabulary.row(name) == row for name, row in before.items())
    assert [vocabulary.id(row) for row in range(len(vocabulary))] == vocabulary.ids(range(len(vocabulary)))
    assert [vocabulary.row(vocabulary.id(row)) for row in range(len(vocabulary))] == list(range(len(vocabulary)))
    assert len(vocabulary) == len({*first, *more})


def test_an_unknown_name_has_row_minus_one():
    assert Vocabulary().row("nobody") == -1
    assert Vocabulary(["a"]).row("A") == -1


def test_each_side_has_its_own_vocabulary():
    ids = Ids()
    for number, side in enumerate(SIDES):
        ids[side].extend([f"n{i}" for i in range(number)])
    assert ids.sizes() == Sizes(0, 1, 2, 3)


@given(sizes, sizes, sizes)
def test_joined_sizes_hold_everybody(a, b, c):
    assert (a | b) | c == a | (b | c)
    assert a | b == b | a
    assert a | a == a == a | Sizes()
    assert all(getattr(a | b, side) >= getattr(a, side) for side in SIDES)
