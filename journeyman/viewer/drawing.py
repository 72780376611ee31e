"""Small drawings, as SVG that is coloured by the style sheet alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup, escape

from journeyman.tasks.task import Milestone
from journeyman.terminal import line
from journeyman.training.values import StepValue

WIDTH, HEIGHT = 600, 120
POINTS = 300
"""Of a curve; longer ones are thinned."""
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y = 170, 34, 36, 12
TITLE = 24
"""Characters of a milestone's name that its box holds."""


Drawn = TypeVar("Drawn")
Point = tuple[float, float]
"""Place and value."""


@dataclass(frozen=True, slots=True)
class _Plane:
    """A ground with lines at 0 and at 1, on which values stand over their places."""

    first: int
    last: int
    low: float
    """0 or below."""
    high: float
    """1 or above."""

    def drawn(self, label: str, points: Iterable[Point], around: Iterable[Point] = (), *, fit: str) -> Markup:
        """A line through points.

        Args:
            around: corners of an area behind it.
            fit: how the drawing stands in a box of another shape, as SVG's `preserveAspectRatio` has it.
        """
        text = Markup(
            '<svg class="curve" viewBox="-4 -4 {w} {h}" preserveAspectRatio="{fit}" role="img" aria-label="{label}">'
            '{area}<line class="edge" x1="0" y1="{one:.1f}" x2="{x}" y2="{one:.1f}"/>'
            '<text x="{t}" y="{one:.1f}" dy="4">1</text>'
            '<line class="axis" x1="0" y1="{zero:.1f}" x2="{x}" y2="{zero:.1f}"/>'
            '<text x="{t}" y="{zero:.1f}" dy="4">0</text><polyline points="{path}"/></svg>'
        )
        corners = self._path(around)
        area = Markup('<polygon points="{}"/>').format(corners) if corners else ""
        return text.format(
            w=WIDTH + 24, h=HEIGHT + 8, fit=fit, label=label, area=area, one=self._y(1.0), zero=self._y(0.0), x=WIDTH,
            t=WIDTH + 6, path=self._path(points),
        )  # fmt: skip

    def _path(self, points: Iterable[Point]) -> str:
        width = WIDTH / (self.last - self.first)
        return " ".join(f"{(place - self.first) * width:.1f},{self._y(value):.1f}" for place, value in points)

    def _y(self, value: float) -> float:
        return (self.high - value) * HEIGHT / (self.high - self.low)


def curve(values: Sequence[float]) -> Markup:
    """Values over their place, from 0 (or below) to 1 (or above); empty for fewer than two."""
    if len(values) < 2:
        return Markup()
    label = f"from {values[0]:.2f} to {values[-1]:.2f}, over {len(values)} episodes"
    plane = _Plane(0, len(values) - 1, min(0.0, *values), max(1.0, *values))
    return plane.drawn(label, _thinned(list(enumerate(values))), fit="xMidYMid")


def band(values: Sequence[StepValue]) -> Markup:
    """What each step was worth, within its 95% interval; empty for fewer than two steps."""
    known = [(each, each.mean) for each in values if each.mean is not None]
    if len(known) < 2:
        return Markup()
    (first, begin), (last, end) = known[0], known[-1]
    low = min(0.0, *(min(mean, each.low) for each, mean in known))
    high = max(1.0, *(max(mean, each.high) for each, mean in known))
    label = f"from {begin:.2f} after step {first.step} to {end:.2f} after step {last.step}"
    drawn = _thinned(known)
    upper = [(each.step, each.high) for each, _ in drawn]
    lower = [(each.step, each.low) for each, _ in reversed(drawn)]
    means = [(each.step, mean) for each, mean in drawn]
    return _Plane(first.step, last.step, low, high).drawn(label, means, upper + lower, fit="xMinYMid")


def _thinned(points: Sequence[Drawn]) -> list[Drawn]:
    every = max(1, len(points) // POINTS)
    return [point for n, point in enumerate(points) if n % every == 0 or n == len(points) - 1]


def graph(milestones: Sequence[Milestone], closed: Mapping[str, bool]) -> Markup:
    """Milestones as boxes, each to the right of all that it builds on.

    Args:
        milestones: each after those that it depends on.
        closed: milestone → whether it was closed; those that are not in it have no colour.
    """
    if not milestones:
        return Markup()
    column: dict[str, int] = {}
    place: dict[str, tuple[int, int]] = {}
    taken: dict[int, int] = {}
    for each in milestones:
        column[each.name] = n = 1 + max((column[name] for name in each.depends_on), default=-1)
        row = taken[n] = taken.get(n, -1) + 1
        place[each.name] = n * (BOX_WIDTH + GAP_X), row * (BOX_HEIGHT + GAP_Y)
    lines = [_edge(place[name], place[each.name]) for each in milestones for name in each.depends_on]
    boxes = [_box(each, place[each.name], closed.get(each.name)) for each in milestones]
    width = (max(column.values()) + 1) * (BOX_WIDTH + GAP_X) - GAP_X + 4
    height = (max(taken.values()) + 1) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 4
    head = Markup('<svg class="graph" viewBox="-2 -2 {w} {h}" width="{w}" role="img" aria-label="{label}">')
    label = "milestones: " + ", ".join(_said(each, closed.get(each.name)) for each in milestones)
    return head.format(w=width, h=height, label=label) + Markup().join([*lines, *boxes]) + Markup("</svg>")


def _said(each: Milestone, closed: bool | None) -> str:
    state = {True: " (closed)", False: " (open)", None: ""}[closed]
    after = f" after {', '.join(each.depends_on)}" if each.depends_on else ""
    return line(f"{each.name}{state}{after}")


def _edge(begin: tuple[int, int], end: tuple[int, int]) -> Markup:
    x1, y1, x2, y2 = begin[0] + BOX_WIDTH, begin[1] + BOX_HEIGHT // 2, end[0], end[1] + BOX_HEIGHT // 2
    middle = x2 - GAP_X // 2
    return Markup('<path class="edge" d="M{} {} C{} {} {} {} {} {}"/>').format(x1, y1, middle, y1, middle, y2, x2, y2)


def _box(each: Milestone, place: tuple[int, int], closed: bool | None) -> Markup:
    x, y = place
    kind = {True: "closed", False: "open", None: "plain"}[closed]
    mark = {True: "● ", False: "○ ", None: ""}[closed]
    name = each.name if len(each.name) <= TITLE else each.name[: TITLE - 1] + "…"
    return Markup(
        '<g class="{kind}"><rect x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>'
        '<text x="{tx}" y="{ty}">{text}</text><title>{title}</title></g>'
    ).format(
        kind=kind, x=x, y=y, w=BOX_WIDTH, h=BOX_HEIGHT, tx=x + 8, ty=y + BOX_HEIGHT // 2 + 4,
        text=mark + line(name), title=escape(line(each.title or each.name)),
    )  # fmt: skip
