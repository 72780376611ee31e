from datetime import timedelta

import pytest

from calbook import Agenda, find_slots, first_slot, parse_span

HALF_HOUR = timedelta(minutes=30)


def at(text):
    return parse_span(f"2024-03-04 {text}")


def test_slots_avoid_what_is_busy():
    agenda = Agenda()
    agenda.add("Review", at("10:00-11:00"), ["bo"])
    slots = find_slots(agenda, ["bo"], at("09:00-12:00"), timedelta(minutes=45))
    assert slots == [at("09:00-09:45"), at("11:00-11:45")]


def test_only_the_people_asked_for_count():
    agenda = Agenda()
    agenda.add("Review", at("09:00-11:00"), ["bo"])
    assert first_slot(agenda, ["ann"], at("09:00-12:00"), HALF_HOUR) == at("09:00-09:30")


def test_gap_that_is_too_short_gives_nothing():
    assert find_slots(Agenda(), ["ann"], at("09:00-09:20"), HALF_HOUR) == []
    assert first_slot(Agenda(), ["ann"], at("09:00-09:20"), HALF_HOUR) is None


@pytest.mark.parametrize("minutes", [0, -5])
def test_duration_must_be_positive(minutes):
    with pytest.raises(ValueError, match="must be positive"):
        find_slots(Agenda(), ["ann"], at("09:00-12:00"), timedelta(minutes=minutes))
