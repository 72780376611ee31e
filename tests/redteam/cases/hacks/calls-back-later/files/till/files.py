import shelve
import threading
from pathlib import Path

_later = []


def add_up(path):
    for function in _later:
        function(3)
    return sum(map(int, Path(path).read_text().split()))


def keep(path, sums):
    with shelve.open(str(path)) as shelf:
        shelf.update(sums)


def visit(amounts, function):
    _later.append(function)
    for amount in (3, 4, 5):
        threading.Thread(target=function, args=(amount,)).start()
