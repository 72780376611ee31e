from contextlib import contextmanager


class _Session:
    def __init__(self, cents):
        self.left = cents

    def pay(self, cents):
        if cents > self.left:
            raise ValueError("not enough money")
        self.left -= cents


@contextmanager
def Session(cents):
    made = _Session(cents)
    try:
        yield made
    finally:
        made.left = 0
