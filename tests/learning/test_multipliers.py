"""Multipliers: planted differences are recovered, shrinkage pays, and who is unknown is like anybody."""

import numpy as np
import pytest

from fairshot.core.arrays import Array, Floats
from fairshot.learning.loading import load_artifacts
from fairshot.learning.multipliers import LARGEST, Multipliers, fit_multipliers, fit_rates, log_likelihood
from fairshot.stores.artifacts import ArtifactStore

NAMES = ("hide", "like", "share")


def people(seed: int = 0, n: int = 3_000, shape: float = 2.0, rate: float = 20.0) -> tuple[Array, Floats, Floats]:
    """Counts of two kinds in which people differ and one in which they do not, their occasions, and true rates."""
    rng = np.random.default_rng(seed)
    occasions = rng.integers(1, 150, n).astype(float)
    rates = np.stack([rng.gamma(0.8, 1 / 16, n), rng.gamma(shape, 1 / rate, n), np.full(n, 0.08)], axis=1)
    return rng.poisson(rates * occasions[:, None]), occasions, rates


def rates_of(counts: Array, occasions: Floats) -> tuple[float, float]:
    found = fit_rates(counts.astype(float), occasions)
    assert found is not None
    return found


def model_of() -> Multipliers:
    counts, occasions, _ = people()
    return fit_multipliers(counts, occasions, NAMES)


@pytest.mark.parametrize("seed", range(5))
def test_planted_differences_are_recovered(seed):
    counts, occasions, _ = people(seed)
    shape, rate = rates_of(counts[:, 1], occasions)
    assert shape == pytest.approx(2.0, rel=0.15)
    assert shape / rate == pytest.approx(0.1, rel=0.05)


def test_multipliers_follow_the_inverse_of_the_true_rate():
    counts, occasions, rates = people()
    model = fit_multipliers(counts, occasions, NAMES)
    found = model(NAMES, counts, occasions)
    often = occasions > 75
    assert np.corrcoef(np.log(found[often, 1]), -np.log(rates[often, 1]))[0, 1] > 0.8
    assert found.min() == 1 / LARGEST
    assert found.max() == LARGEST


def test_kinds_in_which_people_are_alike_are_left_alone():
    told = [fit_rates(people(seed)[0][:, 2].astype(float), people(seed)[1]) for seed in range(40)]
    assert sum(found is not None for found in told) <= 5


def test_shrinkage_foretells_better_than_raw_rates_and_than_one_rate_for_all():
    counts, occasions, _ = people()
    rng = np.random.default_rng(1)
    kept = rng.binomial(counts[:, 1], 0.5).astype(float)
    half, held = occasions / 2, counts[:, 1] - kept
    shape, rate = rates_of(kept, half)
    shrunk = log_likelihood(held, half, shape + kept, rate + half).sum()

    def poisson(rates: Floats) -> float:
        return float((held * np.log(rates * half) - rates * half).sum())

    raw = np.maximum(kept, 0.5) / half
    one = np.full(len(kept), kept.sum() / half.sum())
    assert shrunk > poisson((kept + shape) / (half + rate)), "the whole posterior beats its mean"
    assert poisson((kept + shape) / (half + rate)) > max(poisson(raw), poisson(one))


def test_the_unknown_get_exactly_one():
    counts, occasions, _ = people()
    model = fit_multipliers(counts, occasions, NAMES)
    assert model(NAMES, np.zeros(3, np.int32), 0).tolist() == [1.0, 1.0, 1.0]
    assert model(("new", "like"), np.zeros(2, np.int32), 0).tolist() == [1.0, 1.0]


def test_the_scale_of_values_stays_whatever_people_have_seen():
    """The mean of the logarithm is 0 for few occasions and for many."""
    counts, occasions, _ = people(n=20_000, shape=6.0, rate=60.0)
    found = np.log(fit_multipliers(counts, occasions, NAMES)(NAMES, counts, occasions)[:, 1])
    for low, high in ((1, 10), (10, 50), (50, 150)):
        part = found[(occasions >= low) & (occasions < high)]
        assert abs(part.mean()) < 0.03


def test_little_evidence_moves_little():
    model = Multipliers(("like",), np.array([2.0]), np.array([20.0]))
    few, many = (float(model(("like",), np.array([0]), times)[0]) for times in (1.0, 30.0))
    assert 1 < few < 1.1 < many


def test_one_call_for_all_is_the_calls_for_each():
    counts, occasions, _ = people(n=50)
    model = model_of()
    together = model(NAMES, counts, occasions)
    np.testing.assert_array_equal(together, [model(NAMES, c, e) for c, e in zip(counts, occasions, strict=True)])


def test_a_store_gives_back_what_it_was_given():
    model = model_of()
    again = Multipliers.load(*model.dump())
    counts, occasions, _ = people(n=20)
    np.testing.assert_array_equal(again(NAMES, counts, occasions), model(NAMES, counts, occasions))


@pytest.mark.parametrize(
    ("counts", "occasions"),
    [
        (np.zeros((0, 3)), np.zeros(0)),
        (np.array([[1, 2, 3]]), np.array([6.0])),
        (np.zeros((4, 3)), np.ones(4)),
        (np.ones((4, 3)), np.zeros(4)),
        (np.full((50, 3), 10**6), np.full(50, 10**6 * 3.0)),
    ],
)
def test_a_log_that_says_nothing_gives_ones(counts, occasions):
    model = fit_multipliers(counts, occasions, NAMES)
    assert (model(NAMES, counts, occasions) == 1).all()
    assert Multipliers.load(*model.dump()).kinds == ()


def test_a_snapshot_has_them_or_lacks_nothing(tmp_path):
    store = ArtifactStore(tmp_path)
    store.save("new", {"multipliers": model_of().dump()}, {})
    store.save("old", {}, {})
    assert load_artifacts(store, "new").multipliers.kinds == model_of().kinds
    old = load_artifacts(store, "old")
    assert old.multipliers is None
    assert not any("multipliers" in reason for reason in old.missing)
    (tmp_path / "new" / "multipliers.json").write_text("{}")
    damaged = load_artifacts(store, "new")
    assert damaged.multipliers is None
    assert any("multipliers" in reason for reason in damaged.missing)
