"""What the operators must know about a language. Each language is a subclass; the operators themselves know none.

All spans are byte offsets into the source, half open; all lines count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, NamedTuple

from tree_sitter import Language, Node

from journeyman.tasks.sources.functions import Span, text
from journeyman.tasks.sources.operators.mutation import Change


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method with a name and a body."""

    name: str
    qualname: str
    """Dotted, outermost first: "Type.method", "outer.inner", "module.function". A second of one name gets "#2"."""
    span: Span
    """The whole definition, with its attributes or decorators, `export` and `const name =`; no comments before it."""
    body: Span
    """With its braces, where it has any."""
    doc: Span | None
    """The comments that stand right before it."""
    first_line: int
    last_line: int
    is_test: bool
    """It is a test, or stands in a test's file, module or block."""
    node: Node = field(repr=False, compare=False)
    """The function's own node, whose `body` field is the body."""

    @property
    def lines(self) -> int:
        return self.last_line - self.first_line + 1


class Opened(NamedTuple):
    """What a node opens for the nodes below it."""

    names: tuple[str, ...] = ()
    """What is put before the names of functions below it; of a function, its own name comes last."""
    whole: Node | None = None
    """Of a function: the node of the whole definition."""
    is_test: bool = False


class Binding(NamedTuple):
    """A local name, known from byte `since` up to `until`."""

    name: str
    type: str
    """As it is written, or "" if it can't be told."""
    since: int
    until: int
    is_parameter: bool = False


class Use(NamedTuple):
    """One place at which a name's value is used."""

    name: str
    byte: int
    node: Node


