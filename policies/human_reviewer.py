"""A person at the terminal as a reviewer: is shown what was done since they were asked last, and types comments."""

from __future__ import annotations

import re
from typing import Any, TextIO

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from journeyman.envs.episode import Step
from journeyman.envs.feedback.entry import Critique, Place, Resolution
from journeyman.envs.review_text import comment_text
from journeyman.envs.reviews import Moment, Request, Said, answer, remark
from journeyman.envs.text import clean, shorten
from journeyman.policies.human import read_line

_END, _SUGGESTION = ".", "====="
_HELP = f"""One comment at a time; more lines may follow it, a line "{_SUGGESTION}" begins what you suggest for the
lines it is about, and a line that holds only "{_END}" ends it:
  pkg/mod.py:12-14 major The limit itself is free.     blocking, major, minor (the default), note, praise
  step 3 minor You did not run the tests.
  Say what you left out.                               of the whole
ok 1, open 1: an open comment is resolved, or is not. done (or Ctrl-D): that is all; without a comment, it passes.
"""
_HEAD = re.compile(
    r"(?:(?P<path>\S+?):(?P<line>[1-9]\d{0,8})(?:-(?P<end>[1-9]\d{0,8}))?|step\s+(?P<step>[1-9]\d{0,8}))?\s*"
    r"(?:\[?(?P<severity>praise|note|minor|major|blocking)\b[\]:]?)?\s*(?P<body>.*)",
    re.DOTALL,
)
_ANSWER = re.compile(r"(ok|open)\s+(\d{1,4})(?:\s+(.*))?")


class HumanReviewer:
    """Asks whoever sits at the terminal.

    Args:
        name: theirs, as in the feedback log.
        console: where to show what was done; the terminal by default.
        stream: where to read from; standard input by default.
    """

    simulated = False

    def __init__(self, name: str = "me", *, console: Console | None = None, stream: TextIO | None = None) -> None:
        self.name, self._console, self._stream = name, console or Console(), stream
        self._greeted = False

    def review(self, request: Request) -> list[Said]:
        """Show, and read comments until there are no more."""
        self._show(request)
        said: list[Said] = []
        while (head := read_line(self._console, self._stream, "review> ")) not in (None, "done"):
            assert head is not None
            if head.strip() in ("", "help"):
                self._say(_HELP if head else "`done` ends the review, `help` says more", "dim")
            elif matched := _ANSWER.fullmatch(head.strip()):
                said += self._answered(request, *matched.groups())
            else:
                said += self._commented(request, head)
        return said

    def _show(self, request: Request) -> None:
        if not self._greeted:
            self._say(_HELP)
            self._greeted = True
        steps = request.episode.steps
        since = next((n for n in range(len(steps) - 1, 0, -1) if steps[n - 1].action.tool == "report"), 0)
        title = f"review {request.round} · step {len(steps)}" + (
            " · it is over" if request.moment is Moment.END else ""
        )
        shown = "\n".join(_shown(number, step) for number, step in enumerate(steps[since:], since + 1))
        self._console.print(Panel(Text(clean(shown)), title=title))
        for number, comment in enumerate(request.open, 1):
            self._say(f"open {number}: {clean(comment_text(comment))}", "yellow")

    def _answered(self, request: Request, word: str, number: str, how: str | None) -> list[Resolution]:
        if not 1 <= int(number) <= len(request.open):
            self._say(f"there is no open comment {number}", "red")
            return []
        return [answer(request.open[int(number) - 1], how or "", resolved=word == "ok")]

    def _commented(self, request: Request, head: str) -> list[Critique]:
        lines = []
        while (line := read_line(self._console, self._stream, "… ")) not in (None, _END):
            lines.append(str(line))
        suggested = None
        if _SUGGESTION in lines:
            at = lines.index(_SUGGESTION)
            lines, suggested = lines[:at], "\n".join(lines[at + 1 :])
        matched = _HEAD.fullmatch(head.strip())
        assert matched is not None  # the pattern matches any text
        fields = matched.groupdict()
        body = "\n".join([fields["body"], *lines]).strip()
        if why := _wrong(fields, body, suggested, request):
            self._say(f"{why}; this comment was not taken", "red")
            return []
        first, end, step = (int(fields[name]) if fields[name] else None for name in ("line", "end", "step"))
        place = Place(path=fields["path"] or "", line=first, end=end, step=step)
        return [remark(body, place, severity=fields["severity"] or "minor", suggestion=suggested)]

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


def _wrong(fields: dict[str, Any], body: str, suggested: str | None, request: Request) -> str:
    """Why a comment cannot be taken; empty where it can."""
    if not body:
        return "a comment needs a text"
    if fields["step"] and int(fields["step"]) > len(request.episode.steps):
        return f"there are {len(request.episode.steps)} steps so far"
    if fields["path"] is None:
        return "a suggestion goes with lines: begin with PATH:LINE" if suggested is not None else ""
    text = request.read(fields["path"])
    if text is None:
        return f"there is no text file {fields['path']}"
    last = int(fields["end"] or fields["line"])
    if last < int(fields["line"]) or last > len(text.split("\n")):
        return f"{fields['path']} has no lines {fields['line']} to {last}"
    return ""


def _shown(number: int, step: Step) -> str:
    """A step in a few lines: what was done, what it changed, what was reported."""
    about = next((str(step.action.arguments[name]) for name in ("path", "command", "pattern", "target", "summary")
                  if step.action.arguments.get(name)), "")  # fmt: skip
    first = shorten(step.observation.text.partition("\n")[0], 80)
    return f"{number:>3} {step.action.tool} {shorten(about, 200)} → {first}" + (f"\n{step.diff}" if step.diff else "")
