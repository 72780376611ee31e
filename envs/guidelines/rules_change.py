"""Rules about what an episode changed: which files, how much, and how it reads.

They look at what is left at the end: what was tried and taken back is nobody's to review.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, field_validator

from journeyman.envs.guidelines.net import NetFile
from journeyman.envs.guidelines.rule import RuleFinding, RuleSettings, Seen, changes, counted, kept, rule, share, silent
from journeyman.envs.text import shorten
from journeyman.tasks.edits import is_test_file, matches

NO_CHANGE = "nothing was changed"
QUOTED = 60
"""Characters of a line that the evidence quotes."""
READ = 500
"""Characters of a line that patterns look at: more is no code that a person wrote."""


class Paths(RuleSettings):
    paths: tuple[str, ...] = ()
    """Globs, in which `**` spans folders."""


class Size(RuleSettings):
    files: Annotated[int, Field(ge=1)] | None = None
    """At most so many."""
    lines: Annotated[int, Field(ge=1)] | None = None
    """At most so many, added and removed ones together."""


class Length(RuleSettings):
    most: Annotated[int, Field(ge=1)] = 120
    """Characters."""


class Rewrite(RuleSettings):
    least: Annotated[int, Field(ge=1)] = 20
    """Lines of a file from which on it counts."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of the lines, that must really change for the whole to be written again."""


class Reformatted(RuleSettings):
    most: Annotated[int, Field(ge=0)] = 10
    """Lines: some must be indented anew when code moves into a block."""


