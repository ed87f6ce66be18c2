import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from fairshot.learning.cold_start.deep_music import Training, fit_net, fit_ridge


@given(st.integers(0, 10_000), st.floats(0.05, 20.0))
@settings(max_examples=30, deadline=None)
def test_ridge_is_the_minimum_and_sparse_solves_the_same(seed: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    x, y, w = rng.normal(size=(30, 5)), rng.normal(size=(30, 3)), rng.random(30) + 0.1
    ridge = fit_ridge(x, y, penalty=penalty, weights=w)

    def cost(slope: np.ndarray, level: np.ndarray) -> float:
        return float((w[:, None] * (y - x @ slope - level) ** 2).sum() + penalty * (slope**2).sum())

    best = cost(ridge.slope, ridge.level)
    for _ in range(5):
        assert best <= cost(ridge.slope + rng.normal(size=(5, 3)) * 0.05, ridge.level) + 1e-4
        assert best <= cost(ridge.slope, ridge.level + rng.normal(size=3) * 0.05) + 1e-4
    sparse = fit_ridge(csr_array(x), y, penalty=penalty, weights=w)
    assert sparse.slope == pytest.approx(ridge.slope, abs=2e-4)
    assert sparse.level == pytest.approx(ridge.level, abs=2e-4)


def test_sparse_content_far_from_zero_gives_the_same_model() -> None:
    rng = np.random.default_rng(4)
    x, y, w = (rng.random((60, 12)) < 0.7) * (5 + rng.random((60, 12))), rng.normal(size=(60, 3)), rng.random(60)
    dense, sparse = fit_ridge(x, y + 7, weights=w), fit_ridge(csr_array(x), y + 7, weights=w)
    assert sparse.slope == pytest.approx(dense.slope, abs=2e-4)
    assert sparse(csr_array(x)) == pytest.approx(dense(x), abs=2e-3)


def test_what_has_not_converged_says_so() -> None:
    rng = np.random.default_rng(5)
    x, y = csr_array(rng.normal(size=(50, 20))), rng.normal(size=(50, 2))
    with pytest.warns(RuntimeWarning, match="not converged in 2 iterations"):
        fit_ridge(x, y, penalty=1e-3, iterations=2)


def test_a_twin_gets_nearly_its_vector_and_no_content_the_level() -> None:
    rng = np.random.default_rng(0)
    x, y = csr_array(np.eye(20)), rng.normal(size=(20, 4))
    ridge = fit_ridge(x, y, penalty=1e-4)
    assert ridge(x) == pytest.approx(y, abs=1e-3)
    assert ridge(csr_array((1, 20))) == pytest.approx(y.mean(0)[None], abs=1e-5)


def test_net_learns_what_ridge_cannot() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 4))
    y = np.column_stack([np.sign(x[:, 0] * x[:, 1]), x[:, 2]])
    net = fit_net(x[:500], y[:500], rng, Training(hidden=64, steps=400, batch=128, rate=1e-2))
    linear = fit_ridge(x[:500], y[:500])
    assert np.mean((net(x[500:]) - y[500:]) ** 2) < 0.6 * np.mean((linear(x[500:]) - y[500:]) ** 2)


def test_net_repeats_with_the_same_generator() -> None:
    x = np.random.default_rng(2).normal(size=(50, 3))
    short = Training(hidden=8, steps=20, batch=16)
    one, two = (fit_net(x, x, np.random.default_rng(3), short)(x) for _ in range(2))
    assert (one == two).all()


def test_bad_input_names_the_argument() -> None:
    x = np.ones((4, 2))
    with pytest.raises(ValueError, match=r"vectors.*\(3, 2\)"):
        fit_ridge(x, np.ones((3, 2)))
    with pytest.raises(ValueError, match="penalty"):
        fit_ridge(x, x, penalty=0)
    with pytest.raises(ValueError, match=r"weights.*\(3,\)"):
        fit_ridge(x, x, weights=np.ones(3))
    with pytest.raises(ValueError, match=r"content.*finite"):
        fit_ridge(x * np.nan, x)
    with pytest.raises(ValueError, match=r"content.*\(4, 3\)"):
        fit_ridge(x, x)(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"inputs.*\(4, 3\)"):
        fit_net(x, x, np.random.default_rng(0), Training(steps=2))(np.ones((4, 3)))
