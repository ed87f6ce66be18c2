"""A forest of doubly robust effects beside the causal layer, for comparison alone: needs the extra `causal`.

It bends where the layer is straight, costs ten times as much, cannot be stored without pickles and so is never
served. Where its order of people is clearly better, the features want a column that the effect is straight in.
"""

from collections.abc import Callable

import numpy as np

from fairshot.algorithms.doubly_robust import Effect
from fairshot.algorithms.uplift import auuc_gain
from fairshot.core.arrays import Floats
from fairshot.core.errors import FairshotError
from fairshot.core.randomness import stream
from fairshot.learning.causal import TRIM, CausalUnits, effect_model
from fairshot.learning.causal_trials import halves_of


def fit_forest(units: CausalUnits, seed: int = 0) -> Callable[[Floats], Floats]:
    """Effects of showing by econml's ForestDRLearner: from inputs (n, f) to effects (n,).

    Known propensities are not used: they are estimated from features and score like the others. Raises
    FairshotError where econml is not installed.
    """
    try:
        from econml.dr import ForestDRLearner
    except ImportError as error:
        raise FairshotError('the forest needs econml: pip install "fairshot[causal]"') from error
    from sklearn.linear_model import LogisticRegression, RidgeCV

    forest = ForestDRLearner(
        model_propensity=LogisticRegression(max_iter=1000),
        model_regression=RidgeCV(),
        min_propensity=TRIM,
        cv=5,
        n_estimators=200,
        min_samples_leaf=50,
        max_samples=0.4,
        n_jobs=1,
        random_state=seed,
    )
    features, score = units.inputs.astype(np.float64), units.score[:, None]
    forest.fit(units.outcome, units.treated.astype(int), X=features, W=score, sample_weight=units.weights)
    return lambda inputs: np.asarray(forest.effect(inputs.astype(np.float64))).ravel()


def forest_above_layer(units: CausalUnits, seed: str = "") -> Effect:
    """By how much the forest's AUUC lies above the layer's, both taught by half of the people, on the other half."""
    taught, judged = halves_of(units, seed)
    own, psi = judged.units, judged.outcomes
    layer, forest = effect_model(taught).predict(own.inputs), fit_forest(taught.units)(own.inputs)
    rng = stream("causal", "forest", seed)
    return auuc_gain(forest, layer, psi, rng, weights=own.weights, groups=own.person)
