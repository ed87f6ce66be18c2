"""The picture of a frontier: the same figures give the same bytes."""

from pathlib import Path
from typing import Any

from fairshot.evaluation.exposure import LEAST_ITEMS
from fairshot.evaluation.frontier import DISCOUNTED, PIPELINE, Frontier, Point

COLOURS = {PIPELINE: "#0072B2", DISCOUNTED: "#D55E00"}
"""Told apart by people with any colour vision (Okabe and Ito); all others are black, told apart by their names."""
MARKERS = {PIPELINE: "o", DISCOUNTED: "s"}
NEAR = 0.02
"""Points whose exposures differ by less share a label."""
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
        _curve(axes, frontier, name)
    lowest = min(p.mean(frontier.accuracy) for name in COLOURS for p in frontier.line(name)) - FAR
    single = [p for p in frontier.points if p.line not in COLOURS]
    for point in single:
        if point.mean(frontier.accuracy) >= lowest:
            _bars(axes, frontier, [point], color="black", marker="D")
            _label(axes, frontier, point, point.arm, color="black")
    below = [_told(frontier, point) for point in single if point.mean(frontier.accuracy) < lowest]
    if below:
        axes.text(0.01, 0.02, "below: " + "; ".join(below), transform=axes.transAxes, fontsize=8)
    axes.set_xlabel(f"{LEAST_ITEMS}, in % of positions")
    axes.set_ylabel(frontier.accuracy)
    seeds = ", ".join(map(str, frontier.seeds))
    axes.set_title(f"Accuracy and fairness over the weight of {frontier.term}: mean of seeds {seeds}", loc="left")
    axes.margins(x=0.12)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})


def _curve(axes: Any, frontier: Frontier, name: str) -> None:
    line, told = frontier.line(name), -NEAR
    _bars(axes, frontier, line, color=COLOURS[name], marker=MARKERS[name], linewidth=2 if name == PIPELINE else 1.3)
    for point in line:
        if point.mean(LEAST_ITEMS) - told >= NEAR:
            text = _short(point.arm)
            # A name is longer than a number: it stands before its curve.
            place = {} if text[0].isdigit() else {"horizontalalignment": "right", "xytext": (-7, -3)}
            _label(axes, frontier, point, text, color=COLOURS[name], **place)
            told = point.mean(LEAST_ITEMS)
    if line:
        style = {"color": COLOURS[name], "fontweight": "bold", "horizontalalignment": "right", "xytext": (-12, -14)}
        _label(axes, frontier, line[-1], name, **style)


def _short(arm: str) -> str:
    """What tells an arm from the others of its curve: its weight or power, where it has one."""
    last = arm.replace("^", " ").rpartition(" ")[2]
    return last if last[0].isdigit() else arm


def _told(frontier: Frontier, point: Point) -> str:
    return f"{point.arm}: {point.mean(frontier.accuracy):.3f} at {100 * point.mean(LEAST_ITEMS):.1f} %"


def _bars(axes: Any, frontier: Frontier, line: list[Point], **style: Any) -> None:
    x, y = [100 * p.mean(LEAST_ITEMS) for p in line], [p.mean(frontier.accuracy) for p in line]
    wide, high = [100 * p.deviation(LEAST_ITEMS) for p in line], [p.deviation(frontier.accuracy) for p in line]
    axes.errorbar(x, y, yerr=high, xerr=wide, markersize=5, elinewidth=0.8, capsize=2, **style)


def _label(axes: Any, frontier: Frontier, point: Point, text: str, **style: Any) -> None:
    place = (100 * point.mean(LEAST_ITEMS), point.mean(frontier.accuracy))
    axes.annotate(text, place, **{"xytext": (6, 5), "textcoords": "offset points", "fontsize": 8, **style})
