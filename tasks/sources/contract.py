"""What is said of stubbed functions: signature, docstring, and lines that call them. Never a line of their bodies."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from journeyman.tasks.sources.functions import Function
from journeyman.tasks.sources.stubs import Unit, header

MAX_LINES = 80
"""Lines of docstrings in one contract: beyond that each is cut to its first paragraph, for the stub has the rest."""
MAX_CALLERS = 3
MAX_WIDTH = 110


def contract(
    units: Iterable[Unit],
    sources: Mapping[str, bytes],
    callers: Mapping[str, bytes],
    longest: int | None = MAX_LINES,
) -> str:
    """The contract of some functions, in Markdown.

    Args:
        sources: module → its text, pristine.
        callers: file that a policy may see whole → its text, such as the tests that are shown.
        longest: lines of docstrings beyond which each is cut, for a stub has it whole; None: there are no stubs.
    """
    wanted = list(units)
    lines = sum(_docstring(sources[u.path], f).count("\n") for u in wanted for f in u.functions)
    whole = longest is None or lines <= longest
    blocks: list[str] = []
    for path in dict.fromkeys(unit.path for unit in wanted):
        blocks.append(f"In `{path}`:")
        inside = [unit for unit in wanted if unit.path == path]
        for owner, units in groupby(inside, key=lambda unit: unit.qualname.rpartition(".")[0]):
            blocks += _told(owner, list(units), sources[path], whole, callers)
    if not whole:
        blocks.append("Longer docstrings are cut here; the stubs hold them whole.")
    return "\n\n".join(blocks)


def calls_of(name: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(file, line) of the lines that call a function of this bare name, in file order; its own definition is none.

    Names that every class may have, such as `__init__`, are called by nobody.
    """
    if name.startswith("__"):
        return
    call = re.compile(rf"(?<!def )(?<!class )(?<![\w])(?:[\w]+\.)*{re.escape(name)}\(")
    for path, source in files.items():
        for line in source.decode("utf-8", "replace").splitlines():
            said = line.strip()
            if call.search(said) and len(said) <= MAX_WIDTH and not said.startswith(("#", ">>>", "@")):
                yield path, said


def _told(owner: str, units: list[Unit], source: bytes, whole: bool, callers: Mapping[str, bytes]) -> Iterator[str]:
    """The functions of one class, or those of none each by itself; those that say nothing with lines that call them."""
    shown = ["\n".join(_signed(source, function, whole) for function in unit.functions) for unit in units]
    if owner:
        shown = [f"class {owner}:\n" + textwrap.indent("\n\n".join(shown), "    ")]
    yield from (_block(text) for text in shown)
    silent = (unit for unit in units if not any(function.docstring for function in unit.functions))
    names = [unit.functions[0].name for unit in silent]
    lines = (list(dict.fromkeys(line for _, line in calls_of(name, callers)))[:MAX_CALLERS] for name in names)
    if used := list(dict.fromkeys(line for found in lines for line in found)):
        yield "Tests use it so:\n\n" + _block("\n".join(used))


def _block(text: str) -> str:
    return f"```python\n{text}\n```"


def _signed(source: bytes, function: Function, whole: bool) -> str:
    """Signature and docstring."""
    docstring = _docstring(source, function)
    docstring = docstring if whole else _first_paragraph(docstring)
    return textwrap.dedent(header(source, function)) + ("\n" + textwrap.indent(docstring, "    ") if docstring else "")


def _docstring(source: bytes, function: Function) -> str:
    """As it stands, quotes included, without its indentation."""
    if function.docstring is None:
        return ""
    start = source.rfind(b"\n", 0, function.docstring.start) + 1
    return textwrap.dedent(source[start : function.docstring.end].decode("utf-8", "replace"))


def _first_paragraph(docstring: str) -> str:
    first, parted, _ = docstring.partition("\n\n")
    quotes = re.match(r'[A-Za-z]*("""|\'\'\'|"|\')', docstring)
    return first + (quotes[1] if quotes else "") if parted else docstring
