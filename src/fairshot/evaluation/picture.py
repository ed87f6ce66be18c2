"""The picture of a frontier: the same figures give the same bytes."""

from pathlib import Path
from typing import Any

from fairshot.evaluation.frontier import DISCOUNTED, PIPELINE, Frontier, Point

COLOURS = {PIPELINE: "#0072B2", DISCOUNTED: "#D55E00"}
"""Told apart by people with any colour vision (Okabe and Ito); all others are black, told apart by their names."""
MARKERS = {PIPELINE: "o", DISCOUNTED: "s"}
FAR = 0.12
"""What lies further below all curves would flatten them: it is told at the edge."""


def draw(frontier: Frontier, path: Path) -> None:
    """Write the picture as PNG: both curves with bars of one standard deviation over seeds, and all peers."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name in (DISCOUNTED, PIPELINE):
        _curve(axes, name, frontier.line(name))
    lowest = min(point.at[1] for name in COLOURS for point in frontier.line(name)) - FAR
    single = [point for point in frontier.points if point.line not in COLOURS]
    for point in single:
        if point.at[1] >= lowest:
            _bars(axes, [point], color="black", marker="D")
            _label(axes, point, point.arm, "black")
    below = [f"{p.arm}: {p.at[1]:.3f} at {100 * p.at[0]:.1f} %" for p in single if p.at[1] < lowest]
    if below:
        axes.text(0.01, 0.02, "below: " + "; ".join(below), transform=axes.transAxes, fontsize=8)
    axes.set_xlabel("positions given to the least popular 80 % of items, in %")
    axes.set_ylabel(f"nDCG@{frontier.k}")
    seeds = ", ".join(map(str, frontier.seeds))
    axes.set_title(f"Accuracy and fairness: mean over seeds {seeds}, full ranking", loc="left", fontsize=11)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})


def _curve(axes: Any, name: str, line: list[Point]) -> None:
    _bars(axes, line, color=COLOURS[name], marker=MARKERS[name], linewidth=2 if name == PIPELINE else 1.3)
    if line:
        _label(axes, line[-1], name, COLOURS[name], weight="bold")
    for point in line[:-1]:
        _label(axes, point, point.arm.rpartition(" ")[2] if name == PIPELINE else _power(point.arm), COLOURS[name])


def _power(arm: str) -> str:
    return arm.rpartition("^")[2] if "^" in arm else arm


def _bars(axes: Any, line: list[Point], **style: Any) -> None:
    x, y = [100 * point.at[0] for point in line], [point.at[1] for point in line]
    wide, high = [100 * point.bars[0] for point in line], [point.bars[1] for point in line]
    axes.errorbar(x, y, yerr=high, xerr=wide, markersize=5, elinewidth=0.8, capsize=2, **style)


def _label(axes: Any, point: Point, text: str, colour: str, weight: str = "normal") -> None:
    place = (100 * point.at[0], point.at[1])
    axes.annotate(text, place, xytext=(6, 5), textcoords="offset points", fontsize=8, color=colour, fontweight=weight)
