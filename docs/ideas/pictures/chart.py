"""Line and bar charts as plain SVG text: enough for one picture a page, and nothing to install."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 680, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 164, 40, 48
COLOURS = ("#2563eb", "#d97706", "#059669", "#be185d", "#475569")
Points = Sequence[tuple[float, float]]


def lines(title: str, x_name: str, y_name: str, series: Mapping[str, Points], top: float | None = None) -> str:
    """Draw named series of points as lines; the y axis starts at or below zero and ends at `top`, or the largest."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_range, y_range = (min(xs), max(xs)), (min(0.0, *ys), top or max(ys))
    drawn = [_frame(x_name, y_name), _ticks(x_range, y_range)]
    for index, (name, points) in enumerate(series.items()):
        places = " ".join(f"{_x(x, x_range):.1f},{_y(y, y_range):.1f}" for x, y in points)
        colour = COLOURS[index % len(COLOURS)]
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{places}"/>')
        drawn.append(_legend(index, name, colour))
    return _svg(title, drawn)


def bars(title: str, y_name: str, groups: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """Draw one group of bars for each key, one bar for each name; a comma in a key starts a new line below."""
    y_range = (0.0, 1.08 * max(value for values in groups.values() for value in values))
    slot = (WIDTH - LEFT - RIGHT) / len(groups)
    wide, floor = 0.8 * slot / len(names), HEIGHT - BOTTOM
    drawn = [_frame("", y_name)]
    for place, (group, values) in enumerate(groups.items()):
        for line, words in enumerate(group.split(", ")):
            drawn.append(_text(LEFT + (place + 0.5) * slot, floor + 16 + 14 * line, words, "middle"))
        for index, value in enumerate(values):
            x, y, colour = LEFT + (place + 0.1) * slot + index * wide, _y(value, y_range), COLOURS[index]
            box = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{floor - y:.1f}"'
            drawn += [f'<rect {box} fill="{colour}"/>', _text(x + wide / 2, y - 4, f"{value:.3g}", "middle")]
    if len(names) > 1:
        drawn += [_legend(index, name, COLOURS[index]) for index, name in enumerate(names)]
    return _svg(title, drawn)


def _x(value: float, span: tuple[float, float]) -> float:
    return LEFT + (value - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)


def _y(value: float, span: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (min(value, span[1]) - span[0]) / (span[1] - span[0]) * (HEIGHT - TOP - BOTTOM)


def _frame(x_name: str, y_name: str) -> str:
    middle, floor = (TOP + HEIGHT - BOTTOM) / 2, HEIGHT - BOTTOM
    turned = f'x="14" y="{middle}" transform="rotate(-90 14 {middle})" text-anchor="middle" fill="#222"'
    axis = f'<path d="M{LEFT},{floor} H{WIDTH - RIGHT}" stroke="#444"/>'
    across = _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name, "middle")
    return "\n".join((axis, f"<text {turned}>{escape(y_name)}</text>", across))


def _ticks(x_range: tuple[float, float], y_range: tuple[float, float]) -> str:
    drawn = []
    for step in range(5):
        at, value = (span[0] + step / 4 * (span[1] - span[0]) for span in (x_range, y_range))
        y = _y(value, y_range)
        drawn.append(f'<path d="M{LEFT},{y:.1f} H{WIDTH - RIGHT}" stroke="#e2e8f0"/>')
        drawn.append(_text(LEFT - 6, y + 4, f"{value:.3g}", "end"))
        drawn.append(_text(_x(at, x_range), HEIGHT - BOTTOM + 18, _short(at), "middle"))
    return "\n".join(drawn)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _legend(index: int, name: str, colour: str) -> str:
    return _text(WIDTH - RIGHT + 12, TOP + 12 + 18 * index, name, "start", colour)


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _svg(title: str, drawn: Sequence[str]) -> str:
    size, font = f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img" aria-label="{escape(title)}">'
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    named = f'<text x="{LEFT}" y="20" font-size="14" fill="#222">{escape(title)}</text>'
    return "\n".join((head, back, named, *drawn, "</svg>\n"))
