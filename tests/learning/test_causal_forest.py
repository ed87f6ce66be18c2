"""The forest beside the causal layer: skipped without econml, of which nothing else may take notice."""

import sys

import numpy as np
import pytest

from fairshot.core.errors import FairshotError
from fairshot.learning.causal_forest import fit_forest, forest_above_layer
from fairshot.reproductions.causal import drawn


def test_without_econml_the_forest_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "econml.dr", None)
    with pytest.raises(FairshotError, match=r"fairshot\[causal\]"):
        fit_forest(drawn(np.random.default_rng(0), 500).units)


@pytest.mark.filterwarnings("default")
def test_a_forest_finds_the_planted_effect_and_is_compared():
    pytest.importorskip("econml", reason='econml is not installed: pip install "fairshot[causal]"')
    units = drawn(np.random.default_rng(0), 4000).units
    new = drawn(np.random.default_rng(1), 4000)
    assert np.corrcoef(fit_forest(units)(new.units.inputs), new.effect)[0, 1] > 0.7
    gap = forest_above_layer(units)
    assert abs(gap.z) < 4
