"""Vectors of items: from what people did and from what the items say of themselves, whichever is known better."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.config import Learning
from fairshot.core.arrays import Floats, Rows
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.snapshot import Vectors
from fairshot.learning.content import ContentEncoder, fit_content
from fairshot.learning.factors import fit_factors, gram_of, scaled_regularization
from fairshot.learning.fair_vectors import admirers, fit_fair_vectors
from fairshot.learning.interactions import Feedback, strengths


@dataclass(frozen=True, slots=True)
class FittedVectors:
    """vectors: as they serve; told: float32 (n, d), what the content alone tells, zero where it tells nothing."""

    vectors: Vectors
    encoder: ContentEncoder
    told: Floats


def fit_vectors(
    feedback: Feedback,
    records: tuple[Rows, Sequence[Mapping[str, Any]]],
    shape: tuple[int, int],
    kinds: FeedbackKinds,
    settings: Learning,
    progress: Callable[[float], None] = lambda _share: None,
) -> FittedVectors:
    """Item vectors: trained from feedback, drawn towards what the content tells where there is little.

    v = n / (n + content_weight) * trained + content_weight / (n + content_weight) * told, n interactions. What is told
    of items without any is corrected for fairness among new items, where the configuration says so.
    records: rows of items and their latest records; shape: people and items.
    """
    matrix = strengths(feedback, kinds, shape)
    regularization = scaled_regularization(matrix, settings.regularization)
    reactions = np.diff(matrix.indptr)
    typical = float(reactions[reactions > 0].mean()) if matrix.nnz else 1.0
    # Who reacts to everything says less with each reaction.
    matrix.data *= np.repeat((np.maximum(reactions, 1) / typical) ** -settings.activity, reactions).astype(np.float32)
    fitted = fit_factors(
        matrix,
        factors=settings.factors,
        iterations=settings.iterations,
        confidence=settings.confidence,
        regularization=regularization,
        progress=lambda share: progress(0.8 * share),
    )
    evidence = np.bincount(feedback.item, minlength=shape[1]).astype(np.float32)
    evidence[~fitted.any(axis=1)] = 0
    rows, stated = records
    encoder = fit_content(stated, fitted[rows], evidence[rows], settings.text_dimensions)
    told = np.zeros_like(fitted)
    told[rows] = encoder.encode(stated)
    own: Floats = evidence / np.maximum(evidence + settings.content_weight, 1e-9)
    own[~told.any(axis=1)] = 1
    items = np.ascontiguousarray(own[:, None] * fitted + (1 - own[:, None]) * told, dtype=np.float32)
    # The gram is of the fitted vectors: they alone are what a fold-in's system was made for.
    gram = gram_of(fitted, regularization)
    known, method = evidence > 0, settings.cold_start_fairness
    if method != "none" and known.any():
        people, liked = admirers(matrix, items, gram, settings.confidence)
        fairness = fit_fair_vectors(
            told[known], people, liked[known], method=method, strength=settings.cold_start_strength
        )
        encoder, told = encoder.corrected(fairness), fairness(told)
        items[~known] = told[~known]
    progress(1.0)
    vectors = Vectors(items, evidence > 0, gram, settings.confidence, settings.activity, typical, encoder)
    return FittedVectors(vectors, encoder, told)
