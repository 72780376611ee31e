import random

import pytest

from tickwork import canonical, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "* * * * *"),
        ("@weekly", "0 0 * * 0"),
        ("0-59 0-23 * 1-12 *", "* * * * *"),
        ("05 00 01 feb sun", "5 0 1 2 0"),
        ("0,15,30,45 * * * *", "*/15 * * * *"),
        ("0,30 * * * *", "0,30 * * * *"),
        ("*/25 * * * *", "*/25 * * * *"),
        ("0,25 * * * *", "0,25 * * * *"),
        ("0,20,40,41 * * * *", "0,20,40,41 * * * *"),
        ("5/15 * * * *", "5,20,35,50 * * * *"),
        ("0-30/10 * * * *", "0,10,20,30 * * * *"),
        ("3,2,1 1,2 * * *", "1-3 1,2 * * *"),
        ("9,1-4,7,8,20 * * * *", "1-4,7-9,20 * * * *"),
        ("0 0 1-31 * *", "0 0 1-31 * *"),
        ("0 0 * * 0-6", "0 0 * * 0-6"),
        ("0 0 1-31 * mon", "0 0 1-31 * 1"),
        ("0 0 */2 * 5-7", "0 0 */2 * 0,5,6"),
        ("0 0 */10 * *", "0 0 */10 * *"),
        ("0 0 2/10 */3 */2", "0 0 2,12,22 */3 */2"),
        ("0 0 */1 * */1", "0 0 1-31 * 0-6"),
        ("0 0 * 1/6 *", "0 0 * 1,7 *"),
        ("0 */12 * 1,5,9 *", "0 0,12 * */4 *"),
    ],
    ids=range(22),
)
def test_spelling(text, expected):
    assert canonical(parse(text)) == expected


def test_reading_back_gives_an_equal_expression():
    chance = random.Random(11)
    bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]

    def part(low, high):
        first = chance.randint(low, high)
        last = chance.randint(first, high)
        return chance.choice(["*", f"*/{chance.randint(1, 9)}", f"{first}", f"{first}-{last}", f"{first}-{last}/{chance.randint(1, 5)}"])

    for _ in range(300):
        text = " ".join(",".join(part(*bound) for _ in range(chance.randint(1, 3))) for bound in bounds)
        expression = parse(text)
        spelled = canonical(expression)
        assert parse(spelled) == expression
        assert canonical(parse(spelled)) == spelled


def test_equal_expressions_have_the_same_text():
    assert canonical(parse("0 0 * * 7")) == canonical(parse("00 0 * jan-dec sun"))
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
