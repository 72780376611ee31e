"""TypeScript: JavaScript whose faults must also satisfy a type checker, wherever that can be told without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import Scope, every, part
from journeyman.tasks.sources.syntax.javascript import JavaScript, annotated

_EMPTY = {"number": "0", "string": '""', "boolean": "false"}
_FIELDS = frozenset({"public_field_definition", "required_parameter", "optional_parameter"})


_OTHER_TYPES = ({"find", "filter"}, {"map", "forEach"}, {"slice", "splice"}, {"slice", "substr"}, {"add", "delete"})
"""Methods that are taken for each other, but whose results no checker takes for each other."""


class TypeScript(JavaScript):
    name: ClassVar = "typescript"
    typed: ClassVar = True
    methods: ClassVar = {
        name: tuple(other for other in others if {name, other} not in _OTHER_TYPES)
        for name, others in JavaScript.methods.items()
    }

    def facts(self, root: Node) -> dict[str, str]:
        """The types of fields, also of those that a constructor's parameters declare."""
        found: dict[str, str] = {}
        for node in every(root):
            if node.type in {"class_declaration", "class", "abstract_class_declaration"}:
                for field in every(part(node, "body")):
                    if field.type in _FIELDS and (kind := annotated(field)):
                        name = part(field, "name") if field.type.startswith("public") else part(field, "pattern")
                        found[f"{text(part(node, 'name'))}.{text(name)}"] = kind
        return found

    def type_of(self, node: Node, scope: Scope) -> str:
        owner = scope.function.qualname.split(".")[-2:-1]
        if node.type == "member_expression" and text(part(node, "object")) == self.own and owner:
            return scope.facts.get(f"{owner[0]}.{text(part(node, 'property'))}", "")
        return super().type_of(node, scope)

    def may_stand_for(self, own: str, other: str) -> bool:
        return own == other != ""

    def empty_results(self, value: Node, scope: Scope) -> Iterator[Change]:
        kind = annotated(scope.function.node, "return_type")
        other = self.nothing if "undefined" in kind.split() else _EMPTY.get(kind, "")
        if other and text(value) not in {other, "true"}:
            yield Change(value.start_byte, value.end_byte, other)

    def may_miss(self, condition: Node) -> bool:
        """A test of what a value is tells the checker its type: without it the branch would not compile."""
        words = set(text(condition).replace("(", " ").split())
        telling = {"null", "undefined", "typeof", "instanceof", "in", "null)", "undefined)"}
        return condition.type == "binary_expression" and not words & telling and "&&" not in words and "||" not in words

    def may_be_another(self, content: str) -> bool:
        # A word may be one of a union's.
        return not content.replace("-", "").isalnum() or not content
