"""A gym in which coding models learn to handle whole projects."""

__version__ = "0.1.0"
