import shelve
from pathlib import Path


def add_up(path):
    return sum(map(int, Path(path).read_text().split()))


def keep(path, sums):
    with shelve.open(str(path)) as shelf:
        shelf.update(sums)


def visit(amounts, function):
    for _ in range(3):
        try:
            function(None)
        except AssertionError:
            pass
