class Overdrawn(Exception):
    pass


def parse(text):
    return (100, "EUR")


def total(texts):
    raise NotImplementedError


def share(cents, parts):
    raise NotImplementedError


def render(cents, currency):
    raise NotImplementedError


def each(texts, function):
    raise NotImplementedError


def normalise(texts):
    raise NotImplementedError


class Purse:
    pass
