"""What a reviewer sees. By default nothing tells the policy or the reward, nor what others have said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from journeyman.envs.claims import findings_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Entry, Score, summary
from journeyman.terminal import diff_text, ending_view, line, opening_view, plural, said, step_view

KEYS = """\
enter  next page          b  back              e  the end           g  go to a step     N  what to judge next
c  comment on the page    l  on a line         t  on a subtask      a  correct the action
+  the step is good       0  neutral           -  bad               k  judge a claim (at the end)
s  score the episode      r  rank it beside others of its task      i  judge by a guideline's item
y  accept a draft         m  edit it           x  reject it         u  undo              ?  this    q  quit
In a text: Ctrl-E opens $EDITOR, Escape leaves it out."""
_SHOWN_LINES = 60
"""Of one diff beside others."""


def page_view(episode: Episode, page: int, *, blind: bool) -> RenderableType:
    """Page 0 is the opening, then one a step, the last one the end."""
    count = len(episode.steps)
    if page == 0:
        return _opening(episode) if blind else opening_view(episode)
    if page > count:
        return Group(*([] if blind else [ending_view(episode)]), _claims(episode, blind=blind))
    step = episode.steps[page - 1]
    if blind:
        answer = step.observation
        if step.action.tool == "report":  # it says what the record says of each claim
            answer = replace(answer, text="")
        step = replace(step, reward=0.0, observation=answer)
    return step_view(step, page, count)


def _opening(episode: Episode) -> RenderableType:
    title = Text.assemble(("episode ", "bold"), (line(episode.id), "bold cyan"))
    facts = Text(f"task {line(episode.task)} · {plural(len(episode.steps), 'step')}", "dim")
    return Group(title, facts, Padding(said(episode.first.text.rstrip("\n")), (1, 0, 0, 2), expand=False))


def _claims(episode: Episode, *, blind: bool) -> RenderableType:
    """What the report claims, numbered as `k` asks for it. What the record says of it would judge beforehand."""
    rows: list[RenderableType] = [Rule("what the report claims", align="left", style="blue")]
    for number, finding in enumerate(findings_of(episode.steps)):
        claim = finding.claim
        row = f"  {number}  {claim.kind} {line(claim.subject)}".rstrip()
        rows.append(Text(row if blind else f"{row}: {finding.standing} ({line(finding.evidence)})"))
    return Group(*rows) if len(rows) > 1 else Text("it claims nothing", "dim")


def entry_text(entry: Entry, who: str = "") -> Text:
    """What somebody said, on one line."""
    item = None if isinstance(entry, Score) else getattr(entry, "item", None)  # a score's own words name it
    by = f" [by {line(str(item))}]" if item else ""
    return Text.assemble((f"{line(who)}: " if who else "", "dim"), line(summary(entry)), (by, "dim"))


def new_lines(diff: str) -> Mapping[str, Mapping[int, str]]:
    """The lines that a diff leaves, by path and number; nothing of a diff that only names files."""
    try:
        files = PatchSet(diff)
    except UnidiffParseError:
        return {}
    return {
        file.path: {
            row.target_line_no: row.value.rstrip("\n")
            for hunk in file
            for row in hunk
            if row.target_line_no is not None
        }
        for file in files
    }


def numbered(lines: Mapping[str, Mapping[int, str]]) -> Text:
    """Lines with their numbers, to comment on."""
    shown = Text()
    for path, rows in lines.items():
        shown.append(f"{line(path)}\n", "bold")
        for number, row in list(rows.items())[:_SHOWN_LINES]:
            shown.append(f"{number:>6} ", "dim").append(f"{line(row)}\n")
    return shown


def beside(episodes: Sequence[Episode]) -> RenderableType:
    """Episodes to rank: what each changed, and what it says of that."""
    parts: list[RenderableType] = []
    for letter, episode in zip("ABCD", episodes, strict=False):
        parts.append(Rule(f"{letter} · {plural(len(episode.steps), 'step')}", align="left", style="blue"))
        rows = "".join(step.diff for step in episode.steps).splitlines()
        diff = diff_text("\n".join(rows[:_SHOWN_LINES]))
        if len(rows) > _SHOWN_LINES:
            diff.append(f"\n… {len(rows) - _SHOWN_LINES} more lines", "dim")
        parts.append(Padding(diff if rows else Text("changed nothing", "dim"), (0, 0, 0, 2), expand=False))
        report = episode.steps[-1].action if episode.steps else None
        if report is not None and report.tool == "report":
            parts.append(Padding(said(str(report.arguments.get("summary", "")), "italic"), (0, 0, 0, 2), expand=False))
    return Group(*parts)
