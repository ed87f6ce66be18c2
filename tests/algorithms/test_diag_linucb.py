"""Diag-LinUCB is LinUCB where contexts are one-hot, its counters add up, and it learns."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import diag_linucb as dl

seeds = st.integers(0, 2**32 - 1)


def linucb(contexts: np.ndarray, rewards: np.ndarray, query: np.ndarray, alpha: float) -> float:
    """Textbook LinUCB of one arm: ridge regression on its contexts, plus alpha standard deviations."""
    covariance = np.eye(len(query)) + contexts.T @ contexts
    theta = np.linalg.solve(covariance, contexts.T @ rewards)
    return float(query @ theta + alpha * np.sqrt(query @ np.linalg.solve(covariance, query)))


@given(seeds, st.integers(0, 25))
def test_equals_linucb_for_one_hot_contexts(seed: int, impressions: int) -> None:
    rng = np.random.default_rng(seed)
    count, width = 3, 4
    graph = np.tile(np.arange(width), (count, 1))
    clusters, item = rng.integers(count, size=(impressions, 1)), rng.integers(width, size=impressions)
    outcome = rng.random(impressions)
    zero = np.zeros(graph.shape)
    evidence, reward = dl.update_edges(clusters, np.ones(clusters.shape), item, outcome, graph, zero, zero)
    contexts = np.eye(count)[clusters[:, 0]]
    for cluster in range(count):
        rows, scores = dl.upper_bounds(np.array([cluster]), [1.0], graph, evidence, reward, alpha=0.7)
        wanted = [linucb(contexts[item == i], outcome[item == i], np.eye(count)[cluster], 0.7) for i in rows]
        np.testing.assert_allclose(scores, wanted)


@given(seeds)
def test_counters_add_up_in_any_partition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = np.array([[0, 1, dl.EMPTY], [1, 2, 3]])
    clusters, weights = rng.integers(2, size=(8, 2)), rng.random((8, 2))
    item, outcome = rng.integers(4, size=8), rng.random(8)
    zero = np.zeros(graph.shape)

    def count(part: slice) -> tuple[np.ndarray, np.ndarray]:
        batch = clusters[part], weights[part], item[part], outcome[part]
        return dl.update_edges(*batch, graph, zero, zero)

    whole, parts = count(slice(None)), [count(slice(0, 3)), count(slice(3, 8))]
    for total, one, two in zip(whole, *parts, strict=True):
        np.testing.assert_allclose(total, one + two)
    assert whole[0][0, 2] == 0


@given(seeds)
def test_bound_falls_with_evidence_and_thompson_without_noise_is_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, clusters, weights = np.array([[0, 1], [1, 2]]), np.array([0, 1]), rng.random(2)
    evidence = rng.random(graph.shape) * 5
    zero = np.zeros(graph.shape)
    _, wide = dl.upper_bounds(clusters, weights, graph, evidence, zero, 1.0)
    _, narrow = dl.upper_bounds(clusters, weights, graph, evidence + 1, zero, 1.0)
    assert np.all(narrow <= wide)
    reward = rng.random(graph.shape)
    _, mean = dl.upper_bounds(clusters, weights, graph, evidence, reward, 0.0)
    _, drawn = dl.thompson_scores(clusters, weights, graph, evidence, reward, 0.0, rng)
    np.testing.assert_allclose(mean, drawn)


@pytest.mark.parametrize("method", ["ucb", "thompson"])
def test_regret_is_sublinear(method: str) -> None:
    """Users who belong to a cluster: the second half costs far less than the first."""
    regret = np.sum([regret_of_cluster_members(method, seed) for seed in range(3)], axis=0)
    assert regret[2000:].sum() < 0.5 * regret[:2000].sum()


def regret_of_cluster_members(method: str, seed: int, rounds: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    count, width = 5, 8
    theta, graph = rng.random((count, width)), np.tile(np.arange(width), (count, 1))
    evidence, reward = np.zeros((2, count, width))
    regret = np.zeros(rounds)
    for now in range(rounds):
        clusters, weights = rng.integers(count, size=1), np.ones(1)
        if method == "ucb":  # alpha: two standard deviations of a reward
            rows, scores = dl.upper_bounds(clusters, weights, graph, evidence, reward, 1.0)
        else:
            rows, scores = dl.thompson_scores(clusters, weights, graph, evidence, reward, 0.5, rng)
        means, chosen = theta[clusters[0]], rows[scores.argmax()]
        regret[now] = means.max() - means[chosen]
        outcome = [float(rng.random() < means[chosen])]
        evidence, reward = dl.update_edges(clusters[None], weights[None], [chosen], outcome, graph, evidence, reward)
    return regret


@given(seeds, st.integers(1, 4))
def test_weights_are_a_distribution_over_the_nearest_clusters(seed: int, top: int) -> None:
    rng = np.random.default_rng(seed)
    users, centres = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    clusters, weights = dl.cluster_weights(users, centres, top, 0.5)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert np.all(np.diff(weights, axis=1) <= 0)
    np.testing.assert_array_equal(clusters[:, 0], (users @ centres.T).argmax(axis=1))


def test_a_short_catalogue_leaves_empty_slots_that_are_never_scored() -> None:
    graph = dl.nearest_items([[1.0]], [[0.5], [0.7]], width=3)
    np.testing.assert_array_equal(graph, [[1, 0, dl.EMPTY]])
    rows, _ = dl.upper_bounds(np.array([0]), [1.0], graph, np.zeros((1, 3)), np.zeros((1, 3)), 1.0)
    np.testing.assert_array_equal(rows, [0, 1])


GRAPH, ZERO, FIRST = np.array([[0, 1]]), np.zeros((1, 2)), np.array([0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dl.nearest_items([[1.0]], [[1.0, 2.0]], 1), r"vectors .*\(1, 2\)"),
        (lambda: dl.nearest_items([[1.0]], [[1.0]], 0), "width"),
        (lambda: dl.cluster_weights([[1.0]], [[1.0]], 2, 1.0), "top"),
        (lambda: dl.upper_bounds(FIRST, [1.0, 2.0], GRAPH, ZERO, ZERO, 1.0), r"weights .*\(2,\)"),
        (lambda: dl.upper_bounds(FIRST + 1, [1.0], GRAPH, ZERO, ZERO, 1.0), r"clusters .*\(1,\)"),
        (lambda: dl.upper_bounds(FIRST, [1.0], GRAPH, ZERO[:, :1], ZERO, 1.0), r"evidence .*\(1, 1\)"),
        (lambda: dl.upper_bounds(FIRST, [1.0], GRAPH, ZERO, ZERO, -1.0), "alpha"),
        (
            lambda: dl.thompson_scores(FIRST, [1.0], GRAPH, ZERO, ZERO, -1.0, np.random.default_rng(0)),
            "sd",
        ),
        (lambda: dl.update_edges(FIRST[None], [[1.0]], [0, 1], [1.0], GRAPH, ZERO, ZERO), r"item .*\(2,\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
