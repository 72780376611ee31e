"""What goes wrong."""


class TableError(ValueError):
    """A text is no table."""


class ColumnError(LookupError):
    """A table has no column of that name, or more than one."""
