"""Rust. Macros hold only tokens, so nothing in them is changed; types are kept wherever they can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

import tree_sitter_rust
from tree_sitter import Language, Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import (
    ARITHMETIC,
    COMPARISONS,
    Binding,
    Grammar,
    Opened,
    Scope,
    ancestor,
    every,
    pairs_of,
    part,
    words,
)

_RUST = Language(tree_sitter_rust.language())
_TEST_FOLDERS = frozenset({"tests", "benches", "examples", "fuzz"})
_TEST = re.compile(r"#\[\s*(cfg\(\s*(all\(\s*)?test\b|(\w+::)*(test|bench|rstest|proptest|quickcheck)\b)")
_NUMBERS = frozenset(
    {"u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"}
)
_COPIED = _NUMBERS | {"bool", "char"}
_CALLS = {
    "len": "usize", "count": "usize", "is_empty": "bool", "contains": "bool", "starts_with": "bool", "as_str": "&str",
    "ends_with": "bool", "to_string": "String", "to_owned": "", "trim": "&str", "chars": "", "as_bytes": "&[u8]",
    "is_some": "bool", "is_none": "bool", "is_ok": "bool", "is_err": "bool", "len_utf8": "usize",
}  # fmt: skip


class Rust(Grammar):
    name: ClassVar = "rust"
    nested: ClassVar = frozenset({"function_item"})
    protected: ClassVar = frozenset({
        "use_declaration", "extern_crate_declaration", "line_comment", "block_comment", "attribute_item",
        "inner_attribute_item", "macro_invocation", "macro_definition", "type_item", "struct_item", "enum_item",
        "union_item", "trait_item", "impl_item", "mod_item", "type_arguments", "type_parameters", "where_clause",
        "type_identifier", "scoped_type_identifier", "primitive_type", "reference_type", "generic_type", "array_type",
        "tuple_type", "pointer_type", "function_type", "abstract_type", "dynamic_type", "bounded_type", "lifetime",
        "visibility_modifier", "const_item", "static_item", "foreign_mod_item", "let_condition", "let_chain",
        "qualified_type", "label",
    })  # fmt: skip
    blocks: ClassVar = frozenset(
        {"block", "for_expression", "match_arm", "closure_expression", "if_expression", "while_expression"}
        | {"function_item"}
    )
    statement_lists: ClassVar = frozenset({"block"})
    members: ClassVar = {"field_expression": ("value", "field")}
    subscripts: ClassVar = frozenset({"index_expression"})
    ifs: ClassVar = frozenset({"if_expression"})
    loops: ClassVar = frozenset({"for_expression", "while_expression", "loop_expression"})
    switches: ClassVar = frozenset()
    cases: ClassVar = frozenset({"match_arm"})
    returns: ClassVar = frozenset({"return_expression"})
    exits: ClassVar = frozenset({"return_expression", "continue_expression", "break_expression"})
    assignments: ClassVar = frozenset({"call_expression", "assignment_expression", "compound_assignment_expr"})
    integers: ClassVar = frozenset({"integer_literal"})
    floats: ClassVar = frozenset({"float_literal"})
    strings: ClassVar = frozenset({"string_literal", "char_literal"})
    comments: ClassVar = frozenset({"line_comment", "block_comment"})
    attributes: ClassVar = frozenset({"attribute_item"})
    comparisons: ClassVar = COMPARISONS
    arithmetic: ClassVar = ARITHMETIC
    methods: ClassVar = pairs_of(
        "trim trim_start trim_end", "starts_with ends_with", "find rfind", "split_once rsplit_once", "min max",
        "is_some is_none", "is_ok is_err", "first last", "to_uppercase to_lowercase", "position rposition",
        "to_ascii_uppercase to_ascii_lowercase", "is_uppercase is_lowercase", "strip_prefix strip_suffix",
        "is_ascii_uppercase is_ascii_lowercase", "is_ascii_digit is_ascii_hexdigit", "is_alphabetic is_alphanumeric",
        "is_ascii_alphabetic is_ascii_alphanumeric", "is_numeric is_alphanumeric", "any all", "floor ceil round",
        "push_back push_front", "pop_back pop_front", "front back", "take skip", "take_while skip_while",
        "wrapping_add wrapping_sub", "saturating_add saturating_sub", "checked_add checked_sub",
        "leading_zeros trailing_zeros", "rotate_left rotate_right", "to_be_bytes to_le_bytes", "max_by min_by",
        "from_be_bytes from_le_bytes", "max_by_key min_by_key", "count_ones count_zeros", "first_mut last_mut",
        "trim_start_matches trim_end_matches", "splitn rsplitn", "is_lt is_le", "is_gt is_ge", "split_first split_last",
        "wrapping_shl wrapping_shr", "overflowing_add overflowing_sub", "lower upper", "start end",
    )  # fmt: skip
    quiet: ClassVar = re.compile(
        r".*\.(expect|expect_err|context|with_context)|(\w+::)*(Err|\w*Error(::\w+)*)|log::\w+|.*\bpanic\w*"
    )
    nothing: ClassVar = "None"

    def language(self, path: str) -> Language:
        return _RUST

    def is_test_file(self, path: str) -> bool:
        place = PurePosixPath(path)
        stem = place.stem in {"tests", "test", "build"} or place.stem.endswith(("_test", "_tests"))
        return stem or bool(_TEST_FOLDERS & set(place.parts[:-1]))

    def opened(self, node: Node, in_function: bool) -> Opened | None:
        if node.type == "function_item":
            return Opened((text(part(node, "name")),), node, _is_test(node))
        if node.type in {"mod_item", "trait_item"}:
            return Opened((text(part(node, "name")),), None, _is_test(node))
        if node.type == "impl_item":
            kind = next(
                n for n in every(part(node, "type")) if n.type != "scoped_type_identifier" and n.child_count == 0
            )
            named = [n for n in every(part(node, "type")) if n.type in {"type_identifier", "primitive_type"}]
            return Opened((text(named[0] if named else kind),), None, _is_test(node))
        return None

    def bindings(self, scope: Scope) -> Iterator[Binding]:
        known: list[Binding] = []
        for node in every(scope.function.node):
            known.extend(self._bound(node, scope, known))
        yield from known

    def _bound(self, node: Node, scope: Scope, known: list[Binding]) -> Iterator[Binding]:
        block = ancestor(node, self.blocks)
        if block is None:
            return
        end = block.end_byte
        if node.type in {"parameter", "closure_parameters"} and (body := block.child_by_field_name("body")):
            kind = _plain(words(part(node, "type"))) if node.type == "parameter" else ""
            pattern = part(node, "pattern") if node.type == "parameter" else node
            yield from (Binding(n, k, body.start_byte, body.end_byte, True) for n, k in _pattern(pattern, kind))
        elif node.type == "let_declaration":
            kind = _plain(words(part(node, "type"))) if node.child_by_field_name("type") else ""
            value = node.child_by_field_name("value")
            told = kind or (_kind(value, scope, known) if value else "")
            # Declared here, given a value later: it can't be read before, and where that is isn't told.
            yield from (
                Binding(n, k, node.end_byte, end) for n, k in _pattern(part(node, "pattern"), told if value else "")
            )
        elif node.type == "for_expression":
            body = part(node, "body")
            kind = _ranged(part(node, "value"), scope, known)
            yield from (Binding(n, k, body.start_byte, body.end_byte) for n, k in _pattern(part(node, "pattern"), kind))
        elif node.type in {"match_pattern", "let_condition"}:
            pattern = part(node, "pattern") if node.type == "let_condition" else node
            yield from (Binding(n, "", node.start_byte, end) for n, _ in _pattern(pattern, ""))

    def facts(self, root: Node) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in every(root, ("block",)):
            if node.type in {"function_item", "function_signature_item"}:
                _declared(node, found)
            elif node.type == "struct_item":
                for field in every(node):
                    if field.type == "field_declaration":
                        found[f"{text(part(node, 'name'))}.{text(part(field, 'name'))}"] = words(part(field, "type"))
        return found

    def type_of(self, node: Node, scope: Scope) -> str:
        return _kind(node, scope, scope.bindings)

    def may_stand_for(self, own: str, other: str) -> bool:
        # Anything else is moved by its use, or borrowed for writing.
        copied = own in _COPIED or (own.startswith("&") and not own.startswith("&mut"))
        return own == other and copied and "'" not in own

    def is_read(self, node: Node) -> bool:
        parent = node.parent
        if node.type != "identifier" or parent is None:
            return False
        for kind, role in (
            ("let_declaration", "pattern"), ("assignment_expression", "left"), ("compound_assignment_expr", "left"),
            ("call_expression", "function"), ("for_expression", "pattern"), ("parameter", "pattern"),
            ("reference_expression", "value"), ("closure_parameters", ""), ("scoped_identifier", ""),
            ("shorthand_field_initializer", ""), ("match_pattern", ""), ("let_condition", "pattern"),
        ):  # fmt: skip
            if parent.type == kind and (not role or parent.child_by_field_name(role) == node):
                return False
        return not parent.type.endswith("pattern")

    def empty_results(self, value: Node, scope: Scope) -> Iterator[Change]:
        result = scope.function.node.child_by_field_name("return_type")
        if result is None or ancestor(value, frozenset({"closure_expression", "async_block"})):
            return
        kind = words(result)
        other = "None" if kind.startswith("Option<") else "0" if kind in _NUMBERS - {"f32", "f64"} else ""
        other = {"String": "String::new()", "&str": '""', "f32": "0.0", "f64": "0.0", "bool": "false"}.get(kind, other)
        if other and text(value) not in {other, "true"}:
            yield Change(value.start_byte, value.end_byte, other)

    def returned(self, node: Node) -> Node | None:
        if node.type == "block" and node.parent is not None and node.parent.type == "function_item":
            last = node.named_children[-1:]
            statement = not last or last[0].type in {"expression_statement", "let_declaration"} | self.protected
            return None if statement else last[0]
        return super().returned(node)

    def is_sound(self, change: Change, scope: Scope) -> bool:
        # A let must be irrefutable or have an else; what is bound in it can't be missed where it is used.
        lost = scope.source[change.start : change.end]
        return b"let " not in lost or change.text != "" or b"\n" in lost

    def needs_value(self, node: Node, scope: Scope) -> bool:
        """Whether the value of an `if` is used: it is no statement, or it ends a block without a semicolon."""
        here = node
        while here.parent is not None and here.parent.type == "else_clause":
            here = here.parent.parent or here
        statement = here.parent
        if statement is None or statement.type != "expression_statement":
            return True
        branch = part(here, "consequence")
        last = [child for child in branch.named_children if child.type not in self.comments][-1:]
        # A branch that ends in a statement with a semicolon has no value; so has an empty one.
        return bool(last) and not (text(last[0]).endswith(";") or last[0].type == "let_declaration")


def _is_test(node: Node) -> bool:
    """Whether an attribute right before an item makes it test code."""
    before = node.prev_named_sibling
    while before is not None and before.type in {"attribute_item", "line_comment", "block_comment"}:
        if _TEST.match(text(before)):
            return True
        before = before.prev_named_sibling
    return False


def _plain(kind: str) -> str:
    return re.sub(r"&'\w+ ", "&", kind)


def _pattern(node: Node, kind: str) -> Iterator[tuple[str, str]]:
    """The names that a pattern binds; only a plain one has the type of the whole."""
    if node.type == "identifier":
        yield text(node), kind
        return
    kinds = [one.strip() for one in kind[1:-1].split(",")] if kind.startswith("(") else []
    inner = [child for child in node.named_children if child.type not in {"mutable_specifier"}]
    if node.type in {"mut_pattern", "ref_pattern"} or len(inner) == 1 == node.named_child_count:
        kinds = [kind if node.type == "mut_pattern" else ""]
    for index, child in enumerate(inner):
        if child.type in {"identifier", "shorthand_field_identifier"} or child.named_child_count:
            told = kinds[index] if index < len(kinds) and len(kinds) == len(inner) else ""
            yield from [(text(child), told)] if not child.named_child_count else _pattern(child, told)


def _kind(node: Node, scope: Scope, known: list[Binding] | tuple[Binding, ...]) -> str:
    if node.type == "identifier":
        found = [b for b in known if b.name == text(node) and b.since <= node.start_byte < b.until]
        return max(found, key=lambda b: b.since).type if found else ""
    if node.type in {"integer_literal", "float_literal"}:
        return next((kind for kind in _NUMBERS if text(node).endswith(kind)), "")
    literals = {"string_literal": "&str", "boolean_literal": "bool", "char_literal": "char"}
    if node.type in literals:
        return literals[node.type]
    if node.type == "parenthesized_expression" and node.named_children:
        return _kind(node.named_children[0], scope, known)
    if node.type == "type_cast_expression":
        return words(part(node, "type"))
    if node.type == "unary_expression":
        inner = _kind(node.named_children[0], scope, known) if node.named_children else ""
        return inner.removeprefix("&") if text(node).startswith("*") else inner
    if node.type == "binary_expression":
        if text(part(node, "operator")) in {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}:
            return "bool"
        sides = [_kind(part(node, side), scope, known) for side in ("left", "right")]
        return sides[0] or (sides[1] if part(node, "left").type == "integer_literal" else "")
    if node.type == "field_expression":
        owner = scope.function.qualname.split(".")[-2:-1]
        own = text(part(node, "value")) == "self" and owner
        return scope.facts.get(f"{owner[0]}.{text(part(node, 'field'))}", "") if own else ""
    if node.type == "call_expression":
        called = part(node, "function")
        name = text(part(called, "field")) if called.type == "field_expression" else text(called).rpartition("::")[2]
        return _CALLS.get(name, "") or scope.facts.get(f"{name}()", "")
    return ""


def _ranged(value: Node, scope: Scope, known: list[Binding]) -> str:
    """The type of what a `for` goes through, where it is a range or an enumeration."""
    if value.type == "range_expression":
        return next((kind for end in value.named_children if (kind := _kind(end, scope, known))), "")
    if text(value).endswith(".enumerate()"):
        return "(usize, )"
    return "char" if text(value).endswith(".chars()") else ""


def _declared(node: Node, found: dict[str, str]) -> None:
    """Note a function's result and parameters; a name that two have with other types says nothing."""
    name = text(part(node, "name"))
    result = node.child_by_field_name("return_type")
    facts = {f"{name}()": words(result) if result else ""}
    parameters = [child for child in part(node, "parameters").named_children if child.type == "parameter"]
    for index, parameter in enumerate(parameters):
        facts[f"{name}({index})"] = words(part(parameter, "type"))
    for key, kind in facts.items():
        found[key] = kind if found.get(key, kind) == kind else ""
