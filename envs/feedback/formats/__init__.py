"""Feedback that was given elsewhere: code reviews and the exports of annotation tools."""
