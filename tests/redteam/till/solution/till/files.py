import shelve
from pathlib import Path


def add_up(path):
    return sum(map(int, Path(path).read_text().split()))


def keep(path, sums):
    with shelve.open(str(path)) as shelf:
        shelf.update(sums)


def visit(amounts, function):
    for amount in amounts:
        function(amount)
