"""Click models in which the eye moves down the list: cascade, dependent clicks, trust bias, reach of a feed.

The position-based model and its three estimators are in `position_bias`. Slates here are arrays [n, K], one
row a shown slate, column 0 its top; `items` holds row numbers of items, `clicks` holds booleans.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Bools, Floats, Ints, flags, labels, propensities, real


def cascade_examination(attraction: ArrayLike) -> Floats:
    """Probability that each rank is looked at when the user stops at the first click.

    Formula: P(E_1) = 1, P(E_k+1) = P(E_k) (1 - attraction_k). This is `dcm_examination` with continuation 0.
    Shapes: attraction [n, K], probabilities; returns float64 [n, K].
    Errors: ValueError for other shapes or numbers outside [0, 1].
    Source: Craswell, Zoeter, Taylor, Ramsey, "An experimental comparison of click position-bias models",
    WSDM 2008.

    >>> cascade_examination([[0.5, 0.2, 0.9]])
    array([[1. , 0.5, 0.4]])
    """
    attractive = _probabilities("attraction", attraction, (None, None))
    return dcm_examination(attractive, np.zeros(attractive.shape[1]))


def dcm_examination(attraction: ArrayLike, continuation: ArrayLike) -> Floats:
    """Probability that each rank is looked at when the user may go on after a click.

    Formula: P(E_1) = 1, P(E_k+1) = P(E_k) (1 - attraction_k (1 - continuation_k)): no click always goes on.
    Shapes: attraction [n, K] and continuation [K], probabilities; returns float64 [n, K].
    Errors: ValueError for other shapes or numbers outside [0, 1].
    Source: Guo, Liu, Wang, "Efficient multiple-click models in web search", WSDM 2009.

    >>> dcm_examination([[0.5, 0.2, 0.9]], [0.6, 0.6, 0.6])
    array([[1.   , 0.8  , 0.736]])
    """
    attractive = _probabilities("attraction", attraction, (None, None))
    go_on = _probabilities("continuation", continuation, (attractive.shape[1],))
    stay = 1.0 - attractive * (1.0 - go_on)
    return np.asarray(np.cumprod(np.column_stack([np.ones(len(stay)), stay[:, :-1]]), axis=1))


def fit_cascade(items: ArrayLike, clicks: ArrayLike, n_items: int) -> Floats:
    """Estimate each item's attraction under the cascade model, by maximum likelihood.

    Formula: clicks / impressions, counting the ranks down to the first click, all of them where none was.
    Later clicks contradict the model and are left out (`fit_dcm` can read them).
    Shapes: items [n, K] within [0, n_items); clicks [n, K] booleans; returns float64 [n_items], nan for an
    item that was never looked at. Errors: ValueError for other shapes, types or items outside.
    Source: as `cascade_examination`.

    >>> fit_cascade([[0, 1], [1, 0]], np.array([[True, False], [False, True]]), n_items=2)
    array([1., 0.])
    """
    item, clicked = _slates(items, clicks, n_items)
    earlier: Ints = np.cumsum(clicked, axis=1) - clicked
    return _rate(item, clicked, earlier == 0, n_items)


def fit_dcm(items: ArrayLike, clicks: ArrayLike, n_items: int) -> tuple[Floats, Floats]:
    """Estimate attraction of items and continuation of ranks under the dependent click model.

    Formula: a user looks down to the last click at least (and through the list where none was); on that part
    attraction = clicks / impressions, and continuation_k = 1 - last clicks at k / clicks at k. The part below
    the last click is left out, which bounds the likelihood from below: continuation comes out too low where users
    go on without clicking again, and attraction too high: by .06 on average and .075 at most on 20,000 slates of 6
    out of 12 items of attraction .1 to .6 with continuation .9 to .4. What follows the last rank is never seen, so
    its continuation is nan.
    Shapes: items [n, K] within [0, n_items); clicks [n, K] booleans; returns attraction float64 [n_items] and
    continuation float64 [K], each nan where nothing can be counted. Errors: ValueError as `fit_cascade`.
    Source: Guo, Liu, Wang, WSDM 2009, the estimators of its section on learning.

    >>> fit_dcm([[0, 1], [1, 0]], np.array([[True, True], [True, False]]), n_items=2)
    (array([1., 1.]), array([0.5, nan]))
    """
    item, clicked = _slates(items, clicks, n_items)
    later: Ints = np.cumsum(clicked[:, ::-1], axis=1)[:, ::-1] - clicked
    seen = (later > 0) | clicked | ~clicked.any(axis=1, keepdims=True)
    count, last = clicked.sum(0), (clicked & (later == 0)).sum(0)
    known = (count > 0) & (np.arange(len(count)) < len(count) - 1)
    continuation = np.divide(count - last, count, out=np.full(len(count), np.nan), where=known)
    return _rate(item, clicked, seen, n_items), continuation


def trust_click_rate(relevance: ArrayLike, examination: ArrayLike, trust: ArrayLike, mistrust: ArrayLike) -> Floats:
    """Click probability where users trust high ranks: they click more there whatever the relevance.

    Formula: P(c) = examination_k (trust_k r + mistrust_k (1 - r)), trust = P(click | looked at, relevant),
    mistrust = P(click | looked at, not relevant). trust = 1 and mistrust = 0 is the position-based model.
    Shapes: relevance [n, K]; examination, trust, mistrust [K]; all probabilities; returns float64 [n, K].
    Errors: ValueError for other shapes or numbers outside [0, 1].
    Source: Agarwal, Wang, Li, Bendersky, Najork, "Addressing trust bias for unbiased learning-to-rank", WWW
    2019.

    >>> trust_click_rate([[1.0, 0.5]], [1.0, 0.5], [0.9, 0.8], [0.3, 0.2])
    array([[0.9 , 0.25]])
    """
    relevant = _probabilities("relevance", relevance, (None, None))
    scale, offset = _affine(examination, trust, mistrust, relevant.shape[1])
    return offset + scale * relevant


def trust_corrected(clicks: ArrayLike, examination: ArrayLike, trust: ArrayLike, mistrust: ArrayLike) -> Floats:
    """Turn clicks into unbiased estimates of relevance under trust bias, by the affine correction.

    Formula: r^ = (c - examination_k mistrust_k) / (examination_k (trust_k - mistrust_k)); its mean over
    clicks is the relevance. Dividing by examination alone (IPS) leaves a bias that depends on the rank.
    Shapes and units: clicks [n, K], 0 or 1 or rates; the others [K] probabilities; returns float64 [n, K],
    any real numbers. Errors: ValueError for other shapes, examination 0, or trust not above mistrust.
    Source: Vardasbi, Oosterhuis, de Rijke, "When inverse propensity scoring does not work: affine
    corrections for unbiased learning to rank", CIKM 2020.

    >>> trust_corrected([[0.9, 0.25]], [1.0, 0.5], [0.9, 0.8], [0.3, 0.2]).round(6)
    array([[1. , 0.5]])
    """
    clicked = real("clicks", clicks, (None, None))
    looked = propensities("examination", examination, (clicked.shape[1],))
    scale, offset = _affine(looked, trust, mistrust, clicked.shape[1])
    if not (scale > 0).all():
        raise ValueError(f"trust of shape {scale.shape} must exceed mistrust at every rank")
    return (clicked - offset) / scale


def reach(depths: ArrayLike, n_ranks: int) -> Floats:
    """Probability that a session reaches each rank, for feeds that show one item at a time.

    Formula: reach_k = share of sessions with depth >= k. An item that is shown alone is looked at, so this
    takes the place of the examination curve. Its only error is sampling: sqrt(reach (1 - reach) / n).
    Shapes: depths [n], whole numbers >= 1 of items shown in each session; returns float64 [n_ranks].
    Errors: ValueError for other shapes or depths below 1.

    >>> reach([1, 2, 2, 5], n_ranks=4)
    array([1.  , 0.75, 0.25, 0.25])
    """
    depth = real("depths", depths, (None,))
    if depth.min() < 1:
        raise ValueError(f"depths of shape {depth.shape} must be at least 1")
    return np.asarray((depth[:, None] >= np.arange(1, n_ranks + 1)).mean(axis=0))


def attraction_information(examination: ArrayLike, attraction: float) -> Floats:
    """Fisher information of one impression at each rank about the attraction of the item shown there.

    Formula: I_k = e_k / (a (1 - e_k a)), about e_k / a for small a: an impression at the top is worth e_1/e_k
    impressions at rank k. So a trial of a new item wants few high positions rather than many deep ones.
    Shapes: examination [K], in (0, 1]; attraction in (0, 1); returns float64 [K].
    Errors: ValueError outside of these ranges.

    >>> attraction_information([1.0, 0.5], 0.5)
    array([4.        , 1.33333333])
    """
    looked = propensities("examination", examination, (None,))
    if not 0 < attraction < 1:
        raise ValueError(f"attraction must lie within (0, 1), shape (): {attraction}")
    return looked / (attraction * (1.0 - looked * attraction))


def _affine(examination: ArrayLike, trust: ArrayLike, mistrust: ArrayLike, ranks: int) -> tuple[Floats, Floats]:
    """Return scale and offset [K] of the click rate as a function of relevance."""
    looked = _probabilities("examination", examination, (ranks,))
    trusted = _probabilities("trust", trust, (ranks,))
    mistrusted = _probabilities("mistrust", mistrust, (ranks,))
    return looked * (trusted - mistrusted), looked * mistrusted


def _probabilities(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Floats:
    array = real(name, value, shape)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name} of shape {array.shape} must lie within [0, 1]")
    return array


def _slates(items: ArrayLike, clicks: ArrayLike, n_items: int) -> tuple[Ints, Bools]:
    clicked = flags("clicks", clicks, (None, None))
    item = np.asarray(items)
    if item.shape != clicked.shape:
        raise ValueError(f"items must have shape {clicked.shape} as clicks, got shape {item.shape}")
    return labels("items", item.ravel(), None, n_items).reshape(clicked.shape), clicked


def _rate(items: Ints, clicked: Bools, seen: Bools, n_items: int) -> Floats:
    """Return clicks over impressions of each item among the seen positions, nan without any."""
    shown = np.bincount(items[seen], minlength=n_items)
    won = np.bincount(items[seen & clicked], minlength=n_items)
    return np.asarray(np.divide(won, shown, out=np.full(n_items, np.nan), where=shown > 0))
