"""Vectors: people count by how much they do, alike in training and when they come; content fills what is not known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from msgspec import structs
from scipy.sparse import csr_matrix

from fairshot.algorithms.fold_in import fold_in
from fairshot.app import open_app
from fairshot.config import Learning, load_config
from fairshot.core.arrays import Floats
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Artifacts, Vectors
from fairshot.learning.factors import fit_factors, gram_of, scaled_regularization
from fairshot.learning.interactions import Feedback, strengths
from fairshot.learning.vectors import FittedVectors, fit_vectors

KINDS = FeedbackKinds.of(
    {"like": FeedbackKind(preference=1.0), "view": FeedbackKind(preference=0.6), "hide": FeedbackKind(preference=-1.0)}
)
USERS, ITEMS = 30, 40
NOTHING: tuple[np.ndarray[Any, Any], Sequence[Mapping[str, Any]]] = (np.empty(0, np.int32), [])


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Learning:
    learning = load_config(tmp_path_factory.mktemp("none")).learning
    return structs.replace(learning, factors=6, iterations=4, text_dimensions=4, cold_start_fairness="none")


def some(seed: int = 0, each: tuple[int, int] = (2, 25)) -> Feedback:
    """Distinct pairs of very unequally active people."""
    rng = np.random.default_rng(seed)
    pairs = [
        (user, item) for user in range(USERS) for item in rng.choice(ITEMS, int(rng.integers(*each)), replace=False)
    ]
    user, item = np.array(pairs, np.int32).T
    action = rng.choice(3, len(user), p=[0.6, 0.3, 0.1]).astype(np.int8)
    return Feedback(user, item, action, np.arange(len(user)), np.arange(len(user)))


def fit(feedback: Feedback, settings: Learning, **changes: Any) -> FittedVectors:
    return fit_vectors(feedback, NOTHING, (USERS, ITEMS), KINDS, structs.replace(settings, **changes))


def weighed(feedback: Feedback, activity: float) -> csr_matrix:
    """What alternating least squares is given, said slowly."""
    matrix = strengths(feedback, KINDS, (USERS, ITEMS)).toarray()
    counts = (matrix != 0).sum(axis=1)
    typical = counts[counts > 0].mean()
    return csr_matrix((matrix * ((np.maximum(counts, 1) / typical) ** -activity)[:, None]).astype(np.float32))


def test_without_discount_everybody_counts_alike_as_it_ever_was(settings):
    feedback = some()
    fitted = fit(feedback, settings, activity=0.0)
    plain = strengths(feedback, KINDS, (USERS, ITEMS))
    regularization = scaled_regularization(plain, settings.regularization)
    expected = fit_factors(
        plain, factors=6, iterations=4, confidence=settings.confidence, regularization=regularization
    )
    assert fitted.vectors.items.tobytes() == expected.tobytes()
    assert fitted.vectors.gram.tobytes() == gram_of(expected, regularization).tobytes()
    assert {fitted.vectors.confidence_of(n) for n in (0, 1, 7, 10_000)} == {settings.confidence}


@pytest.mark.parametrize("activity", [0.5, 1.0])
def test_the_more_somebody_does_the_less_each_reaction_counts(settings, activity):
    feedback = some()
    fitted = fit(feedback, settings, activity=activity).vectors
    regularization = scaled_regularization(strengths(feedback, KINDS, (USERS, ITEMS)), settings.regularization)
    expected = fit_factors(
        weighed(feedback, activity),
        factors=6,
        iterations=4,
        confidence=settings.confidence,
        regularization=regularization,
    )
    np.testing.assert_allclose(fitted.items, expected, rtol=1e-3, atol=1e-4)
    typical = len(feedback) / USERS
    assert fitted.typical == pytest.approx(typical)
    assert fitted.confidence_of(round(typical)) == pytest.approx(settings.confidence, rel=0.05)
    assert fitted.confidence_of(400) == pytest.approx(settings.confidence * (400 / typical) ** -activity)
    # Nobody has less than one reaction.
    assert fitted.confidence_of(0) == fitted.confidence_of(1) > fitted.confidence_of(2)


@pytest.mark.parametrize("activity", [0.0, 0.5, 1.0])
def test_who_is_folded_in_stands_where_training_would_put_them(settings, activity):
    """The user's row of alternating least squares, items fixed, is what the fold-in gives."""
    feedback = some(1)
    vectors = fit(feedback, settings, activity=activity).vectors
    matrix = weighed(feedback, activity)
    matrix.data = np.sign(matrix.data) * (1 + settings.confidence * np.abs(matrix.data))
    regularization = scaled_regularization(strengths(feedback, KINDS, (USERS, ITEMS)), settings.regularization)
    model = AlternatingLeastSquares(factors=6, regularization=regularization, alpha=1.0, use_cg=False)
    model.item_factors = vectors.items
    told = strengths(feedback, KINDS, (USERS, ITEMS))
    for user in range(USERS):
        row = told[user]
        found = fold_in(vectors.items[row.indices], row.data * vectors.confidence_of(row.nnz), vectors.gram)
        np.testing.assert_allclose(found, model.recalculate_user(user, matrix[user]), rtol=1e-3, atol=1e-4)


