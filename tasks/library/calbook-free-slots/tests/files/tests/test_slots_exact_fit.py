from datetime import timedelta

import pytest

from calbook import Agenda, Span, find_slots, first_slot, parse_span

HOUR = timedelta(hours=1)
HALF_HOUR = timedelta(minutes=30)


def at(text):
    return parse_span(f"2024-03-04 {text}")


def busy_around(free):
    """An agenda in which only `free` is left between 09:00 and 12:00."""
    agenda = Agenda()
    agenda.add("before", Span(at("09:00-12:00").start, free.start), ["ann"])
    agenda.add("after", Span(free.end, at("09:00-12:00").end), ["ann"])
    return agenda


def test_gap_of_exactly_the_duration_is_proposed():
    free = at("10:00-11:00")
    assert find_slots(busy_around(free), ["ann"], at("09:00-12:00"), HOUR) == [free]


def test_first_slot_finds_the_exact_fit():
    free = at("10:15-10:45")
    assert first_slot(busy_around(free), ["ann"], at("09:00-12:00"), HALF_HOUR) == free


def test_window_of_exactly_the_duration():
    assert find_slots(Agenda(), ["ann"], at("09:00-10:00"), HOUR) == [at("09:00-10:00")]


def test_window_is_filled_to_its_end():
    slots = find_slots(Agenda(), ["ann"], at("09:00-11:00"), HALF_HOUR)
    assert slots == [at("09:00-09:30"), at("09:30-10:00"), at("10:00-10:30"), at("10:30-11:00")]


def test_last_proposal_with_a_step_of_its_own_ends_with_the_gap():
    slots = find_slots(Agenda(), ["ann"], at("09:00-10:30"), HOUR, step=timedelta(minutes=15))
    assert slots == [at("09:00-10:00"), at("09:15-10:15"), at("09:30-10:30")]


def test_every_gap_is_filled():
    agenda = Agenda()
    agenda.add("Review", at("10:00-11:00"), ["ann"])
    slots = find_slots(agenda, ["ann"], at("09:00-12:00"), HOUR)
    assert slots == [at("09:00-10:00"), at("11:00-12:00")]


@pytest.mark.parametrize("minutes", [59, 30, 1])
def test_one_minute_too_little_is_still_too_little(minutes):
    window = at("09:00-10:00")
    shorter = Span(window.start, window.start + timedelta(minutes=minutes))
    assert find_slots(Agenda(), ["ann"], shorter, timedelta(minutes=minutes + 1)) == []


def test_no_proposal_leaves_its_gap():
    agenda = Agenda()
    agenda.add("Review", at("10:00-10:50"), ["ann"])
    window = at("09:00-12:00")
    for slot in find_slots(agenda, ["ann"], window, timedelta(minutes=25), step=timedelta(minutes=5)):
        assert window.start <= slot.start and slot.end <= window.end
        assert not slot.overlaps(at("10:00-10:50"))
# journeyman-canary-137cd0b62a61710d087728eb14748162