class Leftovers(RuleSettings):
    patterns: tuple[str, ...] = (
        r"^\s*print\(", r"\bbreakpoint\(\)", r"\bpdb\.set_trace\(", r"\bimport pdb\b", r"\bconsole\.(?:log|debug)\(",
        r"^\s*debugger;?\s*$", r"\bdbg!\(", r"\bfmt\.Print(?:ln|f)?\(", r"#\s*(?:XXX|DEBUG)\b",
    )  # fmt: skip
    """Regular expressions that an added line must not match, unless as many lines of its file that do went away."""
    files: tuple[str, ...] = (
        "**/*.orig", "**/*.rej", "**/*.bak", "**/*.tmp", "**/*.swp", "**/debug*.*", "**/repro*.*", "**/scratch*.*",
    )  # fmt: skip
    """Globs of new files that nobody wants to keep."""

    @field_validator("patterns")
    @classmethod
    def _can_be_compiled(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns


@rule("tests-untouched", Paths, at=changes)
def tests_untouched(seen: Seen, settings: Paths) -> RuleFinding:
    """Test files that were there are neither changed nor deleted (`paths`: and no file of these)."""

    def is_test(path: str) -> bool:
        name = PurePosixPath(path)
        is_one = is_test_file(name) or name.name == "conftest.py"
        return is_one or any(matches(path, glob) for glob in settings.paths)

    touched = [file for file in seen.files if file.was_there and is_test(file.path)]
    words = {True: "changed", False: "deleted"}
    return counted(
        ((file.steps[-1], f"{file.path} {words[file.is_there]}") for file in touched), "no test that was there changed"
    )


@rule("small-change", Size)
def small_change(seen: Seen, settings: Size) -> RuleFinding:
    """The change is of at most so many `files` and `lines`."""
    if not seen.files:
        return silent(NO_CHANGE)
    sizes = {
        "files": (len(seen.files), settings.files),
        "lines": (sum(len(file.added) + len(file.removed) for file in seen.files), settings.lines),
    }
    evidence = ", ".join(f"{size} {what if size != 1 else what[:-1]}" for what, (size, _) in sizes.items()) + " changed"
    over = {what: most / size for what, (size, most) in sizes.items() if most is not None and size > most}
    steps = tuple(sorted({step for file in seen.files for step in file.steps}))
    if not over:
        return kept(evidence, *steps)
    allowed = ", ".join(f"at most {sizes[what][1]} {what}" for what in over)
    return RuleFinding(False, f"{evidence}, of {allowed}", min(over.values()), steps)


@rule("in-scope", Paths)
def in_scope(seen: Seen, settings: Paths) -> RuleFinding:
    """Only files of `paths` are changed; without `paths`, only those that the task lets a solution change."""
    if not seen.files:
        return silent(NO_CHANGE)
    verdict = seen.episode.verdict
    if not settings.paths and verdict is None:
        return silent("nothing was graded, so nobody said which files a solution may change")
    outside = set(verdict.ignored) if verdict is not None else set()

    def strays(file: NetFile) -> bool:
        if settings.paths:
            return not any(matches(file.path, glob) for glob in settings.paths)
        return file.path in outside

    found = {file.path: file.steps[-1] if strays(file) else 0 for file in seen.files}
    return share(found, "outside the scope:", "every changed file is within the scope")


@rule("no-leftovers", Leftovers)
def no_leftovers(seen: Seen, settings: Leftovers) -> RuleFinding:
    """No output for debugging, breakpoint or scratch file is left behind."""
    if not seen.files:
        return silent(NO_CHANGE)
    found = [re.compile(pattern) for pattern in settings.patterns]

    def places() -> Iterator[tuple[int, str]]:
        for file in seen.files:
            if not file.was_there and any(matches(file.path, glob) for glob in settings.files):
                yield file.steps[-1], f"{file.path} left behind"
                continue
            for pattern in found:
                new = [line for line in file.added if pattern.search(line.text[:READ])]
                gone = sum(bool(pattern.search(line.text[:READ])) for line in file.removed)
                yield from ((line.step, quoted(file, line.text)) for line in new[gone:])

    return counted(places(), "no leftovers of debugging")


_CODE = re.compile(
    r"\s*(?:#|//)\s?\s*(?:"
    r"return\b(?!.* \w+ \w+ )|raise \w+\(|(?:from [\w.]+ )?import [\w.]+$|(?:def|class) \w+.*:$"
    r"|(?:if|elif|while|for) .*:$|(?:try|else|finally):$|except\b.*:$|[\w.]+\(.*\);?$"
    r"|[\w.\[\]'\"]+ (?:[-+*/|&]|//|\*\*)?= \S+(?: [-+*/%]+ \S+)*;?$|(?:var|let|const) \w+ = .*|.*[;{]$)"
)
"""A comment that reads as code; prose that happens to hold a word of it does not."""


@rule("no-commented-out-code")
def no_commented_out_code(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """No code is left behind as a comment."""
    if not seen.files:
        return silent(NO_CHANGE)
    lines = ((file, line) for file in seen.files for line in file.added)
    return counted(
        ((line.step, quoted(file, line.text)) for file, line in lines if _CODE.fullmatch(line.text[:READ].rstrip())),
        "no commented-out code",
    )


@rule("line-length", Length)
def line_length(seen: Seen, settings: Length) -> RuleFinding:
    """No added line is longer than `most` characters."""
    if not seen.files:
        return silent(NO_CHANGE)
    lines = ((file, line) for file in seen.files for line in file.added if len(line.text) > settings.most)
    return counted(
        ((line.step, f"{file.path}: a line of {len(line.text)} characters") for file, line in lines),
        f"no added line is longer than {settings.most} characters",
    )


@rule("no-rewrite", Rewrite, at=changes)
def no_rewrite(seen: Seen, settings: Rewrite) -> RuleFinding:
    """A file that is there is edited where it changes, not written again as a whole."""
    if not seen.changing:
        return silent(NO_CHANGE)

    def places() -> Iterator[tuple[int, str]]:
        for number in seen.changing:
            step = seen.steps[number - 1]
            content = step.action.arguments.get("content")
            if step.action.tool != "write" or not isinstance(content, str):
                continue
            length = len(content.splitlines())
            for file in seen.diffs[number - 1]:
                changed = sum(len(change.new) for change in file.changes)
                if file.was_there and length >= settings.least and changed < settings.share * length:
                    yield number, f"{file.path}: all {length} lines written for {changed} that changed"

    return counted(places(), "no file was written again for a small change")


@rule("no-reformatting", Reformatted)
def no_reformatting(seen: Seen, settings: Reformatted) -> RuleFinding:
    """No more than `most` lines change in nothing but their blanks."""
    if not seen.files:
        return silent(NO_CHANGE)
    found = {}
    for file in seen.files:
        gone = Counter("".join(line.text.split()) for line in file.removed)
        back = Counter("".join(line.text.split()) for line in file.added)
        found[file] = sum(((gone & back) - Counter({"": gone[""]})).values())
    count = sum(found.values())
    worst = max(found, key=lambda file: found[file])
    evidence = f"{count} lines changed in their blanks alone" + (f", most in {worst.path}" if count else "")
    if count <= settings.most:
        return kept(evidence)
    return RuleFinding(False, f"step {worst.steps[-1]}: {evidence}", settings.most / count, worst.steps)


_EXCEPT = re.compile(r"\s*except\b[^#]*:\s*(?:#.*)?")
_NOTHING = re.compile(r"\s*(?:pass|\.\.\.)\s*(?:#.*)?")
_SWALLOWED = re.compile(
    r"\s*except\b[^#]*:\s*(?:pass|\.\.\.)\s*(?:#.*)?|\s*except\s*:.*|.*\bsuppress\((?:Base)?Exception\b.*"
    r"|.*\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}.*"
)


@rule("no-swallowed-exceptions", at=changes)
def no_swallowed_exceptions(seen: Seen, settings: RuleSettings) -> RuleFinding:
    """No exception is caught and dropped (`except …: pass`, a bare `except:`)."""
    if not seen.files:
        return silent(NO_CHANGE)

    def places() -> Iterator[tuple[int, str]]:
        for file in seen.files:
            for block in file.blocks:
                above = (block.above or "")[:READ]
                for line in block.new:
                    text = line.text[:READ]
                    if _SWALLOWED.fullmatch(text):
                        yield line.step, quoted(file, text)
                    elif _NOTHING.fullmatch(text) and _EXCEPT.fullmatch(above):
                        yield line.step, quoted(file, f"{above.strip()} {text.strip()}")
                    above = text

    return counted(places(), "no exception is dropped")


def quoted(file: NetFile, text: str) -> str:
    return f"{file.path}: {shorten(text.strip(), QUOTED)}"


RULES = (
    tests_untouched, small_change, in_scope, no_leftovers, no_commented_out_code, line_length, no_rewrite,
    no_reformatting, no_swallowed_exceptions,
)  # fmt: skip
