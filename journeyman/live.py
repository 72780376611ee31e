"""A run on its own episodes as it happens: a picture that moves on a terminal, a plain line for each step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from journeyman.terminal import duration, err, line
from journeyman.training.checkpoint import DONE
from journeyman.training.monitor import Monitor, StepFacts, read_steps

_ROWS = 12
"""So many of the last steps are shown."""
_BAR = 48
_BLOCKS = "▁▂▃▄▅▆▇█"


def view(
    steps: Sequence[StepFacts], name: str, *, finished: bool = False, since_s: float | None = None
) -> RenderableType:
    """The whole picture. `since_s`: seconds since the last step was done."""
    running = "" if finished or since_s is None else f"   {duration(since_s)} in this one"
    if not steps:
        return Text(f"{line(name)}   no step is done yet{running}", "dim")
    last = steps[-1]
    state = "finished" if finished else f"{duration(left_s(steps))} left" if last.step < last.steps else "saving"
    head = Text.assemble(
        (line(name), "bold"), f"   step {last.step} of {last.steps}   ", (state, "cyan"),
        f"   {duration(sum(facts.seconds for facts in steps))} so far{running}",
    )  # fmt: skip
    rates = [facts.resolve_rate for facts in steps]
    curve = Text(f"resolved  {sparkline(rates)}  {_percent(rates[-1])}   reward {_number(last.reward)}")
    terms = ", ".join(f"{line(term)} {amount:+.3f}" for term, amount in last.terms.items())
    return Group(head, curve, Text(f"terms     {terms or 'none'}"), _who_waits(last), Text(), _table(steps[-_ROWS:]))


def step_line(facts: StepFacts) -> str:
    """A step on one plain line."""
    shares, terms = facts.shares, ", ".join(f"{line(term)} {amount:+.3f}" for term, amount in facts.terms.items())
    return (
        f"step {facts.step}/{facts.steps}: resolved {facts.resolved}/{facts.episodes - facts.unscored}, "
        f"reward {_number(facts.reward)}{f' ({terms})' if terms else ''}, "
        f"signal {facts.groups_with_signal}/{facts.groups}, {facts.tokens_per_s:.0f} tokens/s, "
        f"sampled {shares.sampled:.0%}, waited {shares.waited:.0%}, trained {shares.trained:.0%}, {facts.seconds:.0f} s"
    )


def left_s(steps: Sequence[StepFacts]) -> float:
    """Seconds that the other steps will take, if they take what the last five did."""
    recent = steps[-5:]
    return sum(facts.seconds for facts in recent) / len(recent) * (steps[-1].steps - steps[-1].step)


def sparkline(values: Sequence[float | None], width: int = 40) -> str:
    """The last values, from 0 to 1, as a row of bars; a dot where there is none."""
    return "".join("·" if v is None else _BLOCKS[min(7, int(v * 8))] for v in values[-width:])


def _who_waits(facts: StepFacts) -> Text:
    """One bar: the model samples, waits for environments, the trainer trains."""
    shares, bar = facts.shares, Text("time      ")
    for share, style, sign in (
        (shares.sampled, "green", "█"),
        (shares.waited, "red", "░"),
        (shares.trained, "blue", "▓"),
    ):
        bar.append(sign * round(share * _BAR), style)
    bar.append(f"  sampled {shares.sampled:.0%}, waited {shares.waited:.0%}, trained {shares.trained:.0%}\n")
    bar.append(
        f"          at a time {shares.in_environment:.1f} episodes in environments, {shares.in_grading:.1f} graded"
    )
    return bar


def _table(steps: Sequence[StepFacts]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("step", "resolved", "reward", "signal", "loss", "tokens/s", "sampled", "environment", "graded",
                 "waited", "trained", "time"):  # fmt: skip
        table.add_column(name, justify="right")
    for facts in steps:
        shares = facts.shares
        parts = (shares.sampled, shares.environment, shares.graded, shares.waited, shares.trained)
        table.add_row(
            str(facts.step), f"{facts.resolved}/{facts.episodes - facts.unscored}", _number(facts.reward),
            f"{facts.groups_with_signal}/{facts.groups}", _number(facts.loss), f"{facts.tokens_per_s:.0f}",
            *(f"{share:.0%}" for share in parts), duration(facts.seconds),
        )  # fmt: skip
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


@contextmanager
def watching(name: str, before: Sequence[StepFacts] = (), console: Console = err) -> Iterator[Monitor]:
    """A monitor that shows each step it is told of. `before`: what an interrupted run did already."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    picture = _Picture(name, before)
    with Live(get_renderable=picture.now, console=console, refresh_per_second=1):
        yield picture


class _Picture:
    def __init__(self, name: str, before: Sequence[StepFacts]) -> None:
        self._name, self._steps, self._last = name, list(before), time.monotonic()

    def step(self, facts: StepFacts) -> None:
        # An interrupted run may have done this step before, and later ones, after its last checkpoint.
        self._steps = [*(each for each in self._steps if each.step < facts.step), facts]
        self._last = time.monotonic()

    def now(self) -> RenderableType:
        return view(self._steps, self._name, since_s=time.monotonic() - self._last)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, facts: StepFacts) -> None:
        self._console.print(step_line(facts), soft_wrap=True, highlight=False, markup=False)


def follow(run: Path, pause: Callable[[], None] = lambda: time.sleep(1)) -> Iterator[tuple[list[StepFacts], bool]]:
    """A run's steps whenever they have changed, and whether the run is finished; then it ends."""
    seen: list[StepFacts] | None = None
    while True:
        finished = (run / DONE).exists()  # asked first: what is read next is then all that there will be
        steps = read_steps(run)
        if steps != seen or finished:
            yield steps, finished
            seen = steps
        if finished:
            return
        pause()
