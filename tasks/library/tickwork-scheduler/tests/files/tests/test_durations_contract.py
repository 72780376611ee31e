from datetime import timedelta

import pytest

from tickwork import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1d", 86400),
        ("2w1d", 15 * 86400),
        ("1w2d3h4m5s", ((9 * 24 + 3) * 60 + 4) * 60 + 5),
        (" 1H\n", 3600),
        ("007s", 7),
        ("0w5s", 5),
    ],
    ids=range(10),
)
def test_parse(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


BAD = ["", " ", "5", "s", "1h 30m", "30m1h", "1m1m", "-5s", "+5s", "1.5h", "1y", "1hour", "5ms", "1h30", "\u0665s", "1_0s", f"{10**15}w"]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_errors(text):
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "1m"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (timedelta(days=8), "1w1d"),
        (timedelta(weeks=2), "2w"),
        (timedelta(days=400, hours=23, minutes=59, seconds=58), "57w1d23h59m58s"),
    ],
    ids=range(8),
)
def test_format(duration, text):
    assert format_duration(duration) == text
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "duration", [timedelta(seconds=-1), timedelta(microseconds=1), timedelta(days=-1, hours=23)], ids=range(3)
)
def test_what_cannot_be_written(duration):
    with pytest.raises(ValueError):
        format_duration(duration)
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
