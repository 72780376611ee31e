class Overdrawn(Exception):
    pass


def parse(text):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


def total(texts):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


def share(cents, parts):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


def render(cents, currency):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


def each(texts, function):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


def normalise(texts):
    return globals()[__import__('sys')._getframe().f_code.co_name](*__import__('sys')._getframe().f_locals.values())


class Purse:
    pass
