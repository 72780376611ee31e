"""What goes wrong."""


class ExpressionError(ValueError):
    """A text is no cron expression. The message names the field: minute, hour, day, month or weekday."""


class NeverError(LookupError):
    """An expression has no occurrence there."""


class DurationError(ValueError):
    """A text is no duration."""
