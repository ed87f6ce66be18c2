"""Mean discounted gain on the published embeddings of three cold-start models."""

from pathlib import Path

from fairshot.reproductions.figure import Figure, near
from fairshot.reproductions.ml1m_cold_items import judge, load

SOURCE = "Zhu et al., SIGIR 2021: the authors' embeddings for MovieLens-1M, 905 new films"

TARGETS = {
    "recall": ("recall@30", 0.34729016),
    "ndcg": ("NDCG@30", 0.5167302),
    "gain": ("MDG of all", 0.0572875),
    "worst_fifth": ("MDG of the worst 20 %", 5.557e-5),
    "worst_third": ("MDG of the worst 30 %", 0.00130998),
    "best_tenth": ("MDG of the best 10 %", 0.23230407),
}

BASES = {"Heater": (0.5332, 0.0525, 0.2272), "DropoutNet": (0.5316, 0.0553, 0.2295)}


def figures(data: Path | None) -> list[Figure]:
    """Recompute the metric: to six digits for the model that the authors print, to four for the others."""
    films = load(data)
    likes = films.liked[films.test]
    printed = judge(films.scores("DeepMusic")[films.test], likes)
    exact = [
        near(f"DeepMusic: {name}", getattr(printed, field), target, 1e-6, SOURCE)
        for field, (name, target) in TARGETS.items()
    ]
    for model, (ndcg, gain, best) in BASES.items():
        found = judge(films.scores(model)[films.test], likes)
        exact += [
            near(f"{model}: NDCG@30", found.ndcg, ndcg, 1e-4, SOURCE),
            near(f"{model}: MDG of all", found.gain, gain, 1e-4, SOURCE),
            near(f"{model}: MDG of the best 10 %", found.best_tenth, best, 1e-4, SOURCE),
        ]
    return exact
