"""Shell commands as records hold them: which programs a line calls, and what came of it."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from journeyman.envs.episode import Step

WORKSPACE = "/workspace/"
_STATUS = re.compile(r"exit (-?\d{1,9})(?:\n|$)")
_TIMED_OUT = re.compile(r"timed out after \d{1,9} s(?:\n|$)")
_ASSIGNMENT = re.compile(r"\w+=.*")
_HIDDEN = re.compile(r"\$\(|`|<\(|\beval\b|\bbase64\b|\bxxd\b|\\x")
_DESCRIPTOR = re.compile(r"(?<!\S)\d(?=>)")
"""The 2 of `2>&1`, which is no argument."""
_HEREDOC = re.compile(r"(?<!<)<<-?[ \t]*(['\"]?)(\w{1,40})\1|['\"]")
"""Behind this line stands a text up to that word, which is given to a program as its input; or a mark of quotes."""
_JOINS = re.compile(r"&&|\|&")
"""Where an `&` leaves nothing in the background."""
_LEADS = {"time": 0, "nohup": 0, "exec": 0, "sudo": 0, "command": 0, "env": 0, "timeout": 1, "nice": 0}
"""Words that stand before the program that is really called, each with how many words of its own follow."""


@dataclass(frozen=True, slots=True)
class Command:
    """One `run` step."""

    step: int
    line: str
    """As it was given."""
    code: int | None
    """The exit status; None where it did not come to its end, or where nobody waited for that."""
    output: str
    """What it printed, without the line that gives the status."""
    calls: tuple[tuple[str, ...], ...] | None
    """The programs that it calls with their arguments, one after the other; None where that cannot be told."""
    timed_out: bool = False
    """It was ended by its limit of time."""
    background: bool = False
    """Some of it ran in the background (`redis-server &`): the status that the shell gives is not its."""

    @property
    def only(self) -> tuple[str, ...]:
        """The one program that it calls; empty where there are several, or where that cannot be told."""
        return self.calls[0] if self.calls is not None and len(self.calls) == 1 and not self.background else ()


def command_of(number: int, step: Step) -> Command | None:
    """The command of a `run` step; None of any other step, or of one that does not say what it ran."""
    line = step.action.arguments.get("command")
    if step.action.tool != "run" or not isinstance(line, str):
        return None
    text = step.output or step.observation.text
    (calls, background), status = _read(line), _STATUS.match(text)
    code = int(status[1]) if status and not background else None
    timed_out = _TIMED_OUT.match(text) is not None
    return Command(number, line, code, text.partition("\n")[2], calls, timed_out, background)


def unquoted(subject: str) -> str:
    """Without the marks that stand around a name in running text."""
    text = subject.strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "`'\"" else text


def plain_subject(subject: str) -> str:
    """A path or node id as records spell it: relative to the repository, without "./"."""
    path, mark, rest = unquoted(subject).partition("::")
    path = path.removeprefix(WORKSPACE)
    if path and ("/" in path or path == "."):
        path = posixpath.normpath(path)
    return "" if path in (".", WORKSPACE[:-1]) and not mark else path + mark + rest


def _read(line: str) -> tuple[tuple[tuple[str, ...], ...] | None, bool]:
    """The programs that a shell line calls, and whether it leaves one in the background. None where quotes do not match
    or where it hides what it calls."""
    if _HIDDEN.search(line):
        return None, False
    lexer = shlex.shlex(_DESCRIPTOR.sub("", _without_texts(line)), posix=True, punctuation_chars=";&|<>()\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    calls: list[list[str]] = [[]]
    skip = background = False
    try:
        for token in lexer:
            if set(token) <= set(";&|()\n"):
                calls.append([])
                background = background or "&" in _JOINS.sub("", token)
            elif set(token) <= set("<>&"):
                skip = True
            elif skip:
                skip = False
            else:
                calls[-1].append(token)
    except ValueError:
        return None, False
    return tuple(tuple(found) for words in calls if (found := _without_leads(words))), background


def _without_texts(line: str) -> str:
    """Without the texts that it gives to programs (`cat > notes.md <<EOF`). What they hide is told by `_HIDDEN`."""
    kept, ends = list[str](), list[str]()
    for row in line.split("\n"):
        if ends:
            if row.strip() == ends[0]:
                del ends[0]
            continue
        quote, since, parts = "", 0, list[str]()
        for found in _HEREDOC.finditer(row):
            if not found[2]:
                quote = "" if quote == found[0] else quote or found[0]
            elif not quote:
                ends.append(found[2])
                parts.append(row[since : found.start()])
                since = found.end()
        kept.append("".join(parts) + row[since:])
    return "\n".join(kept)


def _without_leads(words: list[str]) -> list[str]:
    """Without assignments and the likes of `timeout 5` before the program's name."""
    while words and (_ASSIGNMENT.fullmatch(words[0]) or (words[0] in _LEADS and len(words) > 1)):
        if words[:2] == ["command", "-v"]:
            break  # it only asks where the program is
        words = words[1 + _LEADS.get(words[0], 0) :]
    return words
