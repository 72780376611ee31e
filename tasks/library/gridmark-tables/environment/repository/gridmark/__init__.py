"""Reads, changes and neatly writes Markdown tables."""

from gridmark.align import Align
from gridmark.cells import escape, has_pipe, join_row, split_row
from gridmark.columns import align_numbers, select, sort_by
from gridmark.document import format_document
from gridmark.errors import ColumnError, TableError
from gridmark.table import Table, parse_table, render_table
from gridmark.width import display_width

__all__ = [
    "Align",
    "ColumnError",
    "Table",
    "TableError",
    "align_numbers",
    "display_width",
    "escape",
    "format_document",
    "has_pipe",
    "join_row",
    "parse_table",
    "render_table",
    "select",
    "sort_by",
    "split_row",
]
