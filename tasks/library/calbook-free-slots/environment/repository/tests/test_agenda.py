from datetime import date

import pytest

from calbook import Agenda, format_day, parse_span


def at(text):
    return parse_span(f"2024-03-04 {text}")


@pytest.fixture
def agenda():
    agenda = Agenda()
    agenda.add("Review", at("10:00-11:00"), ["bo"])
    agenda.add("Stand-up", at("09:00-09:15"), ["ann", "bo"])
    return agenda


def test_events_come_by_start(agenda):
    assert [event.title for event in agenda.events()] == ["Stand-up", "Review"]


def test_events_of_one_person(agenda):
    assert [event.title for event in agenda.events(person="ann")] == ["Stand-up"]


def test_back_to_back_meetings_do_not_clash(agenda):
    agenda.add("Lunch", at("11:00-12:00"), ["bo"])
    assert agenda.clashes() == []


def test_clash_needs_a_shared_person(agenda):
    agenda.add("Dentist", at("10:30-11:30"), ["ann"])
    assert agenda.clashes() == []
    agenda.add("Call", at("10:45-11:15"), ["ann", "bo"])
    assert [(a.title, b.title) for a, b in agenda.clashes()] == [("Review", "Call"), ("Dentist", "Call")]


def test_cancel_frees_the_time(agenda):
    agenda.cancel(1)
    assert agenda.busy(["bo"]) == [at("09:00-09:15")]


def test_event_without_people_is_refused(agenda):
    with pytest.raises(ValueError, match="at least one person"):
        agenda.add("Ghost", at("12:00-13:00"), [])


def test_format_day(agenda):
    assert format_day(agenda, date(2024, 3, 4)) == "09:00-09:15  Stand-up (ann, bo)\n10:00-11:00  Review (bo)"
    assert format_day(agenda, date(2024, 3, 5)) == "nothing planned"
