"""Small drawings, as SVG that is coloured by the style sheet alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def curve(values: Sequence[float]) -> Markup:
    """Values over their place, from 0 (or below) to 1 (or above); empty for fewer than two."""
    if len(values) < 2:
        return Markup()
    step = max(1, len(values) // POINTS)
    points = [(n, value) for n, value in enumerate(values) if n % step == 0 or n == len(values) - 1]
    low, high = min(0.0, *values), max(1.0, *values)
    scale = HEIGHT / (high - low)
    path = " ".join(f"{n * WIDTH / (len(values) - 1):.1f},{(high - value) * scale:.1f}" for n, value in points)
    text = Markup(
        '<svg class="curve" viewBox="-4 -4 {w} {h}" role="img" aria-label="{label}">'
        '<line class="edge" x1="0" y1="{one:.1f}" x2="{x}" y2="{one:.1f}"/><text x="{t}" y="{one_t:.1f}">1</text>'
        '<line class="axis" x1="0" y1="{zero:.1f}" x2="{x}" y2="{zero:.1f}"/><text x="{t}" y="{zero_t:.1f}">0</text>'
        '<polyline points="{path}"/></svg>'
    )
    label = f"from {values[0]:.2f} to {values[-1]:.2f}, over {len(values)} episodes"
    one, zero = (high - 1) * scale, high * scale
    return text.format(
        w=WIDTH + 24, h=HEIGHT + 8, label=label, zero=zero, one=one, x=WIDTH, t=WIDTH + 6, zero_t=zero + 4,
        one_t=one + 4, path=path,
    )  # fmt: skip


def band(values: Sequence[StepValue]) -> Markup:
    """What each step was worth, within its 95% interval; empty for fewer than two steps."""
    known = [(each, each.mean) for each in values if each.mean is not None]
    if len(known) < 2:
        return Markup()
    low = min(0.0, *(min(mean, each.low) for each, mean in known))
    high = max(1.0, *(max(mean, each.high) for each, mean in known))
    first, last = known[0][0].step, known[-1][0].step

    def at(step: int, value: float) -> str:
        return f"{(step - first) * WIDTH / (last - first):.1f},{(high - value) * HEIGHT / (high - low):.1f}"

    every = max(1, len(known) // POINTS)
    drawn = [pair for n, pair in enumerate(known) if n % every == 0 or n == len(known) - 1]
    upper = [at(each.step, each.high) for each, _ in drawn]
    lower = [at(each.step, each.low) for each, _ in reversed(drawn)]
    text = Markup(
        '<svg class="curve" viewBox="-4 -4 {w} {h}" preserveAspectRatio="xMinYMid" role="img" aria-label="{label}">'
        '<polygon points="{around}"/>'
        '<line class="edge" x1="0" y1="{one}" x2="{x}" y2="{one}"/><text x="{t}" y="{one}" dy="4">{top}</text>'
        '<line class="axis" x1="0" y1="{zero}" x2="{x}" y2="{zero}"/><text x="{t}" y="{zero}" dy="4">{bottom}</text>'
        '<polyline points="{path}"/></svg>'
    )
    label = f"from {known[0][1]:.2f} after step {first} to {known[-1][1]:.2f} after step {last}"
    return text.format(
        w=WIDTH + 24, h=HEIGHT + 8, label=label, x=WIDTH, t=WIDTH + 6, one=0, zero=HEIGHT, top=f"{high:.3g}",
        bottom=f"{low:.3g}", around=" ".join(upper + lower),
        path=" ".join(at(each.step, mean) for each, mean in drawn),
    )  # fmt: skip


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