@dataclass(frozen=True)
class Scope:
    """What an operator may know about the function in which a node stands."""

    grammar: Grammar
    source: bytes
    function: Function
    root: Node

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        return tuple(sorted(self.grammar.bindings(self), key=lambda binding: binding.since))

    @cached_property
    def facts(self) -> Mapping[str, str]:
        """Types that the file declares: "name()" of a result, "name(0)" of a parameter, "Type.field" of a field."""
        return self.grammar.facts(self.root)

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Where names are read or called, in source order."""
        nodes = [node for node in every(self.function.node) if self.grammar.is_use(node)]
        return tuple(Use(text(node), node.start_byte, node) for node in nodes)

    @cached_property
    def _by_name(self) -> Mapping[str, list[Binding]]:
        found: dict[str, list[Binding]] = {}
        for binding in self.bindings:
            found.setdefault(binding.name, []).append(binding)
        return found

    def find(self, name: str, byte: int) -> Binding | None:
        """The binding that a name has at a byte: the last one that is open there."""
        found = [b for b in self._by_name.get(name, ()) if b.since <= byte < b.until]
        return found[-1] if found else None

    def names_at(self, byte: int) -> tuple[str, ...]:
        """Names that are surely bound at a byte, the nearest last."""
        return tuple(dict.fromkeys(b.name for b in self.bindings if b.since <= byte < b.until and b.name != "_"))

    def type_of(self, node: Node) -> str:
        return self.grammar.type_of(node, self)

    def may_miss(self, condition: Node) -> bool:
        return self.grammar.may_miss(condition)


class Grammar:
    """A language's node types by their roles, its signs and methods, and the few things that need code."""

    name: ClassVar[str]
    nested: ClassVar[frozenset[str]]
    """Nodes that may be functions with names of their own."""
    protected: ClassVar[frozenset[str]]
    """Nodes that hold no behaviour: types, imports, comments, macros, what is thrown."""
    blocks: ClassVar[frozenset[str]]
    """Nodes at whose end the names declared in them end."""
    statement_lists: ClassVar[frozenset[str]]
    """Nodes whose children are statements one after the other."""
    calls: ClassVar[frozenset[str]] = frozenset({"call_expression"})
    members: ClassVar[Mapping[str, tuple[str, str]]]
    """`object.name`: the node's type, and its two fields."""
    subscripts: ClassVar[frozenset[str]]
    ifs: ClassVar[frozenset[str]]
    loops: ClassVar[frozenset[str]]
    switches: ClassVar[frozenset[str]]
    cases: ClassVar[frozenset[str]]
    returns: ClassVar[frozenset[str]]
    exits: ClassVar[frozenset[str]]
    """What leaves a block early."""
    assignments: ClassVar[frozenset[str]]
    integers: ClassVar[frozenset[str]]
    floats: ClassVar[frozenset[str]]
    strings: ClassVar[frozenset[str]]
    comments: ClassVar[frozenset[str]] = frozenset({"comment"})
    attributes: ClassVar[frozenset[str]] = frozenset()
    """What may stand between a comment and the definition that both belong to."""
    comparisons: ClassVar[Mapping[str, tuple[str, ...]]]
    arithmetic: ClassVar[Mapping[str, tuple[str, ...]]]
    methods: ClassVar[Mapping[str, tuple[str, ...]]]
    quiet: ClassVar[re.Pattern[str]]
    """Functions whose arguments are words for people: errors, logs, assertions."""
    own: ClassVar[str] = "self"
    """How a method calls its object."""
    nothing: ClassVar[str]
    """What is returned by who returns nothing."""
    titled: ClassVar[bool] = False
    """Tests are calls with titles, not functions with names."""
    typed: ClassVar[bool] = True
    """One name may stand for another, and arguments be swapped, only where their types are known to agree."""

    def language(self, path: str) -> Language:
        raise NotImplementedError

    def is_test_file(self, path: str) -> bool:
        raise NotImplementedError

    def opened(self, node: Node, in_function: bool) -> Opened | None:
        """What a node opens: a function, or names for what is below it."""
        raise NotImplementedError

    def bindings(self, scope: Scope) -> Iterator[Binding]:
        raise NotImplementedError

    def facts(self, root: Node) -> dict[str, str]:
        return {}

    def type_of(self, node: Node, scope: Scope) -> str:
        raise NotImplementedError

    def is_read(self, node: Node) -> bool:
        """An identifier whose value is used: no target, no called function, no name of a field."""
        raise NotImplementedError

    def is_use(self, node: Node) -> bool:
        """An identifier that is read, or called."""
        parent = node.parent
        called = parent is not None and parent.type in self.calls
        return node.type == "identifier" and (called or self.is_read(node))

    def may_stand_for(self, own: str, other: str) -> bool:
        """Whether a value of type `other` can be used for one of type `own`."""
        return own == other != ""

    def defaults(self, node: Node) -> Iterator[Node]:
        """The values that a function's parameters have when nothing is given."""
        return iter(())

    def returned(self, node: Node) -> Node | None:
        """The value that a node hands back from its function, if it does."""
        return node.named_children[0] if node.type in self.returns and node.named_child_count == 1 else None

    def empty_results(self, value: Node, scope: Scope) -> Iterator[Change]:
        """The return value forgotten: what this language has in its place."""
        raise NotImplementedError

    def may_miss(self, condition: Node) -> bool:
        """Whether the code still compiles without a condition, or with its contrary."""
        return condition.type not in self.protected

    def may_be_another(self, content: str) -> bool:
        """Whether a string constant may become any other."""
        return True

    def is_sound(self, change: Change, scope: Scope) -> bool:
        """A last look at a change: what a compiler would refuse and can be told here."""
        return True

    def needs_value(self, node: Node, scope: Scope) -> bool:
        """Whether a branching statement gives its block's or function's value, so that no branch may be missing."""
        return False


def pairs_of(*pairs: str) -> dict[str, tuple[str, ...]]:
    """Names that are taken for each other: each line names those that may stand in each other's place."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        names = pair.split()
        for name in names:
            found[name] = (*found.get(name, ()), *(other for other in names if other != name))
    return found


def every(node: Node, closed: Iterable[str] = ()) -> Iterator[Node]:
    """A node and all below it, in source order; nodes of the types `closed` are named but not entered."""
    shut = frozenset(closed)
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        if here is node or here.type not in shut:
            waiting.extend(reversed(here.children))


def part(node: Node, name: str) -> Node:
    """A field that the grammar promises (or the node itself, where there is none)."""
    return node.child_by_field_name(name) or node


def ancestor(node: Node, types: frozenset[str]) -> Node | None:
    """The nearest node around this one that is of one of the types."""
    here = node.parent
    while here is not None and here.type not in types:
        here = here.parent
    return here


def words(node: Node) -> str:
    """A node's text on one line."""
    return " ".join(text(node).split())
