"""Fair vectors: strength 0 changes nothing, more of it lifts the items that fare worst, and new items are corrected."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain, summarise, worst_share
from fairshot.core.arrays import Array, Bools, Floats
from fairshot.learning.content import fit_content
from fairshot.learning.fair_vectors import FairVectors, Method, fit_fair_vectors, unchanged

WIDTH, PEOPLE, ITEMS = 8, 300, 400


def world() -> tuple[Floats, Floats, Array]:
    """Items that content tells of with less and less conviction, for admirers who are as many for each."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(PEOPLE, WIDTH)) + 0.3
    taste = rng.normal(size=(ITEMS, WIDTH))
    scores = taste @ people.T
    liked = scores > np.quantile(scores, 0.93, axis=1, keepdims=True)
    # Half of the kinds of items are told by a short vector: nobody sees them beside the others.
    told = taste * np.where(taste[:, :1] > 0, 1.0, 0.25)
    return told.astype(np.float32), people.astype(np.float32), liked


def gains(told: Floats, people: Floats, liked: Bools, correction: FairVectors) -> Floats:
    return mean_discounted_gain(people @ correction(told).T, liked.T, 50)


@pytest.mark.parametrize("method", ["none", "scale", "gen", "magnitude"])
def test_strength_zero_is_the_identity(method: Method):
    told, people, liked = world()
    correction = fit_fair_vectors(told, people, csr_matrix(liked), method=method, strength=0.0)
    assert np.array_equal(correction(told), told)


def test_the_worst_tenth_of_new_items_rises_with_the_strength_of_scale():
    told, people, liked = world()
    known, new = slice(0, 300), slice(300, 400)
    worst = []
    for strength in (0.0, 1.0, 2.0, 4.0):
        correction = fit_fair_vectors(told[known], people, csr_matrix(liked[known]), method="scale", strength=strength)
        worst.append(worst_share(gains(told[new], people, liked[new], correction), 0.1))
    assert (np.diff(worst) > 0).all(), worst


def test_the_worst_tenth_of_new_items_rises_with_gen():
    told, people, liked = world()
    correction = fit_fair_vectors(told[:150], people, csr_matrix(liked[:150]), method="gen", strength=100.0)
    new = told[300:], people, liked[300:]
    before, after = summarise(gains(*new, unchanged(WIDTH))), summarise(gains(*new, correction))
    assert after.worst > before.worst


def test_magnitude_one_gives_all_new_items_the_same_length():
    told, people, liked = world()
    correction = fit_fair_vectors(told, people, csr_matrix(liked), method="magnitude", strength=1.0)
    lengths = np.linalg.norm(correction(told), axis=1)
    assert np.allclose(lengths, np.linalg.norm(told, axis=1).mean(), rtol=1e-4)
    with pytest.raises(ValueError, match="strength of magnitude"):
        fit_fair_vectors(told, people, csr_matrix(liked), method="magnitude", strength=2.0)


def test_axes_on_which_people_hardly_differ_do_not_carry_the_correction():
    told, people, liked = world()
    told, people = told.copy(), people.copy()
    people[:, 3:] *= 1e-4
    correction = fit_fair_vectors(told, people, csr_matrix(liked), method="scale", strength=2.0)
    corrected = correction(told)
    before, after = np.linalg.norm(told, axis=1), np.linalg.norm(corrected, axis=1)
    assert np.median(after / before) < 2
    assert np.median((told * corrected).sum(axis=1) / (before * after)) > 0.8


def test_what_nothing_is_told_of_stays_so():
    told, people, liked = world()
    correction = fit_fair_vectors(told, people, csr_matrix(liked), method="scale", strength=2.0)
    assert not correction(np.zeros((3, WIDTH), np.float32)).any()


@pytest.mark.parametrize("method", ["scale", "gen", "magnitude"])
def test_too_little_to_learn_from_changes_nothing(method: Method):
    told, people, liked = world()
    for items, likes in ((told[:1], liked[:1]), (told, np.zeros_like(liked)), (np.zeros_like(told), liked)):
        correction = fit_fair_vectors(items, people, csr_matrix(likes), method=method, strength=1.0)
        assert np.isfinite(correction(told)).all()
        if method != "magnitude":
            assert np.array_equal(correction.matrix, np.eye(WIDTH))


@given(st.floats(0.1, 6), st.integers(0, 1000))
def test_corrections_are_finite_and_stored_as_they_are(strength, seed):
    rng = np.random.default_rng(seed)
    told = rng.normal(size=(30, 4)).astype(np.float32) * np.float32(10.0 ** rng.integers(-3, 3))
    people, liked = rng.normal(size=(20, 4)).astype(np.float32), csr_matrix(rng.random((30, 20)) < 0.2)
    correction = fit_fair_vectors(told, people, liked, method="scale", strength=strength)
    assert np.isfinite(correction(told)).all()
    loaded = FairVectors.load(*correction.dump())
    assert np.array_equal(loaded(told), correction(told))


def test_the_encoder_of_new_items_applies_it():
    records = [{"title": f"{('red', 'blue')[n % 2]} thing"} for n in range(20)]
    vectors = np.eye(2, dtype=np.float32)[np.arange(20) % 2]
    encoder = fit_content(records, vectors, np.full(20, 9.0, np.float32), 4)
    correction = FairVectors(2 * np.eye(2, dtype=np.float32), np.array([0.5, 0.0], np.float32))
    corrected = encoder.corrected(correction)
    assert np.allclose(corrected.encode(records), correction(encoder.encode(records)), atol=1e-6)
    assert not corrected.encode([{}]).any()
    loaded = type(encoder).load(*corrected.dump())
    assert np.allclose(loaded.encode(records), corrected.encode(records), atol=1e-6)
