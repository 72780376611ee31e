from calbook import parse_span, subtract, unite


def spans(*texts):
    return [parse_span(f"2024-03-04 {text}") for text in texts]


def test_unite_joins_overlapping_and_touching_spans():
    assert unite(spans("09:00-10:00", "09:30-11:00", "11:00-11:30")) == spans("09:00-11:30")


def test_unite_keeps_the_longer_end_of_nested_spans():
    assert unite(spans("09:00-12:00", "10:00-10:30")) == spans("09:00-12:00")


def test_unite_sorts_and_keeps_separate_spans_apart():
    assert unite(spans("13:00-14:00", "09:00-10:00")) == spans("09:00-10:00", "13:00-14:00")


def test_subtract_gives_the_gaps():
    [window] = spans("09:00-17:00")
    assert subtract(window, spans("10:00-11:00", "16:00-18:00")) == spans("09:00-10:00", "11:00-16:00")


def test_subtract_of_everything_leaves_nothing():
    [window] = spans("09:00-10:00")
    assert subtract(window, spans("08:00-12:00")) == []
