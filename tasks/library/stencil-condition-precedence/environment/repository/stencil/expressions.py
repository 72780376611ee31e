"""Tokens → something that can be evaluated: a function of the variables.

    pipeline   = choice { "|" name }
    choice     = all { "or" all }
    all        = negation { "and" negation }
    negation   = "not" negation | comparison
    comparison = value [ ("==" | "!=" | "<" | "<=" | ">" | ">=") value ]
    value      = number | text | name | word | "(" pipeline ")"
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from stencil.errors import TemplateError
from stencil.filters import get_filter
from stencil.lexer import Token, tokenize

Evaluator = Callable[[Mapping[str, Any]], Any]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"true": True, "false": False, "none": None}


def parse_expression(source: str) -> Evaluator:
    """Compile an expression.

    Raises:
        TemplateError: it does not follow the grammar, or names an unknown filter.
    """
    parser = _Parser(tokenize(source), source.strip())
    evaluator = parser.pipeline()
    parser.expect("end")
    return evaluator


def look_up(path: str, variables: Mapping[str, Any]) -> Any:
    """Follow `user.name` through mappings and attributes; None as soon as something is missing."""
    value: Any = variables
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        else:
            value = None if part.startswith("_") else getattr(value, part, None)
    return value


class _Parser:
    def __init__(self, tokens: list[Token], source: str) -> None:
        self._tokens = tokens
        self._source = source
        self._position = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _take(self, *texts: str) -> str | None:
        """Step over the token when it is one of these symbols or words."""
        if self._token.kind in ("symbol", "word") and self._token.text in texts:
            return self._advance().text
        return None

    def _advance(self) -> Token:
        token = self._token
        self._position += 1
        return token

    def expect(self, what: str) -> Token:
        if what not in (self._token.kind, self._token.text):
            found = self._token.text or "the end"
            raise TemplateError(f"expected {what}, found {found} in {self._source!r}")
        return self._advance() if self._token.kind != "end" else self._token

    def pipeline(self) -> Evaluator:
        evaluator = self._choice()
        while self._take("|"):
            evaluator = _filtered(get_filter(self.expect("name").text), evaluator)
        return evaluator

    def _choice(self) -> Evaluator:
        evaluator = self._all()
        while self._take("or"):
            evaluator = _either(evaluator, self._all())
        return evaluator

    def _all(self) -> Evaluator:
        evaluator = self._negation()
        while self._take("and"):
            evaluator = _both(evaluator, self._negation())
        return evaluator

    def _negation(self) -> Evaluator:
        if self._take("not"):
            return _negated(self._all())
        return self._comparison()

    def _comparison(self) -> Evaluator:
        left = self._value()
        symbol = self._take(*_COMPARISONS)
        if symbol is None:
            return left
        return _compared(_COMPARISONS[symbol], left, self._value())

    def _value(self) -> Evaluator:
        if self._take("("):
            evaluator = self.pipeline()
            self.expect(")")
            return evaluator
        if self._token.kind == "number":
            text = self._advance().text
            return _constant(float(text) if "." in text else int(text))
        if self._token.kind == "text":
            return _constant(self._advance().text[1:-1])
        word = self._take(*_CONSTANTS)
        if word is not None:
            return _constant(_CONSTANTS[word])
        path = self.expect("name").text
        return lambda variables: look_up(path, variables)


def _constant(value: Any) -> Evaluator:
    return lambda variables: value


def _filtered(apply: Callable[[Any], Any], inner: Evaluator) -> Evaluator:
    return lambda variables: apply(inner(variables))


def _either(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda variables: left(variables) or right(variables)


def _both(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda variables: left(variables) and right(variables)


def _negated(inner: Evaluator) -> Evaluator:
    return lambda variables: not inner(variables)


def _compared(compare: Callable[[Any, Any], Any], left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda variables: compare(left(variables), right(variables))
