"""Reports of rounds as files that ask nothing of anybody: style inside, no script, and a policy that lets none run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from journeyman.export.round_markdown import last_word, outcome, rate, replay, view
from journeyman.training.round_decision import rates
from journeyman.training.round_report import RoundReport, RunReport
from journeyman.training.stats import Rate
from journeyman.viewer.pages import STATIC, render
from journeyman.viewer.single import csp_hash

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 220, 44, 26
"""Of the drawings, in their own units."""
SIDES = ("champion", "candidate")


def round_page(report: RoundReport) -> str:
    """One round."""
    shown = {"report": report, "loss": trend(report.losses, "SFT loss"), "reward": trend(report.rewards, "reward")}
    points = [(name, value, kind) for name, (value, kind) in zip(SIDES, _sides(report), strict=False)]
    return _page("round.html", **shown, rates=whiskers(points))


def run_page(report: RunReport) -> str:
    """All rounds, and the last word."""
    points = [(f"round {each.number}", value, kind) for each in report.rounds for value, kind in _sides(each)]
    if report.final is not None:
        base, best, _ = report.final
        first, last = rates(best, base)
        points += [("last word", first, "champion"), ("last word", last, "accepted")]
    return _page("rounds.html", report=report, rates=whiskers(points))


def _sides(report: RoundReport) -> list[tuple[Rate, str]]:
    """The rates of champion and candidate with what colours them; nothing where nothing was measured."""
    if report.rates is None:
        return []
    first, second = report.rates
    return [(first, "champion"), (second, "accepted" if report.decision.accepted else "candidate")]


def whiskers(points: Sequence[tuple[str, Rate, str]]) -> Markup:
    """Rates with their 95% intervals: (label, rate, class that colours it); those of one label side by side."""
    labels = list(dict.fromkeys(label for label, _, _ in points))
    if not points:
        return Markup()
    top = min(1.0, max(value.interval[1] for _, value, _ in points) * 1.15)
    room = (WIDTH - LEFT) / len(labels)
    parts = [_grid(top, percent=True)]
    for number, label in enumerate(labels):
        middle = LEFT + (number + 0.5) * room
        own = [(value, kind) for each, value, kind in points if each == label]
        for place, (value, kind) in enumerate(own):
            x = middle + (place - (len(own) - 1) / 2) * min(28.0, room / 3)
            parts.append(_whisker(x, value, kind, top))
        parts.append(_text(middle, HEIGHT - 6, label, "middle"))
    return _drawing("resolve rates with 95% intervals", parts)


def trend(values: Sequence[float], name: str) -> Markup:
    """Values in their order; empty for fewer than two."""
    if len(values) < 2:
        return Markup()
    top = max(*values, 0.01) * 1.1
    step = (WIDTH - LEFT - 8) / (len(values) - 1)
    path = " ".join(f"{LEFT + 4 + n * step:.1f},{_height(value, top):.1f}" for n, value in enumerate(values))
    line = Markup('<polyline points="{}"/>').format(path)
    return _drawing(f"{name} from {values[0]:.3f} to {values[-1]:.3f}", [_grid(top, percent=False), line])


def _whisker(x: float, value: Rate, kind: str, top: float) -> Markup:
    low, high = (_height(bound, top) for bound in value.interval)
    return Markup(
        '<g class="{kind}"><title>{kind}: {said}</title>'
        '<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="5"/></g>'
    ).format(kind=kind, said=rate(value), x=x, low=low, high=high, y=_height(value.value if value.trials else 0.0, top))


def _grid(top: float, *, percent: bool) -> Markup:
    lines = Markup()
    for share in (0.0, 0.5, 1.0):
        y = _height(share * top, top)
        label = f"{share * top:.0%}" if percent else f"{share * top:.2g}"
        lines += Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(LEFT, WIDTH, y=y)
        lines += _text(LEFT - 6, y + 4, label, "end")
    return lines


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _height(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 10) * min(1.0, value / top)


def _drawing(label: str, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg class="rates" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, label)
    return head + Markup().join(parts) + Markup("</svg>")


def _page(name: str, **values: object) -> str:
    style = "".join((STATIC / sheet).read_text(encoding="utf-8") for sheet in ("style.css", "rounds.css"))
    policy = f"default-src 'none'; style-src '{csp_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    return render(
        name,
        style=Markup(style),
        policy=policy,
        outcome=outcome,
        rate=rate,
        replay=replay,
        view=view,
        last_word=last_word,
        **values,
    )


def write_pages(root: Path, report: RunReport) -> Path:
    """A page for each round, and one over all; returns the latter."""
    for each in report.rounds:
        (each.folder / "report.html").write_text(round_page(each), encoding="utf-8")
    (root / "report.html").write_text(run_page(report), encoding="utf-8")
    return root / "report.html"