def test_the_person_of_a_request_is_folded_in_as_training_saw_them(settings, tmp_path):
    """By the live history: also of people who did several things with one item, or took something back."""
    with open_app(tmp_path, clock=lambda: 1_700_000_000_000_000) as app:
        kinds = app.config.kinds
        rng = np.random.default_rng(2)
        events: list[dict[str, Any]] = [
            {
                "event_id": f"e{n}",
                "kind": str(rng.choice(["like", "view", "hide"])),
                "user_id": f"u{rng.integers(8)}",
                "item_id": f"i{rng.integers(12)}",
                "at": 1_699_000_000 + n,
            }
            for n in range(160)
        ]
        app.ingest(events, items=[{"id": f"i{n}", "creator_id": "c"} for n in range(12)])
        app.live.catch_up()
        ids = app.live.ids
        user = np.array([ids.users.row(event["user_id"]) for event in events], np.int32)
        item = np.array([ids.items.row(event["item_id"]) for event in events], np.int32)
        action = np.array([kinds.code(event["kind"]) for event in events], np.int8)
        feedback = Feedback(user, item, action, np.arange(160), np.arange(160))
        shape = (len(ids.users), len(ids.items))
        vectors = fit_vectors(feedback, NOTHING, shape, kinds, settings).vectors
        app.live.swap(Artifacts("test", vectors))
        told = strengths(feedback, kinds, shape)
        assert told.nnz < 100, "nobody did two things with one item"
        for number in range(8):
            row = told[number]
            confidence = vectors.confidence_of(row.nnz)
            expected = fold_in(vectors.items[row.indices], row.data * confidence, vectors.gram)
            name = ids.users.id(number)
            request = Request("r", name, number, 5, 1_700_000_000_000_000)
            found = Context(request, app.live.snapshot).person.vector
            assert found is not None
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_little_known_items_are_drawn_towards_what_they_tell(settings):
    """v = n / (n + weight) * trained + weight / (n + weight) * told."""
    feedback = some(3)
    rows = np.arange(ITEMS, dtype=np.int32)
    records = [{"title": f"theme{n % 4} word{n % 7}", "labels": [f"l{n % 4}"]} for n in range(ITEMS)]
    feedback = feedback.where(feedback.item != 5)
    fitted = fit_vectors(feedback, (rows, records), (USERS, ITEMS), KINDS, settings)
    plain = fit(feedback, settings).vectors.items
    counts = np.bincount(feedback.item, minlength=ITEMS)[:, None]
    own = counts / (counts + settings.content_weight)
    expected: Floats = own * plain + (1 - own) * fitted.told
    np.testing.assert_allclose(fitted.vectors.items, expected, rtol=1e-4, atol=1e-5)
    assert not fitted.vectors.trained[5]
    assert fitted.vectors.items[5].tolist() == fitted.told[5].tolist()


@pytest.mark.parametrize("chosen", [[], [0], [0, 0]])
def test_the_smallest_logs_give_finite_vectors_and_confidence(settings, chosen):
    vectors = fit(some().where(np.array(chosen, dtype=np.int64)), settings).vectors
    assert np.isfinite(vectors.items).all()
    assert np.isfinite(vectors.gram).all()
    assert all(np.isfinite(vectors.confidence_of(n)) for n in (0, 1, 10**6))


def test_growing_a_copy_is_not_needed_for_what_is_asked_of_it():
    """Rows that come later are zero until they are described, and searches see no room kept for others."""
    vectors = Vectors(np.ones((3, 2), np.float32), np.ones(3, bool), np.eye(2, dtype=np.float32), 2.0)
    vectors.grow(5)
    assert vectors.items.tolist() == [[1, 1]] * 3 + [[0, 0]] * 2
    assert vectors.untrained(np.arange(5)).tolist() == [False] * 3 + [True] * 2
