"""What people see in the terminal. Everything that an episode holds is hostile: it passes through `visible` first."""

from __future__ import annotations

import json
import os
import shlex
import sys
import unicodedata
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from journeyman.envs.episode import Episode, Step, TestRun
from journeyman.envs.formats.calls import thought
from journeyman.envs.summary import State, Summary
from journeyman.tasks.verdict import Cause, Outcome, Verdict

_PIPE_WIDTH = 160
"""Columns where no terminal says how many there are: lines of code and node ids mostly fit."""


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    asks = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, highlight=False, width=None if asks else _PIPE_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)

DETAIL_LINES = 15
"""So much of what the grader's run printed is shown with a verdict that is not a good one."""

_SHOWN = frozenset("\n\t")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of control, format (bidirectional overrides, zero width, tags), surrogate, private, unassigned
and separator characters: none has a look of its own, and some move the cursor or the meaning."""
_STATES = {State.RUNNING: "cyan", State.INTERRUPTED: "yellow", State.DAMAGED: "red", State.FINISHED: "default"}


def visible(text: str) -> str:
    """A text in which whatever could act on the terminal, or hide, is spelled out: "\\x1b", "\\u202e"."""
    return text.translate(_SPELLING)


def line(text: str) -> str:
    """As `visible`, on one line."""
    return visible(text).replace("\n", "⏎ ").replace("\t", " ")


def said(text: str, style: str = "") -> Text:
    """Somebody's text as it is: neither markup nor terminal sequences in it work."""
    return Text(visible(text), style=style)


def diff_kind(row: str) -> str:
    """What a row of a unified diff is: "head", "hunk", "add", "del" or "same"."""
    if row.startswith(("+++", "---")):
        return "head"
    return {"+": "add", "-": "del", "@": "hunk"}.get(row[:1], "same")


_DIFF_STYLES = {"head": "bold", "hunk": "cyan", "add": "green", "del": "red", "same": ""}


def diff_text(diff: str) -> Text:
    """A unified diff, coloured."""
    shown = Text()
    for row in visible(diff).splitlines():
        shown.append(row + "\n", _DIFF_STYLES[diff_kind(row)])
    shown.rstrip()
    return shown


def call_text(step: Step) -> Group:
    """The action as a call: short arguments on its line, below it what was written before it and the long ones."""
    head = Text.assemble(("▶ ", "bold blue"), (line(step.action.tool), "bold"))
    below: list[RenderableType] = []
    if spoken := thought(step.action):
        below.append(said(spoken, "italic"))
    for name, value in step.action.arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if "\n" in text or len(text) > 100:
            below += [Text(f"{line(name)}:", "dim"), Padding(said(text.rstrip("\n")), (0, 0, 0, 2), expand=False)]
        else:
            head.append(f" {line(name)}=", "dim").append(line(text))
    return Group(head, *(Padding(each, (0, 0, 0, 2), expand=False) for each in below))


def tests_text(tests: TestRun) -> Text:
    """What one test action found."""
    shown = Text.assemble("tests  ", (f"{len(tests.passed)} passed", "green"))
    for word, names in (("failed", tests.failed), ("errors", tests.errors)):
        if names:
            shown.append(f", {len(names)} {word}", "red")
    for name in (*tests.failed, *tests.errors):
        shown.append(f"\n  ✗ {line(name)}", "red")
    return shown


def step_view(step: Step, number: int, count: int) -> Group:
    """One step: the action, what it changed, what came back."""
    parts: list[RenderableType] = [Rule(f"step {number} of {count}", align="left", style="blue"), call_text(step)]
    if step.diff:
        parts.append(Padding(diff_text(step.diff), (1, 0, 0, 2), expand=False))
    style = "" if step.observation.ok else "yellow"
    if step.observation.text:
        parts.append(Padding(said(step.observation.text.rstrip("\n"), style), (1, 0, 0, 2), expand=False))
    if step.tests is not None:
        parts.append(Padding(tests_text(step.tests), (1, 0, 0, 2), expand=False))
    facts = f"{step.duration_s:.2f} s"
    if step.tree_hash:
        facts += f" · tree {line(step.tree_hash)[:12]}"
    if step.reward:
        facts += f" · reward {step.reward:+.3g}"
    if step.fault:
        facts += f" · fault: {line(step.fault)}"
    return Group(*parts, Padding(Text(facts, "dim"), (0, 0, 0, 2), expand=False))


def opening_view(episode: Episode) -> Group:
    """What was asked, of whom."""
    title = Text.assemble(("episode ", "bold"), (line(episode.id), "bold cyan"))
    about = (
        f"task {line(episode.task)} · policy {line(episode.policy)} · seed {episode.seed} · {line(episode.started_at)}"
    )
    facts = Text(about + (f" · fault: {line(episode.fault)}" if episode.fault else ""), "dim")
    rows = [title, facts]
    if (ancestry := episode.ancestry) is not None:
        what = f"forked from {line(ancestry.episode)} after step {ancestry.step}"
        rows.append(Text(f"{what}, {ancestry.change}: {line(ancestry.detail)[:300]}", "dim"))
    return Group(*rows, Padding(said(episode.first.text.rstrip("\n")), (1, 0, 0, 2), expand=False))


