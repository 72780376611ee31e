"""Go. Its compiler refuses unused variables and imports, and vet runs with the tests: both are looked out for here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

import tree_sitter_go
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

_GO = Language(tree_sitter_go.language())
_TEST = re.compile(r"(Test|Benchmark|Fuzz|Example)(?![a-z])\w*")
_FUNCTIONS = frozenset({"function_declaration", "method_declaration"})
_RESULTS = {"string": '""', "bool": "false", "error": "nil", "byte": "0", "rune": "0", "float64": "0"}
_NUMBERS = frozenset(
    {"int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr"}
    | {"byte", "rune", "float32", "float64"}
)
_KNOWN_CALLS = {
    "len": "int", "cap": "int", "copy": "int", "string": "string", "append": "", "strings.Index": "int",
    "strings.TrimSpace": "string", "strings.ToLower": "string", "strings.ToUpper": "string", "strings.Join": "string",
    "strings.Repeat": "string", "strings.Replace": "string", "strings.Count": "int", "strconv.Itoa": "string",
    "fmt.Sprintf": "string", "fmt.Sprint": "string", "strings.HasPrefix": "bool", "strings.HasSuffix": "bool",
}  # fmt: skip


class Go(Grammar):
    name: ClassVar = "go"
    nested: ClassVar = _FUNCTIONS
    protected: ClassVar = frozenset({
        "import_declaration", "comment", "type_declaration", "type_identifier", "qualified_type", "slice_type",
        "array_type", "map_type", "pointer_type", "function_type", "channel_type", "struct_type", "interface_type",
        "generic_type", "parenthesized_type", "type_arguments", "defer_statement", "go_statement", "label_name",
        "const_declaration", "type_case",
    })  # fmt: skip
    blocks: ClassVar = frozenset(
        {"block", "if_statement", "for_statement", "expression_switch_statement", "type_switch_statement", "type_case"}
        | {"expression_case", "default_case", "communication_case", "func_literal"}
        | _FUNCTIONS
    )
    statement_lists: ClassVar = frozenset({"statement_list"})
    members: ClassVar = {"selector_expression": ("operand", "field")}
    subscripts: ClassVar = frozenset({"index_expression"})
    ifs: ClassVar = frozenset({"if_statement"})
    loops: ClassVar = frozenset({"for_statement"})
    switches: ClassVar = frozenset({"expression_switch_statement", "type_switch_statement", "select_statement"})
    cases: ClassVar = frozenset({"expression_case"})
    returns: ClassVar = frozenset({"return_statement"})
    exits: ClassVar = frozenset({"return_statement", "continue_statement", "break_statement"})
    assignments: ClassVar = frozenset({"call_expression", "assignment_statement", "inc_statement", "dec_statement"})
    integers: ClassVar = frozenset({"int_literal"})
    floats: ClassVar = frozenset({"float_literal"})
    strings: ClassVar = frozenset({"interpreted_string_literal", "rune_literal"})
    comparisons: ClassVar = COMPARISONS
    arithmetic: ClassVar = ARITHMETIC
    methods: ClassVar = pairs_of(
        "HasPrefix HasSuffix", "Index LastIndex", "IndexByte LastIndexByte", "IndexAny LastIndexAny", "min max",
        "IndexFunc LastIndexFunc", "TrimLeft TrimRight", "TrimPrefix TrimSuffix", "TrimLeftFunc TrimRightFunc",
        "ToUpper ToLower", "IsUpper IsLower", "IsLetter IsDigit", "Floor Ceil", "Min Max", "DecodeRune DecodeLastRune",
        "DecodeRuneInString DecodeLastRuneInString", "Base Dir", "Before After", "Contains ContainsAny", "Front Back",
        "PushFront PushBack", "Next Prev", "SplitN SplitAfterN", "Seconds Minutes", "Add Sub", "Less Greater",
        "Split SplitAfter", "Day YearDay", "InsertBefore InsertAfter",
    )  # fmt: skip
    quiet: ClassVar = re.compile(
        r"panic|print(ln)?|errors\.\w+|fmt\.(Errorf|Print\w*)|log\.\w+|.*\b[lL]og(ger)?\.\w+|.*\.(Fatal|Error|Log|Panic)f?"
        r"|regexp\.(Must)?Compile|\w*[eE]rrorf?"
    )
    own: ClassVar = ""  # each receiver has its own name
    nothing: ClassVar = "nil"

    def language(self, path: str) -> Language:
        return _GO

    def is_test_file(self, path: str) -> bool:
        place = PurePosixPath(path)
        return place.name.endswith("_test.go") or "testdata" in place.parts

    def opened(self, node: Node, in_function: bool) -> Opened | None:
        if node.type == "function_declaration":
            name = text(part(node, "name"))
            wants = "" if name.startswith("Example") else "testing."
            is_test = bool(_TEST.fullmatch(name)) and wants in text(part(node, "parameters"))
            return Opened((name,), node, is_test)
        if node.type == "method_declaration":
            receiver = [n for n in every(part(node, "receiver")) if n.type == "type_identifier"]
            return Opened((text(receiver[0]) if receiver else "?", text(part(node, "name"))), node)
        return None

    def bindings(self, scope: Scope) -> Iterator[Binding]:
        own = scope.function.node
        known: list[Binding] = []
        for node in every(own):
            # Types are told from what stands before: a name's type needs that of the names in its value.
            known.extend(self._bound(node, scope, known))
        yield from known

    def _bound(self, node: Node, scope: Scope, known: list[Binding]) -> Iterator[Binding]:
        block = ancestor(node, self.blocks)
        end = block.end_byte if block else node.end_byte
        if node.type in {"parameter_declaration", "variadic_parameter_declaration"}:
            if block is None or not (body := block.child_by_field_name("body")):
                return
            kind = words(part(node, "type"))
            kind = f"[]{kind}" if node.type.startswith("variadic") else kind
            for name in node.children_by_field_name("name"):
                yield Binding(text(name), kind, body.start_byte, body.end_byte, True)
        elif node.type == "var_spec":
            value = part(node, "value").named_children
            kind = words(part(node, "type")) if node.child_by_field_name("type") else ""
            for index, name in enumerate(node.children_by_field_name("name")):
                told = kind or (_kind(value[index], scope, known) if index < len(value) else "")
                yield Binding(text(name), told, node.end_byte, end)
        elif node.type == "short_var_declaration":
            names, values = part(node, "left").named_children, part(node, "right").named_children
            each = [_kind(one, scope, known) for one in values] if len(values) == len(names) else [""] * len(names)
            for name, kind in zip(names, each, strict=True):
                yield Binding(text(name), kind, node.end_byte, end)
        elif node.type == "range_clause" and (left := node.child_by_field_name("left")) and block:
            kinds = _ranged(_kind(part(node, "right"), scope, known))
            for name, kind in zip(left.named_children, kinds, strict=False):
                yield Binding(text(name), kind, part(block, "body").start_byte, end)
        elif node.type == "type_switch_statement" and (alias := node.child_by_field_name("alias")):
            for name in alias.named_children:
                yield Binding(text(name), "", node.start_byte, node.end_byte)

    def facts(self, root: Node) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in every(root, ("block",)):
            if node.type in _FUNCTIONS:
                _declared(node, found)
            elif node.type == "type_spec" and (fields := part(node, "type")).type == "struct_type":
                for field in every(fields):
                    if field.type == "field_declaration":
                        for name in field.children_by_field_name("name"):
                            found[f"{text(part(node, 'name'))}.{text(name)}"] = words(part(field, "type"))
        return found

    def type_of(self, node: Node, scope: Scope) -> str:
        return _kind(node, scope, scope.bindings)

    def is_read(self, node: Node) -> bool:
        parent = node.parent
        if node.type != "identifier" or parent is None:
            return False
        if parent.type == "literal_element" and parent.parent is not None and parent.parent.type == "keyed_element":
            return parent.parent.named_children[0] != parent  # the key is a field's name
        if parent.type == "expression_list":
            holder = parent.parent
            kinds = {"short_var_declaration", "assignment_statement", "range_clause"}
            return not (holder and holder.type in kinds and holder.child_by_field_name("left") == parent)
        kinds = {
            "parameter_declaration",
            "variadic_parameter_declaration",
            "var_spec",
            "inc_statement",
            "dec_statement",
        }
        if parent.type in kinds or parent.type == "const_spec":
            return False
        return not (parent.type == "call_expression" and parent.child_by_field_name("function") == node)

    def empty_results(self, value: Node, scope: Scope) -> Iterator[Change]:
        kinds = _results(scope.function.node)
        listed = value.named_children if value.type == "expression_list" else [value]
        if ancestor(value, frozenset({"func_literal"})) or len(kinds) != len(listed):
            return
        for kind, one in zip(kinds, listed, strict=True):
            other = (
                "0" if kind in _NUMBERS else _RESULTS.get(kind, "nil" if kind[:1] in "*[" or kind[:4] == "map[" else "")
            )
            if kind == "bool" and one.type in {"true", "false"}:
                continue
            if other and text(one) != other:
                yield Change(one.start_byte, one.end_byte, other)

    def is_sound(self, change: Change, scope: Scope) -> bool:
        return not (_leaves_unused(change, scope) or _repeats_case(change, scope) or _suspect(change, scope))

    def needs_value(self, node: Node, scope: Scope) -> bool:
        """Whether the function ends with this statement, and so must not go on behind it."""
        owner = ancestor(node, frozenset({"func_literal"}) | _FUNCTIONS)
        if owner is None or not owner.child_by_field_name("result"):
            return False
        here = node
        while here.parent is not None and here.parent != owner:
            statements = here.parent.named_children
            if here.parent.type == "statement_list" and statements[-1] != here:
                return False
            here = here.parent
        return True


def _kind(node: Node, scope: Scope, known: list[Binding] | tuple[Binding, ...]) -> str:
    if node.type == "identifier":
        found = [b for b in known if b.name == text(node) and b.since <= node.start_byte < b.until]
        return max(found, key=lambda b: b.since).type if found else ""
    literals = {"interpreted_string_literal": "string", "raw_string_literal": "string", "int_literal": "int",
                "rune_literal": "rune", "float_literal": "float64", "true": "bool", "false": "bool"}  # fmt: skip
    if node.type in literals:
        return literals[node.type]
    if node.type in {"parenthesized_expression", "expression_list"} and node.named_child_count == 1:
        return _kind(node.named_children[0], scope, known)
    if node.type == "slice_expression":
        return _kind(part(node, "operand"), scope, known)
    if node.type == "index_expression":
        return _ranged(_kind(part(node, "operand"), scope, known), indexed=True)[1]
    if node.type in {"type_conversion_expression", "composite_literal"}:
        return words(part(node, "type"))
    if node.type == "unary_expression":
        sign = text(part(node, "operator"))
        return "bool" if sign == "!" else _kind(part(node, "operand"), scope, known) if sign in {"-", "^"} else ""
    if node.type == "binary_expression":
        if text(part(node, "operator")) in {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}:
            return "bool"
        sides = [_kind(part(node, side), scope, known) for side in ("left", "right")]
        # A constant takes the type of what it is added to.
        constant = part(node, "left").type in {"int_literal", "rune_literal"}
        return sides[1] if constant else sides[0] or ("string" if "string" in sides else "")
    if node.type == "selector_expression":
        owner = _kind(part(node, "operand"), scope, known).lstrip("*").partition("[")[0]
        return scope.facts.get(f"{owner}.{text(part(node, 'field'))}", "")
    if node.type == "call_expression":
        called = text(part(node, "function"))
        plain = called if called in _NUMBERS else ""
        return plain or _KNOWN_CALLS.get(called, "") or scope.facts.get(f"{called}()", "")
    return ""


def _ranged(kind: str, *, indexed: bool = False) -> tuple[str, str]:
    """The types of the two variables of a `range`, or of an index and what it gives."""
    if kind == "string":
        return ("int", "byte" if indexed else "rune")
    if kind.startswith("["):
        return ("int", kind.partition("]")[2])
    if kind.startswith("map["):
        key, _, value = kind[4:].partition("]")
        return (key, value)
    return ("int", "") if kind in _NUMBERS else ("", "")


def _results(node: Node) -> list[str]:
    result = node.child_by_field_name("result")
    if result is None:
        return []
    if result.type != "parameter_list":
        return [words(result)]
    declared = [child for child in result.named_children if child.type == "parameter_declaration"]
    return [words(part(one, "type")) for one in declared for _ in (one.children_by_field_name("name") or [one])]


def _declared(node: Node, found: dict[str, str]) -> None:
    """Note a function's result and parameters; a name that two have with other types says nothing."""
    name = text(part(node, "name"))
    results = _results(node)
    facts = {f"{name}()": results[0] if len(results) == 1 else ""}
    index = 0
    for parameter in part(node, "parameters").named_children:
        for _ in parameter.children_by_field_name("name") or [parameter]:
            facts[f"{name}({index})"] = (
                words(part(parameter, "type")) if parameter.type == "parameter_declaration" else ""
            )
            index += 1
    for key, kind in facts.items():
        found[key] = kind if found.get(key, kind) == kind else ""


