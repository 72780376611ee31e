"""What steps looked for, and whether it was there: programs, modules, files, code, the network, access.

Only a program's own exit counts, or what the environment's own tools answer: `echo "psql: not found"` shows nothing.
A name is looked for by looking for it: `psql --version` (exit 127), `which psql`, `python -c "import yaml"`, `view
config.yaml`, `ls`, a search of the whole repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from journeyman.envs.claims_commands import Command, plain_subject
from journeyman.envs.episode import Step


class Sort(StrEnum):
    """What kind of thing was looked for."""

    PROGRAM = "program"
    MODULE = "module"
    FILE = "file"
    CODE = "code"
    """A function, class or any other text of the repository."""
    NETWORK = "network"
    ACCESS = "access"


@dataclass(frozen=True, slots=True)
class Look:
    """One step that looked for something."""

    step: int
    sort: Sort
    name: str
    """The program, module, path, text; of the network the host, empty where the whole network is meant."""
    there: bool
    """Whether it was there and worked."""
    by_path: bool = False
    """A program that was called where it lies, in which the search path took no part."""

    def __str__(self) -> str:
        if self.sort is Sort.NETWORK:
            return f"step {self.step}: {self.name or 'the network'} {'answers' if self.there else 'cannot be reached'}"
        if self.sort is Sort.ACCESS:
            return f"step {self.step}: {self.name} {'was written' if self.there else 'is denied'}"
        return f"step {self.step}: {self.name} is {'there' if self.there else 'missing'}"


def of_tool(n: int, step: Step) -> Iterator[Look]:
    arguments, said = step.action.arguments, step.observation
    path = plain_subject(str(arguments.get("path") or ""))
    if step.action.tool in ("view", "outline", "edit") and path:
        symbol = arguments.get("symbol")
        if said.ok and step.action.tool != "edit" and not said.text.startswith(f"not in {path}\n"):
            yield Look(n, Sort.FILE, path, True)
        elif not said.ok and said.text.startswith(f"no file {path}"):
            yield Look(n, Sort.FILE, path, False)
        if isinstance(symbol, str) and said.ok:
            yield Look(n, Sort.CODE, symbol, True)
    if step.action.tool == "view" and isinstance(symbol := arguments.get("symbol"), str) and not path:
        missing = not said.ok and said.text.startswith(f"no definition of {symbol} in .")
        if missing or said.ok:
            yield Look(n, Sort.CODE, symbol, not missing)
    if step.action.tool == "search" and not path and said.ok:
        pattern = re.sub(r"^\\b|\\b$", "", str(arguments.get("pattern") or ""))
        if re.fullmatch(r"[\w.-]+", pattern) and said.text == "no match":
            yield Look(n, Sort.CODE, pattern, False)


_PYTHONS = ("python", "python3", "/opt/env/bin/python")
_INSTALLED = ("/usr/", "/bin/", "/sbin/", "/opt/")
_IMPORT = re.compile(r"import ([A-Za-z_]\w*)(?:\.\w+)*;?(?: ?print\(\1\.(?:__version__|__file__)\))?")
_READERS = ("cat", "ls", "head", "tail", "stat", "wc", "less", "more")
"""They fail where there is no such file. `file` does not."""
_WRITERS = ("touch", "mkdir", "rm", "cp", "mv", "tee", "ln")
_DENIED = "(?:Permission denied|Read-only file system)"
_FETCHERS = ("curl", "wget", "git", "pip", "pip3", "ping", "nc", "ssh", "apt", "apt-get", "npm", "nslookup", "dig")
_NO_NETWORK = re.compile(
    r"Could not resolve host|Temporary failure in name resolution|Network is unreachable|Name or service not known|"
    r"Failed to establish a new connection|No route to host|unable to resolve host|Could not resolve hostname|"
    r"Couldn't connect to server|Failed to connect to"
)
_HOST = re.compile(r"(?:https?://|git@|ssh://|['\"])((?:[\w-]+\.)+[a-z]{2,})\b")
_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}")
_SPEAKS = re.compile(r"\b(?:socket|urllib|http|requests|httpx|aiohttp)\b")
_ALWAYS_SPEAK = ("pip", "pip3", "ping", "apt", "apt-get")


def of_command(command: Command) -> Iterator[Look]:
    """What one call of one program shows. Several in a line show nothing: whose exit it is cannot be told."""
    call, n, code = command.only, command.step, command.code
    if not call or code is None:
        return
    program, *rest = call
    names = [word for word in rest if not word.startswith("-")]
    if program in ("which", "type", "command"):
        if len(names) == 1 and code in (0, 1, 127):
            yield Look(n, Sort.PROGRAM, names[0], code == 0)
        return
    said = any(f"{program}: {words}" in command.output for words in ("not found", "command not found"))
    if code == 127 and said and "/" not in program:
        yield Look(n, Sort.PROGRAM, program, False)
    elif code == 127 and "/" in program and (said or f"{program}: No such file" in command.output):
        yield Look(n, Sort.FILE, plain_subject(program), False)
    elif code == 0 and "/" not in program:
        yield Look(n, Sort.PROGRAM, program, True)
    elif code == 0 and program.startswith(_INSTALLED):
        yield Look(n, Sort.PROGRAM, program.rpartition("/")[2], True, by_path=True)
    if program in _PYTHONS and code in (0, 1):
        yield from _of_python(command, rest)
    if program in _READERS and len(names) == 1:
        yield from _of_reader(command, plain_subject(names[0]))
    if program in (*_READERS, *_WRITERS) and code != 0:
        denied = (name for name in names if re.search(rf"{re.escape(name)}['’]?: {_DENIED}", command.output))
        yield from (Look(n, Sort.ACCESS, plain_subject(name), False) for name in denied)
    if program in _FETCHERS or program in _PYTHONS:
        yield from _of_fetcher(command, program)


def _of_python(command: Command, rest: Sequence[str]) -> Iterator[Look]:
    if rest[:1] == ["-c"] and len(rest) == 2 and (imported := _IMPORT.fullmatch(rest[1].strip())):
        name = imported[1]
        gone = f"No module named '{name}'" in command.output
        if command.code == 0 or gone:
            yield Look(command.step, Sort.MODULE, name, command.code == 0)
    if rest[:1] == ["-m"] and len(rest) > 1:
        gone = f": No module named {rest[1]}" in command.output
        if gone and command.code == 1:
            yield Look(command.step, Sort.MODULE, rest[1], False)
        elif command.code == 0:
            yield Look(command.step, Sort.MODULE, rest[1], True)


def _of_reader(command: Command, path: str) -> Iterator[Look]:
    if command.code == 0:
        yield Look(command.step, Sort.FILE, path, True)
    elif "No such file or directory" in command.output:
        yield Look(command.step, Sort.FILE, path, False)


def _of_fetcher(command: Command, program: str) -> Iterator[Look]:
    hosts = _HOST.findall(command.line)
    if program not in (*_PYTHONS, "git", "pip", "pip3"):
        hosts += [word for word in command.only[1:] if _BARE_HOST.fullmatch(word)]
    if not hosts and program not in _ALWAYS_SPEAK and not _SPEAKS.search(command.line):
        return
    host = hosts[0] if hosts else ""
    if command.code != 0 and _NO_NETWORK.search(command.output) and not _NO_NETWORK.search(command.line):
        yield Look(command.step, Sort.NETWORK, host, False)
    elif command.code == 0 and program in ("curl", "wget") and hosts:
        yield Look(command.step, Sort.NETWORK, host, True)


_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def of_errors(n: int, step: Step, command: Command | None) -> list[Look]:
    """Modules that a failing program or test could not import. The caller sees to it that the policy did not write
    these words itself."""
    if command is not None and (command.code == 0 or command.background):
        return []  # it did not fail, or nobody can tell
    if command is not None and ("No module" in command.line or command.only[:2] == ("echo",)):
        return []
    if command is None and step.tests is None:
        return []
    text = command.output if command is not None else step.output or step.observation.text
    return [Look(n, Sort.MODULE, name, False) for name in dict.fromkeys(_NO_MODULE.findall(text))]


@dataclass(frozen=True, slots=True)
class Listing:
    """All that stands in a folder, as a step showed it."""

    step: int
    folder: str
    """Empty for the repository itself."""
    names: frozenset[str]
    shows_hidden: bool


def listing_of(n: int, step: Step, command: Command | None) -> Listing | None:
    """The listing of a folder by `view`, or by a plain `ls`; None for anything else, or where it was cut."""
    text = step.output or step.observation.text
    if step.action.tool == "view" and step.observation.ok and not step.action.arguments.get("symbol"):
        folder = plain_subject(str(step.action.arguments.get("path") or "")).rstrip("/")
        lines = text.split("\n")
        if "more entries" in lines[-1] or re.match(r"\S+:\d+-\d+|\S+ is empty", lines[0]):
            return None
        names = frozenset(line.rsplit(" (", 1)[0].rstrip("/") for line in lines)
        return Listing(n, folder, names, True)
    if command is not None and command.only[:1] == ("ls",) and command.code == 0:
        options = [word for word in command.only[1:] if word.startswith("-")]
        folders = [word for word in command.only[1:] if not word.startswith("-")]
        if len(folders) > 1 or any(set(word) - set("-1aA") for word in options) or "*" in command.line:
            return None
        folder = plain_subject(folders[0]).rstrip("/") if folders else ""
        names = frozenset(command.output.split("\n"))
        return Listing(n, folder, names, bool(options)) if folder not in names else None
    return None
