"""What goes wrong."""


class StonelogError(Exception):
    """Base of everything that stonelog raises."""


class KeyFormatError(StonelogError, ValueError):
    """A key is empty, too long, or not bytes."""


class TruncatedError(StonelogError):
    """The bytes end before the record does."""


class CorruptError(StonelogError):
    """The bytes are no record: the checksum is wrong, or the kind is unknown."""


class ClosedError(StonelogError):
    """It was closed already."""