def _leaves_unused(change: Change, scope: Scope) -> bool:
    """Whether the last use of a local variable or of an import goes away."""
    for use in scope.uses:
        if not change.start <= use.byte < change.end or re.search(rf"\b{re.escape(use.name)}\b", change.text):
            continue
        found = scope.find(use.name, use.byte)
        if found is None:
            selector = use.node.parent is not None and use.node.parent.type == "selector_expression"
            if selector and not _used_elsewhere(use.name, change, scope):
                return True
        elif not found.is_parameter and not change.start <= found.since <= change.end:
            kept = [u.byte for u in scope.uses if u.name == use.name and not change.start <= u.byte < change.end]
            # A second `:=` in the same block gives the same variable another value.
            same = [scope.find(use.name, byte) for byte in kept]
            if not any(other is not None and other.until == found.until for other in same):
                return True
    return False


def _used_elsewhere(name: str, change: Change, scope: Scope) -> bool:
    rest = scope.source[: change.start] + b" " + scope.source[change.end :]
    return re.search(rb"\b%s\." % re.escape(name.encode()), _without_comments(rest)) is not None


def _without_comments(source: bytes) -> bytes:
    return re.sub(rb"//[^\n]*|/\*.*?\*/", b"", source, flags=re.DOTALL)


def _repeats_case(change: Change, scope: Scope) -> bool:
    """Whether a constant becomes one that another case of the same switch has."""
    here = scope.root.descendant_for_byte_range(change.start, max(change.start, change.end - 1))
    case = here if here is None or here.type == "expression_case" else ancestor(here, frozenset({"expression_case"}))
    value = case.child_by_field_name("value") if case else None
    if value is None or case is None or case.parent is None or not value.start_byte <= change.start < value.end_byte:
        return False
    others = [other for sibling in case.parent.named_children for other in part(sibling, "value").named_children]
    start = next((one.start_byte for one in value.named_children if one.start_byte <= change.start < one.end_byte), 0)
    end = next((one.end_byte for one in value.named_children if one.start_byte == start), 0)
    new = scope.source[start : change.start] + change.text.encode() + scope.source[change.end : end]
    return new.decode() in {text(other) for other in others}


def _suspect(change: Change, scope: Scope) -> bool:
    """What vet, which runs with the tests, calls suspect: `x != a || x != b`, `x == a && x == b`, `a && a`."""
    here = scope.root.descendant_for_byte_range(change.start, max(change.start, change.end - 1))
    logic = here
    while logic is not None and not (
        logic.type == "binary_expression" and text(part(logic, "operator")) in {"&&", "||"}
    ):
        logic = logic.parent
        if logic is None or logic.type in Go.blocks:
            return False
    if logic is None:
        return False
    new = (
        scope.source[logic.start_byte : change.start] + change.text.encode() + scope.source[change.end : logic.end_byte]
    )
    sign = r"(\S+) (!=|==) \S+"
    sides = [side.strip("() ") for side in re.split(r"&&|\|\|", new.decode("utf-8", "replace"))]
    if len({" ".join(side.split()) for side in sides}) < len(sides):
        return True
    tested = [re.fullmatch(sign, side) for side in sides]
    keys = [(match[1], match[2]) for match in tested if match]
    wrong = "==" if "&&" in new.decode("utf-8", "replace") else "!="
    return any(key[1] == wrong and keys.count(key) > 1 for key in keys)
