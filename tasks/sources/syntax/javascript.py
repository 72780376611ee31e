"""JavaScript. TypeScript builds on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import Binding, Grammar, Opened, Scope, ancestor, every, pairs_of, part

_JAVASCRIPT = Language(tree_sitter_javascript.language())
_TYPESCRIPT = Language(tree_sitter_typescript.language_typescript())
_TSX = Language(tree_sitter_typescript.language_tsx())
LANGUAGES = {
    ".js": _JAVASCRIPT, ".jsx": _JAVASCRIPT, ".mjs": _JAVASCRIPT, ".cjs": _JAVASCRIPT,
    ".ts": _TYPESCRIPT, ".mts": _TYPESCRIPT, ".cts": _TYPESCRIPT, ".tsx": _TSX,
}  # fmt: skip

TEST_CALLS = frozenset({"describe", "context", "suite", "it", "test", "specify", "bench"})
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "__mocks__", "bench", "benchmark"})
_TEST_FILE = re.compile(r"(.*[._-])?(test|tests|spec|bench)\.[cm]?[jt]sx?|test-.*")
_FUNCTIONS = frozenset(
    {"function_declaration", "generator_function_declaration", "function_expression", "generator_function"}
    | {"arrow_function", "method_definition"}
)
_CLASSES = frozenset({"class_declaration", "class", "abstract_class_declaration", "internal_module", "module"})
_STATEMENTS = frozenset({"lexical_declaration", "variable_declaration", "expression_statement"})
_NAMES = frozenset({"identifier", "shorthand_property_identifier_pattern"})
_UNDECLARED = frozenset({"object_assignment_pattern", "assignment_pattern", "required_parameter", "optional_parameter"})


class JavaScript(Grammar):
    name: ClassVar = "javascript"
    nested: ClassVar = _FUNCTIONS
    protected: ClassVar = frozenset({
        "import_statement", "comment", "throw_statement", "type_annotation", "type_arguments", "type_parameters",
        "type_alias_declaration", "interface_declaration", "enum_declaration", "ambient_declaration", "decorator",
        "type_predicate_annotation", "asserts_annotation", "debugger_statement", "html_comment", "export_specifier",
        "class_declaration", "class", "abstract_class_declaration", "jsx_attribute", "jsx_text",
    })  # fmt: skip
    blocks: ClassVar = frozenset(
        {"statement_block", "for_statement", "for_in_statement", "switch_body", "catch_clause", "program"} | _FUNCTIONS
    )
    statement_lists: ClassVar = frozenset({"statement_block", "switch_case", "switch_default", "program"})
    members: ClassVar = {"member_expression": ("object", "property")}
    subscripts: ClassVar = frozenset({"subscript_expression"})
    ifs: ClassVar = frozenset({"if_statement"})
    loops: ClassVar = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
    switches: ClassVar = frozenset({"switch_statement"})
    cases: ClassVar = frozenset({"switch_case"})
    returns: ClassVar = frozenset({"return_statement"})
    exits: ClassVar = frozenset({"return_statement", "continue_statement", "break_statement", "throw_statement"})
    assignments: ClassVar = frozenset({
        "assignment_expression", "augmented_assignment_expression", "update_expression", "call_expression",
    })  # fmt: skip
    integers: ClassVar = frozenset({"number"})
    floats: ClassVar = frozenset({"number"})
    strings: ClassVar = frozenset({"string", "regex"})
    comparisons: ClassVar = {
        "<": ("<=", ">"), "<=": ("<",), ">": (">=", "<"), ">=": (">",),
        "==": ("!=",), "!=": ("==",), "===": ("!==",), "!==": ("===",),
    }  # fmt: skip
    arithmetic: ClassVar = {
        "+": ("-",), "-": ("+",), "*": ("/", "+"), "/": ("*",), "%": ("/",), "**": ("*",),
        "&": ("|",), "|": ("&",), "^": ("&",), "<<": (">>",), ">>": ("<<", ">>>"), ">>>": (">>",),
        "+=": ("-=",), "-=": ("+=",), "*=": ("+=",), "/=": ("*=",), "|=": ("&=",), "&=": ("|=",),
    }  # fmt: skip
    methods: ClassVar = pairs_of(
        "push unshift", "pop shift", "indexOf lastIndexOf", "startsWith endsWith", "trim trimStart trimEnd",
        "toLowerCase toUpperCase", "some every", "find filter", "min max", "floor ceil round", "padStart padEnd",
        "findIndex findLastIndex", "keys values", "keys entries", "add delete", "replace replaceAll",
        "reduce reduceRight", "slice splice", "slice substr", "charAt charCodeAt", "getMonth getDay", "getDate getDay",
        "getHours getUTCHours", "parseInt parseFloat", "encodeURI encodeURIComponent", "map forEach",
        "includes startsWith", "match test", "isNaN isFinite", "getMinutes getSeconds", "test exec",
    )  # fmt: skip
    quiet: ClassVar = re.compile(
        r"require(\.\w+)*|import|console\.\w+|debug|(\w+\.)*assert(\.\w+)*|process\.emitWarning|(\w+\.)*\w*Error"
        r"|(\w+\.)*log(ger)?(\.\w+)*|warn(ing)?|(\w+\.)*deprecate|invariant|super|fail"
    )
    own: ClassVar = "this"
    nothing: ClassVar = "undefined"
    typed: ClassVar = False
    titled: ClassVar = True

    def language(self, path: str) -> Language:
        return LANGUAGES[PurePosixPath(path).suffix]

    def is_test_file(self, path: str) -> bool:
        place = PurePosixPath(path)
        return bool(_TEST_FOLDERS & set(place.parts[:-1]) or _TEST_FILE.fullmatch(place.name))

    def opened(self, node: Node, in_function: bool) -> Opened | None:
        if node.type in _FUNCTIONS:
            return _named(node, in_function)
        if node.type in _CLASSES:
            return Opened((text(part(node, "name")),)) if node.child_by_field_name("name") else None
        if node.type == "variable_declarator" and part(node, "value").type in {"object", "class"}:
            # `const utils = { parse() {} }`; a class that has a name of its own goes by that.
            value = part(node, "value")
            return None if value.child_by_field_name("name") else Opened((text(part(node, "name")),))
        if node.type == "call_expression" and is_test_call(node):
            return Opened(is_test=True)
        return None

    def bindings(self, scope: Scope) -> Iterator[Binding]:
        own = scope.function.node
        for node in every(own, self.nested):
            if node.type in self.nested:
                yield from self._parameters(node, inner=node is not own)
            elif node.type == "variable_declarator":
                block = ancestor(node, self.blocks)
                kind = annotated(node) or scope_free_type(part(node, "value"))
                for name in _pattern(part(node, "name")):
                    yield Binding(name, kind, node.end_byte, block.end_byte if block else own.end_byte)
            elif node.type == "for_in_statement" and node.child_by_field_name("kind"):
                for name in _pattern(part(node, "left")):
                    yield Binding(name, "", part(node, "body").start_byte, node.end_byte)
            elif node.type == "catch_clause" and (caught := node.child_by_field_name("parameter")):
                for name in _pattern(caught):
                    yield Binding(name, "error", part(node, "body").start_byte, node.end_byte)

    def _parameters(self, node: Node, *, inner: bool) -> Iterator[Binding]:
        body = part(node, "body")
        holder = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        if holder is None or (inner and self.opened(node, True) is not None):
            return
        for parameter in [holder] if holder.type == "identifier" else holder.named_children:
            for name in _pattern(parameter):
                yield Binding(name, annotated(parameter), body.start_byte, body.end_byte, True)

    def defaults(self, node: Node) -> Iterator[Node]:
        for pattern in every(part(node, "parameters"), ("arrow_function", "function_expression")):
            field = "right" if pattern.type in {"assignment_pattern", "object_assignment_pattern"} else "value"
            if pattern.type in _UNDECLARED and (value := pattern.child_by_field_name(field)):
                yield value

    def type_of(self, node: Node, scope: Scope) -> str:
        if node.type == "identifier":
            found = scope.find(text(node), node.start_byte)
            return found.type if found else ""
        if node.type == "binary_expression" and text(part(node, "operator")) == "+":
            sides = {self.type_of(part(node, "left"), scope), self.type_of(part(node, "right"), scope)}
            return "string" if "string" in sides else ""
        if node.type == "parenthesized_expression" and node.named_children:
            return self.type_of(node.named_children[0], scope)
        return scope_free_type(node)

    def may_stand_for(self, own: str, other: str) -> bool:
        return own == other or not own or not other

    def is_read(self, node: Node) -> bool:
        parent = node.parent
        if node.type != "identifier" or parent is None or parent.type.endswith("pattern"):
            return False
        for kind, role in (
            ("variable_declarator", "name"), ("assignment_expression", "left"),
            ("augmented_assignment_expression", "left"), ("update_expression", "argument"),
            ("for_in_statement", "left"),
            ("call_expression", "function"), ("new_expression", "constructor"), ("catch_clause", "parameter"),
            ("arrow_function", "parameter"), ("function_expression", "name"), ("class", "name"),
        ):  # fmt: skip
            if parent.type == kind and parent.child_by_field_name(role) == node:
                return False
        if parent.type in {"formal_parameters", "required_parameter", "optional_parameter"}:
            return False
        return not parent.type.startswith("jsx_") or parent.type == "jsx_expression"

    def empty_results(self, value: Node, scope: Scope) -> Iterator[Change]:
        if value.type in {"identifier", "member_expression", "subscript_expression", "call_expression"}:
            yield Change(value.start_byte, value.end_byte, self.nothing)

    def is_sound(self, change: Change, scope: Scope) -> bool:
        # `a ?? b || c` is an error unless it has parentheses, which the tree does not tell.
        return "??" not in change.text or "||" not in change.text


def is_test_call(node: Node) -> bool:
    """`describe("…", …)`, `it.only("…", …)`, `t.test("…", …)`: a call whose first argument is a title."""
    callee = part(node, "function")
    while callee.type == "member_expression":
        if text(part(callee, "property")) in TEST_CALLS:
            break
        callee = part(callee, "object")
    named = text(part(callee, "property") if callee.type == "member_expression" else callee)
    # `pattern.test(value)` is no test: a test has a title and a function.
    given = part(node, "arguments").named_children
    has_body = any(argument.type in _FUNCTIONS for argument in given[1:])
    return named in TEST_CALLS and bool(given) and given[0].type in {"string", "template_string"} and has_body


def annotated(node: Node, field: str = "type") -> str:
    """The type that is written behind a name, or ""."""
    annotation = node.child_by_field_name(field)
    return text(annotation).removeprefix(":").strip() if annotation else ""


def scope_free_type(node: Node) -> str:
    """The type of a value that says it itself."""
    if node.type in {"string", "template_string"}:
        return "string"
    if node.type in {"true", "false"} or (node.type == "unary_expression" and text(node).startswith("!")):
        return "boolean"
    return {"number": "number", "arrow_function": "function", "array": "array"}.get(node.type, "")


def _named(node: Node, in_function: bool) -> Opened | None:
    """A function that has a name of its own or is given one where it stands; another belongs to its surroundings."""
    if node.type.endswith("_declaration") or node.type == "method_definition":
        name = node.child_by_field_name("name")
        return None if name is None else Opened((text(name),), _exported(node))
    inner: Node = node
    holder = inner.parent
    while holder is not None and not in_function and holder.type in {"arguments", "call_expression"}:
        if holder.type == "call_expression" and is_test_call(holder):
            return None
        # At the top of a module `const f = memoize((x) => …)` is a function as good as any.
        inner = holder
        holder = inner.parent
    if holder is None:
        return None
    if holder.type == "variable_declarator" and holder.child_by_field_name("value") == inner:
        return Opened((text(part(holder, "name")),), _statement(holder))
    if holder.type == "assignment_expression" and holder.child_by_field_name("right") == inner:
        return Opened(_path(text(part(holder, "left"))), _statement(holder))
    if holder.type in {"pair", "field_definition", "public_field_definition"}:
        key = holder.child_by_field_name("key") or holder.child_by_field_name("property") or part(holder, "name")
        return Opened((text(key).strip("'\""),), holder)
    if holder.type == "export_statement":
        name = node.child_by_field_name("name")
        return Opened((text(name) if name else "default",), holder)
    return None


def _path(target: str) -> tuple[str, ...]:
    """`Shelf.prototype.add` is Shelf's `add`; where a module keeps its functions is no part of their names."""
    names = [name for name in re.split(r"[^\w$#]+", target) if name]
    kept = [name for name in names if name not in {"module", "exports", "prototype", "this", "window", "self"}]
    return tuple(kept) or ("exports",)


def _statement(node: Node) -> Node:
    """The whole statement of a declarator or assignment, if it holds nothing else."""
    parent = node.parent
    alone = parent is not None and parent.type in _STATEMENTS and parent.named_child_count == 1
    return _exported(parent) if parent is not None and alone else node


def _exported(node: Node) -> Node:
    return node.parent if node.parent is not None and node.parent.type == "export_statement" else node


def _pattern(node: Node) -> Iterator[str]:
    """The names that a pattern binds."""
    if node.type in _NAMES:
        yield text(node)
    elif node.type in _UNDECLARED:
        yield from _pattern(node.child_by_field_name("left") or node.child_by_field_name("pattern") or node.children[0])
    elif node.type == "pair_pattern":
        yield from _pattern(part(node, "value"))
    elif node.type in {"object_pattern", "array_pattern", "rest_pattern"}:
        for child in node.named_children:
            yield from _pattern(child)
