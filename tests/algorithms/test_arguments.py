"""The refusals name the argument and its shape."""

import numpy as np
import pytest

from fairshot.algorithms.arguments import at_least_zero, flags, labels, propensities, real, within


def test_real_refuses_what_is_empty_misshapen_or_not_finite() -> None:
    for wrong in ([], [[1.0]], 3.0):
        with pytest.raises(ValueError, match=r"scores .*shape \("):
            real("scores", wrong, (None,))
    with pytest.raises(ValueError, match=r"scores of shape \(2,\) must be finite"):
        real("scores", [1.0, np.nan], (None,))


def test_probabilities_that_are_divided_by_must_not_be_zero() -> None:
    for wrong in ([0.0], [1.1], [-0.1]):
        with pytest.raises(ValueError, match=r"examination of shape \(1,\)"):
            propensities("examination", wrong, (None,))


def test_labels_are_integers_inside_their_range() -> None:
    for wrong in ([0, 2], [0, -1], [0.0, 1.0]):
        with pytest.raises(ValueError, match=r"groups of shape \(2,\)"):
            labels("groups", wrong, 2, 2)


def test_other_doors() -> None:
    with pytest.raises(ValueError, match=r"clicks of shape \(1,\) must not be negative"):
        at_least_zero("clicks", [-1.0], (None,))
    with pytest.raises(ValueError, match=r"liked of shape \(1,\) must be boolean"):
        flags("liked", [1], (1,))
    for wrong in (1.5, float("nan")):
        with pytest.raises(ValueError, match="share must lie within"):
            within("share", wrong, 0, 1)
