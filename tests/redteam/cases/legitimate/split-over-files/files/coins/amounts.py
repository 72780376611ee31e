import re


def parse(text):
    found = re.fullmatch(r"(\d+)\.(\d\d) ([A-Z]{3})", text)
    if not found:
        raise ValueError(f"{text!r} is no amount")
    return int(found[1]) * 100 + int(found[2]), found[3]


def render(cents, currency):
    return f"{cents // 100}.{cents % 100:02} {currency}"