def ending_view(episode: Episode) -> Group:
    """How it ended: why it stopped, the verdict check by check, the reward term by term."""
    parts: list[RenderableType] = [Rule("the end", align="left", style="blue")]
    parts.append(Text(f"stopped   {episode.stop.value} after {len(episode.steps)} steps, {episode.duration_s:.1f} s"))
    if episode.detail:
        parts.append(Text(f"why       {line(episode.detail)[:500]}", "yellow"))
    if episode.verdict is not None:
        parts.append(verdict_view(episode.verdict))
    if episode.terms:
        parts.append(reward_table(episode))
    else:
        parts.append(
            Text("reward    unscored" if episode.reward is None else f"reward    {episode.reward:g}", "yellow")
        )
    return Group(*parts)


CAUSES = {
    Cause.TIMEOUT: "ended in a timeout",
    Cause.CRASH: "ended in a crash",
    Cause.TWIN: "does not count: what passed was not decided by what the code answers",
    Cause.SUPERVISOR: "could not be graded, by a fault that is not the policy's",
}


def verdict_view(verdict: Verdict) -> Group:
    """The decision, and each check and milestone behind it."""
    words = {True: ("resolved", "bold green"), False: ("not resolved", "bold red"), None: ("unscored", "bold yellow")}
    head = Text.assemble("verdict   ", words[verdict.resolved])
    head.append(f" · {verdict.passed} of {len(verdict.outcomes)} checks · assurance {verdict.assurance.value}", "dim")
    rows = [head]
    for name, closed in verdict.milestones.items():
        rows.append(Text(f"  {'●' if closed else '○'} {line(name)}", "green" if closed else "red"))
    for check, outcome in verdict.outcomes.items():
        if outcome is not Outcome.PASSED:
            rows.append(Text(f"  ✗ {line(check)}  {outcome.value}", "red"))
    if verdict.ignored:
        rows.append(Text(f"  left out (not editable): {', '.join(map(line, verdict.ignored))}", "dim"))
    if verdict.cause is not None:
        rows.append(Text(f"  {CAUSES[verdict.cause]}", "yellow"))
    if not verdict.resolved and verdict.detail:
        tail = visible(verdict.detail).strip().splitlines()[-DETAIL_LINES:]
        rows += [Text(f"  │ {row}", "dim") for row in tail]
    return Group(*rows)


def reward_table(episode: Episode) -> Table:
    """The reward, each unit with its source."""
    total = "unscored" if episode.reward is None else f"{episode.reward:.3f}"
    table = Table(box=None, pad_edge=False, show_footer=True, header_style="dim", footer_style="bold")
    table.add_column("reward", footer="total", min_width=9)
    table.add_column("weight", justify="right")
    table.add_column("value", justify="right")
    table.add_column("amount", justify="right", footer=total)
    table.add_column("source", overflow="fold")
    for term in episode.terms:
        table.add_row(
            said(term.name), f"{term.weight:.2f}", f"{term.value:.2f}", f"{term.amount:.3f}", said(line(term.source))
        )
    return table


def summary_table(summaries: Iterable[Summary]) -> Table:
    """Episodes, one a line."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("id", "left"), ("task", "left"), ("policy", "left"), ("seed", "right"), ("steps", "right"),
                          ("reward", "right"), ("ended", "left")):  # fmt: skip
        table.add_column(name, justify=justify, min_width=18 if name == "id" else None, overflow="fold")  # type: ignore[arg-type]
    for each in summaries:
        reward = "–" if each.reward is None else f"{each.reward:.2f}"
        name = line(each.id) + (f"\n← {line(each.parent)} after {each.forked_at}" if each.parent else "")
        style = "green" if each.resolved else _STATES[each.state]
        ended = each.stop if each.state is State.FINISHED else each.state.value
        table.add_row(Text(name), Text(line(each.task)), Text(line(each.policy)), str(each.seed), str(each.steps),
                      reward, Text(line(ended)), style=style)  # fmt: skip
    return table


def plain_table(*names: str) -> Table:
    """Columns of these names, without lines; what is long is folded."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def plural(count: int, word: str) -> str:
    """ "1 episode", "2 episodes"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def typed(path: object) -> str:
    """A path or name as a shell takes it, in a command that is to be copied."""
    return shlex.quote(str(path))


def duration(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class _Spelling(dict[int, str]):
    """How each character is shown; each is looked up once, for a page may hold megabytes."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        shown = character in _SHOWN or unicodedata.category(character) not in _UNSAFE
        self[code] = character if shown else _spelled(code)
        return self[code]


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SPELLING = _Spelling()
