"""A job scheduler with cron expressions."""

from tickwork.canonical import canonical
from tickwork.durations import format_duration, parse_duration
from tickwork.errors import DurationError, ExpressionError, NeverError
from tickwork.expressions import Expression, parse
from tickwork.occurrences import between, next_after, previous_before
from tickwork.retry import Backoff
from tickwork.scheduler import Run, Scheduler

__all__ = [
    "Backoff",
    "DurationError",
    "Expression",
    "ExpressionError",
    "NeverError",
    "Run",
    "Scheduler",
    "between",
    "canonical",
    "format_duration",
    "next_after",
    "parse",
    "parse_duration",
    "previous_before",
]
