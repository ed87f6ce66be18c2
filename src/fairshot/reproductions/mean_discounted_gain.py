"""Mean discounted gain on the published embeddings of three cold-start models."""

from decimal import Decimal
from pathlib import Path

from fairshot.reproductions.figure import Figure, near
from fairshot.reproductions.ml1m_cold_items import judge, load

SOURCE = "Zhu et al., SIGIR 2021: the authors' embeddings for MovieLens-1M, 905 new films"

TARGETS = {
    "recall": ("recall@30", "0.34729016"),
    "ndcg": ("NDCG@30", "0.5167302"),
    "gain": ("MDG of all", "0.0572875"),
    "worst_fifth": ("MDG of the worst 20 %", "5.557e-5"),
    "worst_third": ("MDG of the worst 30 %", "0.00130998"),
    "best_tenth": ("MDG of the best 10 %", "0.23230407"),
}
"""As printed: the digits say how exact a target is."""

BASES = {"Heater": ("0.5332", "0.0525", "0.2272"), "DropoutNet": ("0.5316", "0.0553", "0.2295")}


def figures(data: Path | None) -> list[Figure]:
    """Recompute the metric: to six digits for the model that the authors print, to four for the others."""
    films = load(data)
    likes = films.liked[films.test]
    printed = judge(films.scores("DeepMusic")[films.test], likes)
    exact = [
        _as_printed(f"DeepMusic: {name}", getattr(printed, field), target) for field, (name, target) in TARGETS.items()
    ]
    for model, (ndcg, gain, best) in BASES.items():
        found = judge(films.scores(model)[films.test], likes)
        exact += [
            _as_printed(f"{model}: NDCG@30", found.ndcg, ndcg),
            _as_printed(f"{model}: MDG of all", found.gain, gain),
            _as_printed(f"{model}: MDG of the best 10 %", found.best_tenth, best),
        ]
    return exact


def printed_tolerance(target: str) -> tuple[float, str]:
    """Tolerance for a target as printed, and its reason in words.

    Formula: one unit of the sixth significant digit; half a unit of the last digit where fewer are printed.

    >>> printed_tolerance("0.34729016")
    (1e-06, 'one unit of the sixth digit')
    >>> printed_tolerance("5.557e-5")
    (5e-09, 'printed to 4 digits, so half a unit of the last')
    """
    number = Decimal(target)
    digits = len(number.as_tuple().digits)
    if digits >= 6:
        return float(Decimal(1).scaleb(number.adjusted() - 5)), "one unit of the sixth digit"
    half = float(Decimal(5).scaleb(number.adjusted() - digits))
    return half, f"printed to {digits} digits, so half a unit of the last"


def _as_printed(name: str, figure: float, target: str) -> Figure:
    tolerance, reason = printed_tolerance(target)
    return near(name, figure, float(target), tolerance, f"{SOURCE}; tolerance: {reason}")
