"""A tiny template engine for mails and reports."""

from stencil.errors import TemplateError
from stencil.expressions import parse_expression
from stencil.template import Template

__all__ = ["Template", "TemplateError", "parse_expression"]
