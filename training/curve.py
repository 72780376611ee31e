"""The picture of a training run: resolve rate before and after each stage, and the losses between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen is needed, or expected

from matplotlib import pyplot

from journeyman.training.stats import Rate

_BLUE, _ORANGE, _GREY = "#2f6f9f", "#d9822b", "#8a8f98"


def draw_curve(
    path: Path, rates: Sequence[tuple[str, Rate]], losses: Sequence[float], rewards: Sequence[float], caveat: str = ""
) -> None:
    """Write a PNG with three panels: held-out resolve rate with 95% intervals, SFT loss, GRPO reward by step."""
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(12, 3.8), width_ratios=(1.3, 1, 1))
    for at, (_, rate) in enumerate(rates):
        low, high = (100 * bound for bound in rate.interval)
        left.plot([at, at], [low, high], color=_GREY, linewidth=2)
        left.plot(at, 100 * rate.value, "o", color=_BLUE, markersize=9)
        left.annotate(f"{rate.successes}/{rate.trials}", (at, high), (0, 5), textcoords="offset points", ha="center")
    left.set_xticks(range(len(rates)), [label for label, _ in rates])
    left.set_xlim(-0.5, len(rates) - 0.5)
    left.set_ylim(0, max(10.0, *(130 * rate.interval[1] for _, rate in rates)))
    left.set_ylabel("held-out tasks resolved, %")
    left.set_title("Resolve rate, 95% intervals", fontsize=11)
    middle.plot(range(1, len(losses) + 1), losses, color=_BLUE)
    middle.set_title("SFT loss", fontsize=11)
    middle.set_xlabel("log entry")
    right.plot(range(1, len(rewards) + 1), rewards, "o-", color=_ORANGE)
    right.set_ylim(bottom=0)
    right.set_title("GRPO: mean reward on training tasks", fontsize=11)
    right.set_xlabel("step")
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    if caveat:
        figure.text(0.5, 0.01, caveat, ha="center", fontsize=9, color=_GREY)
    figure.tight_layout(rect=(0, 0.04 if caveat else 0, 1, 1))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
