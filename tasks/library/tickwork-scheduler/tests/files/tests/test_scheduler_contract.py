from datetime import datetime, timedelta

import pytest

from tickwork import Backoff, ExpressionError, NeverError, Run, Scheduler


def at(day, hour=0, minute=0):
    return datetime(2024, 3, day, hour, minute)


def nothing(moment):
    pass


def failing(times):
    """An action that fails so many times, then goes well for good."""
    left = [times]

    def action(moment):
        if left[0]:
            left[0] -= 1
            raise OSError("disk full")

    return action


@pytest.fixture
def scheduler():
    return Scheduler(at(1))


def brief(runs):
    return [(run.name, run.at.strftime("%d %H:%M"), run.attempt, run.error is None) for run in runs]


def test_nothing_to_do(scheduler):
    assert scheduler.run_until(at(2)) == []
    assert scheduler.now == at(2)
    assert scheduler.names == []


def test_runs_in_order_of_time(scheduler):
    scheduler.add("six", "0 6 * * *", nothing)
    scheduler.add("five-fifty", "50 5 * * *", nothing)
    assert scheduler.run_until(at(2, 5, 55)) == [
        Run("five-fifty", at(1, 5, 50), 1),
        Run("six", at(1, 6), 1),
        Run("five-fifty", at(2, 5, 50), 1),
    ]


def test_same_time_goes_by_name(scheduler):
    for name in ("b", "c", "a"):
        scheduler.add(name, "0 6 * * *", nothing)
    assert [run.name for run in scheduler.run_until(at(1, 6))] == ["a", "b", "c"]


def test_end_is_included_and_nothing_runs_twice(scheduler):
    scheduler.add("six", "0 6 * * *", nothing)
    assert len(scheduler.run_until(at(1, 6))) == 1
    assert scheduler.run_until(at(1, 6)) == []
    assert scheduler.run_until(at(2, 5, 59)) == []
    assert len(scheduler.run_until(at(2, 6))) == 1


def test_start_is_not_included():
    scheduler = Scheduler(at(1, 6))
    scheduler.add("six", "0 6 * * *", nothing)
    assert scheduler.next_run("six") == at(2, 6)
    assert scheduler.run_until(at(1, 6)) == []


def test_action_gets_the_moment_and_now_agrees(scheduler):
    seen = []
    scheduler.add("six", "0 */6 * * *", lambda moment: seen.append((moment, scheduler.now)))
    scheduler.run_until(at(1, 13))
    assert seen == [(at(1, 6), at(1, 6)), (at(1, 12), at(1, 12))]
    assert scheduler.now == at(1, 13)


def test_time_does_not_run_backwards(scheduler):
    scheduler.run_until(at(2))
    with pytest.raises(ValueError):
        scheduler.run_until(at(1, 23))
    assert scheduler.now == at(2)


def test_names_and_removing(scheduler):
    scheduler.add("b", "0 6 * * *", nothing)
    scheduler.add("a", "0 7 * * *", nothing)
    assert scheduler.names == ["a", "b"]
    scheduler.remove("b")
    assert [run.name for run in scheduler.run_until(at(2))] == ["a"]
    for use in (scheduler.remove, scheduler.next_run):
        with pytest.raises(KeyError):
            use("b")
    scheduler.add("b", "0 6 * * *", nothing)
    assert scheduler.next_run("b") == at(2, 6)


@pytest.mark.parametrize(
    ("name", "expression", "error"),
    [("old", "0 7 * * *", ValueError), ("new", "0 7 * *", ExpressionError), ("new", "0 0 30 2 *", NeverError)],
    ids=["taken", "malformed", "never"],
)
def test_add_refuses(scheduler, name, expression, error):
    scheduler.add("old", "0 6 * * *", nothing)
    with pytest.raises(error):
        scheduler.add(name, expression, nothing)
    assert scheduler.names == ["old"]
    assert scheduler.next_run("old") == at(1, 6)


def test_failure_is_recorded_and_the_others_go_on(scheduler):
    scheduler.add("a", "0 6 * * *", failing(1))
    scheduler.add("b", "0 6 * * *", nothing)
    assert scheduler.run_until(at(2, 6)) == [
        Run("a", at(1, 6), 1, "OSError: disk full"),
        Run("b", at(1, 6), 1),
        Run("a", at(2, 6), 1),
        Run("b", at(2, 6), 1),
    ]


def test_retries_until_it_goes_well(scheduler):
    scheduler.add("a", "0 6 * * *", failing(2), retry=Backoff.parse("5m x2"))
    assert brief(scheduler.run_until(at(2, 6))) == [
        ("a", "01 06:00", 1, False),
        ("a", "01 06:05", 2, False),
        ("a", "01 06:15", 3, True),
        ("a", "02 06:00", 1, True),
    ]


