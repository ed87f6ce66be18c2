"""Scale on the substitute protocol: trained on validation films and half of the test films, judged on the rest."""

from pathlib import Path

import numpy as np

from fairshot.learning.fair_scores.scale import fit_scale
from fairshot.reproductions.figure import Figure, at_least, at_most, near
from fairshot.reproductions.ml1m_cold_items import judge, load

SOURCE = "Scale (Zhu et al., SIGIR 2021) on Heater, trained on 754 and judged on 453 new films; 60 epochs"
STRENGTHS = (0.0, 2.0, 4.0, 6.0)


def figures(data: Path | None) -> list[Figure]:
    """Recompute Scale's trade-off: the worst-placed films against accuracy, over its strength."""
    films = load(data)
    scores = films.scores("Heater")
    train, held_out = films.halves()
    train = np.concatenate((train, films.validation))
    base = judge(scores[held_out], films.liked[held_out])
    found = {}
    for strength in STRENGTHS:
        rng = np.random.default_rng(1)
        model = fit_scale(scores[train], films.liked[train], rng, strength=strength, epochs=60)
        found[strength] = judge(model(scores[held_out]), films.liked[held_out])
    worst = [found[strength].worst_tenth for strength in STRENGTHS]
    return [
        near("Scale: worst 10 % before", base.worst_tenth, 0.0001, 5e-5, SOURCE),
        near("Scale: NDCG@30 before", base.ndcg, 0.5325, 5e-5, SOURCE),
        at_least("Scale 4: worst 10 %", found[4.0].worst_tenth, 0.008, SOURCE),
        at_least("Scale 4: NDCG@30", found[4.0].ndcg, 0.50, SOURCE),
        near("Scale 4: MDG of all", found[4.0].gain, 0.1194, 0.003, SOURCE),
        at_least("Scale 2: worst 10 %, times the one before", worst[1] / base.worst_tenth, 10, SOURCE),
        at_most("Scale 2: loss of NDCG@30", 1 - found[2.0].ndcg / base.ndcg, 0.01, SOURCE),
        at_least("Scale: least growth of the worst 10 % with strength", float(np.diff(worst).min()), 0, SOURCE),
        at_most("Scale 0: change of NDCG@30", abs(1 - found[0.0].ndcg / base.ndcg), 0.02, SOURCE),
    ]
