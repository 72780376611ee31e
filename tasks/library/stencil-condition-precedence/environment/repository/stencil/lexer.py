"""Expression text → tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stencil.errors import TemplateError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?)
      | (?P<text>'[^']*')
      | (?P<name>[A-Za-z_]\w*(?:\.\w+)*)
      | (?P<symbol>==|!=|<=|>=|<|>|\||\(|\))
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "true", "false", "none"}


@dataclass(frozen=True)
class Token:
    kind: str
    """"number", "text", "name", "symbol", "word" or "end"."""
    text: str


def tokenize(source: str) -> list[Token]:
    """Split an expression; the last token is always "end".

    Raises:
        TemplateError: a character that begins no token.
    """
    tokens: list[Token] = []
    source = source.rstrip()
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise TemplateError(f"cannot read {source[position:].lstrip()!r} in {source.strip()!r}")
        kind, text = str(match.lastgroup), match.group(str(match.lastgroup))
        tokens.append(Token("word" if text in _WORDS else kind, text))
        position = match.end()
    return [*tokens, Token("end", "")]