def test_retries_run_out(scheduler):
    scheduler.add("a", "0 6 * * *", failing(4), retry=Backoff.parse("5m tries 3"))
    assert brief(scheduler.run_until(at(2, 7))) == [
        ("a", "01 06:00", 1, False),
        ("a", "01 06:05", 2, False),
        ("a", "01 06:10", 3, False),
        ("a", "02 06:00", 1, False),
        ("a", "02 06:05", 2, True),
    ]


def test_waiting_retry_is_the_next_run(scheduler):
    scheduler.add("a", "0 6 * * *", failing(1), retry=Backoff.parse("90m"))
    scheduler.run_until(at(1, 6))
    assert scheduler.next_run("a") == at(1, 7, 30)
    assert brief(scheduler.run_until(at(1, 7, 30))) == [("a", "01 07:30", 2, True)]
    assert scheduler.next_run("a") == at(2, 6)


def test_occurrence_takes_the_place_of_a_later_retry(scheduler):
    scheduler.add("a", "0 * * * *", failing(2), retry=Backoff.parse("90m"))
    assert brief(scheduler.run_until(at(1, 4))) == [
        ("a", "01 01:00", 1, False),
        ("a", "01 02:00", 1, False),
        ("a", "01 03:00", 1, True),
        ("a", "01 04:00", 1, True),
    ]


def test_occurrence_takes_the_place_of_a_retry_at_the_same_time(scheduler):
    scheduler.add("a", "0 * * * *", failing(3), retry=Backoff.parse("30m x1 tries 9"))
    assert brief(scheduler.run_until(at(1, 2, 30))) == [
        ("a", "01 01:00", 1, False),
        ("a", "01 01:30", 2, False),
        ("a", "01 02:00", 1, False),
        ("a", "01 02:30", 2, True),
    ]


def test_retries_and_other_jobs_interleave(scheduler):
    scheduler.add("a", "0 6 * * *", failing(1), retry=Backoff.parse("10m"))
    scheduler.add("b", "5,10 6 * * *", nothing)
    assert brief(scheduler.run_until(at(1, 7))) == [
        ("a", "01 06:00", 1, False),
        ("b", "01 06:05", 1, True),
        ("a", "01 06:10", 2, True),
        ("b", "01 06:10", 1, True),
    ]


def test_removed_job_is_not_tried_again(scheduler):
    scheduler.add("a", "0 6 * * *", failing(1), retry=Backoff.parse("5m"))
    scheduler.run_until(at(1, 6))
    scheduler.remove("a")
    assert scheduler.run_until(at(3)) == []


def test_action_removes_itself(scheduler):
    def once(moment):
        scheduler.remove("once")

    scheduler.add("once", "0 6 * * *", once)
    assert len(scheduler.run_until(at(5))) == 1
    assert scheduler.names == []


def test_action_that_removes_itself_and_fails_is_not_tried_again(scheduler):
    def once(moment):
        scheduler.remove("once")
        raise OSError("disk full")

    scheduler.add("once", "0 6 * * *", once, retry=Backoff.parse("5m"))
    assert brief(scheduler.run_until(at(5))) == [("once", "01 06:00", 1, False)]


def test_action_removes_another_that_is_due_at_the_same_time(scheduler):
    scheduler.add("a", "0 6 * * *", lambda moment: scheduler.remove("b"))
    scheduler.add("b", "0 6 * * *", nothing)
    assert brief(scheduler.run_until(at(1, 6))) == [("a", "01 06:00", 1, True)]


def test_action_adds_a_job(scheduler):
    def add(moment):
        scheduler.remove("a")
        scheduler.add("a-later", "*/10 6 * * *", nothing)

    scheduler.add("a", "0 6 * * *", add)
    assert brief(scheduler.run_until(at(1, 6, 20))) == [
        ("a", "01 06:00", 1, True),
        ("a-later", "01 06:10", 1, True),
        ("a-later", "01 06:20", 1, True),
    ]


def test_last_occurrence():
    scheduler = Scheduler(datetime(9999, 12, 30, 12))
    scheduler.add("a", "0 0 * * *", failing(1), retry=Backoff.parse("1h"))
    assert len(scheduler.run_until(datetime(9999, 12, 31))) == 1
    assert scheduler.next_run("a") == datetime(9999, 12, 31, 1)
    assert len(scheduler.run_until(datetime(9999, 12, 31, 2))) == 1
    assert scheduler.next_run("a") is None


def test_many_small_steps_are_one_big_step():
    def runs_of(stops):
        scheduler = Scheduler(at(1))
        scheduler.add("a", "*/20 * * * *", failing(5), retry=Backoff.parse("1m x3"))
        scheduler.add("b", "0 2,3 * * *", failing(3), retry=Backoff.parse("7m tries 2"))
        return [run for stop in stops for run in scheduler.run_until(stop)]

    steps = [at(1) + timedelta(minutes=n) for n in range(0, 301)]
    assert runs_of(steps) == runs_of([at(1, 5)])
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
