"""What each module is for, in one example. These pass when the modules are written."""

from datetime import datetime, timedelta

from tickwork import Backoff, Scheduler, canonical, next_after, parse, parse_duration


def test_expression():
    expression = parse("30 2 * * mon-fri")
    assert expression.weekdays == frozenset({1, 2, 3, 4, 5})
    assert expression.matches(datetime(2024, 3, 1, 2, 30))
    assert not expression.matches(datetime(2024, 3, 2, 2, 30))


def test_next():
    assert next_after(parse("0 12 * * *"), datetime(2024, 3, 1, 12)) == datetime(2024, 3, 2, 12)


def test_canonical():
    assert canonical(parse("0,15,30,45 9-17 * jan,feb,mar 7")) == "*/15 9-17 * 1-3 0"


def test_duration():
    assert parse_duration("1h30m") == timedelta(hours=1, minutes=30)


def test_backoff():
    backoff = Backoff.parse("5m x2 max 1h tries 4")
    assert [backoff.wait_after(failures) for failures in (1, 2, 3, 4)] == [
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=20),
        None,
    ]


def test_scheduler():
    scheduler = Scheduler(datetime(2024, 3, 1))
    seen = []
    scheduler.add("noon", "0 12 * * *", seen.append)
    runs = scheduler.run_until(datetime(2024, 3, 3))
    assert seen == [run.at for run in runs] == [datetime(2024, 3, 1, 12), datetime(2024, 3, 2, 12)]
