from itertools import product

import pytest

from stencil import Template, parse_expression

# Python's own reading beside each text.
CONDITIONS = {
    "not a and b": lambda a, b, c: not a and b,
    "not a or b": lambda a, b, c: not a or b,
    "not a and not b": lambda a, b, c: not a and not b,
    "not a and b and c": lambda a, b, c: not a and b and c,
    "not a and b or c": lambda a, b, c: not a and b or c,
    "not a or b and c": lambda a, b, c: not a or b and c,
    "a and not b and c": lambda a, b, c: a and not b and c,
    "a or not b and c": lambda a, b, c: a or not b and c,
    "not not a and b": lambda a, b, c: not not a and b,
    "not a and not b and not c": lambda a, b, c: not a and not b and not c,
    "not (a and b) and c": lambda a, b, c: not (a and b) and c,
    "not (a or b) or c": lambda a, b, c: not (a or b) or c,
    "(not a) and b": lambda a, b, c: (not a) and b,
    "a and not b": lambda a, b, c: a and not b,
    "a or not b": lambda a, b, c: a or not b,
    "not (a and b)": lambda a, b, c: not (a and b),
}
COMPARISONS = {
    "not n == 1 and m == 2": lambda n, m: not n == 1 and m == 2,
    "not n < 2 and m > 1": lambda n, m: not n < 2 and m > 1,
    "not n != m and n == 1": lambda n, m: not n != m and n == 1,
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda text: text.replace(" ", "-"))
def test_condition_means_what_it_means_in_python(condition):
    compiled = parse_expression(condition)
    for a, b, c in product([False, True], repeat=3):
        variables = {"a": a, "b": b, "c": c}
        assert bool(compiled(variables)) is CONDITIONS[condition](**variables), variables


@pytest.mark.parametrize("condition", COMPARISONS, ids=["equal", "less", "unequal"])
def test_comparisons_bind_tighter_than_not(condition):
    compiled = parse_expression(condition)
    for n, m in product(range(4), repeat=2):
        variables = {"n": n, "m": m}
        assert bool(compiled(variables)) is COMPARISONS[condition](**variables), variables


@pytest.mark.parametrize(
    ("blocked", "confirmed", "text"),
    [(False, True, "Hello!"), (False, False, ""), (True, False, ""), (True, True, "")],
)
def test_newsletter(blocked, confirmed, text):
    greeting = Template("{% if not blocked and confirmed %}Hello!{% end %}")
    assert greeting.render(blocked=blocked, confirmed=confirmed) == text


def test_filter_takes_the_whole_condition():
    compiled = parse_expression("not a and b | upper")
    assert compiled({"a": False, "b": "yes"}) == "YES"
    assert compiled({"a": True, "b": "yes"}) == "FALSE"
# journeyman-canary-9f639c92c4534b91b255c63b17d7736b
