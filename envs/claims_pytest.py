"""Tests that commands run: what a call of pytest was to run, what it printed, and which commands may have run any.

A command's word is taken only where it is one plain call of pytest, with options that are known, whose output ends as
pytest's does. All else may have run tests, and shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from journeyman.envs.claims_commands import Command, plain_subject


@dataclass(frozen=True, slots=True)
class ShellRun:
    """What a command tells of one target."""

    target: str
    """Empty for all, "-" for some of what was there."""
    passed: tuple[str, ...]
    """Tests, and files all of whose tests passed."""
    failed: tuple[str, ...]
    complete: bool
    """Everything that was to be run was."""
    broken: bool = False
    """Some test failed or was cut short, though perhaps none is named."""
    skips: bool = False
    """Some tests were skipped, or expected to fail, and it does not say which."""


@dataclass(frozen=True, slots=True)
class _Options:
    """What a call of pytest is asked for."""

    targets: tuple[str, ...]
    narrowed: bool
    """Not all of the targets are run."""
    collects: bool
    """Nothing is run at all."""
    stops: bool
    """It stops at a failure."""


_PLAIN = re.compile(
    r"-[qvslx]+|-r\w+|--(?:tb|color|durations|timeout|maxfail)=\w+|--(?:no-header|no-summary|verbose|quiet|exitfirst|"
    r"showlocals|full-trace|disable-warnings|strict-markers|strict-config|ff|failed-first|nf|new-first|no-cov)"
)
_STOPS = re.compile(r"-[qvsl]*x[qvslx]*|--exitfirst|--maxfail=\w+")
_COLLECTS = ("--co", "--collect-only")
_NARROWS = ("--lf", "--last-failed")
_WITH_PLAIN_VALUE = ("-n", "-p", "--tb", "--color", "--durations", "--timeout", "--maxfail")
_WITH_NARROWING_VALUE = ("-k", "-m", "--deselect", "--ignore")
_PLUGIN_OFF = re.compile(r"no:\w+")
_TO_THE_ROOT = re.compile(r"cd (?:/workspace/?|\.) && ")
_NOT_PLAIN = re.compile(r"[;&|<>$`\n*?(){}~#\\]|(?<!--tb)(?<!--color)(?<!--maxfail)(?<!--timeout)(?<!--durations)=")
_SUMMARY = re.compile(r"^(?:=+ )?((?:\d{1,9} [a-z]+(?:, )?)+)(?: in [\d.]+s.*)?(?: =+)?$")
_VERBOSE = re.compile(r" (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.*\))?(?: +\[ *\d+%\])?$")
_FINE = ("PASSED", "SKIPPED", "XFAIL", "XPASS")
_UNTOLD = ("skipped", "xfailed", "xpassed")
"""Counted, but not as passed."""
_SHORT = re.compile(r"^(?:FAILED|ERROR) (\S+)(?: - .*)?$", re.M)
_ALL_PASSED = re.compile(r"^(\S+\.py) [sxX]*\.[.sxX]* +\[ *\d+%\]$", re.M)
_ENDED = (0, 1)
_INTERRUPTED = 2
"""Files that could not be loaded, mostly."""
_RAN_NOTHING = (4, 5)
"""Called wrongly, or no tests found (https://docs.pytest.org/en/stable/reference/exit-codes.html)."""


def runs_of(command: Command) -> Iterator[ShellRun]:
    """What a plain call of pytest tells, target by target; nothing of any other command."""
    asked = _plain_call(command)
    if asked is None or asked.collects:
        return
    targets = ("-",) if asked.narrowed else asked.targets or ("",)
    if command.timed_out:
        if len(targets) == 1:
            yield ShellRun(targets[0], (), (), complete=False, broken=True)
        return
    if command.code not in (*_ENDED, _INTERRUPTED):
        return
    told = _printed(command.output)
    if told is None or (command.code == 0) == told.broken:
        return
    if told.broken and len(targets) > 1 and not told.failed:
        return  # in which of them is not said
    complete = not told.broken or (command.code == 1 and not asked.stops)
    for target in targets:
        broken = told.broken and len(targets) == 1
        yield ShellRun(target, told.passed, told.failed, complete, broken, told.skips)


@dataclass(frozen=True, slots=True)
class _Printed:
    """What pytest's output says."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    broken: bool
    skips: bool
    ran: tuple[str, ...] | None
    """All tests that ran, those that were expected to fail too; None where not each is named."""


def _printed(output: str) -> _Printed | None:
    """None where no test ran, or where that isn't said."""
    summary = _SUMMARY.match(output.rstrip().rsplit("\n", 1)[-1])
    counts = {word: int(count) for count, word in re.findall(r"(\d{1,9}) ([a-z]+)", summary[1])} if summary else {}
    wrong = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if not (counts.get("passed") or wrong):
        return None
    listed = [
        (line[: found.start()], found[1])
        for line in output.split("\n")
        if "::" in line and (found := _VERBOSE.search(line))
    ]
    failed = dict.fromkeys([*(id_ for id_, word in listed if word not in _FINE), *_SHORT.findall(output)])
    passed = [id_ for id_, word in listed if word == "PASSED" and id_ not in failed]
    in_failed = {id_.partition("::")[0] for id_ in failed}
    files = [path for path in _ALL_PASSED.findall(output) if path not in in_failed]
    count = wrong + sum(counts.get(word, 0) for word in ("passed", *_UNTOLD))
    ran = dict.fromkeys(id_ for id_, word in listed if word != "SKIPPED")
    return _Printed(
        (*passed, *files), tuple(failed) if wrong else (), bool(wrong),
        skips=len(passed) < counts.get("passed", 0) and any(counts.get(word) for word in _UNTOLD),
        ran=tuple(ran) if len(listed) == count else None,
    )  # fmt: skip


def _plain_call(command: Command) -> _Options | None:
    """What is asked of pytest by a command that does nothing else; None of any other."""
    whole = command.line.strip().removesuffix("2>&1")
    line = _TO_THE_ROOT.sub("", whole, count=1)
    if not command.calls or command.background or _NOT_PLAIN.search(line):
        return None
    return _options(command.calls[-1]) if len(command.calls) == 1 + (line != whole) else None


def _options(call: Sequence[str]) -> _Options | None:
    """What a call of pytest is asked for; None of another program, or where an option isn't known."""
    words = list(call[2:] if tuple(call[:2]) in (("python", "-m"), ("python3", "-m")) else call)
    if not words or words.pop(0) not in ("pytest", "py.test"):
        return None
    targets, narrowed, collects, stops = list[str](), False, False, False
    while words:
        word = words.pop(0)
        value = words.pop(0) if word in (*_WITH_PLAIN_VALUE, *_WITH_NARROWING_VALUE) and words else ""
        if word in _WITH_NARROWING_VALUE or word in _NARROWS:
            narrowed = True
        elif word in _COLLECTS:
            collects = True
        elif word in _WITH_PLAIN_VALUE and (word != "-p" or _PLUGIN_OFF.fullmatch(value)):
            stops = stops or word == "--maxfail"
        elif not word.startswith("-"):
            targets.append(plain_subject(word))
        elif not _PLAIN.fullmatch(word):
            return None
        else:
            stops = stops or _STOPS.fullmatch(word) is not None
    return _Options(tuple(targets) if "" not in targets else (), narrowed, collects, stops)


_HARMLESS = frozenset((
    "ls", "cat", "head", "tail", "wc", "pwd", "which", "type", "cd", "echo", "printf", "grep", "egrep", "rg",
    "ag", "find", "tree", "stat", "file", "diff", "cmp", "sort", "uniq", "cut", "tr", "mkdir", "cp", "mv", "rm",
    "rmdir", "touch", "chmod", "ln", "git", "pip", "pip3", "command", "exit", "export", "true", "false", "date",
    "uname", "id", "whoami", "hostname", "df", "du", "ps", "sleep", "sed", "curl", "wget", "ping", "nc", "dig",
    "nslookup", "apt", "apt-get", "ruff", "black", "isort", "flake8", "pylint", "mypy", "pyright",
))  # fmt: skip
"""Programs that run no tests, as long as they are told nothing odd."""
_ODD = re.compile(r"\bbisect\b|-(?:exec|ok)(?:dir)?\b|-c alias|\bsubmodule foreach\b")
_PYTHONS = ("python", "python3")


def may_run(command: Command) -> list[str]:
    """The tests, files and folders ("" for all) of which a command may have run something, whatever it printed.
    Careful: each call may that isn't known to do something else."""
    if command.calls is None or _ODD.search(command.line):
        return [""]
    if command.only and _ran_nothing(command):
        return []
    if _plain_call(command) and (told := _printed(command.output)) and told.ran is not None:
        return list(told.ran)
    found: list[str] = []
    for call in command.calls:
        if call[0] in _HARMLESS or _only_looks(call):
            continue
        asked = _options(call)
        if asked is None or not asked.collects:
            found += asked.targets if asked and asked.targets else [""]
    return found


def _ran_nothing(command: Command) -> bool:
    """Whether a program was not there, or says that it did nothing."""
    program, code = command.only[0], command.code
    if program in _PYTHONS and code == 1 and command.only[1:2] == ("-m",):
        return re.fullmatch(r"\S+: No module named \S+", command.output.strip()) is not None
    if program == "make" and code == 2:
        return re.fullmatch(r"make: \*\*\* No rule to make target .*", command.output.strip()) is not None
    return code in (126, 127) or (code in _RAN_NOTHING and _options(command.only) is not None)


_MENDS_NOTHING = frozenset((
    "ls", "cat", "head", "tail", "wc", "pwd", "which", "cd", "echo", "grep", "find", "tree", "stat", "file",
    "diff", "git", "pytest", "printf", "sed", "tox", "nox", "coverage", "ruff", "mypy", "flake8",
))  # fmt: skip


def mends_nothing(command: Command) -> bool:
    """Whether all that a command could mend are files, which the record shows: it installs and sets nothing."""
    return command.calls is not None and all(
        call[0] in _MENDS_NOTHING or (call[0] in _PYTHONS and call[1:3] != ("-m", "pip")) for call in command.calls
    )


def _only_looks(call: Sequence[str]) -> bool:
    """A program asked for its version, or Python given some code that says nothing of tests."""
    own = call[3:] if call[0] in _PYTHONS and call[1:2] == ("-m",) else call[1:]
    if own in (("--version",), ("-V",), ("--help",)):
        return True
    return call[0] in _PYTHONS and call[1:2] == ("-c",) and "test" not in " ".join(call).lower()
