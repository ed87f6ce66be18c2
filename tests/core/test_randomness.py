"""Random streams: named, so that they replay and do not share their draws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.randomness import stream

names = st.lists(st.text(st.characters(exclude_characters="\x00")), min_size=1, max_size=3)


@given(names)
def test_a_stream_replays(given_names):
    assert (stream(*given_names).random(8) == stream(*given_names).random(8)).all()


@given(names, names)
def test_streams_of_other_names_draw_otherwise(a, b):
    same = (stream(*a).random(4) == stream(*b).random(4)).all()
    assert same == (a == b)


def test_streams_take_any_name_even_one_without_an_encoding():
    assert stream("\ud800", "").random() != stream("\ud801", "").random()


def test_streams_are_uniform_over_names():
    drawn = np.array([stream("request", str(n)).random() for n in range(2000)])
    assert abs(drawn.mean() - 0.5) < 0.03
    assert abs((drawn < 0.1).mean() - 0.1) < 0.03
