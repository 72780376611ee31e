"""What is said of stubbed functions: signature, docstring, and lines that call them. Never a line of their bodies."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from journeyman.tasks.sources.functions import Function, find_functions
from journeyman.tasks.sources.stubs import Unit, header

MAX_LINES = 80
"""Lines of docstrings in one contract: beyond that each is cut to its first paragraph, for the stub has the rest."""
MAX_CALLERS = 3
MAX_WIDTH = 110


def contract(units: Iterable[Unit], sources: Mapping[str, bytes], callers: Mapping[str, bytes]) -> str:
    """The contract of some functions, in Markdown.

    Args:
        sources: module → its text, pristine.
        callers: file that a policy may see whole → its text, such as the tests that are shown.
    """
    wanted = list(units)
    whole = sum(_docstring(sources[u.path], f).count("\n") for u in wanted for f in u.functions) <= MAX_LINES
    blocks: list[str] = []
    for path in dict.fromkeys(unit.path for unit in wanted):
        blocks.append(f"In `{path}`:")
        for unit in wanted:
            if unit.path == path:
                blocks += _told(unit, sources[path], whole, callers)
    if not whole:
        blocks.append("Longer docstrings are cut here; the stubs hold them whole.")
    return "\n\n".join(blocks)


def calls_of(name: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(file, line) of the lines that call a function of this bare name, in file order; its own definition is none."""
    call = re.compile(rf"(?<!def )(?<!class )(?<![\w])(?:[\w]+\.)*{re.escape(name)}\(")
    for path, source in files.items():
        for line in source.decode("utf-8", "replace").splitlines():
            said = line.strip()
            if call.search(said) and len(said) <= MAX_WIDTH and not said.startswith(("#", ">>>", "@")):
                yield path, said


def _told(unit: Unit, source: bytes, whole: bool, callers: Mapping[str, bytes]) -> Iterator[str]:
    shown: list[str] = []
    for function in unit.functions:
        lines = textwrap.dedent(header(source, function))
        docstring = _docstring(source, function)
        docstring = docstring if whole else _first_paragraph(docstring)
        shown.append(lines + ("\n" + textwrap.indent(docstring, "    ") if docstring else ""))
    owner = unit.qualname.rpartition(".")[0]
    yield (f"of `{owner}`:\n\n" if owner else "") + "```python\n" + "\n".join(shown) + "\n```"
    if not any(function.docstring for function in unit.functions):
        found = dict.fromkeys(line for _, line in calls_of(unit.functions[0].name, callers))
        if lines_used := list(found)[:MAX_CALLERS]:
            yield "It is used so:\n\n```python\n" + "\n".join(lines_used) + "\n```"


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


def without(source: bytes, functions: Iterable[str]) -> bytes:
    """A source without the functions of these qualified names: what else it holds may be quoted."""
    gone = set(functions)
    for function in sorted(find_functions(source), key=lambda f: f.span.start, reverse=True):
        if function.qualname in gone:
            source = source[: function.span.start] + source[function.span.end :]
    return source
