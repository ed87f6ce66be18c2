"""Protocols: nothing held out is seen in training, whoever asks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.worlds import batch_of

from fairshot.core.errors import FairshotError
from fairshot.core.events import Kind
from fairshot.evaluation.protocols import PROTOCOLS, arrivals, definition_hash, held_out, split

told = st.lists(
    st.tuples(
        st.sampled_from([Kind.FEEDBACK] * 4 + [Kind.SLATE, Kind.IMPRESSION]),
        st.integers(-1, 3),
        st.integers(-1, 8),
        st.integers(0, 30),
    ),
    max_size=50,
)
protocols = st.sampled_from(["random", "latest"])


@given(told, protocols, st.integers(0, 5))
def test_no_pair_of_person_and_item_is_in_both_parts(rows, protocol, seed):
    batch = batch_of(rows)
    held = held_out(batch, protocol, seed)
    assert (held == held_out(batch, protocol, seed)).all()
    pairs = list(zip(batch.user.tolist(), batch.item.tolist(), strict=True))
    told_of = [kind == Kind.FEEDBACK and min(pair) >= 0 for kind, pair in zip(batch.kind, pairs, strict=True)]
    out = {pair for pair, gone in zip(pairs, held, strict=True) if gone}
    kept = {pair for pair, gone, told in zip(pairs, held, told_of, strict=True) if told and not gone}
    assert not out & kept
    assert not held[~np.array(told_of, dtype=bool)].any()


@given(told, protocols)
def test_a_quarter_of_each_persons_items_is_held_out(rows, protocol):
    batch = batch_of(rows)
    held = held_out(batch, protocol, 42)
    for user in range(4):
        mine = batch.of(Kind.FEEDBACK) & (batch.user == user) & (batch.item >= 0)
        items = len(np.unique(batch.item[mine]))
        assert len(np.unique(batch.item[mine & ~held])) == round(0.75 * items)


@given(told)
def test_the_latest_protocol_holds_out_the_latest(rows):
    batch = batch_of(rows)
    held = held_out(batch, "latest", 0)
    for user in range(4):
        mine = batch.of(Kind.FEEDBACK) & (batch.user == user) & (batch.item >= 0)
        last = {item: batch.at[mine & (batch.item == item)].max() for item in np.unique(batch.item[mine]).tolist()}
        out = [at for item, at in last.items() if held[mine & (batch.item == item)].any()]
        kept = [at for item, at in last.items() if not held[mine & (batch.item == item)].any()]
        assert not out or not kept or max(kept) <= min(out)


def test_seeds_draw_differently():
    batch = batch_of([(Kind.FEEDBACK, user, item, 0) for user in range(4) for item in range(8)])
    draws = {held_out(batch, "random", seed).tobytes() for seed in range(20)}
    assert len(draws) > 15
    assert len({held_out(batch, "latest", seed).tobytes() for seed in range(20)}) == 1


@given(told)
def test_in_time_everything_before_trains_and_nothing_after(rows):
    batch = batch_of(rows, dict.fromkeys(range(9), 0))
    told = batch.of(Kind.FEEDBACK) & (batch.item >= 0) & (batch.user >= 0)
    try:
        found = split(batch, "temporal", 0)
    except FairshotError:
        return
    assert found.since is not None
    assert found.now == found.since == np.sort(batch.at[told])[int(0.75 * told.sum())]
    records = batch.of(Kind.ITEM)
    assert (batch.at[found.trained & ~records] < found.since).all()
    assert (batch.at[found.held] >= found.since).all()
    assert not (found.held & found.trained).any()
    pairs = set(zip(batch.user[found.trained & told].tolist(), batch.item[found.trained & told].tolist(), strict=True))
    assert not pairs & set(zip(batch.user[found.held].tolist(), batch.item[found.held].tolist(), strict=True))
    # Held out is exactly what comes later and was not met before.
    for index in np.flatnonzero(told & (batch.at >= found.since)):
        assert found.held[index] == ((batch.user[index], batch.item[index]) not in pairs)


def test_an_item_is_in_the_catalogue_of_training_from_its_arrival():
    feedback = [(int(Kind.FEEDBACK), user, item, 10 * item) for item in range(8) for user in range(4)]
    found = split(batch := batch_of(feedback, dict.fromkeys(range(9), 0)), "temporal", 0)
    assert found.since == 60
    # Records were imported at time 0, and say nothing of their creation; then they had arrived.
    assert found.trained[batch.of(Kind.ITEM)].all()
    stated = {item: f"1970-01-01T00:00:00.{10 * item:06d}Z" for item in range(9)}
    found = split(batch := batch_of(feedback, dict.fromkeys(range(9), 0), stated), "temporal", 0)
    assert batch.item[batch.of(Kind.ITEM) & found.trained].tolist() == [0, 1, 2, 3, 4, 5]


def test_arrival_is_what_the_record_says_but_never_after_the_first_reaction():
    feedback = [(int(Kind.FEEDBACK), 0, 0, 7), (int(Kind.FEEDBACK), 1, 0, 5), (int(Kind.FEEDBACK), 0, 3, 4)]
    stated = {0: "1970-01-01T00:00:00.000006Z", 1: "1970-01-01T00:00:00.000009Z"}
    never = np.iinfo(np.int64).max
    assert arrivals(batch_of(feedback, {0: 0, 1: 0, 2: 0}, stated)).tolist() == [5, 9, 0, 4] + [never] * 5


def test_too_little_to_hold_out_is_said_in_the_words_of_the_protocol():
    one = batch_of([(int(Kind.FEEDBACK), 0, 0, 5)], {0: 0})
    with pytest.raises(FairshotError, match="three items"):
        split(one, "random", 0)
    with pytest.raises(FairshotError, match="no protocol 'newest'; there are: random, latest"):
        split(one, "newest", 0)
    met = batch_of([(int(Kind.FEEDBACK), 0, 0, at) for at in range(9)], {0: 0})
    with pytest.raises(FairshotError, match="nobody came to a further item"):
        split(met, "temporal", 0)


def test_definitions_are_told_apart():
    assert len({definition_hash(name) for name in PROTOCOLS}) == len(PROTOCOLS)
