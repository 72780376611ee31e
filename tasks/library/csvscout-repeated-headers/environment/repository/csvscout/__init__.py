"""Reads the CSV files that people really send."""

from csvscout.dialect import guess_delimiter
from csvscout.headers import clean_name, unique_names
from csvscout.table import Table, TableError, read_table

__all__ = ["Table", "TableError", "clean_name", "guess_delimiter", "read_table", "unique_names"]
