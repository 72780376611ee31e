"""Text with blocks → something that can be rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from stencil.errors import TemplateError
from stencil.expressions import Evaluator, parse_expression

Renderer = Callable[[Mapping[str, Any]], str]

_MARK = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_FOR = re.compile(r"for\s+([A-Za-z_]\w*)\s+in\s+(.+)", re.DOTALL)


class Template:
    """A compiled template; rendering does not change it.

    Raises:
        TemplateError: the text cannot be understood.
    """

    def __init__(self, source: str) -> None:
        self._pieces = _MARK.split(source)
        self._position = 0
        self._render, closed_by = self._block(closers=())
        assert closed_by is None

    def render(self, **variables: Any) -> str:
        return self._render(variables)

    def _block(self, closers: tuple[str, ...]) -> tuple[Renderer, str | None]:
        """Renderers up to one of the closing tags, and the tag that was met."""
        parts: list[Renderer] = []
        while self._position < len(self._pieces):
            piece = self._pieces[self._position]
            self._position += 1
            if piece.startswith("{{"):
                parts.append(_printing(parse_expression(piece[2:-2])))
            elif piece.startswith("{%"):
                tag = piece[2:-2].strip()
                if tag in closers:
                    return _joined(parts), tag
                parts.append(self._tag(tag))
            else:
                parts.append(_literal(piece))
        if closers:
            raise TemplateError(f"a block is not closed; expected {' or '.join(closers)}")
        return _joined(parts), None

    def _tag(self, tag: str) -> Renderer:
        word, _, rest = tag.partition(" ")
        if word == "if" and rest.strip():
            condition = parse_expression(rest)
            then, closed_by = self._block(("else", "end"))
            otherwise = self._block(("end",))[0] if closed_by == "else" else _literal("")
            return lambda variables: then(variables) if condition(variables) else otherwise(variables)
        loop = _FOR.fullmatch(tag)
        if loop:
            body, _ = self._block(("end",))
            return _repeated(loop[1], parse_expression(loop[2]), body)
        raise TemplateError(f"cannot understand {{% {tag} %}}")


def _literal(text: str) -> Renderer:
    return lambda variables: text


def _joined(parts: list[Renderer]) -> Renderer:
    return lambda variables: "".join(part(variables) for part in parts)


def _printing(expression: Evaluator) -> Renderer:
    def render(variables: Mapping[str, Any]) -> str:
        value = expression(variables)
        return "" if value is None else str(value)

    return render


def _repeated(name: str, items: Evaluator, body: Renderer) -> Renderer:
    def render(variables: Mapping[str, Any]) -> str:
        return "".join(body({**variables, name: item}) for item in items(variables) or ())

    return render
