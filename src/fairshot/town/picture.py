"""Pictures of a comparison: each figure of interest with its intervals, policy by policy."""

from pathlib import Path
from typing import Any

from fairshot.town.comparison import Comparison, Estimate

SHOWN = (
    "utility",
    "utility, last quarter",
    "return rate",
    "creators kept",
    "new creators kept",
    "good newcomers found",
    "new items with 100 impressions in 3 days",
    "Gini over items",
    "Kendall tau with recency",
)
COLOUR, OWN = "#56667a", "#0072B2"


def draw(comparison: Comparison, path: Path) -> None:
    """Write one PNG: a panel for each figure, means over seeds with 95 % intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    names = [one.policy for one in comparison.outcomes]
    found = [one.estimates() for one in comparison.outcomes]
    for axes, name in zip(figure.subplots(3, 3).flat, SHOWN, strict=True):
        _panel(axes, names, [one[name] for one in found])
        axes.set_title(name, loc="left", fontsize=10)
    seeds = len(comparison.seeds)
    figure.suptitle(
        f"{comparison.scenario.name}: {comparison.scenario.days} days, {seeds} seed{'s' * (seeds != 1)}",
        x=0.01,
        ha="left",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})


def _panel(axes: Any, names: list[str], found: list[Estimate]) -> None:
    for row, (name, one) in enumerate(zip(names, found, strict=True)):
        if one.value is None:
            continue
        wide = None if one.low is None or one.high is None else [[one.value - one.low], [one.high - one.value]]
        axes.errorbar(one.value, row, xerr=wide, fmt="o", capsize=3, color=OWN if name == "fairshot" else COLOUR)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=True, axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
